"""One page of pictures as lecturers use them, each beside the line that draws it, to be looked at:
`python tests/helpers/figures.py OUT_DIR` writes index.html and what it shows.

A Beamer slide and a LaTeX page are compiled where there are pdflatex and pdftoppm, fragments and a
page under a dark system photographed where there is Chromium. At the end the page says how long
every example takes to be drawn, and how many bytes it has.
"""

import inspect
import random
import re
import shutil
import subprocess
import sys
import tempfile
from html import escape
from itertools import pairwise
from pathlib import Path
from statistics import median
from textwrap import dedent
from time import perf_counter
from unittest.mock import patch

from micrograd_plus import Value, draw, ops
from micrograd_plus.drawing import layout
from micrograd_plus.examples import all_examples, product_of_a_sum, sigmoid_circuit, tanh_neuron
from micrograd_plus.nn import MLP

BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))),
    None,
)
OFFLINE = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-sync", "--disable-background-networking", "--disable-component-update"),
    *("--disable-extensions", "--hide-scrollbars", "--host-resolver-rules=MAP * ~NOTFOUND"),
)
DARK = "--blink-settings=preferredColorScheme=0"
PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Figures</title>
<style>body {{ font: 15px/1.45 sans-serif; margin: 2rem; max-width: 1500px; color: #1f2328 }}
figure {{ margin: 0 0 3rem }} img {{ max-width: 100%; border: 1px solid #e4e4e4 }}
pre {{ background: #f6f8fa; padding: .5rem .8rem; overflow-x: auto }}
.side {{ display: flex; gap: 1rem; flex-wrap: wrap; align-items: flex-start }}
.side div {{ flex: 1 1 22rem; min-width: 0 }}
td, th {{ padding: .1rem .8rem; text-align: right }} td:first-child {{ text-align: left }}</style>
</head><body><h1>Figures</h1>
{body}
</body></html>
"""
BARE = '<!DOCTYPE html><html><head><meta charset="utf-8">{head}</head><body>{body}</body></html>'
FRAGMENTS = (
    "<style>.fragment{visibility:hidden}.fragment.visible{visibility:visible}"
    "body{margin:10px}</style>"
)
SLIDE = r"""\documentclass[aspectratio=169]{beamer}
\usepackage{tikz}
\begin{document}
\begin{frame}{The sigmoid circuit, gate by gate}
\input{sigmoid}
\bigskip
Every gate multiplies what comes from above by its own slope.
\end{frame}
\end{document}
"""
PAPER = r"""\documentclass[11pt]{article}
\usepackage[a4paper, textwidth=398pt]{geometry}
\usepackage{tikz}
\begin{document}
\section*{The chain rule}
The circuit below is the sigmoid of a weighted sum, one gate at a time.
\begin{center}\input{sigmoid}\end{center}
Values stand above the names, and the gradients of $f$ below them.
\end{document}
"""


# Graphs that are no example of the package. -------------------------------------------------------
class Neuron:
    """A neuron as it is written by hand: weights in a list, a sum, a tanh."""

    def __init__(self, inputs, rng, nonlin=True):
        self.weights = [Value(rng.uniform(-1, 1) * inputs**-0.5) for _ in range(inputs)]
        self.bias, self.nonlin = Value(0.0), nonlin

    def __call__(self, x):
        total = sum((w * v for w, v in zip(self.weights, x)), self.bias)
        return total.tanh() if self.nonlin else total


class Network:
    """Layers of such neurons, the last without its tanh."""

    def __init__(self, sizes, rng):
        last = len(sizes) - 2
        self.layers = [
            [Neuron(n, rng, nonlin=i < last) for _ in range(m)]
            for i, (n, m) in enumerate(pairwise(sizes))
        ]

    def __call__(self, x):
        for layer in self.layers:
            x = [neuron(x) for neuron in layer]
        return x


def classified(seed=42):
    """The negative log likelihood of one of three classes: exponentials, their sum, a logarithm."""
    scores = Network([2, 8, 3], random.Random(seed))([Value(0.0), Value(0.0)])
    exponentials = [score.exp() for score in scores]
    whole = sum(exponentials)
    loss = -(exponentials[0] / whole).log() * 1.0
    loss.backward()
    return loss


def recurrence(steps):
    """A recurrent cell, unrolled."""
    h, w, u = Value(0.1, "h0"), Value(0.5, "w"), Value(0.3, "u")
    for t in range(steps):
        h = (w * h + u * Value(t / steps, f"x{t}")).tanh()
    h.label = "h"
    h.backward()
    return h


def tangled(gates, seed=7):
    """Gates whose operands are some of those just before them."""
    rng = random.Random(seed)
    nodes = [Value(round(rng.uniform(-2, 2), 1), f"x{i}") for i in range(2)]
    for _ in range(gates):
        a, b = rng.sample(nodes[-5:], 2)
        nodes.append(rng.choice((a + b, a * b, a.tanh(), a - b)))
    out = ops.sum([v for v in nodes if not any(v in user.operands for user in nodes)])
    out.backward()
    return out


def swept(circuit):
    """An example's output, after its backward pass."""
    *_, out = circuit.values()
    out.backward()
    return out


def squared_error():
    """Labels with mathematics."""
    x, w = Value(2.0, "$x_1$"), Value(0.5, r"$w^{(1)}_{12}$")
    y, guess = Value(1.0, "$y$"), (w * x + Value(0.1, r"$\theta_0$")).tanh()
    guess.label = r"$\hat y$"
    loss = (guess - y) ** 2 / 2
    loss.label = r"$\frac{1}{2}(\hat y - y)^2$"
    loss.backward()
    return loss


# The figures: a title, a caption, and the lines that draw. ---------------------------------------
def sigmoid():
    """The sigmoid circuit for a slide

    Two digits, compact, as wide as Beamer's text.
    """
    return draw(swept(sigmoid_circuit()), digits=2, compact=True, width=398)


def sum_and_product():
    """e = (a + b)(b + 1) after backward

    Each wire bears local · upstream, and b the sum of what came along its two wires.
    """
    a, b = Value(2.0, "a"), Value(1.0, "b")
    e = (a + b) * (b + 1)
    e.label = "e"
    e.backward()
    return draw(e)


def shared_twice():
    """(a·b)·(a + b)

    Both leaves have two users.
    """
    a, b = Value(2.0, "a"), Value(-3.0, "b")
    y = (a * b) * (a + b)
    y.backward()
    return draw(y)


def first_example():
    """(x + y)·z

    What the first slide on backpropagation shows.
    """
    return draw(swept(product_of_a_sum()))


def tanh_closed():
    """The tanh neuron, closed

    tanh is one gate.
    """
    return draw(swept(tanh_neuron()))


def tanh_opened():
    """The tanh neuron, opened

    tanh in its parts.
    """
    return draw(swept(tanh_neuron()), open="tanh")


def cell():
    """A recurrent cell of a hundred steps

    The first steps, the last, and one box for those between.
    """
    return draw(recurrence(100))


def perceptron():
    """A network's output, swept."""
    y = MLP(2, [16, 16, 1], rng=random.Random(0))([Value(1.0, "x1"), Value(-2.0, "x2")])
    y.backward()
    return y


def network():
    """MLP(2, [16, 16, 1]) with its inputs

    Neurons are closed; so many wires are hairlines, the darker the more flows through them.
    """
    return draw(perceptron())


def layers():
    """The same, layer by layer

    A bar is a unit's value, and below it its derivative.
    """
    return draw(perceptron(), collapse="layer")


def by_hand():
    """A loss over a network that is written out by hand

    Two inputs, eight tanh neurons, three scores, and the likelihood of the first.
    """
    return draw(classified())


def mathematics():
    """Labels with mathematics

    Set by matplotlib in SVG, by TeX in TikZ.
    """
    return draw(squared_error())


PICTURES = (
    *(sigmoid, sum_and_product, shared_twice, first_example, tanh_closed, tanh_opened),
    *(cell, network, layers, by_hand, mathematics),
)
SIZES = (3, 10, 34, 70)  # gates of the graphs that are laid out twice


# The page. ----------------------------------------------------------------------------------------
def body_of(make):
    """A function's lines, without its name and its description."""
    return dedent(re.sub(r"\A.*?\"\"\".*?\"\"\"\n", "", inspect.getsource(make), flags=re.DOTALL))


def figure(title, code, caption, inside):
    return (
        f"<figure><h2>{escape(title)}</h2><pre>{escape(code.strip())}</pre>{inside}"
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )


def image(name, **attributes):
    more = "".join(f' {key}="{value}"' for key, value in attributes.items())
    return f'<img alt="" src="{name}"{more}>'


def side_by_side(*images):
    return f"<div class=side>{''.join(f'<div>{one}</div>' for one in images)}</div>"


def photographed(page, picture, size, *options):
    """Whether Chromium has written what the page looks like."""
    if BROWSER is None:
        return False
    with tempfile.TemporaryDirectory() as profile:
        shot = f"--screenshot={picture}", f"--window-size={size[0]},{size[1]}"
        subprocess.run(
            [BROWSER, *OFFLINE, f"--user-data-dir={profile}", *options, *shot, page.as_uri()],
            check=True,
            capture_output=True,
            timeout=120,
        )
    return True


def compiled(directory, name, document, page=1):
    """Whether LaTeX has written the page of a document as name.png."""
    if not (shutil.which("pdflatex") and shutil.which("pdftoppm")):
        return False
    if document is not None:
        (directory / f"{name}.tex").write_text(document, encoding="utf-8")
    latex = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", f"{name}.tex"]
    picture = f"{name}-page{page}"
    paint = ["pdftoppm", "-png", "-r", "160", "-f", str(page), "-singlefile", f"{name}.pdf"]
    for command in (latex, [*paint, picture]):
        subprocess.run(command, cwd=directory, check=True, capture_output=True, timeout=120)
    return True


def shown(directory, name, done):
    return image(name) if done else "<p>(nothing here that makes it)</p>"


def slides(directory):
    """The sigmoid circuit in every form that a lecture has."""
    picture = sigmoid()
    frames = picture.frames()
    picture.save(directory / "sigmoid.tex")
    dark = draw(swept(sigmoid_circuit()), theme="dark", color={"w0": "teal"})
    dark.save(directory / "dark.tex")
    frames.save(directory / "overlays.tex")
    (svg,) = frames.save(directory / "fragments.svg")
    yield figure(
        "In a Beamer slide",
        r"\input{sigmoid}",
        "Compiled by pdfLaTeX; its numbers are text.",
        shown(directory, "slide-page1.png", compiled(directory, "slide", SLIDE)),
    )
    pages = [
        shown(directory, f"overlays-page{k}.png", compiled(directory, "overlays", None, k))
        for k in (6, 13, len(frames))
    ]
    yield figure(
        "As Beamer's overlays",
        'draw(f, digits=2, compact=True, width=398).frames().save("overlays.tex")',
        "Overlays 6, 13 and the last.",
        side_by_side(*pages),
    )
    yield figure(
        "In a LaTeX page",
        r"\input{sigmoid}",
        "In an article.",
        shown(directory, "paper-page1.png", compiled(directory, "paper", PAPER)),
    )
    yield figure(
        "A dark picture in TikZ, by itself",
        'draw(f, theme="dark", color={"w0": "teal"}).save("dark.tex")',
        "With what its wires carry.",
        shown(directory, "dark-page1.png", compiled(directory, "dark", None)),
    )
    yield figure(
        "As fragments of reveal.js",
        'draw(f, digits=2, compact=True, width=398).frames().save("fragments.svg")',
        "After the 6th, the 13th and the last fragment.",
        side_by_side(*(fragment_state(directory, svg, k) for k in (6, 13, len(frames) - 1))),
    )
    page = directory / "light-page.html"
    style = "<style>body{margin:20px;background:#fff;font:16px sans-serif}</style>"
    inline = picture._mime_()[1]
    page.write_text(BARE.format(head=style, body=f"<p>A light page</p>{inline}"), encoding="utf-8")
    done = photographed(page, directory / "light-page.png", (460, 300), DARK)
    yield figure(
        "In a light page under a dark system",
        "draw(f, digits=2, compact=True, width=398)",
        "The picture follows its page, not the system.",
        shown(directory, "light-page.png", done),
    )


def fragment_state(directory, svg, index):
    """What reveal.js shows once so many fragments have come."""

    def uncovered(match):
        return (
            match[0].replace("fragment", "fragment visible", 1)
            if int(match[1]) < index
            else match[0]
        )

    written = svg.read_text(encoding="utf-8")
    written = re.sub(r'class="fragment" data-fragment-index="(\d+)"', uncovered, written)
    page, picture = (directory / f"fragments-{index}.{suffix}" for suffix in ("html", "png"))
    page.write_text(BARE.format(head=FRAGMENTS, body=written), encoding="utf-8")
    return shown(directory, picture.name, photographed(page, picture, (430, 220)))


def pictures(directory):
    for make in PICTURES:
        title, _, *caption = inspect.cleandoc(make.__doc__).split("\n")
        picture = make()
        picture.save(directory / f"{make.__name__}.svg")
        about = f"{' '.join(caption)} {repr(picture)[1:-1]}."
        yield figure(title, body_of(make), about, image(f"{make.__name__}.svg"))


def twice(directory):
    """Graphs of several sizes by Graphviz, and by the layout that stands in for it."""

    def missing(*_, **__):
        raise ImportError

    for gates in SIZES:
        out = tangled(gates)
        with_it = draw(out, open="stretch")
        with patch.object(layout, "run_here", missing), patch.object(layout, "run_apart", missing):
            without = draw(out, open="stretch")
        with_it.save(directory / f"graphviz-{gates}.svg")
        without.save(directory / f"own-{gates}.svg")
        both = side_by_side(image(f"graphviz-{gates}.svg"), image(f"own-{gates}.svg"))
        title = f"{len(with_it.model.boxes)} boxes with Graphviz and without"
        yield figure(title, f"draw(tangled({gates}))", "Left with, right without.", both)


def times():
    """Milliseconds and bytes of every example and of large graphs."""
    graphs = {name: swept(make()) for name, make in all_examples().items()}
    graphs |= {f"tangled({n})": tangled(n) for n in (40, 100, 300, 1000)}
    graphs |= {"recurrence(100)": recurrence(100), "recurrence(1000)": recurrence(1000)}
    graphs |= {"classified()": classified()}
    for sizes in ([16, 16, 1], [64, 64, 1]):
        y = MLP(2, sizes, rng=random.Random(0))([1.0, -2.0])
        y.backward()
        graphs[f"MLP(2, {sizes})"] = y
    for name, out in graphs.items():
        spent = []
        for _ in range(3):
            begin = perf_counter()
            drawn = draw(out)
            svg = drawn.svg
            spent.append(1000 * (perf_counter() - begin))
        sizes = len(svg.encode()), len(drawn._content(".tex"))
        yield name, len(drawn.model.boxes), median(spent), *sizes


def table(rows):
    head = ("graph", "boxes", "ms to draw as SVG", "bytes of SVG", "bytes of TikZ")
    lines = [f"<tr>{''.join(f'<th>{cell}</th>' for cell in head)}</tr>"]
    for name, boxes, spent, svg, tex in rows:
        cells = name, boxes, f"{spent:.1f}", f"{svg:,}", f"{tex:,}"
        lines.append(f"<tr>{''.join(f'<td>{escape(str(cell))}</td>' for cell in cells)}</tr>")
        print(*cells, sep="  ")
    return f"<h2>Times and sizes</h2><table>{''.join(lines)}</table>"


def main():
    directory = Path(sys.argv[1])
    directory.mkdir(parents=True, exist_ok=True)
    parts = [*pictures(directory), *slides(directory), *twice(directory), table(times())]
    page = directory / "index.html"
    page.write_text(PAGE.format(body="\n".join(parts)), encoding="utf-8")
    print(page)


if __name__ == "__main__":
    main()
