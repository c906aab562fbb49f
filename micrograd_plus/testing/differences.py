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
from .program import Instruction, Numbers, Program, looked_up
from .reference import DIGITS, GUARD, LARGEST, Oracle, arithmetic, evaluate, has_oracle

STEP, CLOSE = "1e-40", "1e-25"
HALFWAY = 0.25  # to the next kink but one, where kinks lie at whole numbers

Directions = Sequence[Numbers]
Models = Mapping[int, Oracle]  # by register
Exact = Sequence[Any]  # numbers of the reference
Move = tuple[int, int]  # along which direction, and how many steps


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
        expected = Expected(rounded(number), rounded(noise))
        if math.isfinite(expected.number):
            derivatives[key] = expected
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

    def __init__(self, program: Program, directions: Directions, models: Models) -> None:
        self.mp = mp = arithmetic()
        self.origin = [mp.mpf(x) for x in program.inputs]
        self.directions = [[mp.mpf(d) for d in direction] for direction in directions]
        self.scales = [mp.mpf(scale) for scale in _scales(program, directions)]
        self.steps = [scale * mp.mpf(STEP) for scale in self.scales]
        self.code = [_exact_code(instruction) for instruction in program.instructions]
        self.models = models
        self.runs: dict[tuple[Move, ...], list[Any]] = {}
        sizes = [abs(w) for w in self.at() if mp.isfinite(w)]
        self.size = max([*self.scales, *sizes])  # of the numbers at work

    def at(self, *moves: Move) -> list[Any]:
        """All registers, moved by so many steps along so many directions."""
        if moves not in self.runs:
            self.runs[moves] = self._run(moves)
        return self.runs[moves]

    def _run(self, moves: tuple[Move, ...]) -> list[Any]:
        registers = list(self.origin)
        for k, times in moves:
            for i, d in enumerate(self.directions[k]):
                if d:
                    registers[i] += times * self.steps[k] * d
        for row, code in self.code:
            operands = looked_up(code, registers)
            for place, o in enumerate(code):
                if row.role(place) == "index" and moves and type(o) is int:
                    # there is no derivative in it, and no value in between
                    operands[place] = self.at()[o]
            model = self.models.get(len(registers))
            registers.append(model(*operands) if model else evaluate(row, operands))
        return registers

    def along(self, k: int) -> Axis:
        """The derivatives along a direction; how far they change with the step is their noise."""
        h, scale = self.steps[k], self.scales[k]
        area = h**2
        smooth = smooth_twice = True
        # those of the last register are those of the program
        slope = bend = slope_twice = bend_twice = self.mp.mpf(0)
        noise, bend_noise = self.noise(k), self.noise(k, k)
        steepest, roughest = self.size * 1e20 / scale, 1e-20 / scale**2
        runs = [self.at((k, times)) for times in (1, -1, 2, -2)]
        for w, up, down, up2, down2 in zip(self.at(), *runs):
            right = (up - w) / h
            left = (w - down) / h
            bend_right = (up2 - 2 * up + w) / area
            bend_left = (w - 2 * down + down2) / area
            steep = abs(right) + abs(left)
            bent = abs(bend_right) + abs(bend_left)
            breaks = abs(right - left) > 10 * h * bent + steep * 1e-20 + noise
            jumps = steep > steepest
            smooth &= not (breaks or jumps)
            bend_open = bent * 1e-10 + (abs(w) + 1) * roughest + bend_noise
            smooth_twice &= not abs(bend_right - bend_left) > bend_open
            slope = (right + left) / 2
            slope_twice = (up2 - down2) / (4 * h)
            bend = (up - 2 * w + down) / area
            bend_twice = (up2 - 2 * w + down2) / (4 * area)
        smooth = smooth and not self.jumps(k)
        noise += 2 * abs(slope - slope_twice)
        bend_noise += 2 * abs(bend - bend_twice)
        return Axis(slope, bend, noise, bend_noise, smooth, smooth_twice)

    def jumps(self, k: int) -> bool:
        """Whether a step takes a row over a curve at which it jumps, or changes its condition."""
        runs = [self.at(), self.at((k, 1)), self.at((k, -1))]
        for row, code in self.code:
            here, *others = [looked_up(code, registers) for registers in runs]
            if any(_takes_another_way(row, here, there) for there in others):
                return True
        return False

    def mixed(self, j: int, k: int) -> tuple[Any, Any, bool]:
        """The mixed second derivative along two directions, its noise, and whether it exists."""
        area = self.steps[j] * self.steps[k]
        scale = self.scales[j] * self.scales[k]
        w = self.at()[-1]

        def toward(t: int) -> Any:
            both = self.at((j, t), (k, t))[-1]
            one = self.at((j, t))[-1]
            other = self.at((k, t))[-1]
            return (both - one - other + w) / (t * t * area)

        above, below = toward(1), toward(-1)
        bend = (above + below) / 2
        bend_twice = (toward(2) + toward(-2)) / 2
        noise = self.noise(j, k)
        bent = abs(above) + abs(below)
        left_open = bent * 1e-10 + ((abs(w) + 1) / scale * 1e-20 + noise)
        exists = not abs(above - below) > left_open
        return bend, noise + 2 * abs(bend - bend_twice), exists

    def noise(self, *along: int) -> Any:
        """What the digits leave open in a quotient along one or two directions, or in the value."""
        last_digit = self.mp.ldexp(self.size, GUARD - self.mp.prec)
        steps = [self.steps[k] for k in along]
        return last_digit / self.mp.fprod(steps)


