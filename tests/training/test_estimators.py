"""Networks as scikit-learn has them: its own checks of estimators, and what they learn."""

import copy
import pickle
import sys

import numpy as np
import pytest
from sklearn.datasets import load_digits, load_iris
from sklearn.exceptions import NotFittedError
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from micrograd_plus.training.estimators import Classifier, Regressor


@parametrize_with_checks(
    [
        Classifier(hidden=(8,), epochs=30, learning_rate=0.05, random_state=0),
        Regressor(hidden=(8,), epochs=30, learning_rate=0.05, random_state=0),
    ]
)
def test_scikit_learn_s_own_checks(estimator, check):
    check(estimator)


def test_digits_are_learned_to_97_percent_on_a_held_out_quarter():
    points, classes = load_digits(return_X_y=True)
    train, test, of_train, of_test = train_test_split(
        points / 16, classes, test_size=0.25, random_state=0
    )
    model = Classifier(learning_rate=0.003, epochs=60, random_state=0).fit(train, of_train)
    assert model.score(test, of_test) >= 0.97
    assert np.allclose(model.predict_proba(test).sum(axis=1), 1.0)
    assert (model.classes_[model.predict_proba(test).argmax(axis=1)] == model.predict(test)).all()


def test_they_work_in_pipelines_and_searches():
    points, classes = load_iris(return_X_y=True)
    named = np.array(["setosa", "versicolor", "virginica"])[classes]
    search = GridSearchCV(
        make_pipeline(StandardScaler(), Classifier(epochs=40, learning_rate=0.02, random_state=0)),
        {"classifier__hidden": [(4,), (8,)]},
        cv=2,
    ).fit(points, named)
    assert search.best_score_ > 0.9
    assert set(search.predict(points)) <= set(named)


def test_a_seed_fixes_everything_and_early_stopping_is_heard():
    rng = np.random.default_rng(0)
    points = rng.normal(size=(60, 2))
    numbers = points[:, 0] * points[:, 1] + 100
    found = [
        Regressor(early_stopping=5, epochs=300, random_state=3, learning_rate=0.02).fit(
            points, numbers
        )
        for _ in range(2)
    ]
    assert found[0].predict(points).tolist() == found[1].predict(points).tolist()
    assert found[0].history_.stopped == "early stopping"
    assert found[0].n_iter_ == len(found[0].history_.validation_losses)
    assert found[0].score(points, numbers) > 0.5


@pytest.mark.parametrize("kind", [Classifier, Regressor])
@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"hidden": 16}, TypeError, r"hidden has the sizes .* as in hidden=\(16, 16\), not 16"),
        ({"hidden": "16"}, TypeError, "hidden has the sizes"),
        ({"hidden": {8, 4}}, TypeError, "hidden has the sizes"),
        ({"hidden": (8.0,)}, TypeError, "size of layer 0"),
        ({"hidden": (0,)}, ValueError, "size of layer 0"),
        ({"alpha": "a"}, TypeError, "alpha, .* is a number"),
        ({"alpha": -1.0}, ValueError, "alpha"),
        ({"alpha": float("nan")}, ValueError, "alpha"),
        ({"early_stopping": True}, TypeError, "number of epochs to wait"),
        ({"early_stopping": 2.5}, TypeError, "whole number"),
        ({"learning_rate": "fast"}, TypeError, "learning_rate"),
        ({"activation": None}, TypeError, "activation"),
        ({"epochs": 1.5}, TypeError, "epochs"),
        ({"batch_size": True}, TypeError, "batch_size"),
    ],
)
def test_options_that_make_no_sense_are_named_when_it_learns(kind, options, error, words):
    model = kind(**options)
    with pytest.raises(error, match=words):
        model.fit([[0.0], [1.0], [2.0], [3.0]], [0, 1, 0, 1])


def test_early_stopping_may_be_off_and_there_may_be_no_hidden_layer():
    model = Classifier(hidden=(), early_stopping=False, epochs=2, random_state=0).fit(
        [[0.0], [1.0]], [0, 1]
    )
    assert (model.history_.stopped, len(model.model_.layers)) == ("epochs", 1)


