"""Training: the numbers of micrograd's notebook, two engines with the same bits,
refusals that change nothing.
"""

import random
import subprocess
import sys
import threading
from contextlib import nullcontext
from fractions import Fraction
from functools import partial

import numpy as np
import pytest

from micrograd_plus import Value, losses, no_grad, ops
from micrograd_plus.nn import MLP, Adaline, Module, Perceptron
from micrograd_plus.nn.modules import Predictor
from micrograd_plus.optim import SGD, Adam, Optimizer
from micrograd_plus.training import fit, outputs

STEPS = 100


def notebook_s_rate(step):
    return 1.0 - 0.9 * step / 100


def weight_decay(parameters):
    return 1e-4 * ops.sum(*(p * p for p in parameters))


def moons_of_the_notebook():
    """The points, targets and model of micrograd's notebook, drawn as it draws them."""
    from sklearn.datasets import make_moons

    random.seed(1337)
    np.random.seed(1337)  # noqa: NPY002  # as the notebook does
    points, classes = make_moons(n_samples=100, noise=0.1)
    return points, 2 * classes - 1, MLP(2, [16, 16, 1])


@pytest.fixture
def moons():
    return moons_of_the_notebook()


@pytest.fixture(scope="module")
def by_hand():
    """The training loop of micrograd's demo.ipynb, where only the import is another."""
    points, targets, model = moons_of_the_notebook()
    assert len(model.parameters()) == 337
    return losses_by_hand(Value, points, targets, model, STEPS)


def weights(model):
    return [p.data for p in model.parameters()]


def losses_by_hand(value, points, targets, model, steps):
    """The losses of the notebook's loop, with the Value of either package,
    and the last accuracy.
    """
    found = []
    for k in range(steps):
        scores = [model(list(map(value, point))) for point in points]
        hinges = [(1 + -target * score).relu() for target, score in zip(targets, scores)]
        total = sum(hinges) * (1.0 / len(hinges)) + 1e-4 * sum(p * p for p in model.parameters())
        found.append(total.data)
        model.zero_grad()
        total.backward()
        for p in model.parameters():
            p.data -= notebook_s_rate(k) * p.grad
    return found, np.mean(
        [(target > 0) == (score.data > 0) for target, score in zip(targets, scores)]
    )


def test_micrograd_s_demo_trains_to_the_same_losses(by_hand):
    found, accuracy = by_hand
    assert found[0] == pytest.approx(0.8958441028683222, abs=1e-9)
    assert found[-1] == pytest.approx(0.010978370135492717, abs=1e-9)
    assert accuracy == 1.0


def test_moons_of_the_notebook_step_by_step(moons, by_hand):
    points, targets, model = moons
    history = fit(
        model,
        points,
        targets,
        loss="hinge",
        optimizer=SGD(notebook_s_rate),
        epochs=STEPS,
        penalty=weight_decay,
    )
    assert history.losses[0] == pytest.approx(0.8958441028683222, abs=1e-9)
    assert history.losses[-1] == pytest.approx(0.010978370135492717, abs=1e-9)
    assert (np.sign(outputs(model, points)[:, 0]) == targets).all()
    assert max(abs(a - b) for a, b in zip(history.losses, by_hand[0], strict=True)) < 1e-9


@pytest.mark.slow
def test_moons_of_micrograd_itself(moons):
    import micrograd.engine
    import micrograd.nn

    points, targets, model = moons
    history = fit(
        model,
        points,
        targets,
        loss="hinge",
        optimizer=SGD(notebook_s_rate),
        epochs=STEPS,
        penalty=weight_decay,
    )
    from sklearn.datasets import make_moons

    random.seed(1337)
    np.random.seed(1337)  # noqa: NPY002
    make_moons(n_samples=100, noise=0.1)
    theirs, _ = losses_by_hand(
        micrograd.engine.Value, points, targets, micrograd.nn.MLP(2, [16, 16, 1]), STEPS
    )
    largest = max(abs(a - b) for a, b in zip(history.losses, theirs))
    print(f"\nlargest difference of {STEPS} losses from micrograd's: {largest:.1e}")
    assert largest < 1e-9


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"batch_size": 7},
        {"batch_size": 1},
        {"batch_size": 7, "seed": None},
        {"validation": 0.3, "early_stopping": 2},
        {"penalty": weight_decay, "batch_size": 16},
    ],
)
def test_both_engines_have_the_same_bits(moons, options):
    points, targets, model = moons
    found = []
    begin = weights(model)
    for engine in ("tape", "eager"):
        for p, number in zip(model.parameters(), begin):
            p.data = number
        history = fit(
            model,
            points[:40],
            targets[:40],
            loss=losses.hinge,
            optimizer=Adam(0.01),
            epochs=3,
            engine=engine,
            **options,
        )
        found.append((history.losses, history.validation_losses, history.updates, weights(model)))
    assert found[0] == found[1]


