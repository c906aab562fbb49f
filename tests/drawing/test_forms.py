"""Every form in which a picture is written is whole, and no label makes anything in any of them.

A form is read by a parser or a grammar into its shape: elements with their attributes, tags, or the
commands of TeX with braces and environments. The shape must be that of a harmless label.
"""

import re
import shutil
import subprocess
from collections import Counter
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import pytest
from hostile import HOSTILE, IN_TEX

from micrograd_plus import Value, draw
from micrograd_plus.nn import MLP
from micrograd_plus.support.formulas import TEXT_WORDS, WORDS, has_math

VOID = {"meta", "img"}
FREE = {
    "textLength",
    "lengthAdjust",
    "textlength",
    "lengthadjust",
    "class",
}  # how a text is set, which its characters decide
SET = {*WORDS, *TEXT_WORDS.values(), "symbol", "prime"}  # what a text may come to in TeX
# letters that take XeLaTeX or LuaLaTeX
FOREIGN = set("日本語ラベルمرحبا🧠\u0301")
MATHEMATICS = r"$\hat w^{(1)}_{12}$"


def graph(label):
    x = Value(2.0, label)
    y = (x * Value(3.0, label)).tanh()
    y.label = label
    y.backward()
    return y


def saved(thing, path):
    found = thing.save(path)
    (path,) = found if isinstance(found, list) else [found]
    return path.read_text(encoding="utf-8")


class Tags(HTMLParser):
    """The tags of a page with the names of their attributes, each closed in its turn."""

    def __init__(self, page):
        super().__init__()
        self.shape, self.open, self.texts = [], [], []
        self.feed(page)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.shape.append((tag, *sorted({name for name, _ in attrs} - FREE)))
        self.texts += [value for name, value in attrs if name in ("alt", "aria-label")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.shape.append((tag, *sorted({name for name, _ in attrs} - FREE)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_comment(self, data):
        self.shape.append(("comment",))

    def handle_pi(self, data):
        self.shape.append(("pi",))


def in_xml(text):
    assert "<!" not in text
    assert "<?" not in text
    return [
        (element.tag, *sorted(set(element.attrib) - FREE)) for element in ET.fromstring(text).iter()
    ]


def in_html(text):
    return Tags(text).shape


def in_tex(text):
    """Commands, and signs that TeX reads as such, when braces and environments are balanced."""
    assert "^^" not in text
    open_braces, environments, counts = 0, [], Counter()
    for token in re.findall(r"\\[A-Za-z]+|\\[\s\S]|[\s\S]", text):
        if token == "{":
            open_braces += 1
        elif token == "}":
            open_braces -= 1
            assert open_braces >= 0
        elif token in ("%", "&", "#", "~", "$", "^", "_") or token[0] == "\\":
            counts[token] += 1
    assert open_braces == 0
    assert counts["$"] % 2 == 0
    # in the remark and both ways of its head, these are written but not run
    for kind, name in re.findall(r"\\(begin|end)\{(\w+)\}", text):
        if kind == "begin":
            environments.append(name)
        else:
            assert environments.pop() == name
    assert not environments
    texts = {f"\\{word}" for word in SET} | {f"\\{c}" for c in "{}$&#%_,:;! "} | set("$^_~")
    return {token: n for token, n in counts.items() if token not in texts}


FORMS = {
    "SVG": (in_xml, lambda y, to: saved(draw(y), to / "x.svg")),
    "dark SVG": (in_xml, lambda y, to: draw(y, theme="dark", compact=True).svg),
    "SVG in a notebook": (in_xml, lambda y, to: draw(y, theme="auto").svg),
    "a frame": (in_xml, lambda y, to: draw(y).frames()[3].svg),
    "fragments": (in_xml, lambda y, to: saved(draw(y).frames(), to / "x.svg")),
    "HTML page": (in_html, lambda y, to: saved(draw(y), to / "x.html")),
    "HTML of a notebook": (in_html, lambda y, to: draw(y)._mime_()[1]),
    "TikZ": (in_tex, lambda y, to: saved(draw(y), to / "x.tex")),
    "dark TikZ": (in_tex, lambda y, to: saved(draw(y, theme="dark"), to / "x.tex")),
    "overlays": (in_tex, lambda y, to: saved(draw(y).frames(), to / "x.tex")),
}
every_form = pytest.mark.parametrize("form", FORMS)


@every_form
@pytest.mark.parametrize("label", [*HOSTILE, *IN_TEX], ids=lambda label: ascii(label[:20]))
def test_no_label_makes_anything_in_any_form(label, form, tmp_path):
    shape, written = FORMS[form]
    hostile = shape(written(graph(label), tmp_path))
    if has_math(label) and shape is not in_tex:  # outlines in place of a text, as any formula has
        known = shape(written(graph(MATHEMATICS), tmp_path)) + shape(written(graph("a"), tmp_path))
        assert set(hostile) <= set(known)
    else:
        assert hostile == shape(written(graph("a"), tmp_path))


@pytest.mark.parametrize("label", HOSTILE, ids=lambda label: ascii(label[:20]))
def test_what_is_read_aloud_hides_and_reorders_nothing(label):
    y = graph(label)
    told = Tags(draw(y)._mime_()[1]).texts + Tags(draw(y).svg).texts
    assert len(told) >= 2
    for text in told:
        assert text.startswith("Computational graph")
        assert text.isprintable()
        assert len(text) < 500


def circuit(name):
    x, y = Value(2.0, "x"), Value(-1.0, "y")
    if name == "layers":
        out = MLP(2, [3, 3, 1])([x, y])
    elif name == "stale":
        out = x * y + y
    else:
        out = (x * y).tanh()
        for _ in range(60):
            out = (out * x + y).tanh()
    out.backward()
    if name == "stale":
        x.data = 3.0
    return out


@every_form
@pytest.mark.parametrize("name", ["layers", "stale", "stretch"])
def test_boxes_of_every_kind_are_whole_in_every_form(name, form, tmp_path):
    shape, written = FORMS[form]
    assert shape(written(circuit(name), tmp_path))


@pytest.mark.skipif(not shutil.which("pdflatex"), reason="LaTeX takes hundreds of megabytes")
@pytest.mark.slow
def test_one_document_takes_all_labels_and_all_kinds_of_boxes(tmp_path):
    known = [label for label in (*HOSTILE, *IN_TEX, MATHEMATICS) if not FOREIGN & set(label)]
    pictures = [draw(graph(label), width=300) for label in known]
    pictures += [draw(graph(label), theme="dark", color={label: "teal"}) for label in known[:20]]
    pictures += [draw(circuit(name), collapse="layer") for name in ("layers", "stale", "stretch")]
    for i, picture in enumerate(pictures):
        picture.save(tmp_path / f"p{i}.tex")
    document = [r"\documentclass{article}\usepackage{tikz}\begin{document}"]
    document += [rf"\noindent\input{{p{i}}}\par" for i in range(len(pictures))]
    (tmp_path / "all.tex").write_text("\n".join([*document, r"\end{document}"]), encoding="utf-8")
    latex = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "all.tex"]
    subprocess.run(latex, cwd=tmp_path, check=True, stdout=subprocess.DEVNULL, timeout=300)
    assert (tmp_path / "all.pdf").exists()
