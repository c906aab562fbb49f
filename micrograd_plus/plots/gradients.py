"""Sizes of gradients, layer by layer: whether they vanish or explode on the way down,
and which are dead.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..engine import Value, known_gradient
from ..tape.program import Floats
from .figure import (
    BLUE,
    VERMILLION,
    Labels,
    canvas,
    describe,
    ink,
    name_ticks,
    paper,
    require_canvas,
)
from .numbers import reals

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TALLEST = 0.85  # of the room between two layers, the height of the tallest bar
BIN_WIDTHS = (0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 25.0)  # in decades
STRIDES = (1, 2, 5, 10, 20, 50, 100)
RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def gradient_histograms(
    layers: Any,
    *,
    labels: Labels = ("size of the gradient", "layer (parameters)"),
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
    above_zero = [found[found > 0] for found in sizes.values()]
    edges = _edges(np.concatenate(above_zero))
    drawn = [_layer(found, edges) for found in sizes.values()]
    wide = float(edges[1] - edges[0])
    nought = edges[0] - 2.5 * wide  # where the bar of those that are exactly 0 begins
    has_zeros = any(layer.zeros > 0 for layer in drawn)
    tallest = max(*(layer.zeros for layer in drawn), *(layer.shares.max() for layer in drawn))
    count = len(sizes)
    ax = canvas(ax, (6.0, 1.3 + 0.7 * count))
    median, dead = None, None
    solid = {"color": BLUE, "edgecolor": paper(ax), "linewidth": 0.4}
    hatched = {"facecolor": "none", "edgecolor": BLUE, "hatch": "////", "linewidth": 1.0}
    for i, layer in enumerate(drawn):
        ax.axhline(i, color=ink(ax), alpha=0.35, linewidth=0.7, zorder=2.5)
        place = {"bottom": i, "align": "edge", "zorder": 2}
        heights = TALLEST * layer.shares / tallest
        bars = ax.bar(edges[:-1], heights, wide, **place, **solid)
        if layer.zeros:
            height = TALLEST * layer.zeros / tallest
            dead = ax.bar(nought, height, wide, **place, **hatched)
        if layer.median is not None:
            across = [layer.median, layer.median]
            up = [i, i + TALLEST]
            (median,) = ax.plot(across, up, color=VERMILLION, linewidth=1.8, zorder=3)
    decades = _decades(edges)
    powers = [f"10{str(e).translate(RAISED)}" for e in decades]
    if has_zeros:
        name_ticks(ax.xaxis, [nought + wide / 2, *decades], ["0", *powers])
    else:
        name_ticks(ax.xaxis, decades, powers)
    middles = [i + 0.3 for i in range(count)]
    names = [f"{name} ({len(found)})" for name, found in sizes.items()]
    name_ticks(ax.yaxis, middles, names)
    left = nought if has_zeros else edges[0]
    right = edges[-1]
    ax.set_xlim(left - 0.5 * wide, right + 0.5 * wide)
    ax.set_ylim(-0.05, count)
    ax.tick_params(axis="y", length=0)
    ax.spines[["top", "right", "left"]].set_visible(False)
    share = f"share of the layer, up to {100 * tallest:.0f} %"
    middle = "median of the others" if has_zeros else "median"
    key = {share: bars, "exactly 0": dead, middle: median}
    key = {word: handle for word, handle in key.items() if handle is not None}
    return describe(ax, *labels, title, list(key.values()), list(key))


class _Layer(NamedTuple):
    """What is drawn of a layer."""

    shares: Floats  # of its gradients, those in each bin
    zeros: float  # the share of those that are exactly 0
    median: float | None  # the logarithm of that of the others


def _layer(sizes: Floats, edges: Floats) -> _Layer:
    above_zero = sizes[sizes > 0]
    count = len(sizes)
    zeros = count - len(above_zero)
    logarithms = np.log10(above_zero)
    in_bins, _ = np.histogram(logarithms, edges)
    median = np.log10(np.median(above_zero)) if above_zero.size else None
    return _Layer(in_bins / count, zeros / count, median)


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
            count = len(numbers)
            raise ValueError(
                f"{missing} of the {count} parameters of {name} have no gradient: call "
                ".backward() on a loss that depends on them"
            )
        slopes = [x.grad if isinstance(x, Value) else x for x in numbers]
        what = f"the gradients of {name}"
        found[name] = reals(slopes, what, "(parameters,)", 1)
    if not found:
        raise ValueError("there are no layers, so there are no gradients to show")
    return found


def _edges(sizes: Floats) -> Floats:
    """Edges of bins for the logarithms of some sizes:
    whole parts or multiples of a decade, 30 bins or fewer.
    """
    low, high = 0.0, 0.0
    if sizes.size:
        low, high = np.log10(sizes.min()), np.log10(sizes.max())
    extent = high - low
    wide = next(width for width in BIN_WIDTHS if extent <= 29 * width)
    first = np.floor(low / wide)
    last = np.floor(high / wide) + 1
    edges: Floats = wide * np.arange(first, last + 1)
    return edges


def _decades(edges: Floats) -> list[int]:
    """The exponents that have a tick: ten at most."""
    first = int(np.ceil(edges[0]))
    last = int(edges[-1])
    extent = edges[-1] - edges[0]
    stride = next(stride for stride in STRIDES if extent <= 10 * stride)
    return [e for e in range(first, last + 1) if e % stride == 0]
