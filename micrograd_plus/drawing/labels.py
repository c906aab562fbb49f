"""Where the numbers on the wires stand: on their own wire, over no box and no other number, and
clear of other wires.

Each label has a row of places along its wire, the middle first. Those with the fewest free places
choose first, and one that finds its own all taken may ask one other label to step aside.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import count, islice
from operator import itemgetter

from .layout import Point

Rectangle = tuple[float, float, float, float]  # left, top, right, bottom
Place = tuple[float, Rectangle]  # how far along the wire it is from its middle

STEP = 6.0  # points between two places on a wire
PLACES = 36  # of which the nearest to the middle are tried
CELL = 12.0  # of the grid that knows which wires pass where
CLEAR = 2.0  # points that a label keeps from a box
ARROW = 8.0  # and from the tip of its wire
CROSSED = 60.0  # points that a label goes out of its way rather than lie on one other wire


def place_labels(
    curves: Sequence[Sequence[Point]],
    sizes: Sequence[Point | None],
    boxes: Sequence[Rectangle],
    frame: Rectangle,
) -> list[Point | None]:
    """A centre for the label of each curve that has a size, inside the frame; None where there is
    no room.

    A curve is one or more cubic Béziers in a row, as `lay_out` gives them.
    """
    wires = _Wires(curves, sizes, [_grown(box, CLEAR) for box in boxes], frame)
    chosen = wires.undisputed()
    waiting = [k for k, size in enumerate(sizes) if size is not None and k not in chosen]
    for k in sorted(waiting, key=wires.length):
        taken = chosen.values()
        place = (
            _free(wires.clear_places(k), taken)
            or _free(wires.places(k), taken)
            or _made_free(k, wires, chosen)
        )
        if place is not None:
            chosen[k] = place
    return [_centre(chosen[k]) if k in chosen else None for k in range(len(curves))]


def lying_on_others(
    curves: Sequence[Sequence[Point]], sizes: Sequence[Point | None], places: Sequence[Point | None]
) -> int:
    """How many labels in these places lie on a wire that is not theirs."""
    wires = _Wires(curves, sizes, [], (0.0, 0.0, 0.0, 0.0))
    return sum(
        wires.is_crossed(k, rectangle(place, size))
        for k, (place, size) in enumerate(zip(places, sizes))
        if place is not None and size is not None
    )


class _Wires:
    """The curves, and the rectangles on each that its label could take."""

    def __init__(
        self,
        curves: Sequence[Sequence[Point]],
        sizes: Sequence[Point | None],
        boxes: Sequence[Rectangle],
        frame: Rectangle,
    ) -> None:
        self._paths = [_walk(curve) for curve in curves]
        self._sizes, self._boxes, self._frame = sizes, boxes, frame
        self._allowed: dict[int, list[Place]] = {}
        self._crossings: dict[tuple[int, Rectangle], int] = {}
        self._passing: dict[tuple[int, int], list[tuple[int, float, float]]] = defaultdict(list)
        for k, path in enumerate(self._paths):
            for x, y in path:
                self._passing[int(x // CELL), int(y // CELL)].append((k, x, y))

    def length(self, k: int) -> int:
        """How long a wire is, in steps."""
        return len(self._paths[k])

    def undisputed(self) -> dict[int, Rectangle]:
        """The middles of wires where nothing else is, and no other label would be in its middle."""
        middles = {
            k: rectangle(path[len(path) // 2], size)
            for k, (path, size) in enumerate(zip(self._paths, self._sizes))
            if size is not None
        }
        alone = {
            k: r
            for k, r in middles.items()
            if self._is_allowed(k, r, self._boxes) and not self._crossing(k, r)
        }
        return {
            k: r
            for k, r in alone.items()
            if sum(_overlap(r, other) for other in middles.values()) == 1
        }

    def clear_places(self, k: int) -> Iterator[Rectangle]:
        """Places of which none lies on another wire, and all are nearer to the middle than would
        pay to lie on one.
        """
        return (r for away, r in self._places(k) if away < CROSSED and not self._crossing(k, r))

    def places(self, k: int) -> list[Rectangle]:
        """All places where the label of wire k could stand, the best first."""
        ranked = [(away + CROSSED * self._crossing(k, r), r) for away, r in self._places(k)]
        return [r for _, r in sorted(ranked, key=itemgetter(0))]

    def _places(self, k: int) -> list[Place]:
        """Those that lie on no box, the nearest to the middle first."""
        if k not in self._allowed:
            size, path = self._sizes[k] or (0.0, 0.0), self._paths[k]
            reach = _grown(_around(path), max(size))
            boxes = [box for box in self._boxes if _overlap(box, reach)]
            middle, found = len(path) // 2, []
            for i in islice(_outwards(middle), min(PLACES, len(path))):
                r = rectangle(path[i], size)
                if self._is_allowed(k, r, boxes):
                    found.append((abs(i - middle) * STEP, r))
            self._allowed[k] = found
        return self._allowed[k]

    def _is_allowed(self, k: int, r: Rectangle, boxes: Sequence[Rectangle]) -> bool:
        tip = rectangle(self._paths[k][-1], (2 * ARROW, 2 * ARROW))
        if _overlap(r, tip) or not _inside(r, self._frame):
            return False
        return not any(_overlap(r, box) for box in boxes)

    def is_crossed(self, k: int, r: Rectangle) -> bool:
        """Whether another wire passes through a rectangle on wire k."""
        return self._crossing(k, r) > 0

    def _crossing(self, k: int, r: Rectangle) -> int:
        """How many wires other than k pass through a rectangle on wire k."""
        if (k, r) not in self._crossings:
            left, top, right, bottom = r
            found = {k}
            for x in range(int(left // CELL), int(right // CELL) + 1):
                for y in range(int(top // CELL), int(bottom // CELL) + 1):
                    for j, across, down in self._passing.get((x, y), ()):
                        if j not in found and left < across < right and top < down < bottom:
                            found.add(j)
            self._crossings[k, r] = len(found) - 1
        return self._crossings[k, r]


def _free(places: Iterable[Rectangle], taken: Iterable[Rectangle]) -> Rectangle | None:
    return next((r for r in places if not any(_overlap(r, other) for other in taken)), None)


def _made_free(k: int, wires: _Wires, chosen: dict[int, Rectangle]) -> Rectangle | None:
    """A place for label k that one other label gives up for another one of its own."""
    for r in wires.places(k):
        in_the_way = [j for j, other in chosen.items() if _overlap(r, other)]
        if len(in_the_way) == 1:
            (j,) = in_the_way
            place = _free(wires.places(j), [r, *(other for i, other in chosen.items() if i != j)])
            if place is not None:
                chosen[j] = place
                return r
    return None


def _walk(curve: Sequence[Point]) -> list[Point]:
    """Points on a curve, about a step apart."""
    path = [curve[0]]
    for i in range(0, len(curve) - 3, 3):
        a, b, c, d = curve[i : i + 4]
        length = math.dist(a, b) + math.dist(b, c) + math.dist(c, d)
        steps = 2 * math.ceil(length / STEP / 2) or 2  # the middle is one of them
        path += [_bezier(a, b, c, d, step / steps) for step in range(1, steps + 1)]
    return path


def _bezier(a: Point, b: Point, c: Point, d: Point, t: float) -> Point:
    s = 1 - t
    p, q, r, u = s * s * s, 3 * s * s * t, 3 * s * t * t, t * t * t
    return p * a[0] + q * b[0] + r * c[0] + u * d[0], p * a[1] + q * b[1] + r * c[1] + u * d[1]


def _outwards(middle: int) -> Iterator[int]:
    """middle, middle + 1, middle - 1, middle + 2 ..."""
    yield middle
    for away in count(1):
        yield middle + away
        yield middle - away


def rectangle(centre: Point, size: Point) -> Rectangle:
    """The rectangle of a size around a centre."""
    (x, y), (w, h) = centre, size
    return x - w / 2, y - h / 2, x + w / 2, y + h / 2


def _centre(r: Rectangle) -> Point:
    return (r[0] + r[2]) / 2, (r[1] + r[3]) / 2


def _grown(r: Rectangle, by: float) -> Rectangle:
    return r[0] - by, r[1] - by, r[2] + by, r[3] + by


def _around(points: Sequence[Point]) -> Rectangle:
    across, down = zip(*points)
    return min(across), min(down), max(across), max(down)


def _overlap(r: Rectangle, s: Rectangle) -> bool:
    return r[0] < s[2] and s[0] < r[2] and r[1] < s[3] and s[1] < r[3]


def _inside(r: Rectangle, frame: Rectangle) -> bool:
    return frame[0] <= r[0] and frame[1] <= r[1] and r[2] <= frame[2] and r[3] <= frame[3]
