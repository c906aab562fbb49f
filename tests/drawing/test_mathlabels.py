"""Labels with formulas: as outlines in a picture, as TeX that can do nothing but set them, as
Unicode wherever there is only text.
"""

import os
import re
import subprocess
import sys
from xml.etree import ElementTree as ET

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from overlaps import faults, outline

from micrograd_plus import Value, draw, draw_dot, explain
from micrograd_plus.drawing import mathlabels
from micrograd_plus.support import formulas

SVG = "{http://www.w3.org/2000/svg}"

READ = [
    (r"$\theta_1$", "θ₁", r"$\theta_{1}$"),
    (r"$\hat y$", "ŷ", r"$\hat{y}$"),
    (r"$w^{(1)}_{12}$", "w⁽¹⁾₁₂", r"$w^{(1)}_{12}$"),
    (r"$\mathbf{w}^\top x + b$", "wᵀ x + b", r"$\mathbf{w}^{\top} x + b$"),
    (r"$\frac{1}{2}(\hat y-y)^2$", "1/2(ŷ−y)²", r"$\frac{1}{2}(\hat{y}-y)^{2}$"),
    (r"loss $L_2$", "loss L₂", r"loss $L_{2}$"),
    (r"$x'$", "x′", r"$x^{\prime}$"),
    (r"$w_\alpha$", "w_α", r"$w_{\alpha}$"),
    (r"$w_{\alpha\beta}$", "w_αβ", r"$w_{\alpha\beta}$"),
    (r"$x^{a*b}$", "x^(a∗b)", r"$x^{a*b}$"),
    (r"$\sin x\cdot\exp(-x)$", "sin x·exp(−x)", r"$\sin x\cdot\exp(-x)$"),
    (r"$\sqrt{x+1}\le 2$", "√(x+1)≤ 2", r"$\sqrt{x+1}\leq 2$"),
    ("$θ_1$", "θ₁", r"$\theta_{1}$"),
    ("θ₁₂", "θ₁₂", r"$\theta$$_{12}$"),
    ("10⁻³", "10⁻³", r"10$^{-3}$"),
    ("plain", "plain", "plain"),
]

# what is no formula, with the text that TeX is to show
TEXTS = [
    "$5 and $6",
    "$5",
    "100$",
    "$$",
    "$ x $",
    "$x$$",
    r"$\input{secret}$",
    r"$\write18{rm -rf}$",
    r"$\catcode`\$=13$",
    r"$\def\x{\x}\x$",
    r"$\csname input\endcsname$",
    r"$x^^41$",
    r"$^^5cinput$",
    r"$x^2^3$",
    r"$\hat$",
    r"$x^$",
    r"$}{$",
    r"$\frac{1}$",
    r"$\theta",
    r"$\\$",
    r"$\left($",
    r"$x\%$",
    r"$x%y$",
    r"$a&b$",
    r"$a#1$",
    r"$a~b$",
    r"$<script>$",
    "$" + "{" * 40 + "}" * 40 + "$",
    r"a\textbf{b}",
    "a -- b --- c",
    '~^^41`"|<>',
    "%",
    "#1",
]
PLAIN = r"[^\\{}$&#^_~%\"`|<>\x00-\x1f\x7f]"
MATH_SIGNS = r"\\[,:;!]"


def check_tex(written):
    """Everything in a text for TeX is harmless: words, signs, braces and dollars."""
    words = {*formulas.WORDS, *formulas.TEXT_WORDS.values(), "symbol", "prime"}
    assert set(re.findall(r"\\([A-Za-z]+)", written)) <= words
    rest = re.sub(r"\\[A-Za-z]+|\\[{}$&#%_]", "", written)
    depth, in_math = 0, False
    for token in re.findall(rf"{MATH_SIGNS}|[\s\S]", rest):
        if token == "$":
            in_math = not in_math
            assert depth == 0
        elif token in "{}":
            depth += 1 if token == "{" else -1
        elif len(token) == 2 or token in ("^", "_"):
            assert in_math, token
        else:
            assert re.fullmatch(PLAIN, token), ascii(token)
        assert depth >= 0
    assert depth == 0
    assert not in_math
    assert "^^" not in written


