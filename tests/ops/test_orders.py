"""Every row to the second order, in all four compositions of the sweeps:
within 8 ulps of mpmath, or a reason why not.
"""

from functools import cache

import pytest
from mpmath import mp, mpf
from oracle import ORACLES
from orders import COMPOSITIONS, SWEEPS, errors, main, measure, true_first, true_second, ulps
from rows import DIFFERENTIABLE

from micrograd_plus import ops

BOUND = 8.0


@cache
def all_errors(row):
    return list(errors(row))


@pytest.mark.parametrize("row", DIFFERENTIABLE, ids=lambda row: row.name)
def test_both_orders_are_right_in_every_mode(row):
    # so many ulps a relative error is at least
    bound = row.bound * 2**52 if row.reason else BOUND
    compositions = set()
    for _, error, operands, positions, sweeps in all_errors(row):
        assert error <= bound, (
            f"{error:.1f} ulps: {' of '.join(sweeps)} of {row.name} in {positions} at {operands}"
        )
        compositions.add(sweeps)
    assert compositions == {*((sweep,) for sweep in SWEEPS), *COMPOSITIONS}


def test_every_exception_is_needed():
    for row in DIFFERENTIABLE:
        if row.reason:
            assert max(error for _, error, *_ in all_errors(row)) > BOUND


def test_the_reference_has_fifty_digits():
    """Against derivatives known in closed form, in a far tail, too."""
    with mp.workdps(450):
        for x in (mpf("0.3"), mpf(-20), mpf(300)):
            t, tanh = mp.tanh(x), ORACLES["tanh"]
            assert abs(true_first(tanh, [x], 0) / mp.sech(x) ** 2 - 1) < mpf("1e-50")
            assert abs(true_second(tanh, [x], 0, 0) / (-2 * t * mp.sech(x) ** 2) - 1) < mpf("1e-50")
        x, y = mpf("0.7"), mpf("-2.5")
        mixed = x ** (y - 1) * (1 + y * mp.log(x))
        assert abs(true_second(mp.power, [x, y], 0, 1) / mixed - 1) < mpf("1e-50")


def test_an_error_counts_in_units_in_the_last_place():
    assert ulps(1.0, mpf(1), mpf(1)) == 0.0
    assert ulps(1.0 + 2**-52, mpf(1), mpf(1)) == 1.0
    assert (
        ulps(float("nan"), mpf(1), mpf(1)) == ulps(1.0, mpf("1e400"), mpf("1e400")) == float("inf")
    )
    assert ulps(float("inf"), mpf("1e400"), mpf("1e400")) == 0.0


def test_only_a_crossing_of_zero_softens_the_measure():
    """The second derivative of x³ + x⁴ crosses zero at -1/2:
    measured by its surroundings there, by itself elsewhere.
    """

    def second(xs):
        return 6 * xs[0] + 12 * xs[0] ** 2

    row = ops.sin
    assert measure(row, second, [mpf(-0.5)]) == (0, 12 * mpf("0.625") ** 2 - 6 * mpf("0.625"))
    assert measure(row, second, [mpf(3)]) == (126, 126)


def test_the_table_of_errors_has_a_line_for_every_row(capsys, monkeypatch):
    monkeypatch.setattr("orders.DIFFERENTIABLE", [ops.mul, ops.sin])
    main()
    header, product, sine = capsys.readouterr().out.splitlines()
    assert header.split()[:3] == ["row", "reverse", "forward"]
    assert (product.split()[0], sine.split()[0]) == ("mul", "sin")
