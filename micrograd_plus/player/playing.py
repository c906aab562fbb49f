"""`play`: the picture with time in it, in a notebook, as a file, or as plain data."""

from __future__ import annotations

import html
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from itertools import chain, count
from keyword import iskeyword
from pathlib import Path
from typing import Any, Literal

from ..chain_rule.notation import FROM_SUBSCRIPTS
from ..drawing import draw
from ..drawing.model import Box, Mode
from ..drawing.picture import SCHEMES, Picture
from ..drawing.style import Style
from ..drawing.texts import Texts
from ..engine import Value
from ..options import one_of
from ..support.files import write_whole
from ..support.notebooks import richest
from ..support.strict_json import exact
from .page import page
from .scene import Scene, scenes

Quiz = Literal["", "gradients", "values"]
THEMES = ("auto", "light", "dark")
SHOWN = ("values", "gradients", "locals", "contributions")
STYLE_ELEMENT = re.compile(r"<style>.*?</style>", re.DOTALL)
CHANGED = "−0.000"  # as wide as the number of a leaf that is dragged mostly is
WIDEST = 900.0  # points that a picture may have with contributions on its wires


class Moving(Style):
    """A style whose boxes have room for numbers that may change, even in a compact picture."""

    @property
    def widest(self) -> str:
        return super().widest or CHANGED


