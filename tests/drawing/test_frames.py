"""Frames: the passes step by step on one layout, and the forms in which they are saved; TikZ."""

import random
import re
import shutil
import subprocess
from xml.etree import ElementTree as ET

import pytest
from hostile import IN_TEX
from matplotlib.colors import CSS4_COLORS

from micrograd_plus import Value, draw, ops, play
from micrograd_plus.cli import main
from micrograd_plus.drawing import colors
from micrograd_plus.drawing.build import HUGE
from micrograd_plus.drawing.tikz import STYLES
from micrograd_plus.engine import adjoints, nodes_below, tangents
from micrograd_plus.examples import all_examples
from micrograd_plus.nn import MLP
from micrograd_plus.support.formulas import TEXT_WORDS, WORDS

SVG = "{http://www.w3.org/2000/svg}"


def product_of_a_sum():
    a, b = Value(2.0, "a"), Value(1.0, "b")
    c, d = a + b, b + 1
    c.label, d.label = "c", "d"
    e = c * d
    e.label = "e"
    return a, b, e


def words(svg):
    return ["".join(text.itertext()) for text in ET.fromstring(svg).iter(f"{SVG}text")]


def placed(svg):
    return re.findall(r"translate\([^)]*\)|viewBox=\"[^\"]*\"", svg)


def test_the_passes_come_gate_by_gate_and_edge_by_edge():
    _, _, e = product_of_a_sum()
    frames = draw(e).frames()
    assert [moment.sentence for moment in frames.moments] == [
        "What is given.",
        "c (+) from a = 2, b = 1: 3.",
        "d (+ 1) from b = 1: 2.",
        "e (×) from c = 3, d = 2: 6.",
        "e by itself: 1.",
        "e → c: local 2 · 1 = 2.",
        "e → d: local 3 · 1 = 3.",
        "d → b: local 1 · 3 = 3.",
        "c → a: local 1 · 2 = 2.",
        "c → b: local 1 · 2 = 2. So far 3, and 2: 5.",
    ]
    assert repr(frames) == "<Frames of e: 10>"
    assert len(frames[2:4]) == 2
    assert e.grad == 0.0


def test_the_layout_never_moves():
    _, _, e = product_of_a_sum()
    frames = draw(e).frames()
    assert len({tuple(placed(frame.svg)) for frame in frames}) == 1


def test_each_frame_shows_what_is_known_then():
    _, _, e = product_of_a_sum()
    frames = draw(e).frames()
    assert "6" not in words(frames.up_to("c").svg)
    assert "3" in words(frames.up_to("c").svg)
    before, after = words(frames.before_backward.svg), words(frames.after_backward.svg)
    assert before.count("∂ ·") == 5
    assert not any("=" in text for text in before if "from" not in text)
    assert {"∂ 2 + 3 = 5", "1 · 3 = 3", "∂ 1"} <= set(after)
    with pytest.raises(ValueError, match="no box is called 'x'"):
        frames.up_to("x")


@pytest.mark.parametrize("make", all_examples().values(), ids=all_examples())
def test_the_last_frame_has_the_gradients_of_a_backward_pass(make):
    *_, out = make().values()
    frames = draw(out).frames()
    out.backward()
    drawn = draw(out).model.boxes
    found = [box.derivative for box in frames.after_backward.model.boxes]
    assert found == pytest.approx([box.derivative for box in drawn], rel=1e-12)


def test_swept_forward_the_frames_go_from_the_leaf_to_the_output():
    _, b, e = product_of_a_sum()
    frames = draw(e, mode="forward", wrt=b).frames()
    assert [moment.sentence for moment in frames.moments[-2:]] == [
        "d → e: local 3 · 1 = 3. So far 2, and 3: 5.",
        "Nothing reaches a: 0.",
    ]
    assert "∂ 2 + 3 = 5" in words(frames[-1].svg)


