"""A tape as operations of the array-API standard; see `ArrayTape`."""

from .tape.array_api import ArrayTape

__all__ = ["ArrayTape"]
