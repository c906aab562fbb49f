"""How pictures look and how much they say: for one picture, or set once for a course."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from types import TracebackType
from typing import Any, Literal, get_args

from ..support.text import did_you_mean, number, require_digits, rounded, visible

Theme = Literal["light", "dark", "auto"]
Part = Literal["values", "gradients", "locals", "contributions", "caption"]
PARTS: tuple[Part, ...] = get_args(Part)
WITHOUT_CONTRIBUTIONS = tuple([part for part in PARTS if part != "contributions"])
THEMES: tuple[Theme, ...] = get_args(Theme)

FONT = (
    "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, 'DejaVu Sans', "
    "sans-serif"
)
NUMBER = 13.0  # the size of a number in a picture of natural size, in points
DIGITS = 5  # significant digits of a number where nothing else was asked for
LONGEST = 9  # characters of such a number
FEW = 24  # wires up to which a picture shows by itself what each of them carries
LABELLED = 120  # and up to which each is a curve with an arrow and its local gradient in print
COLOR = re.compile(r"#(?:[0-9a-fA-F]{3}){1,2}|[a-zA-Z]{3,24}")


@dataclass(frozen=True)
class Style:
    """What a picture says, and how it looks.

    `show` holds some of "values", "gradients", "locals" (local gradients), "contributions" (local ×
    upstream on every wire, and their sum where a node has several users) and "caption"; None shows
    all of them in a small picture and fewer in a large one. `digits` is how many digits a number
    has after the point, or if it is small how many that count; None is five digits that count. One
    number is written one way in one picture.

    `theme` is "light", "dark" or "auto", which follows the page; None follows it in a notebook and
    is light in a file. `background` is a colour, or "transparent". `font` is a list of fonts as in
    CSS, `font_size` the size of numbers in points, `width` that of the whole picture. `compact`
    leaves out what takes room. `color` maps Values, or their labels, to colours; or it is the name
    of an attribute of Values, whose equal values get one colour.

    Raises ValueError or TypeError, naming the option, for what is none of these.
    """

    show: tuple[Part, ...] | None = None
    digits: int | None = None
    theme: Theme | None = None
    font: str = FONT
    font_size: float = NUMBER
    compact: bool = False
    background: str = ""
    width: float | None = None
    color: str | Mapping[Any, str] | None = None

    def __post_init__(self) -> None:
        if self.show is not None:
            object.__setattr__(self, "show", _parts(self.show))
        require_digits(self.digits)
        if self.theme not in (None, *THEMES):
            raise ValueError(f"theme must be one of {', '.join(THEMES)}, not {self.theme!r}")
        _require_length("font_size", self.font_size)
        if self.width is not None:
            _require_length("width", self.width)
        if not isinstance(self.font, str) or not self.font.strip():
            raise ValueError(f"font must name fonts as CSS does, not {self.font!r}")
        if self.background:
            require_color("background", self.background)
        if not isinstance(self.color, (str, Mapping, type(None))):
            raise TypeError(
                "color must map Values or labels to colours, or name an attribute of Values, "
                f"not {self.color!r}"
            )

    def number(self, x: float) -> str:
        """A number as it stands everywhere in the picture."""
        if self.digits is None:
            return number(x, DIGITS, longest=LONGEST)
        return rounded(x, self.digits)

    def parts(self, wires: int) -> tuple[Part, ...]:
        """What a picture of so many wires shows."""
        if self.show is not None:
            return self.show
        if self.compact:
            return ("values", "gradients")
        if wires <= FEW:
            return PARTS
        return WITHOUT_CONTRIBUTIONS

    @property
    def widest(self) -> str:
        """A text at least as wide as any number, so that a layout stays when a value changes."""
        return "" if self.compact else f"−{'0' * (LONGEST - 1)}"


def chosen(style: Style | None, options: Mapping[str, Any]) -> Style:
    """The style of one picture: the given one, or that of the course, with what was asked for."""
    asked = {name: value for name, value in options.items() if value is not None}
    _require_options(asked)
    return replace(_default if style is None else style, **asked)


class style:  # noqa: N801  # called like a function
    """Set options of all pictures that follow, such as `style(digits=2, compact=True)`.

    Used by itself the options stay until the next call; `with style(...):` sets them for a block.
    They are those of `Style`; `style()` without any goes back to how pictures come.
    """

    def __init__(self, **options: Any) -> None:
        _require_options(options)
        self._before = _default
        _set(replace(_default, **options) if options else Style())

    def __enter__(self) -> Style:
        return _default

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        _set(self._before)


def _set(new: Style) -> None:
    global _default  # noqa: PLW0603  # one style for the pictures of a process
    _default = new


def _require_options(options: Mapping[str, Any]) -> None:
    known = [f.name for f in fields(Style)]
    for name in options:
        if name not in known:
            near = did_you_mean(name, known) or f"there are {', '.join(known)}"
            raise TypeError(f"{name!r} is no option of a picture; {near}")


def require_color(what: str, color: object) -> None:
    """Raise ValueError unless it is a colour: `#rgb`, `#rrggbb`, or one of CSS's names."""
    if not isinstance(color, str) or not COLOR.fullmatch(color):
        raise ValueError(
            f"{what} must be a colour such as #c62828 or teal, not {visible(repr(color), 60)}"
        )


def _parts(show: object) -> tuple[Part, ...]:
    asked = (show,) if isinstance(show, str) else show
    if not isinstance(asked, (list, tuple, set, frozenset)) or not set(asked) <= set(PARTS):
        raise ValueError(f"show takes some of {', '.join(PARTS)}, not {show!r}")
    return tuple([part for part in PARTS if part in asked])


def _require_length(name: str, length: object) -> None:
    is_number = isinstance(length, (int, float)) and not isinstance(length, bool)
    if not (is_number and math.isfinite(length) and length > 0):  # type: ignore[arg-type, operator]
        raise ValueError(f"{name} must be a positive number of points, not {length!r}")


_default = Style()
