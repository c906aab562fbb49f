"""Pictures: what they show, that no label can break out of its text,
and that the same graph gives the same bytes.
"""

import base64
import io
import itertools
import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree as ET

import graphviz
import pygraphviz
import pytest
from hostile import HOSTILE
from overlaps import faults, picture, wires_and_numbers
from PIL import Image, ImageColor
from shapes import SHAPES

from micrograd_plus import (
    Value,
    detect_anomaly,
    draw,
    draw_dot,
    drawing,
    explain,
    no_grad,
    ops,
    trace,
)
from micrograd_plus.drawing import arrangement, layered, layout, levels, process, svg
from micrograd_plus.examples import all_examples
from micrograd_plus.nn import MLP, Neuron
from micrograd_plus.support.text import number

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(autouse=True)
def _patient(monkeypatch):
    """However busy the machine, no picture is cut for want of time."""
    monkeypatch.setattr(drawing.picture, "SECONDS", 120.0)


def lecture_graph():
    a, b = Value(2.0, label="a"), Value(1.0, label="b")
    c, d = a + b, b + 1
    e = c * d
    c.label, d.label, e.label = "c", "d", "e"
    return a, b, c, d, e


def texts(picture):
    return ["".join(t.itertext()) for t in ET.fromstring(picture.svg).iter(f"{SVG}text")]


def count(picture, tag):
    return len(list(ET.fromstring(picture.svg).iter(f"{SVG}{tag}")))


def outline(markup):
    """The elements and attributes of a piece of HTML, without texts and values,
    and without lengths of texts.
    """
    found = []

    class Outline(HTMLParser):
        def handle_starttag(self, tag, attrs):
            found.append(
                (tag, *sorted({name for name, _ in attrs} - {"textlength", "lengthadjust"}))
            )

    Outline().feed(markup)
    return found


def test_the_lecture_s_figure_before_backward_shows_values_and_no_false_zero():
    *_, e = lecture_graph()
    shown = texts(draw(e))
    assert {"a", "b", "c", "d", "e", "2", "1", "3", "6", "+", "+ 1", "×"} <= set(shown)
    assert [t for t in shown if t.startswith("∂")] == ["∂ ·"] * 5


def test_the_lecture_s_figure_after_backward_shows_every_gradient():
    *_, e = lecture_graph()
    e.backward()
    shown = texts(draw(e))
    found = ["∂ 1", "∂ 2", "∂ 2", "∂ 2 + 3 = 5", "∂ 3"]
    assert sorted(t for t in shown if t.startswith("∂")) == found
    hints = [t.text for t in ET.fromstring(draw(e).svg).iter(f"{SVG}title")]
    assert "[local 3] × [upstream 1] = 3" in hints
    assert "b = 1.0\n∂e/∂b = 5.0" in hints


def test_forward_mode_shows_the_derivatives_swept_from_a_leaf_and_needs_no_backward():
    _, b, *_, e = lecture_graph()
    for wrt in (b, "b"):
        assert sorted(t for t in texts(draw(e, mode="forward", wrt=wrt)) if t.startswith("∂")) == [
            "∂ 0",
            "∂ 0 + 1 = 1",
            "∂ 1",
            "∂ 1",
            "∂ 2 + 3 = 5",
        ]
    assert e.grad == b.grad == 0.0


def test_both_modes_have_the_same_layout():
    _, b, *_, e = lecture_graph()
    e.backward()
    places = [
        re.findall(r"translate\([^)]*\)", draw(e, mode=m, wrt=b).svg)[1:]
        for m in ("forward", "reverse")
    ]
    assert places[0] == places[1]


def test_the_layout_stays_while_values_change():
    a, *_, e = lecture_graph()
    before = re.findall(r"translate\([^)]*\)", draw(e).svg)[1:]
    a.data = -123456.789e-30
    e.forward().backward()
    assert re.findall(r"translate\([^)]*\)", draw(e).svg)[1:] == before


def test_a_times_a_has_two_edges():
    a = Value(3.0, label="a")
    y = a * a
    assert count(draw(y), "polygon") == 2
    assert str(draw_dot(y)).count("->") == 2
    assert trace(y) == ([a, y], [(a, y), (a, y)])


