"""Random graphs to record: tame ones inside the domains of their gates, and wild ones."""

import math
import random

from micrograd_plus import ops
from micrograd_plus.engine import Value, nodes_below
from micrograd_plus.testing.strategies import DISTANCES, _program

ROWS = [row for row in ops.primitives() if row.lowering is not None]
SPECIAL = [0.0, -0.0, 1.0, -1.0, 0.5, 2.0, math.inf, -math.inf, math.nan]
SPECIAL += [5e-324, -5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, 709.78, -745.2]


def drawn(seed):
    """A program at random in which every gate is inside its domain and away from its kinks."""
    rng = random.Random(seed)
    inputs = [rng.choice([rng.uniform(-3.0, 3.0), float(rng.randint(-3, 3))]) for _ in range(3)]
    names = [row.name for row in ROWS]
    size = rng.randint(1, 30)
    drafts = [(rng.choice(names), rng.choices(DISTANCES, k=rng.randint(1, 5))) for _ in range(size)]
    return _program(inputs, drafts)


def wild(seed, rows):
    """A graph of rows on numbers of every kind, which leave domains and meet kinks; its root."""
    rng = random.Random(seed)
    nodes = [Value(rng.choice([*SPECIAL, rng.gauss(0.0, 2.0)])) for _ in range(3)]
    for _ in range(rng.randint(2, 30)):
        row = rng.choice(rows)
        operands = [rng.choice(nodes[-4:]) for _ in range(row.arity or 3)]
        if rng.random() < 0.2:
            operands[rng.randrange(len(operands))] = rng.choice([0.0, 1.0, -0.5, math.inf])
        if any(isinstance(o, Value) for o in operands):
            nodes.append(row(*operands))
    return nodes[-1]


def leaves_below(root):
    return [v for v in nodes_below(root) if v.primitive is None]
