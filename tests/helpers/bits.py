"""Random graphs over every row, and all that an engine makes of them, to the last bit.

    MICROGRAD_PLUS_ENGINE=c python tests/helpers/bits.py 300 [first seed]

prints a line a graph: its seed, a digest of its numbers, and what it is made of. Two engines agree
where the lines do. The operands are ordinary numbers, or among them inf, nan, signed zeros and
subnormals; the graphs are swept once, again, and after edits, copied and differentiated by the
transformations.
"""

import copy
import hashlib
import math
import pickle
import random
import struct
import sys

from micrograd_plus import Value, grad, hessian, hvp, jacobian, jvp, no_grad, ops, value_and_grad
from micrograd_plus.engine import adjoints, nodes_below, tangents, zero_grad

ROWS = ops.primitives()
ODD = (
    *(0.0, -0.0, 1.0, -1.0, 2.0, 0.5, -2.5, 3.0, 1e300, -1e300, 710.0, -745.0),
    *(1e-310, -5e-324, 2.2250738585072014e-308, math.inf, -math.inf, math.nan),
)
OPERATORS = (
    lambda x, y: x + y,
    lambda x, y: x - y,
    lambda x, y: x * y,
    lambda x, y: x / y,
    lambda x, y: x**y,
    lambda x, y: x % y,
    lambda x, y: x < y,
    lambda x, y: x >= y,
    lambda x, y: -x,
    lambda x, y: abs(x),
)


def bits(x):
    """A float as bytes; nans are one, whatever they carry."""
    return b"nan" if x != x else struct.pack("d", x)


class Numbers:
    """Where a graph takes its numbers from."""

    def __init__(self, rng, are_odd):
        self.rng, self.are_odd = rng, are_odd

    def __call__(self):
        if self.are_odd and self.rng.random() < 0.4:
            return self.rng.choice(ODD)
        return self.rng.choice([self.rng.gauss(0, 2), self.rng.gauss(0, 2), self.rng.randrange(4)])


def count_of(row, rng):
    """How many operands to give a row."""
    if not row.variadic:
        return row.arity
    if row.is_weighted_sum:
        return 2 * rng.randrange(4) + 1
    return max(row.least, rng.choice([1, 2, 3, 5, rng.randrange(1, 40)]))


def plan(rng, number):
    """A program: rows or operators with the places of their operands, or numbers."""
    steps = []
    for size in range(4, 4 + rng.randrange(3, 30)):

        def operand(size=size):
            return rng.randrange(size) if rng.random() < 0.8 else float(number())

        if rng.random() < 0.4:
            steps.append((rng.choice(OPERATORS), [rng.randrange(size), operand()]))
        else:
            row = rng.choice(ROWS)
            operands = [operand() for _ in range(count_of(row, rng))]
            operands[rng.randrange(len(operands))] = rng.randrange(size)
            steps.append((row, operands))
    return steps


def run(steps, leaves):
    """All nodes of a program on four leaves."""
    nodes = list(leaves)
    for function, operands in steps:
        nodes.append(function(*[nodes[o] if type(o) is int else o for o in operands]))
    return nodes


def values(numbers):
    """The floats among numbers, of which some may be Values."""
    return [n.data if isinstance(n, Value) else n for n in numbers]


def flat(tree):
    """The numbers in nested sequences."""
    return [n for part in tree for n in flat(part)] if isinstance(tree, (list, tuple)) else [tree]


def seen(nodes):
    """The data and gradients of nodes."""
    return [n for v in nodes for n in (v.data, v.grad)]


def lives(rng, number, steps):
    """The numbers of a graph through its life."""
    leaves = [Value(number()) for _ in range(4)]
    nodes = run(steps, leaves)
    out = ops.sum(*nodes) if rng.random() < 0.5 else nodes[-1]
    out.backward()
    yield from seen(nodes)
    if rng.random() < 0.3:
        out.backward(rng.gauss(0, 1))
        nodes[rng.randrange(len(nodes))].backward()
        yield from seen(nodes)
    if rng.random() < 0.3:
        leaves[rng.randrange(4)].data = number()
        ops.sum(out, *nodes).forward()  # not what lies below `out` alone
        out.backward()
        yield from seen(nodes)
    if rng.random() < 0.2:
        for twin in (copy.deepcopy(out), pickle.loads(pickle.dumps(out))):
            twin.backward()
            yield from seen(nodes_below(twin))
    if rng.random() < 0.2:
        zero_grad(out)
        for v in nodes:
            v.grad = number()
            v._backward()
        yield from seen(nodes)
    order = nodes_below(out)
    yield from [len(order), *flat([adjoints(order, {out: 1.0}).get(v, 0.0) for v in order])]
    yield from [tangents(order, {leaves[0]: 1.0, leaves[2]: -0.5}).get(v, 0.0) for v in order]
    with no_grad():
        yield from values(run(steps, leaves))


def derivatives(rng, number, steps):
    """The numbers of the transformations."""
    point = [float(number()) for _ in range(4)]

    def f(x):
        return run(steps, x)[-1]

    value, gradient = value_and_grad(f)(point)
    yield from [value, *gradient]
    direction = [rng.gauss(0, 1) for _ in point]
    yield from flat(jvp(f, (point,), (direction,)))
    if rng.random() < 0.3:
        yield from flat(jacobian(lambda x: run(steps, x)[4:])(point))
    if rng.random() < 0.1 and all(row not in (ops.gelu, ops.copysign) for row, _ in steps):
        yield from flat(hessian(f)(point))
        yield from flat(hvp(f, (point,), (direction,)))
        yield from flat(grad(lambda x: sum(grad(f)(x)))(point))


def digest(seed):
    """The digest of one graph, and the names of its rows."""
    rng = random.Random(seed)
    number = Numbers(rng, are_odd=seed % 3 == 0)
    steps = plan(rng, number)
    found = [*lives(rng, number, steps), *derivatives(rng, number, steps)]
    written = hashlib.sha256(b"".join(bits(float(x)) for x in found)).hexdigest()[:16]
    rows = {step.name for step, _ in steps if isinstance(step, ops.Primitive)}
    return f"{seed} {written} {len(found)} {' '.join(sorted(rows))}"


if __name__ == "__main__":
    start = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    for each in range(start, start + int(sys.argv[1])):
        print(digest(each))
