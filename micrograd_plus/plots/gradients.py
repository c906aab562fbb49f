"""Sizes of gradients, layer by layer: whether they vanish or explode on the way down,
and which are dead.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ..engine import Value, known_gradient
from ..tape.program import Floats
from .figure import BLUE, VERMILLION, canvas, describe, ink, name_ticks, paper, require_canvas
from .numbers import reals

if TYPE_CHECKING:
    from matplotlib.axes import Axes

RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def gradient_histograms(
    layers: Any,
    *,
    labels: tuple[str, str] = ("size of the gradient", "layer (parameters)"),
    title: str = "",
    ax: Any = None,
) -> Axes:
    """How large the gradients of each layer's parameters are: a histogram a layer, the first layer
    at the bottom.

    `layers` is a Module after `loss.backward()`, or a dictionary of numbers, or of Values, by the
    layer's name. The scale is logarithmic; gradients that are exactly 0, as of a dead ReLU, have no
    place on it and stand apart on the left. A bar's height is the share of the layer's parameters
    that it holds, on one scale for all layers; the tallest says it.

    Raises ValueError when a parameter has no gradient yet, for gradients that are not finite, and
    for no layers; TypeError for what is neither; ImportError without matplotlib.
    """
    require_canvas(ax)
    sizes = {name: np.abs(found) for name, found in _gradients(layers).items()}
    edges = _edges(np.concatenate([found[found > 0] for found in sizes.values()]))
    wide = float(edges[1] - edges[0])
    nought = edges[0] - 2.5 * wide  # where the bar of those that are exactly 0 begins
    counts = [np.histogram(np.log10(found[found > 0]), edges)[0] for found in sizes.values()]
    zeros = [int((found == 0).sum()) for found in sizes.values()]
    shares = [of_layer / len(found) for of_layer, found in zip(counts, sizes.values())]
    none = [zero / len(found) for zero, found in zip(zeros, sizes.values())]
    tallest = max(*none, *(share.max() for share in shares))
    ax = canvas(ax, (6.0, 1.3 + 0.7 * len(sizes)))
    median, dead = None, None
    for i, found in enumerate(sizes.values()):
        ax.axhline(i, color=ink(ax), alpha=0.35, linewidth=0.7, zorder=2.5)
        bars = ax.bar(
            edges[:-1],
            0.85 * shares[i] / tallest,
            wide,
            bottom=i,
            align="edge",
            color=BLUE,
            edgecolor=paper(ax),
            linewidth=0.4,
            zorder=2,
        )
        if zeros[i]:
            dead = ax.bar(
                nought,
                0.85 * none[i] / tallest,
                wide,
                bottom=i,
                align="edge",
                facecolor="none",
                edgecolor=BLUE,
                hatch="////",
                linewidth=1.0,
                zorder=2,
            )
        if zeros[i] < len(found):
            middle = np.log10(np.median(found[found > 0]))
            (median,) = ax.plot(
                [middle, middle], [i, i + 0.85], color=VERMILLION, linewidth=1.8, zorder=3
            )
    exponents = [
        e for e in range(int(np.ceil(edges[0])), int(edges[-1]) + 1) if e % _stride(edges) == 0
    ]
    name_ticks(
        ax.xaxis,
        [*([nought + wide / 2] if any(zeros) else []), *exponents],
        [*(["0"] if any(zeros) else []), *(f"10{str(e).translate(RAISED)}" for e in exponents)],
    )
    name_ticks(
        ax.yaxis,
        [i + 0.3 for i in range(len(sizes))],
        [f"{name} ({len(found)})" for name, found in sizes.items()],
    )
    ax.set(
        xlim=((nought if any(zeros) else edges[0]) - 0.5 * wide, edges[-1] + 0.5 * wide),
        ylim=(-0.05, len(sizes)),
    )
    ax.tick_params(axis="y", length=0)
    ax.spines[["top", "right", "left"]].set_visible(False)
    middle_of = "median of the others" if any(zeros) else "median"
    key = {
        f"share of the layer, up to {100 * tallest:.0f} %": bars,
        "exactly 0": dead,
        middle_of: median,
    }
    key = {word: handle for word, handle in key.items() if handle is not None}
    return describe(ax, *labels, title, list(key.values()), list(key))


def _gradients(layers: Any) -> dict[str, Floats]:
    """The gradients of each layer by its name."""
    if isinstance(layers, Mapping):
        given = {str(name): list(numbers) for name, numbers in layers.items()}
    else:
        parts = getattr(layers, "layers", [layers])
        given = {f"layer {i}": part.parameters() for i, part in enumerate(parts, 1)}
    found = {}
    for name, numbers in given.items():
        missing = sum(isinstance(x, Value) and known_gradient(x) is None for x in numbers)
        if missing:
            raise ValueError(
                f"{missing} of the {len(numbers)} parameters of {name} have no gradient: call "
                ".backward() on "
                "a loss that depends on them"
            )
        found[name] = reals(
            [x.grad if isinstance(x, Value) else x for x in numbers],
            f"the gradients of {name}",
            "(parameters,)",
            1,
        )
    if not found:
        raise ValueError("there are no layers, so there are no gradients to show")
    return found


def _edges(sizes: Floats) -> Floats:
    """Edges of bins for the logarithms of some sizes:
    whole parts or multiples of a decade, 30 bins or fewer.
    """
    low, high = (np.log10(sizes.min()), np.log10(sizes.max())) if sizes.size else (0.0, 0.0)
    wide = next(w for w in (0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 25.0) if high - low <= 29 * w)
    edges: Floats = wide * np.arange(np.floor(low / wide), np.floor(high / wide) + 2)
    return edges


def _stride(edges: Floats) -> int:
    """Every how many decades there is a tick: ten ticks at most."""
    return next(
        stride for stride in (1, 2, 5, 10, 20, 50, 100) if edges[-1] - edges[0] <= 10 * stride
    )
