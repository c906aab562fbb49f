"""Numbers and names as text that is short and hides nothing. Knows nothing of the package."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Iterable
from itertools import islice


def number(x: float, digits: int = 6, longest: int | None = None) -> str:
    """A float with at most `digits` significant digits, a true minus sign and a short exponent:
    −0.25, 1e6, 2.5e−7.

    A zero has no sign: which of the two it is tells a reader nothing. There are fewer digits where
    it would otherwise be longer than `longest` characters.
    """
    text = f"{x + 0.0:.{digits}g}"  # -0.0 + 0.0 is 0.0
    mantissa, e, exponent = text.partition("e")
    if e:
        text = f"{mantissa}e{int(exponent)}"
    if longest and len(text) > longest and digits > 1:
        return number(x, digits - 1, longest)
    return text.replace("-", "−")


def rounded(x: float, digits: int) -> str:
    """A float with `digits` digits after the point, as lectures print them: 0.73, −0.2, 12.35.

    One that is small has as many digits that count, so that it does not become 0: 0.0363 is 0.036.
    """
    if 0.1 <= abs(x) < 1e6:
        places = f"{x:.{digits}f}"
        text = places.rstrip("0").rstrip(".") if "." in places else places
        return "0" if text in ("-0", "") else text.replace("-", "−")
    return number(x, max(digits, 1))


def require_digits(digits: object) -> None:
    """Raise ValueError unless it is a number of digits after the point, or None."""
    is_whole = isinstance(digits, int) and not isinstance(digits, bool)
    if digits is not None and not (is_whole and 0 <= digits <= 17):  # type: ignore[operator]
        raise ValueError(f"digits must be a whole number from 0 to 17, not {digits!r}")


def visible(text: object, limit: int = 300) -> str:
    """The text cut to `limit` characters, with those that control,
    hide or reorder others written as escapes.
    """
    shown = str(text)
    if len(shown) > limit:
        shown = f"{shown[: limit - 1]}…"
    return "".join([c if _shows(c) else _escaped(c) for c in shown])


def _escaped(character: str) -> str:
    return character.encode("unicode_escape", "backslashreplace").decode()


def _shows(character: str) -> bool:
    category = unicodedata.category(character)
    return category[0] != "C" and category not in ("Zl", "Zp")


def shortened(text: str, limit: int = 24) -> str:
    """The text cut to `limit` characters, of which the last then tells."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def near_misses(word: str, known: Iterable[str], count: int = 3) -> list[str]:
    """The known words that `word` may be a slip for, the nearest first;
    capitals make no difference.
    """
    spelled: dict[str, list[str]] = {}
    for k in islice(known, 2000):  # a graph may have a label for each of a million nodes
        spelled.setdefault(k[:80].casefold(), []).append(k)
    near = difflib.get_close_matches(word[:80].casefold(), spelled, n=count)
    return [k for key in near for k in spelled[key]][:count]


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`did you mean a, b or c?`, or nothing where no known word is near."""
    near = [visible(k, 60) for k in near_misses(word, known)]
    if not near:
        return ""
    *others, last = near
    if not others:
        return f"did you mean {last}?"
    return f"did you mean {', '.join(others)} or {last}?"


def listed(words: Iterable[str], most: int = 10) -> str:
    """The words in one line: `a, b, c`, or the first of them `and 7 more`."""
    every = list(words)
    first = ", ".join(visible(word, 60) for word in every[:most])
    rest = len(every) - most
    return f"{first} and {rest:,} more" if rest > 0 else first
