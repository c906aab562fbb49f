"""The testing kit: no false alarm on what is right, an alarm on every planted fault,
counter-examples of a gate or two.
"""

import math
import random
import sys
import tomllib
from importlib.metadata import EntryPoint

import pytest
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st
from planted import FAULTS, PARTIALS, is_wrong, planted

from micrograd_plus import checkpoint, custom, nn, ops
from micrograd_plus.engine import Value
from micrograd_plus.testing import (
    GradientError,
    NotChecked,
    Precise,
    Program,
    gradcheck,
    graphs,
    reference,
    values,
)

FIXED = settings(
    max_examples=3000,
    database=None,
    derandomize=True,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    # explaining a failure, line by line, takes longer than finding it
    phases=[Phase.generate, Phase.shrink],
)


@pytest.fixture
def own_rows(monkeypatch):
    """Custom rows leave the table when the test is over."""
    monkeypatch.setattr(ops, "TABLE", dict(ops.TABLE))
    monkeypatch.setitem(custom.__globals__, "ops", ops)


def circuit(a, b, c):
    """Twenty gates of many kinds, with shared operands."""
    s = a * b + c
    t = (s.tanh() - 1.5 * a) / (1 + b * b)
    u = (t * s).sigmoid() + ops.logsumexp(a, b, s)
    v = ops.hypot(t, u) * (c - t).exp()
    w = ops.maximum(s, t + 4.0) + ops.where(a > b, u, v)
    return ops.sum(w, v.sin(), w * t)


def test_the_circuit_has_twenty_gates():
    inputs = [Value(x) for x in (0.5, 1.0, 2.0)]
    assert len(Program.of(circuit(*inputs), inputs).instructions) >= 20


@pytest.mark.parametrize("count", [100, pytest.param(1000, marks=pytest.mark.slow)])
def test_no_false_alarm_at_random_points(count):
    rng = random.Random(0)
    alarms = sum(
        is_wrong(circuit, *[rng.uniform(-3.0, 3.0) for _ in range(3)]) for _ in range(count)
    )
    print(f"\n{alarms} false alarms at {count} points")
    assert alarms == 0


@settings(parent=settings(), suppress_health_check=[HealthCheck.too_slow])
@given(graphs())
def test_no_false_alarm_on_any_graph_and_nothing_left_unchecked(program):
    gradcheck(program, *program.inputs)  # a NotChecked warning would be an error here


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_raises_an_alarm(name, monkeypatch):
    with planted(name, monkeypatch):
        row = ops.TABLE[PARTIALS[name][0]] if name in PARTIALS else ops.add
        count = row.arity or 3
        points = [(1.25, 0.5, 2.0), (0.0, 1.5, 2.0), (1.5, 0.0, 2.0)]
        wrong = [
            point
            for point in points
            if is_wrong(lambda *xs: row(*xs[:count]) + 0.25 * xs[0], *point)
        ]
        assert wrong


def test_the_smallest_part_that_is_wrong_is_named_and_drawn(monkeypatch):
    with planted("wrong sign: cos", monkeypatch), pytest.raises(GradientError) as caught:
        gradcheck(lambda x, y: ops.exp(ops.cos(x * y) + x), Value(0.5, label="width"), 2.0)
    error = caught.value
    assert error.program.instructions[0][0].name == "cos"
    assert (error.program.inputs, len(error.program.instructions)) == ((1.0,), 1)
    assert error.part.got == pytest.approx(math.sin(1.0))
    assert error.part.expected == pytest.approx(-math.sin(1.0))
    # as it was when the fault was there
    assert error.subgraph.operands[0].grad == error.part.got
    assert error.difference == abs(error.got - error.expected) > error.tolerance > 0
    assert error.check == "forward mode against the reference"
    facts = [
        "df/dwidth is wrong at width = 0.5, x2 = 2.0",
        repr(error.got),
        repr(error.expected),
        "gate cos",
        "cos(a)",
    ]
    assert all(fact in str(error) for fact in facts)
    assert "cos" in error.picture().svg
    assert error._repr_mimebundle_()["text/plain"] == str(error)