def _exact_code(instruction: Instruction) -> tuple[Primitive, Exact]:
    row, operands = instruction
    mp = arithmetic()
    return row, [o if type(o) is int else mp.mpf(o) for o in operands]


def _scales(program: Program, directions: Directions) -> list[float]:
    """How far along each direction a function is taken to stay the same: to 0, and at most 1."""
    scales: list[float] = []
    for direction in directions:
        to_zero = [abs(x / d) for x, d in zip(program.inputs, direction) if d]
        size = max([0.0, *to_zero])  # 0 comes first, so that a nan is no size
        scales.append(min(size or 1.0, 1.0))
    return scales


def _digits(program: Program, scales: Numbers) -> int:
    """How many digits second differences need, for 30 of the smallest number beside the largest."""
    numbers = [*scales, *program.registers()]
    logs = [math.log10(abs(x)) for x in numbers if x and math.isfinite(x)]
    smallest_step = math.log10(min(scales))
    return max(DIGITS, int(DIGITS - 30 + max(logs) - min(logs) - 2 * smallest_step))


def reference(program: Program, directions: Directions, order: int, models: Models) -> Reference:
    """The value and the derivatives of a program along directions; see Differences."""
    digits = _digits(program, _scales(program, directions))
    with arithmetic().workdps(digits):
        differences = Differences(program, directions, models)
        return _reference(differences, program, order)


def _reference(differences: Differences, program: Program, order: int) -> Reference:
    exact = differences.at()
    value = Expected(rounded(exact[-1]), rounded(differences.noise()))
    found = Reference(value)
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
    if order == 1:
        return found
    for k, j in combinations_with_replacement(found.first, 2):
        bend, noise, exists = axes[k].bend, axes[k].bend_noise, True
        if j != k:
            bend, noise, exists = differences.mixed(k, j)
        if exists and axes[j].smooth_twice and axes[k].smooth_twice:
            found.keep(found.second, (k, j), bend, noise)
        else:
            found.notes.append("the slope has a kink here, so there is no second derivative")
    return found


def _why_nothing(program: Program, exact: Exact) -> str | None:
    """Why there is nothing to compare derivatives with at this point, if so."""
    floats = program.registers()
    if not all(map(math.isfinite, (*program.inputs, rounded(exact[-1])))):
        return "f is not finite here"
    overflows = any(math.isinf(w) and abs(x) <= LARGEST for x, w in zip(exact, floats))
    if overflows and not math.isfinite(floats[-1]):
        return "a number on the way to f is beyond the range of floats here"
    mpf = arithmetic().mpf
    for row, code in program.instructions:
        operands = looked_up(code, floats)
        if 0.0 in operands and _depends_on_sign_of_zero(row, operands):
            return "the sign of a zero decides here, which the reference does not know"
        near = list(map(mpf, operands))
        true = list(map(mpf, looked_up(code, exact)))
        if is_torn(row, near, true):
            return "a kink is nearer than rounding can tell"
    return None


def _depends_on_sign_of_zero(row: Primitive, operands: Numbers) -> bool:
    positive = [x + 0.0 for x in operands]  # -0 + 0 is 0
    out, other = row.primal(*operands), row.primal(*positive)
    return not _same(out, other)


