"""Tapes: graphs as flat programs, and what runs them;
README.md beside this file shows the way from one to the other.
"""

from .recorder import record
from .tape import Tape

__all__ = ["Tape", "record"]