@pytest.mark.parametrize("rankdir", ["LR", "RL", "TB", "BT"])
def test_where_two_wires_cross_both_numbers_can_be_read(rankdir):
    a, b = Value(-2.0, label="a"), Value(3.0, label="b")
    f = (a * b) * (a + b)
    f.backward()
    drawn = draw(f, rankdir=rankdir)
    assert faults(drawn.svg) == ([], [])
    assert wires_and_numbers(drawn) == (6, 6)


@pytest.mark.parametrize("first", range(0, 200, 40))
def test_no_two_texts_overlap_and_none_leaves_its_box(first):
    """The first of those that `python tests/helpers/overlaps.py 2000` draws."""
    for seed in range(first, first + 40):
        drawn = picture(seed)
        assert faults(drawn.svg) == ([], []), seed
        wires, numbers = wires_and_numbers(drawn)
        assert wires == numbers, seed


@pytest.mark.slow
def test_no_two_texts_overlap_in_any_of_two_thousand_pictures():
    for seed in range(2_000):
        assert faults(picture(seed).svg) == ([], []), seed


@pytest.mark.parametrize("make", all_examples().values(), ids=all_examples())
@pytest.mark.parametrize("rankdir", ["LR", "TB"])
def test_no_two_texts_overlap_in_the_examples_of_lectures(make, rankdir):
    *_, out = make().values()
    for _ in range(2):
        for options in ({}, {"constants": "show"}, {"mode": "forward", "wrt": out}):
            assert faults(draw(out, rankdir=rankdir, **options).svg) == ([], [])
        out.backward()


def test_numbers_in_the_middle_of_their_wires_would_overlap(monkeypatch):
    def middles(curves, sizes, boxes, frame):
        return [
            size and ((c[0][0] + c[-1][0]) / 2, (c[0][1] + c[-1][1]) / 2)
            for c, size in zip(curves, sizes)
        ]

    monkeypatch.setattr(arrangement, "place_labels", middles)
    assert sum(bool(faults(picture(seed).svg)[0]) for seed in range(40)) > 10


def test_numbers_that_find_no_place_however_wide_the_picture_are_left_to_the_hints(monkeypatch):
    monkeypatch.setattr(arrangement, "label_size", lambda *_: (20.0, 2000.0))
    x = Value(2.0)
    y = ops.tanh(x)
    drawn = draw(y * x)
    assert wires_and_numbers(drawn) == (3, 0)
    assert not any("on the wires" in text for text in texts(drawn))
    assert "local gradient 2.0" in [t.text for t in ET.fromstring(drawn.svg).iter(f"{SVG}title")]


@pytest.mark.parametrize("rankdir", ["LR", "TB"])
@pytest.mark.parametrize("label", ["x", "W" * 40, "日本語" * 9])
def test_a_caption_stays_in_the_frame(label, rankdir):
    x = Value(1.0, label=label)
    f = x * 2
    for state in (lambda: None, f.backward, lambda: setattr(x, "data", 3.0)):
        state()
        for out in (x, x * 3, f):
            out.label = label
            for options in ({}, {"mode": "forward", "wrt": out}):
                assert faults(draw(out, rankdir=rankdir, **options).svg) == ([], [])


def test_a_picture_of_three_columns_keeps_its_size_when_backward_runs():
    *_, e = lecture_graph()
    before = ET.fromstring(draw(e).svg).get("viewBox")
    e.backward()
    assert ET.fromstring(draw(e).svg).get("viewBox") == before


def test_one_box_is_no_boxes():
    assert repr(draw(Value(1.0))) == "<Picture of leaf: 1 box>"
    assert repr(draw(-Value(1.0))).endswith(": 2 boxes>")


def test_constants_are_folded_into_their_gate_or_shown():
    x = Value(2.0)
    y = 1 / ops.exp(-(x * 3 - 1)) ** 2
    assert {"× 3", "− 1", "× −1", "exp", "** 2", "1 / x"} <= set(texts(draw(y)))
    shown = draw(y, constants="show")
    assert [box.value for box in shown.model.boxes if box.kind == "constant"] == [
        3.0,
        1.0,
        2.0,
        1.0,
    ]


def test_an_operand_that_gets_no_gradient_has_a_dashed_wire():
    x, y = Value(1.0), Value(2.0)
    assert draw(ops.maximum(x, y)).svg.count("stroke-dasharray") == 1


