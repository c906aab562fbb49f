"""Weights as pictures: each unit's as the template it matches, and Hinton diagrams."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..tape.program import Floats
from .figure import canvas, describe, ink, literally, name_ticks, number, require_canvas
from .numbers import reals

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def hinton_diagram(
    weights: Any,
    *,
    largest: float | None = None,
    rows: Sequence[object] | None = None,
    columns: Sequence[object] | None = None,
    labels: tuple[str, str] = ("input", "unit"),
    title: str = "",
    ax: Any = None,
) -> Axes:
    """A square for each weight on grey: white when it is positive, black when it is negative, its
    area as its size.

    `weights` is a Layer, a Module whose first layer is meant, or a matrix of numbers or Values with
    a row for each unit and a column for each input. `largest` is the size of weight that fills its
    place; by default the largest there is, and larger ones are drawn as large. `rows` and `columns`
    name the units and inputs. See Bremner, Gotts and Denham, Hinton diagrams: Viewing connection
    strengths in neural networks, 1994.

    Raises ValueError for numbers that are not finite, wrong shapes, and a `largest` that is not
    above 0; TypeError for what is not a number; ImportError without matplotlib.
    """
    require_canvas(ax)
    matrix = _matrix(weights)
    full = float(np.abs(matrix).max()) or 1.0 if largest is None else float(largest)
    if not 0 < full < np.inf:
        raise ValueError(f"the largest weight to draw must be above 0, not {largest!r}")
    height, width = matrix.shape
    for names, count, what in ((rows, height, "rows"), (columns, width, "columns")):
        if names is not None and len(names) != count:
            raise ValueError(f"there are {count} {what}, but {len(names)} names for them")
    ax = canvas(ax, _size(width, height + bool(title)))
    from matplotlib.collections import PolyCollection

    half = 0.46 * np.sqrt(np.minimum(np.abs(matrix) / full, 1.0))
    y, x = np.indices(matrix.shape)
    corners = [(x + i * half, y + j * half) for i, j in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
    ax.add_collection(
        PolyCollection(
            list(np.transpose(corners, (2, 3, 0, 1)).reshape(-1, 4, 2)),
            linewidths=0,
            facecolors=["white" if w > 0 else "black" for w in matrix.ravel()],
        )
    )
    ax.set(
        xlim=(-0.5, width - 0.5),
        ylim=(height - 0.5, -0.5),
        aspect="equal",
        anchor="NW",
        facecolor="#808080",
    )
    _ticks(ax.xaxis, columns)
    _ticks(ax.yaxis, rows)
    return describe(
        ax,
        *labels,
        title,
        [_square("white", ax), _square("black", ax), _square("#808080", ax)],
        ["positive", "negative", f"a full square: {number(full, 3)}"],
    )


def weight_templates(
    weights: Any,
    shape: tuple[int, int] | None = None,
    *,
    columns: int | None = None,
    names: Sequence[object] | None = None,
    title: str = "",
    ax: Any = None,
) -> Axes:
    """The weights of each unit as an image, black where they are negative, grey at 0 and white
    where they are positive.

    `weights` is a Layer, a Module whose first layer is meant, or a matrix of numbers or Values with
    a row for each unit. `shape`, (height, width), is that of the images that are the unit's input,
    by default square. All images share one scale, from minus the largest size of a weight to plus
    that, and stand in `columns` columns. `names` stand above them.

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
    called = list(range(count)) if names is None else list(names)
    if len(called) != count:
        raise ValueError(f"there are {count} units, but {len(called)} names")
    across = _columns(count) if columns is None else columns
    if across < 1:
        raise ValueError(f"there must be a column at least, not {columns!r}")
    across = min(across, count)
    down = -(-count // across)
    gap, over = 0.15 * width, 0.36 * height
    full = float(np.abs(matrix).max()) or 1.0
    ax = canvas(ax, (max(3.0, 1.25 * across), 1.45 * down * height / width + 0.6))
    for i, weights_of_unit in enumerate(matrix):
        left, top = (i % across) * (width + gap), (i // across) * (height + over)
        ax.imshow(
            weights_of_unit.reshape(height, width),
            cmap="gray",
            vmin=-full,
            vmax=full,
            interpolation="nearest",
            extent=(left, left + width, top + height, top),
        )
        words = ax.text(
            left,
            top - 0.06 * height,
            "",
            verticalalignment="bottom",
            fontsize="small",
            color=ink(ax),
        )
        literally(words, called[i])
    ax.set(
        xlim=(-0.02 * width, across * (width + gap) - gap + 0.02 * width),
        aspect="equal",
        anchor="NW",
        ylim=(down * (height + over) - over + 0.02 * height, -0.3 * height),
    )
    ax.axis("off")
    return describe(
        ax,
        "",
        "",
        title,
        [_square(colour, ax) for colour in ("black", "#808080", "white")],
        [number(-full, 2), "0", f"+{number(full, 2)}"],
    )


def _matrix(weights: Any) -> Floats:
    """The weights as a matrix, a row for each unit; of a Module those of its first layer,
    without the biases.
    """
    layer = weights.layers[0] if hasattr(weights, "layers") else weights
    rows = (
        [n.w for n in layer.neurons]
        if hasattr(layer, "neurons")
        else [layer.w]
        if hasattr(layer, "w")
        else layer
    )
    return reals(rows, "weights", "(units, inputs)", 2)


def _size(width: int, height: int) -> tuple[float, float]:
    """A size in inches that gives each weight the same room, within reason."""
    room = min(0.4, 8.0 / width, 8.0 / height)
    return max(3.6, room * width + 1.0), room * height + 1.2


def _columns(count: int) -> int:
    """A number of columns, rather more than rows, that leaves few places empty."""
    fitting = range(int(np.ceil(np.sqrt(count))), int(2.5 * np.sqrt(count)) + 1)
    return min(fitting, key=lambda across: (-count % across, across))


def _ticks(axis: Any, names: Sequence[object] | None) -> None:
    if names is None:
        axis.get_major_locator().set_params(integer=True)
        return
    name_ticks(axis, range(len(names)), names)


def _square(colour: str, ax: Axes) -> Any:
    from matplotlib.lines import Line2D

    return Line2D(
        [],
        [],
        color=colour,
        marker="s",
        linestyle="none",
        markeredgecolor=ink(ax, outside=True),
        markeredgewidth=0.6,
    )
