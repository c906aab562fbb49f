"""The error as a surface over two weights, and the path that descent takes on it:
from above, and in space.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ..autodiff import grad
from ..tape.program import Floats
from .figure import SURFACE, VERMILLION, canvas, describe, ink, literally, number, require_canvas
from .numbers import Limits, at_points, checked_limits, grid, reals

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Error = Callable[[Any, Any], Any]
# on a surface that has its own colours, whatever the background
DARK, LIGHT = "#1A1A1A", "#FFFFFF"


def error_contours(
    error: Error,
    path: Any = None,
    *,
    limits: Limits | None = None,
    resolution: int = 120,
    labels: tuple[str, str] = ("w₁", "w₂"),
    title: str = "",
    ax: Any = None,
) -> Axes:
    """An error surface from above, as a map with contour lines, and the path of descent on it.

    `error` is a function of two weights that gives one number, written for Values or for floats.
    `path`, of shape (steps + 1, 2), are the weights before the first step and after each; the arrow
    at its start points along minus the gradient of the error. `limits`, ((lowest w₁, highest w₁),
    (lowest w₂, highest w₂)), are by default a square around the end of the path; without a path
    they must be given. Both axes have the same scale, so that descent crosses the contour lines at
    right angles, as it does.

    Raises ValueError for numbers that are not finite, an error that is nan, wrong shapes, and when
    neither a path nor limits are given; TypeError for what is not a number; ImportError without
    matplotlib.
    """
    require_canvas(ax)
    steps, xs, ys, heights = _surveyed(error, path, limits, resolution)
    downhill = _downhill(error, steps)
    ax = canvas(ax, (5.0, 4.9))
    levels, bands = _levels(heights)
    ax.contourf(xs, ys, heights, levels=bands, colors=_colours(np.linspace(0, 1, len(bands) - 1)))
    if levels:
        inks = [LIGHT if share < 0.5 else DARK for share in np.linspace(0, 1, len(bands))[1:-1]]
        lines = ax.contour(xs, ys, heights, levels=levels, colors=inks, linewidths=0.7, alpha=0.8)
        ax.clabel(lines, fmt=number, fontsize="x-small", inline_spacing=3)
    ax.set(xlim=(xs[0], xs[-1]), ylim=(ys[0], ys[-1]), aspect="equal", anchor="NW")
    handles, words = _draw_path(ax, steps.T, steps) if len(steps) else ([], [])
    if downhill is not None:
        ax.annotate(
            "",
            steps[0] + (xs[-1] - xs[0]) / 6 * downhill,
            steps[0],
            zorder=6,
            arrowprops={
                "arrowstyle": "-|>",
                "color": VERMILLION,
                "linewidth": 1.8,
                "shrinkA": 4,
                "shrinkB": 0,
            },
        )
        handles, words = [*handles, _arrow()], [*words, "−gradient"]
    return describe(ax, *labels, title, handles, words)


def error_surface(
    error: Error,
    path: Any = None,
    *,
    limits: Limits | None = None,
    resolution: int = 80,
    labels: tuple[str, str, str] = ("w₁", "w₂", "error"),
    title: str = "",
    ax: Any = None,
) -> Axes:
    """An error surface in space, with the path of descent on it and its contour lines on the
    ground.

    The arguments, and what is raised, are those of `error_contours`; `labels` has a third for the
    height, and `ax`, when given, must be 3-D: `plt.figure().add_subplot(projection="3d")`. On the
    ground the arrow along minus the gradient starts below the start of the path. The Axes draw the
    path over the surface even where the surface would hide it.
    """
    require_canvas(ax, solid=True)
    steps, xs, ys, heights = _surveyed(error, path, limits, resolution)
    downhill = _downhill(error, steps)
    altitudes = (
        at_points(lambda w: error(*w), steps, "the error")[:, 0] if len(steps) else np.empty(0)
    )
    ax = canvas(ax, (5.6, 5.2), solid=True)
    ax.computed_zorder = False  # by mean depth the surface would hide the path
    levels, bands = _levels(heights)
    ground = bands[0] - 0.45 * (bands[-1] - bands[0])
    shares = np.linspace(0, 1, len(bands))
    if levels:
        ax.contour(
            xs,
            ys,
            heights,
            levels=levels,
            colors=ink(ax),
            alpha=0.4,
            zdir="z",
            offset=ground,
            linewidths=0.7,
            zorder=1,
        )
    ax.plot_surface(
        *np.meshgrid(xs, ys),
        heights,
        facecolors=_colours(np.interp(heights, bands, shares)),
        shade=False,
        rcount=resolution,
        ccount=resolution,
        linewidth=0,
        antialiased=False,
        zorder=3,
    )
    ax.set(xlim=(xs[0], xs[-1]), ylim=(ys[0], ys[-1]), zlim=(ground, bands[-1]))
    handles, words = _draw_path(ax, [*steps.T, altitudes], steps) if len(steps) else ([], [])
    if len(steps):
        ax.plot(*steps.T, np.full(len(steps), ground), color=ink(ax), linewidth=1.0, zorder=2)
    if downhill is not None:
        ax.quiver(
            *steps[0],
            ground,
            *((xs[-1] - xs[0]) / 4 * downhill),
            0.0,
            color=VERMILLION,
            linewidth=2.0,
            arrow_length_ratio=0.25,
            zorder=2.5,
        )
        handles, words = [*handles, _arrow()], [*words, "−gradient, on the ground"]
    ax.locator_params(nbins=5)
    slack = 0.01 * (bands[-1] - bands[0])
    ax.set_zticks(
        [height for height in ax.get_zticks() if bands[0] - slack <= height <= bands[-1] + slack]
    )
    ax.grid(visible=False)
    ax.set_box_aspect((4, 4, 3), zoom=1.1)
    for axis in (ax.xaxis, ax.yaxis, ax.zaxis):
        axis.set_pane_color((0.5, 0.5, 0.5, 0.06))
    literally(ax.zaxis.label, labels[2])
    return describe(ax, *labels[:2], title, handles, words)


def _surveyed(
    error: Error, path: Any, limits: Limits | None, resolution: int
) -> tuple[Floats, Floats, Floats, Floats]:
    """The path, the coordinates along both axes, and the height in each place."""
    steps = np.empty((0, 2)) if path is None else reals(path, "the path", "(steps + 1, 2)", 2)
    if steps.shape[1] != 2:
        raise ValueError(
            f"the path must have the shape (steps + 1, 2), not {steps.shape}: the surface is over "
            "two weights"
        )
    if limits is None:
        if not len(steps):
            raise ValueError(
                "without a path there must be limits: ((lowest w1, highest w1), (lowest w2, "
                "highest w2))"
            )
        (x, y), reach = steps[-1].tolist(), 1.25 * float(np.abs(steps - steps[-1]).max()) or 1.0
        limits = (x - reach, x + reach), (y - reach, y + reach)
    xs, ys, places = grid(checked_limits(limits), resolution)
    heights = at_points(lambda w: error(*w), places, "the error")
    if heights.shape[1] != 1:
        raise ValueError(f"the error must be one number, but it gives {heights.shape[1]}")
    if not np.isfinite(heights).all():
        raise ValueError("the error is infinite within these limits: choose others")
    return steps, xs, ys, heights.reshape(resolution, resolution)


def _levels(heights: Floats) -> tuple[list[float], list[float]]:
    """The levels of contour lines, and these with the lowest and the highest point, for the bands
    between.

    They are 1, 2, 5, 10, ... where the surface comes near 0, for so they keep apart; else evenly
    spaced.
    """
    from matplotlib.ticker import MaxNLocator

    low, high = float(heights.min()), float(heights.max())
    if low == high:
        return [], [low - 1.0, low + 1.0]
    if 0 <= low < high / 10:
        top = int(np.floor(np.log10(high)))
        found = [m * 10.0**e for e in range(top - 2, top + 1) for m in (1, 2, 5)]
    else:
        found = [float(level) for level in MaxNLocator(10).tick_values(low, high)]
    levels = [level for level in found if low < level < high]
    return levels, [low, *levels, high]


def _colours(shares: Floats) -> Any:
    from matplotlib import colormaps

    # neither black nor white, which are the path's
    return colormaps[SURFACE](0.05 + 0.8 * shares)


def _draw_path(ax: Any, coordinates: Any, steps: Floats) -> tuple[list[Any], list[str]]:
    """Draw the path as a line with a disc for each step, its start and its end;
    give what the key shows of it.
    """
    (below,) = ax.plot(*coordinates, color=DARK, linewidth=2.6, zorder=5)
    (line,) = ax.plot(*coordinates, color=LIGHT, linewidth=1.2, zorder=5)
    white = {"markerfacecolor": LIGHT, "markeredgecolor": DARK, "linestyle": "none", "zorder": 7}
    (discs,) = ax.plot(
        *(along[1:-1] for along in coordinates), "o", markersize=3.6, markeredgewidth=0.6, **white
    )
    (start,) = ax.plot(
        *(along[:1] for along in coordinates), "s", markersize=6.5, markeredgewidth=1.0, **white
    )
    (end,) = ax.plot(
        *(along[-1:] for along in coordinates), "D", markersize=6, markeredgewidth=1.0, **white
    )
    where = [f"({', '.join(number(w, 3) for w in step)})" for step in (steps[0], steps[-1])]
    count = len(steps) - 1
    return (
        [start, (below, line, discs), end],
        [f"start {where[0]}", f"{count} step{'s' * (count != 1)}", f"end {where[1]}"],
    )


def _downhill(error: Error, steps: Floats) -> Floats | None:
    """The direction of minus the gradient at the start of a path;
    None where that is 0, or cannot be had.
    """
    if not len(steps):
        return None
    try:
        slope = np.array(grad(error, (0, 1))(*steps[0].tolist()))
    except (TypeError, AttributeError):  # a function of floats, which nothing can differentiate
        return None
    steepness = float(np.hypot(*slope))
    return -slope / steepness if 0 < steepness < np.inf else None


def _arrow() -> Any:
    from matplotlib.lines import Line2D

    return Line2D([], [], color=VERMILLION, linewidth=1.8, marker=">", markersize=5, markevery=[-1])
