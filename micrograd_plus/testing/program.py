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
        if not instructions or type(last) is float or last != len(inputs) + len(instructions) - 1:
            instructions.append((ops.identity, (last,)))
        return cls(
            tuple([v.data for v in inputs]), tuple(instructions), tuple([v.label for v in inputs])
        )

    def run(self, *numbers: Any) -> Any:
        """The result on these numbers, or on the program's own inputs when none are given."""
        return self.registers(*numbers)[-1]

    __call__ = run

    def registers(self, *numbers: Any, lift: Callable[[float], Any] = float) -> list[Any]:
        """All registers after a run; `lift` makes constants into the kind
        of number that runs through.
        """
        registers = list(numbers or self.inputs)
        for row, operands in self.instructions:
            registers.append(row(*[registers[o] if type(o) is int else lift(o) for o in operands]))
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
                for o in self.instructions[r - first][1]:
                    if type(o) is int:
                        level[o] = min(level.get(o, depth), level[r] + 1)
        kept = [r for r in sorted(level) if r >= first and level[r] < depth]
        cut = [r for r in sorted(level) if r not in kept]
        names, numbers = self.names(), self.registers()
        place = {r: i for i, r in enumerate([*cut, *kept])}
        instructions = [
            (row, tuple([place[o] if type(o) is int else o for o in operands]))
            for row, operands in (self.instructions[r - first] for r in kept)
        ]
        return Program(
            tuple([numbers[r] for r in cut]), tuple(instructions), tuple([names[r] for r in cut])
        )

    def names(self) -> list[str]:
        """A name for each register: the label of an input that is a word, else a letter."""
        labels = [label if label.isidentifier() else "" for label in self.labels] or [""] * len(
            self.inputs
        )
        fresh = (name for name in _letters() if name not in labels)
        named = [
            label if label and label not in labels[:i] else next(fresh)
            for i, label in enumerate(labels)
        ]
        return [*named, *[next(fresh) for _ in self.instructions]]

    def __repr__(self) -> str:
        names = self.names()
        inputs = ", ".join(f"{name}={x!r}" for name, x in zip(names, self.inputs))
        lines = [
            f"    {name} = "
            + _call(row, [names[o] if type(o) is int else repr(o) for o in operands])
            for name, (row, operands) in zip(names[len(self.inputs) :], self.instructions)
        ]
        return "\n".join([f"def program({inputs}):", *lines, f"    return {names[-1]}"])

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
            inside = [Value(o if type(o) is float else o.data) for o in v.operands]
            made = v.primitive.expansion(*inside)
            register[v] = _write(made, dict(zip(inside, operands)), first, instructions, opened)
        else:
            instructions.append((v.primitive, tuple(operands)))
            register[v] = first + len(instructions) - 1
    return register[out]


def _letters() -> Iterator[str]:
    yield from ascii_lowercase
    yield from (f"{letter}{i}" for i in count(1) for letter in ascii_lowercase)


def _call(row: Primitive, operands: Sequence[str]) -> str:
    if row in INFIX:
        return f" {INFIX[row]} ".join(operands)
    if row.is_weighted_sum:
        half = len(operands) // 2 + 1
        return (
            f"dot([{', '.join(operands[1:half])}], [{', '.join(operands[half:])}], {operands[0]})"
        )
    return f"-{operands[0]}" if row is UNARY["-"][1] else f"{row.name}({', '.join(operands)})"
