"""Weights as pictures: each unit's as the template it matches, and Hinton diagrams."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ..nn.modules import Module
from ..nn.single_layer import SingleLayer
from ..tape.program import Floats
from .figure import (
    VERMILLION,
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
GAP = 0.15  # between two images, of the width of one
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
    height, width = _shape(shape, size)
    names = _classes(weights, count) if names is None else names
    called = list(range(count)) if names is None else list(names)
    if len(called) != count:
        raise ValueError(f"there are {count} units, but {len(called)} names")
    across = _columns(count) if columns is None else columns
    if across < 1:
        raise ValueError(f"there must be a column at least, not {columns!r}")
    across = min(across, count)
    down = -(-count // across)
    gap, over = GAP * width, 0.36 * height
    full = _largest(matrix)
    inches_wide = max(3.0, 1.25 * across)
    inches_high = 1.45 * down * height / width + 0.6
    ax = canvas(ax, (inches_wide, inches_high))
    look = {"verticalalignment": "bottom", "fontsize": "small", "color": ink(ax)}
    for i, weights_of_unit in enumerate(matrix):
        row, column = divmod(i, across)
        left = column * (width + gap)
        top = row * (height + over)
        _draw_image(ax, weights_of_unit.reshape(height, width), left, top, full)
        above = ax.text(left, top - 0.06 * height, "", **look)
        literally(above, called[i])
    right = across * (width + gap) - gap
    bottom = down * (height + over) - over
    beside, below = 0.02 * width, 0.02 * height
    ax.set_xlim(-beside, right + beside)
    ax.set_ylim(bottom + below, -0.3 * height)
    ax.set(aspect="equal", anchor="NW")
    ax.axis("off")
    key = _shades(full, ax)
    return describe(ax, "", "", title, list(key.values()), list(key))


def template_updates(
    updates: Any,
    shape: Shape | None = None,
    *,
    before: Any = None,
    names: Words | None = None,
    steps: Words | None = None,
    title: str = "",
    ax: Any = None,
) -> Axes:
    """The templates of all units after each update, a column an update and a row a unit; those that
    the update has changed are framed (Sharif, slides 17-23).

    `updates` has for each update the weights of all units: an array (updates, units, inputs), or a
    sequence of matrices, of dictionaries from the unit's name to its weights, or of models, whose
    weights must not be those of one model that has learned on. `before` are the weights before the
    first update, by default 0, where a Perceptron begins. `shape` and the scale of greys are as for
    `weight_templates`. `names` stand beside the rows, by default those of the dictionaries, the
    classes of the models or numbers from 0; `steps` above the columns, by default numbers from 1.

    Raises ValueError for numbers that are not finite, no updates, matrices or names that do not
    agree, and when the weights do not fill the shape; TypeError for what is not a number;
    ImportError without matplotlib.
    """
    require_canvas(ax)
    given = list(updates)
    if not given:
        raise ValueError("there are no updates to show")
    matrices = [_matrix(_rows(one)) for one in given]
    first = np.zeros_like(matrices[0]) if before is None else _matrix(_rows(before))
    strange = [one.shape for one in (first, *matrices) if one.shape != matrices[0].shape]
    if strange:
        raise ValueError(
            f"updates are matrices of one shape, (units, inputs), not {matrices[0].shape} and "
            f"{strange[0]}"
        )
    count, size = matrices[0].shape
    height, width = _shape(shape, size)
    called = _called(given[0], count) if names is None else list(names)
    above = list(range(1, len(given) + 1)) if steps is None else list(steps)
    _require_names(called, count, "units")
    _require_names(above, len(given), "updates")
    full = _largest(np.stack(matrices))
    gap, over = GAP * width, 0.15 * height
    inches_wide = max(3.0, 1.0 + 0.95 * len(given))
    ax = canvas(ax, (inches_wide, 0.9 + 1.0 * count * height / width))
    _column_of_names(ax, called, height + over, height, width)
    changes = [now != then for then, now in zip([first, *matrices], matrices)]
    frame = None
    look = {"verticalalignment": "bottom", "fontsize": "small", "color": ink(ax)}
    for column, (matrix, changed) in enumerate(zip(matrices, changes)):
        left = column * (width + gap)
        heading = ax.text(left, -0.12 * height, "", **look)
        literally(heading, above[column])
        for row in range(count):
            top = row * (height + over)
            _draw_image(ax, matrix[row].reshape(height, width), left, top, full)
            if changed[row].any():
                frame = _frame(ax, left, top, width, height)
    right = len(given) * (width + gap) - gap
    bottom = count * (height + over) - over
    beside, below = 0.06 * width, 0.06 * height
    ax.set_xlim(-beside, right + beside)
    ax.set_ylim(bottom + below, -0.45 * height)
    ax.set(aspect="equal", anchor="NW")
    ax.axis("off")
    key = _shades(full, ax)
    if frame is not None:
        key["changed"] = frame
    return describe(ax, "", "", title, list(key.values()), list(key))


def _rows(update: Any) -> Any:
    return list(update.values()) if isinstance(update, Mapping) else update


def _called(update: Any, count: int) -> list[object]:
    """What the units of an update are called."""
    if isinstance(update, Mapping):
        return list(update)
    return list(_classes(update, count) or range(count))


def _column_of_names(ax: Axes, names: Words, step: float, height: int, width: int) -> None:
    look: Any = {"horizontalalignment": "right", "verticalalignment": "center", "fontsize": "small"}
    for row, name in enumerate(names):
        beside = ax.text(-0.15 * width, row * step + height / 2, "", color=ink(ax), **look)
        literally(beside, name)


def _frame(ax: Axes, left: float, top: float, width: float, height: float) -> Any:
    """A frame just outside an image."""
    from matplotlib.patches import Rectangle

    beside, below = 0.03 * width, 0.03 * height
    size = width + 2 * beside, height + 2 * below
    corner = left - beside, top - below
    look: Any = {"edgecolor": VERMILLION, "facecolor": "none", "linewidth": 2.0}
    return ax.add_patch(Rectangle(corner, *size, **look))


def _shape(shape: Shape | None, size: int) -> Shape:
    """The height and width of images of so many weights."""
    side = int(np.sqrt(size))
    height, width = (side, side) if shape is None else shape
    if height * width != size:
        raise ValueError(
            f"{size} weights do not fill an image of {height} × {width}: give shape=(height, width)"
        )
    return height, width


def _draw_image(ax: Axes, image: Floats, left: float, top: float, full: float) -> None:
    """Draw weights as greys, black at −full and white at full, in an edge: else white pixels would
    be lost on paper, and black ones on a dark screen.
    """
    height, width = image.shape
    right, bottom = left + width, top + height
    greys: Any = {"cmap": "gray", "vmin": -full, "vmax": full, "interpolation": "nearest"}
    ax.imshow(image, extent=(left, right, bottom, top), **greys)
    around = [left, right, right, left, left], [top, top, bottom, bottom, top]
    ax.plot(*around, color=MIDDLE_GREY, linewidth=0.6)


def _shades(full: float, ax: Axes) -> dict[str, Any]:
    """What the key says of the scale of greys."""
    words = [number(-full, 2), "0", f"+{number(full, 2)}"]
    shades = [_square(colour, ax) for colour in ("black", MIDDLE_GREY, "white")]
    return dict(zip(words, shades))


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
