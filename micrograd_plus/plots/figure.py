"""What all plots share: the Axes, colours that anyone can tell apart, ink that shows,
and text that is shown as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..support.formulas import has_math, unicode

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Okabe and Ito, Color Universal Design, 2008. The first four have a contrast of 3:1 or more on
# white and on black.
BLUE, VERMILLION, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
ORANGE, SKY, YELLOW, GREY = "#E69F00", "#56B4E9", "#F0E442", "#8C8C8C"
LINES = (BLUE, VERMILLION, GREEN, PURPLE)
CLASSES = (BLUE, ORANGE, GREEN, PURPLE, VERMILLION, SKY, YELLOW, GREY)
MARKERS = ("o", "^", "s", "D", "v", "P", "X", "<", ">", "p")
# ColorBrewer (Harrower and Brewer, 2003): one hue, so that lightness alone tells the height
SURFACE = "Blues_r"
DARK_INK, LIGHT_INK = "#1A1A1A", "#F2F2F2"
DASHED = (0, (4, 2))

Labels = tuple[str, str]
Words = Sequence[object]
Handles = Sequence[Any]
Size = tuple[float, float]

LONGEST_WORD = 60  # characters that the key shows of a word
KEPT = "\n\u00a0\u202f"  # a line's end, and blanks where no line ends: they hide nothing
FLAT_AXES = "a flat Axes, not a 3-D one"
SOLID_AXES = "a 3-D Axes, as plt.figure().add_subplot(projection='3d') makes"
KEY_PLACE: dict[str, Any] = {"loc": "lower left", "bbox_to_anchor": (0.0, 1.0), "frameon": False}
KEY_ROOM: dict[str, Any] = {
    "borderpad": 0.2,
    "borderaxespad": 0.2,
    "handlelength": 2.0,
    "handletextpad": 0.5,
    "columnspacing": 1.4,
    "labelspacing": 0.25,
}


def require_canvas(ax: Any, solid: bool = False) -> None:
    """Raise ImportError without matplotlib, TypeError when `ax` is no Axes,
    ValueError when it is not of the right kind.
    """
    try:
        from matplotlib import axes
    except ImportError:
        raise ImportError("plots need matplotlib: pip install 'micrograd-plus[plot]'") from None
    if ax is None:
        return
    if not isinstance(ax, axes.Axes):
        given = type(ax).__name__
        raise TypeError(
            f"ax must be one matplotlib Axes, not {given}: of several from plt.subplots, take one"
        )
    is_solid = ax.name == "3d"
    if is_solid != solid:
        wanted = SOLID_AXES if solid else FLAT_AXES
        raise ValueError(f"this plot needs {wanted}")


def canvas(ax: Any, size: Size, solid: bool = False) -> Any:
    """The given Axes, or those of a new figure of a size in inches."""
    if ax is not None:
        return ax
    from matplotlib import pyplot as plt

    figure = plt.figure(figsize=size, layout="constrained")
    projection = "3d" if solid else None
    return figure.add_subplot(projection=projection)


def ink(ax: Axes, outside: bool = False) -> str:
    """Nearly black on a light background, nearly white on a dark one:
    that of the Axes, or `outside` them.
    """
    from matplotlib.colors import to_rgba

    shade = 1.0  # a transparent figure lies on paper
    layers: list[Any] = [ax.figure.figure, ax.figure]
    if not outside:
        layers.append(ax)
    for layer in layers:
        face = layer.get_facecolor()
        red, green, blue, alpha = to_rgba(face)
        lightness = 0.299 * red + 0.587 * green + 0.114 * blue
        shade += alpha * (lightness - shade)
    return DARK_INK if shade > 0.5 else LIGHT_INK


def paper(ax: Axes) -> str:
    """The other one of the two inks: what stands out from the first."""
    return LIGHT_INK if ink(ax) == DARK_INK else DARK_INK


def literally(text: Any, words: object) -> None:
    """Make a matplotlib Text show these words as they are, formulas among them as Unicode:
    no TeX, no hidden characters.
    """
    text.set_text(_shown(words))
    text.set(parse_math=False, usetex=False)


def name_ticks(axis: Any, places: Sequence[float], names: Words) -> None:
    """Ticks at these places of an axis, with names that are shown as they are."""
    shown = list(map(_shown, names))
    axis.set_ticks(places, shown, parse_math=False, usetex=False)


def number(x: float, digits: int = 6) -> str:
    """A float in at most so many digits, with a true minus sign."""
    text = f"{x:.{digits}g}"
    return text.replace("-", "−")


def _shown(words: object, limit: int = 300) -> str:
    """The words, formulas among them as Unicode, cut to a number of characters, with those that
    control, hide or reorder others as escapes.
    """
    text = str(words)
    text = unicode(text) if has_math(text) else text
    if len(text) > limit:
        text = f"{text[: limit - 1]}…"
    return "".join(map(_shown_character, text))


def _shown_character(c: str) -> str:
    if c.isprintable() or c in KEPT:
        return c
    return repr(c)[1:-1]


def describe(
    ax: Axes, x: str, y: str, title: str, handles: Handles = (), words: Words = ()
) -> Axes:
    """Label the Axes, and give them; the key stands above them, in as many rows as it needs,
    the title above the key.
    """
    literally(ax.xaxis.label, x)
    literally(ax.yaxis.label, y)
    above = height_of(_key(ax, handles, words)) if handles else None
    if title:
        entitle(ax, title, above)
    return ax


def height_of(key: Any) -> float:
    """The points that a key takes above the Axes."""
    extent = key.get_window_extent()
    return 3.0 + float(extent.height * 72 / key.axes.figure.dpi)


def entitle(ax: Axes, title: str, pad: float | None = None) -> None:
    """Draw the title, so many points above the Axes, and cut its lines to the room there is."""
    from matplotlib import rcParams

    pad = rcParams["axes.titlepad"] if pad is None else pad
    above = ax.set_title("", loc="left", pad=pad, verticalalignment="bottom")
    literally(above, title)
    beside = [other.bbox.x0 for other in ax.figure.axes if other.bbox.x0 >= ax.bbox.x1]
    room = min([ax.figure.bbox.x1, *beside]) - ax.bbox.x0
    needed = above.get_window_extent().width
    if needed > room:  # a layout would make room by shrinking the Axes
        lines = above.get_text().split("\n")
        longest = max(map(len, lines))
        fitting = int(longest * room / needed)
        cut = [_shown(line, fitting) for line in lines]
        literally(above, "\n".join(cut))


def _key(ax: Axes, handles: Handles, words: Words) -> Any:
    """Draw the key in as few rows as there is room for, down and then across, and give it."""
    count = len(words)
    blanks = ["·"] * count
    widest = 1.05 * ax.bbox.width
    for rows in range(1, count + 1):
        columns = -(-count // rows)
        key = ax.legend(handles, blanks, ncols=columns, **KEY_PLACE, **KEY_ROOM)
        for text, word in zip(key.get_texts(), words):
            shown = _shown(word, LONGEST_WORD)
            literally(text, shown.replace("\n", " "))
        extent = key.get_window_extent()
        if extent.width <= widest:
            break
    return key
