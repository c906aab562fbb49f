"""Model files: every bit comes back, whatever is malformed is refused with its reason,
and the model then is as it was.
"""

import json
import math
import os
import pickle
import random
import re
import struct
import sys
import time
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from micrograd_plus import Value
from micrograd_plus.nn import MLP, Adaline, Layer, Module, Neuron, Perceptron, load, save


class Scale(Module):
    """A model of one's own, which says no more than what its parameters are."""

    def __init__(self, *factors):
        self.factors = [Value(x) for x in factors]

    def parameters(self):
        return self.factors


class Shifted(MLP):
    """One that adds a parameter and does not name it; `tied` has one of them twice."""

    def __init__(self, nin, nouts, tied=False, **keywords):
        super().__init__(nin, nouts, **keywords)
        self.shift = self.layers[0].neurons[0].b if tied else Value(0.5)

    def parameters(self):
        return [*super().parameters(), self.shift]


MODELS = {
    "mlp": lambda seed: MLP(2, [3, 1], rng=random.Random(seed)),
    "classifier": lambda seed: MLP(
        2,
        [3, 1, 3],
        activation="maxout",
        pieces=3,
        output="softmax",
        classes=("é", "\ud800", 'a"'),
        dropout=0.5,
        rng=random.Random(seed),
    ),
    "function": lambda seed: MLP(1, [2, 1], activation=lambda x: x * x, rng=random.Random(seed)),
    "layer": lambda seed: Layer(3, 2, activation="tanh", init="he", rng=random.Random(seed)),
    "neuron": lambda seed: Neuron(5, rng=random.Random(seed)),
    "perceptron": lambda seed: _random(Perceptron(4, "abc"), seed),
    "adaline": lambda seed: _random(Adaline(2, classes=None), seed),
    "own": lambda seed: _random(Scale(0.0, 0.0, 0.0), seed),
    "unnamed": lambda seed: Shifted(2, [2, 1], rng=random.Random(seed)),
    "tied": lambda seed: Shifted(2, [2, 1], tied=True, rng=random.Random(seed)),
    "labels": lambda seed: MLP(1, [4], classes=(True, 10**30, -0.5, "1"), rng=random.Random(seed)),
    "nothing": lambda seed: Module(),
}
every_model = pytest.mark.parametrize("make", MODELS.values(), ids=MODELS)


def _random(model, seed):
    rng = random.Random(seed)
    for p in model.parameters():
        p.data = rng.gauss(0, 1)
    return model


def bits(model):
    return [struct.pack("<d", p.data) for p in model.parameters()]


# There and back. ----------------------------------------------------------------------------------
@every_model
def test_every_bit_comes_back(make, tmp_path):
    model, other = make(1), make(2)
    path = save(model, tmp_path / "model.json")
    assert path == tmp_path / "model.json"
    load(other, path)
    assert bits(other) == bits(model)
    assert json.loads(path.read_text())["version"] == 1
    assert save(other, tmp_path / "again.json").read_bytes() == path.read_bytes()


EDGES = [
    0.0,
    -0.0,
    5e-324,
    -5e-324,
    sys.float_info.min,
    -sys.float_info.min,
    math.nextafter(sys.float_info.min, 0.0),
    sys.float_info.max,
    -sys.float_info.max,
    0.1,
    1 / 3,
    2.0**53 + 2,
    -2.2250738585072014e-308,
]


def test_edges_of_the_floats_come_back(tmp_path):
    model, other = Scale(*EDGES), Scale(*[1.0] * len(EDGES))
    load(other, save(model, tmp_path / "edges.json"))
    assert bits(other) == bits(model)


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=20))
def test_any_finite_floats_come_back(tmp_path_factory, numbers):
    model, other = Scale(*numbers), Scale(*[1.0] * len(numbers))
    load(other, save(model, tmp_path_factory.getbasetemp() / "any.json"))
    assert bits(other) == bits(model)


