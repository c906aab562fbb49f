"""Training as a process of its own: from the start of Python to its end, imports, data, recording
and compiling included, beside scikit-learn's MLPClassifier and PyTorch.

    python tests/benchmarks/processes.py [--torch PYTHON]

`--torch` names a Python in whose environment PyTorch is; without it that of this Python is asked.
Every process runs on one core with one thread and reads its examples from a file of NumPy's, so
that nobody imports scikit-learn who does not train with it. Digits: scikit-learn's, three quarters
of them, 64-50-10, softmax, Adam at 0.003, 60 epochs in batches of 32. Moons: micrograd's 100
points, 2-16-16-1, 100 steps of descent with all points at rates from 1 to 0.1 (MLPClassifier: a
constant rate, and its own loss, for it has no hinge). The processes take turns; printed are
medians of wall time, and of processor time, which other work on the machine hardly changes.
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

ROUNDS = 9
EPOCHS, BATCH, RATE = 60, 32, 0.003
STEPS = 100


def rate(step):
    """The rate of micrograd's notebook."""
    return 1.0 - 0.9 * step / STEPS


# What a process does; it imports what it needs, and gives the share of classes that it finds. -----
def fit_digits(data):
    import random

    from micrograd_plus.nn import MLP
    from micrograd_plus.optim import Adam
    from micrograd_plus.training import fit, outputs

    model = MLP(64, [50, 10], init="he", rng=random.Random(0))
    fit(
        model,
        data["train"],
        data["of_train"],
        loss="cross_entropy",
        optimizer=Adam(RATE),
        epochs=EPOCHS,
        batch_size=BATCH,
    )
    return (outputs(model, data["test"]).argmax(axis=1) == data["of_test"]).mean()


def fit_moons(data):
    import random

    import numpy as np

    from micrograd_plus.losses import l2_penalty
    from micrograd_plus.nn import MLP
    from micrograd_plus.optim import SGD
    from micrograd_plus.training import fit, outputs

    model = MLP(2, [16, 16, 1], rng=random.Random(1337))
    fit(
        model,
        data["points"],
        data["targets"],
        loss="hinge",
        optimizer=SGD(rate),
        epochs=STEPS,
        penalty=lambda weights: 1e-4 * l2_penalty(weights),
    )
    return (np.sign(outputs(model, data["points"])[:, 0]) == data["targets"]).mean()


def sklearn_digits(data):
    import warnings

    from sklearn.neural_network import MLPClassifier

    warnings.simplefilter("ignore")  # that it has not converged: it was not asked to
    found = MLPClassifier(
        (50,),
        alpha=0.0,
        learning_rate_init=RATE,
        batch_size=BATCH,
        max_iter=EPOCHS,
        tol=0.0,
        n_iter_no_change=EPOCHS,
        random_state=0,
    ).fit(data["train"], data["of_train"])
    return found.score(data["test"], data["of_test"])


def sklearn_moons(data):
    import warnings

    from sklearn.neural_network import MLPClassifier

    warnings.simplefilter("ignore")
    found = MLPClassifier(
        (16, 16),
        solver="sgd",
        momentum=0.0,
        learning_rate_init=0.5,
        batch_size=len(data["points"]),
        max_iter=STEPS,
        tol=0.0,
        n_iter_no_change=STEPS,
        random_state=0,
    ).fit(data["points"], data["targets"])
    return found.score(data["points"], data["targets"])


def torch_digits(data):
    import numpy as np
    import torch

    network = _of_torch(torch, 64, 50, 10)
    x, y = torch.tensor(data["train"]), torch.tensor(data["of_train"])
    optimizer, rng = torch.optim.Adam(network.parameters(), lr=RATE), np.random.default_rng(0)
    for _ in range(EPOCHS):
        order = torch.tensor(rng.permutation(len(x)))
        for batch in order.split(BATCH):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(network(x[batch]), y[batch]).backward()
            optimizer.step()
    with torch.no_grad():
        found = network(torch.tensor(data["test"])).argmax(dim=1).numpy()
    return (found == data["of_test"]).mean()


