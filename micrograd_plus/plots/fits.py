"""A fitted curve with the data it was fitted to: too simple, good, or too close to them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..tape.program import Floats
from .figure import DASHED, LINES, Labels, canvas, describe, ink, require_canvas
from .numbers import Range, at_points, checked_range, reals

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Model = Callable[[Any], Any]
ROOM = 0.3  # of the data's height, above and below them
DASHES = ("solid", (0, (5, 1)), (0, (1, 1)), (0, (4, 1, 1, 1)))  # of several models


def fitted_curve(
    model: Model | Mapping[str, Model],
    X: Any,  # noqa: N803  # X and y are scikit-learn's names
    y: Any,
    *,
    validation: tuple[Any, Any] | None = None,
    truth: Callable[[float], Any] | None = None,
    limits: Range | None = None,
    resolution: int = 301,
    labels: Labels = ("x", "y"),
    title: str = "",
    ax: Any = None,
) -> Axes:
    """What a model of one input gives between the data it was fitted to, and beyond them (Stone,
    over-fitting, under-fitting and Goldilocks-fitting; Sharif, slide 103; Lund, Universal
    approximation).

    `model` is a Module or any function of a list of one number; several are a dictionary of such by
    name. `X` has the shape (points,) or (points, 1), `y` (points,). `validation`, (X, y), are
    points that the model has not seen, drawn hollow, and `truth` the function without noise,
    dashed. `limits`, (lowest x, highest x), are by default those of the data with some room. The
    height is that of the data with some room, so that pictures of other models on the same data
    compare; a curve may leave it. For a picture a model see `panels`.

    Raises ValueError for numbers that are not finite, wrong shapes, and a model that gives nan or
    several numbers; TypeError for what is not a number; ImportError without matplotlib.
    """
    require_canvas(ax)
    learned = _data(X, y, "")
    held_out = None if validation is None else _held_out(validation)
    models = dict(model) if isinstance(model, Mapping) else {"model": model}
    if not models:
        raise ValueError("there are no models to compare: the dictionary is empty")
    all_data = [learned] if held_out is None else [learned, held_out]
    low, high = _around(all_data) if limits is None else checked_range(limits)
    if resolution < 2:
        raise ValueError(f"a curve needs a resolution of at least 2 points, not {resolution}")
    xs = np.linspace(low, high, resolution)
    curves = {str(name): _curve(one, xs, f"the {name}") for name, one in models.items()}
    true = None if truth is None else _curve(lambda x: truth(x[0]), xs, "the truth")
    ax = canvas(ax, (6.0, 3.8))
    key: dict[str, Any] = {}
    edge: Any = {"linestyle": "none", "markeredgecolor": ink(ax), "markersize": 6, "zorder": 4}
    (key["data"],) = ax.plot(learned.x, learned.y, "o", color=LINES[0], **edge)
    if held_out is not None:
        hollow = ax.plot(held_out.x, held_out.y, "s", markerfacecolor="none", **edge)
        (key["validation data"],) = hollow
    if true is not None:
        look: Any = {"color": ink(ax), "alpha": 0.7, "linestyle": DASHED, "linewidth": 1.2}
        (key["without noise"],) = ax.plot(xs, true, zorder=2, **look)
    for i, (name, heights) in enumerate(curves.items()):
        colour, dashes = LINES[(i + 1) % 4], DASHES[i % 4]
        line = ax.plot(xs, heights, color=colour, linestyle=dashes, linewidth=1.8, zorder=3)
        (key[name],) = line
    ax.set(xlim=(low, high), ylim=_height(all_data, true))
    ax.spines[["top", "right"]].set_visible(False)
    return describe(ax, *labels, title, list(key.values()), list(key))


class _Data(NamedTuple):
    x: Floats
    y: Floats


def _held_out(validation: Any) -> _Data:
    if len(validation) != 2:
        raise ValueError(f"validation is (X, y), not {len(validation)} things")
    x, y = validation
    return _data(x, y, "validation ")


def _data(x: Any, y: Any, which: str) -> _Data:
    ys = reals(y, f"the {which}y", "(points,)", 1)
    flat = [row[0] if np.shape(row) == (1,) else row for row in x]
    xs = reals(flat, f"the {which}X", "(points,) or (points, 1)", 1)
    if len(xs) != len(ys):
        raise ValueError(f"there are {len(xs)} points in the {which}X, but {len(ys)} in its y")
    return _Data(xs, ys)


def _around(data: list[_Data]) -> Range:
    """Limits with room around the data; as much where they have no extent."""
    xs = np.concatenate([some.x for some in data])
    low, high = float(xs.min()), float(xs.max())
    room = 0.08 * (high - low) or 1.0
    return low - room, high + room


def _height(data: list[_Data], true: Floats | None) -> Range:
    """From the lowest point or place of the true curve to the highest, with room."""
    heights = [some.y for some in data] + ([] if true is None else [true])
    ys = np.concatenate(heights)
    low, high = float(ys.min()), float(ys.max())
    room = ROOM * (high - low) or 1.0
    return low - room, high + room


def _curve(model: Model, xs: Floats, what: str) -> Floats:
    heights = at_points(model, xs[:, None], what)
    count = heights.shape[1]
    if count != 1:
        raise ValueError(f"{what} must give one number, but it gives {count}")
    return heights[:, 0]