def test_rows_past_a_chunk_have_the_same_bits_in_both_engines_and_any_number_of_threads():
    rng = np.random.default_rng(0)
    points, found = rng.normal(size=(1100, 1)), []
    for options in ({"engine": "eager"}, {"threads": 1}, {"threads": 3}):
        model = MLP(1, [2, 1], rng=random.Random(0), activation="tanh")
        history = fit(model, points, points[:, 0] ** 2, loss="squared_error", epochs=2, **options)
        found.append((history.losses, weights(model)))
    assert found[0] == found[1] == found[2]


def test_a_mean_of_batches_counts_each_example_once():
    """With a rate of 0 the loss of an epoch is the mean over all examples,
    however they are cut into batches.
    """
    points = np.random.default_rng(1).normal(size=(10, 2))
    model = MLP(2, [3, 1], rng=random.Random(0))
    whole = fit(
        model, points, points[:, 0], loss="squared_error", optimizer=SGD(0.0), epochs=1
    ).losses[0]
    cut = fit(
        model,
        points,
        points[:, 0],
        loss="squared_error",
        optimizer=SGD(0.0),
        epochs=3,
        batch_size=4,
    )
    assert cut.losses == pytest.approx([whole] * 3, rel=1e-14)
    assert cut.updates == 9


def test_classes_and_their_probabilities_train_alike():
    points = np.random.default_rng(2).normal(size=(30, 2))
    classes = (points[:, 0] > 0).astype(int) + (points[:, 1] > 0)
    found = []
    for targets in (classes, np.eye(3)[classes]):
        model = MLP(2, [4, 3], rng=random.Random(0), activation="tanh")
        found.append(fit(model, points, targets, loss="cross_entropy", epochs=20).losses)
    assert found[0] == pytest.approx(found[1], rel=1e-12)


def test_dropout_draws_masks_that_both_engines_share_and_validates_without():
    points = np.random.default_rng(2).normal(size=(20, 2))
    found = []
    for engine in ("tape", "eager", "tape"):
        model = MLP(2, [8, 1], rng=random.Random(0), activation="tanh", dropout=0.5)
        history = fit(
            model,
            points,
            points[:, 0],
            loss="squared_error",
            epochs=4,
            batch_size=8,
            engine=engine,
            validation=(points, points[:, 0]),
            seed=len(found) // 2,
        )
        of_model = np.mean((outputs(model, points)[:, 0] - points[:, 0]) ** 2)
        assert history.validation_losses[-1] == pytest.approx(of_model, rel=1e-12)
        found.append((history.losses, weights(model)))
    assert found[0] == found[1]
    assert found[0] != found[2]  # another seed, other masks


@pytest.mark.parametrize(
    ("output", "loss", "units"),
    [("softmax", "cross_entropy", 2), ("sigmoid", "binary_cross_entropy", 1)],
)
def test_a_cross_entropy_takes_the_total_inputs(output, loss, units):
    points = np.random.default_rng(3).normal(size=(20, 2))
    found = []
    for kind in (output, "linear"):
        model = MLP(2, [3, units], rng=random.Random(0), activation="tanh", output=kind)
        found.append(fit(model, points, points[:, 0] > 0, loss=loss, epochs=5).losses)
    assert found[0] == found[1]


def noisy_line(count, seed):
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, size=(count, 1))
    return x, np.sin(3 * x[:, 0]) + rng.normal(scale=0.6, size=count)


def test_early_stopping_stops_near_the_minimum_and_restores_it():
    """A large network on few noisy points learns them by heart:
    its validation loss falls, and rises again.
    """
    patience = 15
    x, y = noisy_line(12, 0)
    others = noisy_line(200, 1)

    def network():
        return MLP(1, [24, 24, 1], init="he", rng=random.Random(0))

    long, model = network(), network()
    whole = fit(
        long, x, y, loss="squared_error", optimizer=Adam(0.01), epochs=1500, validation=others
    )
    history = fit(
        model,
        x,
        y,
        loss="squared_error",
        optimizer=Adam(0.01),
        epochs=1500,
        validation=others,
        early_stopping=patience,
    )
    assert history.stopped == "early stopping"
    assert history.validation_losses == whole.validation_losses[: len(history.validation_losses)]
    best = int(np.argmin(whole.validation_losses))  # of all 1,500 epochs
    assert history.best_epoch == best
    assert len(history.losses) == best + patience + 1
    assert whole.validation_losses[-1] > 1.2 * history.validation_losses[best]
    of_model = np.mean((outputs(model, others[0])[:, 0] - others[1]) ** 2)
    assert of_model == pytest.approx(history.validation_losses[best], rel=1e-12)


def test_exclusive_or_is_learned_by_a_2_2_1_network_from_twenty_seeds():
    points, targets = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), np.array([1, 0, 0, 1])
    for seed in range(20):
        model = MLP(2, [2, 1], activation="silu", rng=random.Random(seed))
        fit(model, points, targets, loss="binary_cross_entropy", optimizer=Adam(0.1), epochs=300)
        assert ((outputs(model, points)[:, 0] > 0) == targets).all(), seed


