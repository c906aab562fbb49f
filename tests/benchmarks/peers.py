"""Other people's engines, each in its own idiom and in float64:
the contestants of `tape.py`, which `by_hand` explains.
"""

import math
import os
import shutil
import sys
import tempfile

import numpy as np
from by_hand import Contestant, Missing, compiler
from tasks import HEADS, PENALTY, staged


def sigmoid_by(exp):
    """The sigmoid of those who have none."""
    return lambda x: 1 / (1 + exp(-x))


def scalar_loss(task, scores, parameters, relu, exp, log):
    """The loss of a network, one number at a time; `scores` takes a row to a list."""
    rows = zip(map(scores, task.inputs.tolist()), task.targets.tolist())
    if task.hinge:
        losses = [relu(1 + -target * score) for (score,), (target,) in rows]
        return sum(losses) * (1 / len(losses)) + PENALTY * sum(p * p for p in parameters)
    losses = [
        log(sum(map(exp, found))) - sum(s * t for s, t in zip(found, target))
        for found, target in rows
    ]
    return sum(losses) * (1 / len(losses))


def paired(flat):
    """Weights and biases by turns, as (weights, biases)."""
    return list(zip(flat[::2], flat[1::2]))


class Micrograd(Contestant):
    """micrograd, with the exp and log that its lecture adds."""

    scalar = True

    def __init__(self):
        import micrograd.engine
        import micrograd.nn

        self.value, self.mlp = micrograd.engine.Value, micrograd.nn.MLP
        sys.setrecursionlimit(1_000_000)  # its backward() recurses along a sum of 784 products

    def network(self, task):
        model = self.mlp(task.sizes[0], list(task.sizes[1:]))
        parameters = model.parameters()
        for p, number in zip(parameters, task.parameters.tolist()):
            p.data = number

        def scores(row):
            found = model(list(map(self.value, row)))
            return found if isinstance(found, list) else [found]

        def step():
            model.zero_grad()
            loss = scalar_loss(task, scores, parameters, self.value.relu, self.exp, self.log)
            loss.backward()
            return loss.data, [p.grad for p in parameters]

        return step

    def circuit(self, x, y):
        def step():
            a, b = self.value(x), self.value(y)
            out = staged(a, b, sigmoid_by(self.exp))
            out.backward()
            return out.data, (a.grad, b.grad)

        return step

    def exp(self, x):
        return self._gate(x, math.exp(x.data), math.exp(x.data))

    def log(self, x):
        return self._gate(x, math.log(x.data), 1 / x.data)

    def _gate(self, x, data, slope):
        out = self.value(data, (x,))

        def backward():
            x.grad += slope * out.grad

        out._backward = backward
        return out


class Xad(Contestant):
    """XAD's eager tape, through its Python binding."""

    scalar = True

    def __init__(self):
        import xad.adj_1st
        import xad.math

        self.real, self.tape, self.math = xad.adj_1st.Real, xad.adj_1st.Tape(), xad.math

    def network(self, task):
        last = len(task.sizes) - 1

        def scores(row, parameters):
            rest = iter(parameters)
            for k, width in enumerate(task.sizes[1:], 1):
                totals = [
                    sum([next(rest) * x for x in row], 0.0) + next(rest) for _ in range(width)
                ]
                row = totals if k == last else list(map(self.relu, totals))
            return row

        def loss(parameters):
            return scalar_loss(
                task,
                lambda row: scores(row, parameters),
                parameters,
                relu=self.relu,
                exp=self.math.exp,
                log=self.math.log,
            )

        return lambda: self.swept(loss, task.parameters.tolist())

    def circuit(self, x, y):
        return lambda: self.swept(lambda reals: staged(*reals, sigmoid_by(self.math.exp)), (x, y))

    def relu(self, x):
        return self.math.max(x, 0.0)

    def swept(self, function, point):
        with self.tape as tape:
            tape.clearAll()
            reals = list(map(self.real, point))
            tape.registerInputs(reals)
            tape.newRecording()
            out = function(reals)
            tape.registerOutput(out)
            out.setDerivative(1.0)
            tape.computeAdjoints()
            return out.getValue(), [real.getDerivative() for real in reals]


