"""The table: every primitive is one row, and everything else is a way of reading that table.

A row says what a gate computes (`primal`), how steep it is in each operand (`partials`), what it does to a gradient
(`gate`), where it is smooth (`domain`, `kinks`) and what is agreed at its special points (`edges`). Partials are written
with rows and the operators + - * only, without branches, so the same line works on floats and on Values: that is what
makes derivatives of every order free. Division and powers are rows too, because Python's own raise where IEEE 754 gives
inf or nan. This module knows floats; anything else that wants to travel through a row implements `__primitive__`.
"""

from __future__ import annotations

import builtins
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import inf, nan
from numbers import Real
from typing import Any, Literal

from . import ieee

Number = Any  # a float, or whatever implements __primitive__ (a Value): rows do not care which
Gate = Literal["distributes", "swaps", "routes", "scales", "blocks"]
Interval = tuple[float, float]
Edge = tuple[tuple[float, ...], float, tuple[float, ...]]  # operands, value, derivatives

TABLE: dict[str, Primitive] = {}
REAL: Interval = (-inf, inf)
UNIT: Interval = (-1.0, 1.0)
POSITIVE: Interval = (0.0, inf)


@dataclass(frozen=True, slots=True, eq=False)
class Primitive:
    """One row. Calling it evaluates it on numbers, or records it when an operand is a Value.

    `arity` is None for a variadic row. `partials(out, *operands)` gives the local derivative for each operand, or None
    where the row never passes a gradient. In a row whose gate "routes" the partials are switches: one that is off (0)
    passes nothing at all, so that an untaken branch contributes no 0 * inf. `domain` holds an open interval for each
    operand (one for all in a variadic row), `kinks` the points inside it where the row is not smooth, and `edges`
    lists special operands with the agreed value and derivatives. `expansion` spells a composite row in simpler ones.
    `code` is the number of a built-in row on tapes; it never changes. A row that `is_condition` gives 1 for true and 0 for
    false, which `where` and `bool` take.
    """

    name: str
    symbol: str
    arity: int | None
    primal: Callable[..., float]
    partials: Callable[..., Sequence[Number | None]]
    gate: Gate = "scales"
    domain: tuple[Interval, ...] = (REAL,)
    kinks: tuple[float, ...] = ()
    edges: Sequence[Edge] = ()
    expansion: Callable[..., Number] | None = None
    code: int | None = None
    is_condition: bool = False

    def __call__(self, *operands: Number) -> Number:
        """Evaluate on floats, record on Values; a variadic row also takes one list or tuple of operands."""
        for operand in operands:
            if type(operand) is not float:
                return self._convert_and_call(operands)
        self._require_arity(operands)
        return self.primal(*operands)

    def _convert_and_call(self, operands: tuple[Number, ...]) -> Number:
        if self.arity is None and len(operands) == 1 and isinstance(operands[0], (list, tuple)):
            operands = tuple(operands[0])
        self._require_arity(operands)
        for operand in operands:
            interpret = getattr(type(operand), "__primitive__", None)
            if interpret is not None:
                return interpret(self, operands)
        return self.primal(*[as_float(operand, self.name) for operand in operands])

    def _require_arity(self, operands: tuple[Number, ...]) -> None:
        if self.arity is not None and self.arity != len(operands):
            raise TypeError(f"{self.name} takes {self.arity} operand(s), not {len(operands)}")

    def __repr__(self) -> str:
        return f"<primitive {self.name}>"

    def __deepcopy__(self, memo: object) -> Primitive:
        return self

    def __reduce__(self) -> tuple[Callable[[str], Primitive], tuple[str]]:
        if TABLE.get(self.name) is not self:
            raise TypeError(f"{self!r} cannot be pickled: it is not in the table, from which it would be fetched by name")
        return primitive, (self.name,)


def primitives() -> tuple[Primitive, ...]:
    """All rows of the table, in the order in which they are written."""
    return tuple(TABLE.values())


