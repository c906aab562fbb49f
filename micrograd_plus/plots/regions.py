"""Decision regions: which class a model chooses in each place of the plane,
and how sure it is of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..checks import require_unmasked
from ..tape.program import Floats
from .figure import CLASSES, MARKERS, canvas, describe, ink, number, require_canvas
from .numbers import Limits, at_points, checked_limits, grid, reals

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def decision_regions(
    model: Callable[[Any], Any],
    points: Any,
    targets: Sequence[Any],
    *,
    classes: Sequence[Any] | None = None,
    names: Sequence[object] | None = None,
    threshold: float = 0.0,
    margin: float | None = 1.0,
    limits: Limits | None = None,
    resolution: int = 200,
    labels: tuple[str, str] = ("x₁", "x₂"),
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
    name. `classes` lists the classes in the order of the scores; by default those of `targets`,
    sorted, or 0, 1, 2, ... when the targets are such numbers. `names` says what the key calls them.
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
    if np.shape(targets) != (len(data),):
        raise ValueError(
            f"targets must have the shape ({len(data)},), a class for each point, not "
            f"{np.shape(targets)}"
        )
    if any(target != target for target in targets):
        raise ValueError("a target is nan, which is no class")
    if margin is not None and not 0 < margin < np.inf:
        raise ValueError(f"a margin is above 0, or None, not {margin!r}")
    if not np.isfinite(threshold):
        raise ValueError(f"the threshold must be finite, not {threshold!r}")
    xs, ys, places = grid(_around(data) if limits is None else checked_limits(limits), resolution)
    scores = at_points(model, places, "the model").reshape(resolution, resolution, -1)
    known = _known(list(targets), scores.shape[2], classes)
    members = [np.array([target == one for target in targets]) for one in known]
    called = list(map(_name, known if names is None else names))
    if len(called) != len(known):
        raise ValueError(f"there are {len(known)} classes, but {len(called)} names")
    ax = canvas(ax, (6.0, 4.6))
    regions, leads = _compared(scores, threshold)
    _tint(ax, regions, len(known), xs, ys)
    lines = _outline(ax, leads, margin, xs, ys)
    handles = [
        ax.plot(
            *data[of_class].T,
            MARKERS[i % 10],
            color=CLASSES[i % 8],
            markeredgecolor=ink(ax),
            markersize=5.5,
            markeredgewidth=0.7,
        )[0]
        for i, of_class in enumerate(members)
    ]
    ax.set(xlim=(xs[0], xs[-1]), ylim=(ys[0], ys[-1]))
    return describe(ax, *labels, title, [*handles, *lines.values()], [*called, *lines])


def _around(data: Floats) -> Limits:
    """Limits with room around the data; as much where they have no extent."""
    low, high = data.min(axis=0), data.max(axis=0)
    extent = high - low
    room = np.maximum(0.15 * np.where(extent > 0, extent, extent.max() or 4.0), 1e-9 * np.abs(high))
    (x0, y0), (x1, y1) = (low - room).tolist(), (high + room).tolist()
    return (x0, x1), (y0, y1)


def _known(targets: list[Any], outputs: int, classes: Sequence[Any] | None) -> list[Any]:
    """The classes in the order of the scores."""
    count = max(outputs, 2)
    if classes is None:
        try:
            found = sorted(set(targets))
        except TypeError:
            raise TypeError(
                "targets must be all numbers or all names, so that classes have an order: or list "
                "these with "
                "classes="
            ) from None
        if set(found) <= set(range(count)):
            found = list(range(count))
        elif set(found) <= {-1, 1} and outputs == 1:
            found = [-1, 1]
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
    if scores.shape[2] == 1:
        lead = scores[:, :, 0] - threshold
        return (lead > 0).astype(int), [lead]
    chosen = scores.argmax(axis=2)
    with np.errstate(invalid="ignore"):  # infinite scores: who leads then is not asked
        leads = [
            scores[:, :, i] - np.delete(scores, i, axis=2).max(axis=2)
            for i in range(scores.shape[2])
        ]
    return chosen, leads


def _tint(ax: Axes, regions: Any, count: int, xs: Floats, ys: Floats) -> None:
    """Fill each place with a tint of its class; from the ninth class on the tints come again,
    twice as strong.
    """
    from matplotlib.colors import ListedColormap, to_rgba

    tints = ListedColormap([to_rgba(CLASSES[i % 8], 0.25 if i < 8 else 0.5) for i in range(count)])
    right, up = (xs[1] - xs[0]) / 2, (ys[1] - ys[0]) / 2
    ax.imshow(
        regions,
        cmap=tints,
        vmin=-0.5,
        vmax=count - 0.5,
        origin="lower",
        aspect="auto",
        interpolation="nearest",
        extent=(xs[0] - right, xs[-1] + right, ys[0] - up, ys[-1] + up),
        zorder=0,
    )


def _outline(
    ax: Axes, leads: list[Floats], margin: float | None, xs: Floats, ys: Floats
) -> dict[str, Any]:
    """Draw the boundary and the margin where the picture has them;
    a line for the key for each, by what it is called.
    """
    from matplotlib.lines import Line2D

    colour, lines = ink(ax), dict[str, Any]()
    wanted: list[tuple[str, tuple[float, ...], Any, float]] = [("boundary", (0.0,), "solid", 1.4)]
    if margin is not None:
        sides = (-margin, margin) if len(leads) == 1 else (margin,)
        wanted.append((f"margin {'±' * (len(sides) - 1)}{number(margin)}", sides, (0, (4, 3)), 0.9))
    for name, levels, dashes, width in wanted:
        for lead in leads:
            finite: Any = np.ma.masked_invalid(lead)
            # as of a threshold unit, which gives 0 or 1
            if levels == (0.0,) and finite.min() == 0:
                finite = np.where(lead > 0, 1.0, -1.0)
            crossed = [level for level in levels if finite.min() < level < finite.max()]
            if crossed:
                ax.contour(
                    xs,
                    ys,
                    finite,
                    levels=crossed,
                    colors=colour,
                    linestyles=[dashes],
                    linewidths=width,
                )
                lines[name] = Line2D([], [], color=colour, linestyle=dashes, linewidth=width)
    return lines
