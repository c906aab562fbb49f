"""What a row computes and what its slopes are, as programs that C runs: the row of the table is
called on terms, once for each number of operands, and what is emitted is handed over as lists.
Other formulas become programs in the same way.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .. import ops
from ..ops import CFunction, Instruction, Primitive
from ..terms import Emitter, Term

# constants; the operation of each step; how many operands it has; all these, step by step; outputs
Program = tuple[list[float], list[int], list[int], list[int], list[int]]
Reference = int  # of a register, or the complement of a constant's place

_places: dict[str, int] = {}


def know(operations: Sequence[str]) -> None:
    """Learn which instructions and functions C has, by their places."""
    _places.update({name: place for place, name in enumerate(operations)})


def places_of(operations: Sequence[str]) -> list[int]:
    """The places of instructions and functions; NotImplementedError for one that C lacks."""
    missing = [name for name in operations if name not in _places]
    if missing:
        raise NotImplementedError(f"the heart in C lacks {', '.join(missing)}")
    return [_places[name] for name in operations]


def describe(row: Primitive) -> tuple[int, int, int, bool, bool, bool, bool]:
    """What C keeps of a row: its instruction or -1, arity or -1, the least number of operands,
    and whether it routes, is a condition, a weighted sum, or for Python alone.
    """
    place = _operation(row)
    return (
        place,
        -1 if row.arity is None else row.arity,
        row.least,
        row.gate == "routes",
        row.is_condition,
        row.is_weighted_sum,
        row.lowering is None or (place < 0 and not callable(row.lowering)),
    )


def _operation(row: Primitive) -> int:
    lowering = row.lowering
    return _places.get(lowering.name, -1) if isinstance(lowering, (Instruction, CFunction)) else -1


def _known(row: Primitive) -> int:
    place = _operation(row)
    if place < 0:
        raise NotImplementedError(f"the heart in C lacks what {row!r} is lowered to")
    return place


def program(row: Primitive, of_slopes: int, size: int, mask: int, masked: bool) -> Program | None:
    """The value of a row of so many operands, or its slopes; None where these ask a term what no
    term can say, as an `if` does, so that only Python can run them.

    With `masked`, slopes are wanted only in those operands whose bits the mask has.
    """
    try:
        return _traced(row, of_slopes, size, mask, masked)
    except TypeError:
        return None


def of_formula(formula: Callable[..., Sequence[Any]], given: int) -> Program:
    """What a function of so many numbers gives, as a program: it is called on terms.

    Raises TypeError where it asks a term what no term can say, as an `if` does.
    """
    emitter = Emitter(given, lowering=True)
    numbers = formula(*[Term(emitter, register) for register in range(given)])
    references = [
        number.ref if isinstance(number, Term) else emitter.constant(number) for number in numbers
    ]
    return _finished(emitter, references)


def _traced(row: Primitive, of_slopes: int, size: int, mask: int, masked: bool) -> Program:
    emitter = Emitter(1 + size, lowering=True)
    out, *operands = [Term(emitter, register) for register in range(1 + size)]
    if of_slopes:
        numbers = list(row.slopes(out, *operands))
        if masked:
            numbers = [number if mask >> i & 1 else None for i, number in enumerate(numbers)]
    else:
        numbers = [row.lowering(*operands) if callable(row.lowering) else row(*operands)]
    return _finished(emitter, [_reference(emitter, row, number) for number in numbers])


def _reference(emitter: Emitter, row: Primitive, number: Any) -> Reference | None:
    if number is None:
        return None
    if isinstance(number, Term):
        return number.ref
    return emitter.constant(ops.as_float(number, row.name))


def _finished(emitter: Emitter, outputs: Sequence[Reference | None]) -> Program:
    """The lists of what the outputs need, registers counted as C has them."""
    constants, steps, given = emitter.constants, list(emitter.instructions), emitter.given
    order = emitter.needed([ref for ref in outputs if ref is not None])
    register = {ref: given + len(constants) + place for place, ref in enumerate(order)}
    register |= {ref: ref for ref in range(given)}
    register |= {~place: given + place for place in range(len(constants))}
    rows = list(emitter.table)
    kept = [steps[ref - given] for ref in order]
    return (
        constants,
        [_known(rows[code]) for code, *_ in kept],
        [len(operands) for _, *operands in kept],
        [register[ref] for _, *operands in kept for ref in operands],
        [-1 if ref is None else register[ref] for ref in outputs],
    )
