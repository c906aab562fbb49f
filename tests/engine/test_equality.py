"""`==` and `!=`: with a number they compare data and give a condition;
between Values they mean the very same Value.
"""

import math
import sys
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from micrograd_plus import Value, custom, grad, no_grad, ops, record, value_and_grad

inf, nan = math.inf, math.nan
NUMBERS = (
    0,
    2,
    -1,
    True,
    False,
    0.0,
    -0.0,
    2.0,
    2.5,
    inf,
    -inf,
    nan,
    Fraction(1, 2),
    Fraction(1, 3),
    2**53 + 1,
    np.float64(2.0),
    np.float32(0.1),
    np.int8(2),
    np.uint64(2**63),
    np.bool_(True),
    np.longdouble(2.0),
)
DATA = (
    0.0,
    -0.0,
    1.0,
    2.0,
    2.5,
    0.5,
    1 / 3,
    float(np.float32(0.1)),
    2.0**53,
    2.0**63,
    inf,
    -inf,
    nan,
)


@pytest.mark.parametrize("number", NUMBERS, ids=repr)
@pytest.mark.parametrize("data", DATA)
def test_a_value_equals_a_number_exactly_when_its_data_does(data, number):
    v = Value(data)
    for equal in (v == number, number == v):
        assert bool(equal) is bool(data == number)
    for unequal in (v != number, number != v):
        assert bool(unequal) is bool(data != number)


@given(st.floats(), st.floats())
def test_a_comparison_with_a_float_is_a_recorded_condition(x, y):
    v = Value(x)
    equal, unequal = v == y, v != y
    assert (equal.primitive, unequal.primitive) == (ops.equal, ops.not_equal)
    assert equal.operands[0] is unequal.operands[0] is v
    assert (equal.data, unequal.data) == (float(x == y), float(x != y))
    (ops.where(equal, 3 * v, v)).backward()
    assert v.grad == (3.0 if x == y else 1.0)


@pytest.mark.parametrize(
    "other",
    [
        None,
        "2",
        b"2",
        "",
        (),
        (2.0,),
        [2.0],
        {2.0},
        {},
        object(),
        10**400,
        Fraction(10**400),
        np.str_("2"),
        np.bytes_(b"2"),
    ],
    ids=lambda other: type(other).__name__,
)
def test_what_is_no_number_of_ours_is_simply_unequal(other):
    for v in (Value(2.0), Value(inf), Value(nan)):
        assert (v == other) is False
        assert (other == v) is False
        assert (v != other) is True
        assert (other != v) is True


@pytest.mark.parametrize(
    "other",
    [1j, 2 + 0j, np.complex128(2), Decimal(2), np.array([2.0]), np.ones((2, 2))],
    ids=lambda other: type(other).__name__,
)
def test_what_arithmetic_refuses_is_refused_here_too(other):
    v = Value(2.0)
    for compare in (lambda: v == other, lambda: v != other):
        with pytest.raises(TypeError, match="equal works on numbers and Values, not on"):
            compare()


def test_with_an_array_of_objects_each_is_compared_as_arithmetic_has_it_on_either_side():
    v, w = Value(2.0), Value(2.0)
    values = np.array([v, w, 2.0, 3.0], dtype=object)
    for equal, unequal in ((v == values, v != values), (values == v, values != v)):
        assert list(map(bool, equal)) == [True, False, True, False]
        assert list(map(bool, unequal)) == [False, True, False, True]
    assert grad(lambda x: ops.sum(np.where(x[0] == x, x * x, x).tolist()))(
        np.array([3.0, 5.0])
    ).tolist() == [6.0, 1.0]


def test_an_if_decides_eagerly_and_the_branch_meant_is_differentiated():
    def sinc(x):
        return 1.0 if x == 0 else ops.sin(x) / x

    def tripled(x):
        return 3 * x if x == 2.0 else x

    def kept(x):
        return x if x != 2.0 else 3 * x

    assert value_and_grad(sinc)(0.0) == (1.0, 0.0)
    assert value_and_grad(sinc)(2.0)[0] == math.sin(2.0) / 2.0
    for f in (tripled, kept):
        assert value_and_grad(f)(2.0) == (6.0, 3.0)
        assert value_and_grad(f)(1.0) == (1.0, 1.0)


def test_conditions_are_compared_by_their_data():
    x, y = Value(2.0), Value(3.0)
    assert (x > 1) == (y > 1)
    assert (x > 1) != (y > 5)
    assert ((x > 1) == (y > 1)).primitive is ops.equal
    assert bool((x > 1) == (y > 5)) is False
    assert (x > 1) == 1
    assert (x > 1) == True  # noqa: E712  # that is the point
    assert (x == 2) != (y == 2)


def test_what_follows_for_containers():
    v, p = Value(1.0), Value(1.0)
    assert v in (0, 1)
    assert v not in (0, 2)
    assert v not in {0, 1}
    assert v not in {0: "zero", 1: "one"}
    assert {v: "v"}[v] == "v"
    mixed = [1.0, p]
    mixed.remove(p)
    assert mixed == [p]
    assert v == pytest.approx(1.0)
    assert Value(1.0 + 1e-12) != pytest.approx(1.0)
    assert Value(1.0 + 1e-12).data == pytest.approx(1.0)


def test_a_condition_is_recorded_where_nothing_else_is():
    with no_grad():
        assert Value(2.0) == 2
        assert Value(2.0) != 3
        assert (Value(2.0) == 2).primitive is ops.equal


def test_equality_in_partials_means_the_numbers_on_tapes_too():
    row = custom(
        "hinge_at_two", lambda x: max(x, 2.0), lambda out, x: ops.where(out == 2.0, 0.0, 1.0)
    )
    assert [grad(row)(x) for x in (1.0, 3.0)] == [0.0, 1.0]
    assert record(row, 1.0).gradients([[1.0], [3.0]]).tolist() == [[0.0], [1.0]]
    other = custom(
        "hinge_at_three", lambda x: max(x, 3.0), lambda out, x: ops.where(out != 3.0, 1.0, 0.0)
    )
    assert record(other, 1.0).gradients([[1.0], [4.0]]).tolist() == [[0.0], [1.0]]


def test_the_watch_on_comparisons_would_see_the_package_look_for_a_value_among_numbers():
    """Each test is watched by tests/conftest.py; this one asks it in the package's name."""
    seen = sys.modules["conftest"].COMPARED
    asking = {"__name__": "micrograd_plus.anything", "mixed": [1.0, Value(2.0)], "v": Value(1.0)}
    for question in ("v in mixed", "mixed.index(v)", "mixed.count(v)", "mixed[:].remove(v)"):
        exec(question, dict(asking))
        assert seen[0].startswith("micrograd_plus.anything, line 1: Value(data=1.0")
        seen.clear()
        exec(question, {**asking, "__name__": "a_user_s_program"})
        assert not seen