def test_what_a_file_looks_like(tmp_path):
    model = MLP(2, [2, 1], activation="tanh", output="sigmoid")
    for i, p in enumerate(model.parameters()):
        p.data = i / 4
    assert (
        save(model, tmp_path / "model.json").read_text()
        == """\
{
 "format": "micrograd_plus model",
 "version": 1,
 "architecture": {"kind": "MLP", "layers": [{"kind": "Layer", "neurons": 2, "each": \
[{"kind": "Neuron", "inputs": 2, "activation": "tanh"}]}, {"kind": "Layer", "neurons": 1, "each": \
[{"kind": "Neuron", "inputs": 2, "activation": "linear"}]}], "output": "sigmoid", \
"classes": [0, 1]},
 "parameters": {
  "layers.0.neurons.0.w": [0.0, 0.25],
  "layers.0.neurons.0.b": [0.5],
  "layers.0.neurons.1.w": [0.75, 1.0],
  "layers.0.neurons.1.b": [1.25],
  "layers.1.neurons.0.w": [1.5, 1.75],
  "layers.1.neurons.0.b": [2.0]
 }
}
"""
    )


def test_the_same_file_written_in_another_way(tmp_path):
    model, other = MODELS["classifier"](1), MODELS["classifier"](2)
    path = save(model, tmp_path / "model.json")
    path.write_text(json.dumps(json.loads(path.read_text()), indent=4, sort_keys=True))
    load(other, path)
    assert bits(other) == bits(model)
    scale = Scale(1.5)
    path = save(scale, tmp_path / "scale.json")
    path.write_text(path.read_text().replace("1.5", "3"))  # an integer that a float holds
    load(scale, path)
    assert bits(scale) == bits(Scale(3.0))


def test_what_changes_no_function_of_the_weights_may_differ(tmp_path):
    model, other = MLP(2, [3, 1], init="he", dropout=0.5), MLP(2, [3, 1])
    load(other, save(model, tmp_path / "model.json"))
    assert bits(other) == bits(model)


def test_a_graph_above_a_loaded_model_waits_for_forward(tmp_path):
    model = MODELS["mlp"](1)
    path = save(model, tmp_path / "model.json")
    out = model([1.0, 2.0])
    load(model, path)
    with pytest.raises(ValueError, match="forward"):
        out.backward()
    out.forward().backward()


# What is refused. ---------------------------------------------------------------------------------
def plain():
    return MLP(2, [2, 1], activation="tanh", output="sigmoid", rng=random.Random(7))


def edited(**changes):
    """The valid file with some entries changed, or left out where they are `...`."""

    def edit(path):
        found = {**json.loads(path.read_text()), **changes}
        path.write_text(
            json.dumps({name: entry for name, entry in found.items() if entry is not ...})
        )

    return edit


def part(name, change):
    def edit(path):
        found = json.loads(path.read_text())
        change(found[name])
        path.write_text(json.dumps(found))

    return edit


parameters, architecture = partial(part, "parameters"), partial(part, "architecture")


def first_weight(text):
    """The valid file with another text where the first weight stood."""

    def edit(path):
        path.write_text(
            re.sub(
                r'(neurons.0.w": \[)[^,]+', lambda found: found[1] + text, path.read_text(), count=1
            )
        )

    return edit


def whole(content):
    return lambda path: path.write_bytes(content)


def replaced(old, new):
    def edit(path):
        content = path.read_bytes()
        assert old in content
        path.write_bytes(content.replace(old, new, 1))

    return edit


def of(model):
    return lambda path: save(model, path)


class Exploding:
    def __reduce__(self):
        return Path.touch, (Path("exploded"),)