def primitive(name: str) -> Primitive:
    """The row called `name`; raises KeyError where there is none."""
    return TABLE[name]


def as_float(number: object, user: str) -> float:
    """A number as a float: int, bool, float, Fraction, NumPy scalar. Anything else is a TypeError naming `user`."""
    if type(number) is float:
        return number
    if isinstance(number, (float, int)):
        return float(number)
    if isinstance(number, Real) or (type(number).__module__, type(number).__name__[:4]) == ("numpy", "bool"):
        return float(number)  # type: ignore[arg-type]  # a NumPy bool is a number, though not a numbers.Real
    if hasattr(number, "__primitive__"):
        raise TypeError(f"{user} takes a plain number here: use the .data of {number!r}")
    more = ": take one number of it at a time, as .tolist() gives them" if hasattr(number, "__array__") else ""
    raise TypeError(f"{user} works on numbers and Values, not on {type(number).__name__}{more}")


def _row(name: str, code: int, symbol: str, arity: int | None, primal: Callable[..., float],
         partials: Callable[..., Sequence[Number | None]], **more: Any) -> Primitive:
    TABLE[name] = Primitive(name, symbol, arity, primal, partials, code=code, **more)
    return TABLE[name]


def _dot(bias: Number, *factors: Number) -> Number:  # on floats the primal, on Values the expansion
    n, odd = divmod(len(factors), 2)
    if odd:
        raise ValueError("dot takes a bias, then as many weights as inputs")
    for w, x in zip(factors[:n], factors[n:]):
        bias += w * x
    return bias


def _ties(out: Number, *xs: Number) -> tuple[Number, ...]:
    """The share of each operand that equals `out`: 1/k when k tie, nan when `out` is nan."""
    ties = [equal(x, out) for x in xs]
    count = sum(*ties)
    return tuple(div(tie, count) for tie in ties)


def _softmax(out: Number, *xs: Number) -> tuple[Number, ...]:
    """Softmax from out = logsumexp(xs); dividing by the total cancels the rounding of a large `out`."""
    exps, ties = [exp(x - out) for x in xs], [equal(x, out) for x in xs]
    infinite = equal(abs(out), inf)  # inf - inf says nothing: the infinite operands share instead
    total = where(infinite, sum(*ties), sum(*exps))
    return tuple(div(where(infinite, tie, e), total) for e, tie in zip(exps, ties, strict=True))


def _cosine(x: Number, y: Number, out: Number) -> Number:
    # x / hypot(x, y). Where x is the longer side its slope would be 1 - x²/out², which cancels; so it divides by x first.
    return where(less(abs(x), abs(y)), div(x, out), div(sign(x), hypot(1.0, div(y, x))))


def _cbrt_slope(out: Number, x: Number) -> Number:
    # Two forms of one slope. The first has the rounding of `out` once only, but its derivative subtracts quotients by x,
    # which overflow when x is next to 0: there the other form, which is a product, tells inf from nan.
    moderate = less_equal(1e-30, abs(x)) * less_equal(abs(x), 1e30)
    return where(moderate, div(div(out, x), 3.0), div(1.0, 3.0 * out * out))


def _power_slope(x: Number, y: Number) -> Number:
    # It is 0 at 0**0, where the formula says 0 * inf. Making it 0 for all x when y is 0 would be one `where` simpler, and
    # d²/dxdy of x**y at y = 0 would come out 0 one way and 1/x the other.
    slope = y * pow(x, y - 1.0)
    return where(equal(y, 0.0), where(equal(x, 0.0), 0.0, slope), slope)


