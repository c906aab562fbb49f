"""Activation functions and their derivatives, the latter by reverse mode, as training sees them."""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite, nan, nextafter
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import ops
from ..autodiff import value_and_grad
from ..nn import activations
from ..tape.program import Floats
from .figure import LINES, MARKERS, canvas, describe, ink, require_canvas
from .numbers import reals

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Activation = str | Callable[[Any], Any]


def activation_curves(
    *functions: Activation,
    limits: tuple[float, float] = (-5.0, 5.0),
    resolution: int = 401,
    derivatives: bool = True,
    labels: tuple[str, str] | None = None,
    title: str = "",
    ax: Any = None,
) -> Axes:
    """Activation functions (solid) and their derivatives (dashed) between `limits`, at `resolution`
    points.

    A function is a name that a Neuron takes ("tanh", "relu", ...), a row of the table with one
    operand ("step"), or a function of a Value. Where a row has a kink, the line of its derivative
    is broken, and a dot shows what the derivative is taken to be there; outside its domain there is
    nothing. `derivatives` False leaves them out.

    Raises ValueError for no function, an unknown name, limits that are none, and a function that is
    nowhere finite between them; TypeError for a function that is not one of a Value; ImportError
    without matplotlib.
    """
    require_canvas(ax)
    ends = reals(limits, "limits", "(2,), as (lowest, highest)", 1)
    if ends.shape != (2,) or not ends[0] < ends[1]:
        raise ValueError(f"limits are (lowest, highest), not {limits!r}")
    if not functions:
        raise ValueError('name a function at least: activation_curves("sigmoid", "tanh")')
    if resolution < 2:
        raise ValueError(f"a curve needs a resolution of at least 2 points, not {resolution}")
    curves = [
        _curve(_found(function), np.linspace(ends[0], ends[1], resolution))
        for function in functions
    ]
    ax = canvas(ax, (6.0, 3.8))
    for axis in (ax.axhline, ax.axvline):
        axis(0.0, color=ink(ax), alpha=0.35, linewidth=0.7, zorder=1)
    handles, words = [], []
    for i, (name, xs, values, slopes, kinks) in enumerate(curves):
        colour, every = LINES[i % 4], resolution // 6
        look = {
            "color": colour,
            "marker": MARKERS[i % 10] if len(curves) > 1 else None,
            "markersize": 3.8,
            "markevery": (every * (i + 1) // (len(curves) + 1), every or 1),
        }
        handles += ax.plot(xs, values, linewidth=1.8, **look)
        words.append(name)
        if derivatives:
            look["color"] = colour if len(curves) > 1 else LINES[1]
            handles += ax.plot(xs, slopes, linewidth=1.4, linestyle=(0, (4, 2)), **look)
            words.append(f"{name}′")
            ax.plot(
                *np.reshape(kinks, (-1, 2)).T, "o", color=look["color"], markersize=4.5, zorder=4
            )
    ax.set_xlim(*ends)
    ax.spines[["top", "right"]].set_visible(False)
    labels = labels or ("total input", "output, derivative" if derivatives else "output")
    return describe(ax, *labels, title, handles, words)


def _found(function: Activation) -> Callable[[Any], Any]:
    if callable(function):
        return function
    if not isinstance(function, str):
        raise TypeError(f"an activation is a name or a function of a Value, not {function!r}")
    known = activations() | {row.name: row for row in ops.primitives() if row.arity == 1}
    if function not in known:
        raise ValueError(f"no activation is called {function!r}; there are: {', '.join(known)}")
    return known[function]


def _curve(
    function: Callable[[Any], Any], xs: Floats
) -> tuple[str, Floats, Floats, Floats, list[tuple[float, float]]]:
    """A name, the points, the values, the derivatives, and the derivative at each kink;
    nan where the line breaks.
    """
    name = getattr(function, "__name__", "") or getattr(function, "name", "")
    name = "f" if name in ("", "<lambda>") else name
    row = ops.leaky_relu_row if function is ops.leaky_relu else function
    kinks = row.kinks_of(0) if isinstance(row, ops.Primitive) else []
    inside = [kink for kink in kinks if xs[0] < kink < xs[-1]]
    beside = [nextafter(kink, side) for kink in inside for side in (-np.inf, np.inf)]
    both = value_and_grad(function)
    points = np.unique([*xs, *beside, *inside])
    found = [tuple(float(x) for x in both(x)) for x in points.tolist()]
    values, slopes = np.where(np.isfinite(found), found, nan).T
    if not np.isfinite(values).any():
        raise ValueError(f"{name} is nowhere finite between {xs[0]} and {xs[-1]}")
    at = np.searchsorted(points, inside)
    dots = [(kink, slope) for kink, slope in zip(inside, slopes[at].tolist()) if isfinite(slope)]
    slopes[at] = nan
    for i in at:
        if abs(values[i + 1] - values[i - 1]) > 1e-9:
            values[i] = nan
    return name, points, values, slopes, dots
