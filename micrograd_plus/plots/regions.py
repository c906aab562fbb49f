"""Decision regions: which class a model chooses in each place of the plane,
and how sure it is of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..checks import require_unmasked
from ..tape.program import Floats
from .figure import CLASSES, MARKERS, Labels, Words, canvas, describe, ink, number, require_canvas
from .numbers import Limits, at_points, checked_limits, grid, reals

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Model = Callable[[Any], Any]
Classes = Sequence[Any]
Levels = tuple[float, ...]
Shape = tuple[int, ...]
Look = dict[str, Any]


def decision_regions(
    model: Model,
    points: Any,
    targets: Classes,
    *,
    classes: Classes | None = None,
    names: Words | None = None,
    threshold: float = 0.0,
    margin: float | None = 1.0,
    limits: Limits | None = None,
    resolution: int = 200,
    labels: Labels = ("x₁", "x₂"),
    title: str = "",
    ax: Any = None,
) -> Axes:
    """Data in the plane, the regions where a model chooses each class, their boundary (solid) and
    the margin (dashed).

    `model` is a Module or any function of a list of two numbers. When it gives one number, it
    chooses the second class where that score is above `threshold` (0.5 for a sigmoid), the first
    class elsewhere, and the margin is where the score is `threshold` ± `margin`. When it gives one
    score for each class, it chooses the class with the highest score (the first of several), and
    the margin is where the highest leads the second by `margin`. None draws no margin.

    `points` has the shape (points, 2), `targets` (points,): the class of each point, a number or a
    name. `classes` lists the classes in the order of the scores; by default those of a model that
    knows its own, as a Perceptron does, else those of `targets`, sorted, or 0, 1, 2, ... when the
    targets are such numbers. `names` says what the key calls them.
    `limits`, ((x0, x1), (y0, y1)), are by default those of the data with some room; the model is
    evaluated on `resolution` × `resolution` points between.

    Raises ValueError for numbers that are not finite, a model that gives nan, wrong shapes, and
    classes that do not fit the scores; TypeError for what is not a number; ImportError without
    matplotlib.
    """
    require_canvas(ax)
    data = reals(points, "points", "(points, 2)", 2)
    if data.shape[1] != 2:
        raise ValueError(
            f"points must have the shape (points, 2), not {data.shape}: regions are drawn in a "
            "plane"
        )
    require_unmasked(targets, "targets")
    wanted: Shape = (len(data),)
    given: Shape = np.shape(targets)
    if given != wanted:
        raise ValueError(
            f"targets must have the shape {wanted}, a class for each point, not {given}"
        )
    if any(target != target for target in targets):
        raise ValueError("a target is nan, which is no class")
    if margin is not None and not 0 < margin < np.inf:
        raise ValueError(f"a margin is above 0, or None, not {margin!r}")
    if not np.isfinite(threshold):
        raise ValueError(f"the threshold must be finite, not {threshold!r}")
    if limits is None:
        limits = _around(data)
    else:
        limits = checked_limits(limits)
    xs, ys, places = grid(limits, resolution)
    outputs = at_points(model, places, "the model")
    scores = outputs.reshape(resolution, resolution, -1)
    classes = getattr(model, "classes", None) if classes is None else classes
    known = _known(list(targets), scores.shape[2], classes)
    count = len(known)
    members = [np.array([target == one for target in targets]) for one in known]
    called = list(map(_name, known if names is None else names))
    if len(called) != count:
        raise ValueError(f"there are {count} classes, but {len(called)} names")
    ax = canvas(ax, (6.0, 4.6))
    regions, leads = _compared(scores, threshold)
    _tint(ax, regions, count, xs, ys)
    lines = _outline(ax, leads, margin, xs, ys)
    edge = {"markeredgecolor": ink(ax), "markeredgewidth": 0.7}
    handles = []
    for i, of_class in enumerate(members):
        x, y = data[of_class].T
        colour = CLASSES[i % 8]
        handles += ax.plot(x, y, MARKERS[i % 10], color=colour, markersize=5.5, **edge)
    ax.set_xlim(xs[0], xs[-1])
    ax.set_ylim(ys[0], ys[-1])
    handles += lines.values()
    words = [*called, *lines]
    return describe(ax, *labels, title, handles, words)


def _around(data: Floats) -> Limits:
    """Limits with room around the data; as much where they have no extent."""
    low, high = data.min(axis=0), data.max(axis=0)
    extent = high - low
    widest = extent.max() or 4.0
    share = 0.15 * np.where(extent > 0, extent, widest)
    least = 1e-9 * np.abs(high)
    room = np.maximum(share, least)
    x0, y0 = (low - room).tolist()
    x1, y1 = (high + room).tolist()
    return (x0, x1), (y0, y1)


def _known(targets: list[Any], outputs: int, classes: Classes | None) -> list[Any]:
    """The classes in the order of the scores."""
    count = max(outputs, 2)
    if classes is None:
        found = _classes_of(targets, outputs)
    else:
        found = list(classes)
        if strange := [target for target in targets if target not in found]:
            raise ValueError(f"the target {strange[0]!r} is not among the classes {found}")
    if len(found) != count or len(set(found)) != count:
        raise ValueError(
            f"the model tells {count} classes apart, but the classes are {found}: "
            "list them with classes=, in the order of the scores"
        )
    return found


def _classes_of(targets: list[Any], outputs: int) -> list[Any]:
    """The classes as the targets have them."""
    try:
        different = set(targets)
        found = sorted(different)
    except TypeError:
        raise TypeError(
            "targets must be all numbers or all names, so that classes have an order: or list "
            "these with classes="
        ) from None
    numbered = list(range(max(outputs, 2)))
    if different <= set(numbered):
        return numbered
    if different <= {-1, 1} and outputs == 1:
        return [-1, 1]
    return found


def _name(target: Any) -> str:
    if isinstance(target, str):
        return target
    try:
        return f"class {number(float(target))}"
    except (TypeError, ValueError):
        return str(target)


def _compared(scores: Floats, threshold: float) -> tuple[Any, list[Floats]]:
    """The chosen class in each place, and how far each class leads the best of the others;
    with one score, one lead.
    """
    count = scores.shape[2]
    if count == 1:
        lead = scores[:, :, 0] - threshold
        chosen = (lead > 0).astype(int)
        return chosen, [lead]
    leads = []
    with np.errstate(invalid="ignore"):  # infinite scores: who leads then is not asked
        for i in range(count):
            others = np.delete(scores, i, axis=2)
            leads.append(scores[:, :, i] - others.max(axis=2))
    return scores.argmax(axis=2), leads


def _tint(ax: Axes, regions: Any, count: int, xs: Floats, ys: Floats) -> None:
    """Fill each place with a tint of its class; from the ninth class on the tints come again,
    twice as strong.
    """
    from matplotlib.colors import ListedColormap, to_rgba

    tints = [to_rgba(CLASSES[i % 8], 0.25 if i < 8 else 0.5) for i in range(count)]
    right = (xs[1] - xs[0]) / 2
    up = (ys[1] - ys[0]) / 2
    extent = (xs[0] - right, xs[-1] + right, ys[0] - up, ys[-1] + up)
    shades: Look = {"cmap": ListedColormap(tints), "vmin": -0.5, "vmax": count - 0.5}
    place: Look = {"origin": "lower", "extent": extent, "aspect": "auto", "zorder": 0}
    ax.imshow(regions, interpolation="nearest", **shades, **place)


class _Line(NamedTuple):
    """A line of the picture: where the lead has one of these levels."""

    name: str
    levels: Levels
    dashes: Any
    width: float


def _wanted(outputs: int, margin: float | None) -> list[_Line]:
    boundary = _Line("boundary", (0.0,), "solid", 1.4)
    if margin is None:
        return [boundary]
    dashes = (0, (4, 3))
    size = number(margin)
    if outputs == 1:
        both = _Line(f"margin ±{size}", (-margin, margin), dashes, 0.9)
        return [boundary, both]
    return [boundary, _Line(f"margin {size}", (margin,), dashes, 0.9)]


def _outline(
    ax: Axes, leads: list[Floats], margin: float | None, xs: Floats, ys: Floats
) -> dict[str, Any]:
    """Draw the boundary and the margin where the picture has them;
    a line for the key for each, by what it is called.
    """
    from matplotlib.lines import Line2D

    colour = ink(ax)
    handles = {}
    for line in _wanted(len(leads), margin):
        for lead in leads:
            heights = _heights(lead, line.levels)
            low, high = heights.min(), heights.max()
            crossed = [level for level in line.levels if low < level < high]
            if not crossed:
                continue
            look: Look = {"linestyles": [line.dashes], "linewidths": line.width}
            ax.contour(xs, ys, heights, levels=crossed, colors=colour, **look)
            handle = Line2D([], [], color=colour, linestyle=line.dashes, linewidth=line.width)
            handles[line.name] = handle
    return handles


def _heights(lead: Floats, levels: Levels) -> Any:
    """A lead whose contour lines can be drawn."""
    finite = np.ma.masked_invalid(lead)
    # as of a threshold unit, which gives 0 or 1
    if levels == (0.0,) and finite.min() == 0:
        return np.where(lead > 0, 1.0, -1.0)
    return finite