class CasADi(Contestant):
    """CasADi's scalar graph of one row, mapped over the rows and summed, on buffers;
    run by its own machine.
    """

    prepares = True
    options, largest = {}, math.inf

    def __init__(self):
        import casadi

        self.casadi = casadi

    def network(self, task):
        if len(task.parameters) > self.largest:
            return None
        ca, count, (_, width) = self.casadi, len(task.rows), task.rows.shape
        row, parameters = ca.SX.sym("row", width), ca.SX.sym("parameters", len(task.parameters))
        units, targets, start = row[: task.sizes[0]], row[task.sizes[0] :], 0
        for k, (before, after) in enumerate(zip(task.sizes, task.sizes[1:]), 2):
            matrix = ca.reshape(parameters[start : start + (before + 1) * after], before + 1, after)
            units, start = matrix[:-1, :].T @ units + matrix[-1, :].T, start + (before + 1) * after
            units = units if k == len(task.sizes) else ca.fmax(units, 0)
        if task.hinge:
            loss = ca.fmax(1 - targets * units, 0) + PENALTY * ca.dot(parameters, parameters)
        else:
            loss = ca.logsumexp(units) - ca.dot(targets, units)
        loss /= count
        one = ca.Function(
            "row", [row, parameters], [loss, ca.gradient(loss, parameters)], self.options
        )
        value, gradient = np.zeros(1), np.zeros(len(task.parameters))
        run = self._on_buffers(
            one.map(count, [False, True], [True, True]),
            (task.rows, task.parameters),
            (value, gradient),
        )

        def step():
            run()
            return value[0], gradient

        return step

    def circuit(self, x, y):
        ca = self.casadi
        a, b = ca.SX.sym("x"), ca.SX.sym("y")
        out = staged(a, b, sigmoid_by(ca.exp))
        function = ca.Function(
            "circuit", [a, b], [out, ca.gradient(out, ca.vertcat(a, b))], self.options
        )
        first, second, value, gradient = np.zeros(1), np.zeros(1), np.zeros(1), np.zeros(2)
        run = self._on_buffers(function, (first, second), (value, gradient))

        def step():
            first[0], second[0] = x, y
            run()
            return value[0], gradient

        return step

    @staticmethod
    def _on_buffers(function, inputs, outputs):
        buffer, run = function.buffer()
        for k, array in enumerate(inputs):
            buffer.set_arg(k, memoryview(array))
        for k, array in enumerate(outputs):
            buffer.set_res(k, memoryview(array))
        return lambda buffer=buffer: run()  # the buffer must outlive the step


class CasADiAsC(CasADi):
    """The same, written out as C; the compiler would take minutes for the 784 inputs
    of an image.
    """

    largest = 10_000

    def __init__(self):
        super().__init__()
        self.options = {
            "jit": True,
            "compiler": "shell",
            "jit_cleanup": True,
            "jit_options": {"compiler": compiler(), "flags": ["-O1", "-march=native"]},
        }
        self.folder = tempfile.TemporaryDirectory()  # else it writes where the user is
        self.casadi.GlobalOptions.setTempWorkDir(os.path.join(self.folder.name, ""))


def gpt_loss(task, matrices, arrays, relu):
    """The mean loss of a GPT over names of one length; `arrays` has einsum, exp and log, and the
    matrices and the arrays of the task are its own.
    """
    given, seen, chosen = task
    letters, places, query, key, content, mix, inner, outer, output = matrices
    count, length = given.shape
    part = mix.shape[0] // HEADS

    def normed(x):
        return x * ((x * x).mean(-1)[..., None] + 1e-5) ** -0.5

    def heads(matrix, x):
        return (x @ matrix.T).reshape(count, length, HEADS, part)

    x = normed(letters[given] + places[:length])
    inside = normed(x)
    scores = arrays.einsum("bihd,bjhd->bhij", heads(query, inside), heads(key, inside))
    powers = arrays.exp(scores * part**-0.5) * seen
    shares = powers / powers.sum(-1)[..., None]
    found = arrays.einsum("bhij,bjhd->bihd", shares, heads(content, inside))
    x = found.reshape(count, length, HEADS * part) @ mix.T + x
    x = relu(normed(x) @ inner.T) @ outer.T + x
    logits = x @ output.T
    return (arrays.log(arrays.exp(logits).sum(-1)) - (logits * chosen).sum(-1)).mean()