def test_frames_of_a_graph_that_was_swept_before_are_of_its_own_sweep():
    _, b, e = product_of_a_sum()
    (3 * e).backward()
    e.backward()
    frames = draw(e).frames()
    assert {"∂ 2 + 3 = 5"} <= set(words(frames[-1].svg))
    assert b.grad == 20.0


def test_frames_are_saved_in_every_form(tmp_path):
    _, _, e = product_of_a_sum()
    frames = draw(e).frames()
    files = frames.save(tmp_path / "e-{:02}.svg")
    assert [path.name for path in files] == [f"e-{i:02}.svg" for i in range(10)]
    assert files[0].read_text(encoding="utf-8") == frames[0].svg
    assert len(frames.save(tmp_path / "e-{}.png")) == 10
    (pdf,) = frames.save(tmp_path / "e.pdf")
    from pypdf import PdfReader

    assert len(PdfReader(pdf).pages) == 10
    for name in ("e.html", "e.png", "e"):
        with pytest.raises(ValueError, match="frames are saved as one of"):
            frames.save(tmp_path / name)


def test_the_groups_of_one_svg_appear_in_the_order_of_the_frames(tmp_path):
    _, _, e = product_of_a_sum()
    frames = draw(e).frames()
    (path,) = frames.save(tmp_path / "e.svg")
    whole = ET.fromstring(path.read_bytes())
    groups = [g for g in whole.iter(f"{SVG}g") if g.get("class") == "fragment"]
    indices = [int(g.get("data-fragment-index")) for g in groups]
    assert set(indices) == set(range(9))
    first = {"".join(t.itertext()) for g in groups[:1] for t in g.iter(f"{SVG}text")}
    assert first == {"1"} or first == {"3"}
    last = [g for g in groups if g.get("data-fragment-index") == "8"]
    assert {"∂ 2 + 3 = 5", "1 · 2 = 2"} <= {
        "".join(t.itertext()) for g in last for t in g.iter(f"{SVG}text")
    }
    assert placed(path.read_text(encoding="utf-8"))[1:] == placed(frames[-1].svg)[1:]


@pytest.mark.parametrize(
    ("background", "paper"),
    [("", "#ffffff"), ("transparent", "#ffffff"), ("#fffbe6", "#fffbe6")],
)
def test_numbers_that_appear_on_wires_have_the_paper_of_the_picture(background, paper, tmp_path):
    _, _, e = product_of_a_sum()
    (path,) = draw(e, background=background).frames().save(tmp_path / "e.svg")
    whole = ET.fromstring(path.read_bytes())
    groups = [g for g in whole.iter(f"{SVG}g") if g.get("class") == "fragment"]
    covers = [g.find(f"{SVG}rect").get("fill") for g in groups if g.find(f"{SVG}g") is not None]
    assert covers
    assert set(covers) == {paper}


def test_the_command_line_writes_frames_and_figures(tmp_path, capsys):
    line = ["draw", "e = (a + b) * (b + 1)", "a=2", "b=1", "--digits", "2", "--compact"]
    assert main([*line, "--frames", "-o", str(tmp_path / "e-{:02}.svg")]) == 0
    assert len(list(tmp_path.glob("e-*.svg"))) >= 8
    more = ["--width", "300", "--theme", "dark", "--color", "b=teal", "--show", "values"]
    assert main([*line, *more, "-o", str(tmp_path / "e.tex")]) == 0
    assert main([*line, *more, "-o", str(tmp_path / "e.svg")]) == 0
    svg = ET.fromstring((tmp_path / "e.svg").read_bytes())
    assert svg.get("width") == "300"
    assert main([*line, "--theme", "sepia", "-o", str(tmp_path / "x.svg")]) == 2
    assert main([*line, "--show", "value", "-o", str(tmp_path / "x.svg")]) == 2
    capsys.readouterr()


# TikZ. --------------------------------------------------------------------------------------------
def tex_of(tmp_path, label, frames=False):
    x = Value(2.0, label)
    y = (x * Value(3.0, "b")).tanh()
    y.label = label
    y.backward()
    drawn = draw(y)
    path = tmp_path / "x.tex"
    drawn.frames().save(path) if frames else drawn.save(path)
    return path.read_text(encoding="utf-8")


