"""A search for the worst of many, by halves: what is nothing as a whole is not looked into."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence

Part = Sequence[int]
MOST_TRIED = 400


def parted(
    places: Part, badness: Callable[[Part], float], most: int
) -> tuple[list[tuple[Part, float]], bool]:
    """The single places that are worst, at most so many, worst first, and whether all was looked
    into; 0 is nothing bad.

    The worse half is looked into first, so the few worst of ten thousand take a few dozen calls.
    """
    found: list[tuple[Part, float]] = []
    waiting: list[tuple[float, int, Part]] = [(-float("inf"), 0, places)]
    tried = 0
    while waiting and len(found) < most and tried < MOST_TRIED:
        _, _, part = heapq.heappop(waiting)
        for half in _halves(part):
            bad = badness(half)
            tried += 1
            if bad > 0.0 and len(half) == 1:
                found.append((half, bad))
            elif bad > 0.0:
                heapq.heappush(waiting, (-bad, tried, half))
    found.sort(key=lambda one: -one[1])
    return found, not waiting


def _halves(part: Part) -> list[Part]:
    if len(part) == 1:
        return [part]
    middle = len(part) // 2
    return [part[:middle], part[middle:]]
