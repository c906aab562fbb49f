"""A recorded graph: what its outputs are, that they are Python's, and what is refused."""

import json
import math

import numpy as np
import pytest
from browser_arithmetic import same_bits
from recordings import ROWS, drawn, leaves_below, wild

from micrograd_plus import checkpoint, custom, ops
from micrograd_plus.autodiff import grad
from micrograd_plus.engine import Value
from micrograd_plus.player.recording import Place, recorded
from micrograd_plus.tape.executors.python import Replay


def replayed(recording, point=None):
    """What the program gives, by place."""
    point = [leaf.data for leaf in recording.leaves] if point is None else point
    numbers = Replay(recording.program).point(point, np.array([]))
    return dict(zip(recording.places, numbers))


def by_place(recording):
    return dict(zip(recording.places, recording.numbers))


def circuit():
    a, b = Value(2.0, label="a"), Value(-3.0, label="b")
    return a, b, a * b + a


def test_every_number_of_a_small_circuit_by_hand():
    a, b, root = circuit()
    recording = recorded(root, [a, b], wrt=a)
    assert [v.label for v in recording.nodes] == ["a", "b", "", ""]
    expected = {
        "values": [2.0, -3.0, -6.0, -4.0],
        "gradients": [-2.0, 2.0, 1.0, 1.0],
        "locals": [[], [], [-3.0, 2.0], [1.0, 1.0]],
        "contributions": [[], [], [-3.0, 2.0], [1.0, 1.0]],
        "tangents": [1.0, None, -3.0, -2.0],
        "pushed": [[], [], [-3.0, None], [-3.0, 1.0]],
    }
    plain = recording.as_json()

    def found(entry):
        if isinstance(entry, list):
            return [found(e) for e in entry]
        return None if entry is None else plain["numbers"][entry]

    assert {kind: found(entries) for kind, entries in plain["outputs"].items()} == expected
    assert plain["point"] == [2.0, -3.0]
    assert plain["program"]["inputs"] == 2
    assert replayed(recording) == by_place(recording)


def test_without_wrt_there_are_no_tangents():
    a, b, root = circuit()
    kinds = recorded(root, [a, b]).as_json()["outputs"]
    assert list(kinds) == ["values", "gradients", "locals", "contributions"]


def test_the_program_follows_when_a_leaf_moves():
    a, b, root = circuit()
    found = replayed(recorded(root, [a, b]), [5.0, 7.0])
    assert found[Place("values", 3)] == 40.0
    assert found[Place("gradients", 0)] == 8.0


def test_a_leaf_that_does_not_move_is_a_constant_and_has_its_gradient():
    _, b, root = circuit()
    recording = recorded(root, [b])
    assert recording.program.inputs == 1
    assert replayed(recording, [7.0])[Place("gradients", 0)] == 8.0


@pytest.mark.parametrize("seed", range(60))
def test_the_program_has_python_s_numbers_to_the_last_bit_here_and_elsewhere(seed):
    program = drawn(seed)
    leaves = [Value(x) for x in program.inputs]
    root = program.run(*leaves)
    if not isinstance(root, Value):
        return
    here = recorded(root, leaves, wrt=leaves[0])
    assert same_bits([*replayed(here).values()], here.numbers).all()
    for leaf in leaves:
        leaf.data = 0.5 * leaf.data - 1.0  # over kinks, and out of domains
    there = recorded(root.forward(), leaves, wrt=leaves[0])
    assert there.places == here.places
    assert same_bits([*replayed(here, [v.data for v in leaves]).values()], there.numbers).all()


@pytest.mark.parametrize("seed", range(60))
def test_wild_graphs_too(seed):
    root = wild(seed, ROWS)
    leaves = leaves_below(root)
    recording = recorded(root, leaves, wrt=leaves[-1])
    assert same_bits([*replayed(recording).values()], recording.numbers).all()