@pytest.mark.parametrize("kind", [Classifier, Regressor])
def test_what_passes_scikit_learn_s_checks_is_told_the_same_without_them(kind):
    points = np.random.default_rng(0).normal(size=(12, 3))
    model = kind(hidden=(4,), epochs=2, random_state=0).fit(points, np.arange(12) % 3)
    told = model.predict(points).tolist()
    wide = np.zeros((24, 6))
    wide[::2, ::2] = points
    for same in (
        points,
        points.tolist(),
        np.asfortranarray(points),
        wide[::2, ::2],
        points.astype(">f8"),
        list(points),
    ):
        assert model.predict(same).tolist() == told
    assert [model.predict(points[i : i + 1])[0] for i in range(12)] == told
    for wrong, words in (
        (points[:, :2], "2 features, but .* is expecting 3"),
        (points[:0], "0 sample"),
        (points[0], "1D"),
        (points[None], "dim 3"),
        (np.where(points == points[2, 1], np.nan, points), "contains NaN"),
        (np.where(points == points[2, 1], np.inf, points), "infinity"),
    ):
        with pytest.raises(ValueError, match=words):
            model.predict(wrong)
    with pytest.raises(NotFittedError):
        kind().predict(points)


def test_a_copy_of_an_estimator_has_no_tape_and_predicts_alike():
    points = np.random.default_rng(0).normal(size=(12, 3))
    model = Regressor(hidden=(4,), epochs=2, random_state=0).fit(points, points[:, 0])
    size, told = len(pickle.dumps(model)), model.predict(points).tolist()
    assert len(pickle.dumps(model)) == size
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert other.predict(points).tolist() == told
    model.fit(points, points[:, 1])
    assert model.predict(points).tolist() != told


LINE = np.random.default_rng(1).normal(size=(30, 2))
NUMBERS = LINE[:, 0] * LINE[:, 1] + 0.5


def regressor():
    return Regressor(hidden=(6,), epochs=60, learning_rate=0.02, random_state=0)


def test_a_power_of_two_in_the_targets_is_one_in_the_predictions_to_the_last_bit():
    plain = regressor().fit(LINE, NUMBERS)
    assert (plain.offset_, plain.scale_) == (NUMBERS.mean(), NUMBERS.std())
    assert plain.score(LINE, NUMBERS) == r2_score(NUMBERS, plain.predict(LINE)) > 0.5
    for power in (-960, -520, 510, 1000):
        scaled = regressor().fit(LINE, np.ldexp(NUMBERS, power))
        assert scaled.predict(LINE).tolist() == np.ldexp(plain.predict(LINE), power).tolist()
        assert (scaled.offset_, scaled.scale_) == (
            np.ldexp(plain.offset_, power),
            np.ldexp(plain.scale_, power),
        )
        assert scaled.score(LINE, np.ldexp(NUMBERS, power)) == plain.score(LINE, NUMBERS)


@pytest.mark.parametrize(
    "size",
    [1e-323, 1e-310, 1e-300, 1e-200, 1e-170, 1e-155, 1e-8, 1e8, 1e154, 1e155, 1e200, 1e300, 1e307],
)
def test_targets_of_any_size_are_learned(size):
    numbers = NUMBERS * size
    told = regressor().fit(LINE, numbers).predict(LINE)
    assert np.isfinite(told).all()
    assert abs(told - numbers).max() < 0.5 * abs(numbers).max()
    assert regressor().fit(LINE, numbers).score(LINE, numbers) > 0.5


@pytest.mark.parametrize(
    "numbers",
    [
        [0.0] * 6,
        [5.0] * 6,
        [-3e200] * 6,
        [3e-200] * 6,
        [1.7e308] * 6,
        [5e-324] * 6,
        [0.0, 5e-324] * 3,
        [1e300, -1e300] * 3,
        [1.7e308, -1.7e308] * 3,
        [1e300, 1e-300] * 3,
        [1e16, 1e16 + 2] * 3,
    ],
    ids=repr,
)
def test_targets_that_are_constant_or_far_apart_are_learned(numbers):
    points = np.array([[0.0], [1.0]] * 3)
    model = Regressor(hidden=(6,), epochs=300, learning_rate=0.05, alpha=0, random_state=0)
    told = model.fit(points, numbers).predict(points)
    size = max(map(abs, numbers)) or 1.0
    extent = max(numbers) - min(numbers) if max(numbers) / 2 - min(numbers) / 2 < 8e307 else 1.7e308
    assert abs(told / 2 - np.array(numbers) / 2).max() <= max(0.05 * extent, 1e-3 * size, 5e-324)


def test_the_missing_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.base", None)
    monkeypatch.delitem(sys.modules, "micrograd_plus.training.estimators")
    with pytest.raises(ImportError, match=r"micrograd-plus\[data\]"):
        import micrograd_plus.training.estimators  # noqa: F401
