"""Remainders, signs, angles, and logarithms and lengths of several numbers:
Python's values, and slopes that go through.
"""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from micrograd_plus import Value, grad, ops, record

finite = st.floats(allow_nan=False, allow_infinity=False)


@given(finite, finite.filter(bool))
def test_percent_and_fmod_are_python_s_to_the_bit(x, y):
    assert math.copysign(1.0, ops.mod(x, y)) == math.copysign(1.0, x % y)
    assert (ops.mod(x, y), ops.fmod(x, y)) == (x % y, math.fmod(x, y))
    for out in (Value(x) % y, x % Value(y), Value(x) % Value(y)):
        assert out.primitive is ops.mod
        assert out.data == x % y


def test_a_remainder_by_zero_is_nan():
    assert math.isnan(ops.mod(1.0, 0.0))
    assert math.isnan(ops.fmod(1.0, 0.0))
    assert math.isnan((Value(1.0) % 0).data)


@pytest.mark.parametrize(
    ("x", "y"), [(7.5, 2.0), (-7.5, 2.0), (7.5, -2.0), (-7.5, -2.0), (0.25, 1.0), (1e9 + 0.5, 3.0)]
)
def test_the_slopes_of_a_remainder_are_1_and_minus_the_whole_quotient(x, y):
    assert grad(ops.mod, (0, 1))(x, y) == (1.0, -math.floor(x / y))
    assert grad(ops.fmod, (0, 1))(x, y) == (1.0, -math.trunc(x / y))
    assert grad(grad(ops.mod, 1), 1)(x, y) == 0.0


@given(finite, finite)
def test_copysign_is_python_s(x, y):
    assert ops.copysign(x, y) == math.copysign(x, y)
    if x and y:
        assert grad(ops.copysign, (0, 1))(x, y) == (
            math.copysign(1.0, x) * math.copysign(1.0, y),
            0.0,
        )


@given(finite)
def test_angles_and_floors_are_python_s(x):
    assert ops.degrees(x) == math.degrees(x)
    assert ops.radians(x) == math.radians(x)
    assert ops.floor(x) == math.floor(x)
    assert grad(ops.degrees)(x) == 180 / math.pi
    assert grad(ops.floor)(x) == 0.0


def test_a_logarithm_to_a_base_is_python_s_and_has_slopes_in_both():
    for x, base in ((8.0, 2.0), (100.0, 10.0), (0.3, 7.0)):
        assert ops.log(x, base) == math.log(x, base)
        assert ops.log(Value(x), base).data == ops.log(x, Value(base)).data == math.log(x, base)
        slopes = grad(ops.log, (0, 1))(x, base)
        assert slopes == pytest.approx(
            (1 / (x * math.log(base)), -math.log(x) / (base * math.log(base) ** 2)), rel=1e-14
        )
    assert ops.log(8.0) == math.log(8.0)
    assert record(ops.log, 0.5)(2.0) == math.log(2.0)


def test_a_hypotenuse_of_several_neither_overflows_nor_forgets():
    assert ops.hypot() == 0.0
    assert ops.hypot(-3.0) == 3.0
    assert ops.hypot(2.0, 3.0, 6.0) == 7.0
    assert ops.hypot(2e200, 3e200, 6e200) == pytest.approx(7e200, rel=1e-15)
    found = grad(ops.hypot, (0, 1, 2))(2.0, 3.0, 6.0)
    assert found == pytest.approx((2 / 7, 3 / 7, 6 / 7), rel=1e-15)


def test_numpy_s_names_are_rows_too():
    v = Value(7.5)
    assert np.mod(v, 2.0).primitive is np.remainder(v, 2.0).primitive is ops.mod
    assert np.fmod(v, 2.0).primitive is ops.fmod
    assert np.degrees(v).primitive is np.rad2deg(v).primitive is ops.degrees
    assert np.floor(v).primitive is ops.floor
    assert np.copysign(v, -1.0).primitive is ops.copysign
