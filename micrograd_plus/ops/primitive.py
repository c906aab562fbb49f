"""What a row of the table is: a primitive, with everything that anybody needs to know about it.

This module knows floats; whatever else wants to travel through a row implements `__primitive__`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import wraps
from math import inf
from numbers import Real
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar, overload

Number = Any  # a float, or whatever implements __primitive__ (a Value): rows do not care which
Gate = Literal["distributes", "swaps", "routes", "scales", "blocks"]
Role = Literal["number", "condition", "index"]
Interval = tuple[float, float]
# A number: wherever an operand is it. Or one for each operand, None where any will do: a line, or a
# point. Or a function of the operands that is 0 there, and elsewhere about as large as the
# distance.
Kink = float | tuple[float | None, ...] | Callable[..., float]
Edge = tuple[tuple[float, ...], float, tuple[float, ...]]  # operands, value, derivatives

TABLE: dict[str, Primitive] = {}
REAL: Interval = (-inf, inf)
UNIT: Interval = (-1.0, 1.0)
POSITIVE: Interval = (0.0, inf)
EIGHT_ROUNDINGS = 8 * 2.0**-53
MODERATE = ((2.0,), (0.5, 2.0, 30.0), (-30.0, 0.1, 2.0), (0.1, 3.0, -2.0, -0.25, 1.5))
LARGE = ((-700.0,), (700.0, -701.0, 720.0), (-745.5, -744.0, -720.0, -1e5, -1e300))
FAR_APART = ((-1e-300, 3.0, 1e150), (1e300, -2e299, -3.0, 0.25, 1e-8))
SOME_COUNTS = MODERATE + LARGE + FAR_APART


@dataclass(frozen=True, slots=True)
class Instruction:
    """A lowering: one instruction of a machine, under LLVM's name for it."""

    name: str


@dataclass(frozen=True, slots=True)
class CFunction:
    """A lowering: one function of the C library."""

    name: str


Slope = Callable[..., "Number | None"]
Slopes = Callable[..., "Sequence[Number | None]"]
Lowering = Instruction | CFunction | Callable[..., Number] | None


