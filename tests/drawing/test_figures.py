"""What a picture says and how it looks: options, levels, and who is who."""

import math
import re
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest
from figures import tangled

from micrograd_plus import Value, draw, explain, ops
from micrograd_plus.drawing import Style, style
from micrograd_plus.drawing.arrangement import label_size
from micrograd_plus.drawing.described import described
from micrograd_plus.drawing.labels import lying_on_others
from micrograd_plus.drawing.model import Box
from micrograd_plus.drawing.style import PARTS
from micrograd_plus.examples import sigmoid_circuit
from micrograd_plus.nn import MLP, Layer, Neuron
from micrograd_plus.support.text import rounded

SVG = "{http://www.w3.org/2000/svg}"


def product_of_a_sum():
    a, b = Value(2.0, "a"), Value(1.0, "b")
    e = (a + b) * (b + 1)
    e.label = "e"
    e.backward()
    return a, b, e


def words(drawn):
    return ["".join(text.itertext()) for text in ET.fromstring(drawn.svg).iter(f"{SVG}text")]


def symbols(drawn):
    return [box.symbol for box in drawn.model.boxes if box.symbol]


# What it says. ------------------------------------------------------------------------------------
def test_a_wire_shows_what_it_carries_and_a_node_with_two_users_the_sum():
    _, _, e = product_of_a_sum()
    assert {"1 · 2 = 2", "1 · 3 = 3", "2 · 1 = 2", "3 · 1 = 3", "∂ 2 + 3 = 5"} <= set(
        words(draw(e))
    )


def test_swept_forward_a_wire_carries_local_times_tangent_and_a_gate_adds_up():
    _, b, e = product_of_a_sum()
    shown = set(words(draw(e, mode="forward", wrt=b)))
    assert {"2 · 1 = 2", "3 · 1 = 3", "∂ 2 + 3 = 5"} <= shown


def test_before_backward_a_wire_shows_its_local_gradient_alone():
    a = Value(3.0, "a")
    assert "6" not in words(draw(a * a))
    assert words(draw(a * a)).count("3") == 3


@pytest.mark.parametrize("part", PARTS)
def test_each_part_can_be_shown_alone(part):
    _, _, e = product_of_a_sum()
    numbers = {
        "values": {"6"},
        "gradients": {"∂ 5"},
        "locals": {"3"},
        "contributions": {"3"},
        "caption": {"green: value   red: ∂ = ∂e/∂·"},
    }
    shown = words(draw(e, show=[part]))
    assert numbers[part] <= set(shown)
    assert ("∂ 5" in shown) == (part == "gradients")


def test_one_number_is_written_one_way_in_one_picture():
    *_, f = sigmoid_circuit().values()
    f.backward()
    shown = " ".join(words(draw(f)))
    assert "0.36788" in shown
    assert not re.search(r"0\.3678(?!8)|0\.367879", shown)
    shown = " ".join(words(draw(f, digits=2)))
    assert {"0.37", "1.37", "0.73", "−0.53", "−0.2", "0.39"} <= set(re.findall(r"−?[\d.]+", shown))
    x = Value(2 / 3, "x")
    for digits, text in ((2, "0.67"), (None, "0.66667")):
        shown = words(draw(ops.maximum(x * (2 / 3), 2 / 3, x), digits=digits))
        assert {text, f"× {text}", f"max {text}"} <= set(shown)


@pytest.mark.parametrize(
    ("x", "digits", "text"),
    [
        (0.7310585786300049, 2, "0.73"),
        (-0.19661193324148185, 2, "−0.2"),
        (1.3678794411714423, 2, "1.37"),
        (0.0363, 2, "0.036"),
        (12.345, 0, "12"),
        (-0.0, 3, "0"),
        (1e-7, 2, "1e−7"),
        (123456.789, 1, "123456.8"),
        (1e9, 2, "1e9"),
        (math.inf, 2, "inf"),
        (math.nan, 2, "nan"),
    ],
)
def test_digits_are_those_after_the_point_unless_the_number_is_small(x, digits, text):
    assert rounded(x, digits) == text


