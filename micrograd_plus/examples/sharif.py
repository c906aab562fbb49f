"""Sharif University of Technology, Multi-Layer Networks and Backpropagation Algorithm, fall 2017,
slide by slide.
"""

from __future__ import annotations

from .. import ops
from ..engine import Value
from .circuits import Circuit, Circuits, Trainings, labelled

UNIVERSITY = "Sharif University of Technology"
TITLE = "Multi-Layer Networks and Backpropagation"


def product_of_a_sum() -> Circuit:
    """(x + y)·z

    Sharif University of Technology, Multi-Layer Networks and Backpropagation, slides 44-50. The sum
    hands its gradient on as it is; the product gives each factor the value of the other one.
    """
    x, y, z = Value(-2.0), Value(5.0), Value(-4.0)
    q = x + y
    f = q * z
    return labelled(x=x, y=y, z=z, q=q, f=f)


def sigmoid_circuit() -> Circuit:
    """The sigmoid circuit, gate by gate

    Sharif University of Technology, Multi-Layer Networks and Backpropagation, slides 53-66. Local
    times upstream gradient at every gate. The slides round to 0.2 on the way, which makes w0 −0.2
    and x0 0.4.
    """
    w0, x0, w1, x1, w2 = Value(2.0), Value(-1.0), Value(-3.0), Value(-2.0), Value(-3.0)
    w0x0 = w0 * x0
    w1x1 = w1 * x1
    s = w0x0 + w1x1
    z = s + w2
    neg = -z
    exp = neg.exp()
    den = exp + 1.0
    f = 1.0 / den
    return labelled(
        w0=w0,
        x0=x0,
        w1=w1,
        x1=x1,
        w2=w2,
        w0x0=w0x0,
        w1x1=w1x1,
        s=s,
        z=z,
        neg=neg,
        exp=exp,
        den=den,
        f=f,
    )


def sigmoid_gate() -> Circuit:
    """The sigmoid circuit, its last gates in one

    Sharif University of Technology, Multi-Layer Networks and Backpropagation, slides 67-68.
    Any gates may be taken together when the derivative of the whole is known: here σ(z)·(1 − σ(z)).
    """
    w0, x0, w1, x1, w2 = Value(2.0), Value(-1.0), Value(-3.0), Value(-2.0), Value(-3.0)
    w0x0 = w0 * x0
    w1x1 = w1 * x1
    s = w0x0 + w1x1
    z = s + w2
    f = z.sigmoid()
    return labelled(w0=w0, x0=x0, w1=w1, x1=x1, w2=w2, w0x0=w0x0, w1x1=w1x1, s=s, z=z, f=f)


def gates() -> Circuit:
    """Patterns in backward flow

    Sharif University of Technology, Multi-Layer Networks and Backpropagation, slide 69. Add
    distributes the gradient, max routes it to the larger operand alone, mul switches the values of
    its operands.
    """
    x, y, z, w = Value(3.0), Value(-4.0), Value(2.0), Value(-1.0)
    p = x * y
    m = ops.maximum(z, w)
    s = p + m
    f = s * 2.0
    return labelled(x=x, y=y, z=z, w=w, p=p, m=m, s=s, f=f)


def branches() -> Circuit:
    """Gradients add at branches

    Sharif University of Technology, Multi-Layer Networks and Backpropagation, slide 70.
    Each Value is used twice, by one and the same gate: two edges, two contributions.
    """
    a = Value(3.0)
    b = a + a
    c = b + b
    return labelled(a=a, b=b, c=c)


def reused_input() -> Circuit:
    """x·y + x

    Sharif University of Technology, Multi-Layer Networks and Backpropagation, slides 70-72. x
    counts twice, through the product and directly; the chain rule adds what comes along both paths.
    """
    x, y = Value(2.0), Value(3.0)
    p = x * y
    f = p + x
    return labelled(x=x, y=y, p=p, f=f)


EXAMPLES: Circuits = (
    product_of_a_sum,
    sigmoid_circuit,
    sigmoid_gate,
    gates,
    branches,
    reused_input,
)
TRAININGS: Trainings = ()