@pytest.mark.parametrize(("label", "text", "tex"), READ)
def test_a_label_reads_as_text_and_as_tex(label, text, tex):
    assert mathlabels.unicode(label) == text
    assert mathlabels.tex(label) == tex
    check_tex(tex)
    assert mathlabels.has_math(label) == (label.count("$") == 2)


@pytest.mark.parametrize("label", TEXTS, ids=ascii)
def test_what_is_no_formula_is_a_text_in_which_every_character_stands_for_itself(label):
    assert not mathlabels.has_math(label)
    assert mathlabels.unicode(label) == label
    assert mathlabels.set_label(label, 14.0) is None
    written = mathlabels.tex(label)
    check_tex(written)
    shown = written.replace("-{}-", "--").replace("-{}-", "--").replace(r"\symbol{34}", '"')
    for character, word in formulas.TEXT_WORDS.items():
        shown = shown.replace(f"\\{word}{{}}", character)
    assert re.sub(r"\\([{}$&#%_])", r"\1", shown) == label


CHARACTERS = "$$$${}{}^^__\\\\'ab1 -+%#&~\"`<|>\0\n"
WORDS = "\\input \\write \\hat \\frac \\, \\theta \\end ^^5c θ ₁ \u202e é \\sqrt \\mathrm \\catcode"
TOKENS = st.sampled_from([*CHARACTERS, *WORDS.split(" ")])


@given(
    st.one_of(
        st.text(max_size=40),
        st.lists(TOKENS, max_size=25).map("".join),
        st.lists(TOKENS.filter(lambda t: t != "$"), max_size=12).map(lambda t: f"${''.join(t)}$"),
    )
)
@example("$" + "\\hat" * 60 + "x$")
@example("$x$" * 100)
def test_no_label_gets_a_command_into_tex(label):
    check_tex(mathlabels.tex(label))
    text = mathlabels.unicode(label)
    assert mathlabels.has_math(label) or text == label
    assert [piece.tex for piece in mathlabels.pieces(label)].count(None) <= len(label) + 1


def boxes_of(root):
    """The extents of each formula's path, as it is drawn."""
    return [outline(path, 0.0, 0.0) for path in root.iter("path")]


@pytest.mark.parametrize("label", [label for label, *_ in READ if label.count("$") == 2])
def test_a_formula_is_as_wide_and_high_as_its_outline(label):
    markup, width, height, depth = mathlabels.svg(label, 14.0, "#000000")
    root = ET.fromstring(markup)
    assert root.get("aria-label") == mathlabels.unicode(label)
    found = boxes_of(root)
    assert found
    right, bottom = max(box[2] for box in found), max(box[3] for box in found)
    assert min(box[0] for box in found) >= 0.0
    assert right <= width + 0.02
    size = mathlabels.set_label(label, 14.0).size
    if root.find("text") is None:
        assert right == pytest.approx(width - mathlabels.SPACE * size, abs=0.05)
        assert max(bottom, 0.0) == pytest.approx(depth, abs=0.02)
        assert min(box[1] for box in found) == pytest.approx(-height, abs=0.02)


def test_every_word_is_set_by_matplotlib():
    for word in sorted(formulas.WORDS):
        arguments = "{x}" * (2 if word == "frac" else 1)
        label = f"${'x' if word == 'quad' else ''}\\{word}"
        if word not in (*formulas.SYMBOLS, *formulas.FUNCTIONS):
            label += arguments
        assert mathlabels.set_label(f"{label}y$", 14.0) or mathlabels.set_label(f"{label} y$", 14.0)


def test_a_formula_too_high_for_its_line_is_made_smaller_or_written_as_text():
    plain, high = (
        mathlabels.set_label(label, 14.0) for label in ("$x$", r"$\frac{a}{\frac{b}{c}}$")
    )
    assert plain.size == 14.0
    assert 8.0 < high.size < 14.0
    tower = r"$\frac{a}{\frac{b}{\frac{c}{d_1}}}$"
    assert mathlabels.has_math(tower)
    assert mathlabels.set_label(tower, 14.0) is None


