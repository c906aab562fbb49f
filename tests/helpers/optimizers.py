"""The optimisers beside PyTorch's: the largest difference of fifty steps on a quadratic and on
Rosenbrock's function.

`python tests/helpers/optimizers.py` prints the table: against the numbers in `optimizers.json`,
which PyTorch gave, and against PyTorch itself where it is installed.
`python tests/helpers/optimizers.py --write` lets PyTorch write these numbers anew.
"""

import json
import sys
from copy import copy
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from micrograd_plus import Value, record
from micrograd_plus.optim import SGD, AdaGrad, Adam, AdamW, RMSProp
from micrograd_plus.optim.schedules import CosineDecay, InverseTimeDecay, StepDecay

STEPS = 50
KEPT = (1, 2, 5, 10, 20, 30, 40, 50)  # the steps whose numbers are written down
REFERENCE = Path(__file__).with_name("optimizers.json")
BOUND = 1e-12


def quadratic(x, y):
    return 0.5 * (x - 1.0) * (x - 1.0) + 8.0 * (y + 0.5) * (y + 0.5) + 0.5 * x * y


def rosenbrock(x, y):
    return (1.0 - x) * (1.0 - x) + 100.0 * (y - x * x) * (y - x * x)


PROBLEMS = {"quadratic": (quadratic, (-2.0, 1.5)), "rosenbrock": (rosenbrock, (-1.2, 1.0))}

# name: (ours, to be copied; PyTorch's name, settings, and schedule with settings)
CASES = {
    "SGD": (SGD(), "SGD", {}, None),
    "SGD, weight decay": (SGD(weight_decay=0.1), "SGD", {"weight_decay": 0.1}, None),
    "SGD, momentum": (SGD(5e-4, momentum=0.9), "SGD", {"lr": 5e-4, "momentum": 0.9}, None),
    "SGD, momentum as step": (
        SGD(5e-4, momentum=0.9, form="step"),
        "SGD",
        {"lr": 5e-4, "momentum": 0.9},
        None,
    ),
    "SGD, momentum, weight decay": (
        SGD(5e-4, momentum=0.9, weight_decay=0.1),
        "SGD",
        {"lr": 5e-4, "momentum": 0.9, "weight_decay": 0.1},
        None,
    ),
    "SGD, Nesterov": (
        SGD(5e-4, momentum=0.9, nesterov=True),
        "SGD",
        {"lr": 5e-4, "momentum": 0.9, "nesterov": True},
        None,
    ),
    "SGD, Nesterov as step, weight decay": (
        SGD(5e-4, momentum=0.9, nesterov=True, weight_decay=0.1, form="step"),
        "SGD",
        {"lr": 5e-4, "momentum": 0.9, "nesterov": True, "weight_decay": 0.1},
        None,
    ),
    "SGD, StepDecay": (
        SGD(StepDecay(1e-3, every=15, factor=0.5), momentum=0.9),
        "SGD",
        {"momentum": 0.9},
        ("StepLR", {"step_size": 15, "gamma": 0.5}),
    ),
    "AdaGrad": (AdaGrad(), "Adagrad", {}, None),
    "AdaGrad, InverseTimeDecay, settings": (
        AdaGrad(
            InverseTimeDecay(0.5, 0.01), weight_decay=0.1, initial_accumulator=0.1, epsilon=1e-6
        ),
        "Adagrad",
        {
            "lr": 0.5,
            "lr_decay": 0.01,
            "weight_decay": 0.1,
            "initial_accumulator_value": 0.1,
            "eps": 1e-6,
        },
        None,
    ),
    "RMSProp": (RMSProp(), "RMSprop", {}, None),
    "RMSProp, momentum, settings": (
        RMSProp(5e-3, smoothing=0.9, momentum=0.5, weight_decay=0.1, epsilon=1e-6),
        "RMSprop",
        {"lr": 5e-3, "alpha": 0.9, "momentum": 0.5, "weight_decay": 0.1, "eps": 1e-6},
        None,
    ),
    "RMSProp, centered": (RMSProp(centered=True), "RMSprop", {"centered": True}, None),
    "RMSProp, centered, momentum": (
        RMSProp(5e-3, centered=True, momentum=0.5),
        "RMSprop",
        {"lr": 5e-3, "centered": True, "momentum": 0.5},
        None,
    ),
    "Adam": (Adam(), "Adam", {}, None),
    "Adam, settings": (
        Adam(0.05, betas=(0.8, 0.95), epsilon=1e-6, weight_decay=0.1),
        "Adam",
        {"lr": 0.05, "betas": (0.8, 0.95), "eps": 1e-6, "weight_decay": 0.1},
        None,
    ),
    "Adam, amsgrad": (Adam(0.05, amsgrad=True), "Adam", {"lr": 0.05, "amsgrad": True}, None),
    "Adam, CosineDecay": (
        Adam(CosineDecay(0.1, updates=50, final=0.01)),
        "Adam",
        {"lr": 0.1},
        ("CosineAnnealingLR", {"T_max": 50, "eta_min": 0.01}),
    ),
    "AdamW": (AdamW(), "AdamW", {}, None),
    "AdamW, amsgrad, settings": (
        AdamW(0.05, weight_decay=0.2, amsgrad=True),
        "AdamW",
        {"lr": 0.05, "weight_decay": 0.2, "amsgrad": True},
        None,
    ),
}