OWN = {
    *(
        "fill",
        "setbeamertemplate",
        "geometry",
        "ifx",
        "tikzpicture",
        "undefined",
        "documentclass",
        "usepackage",
        "def",
        "mgpshow",
        "fi",
    ),
    *("begin", "end", "mgppicture", "else", "tikzset", "input", "begingroup", "endgroup", "draw"),
    *("definecolor", "mgpnumber", "mgpname", "mgpsmall", "fontsize", "selectfont", "node"),
    *("pgfkeysifdefined", "textcolor", "onslide", "textbackslash", "textasciicircum"),
    *("textasciitilde", "textasciigrave"),
}


@pytest.mark.parametrize("frames", [False, True])
@pytest.mark.parametrize("label", IN_TEX)
def test_no_label_brings_a_control_word_into_tex(label, frames, tmp_path):
    harmless, hostile = tex_of(tmp_path, "a", frames), tex_of(tmp_path, label, frames)
    known = {f"\\{word.lstrip(chr(92))}" for word in (*OWN, *WORDS, *TEXT_WORDS, "symbol")}
    assert set(re.findall(r"\\[A-Za-z]+", hostile)) <= known
    assert "^^" not in hostile
    assert hostile.count(r"\input") == harmless.count(r"\input") == 1  # in the remark at its head
    plain = re.sub(r"\\[{}]", "", hostile)
    assert plain.count("{") == plain.count("}")
    for command in (r"\begin{tikzpicture}", r"\end{tikzpicture}", r"\node[mgp leaf"):
        assert hostile.count(command) == harmless.count(command)


def test_nodes_are_named_and_styles_can_be_set_anew(tmp_path):
    _, _, e = product_of_a_sum()
    e.backward()
    text = draw(e).save(tmp_path / "e.tex").read_text(encoding="utf-8")
    assert re.findall(r"\\node\[mgp (?:leaf|gate), [^]]*\] \((\w+)\)", text) == list("abcde")
    for style in STYLES:
        assert f"\\pgfkeysifdefined{{/tikz/{style}/.@cmd}}{{}}" in text


def tikz_of(tmp_path, **options):
    _, _, e = product_of_a_sum()
    e.backward()
    return draw(e, **options).save(tmp_path / "e.tex").read_text(encoding="utf-8")


def test_tikz_has_the_colours_that_were_asked_for(tmp_path):
    text = tikz_of(tmp_path, color={"a": "Teal", "b": "#fdd", "c": "teal"})
    assert re.findall(r"definecolor\{(mgp fill \d)\}\{HTML\}\{(\w+)\}", text) == [
        ("mgp fill 1", "008080"),
        ("mgp fill 2", "FFDDDD"),
    ]
    fills = re.findall(r"\\node\[mgp \w+, fill=mgp fill (\d), [^]]*\] \((\w)\)", text)
    assert fills == [("1", "a"), ("2", "b"), ("1", "c")]
    assert "fill=mgp fill" not in tikz_of(tmp_path, color={"a": "nocolour"})


def test_tikz_is_dark_or_has_a_background_where_asked_and_else_that_of_its_document(tmp_path):
    plain, dark = tikz_of(tmp_path), tikz_of(tmp_path, theme="dark")
    assert "{mgp ink}{HTML}{1F2328}" in plain
    assert "{mgp ink}{HTML}{E6EDF3}" in dark
    painted = r"\fill[color=mgp paper]"
    assert painted not in plain
    assert painted not in tikz_of(tmp_path, theme="dark", background="transparent")
    assert painted in dark
    yellow = tikz_of(tmp_path, background="#fffbe6")
    assert painted in yellow
    assert "{mgp paper}{HTML}{FFFBE6}" in yellow
    assert re.search(r"mgp label/.style=\{fill=mgp paper", yellow)


