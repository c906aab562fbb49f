"""Groups of the user's own and modules that are not ours: each is one box where it shall be."""

import copy
import math
import pickle
import random
from itertools import pairwise

import pytest

from micrograd_plus import Value, draw, no_grad, ops, record
from micrograd_plus.drawing import group
from micrograd_plus.drawing.groups import Group, groups_closed
from micrograd_plus.modes import DEFAULT, mode


class Module:
    def parameters(self):
        return []


class Neuron(Module):
    """As micrograd has it, with a decorator."""

    def __init__(self, inputs, rng, nonlin=True):
        self.w = [Value(rng.uniform(-1, 1)) for _ in range(inputs)]
        self.b, self.nonlin = Value(0.0), nonlin

    def __call__(self, x):
        total = sum((w * v for w, v in zip(self.w, x)), self.b)
        return total.tanh() if self.nonlin else total

    def parameters(self):
        return [*self.w, self.b]


class Layer(Module):
    def __init__(self, inputs, outputs, rng, nonlin=True):
        self.neurons = [Neuron(inputs, rng, nonlin) for _ in range(outputs)]

    def __call__(self, x):
        return [neuron(x) for neuron in self.neurons]

    def parameters(self):
        return [p for neuron in self.neurons for p in neuron.parameters()]


class MLP(Module):
    def __init__(self, *sizes, seed=0):
        rng, last = random.Random(seed), len(sizes) - 2
        pairs = enumerate(pairwise(sizes))
        self.layers = [Layer(n, m, rng, nonlin=i < last) for i, (n, m) in pairs]

    def __call__(self, x):
        for layer in self.layers:
            x = layer(x)
        return x

    def parameters(self):
        return [p for layer in self.layers for p in layer.parameters()]


class GroupedNeuron(Neuron):
    __call__ = group("neuron")(Neuron.__call__)


class GroupedLayer(Layer):
    __call__ = group("layer")(Layer.__call__)

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        for neuron in self.neurons:
            neuron.__class__ = GroupedNeuron


class GroupedMLP(MLP):
    def __init__(self, *sizes):
        super().__init__(*sizes)
        for layer in self.layers:
            layer.__class__ = GroupedLayer
            for neuron in layer.neurons:
                neuron.__class__ = GroupedNeuron


def cross_entropy(logits, target):
    """As EurekaLabs's micrograd has it."""
    powers = [logit.exp() for logit in logits]
    total = sum(powers)
    return -([power / total for power in powers][target]).log()


def closed(drawn):
    """The names of the boxes that stand for others, from inputs to output."""
    return [box.symbol for box in drawn.model.boxes if box.kind in ("neuron", "layer", "stretch")]


def require_whole(drawn):
    boxes = drawn.model.boxes
    places = {box: i for i, box in enumerate(boxes)}
    assert all(places[wire.source] < places[box] for box in boxes for wire in box.wires)


def test_what_is_recorded_in_a_group_is_one_box_where_it_is_asked_for():
    x, y = Value(2.0, "x"), Value(3.0, "y")
    with group("mean"):
        z = (x + y) / 2
    out = z * z
    assert closed(draw(out)) == []
    for close in ("mean", "group", "all", ["mean", "layer"]):
        assert closed(draw(out, close=close)) == ["mean"]
    assert closed(draw(out, close="all", open="mean")) == []
    assert [box.title for box in draw(out, close="mean").model.boxes] == ["x", "y", "mean", "×"]
    with pytest.raises(ValueError, match="did you mean mean"):
        draw(out, close="meen")


def test_a_closed_group_has_the_local_gradients_of_the_whole():
    x, y = Value(2.0, "x"), Value(3.0, "y")
    with group("inside"):
        z = (x * y).tanh() * x + 1.5 * y
    (z * 2.0).backward()
    box = draw(z, close="inside").model.boxes[-1]
    assert {wire.source.name: wire.local * z.grad for wire in box.wires} == {
        "x": pytest.approx(x.grad, rel=1e-12),
        "y": pytest.approx(y.grad, rel=1e-12),
    }
    assert (box.value, box.derivative) == (z.data, 2.0)


def test_leaves_with_a_name_stay_outside_of_a_closed_group():
    w, x, b = Value(0.5, "w"), Value(2.0, "x"), Value(1.0, "b")
    with group("neuron"):
        out = (w * x + b).tanh()
    boxes = draw(out, close="neuron").model.boxes
    assert {box.title for box in boxes} == {"w", "x", "b", "neuron"}


def test_each_call_of_a_decorated_method_is_a_box_and_groups_within_groups_are_parts_of_them():
    net = GroupedMLP(2, 3, 3, 1)
    out = (net([Value(1.0), Value(-2.0)])[0] - 1.0) ** 2
    assert closed(draw(out)) == []
    assert closed(draw(out, close="neuron")) == ["neuron"] * 7
    for close in ("layer", "group", ["neuron", "layer"]):
        assert closed(draw(out, close=close)) == ["layer"] * 3
    assert closed(draw(out, close="group", open="layer")) == ["neuron"] * 7
    kinds = [box.kind for box in draw(out, close="layer").model.boxes]
    assert kinds == ["leaf", "leaf", "layer", "layer", "neuron", "gate", "gate"]