def graph():
    x, w = Value(2.0, label="$x_1$"), Value(0.5, label=r"$w^{(1)}_{12}$")
    y = (w * x + Value(0.1, label=r"bias $\theta_0$")).tanh()
    y.label = r"$\hat y$"
    y.backward()
    return w, y


def test_a_picture_shows_formulas_and_says_them_in_unicode():
    w, y = graph()
    picture = draw(y)
    root = ET.fromstring(picture.svg)
    assert "ŷ" in root.get("aria-label")
    said = [g.get("aria-label") for g in root.iter(f"{SVG}g") if g.get("class") == "mgp-math"]
    assert sorted(said) == ["bias θ₀", "w⁽¹⁾₁₂", "x₁", "ŷ"]
    assert "$" not in picture.svg
    assert "w⁽¹⁾₁₂ = 0.5\n∂ŷ/∂w⁽¹⁾₁₂" in "".join(root.itertext())
    assert faults(picture.svg) == ([], [])
    assert r'label="w⁽¹⁾₁₂\n0.5' in draw_dot(y).source
    assert repr(picture) == "<Picture of ŷ: 6 boxes>"
    assert str(explain(y, w)).startswith("d(ŷ)/d(w⁽¹⁾₁₂) = ") or "ŷ" in str(explain(y, w))
    for name in (w.label, "w⁽¹⁾₁₂"):
        assert draw(y, mode="forward", wrt=name).model.wrt == "w⁽¹⁾₁₂"


@pytest.mark.parametrize(
    ("label", "told"),
    [
        ("e", "∂ = ∂e/∂·"),
        (r"$\hat y$", "∂ = ∂ŷ/∂·"),
        (r"$\frac{1}{2}(\hat y - y)^2$", "∂ = ∂(1/2(ŷ − y)²)/∂·"),
        ("f(x + 1)", "∂ = ∂f(x + 1)/∂·"),
        ("", "∂ = ∂output/∂·"),
    ],
)
def test_a_caption_tells_of_what_the_derivatives_are(label, told):
    x = Value(2.0, "x")
    y = x * x
    y.label = label
    y.backward()
    written = "".join(ET.fromstring(draw(y).svg).itertext())
    assert told in written


@pytest.fixture
def no_matplotlib(monkeypatch):
    for module in ("matplotlib", "matplotlib.font_manager", "matplotlib.textpath"):
        monkeypatch.setitem(sys.modules, module, None)
    mathlabels._outline.cache_clear()
    yield
    mathlabels._outline.cache_clear()


@pytest.mark.usefixtures("no_matplotlib")
def test_without_matplotlib_a_picture_writes_formulas_in_unicode():
    _, y = graph()
    root = ET.fromstring(draw(y).svg)
    texts = {"".join(text.itertext()) for text in root.iter(f"{SVG}text")}
    assert {"bias θ₀", "w⁽¹⁾₁₂", "x₁", "ŷ"} <= texts
    assert faults(draw(y).svg) == ([], [])
    assert mathlabels.svg("$x$", 14.0, "#000000") is None


def test_where_matplotlib_fails_a_formula_is_a_text(monkeypatch):
    from matplotlib.textpath import TextToPath

    def refuse(*_, **__):
        raise ValueError("unknown symbol")

    mathlabels._outline.cache_clear()
    monkeypatch.setattr(TextToPath, "get_text_path", refuse)
    assert mathlabels.set_label("$x$", 14.0) is None
    mathlabels._outline.cache_clear()


PROGRAM = """
import sys
from micrograd_plus import Value, draw
a = Value(2.0, label="$5 and $6")
draw(a * a)
assert "matplotlib" not in sys.modules
a.label = r"$\\hat{\\theta}_{12}^{(3)}$"
print(draw(a * a).svg)
"""


def test_matplotlib_is_imported_for_formulas_only_and_the_bytes_are_always_the_same():
    outputs = {
        subprocess.run(
            [sys.executable, "-c", PROGRAM],
            check=True,
            capture_output=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1
    assert b"mgp-math" in outputs.pop()
