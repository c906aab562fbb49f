"""What all plots share: the Axes, colours that anyone can tell apart, ink that shows,
and text that is shown as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

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
        raise TypeError(
            f"ax must be one matplotlib Axes, not {type(ax).__name__}: of several from "
            "plt.subplots, take one"
        )
    if (ax.name == "3d") != solid:
        wanted = (
            "a 3-D Axes, as plt.figure().add_subplot(projection='3d') makes"
            if solid
            else "a flat Axes, not a 3-D one"
        )
        raise ValueError(f"this plot needs {wanted}")


def canvas(ax: Any, size: tuple[float, float], solid: bool = False) -> Any:
    """The given Axes, or those of a new figure of a size in inches."""
    if ax is not None:
        return ax
    from matplotlib import pyplot as plt

    return plt.figure(figsize=size, layout="constrained").add_subplot(
        projection="3d" if solid else None
    )


def ink(ax: Axes, outside: bool = False) -> str:
    """Nearly black on a light background, nearly white on a dark one:
    that of the Axes, or `outside` them.
    """
    from matplotlib.colors import to_rgba

    shade = 1.0  # a transparent figure lies on paper
    for layer in (ax.figure.figure, ax.figure, ax)[: 2 if outside else 3]:
        red, green, blue, alpha = to_rgba(layer.get_facecolor())
        shade += alpha * (0.299 * red + 0.587 * green + 0.114 * blue - shade)
    return "#1A1A1A" if shade > 0.5 else "#F2F2F2"


def paper(ax: Axes) -> str:
    """The other one of the two inks: what stands out from the first."""
    return "#F2F2F2" if ink(ax) == "#1A1A1A" else "#1A1A1A"


def literally(text: Any, words: object) -> None:
    """Make a matplotlib Text show these words as they are:
    no mathematics, no TeX, no hidden characters.
    """
    text.set_text(_shown(words))
    text.set(parse_math=False, usetex=False)


def name_ticks(axis: Any, places: Sequence[float], names: Sequence[object]) -> None:
    """Ticks at these places of an axis, with names that are shown as they are."""
    axis.set_ticks(places, list(map(_shown, names)), parse_math=False, usetex=False)


def number(x: float, digits: int = 6) -> str:
    """A float in at most so many digits, with a true minus sign."""
    return f"{x:.{digits}g}".replace("-", "−")


def _shown(words: object, limit: int = 300) -> str:
    """The words, cut to a number of characters, with those that control,
    hide or reorder others as escapes.
    """
    text = str(words)
    text = text if len(text) <= limit else f"{text[: limit - 1]}…"
    return "".join(c if c.isprintable() or c in "\n\u00a0\u202f" else repr(c)[1:-1] for c in text)


def describe(
    ax: Axes, x: str, y: str, title: str, handles: Sequence[Any] = (), words: Sequence[object] = ()
) -> Axes:
    """Label the Axes, and give them; the key stands above them, in as many rows as it needs,
    the title above the key.
    """
    from matplotlib import rcParams

    literally(ax.xaxis.label, x)
    literally(ax.yaxis.label, y)
    pad = 3.0 + _key(ax, handles, words) if handles else rcParams["axes.titlepad"]
    if title:
        above = ax.set_title("", loc="left", pad=pad, verticalalignment="bottom")
        literally(above, title)
        room, needed = ax.figure.bbox.x1 - ax.bbox.x0, above.get_window_extent().width
        if needed > room:  # a layout would make room by shrinking the Axes
            lines = above.get_text().split("\n")
            longest = int(max(map(len, lines)) * room / needed)
            literally(above, "\n".join(_shown(line, longest) for line in lines))
    return ax


def _key(ax: Axes, handles: Sequence[Any], words: Sequence[object]) -> float:
    """Draw the key in as few rows as there is room for, down and then across,
    and give its height in points.
    """
    for rows in range(1, len(words) + 1):
        columns = -(-len(words) // rows)
        key = ax.legend(
            handles,
            ["·"] * len(words),
            loc="lower left",
            bbox_to_anchor=(0.0, 1.0),
            ncols=columns,
            frameon=False,
            borderpad=0.2,
            borderaxespad=0.2,
            handlelength=2.0,
            handletextpad=0.5,
            columnspacing=1.4,
            labelspacing=0.25,
        )
        for text, word in zip(key.get_texts(), words):
            literally(text, _shown(word, 60).replace("\n", " "))
        extent = key.get_window_extent()
        if extent.width <= 1.05 * ax.bbox.width:
            break
    return float(extent.height * 72 / ax.figure.dpi)
