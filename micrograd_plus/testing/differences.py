"""Derivatives without rules: difference quotients of a program in the reference's arithmetic.

With 160 digits and steps of 1e-40 a quotient is exact for every purpose of floats; and where the quotients to the left
and to the right disagree, at any gate of the program, there is a kink and no derivative to compare with.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..ops import Primitive
from .program import Program
from .reference import LARGEST, Oracle, arithmetic, evaluate

STEP = "1e-40"


@dataclass(frozen=True)
class Expected:
    """A derivative of the reference, and how far the differences leave it open."""

    number: float
    noise: float


@dataclass
class Reference:
    """A program's value and its derivatives along directions; one that does not exist is missing, and `notes` say why."""

    value: float
    first: dict[int, Expected] = field(default_factory=dict)
    second: dict[tuple[int, int], Expected] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def keep(self, derivatives: dict[Any, Expected], key: Any, number: Any, noise: Any) -> None:
        """Enter a derivative where floats can express it, and a note where not."""
        if math.isfinite(rounded(number)):
            derivatives[key] = Expected(rounded(number), rounded(noise))
        else:
            self.notes.append("some derivatives are not finite here")


class Differences:
    """Runs of a program at its inputs plus small multiples of steps along the directions.

    `models` stand in for the gates that have no oracle, by register.
    """

    def __init__(self, program: Program, directions: Sequence[Sequence[float]], models: Mapping[int, Oracle]) -> None:
        self.mp = mp = arithmetic()
        self.origin = [mp.mpf(x) for x in program.inputs]
        self.directions = [[mp.mpf(d) for d in direction] for direction in directions]
        sizes = [max([abs(x / d) for x, d in zip(program.inputs, direction) if d]) or 1.0 for direction in directions]
        self.scales = [mp.mpf(size) for size in sizes]
        self.steps = [scale * mp.mpf(STEP) for scale in self.scales]
        first = len(program.inputs)
        self.code = [(models.get(first + i), row, [o if type(o) is int else mp.mpf(o) for o in operands])
                     for i, (row, operands) in enumerate(program.instructions)]
        self.runs: dict[tuple[tuple[int, int], ...], list[Any]] = {}
        self.size = max([*self.scales, *[abs(w) for w in self.at() if mp.isfinite(w)]])  # of the numbers at work

    def at(self, *moves: tuple[int, int]) -> list[Any]:
        """All registers, moved by so many steps along so many directions."""
        if moves not in self.runs:
            registers = list(self.origin)
            for k, times in moves:
                registers = [x + times * self.steps[k] * d if d else x for x, d in zip(registers, self.directions[k])]
            for model, row, code in self.code:
                operands = [registers[o] if type(o) is int else o for o in code]
                registers.append(model(*operands) if model else evaluate(row, operands))
            self.runs[moves] = registers
        return self.runs[moves]

    def along(self, k: int) -> tuple[Any, Any, bool, bool]:
        """Along a direction: the first and second derivative, and whether each exists at every register."""
        h, scale = self.steps[k], self.scales[k]
        smooth = twice = True
        slope = bend = self.mp.mpf(0)
        noise, noise_twice = self.noise(k), self.noise(k, k)
        steepest, roughest = self.size * 1e20 / scale, 1e-20 / scale**2
        for w, up, down, up2, down2 in zip(self.at(), *[self.at((k, times)) for times in (1, -1, 2, -2)]):
            right, left = (up - w) / h, (w - down) / h
            bend_right, bend_left = (up2 - 2 * up + w) / h**2, (w - 2 * down + down2) / h**2
            steep, bent = abs(right) + abs(left), abs(bend_right) + abs(bend_left)
            smooth &= not (abs(right - left) > 10 * h * bent + steep * 1e-20 + noise or steep > steepest)  # a jump, that is
            twice &= not abs(bend_right - bend_left) > bent * 1e-10 + (abs(w) + 1) * roughest + noise_twice
            slope, bend = (right + left) / 2, (up - 2 * w + down) / h**2
        return slope, bend, smooth, twice

    def mixed(self, j: int, k: int) -> tuple[Any, bool]:
        """The mixed second derivative along two directions, and whether it exists."""
        area, w = self.steps[j] * self.steps[k], self.at()[-1]
        above, below = ((self.at((j, t), (k, t))[-1] - self.at((j, t))[-1] - self.at((k, t))[-1] + w) / area
                        for t in (1, -1))
        left_open = (abs(w) + 1) / (self.scales[j] * self.scales[k]) * 1e-20 + self.noise(j, k)
        return (above + below) / 2, not abs(above - below) > (abs(above) + abs(below)) * 1e-10 + left_open

    def noise(self, *along: int) -> Any:
        """What the digits, and the square of a step, leave open in a difference quotient along one or two directions."""
        steps, scales = (self.mp.fprod([lengths[k] for k in along]) for lengths in (self.steps, self.scales))
        return self.size * (self.mp.ldexp(1, 20 - self.mp.prec) / steps + self.mp.mpf(STEP) ** 2 * 1000 / scales)


def reference(program: Program, directions: Sequence[Sequence[float]], order: int,
              models: Mapping[int, Oracle]) -> Reference:
    """The value and the derivatives of a program along directions; see Differences."""
    differences = Differences(program, directions, models)
    exact, floats = differences.at(), program.registers()
    found = Reference(rounded(exact[-1]))
    if not math.isfinite(found.value):
        found.notes.append("f is not finite here")
        return found
    if any(_sides(row, operands, floats) != _sides(row, operands, exact) for row, operands in program.instructions):
        found.notes.append("a kink is nearer than rounding can tell")
        return found
    axes = [differences.along(k) for k in range(len(directions))]
    if not all(smooth for _, _, smooth, _ in axes):
        found.notes.append("there is a kink or a tie here")
        return found
    for k, (slope, _, _, _) in enumerate(axes):
        found.keep(found.first, k, slope, differences.noise(k))
    if order == 1:
        return found
    for k in range(len(directions)):
        for j in range(k + 1):
            bend, exists = (axes[k][1], True) if j == k else differences.mixed(j, k)
            if exists and axes[j][3] and axes[k][3]:
                found.keep(found.second, (j, k), bend, differences.noise(j, k))
            else:
                found.notes.append("the slope has a kink here, so there is no second derivative")
    return found


def rounded(number: Any) -> float:
    """The float next to a number of the reference; inf beyond the range of floats."""
    if number != number:
        return math.nan
    return float(number) if abs(number) <= LARGEST else math.inf if number > 0 else -math.inf


def _sides(row: Primitive, operands: Sequence[int | float], registers: Sequence[Any]) -> list[bool]:
    """On which side of its kinks and ties a row stands."""
    numbers = [registers[o] if type(o) is int else o for o in operands]
    if row.kinks:
        return [bool(x > kink) for place, x in enumerate(numbers) for kink in row.kinks_of(place)]
    if row.gate == "blocks" or (row.gate == "routes" and row.arity is None):
        return [bool(x < y) for x in numbers for y in numbers]
    return []