NAMED = [
    name
    for name, one in vars(losses).items()
    if getattr(one, "__module__", "") == losses.__name__
    and callable(one)
    and not name.startswith("_")
    and not name.endswith("_penalty")
]
ODD = (
    0.0,
    1.0,
    -1.0,
    2.0,
    3.0,
    0.5,
    -0.0,
    0.3,
    1 / 3,
    1 - 1e-7,
    1 - 1e-5,
    1.5,
    1e100,
    -1e-300,
    5e-324,
)


def odd_targets():
    """Targets of one example, one or several: those that some loss takes, and their neighbours."""
    rng = random.Random(0)
    yield from ([x] for x in ODD)
    for width in (2, 3):
        yield from ([float(i == k) for i in range(width)] for k in range(width))
        yield from ([1 / width + 10.0**-e, *[1 / width] * (width - 1)] for e in range(4, 9))
        yield from ([rng.choice(ODD) for _ in range(width)] for _ in range(40))


ONE_OUTPUT = ("hinge", "perceptron", "binary_cross_entropy")


def refuses(loss, output, targets):
    try:
        loss(output, targets if len(targets) > 1 else targets[0])
    except (TypeError, ValueError) as error:
        return type(error)
    return None


@pytest.mark.parametrize("units", [1, 2, 3])
@pytest.mark.parametrize("name", NAMED)
def test_fit_refuses_targets_if_and_only_if_the_loss_does(name, units):
    """Of two examples the second has the odd target; the first has one that the loss takes,
    where there is any.
    """
    loss, model = getattr(losses, name), MLP(2, [units], init="zero")
    output = [0.0] * units if units > 1 else 0.0
    outcomes = set()
    for targets in odd_targets():
        right = [
            good
            for good in odd_targets()
            if len(good) == len(targets) and refuses(loss, output, good) is None
        ]
        error = refuses(loss, output, targets)
        rows = [right[0], targets] if right else [targets, targets]
        outcomes.add(error)
        if error is None:
            fit(model, [[0.5, 1.0]] * 2, rows, loss=name, epochs=1, engine="eager")
        else:
            with pytest.raises(error, match=f"example {int(bool(right))} of y: "):
                fit(model, [[0.5, 1.0]] * 2, rows, loss=name, epochs=1)
    assert len(outcomes) > 1 or units == 1 or name in ONE_OUTPUT, "nothing was refused, or all"


@pytest.mark.parametrize("engine", ["tape", "eager"])
@pytest.mark.parametrize("row", [[0.9, 0.9, 0.9], [0.5, 0.5, 2e-6], [1.0, 1e-5, 0.0]])
def test_probabilities_that_do_not_add_up_to_1_are_refused_with_their_example(engine, row):
    with pytest.raises(
        ValueError, match="example 1 of y: cross_entropy takes probabilities that sum to 1"
    ):
        fit(
            MLP(2, [3]),
            [[1.0, 2.0]] * 3,
            [[1.0, 0.0, 0.0], row, row],
            loss="cross_entropy",
            engine=engine,
        )
    with pytest.raises(ValueError, match="example 1 of the validation data's y: "):
        fit(
            MLP(2, [3]),
            [[1.0, 2.0]],
            [[1.0, 0.0, 0.0]],
            loss="cross_entropy",
            engine=engine,
            validation=([[1.0, 2.0]] * 2, [[1.0, 0.0, 0.0], row]),
        )


def test_a_loss_with_its_options_is_asked_too():
    narrow = partial(losses.margin_loss, margin=0.25)
    with pytest.raises(ValueError, match="example 0 of y: margin_loss knows the classes 0 to 2"):
        fit(MLP(2, [3]), [[1.0, 2.0]], [3], loss=narrow)
    assert fit(MLP(2, [3]), [[1.0, 2.0]], [2], loss=narrow, epochs=1).updates == 1


