"""A tape over many points on a Dask cluster; see `Shards`."""

from .tape.dask import Shards

__all__ = ["Shards"]