@dataclass(frozen=True, eq=False, repr=False)
class Primitive:
    """One row. Calling it evaluates it on numbers, or records it when an operand is a Value.

    What it computes: `primal` takes floats and gives a float. `slopes(out, *operands)` gives the
    local derivative in each operand, or None where no gradient ever passes; they are written with
    rows and operators, without branches, so that the same line works on floats and on Values. In a
    row whose gate "routes" they are switches: one that is off (0) passes nothing at all, and so is
    None among the `partials` of floats, which are the slopes in every other row. `operands`
    names the operands, and `roles` says what each is; a row that is `variadic` takes any number of
    the last, `least` operands in all and more.

    Where it is smooth: `domain` holds an open interval for each operand (one for all in a variadic
    row), `kinks` the points and lines inside it where it bends or jumps, and a row that `compares`
    does so wherever two operands are equal. `edges` lists special operands with the agreed value
    and derivatives.

    How it is read: `symbol` and `doc`; `folded` is its text in a picture with a constant on its
    left and on its right; `precedence`, from 1 up, is that of an operator that stands between its
    operands, 0 of what is written as a call; a row that `is_condition` gives 1 for true and 0 for
    false; the operands of one that `is_weighted_sum` are a bias, then as many weights as inputs,
    then these. `expansion` spells a composite row in simpler ones. `rule` is the derivative as a
    book writes it, one for each operand, in the operands' names with `a` for the result: `1 − a²`.
    In a variadic row any operand is `x`, its `place` is counted from 0, and its `partner` in a
    weighted sum is the factor beside it; "p = ..." gives the derivative the name that books have.
    It is empty where no book writes one or no gradient passes.

    How it runs elsewhere: `lowering` is an instruction, a C function or an expression in other
    rows, None where only Python will do. A row with a `strict_function` has a public function of
    its name that refuses what the row answers with nan. The switches of a router that `shares` are
    between 0 and 1. A row that `is_checkpoint` is a function in one gate, which its expansion makes
    again.

    How it is tested: `oracle(mp, *operands)` is the row on numbers of mpmath; `samples` are points
    to try beside those that domain and kinks suggest; values and slopes err by less than `bound`,
    for which there is a `reason` when it is more than eight roundings.
    """

    name: str
    symbol: str
    doc: str
    operands: tuple[str, ...]
    variadic: bool
    primal: Callable[..., float]
    slopes: Slopes
    gate: Gate = "scales"
    roles: tuple[Role, ...] = ("number",)
    least: int = 1
    domain: tuple[Interval, ...] = (REAL,)
    kinks: tuple[Kink, ...] = ()
    compares: bool = False
    edges: Sequence[Edge] = ()
    folded: tuple[str, str] | None = None
    precedence: int = 0
    is_condition: bool = False
    is_weighted_sum: bool = False
    is_checkpoint: bool = False
    strict_function: bool = False
    shares: bool = True
    expansion: Callable[..., Number] | None = None
    rule: str | tuple[str, ...] = ""
    lowering: Lowering = None
    oracle: Callable[..., Any] | None = None
    samples: Sequence[tuple[float, ...]] = ()
    bound: float = EIGHT_ROUNDINGS
    reason: str = ""
    partials: Slopes = field(init=False)

    def __post_init__(self) -> None:
        kind = inspect.Parameter.VAR_POSITIONAL
        parameters = [
            inspect.Parameter(operand, inspect.Parameter.POSITIONAL_OR_KEYWORD)
            for operand in self.operands
        ]
        if self.variadic:
            parameters[-1] = parameters[-1].replace(kind=kind)
        for attribute, value in (
            ("__name__", self.name),
            ("__doc__", self._documentation()),
            ("__signature__", inspect.Signature(parameters)),
            ("partials", _without_closed(self.slopes) if self.gate == "routes" else self.slopes),
        ):
            object.__setattr__(self, attribute, value)

    def _documentation(self) -> str:
        """What help() shows: the documentation and, where books write them, the derivatives."""
        lines = []
        for place, operand in enumerate(self.operands):
            any_of_many = self.variadic and place == len(self.operands) - 1
            name, where = ("x", f", for each x of {operand}") if any_of_many else (operand, "")
            if self.rule_of(place):
                lines.append(f"∂a/∂{name} = {self.rule_of(place)}{where}")
        return "\n".join([self.doc, "", "With a for the result:", *lines]) if lines else self.doc

    @property
    def arity(self) -> int | None:
        """How many operands it takes; None for a variadic row."""
        return None if self.variadic else len(self.operands)

    def role(self, place: int) -> Role:
        """What the operand at a place is."""
        return self.roles[min(place, len(self.roles) - 1)]

    def interval(self, place: int) -> Interval:
        """The open interval of the operand at a place in which the row is smooth."""
        return self.domain[min(place, len(self.domain) - 1)]

    def rule_of(self, place: int) -> str:
        """The derivative in the operand at a place, as a book writes it; empty where none does."""
        rules = (self.rule,) if isinstance(self.rule, str) else self.rule
        return rules[min(place, len(rules) - 1)]

    def is_kink(self, operands: Sequence[float]) -> bool:
        """Whether the row bends or jumps at these operands."""
        return any(_is_at(kink, operands) for kink in self.kinks)

    def kinks_of(self, place: int) -> list[float]:
        """The numbers at which the operand at a place may be at a kink, whatever the others are."""
        fixed = [kink for kink in self.kinks if not callable(kink)]
        numbers = [kink[place] if isinstance(kink, tuple) else kink for kink in fixed]
        return [number for number in numbers if number is not None]

    def distance_from_kinks(self, operands: Sequence[float]) -> float:
        """How far the operands are from those kinks that are no lines or points;
        inf where there are none.
        """
        return min([abs(kink(*operands)) for kink in self.kinks if callable(kink)], default=inf)

    def takes(self, count: int) -> bool:
        """Whether so many operands can be given."""
        if self.is_weighted_sum and count % 2 == 0:
            return False
        return count >= self.least if self.variadic else count == len(self.operands)

    def __call__(self, *operands: Number) -> Number:
        """Evaluate on floats, record on Values; a variadic row also takes one list,
        array or generator of operands.
        """
        for operand in operands:
            if type(operand) is not float:
                # most likely a Value among as many operands as there must be
                interpret = getattr(type(operand), "__primitive__", None)
                if interpret is None or not (self.variadic or len(operands) == len(self.operands)):
                    return self._convert_and_call(operands)
                return interpret(self, operands)
        self._require_arity(operands)
        return self.primal(*operands)

    def _convert_and_call(self, operands: tuple[Number, ...]) -> Number:
        if self.variadic and len(operands) == 1 and isinstance(operands[0], Iterable):
            operands = tuple(operands[0])
        self._require_arity(operands)
        for operand in operands:
            interpret = getattr(type(operand), "__primitive__", None)
            if interpret is not None:
                return interpret(self, operands)
        return self.primal(*[as_float(operand, self.name) for operand in operands])

    def _require_arity(self, operands: tuple[Number, ...]) -> None:
        if not self.variadic and len(operands) != len(self.operands):
            raise TypeError(
                f"{self.name} takes {len(self.operands)} operand(s), not {len(operands)}"
            )

    def __repr__(self) -> str:
        return f"<primitive {self.name}>"

    def __deepcopy__(self, memo: object) -> Primitive:
        return self

    def __reduce__(self) -> tuple[Callable[[str], Primitive], tuple[str]]:
        if TABLE.get(self.name) is not self:
            raise TypeError(
                f"{self!r} cannot be pickled: it is not in the table, from which it would be "
                "fetched by name"
            )
        return primitive, (self.name,)


