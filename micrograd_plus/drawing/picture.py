"""`draw`, and the Picture that it gives: shown by Jupyter, saved as SVG, PNG, PDF, DOT or HTML."""

from __future__ import annotations

import base64
import html
import os
import sys
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from time import monotonic
from typing import Any, Literal

from .. import modes
from ..engine import Value
from ..support.files import write_whole
from ..support.notebooks import richest
from . import layered
from .arrangement import Arrangement, arrange
from .build import Wishes, build
from .described import described
from .dot import digraph
from .layout import QUICK, Rankdir
from .levels import WORK, Collapse, Level, adjust, shrunk
from .model import Mode, Model
from .style import WITHOUT_CONTRIBUTIONS, Style, Theme, chosen
from .svg import boxes, render
from .texts import Texts

Constants = Literal["fold", "show"]
Marked = str | Value | Collection[str | Value]

SECONDS = 1.5  # that layouts may take, of the two of a whole picture
PAUSE = 0.1  # seconds after which what is asked for next is not of the same list
# of layout, tried in this order, before the one that is certainly quick
EFFORTS = (WORK, WORK // 4)

PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>:root {{ color-scheme: {scheme} }}
body {{ margin: 2rem; display: grid; place-items: center }}
svg {{ max-width: 100%; height: auto }}</style></head>
<body>{svg}</body></html>
"""


# Which pages are dark, by the marks that they bear; one without a mark is taken for light, whatever
# the reader's screen is.
DARK_PAGES = (
    '[data-jp-theme-light="false"]',  # JupyterLab, Notebook
    ".vscode-dark",
    'html[theme="dark"]',  # Colab
    '[data-theme="dark"]',  # Sphinx's themes
    ".dark",  # marimo, MyST
    ".quarto-dark",
)
SCHEMES = (
    "img.mgp{color-scheme:light}"
    f"{','.join(f'{page} img.mgp' for page in DARK_PAGES)}{{color-scheme:dark}}"
)


@dataclass(frozen=True)
class Picture:
    """A drawn graph. `svg` is one <svg> element; `save` writes a file in the form that its name
    ends in.
    """

    texts: Texts
    places: Arrangement
    rankdir: Rankdir

    @property
    def model(self) -> Model:
        """What it shows, as boxes and wires."""
        return self.texts.model

    @cached_property
    def svg(self) -> str:
        """One <svg> element, light unless the style says otherwise."""
        return render(self.texts, self.places, self.texts.style.theme or "light")

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write x.svg, x.png, x.pdf, x.dot or x.html, and give its path.

        Raises ValueError for another ending, and ImportError, saying what to install, when PNG or
        PDF need a library. The file appears whole or not at all.
        """
        return write_whole(path, self._content(Path(path).suffix.lower()))

    def _content(self, suffix: str) -> bytes:
        written: dict[str, Callable[[], bytes]] = {
            ".svg": self.svg.encode,
            ".html": self._page,
            ".dot": self._dot,
            ".png": self._png,
            ".pdf": self._pdf,
        }
        if suffix not in written:
            raise ValueError(
                f"a picture is saved as one of {', '.join(written)}, not as "
                f"{suffix or 'no ending'!r}"
            )
        return written[suffix]()

    def _page(self) -> bytes:
        theme = self.texts.style.theme or "light"
        scheme = "light dark" if theme == "auto" else theme
        title = html.escape(self.model.boxes[-1].title)
        return PAGE.format(title=title, scheme=scheme, svg=self.svg).encode()

    def _dot(self) -> bytes:
        source: str = digraph(self.model, rankdir=self.rankdir).source
        return source.encode()

    def _png(self) -> bytes:
        return bytes(_vl_convert().svg_to_png(self.svg, scale=2))

    def _pdf(self) -> bytes:
        return bytes(_vl_convert().svg_to_pdf(self.svg))

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        # an image, not inline SVG: notebooks show it whether trusted or not, and its styles stay
        # its own
        theme: Theme = self.texts.style.theme or "auto"
        svg = render(self.texts, self.places, theme)
        data = base64.b64encode(svg.encode()).decode()
        alt = html.escape(described(self.texts), quote=True)
        image = f'<img class="mgp" alt="{alt}" src="data:image/svg+xml;base64,{data}">'
        bundle: dict[str, Any] = {
            "text/plain": repr(self),
            "text/html": f"<style>{SCHEMES}</style>{image}" if theme == "auto" else image,
        }
        # for what takes no HTML, such as an export to LaTeX
        if find_spec("vl_convert") is not None:
            bundle["image/png"] = base64.b64encode(self._png()).decode()
        else:
            bundle["image/svg+xml"] = self.svg
        return bundle

    def _mime_(self) -> tuple[str, str]:
        return richest(self._repr_mimebundle_())

    def __repr__(self) -> str:
        return f"<Picture of {self.model.boxes[-1].title}: {boxes(self.model)}>"


def draw(
    root: Value,
    mode: Mode = "reverse",
    wrt: Value | str | None = None,
    constants: Constants = "fold",
    collapse: Collapse = "auto",
    rankdir: Rankdir = "LR",
    names: Mapping[str, Any] | None = None,
    *,
    open: Marked = (),  # noqa: A002  # as in `draw(e, open="sigmoid")`
    close: Marked = (),
    around: Value | str | None = None,
    steps: int = 2,
    style: Style | None = None,
    **options: Any,
) -> Picture:
    """A picture of the graph below `root`, with its values and gradients as they stand; it computes
    no gradients.

    `mode` "reverse" shows each node's gradient, "forward" its derivative with respect to the node
    `wrt` (or its label). `constants` are folded into their gates or shown as boxes of their own.
    `collapse` closes neurons or layers into one box; "auto" does so above 150 boxes. `rankdir` is
    LR, TB, RL or BT, the way from leaves to output. `names`, such as locals(), names Values without
    a label. `style` and `options` say how it looks and how much it says: `show`, `digits`, `theme`,
    `font`, `font_size`, `compact`, `background`, `width` and `color`, as `drawing.Style` has them.

    `open` and `close` name what shall be shown in its parts and what in one box: Values, labels,
    rows such as "sigmoid", the kinds "neuron", "layer" and "stretch" (what repeats), or "all".
    `around` a Value, or its label, shows what lies within `steps` wires of it.

    What is too large to be read, or with "none" to be laid out in time, is cut to what lies nearest
    the output, so that no picture takes more than about two seconds; Ctrl-C ends any. Graphviz lays
    it out; where there is none, a layout of our own does, and what is beyond it, from about 80
    boxes on, is cut.

    Raises TypeError when `root` is no Value or an option is unknown, and ValueError for a value
    that an option does not take.
    """
    _require_known(mode, constants, collapse, rankdir)
    if not isinstance(root, Value):
        raise TypeError(f"only a Value has a graph to draw, not a {type(root).__name__}")
    style = chosen(style, options)
    level = Level(collapse, constants == "fold", _words(open), _words(close), steps)
    wishes = Wishes(style.color, _values(open), _values(close), around)
    end = monotonic() + SECONDS
    # whatever the caller is in the middle of
    with modes.switched(recording=True, anomaly=False, simplify=None):
        model = adjust(build(root, mode, wrt, names, wishes), level)
    least = QUICK
    for work in EFFORTS:  # a slow machine gets a smaller picture, so that it has one in time
        model = shrunk(model, work)
        try:
            return _arranged(model, style, rankdir, max(0.1, (end - monotonic()) / 2))
        except (TimeoutError, RuntimeError):
            # the last attempt tells whatever is wrong with the child process
            continue
        except ImportError:  # there is no Graphviz at all
            least = layered.LARGEST
            break
    return _arranged(shrunk(model, least), style, rankdir, None)


def _arranged(model: Model, style: Style, rankdir: Rankdir, seconds: float | None) -> Picture:
    """The picture, with less on its wires where all that there is to say finds no place."""
    texts = Texts(model, style)
    places = arrange(texts, rankdir, seconds)
    if places.missing and style.show is None and texts.shows("contributions"):
        texts = Texts(model, replace(style, show=WITHOUT_CONTRIBUTIONS))
        places = arrange(texts, rankdir, seconds)
    return Picture(texts, places, rankdir)


def _items(marked: Marked) -> list[str | Value]:
    several = isinstance(marked, (list, tuple, set, frozenset))
    items: list[Any] = list(marked) if several else [marked]
    for item in items:
        if not isinstance(item, (str, Value)):
            raise TypeError(f"open and close take Values and names, not {item!r}")
    return items


def _words(marked: Marked) -> frozenset[str]:
    return frozenset([item for item in _items(marked) if isinstance(item, str)])


def _values(marked: Marked) -> list[Value]:
    return [item for item in _items(marked) if isinstance(item, Value)]


def _require_known(mode: str, constants: str, collapse: str, rankdir: str) -> None:
    for option, asked, known in (
        ("mode", mode, ("reverse", "forward")),
        ("constants", constants, ("fold", "show")),
        ("collapse", collapse, ("auto", "none", "neuron", "layer")),
        ("rankdir", rankdir, ("LR", "RL", "TB", "BT")),
    ):
        if asked not in known:
            raise ValueError(f"{option} must be one of {', '.join(known)}, not {asked!r}")


def mimebundle(v: Value) -> dict[str, Any]:
    """What Jupyter shows for a Value: its picture next to its repr.

    Where nothing can draw it is the repr, and the first time a sentence that says why, and what to
    install.
    """
    if _only_text_is_shown():
        return {"text/plain": repr(v)}
    try:
        # the same protocol, one level down
        return {**draw(v)._repr_mimebundle_(), "text/plain": repr(v)}
    except (ImportError, OSError, RuntimeError) as error:
        said_before = str(error) in _said
        _said.add(str(error))
        return {"text/plain": repr(v) if said_before else f"{v!r}\n({error})"}


def mime(v: Value) -> tuple[str, str]:
    """What marimo shows for a Value: the picture of a graph, the repr of a leaf, or where nothing
    can draw.

    It asks every element of a list in turn, as many as there may be: when their pictures have taken
    as long as one may, the rest of the list is text.
    """
    begin = monotonic()
    if begin - _spell.end > PAUSE:
        _spell.spent = 0.0
    is_text = v.primitive is None or _spell.spent > SECONDS
    shown = ("text/plain", repr(v)) if is_text else richest(mimebundle(v))
    _spell.end = monotonic()
    _spell.spent += _spell.end - begin
    return shown


@dataclass
class _Spell:
    """What was asked for in one go: when the last of it was given, and the seconds that it took."""

    end: float = 0.0
    spent: float = 0.0


_spell = _Spell()
_said: set[str] = set()  # why there was no picture


def _only_text_is_shown() -> bool:
    """Whether this is IPython in a terminal, which asks for pictures, too, and throws them away."""
    get_shell = getattr(sys.modules.get("IPython"), "get_ipython", None)
    shell = get_shell() if get_shell else None
    return getattr(getattr(shell, "display_formatter", None), "active_types", None) == [
        "text/plain"
    ]


def _vl_convert() -> Any:
    try:
        import vl_convert
    except ImportError:
        raise ImportError(
            'PNG and PDF need one more library: `pip install "micrograd-plus[draw]"`'
        ) from None
    return vl_convert