def test_in_a_small_picture_each_number_lies_on_no_wire_but_its_own():
    a, b = Value(2.0, "a"), Value(-3.0, "b")
    y = (a * b) * (a + b)
    y.backward()
    drawn = draw(y)
    places, sizes = drawn.places, [label_size(drawn.texts, *wire) for wire in drawn.places.wires]
    assert None not in places.labels
    assert lying_on_others(places.layout.curves, sizes, places.labels) == 0
    middle = [(x + 40.0, y) for (x, y), *_ in places.layout.curves]
    assert lying_on_others(places.layout.curves, [(80.0, 80.0)] * 6, middle) > 0


def test_where_many_wires_have_no_room_a_picture_says_less_rather_than_grow():
    out = tangled(10)
    few, all_told = draw(out), draw(out, show=PARTS)
    assert not few.texts.shows("contributions")
    widths = [float(ET.fromstring(drawn.svg).get("width")) for drawn in (few, all_told)]
    assert 2 * widths[0] < widths[1]


# How it looks. ------------------------------------------------------------------------------------
def test_the_sigmoid_circuit_fits_a_slide_with_numbers_of_seven_points():
    *_, f = sigmoid_circuit().values()
    f.backward()
    svg = ET.fromstring(draw(f, digits=2, compact=True).svg)
    assert 13.0 * 398 / float(svg.get("width")) >= 7.0


def test_width_and_font_size_scale_the_whole_picture():
    _, _, e = product_of_a_sum()
    plain, wide, large = (
        ET.fromstring(draw(e, **options).svg)
        for options in ({}, {"width": 200.0}, {"font_size": 26.0})
    )
    assert plain.get("viewBox") == wide.get("viewBox") == large.get("viewBox")
    assert float(wide.get("width")) == 200.0
    assert float(large.get("width")) == 2 * float(plain.get("width"))


@pytest.mark.parametrize(
    ("theme", "paper"), [(None, "#ffffff"), ("light", "#ffffff"), ("dark", "#131313")]
)
def test_a_saved_picture_is_light_unless_asked(theme, paper, tmp_path):
    _, _, e = product_of_a_sum()
    svg = draw(e, theme=theme).save(tmp_path / "e.svg").read_text(encoding="utf-8")
    assert "prefers-color-scheme" not in svg
    assert ET.fromstring(svg).find(f"{SVG}rect").get("fill") == paper


def test_a_transparent_picture_has_no_paper_and_another_has_its_own():
    _, _, e = product_of_a_sum()
    assert ET.fromstring(draw(e, background="transparent").svg).find(f"{SVG}rect") is None
    paper = ET.fromstring(draw(e, background="#fffbe6").svg).find(f"{SVG}rect")
    assert paper.get("fill") == "#fffbe6"


def test_boxes_are_coloured_by_value_label_or_attribute():
    a, b, e = product_of_a_sum()
    drawn = draw(e, color={a: "#ffd7d7", "b": "teal"})
    assert {box.name: box.fill for box in drawn.model.boxes if box.fill} == {
        "a": "#ffd7d7",
        "b": "teal",
    }
    a.kind, b.kind = "input", "parameter"
    fills = {box.name: box.fill for box in draw(e, color="kind").model.boxes}
    assert fills["a"]
    assert fills["a"] != fills["b"]
    assert not fills["e"]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"digits": 2.5}, ValueError, "digits must be a whole number"),
        ({"digits": 40}, ValueError, "digits must be a whole number"),
        ({"theme": "sepia"}, ValueError, "theme must be one of light, dark, auto"),
        ({"show": ["value"]}, ValueError, "show takes some of values, gradients"),
        ({"font_size": 0}, ValueError, "font_size must be a positive number"),
        ({"width": math.inf}, ValueError, "width must be a positive number"),
        ({"background": "red;}"}, ValueError, "background must be a colour"),
        ({"color": {"a": "url(x)"}}, ValueError, "color must be a colour"),
        ({"color": 3}, TypeError, "color must map Values or labels"),
        ({"digit": 3}, TypeError, "'digit' is no option of a picture; did you mean digits"),
        ({"open": "sigmod"}, ValueError, "nothing called 'sigmod'"),
        ({"open": 3}, TypeError, "open and close take Values and names"),
        ({"around": "zz"}, ValueError, "around: "),
        ({"steps": -1, "around": "a"}, ValueError, "steps must be"),
    ],
)
def test_what_an_option_does_not_take_is_refused_by_name(options, error, message):
    _, _, e = product_of_a_sum()
    with pytest.raises(error, match=message):
        draw(e, **options)