def test_a_fault_of_two_gates_together_is_found_as_such(monkeypatch):
    with planted("= for +=: reverse sweep", monkeypatch), pytest.raises(GradientError) as caught:
        gradcheck(lambda x: ops.exp(x).sin() * x, 0.5)
    assert [row.name for row, _ in caught.value.program.instructions] != ["exp"]
    assert len(caught.value.program.instructions) <= 3


def test_the_tolerance_is_that_of_rounding(own_rows):
    for factor in (1 + 1e-13, 1 - 1e-13):
        reference.ORACLES["nearly_exp"] = lambda x: reference.arithmetic().exp(x)
        nearly = custom("nearly_exp", math.exp, lambda out, x, factor=factor: out * factor)
        assert is_wrong(nearly, 1.0)
        del ops.TABLE["nearly_exp"], reference.ORACLES["nearly_exp"]
    # here rounding alone spoils eight digits of the value
    assert not is_wrong(lambda x: (1 + x) - 1, 1e-9)


@pytest.mark.parametrize(
    ("f", "point", "why"),
    [
        (lambda x: x.relu(), (0.0,), "kink"),
        (lambda x: abs(x) - abs(x), (0.0,), "kink"),
        (lambda x: x.relu() * x, (0.0,), "kink"),
        (ops.maximum, (1.0, 1.0), "tie"),
        (lambda x: x.log(), (0.0,), "not finite"),
        (lambda x: x.sqrt(), (0.0,), "not finite"),
        (lambda x: ops.where(x > 0, ops.log(x), 0), (0.0,), "kink"),
        (lambda x: x.exp(), (1000.0,), "not finite"),
        (lambda x, y: x**y, (-2.0, 3.0), "not finite"),
        (lambda x, y: (x * 3).relu() - ops.relu(x + x + y), (0.1, -0.2), "kink"),
    ],
)
def test_where_nothing_is_defined_nothing_is_compared_and_that_is_said(f, point, why):
    with pytest.warns(NotChecked, match=why):
        gradcheck(f, *point)


@pytest.mark.parametrize(
    ("f", "point"),
    [
        (lambda x, y: x**y, (2.0, 0.0)),
        (ops.hypot, (1e200, 1e200)),
        (lambda x: x.sigmoid(), (40.0,)),
        (lambda x: x.tanh(), (-300.0,)),
        (lambda x: x * x, (0.0,)),
        (lambda x: x * x * x, (0.0,)),
        (lambda x: 3.0, (1.0,)),
        (lambda x: x, (1.0,)),
        (lambda x: x * x if x > 0 else -x, (2.0,)),
        (lambda x: ops.maximum(x, x), (2.0,)),
        (lambda xs, y: [xs[0] * y, xs[1] + y], ([1.0, 2.0], 3.0)),
    ],
)
def test_what_is_right_passes(f, point):
    gradcheck(f, *point)


def test_what_was_computed_apart_from_the_graph_is_found():
    with pytest.raises(GradientError, match=r"constant 7\.38\d+ of this gate moved") as caught:
        gradcheck(lambda x, y: x * y + math.exp(x.data), 2.0, 3.0)
    assert caught.value.program.instructions[0][0] is ops.add


def test_a_shift_that_cancels_may_be_computed_apart():
    def logsumexp(x, y):
        shift = max(x.data, y.data)
        return ops.log(ops.exp(x - shift) + ops.exp(y - shift)) + shift

    gradcheck(logsumexp, 2.0, 3.0)


def test_models_with_their_own_parameters():
    rng = random.Random(0)
    gradcheck(nn.MLP(2, [4, 4, 2], activation="tanh", rng=rng), [0.5, -0.25])
    gradcheck(nn.MLP(10, [3, 1], rng=rng), [rng.uniform(-1, 1) for _ in range(10)])


