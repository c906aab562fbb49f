"""`draw`, and the Picture that it gives: shown by Jupyter, saved as SVG, PNG, PDF, DOT or HTML."""

from __future__ import annotations

import base64
import html
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any, Literal

from .. import modes
from ..engine import Value
from ..support.files import write_whole
from ..support.notebooks import richest
from . import layered
from .build import build
from .dot import digraph
from .layout import QUICK, Rankdir
from .levels import WORK, Collapse, adjust, shrunk
from .model import Mode, Model
from .svg import boxes, render, summary

Constants = Literal["fold", "show"]

SECONDS = 1.5  # that layouts may take, of the two of a whole picture
PAUSE = 0.1  # seconds after which what is asked for next is not of the same list
# of layout, tried in this order, before the one that is certainly quick
EFFORTS = (WORK, WORK // 4)

PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>:root {{ color-scheme: light dark }}
body {{ margin: 2rem; display: grid; place-items: center }}
svg {{ max-width: 100%; height: auto }}</style></head>
<body>{svg}</body></html>
"""


@dataclass(frozen=True)
class Picture:
    """A drawn graph. `svg` is one <svg> element; `save` writes a file
    in the form that its name ends in.
    """

    svg: str
    model: Model
    rankdir: Rankdir

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write x.svg, x.png, x.pdf, x.dot or x.html, and give its path.

        Raises ValueError for another ending, and ImportError, saying what to install, when PNG or
        PDF need a library. The file appears whole or not at all.
        """
        return write_whole(path, self._content(Path(path).suffix.lower()))

    def _content(self, suffix: str) -> bytes:
        written: dict[str, Callable[[], bytes]] = {
            ".svg": self.svg.encode,
            ".html": lambda: PAGE.format(
                title=html.escape(self.model.boxes[-1].title), svg=self.svg
            ).encode(),
            ".dot": lambda: digraph(self.model, rankdir=self.rankdir).source.encode(),  # noqa: PLW0108  # only when asked
            ".png": lambda: bytes(_vl_convert().svg_to_png(self.svg, scale=2)),
            # imported when asked for
            ".pdf": lambda: bytes(_vl_convert().svg_to_pdf(self.svg)),
        }
        if suffix not in written:
            raise ValueError(
                f"a picture is saved as one of {', '.join(written)}, not as "
                f"{suffix or 'no ending'!r}"
            )
        return written[suffix]()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        # an image, not inline SVG: notebooks show it whether trusted or not, and its styles stay
        # its own
        data = base64.b64encode(self.svg.encode()).decode()
        alt = html.escape(summary(self.model), quote=True)
        return {
            "text/plain": repr(self),
            "text/html": f'<img alt="{alt}" src="data:image/svg+xml;base64,{data}">',
        }

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
) -> Picture:
    """A picture of the graph below `root`, with its values and gradients as they stand; it computes
    no gradients.

    `mode` "reverse" shows each node's gradient, "forward" its derivative with respect to the node
    `wrt` (or its label). `constants` are folded into their gates or shown as boxes of their own.
    `collapse` closes neurons or layers into one box; "auto" does so above 150 boxes. `rankdir` is
    LR, TB, RL or BT, the way from leaves to output. `names`, such as locals(), names Values without
    a label.

    What is too large to be read, or with "none" to be laid out in time, is cut to what lies nearest
    the output, so that no picture takes more than about two seconds; Ctrl-C ends any.

    Graphviz lays it out; where there is none, a layout of our own does, and what is beyond it, from
    about 80 boxes on, is cut.

    Raises TypeError when `root` is no Value, and ValueError for an unknown option.
    """
    for option, chosen, known in (
        ("mode", mode, ("reverse", "forward")),
        ("constants", constants, ("fold", "show")),
        ("collapse", collapse, ("auto", "none", "neuron", "layer")),
        ("rankdir", rankdir, ("LR", "RL", "TB", "BT")),
    ):
        if chosen not in known:
            raise ValueError(f"{option} must be one of {', '.join(known)}, not {chosen!r}")
    if not isinstance(root, Value):
        raise TypeError(f"only a Value has a graph to draw, not a {type(root).__name__}")
    end = monotonic() + SECONDS
    # whatever the caller is in the middle of
    with modes.switched(recording=True, anomaly=False, simplify=None):
        model = adjust(build(root, mode, wrt, names), collapse, constants == "fold")
    least = QUICK
    for work in EFFORTS:  # a slow machine gets a smaller picture, so that it has one in time
        model = shrunk(model, work)
        try:
            return Picture(
                render(model, rankdir, max(0.1, (end - monotonic()) / 2)), model, rankdir
            )
        except (TimeoutError, RuntimeError):
            # the last attempt tells whatever is wrong with the child process
            continue
        except ImportError:  # there is no Graphviz at all
            least = layered.LARGEST
            break
    model = shrunk(model, least)
    return Picture(render(model, rankdir), model, rankdir)


def mimebundle(v: Value) -> dict[str, str]:
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