def test_a_style_is_set_once_or_for_a_block():
    _, _, e = product_of_a_sum()
    plain = draw(e).svg
    with style(compact=True):
        assert draw(e).svg == draw(e, style=Style(compact=True)).svg != plain
    assert draw(e).svg == plain
    style(digits=0)
    try:
        assert draw(e).texts.style.digits == 0
    finally:
        style()
    assert draw(e).svg == plain
    with pytest.raises(TypeError, match="'colour' is no option of a picture"):
        style(colour="red")


# How much is shown. -------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "row", [row for row in ops.primitives() if row.expansion and row.arity == 1]
)
def test_every_composite_gate_opens_into_simpler_ones_of_the_same_numbers(row):
    x = Value(0.5, "x")
    y = row(x)
    y.backward()
    closed, opened = draw(y), draw(y, open=row.name)
    assert len(closed.model.boxes) == 2 < len(opened.model.boxes)
    assert opened.model.boxes[0].derivative == pytest.approx(x.grad, rel=1e-12)
    assert opened.model.boxes[-1].value == y.data
    assert len(draw(y, open=y).model.boxes) == len(opened.model.boxes)
    assert len(draw(y, open="all", close=row.name).model.boxes) == 2


def recurrence(steps):
    h, w, u = Value(0.1, "h0"), Value(0.5, "w"), Value(0.3, "u")
    for t in range(steps):
        h = (w * h + u * Value(t / steps, f"x{t}")).tanh()
    h.label = "h"
    h.backward()
    return h


def horner(steps):
    x, p = Value(0.5, "x"), Value(1.0, "c")
    for i in range(steps):
        p = p * x + float(i)
    return p


def terms(steps):
    return ops.sum([(Value(i, f"x{i}") - 1.0) ** 2 for i in range(steps)])


@pytest.mark.parametrize("make", [recurrence, horner, terms])
@pytest.mark.parametrize("steps", [60, 100, 1000])
def test_what_repeats_closes_into_one_box_between_the_first_time_and_the_last(make, steps):
    drawn = draw(
        make(steps), open=() if make is not terms or steps > 60 else "all", close="stretch"
    )
    (stretch,) = [box for box in drawn.model.boxes if box.kind == "stretch"]
    assert stretch.symbol in {f"× {steps - hidden}" for hidden in (2, 3)}
    assert len(drawn.model.boxes) < 25
    assert any(symbol == stretch.symbol for symbol in symbols(drawn))


def test_a_recurrent_cell_of_a_hundred_steps_is_readable_by_itself():
    drawn = draw(recurrence(100))
    assert "× 97" in symbols(drawn)
    assert len(drawn.model.boxes) == 19
    assert "stretch" not in {box.kind for box in draw(recurrence(100), open="stretch").model.boxes}


class WrittenOut:
    """A network as people write it: a sum of products, each a gate."""

    def __init__(self, sizes):
        self.layers = [
            [([Value(0.1 * (i + j)) for i in range(n)], Value(0.0)) for j in range(m)]
            for n, m in pairwise(sizes)
        ]

    def __call__(self, x):
        for layer in self.layers:
            x = [sum((w * v for w, v in zip(ws, x)), b).tanh() for ws, b in layer]
        return x[0]


@pytest.mark.parametrize("inputs", [[1.0, 2.0], [Value(1.0), Value(2.0)], [Value(1.0), 2.0]])
def test_neurons_that_are_written_out_close_like_ours(inputs):
    theirs = draw(WrittenOut([2, 16, 16, 1])(inputs), collapse="layer").model.boxes
    ours = draw(MLP(2, [16, 16, 1], activation="tanh")(inputs).tanh(), collapse="layer").model.boxes
    kinds = [box.kind for box in theirs]
    assert kinds == ["leaf", "leaf", "layer", "layer", "neuron"]
    assert kinds[2:] == [box.kind for box in ours[2:]]
    assert [box.symbol for box in theirs[2:4]] == ["16 × tanh"] * 2


