"""The table against mathematics: every row's value, slopes and second derivatives, inside its
domain and in its tails.

A new row is tested by existing: it fails here until the reference knows it.
"""

from functools import partial

import pytest
from mpmath import mp, mpf
from oracle import ORACLES, is_close, random_points, smooth_points, true_slope
from rows import DIFFERENTIABLE, ROWS, by_name, recorded, slopes

from micrograd_plus import Value, ops
from micrograd_plus.ops import EIGHT_ROUNDINGS


@pytest.fixture(autouse=True)
def _many_digits():
    with mp.workdps(1500):
        yield


def test_every_row_has_an_oracle_and_every_oracle_a_row():
    assert set(ORACLES) == {row.name for row in ROWS}


@by_name(ROWS)
def test_values_and_slopes_err_by_less_than_eight_roundings_or_for_a_reason(row):
    assert (row.bound == EIGHT_ROUNDINGS == 8 * 2.0**-53) == (row.reason == "")
    assert row.bound <= 3e-13


@by_name(ROWS)
def test_values_equal_mathematics(row):
    for operands in smooth_points(row):
        got, true = row(*operands), ORACLES[row.name](*map(mpf, operands))
        assert is_close(got, true, row.bound), (
            f"{row.name}{operands} is {mp.nstr(true, 17)}, not {got}"
        )


@by_name(DIFFERENTIABLE)
def test_slopes_equal_mathematics(row):
    for operands in smooth_points(row):
        for position, got in enumerate(slopes(row, operands)):
            if row.role(position) == "index":  # a jump away from one there is no value
                assert got == 0.0
                continue
            true = true_slope(ORACLES[row.name], operands, position)
            assert is_close(got, true, row.bound), (
                f"slope {position} of {row.name}{operands} is {mp.nstr(true, 17)}, not {got}"
            )


@by_name(DIFFERENTIABLE)
def test_second_derivatives_equal_mathematics_and_are_symmetric(row):
    """Partials are made of rows, so differentiating them once more needs no new rule,
    and may not break one.
    """
    for operands in random_points(row, count=3):
        out, leaves = recorded(row, operands)
        smooth = [i for i in range(len(operands)) if row.role(i) != "index"]
        partials = row.slopes(out, *leaves)
        for i in smooth:
            seconds = second_slopes(partials[i], leaves)
            true_first = partial(lambda i, *xs: true_slope(ORACLES[row.name], xs, i), i)
            true_seconds = [float(true_slope(true_first, operands, j)) for j in smooth]
            assert [seconds[j] for j in smooth] == pytest.approx(
                true_seconds, rel=1e-12, abs=1e-12
            ), operands


def test_the_mixed_second_derivative_of_a_power_at_exponent_zero():
    """It is 1/x whichever operand comes first; a guard on y == 0 would make it 0 one way."""
    for i, j in ((0, 1), (1, 0)):
        out, leaves = recorded(ops.pow, (2.0, 0.0))
        assert second_slopes(ops.pow.slopes(out, *leaves)[i], leaves)[j] == 0.5


def second_slopes(slope, leaves):
    for leaf in leaves:
        leaf.grad = 0.0
    (Value(0.0) + (0.0 if slope is None else slope)).backward()
    return [leaf.grad for leaf in leaves]
