"""Numbers that plots are given, checked; and functions of a few numbers at many points,
by tape where that is possible.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..engine import Value
from ..modes import switched
from ..nn.modules import brought_up_to_date
from ..ops import as_float
from ..tape import Tape
from ..tape.program import Floats
from ..tape.reals import given_array, real_array, require_finite
from ..tracing import tracing

# from a list of numbers or Values to one of them, or to a sequence of them
Function = Callable[[list[Any]], Any]
Range = tuple[float, float]
Limits = tuple[Range, Range]
Grid = tuple[Floats, Floats, Floats]

GOLDEN = 0.6180339887498949  # the golden ratio's fractional part
SAMPLES = 32  # points at which a tape is compared with its function


def reals(numbers: Any, what: str, form: str, dimensions: int) -> Floats:
    """Numbers or Values as an array of floats; TypeError or ValueError,
    naming `what` and the `form` it must have.
    """
    array = given_array(numbers, what)
    if array.dtype.kind == "O":
        plain = [_float(x, what) for x in array.ravel()]
        array = np.array(plain).reshape(array.shape)
    array = real_array(array, what)
    if array.ndim != dimensions or not array.size:
        raise ValueError(
            f"{what} must have the shape {form}, with at least one of each, not {array.shape}"
        )
    require_finite(array, what)
    return array


def _float(x: Any, what: str) -> float:
    plain = x.data if isinstance(x, Value) else x
    return as_float(plain, what)


def at_points(f: Function, rows: Floats, what: str) -> Floats:
    """What a function gives at each of some points: an array (points, outputs). ValueError where it
    gives nan.

    It is recorded once and its tape run on all points, unless it decides anything in Python, or
    disagrees with its tape at some of them; then it is called at each point, with floats, or with
    Values where it wants these.
    """
    found = _by_tape(f, rows, what)
    if found is None:
        outputs = [_called(f, row, what) for row in rows.tolist()]
        counts = list(map(len, outputs))
        if len(set(counts)) > 1:
            place = tuple(rows[0].tolist())
            raise ValueError(f"{what} gives {counts[0]} numbers at {place}, but not everywhere")
        found = np.array(outputs)
    worst = np.isnan(found).any(axis=1)
    if worst.any():
        count = int(worst.sum())
        first = tuple(rows[worst][0].tolist())
        raise ValueError(f"{what} gives nan at {count} of {len(rows)} points, first at {first}")
    return found


def _by_tape(f: Function, rows: Floats, what: str) -> Floats | None:
    inputs = [Value(x) for x in rows[0].tolist()]
    try:
        with tracing(inputs):
            out = _listed(f(list(inputs)))
        found = Tape.of(out, inputs).values(rows)
    except (TypeError, ValueError, AttributeError):  # whatever is wrong, calling it will tell
        return None
    # spread over rows and columns of a grid
    shares = GOLDEN * np.arange(SAMPLES) % 1.0
    sample = (len(rows) * shares).astype(int)
    asked = [_called(f, row, what) for row in rows[sample].tolist()]
    width = found.shape[1]
    if any(len(row) != width for row in asked):
        return None
    agree = np.array_equal(asked, found[sample], equal_nan=True)
    return found if agree else None


def _called(f: Function, row: Sequence[float], what: str) -> list[float]:
    # it shows what a model keeps from before its parameters changed
    with switched(recording=True):
        try:
            out = f(list(row))
            return _plain(brought_up_to_date(out), what)
        except (TypeError, AttributeError, ArithmeticError):
            # x.relu(), and 1/x at 0, want Values
            out = f([Value(x) for x in row])
            return _plain(brought_up_to_date(out), what)


def _plain(out: Any, what: str) -> list[float]:
    return [_float(x, what) for x in _listed(out)]


def _listed(out: Any) -> list[Any]:
    if isinstance(out, np.ndarray):
        out = out.tolist()
    return list(out) if isinstance(out, (list, tuple)) else [out]


def checked_limits(limits: Any) -> Limits:
    """Limits as ((lowest x, highest x), (lowest y, highest y)); ValueError for anything else."""
    array = reals(limits, "limits", "(2, 2), as ((x0, x1), (y0, y1))", 2)
    is_square = array.shape == (2, 2)
    if not is_square or not (array[:, 0] < array[:, 1]).all():
        raise ValueError(
            f"limits are ((x0, x1), (y0, y1)) with x0 < x1 and y0 < y1, not {limits!r}"
        )
    (x0, x1), (y0, y1) = array.tolist()
    return (x0, x1), (y0, y1)


def checked_range(limits: Any) -> Range:
    """Limits as (lowest, highest); ValueError for anything else."""
    ends = reals(limits, "limits", "(2,), as (lowest, highest)", 1)
    if ends.shape != (2,) or not ends[0] < ends[1]:
        raise ValueError(f"limits are (lowest, highest), not {limits!r}")
    lowest, highest = ends.tolist()
    return lowest, highest


def grid(limits: Limits, resolution: int) -> Grid:
    """The coordinates along x and along y, and all points of the grid,
    row by row from the lowest y.
    """
    if resolution < 2:
        raise ValueError(f"a grid needs a resolution of at least 2 points a side, not {resolution}")
    xs, ys = (np.linspace(low, high, resolution) for low, high in limits)
    across = np.tile(xs, resolution)
    up = np.repeat(ys, resolution)
    return xs, ys, np.column_stack([across, up])