def test_plain_numbers_that_go_into_a_closed_neuron_are_still_shown():
    out = GroupedMLP(2, 3, 1)([0.5, -1.0])[0]
    boxes = draw(out, close="layer").model.boxes
    assert [(b.title, b.value) for b in boxes[:2]] == [("x₁", 0.5), ("x₂", -1.0)]
    assert [b.kind for b in boxes] == ["leaf", "leaf", "layer", "neuron"]
    shown = draw(out, close="layer", constants="show").model.boxes
    assert not any(box.role == "parameter" for box in shown)


def test_a_dot_of_what_a_closed_group_gives_stays_one_gate():
    x, y = Value(1.0, label="x"), Value(2.0, label="y")
    with group("g"):
        given = [x * y, y - x]
    for out in (ops.dot(given, [Value(3.0), Value(4.0)]), ops.dot(given, given)):
        (gate,) = [box for box in draw(out, close="g").model.boxes if box.kind == "gate"]
        assert (gate.symbol.split()[0], gate.value) == ("w·x", out.data)


def test_large_pictures_close_groups_from_inside_until_they_can_be_read():
    net = GroupedMLP(2, 8, 8, 1)
    examples = [[Value(0.1 * i), Value(1.0)] for i in range(4)]
    one = net(examples[0])[0]
    assert closed(draw(one)) == ["neuron"] * 17
    several = draw(ops.sum([net(x)[0] for x in examples]))
    assert closed(several) == ["layer"] * 12
    assert len(several.model.boxes) <= 60
    assert closed(draw(one, open=["neuron", "layer"], collapse="none")) == []
    assert "layer" in closed(draw(one, open="neuron"))


def test_a_group_around_a_group_of_several_outputs_has_a_bar_for_each():
    x = Value(2.0, "x")
    with group("outer"):
        y = x * x
        with group("inner"):
            pair = [y.tanh(), y.sin()]
    out = pair[0] * pair[1]
    inner = draw(out, close="inner").model
    for close in ("outer", ["outer", "inner"]):
        (box,) = [box for box in draw(out, close=close).model.boxes if box.kind == "layer"]
        assert [member.value for member in box.members] == [v.data for v in pair]
    assert closed(draw(out, close="inner")) == ["inner"]
    again = groups_closed(inner.boxes, lambda one: one.name == "outer")
    (box,) = [box for box in again if box.kind == "layer"]
    assert [member.value for member in box.members] == [v.data for v in pair]


def test_the_frames_of_closed_groups_end_in_the_gradients_of_a_backward_pass():
    x, y = Value(0.5, "x"), Value(-1.0, "y")
    with group("outer"):
        z = x * y
        with group("inner"):
            pair = [(z + x).tanh(), z.sin()]
    out = pair[0] * pair[1] + x
    out.backward()
    for close in ("outer", "inner"):
        boxes = draw(out, close=close).frames().after_backward.texts
        found = {box.name: boxes.moment.derivatives.get(box) for box in boxes.model.boxes}
        assert found["x"] == pytest.approx(x.grad, rel=1e-12)
        assert found["y"] == pytest.approx(y.grad, rel=1e-12)


def test_a_group_is_an_attribute_that_goes_with_copies_and_pickles():
    x = Value(2.0, "x")
    with group("outer"), group("inner"):
        y = x * x + x
    assert [str(one) for one in y.group.path()] == ["inner", "outer"]
    assert not hasattr(x, "group")
    for twin in (copy.deepcopy(y), pickle.loads(pickle.dumps(y))):
        assert closed(draw(twin, close="inner")) == ["inner"]
    assert closed(draw(copy.copy(y), close="outer")) == ["outer"]
    assert draw(y, color="group").svg


def test_outside_a_group_nothing_is_marked_and_the_mode_is_as_it_was():
    x = Value(2.0)
    with pytest.raises(ZeroDivisionError), group("a"):
        raise ZeroDivisionError
    assert mode.get() is DEFAULT
    assert vars(x * x) == {}
    with group("a"), no_grad():
        assert vars(x * x) == {}
    for name in ("", None, 3):
        with pytest.raises(TypeError, match="a group has a name"), group(name):
            pass


def test_an_attribute_of_that_name_that_is_no_group_is_the_user_s_own():
    y = Value(2.0) * 3.0
    y.group = "mine"
    assert closed(draw(y, close="all")) == []


def test_a_tape_and_a_gradient_are_the_same_with_groups():
    def f(x, y):
        with group("f"):
            return (x * y).tanh() + x

    plain, grouped = (record(g, 1.0, 2.0) for g in (lambda x, y: (x * y).tanh() + x, f))
    assert plain.source() == grouped.source()
    x, y = Value(1.0), Value(2.0)
    f(x, y).backward()
    assert x.grad == pytest.approx(1.0 + 2.0 * (1.0 - math.tanh(2.0) ** 2), rel=1e-14)


