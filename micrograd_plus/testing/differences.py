"""Derivatives without rules: difference quotients of a program in the reference's arithmetic.

With 160 digits, and more beside very large or very small numbers, and steps of 1e-40 a quotient is
exact for every purpose of floats; and where the quotients to the left and to the right disagree, at
any gate of the program, there is a kink and no derivative to compare with.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations_with_replacement
from typing import Any

from ..ops import Primitive
from .program import Program
from .reference import DIGITS, GUARD, LARGEST, Oracle, arithmetic, evaluate, has_oracle

STEP, CLOSE = "1e-40", "1e-25"
HALFWAY = 0.25  # to the next kink but one, where kinks lie at whole numbers


@dataclass(frozen=True)
class Expected:
    """A derivative of the reference, and how far the differences leave it open."""

    number: float
    noise: float


@dataclass
class Reference:
    """A program's value and its derivatives along directions; `notes` say why one is missing.

    It is `special` where a gate stands at a kink, a tie or the end of its domain, though the
    program may be smooth there.
    """

    value: Expected
    first: dict[int, Expected] = field(default_factory=dict)
    second: dict[tuple[int, int], Expected] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    special: bool = False

    def keep(self, derivatives: dict[Any, Expected], key: Any, number: Any, noise: Any) -> None:
        """Enter a derivative where floats can express it, and a note where not."""
        if math.isfinite(rounded(number)):
            derivatives[key] = Expected(rounded(number), rounded(noise))
        else:
            self.notes.append("some derivatives are not finite here")


@dataclass(frozen=True)
class Axis:
    """Derivatives of a program along a direction, and whether every register has them."""

    slope: Any
    bend: Any
    slope_noise: Any
    bend_noise: Any
    smooth: bool
    smooth_twice: bool


class Differences:
    """Runs of a program at its inputs plus small multiples of steps along the directions.

    `models` stand in for the gates that have no oracle, by register.
    """

    def __init__(
        self, program: Program, directions: Sequence[Sequence[float]], models: Mapping[int, Oracle]
    ) -> None:
        self.mp = mp = arithmetic()
        self.origin = [mp.mpf(x) for x in program.inputs]
        self.directions = [[mp.mpf(d) for d in direction] for direction in directions]
        self.scales = [mp.mpf(scale) for scale in _scales(program, directions)]
        self.steps = [scale * mp.mpf(STEP) for scale in self.scales]
        first = len(program.inputs)
        self.code = [
            (models.get(first + i), row, [o if type(o) is int else mp.mpf(o) for o in operands])
            for i, (row, operands) in enumerate(program.instructions)
        ]
        self.runs: dict[tuple[tuple[int, int], ...], list[Any]] = {}
        self.size = max(
            [*self.scales, *[abs(w) for w in self.at() if mp.isfinite(w)]]
        )  # of the numbers at work

    def at(self, *moves: tuple[int, int]) -> list[Any]:
        """All registers, moved by so many steps along so many directions."""
        if moves not in self.runs:
            registers = list(self.origin)
            for k, times in moves:
                registers = [
                    x + times * self.steps[k] * d if d else x
                    for x, d in zip(registers, self.directions[k])
                ]
            for model, row, code in self.code:
                operands = [registers[o] if type(o) is int else o for o in code]
                for place, o in enumerate(code):
                    if row.role(place) == "index" and moves and type(o) is int:
                        operands[place] = self.at()[
                            o
                        ]  # there is no derivative in it, and no value in between
                registers.append(model(*operands) if model else evaluate(row, operands))
            self.runs[moves] = registers
        return self.runs[moves]

    def along(self, k: int) -> Axis:
        """The derivatives along a direction; how far they change with the step is their noise."""
        h, scale, zero = self.steps[k], self.scales[k], self.mp.mpf(0)
        smooth = twice = True
        slope = bend = slope_twice = bend_twice = zero
        noise, noise_twice = self.noise(k), self.noise(k, k)
        steepest, roughest = self.size * 1e20 / scale, 1e-20 / scale**2
        for w, up, down, up2, down2 in zip(
            self.at(), *[self.at((k, times)) for times in (1, -1, 2, -2)]
        ):
            right, left = (up - w) / h, (w - down) / h
            bend_right, bend_left = (up2 - 2 * up + w) / h**2, (w - 2 * down + down2) / h**2
            steep, bent = abs(right) + abs(left), abs(bend_right) + abs(bend_left)
            smooth &= not (
                abs(right - left) > 10 * h * bent + steep * 1e-20 + noise or steep > steepest
            )  # a jump, that is
            twice &= (
                not abs(bend_right - bend_left)
                > bent * 1e-10 + (abs(w) + 1) * roughest + noise_twice
            )
            slope, bend = (right + left) / 2, (up - 2 * w + down) / h**2
            slope_twice, bend_twice = (up2 - down2) / (4 * h), (up2 - 2 * w + down2) / (4 * h**2)
        smooth = smooth and not self.jumps(k)
        noise += 2 * abs(slope - slope_twice)
        noise_twice += 2 * abs(bend - bend_twice)
        return Axis(slope, bend, noise, noise_twice, smooth, twice)

    def jumps(self, k: int) -> bool:
        """Whether a step takes a row over a curve at which it jumps, or changes its condition."""
        runs = [self.at(), self.at((k, 1)), self.at((k, -1))]
        for _, row, code in self.code:
            here, *others = ([at[o] if type(o) is int else o for o in code] for at in runs)
            if any(_takes_another_way(row, here, there) for there in others):
                return True
        return False

    def mixed(self, j: int, k: int) -> tuple[Any, Any, bool]:
        """The mixed second derivative along two directions, its noise, and whether it exists."""
        area, w = self.steps[j] * self.steps[k], self.at()[-1]

        def toward(t: int) -> Any:
            return (self.at((j, t), (k, t))[-1] - self.at((j, t))[-1] - self.at((k, t))[-1] + w) / (
                t * t * area
            )

        above, below = toward(1), toward(-1)
        bend, bend_twice, noise = (
            (above + below) / 2,
            (toward(2) + toward(-2)) / 2,
            self.noise(j, k),
        )
        left_open = (abs(w) + 1) / (self.scales[j] * self.scales[k]) * 1e-20 + noise
        exists = not abs(above - below) > (abs(above) + abs(below)) * 1e-10 + left_open
        return bend, noise + 2 * abs(bend - bend_twice), exists

    def noise(self, *along: int) -> Any:
        """What the digits leave open in a quotient along one or two directions, or in the value."""
        return self.mp.ldexp(self.size, GUARD - self.mp.prec) / self.mp.fprod(
            [self.steps[k] for k in along]
        )


def _scales(program: Program, directions: Sequence[Sequence[float]]) -> list[float]:
    """How far along each direction a function is taken to stay the same: to 0, and at most 1."""
    sizes = [
        max([0.0, *[abs(x / d) for x, d in zip(program.inputs, direction) if d]])
        for direction in directions
    ]
    return [min(size or 1.0, 1.0) for size in sizes]


def _digits(program: Program, scales: Sequence[float]) -> int:
    """How many digits second differences need, for 30 of the smallest number beside the largest."""
    sizes = [math.log10(abs(x)) for x in (*scales, *program.registers()) if x and math.isfinite(x)]
    return max(DIGITS, int(DIGITS - 30 + max(sizes) - min(sizes) - 2 * math.log10(min(scales))))


def reference(
    program: Program,
    directions: Sequence[Sequence[float]],
    order: int,
    models: Mapping[int, Oracle],
) -> Reference:
    """The value and the derivatives of a program along directions; see Differences."""
    with arithmetic().workdps(_digits(program, _scales(program, directions))):
        return _reference(Differences(program, directions, models), program, order)


def _reference(differences: Differences, program: Program, order: int) -> Reference:
    exact = differences.at()
    found = Reference(Expected(rounded(exact[-1]), rounded(differences.noise())))
    nothing = _why_nothing(program, exact)
    found.special = nothing is not None or _is_special(program, exact)
    if nothing:
        found.notes.append(nothing)
        return found
    axes = [differences.along(k) for k in range(len(differences.directions))]
    for k, axis in enumerate(axes):
        if axis.smooth:
            found.keep(found.first, k, axis.slope, axis.slope_noise)
        else:
            found.notes.append("there is a kink or a tie here")
    for k, j in combinations_with_replacement(found.first, 2) if order > 1 else ():
        mixed = differences.mixed(k, j) if j != k else (axes[k].bend, axes[k].bend_noise, True)
        bend, noise, exists = mixed
        if exists and axes[j].smooth_twice and axes[k].smooth_twice:
            found.keep(found.second, (k, j), bend, noise)
        else:
            found.notes.append("the slope has a kink here, so there is no second derivative")
    return found


def _why_nothing(program: Program, exact: Sequence[Any]) -> str | None:
    """Why there is nothing to compare derivatives with at this point, if so."""
    floats = program.registers()
    if not all(map(math.isfinite, (*program.inputs, rounded(exact[-1])))):
        return "f is not finite here"
    if any(
        math.isinf(w) and abs(x) <= LARGEST for x, w in zip(exact, floats)
    ) and not math.isfinite(floats[-1]):
        return "a number on the way to f is beyond the range of floats here"
    mp = arithmetic()
    for row, code in program.instructions:
        operands = [floats[o] if type(o) is int else o for o in code]
        if 0.0 in operands and not _same(
            row.primal(*operands), row.primal(*[x + 0.0 for x in operands])
        ):
            return "the sign of a zero decides here, which the reference does not know"
        near, true = (
            [mp.mpf(registers[o] if type(o) is int else o) for o in code]
            for registers in (floats, exact)
        )
        if is_torn(row, near, true):
            return "a kink is nearer than rounding can tell"
    return None


def _is_special(program: Program, exact: Sequence[Any]) -> bool:
    """Whether a gate that depends on the inputs stands at a kink, a tie or without finite slope."""
    varying = set(range(len(program.inputs)))
    for register, (row, code) in enumerate(program.instructions, len(program.inputs)):
        if varying.isdisjoint(code):
            continue
        varying.add(register)
        operands = [exact[o] if type(o) is int else o for o in code]
        if row.compares and len(set(operands)) < len(operands):
            return True
        if row.distance_from_kinks(operands) == 0.0:
            return True
        inside = all(
            row.interval(place)[0] < x < row.interval(place)[1] for place, x in enumerate(operands)
        )
        for place, (o, x) in enumerate(zip(code, operands)):
            rough = not inside or x in row.kinks_of(place)
            if o in varying and rough and not is_smooth_at(row, operands, place, x):
                return True
    return False


def rounded(number: Any) -> float:
    """The float next to a number of the reference; inf beyond the range of floats."""
    if number != number:
        return math.nan
    return float(number) if abs(number) <= LARGEST else math.inf if number > 0 else -math.inf


def is_torn(row: Primitive, near: Sequence[Any], exact: Sequence[Any]) -> bool:
    """Whether rounding takes a row to the other side of a kink, a tie or the end of its domain."""
    if row.gate == "blocks":
        return bool(evaluate(row, near) != evaluate(row, exact))
    if row.compares:
        return [x < y for x in near for y in near] != [x < y for x in exact for y in exact]
    if row.is_kink(near) != row.is_kink(exact):
        return True
    for kink in curves(row):  # halfway between two of them the distance jumps, too
        if _side(kink(*near), 0.0) != _side(kink(*exact), 0.0) and abs(kink(*exact)) < HALFWAY:
            return True
    for place, (x, y) in enumerate(zip(near, exact)):
        for point in (*row.kinks_of(place), *filter(math.isfinite, row.interval(place))):
            if _side(x, point) != _side(y, point) and not is_smooth_at(row, exact, place, point):
                return True
    return False


def curves(row: Primitive) -> list[Callable[..., Any]]:
    """The kinks of a row that are no lines or points: how far each is from the operands."""
    return [kink for kink in row.kinks if callable(kink)]


def is_smooth_at(row: Primitive, operands: Sequence[Any], place: int, point: Any) -> bool:
    """Whether a row has one finite slope in one of its operands: a kink of another may be none."""
    mp = arithmetic()
    if not has_oracle(row):
        return False

    def slope(h: Any) -> Any:
        above, here = (
            [*operands[:place], mp.mpf(point) + d, *operands[place + 1 :]] for d in (h, 0)
        )
        return (evaluate(row, above) - evaluate(row, here)) / h

    unit = min([mp.mpf(1), *[abs(x) for x in operands if x]])
    far, near = ((slope(h), slope(-h)) for h in (unit * mp.mpf(CLOSE), unit * mp.mpf(CLOSE) ** 2))
    (gap, steep), (gap_near, steep_near) = (
        (abs(right - left), abs(right) + abs(left)) for right, left in (far, near)
    )
    return bool(gap_near <= gap / 1000 + mp.mpf(CLOSE) ** 2 and steep_near <= 2 * steep + 1)


def _takes_another_way(row: Primitive, here: Sequence[Any], there: Sequence[Any]) -> bool:
    """Whether between two points close by a row jumps, or has another condition."""
    if list(here) == list(there):
        return False
    if any(kink(*here) == 0.0 or abs(kink(*there) - kink(*here)) > HALFWAY for kink in curves(row)):
        return True
    return any(
        bool(x) != bool(y)
        for place, (x, y) in enumerate(zip(here, there))
        if row.role(place) == "condition"
    )


def _same(x: float, y: float) -> bool:
    return x == y or (x != x and y != y)


def _side(x: Any, point: float) -> int:
    return bool(x > point) - bool(x < point)
