"""Patterns: what a row is lowered to, and what its slopes are, as short programs in rows of the
table, traced once for each number of operands and then copied into programs in the making.

So the table is asked once, not once for each node of a graph. A row that Python alone can compute
has no pattern: its functions may do anything with a number.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from ..ops import Primitive, as_float
from ..terms import Emitter, Term
from ..tracing import Contribution, local_terms

NOTHING = -1  # in place of a register
FEW = 2  # operands of which each may be left out: of more, all slopes are computed
ALL = -1  # a mask


class Pattern(NamedTuple):
    """Step i computes register `given + len(constants) + i` by rows[i] from operands[i].

    The first registers are the result of the row and its operands, the next ones the constants. An
    output is a number wherever the register beside it in `conditions` is not 0; NOTHING in its
    place says that there is none, and among the conditions that it is always there. Where all of
    them are, there are no conditions.
    """

    constants: list[float]
    rows: list[Primitive]
    operands: list[tuple[int, ...]]
    outputs: list[int]
    conditions: list[int]

    def copied(self, emitter: Emitter, given: Sequence[int]) -> list[int]:
        """The references of the registers, where those of the result and operands are given."""
        refs = [*given, *self.constants_in(emitter)]
        self.copy(emitter, refs)
        return refs

    def constants_in(self, emitter: Emitter) -> list[int]:
        """The references of the constants."""
        return [*map(emitter.constant, self.constants)]

    def copy(self, emitter: Emitter, refs: list[int]) -> None:
        """Emit the steps, and add their references to those of what stands before them."""
        for row, operands in zip(self.rows, self.operands):
            refs.append(emitter.emit(row, [refs[o] for o in operands]))


@lru_cache(maxsize=256)
def slopes_of(row: Primitive, size: int, mask: int) -> Pattern:
    """The slopes of a row of so many operands: of few, only in those whose bits the mask has."""
    emitter = Emitter(1 + size)
    partials = local_terms(row, [Term(emitter, register) for register in range(1 + size)])
    if mask != ALL:
        partials = [p if mask >> i & 1 else None for i, p in enumerate(partials)]
    return finished(emitter, row, partials)


@lru_cache(maxsize=256)
def lowering_of(row: Primitive, size: int) -> Pattern:
    """What a row of so many operands, lowered to an expression, computes."""
    emitter = Emitter(1 + size, lowering=True)
    operands = [Term(emitter, register) for register in range(1, 1 + size)]
    assert callable(row.lowering)  # noqa: S101  # the others are themselves
    return finished(emitter, row, [row.lowering(*operands)])


def mask_of(wanted: Sequence[bool]) -> int:
    """Which slopes to ask for: of few operands the wanted ones, else all."""
    if len(wanted) > FEW:
        return ALL
    return wanted[0] | wanted[-1] << len(wanted) - 1 if wanted else 0


def pattern(row: Primitive, size: int, mask: int, of_slopes: bool) -> tuple[Any, ...]:
    """A pattern as the heart in C takes it: in lists, one after the other."""
    traced = (
        slopes_of.__wrapped__(row, size, mask) if of_slopes else lowering_of.__wrapped__(row, size)
    )
    found: Pattern = traced  # which C keeps itself
    sizes = [len(operands) for operands in found.operands]
    operands = [o for operands in found.operands for o in operands]
    conditions = found.conditions or [NOTHING] * len(found.outputs)
    return found.constants, found.rows, sizes, operands, [*found.outputs, *conditions]


def finished(emitter: Emitter, row: Primitive, numbers: Sequence[Any]) -> Pattern:
    """The pattern that gives these numbers, without what they do not need."""

    def ref_of(number: Any) -> int | None:
        if number is None or isinstance(number, Term):
            return None if number is None else number.ref
        return emitter.constant(as_float(number, row.name))

    parts = [n if isinstance(n, Contribution) else Contribution(n) for n in numbers]
    outputs = [ref_of(part.number) for part in parts]
    conditions = [ref_of(part.condition) for part in parts]
    live = emitter.needed([ref for ref in (*outputs, *conditions) if ref is not None])
    given, first = emitter.given, emitter.given + len(emitter.constants)
    register = {ref: first + i for i, ref in enumerate(live)}
    register |= {ref: ref for ref in range(given)}
    register |= {~place: given + place for place in range(len(emitter.constants))}
    any_condition = any(ref is not None for ref in conditions)
    instructions, rows = list(emitter.instructions), list(emitter.table)
    kept = [instructions[ref - given] for ref in live]
    return Pattern(
        emitter.constants,
        [rows[code] for code, *_ in kept],
        [tuple([register[ref] for ref in operands]) for _, *operands in kept],
        [NOTHING if ref is None else register[ref] for ref in outputs],
        [NOTHING if ref is None else register[ref] for ref in conditions if any_condition],
    )
