"""`draw`, and the Picture that it gives: shown by Jupyter, saved as SVG, PNG, PDF, TikZ, HTML, DOT;
and its frames.
"""

from __future__ import annotations

import base64
import html
import io
import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from time import monotonic
from typing import Any, Literal, overload

from .. import modes
from ..engine import Value
from ..support.files import write_whole
from ..support.notebooks import Bundle, is_asked, richest
from ..support.text import did_you_mean, listed, visible
from . import layered, raster
from .arrangement import Arrangement, arrange
from .build import Wishes, build
from .described import described
from .dot import digraph
from .layout import QUICK, Rankdir
from .levels import WORK, Collapse, Level, adjust, shrunk
from .model import Mode, Model
from .moments import moments, settled
from .style import WITHOUT_CONTRIBUTIONS, Style, Theme, chosen
from .svg import DARK, LIGHT, boxes, extent, fragments, render
from .texts import Moment, Texts
from .tikz import tikz

Constants = Literal["fold", "show"]
Marked = Any  # str | Value | a module | a collection of these

SECONDS = 1.5  # that layouts may take, of the two of a whole picture
SMALLEST = 0.6  # of its size; on a narrower page a picture scrolls
WIDEST = 2500.0  # points, with contributions that nobody asked for on the wires
PAUSE = 0.1  # seconds after which what is asked for next is not of the same list
# of layout, tried in this order, before the one that is certainly quick
EFFORTS = (WORK, WORK // 4)

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
        """Write x.svg, x.png, x.pdf, x.tex, x.html or x.dot, and give its path. The page x.html
        can be stepped through, as `play` does.

        Raises ValueError for another ending, and ImportError, saying what to install, when PNG or
        PDF need a library. The file appears whole or not at all.
        """
        return write_whole(path, self._content(Path(path).suffix.lower()))

    def _content(self, suffix: str) -> bytes:
        written: dict[str, Callable[[], bytes]] = {
            ".svg": lambda: self.svg.encode(),  # noqa: PLW0108  # drawn only when asked for
            ".html": self._page,
            ".dot": self._dot,
            ".png": self._png,
            ".pdf": self._pdf,
            ".tex": lambda: tikz(self.texts, self.places).encode(),
        }
        if suffix not in written:
            raise ValueError(
                f"a picture is saved as one of {', '.join(written)}, not as "
                f"{suffix or 'no ending'!r}"
            )
        return written[suffix]()

    def _page(self) -> bytes:
        from ..player import of_picture

        return of_picture(self).html.encode()

    @property
    def _fitted(self) -> str:
        """CSS with which it is as wide as the page at most, and never too small to be read."""
        least = SMALLEST * extent(self.texts, self.places)[0]
        return f"max-width:100%;min-width:{least:.0f}px;height:auto"

    def _dot(self) -> bytes:
        source: str = digraph(self.model, rankdir=self.rankdir).source
        return source.encode()

    def _png(self) -> bytes:
        return raster.png(self.svg)

    def _pdf(self) -> bytes:
        return raster.pdf(self.svg)

    def frames(self) -> Frames:
        """The picture frame by frame on one layout: what is given, each gate's value, the seed, and
        each edge of the sweep with what it carries. Derivatives are those of this output alone.
        """
        style = self.texts.style
        whole = _arranged(settled(self.model), style, self.rankdir, None)
        steps = tuple(moments(whole.model, style))
        values = sum(not moment.derivatives for moment in steps)
        return Frames(whole.texts, whole.places, self.rankdir, steps, values)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Bundle:
        data, about = {"text/plain": repr(self), "text/html": self._image()}, dict[str, Any]()
        # what shows HTML takes that; what makes a page of paper, which cannot, takes the PNG
        png = self._printed() if is_asked("image/png", include, exclude) else None
        if png is not None:
            width, height = map(round, extent(self.texts, self.places))
            data["image/png"] = base64.b64encode(png).decode()
            about["image/png"] = {"width": width, "height": height}
        return data, about

    def _mime_(self) -> tuple[str, str]:
        return "text/html", self._image()

    def _image(self) -> str:
        # an image, not inline SVG: notebooks show it whether trusted or not, and its styles stay
        # its own
        theme: Theme = self.texts.style.theme or "auto"
        svg = render(self.texts, self.places, theme)
        data = base64.b64encode(svg.encode()).decode()
        alt = html.escape(described(self.texts), quote=True)
        image = f'<img class="mgp" alt="{alt}" src="data:image/svg+xml;base64,{data}"'
        image = f'<div style="overflow-x:auto">{image} style="{self._fitted}"></div>'
        return f"<style>{SCHEMES}</style>{image}" if theme == "auto" else image

    def _printed(self) -> bytes | None:
        dark = self.texts.style.theme == "dark"
        svg = render(self.texts, self.places, "dark" if dark else "light")
        paper = (DARK if dark else LIGHT)["paper"]
        return raster.printed(svg, extent(self.texts, self.places), paper)

    def __repr__(self) -> str:
        return f"<Picture of {self.model.output}: {boxes(self.model)}>"


@dataclass(frozen=True)
class Frames(Sequence[Picture]):
    """The frames of a picture, each a Picture; all have the same size and layout."""

    texts: Texts
    places: Arrangement
    rankdir: Rankdir
    moments: tuple[Moment, ...]
    values: int  # frames of the forward pass, before the first derivative

    def __len__(self) -> int:
        return len(self.moments)

    @overload
    def __getitem__(self, index: int) -> Picture: ...
    @overload
    def __getitem__(self, index: slice) -> list[Picture]: ...
    def __getitem__(self, index: int | slice) -> Picture | list[Picture]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        texts = replace(self.texts, moment=self.moments[index])
        return Picture(texts, self.places, self.rankdir)

    @property
    def before_backward(self) -> Picture:
        """The frame in which all values are known and no derivative is."""
        return self[self.values - 1]

    @property
    def after_backward(self) -> Picture:
        """The last frame."""
        return self[-1]

    def up_to(self, name: str) -> Picture:
        """The frame in which the value of the box of that name is first known; ValueError where
        there is none.
        """
        for i, moment in enumerate(self.moments):
            if any(box.name == name for box in moment.values):
                return self[i]
        names = [box.name for box in self.texts.model.boxes if box.name]
        raise ValueError(f"no box is called {name!r}: {did_you_mean(name, names) or listed(names)}")

    def save(self, path: str | os.PathLike[str]) -> list[Path]:
        """Write all frames, and give the paths: x.pdf has a page for each, x-{:02}.png and
        x-{:02}.svg are a file for each, x.svg has groups that reveal.js shows one after the other
        (`class="fragment"`), x.tex is TikZ with overlays of Beamer.

        Raises ValueError for another name, and ImportError, saying what to install, when PNG or PDF
        need a library. A file appears whole or not at all.
        """
        name = os.fspath(path)
        suffix = Path(name).suffix.lower()
        if suffix in (".png", ".svg") and _NUMBERED.search(name):
            return [picture.save(_numbered(name, i)) for i, picture in enumerate(self)]
        written: dict[str, Callable[[], bytes]] = {
            ".pdf": lambda: _pages([picture.svg for picture in self]),
            ".svg": lambda: fragments(self.texts, self.places, self.moments).encode(),
            ".tex": lambda: tikz(self.texts, self.places, self.moments).encode(),
        }
        if suffix not in written:
            raise ValueError(f"frames are saved as one of {FORMS}, not as {visible(name, 80)!r}")
        return [write_whole(path, written[suffix]())]

    def __repr__(self) -> str:
        return f"<Frames of {self.texts.model.output}: {len(self)}>"


FORMS = "x.pdf, x-{:02}.png, x-{:02}.svg, x.svg, x.tex"
_NUMBERED = re.compile(r"\{(?::0?([1-9]))?\}")


def _numbered(name: str, i: int) -> str:
    return _NUMBERED.sub(lambda place: str(i).zfill(int(place[1] or 1)), name)


def _pages(svgs: Sequence[str]) -> bytes:
    """One PDF with a page for each picture."""
    try:
        from pypdf import PdfReader, PdfWriter
    except ImportError:
        raise ImportError(
            'a PDF of several pages needs one more library: `pip install "micrograd-plus[draw]"`'
        ) from None
    writer = PdfWriter()
    for svg in svgs:
        writer.append(PdfReader(io.BytesIO(raster.pdf(svg))))
    whole = io.BytesIO()
    writer.write(whole)
    return whole.getvalue()


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
    `collapse` closes neurons or layers into one box; "auto" closes groups, neurons, layers and what
    repeats, as far as needed, above 150 boxes until 60 are left. `rankdir` is LR, TB, RL or BT, the
    way from leaves to output. `names`, such as locals(), names Values without a label. `style` and
    `options` say how it looks and how much it says: `show`, `digits`, `theme`,
    `font`, `font_size`, `compact`, `background`, `width` and `color`, as `drawing.Style` has them.

    `open` and `close` name what shall be shown in its parts and what in one box: Values, labels,
    rows such as "sigmoid", the kinds "neuron", "layer", "stretch" (what repeats) and "group", the
    names of groups that were recorded `with drawing.group(name)`, or "all". `close` takes modules,
    too, anything with `parameters()`: each call of one, from its parameters to its outputs, is a
    box. `around` a Value, or its label, shows what lies within `steps` wires of it.

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
    if _modules(open):
        raise TypeError("modules are closed, not opened: open what is in them by name")
    style = chosen(style, options)
    level = Level(collapse, constants == "fold", _words(open), _words(close), steps)
    wishes = Wishes(style.color, _values(open), _values(close), around, _modules(close))
    end = monotonic() + SECONDS
    # whatever the caller is in the middle of
    with modes.switched(recording=True, anomaly=False, simplify=None, group=None):
        model = build(root, mode, wrt, names, wishes)
        model = adjust(model, level, style.number)
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
    """The picture, with less on its wires where all that there is to say finds no place, or makes
    the picture too wide to be read.
    """
    texts = Texts(model, style)
    places = arrange(texts, rankdir, seconds)
    too_much = places.missing or places.right - places.left > WIDEST
    if too_much and texts.may_say_less:
        texts = Texts(model, replace(style, show=WITHOUT_CONTRIBUTIONS))
        places = arrange(texts, rankdir, seconds)
    return Picture(texts, places, rankdir)


def _items(marked: Marked) -> list[Any]:
    several = isinstance(marked, (list, tuple, set, frozenset))
    items: list[Any] = list(marked) if several else [marked]
    for item in items:
        if not (isinstance(item, (str, Value)) or _is_module(item)):
            raise TypeError(f"open and close take Values and names, close modules, not {item!r}")
    return items


def _is_module(item: Any) -> bool:
    return not isinstance(item, (str, Value, type)) and callable(getattr(item, "parameters", None))


def _words(marked: Marked) -> frozenset[str]:
    return frozenset([item for item in _items(marked) if isinstance(item, str)])


def _values(marked: Marked) -> list[Value]:
    return [item for item in _items(marked) if isinstance(item, Value)]


def _modules(marked: Marked) -> list[Any]:
    return [item for item in _items(marked) if _is_module(item)]


def _require_known(mode: str, constants: str, collapse: str, rankdir: str) -> None:
    for option, asked, known in (
        ("mode", mode, ("reverse", "forward")),
        ("constants", constants, ("fold", "show")),
        ("collapse", collapse, ("auto", "none", "neuron", "layer")),
        ("rankdir", rankdir, ("LR", "RL", "TB", "BT")),
    ):
        if asked not in known:
            raise ValueError(f"{option} must be one of {', '.join(known)}, not {asked!r}")


def mimebundle(v: Value, include: Any = None, exclude: Any = None) -> Bundle:
    """What Jupyter shows for a Value: its picture next to its repr.

    Where nothing can draw it is the repr, and the first time a sentence that says why, and what to
    install.
    """
    if _only_text_is_shown():
        return {"text/plain": repr(v)}, {}
    try:
        # the same protocol, one level down
        data, about = draw(v)._repr_mimebundle_(include, exclude)
    except (ImportError, OSError, RuntimeError) as error:
        said_before = str(error) in _said
        _said.add(str(error))
        return {"text/plain": repr(v) if said_before else f"{v!r}\n({error})"}, {}
    return {**data, "text/plain": repr(v)}, about


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
    shown = "text/plain", repr(v)
    if not is_text:
        data, _ = mimebundle(v, exclude=("image/png",))
        shown = richest(data)
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
