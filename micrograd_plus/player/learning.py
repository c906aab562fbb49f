"""`playground`: a network that learns in the page, in a notebook or as a file.

All arithmetic of the page is on programs traced from the table; see `rows`. What the page draws by
chance, its data sets and fresh weights, has a seed of its own and is not what Python draws.
"""

from __future__ import annotations

import base64
import html
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from ..drawing.picture import SCHEMES
from ..drawing.svg import LIGHT
from ..nn import MLP
from ..optim import Optimizer
from ..options import one_of, real_number
from ..support.files import write_whole
from ..support.notebooks import richest
from ..support.strict_json import exact
from ..support.text import visible
from ..tape.program import Floats
from ..tape.reals import finite_array
from .lessons import DATA_SETS, LESSONS
from .page import BARE, UNPACK, colors, deflated, linked, looks, page_of
from .playing import THEMES
from .rows import model_setup, rows_data
from .tapes import interpreter

MODULES = (  # each behind those it imports
    "numbers",
    "arithmetic",
    "tapes",
    "networks",
    "training",
    "points",
    "settings",
    "elements",
    "names",
    "charts",
    "controls",
    "diagram",
    "scene",
    "writing",
    "player",
    "columns",
    "inside",
    "fields",
    "plane",
    "progress",
    "looking",
    "taking",
    "playground",
)
# one for each class, as in the style sheet
CLASSES = (
    *("#e07b1a", "#2f7ed8", "#2a9d5c", "#a05cc4", "#d1495b"),
    *("#3aa6a6", "#b39b00", "#7d7d7d", "#c06ab0", "#6b7fd1"),
)
MOST_POINTS = 10_000
DRAWN = 6  # classes of points that are drawn or pasted in the page; Python may give more
MOST_SHOWN = 8  # units of a layer in the still picture
HEIGHT = 900
LONGEST_NAME = 40
LOADER = f"""
(async () => {{{UNPACK}
  const texts = await unpacked(document.getElementById("packed"));
  const [script, looks, contents] = texts;
  window.micrograd_plus = JSON.parse(contents);
  const module = await inflated(document.getElementById("module")).arrayBuffer();
  window.micrograd_plus.module = new Uint8Array(module);
  begin(script, looks);
}})();
"""
START = """
{ const el = document.getElementById("player");
  const contents = window.micrograd_plus;
  contents.alone = location.protocol !== "about:";
  el.replaceChildren();
  $playground.render({ model: { get: () => contents }, el }); }
"""


