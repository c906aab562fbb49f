"""Arrays of real numbers as people give them: read as float64, or refused by name.

NumPy would drop a mask and make a date or a half of a complex number a number without a word; here
it is said.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ..checks import require_unmasked
from .program import Floats

_FLOAT64 = np.dtype(np.float64)


def real_array(numbers: Any, what: str) -> Floats:
    """`numbers` as an array of float64, the same array where it is one already.

    Raises TypeError, naming `what`, for what is masked, sparse, complex, a date, text, any other
    object, or wider than a float64; ValueError for lists that differ in length.
    """
    if type(numbers) is np.ndarray and numbers.dtype == _FLOAT64:
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


def finite_array(numbers: Any, what: str) -> Floats:
    """`numbers` as an array of float64, as `real_array` reads them; ValueError, naming `what` and
    the first place, unless all are finite.
    """
    array = real_array(numbers, what)
    require_finite(array, what)
    return array


def require_finite(array: Floats, what: str) -> None:
    """Raise ValueError, naming `what` and the first place, unless all numbers are finite."""
    place = first_not_finite(array)
    if place is not None:
        raise ValueError(
            f"{what} must be finite, but {array[place]} stands at "
            f"{place if len(place) > 1 else place[0]}"
        )


def first_not_finite(array: Floats) -> tuple[int, ...] | None:
    """Where the first number stands that is inf or nan; None when there is none."""
    finite = np.isfinite(array)
    if finite.all():
        return None
    place: tuple[int, ...] = tuple(np.argwhere(~finite)[0].tolist())
    return place


def given_array(numbers: Any, what: str) -> npt.NDArray[Any]:
    """What is given as an array, of whatever it holds;
    TypeError or ValueError where that would not be all of it.
    """
    require_unmasked(numbers, what)
    if hasattr(numbers, "toarray"):
        raise TypeError(
            f"{what} must be real numbers in an array, not in a sparse {type(numbers).__name__}: "
            "give its .toarray()"
        )
    try:
        return np.asarray(numbers)
    except ValueError as error:  # which speaks of an inhomogeneous shape
        raise ValueError(
            f"{what} must be real numbers in lists of one length, but its lists differ in length"
        ) from error


def require_no_dates(numbers: Any, what: str) -> None:
    """Raise TypeError, naming `what`, for dates and times, which are easily taken for numbers;
    for what is masked, too.
    """
    if not hasattr(numbers, "toarray") and given_array(numbers, what).dtype.kind in "mM":
        raise TypeError(
            f"{what} must be real numbers, and these are dates: choose a unit, as in (dates - "
            "first) / day"
        )
