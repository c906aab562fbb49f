"""gradcheck where little is left of what cancels: rounding is no fault, and a fault is one."""

import math
import warnings

import pytest
from cancelling import FAMILIES, LENSES, cancelling, false_alarms
from planted import FAULTS, PARTIALS, is_wrong, planted

from micrograd_plus import checkpoint, custom, ops
from micrograd_plus.testing import GradientError, NotChecked, gradcheck, reference


def less_their_mean(*xs):
    return ops.sum([x - ops.sum(xs) / len(xs) for x in xs])


def shifted_softmax(*xs):
    exps = [ops.exp(x - 2.0) for x in xs]
    return ops.softmax(xs)[0] - exps[0] / ops.sum(exps)


def expanded(x):
    """(x - 1)³ (x - 1/3) with its terms apart."""
    return ops.sum(x**4, -10 / 3 * x**3, 4 * x * x, -2 * x, 1 / 3)


@pytest.mark.parametrize(
    ("f", "point"),
    [
        (lambda x: x / 3 + x / 3 + x / 3 - x, (1.0,)),
        (lambda x: 0.1 * x + 0.2 * x - 0.3 * x, (1.0,)),
        (less_their_mean, (1.0, 2.0, 3.0)),
        (less_their_mean, tuple(range(1, 13))),
        (lambda *xs: [x - ops.sum(xs) / 3 for x in xs], (1.0, 2.0, 4.0)),
        (lambda x, y: x / y * y - x, (1.0, 49.0)),
        (lambda x: ops.exp2(x) - 2.0**x, (0.7,)),
        (lambda x: ops.log10(x) - ops.log(x) / math.log(10), (3.0,)),
        (lambda x: ops.sin(x) ** 2 + ops.cos(x) ** 2 - 1, (0.7,)),
        (
            lambda *xs: ops.logsumexp(*[x + 10 for x in xs]) - ops.logsumexp(*xs) - 10,
            (0.1, 2.0, 3.0),
        ),
        (shifted_softmax, (0.1, 2.0, 3.0)),
        (expanded, (1.0,)),
        (expanded, (1.0 + 1e-9,)),
        (expanded, (1 / 3,)),
        (checkpoint(lambda x: x / 3 + x / 3 + x / 3 - x), (1.0,)),
        (lambda x: ((x + 1e16) - 1e16 - x) * 1e16, (0.7,)),
        (lambda x: ops.tanh(1e16 * (x * 3 / 3 - x)), (0.1,)),
        (lambda x: (0.1 * x + 0.2 * x - 0.3 * x) ** 2 * 1e30, (1.0,)),
    ],
)
def test_rounding_of_what_cancels_is_no_fault(f, point):
    gradcheck(f, *point)  # a warning that something was not checked would be an error here


@pytest.mark.parametrize(
    "f",
    [
        ops.sqrt,
        ops.cbrt,
        ops.relu,
        lambda d: ops.log(d * d),
        lambda d: 1 / d,
        lambda d: abs(d) ** 0.5,
        lambda d: (-2.0) ** d,
        lambda d: ops.atan2(d, d),
        lambda d: ops.hypot(d, d),
        lambda d: ops.asin(1 - d),
    ],
)
@pytest.mark.parametrize(
    "cancel",
    [lambda x: x / 3 + x / 3 + x / 3 - x, lambda x: 0.1 * x + 0.2 * x - 0.3 * x, lambda x: x - x],
)
def test_what_is_no_number_or_any_number_where_all_cancels_is_said_to_be_unchecked(f, cancel):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        gradcheck(lambda x: f(cancel(x)), 1.0)
    assert {w.category for w in caught} <= {NotChecked}


@pytest.mark.parametrize("count", [25, pytest.param(3000, marks=pytest.mark.slow)])
def test_no_false_alarm_where_most_of_a_function_cancels(count):
    wrong, in_part = false_alarms(range(count))
    print(
        f"\n{len(wrong)} false alarms at {count} functions that cancel, "
        f"{in_part} of them compared in part"
    )
    assert not {seed: error.failure for seed, error in wrong.items()}


