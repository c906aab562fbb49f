"""Locks that a fork waits for: in the child nothing is half done, with nobody left to finish it.

A fork copies a process with one of its threads, the one that forks. A lock that another thread
holds would stay held in the child for ever, and what it guards would stay as it was at that moment.
So whoever forks takes these locks first.
"""

from __future__ import annotations

import os
from threading import RLock
from typing import Any

# from the outermost to the innermost: nobody takes one while he holds a later one
_locks: list[Any] = []
_held: list[Any] = []


def kept_from_forks(lock: Any = None) -> Any:
    """A lock, or the one that is given, for which forks wait from now on."""
    lock = lock or RLock()
    _locks.append(lock)
    return lock


def _before() -> None:
    for lock in _locks:  # one that comes while this waits for another is met, too
        lock.acquire()
        _held.append(lock)


def _after() -> None:
    held = _held[::-1]
    _held.clear()  # before the outermost is released, for which another fork may wait
    for lock in held:
        lock.release()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(before=_before, after_in_parent=_after, after_in_child=_after)