@pytest.mark.parametrize("seed", range(40))
def test_a_gradient_is_what_arrives_and_a_wire_carries_local_times_gradient(seed):
    root = wild(seed, [ops.add, ops.mul, ops.tanh, ops.maximum, ops.where, ops.dot_row])
    recording = recorded(root, leaves_below(root))
    numbers = by_place(recording)
    arrived = {root: 1.0}  # a node that is not among these passes nothing on
    for i, v in reversed([*enumerate(recording.nodes)]):
        assert same_bits(numbers.get(Place("gradients", i), 0.0), arrived.get(v, 0.0))
        for place, operand in enumerate(v.operands):
            local = numbers.get(Place("locals", i, place))
            is_off = local is None or (v.primitive.gate == "routes" and local == 0.0)
            if v not in arrived or is_off:
                assert numbers.get(Place("contributions", i, place), 0.0) == 0.0
            else:
                through = numbers[Place("contributions", i, place)]
                assert same_bits(through, arrived[v] * local)
                arrived[operand] = arrived.get(operand, -0.0) + through


def test_what_a_gate_does_not_take_passes_nothing_not_even_nan():
    x = Value(2.0)
    root = ops.where(x > 1.0, x * x, ops.log(x - 1.0) / (x - x))
    recording = recorded(root, [x])
    where = len(recording.nodes) - 1
    plain = recording.as_json()
    assert plain["routes"] == [where]
    assert plain["outputs"]["locals"][where][0] is None  # the condition
    assert plain["outputs"]["gradients"][recording.nodes.index(root.operands[0])] is None
    for point, slope in ((2.0, 4.0), (0.5, math.nan)):
        assert same_bits(replayed(recording, [point])[Place("gradients", 0)], slope)
    off = replayed(recording)
    assert off[Place("locals", where, 2)] == off[Place("contributions", where, 2)] == 0.0


def test_a_row_of_one_s_own_is_named_and_python_s_numbers_are_there():
    cube = custom("cube_of_the_player", lambda x: x**3, lambda out, x: 3 * x**2 if x > 0 else 0.0)
    x = Value(2.0)
    recording = recorded(cube(x) * 2.0, [x], wrt=x)
    assert (recording.program, recording.missing) == (None, ["cube_of_the_player"])
    assert by_place(recording)[Place("gradients", 0)] == 24.0
    assert by_place(recording)[Place("tangents", 2)] == 24.0
    assert recording.as_json()["program"] is None


def test_a_function_in_one_gate_is_one_node():
    f = checkpoint(lambda x, y: ops.sin(x) * y + y)
    x, y = Value(0.5), Value(2.0)
    recording = recorded(f(x, y) * x, [x, y])
    assert len(recording.nodes) == 4
    assert replayed(recording) == by_place(recording)
    slope = grad(lambda x: (ops.sin(x) * 3.0 + 3.0) * x)(0.25)
    assert replayed(recording, [0.25, 3.0])[Place("gradients", 0)] == pytest.approx(slope, 1e-14)


def test_plain_data_is_json_with_every_number():
    x = Value(-0.0)
    recording = recorded((x * math.inf + math.nan) * -0.0 + ops.log(x), [x])
    plain = recording.as_json()
    again = json.loads(json.dumps(plain, allow_nan=False))
    assert again == plain
    read = [float(number) for number in again["numbers"]]
    assert same_bits(read, recording.numbers).all()
    assert {"inf", "nan"} <= set(map(str, again["program"]["constants"]))


def test_a_small_circuit_is_small_and_a_deep_one_no_trouble():
    x, y = Value(0.5), Value(1.5)
    root = ops.sigmoid(x * y + ops.tanh(x) * y - 1.0) * ops.exp(-x) + y * y
    program = json.dumps(recorded(root, [x, y]).as_json()["program"], separators=(",", ":"))
    assert len(program) < 2_000
    deep = x
    for _ in range(3_000):
        deep = ops.sin(deep) + y
    recording = recorded(deep, [x, y])
    assert len(recording.nodes) == 6_002
    assert replayed(recording) == by_place(recording)


def test_what_cannot_be_recorded_is_refused():
    a, b, root = circuit()
    for leaves in ([a, a], [root]):
        with pytest.raises(ValueError, match="different leaves"):
            recorded(root, leaves)
    with pytest.raises(ValueError, match="no part of the graph"):
        recorded(root, [a], wrt=Value(1.0))
    a.data = 3.0
    with pytest.raises(ValueError, match="edited"):
        recorded(root, [a, b])