def test_the_functions_that_cancel_are_of_many_kinds():
    assert len(FAMILIES) >= 5
    assert len(LENSES) >= 40
    f, point = cancelling(7)
    again, same = cancelling(7)
    assert (f(*point), point) == (again(*same), same)


@pytest.mark.parametrize("seed", [104, 250, 367, 405, 548, 1133, 1403, 2343, 2767])
def test_no_false_alarm_at_functions_that_once_raised_one(seed):
    wrong, _ = false_alarms([seed])
    assert not {seed: error.failure for seed, error in wrong.items()}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_beside_what_cancels_is_found(name, monkeypatch):
    with planted(name, monkeypatch):
        row = ops.TABLE[PARTIALS[name][0]] if name in PARTIALS else ops.add
        count = row.arity or 3

        def f(*xs):
            rest = xs[0] / 3 + xs[0] / 3 + xs[0] / 3 - xs[0]
            return (row(*xs[:count]) + 1e6) - 1e6 + 0.25 * xs[0] + rest

        assert any(
            is_wrong(f, *point) for point in [(1.25, 0.5, 2.0), (0.0, 1.5, 2.0), (1.5, 0.0, 2.0)]
        )


@pytest.mark.parametrize(
    ("name", "f"),
    [
        ("wrong sign: cos", lambda x: ops.sin(x) ** 2 + ops.cos(x) ** 2 - 1),
        ("wrong sign: sub", lambda x: ops.sub(x / 3 + x / 3 + x / 3, x)),
        ("missing factor: exp2", lambda x: ops.exp2(x) - 2.0**x),
        ("missing factor: sqrt", lambda x: ops.sqrt(x) ** 2 - x),
        (
            "missing share: logsumexp",
            lambda x: ops.logsumexp(x, 2 * x) - ops.log(ops.exp(x) + ops.exp(2 * x)),
        ),
        ("wrong operand: mul", lambda x: ops.mul(x, 3.0) - x - 2 * x),
        ("= for +=: reverse sweep", lambda x: x / 3 + x / 3 + x / 3 - x),
        ("second order only: tanh", lambda x: ops.tanh(x) - (2 * ops.sigmoid(2 * x) - 1)),
    ],
)
@pytest.mark.parametrize(
    "lens",
    [
        lambda d: d,
        lambda d: 1e16 * d,
        lambda d: ops.tanh(1e16 * d),
        lambda d: ops.softplus(1e8 * d),
    ],
)
def test_a_fault_in_what_cancels_is_found_however_rounding_is_magnified(name, f, lens, monkeypatch):
    with planted(name, monkeypatch):
        assert is_wrong(lambda x: lens(f(x)), 0.7)


def test_a_fault_is_found_without_rounding_where_rounding_may_explain_anything(monkeypatch):
    with (
        planted("wrong sign: cos", monkeypatch),
        pytest.raises(GradientError, match="without rounding") as caught,
    ):
        gradcheck(lambda x: ops.sin(1e17 * (ops.sin(x) ** 2 + ops.cos(x) ** 2 - 1)), 0.6)
    assert caught.value.difference > caught.value.tolerance


def test_rows_with_an_oracle_may_cancel_too_and_those_without(monkeypatch):
    third = custom("third", lambda x: x / 3, lambda out, x: 1 / 3)
    gradcheck(lambda x: third(x) + third(x) + third(x) - x, 1.0)
    monkeypatch.setitem(reference.ORACLES, "third", lambda x: x / 3)
    gradcheck(lambda x: third(x) + third(x) + third(x) - x, 1.0)
    two_thirds = custom("third", lambda x: x / 3, lambda out, x: 2 / 3)
    assert is_wrong(lambda x: two_thirds(x) + two_thirds(x) + two_thirds(x) - x, 1.0)


# Very large and very small numbers. ---------------------------------------------------------------
@pytest.mark.parametrize("x", [1e-310, 1e-200, -1e-20, 1e20, -1e200, 1.7e308])
def test_a_wrong_rule_is_found_beside_numbers_of_any_size(x, monkeypatch):
    for f in (lambda x: ops.sin(x) + 1, lambda x: ops.cos(x) * 2):
        gradcheck(f, x)
    with planted("wrong sign: cos", monkeypatch):
        assert is_wrong(lambda x: ops.cos(x) * 1e-3, x)


