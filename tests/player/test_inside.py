"""Inside a playground, in a real browser: both passes at a point in the player, beside the graph of
the same example in Python.
"""

import random
import re

import numpy as np
import pytest
from browsers import Watched, needs_browser, shown

from micrograd_plus import Value, losses, playground
from micrograd_plus.drawing.style import Style
from micrograd_plus.engine import local_gradients, nodes_below
from micrograd_plus.nn import MLP
from micrograd_plus.optim import SGD

pytestmark = needs_browser

number = Style().number

PLAYER = ".inside .mgp-player"
# what is told at each step, all of it in one go
TOLD = """(root) => {
  const lines = () => [...root.querySelectorAll(".told span")].map((line) => line.textContent);
  const press = (name) => root.querySelector(`button[aria-label="${name}"]`).click();
  const last = Number(root.querySelector(".time").max);
  press("Start");
  const all = [lines()];
  while (all.length <= last) { press("Step"); all.push(lines()); }
  return all;
}"""


@pytest.fixture
def inside(browser, tmp_path):
    """A page, looked into at its first point and a unit; nothing goes wrong, or is asked for."""
    watched = []

    def make(given, unit, **options):
        path = given.save(tmp_path / f"playground{len(watched)}.html")
        watched.append((Watched(browser, **options), path.as_uri()))
        page = watched[-1][0].open(path)
        page.wait_for_selector(".unit")
        page.get_by_role("button", name=unit, exact=True).click()
        page.wait_for_selector(PLAYER)
        return page

    yield make
    for one, address in watched:
        assert set(one.close()) == {address}


def detail(page, label):
    page.locator(PLAYER).get_by_label("Detail").select_option(label)


def press(page, name):
    page.locator(PLAYER).get_by_role("button", name=name, exact=True).click()


def below(*numbers):
    return ",".join(map(str, numbers)).translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉"))


class Example:
    """The graph of a model and a loss at one point; its numbers have the names of the page."""

    def __init__(self, model, loss, x, target):
        self.names = {Value(number): f"x{below(i + 1)}" for i, number in enumerate(x)}
        self.weights = {}
        outputs = list(self.names)
        for k, layer in enumerate(model.layers):
            is_last = k == len(model.layers) - 1
            outputs = [neuron(outputs) for neuron in layer.neurons]
            for unit, (neuron, out) in enumerate(zip(layer.neurons, outputs)):
                place = below(unit + 1) if is_last else below(k + 1, unit + 1)
                total = next(v for v in nodes_below(out) if neuron.b in v.operands)
                self.names[total] = f"z{place}"
                self.names[out] = f"{'y' if is_last else 'h'}{place}"
                self.weights[total] = {w: f"w{below(i + 1)}" for i, w in enumerate(neuron.w)}
        self.loss = loss(outputs[0] if len(outputs) == 1 else outputs, target)
        self.loss.backward()

    def forward(self):
        """What is told of the forward pass, but for the loss."""
        told = {}
        for v, name in self.names.items():
            if v.operands:
                given = [o for o in v.operands if o in self.names]
                made = "w·x + b" if v in self.weights else f"tanh({self.names[given[0]]})"
                spelled = ", ".join(f"{self.names[o]} = {number(o.data)}" for o in given)
                told[name] = f"{name} = {made} with {spelled}: {number(v.data)}."
        return told

    def backward(self):
        """What is told of each edge, by its ends."""
        told = {}
        for v, name in self.names.items():
            inputs = [o for o in v.operands if o in self.names]
            for operand, local in zip(v.operands, local_gradients(v)):
                if operand in self.names:
                    rule = f" (w{below(inputs.index(operand) + 1)})" if v in self.weights else ""
                    product = f"upstream {number(v.grad)} = {number(local * v.grad)}."
                    told[name, self.names[operand]] = f"local {number(local)}{rule} × {product}"
        return told


def edges(told):
    """What was told of each edge, by its ends, and what each gradient came to at last."""
    found, gradients = {}, {}
    for lines in told:
        parts = re.fullmatch(r"(.+) → (.+?): (.*)", lines[0])
        if parts:
            source, target, text = parts.groups()
            found[source, target] = text
            if len(lines) > 1:
                assert lines[1].startswith(f"{target}.grad")
                gradients[target] = re.search(r"= (\S+?)[.,](?: of \d+ so far\.)?$", lines[1])[1]
    return found, gradients