W, B = "layers.0.neurons.0.w", "layers.0.neurons.0.b"
MALFORMED = {
    "empty": (whole(b""), "no JSON"),
    "not JSON": (whole(b"weights = [1.0, 2.0]"), "no JSON"),
    "cut off": (lambda path: path.write_bytes(path.read_bytes()[:-30]), "no JSON"),
    "more after its end": (lambda path: path.write_bytes(path.read_bytes() + b"{}"), "Extra data"),
    "a trailing comma": (replaced(b"\n }\n}", b",\n }\n}"), "no JSON"),
    "a comment": (replaced(b"{", b"{ // weights"), "no JSON"),
    "a pickle": (whole(pickle.dumps(Exploding())), "no UTF-8 text: .* at byte 0"),
    "a pickle in ASCII": (whole(pickle.dumps(Exploding(), protocol=0)), "no JSON"),
    "Python": (whole(b"__import__('pathlib').Path('exploded').touch()"), "no JSON"),
    "zeros": (whole(bytes(500)), "no JSON"),
    "UTF-16": (lambda path: path.write_bytes(path.read_text().encode("utf-16")), "no UTF-8"),
    "a byte order mark": (
        lambda path: path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes()),
        "BOM",
    ),
    "Latin-1": (replaced(b"tanh", "tänh".encode("latin-1")), "no UTF-8"),
    "a raw surrogate": (replaced(b"tanh", b"\xed\xa0\x80"), "no UTF-8"),
    "a control character": (replaced(b"tanh", b"ta\x00nh"), "control character"),
    "a list": (whole(b"[]"), "no model file"),
    "a number": (whole(b"1"), "no model file"),
    "null": (whole(b"null"), "no model file"),
    "no format": (edited(format=...), "its format is not"),
    "another format": (edited(format="micrograd_plus tape"), "its format is not"),
    "no version": (edited(version=...), "version None"),
    "a later version": (edited(version=2), "version 2, and this program reads version 1"),
    "a version in words": (edited(version="1"), "version '1'"),
    "a version that is true": (
        edited(version=True),
        "the file.version is True, and 1 in the model",
    ),
    "a version with a point": (edited(version=1.0), "the file.version is 1.0, and 1 in the model"),
    "no architecture": (edited(architecture=...), "the file lacks 'architecture'"),
    "no parameters": (edited(parameters=...), "the file lacks 'parameters'"),
    "something more": (edited(more=1), "the file has 'more', unlike the model"),
    "parameters in a list": (edited(parameters=[1.0]), r"parameters is \[1.0\]"),
    "another kind": (of(Layer(2, 2)), "kind is 'Layer', and 'MLP' in the model"),
    "a perceptron": (of(Perceptron(2)), "kind is 'Perceptron'"),
    "fewer inputs": (
        of(MLP(1, [2, 1], activation="tanh", output="sigmoid")),
        "inputs is 1, and 2 in the model",
    ),
    "more neurons": (
        of(MLP(2, [3, 1], activation="tanh", output="sigmoid")),
        "neurons is 3, and 2 in the model",
    ),
    "more layers": (
        of(MLP(2, [2, 2, 1], activation="tanh", output="sigmoid")),
        "layers has 3 entries, and 2 in the model",
    ),
    "another activation": (
        of(MLP(2, [2, 1], output="sigmoid")),
        "activation is 'relu', and 'tanh' in the model",
    ),
    "maxout": (
        of(MLP(2, [2, 1], activation="maxout", output="sigmoid")),
        "activation is .maxout., and .tanh. in",
    ),
    "another output": (of(MLP(2, [2, 1], activation="tanh", classes=(0, 1))), "output is 'linear'"),
    "other classes": (
        of(MLP(2, [2, 1], activation="tanh", output="sigmoid", classes=(0, 2))),
        r"classes\[1\] is 2, and 1",
    ),
    "classes true and false": (
        architecture(lambda a: a.update(classes=[False, True])),
        r"classes\[0\] is False, and 0",
    ),
    "an architecture in words": (edited(architecture="MLP"), "architecture is 'MLP'"),
    "a parameter missing": (parameters(lambda p: p.pop(B)), f"parameters lacks '{B}'"),
    "a parameter more": (
        parameters(lambda p: p.update({"layers.2.w": [1.0]})),
        "parameters has 'layers.2.w'",
    ),
    "a name of surrogates": (parameters(lambda p: p.update({"\ud800": [1.0]})), r"has '\\ud800'"),
    "a list too short": (
        parameters(lambda p: p[W].pop()),
        rf"{W} has 1 entries, and 2 in the model",
    ),
    "a list too long": (parameters(lambda p: p[W].append(1.0)), rf"{W} has 3 entries"),
    "a number for a list": (
        parameters(lambda p: p.update({B: 1.0})),
        rf"{B} is 1.0, and \[0.0\] in the model",
    ),
    "a list for a number": (first_weight("[1.0]"), r"w\[0\] is \[1.0\], and no number"),
    "a string for a number": (first_weight('"1.0"'), r"w\[0\] is '1.0', and no number"),
    "true for a number": (first_weight("true"), r"w\[0\] is True, and no number"),
    "null for a number": (first_weight("null"), r"w\[0\] is None, and no number"),
    "an object for a number": (
        first_weight('{"w": 1.0}'),
        r"w\[0\] is \{'w': 1.0\}, and no number",
    ),
    "NaN": (first_weight("NaN"), "'NaN' is not a finite number"),
    "Infinity": (first_weight("Infinity"), "'Infinity' is not a finite number"),
    "-Infinity": (first_weight("-Infinity"), "'-Infinity' is not a finite number"),
    "NaN in a string": (first_weight('"NaN"'), "'NaN', and no number"),
    "1e999": (first_weight("1e999"), "'1e999' is not a finite number"),
    "-1e999": (first_weight("-1e999"), "'-1e999' is not a finite number"),
    "just above the largest": (first_weight("1.7976931348623159e308"), "is not a finite number"),
    "a huge exponent": (first_weight("1e99999999999999999999"), "is not a finite number"),
    "a tiny exponent": (first_weight("0.1e-99999999999999999999"), "closer to 0 than any float"),
    "below half the smallest": (first_weight("-2e-324"), "closer to 0 than any float"),
    "a huge integer": (first_weight("1" + "0" * 400), "has too many digits"),
    "an integer beyond conversion": (first_weight("9" * 1500), "has too many digits"),
    "an integer that no float holds": (
        first_weight(str(2**53 + 1)),
        "no number that a float holds exactly",
    ),
    "hexadecimal": (first_weight("0x1p-3"), "no JSON"),
    "a leading zero": (first_weight("01.5"), "no JSON"),
    "a name twice": (replaced(b'"version": 1', b'"version": 1, "version": 1'), "'version' twice"),
    "a parameter twice": (
        replaced(f'"{B}": '.encode(), f'"{B}": [0.5], "{B}": '.encode()),
        f"'{B}' twice",
    ),
    "lists in lists": (first_weight("[" * 500), "nested deeper than 6"),
    "objects in objects": (whole(b'{"a":' * 300), "nested deeper than 6"),
    "nested and closed": (whole(b"[" * 400 + b"]" * 400), "nested deeper than 6"),
    "deep behind a string": (whole(b'["\\"", ' + b"[" * 400), "nested deeper than 6"),
    "a string without end": (whole(b'["' + b'\\"' * 1000), "no JSON"),
    "deeply nested and large": (whole(b"[" * 10**6), "longer than"),
    "spaces without end": (
        lambda path: path.write_bytes(path.read_bytes() + b" " * 10**6),
        "longer than",
    ),
    "digits without end": (first_weight("0." + "1" * 10**6), "longer than"),
}


