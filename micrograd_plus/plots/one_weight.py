"""The error over one weight: its curve with tangents, a chord, descents and minima."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..autodiff import grad
from ..engine import Value, nodes_below
from ..options import real_number
from ..tape import Tape
from ..tape.program import Floats
from .figure import (
    BLUE,
    DASHED,
    GREEN,
    MARKERS,
    PURPLE,
    VERMILLION,
    Labels,
    canvas,
    describe,
    ink,
    number,
    paper,
    require_canvas,
)
from .numbers import Range, at_points, checked_range, reals

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Error = Callable[[Any], Any] | Value
Paths = dict[str, Floats]
Chord = tuple[float, float]
Key = dict[str, Any]

DESCENTS = (VERMILLION, GREEN, PURPLE, BLUE)
HALVINGS = 200  # of an interval, until no float lies in it


def error_curve(
    error: Error,
    path: Any = None,
    *,
    weight: Value | None = None,
    tangent: float | Sequence[float] = (),
    chord: Chord | None = None,
    minima: bool = True,
    limits: Range | None = None,
    resolution: int = 401,
    labels: Labels = ("w", "error"),
    title: str = "",
    ax: Any = None,
) -> Axes:
    """An error over one weight, with tangents, a chord, the paths of descents, and its minima
    (Stone, equations 7-8 and Fig 4-5; Lund, Choice of the step size).

    `error` is a function of one weight that gives one number, or the Value of an error that was
    computed, as of a model on its data, with `weight` the leaf among its Values that is to move;
    the Values keep their data. `path`, of shape (steps + 1,), are the weights before the first step
    and after each; several paths are a dictionary of such by name. `tangent` is a weight, or
    several, where the curve has its tangent drawn, with the slope that reverse mode finds. `chord`,
    (w, Δw), is the line through the points at w and at w + Δw, whose slope is the difference
    quotient ΔE/Δw. `minima` marks the lowest points between others, the global one filled; where
    reverse mode knows no slope, each to within the `resolution`, the number of points that the
    curve is drawn through. `limits`, (lowest, highest weight), are by default around the end of the
    path, or the middle of all places that are asked for; without any they must be given.

    Raises ValueError for numbers that are not finite, an error that is nan or infinite, wrong
    shapes, a weight that the error does not depend on, and no limits; TypeError for what is not a
    number, an error that is a Value without its weight, and a tangent to what cannot be
    differentiated; ImportError without matplotlib.
    """
    require_canvas(ax)
    curve = _curve_of(error, weight)
    paths = _paths(path)
    touched = _places(tangent, "tangent")
    ends = _ends(chord)
    if limits is None:
        limits = _around(paths, [*touched, *ends])
    low, high = checked_range(limits)
    if resolution < 3:
        raise ValueError(f"a curve needs a resolution of at least 3 points, not {resolution}")
    xs = np.linspace(low, high, resolution)
    heights = curve.heights(xs)
    walks = {name: (steps, curve.heights(steps)) for name, steps in paths.items()}
    lines = _tangents(curve, touched) | _secant(curve, ends)
    lowest = _minima(curve, xs, heights) if minima else {}

    ax = canvas(ax, (6.0, 4.2))
    key: Key = {}
    ax.plot(xs, heights, color=ink(ax), linewidth=1.8, zorder=2)
    for word, line in lines.items():
        ys = line.height + line.slope * (xs - line.touched[0])
        colour, dashes = (PURPLE, DASHED) if len(line.touched) > 1 else (BLUE, "solid")
        (drawn,) = ax.plot(xs, ys, color=colour, linestyle=dashes, linewidth=1.4, zorder=3)
        touching = curve.heights(np.array(line.touched))
        (dots,) = ax.plot(line.touched, touching, "o", color=colour, markersize=4.5, zorder=6)
        key[word] = (drawn, dots)
    for i, (name, (steps, errors)) in enumerate(walks.items()):
        key[_walked(name, steps)] = _draw_walk(ax, steps, errors, DESCENTS[i % 4], MARKERS[i % 10])
    for word, places in lowest.items():
        face = paper(ax) if word == "local minimum" else ink(ax)
        star = {"markersize": 11, "markerfacecolor": face, "markeredgecolor": ink(ax), "zorder": 7}
        (stars,) = ax.plot(places, curve.heights(places), "*", linestyle="none", **star)
        key[f"{word} at {', '.join(number(place, 4) for place in places)}"] = stars
    drawn_heights = np.concatenate([heights, *[errors for _, errors in walks.values()]])
    bottom, top = float(drawn_heights.min()), float(drawn_heights.max())
    room = 0.06 * (top - bottom) or 1.0
    ax.set(xlim=(low, high), ylim=(bottom - room, top + room))
    ax.spines[["top", "right"]].set_visible(False)
    return describe(ax, *labels, title, list(key.values()), list(key))


class _Curve(NamedTuple):
    """The heights of a curve at some weights, and its slope at one, or None where nothing can
    differentiate it.
    """

    heights: Callable[[Floats], Floats]
    slope: Callable[[float], float | None]


class _Line(NamedTuple):
    """A straight line through the points of the curve at some weights; its height is that at the
    first.
    """

    touched: list[float]
    height: float
    slope: float


def _curve_of(error: Error, weight: Value | None) -> _Curve:
    if isinstance(error, Value):
        return _curve_of_value(error, weight)
    if weight is not None:
        raise TypeError(
            "weight= goes with an error that is a Value; a function has its weight for its operand"
        )
    slope_at = grad(error)

    def heights(ws: Floats) -> Floats:
        return _finite(at_points(lambda w: error(*w), ws[:, None], "the error"), ws)

    def slope(w: float) -> float | None:
        try:
            return float(slope_at(w))
        except (TypeError, AttributeError):  # a function of floats
            return None

    return _Curve(heights, slope)


def _curve_of_value(error: Value, weight: Value | None) -> _Curve:
    if not isinstance(weight, Value):
        raise TypeError("an error that is a Value needs weight=, the leaf that is to move")
    if weight not in nodes_below(error):
        raise ValueError("the error does not depend on this weight: it is no leaf of its graph")
    tape = Tape.of(error, [weight])

    def heights(ws: Floats) -> Floats:
        errors = tape.values(ws[:, None])
        return _finite(errors[:, None], ws)

    def slope(w: float) -> float:
        return float(tape.gradients([[w]])[0, 0])

    return _Curve(heights, slope)


def _finite(found: Floats, ws: Floats) -> Floats:
    """The errors, one a weight; ValueError where they are several, nan or infinite."""
    count = found.shape[1]
    if count != 1:
        raise ValueError(f"the error must be one number, but it gives {count}")
    errors = found[:, 0]
    strange = ~np.isfinite(errors)
    if strange.any():
        place = number(ws[strange][0])
        raise ValueError(f"the error is {errors[strange][0]} at {place}: choose other limits")
    return errors


def _paths(path: Any) -> Paths:
    """The paths by their names; one path alone has none."""
    if path is None:
        return {}
    if not isinstance(path, Mapping):
        return {"": reals(path, "the path", "(steps + 1,)", 1)}
    if not path:
        raise ValueError("there are no paths to compare: the dictionary is empty")
    return {
        str(name): reals(steps, f"the path of {name!r}", "(steps + 1,)", 1)
        for name, steps in path.items()
    }


def _places(given: Any, what: str) -> list[float]:
    if isinstance(given, Sequence) and not given:
        return []
    several = given if np.ndim(given) else [given]
    found = reals(several, f"the places of a {what}", "(places,)", 1)
    return list(map(float, found))


def _ends(chord: Chord | None) -> list[float]:
    """The weights at both ends of a chord."""
    if chord is None:
        return []
    if len(chord) != 2:
        raise ValueError(f"a chord is (w, Δw), not {chord!r}")
    w, step = [real_number(x, "a chord's weight or step") for x in chord]
    if w + step == w or not np.isfinite([w, step]).all():
        raise ValueError(f"a chord goes from one weight to another, not from {w!r} over {step!r}")
    return [w, w + step]


def _around(paths: Paths, others: list[float]) -> Range:
    """Limits around the end of one path, or the middle of all places."""
    places = np.concatenate([*paths.values(), others])
    if not places.size:
        raise ValueError("without a path there must be limits: (lowest w, highest w)")
    middle = (places.min() + places.max()) / 2
    if len(paths) == 1:
        [steps] = paths.values()
        middle = steps[-1]
    reach = 1.25 * float(np.abs(places - middle).max()) or 1.0
    return float(middle) - reach, float(middle) + reach


def _tangents(curve: _Curve, places: list[float]) -> dict[str, _Line]:
    found = {}
    heights = curve.heights(np.array(places)).tolist() if places else []
    for w, height in zip(places, heights):
        slope = curve.slope(w)
        if slope is None:
            raise TypeError(
                "a tangent needs an error that can be differentiated: a function of a Value"
            )
        if not np.isfinite(slope):
            raise ValueError(f"the slope at {number(w)} is {slope}, so there is no tangent")
        found[f"tangent at {number(w, 4)}, slope {number(slope, 4)}"] = _Line([w], height, slope)
    return found


def _secant(curve: _Curve, ends: list[float]) -> dict[str, _Line]:
    if not ends:
        return {}
    start, end = ends
    before, after = curve.heights(np.array(ends)).tolist()
    slope = (after - before) / (end - start)
    word = f"chord from {number(start, 4)} to {number(end, 4)}, slope {number(slope, 4)}"
    return {word: _Line(ends, before, slope)}


def _minima(curve: _Curve, xs: Floats, heights: Floats) -> dict[str, Floats]:
    """Where the curve is lower than on both sides; the lowest apart from the others,
    when it is the lowest place of the picture.
    """
    turns = np.flatnonzero(np.diff(heights))  # the last points before the height changes
    starts = [0, *(turns + 1)]
    ends = [*turns, len(xs) - 1]
    levels = heights[starts]
    places = []
    for i in range(1, len(levels) - 1):
        if levels[i - 1] > levels[i] < levels[i + 1]:
            before, after = xs[starts[i] - 1], xs[ends[i] + 1]
            middle = xs[(starts[i] + ends[i]) // 2]
            places.append(_turn(curve, float(before), float(after), float(middle)))
    if not places:
        return {}
    found = np.array(places)
    depths = curve.heights(found)
    if len(found) == 1:
        return {"minimum": found}
    near = 1e-9 * (heights.max() - heights.min())  # two of one depth differ by rounding
    is_global = depths <= min(depths.min(), heights.min()) + near
    both = {"global minimum": found[is_global], "local minimum": found[~is_global]}
    return {word: some for word, some in both.items() if some.size}


def _turn(curve: _Curve, before: float, after: float, middle: float) -> float:
    """Where the slope turns from falling to rising, by halving; the middle where it is unknown."""
    for _ in range(HALVINGS):
        between = (before + after) / 2
        slope = curve.slope(between)
        if slope is None:
            return middle
        if slope == 0.0 or between in (before, after):
            return between
        before, after = (between, after) if slope < 0.0 else (before, between)
    return between


def _walked(name: str, steps: Floats) -> str:
    count = len(steps) - 1
    taken = "1 step" if count == 1 else f"{count} steps"
    opening = f"{name}: " if name else ""
    return f"{opening}{taken} from {number(steps[0], 3)} to {number(steps[-1], 3)}"


def _draw_walk(ax: Axes, steps: Floats, errors: Floats, colour: str, marker: str) -> Any:
    """A path as a line from point to point of the curve, its start as a square and its end larger;
    gives the line.
    """
    look: Any = {"color": colour, "markeredgecolor": ink(ax), "markeredgewidth": 0.6, "zorder": 5}
    (line,) = ax.plot(steps, errors, marker=marker, markersize=4.5, linewidth=1.1, **look)
    ax.plot(steps[:1], errors[:1], "s", markersize=7, **look)
    ax.plot(steps[-1:], errors[-1:], marker=marker, markersize=7, **look)
    return line
