"""Training with `fit`, beside micrograd, PyTorch and scikit-learn, in one run on one core.

    python tests/benchmarks/training.py

First micrograd's moons: 100 steps of full-batch descent, the 100 losses compared, the time of a
step beside micrograd's (the median of a few steps) and beside that of a PyTorch tensor model in
double precision. Then scikit-learn's digits: a network of one hidden layer of 50 ReLUs, softmax and
Adam, trained for the same number of epochs on three quarters of the 1,797 images and scored on the
rest. PyTorch is optional. `fit` is also timed with the recording and compiling in it. Last, what a
step of `fit` takes above the call of its tape, with each optimiser: drawing the batch, the penalty,
the update and its checks. `processes.py` beside this times whole processes.
"""

import os

os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[variable] = "1"

# ruff: noqa: E402  # threads are counted when NumPy is imported
import random
import statistics
import time
import warnings
from contextlib import contextmanager
from functools import partial

import micrograd.engine
import micrograd.nn
import numpy as np
from sklearn.datasets import load_digits, make_moons
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

from micrograd_plus import Tape, ops
from micrograd_plus.losses import cross_entropy, hinge, l2_penalty
from micrograd_plus.nn import MLP
from micrograd_plus.optim import SGD, AdaGrad, Adam, AdamW, RMSProp
from micrograd_plus.training import fit, outputs

try:
    import torch
except ImportError:
    torch = None
else:
    torch.set_num_threads(1)

STEPS, OF_MICROGRAD = 100, 6
EPOCHS, BATCH, RATE = 60, 32, 0.003


def rate(step):
    """The rate of micrograd's notebook."""
    return 1.0 - 0.9 * step / STEPS


class Watched:
    """A schedule that looks at the clock, once in each step."""

    def __init__(self, schedule):
        self.schedule, self.times = schedule, []

    def __call__(self, updates):
        self.times.append(time.perf_counter())
        return self.schedule(updates)

    @property
    def seconds(self):
        """The median of the steps."""
        return statistics.median(np.diff(self.times))


def seeded_moons(package):
    """The notebook's data, and its model in one package."""
    random.seed(1337)
    np.random.seed(1337)  # noqa: NPY002  # as the notebook does
    points, classes = make_moons(n_samples=100, noise=0.1)
    return points, 2 * classes - 1, package.MLP(2, [16, 16, 1])


def steps_of_micrograd(steps):
    """Losses and seconds of the first steps of the notebook."""
    points, targets, model = seeded_moons(micrograd.nn)
    losses, seconds = [], []
    for k in range(steps):
        begin = time.perf_counter()
        scores = [model(list(map(micrograd.engine.Value, point))) for point in points]
        hinges = [(1 + -target * score).relu() for target, score in zip(targets, scores)]
        total = sum(hinges) * (1.0 / len(hinges)) + 1e-4 * sum(p * p for p in model.parameters())
        model.zero_grad()
        total.backward()
        for p in model.parameters():
            p.data -= rate(k) * p.grad
        seconds.append(time.perf_counter() - begin)
        losses.append(total.data)
    return losses, statistics.median(seconds)


def in_torch(model, points):
    """The same network as torch layers in double precision, with the same weights."""
    layers = []
    for layer in model.layers:
        linear = torch.nn.Linear(len(layer.neurons[0].w), len(layer.neurons), dtype=torch.float64)
        with torch.no_grad():
            linear.weight.copy_(torch.tensor([[w.data for w in n.w] for n in layer.neurons]))
            linear.bias.copy_(torch.tensor([n.b.data for n in layer.neurons]))
        layers += [linear, torch.nn.ReLU()]
    return torch.nn.Sequential(*layers[:-1]), torch.tensor(np.asarray(points), dtype=torch.float64)


