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
from .program import Instruction, Numbers, Operand, Program, looked_up
from .reference import arithmetic, evaluate

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

MARGIN = 0.05  # from the ends of domains, kinks and ties
SMALL, LARGE = 1e-3, 1e3  # between them lies the size of every number of a graph that is not 0
DISTANCES = (0, 0, 0, 1, 1, 2, 3, 5, 8, 13)  # most operands lie near
WORST_CONDITION = 1e4  # by how much a relative change of the inputs may grow
NUDGE = 1e-20

Draft = tuple[str, list[int]]  # a row, and for each operand how far back it lies
Operations = Sequence[str | Primitive]  # rows, or their names


def values(
    min_value: float = -10.0, max_value: float = 10.0, *, label: str = ""
) -> SearchStrategy[Value]:
    """Leaves whose data floats can tell well: 0, or at least 0.001 in size, within the limits.

    Raises ImportError, saying what to install, without Hypothesis.
    """
    return _numbers(min_value, max_value).map(lambda x: Value(x, label=label))


def graphs(
    max_operations: int = 20,
    operations: Operations | None = None,
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
    st = hypothesis_strategies()
    rows = operations or ops.primitives()
    names = [row.name if isinstance(row, Primitive) else row for row in rows]
    unknown = [name for name in names if name not in ops.TABLE]
    if unknown or max_operations < 1:
        raise ValueError(
            "graphs needs names of rows and max_operations of at least 1, not "
            f"{unknown or max_operations}"
        )
    distances = st.lists(st.sampled_from(DISTANCES), min_size=1, max_size=5)
    gate = st.tuples(st.sampled_from(names), distances)
    drafts = st.lists(gate, min_size=1, max_size=max_operations)
    # large ones, too
    drafts |= st.lists(gate, min_size=(max_operations + 1) // 2, max_size=max_operations)
    if inputs is None:
        inputs = st.lists(_numbers(-3.0, 3.0), min_size=1, max_size=4)
    programs = st.builds(_program, inputs, drafts)
    drawn: SearchStrategy[Program] = programs.filter(
        lambda p: bool(p.instructions) and _well_conditioned(p)
    )
    return drawn


def tapes(max_operations: int = 20, operations: Operations | None = None) -> SearchStrategy[Tape]:
    """Tapes of such graphs, with their gradient; any of their inputs may be a parameter.

    They run on every row: where a graph leaves its domain all executors give the same inf or nan.
    Raises as `graphs` does.
    """
    st = hypothesis_strategies()
    programs = graphs(max_operations, operations)
    drawn: SearchStrategy[Tape] = st.builds(_tape, programs, st.integers(0, 2))
    return drawn


def _tape(program: Program, parameters: int) -> Tape:
    leaves = [Value(x, label=name) for x, name in zip(program.inputs, program.names())]
    out = program.run(*leaves)
    return Tape.of(out, leaves[parameters:], leaves[:parameters])


def _program(inputs: Numbers, drafts: Sequence[Draft]) -> Program:
    """What the drafts come to at these inputs: each operand is taken among the registers that suit
    its gate.

    A gate that has no such operands, or leads too far, is left out, and so is at the end what the
    last gate does not use.
    """
    registers = [float(x) for x in inputs]
    instructions: list[Instruction] = []
    used: set[int] = set()
    conditions: set[int] = set()  # registers that do not move with the inputs
    for name, distances in drafts:
        row = ops.TABLE[name]
        operands = _operands(row, distances, registers, used, conditions)
        if not operands:
            continue
        out = row.primal(*looked_up(operands, registers))
        if out == 0.0 or SMALL <= abs(out) <= LARGE:
            instructions.append((row, tuple(operands)))
            if row.gate == "blocks":
                conditions.add(len(registers))
            registers.append(out)
            used.update([o for o in operands if type(o) is int])
    program = Program(tuple(registers[: len(inputs)]), tuple(instructions))
    if not instructions:
        return program
    used_by_last = program.below(len(registers) - 1, len(registers))
    return replace(used_by_last, labels=())


def _operands(
    row: Primitive,
    distances: Sequence[int],
    registers: Numbers,
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
        fixed = conditions if row.role(place) == "condition" else set[int]()
        suited: list[int] = []
        for r, x in enumerate(registers):
            fits = _suits(row, place, x) or r in fixed
            if fits and _keeps_apart(row, x, operands, registers):
                suited.append(r)
        if not suited:
            return []
        suited.sort(key=lambda r: (r not in used and r not in operands, r))
        operands.append(suited[-1 - distance % len(suited)])
    numbers = looked_up(operands, registers)
    return operands if row.distance_from_kinks(numbers) >= MARGIN else []


def _suits(row: Primitive, place: int, x: float) -> bool:
    """Whether a number lies well inside the domain of an operand, and away from the kinks."""
    if row.role(place) == "condition":
        return abs(x) >= MARGIN
    low, high = row.interval(place)
    if not low + MARGIN <= x <= high - MARGIN:
        return False
    return all(abs(x - kink) >= MARGIN for kink in row.kinks_of(place))


def _keeps_apart(row: Primitive, x: float, operands: Sequence[Operand], registers: Numbers) -> bool:
    """Whether a number does not tie with the operands that a comparison already has."""
    if not row.compares:
        return True
    others = [registers[o] for o in operands if type(o) is int]
    return all(abs(other - x) >= MARGIN for other in others)


def _well_conditioned(program: Program) -> bool:
    """Whether floats and the reference agree, and a change
    of the inputs grows by no more than the limit.
    """
    mpf = arithmetic().mpf
    exact = [mpf(x) for x in program.inputs]
    nudged = [x * (1 + mpf(NUDGE)) for x in exact]
    for registers in (exact, nudged):
        for row, code in program.instructions:
            operands = [mpf(x) for x in looked_up(code, registers)]
            registers.append(evaluate(row, operands))
    for x, y, z in zip(program.registers(), exact, nudged):
        agrees = abs(x - rounded(y)) <= 1e-12 * max(1.0, abs(x))
        grows = abs(z - y) > NUDGE * WORST_CONDITION * max(1, abs(y))
        if grows or not agrees:
            return False
    return True


def _numbers(low: float, high: float) -> SearchStrategy[float]:
    st = hypothesis_strategies()
    numbers: SearchStrategy[float] = st.floats(
        low, high, allow_nan=False, allow_infinity=False, allow_subnormal=False
    )
    if low <= 0.0 <= high:
        numbers = numbers.map(lambda x: x if abs(x) >= SMALL else 0.0)
    # rules are special at whole numbers more often than anywhere else
    least, most = math.ceil(low), math.floor(high)
    if least <= most:
        numbers = st.integers(least, most).map(float) | numbers
    return numbers


def hypothesis_strategies() -> Any:
    """Hypothesis's strategies; ImportError, saying what to install, without it."""
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
    st = hypothesis_strategies()
    st.register_type_strategy(Value, lambda _: values())
    st.register_type_strategy(Program, lambda _: graphs())
    st.register_type_strategy(Tape, lambda _: tapes())