POINTS, TARGETS = np.zeros((6, 2)), np.array([-1, 1, -1, 1, -1, 1])


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"X": np.zeros(6)}, ValueError, "X has the shape"),
        ({"X": np.zeros((0, 2)), "y": np.zeros(0)}, ValueError, "X has the shape"),
        ({"X": np.zeros((6, 3))}, ValueError, "2 inputs, but got 3"),
        ({"X": POINTS.astype(str)}, TypeError, "X must be real"),
        ({"X": POINTS.astype(complex)}, TypeError, "X must be real"),
        (
            {"X": np.where(np.arange(12).reshape(6, 2) == 7, np.nan, 0.0)},
            ValueError,
            r"X must be finite, but nan stands at \(3, 1\)",
        ),
        (
            {"y": np.array([1, 1, 1, np.inf, 1, 1])},
            ValueError,
            "y must be finite, but inf stands at 3",
        ),
        ({"y": TARGETS[:5]}, ValueError, "y has the shape"),
        ({"y": np.array([0, 1, 0, 1, 0, 1])}, ValueError, "example 0 of y: .* -1 or 1, not 0.0"),
        (
            {"y": np.array([0, 1, 2, 0, 1, 2]), "loss": "binary_cross_entropy"},
            ValueError,
            "not 2.0",
        ),
        (
            {"y": np.array([0, 1, 2, 0, 1, 3]), "loss": "cross_entropy", "outputs": 3},
            ValueError,
            "example 5 of y: .* not 3.0",
        ),
        (
            {"y": np.array([0, 1, 0.5, 0, 1, 1]), "loss": "cross_entropy", "outputs": 3},
            ValueError,
            "not 0.5",
        ),
        (
            {"y": np.ones((6, 2)), "loss": "cross_entropy", "outputs": 3},
            ValueError,
            "each of the 3 outputs, not 2",
        ),
        (
            {"loss": "hing"},
            ValueError,
            "no loss is called 'hing': there are squared_error, .*, hinge, ",
        ),
        ({"loss": "_number"}, ValueError, "no loss"),
        ({"loss": "Value"}, ValueError, "no loss"),
        ({"engine": "gpu"}, ValueError, "engine"),
        ({"epochs": 0}, ValueError, "epochs"),
        ({"batch_size": 0}, ValueError, "batch_size"),
        ({"batch_size": 2.5}, TypeError, "batch_size is a whole number, not 2.5"),
        ({"validation": 0.01}, ValueError, "leaves none"),
        ({"validation": 1.5}, ValueError, "share"),
        ({"validation": (np.zeros((2, 3)), np.ones(2))}, ValueError, "2 inputs, but got 3"),
        ({"validation": (np.zeros((2, 2)), np.zeros(2))}, ValueError, "validation data's y"),
        ({"early_stopping": 3}, ValueError, "validation"),
    ],
)
def test_what_cannot_be_learned_from_is_refused_by_name(change, error, words):
    given = {"X": POINTS, "y": TARGETS, "loss": "hinge", **change}
    model = MLP(2, [2, given.pop("outputs", 1)], rng=random.Random(0))
    before = weights(model)
    with pytest.raises(error, match=words):
        fit(model, given.pop("X"), given.pop("y"), **given)
    assert weights(model) == before


class Interrupted:
    """Plain descent that is cut short at the fifth update."""

    def __init__(self, error):
        self.error, self.kept = error, []

    def update(self, parameters, gradient):
        if len(self.kept) == 4:
            raise self.error
        self.kept.append(parameters - 0.1 * gradient)
        return self.kept[-1]


def test_ctrl_c_keeps_what_has_been_learned():
    model, optimizer = MLP(2, [2, 1], rng=random.Random(0)), Interrupted(KeyboardInterrupt)
    history = fit(model, np.eye(2), np.array([1, -1]), loss="hinge", optimizer=optimizer)
    assert history.stopped == "interrupted"
    assert history.updates == len(history.losses) == 4
    assert weights(model) == optimizer.kept[-1].tolist()


def test_an_error_leaves_the_model_as_it_was():
    model = MLP(2, [2, 1], rng=random.Random(0))
    before = weights(model)
    with pytest.raises(ZeroDivisionError):
        fit(
            model,
            np.eye(2),
            np.array([1, -1]),
            loss="hinge",
            optimizer=Interrupted(ZeroDivisionError),
        )
    assert weights(model) == before


# Optimizers of a user's own, all of plain descent, each with a habit. -----------------------------
class InPlace:
    def update(self, w, g):
        w -= 0.1 * g
        return w


class ChangesTheGradient:
    def update(self, w, g):
        g *= 0.1
        w -= g
        g[:] = np.nan
        return w


class KeepsWhatItIsGiven:
    def __init__(self):
        self.kept = []

    def update(self, w, g):
        for array in self.kept:
            array[:] = np.nan
        self.kept += [w, g]
        return w - 0.1 * g


class KeepsWhatItGives:
    new = None

    def update(self, w, g):
        if self.new is None:
            self.new = w.copy()
        self.new -= 0.1 * g  # which fit has, too
        return self.new


class GivesAList:
    def update(self, w, g):
        return (w - 0.1 * g).tolist()


class GivesColumnsReversedTwice:
    def update(self, w, g):
        return (w - 0.1 * g)[::-1].copy()[::-1]


class InSlots:
    __slots__ = ("steps",)

    def update(self, w, g):
        self.steps = getattr(self, "steps", 0) + 1
        w -= 0.1 * g
        return w


class SubclassInPlace(SGD):
    def update(self, parameters, gradient):
        parameters -= 0.1 * gradient
        return parameters


class RuleInPlace(Optimizer):
    def rule(self, w, g, rate, memory):
        w -= 0.1 * g
        memory.setdefault("steps", np.zeros(1))
        memory["steps"] += 1
        return w, memory


HABITS = [
    InPlace,
    ChangesTheGradient,
    KeepsWhatItIsGiven,
    KeepsWhatItGives,
    GivesAList,
    GivesColumnsReversedTwice,
    InSlots,
    SubclassInPlace,
    RuleInPlace,
]
every_habit = pytest.mark.parametrize("habit", HABITS)


