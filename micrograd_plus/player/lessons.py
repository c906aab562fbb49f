"""Lessons of the playground: settings under which something can be seen, and what to look at; and
the sets of data that it knows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

DATA_SETS = ("moons", "circles", "blobs", "xor", "spiral")  # which the page draws by itself


@dataclass(frozen=True)
class Lesson:
    """Settings of the page, where they are not as they come, and a few sentences."""

    title: str
    text: str
    settings: dict[str, Any]


def _hidden(activation: str, *units: int) -> list[dict[str, Any]]:
    return [{"units": count, "activation": activation} for count in units]


_OVER_FITTING = {
    "count": 60,
    "noise": 0.45,
    "held": 0.5,
    "layers": _hidden("tanh", 24, 24),
    "loss": "binary_cross_entropy",
    "output": "sigmoid",
    "optimizer": "Adam",
    "rate": 0.01,
    "pace": "frame",
}
LESSONS = {
    "xor-perceptron": Lesson(
        "XOR with a perceptron",
        "One unit draws one straight line, and no line tells the four corners of XOR apart: three "
        "of them at most are right, a quarter of the points stays wrong, and the loss comes to "
        "rest. Press + in the network, which adds a layer, and train again.",
        {"data": "xor", "noise": 0, "layers": [], "loss": "hinge", "rate": 0.1},
    ),
    "local-minima": Lesson(
        "A local minimum",
        "Two sigmoid units can tell XOR apart, but from some weights gradient descent comes to "
        "rest where every way leads up. Train until the loss stands still; then press New weights "
        "and train again: from these it gets through.",
        {
            "data": "xor",
            "noise": 0.05,
            "layers": _hidden("sigmoid", 2),
            "output": "sigmoid",
            "loss": "binary_cross_entropy",
            "optimizer": "Adam",
            "rate": 0.05,
            "init": "uniform",
            "seed": 4,
        },
    ),
    "too-large-step": Lesson(
        "Too large a step",
        "With a linear unit and the squared error the loss is a bowl. Up to a certain rate each "
        "step leads down; above it each step lands on the other side, higher than before, and the "
        "loss grows without bound. Set the rate to 0.1, press Reset, and compare.",
        {
            "data": "blobs",
            "layers": [],
            "loss": "squared_error",
            "rate": 0.8,
            "init": "uniform",
            "pace": "slow",
        },
    ),
    "dead-relus": Lesson(
        "Dead ReLUs",
        "The first steps are so large that units end below 0 at every point: here a whole layer "
        "within a few steps. A dead unit, blank with a dashed edge, gives 0 everywhere; no "
        "gradient passes through it, and it never learns again. Set the rate to 0.1, and press "
        "Reset.",
        {"layers": _hidden("relu", 8, 8), "rate": 5, "init": "he", "pace": "slow"},
    ),
    "saturation": Lesson(
        "Saturated sigmoids",
        "The first weights are forty times as large as they should be, so that units give 0 or 1 "
        "nearly everywhere, where their slope is nearly 0: the gradients are tiny and the loss "
        "hardly falls. Set what multiplies the first weights to 1, and train again.",
        {
            "layers": _hidden("sigmoid", 8, 4),
            "output": "sigmoid",
            "loss": "squared_error",
            "rate": 0.5,
            "scale": 40,
            "pace": "frame",
        },
    ),
    "vanishing-gradients": Lesson(
        "Gradients that vanish",
        "The slope of a sigmoid is a quarter at most, and each layer multiplies by it what comes "
        "back: from layer to layer the gradients shrink, and the first one hardly learns for "
        "thousands of steps. Choose tanh or relu for all layers, and train again.",
        {
            "layers": _hidden("sigmoid", 6, 6, 6, 6, 6),
            "output": "sigmoid",
            "loss": "binary_cross_entropy",
            "rate": 0.5,
            "pace": "frame",
        },
    ),
    "over-fitting": Lesson(
        "Over-fitting",
        "Few points, much noise and many units: the training loss keeps falling, while that of the "
        "points held out, drawn as rings, rises again, and the regions wind around single points. "
        "More points, a penalty of 0.01 or dropout help.",
        _OVER_FITTING,
    ),
    "early-stopping": Lesson(
        "Early stopping",
        "As in over-fitting, but training ends when the loss of the points held out has not fallen "
        "for 100 epochs, and the weights of the best epoch come back.",
        {**_OVER_FITTING, "patience": 100},
    ),
}
