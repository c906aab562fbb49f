"""Strategies for arrays: forms, dtypes and limits, away from kinks and ties; how they shrink."""

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from micrograd_plus.testing import GradientError, arrays, check_gradient, points

KINDS = st.sampled_from(["float16", "float32", "float64"])


@given(arrays(dtype=KINDS, min_value=-2, max_value=3, kinks=[0.0, 1.0]))
def test_arrays_stay_within_limits_and_away_from_kinks(x):
    assert x.dtype.kind == "f"
    assert np.all((x >= -2) & (x <= 3))
    assert np.all(np.abs(x) >= 0.05)
    assert np.all(np.abs(x - 1.0) >= 0.05)


@given(arrays(shape=(2, 5), apart=True))
@settings(max_examples=30)
def test_numbers_keep_apart_so_that_no_maximum_is_a_tie(x):
    assert np.min(np.diff(np.sort(x, axis=None))) >= 0.05
    assert check_gradient(np.max, lambda x: (x == x.max()) * 1.0, x)


@given(arrays(shape=(3,), smooth=lambda x: np.sum(np.abs(x) + 1 / x)))
@settings(max_examples=20)
def test_points_of_a_function_are_where_it_is_smooth(x):
    assert np.all(x != 0.0)


LIKE = {"W": np.ones((2, 3), np.float32), "b": (np.ones(2), 1.0), "labels": np.array([1, 2])}


@given(points(LIKE, min_value=0.5, max_value=2.0))
@settings(max_examples=20)
def test_points_have_the_form_of_another(x):
    assert x["W"].shape == (2, 3)
    assert x["W"].dtype == np.float32
    assert x["b"][0].shape == (2,)
    assert type(x["b"][1]) is float
    assert x["labels"] is LIKE["labels"]
    assert 0.5 <= x["b"][1] <= 2.0


@given(points([1.0, 2.0], smooth=lambda x: abs(x[0] - x[1])))
@settings(max_examples=10)
def test_a_tree_may_have_to_be_smooth_as_a_whole(x):
    assert x[0] != x[1]


def test_a_failure_shrinks_to_the_component_that_it_takes():
    failing = []

    def gradient(x):
        found = 3 * x**2
        found[2:] *= 2.0
        return found

    @settings(derandomize=True, database=None, deadline=None, phases=[Phase.generate, Phase.shrink])
    @given(arrays(shape=st.integers(1, 8).map(lambda n: (n,)), kinks=[0.0]))
    def test(x):
        try:
            check_gradient(lambda x: np.sum(x**3), gradient, x)
        except GradientError:
            failing.append(x)
            raise

    with pytest.raises(GradientError, match=r"d f / d x\[2\]"):
        test()
    assert failing[-1].tolist() == [1.0, 1.0, 1.0]


def test_there_are_a_quick_and_a_thorough_profile():
    assert settings.get_profile("gradients-quick").max_examples == 25
    assert settings.get_profile("gradients-thorough").max_examples == 2000


@pytest.mark.parametrize(
    ("call", "error", "told"),
    [
        (lambda: arrays(min_value=1, max_value=1), ValueError, "below max_value"),
        (lambda: arrays(min_value="a"), TypeError, "min_value is a number"),
        (lambda: points({"a": [1, "b"]}, min_value=2, max_value=1), ValueError, "below"),
        (lambda: points(["a"]), TypeError, "no real number"),
        (lambda: arrays(dtype=np.int64).example(), ValueError, "dtype is one of"),
    ],
)
@pytest.mark.filterwarnings("ignore::hypothesis.errors.NonInteractiveExampleWarning")
def test_what_draws_nothing_is_refused(call, error, told):
    with pytest.raises(error, match=told):
        call()