def test_small_pictures_open_a_neuron_s_dot_and_large_ones_close_neurons_then_layers():
    small = draw(Neuron(2)([Value(1.0), Value(2.0)]))
    assert texts(small).count("×") == 2
    out = MLP(2, [16, 16, 1])([Value(1.0), Value(2.0)])
    assert [b.kind for b in draw(out).model.boxes].count("neuron") == 33
    layers = draw(out, collapse="layer")
    assert [b.kind for b in layers.model.boxes] == ["leaf", "leaf", "layer", "layer", "neuron"]
    # inputs, parameters, × and +, ReLUs
    assert len(draw(out, collapse="none").model.boxes) == 2 + 337 + 304 * 2 + 32


@pytest.mark.parametrize(
    "inputs", [[0.5], [0.5, -2.0], [Value(1.0), 0.5, 0.5], [2.0, Value(1.0), Value(3.0)]]
)
@pytest.mark.parametrize("activation", ["relu", "tanh", "linear"])
def test_a_layer_closes_whatever_its_inputs_are(inputs, activation):
    out = MLP(len(inputs), [5, 4, 1], activation=activation)(inputs)
    folded = draw(out, collapse="layer").model.boxes
    assert [b.kind for b in folded] == ["leaf"] * len(inputs) + ["layer", "layer", "neuron"]
    plain = [b for b in folded if b.role == "input" and b.note]
    assert [b.value for b in plain] == [x for x in inputs if not isinstance(x, Value)]
    shown = draw(out, collapse="layer", constants="show").model.boxes
    numbers = [b.value for b in shown if b.kind == "constant"]
    assert numbers == [x for x in inputs if not isinstance(x, Value)]
    assert len(shown) == len(inputs) + 3


def test_neurons_that_see_different_numbers_are_no_layer():
    out = Neuron(2)([0.5, 1.0]) + Neuron(2)([0.25, 1.0])
    boxes = draw(out, collapse="layer").model.boxes
    assert [b.kind for b in boxes if b.kind != "leaf"] == ["neuron", "neuron", "gate"]
    assert [(b.name, b.value) for b in boxes if b.kind == "leaf"] == [
        ("x₁", 0.5),
        ("x₂", 1.0),
        ("x₁", 0.25),
        ("x₂", 1.0),
    ]


def test_opened_gates_carry_the_gradients_that_the_products_and_sums_would_have():
    w, x = [Value(0.5), Value(-2.0)], [Value(3.0), Value(4.0)]
    for mode in ("reverse", "forward"):
        by_dot = ops.dot(w, x, Value(1.0)) * 2.0
        by_hand = (Value(1.0) + w[0] * x[0] + w[1] * x[1]) * 2.0
        for y in (by_dot, by_hand):
            y.backward()
        boxes = [
            [
                (b.value, b.derivative)
                for b in draw(y, mode=mode, wrt=w[1]).model.boxes
                if b.kind == "gate"
            ]
            for y in (by_dot, by_hand)
        ]
        assert boxes[0] == boxes[1]


def test_a_graph_too_large_for_any_picture_shows_what_is_near_its_output():
    x = Value(0.5)
    for _ in range(30_000):
        x = x * 1.5
    picture = draw(x)
    assert 0 < len(picture.model.boxes) < 1000
    assert picture.model.boxes[0].kind == "cut"


def test_an_edited_leaf_is_told_in_the_picture():
    a, *_, e = lecture_graph()
    a.data = 7.0
    stale = draw(e)
    assert any("call .forward()" in t for t in texts(stale))
    assert [t for t in texts(stale) if t.endswith("?")] == ["3 ?", "6 ?"]
    assert not any(t.endswith("?") for t in texts(draw(e.forward())))


def test_names_come_from_a_mapping_where_there_is_no_label():
    a = Value(1.0, label="kept")
    unnamed = a * 2
    assert {"kept", "unnamed"} <= set(texts(draw(unnamed, names=locals())))


def test_values_of_any_size_fit_their_box():
    for x in (-1.2345678e-300, -123456789.0, 0.1 + 0.2, float("inf"), float("nan"), -0.0, 5e-324):
        shown = texts(draw(Value(x)))[1]  # below the name
        assert len(shown) <= 10
        assert float(shown.replace("−", "-")) == pytest.approx(x, rel=1e-2, nan_ok=True)


