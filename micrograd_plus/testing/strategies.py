"""Hypothesis strategies: Values, random graphs with sharing at points where derivatives exist and
floats can tell, tapes.

A graph is drawn as a flat list of instructions whose operands say how far back to reach, so that
whatever Hypothesis leaves out or makes smaller is a graph again: a failure shrinks to the gate or
two that it takes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .. import ops
from ..engine import Value
from ..ops import Primitive
from ..tape import Tape
from .differences import rounded
from .program import Instruction, Operand, Program
from .reference import arithmetic, evaluate

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

MARGIN = 0.05  # from the ends of domains, kinks and ties
SMALL, LARGE = 1e-3, 1e3  # between them lies the size of every number of a graph that is not 0
DISTANCES = (0, 0, 0, 1, 1, 2, 3, 5, 8, 13)  # most operands lie near
WORST_CONDITION = 1e4  # by how much a relative change of the inputs may grow
NUDGE = 1e-20

Draft = tuple[str, list[int]]  # a row, and for each operand how far back it lies


def values(
    min_value: float = -10.0, max_value: float = 10.0, *, label: str = ""
) -> SearchStrategy[Value]:
    """Leaves whose data floats can tell well: 0, or at least 0.001 in size, within the limits.

    Raises ImportError, saying what to install, without Hypothesis.
    """
    return _numbers(min_value, max_value).map(lambda x: Value(x, label=label))


def graphs(
    max_operations: int = 20,
    operations: Sequence[str | Primitive] | None = None,
    inputs: SearchStrategy[Any] | None = None,
) -> SearchStrategy[Program]:
    """Programs of 1 to `max_operations` gates that share their operands, each with a point to run
    it on.

    `operations` lists the rows, or their names, to draw from (all, when None); `inputs` is a
    strategy for the list of inputs (one to four numbers from -3 to 3, when None). Every operand
    lies inside the domain of its gate and away from its kinks and ties, and the results are
    well-conditioned. Raises ValueError where there is no such row, and ImportError, saying what to
    install, without Hypothesis.
    """
    st = _hypothesis()
    names = [o.name if isinstance(o, Primitive) else o for o in operations or ops.primitives()]
    unknown = [name for name in names if name not in ops.TABLE]
    if unknown or max_operations < 1:
        raise ValueError(
            "graphs needs names of rows and max_operations of at least 1, not "
            f"{unknown or max_operations}"
        )
    gate = st.tuples(
        st.sampled_from(names), st.lists(st.sampled_from(DISTANCES), min_size=1, max_size=5)
    )
    drafts = st.lists(gate, min_size=1, max_size=max_operations)
    # large ones, too
    drafts |= st.lists(gate, min_size=(max_operations + 1) // 2, max_size=max_operations)
    points = st.lists(_numbers(-3.0, 3.0), min_size=1, max_size=4) if inputs is None else inputs
    programs = st.builds(_program, points, drafts)
    drawn: SearchStrategy[Program] = programs.filter(
        lambda p: bool(p.instructions) and _well_conditioned(p)
    )
    return drawn


def tapes(
    max_operations: int = 20, operations: Sequence[str | Primitive] | None = None
) -> SearchStrategy[Tape]:
    """Tapes of such graphs, with their gradient; any of their inputs may be a parameter.

    They run on every row: where a graph leaves its domain all executors give the same inf or nan.
    Raises as `graphs` does.
    """
    st = _hypothesis()
    drawn: SearchStrategy[Tape] = st.builds(
        _tape, graphs(max_operations, operations), st.integers(0, 2)
    )
    return drawn


def _tape(program: Program, parameters: int) -> Tape:
    leaves = [Value(x, label=name) for x, name in zip(program.inputs, program.names())]
    return Tape.of(program.run(*leaves), leaves[parameters:], leaves[:parameters])


def _program(inputs: Sequence[float], drafts: Sequence[Draft]) -> Program:
    """What the drafts come to at these inputs: each operand is taken among the registers that suit
    its gate.

    A gate that has no such operands, or leads too far, is left out, and so is at the end what the
    last gate does not use.
    """
    registers, instructions = [float(x) for x in inputs], list[Instruction]()
    used: set[int] = set()
    conditions: set[int] = set()  # registers that do not move with the inputs
    for name, distances in drafts:
        row = ops.TABLE[name]
        operands = _operands(row, distances, registers, used, conditions)
        numbers = [registers[o] if type(o) is int else o for o in operands]
        out = row.primal(*numbers) if operands else math.nan
        if out == 0.0 or SMALL <= abs(out) <= LARGE:
            instructions.append((row, tuple(operands)))
            conditions.update([len(registers)] if row.gate == "blocks" else [])
            registers.append(out)
            used.update([o for o in operands if type(o) is int])
    program = Program(tuple(registers[: len(inputs)]), tuple(instructions))
    return (
        replace(program.below(len(registers) - 1, len(registers)), labels=())
        if instructions
        else program
    )


def _operands(
    row: Primitive,
    distances: Sequence[int],
    registers: Sequence[float],
    used: set[int],
    conditions: set[int],
) -> list[Operand]:
    """Suitable registers at those distances, counted from the latest, and first among those that no
    gate has used.

    An index is a constant, a whole number that picks one of the operands after it.
    """
    count = row.arity or len(distances)
    while not row.takes(count):
        count += 1
    operands: list[Operand] = []
    for place in range(count):
        distance = distances[place] if place < len(distances) else 0
        if row.role(place) == "index":
            operands.append(float(distance % (count - place - 1)))
            continue
        may_be_fixed = row.role(place) == "condition"
        suited = [
            r
            for r, x in enumerate(registers)
            if (_suits(row, place, x) or (may_be_fixed and r in conditions))
            and _keeps_apart(row, x, operands, registers)
        ]
        if not suited:
            return []
        suited.sort(key=lambda r: (r not in used and r not in operands, r))
        operands.append(suited[-1 - distance % len(suited)])
    numbers = [registers[o] if type(o) is int else o for o in operands]
    return operands if row.distance_from_kinks(numbers) >= MARGIN else []


def _suits(row: Primitive, place: int, x: float) -> bool:
    """Whether a number lies well inside the domain of an operand, and away from the kinks."""
    low, high = row.interval(place)
    if row.role(place) == "condition":
        return abs(x) >= MARGIN
    return low + MARGIN <= x <= high - MARGIN and all(
        abs(x - kink) >= MARGIN for kink in row.kinks_of(place)
    )


def _keeps_apart(
    row: Primitive, x: float, operands: Sequence[Operand], registers: Sequence[float]
) -> bool:
    """Whether a number does not tie with the operands that a comparison already has."""
    return not row.compares or all(
        abs(registers[o] - x) >= MARGIN for o in operands if type(o) is int
    )


def _well_conditioned(program: Program) -> bool:
    """Whether floats and the reference agree, and a change
    of the inputs grows by no more than the limit.
    """
    mp = arithmetic()
    exact, nudged = (
        [x * (1 + nudge) for x in map(mp.mpf, program.inputs)]
        for nudge in (mp.mpf(0), mp.mpf(NUDGE))
    )
    for registers in (exact, nudged):
        for row, operands in program.instructions:
            registers.append(
                evaluate(row, [registers[o] if type(o) is int else mp.mpf(o) for o in operands])
            )
    pairs = zip(program.registers(), exact, nudged)
    return all(
        abs(x - rounded(y)) <= 1e-12 * max(1.0, abs(x))
        and not abs(z - y) > NUDGE * WORST_CONDITION * max(1, abs(y))
        for x, y, z in pairs
    )


def _numbers(low: float, high: float) -> SearchStrategy[float]:
    st = _hypothesis()
    numbers: SearchStrategy[float] = st.floats(
        low, high, allow_nan=False, allow_infinity=False, allow_subnormal=False
    )
    if low <= 0.0 <= high:
        numbers = numbers.map(lambda x: x if abs(x) >= SMALL else 0.0)
    # rules are special at whole numbers more often than anywhere else
    if math.ceil(low) <= math.floor(high):
        numbers = st.integers(math.ceil(low), math.floor(high)).map(float) | numbers
    return numbers


def _hypothesis() -> Any:
    try:
        from hypothesis import strategies
    except ImportError:
        raise ImportError(
            'the strategies come with Hypothesis: `pip install "micrograd-plus[test]"`'
        ) from None
    return strategies


def register() -> None:
    """Called by Hypothesis when it is imported: from then on `st.from_type(Value)` draws
    `values()`.
    """
    st = _hypothesis()
    st.register_type_strategy(Value, lambda _: values())
    st.register_type_strategy(Program, lambda _: graphs())
    st.register_type_strategy(Tape, lambda _: tapes())
