"""Pickling a graph without recursion: its nodes are written one by one, operands first, between two
fences.

Pickle asks an object for its parts and descends into them, which for a deep graph overflows the
stack. So the node that is met first brings along all nodes below it in topological order. While the
fence is up, each is written as its own parts, whose operands have been written already; what is
shared stays shared. Knows nothing of what the nodes are.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Sequence
from typing import Any


class _Fence:
    """Raises or lowers the fence when it is pickled; it also falls with the list that holds it,
    if that is cut short.
    """

    __slots__ = ("__weakref__", "up")

    def __init__(self, up: bool) -> None:
        self.up = up

    def __reduce__(self) -> tuple[type[bool], tuple[()]]:
        _thread.raised = weakref.ref(self) if self.up else None
        return bool, ()


class _Thread(threading.local):
    raised: weakref.ref[_Fence] | None = None


_thread = _Thread()


def fence_is_up() -> bool:
    """Whether nodes are being written one by one, so that each gives its own parts only."""
    return _thread.raised is not None and _thread.raised() is not None


def operands_first(order: Sequence[Any]) -> tuple[Callable[[list[Any]], Any], tuple[list[Any]]]:
    """What the last node of a topological order answers to `__reduce__`
    in order to bring the others along.
    """
    return _last_between_fences, ([_Fence(up=True), *order, _Fence(up=False)],)


def _last_between_fences(written: list[Any]) -> Any:
    return written[-2]