def moons_of_torch():
    """Losses and seconds a step of the PyTorch tensor model."""
    points, targets, model = seeded_moons(__import__("micrograd_plus.nn", fromlist=["MLP"]))
    network, x = in_torch(model, points)
    y = torch.tensor(targets, dtype=torch.float64)
    losses, seconds = [], []
    for k in range(STEPS):
        begin = time.perf_counter()
        mean = torch.relu(1 - y * network(x)[:, 0]).mean()
        total = mean + 1e-4 * sum((p * p).sum() for p in network.parameters())
        network.zero_grad()
        total.backward()
        with torch.no_grad():
            for p in network.parameters():
                p.sub_(rate(k) * p.grad)
        seconds.append(time.perf_counter() - begin)
        losses.append(float(total.detach()))
    return losses, statistics.median(seconds)


def moons():
    """Print the moons' table."""
    points, targets, model = seeded_moons(__import__("micrograd_plus.nn", fromlist=["MLP"]))
    watched = Watched(rate)
    begin = time.perf_counter()
    history = fit(
        model,
        points,
        targets,
        loss="hinge",
        optimizer=SGD(watched),
        epochs=STEPS,
        penalty=lambda ps: 1e-4 * ops.sum(*(p * p for p in ps)),
    )
    whole = time.perf_counter() - begin
    step = watched.seconds
    theirs, of_micrograd = steps_of_micrograd(OF_MICROGRAD)
    gap = max(abs(a - b) for a, b in zip(theirs, history.losses))
    print(
        f"moons, {STEPS} steps of fit: first loss {history.losses[0]!r}, last "
        f"{history.losses[-1]!r}"
    )
    print(
        f"  fit             {step * 1e6:12.1f} µs a step; {whole:.2f} s with recording and "
        "compiling"
    )
    print(
        f"  micrograd       {of_micrograd * 1e6:12.1f} µs a step, {of_micrograd / step:,.0f} times "
        "as long; its first "
        f"{OF_MICROGRAD} losses differ by at most {gap:.0e}"
    )
    if torch:
        of_torch, seconds = moons_of_torch()
        gap = max(abs(a - b) for a, b in zip(of_torch, history.losses))
        print(
            f"  PyTorch tensors {seconds * 1e6:12.1f} µs a step, {seconds / step:.1f} times as "
            f"long; its {STEPS} losses "
            f"differ by at most {gap:.0e}"
        )
    else:
        print("  PyTorch is not installed")


def digits_of_torch(train, classes, test, of_test):
    """Seconds and accuracy of the same training in PyTorch."""
    model = MLP(64, [50, 10], init="he", rng=random.Random(0))
    network, x = in_torch(model, train)
    y, optimizer = torch.tensor(classes), torch.optim.Adam(network.parameters(), lr=RATE)
    rng = np.random.default_rng(0)
    begin = time.perf_counter()
    for _ in range(EPOCHS):
        order = rng.permutation(len(x))
        for start in range(0, len(x), BATCH):
            batch = order[start : start + BATCH]
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(network(x[batch]), y[batch]).backward()
            optimizer.step()
    seconds = time.perf_counter() - begin
    with torch.no_grad():
        found = network(torch.tensor(test)).argmax(dim=1).numpy()
    return seconds, (found == of_test).mean()


def digits():
    """Print the digits' table."""
    points, classes = load_digits(return_X_y=True)
    train, test, of_train, of_test = train_test_split(
        points / 16, classes, test_size=0.25, random_state=0
    )
    model = MLP(64, [50, 10], init="he", rng=random.Random(0))
    begin = time.perf_counter()
    history = fit(
        model,
        train,
        of_train,
        loss="cross_entropy",
        optimizer=Adam(RATE),
        epochs=EPOCHS,
        batch_size=BATCH,
    )
    whole = time.perf_counter() - begin
    accuracy = (outputs(model, test).argmax(axis=1) == of_test).mean()
    print(
        f"\ndigits, {len(train)} images to learn from, {len(test)} held out; 64-50-10, {EPOCHS} "
        f"epochs, batches {BATCH}"
    )
    print(
        f"  fit             {whole:6.2f} s ({history.seconds:.2f} without recording), accuracy "
        f"{accuracy:.1%}"
    )
    begin = time.perf_counter()
    with warnings.catch_warnings():
        # it says that it has not converged: it was not asked to
        warnings.simplefilter("ignore")
        theirs = MLPClassifier(
            (50,),
            learning_rate_init=RATE,
            batch_size=BATCH,
            max_iter=EPOCHS,
            tol=0.0,
            n_iter_no_change=EPOCHS,
            random_state=0,
        ).fit(train, of_train)
    print(
        f"  MLPClassifier   {time.perf_counter() - begin:6.2f} s, accuracy "
        f"{theirs.score(test, of_test):.1%}"
    )
    if torch:
        seconds, accuracy = digits_of_torch(train, of_train, test, of_test)
        print(f"  PyTorch         {seconds:6.2f} s, accuracy {accuracy:.1%}")
    else:
        print("  PyTorch is not installed")


