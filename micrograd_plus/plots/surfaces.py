"""The error as a surface over two weights, and the paths that descents take on it:
from above, and in space.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..autodiff import grad
from ..tape.program import Floats
from .figure import (
    MARKERS,
    ORANGE,
    PURPLE,
    SURFACE,
    VERMILLION,
    YELLOW,
    Labels,
    canvas,
    describe,
    ink,
    literally,
    number,
    require_canvas,
)
from .numbers import Limits, at_points, checked_limits, grid, reals

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Error = Callable[[Any, Any], Any]
Paths = dict[str, Floats]
# on a surface that has its own colours, whatever the background
DARK, LIGHT = "#1A1A1A", "#FFFFFF"
UNSHADED = {"linewidth": 0, "antialiased": False, "shade": False}
ARROW = {"arrowstyle": "-|>", "color": VERMILLION, "linewidth": 1.8, "shrinkA": 4, "shrinkB": 0}
DISC = {"markeredgecolor": DARK, "linestyle": "none", "zorder": 7}
SEVERAL = (LIGHT, ORANGE, PURPLE, YELLOW)  # of several paths, each between two dark edges
PANE = (0.5, 0.5, 0.5, 0.06)


def error_contours(
    error: Error,
    path: Any = None,
    *,
    limits: Limits | None = None,
    resolution: int = 120,
    labels: Labels = ("w₁", "w₂"),
    title: str = "",
    ax: Any = None,
) -> Axes:
    """An error surface from above, as a map with contour lines, and the path of descent on it, or
    the paths of several descents.

    `error` is a function of two weights that gives one number, written for Values or for floats.
    `path`, of shape (steps + 1, 2), are the weights before the first step and after each; the arrow
    at its start points along minus the gradient of the error. Several paths, to compare rates or
    methods, are a dictionary of such by name (Lund, Choice of the step size). `limits`, ((lowest
    w₁, highest w₁), (lowest w₂, highest w₂)), are by default a square around the end of the path,
    or the middle of several; without a path they must be given. Both axes have the same scale, so
    that descent crosses the contour lines at right angles, as it does.

    Raises ValueError for numbers that are not finite, an error that is nan, wrong shapes, and when
    neither a path nor limits are given; TypeError for what is not a number; ImportError without
    matplotlib.
    """
    require_canvas(ax)
    paths, xs, ys, heights = _surveyed(error, path, limits, resolution)
    arrows = _arrows(error, paths)
    ax = canvas(ax, (5.0, 4.9))
    levels, bands = _levels(heights)
    count = len(bands)
    tints = _colours(np.linspace(0, 1, count - 1))
    ax.contourf(xs, ys, heights, levels=bands, colors=tints)
    if levels:
        shares = np.linspace(0, 1, count)[1:-1]
        inks = [LIGHT if share < 0.5 else DARK for share in shares]
        lines = ax.contour(xs, ys, heights, levels=levels, colors=inks, linewidths=0.7, alpha=0.8)
        ax.clabel(lines, fmt=number, fontsize="x-small", inline_spacing=3)
    left, right = xs[0], xs[-1]
    ax.set(xlim=(left, right), ylim=(ys[0], ys[-1]), aspect="equal", anchor="NW")
    coordinates = [steps.T for steps in paths.values()]
    handles, words = _draw_paths(ax, paths, coordinates)
    above = 6 if len(paths) == 1 else 4
    for start, downhill in arrows:
        tip = start + (right - left) / 6 * downhill
        ax.annotate("", tip, start, zorder=above, arrowprops=ARROW)
    if arrows:
        handles.append(_arrow())
        words.append("−gradient")
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
    """An error surface in space, with the path of descent on it, or several, and its contour lines
    on the ground.

    The arguments, and what is raised, are those of `error_contours`; `labels` has a third for the
    height, and `ax`, when given, must be 3-D: `plt.figure().add_subplot(projection="3d")`. On the
    ground the arrow along minus the gradient starts below the start of the path. The Axes draw the
    path over the surface even where the surface would hide it.
    """
    require_canvas(ax, solid=True)
    paths, xs, ys, heights = _surveyed(error, path, limits, resolution)
    arrows = _arrows(error, paths)
    coordinates = [[*steps.T, _heights(error, steps)] for steps in paths.values()]
    ax = canvas(ax, (5.6, 5.2), solid=True)
    ax.computed_zorder = False  # by mean depth the surface would hide the path
    levels, bands = _levels(heights)
    low, high = bands[0], bands[-1]
    extent = high - low
    ground = low - 0.45 * extent
    on_ground = {"zdir": "z", "offset": ground, "zorder": 1}
    if levels:
        look = {"colors": ink(ax), "alpha": 0.4, "linewidths": 0.7}
        ax.contour(xs, ys, heights, levels=levels, **look, **on_ground)
    shares = np.linspace(0, 1, len(bands))
    tints = _colours(np.interp(heights, bands, shares))
    across, along = np.meshgrid(xs, ys)
    places = {"rcount": resolution, "ccount": resolution}
    ax.plot_surface(across, along, heights, facecolors=tints, zorder=3, **places, **UNSHADED)
    left, right = xs[0], xs[-1]
    ax.set(xlim=(left, right), ylim=(ys[0], ys[-1]), zlim=(ground, high))
    handles, words = _draw_paths(ax, paths, coordinates)
    for steps in paths.values():
        below = np.full(len(steps), ground)
        ax.plot(*steps.T, below, color=ink(ax), linewidth=1.0, zorder=2)
    look = {"color": VERMILLION, "linewidth": 2.0, "arrow_length_ratio": 0.25}
    for (x, y), downhill in arrows:
        u, v = (right - left) / 4 * downhill
        ax.quiver(x, y, ground, u, v, 0.0, zorder=2.5, **look)
    if arrows:
        handles.append(_arrow())
        words.append("−gradient, on the ground")
    ax.locator_params(nbins=5)
    slack = 0.01 * extent
    ticks = [height for height in ax.get_zticks() if low - slack <= height <= high + slack]
    ax.set_zticks(ticks)
    ax.grid(visible=False)
    ax.set_box_aspect((4, 4, 3), zoom=1.1)
    for axis in (ax.xaxis, ax.yaxis, ax.zaxis):
        axis.set_pane_color(PANE)
    x_label, y_label, z_label = labels
    literally(ax.zaxis.label, z_label)
    return describe(ax, x_label, y_label, title, handles, words)


class _Survey(NamedTuple):
    """The paths by their names, the coordinates along both axes, and the height in each place."""

    paths: Paths
    xs: Floats
    ys: Floats
    heights: Floats


def _surveyed(error: Error, path: Any, limits: Limits | None, resolution: int) -> _Survey:
    paths = _paths(path)
    if limits is None:
        limits = _around(paths)
    xs, ys, places = grid(checked_limits(limits), resolution)
    heights = _heights(error, places)
    if not np.isfinite(heights).all():
        raise ValueError("the error is infinite within these limits: choose others")
    square = heights.reshape(resolution, resolution)
    return _Survey(paths, xs, ys, square)


def _paths(path: Any) -> Paths:
    """The paths by their names; one path alone has none."""
    if path is None:
        return {}
    if not isinstance(path, Mapping):
        return {"": _checked(path, "the path")}
    if not path:
        raise ValueError("there are no paths to compare: the dictionary is empty")
    return {str(name): _checked(steps, f"the path of {name!r}") for name, steps in path.items()}


def _checked(path: Any, what: str) -> Floats:
    steps = reals(path, what, "(steps + 1, 2)", 2)
    if steps.shape[1] != 2:
        raise ValueError(
            f"{what} must have the shape (steps + 1, 2), not {steps.shape}: the surface is over "
            "two weights"
        )
    return steps


def _around(paths: Paths) -> Limits:
    """A square around the end of a path, or the middle of several, that holds all of them."""
    if not paths:
        raise ValueError(
            "without a path there must be limits: ((lowest w1, highest w1), (lowest w2, "
            "highest w2))"
        )
    steps = np.concatenate(list(paths.values()))
    middle = steps[-1] if len(paths) == 1 else (steps.min(axis=0) + steps.max(axis=0)) / 2
    x, y = middle.tolist()
    farthest = float(np.abs(steps - middle).max())
    reach = 1.25 * farthest or 1.0
    return (x - reach, x + reach), (y - reach, y + reach)


def _heights(error: Error, places: Floats) -> Floats:
    found = at_points(lambda w: error(*w), places, "the error")
    count = found.shape[1]
    if count != 1:
        raise ValueError(f"the error must be one number, but it gives {count}")
    return found[:, 0]


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
        powers = [10.0**e for e in range(top - 2, top + 1)]
        found = [m * power for power in powers for m in (1, 2, 5)]
    else:
        ticks = MaxNLocator(10).tick_values(low, high)
        found = list(map(float, ticks))
    levels = [level for level in found if low < level < high]
    return levels, [low, *levels, high]


def _colours(shares: Floats) -> Any:
    from matplotlib import colormaps

    # neither black nor white, which are the path's
    return colormaps[SURFACE](0.05 + 0.8 * shares)


def _draw_paths(ax: Any, paths: Paths, coordinates: Any) -> tuple[list[Any], list[str]]:
    """Draw each path as a line with a mark for each step, its start and its end;
    give what the key shows of them.
    """
    if not paths:
        return [], []
    if "" in paths:
        [steps], [places] = paths.values(), coordinates
        line, start, end = _draw_path(ax, places, ("s", "o", "D"), LIGHT)
        words = [f"start {_place(steps[0])}", _taken(steps), f"end {_place(steps[-1])}"]
        return [start, line, end], words
    handles, words = [], []
    for i, (name, steps) in enumerate(paths.items()):
        marker = MARKERS[i % 10]
        line, _, _ = _draw_path(ax, coordinates[i], ("s", marker, marker), SEVERAL[i % 4])
        handles.append(line)
        words.append(f"{name}: {_taken(steps)} to {_place(steps[-1])}")
    return handles, words


def _draw_path(ax: Any, coordinates: Any, marks: tuple[str, str, str], colour: str) -> Any:
    """A path with the marks of its start, of each step and of its end; gives what is drawn of it,
    and of its start and end.
    """
    (below,) = ax.plot(*coordinates, color=DARK, linewidth=2.6, zorder=5)
    (line,) = ax.plot(*coordinates, color=colour, linewidth=1.2, zorder=5)
    inner = [along[1:-1] for along in coordinates]
    first = [along[:1] for along in coordinates]
    last = [along[-1:] for along in coordinates]
    at_start, at_step, at_end = marks
    disc = {"markerfacecolor": colour, **DISC}
    white = {"markerfacecolor": LIGHT, **DISC}
    (discs,) = ax.plot(*inner, at_step, markersize=3.6, markeredgewidth=0.6, **disc)
    (start,) = ax.plot(*first, at_start, markersize=6.5, markeredgewidth=1.0, **white)
    (end,) = ax.plot(*last, at_end, markersize=6, markeredgewidth=1.0, **disc)
    return (below, line, discs), start, end


def _taken(steps: Floats) -> str:
    count = len(steps) - 1
    return "1 step" if count == 1 else f"{count} steps"


def _place(weights: Floats) -> str:
    inside = ", ".join(number(w, 3) for w in weights)
    return f"({inside})"


def _arrows(error: Error, paths: Paths) -> list[tuple[Floats, Floats]]:
    """Where paths start, each place once, with the direction of minus the gradient there;
    nothing where that is 0, or cannot be had.
    """
    starts = {tuple(steps[0].tolist()) for steps in paths.values()}
    found = []
    for start in sorted(starts):
        try:
            gradient = grad(error, (0, 1))
            slope = np.array(gradient(*start))
        except (TypeError, AttributeError):  # a function of floats, which nothing can differentiate
            return []
        steepness = float(np.hypot(*slope))
        if 0 < steepness < np.inf:
            found.append((np.array(start), -slope / steepness))
    return found


def _arrow() -> Any:
    from matplotlib.lines import Line2D

    head: dict[str, Any] = {"marker": ">", "markersize": 5, "markevery": [-1]}
    return Line2D([], [], color=VERMILLION, linewidth=1.8, **head)
