"""The two who derive by hand, NumPy, which is everyone's reference, and C; and what it is to be a
contestant of `tape.py`.

A contestant makes a step of a task: a function without arguments that computes everything anew,
from parameters and rows that are already in its native form to a value and a gradient in its native
form, which `as_floats` reads afterwards. Its library is imported when it is made: ImportError means
that it is not there.
"""

import ctypes
import math
import os
import pathlib
import shutil
import subprocess
import tempfile

import numpy as np
from tasks import PENALTY


class Missing(ImportError):
    """What a contestant needs is not there; the message is what the table shows."""


class Contestant:
    """A way to compute steps; `scalar` when it meets every number in Python,
    `prepares` when it gets ready first.
    """

    scalar = prepares = False

    def network(self, task):
        """The step of a network, or None where that would take minutes."""

    def circuit(self, x, y):
        """The step of `staged` at a point."""

    def gpt(self, task):
        """The step of a GPT, or None where there is none."""


def as_floats(result):
    """The value, and the gradient in the order of the parameters:
    native gradients are numbers or (weights, biases).
    """
    value, gradient = result
    parts = [np.column_stack(part) if isinstance(part, tuple) else part for part in gradient]
    return float(value), np.concatenate([np.ravel(part) for part in parts])


class NumPy(Contestant):
    """The reference: matrices differentiated by hand, and the circuit in Python's floats."""

    def network(self, task):
        inputs, targets, layers, last = task.inputs, task.targets, task.layers, len(task.layers) - 1

        def step():
            units = [inputs]
            for k, (weights, biases) in enumerate(layers):
                total = units[-1] @ weights.T + biases
                units.append(total if k == last else np.maximum(total, 0.0))
            scores = units.pop()
            if task.hinge:
                margins = 1 - targets * scores
                loss, slopes = (
                    np.maximum(margins, 0.0).mean(),
                    np.where(margins > 0, -targets, 0.0) / len(inputs),
                )
            else:
                top = scores.max(axis=1, keepdims=True)
                powers = np.exp(scores - top)
                totals = powers.sum(axis=1, keepdims=True)
                loss = (top + np.log(totals)).mean() - (targets * scores).sum() / len(inputs)
                slopes = (powers / totals - targets) / len(inputs)
            gradients = []
            for (weights, _), unit in zip(reversed(layers), reversed(units)):
                gradients.append((slopes.T @ unit, slopes.sum(axis=0)))
                if unit is not inputs:
                    slopes = (slopes @ weights) * (unit > 0)
            gradients.reverse()
            if task.hinge:
                for layer, gradient in zip(layers, gradients):
                    for parameters, slope in zip(layer, gradient):
                        loss += PENALTY * np.vdot(parameters, parameters)
                        slope += 2 * PENALTY * parameters  # noqa: PLW2901  # in place
            return loss, gradients

        return step

    def circuit(self, x, y):
        def step():
            u, v, total = 1 / (1 + math.exp(-x)), 1 / (1 + math.exp(-y)), x + y
            below = u + total * total
            value = (x + v) / below
            return value, (
                (1 - value * (u * (1 - u) + 2 * total)) / below,
                (v * (1 - v) - value * 2 * total) / below,
            )

        return step


class C(Contestant):
    """`step.c`, compiled for the one network with -ffast-math, through ctypes:
    a bar to measure by, not a contestant.
    """

    flags = ("-ffast-math",)
    prepares = True

    def __init__(self):
        compiler()

    def network(self, task):
        step = self._compiled(task.sizes, task.hinge).step
        step.restype = ctypes.c_double
        gradient = np.zeros(len(task.parameters))
        arrays = [
            ctypes.c_void_p(array.ctypes.data) for array in (task.rows, task.parameters, gradient)
        ]
        count = ctypes.c_long(len(task.rows))
        return lambda: (step(count, *arrays), gradient)

    def circuit(self, x, y):
        circuit = self._compiled((1, 1), hinge=False).circuit
        circuit.argtypes, circuit.restype = (
            [ctypes.c_double, ctypes.c_double, ctypes.c_void_p],
            ctypes.c_double,
        )
        gradient = np.zeros(2)
        address = gradient.ctypes.data
        return lambda: (circuit(x, y, address), gradient)

    def _compiled(self, sizes, hinge):
        source = pathlib.Path(__file__).with_name("step.c")
        with tempfile.TemporaryDirectory() as folder:
            library = os.path.join(folder, "step.so")
            subprocess.run(
                [
                    compiler(),
                    "-O3",
                    "-march=native",
                    *self.flags,
                    "-shared",
                    "-fPIC",
                    source,
                    "-o",
                    library,
                    f"-DSIZES={','.join(map(str, sizes))}",
                    f"-DHINGE={int(hinge)}",
                    "-lm",
                ],
                check=True,
                capture_output=True,
            )
            return ctypes.CDLL(library)


class StrictC(C):
    """The same, in the order in which it is written and without contraction: what the rules of a
    tape allow.
    """

    flags = ("-ffp-contract=off",)


def compiler():
    """The system's C compiler; raises Missing where there is none."""
    for name in ("cc", "gcc", "clang"):
        if shutil.which(name):
            return name
    raise Missing("no C compiler")
