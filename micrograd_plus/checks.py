"""What is refused while a graph is built and differentiated, and how it is said: stale leaves,
anomalies, wrong calls.

The checks read a node's `primitive`, `operands`, `label`, `_primal` and `_clock`; they know what a
number is, but no calculus and no Value.
"""

from __future__ import annotations

import linecache
import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from numbers import Number
from operator import attrgetter
from typing import Any, NoReturn

from .advice import advice, asking_frame
from .modes import mode
from .ops import as_float

_LONGEST = 300  # characters of a line that are quoted
_clock: Callable[[Any], int] = attrgetter("_clock")


def stale_nodes(order: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
    """Nodes last computed before one of their operands changed, each with that operand."""
    newest = max(map(_clock, order), default=0)
    oldest = min([v._clock for v in order if v.primitive is not None], default=newest)
    if oldest < newest:  # rarely so, and quickly told
        for v in order:
            for operand in v.operands:
                if type(operand) is not float and operand._clock > v._clock:
                    yield v, operand


def require_fresh(order: Sequence[Any]) -> None:
    """Raise ValueError, naming the operand, when a leaf was edited
    and what depends on it was not computed again.
    """
    for v, operand in stale_nodes(order):
        changed = "edited" if operand.primitive is None else "computed again"
        raise ValueError(
            f"{operand!r} was {changed} after {v!r} = {_call(v.primitive, v.operands)} was "
            "computed from it: call .forward() on the output to evaluate the graph again, then "
            ".backward()"
        )


def require_untraced(what: str, values: Sequence[Any], instead: str = "") -> None:
    """Raise TypeError, naming the user's line, when a function on its way to a tape reads numbers
    that the tape varies; it tells what to write `instead`, if nothing is given what the line says.
    """
    tracing = mode.get().tracing
    if tracing and any(tracing.varies(v) for v in values):
        frame = asking_frame()
        file, line = frame.f_code.co_filename, frame.f_lineno
        # none for what was typed at Python's prompt
        code = linecache.getline(file, line, frame.f_globals).strip()
        code = code if len(code) <= _LONGEST else f"{code[:_LONGEST]}…"
        asking = repr(code) if code else "the function"
        raise TypeError(
            f"{file}, line {line}: {asking} asks a Value for {what}, but on a tape that differs "
            "from point to point, and the answer at one point would stand for all: "
            f"{instead or advice(frame)}"
        )


def comparable(other: object, user: str) -> float | None:
    """A number that a Value may be equal to, or None for what equals none: text, None, a number
    that no float is.

    Raises TypeError for what arithmetic refuses: arrays, Decimal and complex.
    """
    if type(other) is float:
        return other
    if isinstance(other, (str, bytes)) or (
        not isinstance(other, Number) and not hasattr(other, "__array__")
    ):
        return None  # text of NumPy's is text, though it has an __array__
    try:
        number = as_float(other, user)
    except OverflowError:
        return None
    return None if number == number and number != other else number


def require_unmasked(numbers: Any, what: str) -> None:
    """Raise TypeError, naming `what`, when some numbers of an array are masked,
    or of the arrays in a list.
    """
    if "numpy.ma" not in sys.modules:  # NumPy imports it when asked for
        return
    numpy: Any = sys.modules["numpy"]
    if isinstance(numbers, numpy.ma.MaskedArray):
        if numpy.ma.is_masked(numbers):
            raise TypeError(
                f"{what} must be real numbers, and some of these are masked: leave them out, or "
                "fill them in"
            )
    elif isinstance(numbers, (list, tuple)):
        kinds = set(map(type, numbers))
        if not kinds <= {float, int, bool, numpy.float64}:  # of which none can be masked
            for part in numbers:
                require_unmasked(part, what)


def refuse_arguments(
    label: object, more: Sequence[Any], named: Mapping[str, Any], help_: str
) -> NoReturn:
    """Raise TypeError for what `Value` cannot be called with."""
    if not more and not named:
        raise TypeError(
            f"the label of a Value is a string, not {label!r}; operands come from the "
            f"operation that makes a Value. You can {help_}"
        )
    unknown = ", ".join([*map(repr, more), *named])
    raise TypeError(
        f"Value takes its data and a label, not {unknown}; operands come from the "
        f"operation that makes a Value. You can {help_}"
    )


def require_finite_value(primitive: Any, operands: Sequence[Any], primal: float) -> None:
    """Raise FloatingPointError, naming the operation, when its result is inf or nan."""
    if not math.isfinite(primal):
        raise FloatingPointError(f"{_call(primitive, operands)} turned {primal}")


def require_finite_gradients(order: Sequence[Any], adjoint: Mapping[Any, float]) -> None:
    """Raise FloatingPointError, naming the node nearest the output whose gradient is inf or nan,
    and its users.
    """
    for v in reversed(order):
        # a sweep may stop at an operand
        for node in (v, *[o for o in v.operands if type(o) is not float]):
            found = _float(adjoint.get(node, 0.0))
            if not math.isfinite(found):
                reached = [u for u in order if u in adjoint]
                users = [u for u in reached if any(o is node for o in u.operands)]
                ways = [
                    f"{_call(u.primitive, u.operands)}, whose gradient is {_float(adjoint[u])}"
                    for u in users[:3]
                ]
                through = "; ".join(ways or ["the gradient that the sweep was given"])
                raise FloatingPointError(
                    f"the gradient of {node!r} turned {found}; it came through {through}"
                )


def require_finite_tangents(order: Sequence[Any], tangent: Mapping[Any, float]) -> None:
    """Raise FloatingPointError, naming the node nearest the inputs whose derivative is inf
    or nan.
    """
    for v in order:
        if v in tangent and not math.isfinite(_float(tangent[v])):
            made = _call(v.primitive, v.operands)
            raise FloatingPointError(
                f"the derivative of {v!r} = {made} turned {_float(tangent[v])}"
            )


def _float(number: Any) -> float:
    found: float = getattr(number, "_primal", number)  # a recorded sweep's numbers are Values
    return found


def _call(primitive: Any, operands: Sequence[Any]) -> str:
    shown = [_operand(o) for o in operands[:6]]
    if len(operands) > 6:
        shown.append("...")
    return f"{primitive.name}({', '.join(shown)})"


def _operand(operand: Any) -> str:
    if type(operand) is float:
        return repr(operand)
    return f"{operand.label or 'Value'}={operand._primal!r}"