@contextmanager
def watched_tapes(seconds):
    """Take down what each call of a tape takes that is given examples; a penalty's has none."""
    plain = Tape.mean_and_grad

    def watched(tape, points, *given, **named):
        begin = time.perf_counter()
        found = plain(tape, points, *given, **named)
        if points.shape[1]:
            seconds.append(time.perf_counter() - begin)
        return found

    Tape.mean_and_grad = watched
    try:
        yield
    finally:
        Tape.mean_and_grad = plain


def above_the_tape(name, sizes, points, targets, loss, batch, epochs, optimizer, penalty):
    """Print what a step takes, and the call of the tape within it, whoever runs it by then: medians
    of the later half.
    """
    schedule, of_tape = Watched(lambda _: 0.001), []
    with watched_tapes(of_tape):
        fit(
            MLP(sizes[0], sizes[1:], init="he", rng=random.Random(0)),
            points,
            targets,
            loss=loss,
            optimizer=optimizer(schedule),
            epochs=epochs,
            batch_size=batch,
            penalty=penalty,
        )
    # from one look at the clock to the next one there is one call
    steps, calls = np.diff(schedule.times), np.array(of_tape[1:])
    later = slice(len(steps) // 2, None)
    whole, call, above = (1e6 * np.median(s[later]) for s in (steps, calls, steps - calls))
    print(f"  {name:36}{whole:8.1f} µs, {call:6.1f} in the tape, {above:5.1f} above")


OPTIMIZERS = {
    "SGD": SGD,
    "SGD, momentum": partial(SGD, momentum=0.9),
    "SGD, Nesterov": partial(SGD, momentum=0.9, nesterov=True),
    "SGD, average and decay": partial(SGD, momentum=0.9, form="average", weight_decay=0.01),
    "AdaGrad": AdaGrad,
    "RMSProp": RMSProp,
    "RMSProp, centered, momentum": partial(RMSProp, centered=True, momentum=0.9),
    "Adam": Adam,
    "Adam, AMSGrad and decay": partial(Adam, amsgrad=True, weight_decay=0.01),
    "AdamW": AdamW,
}


def steps():
    """Print the table of steps and tapes."""
    points, targets, _ = seeded_moons(__import__("micrograd_plus.nn", fromlist=["MLP"]))
    images, classes = load_digits(return_X_y=True)
    of_moons = ((2, 16, 16, 1), points, targets, hinge, len(points), 8000)
    of_digits = ((64, 50, 10), images / 16, classes, cross_entropy, BATCH, 200)
    print("\na step of fit, and its tape's own call")
    for penalty in (None, l2_penalty):
        for data, of_data in (("moons", of_moons), ("digits", of_digits)):
            chosen = OPTIMIZERS if of_data is of_digits else ("SGD", "Adam")
            for name in chosen if penalty is None else ("SGD", "Adam"):
                shown = f"{data}, {name}{' and a penalty' if penalty else ''}"
                above_the_tape(shown, *of_data, OPTIMIZERS[name], penalty)


if __name__ == "__main__":
    moons()
    digits()
    steps()
