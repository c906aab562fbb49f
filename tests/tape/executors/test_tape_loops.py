"""Regular graphs on the machine: layers, convolutions, recurrences and what else it rolls up into
loops over memory.

A graph is built from vectors of numbers: of inputs, of parameters, of constants, and of what was
computed from these, taken forwards, backwards or with gaps, so that loops of any stride and length
come about, and such as are nearly loops.
"""

import random
import time

import numpy as np
import pytest
from tapes import any_number, bits, eager, replayed, same_bits

from micrograd_plus import Value, nn, ops, record
from micrograd_plus.tape.executors.llvm import loops, machine
from micrograd_plus.tape.executors.llvm.rolling import rolled, rolled_in_python
from micrograd_plus.tape.lowering import lowered

MANY = 1 << 20  # nests

ELEMENTWISE = ("tanh", "relu", "neg", "abs", "sigmoid", "step", "sin", "hard_tanh")
PAIRWISE = ("add", "mul", "sub", "maximum", "div", "less", "hypot")
WHOLE = ("sum", "logsumexp", "maximum", "minimum")


def affine(rng, a, b):
    rows = [[b[(j * len(a) + i) % len(b)] for i in range(len(a))] for j in range(rng.randint(1, 7))]
    return [ops.dot(row, a, b[j % len(b)]) for j, row in enumerate(rows)]


def convolution(rng, a, b):
    width, stride = rng.randint(1, min(4, len(a), len(b))), rng.choice((1, 1, 2))
    return [ops.dot(b[:width], a[i : i + width]) for i in range(0, len(a) - width + 1, stride)]


def recurrence(rng, a, b):
    found = [a[0]]
    for x in b:
        found.append(found[-1] * 0.5 + x)
    return found


def shorter(a, b):
    return min(len(a), len(b))


STEPS = (  # from two vectors to one
    affine,
    convolution,
    recurrence,
    lambda rng, a, b: list(map(ops.primitive(rng.choice(ELEMENTWISE)), a)),
    lambda rng, a, b: list(map(ops.primitive(rng.choice(PAIRWISE)), a, b)),
    lambda rng, a, b: [ops.primitive(rng.choice(WHOLE))(*a)],
    lambda rng, a, b: a[:: rng.choice((-1, 2, 3))],
    lambda rng, a, b: [x * y for x in a[:5] for y in b[:5]],
    lambda rng, a, b: [ops.dot(a[: shorter(a, b)], b[: shorter(a, b)], a[0])],
    lambda rng, a, b: [ops.where(ops.less(x, 0.3), y, x) for x, y in zip(a, b)],
)


def drawn(seed):
    """A function of several numbers that is one number or many, its arity, and its parameters."""
    rng = random.Random(seed)
    arity, scalar = rng.randint(1, 9), rng.random() < 0.7
    shared = [Value(rng.gauss(0, 1)) for _ in range(rng.choice((0, 3, 10, 40)))]

    def f(*xs):
        rng = random.Random(seed)
        vectors = [list(xs), [float(rng.randint(-2, 2)) for _ in range(rng.randint(1, 9))]]
        if shared:
            vectors += [
                shared,
                shared[: rng.randint(1, len(shared))],
                shared[:: rng.choice((2, 3, -1))],
            ]
        given = len(vectors)
        for _ in range(rng.randint(2, 9)):
            vectors.append(rng.choice(STEPS)(rng, rng.choice(vectors), rng.choice(vectors))[:60])
        chosen = [x for vector in vectors[given:] for x in vector if rng.random() < 0.5] or list(xs)
        return ops.sum([ops.tanh(x) for x in chosen]) + xs[0] if scalar else chosen[:50]

    return f, arity, shared, scalar


def differences(seed):
    """What of a drawn function's tape has other bits on the machine than in Python,
    or in Python than from the engine.
    """
    f, arity, shared, scalar = drawn(seed)
    rng = random.Random(-seed)
    rows = [
        [any_number(rng) if rng.random() < 0.05 else rng.uniform(-2, 2) for _ in range(arity)]
        for _ in range(rng.choice((1, 2, 15, 16, 17, 33)))
    ]
    tape = record(f, *rows[0], parameters=shared, check=False)
    program = lowered(tape.program)
    if rolled(program, MANY) != rolled_in_python(program, MANY):
        yield f"seed {seed}: rolled up"
    uses = {"values": tape.values}
    if scalar:
        uses |= {
            "gradients in the inputs": tape.gradients,
            "gradients in the parameters": lambda *given, **more: tape.gradients(
                *given, of="parameters", **more
            ),
            "sums": lambda *given, **more: np.hstack(tape.sum_and_grad(*given, **more)),
        }
        if bits(replayed(tape, rows[0])) != bits(eager(f, rows[0], shared)):
            yield f"seed {seed}: Python"
    for name, use in uses.items():
        if not same_bits(use(rows, executor="machine"), use(rows, executor="python")).all():
            yield f"seed {seed}: {name}"


def test_regular_graphs_have_the_same_bits_on_the_machine():
    assert [difference for seed in range(20) for difference in differences(seed)] == []


@pytest.mark.slow
def test_eight_hundred_regular_graphs():
    begin = time.perf_counter()
    assert [difference for seed in range(1000, 1800) for difference in differences(seed)] == []
    print(
        "\n800 regular graphs have the same bits on the machine: "
        f"{time.perf_counter() - begin:.0f} seconds"
    )


@pytest.mark.parametrize(
    "sizes", [[1], [2, 1], [3, 4, 1], [5, 9, 8, 1], [17, 1], [16, 16, 1], [33, 3, 1]]
)
@pytest.mark.parametrize(
    ("inputs", "activation"), [(3, "relu"), (3, "tanh"), (8, "relu"), (21, "tanh")]
)
def test_networks_of_any_width_have_the_same_bits(sizes, inputs, activation):
    rng = random.Random(len(sizes))
    model = nn.MLP(inputs, sizes, activation=activation, rng=rng)

    def loss(*xs):
        *given, target = xs
        return ops.relu(1 - target * model(given)) + 1e-4 * ops.sum(
            [p * p for p in model.parameters()]
        )

    rows = [
        [*[rng.uniform(-1, 1) for _ in range(inputs)], rng.choice((-1.0, 1.0))] for _ in range(35)
    ]
    tape = record(loss, *rows[0], parameters=model)
    for count in (1, 7, 35):
        total, gradient = tape.sum_and_grad(rows[:count], executor="machine")
        expected, of_python = tape.sum_and_grad(rows[:count], executor="python")
        assert bits([total, *gradient]) == bits([expected, *of_python])
    assert bits(replayed(tape, rows[0])) == bits(eager(loss, rows[0], model.parameters()))


@pytest.mark.parametrize("together", [1, 3, 4, 6, 8])
def test_bits_do_not_depend_on_how_many_statements_run_side_by_side(together, monkeypatch):
    monkeypatch.setattr(machine, "_side_by_side", lambda: together)
    monkeypatch.setattr(loops, "MOST_TOGETHER", together)  # nests in a function
    rng = random.Random(together)
    model = nn.MLP(5, [7, 11, 1], activation="tanh", rng=rng)
    tape = record(lambda *xs: model(xs), *[0.5] * 5, parameters=model)
    points = [[rng.uniform(-1, 1) for _ in range(5)] for _ in range(35)]
    for count in (3, 16, 35):
        for use in (
            tape.values,
            lambda *given, **more: np.hstack(tape.mean_and_grad(*given, **more)),
        ):
            found, expected = [use(points[:count], executor=e) for e in ("machine", "python")]
            assert same_bits(found, expected).all()