@dataclass(frozen=True)
class Player:
    """A graph to step through: a cell shows it, `save` writes it as a page that needs nothing else.

    `scenes` are its levels of detail; `quiz` is what it hides and asks for.
    """

    scenes: tuple[Scene, ...]
    theme: str = "auto"
    quiz: Quiz = ""

    @cached_property
    def contents(self) -> dict[str, Any]:
        """All that a page shows, as plain data."""
        return self.data()

    def data(self, *, still: bool = True) -> dict[str, Any]:
        """The same; or less, for a page that has still pictures of its own."""
        leaves: dict[object, int] = {}
        described: list[dict[str, Any]] = []
        taken: set[str] = set()
        views = []
        for scene in self.scenes:
            numbers: dict[Box, int] = {}
            for box in scene.leaves:
                key = (box.name, box.value) if box.node is None else box.node
                if key not in leaves:
                    leaves[key] = len(leaves)
                    name = scene.names.get(box, box.name or "leaf")
                    described.append(_leaf(name, box.value, taken))
                numbers[box] = leaves[key]
            numbered = still and scene is self.scenes[0]
            views.append({**scene.as_json(numbers), "svg": scene.svg(numbered=numbered)})
        first = self.scenes[0]
        return {
            "title": first.names[first.boxes[-1]],
            "output": first.names[first.boxes[-1]],
            "theme": self.theme,
            "quiz": self.quiz,
            "leaves": described,
            "views": views,
        }

    @cached_property
    def html(self) -> str:
        """The page, to be written to a file."""
        return page(self.contents)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the page as x.html, whole or not at all, and give its path. It works by itself,
        without a network. Raises ValueError for another ending.
        """
        if Path(path).suffix.lower() not in (".html", ".htm"):
            raise ValueError(f"a player is saved as x.html, not as {os.fspath(path)!r}")
        return write_whole(path, self.html.encode())

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        # the text in the frame is what is left where a notebook is not trusted
        inner = html.escape(page(self.contents, framed=True), quote=True).replace("\n", "&#10;")
        title = html.escape(f"Step through {self.contents['title']}", quote=True)
        style = SCHEMES.replace("img.mgp", "iframe.mgp")
        # what takes a frame out, as a notebook does that is not trusted, leaves what is in it
        still = STYLE_ELEMENT.sub("", self.scenes[0].frames.after_backward._mime_()[1])
        frame = (
            f'<iframe class="mgp" title="{title}" sandbox="allow-scripts" srcdoc="{inner}" '
            f'width="100%" height="{self._height}" style="border:0" '
            'allow="fullscreen; clipboard-write">'
            f"<p>Run this cell to step through the graph.</p>{still}</iframe>"
        )
        follows = f"<style>{style}</style>" if self.theme == "auto" else ""
        return {"text/plain": repr(self), "text/html": follows + frame}

    @property
    def _height(self) -> int:
        """Of the frame: the picture as wide as a cell, and what stands below it, with the leaves
        three in a row.
        """
        width, height = self.scenes[0].size
        rows = -(-len(self.contents["leaves"]) // 3)
        below = 330.0 + 45.0 * max(0, rows - 2)
        return round(min(height * min(1.0, 880.0 / width) + below, 900.0))

    def _mime_(self) -> tuple[str, str]:
        return richest(self._repr_mimebundle_())

    def __repr__(self) -> str:
        return f"<Player of {self.contents['title']}: {len(self.scenes[0].frames) - 1} steps>"


def _leaf(name: str, value: float, taken: set[str]) -> dict[str, Any]:
    """A leaf with what it is called in code, which no other one is."""
    plain = name.translate(FROM_SUBSCRIPTS)
    plain = plain if plain.isidentifier() and len(plain) <= 30 and not iskeyword(plain) else "leaf"
    tried = chain([plain], (f"{plain}_{k}" for k in count(2)))
    python = next(found for found in tried if found not in taken)
    taken.add(python)
    return {"name": name, "value": exact(value), "python": python}


def play(
    root: Value,
    mode: Mode = "reverse",
    wrt: Value | str | None = None,
    names: Mapping[str, Any] | None = None,
    *,
    theme: str | None = None,
    quiz: bool | Quiz = False,
    **options: Any,
) -> Player:
    """The graph below `root` to step through: the forward pass gate by gate, then the backward pass
    edge by edge, with a sentence for each step; leaves can be moved, and everything follows.

    `mode="forward"` sweeps forward from `wrt`. `quiz` hides gradients, or "values", and asks for
    them. `theme` is "light", "dark" or "auto", which follows the page. `names`, such as locals(),
    names Values without a label; other options are those of `draw`. Backward need not have run.

    Raises what `draw` raises, and TypeError or ValueError for a theme or quiz that there is not.

    >>> from micrograd_plus import Value
    >>> a, b = Value(2.0, label="a"), Value(1.0, label="b")
    >>> play((a + b) * (b + 1))
    <Player of (a + b) × (b + 1): 9 steps>
    """
    if not isinstance(root, Value):
        raise TypeError(
            f"play steps through the graph below a Value, its output, not a {type(root).__name__}"
        )
    theme = one_of(theme or options.pop("theme", None) or "auto", "theme", THEMES)
    hides: Quiz = "gradients" if quiz is True else (quiz or "")
    if hides not in ("", "gradients", "values"):
        raise ValueError(f"quiz is True or hides 'gradients' or 'values', not {quiz!r}")
    options = {"compact": True, **options}
    pictures = [("as drawn", _picture(root, mode, wrt, names, options))]
    if not {"open", "close", "collapse", "around"} & options.keys():
        pictures += [
            (label, _picture(root, mode, wrt, names, {**options, how: "all"}))
            for label, how in (("closed", "close"), ("opened", "open"))
        ]
    return Player(tuple(scenes(pictures)), theme, hides)


def _picture(root: Value, mode: Any, wrt: Any, names: Any, options: Mapping[str, Any]) -> Picture:
    """A picture with as much on its wires as can be read."""
    if "show" in options:
        return _moving(draw(root, mode, wrt, names=names, **options))
    for shown in (SHOWN, SHOWN[:3]):
        picture = _moving(draw(root, mode, wrt, names=names, show=shown, **options))
        if picture.places.right - picture.places.left <= WIDEST:
            break
    return picture


def _moving(picture: Picture) -> Picture:
    """The picture with room for numbers that may change, in the frames that are made of it."""
    style, model = picture.texts.style, picture.model
    options = {field.name: getattr(style, field.name) for field in fields(Style)}
    return Picture(Texts(model, Moving(**options)), picture.places, picture.rankdir)


def of_picture(picture: Picture) -> Player:
    """A picture to step through, in the looks that it has."""
    return Player((Scene("as drawn", picture),), picture.texts.style.theme or "light")