@dataclass(frozen=True)
class Playground:
    """A network to train in a page: a cell shows it, `save` writes it as a page that needs nothing
    else.
    """

    contents: dict[str, Any]

    @cached_property
    def html(self) -> str:
        """The page, to be written to a file."""
        return self._page(framed=False)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the page as x.html, whole or not at all, and give its path. It works by itself,
        without a network. Raises ValueError for another ending.
        """
        if Path(path).suffix.lower() not in (".html", ".htm"):
            raise ValueError(f"a playground is saved as x.html, not as {os.fspath(path)!r}")
        return write_whole(path, self.html.encode())

    def _page(self, *, framed: bool) -> str:
        script = f'"use strict";(() => {{{linked(*MODULES)}{START}}})();'
        sheets = colors() + looks() + looks("playground.css")
        texts = (script, sheets, json.dumps(self.contents, separators=(",", ":")))
        module = deflated(interpreter())
        return page_of(
            self.contents,
            self._still,
            texts,
            LOADER,
            css=BARE,
            more=f'<script type="application/octet-stream" id="module">{module}</script>',
            may="'wasm-unsafe-eval'",
            framed=framed,
        )

    @cached_property
    def _still(self) -> str:
        return still_picture(self.contents)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        # the text in the frame is what is left where a notebook is not trusted
        inner = html.escape(self._page(framed=True), quote=True).replace("\n", "&#10;")
        picture = base64.b64encode(self._still.encode()).decode()
        title = html.escape(self.contents["title"], quote=True)
        frame = (
            f'<iframe class="mgp" title="{title}" sandbox="allow-scripts" srcdoc="{inner}" '
            f'width="100%" height="{HEIGHT}" style="border:0" allow="fullscreen; clipboard-write">'
            "<p>Run this cell to train the network.</p>"
            f'<img class="mgp" alt="{title}" src="data:image/svg+xml;base64,{picture}"></iframe>'
        )
        follows = SCHEMES.replace("img.mgp", "iframe.mgp")
        style = f"<style>{follows}</style>" if self.contents["theme"] == "auto" else ""
        return {"text/plain": repr(self), "text/html": style + frame}

    def _mime_(self) -> tuple[str, str]:
        return richest(self._repr_mimebundle_())

    def __repr__(self) -> str:
        settings = self.contents["settings"]
        points = self.contents["points"]
        data = f"{len(points['y'])} points" if points else settings.get("data", DATA_SETS[0])
        return f"<Playground of {data}>"


def playground(
    model: MLP | None = None,
    X: Any = None,  # noqa: N803  # X and y are scikit-learn's names
    y: Any = None,
    *,
    loss: str = "hinge",
    optimizer: Optimizer | None = None,
    batch_size: int | None = None,
    penalty: tuple[str, float] | None = None,
    validation: float = 0.0,
    data: str | None = None,
    preset: str | None = None,
    theme: str | None = None,
) -> Playground:
    """A network to train in the page, with all its settings: data in the plane with the regions
    that the network tells apart, every unit with its own response, weights as wires, the curves of
    the loss, gradients layer by layer, and both passes at a point, step by step.

    `model` is an MLP with two outputs or more, or one, that tells classes apart; it learns from `X`
    of shape (examples, inputs) and `y` of shape (examples,), the class of each, by the name of a
    loss, an optimizer and a `batch_size` as `fit` does, from the weights that it has. `penalty` is
    ("l2", amount) or ("l1", amount), `validation` the share of examples that is held out, drawn
    with a seed of the page's own. The model in Python is not trained: the page gives its weights as
    Python, or as a file that `nn.load` reads.

    Without X the page draws a classic set, by `data`: "moons", "circles", "blobs", "xor" or
    "spiral". Without a model it begins with one of its own. `preset` opens one of the lessons, such
    as "dead-relus". `theme` is "light", "dark" or "auto", which follows the page.

    Raises TypeError for a model that is no MLP, and ValueError for data of another shape, what is
    no finite number, more than 10 classes or 10,000 examples, and names that there are not.

    >>> from micrograd_plus.nn import MLP
    >>> playground(MLP(2, [8, 1], activation="tanh"), data="circles")
    <Playground of circles>
    """
    chosen_theme = one_of(theme or "auto", "theme", THEMES)
    settings: dict[str, Any] = {}
    points, names, width = None, None, 2
    if preset is not None:
        if model is not None or X is not None or data is not None:
            raise ValueError("a preset brings its own data and model: give it alone")
        settings = LESSONS[one_of(preset, "preset", LESSONS)].settings
    if (X is None) != (y is None):
        raise ValueError("X and y are given together: points, and the class of each")
    if X is not None:
        if data is not None:
            raise ValueError("give either X and y, or the name of a set as data")
        classes = None if model is None else model.classes
        points, names, width = _points(X, y, classes)
    elif data is not None:
        settings = {"data": one_of(data, "data", DATA_SETS)}
    outputs = {*range(1, DRAWN + 1), len(names or ())} - {0}
    contents: dict[str, Any] = {
        "title": "Playground",
        "theme": chosen_theme,
        "rows": _reached(rows_data(outputs)),
        "lessons": [
            {"name": name, "title": lesson.title, "text": lesson.text, "settings": lesson.settings}
            for name, lesson in LESSONS.items()
        ],
        "lesson": preset or "",
        "points": points,
        "names": names,
        "weights": None,
        "bias": True,
        "classes": None,
    }
    if points:
        settings = {**settings, "data": "own", "held": _share(validation)}
    if model is not None:
        setup = model_setup(model, loss, optimizer, batch_size=batch_size, penalty=penalty)
        _require_fit(setup, width, names)
        settings = {**settings, **_settings(setup, contents["rows"]["optimizers"])}
        contents |= {name: setup[name] for name in ("bias", "classes")}
        contents["weights"] = [exact(w) for w in setup["weights"]]
    contents["settings"] = settings
    return Playground(contents)


def _reached(rows: dict[str, Any]) -> dict[str, Any]:
    """The same without what classes need not: of losses that take no class, those of several
    outputs.
    """
    losses = {
        name: loss if loss["takes"] == "class" else {**loss, "outputs": {"1": loss["outputs"]["1"]}}
        for name, loss in rows["losses"].items()
    }
    return {**rows, "losses": losses}


def _share(validation: float) -> float:
    share = real_number(validation, "validation, the share of examples to hold out,")
    if not 0.0 <= share <= 0.9:
        raise ValueError(f"validation is a share from 0 to 0.9, not {validation!r}")
    return share


def _settings(setup: dict[str, Any], optimizers: dict[str, Any]) -> dict[str, Any]:
    """What the page calls the settings of a model."""
    *hidden, last = setup["layers"]
    optimizer = dict(setup["optimizer"])
    usual = optimizers[optimizer["name"]]
    schedule = dict(setup["schedule"] or {"name": ""})
    return {
        "layers": hidden,
        "output": last["activation"],
        "loss": setup["loss"],
        "optimizer": optimizer.pop("name"),
        "rate": optimizer.pop("learning_rate"),
        "options": {
            name: given for name, given in optimizer.items() if given != usual[name]["default"]
        },
        "schedule": schedule.pop("name"),
        "decay": {name: given for name, given in schedule.items() if name != "initial"},
        "batch": setup["batch"],
        "penalty": setup["penalty"]["kind"],
        "amount": setup["penalty"]["amount"],
        "dropout": setup["dropout"][0] if hidden else 0.0,
        "init": setup["initialisation"],
        "seed": setup["seed"],
    }


def _points(
    inputs: Any, labels: Any, classes: Sequence[Any] | None
) -> tuple[dict[str, Any], list[str], int]:
    """Points with the numbers of their classes, what the classes are called, and how many inputs
    there are.
    """
    x: Floats = finite_array(inputs, "X")
    if x.ndim != 2 or not x.size:
        raise ValueError(
            f"X has the shape (examples, inputs), with at least one of each, not {x.shape}"
        )
    given = list(np.asarray(labels).tolist())
    if len(given) != len(x) or any(isinstance(label, list) for label in given):
        raise ValueError(f"y has the class of each of the {len(x)} examples of X")
    if len(x) > MOST_POINTS:
        raise ValueError(f"a playground takes at most {MOST_POINTS:,} examples, not {len(x):,}")
    known = sorted(set(given)) if classes is None else list(classes)
    strange = [label for label in given if label not in known]
    if strange:
        raise ValueError(f"the class {strange[0]!r} is not among those of the model, {known}")
    if not 2 <= len(known) <= len(CLASSES):
        raise ValueError(
            f"a playground tells 2 to {len(CLASSES)} classes apart, and y has {len(known)} "
            "different numbers: it has no regression"
        )
    places = [known.index(label) for label in given]
    points = {"x": [[exact(one) for one in row] for row in x.tolist()], "y": places}
    return points, [visible(str(label), LONGEST_NAME) for label in known], x.shape[1]


def _require_fit(setup: dict[str, Any], width: int, names: list[str] | None) -> None:
    if setup["inputs"] != width:
        raise ValueError(f"the model takes {setup['inputs']} inputs, and the data have {width}")
    outputs, classes = setup["layers"][-1]["units"], len(names or "ab")
    if outputs != classes and not (outputs == 1 and classes == 2):
        raise ValueError(f"a model with {outputs} outputs does not tell {classes} classes apart")


# The still picture. -------------------------------------------------------------------------------
def still_picture(contents: dict[str, Any]) -> str:
    """What stands where scripts may not run: the network, and points that Python knows."""
    settings, points = contents["settings"], contents["points"]
    hidden = [layer["units"] for layer in settings.get("layers", [{"units": 8}, {"units": 4}])]
    inputs = len(points["x"][0]) if points else 2
    outputs = len(contents["names"]) if contents["names"] and len(contents["names"]) > 2 else 1
    sizes = [inputs, *hidden, outputs]
    network = _network([min(size, MOST_SHOWN) for size in sizes])
    shown = _scatter(points) if points else ""
    said = "-".join(map(str, sizes))
    data = f"{len(points['y'])} points" if points else settings.get("data", DATA_SETS[0])
    words = html.escape(f"A network {said} and its data, {data}: it learns where scripts may run.")
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" class="mgp" role="img" width="640" height="330" '
        f'viewBox="0 0 640 330" font-family="sans-serif" aria-label="{words}">'
        f'<rect width="640" height="330" fill="{LIGHT["paper"]}"/>'
        f'<text x="20" y="312" font-size="13" fill="{LIGHT["ink"]}">{words}</text>'
        f"{network}{shown}</svg>"
    )


def _network(sizes: Sequence[int]) -> str:
    """Units in columns, each wired to all of the column before."""
    apart = 270 / max(len(sizes) - 1, 1)
    columns = [
        [(40 + apart * k, 150 + (unit - (size - 1) / 2) * 22) for unit in range(size)]
        for k, size in enumerate(sizes)
    ]
    wires = [
        f"M{x:.0f} {y:.0f}l{u - x:.0f},{v - y:.0f}".replace(",-", "-")
        for before, after in pairwise(columns)
        for x, y in before
        for u, v in after
    ]
    units = [place for column in columns for place in column]
    drawn = "".join(wires)
    return (
        f'<path d="{drawn}" fill="none" stroke="{LIGHT["edge"]}"/>'
        f"{_dots(units, LIGHT['chip'], 17)}{_dots(units, LIGHT['card'], 15)}"
    )


def _scatter(points: dict[str, Any]) -> str:
    """The two inputs of each point that vary most, or the only one against nothing."""
    x = np.array([[float(one) for one in row] for row in points["x"]])
    x = x[:, sorted(np.argsort(-x.var(axis=0), kind="stable")[:2])]
    if x.shape[1] == 1:
        x = np.column_stack([x, np.zeros(len(x))])
    low = x.min(axis=0)
    width = np.maximum(x.max(axis=0) - low, 1e-300)
    places = [360, 275] + (x - low) / width * [250, -250]
    labels = np.array(points["y"])
    dots = [_dots(places[labels == label], CLASSES[label], 5) for label in sorted({*points["y"]})]
    return "".join(dots)


def _dots(places: Any, color: str, size: int) -> str:
    """Round dots, as one path: lines without a length and with round ends."""
    path = "".join([f"M{x:.0f} {y:.0f}h0" for x, y in places])
    return (
        f'<path d="{path}" fill="none" stroke="{color}" stroke-width="{size}" '
        'stroke-linecap="round"/>'
    )
