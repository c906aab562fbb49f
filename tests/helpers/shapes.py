"""Graphs of about a given number of gates, in the shapes that programs have:
long, wide, shared, random.
"""

import random

from micrograd_plus import Value, ops
from micrograd_plus.nn import MLP


def chain(gates):
    y = Value(0.5)
    for _ in range(gates):
        y = y * 1.0001
    return y


def reused(gates):
    """A leaf that every link of a chain uses again."""
    y = x = Value(0.5)
    for _ in range(gates // 2):
        y = y * 1.0001 + x
    return y


def horner(gates):
    x, y = Value(0.9), Value(1.0)
    for i in range(gates // 2):
        y = y * x + Value(float(i))
    return y


def comb(gates):
    y = Value(0.5)
    for _ in range(gates // 2):
        y = y + Value(0.1) * 1.5
    return y


def ladder(gates):
    a, b = Value(0.5), Value(0.6)
    for _ in range(gates // 3):
        a, b = (a + b) * 0.5, a * b
    return a + b


def recurrent(gates):
    w, u, h = Value(0.5), Value(0.3), Value(0.0)
    for i in range(gates // 4):
        h = ops.tanh(w * h + u * Value(0.1 * (i % 7)))
    return h


def newton(gates):
    a, x = Value(2.0), Value(1.0)
    for _ in range(gates // 6):
        x = x - (x * x - a) / (2 * x)
    return x


def running_mean(gates):
    m = Value(0.0)
    for i in range(gates // 3):
        m = m + (Value(float(i)) - m) / (i + 1)
    return m


def variance(gates):
    xs = [Value(float(i)) for i in range(max(2, gates // 4))]
    mean = sum(xs) / len(xs)
    return sum((x - mean) ** 2 for x in xs) / len(xs)


def running_sums(gates):
    s, out = Value(0.0), Value(0.0)
    for i in range(gates // 3):
        s = s + Value(0.1)
        out = out + s / (i + 1)
    return out


def fan_out(gates):
    x = Value(0.5)
    return sum([ops.tanh(x * float(i)) for i in range(max(1, gates // 3))])


def one_gate(gates):
    return ops.sum([Value(0.1) * 2 for _ in range(gates)])


def optimizer(gates):
    """A few numbers that every step of Adam uses again."""
    p, m, v, rate = Value(1.0), Value(0.0), Value(0.0), Value(0.1)
    for _ in range(max(1, gates // 13)):
        g = p * 2.0
        m, v = m * 0.9 + g * 0.1, v * 0.99 + g * g * 0.01
        p = p - rate * m / (ops.sqrt(v) + 1e-8)
    return p


def attention(gates):
    xs = [Value(0.1 * i) for i in range(6)]
    for _ in range(max(1, gates // 24)):
        total = sum(ops.exp(x) for x in xs)
        xs = [ops.exp(x) / total for x in xs]
    return sum(xs)


def matrices(gates):
    n = max(2, round((gates / 2) ** (1 / 3)))
    a, b = ([[Value(0.1) for _ in range(n)] for _ in range(n)] for _ in range(2))
    return sum(a[i][k] * b[k][j] for i in range(n) for j in range(n) for k in range(n))


def dense(gates):
    """Layers in which every sum reads every number of the layer before."""
    n = max(2, round((gates / 3) ** 0.5))
    xs = [Value(0.1 * i) for i in range(n)]
    for _ in range(3):
        xs = [ops.tanh(ops.sum(xs)) for _ in range(n)]
    return sum(xs)


def mlp(gates):
    n = max(1, round((gates / 2) ** 0.5))
    return MLP(2, [n, n, 1], rng=random.Random(0))([Value(1.0), Value(2.0)])


def anywhere(gates, reach=None):
    rng = random.Random(gates)
    nodes = [Value(rng.uniform(0.5, 1.5)) for _ in range(max(2, gates // 10))]
    for _ in range(gates):
        a, b = (rng.choice(nodes[-(reach or len(nodes)) :]) for _ in range(2))
        nodes.append(
            rng.choice((ops.add, ops.mul, ops.maximum))(a, b) if rng.random() < 0.7 else ops.tanh(a)
        )
    return sum(nodes[-max(1, gates // 8) :])


def nearby(gates):
    return anywhere(gates, reach=8)


SHAPES = {
    make.__name__: make
    for make in (
        chain,
        reused,
        horner,
        comb,
        ladder,
        recurrent,
        newton,
        running_mean,
        variance,
        running_sums,
        fan_out,
        one_gate,
        optimizer,
        attention,
        matrices,
        dense,
        mlp,
        anywhere,
        nearby,
    )
}