def torch_moons(data):
    import torch

    network = _of_torch(torch, 2, 16, 16, 1)
    x, y = torch.tensor(data["points"]), torch.tensor(data["targets"], dtype=torch.float64)
    optimizer = torch.optim.SGD(network.parameters(), lr=1.0)
    for k in range(STEPS):
        optimizer.param_groups[0]["lr"] = rate(k)
        optimizer.zero_grad()
        hinge = torch.relu(1 - y * network(x)[:, 0]).mean()
        (hinge + 1e-4 * sum((p * p).sum() for p in network.parameters())).backward()
        optimizer.step()
    with torch.no_grad():
        return float((torch.sign(network(x)[:, 0]) == y).double().mean())


def _of_torch(torch, *sizes):
    """Layers of these sizes in double precision, ReLUs between them."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    layers = []
    for inputs, units in pairwise(sizes):
        layers += [torch.nn.Linear(inputs, units, dtype=torch.float64), torch.nn.ReLU()]
    return torch.nn.Sequential(*layers[:-1])


# The processes in turns. --------------------------------------------------------------------------
def alone(task, file):
    """Do one task, and print what it found."""
    import numpy as np

    with np.load(file) as data:
        print(float(globals()[task](dict(data))))


def write_data(file):
    import numpy as np
    from sklearn.datasets import load_digits, make_moons
    from sklearn.model_selection import train_test_split

    images, classes = load_digits(return_X_y=True)
    train, test, of_train, of_test = train_test_split(
        images / 16, classes, test_size=0.25, random_state=0
    )
    points, moon = make_moons(n_samples=100, noise=0.1, random_state=1337)
    np.savez(
        file,
        train=train,
        test=test,
        of_train=of_train,
        of_test=of_test,
        points=points,
        targets=2 * moon - 1,
    )


def seconds_of(python, task, file):
    """Wall-clock and processor seconds of one process, and what it found."""
    threads = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    environment = {**os.environ, **dict.fromkeys(threads, "1")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    begin, processor = time.perf_counter(), of_children()
    ran = subprocess.run(
        [python, __file__, "--alone", task, file],
        env=environment,
        capture_output=True,
        check=True,
        text=True,
    )
    seconds = time.perf_counter() - begin, of_children() - processor
    return seconds, float(ran.stdout)


def of_children():
    """The processor's seconds in all processes that this one has started and that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def compare(kind, python_of, file):
    """Print the table of one kind of examples."""
    seconds, found = {name: [] for name in python_of}, {}
    for _ in range(ROUNDS + 1):
        for name, python in python_of.items():
            took, found[name] = seconds_of(python, f"{name}_{kind}", file)
            seconds[name].append(took)
    medians = {
        # the first reads files that the others find in memory
        name: [statistics.median(of) for of in zip(*all_seconds[1:], strict=True)]
        for name, all_seconds in seconds.items()
    }
    print(f"{kind}: seconds of whole processes, medians of {ROUNDS}; the processor's, beside fit's")
    for name, (wall, processor) in medians.items():
        print(
            f"  {name:8}{wall:8.2f}{processor:8.2f}{processor / medians['fit'][1]:8.2f}"
            f"   {found[name]:.1%} right"
        )


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--torch", default=sys.executable, metavar="PYTHON")
    parser.add_argument("--alone", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.alone:
        alone(*given.alone)
        return
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    python_of = {"fit": sys.executable, "sklearn": sys.executable, "torch": given.torch}
    there = subprocess.run([given.torch, "-c", "import torch"], capture_output=True, check=False)
    if there.returncode:
        del python_of["torch"]
        print("PyTorch is not installed")
    with tempfile.TemporaryDirectory() as folder:
        file = str(Path(folder, "examples.npz"))
        write_data(file)
        compare("digits", python_of, file)
        compare("moons", python_of, file)


if __name__ == "__main__":
    main()
