"""Arrays as people give them: what is masked, sparse,
complex or a date is refused by name wherever data come in.
"""

import random
from functools import cache

import numpy as np
import pytest
import scipy.sparse

from micrograd_plus import record
from micrograd_plus.nn import MLP, Adaline, Perceptron
from micrograd_plus.optim import SGD
from micrograd_plus.tape.reals import real_array
from micrograd_plus.training import fit, outputs

POINTS = np.array([[0.5, -1.0], [1.5, 2.0], [-0.5, 0.25], [2.0, -3.0]])
SIGNS = np.array([1.0, -1.0, 1.0, -1.0])


def hidden(array):
    """The array with its first number masked."""
    return np.ma.array(array, mask=np.arange(array.size).reshape(array.shape) == 0)


def network():
    return MLP(2, [2, 1], activation="tanh", rng=random.Random(0))


def learn(X=POINTS, y=SIGNS, **options):
    return fit(network(), X, y, loss="hinge", epochs=1, **options)


def tape():
    return record(lambda x, y: x * y, 1.0, 2.0)


def estimator(name):
    from micrograd_plus import estimators

    return getattr(estimators, name)(hidden=(2,), epochs=1, random_state=0)


@cache
def trained(name):
    return estimator(name).fit(POINTS, SIGNS)


def plot(name, *args, **options):
    pytest.importorskip("matplotlib").use("Agg")
    import matplotlib.pyplot as plt

    from micrograd_plus import plots

    getattr(plots, name)(*args, **options)
    plt.close("all")


OF_ROWS = {  # where an array (rows, 2) comes in
    "fit": learn,
    "validation": lambda a: learn(validation=(a, SIGNS)),
    "outputs": lambda a: outputs(network(), a),
    "a tape": lambda a: tape().values(a),
    "predict of an MLP": lambda a: network().predict(a),
    "score of an MLP": lambda a: network().score(a, SIGNS),
    "Perceptron": lambda a: Perceptron(2, (-1, 1)).fit(a, SIGNS),
    "Adaline": lambda a: Adaline(2).fit(a, SIGNS),
    "predict of a Perceptron": lambda a: Perceptron(2, (-1, 1)).predict(a),
    "Classifier": lambda a: estimator("Classifier").fit(a, SIGNS),
    "Regressor": lambda a: estimator("Regressor").fit(a, SIGNS),
    "predict of a Classifier": lambda a: trained("Classifier").predict(a),
    "probabilities": lambda a: trained("Classifier").predict_proba(a),
    "predict of a Regressor": lambda a: trained("Regressor").predict(a),
    "update": lambda a: SGD(0.1).update(a, POINTS),
    "update's gradient": lambda a: SGD(0.1).update(POINTS, a),
    "decision regions": lambda a: plot("decision_regions", network(), a, SIGNS, resolution=4),
    "a path": lambda a: plot("error_contours", lambda v, w: v * v + w * w, a, resolution=4),
    "weights": lambda a: plot("hinton_diagram", a),
    "templates": lambda a: plot("weight_templates", a, (1, 2)),
}
OF_NUMBERS = {  # where an array (rows,) comes in
    "fit": lambda a: learn(y=a),
    "validation": lambda a: learn(validation=(POINTS, a)),
    "score of an MLP": lambda a: network().score(POINTS, a),
    "Perceptron": lambda a: Perceptron(2, (-1, 1)).fit(POINTS, a),
    "score of a Perceptron": lambda a: Perceptron(2, (-1, 1)).score(POINTS, a),
    "Adaline": lambda a: Adaline(2).fit(POINTS, a),
    "Adaline of numbers": lambda a: Adaline(2, None).fit(POINTS, a),
    "Classifier": lambda a: estimator("Classifier").fit(POINTS, a),
    "Regressor": lambda a: estimator("Regressor").fit(POINTS, a),
    "score of a Classifier": lambda a: trained("Classifier").score(POINTS, a),
    "score of a Regressor": lambda a: trained("Regressor").score(POINTS, a),
    "update": lambda a: SGD(0.1).update(a, SIGNS),
    "parameters of a tape": lambda a: record(lambda: 1.0, parameters=network()).values(
        np.empty((1, 0)), a
    ),
    "classes of a picture": lambda a: plot("decision_regions", network(), POINTS, a, resolution=4),
    "losses": lambda a: plot("loss_curves", a),
    "validation losses": lambda a: plot("loss_curves", SIGNS, a),
    "gradients": lambda a: plot("gradient_histograms", {"a": a}),
}
NO_NUMBERS = {
    "sparse matrix": scipy.sparse.csr_matrix,
    "sparse array": scipy.sparse.csr_array,
    "complex": lambda a: a + 1j,
    "dates": lambda a: a.astype(int).astype("M8[D]"),
    "text": lambda a: np.full(a.shape, "one"),
}