def test_custom_rows_are_held_against_their_own_primal(own_rows):
    cube = custom("cube", lambda x: x * x * x, lambda out, x: 3.0 * x * x)
    many = custom(
        "many",
        lambda *xs: math.log(math.fsum(map(math.exp, xs))),
        lambda out, *xs: [ops.exp(x - out) for x in xs],
    )
    gradcheck(lambda x, y: many(cube(x.sin()), y, x * y), 0.7, 0.25)
    gradcheck(lambda x, y: checkpoint(lambda a, b: ops.tanh(a * b) + a)(x, y) * y, 0.7, 0.25)
    wrong = custom("wrong", lambda x: x * x * x, lambda out, x: 2.0 * x * x)
    with pytest.raises(GradientError, match="Richardson"):
        gradcheck(lambda x: wrong(x.sin()) * x, 0.7)
    frozen = custom(
        "frozen",
        lambda x: x * x * x,
        lambda out, x: 3.0 * (x.data if isinstance(x, Value) else x) ** 2,
    )
    gradcheck(frozen, 0.7, order=1)
    with pytest.raises(GradientError, match="d² frozen"):
        gradcheck(frozen, 0.7)
    corner = custom("corner", lambda x: max(x, 0.0), lambda out, x: ops.step(x))
    with pytest.warns(NotChecked, match="do not tell"):
        gradcheck(corner, 0.0)


def test_gradcheck_says_what_it_needs():
    with pytest.raises(ValueError, match="order 1 and 2"):
        gradcheck(ops.exp, 1.0, order=3)
    with pytest.raises(ValueError, match="point"):
        gradcheck(ops.exp)


def test_optional_libraries_are_asked_for_by_name(monkeypatch):
    monkeypatch.setitem(sys.modules, "mpmath", None)
    monkeypatch.setitem(sys.modules, "hypothesis", None)
    monkeypatch.setattr(reference, "arithmetic", reference.arithmetic.__wrapped__)
    for use in (lambda: gradcheck(ops.exp, 1.0), values, graphs):
        with pytest.raises(ImportError, match=r'pip install "micrograd-plus\[test\]"'):
            use()


def test_the_reference_knows_every_row_of_the_table():
    assert [row.name for row in ops.primitives() if not reference.has_oracle(row)] == []


@given(graphs(max_operations=8))
def test_a_program_runs_on_floats_values_and_precise_numbers(program):
    number = program.run()
    assert program.run(*map(Value, program.inputs)).data == number
    assert float(program.run(*map(Precise, program.inputs))) == pytest.approx(
        number, rel=1e-9, abs=1e-9
    )
    inputs = [Value(x) for x in program.inputs]
    again = Program.of(program.run(*inputs), inputs)
    assert (again.run(), len(again.instructions)) == (number, len(program.instructions))
    scope = dict(vars(ops))
    exec(repr(program).replace("leaky_relu(", "leaky_relu_row("), scope)
    assert scope["program"]() == number


def test_precise_numbers_have_operators_and_methods():
    x = Precise(0.5)
    exact = (
        1 - 2 * x**2 / (3 + x) + x.tanh().exp() - -abs(x) + (2.0**x if x < 1 <= 1 / x else 0.0 * x)
    )
    y = Value(0.5)
    assert float(exact) == pytest.approx(
        (1 - 2 * y**2 / (3 + y) + y.tanh().exp() + abs(y) + 2.0**y).data, rel=1e-14
    )
    assert float(x > 0) == 1.0
    assert float(x >= 1) == 0.0
    assert float(x - 1) == -0.5
    assert repr(x) == "Precise(0.5)"
    assert not Precise(0.0) * x
    with pytest.raises(AttributeError, match="no row"):
        x.nonsense()