def run(optimizer, **options):
    """What a training on few noisy points comes to; its validation loss rises after some epochs."""
    model = MLP(1, [6, 1], activation="tanh", rng=random.Random(0))
    x, y = noisy_line(12, 0)
    history = fit(
        model,
        x,
        y,
        loss="squared_error",
        optimizer=optimizer,
        batch_size=3,
        **{"epochs": 12, **options},
    )
    return history.losses, history.validation_losses, history.best_epoch, weights(model)


@every_habit
@pytest.mark.parametrize("engine", ["tape", "eager"])
def test_an_optimizer_may_work_in_place_and_keep_what_passes_through_its_hands(habit, engine):
    assert run(habit(), engine=engine) == run(SGD(0.1))


@every_habit
def test_early_stopping_restores_the_best_weights_whatever_the_optimizer_does_to_its_arrays(habit):
    stopping = {"early_stopping": 3, "epochs": 60, "validation": noisy_line(50, 1)}
    losses, _, best, found = run(habit(), **stopping)
    assert len(losses) == best + 4 < 60
    assert found == run(SGD(0.1), epochs=best + 1)[-1]


def failing(habit):
    """An optimizer with the habit that fails at its sixth update."""

    class Failing(habit):
        def update(self, w, g):
            found = super().update(w, g)
            self.calls = getattr(self, "calls", 0) + 1
            if self.calls == 6:
                raise ZeroDivisionError
            return found

    return Failing()


@every_habit
@pytest.mark.parametrize("engine", ["tape", "eager"])
def test_after_an_error_the_weights_and_the_optimizer_are_as_before(habit, engine):
    model, optimizer = MLP(1, [6, 1], activation="tanh", rng=random.Random(0)), failing(habit)
    before = weights(model)
    for _ in range(2):  # an optimizer that had kept its count would fail sooner
        with pytest.raises(ZeroDivisionError):
            fit(
                model,
                *noisy_line(12, 0),
                loss="squared_error",
                optimizer=optimizer,
                batch_size=3,
                engine=engine,
            )
        assert weights(model) == before
        assert not hasattr(optimizer, "calls")
        assert not hasattr(optimizer, "steps")


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        (lambda w: None, TypeError, "update of Own gives None.* return"),
        (
            lambda w: w[:-1],
            ValueError,
            r"update of Own was given parameters of shape \(19,\), but gives .* \(18,\)",
        ),
        (lambda w: w[None], ValueError, r"shape \(1, 19\)"),
        (lambda w: 1.0, ValueError, r"shape \(\)"),
        (lambda w: w + 1j, TypeError, "complex128"),
        (lambda w: "new", TypeError, "update of Own gives must be real numbers"),
        (lambda w: np.ma.array(w, mask=w > 0), TypeError, "masked"),
        (
            lambda w: np.where(np.arange(19) >= 3, np.nan, w),
            FloatingPointError,
            "update of Own makes parameter 3 nan",
        ),
    ],
)
def test_what_an_optimizer_may_not_give_is_named_and_changes_nothing(given, error, words):
    class Own:
        def update(self, w, g):
            return given(w)

    model = MLP(1, [6, 1], activation="tanh", rng=random.Random(0))
    before = weights(model)
    with pytest.raises(error, match=words):
        fit(model, *noisy_line(12, 0), loss="squared_error", optimizer=Own())
    assert weights(model) == before


def test_an_optimizer_may_give_numbers_of_fewer_digits():
    class Short:
        def update(self, w, g):
            return (w - 0.1 * g).astype(np.float32)

    assert all(x == np.float32(x) for x in run(Short())[-1])


def test_an_error_leaves_what_the_optimizer_refers_to_the_same_objects():
    class Owner:
        def __init__(self, model):
            self.model, self.lock, self.seen = model, threading.Lock(), []

        def update(self, w, g):
            self.seen.append(len(w))
            raise ZeroDivisionError

    model = MLP(1, [2, 1])
    optimizer = Owner([model, model.layers[0].neurons[0].b])
    with pytest.raises(ZeroDivisionError):
        fit(model, *noisy_line(4, 0), loss="squared_error", optimizer=optimizer)
    assert optimizer.model[0] is model
    assert optimizer.model[1] is model.layers[0].neurons[0].b
    assert optimizer.seen == []
    assert optimizer.lock.acquire(blocking=False)


def test_lists_will_do_and_the_data_stay_as_they_are():
    points, targets = [[0, 1], [1, 0]], (1, -1)
    model = MLP(2, [2, 1], rng=random.Random(0))
    fit(model, points, targets, loss="hinge", epochs=2)
    assert (points, targets) == ([[0, 1], [1, 0]], (1, -1))
    data = np.random.default_rng(0).normal(size=(9, 2))
    copy = data.copy()
    fit(model, data[::-1], np.ones(9), loss="hinge", epochs=2, batch_size=2)
    assert (data == copy).all()