@pytest.mark.parametrize("place", OF_ROWS)
def test_rows_that_are_masked_are_refused_wherever_they_come_in(place):
    for masked in (hidden(POINTS), list(hidden(POINTS)), tuple(map(list, hidden(POINTS)))):
        with pytest.raises(TypeError, match=r"[mM]ask"):
            OF_ROWS[place](masked)


@pytest.mark.parametrize("place", OF_NUMBERS)
def test_numbers_that_are_masked_are_refused_wherever_they_come_in(place):
    for masked in (hidden(SIGNS), list(hidden(SIGNS))):
        with pytest.raises((TypeError, ValueError), match=r"[mM]ask"):
            OF_NUMBERS[place](masked)


@pytest.mark.parametrize("place", OF_ROWS)
def test_rows_of_which_none_is_masked_are_rows_like_others(place):
    OF_ROWS[place](np.ma.array(POINTS, mask=np.zeros(POINTS.shape)))


@pytest.mark.parametrize("place", OF_ROWS)
@pytest.mark.parametrize("kind", NO_NUMBERS)
def test_rows_that_are_no_plain_numbers_are_refused_wherever_they_come_in(place, kind):
    with pytest.raises((TypeError, ValueError)):
        OF_ROWS[place](NO_NUMBERS[kind](POINTS))


class Frame:
    """What a data frame is to us: its iterator has names, and NumPy makes an array of it."""

    def __init__(self, array):
        self.array = array

    def __array__(self, dtype=None, copy=None):
        return self.array.astype(dtype or self.array.dtype)

    def __iter__(self):
        return iter("ab")

    def __len__(self):
        return len(self.array)

    @property
    def shape(self):
        return self.array.shape

    def to_numpy(self):
        return self.array


@pytest.mark.parametrize("place", OF_ROWS)
def test_a_data_frame_is_the_array_that_it_holds(place):
    OF_ROWS[place](Frame(POINTS))


def test_a_data_frame_gives_what_its_array_gives():
    assert outputs(network(), Frame(POINTS)).tolist() == outputs(network(), POINTS).tolist()
    assert network().predict(Frame(POINTS)) == network().predict(POINTS)
    models = [Adaline(2, None), Adaline(2, None)]
    assert models[0].fit(Frame(POINTS), SIGNS) == models[1].fit(POINTS, SIGNS)


def test_an_array_of_floats_is_given_back_itself():
    assert real_array(POINTS, "X") is POINTS
    assert real_array(POINTS.T, "X").base is POINTS


@pytest.mark.parametrize(
    ("numbers", "error", "words"),
    [
        ([[1.0], [1.0, 2.0]], ValueError, "X must be .* differ in length"),
        ([None], TypeError, "objects such as a NoneType"),
        ({1.0}, TypeError, "objects such as a set"),
        ([10**400], TypeError, "objects such as a int"),
        (["1"], TypeError, "X must be real numbers .* not <U1"),
        (scipy.sparse.csr_array([[1.0]]), TypeError, r"sparse csr_array: give its .toarray\(\)"),
        ([np.ma.masked], TypeError, "X must be real numbers, and some of these are masked"),
    ],
)
def test_what_is_no_array_of_real_numbers_is_refused_with_advice(numbers, error, words):
    with pytest.raises(error, match=words):
        real_array(numbers, "X")