def test_a_layer_stands_before_its_users_however_early_these_use_its_first_neuron():
    first, *others = Layer(2, 3, activation="tanh")([Value(1.0), Value(2.0)])
    boxes = draw(first.exp() * first + ops.sum(others), collapse="layer").model.boxes
    places = {box: i for i, box in enumerate(boxes)}
    assert [box.kind for box in boxes if box.kind != "leaf"] == ["layer"] + ["gate"] * 4
    assert all(places[wire.source] < places[box] for box in boxes for wire in box.wires)


def test_a_sum_that_is_no_weighted_sum_stays_as_it_is():
    x, y, z = Value(1.0, "x"), Value(2.0, "y"), Value(3.0, "z")
    drawn = draw((x.tanh() * y.tanh()) + z.exp(), collapse="neuron")
    assert {box.kind for box in drawn.model.boxes} == {"leaf", "gate"}


def test_around_a_node_stands_what_is_so_many_wires_away():
    x = Value(0.5, "x")
    chain = [x]
    for i in range(30):
        chain.append(chain[-1].sin() if i % 2 else chain[-1].cos())
        chain[-1].label = f"n{i}"
    for around in (chain[15], "n14"):
        drawn = draw(chain[-1], around=around, steps=2)
        assert [b.name for b in drawn.model.boxes if b.kind == "gate"] == [
            f"n{i}" for i in range(12, 17)
        ]


def test_around_a_node_gates_and_gradients_are_called_as_in_the_whole_picture():
    a, b, c, d, e = [Value(float(i), name) for i, name in enumerate("abcde", 1)]
    total = a * b + c * d
    total.label = "s"
    out = e * total.tanh()
    out.label = "out"
    out.backward()
    drawn = draw(out, around="s", steps=1)
    symbols = {box.symbol for box in drawn.model.boxes if box.kind == "gate"}
    assert symbols == {"×", "+", "tanh"}
    assert drawn.model.derivative_name(drawn.model.boxes[-1]).startswith("∂out/∂")
    assert "∂out/∂" in drawn.svg
    assert draw(out).model.derivative_name(draw(out).model.boxes[-1]) == "∂out/∂out"


# Who is who. --------------------------------------------------------------------------------------
def test_plain_numbers_that_go_into_a_neuron_are_boxes_with_names():
    neuron = Neuron(2)
    drawn = draw(neuron([1.0, -2.0]))
    leaves: dict[str, Box] = {box.name: box for box in drawn.model.boxes if box.kind == "leaf"}
    assert {name: leaves[name].role for name in ("x₁", "x₂", "w₁", "w₂", "b")} == {
        "x₁": "input",
        "x₂": "input",
        "w₁": "parameter",
        "w₂": "parameter",
        "b": "parameter",
    }
    assert (leaves["x₁"].value, leaves["x₂"].value) == (1.0, -2.0)
    fills = re.findall(r"mgp-(input|parameter)-f", drawn.svg)
    assert sorted(fills) == ["input"] * 2 + ["parameter"] * 3


def test_layers_share_the_numbers_that_go_into_them():
    drawn = draw(MLP(2, [16, 16, 1])([1.0, -2.0]))
    assert [box.name for box in drawn.model.boxes if box.role == "input"] == ["x₁", "x₂"]


def test_the_description_reads_the_graph():
    _, _, e = product_of_a_sum()
    html = draw(e)._mime_()[1]
    alt = re.search(r'alt="([^"]*)"', html).group(1)
    assert "e = × of" in alt
    assert "∂e/∂b = 5" in alt


def test_an_output_without_a_name_is_called_the_same_everywhere():
    x = Value(2.0, "x")
    y = ((x * x).exp() * x + x.sin() * x.cos()).tanh() * 2
    y.backward()
    drawn = draw(y)
    assert described(drawn.texts).startswith("Computational graph: output = × 2 of ")
    assert "∂output/∂·" in "".join(words(drawn))
    assert str(explain(y, x)).startswith("∂output/∂x = ")
