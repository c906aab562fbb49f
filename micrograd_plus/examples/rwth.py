"""RWTH Aachen, Advanced Machine Learning, lecture 13: Backpropagation, December 2015, section by
section.
"""

from __future__ import annotations

from .. import ops
from ..engine import Value
from .circuits import Circuit, Circuits, Trainings, labelled

UNIVERSITY = "RWTH Aachen"
TITLE = "Advanced Machine Learning, lecture 13: Backpropagation"


def forward_and_reverse() -> Circuit:
    """e = (a + b)·(b + 1), forward and in reverse

    RWTH Aachen, Advanced Machine Learning, lecture 13, Backpropagation: Computational Graphs, Why
    Do We Care? One sweep up from b differentiates every node by b; one sweep down from e
    differentiates e by every node.
    """
    a, b = Value(2.0), Value(1.0)
    c = a + b
    d = b + 1.0
    e = c * d
    return labelled(a=a, b=b, c=c, d=d, e=e)


def nine_paths() -> Circuit:
    """Factoring paths

    RWTH Aachen, Advanced Machine Learning, lecture 13, Backpropagation: Factoring Paths. Three
    edges lead from x to y and three from y to z. Nine products come to the same as (α + β + γ)·(δ +
    ε + ζ).
    """
    x = Value(1.0)
    alpha, beta, gamma = Value(1.0), Value(2.0), Value(3.0)
    delta, epsilon, zeta = Value(4.0), Value(5.0), Value(6.0)
    y = ops.sum(alpha * x, beta * x, gamma * x)
    z = ops.sum(delta * y, epsilon * y, zeta * y)
    return labelled(
        x=x, alpha=alpha, beta=beta, gamma=gamma, y=y, delta=delta, epsilon=epsilon, zeta=zeta, z=z
    )


def factoring_chain(diamonds: int = 60) -> Circuit:
    """Factoring paths in a chain

    RWTH Aachen, Advanced Machine Learning, lecture 13, Backpropagation: Factoring Paths. A chain of
    the diamonds of `nine_paths` has 9**diamonds paths and 12 wires a diamond. The factors add up to
    1 at each step, so the gradient is exactly 1, whatever the length.
    """
    x = Value(1.0)
    circuit = {"x": x}
    for i in range(1, diamonds + 1):
        y = circuit[f"y{i}"] = ops.sum(0.5 * x, 0.25 * x, 0.25 * x)
        x = circuit[f"z{i}"] = ops.sum(0.5 * y, 0.25 * y, 0.25 * y)
    return labelled(**circuit)


EXAMPLES: Circuits = (
    nine_paths,
    forward_and_reverse,
)
TRAININGS: Trainings = ()
