"""The error of difference quotients over their step: why a numerical gradient is approximate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..autodiff import grad
from ..tape.program import Floats
from ..testing import numerical_gradient
from ..trees import Tree, leaves_of, like
from .figure import (
    BLUE,
    VERMILLION,
    Handles,
    Labels,
    canvas,
    describe,
    ink,
    number,
    require_canvas,
)
from .numbers import reals

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Function = Callable[[Any], Any]

STEPS = 10.0 ** np.arange(0.0, -15.25, -0.25)
ROUNDING = 2.0**-53  # of a number, in relation to its size
DOTTED = (0, (1, 2))


def difference_error(
    f: Function,
    x: Tree,
    *,
    steps: Sequence[float] | None = None,
    labels: Labels = ("step h", "error of the gradient"),
    title: str = "",
    ax: Any = None,
) -> Axes:
    """How far forward and central difference quotients are from the gradient that reverse mode
    finds, over their step h: two V's on logarithmic scales, with the best step of each (Sharif,
    slide 41; RWTH, Numerical differentiation; Lund, Implementing Backpropagation).

    `x` is a number, or numbers nested as for `testing.numerical_gradient`, of which the largest
    error is shown; `f` takes such a thing and gives a number. `steps` are by default four a decade,
    from 1 down to the smallest that moves x. On the right the error is what Taylor's series leaves
    out, h·|f″|/2 forward and h²·|f‴|/6 central; on the left it is rounding, about 2⁻⁵³·|f|/h: both
    are dotted. A step without an error, or where f is not finite, has no place on the scale and is
    left out.

    Raises ValueError for steps that are not above 0 or too small to move x, and when no quotient
    errs; TypeError for what is not a number, and for a function that cannot be differentiated;
    ImportError without matplotlib.
    """
    require_canvas(ax)
    exact = _numbers(grad(f)(x))
    hs = _moving(x) if steps is None else reals(steps, "steps", "(steps,)", 1)
    forward = np.array([_error(f, x, "forward", h, exact) for h in hs.tolist()])
    central = np.array([_error(f, x, "central", h, exact) for h in hs.tolist()])
    errors = {"forward": forward, "central": central}
    shown = {kind: np.where(found > 0, found, np.nan) for kind, found in errors.items()}
    everything = np.concatenate(list(shown.values()))
    if np.isnan(everything).all():
        raise ValueError(
            "no difference quotient errs here, so a logarithmic scale of errors has nothing to show"
        )
    expected = _expected(f, x, hs)

    ax = canvas(ax, (6.0, 4.2))
    ax.set(xscale="log", yscale="log")
    handles: list[Any] = []
    words = []
    for (kind, found), colour, marker in zip(shown.items(), (VERMILLION, BLUE), "o^"):
        if np.isnan(found).all():
            continue
        best = int(np.nanargmin(found))
        look: Any = {"color": colour, "marker": marker}
        handles += ax.plot(hs, found, markersize=3.5, linewidth=1.2, zorder=3, **look)
        ring: Any = {"markersize": 10, "markerfacecolor": "none", "markeredgewidth": 1.6}
        ax.plot(hs[best], found[best], linestyle="none", zorder=4, **look, **ring)
        words.append(f"{kind}, best {number(found[best], 2)} at h = {number(hs[best], 2)}")
    more = _draw_expected(ax, hs, expected)
    low, high = float(np.nanmin(everything)), float(np.nanmax(everything))
    ax.set_ylim(low / 5, high * 5)
    ax.spines[["top", "right"]].set_visible(False)
    return describe(ax, *labels, title, [*handles, *more], [*words, *expected])


def _numbers(tree: Tree) -> Floats:
    return np.array([float(leaf) for leaf in leaves_of(tree)])


def _moving(x: Tree) -> Floats:
    """Those of the usual steps that move every number of x, both ways."""
    place = _numbers(x)
    moved = [bool(np.all(place + h != place) and np.all(place - h != place)) for h in STEPS]
    return STEPS[moved]


def _error(f: Function, x: Tree, kind: Any, h: float, exact: Floats) -> float:
    found = _numbers(numerical_gradient(f, x, kind, h).gradient)
    furthest = float(np.abs(found - exact).max())
    return furthest if np.isfinite(furthest) else np.nan


def _expected(f: Function, x: Tree, hs: Floats) -> dict[str, Floats]:
    """The first term that each quotient leaves out, and rounding; without those that are 0."""
    leaves = leaves_of(x)
    second, third = 0.0, 0.0
    for i, leaf in enumerate(leaves):

        def along(t: Any, i: int = i) -> Any:
            return f(like(x, [*leaves[:i], t, *leaves[i + 1 :]]))

        curvature = grad(grad(along))
        second = max(second, abs(float(curvature(leaf))))
        third = max(third, abs(float(grad(curvature)(leaf))))
    value = abs(float(f(x)))
    found = {
        "h·|f″|/2": hs * second / 2,
        "h²·|f‴|/6": hs**2 * third / 6,
        "rounding, 2⁻⁵³·|f|/h": ROUNDING * value / hs,
    }
    return {word: line for word, line in found.items() if line.any() and np.isfinite(line).all()}


def _draw_expected(ax: Axes, hs: Floats, expected: dict[str, Floats]) -> Handles:
    handles: list[Any] = []
    colours = {"h·|f″|/2": VERMILLION, "h²·|f‴|/6": BLUE}
    for word, line in expected.items():
        colour = colours.get(word, ink(ax))
        handles += ax.plot(hs, line, color=colour, linestyle=DOTTED, linewidth=1.3, zorder=2)
    return handles