def test_a_zero_is_printed_without_a_sign_wherever_a_number_is_read():
    a, b = Value(-0.0, label="a"), Value(2.0, label="b")
    y = a * -1 * b + -0.0
    y.backward(-0.0)
    told = [
        draw(y, constants="show").svg,
        draw(y, mode="forward", wrt=a).svg,
        draw_dot(y).source,
        str(explain(y, b)),
    ]
    assert all("∂ 0" in text or "∂b = " in text for text in told)
    assert not re.search(r"[-−]0(?![.\d])", "".join(told))
    assert number(-1e-320) == "−9.99989e−321"
    assert not any(re.fullmatch("[-−]0", number(-5e-324, digits, 4)) for digits in range(1, 18))


def bundle_of(shown):
    """What a notebook gets, without what is said about it."""
    data, _ = shown._repr_mimebundle_()
    return data


IN_A_PAGE = [("style",), ("div", "style"), ("img", "alt", "class", "src", "style")]


@pytest.mark.parametrize("label", HOSTILE, ids=lambda label: ascii(label[:20]))
def test_no_label_creates_an_element_or_attribute(label, tmp_path):
    def graph(name):
        # long enough for any caption
        y = (Value(2.0, label=name) * Value(3.0, label="b")).tanh().tanh()
        y.label = name
        y.backward()
        return y

    def shape(svg):
        return [
            (e.tag, *sorted(set(e.attrib) - {"class", "textLength", "lengthAdjust"}))
            for e in ET.fromstring(svg).iter()
        ]

    harmless, hostile = draw(graph("a")), draw(graph(label))
    assert shape(hostile.svg) == shape(harmless.svg)
    page = hostile.save(tmp_path / "x.html").read_text(encoding="utf-8")
    assert outline(page) == outline(harmless.save(tmp_path / "y.html").read_text(encoding="utf-8"))
    shown = bundle_of(hostile)
    assert outline(shown["text/html"]) == IN_A_PAGE
    assert "image/png" in shown
    for source in (
        hostile.save(tmp_path / "x.dot").read_text(encoding="utf-8"),
        draw_dot(graph(label)).source,
    ):
        parsed = pygraphviz.AGraph(string=source)
        assert [sorted(n.attr) for n in parsed.nodes()] == [["fillcolor", "label"]] * 5
        assert len(parsed.edges()) == 4
        assert not any(
            n.attr["label"].startswith("<") and n.attr["label"].endswith(">")
            for n in parsed.nodes()
        )


def test_there_are_as_many_hostile_labels_as_promised():
    assert len(set(HOSTILE)) >= 49


def test_light_colours_stand_in_attributes_and_dark_ones_in_a_media_query():
    *_, e = lecture_graph()
    for theme in ("light", "auto"):
        svg = draw(e, theme=theme).svg
        assert 'fill="#0f7b3a"' in svg
        style = ET.fromstring(svg).find(f"{SVG}style")
        assert (style is not None) == (theme == "auto")
    assert "prefers-color-scheme: dark" in style.text


