"""Random programs against three references that share no rule with the package:
mpmath, the complex step, PyTorch.
"""

import cmath
import dataclasses
import itertools

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from mpmath import mp, mpf
from oracle import ORACLES
from orders import COMPOSITIONS, SWEEPS, true_first, true_second
from programs import ANALYTIC, SMOOTH, THREE, evaluate, programs

from micrograd_plus import ops
from micrograd_plus.autodiff import grad, hessian, value_and_grad

EVERY_ROW = [(ops.primitive(name), [0, 1, 2][: ops.primitive(name).arity]) for name in SMOOTH]


class Interpreted:
    """A number of another system, which the rows hand to it under their names."""

    def __init__(self, number):
        self.number = number

    @classmethod
    def __primitive__(cls, row, operands):
        return cls(
            cls.functions[row.name](
                *[o.number if isinstance(o, cls) else cls.constant(o) for o in operands]
            )
        )

    def __add__(self, other):
        return ops.add(self, other)

    def __mul__(self, other):
        return ops.mul(self, other)


# mpmath: the whole program is a function of numbers with 450 digits, and its derivatives are
# difference quotients.
class Exact(Interpreted):
    functions, constant = ORACLES, mpf


def exactly(program):
    return lambda *xs: evaluate(program, [Exact(x) for x in xs]).number


@given(programs(), THREE)
@example(EVERY_ROW, (0.3, -0.7, 1.1))
def test_first_derivatives_equal_those_of_mpmath(program, data):
    value, gradient = value_and_grad(lambda *xs: evaluate(program, xs), range(3))(*data)
    with mp.workdps(450):
        xs, f = [mpf(x) for x in data], exactly(program)
        assert value == pytest.approx(float(f(*xs)), rel=1e-12, abs=1e-14)
        assert gradient == pytest.approx(
            [float(true_first(f, xs, i)) for i in range(3)], rel=1e-11, abs=1e-13
        )


@given(
    programs(),
    THREE,
    st.sampled_from(COMPOSITIONS),
    st.sampled_from(list(itertools.product(range(3), repeat=2))),
)
@example(EVERY_ROW, (0.3, -0.7, 1.1), COMPOSITIONS[0], (0, 1))
@example(EVERY_ROW, (0.3, -0.7, 1.1), COMPOSITIONS[1], (2, 0))
def test_second_derivatives_equal_those_of_mpmath_in_every_mode(program, data, sweeps, positions):
    (outer, inner), (i, j) = sweeps, positions
    got = SWEEPS[outer](SWEEPS[inner](lambda *xs: evaluate(program, xs), i), j)(*data)
    with mp.workdps(450):
        true = float(true_second(exactly(program), [mpf(x) for x in data], i, j))
    assert got == pytest.approx(true, rel=1e-9, abs=1e-11)


# The complex step: f'(x) = Im f(x + ih) / h, without any subtraction, so h can be as small as one
# likes.
def sigmoid(z):
    return 1 / (1 + cmath.exp(-z))


class Complex(Interpreted):
    constant = complex
    functions = {
        "add": lambda x, y: x + y,
        "sub": lambda x, y: x - y,
        "mul": lambda x, y: x * y,
        "neg": lambda x: -x,
        "sum": lambda *xs: sum(xs),
        "dot": lambda b, *f: b + sum(w * x for w, x in zip(f, f[len(f) // 2 :])),
        "exp": cmath.exp,
        "expm1": lambda z: cmath.exp(z) - 1,
        "sin": cmath.sin,
        "cos": cmath.cos,
        "atan": cmath.atan,
        "sinh": cmath.sinh,
        "tanh": cmath.tanh,
        "asinh": cmath.asinh,
        "sech2": lambda z: 1 / cmath.cosh(z) ** 2,
        "sigmoid": sigmoid,
        "silu": lambda z: z * sigmoid(z),
        "softplus": lambda z: cmath.log(1 + cmath.exp(z)),
        "logsumexp": lambda *zs: cmath.log(sum(map(cmath.exp, zs))),
    }


def by_complex_step(f, data, i, h=1e-30):
    return f(*[complex(x, h if i == j else 0.0) for j, x in enumerate(data)]).imag / h


@given(programs(ANALYTIC), THREE)
@example(
    [(ops.primitive(name), [0, 1, 2][: ops.primitive(name).arity]) for name in ANALYTIC],
    (0.3, -0.7, 1.1),
)
def test_analytic_programs_agree_with_the_complex_step(program, data):
    gradient = grad(lambda *xs: evaluate(program, xs), range(3))(*data)
    step = [
        by_complex_step(lambda *zs: evaluate(program, [Complex(z) for z in zs]).number, data, i)
        for i in range(3)
    ]
    assert gradient == pytest.approx(step, rel=1e-11, abs=1e-12)


def test_the_complex_step_knows_every_analytic_row():
    assert set(Complex.functions) == set(ANALYTIC)


def test_a_wrong_slope_would_be_noticed():
    """The references are not the package in disguise:
    a row whose partial is wrong disagrees with all of them.
    """
    tilted = dataclasses.replace(ops.sin, slopes=lambda out, x: (ops.cos(x) * (1 + 1e-10),))
    slope = grad(tilted)(0.5)
    assert slope != pytest.approx(by_complex_step(cmath.sin, (0.5,), 0), rel=1e-11)
    with mp.workdps(450):
        assert slope != pytest.approx(float(true_first(mp.sin, [mpf(0.5)], 0)), rel=1e-11)


# PyTorch, in float64. -----------------------------------------------------------------------------
IN_TORCH = (
    "add",
    "sub",
    "mul",
    "div",
    "neg",
    "exp",
    "expm1",
    "sin",
    "cos",
    "atan",
    "sinh",
    "tanh",
    "asinh",
    "sigmoid",
    "hypot",
    "erf",
    "erfc",
)  # under the same names


@pytest.mark.filterwarnings("ignore")  # of a library that is not ours
@given(programs(), THREE)
@example(EVERY_ROW, (0.3, -0.7, 1.1))
def test_both_orders_agree_with_pytorch(program, data):
    torch = pytest.importorskip("torch")

    class Tensor(Interpreted):
        functions = {
            **{name: getattr(torch, name) for name in IN_TORCH},
            "sum": lambda *xs: torch.stack(xs).sum(),
            "logsumexp": lambda *xs: torch.logsumexp(torch.stack(xs), 0),
            "dot": lambda b, *f: b + sum(w * x for w, x in zip(f, f[len(f) // 2 :])),
            "sech2": lambda x: 1 / torch.cosh(x) ** 2,
            "softplus": lambda x: torch.logsumexp(torch.stack([x, torch.zeros_like(x)]), 0),
            "silu": lambda x: x * torch.sigmoid(x),
        }

        @staticmethod
        def constant(number):
            return torch.tensor(number, dtype=torch.float64)

    def f(*xs):
        return evaluate(program, [Tensor(x) for x in xs]).number

    points = tuple(torch.tensor(x, dtype=torch.float64) for x in data)
    firsts = torch.func.grad(f, argnums=(0, 1, 2))(*points)
    seconds = torch.func.hessian(f, argnums=(0, 1, 2))(*points)
    assert grad(lambda *xs: evaluate(program, xs), range(3))(*data) == pytest.approx(
        [x.item() for x in firsts], rel=1e-10, abs=1e-11
    )
    for got, true in zip(hessian(lambda *xs: evaluate(program, xs), range(3))(*data), seconds):
        assert got == pytest.approx([x.item() for x in true], rel=1e-8, abs=1e-9)
