"""Every worked example on one page: its pictures, its numbers, and one of its gradients in words.

The page is one file that needs no network, and none of its parts but two needs a script: a filter
over the circuits, and players in place of their pictures. The player stands in the page once, and
of each circuit what is to be played, compressed; a policy lets these scripts run, by their hashes,
and nothing else.
"""

from __future__ import annotations

import inspect
import os
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from html import escape
from pathlib import Path
from typing import Any

from ..chain_rule import explain
from ..chain_rule.rules import bracketed_name
from ..drawing import Picture, draw
from ..drawing.svg import extent
from ..engine import Value
from ..examples import LECTURES, Circuit, Lecture, factoring_chain
from ..player import of_picture
from ..player.page import UNPACK, as_text, colors, hashed, looks, packed, started, tight
from ..support.files import write_whole
from ..support.formulas import unicode
from ..support.text import did_you_mean, visible
from .inline import Sheet

Make = Callable[[], Circuit]

EXPLAINED = {  # the leaves whose gradients have the most to tell; elsewhere it is the first one
    "sharif.model_neuron": ("w1",),
    "sharif.sigmoid_neuron": ("w1",),
    "sharif.relu_neuron": ("w1",),
    "sharif.same_bit_inequalities": ("theta",),
    "sharif.scores_and_loss": ("w31",),
    "sharif.sigmoid_circuit": ("w0",),
    "sharif.sigmoid_gate": ("x0",),
    "sharif.gates": ("w", "x"),
    "sharif.composite_function": ("w1",),
    "sharif.backpropagation_of_errors": ("w11",),
    "sharif.svm_example": ("s33",),
    "sharif.weight_decay": ("w",),
    "sharif.weight_sharing": ("w",),
    "rwth.delta_rule": ("w1",),
    "rwth.core_steps": ("w11",),
    "rwth.mlp_backpropagation": ("w11",),
    "rwth.maxout": ("w21",),
    "rwth.softmax_shifted": ("a3",),
    "rwth.forward_and_reverse": ("b",),
    "others.softmax_loss": ("s3",),
    "others.two_layer_network": ("w1",),
    "others.tanh_neuron": ("x1",),
}
SWEPT_FORWARD = {"rwth.forward_and_reverse": "b"}
# points that a picture may be wide, before it runs down the page in place of across
WIDEST = 1600
SMALLEST = 0.55  # of its natural size, below which a picture scrolls rather than shrinks

POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src {scripts}; img-src data:; "
    "base-uri 'none'; form-action 'none'"
)
PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>micrograd_plus: the worked examples</title>
<style>
{css}</style>
</head>
<body>
<header>
<p class="eyebrow">micrograd_plus</p>
<h1>Backpropagation, one gate at a time</h1>
<p class="lede">The circuits that lectures work out by hand: each as it stands after the
forward pass, and again after the backward pass, with every number to twelve decimals and one
gradient told in words.
They are {sources}.</p>
<ul class="legend">
<li class="value"><b>3</b> value, above the name</li>
<li class="slope"><b>∂ 2</b> gradient of the output, below</li>
<li class="unknown"><b>∂ ·</b> not known yet</li>
<li class="local"><b>−4</b> local gradient, on the wire</li>
</ul>
<div class="find" role="search" hidden>
<label for="find">Find a circuit</label>
<input id="find" type="search" autocomplete="off" placeholder="sigmoid slide 53">
<span id="found" role="status"></span>
</div>
<nav aria-label="Contents">
{contents}
</nav>
</header>
<main>
{sections}
</main>
<footer><p>Written by <code>micrograd-plus gallery</code>.
Point at a box or a wire to read what it does.
A network that learns in a page: <code>micrograd-plus playground</code>.</p></footer>
<script type="application/octet-stream" id="player">{player}</script>
<script>{script}</script>
</body>
</html>
"""


def write_gallery(directory: str | os.PathLike[str], lecture: str | None = None) -> Path:
    """Write index.html into the directory, which is made where it is missing, and give the page's
    path: every example, or those of one lecture.

    The page appears whole or not at all, whether there is Graphviz or not. Raises ValueError for a
    lecture that has no circuits.
    """
    content = gallery_html(lecture).encode()
    target = Path(directory) / "index.html"
    target.parent.mkdir(parents=True, exist_ok=True)
    return write_whole(target, content)


def gallery_html(lecture: str | None = None) -> str:
    """The page with every example of `all_examples()`, or with those of one lecture, each lecture
    under its heading, in the order of its slides.

    Raises ValueError for a lecture that has no circuits.
    """
    shown = _shown(lecture)
    sheet = Sheet()
    sections = "\n".join([_section(one, sheet) for one in shown])
    player = started("window.micrograd_plus = { render };")
    script = tight(f'"use strict"; (() => {{\n{UNPACK}\n{_read("gallery.js")}\n}})();')
    return PAGE.format(
        sources=escape(sources(lecture)),
        policy=escape(POLICY.format(scripts=f"{hashed(script)} {hashed(player)}"), quote=False),
        css=_read("gallery.css") + sheet.css,
        contents="\n".join(map(_contents, shown)),
        sections=sections,
        player=packed(player, colors() + looks()),
        script=script,
    )


def _read(name: str) -> str:
    """A file that stands beside this one."""
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


def lectures() -> list[str]:
    """The names of the lectures that have circuits to show."""
    return [lecture.name for lecture in LECTURES if lecture.circuits]


def sources(lecture: str | None = None) -> str:
    """Whose the examples are: `6 from X, 2 from Y and 1 from Z`, as their descriptions say.

    Raises ValueError for a lecture that has no circuits.
    """
    circuits = [circuit for one in _shown(lecture) for circuit in one.circuits]
    counts = Counter(map(_author, circuits))
    *others, last = [f"{count} from {whose}" for whose, count in counts.items()]
    return f"{', '.join(others)} and {last}" if others else last


def _shown(name: str | None) -> list[Lecture]:
    """The lectures of a page: all that have circuits, or the one of that name."""
    known = lectures()
    if name is not None and name not in known:
        hint = did_you_mean(name, known) or f"there are {', '.join(known)}"
        raise ValueError(f"there is no lecture {name!r} with circuits; {hint}")
    return [
        lecture for lecture in LECTURES if lecture.name in known and name in (None, lecture.name)
    ]


def _contents(lecture: Lecture) -> str:
    """A lecture's part of the table of contents."""
    items = [
        f'<li><a href="#{lecture.name}.{make.__name__}">{_title(make)}</a></li>'
        for make in lecture.circuits
    ]
    listed = "\n".join(items)
    whose = escape(lecture.university)
    return f'<p><a href="#{lecture.name}">{whose}</a></p>\n<ol>\n{listed}\n</ol>'