def _is_special(program: Program, exact: Exact) -> bool:
    """Whether a gate that depends on the inputs stands at a kink, a tie or without finite slope."""
    varying = set(range(len(program.inputs)))
    for register, (row, code) in enumerate(program.instructions, len(program.inputs)):
        if varying.isdisjoint(code):
            continue
        varying.add(register)
        operands = looked_up(code, exact)
        if row.compares and len(set(operands)) < len(operands):
            return True
        if row.distance_from_kinks(operands) == 0.0:
            return True
        inside = all(_is_inside(row, place, x) for place, x in enumerate(operands))
        for place, (o, x) in enumerate(zip(code, operands)):
            rough = not inside or x in row.kinks_of(place)
            if o in varying and rough and not is_smooth_at(row, operands, place, x):
                return True
    return False


def _is_inside(row: Primitive, place: int, x: Any) -> bool:
    low, high = row.interval(place)
    return bool(low < x < high)


def rounded(number: Any) -> float:
    """The float next to a number of the reference; inf beyond the range of floats."""
    if number != number:
        return math.nan
    if abs(number) <= LARGEST:
        return float(number)
    return math.inf if number > 0 else -math.inf


def is_torn(row: Primitive, near: Exact, exact: Exact) -> bool:
    """Whether rounding takes a row to the other side of a kink, a tie or the end of its domain."""
    if row.gate == "blocks":
        return bool(evaluate(row, near) != evaluate(row, exact))
    if row.compares:
        return _comparisons(near) != _comparisons(exact)
    if row.is_kink(near) != row.is_kink(exact):
        return True
    for kink in curves(row):  # halfway between two of them the distance jumps, too
        distance = kink(*exact)
        crossed = _side(kink(*near), 0.0) != _side(distance, 0.0)
        if crossed and abs(distance) < HALFWAY:
            return True
    for place, (x, y) in enumerate(zip(near, exact)):
        ends = filter(math.isfinite, row.interval(place))
        for point in (*row.kinks_of(place), *ends):
            crossed = _side(x, point) != _side(y, point)
            if crossed and not is_smooth_at(row, exact, place, point):
                return True
    return False


def _comparisons(numbers: Exact) -> list[bool]:
    return [x < y for x in numbers for y in numbers]


def curves(row: Primitive) -> list[Callable[..., Any]]:
    """The kinks of a row that are no lines or points: how far each is from the operands."""
    return [kink for kink in row.kinks if callable(kink)]


def is_smooth_at(row: Primitive, operands: Exact, place: int, point: Any) -> bool:
    """Whether a row has one finite slope in one of its operands: a kink of another may be none."""
    mp = arithmetic()
    if not has_oracle(row):
        return False

    def at(x: Any) -> Any:
        return evaluate(row, [*operands[:place], x, *operands[place + 1 :]])

    def slope(h: Any) -> Any:
        here = mp.mpf(point)
        return (at(here + h) - at(here)) / h

    def gap_and_steepness(h: Any) -> tuple[Any, Any]:
        right, left = slope(h), slope(-h)
        return abs(right - left), abs(right) + abs(left)

    close = mp.mpf(CLOSE)
    unit = min([mp.mpf(1), *[abs(x) for x in operands if x]])
    gap, steep = gap_and_steepness(unit * close)
    gap_near, steep_near = gap_and_steepness(unit * close**2)
    return bool(gap_near <= gap / 1000 + close**2 and steep_near <= 2 * steep + 1)


def _takes_another_way(row: Primitive, here: Exact, there: Exact) -> bool:
    """Whether between two points close by a row jumps, or has another condition."""
    if list(here) == list(there):
        return False
    for kink in curves(row):
        distance, other = kink(*here), kink(*there)
        # halfway between two kinks a distance changes from that to the one to that to the other
        halfway = min(abs(distance), abs(other)) > HALFWAY
        if distance == 0.0 or (abs(other - distance) > HALFWAY and not halfway):
            return True
    for place, (x, y) in enumerate(zip(here, there)):
        if row.role(place) == "condition" and bool(x) != bool(y):
            return True
    return False


def _same(x: float, y: float) -> bool:
    return x == y or (x != x and y != y)


def _side(x: Any, point: float) -> int:
    return bool(x > point) - bool(x < point)
