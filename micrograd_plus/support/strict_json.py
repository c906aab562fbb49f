"""JSON that a stranger may have written: read whole or refused, and checked entry by entry.

Whatever is wrong raises ValueError, which says what. No number is taken for another, and no name
that stands twice for one of the two. Knows nothing of what the files mean.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from itertools import accumulate
from typing import Any

from .text import visible

# a string, which may lack its end, or a bracket
_TOKEN = re.compile(r'(?s)"(?:[^"\\]|\\.)*+"?|[\[{]|[\]}]')
_EXACT = 2**53  # up to it, a float holds each whole number
_LONGEST = 300  # digits of a whole number, of which no float has so many


def parsed(text: str, too_deep: str, whole_number: Callable[[str], int] = int) -> Any:
    """What a text says, in which no name stands twice in an object and all numbers are finite.

    `too_deep` is the refusal of brackets in brackets that Python does not follow. `whole_number`
    reads what has no point; `int` gives up at thousands of digits, and for large files it is fast.
    """
    try:
        return json.loads(
            text,
            object_pairs_hook=_object,
            parse_float=_float,
            parse_int=whole_number,
            parse_constant=_float,
        )
    except RecursionError:
        raise ValueError(too_deep) from None
    except json.JSONDecodeError as error:
        raise ValueError(f"it is no JSON: {error}") from None


def depth(text: str) -> int:
    """How many brackets stand within one another."""
    firsts = (token.group()[0] for token in _TOKEN.finditer(text))
    steps = (1 if first in "[{" else -1 for first in firsts if first != '"')
    return max(accumulate(steps), default=0)


def _object(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, entry in pairs:
        if name in found:
            raise ValueError(f"it has {shown(name)} twice")
        found[name] = entry
    return found


def exact(x: float) -> float | str:
    """A number as JSON can hold it: itself, or inf, -inf and nan as strings."""
    return x if math.isfinite(x) else str(x)


def _float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{shown(text)} is not a finite number")
    if number == 0.0 and re.match(r"-?[0.]*[1-9]", text):
        raise ValueError(f"{shown(text)} is closer to 0 than any float")
    return number


def short_integer(text: str) -> int:
    """A whole number of no more digits than a float may have."""
    if len(text) > _LONGEST:
        raise ValueError(f"{shown(text)} has too many digits")
    return int(text)


# What an entry may be. ----------------------------------------------------------------------------
def is_exact(entry: Any) -> bool:
    """Whether it is a number that a float holds exactly; True and False are none."""
    return type(entry) is float or (type(entry) is int and abs(entry) <= _EXACT)


def require_format(found: Any, name: str, refusal: str) -> None:
    """Raise ValueError, beginning with the refusal, unless an object says that it is of this
    format.
    """
    if not isinstance(found, dict) or found.get("format") != name:
        raise ValueError(f"{refusal}: its format is not {name!r}")


def list_of(found: Mapping[str, Any], part: str, whole: str) -> list[Any]:
    """The list in the entry `part` of `whole`, which is what the object describes."""
    entries = found.get(part)
    if type(entries) is not list:
        raise ValueError(f"the {part} of {whole} are a list, not {shown(entries)}")
    return entries


def strings(found: Mapping[str, Any], part: str, whole: str) -> list[str]:
    """The list of strings in an entry."""
    entries = list_of(found, part, whole)
    for entry in entries:
        if type(entry) is not str:
            raise ValueError(f"the {part} of {whole} are strings, not {shown(entry)}")
    return entries


def integers(found: Mapping[str, Any], part: str, whole: str, bits: int) -> list[int]:
    """The list in an entry of integers of so many bits, with as much room below 0 as above."""
    entries, most = list_of(found, part, whole), 2 ** (bits - 1) - 1
    for entry in entries:
        if type(entry) is not int or not -most <= entry <= most:
            raise ValueError(
                f"the {part} of {whole} are integers of {bits} bits, not {shown(entry)}"
            )
    return entries


def shown(entry: Any) -> str:
    """An entry as Python writes it, cut short, with nothing hidden."""
    return visible(repr(entry), 80)