def points(inputs=2, classes=2):
    return np.random.default_rng(0).normal(size=(20, inputs)), np.arange(20) % classes


def model(units, inputs=2, **options):
    return MLP(inputs, units, rng=random.Random(3), **options)


def test_each_step_is_that_of_the_graph_in_python(inside):
    x, y = points()
    given = model([3, 2, 1], activation="tanh")
    page = inside(playground(given, x, y * 2 - 1, loss="squared_error", optimizer=SGD(0.1)), "h₁,₁")
    example = Example(given, losses.squared_error, x[0].tolist(), -1.0)
    told = page.locator(PLAYER).evaluate(TOLD)
    forward = [lines[0] for lines in told if " with " in lines[0]]
    assert forward.pop().endswith(f"t = −1: {number(example.loss.data)}.")
    assert sorted(forward) == sorted(example.forward().values())
    found, gradients = edges(told)
    *_, output = example.names
    assert found.pop(("loss", "y₁")).endswith(f"upstream 1 = {number(output.grad)}.")
    assert found == example.backward()
    assert gradients == {name: number(v.grad) for v, name in example.names.items()}
    values = shown(page, PLAYER)["values"]
    assert sorted(values) == sorted(
        number(x) for x in [*(v.data for v in example.names), -1.0, example.loss.data]
    )


def test_units_may_be_one_box_each(inside):
    x, y = points()
    given = model([3, 2, 1], activation="tanh")
    page = inside(playground(given, x, y * 2 - 1, loss="hinge", optimizer=SGD(0.1)), "y₁")
    example = Example(given, losses.hinge, x[0].tolist(), -1.0)
    detail(page, "each unit as one box")
    found, gradients = edges(page.locator(PLAYER).evaluate(TOLD))
    ours = {name: v for v, name in example.names.items()}
    assert found.keys() == {("loss", "y₁")} | {
        (above, name) for above, name in found if above in ours and name in ours
    }
    shown_names = [name for name in ours if not name.startswith("z")]
    assert gradients == {name: number(ours[name].grad) for name in shown_names}


CONFIGURATIONS = {
    "tanh": ({"activation": "tanh"}, "hinge", 2, lambda y: 2.0 * y - 1.0),
    "relu": ({"activation": "relu"}, "squared_error", 2, lambda y: 2.0 * y - 1.0),
    "sigmoid, by its total": ({"output": "sigmoid"}, "binary_cross_entropy", 2, float),
    "softmax, by its totals": ({"output": "softmax"}, "cross_entropy", 3, int),
    "without a bias": ({"bias": False}, "perceptron", 2, lambda y: 2.0 * y - 1.0),
    "softmax": ({"output": "softmax"}, "margin_loss", 3, int),
}


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_an_opened_unit_has_the_gradients_of_its_weights(inside, name):
    options, loss, classes, target = CONFIGURATIONS[name]
    x, y = points(classes=classes)
    units = [3, 2, 1 if classes == 2 else classes]
    page = inside(playground(model(units, **options), x, y, loss=loss, optimizer=SGD(0.1)), "h₁,₂")
    given = model(units, **{**options, **({"output": "linear"} if "total" in name else {})})
    outputs = given(x[0].tolist())
    getattr(losses, loss)(outputs, target(y[0])).backward()
    neuron = given.layers[0].neurons[1]
    detail(page, "inside h₁,₂")
    found, gradients = edges(page.locator(PLAYER).evaluate(TOLD))
    weights = {f"w{below(i + 1)}": w for i, w in enumerate(neuron.w)}
    weights |= {} if neuron.b is None else {"b": neuron.b}
    assert {w: gradients.get(w, "0") for w in weights} == {
        name: number(w.grad) for name, w in weights.items()
    }
    products = {source: target for source, target in found if target in weights}
    assert products.keys() <= {"w₁·x₁", "w₂·x₂", "z₁,₂"}


def test_a_unit_of_several_pieces_is_opened_into_all_of_them(inside):
    x, y = points()
    given = model([3, 1], activation="maxout")
    page = inside(playground(given, x, y, loss="squared_error", optimizer=SGD(0.1)), "h₁,₂")
    detail(page, "inside h₁,₂")
    _, gradients = edges(page.locator(PLAYER).evaluate(TOLD))
    losses.squared_error(given(x[0].tolist()), -1.0).backward()
    neuron = given.layers[0].neurons[1]
    wanted = {}
    for k, piece in enumerate([neuron, *neuron.more], 1):
        names = [f"w{below(k, i + 1)}" for i in range(2)] + [f"b{below(k)}"]
        wanted |= dict(zip(names, [number(v.grad) for v in (*piece.w, piece.b)]))
    assert list(wanted.values()).count("0") == 3
    assert {name: gradients.get(name, "0") for name in wanted} == wanted