def test_parts_of_a_program_keep_their_shared_operands():
    program = Program((0.5,), ((ops.exp, (0,)), (ops.mul, (1, 1)), (ops.add, (2, 0))))
    assert program.below(2, 1) == Program((math.exp(0.5),), ((ops.mul, (0, 0)),))
    assert program.below(3, 9) == program
    assert [v.label for v in program.graph().operands] == ["", "a"]


@settings(max_examples=200)
@given(graphs())
def test_drawn_points_lie_inside_domains_and_away_from_kinks(program):
    registers = program.registers()
    for row, operands in program.instructions:
        numbers = [registers[o] if type(o) is int else o for o in operands]
        for place, x in enumerate(numbers):
            low, high = row.interval(place)
            assert low < x < high
        assert not row.is_kink(numbers)
    assert all(math.isfinite(x) for x in registers)


@pytest.mark.parametrize("row", ops.primitives(), ids=lambda row: row.name)
def test_every_row_is_drawn_among_others_conditions_too(row):
    drawn = find(
        graphs(max_operations=4, operations=[row, "add", "less", "where"]),
        lambda p: any(gate is row for gate, _ in p.instructions),
        settings=FIXED,
    )
    gradcheck(drawn, *drawn.inputs)
    if row.is_condition:
        chosen = find(
            graphs(max_operations=6, operations=[row, "where"]),
            lambda p: {gate for gate, _ in p.instructions} == {row, ops.where},
            settings=FIXED,
        )
        gradcheck(chosen, *chosen.inputs)


def test_strategies_take_limits_and_refuse_unknown_rows():
    assert find(values(2.0, 3.0, label="w"), lambda v: True, settings=FIXED).data == 2.0
    used = find(
        graphs(operations=["mul", ops.sin], max_operations=3),
        lambda p: len(p.instructions) == 3,
        settings=FIXED,
    )
    assert {row.name for row, _ in used.instructions} <= {"mul", "sin"}
    for wrong in ({"operations": ["nonsense"]}, {"max_operations": 0}):
        with pytest.raises(ValueError, match="graphs needs"):
            graphs(**wrong)


def test_hypothesis_is_told_of_both_types(pytestconfig):
    project = tomllib.loads((pytestconfig.rootpath / "pyproject.toml").read_text(encoding="utf-8"))[
        "project"
    ]
    (hook,) = project["entry-points"]["hypothesis"].values()
    EntryPoint("micrograd_plus", hook, "hypothesis").load()()
    assert isinstance(find(st.from_type(Value), lambda v: True, settings=FIXED), Value)
    assert isinstance(find(st.from_type(Program), lambda p: True, settings=FIXED), Program)


def shrunken(name, monkeypatch, **options):
    """How many gates the counter-example to a planted fault has."""
    with planted(name, monkeypatch):
        program = find(
            graphs(**options),
            lambda p: is_wrong(p, *p.inputs),
            settings=FIXED,
            random=random.Random(0),
        )
    return len(program.instructions)


def test_a_counter_example_shrinks_to_one_gate(monkeypatch):
    assert (
        shrunken(
            "wrong sign: sub",
            monkeypatch,
            operations=["add", "sub", "mul", "tanh"],
            max_operations=8,
        )
        == 1
    )


@pytest.mark.slow
def test_nine_of_ten_counter_examples_shrink_to_two_gates(monkeypatch):
    sizes = {name: shrunken(name, monkeypatch, max_operations=10) for name in FAULTS}
    score = sum(size <= 2 for size in sizes.values())
    print(f"\n{score} of {len(sizes)} counter-examples shrink to two gates or fewer: {sizes}")
    assert score >= 0.9 * len(sizes)


@pytest.mark.parametrize(
    "f", [lambda *z: ops.softmax(z)[0], lambda *z: ops.minimum(1.0, ops.softmax(z)[0])]
)
def test_gradcheck_compares_softmax_which_asks_whether_numbers_are_infinite(f):
    # a warning that something was not checked would be an error here
    gradcheck(f, 2.0, 1.0, -3.0)