def test_malformed_files_are_refused_and_the_model_is_as_it_was(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = MLP(2, [2, 1], activation="tanh", output="sigmoid", rng=random.Random(3))
    model([1.0, 2.0]).backward()
    before, gradients = bits(model), [p.grad for p in model.parameters()]
    out = model([0.5, 1.0])
    for name, (malform, reason) in MALFORMED.items():
        path = save(plain(), "model.json")
        malform(path)
        begin = time.thread_time()
        with pytest.raises(
            ValueError, match=f"^'model.json' was not loaded: .*({reason})"
        ) as refusal:
            load(model, path)
        assert time.thread_time() - begin < 1.0, name
        assert len(str(refusal.value)) < 300, name
        assert str(refusal.value).isprintable(), name
        assert bits(model) == before, name
    print(f"{len(MALFORMED)} malformed model files refused")
    assert len(MALFORMED) >= 25
    out.backward()  # which is not stale: nothing was written
    assert not Path("exploded").exists()
    model.zero_grad()
    model([1.0, 2.0]).backward()
    assert [p.grad for p in model.parameters()] == gradients


def test_a_file_cut_off_anywhere_is_refused(tmp_path):
    model, path = plain(), tmp_path / "model.json"
    content = save(MLP(2, [2, 1], activation="tanh", output="sigmoid"), path).read_bytes()
    before = bits(model)
    for length in range(len(content.rstrip())):
        path.write_bytes(content[:length])
        with pytest.raises(ValueError, match="no JSON"):
            load(model, path)
    assert bits(model) == before


@given(st.data())
def test_a_file_with_any_byte_changed_is_refused_or_right(tmp_path_factory, data):
    model, other = (
        plain(),
        MLP(2, [2, 1], activation="tanh", output="sigmoid", rng=random.Random(3)),
    )
    path = save(other, tmp_path_factory.getbasetemp() / "changed.json")
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    before = bits(model)
    try:
        load(model, path)
    except ValueError:
        assert bits(model) == before
    else:
        groups = json.loads(content)["parameters"].values()
        assert [p.data for p in model.parameters()] == [x for group in groups for x in group]
        assert all(math.isfinite(p.data) for p in model.parameters())


def test_a_parameter_that_is_tied_has_one_number(tmp_path):
    model = MODELS["tied"](1)
    path = save(model, tmp_path / "tied.json")
    found = json.loads(path.read_text())
    found["parameters"]["parameters"][-1] = 2.5
    path.write_text(json.dumps(found))
    before = bits(model)
    with pytest.raises(
        ValueError, match=r"parameters\[9\] is a parameter that was given another number before"
    ):
        load(model, path)
    assert bits(model) == before


def _fifo(path):
    os.mkfifo(path)


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda path: None, FileNotFoundError),
        (Path.mkdir, IsADirectoryError),
        (_fifo, ValueError),
        (lambda path: path.symlink_to("/dev/zero"), ValueError),
        (lambda path: path.symlink_to(path), OSError),
    ],
    ids=["missing", "a folder", "a pipe", "a device", "a link to itself"],
)
def test_what_is_no_file_is_neither_read_nor_waited_for(make, error, tmp_path):
    model, path = plain(), tmp_path / "model.json"
    make(path)
    before = bits(model)
    with pytest.raises(error, match="regular file" if error is ValueError else "model.json"):
        load(model, path)
    assert bits(model) == before