def random_graph(seed):
    """A graph whose gates lie in groups at random, some in several parts, and its output."""
    rng = random.Random(seed)
    values = [Value(rng.uniform(0.5, 1.0)) for _ in range(3)]
    made = [Group("a"), Group("b")]
    made.append(Group("c", made[0]))
    for i in range(rng.randrange(3, 25)):
        a, b = rng.choice(values), rng.choice(values[-4:])
        values.append(rng.choice([a * b, a + b, a - 0.5, b.tanh()]))
        if i < 3 or rng.random() < 0.7:
            values[-1].group = made[i] if i < 3 else rng.choice(made)
    return ops.sum(values)


@pytest.mark.parametrize("seed", range(60))
def test_however_groups_lie_their_boxes_make_a_graph_of_the_same_gradients(seed):
    out = random_graph(seed)
    out.backward()
    for close in ("a", "b", "c", "group", "all"):
        for options in ({}, {"collapse": "none"}, {"constants": "show"}):
            drawn = draw(out, close=close, **options)
            require_whole(drawn)
            assert drawn.model.boxes[-1].value == pytest.approx(out.data)
            require_gradients(drawn.model.boxes)


def require_gradients(boxes):
    """What comes along the wires to a box adds up to its gradient, where all of it is known."""
    sums, vague = {}, set()
    for box in boxes:
        for wire in box.wires:
            if wire.local is None or box.derivative is None:
                vague.add(wire.source)
            else:
                more = wire.local * box.derivative
                sums[wire.source] = sums.get(wire.source, 0.0) + more
    for box, total in sums.items():
        if box not in vague and box.derivative is not None and box.kind != "constant":
            assert total == pytest.approx(box.derivative, rel=1e-9)


# Modules. -----------------------------------------------------------------------------------------
def test_each_call_of_a_module_that_is_not_ours_is_one_box():
    model = MLP(2, 8, 3)
    losses = [cross_entropy(model([0.1 * i, 1.0]), i % 3) for i in range(4)]
    one = draw(losses[0], close=model)
    assert closed(one) == ["MLP"]
    assert [box.kind for box in one.model.boxes[:3]] == ["leaf", "leaf", "layer"]
    (whole,) = [box for box in one.model.boxes if box.kind == "layer"]
    assert [member.value for member in whole.members] == [y.data for y in model([0.0, 1.0])]
    batch = draw(ops.sum(losses) * 0.25, close=model)
    assert closed(batch) == ["MLP"] * 4
    assert len(batch.model.boxes) <= 60
    assert not any(box.role == "parameter" for box in batch.model.boxes)


def test_layers_and_neurons_close_by_themselves_and_with_their_activation():
    model = MLP(2, 4, 2)
    out = ops.sum(model([Value(1.0), Value(2.0)]))
    assert closed(draw(out, close=model.layers)) == ["Layer", "Layer"]
    drawn = draw(out, close=model.layers[0].neurons[1])
    assert closed(drawn) == ["Neuron"]
    (neuron,) = [box for box in drawn.model.boxes if box.kind == "neuron"]
    assert neuron.value == model.layers[0].neurons[1]([1.0, 2.0]).data
    assert closed(draw(out, close=[model.layers[0], "all"])) == ["Layer", "2 × linear"]


def test_a_batch_of_a_whole_network_is_readable_without_any_option():
    model = MLP(2, 8, 3)
    for examples in (1, 4, 10):
        losses = [cross_entropy(model([0.1 * i, 1.0]), 0) for i in range(examples)]
        drawn = draw(sum(losses, Value(0.0)) * (1.0 / examples))
        require_whole(drawn)
        assert len(drawn.model.boxes) <= 60


def test_a_recurrent_module_is_one_box_with_all_its_steps():
    cell, h = Neuron(2, random.Random(0)), Value(0.0, "h")
    for i in range(3):
        h = cell([Value(float(i)), h])
    drawn = draw(h * 2.0, close=cell)
    assert closed(drawn) == ["Neuron"]
    require_whole(drawn)


def test_a_penalty_on_parameters_is_a_box_of_its_own():
    model = MLP(2, 3, 1)
    loss = model([1.0, 2.0])[0] ** 2 + 0.1 * ops.sum([p * p for p in model.parameters()])
    drawn = draw(loss, close=model)
    require_whole(drawn)
    assert closed(drawn) == ["MLP", "MLP"]


def test_what_cannot_be_closed_is_refused_by_name():
    model, out = MLP(2, 2, 1), Value(1.0) * 2.0
    with pytest.raises(ValueError, match="the MLP shall be closed, but no parameter"):
        draw(out, close=model)
    with pytest.raises(TypeError, match="modules are closed, not opened"):
        draw(model([1.0, 2.0])[0], open=model)
    for wrong in (3, MLP, [3]):
        with pytest.raises(TypeError, match="open and close take Values and names"):
            draw(out, close=wrong)