def by_step(case, problem):
    """Our trajectory, by Values."""
    function, start = PROBLEMS[problem]
    leaves, optimizer, found = [Value(x) for x in start], copy(CASES[case][0]), []
    for _ in range(STEPS):
        for leaf in leaves:
            leaf.grad = None
        function(*leaves).backward()
        optimizer.step(leaves)
        found.append([leaf.data for leaf in leaves])
    return np.array(found)


def by_update(case, problem, executor="python"):
    """Our trajectory, by arrays and the gradients of a tape."""
    function, start = PROBLEMS[problem]
    tape, optimizer, at, found = record(function, *start), copy(CASES[case][0]), np.array(start), []
    for _ in range(STEPS):
        at = optimizer.update(at, tape.gradients(at[None], executor=executor)[0])
        found.append(at)
    return np.array(found)


def by_torch(case, problem):
    """PyTorch's trajectory."""
    import torch

    function, start = PROBLEMS[problem]
    _, name, settings, schedule = CASES[case]
    leaves, found = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in start], []
    optimizer = getattr(torch.optim, name)(leaves, **settings)
    scheduler = (
        getattr(torch.optim.lr_scheduler, schedule[0])(optimizer, **schedule[1])
        if schedule
        else None
    )
    for _ in range(STEPS):
        optimizer.zero_grad()
        function(*leaves).backward()
        optimizer.step()
        if scheduler:
            scheduler.step()
        found.append([leaf.item() for leaf in leaves])
    return np.array(found)


def kept(trajectory):
    return np.array(trajectory)[[step - 1 for step in KEPT]]


def stored(case, problem):
    """What PyTorch gave when it last wrote the reference:
    the trajectory at the steps that were kept.
    """
    numbers = json.loads(REFERENCE.read_text(encoding="utf-8"))["trajectories"][case][problem]
    return np.array([[float.fromhex(x) for x in point.split()] for point in numbers])


def write():
    import torch

    found = {
        case: {
            problem: [
                " ".join(x.hex() for x in point) for point in kept(by_torch(case, problem)).tolist()
            ]
            for problem in PROBLEMS
        }
        for case in CASES
    }
    contents = {
        "torch": torch.__version__,
        "steps": " ".join(map(str, KEPT)),
        "trajectories": found,
    }
    REFERENCE.write_text(json.dumps(contents, indent=1) + "\n", encoding="utf-8")


def main():
    live = find_spec("torch") is not None
    print(
        f"{f'largest difference, {STEPS} steps':38}"
        + "".join(f"{p:>14}" for p in PROBLEMS)
        + "   live PyTorch"
    )
    for case in CASES:
        ours = {problem: by_step(case, problem) for problem in PROBLEMS}
        line = f"{case:38}" + "".join(
            f"{abs(kept(ours[p]) - stored(case, p)).max():14.1e}" for p in PROBLEMS
        )
        if live:
            line += f"{max(abs(ours[p] - by_torch(case, p)).max() for p in PROBLEMS):15.1e}"
        print(line)


if __name__ == "__main__":
    write() if sys.argv[1:] == ["--write"] else main()