ODD = (
    5e-324,
    -1e-310,
    2.0**-1022,
    1e-200,
    -1e-8,
    0.0,
    -0.0,
    1e8,
    -1e200,
    1.7976931348623157e308,
    math.inf,
    -math.inf,
    math.nan,
)


@pytest.mark.parametrize("row", ops.primitives(), ids=lambda row: row.name)
def test_no_false_alarm_at_the_edges_of_a_row_nor_at_odd_numbers(row):
    count = row.arity or 3
    points = [operands for operands, _, _ in row.edges]
    points += [
        tuple(ODD[(i + 4 * place) % len(ODD)] for place in range(count))
        for i in range(0, len(ODD), count)
    ]
    ends = [*row.kinks_of(0), *filter(math.isfinite, row.interval(0))]
    points += [(end, *(0.7,) * (count - 1)) for end in ends]
    for point in points:
        for f in (row, lambda *xs: row(*xs) * xs[0] + 0.5 * xs[-1]):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", NotChecked)  # but any other warning is an error
                gradcheck(f, *point)


def test_what_cancels_beside_very_large_numbers_is_no_fault():
    for f in (
        lambda x: (x + 1e200) - 1e200,
        lambda x: (x * 1e150) ** 2 - (x * 1e150) * (x * 1e150),
        lambda x: x * 1e300 - x * 1e300,
        lambda x: (x * 1e-300 + x * 1e-10) - x * 1e-10,
        lambda x: ops.tanh((x + 1e100) - 1e100 - x),
    ):
        gradcheck(f, 1.0)
        gradcheck(f, 0.3)


def test_a_number_that_overflows_on_the_way_is_said():
    for f, x in ((lambda x: ops.log(x) * x, 5e-324), (lambda x: x * 1e-300 * 1e200 * 1e200, 1.0)):
        with pytest.warns(NotChecked, match="beyond the range of floats"):
            gradcheck(f, x, order=1)
    with pytest.warns(NotChecked, match="f is not finite"):
        gradcheck(lambda x: ops.exp(x) / ops.exp(x), 800.0)


# Kinks. -------------------------------------------------------------------------------------------
def test_what_is_defined_beside_a_kink_is_still_compared(monkeypatch):
    def f(x, y):
        return ops.relu(x) + ops.cos(y)

    with pytest.warns(NotChecked, match="kink"):
        gradcheck(f, 0.0, 1.0)
    with planted("wrong sign: cos", monkeypatch):
        assert is_wrong(f, 0.0, 1.0)
        assert is_wrong(lambda x, y: abs(x) * 2 + ops.cos(y) * y, 0.0, 1.0)


@pytest.mark.parametrize(
    "f", [lambda x: ops.relu(x * x), lambda x: ops.maximum(x * x, -x * x), lambda x: abs(x**3) * x]
)
def test_where_a_kink_is_smoothed_the_second_derivative_is_not_held_against_the_rules(f):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        gradcheck(f, 0.0)
    assert {w.category for w in caught} <= {NotChecked}


def test_that_python_takes_another_branch_nearby_is_said():
    def f(x):
        return 3 * x if x == 2.0 else x

    with pytest.warns(NotChecked, match="another branch"):
        gradcheck(f, 2.0)
    gradcheck(f, 1.0)


@pytest.mark.parametrize("row", [ops.exp, ops.maximum])
def test_a_checkpoint_is_checked_inside_whatever_its_name(row, monkeypatch):
    def named(x):
        return ops.cos(x) * x

    named.__name__ = row.name
    gradcheck(lambda x: checkpoint(named)(x) * 2, 0.7)
    with planted("wrong sign: cos", monkeypatch), pytest.raises(GradientError) as caught:
        gradcheck(lambda x: checkpoint(named)(x) * 2, 0.7)
    assert f"gate {row.name}" in str(caught.value)


@pytest.mark.parametrize("row", [ops.fmod, ops.mod], ids=["fmod", "mod"])
@pytest.mark.parametrize(("x", "y"), [(0.0, -2.0), (0.0, 2.0), (math.log(3.0), -2.0)])
def test_halfway_between_two_kinks_there_is_none(row, x, y):
    gradcheck(lambda a, b: row(ops.exp(a), b), x, y)
