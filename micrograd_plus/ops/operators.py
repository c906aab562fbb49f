"""Which row each of Python's operators is, said once for Values,
terms of a program and precise numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Self, TypeVar

from .arithmetic import add, div, mul, neg, sub
from .conditions import equal, less, less_equal, not_equal
from .powers import pow
from .primitive import Primitive
from .routers import abs, mod

OfTwoSides = tuple[str, str, Primitive]  # the method of the left operand, of the right one; the row

ARITHMETIC: dict[str, OfTwoSides] = {
    "+": ("__add__", "__radd__", add),
    "-": ("__sub__", "__rsub__", sub),
    "*": ("__mul__", "__rmul__", mul),
    "/": ("__truediv__", "__rtruediv__", div),
    "**": ("__pow__", "__rpow__", pow),
    "%": ("__mod__", "__rmod__", mod),
}
ORDER: dict[str, OfTwoSides] = {
    "<": ("__lt__", "__gt__", less),
    "<=": ("__le__", "__ge__", less_equal),
}
BINARY = ARITHMETIC | ORDER
EQUALITY: dict[str, tuple[str, Primitive]] = {"==": ("__eq__", equal), "!=": ("__ne__", not_equal)}
UNARY: dict[str, tuple[str, Primitive]] = {"-": ("__neg__", neg), "abs": ("__abs__", abs)}

# Between two floats these give the very bits of their rows; / raises at 0, ** too, and comparisons
# give bool.
EXACT_ON_FLOATS: dict[Primitive, str] = {add: "+", sub: "-", mul: "*"}
INFIX: dict[Primitive, str] = {
    **{row: symbol for symbol, (_, _, row) in BINARY.items()},
    **{row: symbol for symbol, (_, row) in EQUALITY.items()},
}

Method = Callable[..., Any]
Class = TypeVar("Class", bound=type)


def with_operators(
    direct: Callable[[Primitive], Method],
    reflected: Callable[[Primitive], Method],
    alone: Callable[[Primitive], Method],
    equality: Callable[[Primitive], Method] | None = None,
) -> Callable[[Class], Class]:
    """A decorator that gives a class every operator, made from its row by one of these functions.

    `direct` makes the method of the left operand, `reflected` that of the right one, `alone` that
    of an only one.
    """

    def decorate(cls: Class) -> Class:
        for left, right, row in BINARY.values():
            setattr(cls, left, direct(row))
            setattr(cls, right, reflected(row))
        for name, row in UNARY.values():
            setattr(cls, name, alone(row))
        if equality is not None:
            for name, row in EQUALITY.values():
                setattr(cls, name, equality(row))
        return cls

    return decorate


class Operators:
    """What a type checker is told of a class that has the operators."""

    __slots__ = ()

    if TYPE_CHECKING:

        def __add__(self, other: Any) -> Self: ...
        def __radd__(self, other: Any) -> Self: ...
        def __sub__(self, other: Any) -> Self: ...
        def __rsub__(self, other: Any) -> Self: ...
        def __mul__(self, other: Any) -> Self: ...
        def __rmul__(self, other: Any) -> Self: ...
        def __truediv__(self, other: Any) -> Self: ...
        def __rtruediv__(self, other: Any) -> Self: ...
        def __pow__(self, other: Any) -> Self: ...
        def __rpow__(self, other: Any) -> Self: ...
        def __mod__(self, other: Any) -> Self: ...
        def __rmod__(self, other: Any) -> Self: ...
        def __lt__(self, other: Any) -> Self: ...
        def __le__(self, other: Any) -> Self: ...
        def __gt__(self, other: Any) -> Self: ...
        def __ge__(self, other: Any) -> Self: ...
        def __neg__(self) -> Self: ...
        def __abs__(self) -> Self: ...
