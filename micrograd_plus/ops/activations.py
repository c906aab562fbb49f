"""Smooth activations and the error function.

Those that route (relu, hard_tanh) are among the routers.
"""

from __future__ import annotations

import math
from math import inf, nan

from . import ieee
from .arithmetic import div
from .conditions import less_equal, where
from .exponentials import exp, log, log1p
from .primitive import CFunction, Number, Unary, row
from .routers import abs, maximum


def _sech2(x: Number) -> Number:
    e = exp(-2.0 * abs(x))
    return div(4.0 * e, (1.0 + e) * (1.0 + e))


sech2: Unary = row(
    "sech2",
    "sech²",
    "1/cosh² x, exact in its tails: the slope of tanh.",
    primal=ieee.sech2,
    slope=lambda out, x: -2.0 * out * tanh(x),
    rule="−2a·tanh x",
    lowering=_sech2,
    oracle=lambda mp, x: mp.sech(x) ** 2,
)


tanh: Unary = row(
    "tanh",
    "tanh",
    "The hyperbolic tangent of x, 2σ(2x) − 1 (RWTH, Nonlinearities); its slope is 1 − tanh² x.",
    primal=math.tanh,
    slope=lambda out, x: sech2(x),
    rule="1 − a²",
    edges=[((inf,), 1.0, (0.0,))],
    expansion=lambda x: 2.0 * sigmoid(2.0 * x) - 1.0,
    lowering=CFunction("tanh"),
    oracle=lambda mp, x: mp.tanh(x),
)


def _sigmoid(x: Number) -> Number:
    e = exp(-abs(x))
    return div(where(less_equal(0.0, x), 1.0, e), 1.0 + e)


sigmoid: Unary = row(
    "sigmoid",
    "σ",
    "1 / (1 + e⁻ˣ), the logistic function; its slope is σ(x)·(1 − σ(x)) (Sharif, slides 11 and "
    "67).",
    primal=ieee.sigmoid,
    # e/(1 + e)², which keeps its digits in both tails
    slope=lambda out, x: 0.25 * sech2(0.5 * x),
    rule="a(1 − a)",
    edges=[((0.0,), 0.5, (0.25,)), ((-inf,), 0.0, (0.0,)), ((inf,), 1.0, (0.0,))],
    expansion=lambda x: div(1.0, exp(-x) + 1.0),
    lowering=_sigmoid,
    oracle=lambda mp, x: 1 / (1 + mp.exp(-x)),
)

softplus: Unary = row(
    "softplus",
    "softplus",
    "log(1 + eˣ), a smooth relu (Dugas et al. 2001); its slope is the sigmoid.",
    primal=lambda x: ieee.largest(x, 0.0) + math.log1p(ieee.exp(-math.fabs(x))),
    slope=lambda out, x: sigmoid(x),
    rule="σ(x)",
    edges=[((inf,), inf, (1.0,)), ((-inf,), 0.0, (0.0,))],
    expansion=lambda x: log(exp(x) + 1.0),
    lowering=lambda x: maximum(x, 0.0) + log1p(exp(-abs(x))),
    oracle=lambda mp, x: mp.log1p(mp.exp(x)),
)

silu: Unary = row(
    "silu",
    "SiLU",
    "x·σ(x), also called swish (Elfwing et al. 2018).",
    primal=lambda x: x * ieee.sigmoid(x),
    slope=lambda out, x: sigmoid(x) * (1.0 + x * sigmoid(-x)),
    rule="a + σ(x)(1 − a)",
    edges=[((0.0,), 0.0, (0.5,))],
    expansion=lambda x: x * sigmoid(x),
    lowering=lambda x: x * sigmoid(x),
    oracle=lambda mp, x: x / (1 + mp.exp(-x)),
)

_ROOT_OF_HALF = math.sqrt(0.5)
_DENSITY_AT_0 = 1 / math.sqrt(2 * math.pi)

gelu: Unary = row(
    "gelu",
    "GELU",
    "x·Φ(x), where Φ is the normal distribution function (Hendrycks & Gimpel 2016); its slope is "
    "Φ(x) + x·φ(x).",
    primal=lambda x: 0.5 * x * math.erfc(x * -_ROOT_OF_HALF),
    slope=lambda out, x: 0.5 * erfc(x * -_ROOT_OF_HALF) + x * (_DENSITY_AT_0 * exp(-0.5 * x * x)),
    rule="Φ(x) + x·φ(x)",
    edges=[((0.0,), 0.0, (0.5,)), ((inf,), inf, (nan,)), ((-1e200,), -0.0, (0.0,))],
    expansion=lambda x: 0.5 * x * erfc(x * -_ROOT_OF_HALF),
    lowering=lambda x: 0.5 * x * erfc(x * -_ROOT_OF_HALF),
    oracle=lambda mp, x: x * mp.erfc(-x / mp.sqrt(2)) / 2 if x > -1e100 else mp.mpf(0),
    bound=3e-13,
    reason="erfc(−x/√2) rounds its operand, whose square, up to 700, is a factor of the relative "
    "error",
)

erf: Unary = row(
    "erf",
    "erf",
    "The error function 2/√π ∫₀ˣ exp(−t²) dt, whose slope is 2/√π·exp(−x²).",
    primal=math.erf,
    slope=lambda out, x: 2 / math.sqrt(math.pi) * exp(-(x * x)),
    rule="2e^(−x²)/√π",
    lowering=CFunction("erf"),
    oracle=lambda mp, x: mp.erf(x),
    bound=1e-13,
    reason="exp(−x·x) rounds x·x, which reaches 708 before the slope is 0",
)

erfc: Unary = row(
    "erfc",
    "erfc",
    "1 − erf(x), with all its digits where that is next to 0.",
    primal=math.erfc,
    slope=lambda out, x: -2 / math.sqrt(math.pi) * exp(-(x * x)),
    rule="−2e^(−x²)/√π",
    lowering=CFunction("erfc"),
    oracle=lambda mp, x: mp.erfc(x) if x < 1e100 else mp.mpf(0),
    bound=1e-13,
    reason="as erf",
)