# Arithmetic. ------------------------------------------------------------------------------------------------------
add = _row("add", 1, "+", 2, lambda x, y: x + y, lambda out, x, y: (1.0, 1.0), gate="distributes")
sub = _row("sub", 2, "−", 2, lambda x, y: x - y, lambda out, x, y: (1.0, -1.0), gate="distributes")
mul = _row("mul", 3, "×", 2, lambda x, y: x * y, lambda out, x, y: (y, x), gate="swaps")
div: Primitive = _row("div", 4, "÷", 2, ieee.divide, lambda out, x, y: (div(1.0, y), -div(out, y)), kinks=(0.0,),
                      edges=[((49.0, 49.0), 1.0, (1 / 49, -1 / 49)), ((1.0, 0.0), inf, (inf, -inf)),
                             ((0.0, 0.0), nan, (inf, nan))])
identity = _row("identity", 5, "=", 1, lambda x: x, lambda out, x: (1.0,), gate="distributes")
neg = _row("neg", 6, "−", 1, lambda x: -x, lambda out, x: (-1.0,))
sum: Primitive = _row("sum", 7, "Σ", None, ieee.add_up, lambda out, *xs: (1.0,) * len(xs), gate="distributes")
dot_row = _row("dot", 8, "w·x", None, _dot,  # operands: the bias, then the n weights, then the n inputs
               lambda out, b, *f: (1.0, *f[len(f) // 2:], *f[:len(f) // 2]), gate="swaps", expansion=_dot)

# Conditions: 1 or 0, without derivative; `where` and `bool` take them. ----------------------------------------------
def _condition(name: str, code: int, symbol: str, primal: Callable[[float, float], bool]) -> Primitive:
    return _row(name, code, symbol, 2, lambda x, y: float(primal(x, y)), lambda out, x, y: (None, None), gate="blocks",
                is_condition=True)


less = _condition("less", 9, "<", lambda x, y: x < y)
less_equal = _condition("less_equal", 10, "≤", lambda x, y: x <= y)
equal = _condition("equal", 11, "=", lambda x, y: x == y)
not_equal = _condition("not_equal", 53, "≠", lambda x, y: x != y)  # true where one is nan
sign = _row("sign", 12, "sign", 1, lambda x: x if x == 0 or x != x else math.copysign(1.0, x), lambda out, x: (None,),
            gate="blocks", kinks=(0.0,), edges=[((0.0,), 0.0, (0.0,)), ((nan,), nan, (0.0,))])
step: Primitive = _row("step", 13, "step", 1, lambda x: x if x != x else float(x > 0), lambda out, x: (None,),
                       gate="blocks", kinks=(0.0,), edges=[((0.0,), 0.0, (0.0,)), ((nan,), nan, (0.0,))])

# Routers: the gradient goes where the value came from. --------------------------------------------------------------
where = _row("where", 14, "where", 3, lambda c, x, y: x if c else y,
             lambda out, c, x, y: (None, 1.0 - equal(c, 0.0), equal(c, 0.0)), gate="routes",
             edges=[((0.0, inf, 2.0), 2.0, (0.0, 0.0, 1.0)), ((nan, 1.0, 2.0), 1.0, (0.0, 1.0, 0.0))])
maximum = _row("maximum", 15, "max", None, ieee.largest, _ties, gate="routes",
               edges=[((1.0, 1.0), 1.0, (0.5, 0.5)), ((2.0, 2.0, 2.0, 1.0), 2.0, (1 / 3, 1 / 3, 1 / 3, 0.0)),
                      ((nan, 1.0), nan, (nan, nan)), ((inf, inf), inf, (0.5, 0.5))])
minimum = _row("minimum", 16, "min", None, lambda *xs: -ieee.largest(*(-x for x in xs)), _ties, gate="routes",
               edges=[((1.0, 1.0), 1.0, (0.5, 0.5)), ((2.0, 2.0, 2.0, 3.0), 2.0, (1 / 3, 1 / 3, 1 / 3, 0.0)),
                      ((1.0, nan), nan, (nan, nan)), ((-inf, -inf), -inf, (0.5, 0.5))])
max, min = maximum, minimum  # Python's names for them
relu = _row("relu", 17, "ReLU", 1, lambda x: x if x > 0 or x != x else 0.0, lambda out, x: (step(x),), gate="routes",
            kinks=(0.0,), edges=[((0.0,), 0.0, (0.0,)), ((nan,), nan, (nan,)), ((-inf,), 0.0, (0.0,))])
hard_tanh = _row("hard_tanh", 18, "hardtanh", 1, lambda x: x if x != x else builtins.max(-1.0, builtins.min(1.0, x)),
                 lambda out, x: (1.0 - step(abs(x) - 1.0),), gate="routes", kinks=UNIT,
                 edges=[((1.0,), 1.0, (1.0,)), ((-1.0,), -1.0, (1.0,)), ((2.0,), 1.0, (0.0,)), ((nan,), nan, (nan,))])
leaky_relu_row = _row("leaky_relu", 19, "LReLU", 2, lambda x, slope: x if x > 0 or x != x else slope * x,
                      lambda out, x, slope: (step(x) + slope * (1.0 - step(x)), x * (1.0 - step(x))),
                      kinks=(0.0,), edges=[((0.0, 0.25), 0.0, (0.25, 0.0)), ((-2.0, 0.25), -0.5, (0.25, -2.0))])
abs: Primitive = _row("abs", 20, "abs", 1, math.fabs, lambda out, x: (sign(x),), kinks=(0.0,),
                      edges=[((0.0,), 0.0, (0.0,)), ((-0.0,), 0.0, (0.0,)), ((nan,), nan, (nan,))])
fabs = abs

# Powers and roots. --------------------------------------------------------------------------------------------------
pow: Primitive = _row("pow", 21, "**", 2, ieee.power,
                      lambda out, x, y: (_power_slope(x, y), where(equal(x, 0.0) * less_equal(0.0, y), 0.0, out * log(x))),
                      domain=(POSITIVE, REAL),
                      edges=[((0.0, 0.0), 1.0, (0.0, 0.0)), ((0.0, 2.0), 0.0, (0.0, 0.0)), ((-2.0, 3.0), -8.0, (12.0, nan)),
                             ((0.0, 0.5), 0.0, (inf, 0.0)), ((-1.0, 0.5), nan, (nan, nan)), ((0.0, 1.0), 0.0, (1.0, 0.0))])
sqrt = _row("sqrt", 22, "√", 1, ieee.quiet(math.sqrt), lambda out, x: (div(0.5, out + 0.0),),  # -0 + 0 is +0
            domain=(POSITIVE,), edges=[((0.0,), 0.0, (inf,)), ((-0.0,), -0.0, (inf,)), ((-1.0,), nan, (nan,))])
cbrt = _row("cbrt", 23, "∛", 1, math.cbrt, lambda out, x: (_cbrt_slope(out, x),), kinks=(0.0,),
            edges=[((0.0,), 0.0, (inf,)), ((-0.0,), -0.0, (inf,)), ((inf,), inf, (0.0,))])
hypot = _row("hypot", 24, "hypot", 2, ieee.hypot, lambda out, x, y: (_cosine(x, y, out), _cosine(y, x, out)), kinks=(0.0,),
             edges=[((0.0, 0.0), 0.0, (nan, nan)), ((3 * 2.0**600, 4 * 2.0**600), 5 * 2.0**600, (0.6, 0.8))],
             expansion=lambda x, y: sqrt(x * x + y * y))

# Exponentials and logarithms. ---------------------------------------------------------------------------------------
exp = _row("exp", 25, "exp", 1, ieee.exp, lambda out, x: (out,),
           edges=[((1000.0,), inf, (inf,)), ((-inf,), 0.0, (0.0,)), ((nan,), nan, (nan,))])
exp2 = _row("exp2", 26, "exp2", 1, ieee.quiet(math.exp2), lambda out, x: (out * math.log(2),),
            edges=[((2000.0,), inf, (inf,))])
expm1 = _row("expm1", 27, "expm1", 1, ieee.quiet(math.expm1), lambda out, x: (exp(x),), edges=[((1000.0,), inf, (inf,))])


def _logarithm(name: str, code: int, function: Callable[[float], float], steepness: Callable[[Number], Number],
               pole: float = 0.0) -> Primitive:  # its slope: 1/steepness above the pole, +inf at it (-0 too), nan below
    return _row(name, code, name, 1, ieee.quiet(function, poles={pole: -inf}),
                lambda out, x: (where(less(x, pole), nan, div(1.0, steepness(x) + 0.0)),), domain=((pole, inf),),
                edges=[((pole,), -inf, (inf,)), ((pole - 1.0,), nan, (nan,))])


log: Primitive = _logarithm("log", 28, math.log, lambda x: x)
log2 = _logarithm("log2", 29, math.log2, lambda x: x * math.log(2))
log10 = _logarithm("log10", 30, math.log10, lambda x: x * math.log(10))
log1p = _logarithm("log1p", 31, math.log1p, lambda x: 1.0 + x, pole=-1.0)
logsumexp = _row("logsumexp", 32, "logΣexp", None, ieee.logsumexp, _softmax,
                 edges=[((inf, 0.0), inf, (1.0, 0.0)), ((-inf, -inf), -inf, (0.5, 0.5)), ((nan, 0.0), nan, (nan, nan))],
                 expansion=lambda *xs: log(sum(*(exp(x) for x in xs))))

# Trigonometric functions and their inverses. ------------------------------------------------------------------------
sin = _row("sin", 33, "sin", 1, ieee.quiet(math.sin), lambda out, x: (cos(x),), edges=[((inf,), nan, (nan,))])
cos: Primitive = _row("cos", 34, "cos", 1, ieee.quiet(math.cos), lambda out, x: (-sin(x),), edges=[((inf,), nan, (nan,))])
tan = _row("tan", 35, "tan", 1, ieee.quiet(math.tan), lambda out, x: (1.0 + out * out,), edges=[((inf,), nan, (nan,))])
semicircle = _row("semicircle", 36, "√(1−x²)", 1, lambda x: sqrt.primal((1.0 - x) * (1.0 + x)),
                  lambda out, x: (-div(x, out),), domain=(UNIT,))  # the slopes below need it, not to cancel
asin = _row("asin", 37, "asin", 1, ieee.quiet(math.asin), lambda out, x: (div(1.0, semicircle(x)),),
            domain=(UNIT,), edges=[((1.0,), math.pi / 2, (inf,)), ((2.0,), nan, (nan,))])
acos = _row("acos", 38, "acos", 1, ieee.quiet(math.acos), lambda out, x: (div(-1.0, semicircle(x)),),
            domain=(UNIT,), edges=[((1.0,), 0.0, (-inf,)), ((2.0,), nan, (nan,))])
atan = _row("atan", 39, "atan", 1, math.atan, lambda out, x: (div(1.0, 1.0 + x * x),),
            edges=[((inf,), math.pi / 2, (0.0,))])
atan2 = _row("atan2", 40, "atan2", 2, math.atan2,  # divided twice by the hypotenuse, whose square would overflow
             lambda out, y, x: (div(div(x, hypot(y, x)), hypot(y, x)), -div(div(y, hypot(y, x)), hypot(y, x))),
             kinks=(0.0,), edges=[((0.0, 0.0), 0.0, (nan, nan)), ((0.0, 2e200), 0.0, (5e-201, -0.0))])

# Hyperbolic functions and their inverses. ---------------------------------------------------------------------------
sinh = _row("sinh", 41, "sinh", 1, ieee.quiet(math.sinh), lambda out, x: (cosh(x),), edges=[((-1000.0,), -inf, (inf,))])
cosh: Primitive = _row("cosh", 42, "cosh", 1, ieee.quiet(math.cosh, even=True), lambda out, x: (sinh(x),))
sech2 = _row("sech2", 43, "sech²", 1, ieee.sech2, lambda out, x: (-2.0 * out * tanh(x),))  # exact in the tails
tanh: Primitive = _row("tanh", 44, "tanh", 1, math.tanh, lambda out, x: (sech2(x),), edges=[((inf,), 1.0, (0.0,))],
                       expansion=lambda x: 2.0 * sigmoid(2.0 * x) - 1.0)
asinh = _row("asinh", 45, "asinh", 1, math.asinh, lambda out, x: (div(1.0, hypot(1.0, x)),), edges=[((inf,), inf, (0.0,))])
acosh = _row("acosh", 46, "acosh", 1, ieee.quiet(math.acosh), lambda out, x: (div(1.0, sqrt(x - 1.0) * sqrt(x + 1.0)),),
             domain=((1.0, inf),), edges=[((1.0,), 0.0, (inf,)), ((0.0,), nan, (nan,)), ((-2.0,), nan, (nan,))])
atanh = _row("atanh", 47, "atanh", 1, ieee.quiet(math.atanh, poles={1.0: inf, -1.0: -inf}),
             lambda out, x: (div(div(1.0, semicircle(x)), semicircle(x)),), domain=(UNIT,),
             edges=[((1.0,), inf, (inf,)), ((-1.0,), -inf, (inf,)), ((2.0,), nan, (nan,)), ((-2.0,), nan, (nan,))])

# Activations and the error function. --------------------------------------------------------------------------------
sigmoid: Primitive = _row("sigmoid", 48, "σ", 1, ieee.sigmoid, lambda out, x: (0.25 * sech2(0.5 * x),),  # e/(1+e)²
                          edges=[((0.0,), 0.5, (0.25,)), ((-inf,), 0.0, (0.0,)), ((inf,), 1.0, (0.0,))],
                          expansion=lambda x: div(1.0, exp(-x) + 1.0))
softplus = _row("softplus", 49, "softplus", 1, lambda x: ieee.largest(x, 0.0) + math.log1p(ieee.exp(-math.fabs(x))),
                lambda out, x: (sigmoid(x),), edges=[((inf,), inf, (1.0,)), ((-inf,), 0.0, (0.0,))],
                expansion=lambda x: log(exp(x) + 1.0))
silu = _row("silu", 50, "SiLU", 1, lambda x: x * ieee.sigmoid(x), lambda out, x: (sigmoid(x) * (1.0 + x * sigmoid(-x)),),
            edges=[((0.0,), 0.0, (0.5,))], expansion=lambda x: x * sigmoid(x))
erf = _row("erf", 51, "erf", 1, math.erf, lambda out, x: (2 / math.sqrt(math.pi) * exp(-(x * x)),))
erfc = _row("erfc", 52, "erfc", 1, math.erfc, lambda out, x: (-2 / math.sqrt(math.pi) * exp(-(x * x)),))


# Functions on rows. -------------------------------------------------------------------------------------------------
def dot(weights: Iterable[Number], inputs: Iterable[Number], bias: Number = 0.0) -> Number:
    """bias + Σ weights·inputs as one gate, added from left to right; raises ValueError when the lengths differ."""
    ws, xs = tuple(weights), tuple(inputs)
    if len(ws) != len(xs):
        raise ValueError(f"dot needs as many weights as inputs, not {len(ws)} and {len(xs)}")
    return dot_row(bias, *ws, *xs)


def leaky_relu(x: Number, slope: Number = 0.01) -> Number:
    """x where it is positive, slope·x elsewhere."""
    return leaky_relu_row(x, slope)


def softmax(xs: Iterable[Number]) -> list[Number]:
    """exp(x) / Σ exp(x) for each x, shifted so that nothing overflows (a = 1000, 1001, 1002 gives no nan)."""
    operands = list(xs)
    return list(_softmax(logsumexp(operands), *operands)) if operands else []