def test_the_bar_is_quiet_where_nobody_looks_and_shows_what_it_should(capsys):
    model = MLP(2, [2, 1], rng=random.Random(0))
    fit(model, np.eye(2), np.array([1, -1]), loss="hinge", epochs=3)
    assert capsys.readouterr() == ("", "")
    fit(
        model,
        np.eye(2),
        np.array([1, -1]),
        loss="hinge",
        epochs=3,
        progress=True,
        validation=(np.eye(2), np.array([1, -1])),
    )
    shown = capsys.readouterr().err
    assert "3/3" in shown
    assert "validation=" in shown


def test_nothing_is_imported_for_a_bar_that_nobody_sees():
    program = """
import sys
from micrograd_plus.nn import MLP
from micrograd_plus.training import fit
fit(MLP(2, [1]), [[0.0, 1.0], [1.0, 0.0]], [1, -1], loss="hinge", epochs=2)
print([name for name in ("tqdm", "sklearn", "pandas", "matplotlib") if name in sys.modules])
"""
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert ran.stdout == "[]\n"


def test_a_history_plots_itself():
    pytest.importorskip("matplotlib").use("Agg")
    import matplotlib.pyplot as plt

    model = MLP(2, [2, 1], rng=random.Random(0))
    history = fit(model, np.eye(2), np.array([1, -1]), loss="hinge", epochs=3)
    ax = history.plot()
    assert list(ax.get_lines()[0].get_ydata()) == history.losses
    plt.close(ax.figure)


def test_outputs_are_those_of_the_model():
    model = MLP(3, [4, 2], activation="tanh", rng=random.Random(0))
    points = np.random.default_rng(0).normal(size=(5, 3))
    assert outputs(model, points).tolist() == [
        [v.data for v in model(point.tolist())] for point in points
    ]
    assert outputs(model, points[:0]).shape == (0, 2)
    with pytest.raises(ValueError, match="examples, inputs"):
        outputs(model, points[0])


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"optimizer": Adam}, TypeError, "with its settings"),
        ({"optimizer": "adam"}, TypeError, "Adam"),
        ({"loss": None}, TypeError, "a loss is a function"),
        ({"loss": "l2_penalty"}, ValueError, "penalty="),
        ({"threads": 0}, ValueError, "threads"),
        ({"threads": None}, TypeError, "threads"),
        ({"epochs": True}, TypeError, "whole number, not True"),
        ({"epochs": 1.0}, TypeError, "epochs is a whole number"),
        (
            {"penalty": 0.01},
            TypeError,
            r"penalty is a function .*l2_penalty\(weights\) is, not 0.01",
        ),
        ({"penalty": False}, TypeError, "penalty is a function"),
        (
            {"early_stopping": True, "validation": 0.5},
            TypeError,
            "how many epochs to wait, is a whole number, not True",
        ),
        ({"validation": True}, ValueError, "share between 0 and 1, or a pair"),
        ({"validation": 1}, ValueError, "share"),
        (
            {"validation": (POINTS, TARGETS, TARGETS)},
            ValueError,
            "share between 0 and 1, or a pair",
        ),
        ({"validation": "0.5"}, ValueError, "share"),
    ],
)
def test_options_that_make_no_sense_are_named(change, error, words):
    with pytest.raises(error, match=words):
        fit(MLP(2, [2, 1]), POINTS, TARGETS, **{"loss": "hinge", **change})


def test_a_class_is_no_model():
    for use in (lambda: fit(MLP, POINTS, TARGETS, loss="hinge"), lambda: outputs(MLP, POINTS)):
        with pytest.raises(
            TypeError, match="a model is a Module that is called with a list of inputs, not <class"
        ):
            use()


def test_a_share_may_be_any_number_between_and_a_pair_a_list():
    for validation in (np.float32(0.5), Fraction(1, 2), [POINTS, TARGETS]):
        assert (
            fit(MLP(2, [1]), POINTS, TARGETS, loss="hinge", epochs=1, validation=validation).updates
            == 1
        )


def test_numpy_s_whole_numbers_are_whole_numbers():
    history = fit(
        MLP(2, [2, 1]), POINTS, TARGETS, loss="hinge", epochs=np.int64(2), batch_size=np.int32(3)
    )
    assert history.updates == 4


def test_after_an_error_the_optimizer_too_is_as_before():
    optimizer = SGD(1e200, momentum=0.9)
    with pytest.raises(FloatingPointError):
        fit(
            MLP(2, [3, 1], rng=random.Random(0)),
            np.eye(2),
            np.array([1, -1]),
            loss="squared_error",
            optimizer=optimizer,
        )
    assert optimizer.updates == 0


def test_a_loss_that_was_nan_is_not_the_best():
    class Line(Module):
        def __init__(self):
            self.w = Value(-1.0)

        def parameters(self):
            return [self.w]

        def __call__(self, x):
            return self.w * x[0]

    model = Line()
    history = fit(
        model,
        [[1.0], [1.0]],
        [1.0, 1.0],
        optimizer=SGD(0.05),
        epochs=40,
        early_stopping=5,
        loss=lambda o, t: ops.where(t > 0, (o - 1) ** 2, ops.log(o + 0.3) ** 2),
        validation=([[1.0]], [0.0]),
    )
    assert np.isnan(history.validation_losses[0])
    assert history.best_epoch == np.nanargmin(history.validation_losses)


