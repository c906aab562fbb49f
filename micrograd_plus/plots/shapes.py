"""The shapes of losses for two classes: what an output costs, over how right it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import losses, ops
from .figure import DASHED, LINES, MARKERS, Labels, Words, canvas, describe, ink, require_canvas
from .numbers import Range, at_points, checked_range

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Loss = Callable[[Any, Any], Any]  # of an output and a target

# the names of `fit` where it has them
SHAPES: dict[str, Loss] = {
    "zero_one": lambda y, t: ops.where(t * y > 0.0, 0.0, 1.0),
    "perceptron": losses.perceptron,
    "hinge": losses.hinge,
    "squared_error": losses.squared_error,
    "binary_cross_entropy": losses.binary_cross_entropy,
    "margin_loss": lambda y, _: losses.margin_loss([y, 0.0], 0, from_logits=False),
}


def loss_shapes(
    *shapes: str | Loss,
    limits: Range = (-2.0, 2.5),
    resolution: int = 181,
    names: Words | None = None,
    labels: Labels = ("t·y: output, positive where it is right", "loss"),
    title: str = "",
    ax: Any = None,
) -> Axes:
    """Losses of one output y over t·y, where t = 1 or −1 is the target: wrong on the left of 0,
    right on the right of it (RWTH, Loss functions; Lund, Perceptron and Margin loss).

    A loss is one of these names, by default all of them, or a function of an output and a target,
    which gets the target 1: "zero_one" counts mistakes, 0 among them; "perceptron" and "hinge" are
    those of `losses`; "squared_error" is (y − t)² = (1 − t·y)², which punishes being too right;
    "binary_cross_entropy" is ln(1 + e^(−t·y)), the logistic loss, where y is a logit; "margin_loss"
    is Lund's ramp, from 1 at 0 to 0 at ρ = 0.5. `names` say what the key calls them.

    Raises ValueError for an unknown name, limits that are none, a loss that is nan, and another
    number of names; TypeError for what is neither a name nor a function; ImportError without
    matplotlib.
    """
    require_canvas(ax)
    low, high = checked_range(limits)
    if resolution < 2:
        raise ValueError(f"a curve needs a resolution of at least 2 points, not {resolution}")
    wanted = shapes or tuple(SHAPES)
    found = [_found(shape) for shape in wanted]
    called = list(map(_name, wanted)) if names is None else list(names)
    if len(called) != len(wanted):
        raise ValueError(f"there are {len(wanted)} losses, but {len(called)} names")
    corners = [0.0, np.nextafter(0.0, 1.0), 0.5, 1.0]  # where these losses bend or jump
    inside = [z for z in corners if low < z < high]
    zs = np.union1d(np.linspace(low, high, resolution), inside)
    heights = [_costs(loss, zs, word) for loss, word in zip(found, called)]
    ax = canvas(ax, (6.0, 4.4))
    for axis in (ax.axhline, ax.axvline):
        axis(0.0, color=ink(ax), alpha=0.35, linewidth=0.7, zorder=1)
    every = len(zs) // 6
    handles: list[Any] = []
    for i, (shape, costs) in enumerate(zip(wanted, heights)):
        first = every * (i + 1) // (len(heights) + 1)
        place = i - wanted[:i].count("zero_one")
        marks: Any = {
            "marker": MARKERS[i % 10],
            "markersize": 4.5,
            "markevery": (first, every or 1),
        }
        handles += ax.plot(zs, costs, **_look(ax, shape, place), **marks)
    peaks = sorted(float(costs.max()) for costs in heights)
    if len(peaks) > 1:  # a parabola leaves the picture, lest the others be flat
        ax.set_ylim(top=min(1.05 * peaks[-1], 1.5 * peaks[-2]))
    ax.set_xlim(low, high)
    ax.spines[["top", "right"]].set_visible(False)
    return describe(ax, *labels, title, handles, called)


def _look(ax: Axes, shape: Any, place: int) -> dict[str, Any]:
    """Ink for the mistakes that the others stand in for, behind them; else colours, then dashes."""
    if shape == "zero_one":
        return {"color": ink(ax), "linewidth": 2.6, "zorder": 1.5}
    dashes = "solid" if place < len(LINES) else DASHED
    return {"color": LINES[place % 4], "linestyle": dashes, "linewidth": 1.8}


def _found(shape: str | Loss) -> Loss:
    if callable(shape):
        return shape
    if not isinstance(shape, str):
        raise TypeError(f"a loss is a name or a function of an output and a target, not {shape!r}")
    if shape not in SHAPES:
        raise ValueError(f"no loss is called {shape!r}; there are: {', '.join(SHAPES)}")
    return SHAPES[shape]


def _name(shape: Any) -> str:
    name = shape if isinstance(shape, str) else getattr(shape, "__name__", "")
    return "f" if name in ("", "<lambda>") else name


def _costs(loss: Loss, zs: Any, word: Any) -> Any:
    costs = at_points(lambda row: loss(row[0], 1.0), zs[:, None], f"the loss {word}")
    count = costs.shape[1]
    if count != 1:
        raise ValueError(f"the loss {word} must be one number, but it gives {count}")
    return costs[:, 0]