def test_of_a_large_network_a_unit_is_shown_with_what_lies_beside_it(inside):
    x, y = points()
    given = model([30, 25, 1], activation="tanh")
    page = inside(playground(given, x, y, loss="hinge", optimizer=SGD(0.1)), "h₁,₃")
    assert "this is h₁,₃ with what lies beside it" in page.locator(".inside").inner_text()
    example = Example(given, losses.hinge, x[0].tolist(), -1.0)
    told = page.locator(PLAYER).evaluate(TOLD)
    found, gradients = edges(told)
    ours = {name: number(v.grad) for v, name in example.names.items()}
    shown_names = gradients.keys() & ours.keys()
    assert {"x₁", "x₂", "h₁,₃", "z₁,₃", "y₁"} <= shown_names
    assert len(shown_names) == 2 + 2 + 2 * 12 + 1
    assert all(gradients[name] == ours[name] for name in shown_names)
    assert found["13 × tanh", "h₁,₃"].startswith("13 wires, together ")
    assert found["13 × tanh", "29 × tanh"] == "a gradient for each neuron."


def test_the_keyboard_alone_steps_through_it_and_moves_what_is_given(inside):
    x, y = points()
    given = model([2, 1], activation="tanh")
    page = inside(playground(given, x, y, loss="hinge", optimizer=SGD(0.1)), "h₁,₁")
    count = page.locator(f"{PLAYER} .count")
    assert count.inner_text().startswith("forward")
    epochs = page.locator(".mgp-playground > .bar .count").inner_text()
    page.get_by_role("button", name="h₁,₁", exact=True).first.focus()
    while not page.evaluate("document.activeElement.closest('.inside .mgp-player .bar')"):
        page.keyboard.press("Tab")
    page.keyboard.press("Home")
    steps = [count.inner_text()]
    for key in ("ArrowRight", "ArrowRight", "ArrowLeft", "b", "End"):
        page.keyboard.press(key)
        steps.append(count.inner_text())
    last = steps[-1].split(" / ")[1]
    places = ["given 0", "forward 1", "forward 2", "forward 1", "backward 7", f"backward {last}"]
    assert steps == [f"{place} / {last}" for place in places]
    page.locator(f"{PLAYER} [data-box]").first.focus()
    page.keyboard.press("Home")
    page.keyboard.press(" ")
    assert page.locator(f"{PLAYER} .aside h3").inner_text() == "x₁"
    field = page.locator(PLAYER).get_by_label("x₁, a number")
    field.fill("0.5")
    field.press("Enter")
    page.locator(f"{PLAYER} .value", has_text=re.compile("^0.5$")).wait_for()
    x[0, 0] = 0.5
    example = Example(given, losses.hinge, x[0].tolist(), -1.0)
    press(page, "End")
    assert shown(page, PLAYER)["values"][-1] == number(example.loss.data)
    assert page.locator(".mgp-playground > .bar .count").inner_text() == epochs
    press(page, "Reset")


def test_a_step_of_training_is_followed_and_a_picture_closed(inside):
    x, y = points()
    given = model([2, 1], activation="tanh")
    page = inside(playground(given, x, y, loss="hinge", optimizer=SGD(0.1)), "y₁")
    detail(page, "inside y₁")
    press(page, "End")
    before, step = shown(page, PLAYER)["values"], page.locator(f"{PLAYER} .count").inner_text()
    page.locator(".mgp-playground > .bar").get_by_role("button", name="Step").click()
    assert page.locator(f"{PLAYER} .count").inner_text() == step
    assert page.locator(f"{PLAYER} option:checked").inner_text() == "inside y₁"
    assert shown(page, PLAYER)["values"] != before
    page.locator(".mgp-playground > .bar").get_by_role("button", name="Train").click()
    assert page.locator(PLAYER).count() == 0
    page.locator(".mgp-playground > .bar").get_by_role("button", name="Pause").click()
    page.locator(".inside").get_by_role("button", name="Close").click()
    assert page.locator(PLAYER).count() == 0
