"""Weights as pictures: each unit's as the template it matches, and Hinton diagrams."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..nn.modules import Module
from ..nn.single_layer import SingleLayer
from ..tape.program import Floats
from .figure import (
    Labels,
    Size,
    Words,
    canvas,
    describe,
    ink,
    literally,
    name_ticks,
    number,
    require_canvas,
)
from .numbers import reals

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Shape = tuple[int, int]

MIDDLE_GREY = "#808080"
CORNERS = ((-1, -1), (1, -1), (1, 1), (-1, 1))


def hinton_diagram(
    weights: Any,
    *,
    largest: float | None = None,
    rows: Words | None = None,
    columns: Words | None = None,
    labels: Labels = ("input", "unit"),
    title: str = "",
    ax: Any = None,
) -> Axes:
    """A square for each weight on grey: white when it is positive, black when it is negative, its
    area as its size.

    `weights` is a Layer, a model whose first layer is meant (an MLP, a Perceptron or Adaline, a
    Chain of `nn.modular`), or a matrix of numbers or Values with a row for each unit and a column
    for each input. `largest` is the size of weight that fills its
    place; by default the largest there is, and larger ones are drawn as large. `rows` and `columns`
    name the units and inputs; the units of a Perceptron or Adaline are called by its classes. See
    Bremner, Gotts and Denham, Hinton diagrams: Viewing connection strengths in neural networks,
    1994.

    Raises ValueError for numbers that are not finite, wrong shapes, and a `largest` that is not
    above 0; TypeError for what is not a number; ImportError without matplotlib.
    """
    require_canvas(ax)
    matrix = _matrix(weights)
    rows = _classes(weights, len(matrix)) if rows is None else rows
    if largest is None:
        full = _largest(matrix)
    else:
        full = float(largest)
    if not 0 < full < np.inf:
        raise ValueError(f"the largest weight to draw must be above 0, not {largest!r}")
    height, width = matrix.shape
    _require_names(rows, height, "rows")
    _require_names(columns, width, "columns")
    ax = canvas(ax, _size(width, height + bool(title)))
    from matplotlib.collections import PolyCollection

    shares = np.minimum(np.abs(matrix) / full, 1.0)
    half = 0.46 * np.sqrt(shares)
    y, x = np.indices(matrix.shape)
    corners = [(x + i * half, y + j * half) for i, j in CORNERS]
    squares = np.transpose(corners, (2, 3, 0, 1)).reshape(-1, 4, 2)
    colours = ["white" if w > 0 else "black" for w in matrix.ravel()]
    drawn = PolyCollection(list(squares), linewidths=0, facecolors=colours)
    ax.add_collection(drawn)
    ax.set_xlim(-0.5, width - 0.5)
    ax.set_ylim(height - 0.5, -0.5)
    ax.set(aspect="equal", anchor="NW", facecolor=MIDDLE_GREY)
    _ticks(ax.xaxis, columns)
    _ticks(ax.yaxis, rows)
    handles = [_square(colour, ax) for colour in ("white", "black", MIDDLE_GREY)]
    words = ["positive", "negative", f"a full square: {number(full, 3)}"]
    return describe(ax, *labels, title, handles, words)


def _largest(matrix: Floats) -> float:
    """The size of the largest weight; 1 where all are 0."""
    return float(np.abs(matrix).max()) or 1.0


def _require_names(names: Words | None, count: int, what: str) -> None:
    if names is not None and len(names) != count:
        raise ValueError(f"there are {count} {what}, but {len(names)} names for them")


def weight_templates(
    weights: Any,
    shape: Shape | None = None,
    *,
    columns: int | None = None,
    names: Words | None = None,
    title: str = "",
    ax: Any = None,
) -> Axes:
    """The weights of each unit as an image, black where they are negative, grey at 0 and white
    where they are positive.

    `weights` is a Layer, a model whose first layer is meant (an MLP, a Perceptron or Adaline, a
    Chain of `nn.modular`), or a matrix of numbers or Values with a row for each unit. `shape`,
    (height, width), is that of the images that are the unit's input, by default square. All images
    share one scale, from minus the largest size of a weight to plus that, and stand in `columns`
    columns. `names` stand above them: by default the classes of a Perceptron or Adaline, or numbers
    from 0 (Sharif, slides 17-24; Edinburgh, Templates).

    Raises ValueError for numbers that are not finite, and when the weights do not fill the shape;
    TypeError for what is not a number; ImportError without matplotlib.
    """
    require_canvas(ax)
    matrix = _matrix(weights)
    count, size = matrix.shape
    side = int(np.sqrt(size))
    height, width = (side, side) if shape is None else shape
    if height * width != size:
        raise ValueError(
            f"{size} weights do not fill an image of {height} × {width}: give shape=(height, width)"
        )
    names = _classes(weights, count) if names is None else names
    called = list(range(count)) if names is None else list(names)
    if len(called) != count:
        raise ValueError(f"there are {count} units, but {len(called)} names")
    across = _columns(count) if columns is None else columns
    if across < 1:
        raise ValueError(f"there must be a column at least, not {columns!r}")
    across = min(across, count)
    down = -(-count // across)
    gap, over = 0.15 * width, 0.36 * height
    full = _largest(matrix)
    inches_wide = max(3.0, 1.25 * across)
    inches_high = 1.45 * down * height / width + 0.6
    ax = canvas(ax, (inches_wide, inches_high))
    greys = {"cmap": "gray", "vmin": -full, "vmax": full, "interpolation": "nearest"}
    look = {"verticalalignment": "bottom", "fontsize": "small", "color": ink(ax)}
    for i, weights_of_unit in enumerate(matrix):
        row, column = divmod(i, across)
        left = column * (width + gap)
        top = row * (height + over)
        image = weights_of_unit.reshape(height, width)
        extent = (left, left + width, top + height, top)
        ax.imshow(image, extent=extent, **greys)
        above = ax.text(left, top - 0.06 * height, "", **look)
        literally(above, called[i])
    right = across * (width + gap) - gap
    bottom = down * (height + over) - over
    beside, below = 0.02 * width, 0.02 * height
    ax.set_xlim(-beside, right + beside)
    ax.set_ylim(bottom + below, -0.3 * height)
    ax.set(aspect="equal", anchor="NW")
    ax.axis("off")
    handles = [_square(colour, ax) for colour in ("black", MIDDLE_GREY, "white")]
    words = [number(-full, 2), "0", f"+{number(full, 2)}"]
    return describe(ax, "", "", title, handles, words)


def _matrix(weights: Any) -> Floats:
    """The weights as a matrix, a row for each unit; of a Module those of its first layer,
    without the biases.
    """
    layer = weights.layers[0] if hasattr(weights, "layers") else weights
    layer = getattr(layer, "layer", layer)
    if hasattr(layer, "neurons"):
        rows = [n.w for n in layer.neurons]
    elif hasattr(layer, "w"):
        rows = [layer.w]
    else:
        rows = getattr(layer, "weights", layer)
    if isinstance(rows, Module):
        raise TypeError(
            f"a {type(rows).__name__} has no first layer whose weights could be shown: give a "
            "Layer, or a matrix with a row for each unit"
        )
    return reals(rows, "weights", "(units, inputs)", 2)


def _classes(model: Any, units: int) -> Words | None:
    """The classes that a model's units stand for, when each has one."""
    classes = getattr(model, "classes", None)
    is_each = isinstance(model, SingleLayer) and classes is not None and len(classes) == units
    return classes if is_each else None


def _size(width: int, height: int) -> Size:
    """A size in inches that gives each weight the same room, within reason."""
    room = min(0.4, 8.0 / width, 8.0 / height)
    wide = max(3.6, room * width + 1.0)
    high = room * height + 1.2
    return wide, high


def _columns(count: int) -> int:
    """A number of columns, rather more than rows, that leaves few places empty."""
    side = np.sqrt(count)
    least, most = int(np.ceil(side)), int(2.5 * side)
    fitting = range(least, most + 1)
    return min(fitting, key=lambda across: (-count % across, across))


def _ticks(axis: Any, names: Words | None) -> None:
    if names is None:
        axis.get_major_locator().set_params(integer=True)
        return
    name_ticks(axis, range(len(names)), names)


def _square(colour: str, ax: Axes) -> Any:
    from matplotlib.lines import Line2D

    edge: dict[str, Any] = {"markeredgecolor": ink(ax, outside=True), "markeredgewidth": 0.6}
    return Line2D([], [], color=colour, marker="s", linestyle="none", **edge)