def test_tikz_leaves_no_space_before_or_behind_the_picture(tmp_path):
    before, _, rest = tikz_of(tmp_path).partition("\\begin{tikzpicture}")
    begun = before[before.index(r"\def\mgppicture") :].split("\n")[:-1]
    assert all(line.endswith("%") for line in begun)
    assert "\\end{tikzpicture}%\n\\endgroup}" in rest


def test_the_names_of_colours_are_those_that_matplotlib_knows():
    css = {name: digits[1:].lower() for name, digits in CSS4_COLORS.items()}
    assert css == colors.NAMED


@pytest.mark.skipif(not shutil.which("pdflatex"), reason="LaTeX takes hundreds of megabytes")
@pytest.mark.slow
@pytest.mark.parametrize("frames", [False, True])
@pytest.mark.parametrize("label", ["a", *IN_TEX])
def test_it_compiles(label, frames, tmp_path):
    tex_of(tmp_path, label, frames)
    subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "x.tex"],
        cwd=tmp_path,
        check=True,
        stdout=subprocess.DEVNULL,
    )


def test_a_softmax_has_frames_too():
    out = ops.softmax([Value(1.0, "a"), Value(2.0, "b"), Value(0.5, "c")])[0]
    frames = draw(out).frames()
    out.backward()
    assert frames[-1].model.boxes[-1].derivative == 1.0
    assert len(frames) > 10


def recurrence(steps=100):
    w, h, x = Value(0.5, label="w"), Value(0.1, label="h"), Value(0.3, label="x")
    for _ in range(steps):
        h = ops.tanh(w * h + x)
    return h


def deep_network():
    inputs = [Value(1.0, label="p"), Value(-2.0, label="q")]
    return MLP(2, [4, 4, 1], activation="tanh", rng=random.Random(0))(inputs)


@pytest.mark.parametrize("mode", ["reverse", "forward"])
@pytest.mark.parametrize("options", [{}, {"close": "neuron"}, {"close": "layer"}, {"close": "all"}])
@pytest.mark.parametrize(
    ("make", "wrt"), [(recurrence, "w"), (deep_network, "p"), (lambda: product_of_a_sum()[2], "b")]
)
def test_whatever_is_closed_the_last_frame_has_the_derivatives(mode, options, make, wrt):
    """What a neuron, a layer or a stretch hides is carried along the wires that go into it."""
    root = make()
    order = nodes_below(root)
    found = adjoints(order, {root: 1.0})
    if mode == "forward":
        found = tangents(order, {next(v for v in order if v.label == wrt): 1.0})
        options = {**options, "mode": "forward", "wrt": wrt}
    texts = draw(root, **options).frames().after_backward.texts
    known = {v.label: found.get(v, 0.0) for v in order if v.label}
    boxes = [box for box in texts.model.boxes if box.kind == "leaf" and box.name in known]
    assert boxes
    for box in [*boxes, texts.model.boxes[-1]]:
        expected = known[box.name] if box in boxes else found.get(root, 0.0)
        assert texts._derivative(box) == pytest.approx(expected, rel=1e-12, abs=1e-300)
        assert box.derivative == pytest.approx(expected, rel=1e-12, abs=1e-300)


@pytest.mark.parametrize("mode", ["reverse", "forward"])
def test_of_a_graph_too_large_to_be_looked_at_whole_what_is_near_has_its_derivatives(mode):
    y, z = Value(2.0, label="y"), Value(0.5)
    for _ in range(HUGE + 1):
        z = z * 1.0
    e = (z * y) * y
    e.label = "e"
    e.backward()
    options = {"mode": "forward", "wrt": "y"} if mode == "forward" else {}
    texts = draw(e, **options).frames().after_backward.texts
    found = {box.name: texts._derivative(box) for box in texts.model.boxes if box.name}
    assert found == ({"y": 1.0, "e": 2.0} if mode == "forward" else {"y": y.grad, "e": 1.0})
    gates = [box for box in texts.model.boxes if box.kind == "gate"]
    assert all(texts._derivative(box) for box in gates) == (mode == "reverse")
    assert play(e).contents["views"][0]["program"] is None