def test_bytes_do_not_depend_on_the_run():
    program = (
        "import random; from micrograd_plus import *; from micrograd_plus.nn import MLP; "
        "random.seed(1);"
        "y = MLP(3, [4, 4, 1])([Value(1.0), Value(2.0), 0.5]); y.backward();"
        "print(draw(y).svg, draw(y, collapse='layer').svg, draw_dot(y))"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", program],
            check=True,
            capture_output=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(outputs) == 1
    assert len(outputs.pop()) > 10_000


@pytest.mark.parametrize(
    ("suffix", "start"),
    [
        ("svg", b"<svg"),
        ("png", b"\x89PNG"),
        ("pdf", b"%PDF"),
        ("dot", b"digraph"),
        ("html", b"<!DOCTYPE html>"),
    ],
)
def test_a_picture_is_saved_in_the_form_its_name_ends_in(suffix, start, tmp_path):
    *_, e = lecture_graph()
    target = draw(e).save(tmp_path / f"e.{suffix}")
    assert target.read_bytes().startswith(start)
    assert list(tmp_path.iterdir()) == [target]


def test_bad_options_are_refused_by_name_and_nothing_is_written(tmp_path):
    *_, e = lecture_graph()
    for options in (
        {"mode": "sideways"},
        {"constants": "x"},
        {"collapse": "x"},
        {"rankdir": "XX"},
        {"mode": "forward"},
        {"mode": "forward", "wrt": "nobody"},
        {"mode": "forward", "wrt": Value(1.0)},
    ):
        with pytest.raises(ValueError, match="|".join(options)):
            draw(e, **options)
    with pytest.raises(ValueError, match=r"\.svg, \.html"):
        draw(e).save(tmp_path / "e.jpeg")
    with pytest.raises(TypeError, match="only a Value"):
        draw([e])
    with pytest.raises(FileNotFoundError):
        draw(e).save(tmp_path / "nowhere" / "e.svg")
    assert not list(tmp_path.iterdir())


def without_graphviz(monkeypatch):
    """From here on neither the wheel nor the program is there."""
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    monkeypatch.setattr(process.shutil, "which", lambda _: None)
    monkeypatch.setattr(drawing.picture, "_said", set())


@pytest.fixture
def no_graphviz(monkeypatch):
    without_graphviz(monkeypatch)


def test_without_graphviz_a_value_shows_its_picture_all_the_same(no_graphviz, tmp_path):
    *_, e = lecture_graph()
    bundle = bundle_of(e)
    assert bundle["text/plain"] == repr(e)
    assert outline(bundle["text/html"]) == IN_A_PAGE
    assert draw(e).save(tmp_path / "e.svg").read_text(encoding="utf-8") == draw(e).svg
    assert draw(e).save(tmp_path / "e.html").read_bytes().startswith(b"<!DOCTYPE html>")
    assert draw_dot(e).source.count("->") == 6


@pytest.mark.parametrize("rankdir", ["LR", "RL", "TB", "BT"])
@pytest.mark.parametrize("make", all_examples().values(), ids=lambda make: make.__name__)
def test_without_graphviz_every_example_says_what_it_says_with_it(make, rankdir, monkeypatch):
    *_, out = make().values()
    out.backward()
    laid_out = draw(out, rankdir=rankdir, collapse="none")
    without_graphviz(monkeypatch)
    own = draw(out, rankdir=rankdir, collapse="none")
    assert own.svg != laid_out.svg
    assert sorted(texts(own)) == sorted(texts(laid_out))
    assert faults(own.svg) == ([], [])


@pytest.mark.parametrize("first", range(0, 150, 30))
def test_without_graphviz_no_two_texts_overlap_either(first, no_graphviz):
    for seed in range(first, first + 30):
        drawn = picture(seed)
        assert faults(drawn.svg) == ([], []), f"picture({seed})"
        wires, numbers = wires_and_numbers(drawn)
        assert numbers >= 0.97 * wires, f"picture({seed})"


@pytest.mark.parametrize("shape", SHAPES)
def test_without_graphviz_a_graph_of_any_size_has_its_picture(shape, no_graphviz):
    for gates in (12, 60, 150, 2_500):
        out = SHAPES[shape](gates)
        for options in ({}, {"collapse": "none", "constants": "show", "rankdir": "TB"}):
            drawn = draw(out, open=("stretch", "neuron"), **options)
            assert drawn.model.boxes[-1].value == out.data
            assert len(drawn.model.boxes) >= 5
            assert levels.work_of(drawn.model) <= layered.LARGEST


def test_where_graphviz_takes_too_long_the_layout_is_our_own(monkeypatch):
    def asleep(*_):
        raise TimeoutError

    out = SHAPES["recurrent"](60)
    whole = levels.work_of(draw(out).model)
    assert layout.QUICK < whole <= layered.LARGEST
    monkeypatch.setattr(drawing.layout, "run_apart", asleep)
    assert levels.work_of(draw(out).model) == whole


def test_png_and_pdf_say_what_they_need(no_graphviz, monkeypatch, tmp_path):
    *_, e = lecture_graph()
    monkeypatch.setitem(sys.modules, "vl_convert", None)
    for suffix in ("png", "pdf"):
        with pytest.raises(ImportError, match=r'pip install "micrograd-plus\[draw\]"'):
            draw(e).save(tmp_path / f"e.{suffix}")
    assert not list(tmp_path.iterdir())


def test_where_graphviz_is_broken_a_value_shows_its_repr_and_says_why_once(
    no_graphviz, monkeypatch
):
    monkeypatch.setattr(
        drawing.layout,
        "run_apart",
        lambda *_: (_ for _ in ()).throw(RuntimeError("no such plugin")),
    )
    v = Value(2.0)
    assert bundle_of(v) == {"text/plain": f"{v!r}\n(no such plugin)"}
    assert bundle_of(v) == {"text/plain": repr(v)}


def test_in_a_terminal_no_picture_is_drawn_that_nobody_would_see(monkeypatch):
    shell = SimpleNamespace(display_formatter=SimpleNamespace(active_types=["text/plain"]))
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    v = Value(2.0)
    assert bundle_of(v) == {"text/plain": repr(v)}
    shell.display_formatter.active_types = ["text/plain", "text/html"]
    assert "text/html" in bundle_of(v)


def test_in_a_notebook_a_value_is_an_image_next_to_its_repr():
    *_, e = lecture_graph()
    bundle = bundle_of(e)
    assert bundle["text/plain"] == repr(e)
    assert outline(bundle["text/html"]) == IN_A_PAGE


def stored_png(shown):
    data, about = shown._repr_mimebundle_()
    content = base64.b64decode(data["image/png"])
    return content, Image.open(io.BytesIO(content)), about["image/png"]


@pytest.mark.parametrize("make", all_examples().values(), ids=lambda make: make.__name__)
def test_for_paper_a_notebook_gets_a_small_png_of_the_same_shape(make):
    *_, out = make().values()
    out.backward()
    for shown in (out, draw(out, rankdir="TB"), draw(out, width=300), draw(out, font_size=30)):
        content, png, size = stored_png(shown)
        drawn = draw(out) if shown is out else shown
        root = ET.fromstring(drawn.svg)
        width, height = float(root.get("width")), float(root.get("height"))
        # vl_convert rounds down the size of the picture, and then that of the PNG
        assert (size["width"], size["height"]) == pytest.approx((width, height), abs=0.51)
        scale = png.info["dpi"][0] / 96
        assert png.size == pytest.approx((scale * width, scale * height), abs=2, rel=1e-4)
        assert png.size[0] * png.size[1] <= 2_005_000
        # print needs no more than 200 pixels to the inch of a page
        assert scale <= 1.01 or png.size[0] <= 1201
        assert len(content) < 120_000
        png.verify()


def test_the_png_keeps_the_colours_of_the_picture():
    *_, e = lecture_graph()
    e.backward()
    for theme, paper in (("light", "#ffffff"), ("auto", "#ffffff"), ("dark", "#131313")):
        _, png, _ = stored_png(draw(e, theme=theme))
        colors = sorted(png.convert("RGB").getcolors(), reverse=True)
        assert len(colors) <= 64
        assert ImageColor.getrgb(paper) == colors[0][1]
        seen = {color for _, color in colors}
        for line in ("value", "slope", "chip", "card"):
            assert ImageColor.getrgb((svg.DARK if theme == "dark" else svg.LIGHT)[line]) in seen
    _, png, _ = stored_png(draw(e, background="transparent"))
    assert png.convert("RGB").getpixel((0, 0)) == (255, 255, 255)


def test_a_picture_that_no_page_could_hold_has_no_png():
    out = SHAPES["chain"](100)
    for shown in (draw(out, collapse="none"), draw(out, collapse="none", theme="dark")):
        assert len(shown.svg) > 100_000
        assert bundle_of(shown).keys() == {"text/plain", "text/html"}


def test_what_is_not_asked_for_is_not_drawn(monkeypatch):
    *_, e = lecture_graph()
    monkeypatch.setattr(drawing.raster, "printed", None)
    for asked in ({"exclude": {"image/png"}}, {"include": ["text/html"]}):
        for shown in (e, draw(e)):
            data, about = shown._repr_mimebundle_(**asked)
            assert "text/html" in data
            assert not about
    assert e._mime_()[0] == draw(e)._mime_()[0] == "text/html"


@pytest.mark.parametrize("missing", ["vl_convert", "PIL"])
def test_without_a_library_for_png_a_notebook_gets_what_it_can_show(missing, monkeypatch):
    """No SVG in its place: where there is no Inkscape, nbconvert ends over it in an error."""
    *_, e = lecture_graph()
    monkeypatch.setitem(sys.modules, missing, None)
    for shown in (e, draw(e)):
        data, about = shown._repr_mimebundle_()
        assert data.keys() == {"text/plain", "text/html"}
        assert not about


def test_inline_the_graph_is_read_out_and_every_box_and_wire_has_a_tooltip():
    *_, e = lecture_graph()
    e.backward()
    root = ET.fromstring(draw(e).svg)
    assert root.get("role") == "img"
    assert "e = × of" in root.get("aria-label")
    assert "∂e/∂" in root.get("aria-label")
    told = [title.text for title in root.iter(f"{SVG}title")]
    model = draw(e).model
    hints = [model.hint(box) for box in model.boxes]
    hints += [model.wire_hint(wire, box) for box in model.boxes for wire in box.wires]
    assert set(hints) <= set(told)


def test_in_a_list_marimo_shows_pictures_of_graphs_and_the_text_of_leaves():
    """It joins the kind and the content of each element with a colon."""
    a, *_, e = lecture_graph()
    assert ":".join(a._mime_()) == f"text/plain:{a!r}"
    for shown in (e, draw(e)):
        assert ":".join(shown._mime_()) == "text/html:" + bundle_of(draw(e))["text/html"]
    assert ":".join(draw_dot(e)._mime_()).startswith("image/svg+xml:<?xml")
    assert ":".join(explain(e, a)._mime_()).startswith('text/html:<div class="explanation">')


def test_in_a_list_without_graphviz_marimo_shows_pictures_too(no_graphviz, no_program):
    *_, e = lecture_graph()
    assert [v._mime_() for v in (e, e)] == 2 * [draw(e)._mime_()]
    assert draw(e)._mime_()[0] == "text/html"
    assert draw_dot(e)._mime_() == ("text/plain", process.HELP)


def test_a_list_of_many_values_is_not_drawn_to_its_end(monkeypatch):
    *_, e = lecture_graph()
    ticks = itertools.count(100.0, 0.04)
    monkeypatch.setattr(drawing.picture, "SECONDS", 2.0)
    # half a second a picture, or so
    monkeypatch.setattr(drawing.picture, "monotonic", lambda: next(ticks))
    monkeypatch.setattr(drawing.picture, "_spell", drawing.picture._Spell())
    kinds = [e._mime_()[0] for _ in range(100)]
    assert kinds == sorted(kinds)
    assert 10 < kinds.count("text/html") < 40
    next(itertools.islice(ticks, 10, None))
    assert e._mime_()[0] == "text/html"


def test_whatever_shows_in_jupyter_shows_in_marimo_s_lists():
    sources = [
        path.read_text(encoding="utf-8")
        for path in Path(drawing.__file__).parent.parent.rglob("*.py")
    ]
    assert sum(source.count("def _repr_mimebundle_(") for source in sources) > 3
    assert all(
        source.count("def _repr_mimebundle_(") == source.count("def _mime_(") for source in sources
    )


def test_a_digraph_names_values_gradients_and_gates():
    *_, e = lecture_graph()
    e.backward()
    source = draw_dot(e, rankdir="TB").source
    assert "rankdir=TB" in source
    assert r'label="a\n2\n∂ 2"' in source
    assert r'label="c\n+\n3\n∂ 2"' in source
    assert r'label="tanh\n0.999988\n∂ ·"' in draw_dot(e.tanh()).source


@pytest.fixture
def no_program(monkeypatch, tmp_path):
    """No program is found, so `dot` is not, and files are written to a folder of their own."""
    monkeypatch.setenv("PATH", str(tmp_path / "nowhere"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_without_a_dot_program_the_wheel_draws_a_digraph(no_program):
    *_, e = lecture_graph()
    dot = draw_dot(e)
    assert isinstance(dot, graphviz.Digraph)
    assert dot.pipe().startswith(b"<?xml")
    assert dot.pipe(encoding="utf-8").count('class="edge"') == 6
    assert dot.pipe("png").startswith(b"\x89PNG")
    assert dot.copy().pipe(format="dot", engine="neato").startswith(b"digraph")
    assert dot._repr_mimebundle_()["image/svg+xml"] == dot.pipe(encoding="utf-8")
    assert dot.render("e") == "e.svg"
    assert dot.render(outfile="f.pdf", cleanup=True) == "f.pdf"
    assert sorted(path.name for path in no_program.iterdir()) == ["e", "e.svg", "f.pdf"]
    assert (no_program / "f.pdf").read_bytes().startswith(b"%PDF")
    assert draw(e).svg  # which needs no program either


def test_without_any_graphviz_a_digraph_says_in_a_sentence_what_to_install(no_program, monkeypatch):
    *_, e = lecture_graph()
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    dot = draw_dot(e)
    assert dot._repr_mimebundle_() == {"text/plain": process.HELP}
    for render in (dot.pipe, dot.render, lambda: dot.pipe(encoding="utf-8")):
        with pytest.raises(ImportError, match=r"micrograd-plus\[draw\].*apt install graphviz"):
            render()


@pytest.mark.skipif(not (shutil.which("dot") or os.environ.get("CI")), reason="no dot program here")
def test_with_a_dot_program_it_draws_a_digraph(monkeypatch):
    *_, e = lecture_graph()
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    assert draw_dot(e).pipe(encoding="utf-8").count('class="edge"') == 6


@pytest.mark.parametrize("shape", SHAPES)
def test_a_digraph_is_cut_and_limited_before_it_could_freeze(shape):
    for gates in (10, 3_000):
        source = draw_dot(SHAPES[shape](gates)).source
        edges = re.findall(r"n(\d+) -> n(\d+)", source)
        operands = [[] for _ in re.findall(r"^\tn\d+ \[", source, re.MULTILINE)]
        for operand, user in edges:
            operands[int(user)].append(int(operand))
        assert len(operands) > 3
        assert layout.effort(operands) <= levels.WORK / 2
        assert (
            ("nslimit=" in source) == ("splines=line" in source) == (layout.effort(operands) > 200)
        )


def test_gradients_of_an_outdated_point_are_marked():
    a, *_, e = lecture_graph()
    e.backward()
    a.data = 7.0
    assert [t for t in texts(draw(e)) if t.startswith("∂")] == [
        "∂ 2 ?",
        "∂ 5 ?",
        "∂ 2 ?",
        "∂ 3 ?",
        "∂ 1 ?",
    ]


@pytest.mark.skipif(not (shutil.which("dot") or os.environ.get("CI")), reason="no dot program here")
def test_an_installed_dot_program_serves_as_well(monkeypatch):
    *_, e = lecture_graph()
    bundled = texts(draw(e))
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    assert sorted(texts(draw(e))) == sorted(bundled)


def test_gradients_of_another_output_or_of_several_passes_are_not_called_this_outputs():
    a, b, *_, e = lecture_graph()
    (3 * e).backward()
    assert any("gathered" in t for t in texts(draw(e)))
    assert "b = 1.0\ngradient = 15.0" in [
        t.text for t in ET.fromstring(draw(e).svg).iter(f"{SVG}title")
    ]
    a.grad = b.grad = None
    e.backward()
    assert not any("gathered" in t for t in texts(draw(e)))
    e.backward()
    assert any("gathered" in t for t in texts(draw(e)))


def shared_weight():
    x, y = Value(1.0), Value(2.0)
    return ops.dot([x, y], [x, y])


def computed_weight():
    return ops.dot([Value(2.0) * Value(3.0)], [Value(4.0)], Value(1.0))


@pytest.mark.parametrize(
    "make",
    [
        shared_weight,
        computed_weight,
        lambda: ops.dot([2.0], [3.0], Value(1.0)),
        lambda: ops.dot([], [], Value(1.0)),
        lambda: MLP(2, [2, 1])([0.5, 0.25]),
        lambda: MLP(2, [1, 1])([1.0, 2.0]),
        lambda: Value(3.0),
        lambda: ops.sum([]) + Value(1.0),
        lambda: ops.maximum(Value(1.0), 2.0, 3.0, Value(4.0)),
    ],
)
def test_every_option_draws_every_graph_with_each_wire_between_boxes_that_are_there(make):
    out = make()
    out.backward()
    for collapse in ("auto", "none", "neuron", "layer"):
        for constants in ("fold", "show"):
            for mode in ("reverse", "forward"):
                model = draw(out, mode=mode, wrt=out, constants=constants, collapse=collapse).model
                wired = {wire.source for box in model.boxes for wire in box.wires}
                assert wired <= set(model.boxes)
                assert all(box in wired or box.kind != "constant" for box in model.boxes)
    assert draw_dot(out).source.startswith("digraph")


def test_drawing_does_not_depend_on_the_mode_its_caller_is_in():
    out = ops.dot([Value(1.0)], [Value(0.0)], Value(2.0)) / Value(0.0)
    plain = draw(out).svg
    for mode in (no_grad, detect_anomaly):
        with mode():
            assert draw(out).svg == plain
