"""What a function of NumPy arrays computes, seen from inside: it is run on arrays of Values, whose
operators record it. Then its gradient is known exactly, and which part of it an error goes through.

Not every function can be traced: what is not made of operators and functions of NumPy that know
Values refuses them, and is left to differences.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import ops
from ..engine import Value, adjoints, local_gradients, nodes_below
from .differences import reference
from .points import Vector, as_array
from .program import Program
from .reference import has_oracle
from .watched import Watched

MOST_GATES = 20_000  # of a graph in which a part is searched for
MOST_EXACT = 600  # of one that is run in 160 digits
WATCHED_COMPONENTS = 24  # that tell which part carries an error
LEAST_TIMES = 1e-6  # a smaller error goes through anything
SAME = 1e-3  # as near an error must be to what goes through a part

SAID = {-1.0: "is left out", -2.0: "has the other sign", 1.0: "is counted twice"}


@dataclass(frozen=True)
class Part:
    """A part of a function that carries the error of a gradient: what goes through it is taken so
    many times. `count` gates like it have it in common.
    """

    program: Program
    times: float
    count: int

    def __str__(self) -> str:
        row, _ = self.program.instructions[-1]
        for factor, words in SAID.items():
            if abs(self.times - 1.0 - factor) < 1e-3:
                said = words
                break
        else:
            said = f"is taken {self.times:.10g} times"
        gates = (
            f"the gate {row.name}" if self.count == 1 else f"each of {self.count} gates {row.name}"
        )
        return f"what goes through {gates} {said}"


class Trace:
    """The graph of sum(v · f) at a point, as a program."""

    def __init__(self, program: Program) -> None:
        self.program = program

    @classmethod
    def of(cls, watched: Watched, origin: Vector, cotangent: Vector) -> Trace | None:
        """The trace of a function, or None where it takes no Values or gives another number."""
        point = watched.point
        labels = [re.sub(r"\W+", "_", point.label(i)).strip("_") for i in range(point.size)]
        leaves = np.empty(point.size, dtype=object)
        leaves[:] = [Value(x, label=label) for x, label in zip(origin.tolist(), labels)]
        expected = float(cotangent @ watched.at(origin))
        try:
            outputs = _numbers(watched.f(point.built(leaves)))
        except Exception:  # noqa: BLE001  # a function of somebody's says in its own way that it takes no Values
            return None
        if len(outputs) != cotangent.size:
            return None
        out = outputs[0] if len(outputs) == 1 else ops.dot(cotangent.tolist(), outputs)
        if len(outputs) == 1 and cotangent[0] != 1.0:
            out = out * float(cotangent[0])
        size = float(np.sum(np.abs(cotangent))) * 1e-6 * max(1.0, abs(expected))
        if not isinstance(out, Value) or not abs(out.data - expected) <= size:
            return None
        program = Program.of(out, leaves.tolist(), opened=True)
        return cls(program) if len(program.instructions) <= MOST_GATES else None

    def slopes(self, directions: Sequence[Vector]) -> list[float | None]:
        """The slopes along directions in 160 digits, None where it has none or is too long."""
        nothing: list[float | None] = [None] * len(directions)
        rows = [row for row, _ in self.program.instructions]
        if len(rows) > MOST_EXACT or not all(map(has_oracle, rows)):
            return nothing
        found = reference(self.program, [d.tolist() for d in directions], 1, {})
        numbers = [found.first.get(k) for k in range(len(directions))]
        return [
            n.number if n and n.noise <= 1e-20 + abs(n.number) * 1e-20 else None for n in numbers
        ]

    def gradient(self) -> Vector:
        """The gradient that the graph's own rules give."""
        _, leaves, adjoint = self._swept()
        return np.array([float(adjoint.get(leaf, 0.0)) for leaf in leaves])

    def carrier(self, claimed: Vector, tolerance: float) -> Part | None:
        """The part through which all of the error of a claimed gradient goes, if there is one."""
        registers, leaves, adjoint = self._swept()
        error = claimed - np.array([float(adjoint.get(leaf, 0.0)) for leaf in leaves])
        chosen = np.argsort(-np.abs(error))[:WATCHED_COMPONENTS]
        through = self._through(registers, adjoint, chosen.tolist())
        best: tuple[float, int, int, float] | None = None  # whether it is said, how many gates
        for gates in self._alike():
            flow = sum((through[r] for r in gates if r in through), np.zeros(len(chosen)))
            times = _multiple(error[chosen], flow, tolerance)
            if times is None or (len(chosen) == 1 and not _is_said(times)):
                continue
            found = (0.0 if _is_said(times) else 1.0, len(gates))
            if best is None or found <= best[:2]:  # of a chain of gates the last one
                best = (*found, gates[0], times)
        if best is None:
            return None
        _, count, register, times = best
        return Part(self.program.below(register, 1), 1.0 + times, count)

    def _swept(self) -> tuple[list[Any], list[Value], dict[Any, Any]]:
        """The registers of a run on fresh leaves, the leaves, and the adjoints of all."""
        leaves = [Value(x) for x in self.program.inputs]
        registers = self.program.registers(*leaves)
        out = registers[-1]
        return registers, leaves, adjoints(nodes_below(out), {out: 1.0})

    def _through(
        self, registers: list[Any], adjoint: dict[Any, Any], chosen: list[int]
    ) -> dict[int, Vector]:
        """What goes through each gate of the derivatives in the chosen inputs."""
        first = len(self.program.inputs)
        place = {i: k for k, i in enumerate(chosen)}
        tangents: dict[int, Vector] = {}
        for i in range(first):
            tangents[i] = np.zeros(len(chosen))
            if i in place:
                tangents[i][place[i]] = 1.0
        found: dict[int, Vector] = {}
        for r, (row, operands) in enumerate(self.program.instructions, first):
            tangents[r] = np.zeros(len(chosen))
            gate = registers[r]
            if not isinstance(gate, Value) or gate.primitive is not row:
                continue
            for o, partial in zip(operands, local_gradients(gate)):
                if type(o) is int and partial:
                    tangents[r] = tangents[r] + partial * tangents[o]
            found[r] = float(adjoint.get(gate, 0.0)) * tangents[r]
        return found

    def _alike(self) -> list[list[int]]:
        """Single gates, and those of one kind at one depth, which an array computes together."""
        first = len(self.program.inputs)
        depth = [0] * first
        groups: dict[tuple[str, int], list[int]] = defaultdict(list)
        for r, (row, operands) in enumerate(self.program.instructions, first):
            depth.append(1 + max((depth[o] for o in operands if type(o) is int), default=0))
            groups[row.name, depth[r]].append(r)
        single = [[first + i] for i in range(len(self.program.instructions))]
        return single + [group for group in groups.values() if len(group) > 1]


def _numbers(out: Any) -> list[Any]:
    """What f gave, flat."""
    if isinstance(out, Value):
        return [out]
    if isinstance(out, dict):
        return [leaf for branch in out.values() for leaf in _numbers(branch)]
    if isinstance(out, (list, tuple)):
        return [leaf for branch in out for leaf in _numbers(branch)]
    array = as_array(out)
    return [] if array is None else list(array.flat)


def _multiple(error: Vector, flow: Vector, tolerance: float) -> float | None:
    """Which multiple of what goes through a part an error is, if it is one."""
    size = float(np.linalg.norm(error))
    square = float(flow @ flow)
    if not square or not math.isfinite(square) or not size:
        return None
    times = float(error @ flow) / square
    apart = float(np.linalg.norm(error - times * flow))
    return times if abs(times) > LEAST_TIMES and apart <= SAME * size + tolerance else None


def _is_said(times: float) -> bool:
    return any(abs(times - factor) < 1e-3 for factor in SAID)
