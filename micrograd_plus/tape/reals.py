"""Arrays of real numbers as people give them: read as float64, or refused by name.

NumPy would drop a mask and make a date or a half of a complex number a number without a word; here
it is said.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import numpy.typing as npt

from .program import Floats

_FLOAT64 = np.dtype(np.float64)
# the kinds of number of which none can be masked
_PLAIN = frozenset((float, int, bool, np.float64))


def real_array(numbers: Any, what: str) -> Floats:
    """`numbers` as an array of float64, the same array where it is one already.

    Raises TypeError, naming `what`, for what is masked, sparse, complex, a date, text, any other
    object, or wider than a float64; ValueError for rows that differ in length.
    """
    if type(numbers) is np.ndarray and numbers.dtype is _FLOAT64:
        return numbers
    array = given_array(numbers, what)
    if array.dtype.kind == "O" and array.size:
        kind = type(array.ravel()[0]).__name__
        raise TypeError(
            f"{what} must be real numbers that a float64 holds, not objects such as a {kind}"
        )
    if array.dtype.kind not in "fiub" or not np.can_cast(array.dtype, _FLOAT64):
        raise TypeError(f"{what} must be real numbers that a float64 holds, not {array.dtype}")
    return np.asarray(array, dtype=np.float64)


def given_array(numbers: Any, what: str) -> npt.NDArray[Any]:
    """What is given as an array, of whatever it holds;
    TypeError or ValueError where that would not be all of it.
    """
    require_unmasked(numbers, what)
    if hasattr(numbers, "toarray"):
        raise TypeError(
            f"{what} must be real numbers in an array, not in a sparse {type(numbers).__name__}: "
            "give its "
            ".toarray()"
        )
    try:
        return np.asarray(numbers)
    except ValueError as error:  # which speaks of an inhomogeneous shape
        raise ValueError(
            f"{what} must be real numbers in rows of one length, but its rows differ in length"
        ) from error


def require_unmasked(numbers: Any, what: str) -> None:
    """Raise TypeError, naming `what`, when some numbers of an array are masked,
    or of the arrays in a list.
    """
    # NumPy imports it when asked for: before that nothing is masked
    masked = sys.modules.get("numpy.ma")
    if isinstance(numbers, getattr(masked, "MaskedArray", ())):
        if np.ma.is_masked(numbers):
            raise TypeError(
                f"{what} must be real numbers, and some of these are masked: leave them out, or "
                "fill them in"
            )
    elif isinstance(numbers, (list, tuple)) and not _PLAIN.issuperset(map(type, numbers)):
        for part in numbers:
            require_unmasked(part, what)


def require_no_dates(numbers: Any, what: str) -> None:
    """Raise TypeError, naming `what`, for dates and times, which are easily taken for numbers;
    for what is masked, too.
    """
    if not hasattr(numbers, "toarray") and given_array(numbers, what).dtype.kind in "mM":
        raise TypeError(
            f"{what} must be real numbers, and these are dates: choose a unit, as in (dates - "
            "first) / day"
        )


def require_finite(array: Floats, what: str) -> None:
    """Raise ValueError, naming `what` and the first place, unless all numbers are finite."""
    finite = np.isfinite(array)
    if not finite.all():
        place = tuple(np.argwhere(~finite)[0].tolist())
        raise ValueError(
            f"{what} must be finite, but {array[place]} stands at "
            f"{place if len(place) > 1 else place[0]}"
        )