def test_a_name_that_no_file_can_have():
    with pytest.raises(ValueError, match="null"):
        load(plain(), "a\0b")


# Writing. -----------------------------------------------------------------------------------------
@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_a_model_that_is_not_finite_is_not_saved(number, tmp_path):
    model = plain()
    path = save(model, tmp_path / "model.json")
    content = path.read_bytes()
    model.layers[1].neurons[0].w[1].data = number
    with pytest.raises(ValueError, match=rf"layers.1.neurons.0.w\[1\] is {number}"):
        save(model, path)
    assert path.read_bytes() == content
    assert os.listdir(tmp_path) == ["model.json"]


def test_a_save_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    path = save(plain(), tmp_path / "model.json")
    content = path.read_bytes()

    def full(draft, written):
        with open(draft, "wb") as file:
            file.write(written[:100])
        raise OSError(28, "no space left")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="no space"):
        save(MLP(2, [2, 1]), path)
    assert path.read_bytes() == content
    assert os.listdir(tmp_path) == ["model.json"]


@pytest.mark.parametrize(
    "make",
    [Path.mkdir, _fifo, lambda path: path.symlink_to("/dev/null")],
    ids=["a folder", "a pipe", "a device"],
)
def test_what_is_no_file_is_not_replaced(make, tmp_path):
    path = tmp_path / "model.json"
    make(path)
    with pytest.raises(ValueError, match="no file that could be replaced"):
        save(plain(), path)
    assert not path.is_file()
    assert os.listdir(tmp_path) == ["model.json"]


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such folder"):
        save(plain(), tmp_path / "nowhere" / "model.json")


@pytest.mark.parametrize("use", [save, load])
def test_parameters_that_are_computed_are_refused(use, tmp_path):
    model = Scale(1.0, 2.0)
    path = save(model, tmp_path / "model.json")
    model.factors[1] = model.factors[0] * 2
    with pytest.raises(ValueError, match=r"parameters\[1\] is computed, by mul"):
        use(model, path)
    assert model.factors[0].data == 1.0


def test_ctrl_c_falls_before_all_parameters_or_after(tmp_path):
    """Struck at every bytecode in turn, from the first to the last of `load`
    and of what it assigns with.
    """
    old, new = Scale(1.0, 2.0, 3.0), Scale(4.0, 5.0, 6.0)
    path, tracer, seen = save(new, tmp_path / "new.json"), sys.gettrace(), set()
    for last in range(10**5):
        model, left = Scale(1.0, 2.0, 3.0), iter(range(last))

        def trace(frame, event, _, left=left):
            frame.f_trace_opcodes = True
            if (
                event == "opcode"
                and frame.f_code.co_name in ("load", "assign", "_commit")
                and next(left, None) is None
            ):
                raise KeyboardInterrupt
            return trace

        sys.settrace(trace)
        try:
            load(model, path)
            break
        except KeyboardInterrupt:
            pass
        finally:
            sys.settrace(tracer)
            seen.add(tuple(bits(model)))
    assert seen == {tuple(bits(old)), tuple(bits(new))}
    assert last > 50  # the engine in C runs fewer bytecodes