# Values that a model, a loss or a penalty computed once, and keeps. -------------------------------
class Keeper(Module):
    """w·x + w² - z, where w = exp(θ), w² and z = tanh(w²·φ) were computed when it was made."""

    def __init__(self):
        self.theta, self.phi = Value(0.5), Value(-0.25)
        self.w = self.theta.exp()
        self.square = self.w * self.w
        self.z = (self.square * self.phi).tanh()

    def parameters(self):
        return [self.theta, self.phi]

    def __call__(self, x):
        return self.w * x[0] + self.square - self.z

    def made_anew(self, x):
        """The same without anything that was kept."""
        w = self.theta.exp()
        return w * x[0] + w * w - (w * w * self.phi).tanh()


class KeptPredictor(Predictor):
    """A predictor of a user's own, of classes or of numbers."""

    def __init__(self, classes=None):
        self.keeper, self.classes = Keeper(), classes

    def parameters(self):
        return self.keeper.parameters()

    def totals(self, x):
        return self.keeper(x)


LINE = np.array([[1.0], [2.0], [-1.0], [0.5]]), np.array([3.0, 6.0, 0.5, 1.0])


class Anew(Keeper):
    def __call__(self, x):
        return self.made_anew(x)


def kept_loss(model):
    return lambda output, target: (output - target) ** 2 + 0.1 * model.w


def kept_penalty(model):
    return lambda parameters: 0.01 * model.square


@pytest.mark.parametrize("make", [Keeper, KeptPredictor])
@pytest.mark.parametrize(
    "options", [{}, {"batch_size": 1}, {"batch_size": 3, "validation": 0.25, "early_stopping": 3}]
)
def test_what_a_model_keeps_follows_its_parameters_in_both_engines(make, options):
    found = []
    for engine in ("tape", "eager"):
        model = make()
        history = fit(
            model,
            *LINE,
            loss="squared_error",
            optimizer=SGD(0.01),
            epochs=5,
            engine=engine,
            **options,
        )
        found.append((history.losses, history.validation_losses, weights(model)))
    anew = Anew()
    history = fit(anew, *LINE, loss="squared_error", optimizer=SGD(0.01), epochs=5, **options)
    assert found[0] == found[1]
    for told, meant in zip(
        found[0], (history.losses, history.validation_losses, weights(anew)), strict=True
    ):
        assert told == pytest.approx(meant, rel=1e-12)  # whose sums have another order
    assert len(set(history.losses)) == len(history.losses)


@pytest.mark.parametrize("engine", ["tape", "eager"])
def test_losses_and_penalties_may_rest_on_what_is_kept(engine):
    model, anew = Keeper(), Anew()
    history = fit(
        model,
        *LINE,
        loss=kept_loss(model),
        penalty=kept_penalty(model),
        optimizer=SGD(0.01),
        epochs=5,
        engine=engine,
    )
    by_hand = fit(
        anew,
        *LINE,
        loss=lambda o, t: (o - t) ** 2 + 0.1 * anew.theta.exp(),
        optimizer=SGD(0.01),
        epochs=5,
        penalty=lambda _: 0.01 * (anew.theta.exp() * anew.theta.exp()),
    )
    assert history.losses == pytest.approx(by_hand.losses, rel=1e-12)
    assert weights(model) == pytest.approx(weights(anew), rel=1e-12)


class Late(Keeper):
    """A keeper that computes what it keeps when it is first called."""

    def __init__(self):
        super().__init__()
        self.w = self.square = self.z = None

    def __call__(self, x):
        if self.w is None:
            self.w = self.theta.exp()
            self.square = self.w * self.w
            self.z = (self.square * self.phi).tanh()
        return super().__call__(x)


@pytest.mark.parametrize("engine", ["tape", "eager"])
@pytest.mark.parametrize(
    "options", [{}, {"batch_size": 1}, {"batch_size": 3, "validation": 0.25, "early_stopping": 3}]
)
@pytest.mark.parametrize("mode", [nullcontext, no_grad])
def test_what_a_model_keeps_from_its_first_call_on_follows_its_parameters_too(
    engine, options, mode
):
    found = []
    for model in (Late(), Keeper()):
        with mode():
            history = fit(
                model,
                *LINE,
                loss="squared_error",
                optimizer=SGD(0.01),
                epochs=5,
                engine=engine,
                **options,
            )
        found.append((history.losses, history.validation_losses, weights(model)))
        assert agrees(model)
    assert found[0] == found[1]


