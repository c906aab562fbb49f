"""What options may be: whole numbers, yes or no, names; whatever else is refused by the option's
name.

A wrong option that is quietly taken for something makes another model than the one that was meant.
"""

from __future__ import annotations

from collections.abc import Iterable
from numbers import Integral
from typing import Any

from .ops import as_float


def whole_number(number: Any, what: str, least: int = 1) -> int:
    """A whole number, Python's or NumPy's; TypeError for anything else,
    ValueError below `least`.
    """
    if isinstance(number, bool) or not isinstance(number, Integral):
        raise TypeError(f"{what} is a whole number, not {number!r}")
    if number < least:
        raise ValueError(f"{what} is a whole number of at least {least}, not {number!r}")
    return int(number)


def yes_or_no(given: Any, what: str, advice: str = "") -> bool:
    """True or False, or what Python takes for the same number;
    TypeError, with advice, for anything else.
    """
    try:
        number = as_float(given, what)
    except TypeError:
        number = None
    if number not in (0.0, 1.0):
        raise TypeError(f"{what} is True or False, not {given!r}{advice}")
    return bool(number)


def real_number(number: Any, what: str) -> float:
    """A number as a float; TypeError for anything else, and for True and False,
    which are seldom meant.
    """
    if isinstance(number, bool):
        raise TypeError(f"{what} is a number, not {number!r}")
    try:
        return as_float(number, what)
    except TypeError:
        raise TypeError(f"{what} is a number, not {number!r}") from None


def one_of(name: Any, what: str, names: Iterable[str]) -> str:
    """One of the names; TypeError for what is no name, ValueError for another,
    with the names there are.
    """
    known = ", ".join(names)
    if not isinstance(name, str):
        raise TypeError(f"{what} goes by its name, not by {name!r}; there are: {known}")
    if name not in names:
        raise ValueError(f"no {what} is called {name!r}; there are: {known}")
    return name
