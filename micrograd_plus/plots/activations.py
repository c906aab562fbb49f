"""Activation functions and their derivatives, the latter by reverse mode, as training sees them."""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite, nan, nextafter
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .. import ops
from ..autodiff import value_and_grad
from ..nn import activations
from ..tape.program import Floats
from .figure import DASHED, LINES, MARKERS, Labels, canvas, describe, ink, require_canvas
from .numbers import checked_range

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Function = Callable[[Any], Any]
Activation = str | Function
Point = tuple[float, float]


def activation_curves(
    *functions: Activation,
    limits: Point = (-5.0, 5.0),
    resolution: int = 401,
    derivatives: bool = True,
    labels: Labels | None = None,
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
    lowest, highest = checked_range(limits)
    if not functions:
        raise ValueError('name a function at least: activation_curves("sigmoid", "tanh")')
    if resolution < 2:
        raise ValueError(f"a curve needs a resolution of at least 2 points, not {resolution}")
    xs = np.linspace(lowest, highest, resolution)
    curves = [_curve(_found(function), xs) for function in functions]
    ax = canvas(ax, (6.0, 3.8))
    for axis in (ax.axhline, ax.axvline):
        axis(0.0, color=ink(ax), alpha=0.35, linewidth=0.7, zorder=1)
    count = len(curves)
    several = count > 1
    every = resolution // 6
    handles, words = [], []
    for i, curve in enumerate(curves):
        colour = LINES[i % 4]
        marker = MARKERS[i % 10] if several else None
        first = every * (i + 1) // (count + 1)
        marks = {"marker": marker, "markersize": 3.8, "markevery": (first, every or 1)}
        handles += ax.plot(curve.xs, curve.values, color=colour, linewidth=1.8, **marks)
        words.append(curve.name)
        if derivatives:
            colour = colour if several else LINES[1]
            dashed = {"color": colour, "linewidth": 1.4, "linestyle": DASHED}
            handles += ax.plot(curve.xs, curve.slopes, **dashed, **marks)
            words.append(f"{curve.name}′")
            places, taken = np.reshape(curve.kinks, (-1, 2)).T
            ax.plot(places, taken, "o", color=colour, markersize=4.5, zorder=4)
    ax.set_xlim(lowest, highest)
    ax.spines[["top", "right"]].set_visible(False)
    shown = "output, derivative" if derivatives else "output"
    labels = labels or ("total input", shown)
    return describe(ax, *labels, title, handles, words)


class _Curve(NamedTuple):
    """A function and its derivative, which are nan where the line breaks."""

    name: str
    xs: Floats
    values: Floats
    slopes: Floats
    kinks: list[Point]  # each with the derivative there


def _found(function: Activation) -> Function:
    if callable(function):
        return function
    if not isinstance(function, str):
        raise TypeError(f"an activation is a name or a function of a Value, not {function!r}")
    rows = {row.name: row for row in ops.primitives() if row.arity == 1}
    known = activations() | rows
    if function not in known:
        names = ", ".join(known)
        raise ValueError(f"no activation is called {function!r}; there are: {names}")
    return known[function]


def _name(function: Function) -> str:
    name = getattr(function, "__name__", "") or getattr(function, "name", "")
    return "f" if name in ("", "<lambda>") else name


def _kinks(function: Function) -> list[float]:
    row = ops.leaky_relu_row if function is ops.leaky_relu else function
    return row.kinks_of(0) if isinstance(row, ops.Primitive) else []


def _curve(function: Function, xs: Floats) -> _Curve:
    name = _name(function)
    lowest, highest = xs[0], xs[-1]
    inside = [kink for kink in _kinks(function) if lowest < kink < highest]
    below = [nextafter(kink, -np.inf) for kink in inside]
    above = [nextafter(kink, np.inf) for kink in inside]
    points = np.unique([*xs, *below, *inside, *above])
    both = value_and_grad(function)
    found = [tuple(map(float, both(x))) for x in points.tolist()]
    finite = np.isfinite(found)
    values, slopes = np.where(finite, found, nan).T
    if not np.isfinite(values).any():
        raise ValueError(f"{name} is nowhere finite between {lowest} and {highest}")
    at = np.searchsorted(points, inside)
    taken = slopes[at].tolist()
    dots = [(kink, slope) for kink, slope in zip(inside, taken) if isfinite(slope)]
    slopes[at] = nan
    for i in at:
        jump = abs(values[i + 1] - values[i - 1])
        if jump > 1e-9:
            values[i] = nan
    return _Curve(name, points, values, slopes, dots)
