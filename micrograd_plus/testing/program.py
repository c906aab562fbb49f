"""A graph as a flat program: straight-line code over numbered registers, which is what a
counter-example is printed as.

The inputs are the first registers, and each instruction, a row and its operands, fills the next
one. Rows do not care what runs through them, so one program runs on floats, on Values, and on the
numbers of the reference.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from string import ascii_lowercase
from typing import Any

from .. import ops
from ..engine import Value, nodes_below
from ..ops import Primitive
from ..ops.operators import INFIX, UNARY

Operand = int | float  # an int is the number of a register, a float a constant
Instruction = tuple[Primitive, tuple[Operand, ...]]
Numbers = Sequence[float]


def looked_up(operands: Sequence[Any], registers: Sequence[Any]) -> list[Any]:
    """What operands stand for: the number of a register is what it holds, a constant itself."""
    return [registers[o] if type(o) is int else o for o in operands]


@dataclass(frozen=True)
class Program:
    """Straight-line code with the inputs to run it on; its result is the last register.

    >>> Program((0.5, 2.0), ((ops.mul, (0, 1)), (ops.tanh, (2,))))
    def program(a=0.5, b=2.0):
        c = a * b
        d = tanh(c)
        return d
    """

    inputs: tuple[float, ...]
    instructions: tuple[Instruction, ...]
    labels: tuple[str, ...] = field(default=(), compare=False)

    @classmethod
    def of(cls, out: Any, inputs: Sequence[Value], *, opened: bool = False) -> Program:
        """The graph between the inputs and `out`; whatever else it refers to becomes a constant.

        `opened`, what is inside its checkpoints stands in their place.
        """
        register: dict[Value, Operand] = {v: i for i, v in enumerate(inputs)}
        instructions: list[Instruction] = []
        last = _write(out, register, len(inputs), instructions, opened)
        is_computed_last = type(last) is int and last == len(inputs) + len(instructions) - 1
        if not instructions or not is_computed_last:
            instructions.append((ops.identity, (last,)))
        numbers = [v.data for v in inputs]
        labels = [v.label for v in inputs]
        return cls(tuple(numbers), tuple(instructions), tuple(labels))

    def run(self, *numbers: Any) -> Any:
        """The result on these numbers, or on the program's own inputs when none are given."""
        return self.registers(*numbers)[-1]

    __call__ = run

    def registers(self, *numbers: Any, lift: Callable[[float], Any] = float) -> list[Any]:
        """All registers after a run; `lift` makes constants into the kind
        of number that runs through.
        """
        registers = list(numbers or self.inputs)
        for row, code in self.instructions:
            operands = [registers[o] if type(o) is int else lift(o) for o in code]
            registers.append(row(*operands))
        return registers

    def graph(self, *, backward: bool = True) -> Value:
        """The output Value of a run on fresh leaves, labelled as in the code,
        with its gradients.
        """
        leaves = [Value(x, label=name) for x, name in zip(self.inputs, self.names())]
        out = self.run(*leaves)
        if not isinstance(out, Value):
            out = Value(out)
        if backward:
            out.backward()
        return out

    def below(self, register: int, depth: int) -> Program:
        """The part of the program that computes a register from those at most `depth` gates below
        it.
        """
        first = len(self.inputs)
        level = {register: 0}
        for r in range(register, first - 1, -1):
            if level.get(r, depth) < depth:
                _, operands = self.instructions[r - first]
                for o in operands:
                    if type(o) is int:
                        level[o] = min(level.get(o, depth), level[r] + 1)
        kept = [r for r in sorted(level) if r >= first and level[r] < depth]
        cut = [r for r in sorted(level) if r < first or level[r] >= depth]
        place = {r: i for i, r in enumerate([*cut, *kept])}
        instructions: list[Instruction] = []
        for r in kept:
            row, operands = self.instructions[r - first]
            moved = [place[o] if type(o) is int else o for o in operands]
            instructions.append((row, tuple(moved)))
        names, registers = self.names(), self.registers()
        numbers = [registers[r] for r in cut]
        labels = [names[r] for r in cut]
        return Program(tuple(numbers), tuple(instructions), tuple(labels))

    def names(self) -> list[str]:
        """A name for each register: the label of an input that is a word, else a letter."""
        labels = self.labels or [""] * len(self.inputs)
        words = [label if label.isidentifier() else "" for label in labels]
        taken = set(words)
        fresh = (name for name in _letters() if name not in taken)
        names: list[str] = []
        given = {""}
        for word in words:
            names.append(next(fresh) if word in given else word)
            given.add(word)
        names += [next(fresh) for _ in self.instructions]
        return names

    def __repr__(self) -> str:
        names = self.names()
        inputs = ", ".join(f"{name}={x!r}" for name, x in zip(names, self.inputs))
        lines = [f"def program({inputs}):"]
        computed = names[len(self.inputs) :]
        for name, (row, operands) in zip(computed, self.instructions):
            code = [names[o] if type(o) is int else repr(o) for o in operands]
            lines.append(f"    {name} = {_call(row, code)}")
        lines.append(f"    return {names[-1]}")
        return "\n".join(lines)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(repr(self))


def _write(
    out: Any,
    register: dict[Value, Operand],
    first: int,
    instructions: list[Instruction],
    opened: bool,
) -> Operand:
    """Append the instructions that compute `out` from what stands in registers,
    and give where it is then.
    """
    if not isinstance(out, Value):
        return ops.as_float(out, "a program")
    for v in nodes_below(out, stop=list(register)):
        if v.primitive is None:
            register[v] = v.data
            continue
        operands = [o if type(o) is float else register[o] for o in v.operands]
        if opened and v.primitive.is_checkpoint:
            inside = [Value(x) for x in data_of(v)]
            made = v.primitive.expansion(*inside)
            register[v] = _write(made, dict(zip(inside, operands)), first, instructions, opened)
        else:
            instructions.append((v.primitive, tuple(operands)))
            register[v] = first + len(instructions) - 1
    return register[out]


def data_of(v: Value) -> list[float]:
    """The operands of a gate as plain numbers."""
    return [o if type(o) is float else o.data for o in v.operands]


def _letters() -> Iterator[str]:
    yield from ascii_lowercase
    yield from (f"{letter}{i}" for i in count(1) for letter in ascii_lowercase)


def _call(row: Primitive, operands: Sequence[str]) -> str:
    if row in INFIX:
        return f" {INFIX[row]} ".join(operands)
    if row.is_weighted_sum:
        half = len(operands) // 2 + 1
        weights = ", ".join(operands[1:half])
        factors = ", ".join(operands[half:])
        return f"dot([{weights}], [{factors}], {operands[0]})"
    _, negation = UNARY["-"]
    if row is negation:
        return f"-{operands[0]}"
    return f"{row.name}({', '.join(operands)})"