def _without_closed(switches: Slopes) -> Slopes:
    """Slopes that are switches, with None for one that is off: it passes nothing, not even 0·∞."""

    def partials(out: float, *operands: float) -> Sequence[float | None]:
        found = switches(out, *operands)
        return [switch or None for switch in found] if 0.0 in found else found

    return partials


def _is_at(kink: Kink, operands: Sequence[float]) -> bool:
    if callable(kink):
        return kink(*operands) == 0.0
    if isinstance(kink, tuple):
        return all(k is None or k == x for k, x in zip(kink, operands))
    return any(kink == x for x in operands)


def row(
    name: str,
    symbol: str,
    doc: str,
    *,
    primal: Callable[..., float],
    slope: Slope | None = None,
    slopes: Slopes | None = None,
    **more: Any,
) -> Any:
    """Enter a row into the table and give it; its operands are those of its `slopes`, or of its
    `slope` when it has one.

    The kind of a row (Unary, Binary, ...) is for type checkers, so the caller says it.
    """
    if slope is not None:
        slopes = _alone(slope)
    assert slopes is not None  # noqa: S101  # a row without derivatives says (None,)
    operands = [*inspect.signature(slopes).parameters.values()][1:]
    variadic = bool(operands) and operands[-1].kind is inspect.Parameter.VAR_POSITIONAL
    names = tuple([operand.name for operand in operands])
    TABLE[name] = Primitive(name, symbol, doc, names, variadic, primal, slopes, **more)
    return TABLE[name]


def _alone(slope: Slope) -> Slopes:
    @wraps(slope)
    def slopes(out: Number, x: Number) -> Sequence[Number | None]:
        return (slope(out, x),)

    return slopes


def primitives() -> tuple[Primitive, ...]:
    """All rows of the table, in the order in which they are written."""
    return tuple(TABLE.values())


def primitive(name: str) -> Primitive:
    """The row called `name`; raises KeyError where there is none."""
    return TABLE[name]


def as_float(number: object, user: str) -> float:
    """A number as a float: int, bool, float, Fraction, NumPy scalar.

    Anything else is a TypeError naming `user`.
    """
    if type(number) is float:
        return number
    if isinstance(number, (float, int)):
        return float(number)
    if isinstance(number, Real) or (type(number).__module__, type(number).__name__[:4]) == (
        "numpy",
        "bool",
    ):
        return float(number)  # type: ignore[arg-type]  # a NumPy bool is a number, though not a numbers.Real
    if hasattr(number, "__primitive__"):
        raise TypeError(f"{user} takes a plain number here: use the .data of {number!r}")
    more = (
        ": take one number of it at a time, as .tolist() gives them"
        if hasattr(number, "__array__")
        else ""
    )
    raise TypeError(f"{user} works on numbers and Values, not on {type(number).__name__}{more}")


# What a type checker is told of the rows: floats in, a float out; with a Value among them, a Value
# out.
class Traveller(Protocol):
    """Whatever may travel through a row in place of a float."""

    @staticmethod
    def __primitive__(primitive: Primitive, operands: Any) -> Any:
        """What the row gives for these operands."""


T = TypeVar("T", bound=Traveller)

if TYPE_CHECKING:

    class Unary(Primitive):
        """A row of one operand."""

        @overload
        def __call__(self, x: float, /) -> float: ...
        @overload
        def __call__(self, x: T, /) -> T: ...

        def __call__(self, *operands: Any) -> Any: ...

    class Binary(Primitive):
        """A row of two operands."""

        @overload
        def __call__(self, x: float, y: float, /) -> float: ...
        @overload
        def __call__(self, x: T, y: T | float, /) -> T: ...
        @overload
        def __call__(self, x: float, y: T, /) -> T: ...

        def __call__(self, *operands: Any) -> Any: ...

    class Ternary(Primitive):
        """A row of three operands."""

        @overload
        def __call__(self, x: float, y: float, z: float, /) -> float: ...
        @overload
        def __call__(self, x: T, y: T | float, z: T | float, /) -> T: ...
        @overload
        def __call__(self, x: float, y: T, z: T | float, /) -> T: ...
        @overload
        def __call__(self, x: float, y: float, z: T, /) -> T: ...

        def __call__(self, *operands: Any) -> Any: ...

    class Variadic(Primitive):
        """A row of any number of operands, or of one list, array or generator of them."""

        @overload
        def __call__(  # type: ignore[overload-overlap]  # no number is a Traveller
            self, *xs: float
        ) -> float: ...
        @overload
        def __call__(self, *xs: T | float) -> T: ...
        @overload
        def __call__(  # type: ignore[overload-overlap]  # nor here
            self, xs: Iterable[float], /
        ) -> float: ...
        @overload
        def __call__(self, xs: Iterable[T | float], /) -> T: ...

        def __call__(self, *operands: Any) -> Any: ...
else:
    Unary = Binary = Ternary = Variadic = Primitive