def _section(lecture: Lecture, sheet: Sheet) -> str:
    """A lecture: its heading, and its examples."""
    names = [(f"{lecture.name}.{make.__name__}", make) for make in lecture.circuits]
    joined = "\n".join([_article(name, make, sheet) for name, make in names])
    return f"""<section id="{lecture.name}" class="lecture" aria-labelledby="{lecture.name}-title">
<h2 id="{lecture.name}-title"><b>{escape(lecture.university)}</b> {escape(lecture.title)}</h2>
{joined}
{_in_numbers(lecture)}</section>"""


def _in_numbers(lecture: Lecture) -> str:
    """What a lecture trains or reckons: the titles, and the calls that give the numbers."""
    items = [
        f"<li>{_title(make)} <code>{lecture.name}.{make.__name__}()</code></li>"
        for make in lecture.trainings
    ]
    listed = "\n".join(items)
    if not items:
        return ""
    return f"""<aside aria-label="In numbers">
<p>Trainings, tables and searches of this lecture are functions in
<code>micrograd_plus.examples</code> that give their numbers:</p>
<ul>
{listed}
</ul></aside>
"""


def _description(make: Callable[..., object]) -> tuple[str, str, str]:
    """An example's title, its source and what to look at, as its description has them: the first
    line, the first sentence below, and the rest.
    """
    title, _, *lines = inspect.cleandoc(make.__doc__ or "").split("\n")
    source, *look = re.split(r"(?<=[.?]) ", " ".join(lines), maxsplit=1)
    return title, source.removesuffix("."), " ".join(look)


def _author(make: Callable[..., object]) -> str:
    """Whose an example is: so its source opens."""
    _, source, _ = _description(make)
    return source.partition(", ")[0]


def _title(make: Callable[..., object]) -> str:
    title, _, _ = _description(make)
    return escape(title)


def _article(name: str, make: Make, sheet: Sheet) -> str:
    title, source, words = _description(make)
    circuit = make()
    *_, (result, output) = circuit.items()
    figures, last = _figures(name, circuit, output, sheet)
    first = next(iter(circuit))
    leaves = EXPLAINED.get(name, (first,))
    told = "\n".join(explain(output, circuit[leaf]).html() for leaf in leaves)
    if name == "rwth.nine_paths":
        told += _chain()
    return f"""<article id="{name}" aria-labelledby="{name}-title">
<h3 id="{name}-title">{escape(title)}</h3>
<p class="source">{escape(source)}</p>
<p>{escape(words)}</p>
<button type="button" class="step" aria-expanded="false" aria-controls="{name}-player" \
aria-describedby="{name}-title" hidden>Step through it</button>
<div class="figures">
{figures}</div>
<div id="{name}-player" hidden></div>
<script type="application/octet-stream">{played(last)}</script>
<div class="details">
<section><h4>Values and gradients</h4>{_table(circuit, result)}</section>
<section><h4>The chain rule</h4>
{told}</section>
</div>
</article>"""