class Torch(Contestant):
    """PyTorch on tensors, eagerly."""

    def __init__(self):
        import torch

        torch.set_num_threads(1)
        self.torch = torch

    def network(self, task):
        tensor, functional = self.torch.from_numpy, self.torch.nn.functional
        inputs, targets = tensor(task.inputs), tensor(task.targets)

        def loss(*parameters):
            units = inputs
            for k in range(0, len(parameters), 2):
                units = functional.linear(
                    functional.relu(units) if k else units, *parameters[k : k + 2]
                )
            if task.hinge:
                return functional.relu(1 - targets * units).mean() + PENALTY * sum(
                    (p * p).sum() for p in parameters
                )
            return functional.cross_entropy(units, targets)

        run = self.differentiated(loss, [tensor(array) for layer in task.layers for array in layer])

        def step():
            value, gradient = run()
            return value, paired(gradient)

        return step

    def circuit(self, x, y):
        point = [self.torch.tensor(number, dtype=self.torch.float64) for number in (x, y)]
        return self.differentiated(lambda a, b: staged(a, b, self.torch.sigmoid), point)

    def gpt(self, task):
        tensor = self.torch.from_numpy
        arrays = [tensor(array) for array in task.arrays]
        return self.differentiated(
            lambda *matrices: gpt_loss(arrays, matrices, self.torch, self.torch.relu),
            [tensor(matrix) for matrix in task.matrices],
        )

    def differentiated(self, function, point):
        point = [tensor.requires_grad_() for tensor in point]

        def run():
            value = function(*point)
            return value.detach(), self.torch.autograd.grad(value, point)

        return run


class TorchCompile(Torch):
    """torch.compile of value and gradient in one, which is faster than
    of the value alone with autograd's sweep.
    """

    prepares = True

    def __init__(self):
        super().__init__()
        if shutil.which("c++") is None:
            raise Missing("no C++ compiler")
        self.cache = tempfile.TemporaryDirectory()  # nothing comes from an earlier run
        os.environ["TORCHINDUCTOR_CACHE_DIR"] = self.cache.name
        self.torch.compile(self.torch.neg)(self.torch.zeros(1))  # loads the compiler

    def differentiated(self, function, point):
        self.torch.compiler.reset()
        both = self.torch.func.grad_and_value(function, argnums=tuple(range(len(point))))
        compiled = self.torch.compile(both, dynamic=False)

        def run():
            gradient, value = compiled(*point)
            return value, gradient

        return run


class Jax(Contestant):
    """JAX, value and gradient under one jit."""

    prepares = True

    def __init__(self):
        import jax

        jax.config.update("jax_enable_x64", True)
        jax.block_until_ready(jax.numpy.zeros(1) + 1.0)  # starts its machinery
        self.jax = jax

    def network(self, task):
        jax, array = self.jax, self.jax.numpy.asarray

        def loss(layers, inputs, targets):
            units = inputs
            for k, (weights, biases) in enumerate(layers):
                units = (jax.nn.relu(units) if k else units) @ weights.T + biases
            if task.hinge:
                penalty = sum(
                    (weights * weights).sum() + (biases * biases).sum()
                    for weights, biases in layers
                )
                return jax.nn.relu(1 - targets * units).mean() + PENALTY * penalty
            return (jax.nn.logsumexp(units, axis=1) - (targets * units).sum(axis=1)).mean()

        run = jax.jit(jax.value_and_grad(loss))
        layers = [tuple(map(array, layer)) for layer in task.layers]
        inputs, targets = array(task.inputs), array(task.targets)
        return lambda: jax.block_until_ready(run(layers, inputs, targets))

    def circuit(self, x, y):
        jax, a, b = self.jax, self.jax.numpy.float64(x), self.jax.numpy.float64(y)
        run = jax.jit(jax.value_and_grad(lambda a, b: staged(a, b, jax.nn.sigmoid), (0, 1)))
        return lambda: jax.block_until_ready(run(a, b))

    def gpt(self, task):
        jax, array = self.jax, self.jax.numpy.asarray
        arrays, matrices = [list(map(array, part)) for part in (task.arrays, task.matrices)]
        run = jax.jit(
            jax.value_and_grad(
                lambda matrices, arrays: gpt_loss(arrays, matrices, jax.numpy, jax.nn.relu)
            )
        )
        return lambda: jax.block_until_ready(run(matrices, arrays))