def agrees(model):
    """Whether what the model gives by itself, by outputs
    and by predict is what its parameters say.
    """
    keeper = getattr(model, "keeper", model)
    meant = [keeper.made_anew(x).data for x in LINE[0].tolist()]
    told = model.predict(LINE[0]) if hasattr(model, "predict") else meant
    if getattr(model, "classes", None):
        return told == [model.classes[m >= 0.0] for m in meant]
    return (
        [model(x).data for x in LINE[0].tolist()]
        == outputs(model, LINE[0])[:, 0].tolist()
        == meant
        == told
    )


@pytest.mark.parametrize("make", [Keeper, KeptPredictor, lambda: KeptPredictor(("no", "yes"))])
@pytest.mark.parametrize("engine", ["tape", "eager"])
def test_after_training_and_after_an_error_a_model_gives_what_its_parameters_say(make, engine):
    model = make()
    fit(model, *LINE, loss="squared_error", optimizer=SGD(0.01), epochs=5, engine=engine)
    assert agrees(model)
    with pytest.raises(ZeroDivisionError):
        fit(
            model,
            *LINE,
            loss="squared_error",
            optimizer=Interrupted(ZeroDivisionError),
            engine=engine,
        )
    assert agrees(model)
    fit(model, *LINE, loss="squared_error", optimizer=Interrupted(KeyboardInterrupt), engine=engine)
    assert agrees(model)


@pytest.mark.parametrize("use", ["predict", "outputs", "fit", "score", "regions"])
@pytest.mark.parametrize("classes", [None, ("no", "yes")])
def test_an_edited_parameter_never_gives_the_numbers_from_before(use, classes):
    model = KeptPredictor(classes)
    model.keeper.theta.data, model.keeper.phi.data = -3.0, 40.0
    meant = [model.keeper.made_anew(x).data for x in LINE[0].tolist()]
    if use == "predict":
        assert model.predict(LINE[0]) == ([classes[m >= 0.0] for m in meant] if classes else meant)
    elif use == "outputs":
        assert outputs(model, LINE[0])[:, 0].tolist() == meant
    elif use == "score":
        assert model.score(LINE[0], [classes[m >= 0.0] for m in meant] if classes else meant) == 1.0
    elif use == "regions":
        from micrograd_plus.plots.numbers import at_points

        assert at_points(model, LINE[0], "the model")[:, 0].tolist() == meant
    else:
        anew = Anew()
        anew.theta.data, anew.phi.data = -3.0, 40.0
        found = [fit(one, *LINE, loss="squared_error", epochs=2).losses for one in (model, anew)]
        assert found[0] == pytest.approx(found[1], rel=1e-12)


def test_a_network_with_a_computed_weight_predicts_by_the_leaf_below():
    model, theta = MLP(1, [1]), Value(0.5)
    model.layers[0].neurons[0].w[0] = theta.exp()
    theta.data = 2.0
    bias = model.layers[0].neurons[0].b.data
    assert (
        model.predict([[3.0]]) == outputs(model, [[3.0]])[0].tolist() == [ops.exp(2.0) * 3.0 + bias]
    )


@pytest.mark.parametrize("engine", ["tape", "eager"])
def test_parameters_that_cannot_be_given_numbers_are_refused(engine):
    class Computed(Module):
        def __init__(self, *parameters):
            self.given = parameters

        def parameters(self):
            return list(self.given)

        def __call__(self, x):
            return self.given[0] * x[0] if self.given else x[0]

    theta = Value(1.0)
    for given, error, words in (
        ([theta.exp()], ValueError, "parameter 0, .* is the result of exp, not a leaf"),
        ([theta, theta], ValueError, "named twice"),
        ([], ValueError, "nothing to learn"),
        ([theta, 1.0], TypeError, "parameter 1 is a Value, not a float"),
    ):
        with pytest.raises(error, match=words):
            fit(Computed(*given), *LINE, loss="squared_error", engine=engine)
    for unit in (Perceptron(1), Adaline(1)):
        unit.layer.neurons[0].w[0] = kept = theta.exp()
        with pytest.raises(ValueError, match=r"parameter 0, .* is the result of exp, not a leaf"):
            unit.fit([[1.0], [-1.0]], unit.classes)
        assert kept.data == ops.exp(1.0)


@pytest.mark.parametrize("engine", ["tape", "eager"])
@pytest.mark.parametrize(
    "options",
    [
        {"loss": lambda o, t: [o, t]},
        {"loss": lambda o, t: None},
        {"loss": "squared_error", "penalty": lambda p: p},
    ],
)
def test_a_loss_and_a_penalty_are_one_number(engine, options):
    with pytest.raises(TypeError, match=r"what the (loss|penalty) gives is a number, not"):
        fit(Keeper(), *LINE, engine=engine, **options)


def test_both_engines_learn_where_nothing_else_is_recorded():
    found = []
    for engine in ("tape", "eager"):
        model = Keeper()
        with no_grad():
            found.append(
                fit(
                    model,
                    *LINE,
                    loss="squared_error",
                    optimizer=SGD(0.01),
                    epochs=3,
                    engine=engine,
                    penalty=lambda p: p[0] * p[0],
                ).losses
            )
    assert found[0] == found[1]
    assert len(set(found[0])) == 3