def _figures(name: str, circuit: Circuit, output: Value, sheet: Sheet) -> tuple[str, Picture]:
    """The circuit as each pass leaves it; the backward pass, the last one, is run here, and its
    picture is given beside them.
    """
    words = "Values from the leaves to the output; no gradient is known."
    figures = _figure(sheet, _drawn(output), "Forward.", words)
    if name in SWEPT_FORWARD:
        leaf = circuit[SWEPT_FORWARD[name]]
        title = f"Differentiated forward from {leaf.label}."
        words = f"One sweep finds every derivative by {leaf.label}."
        figures += '<div class="break"></div>'
        figures += _figure(sheet, _drawn(output, leaf), title, words)
    output.backward()
    words = f"One sweep finds every gradient of {output.label}."
    last = _drawn(output)
    return figures + _figure(sheet, last, "Backward.", words), last


def played(picture: Picture) -> str:
    """What a player of a picture needs, packed; sentences stand in place of its caption."""
    texts = picture.texts
    shown = tuple([part for part in texts.parts if part != "caption"])
    style = replace(texts.style, compact=True, show=shown, theme="auto")
    player = of_picture(replace(picture, texts=replace(texts, style=style)))
    return packed(as_text(player.data(still=False)))


def _drawn(output: Value, leaf: Value | None = None) -> Picture:
    sweep: dict[str, Any] = {} if leaf is None else {"mode": "forward", "wrt": leaf}
    across = draw(output, **sweep)
    if _width(across) <= WIDEST:
        return across
    return draw(output, rankdir="TB", **sweep)


def _width(picture: Picture) -> int:
    return round(extent(picture.texts, picture.places)[0])


def _figure(sheet: Sheet, picture: Picture, title: str, words: str) -> str:
    natural = _width(picture)
    least = f"{SMALLEST * natural:.0f}px"
    most = f"min(100%, {natural + 16}px)"
    svg = sheet.svg(picture, f"min-width: {least}")
    heading = escape(title)
    return (
        f'<figure style="flex-basis: {least}; max-width: {most}">'
        f"<figcaption><b>{heading}</b> {escape(words)}</figcaption>"
        f'<div class="card" tabindex="0" role="group" aria-label="{heading}">{svg}</div></figure>\n'
    )


def _table(circuit: Circuit, result: str) -> str:
    nodes = circuit.values()
    labels = [escape(visible(unicode(v.label))) for v in nodes]
    values = _column([v.data for v in nodes], "value")
    gradients = _column([v.grad for v in nodes], "slope")
    rows = [
        f'<tr><th scope="row">{label}</th>{value}{gradient}</tr>'
        for label, value, gradient in zip(labels, values, gradients)
    ]
    body = "\n".join(rows)
    slope = f"∂{bracketed_name(visible(unicode(result)))}/∂·"
    return (
        '<table><thead><tr><th scope="col">Name</th><th scope="col">Value</th>'
        f'<th scope="col">{escape(slope)}</th></tr></thead>\n<tbody>\n{body}\n</tbody></table>'
    )


def _column(numbers: list[float], kind: str) -> list[str]:
    """Cells whose decimal points stand below each other."""
    texts = [_decimal(x).partition(".") for x in numbers]
    room = max(len(fraction) for _, _, fraction in texts)
    style = f' style="width: {room + 0.7:g}ch"' if room else ""
    return [
        f'<td class="{kind}">{whole}<span{style}>{point}{fraction}</span></td>'
        for whole, point, fraction in texts
    ]


def _decimal(x: float) -> str:
    """x to twelve decimals, or fewer where six say the same."""
    text, short = f"{x:.12f}", f"{x:.6f}"
    if text == f"{short}000000":
        text = short.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text.replace("-", "−")


def _chain() -> str:
    """The point of factoring paths, driven home: more paths than could be walked,
    and a sweep that does not care.
    """
    chain = factoring_chain()
    *_, output = chain.values()
    found = explain(output, chain["x"], limit=1)
    name = escape(output.label)
    wires = 12 * 60
    return (
        '<div class="explanation"><p><strong>Sixty such diamonds in a row: 9⁶⁰ paths</strong></p>'
        f"<p>{found.count:,} paths lead from x to {name}, more than could ever be "
        "walked. One sweep "
        f"visits each of the {wires} wires once, and finds the gradient "
        f"{found.value:g}.</p></div>"
    )
