"""How the Taylor remainder of a function falls while the step is halved, and what that says of the
slope that somebody claims.

Along a line, φ(t) − φ(0) − s·t falls with t² where s is the slope, and with t where it is not. The
part of it that is odd in t falls with t³ or t; divided by t, that is what is missing in the slope,
and Richardson's extrapolation finds its limit and how far rounding leaves it open (C. J. F.
Ridders, 1982). The even part tells of a kink: divided by t it falls with t, unless the slopes on
both sides differ. No step is chosen: all that halving comes to are looked at.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import numpy as np

TOP = 0.25  # the first step, in sizes of the numbers
COLUMNS = 6  # of Richardson's table
SAFETY = 10.0  # two extrapolations may agree by luck
LEAST = 1e-2  # of the size of a slope: an error that small is seen, or nothing is decided
ABOVE = 30.0  # times the rounding: as much of a remainder tells how it falls
NEIGHBOURS = 12  # points that tell how f is rounded

NOISY = "f is too noisy, or too flat beside its rounding"
UNSETTLED = "the slopes of f do not settle while the step is halved"

Status = Literal["right", "wrong", "undecided"]


@dataclass(frozen=True)
class Move:
    """What a step came to: the value there, and by how much the claimed slopes let it change."""

    value: float
    claimed: float


Line = Callable[[float], Move]  # of the step t


@dataclass(frozen=True)
class Rung:
    """A step up and down: what is missing in the slope, and how much steeper it is to the right."""

    step: float
    missing: float
    bend: float
    noise: float
    remainder: float

    @property
    def is_finite(self) -> bool:
        """Whether f has a number on both sides."""
        return math.isfinite(self.missing) and math.isfinite(self.bend)


@dataclass(frozen=True)
class Reading:
    """What was read of a line. `missing` is the slope of f less the claimed one, and `tolerance`
    how far that is left open; `rate` is that of the remainder, where it is wrong that of its odd
    part, and nan where there is none.
    """

    status: Status
    missing: float
    tolerance: float
    rate: float
    reason: str = ""
    rungs: tuple[Rung, ...] = ()
    extent: float = 0.0  # how large a slope counts
    is_hidden: bool = False  # whether rounding is why it is undecided


class Ladder:
    """The steps of a line, from large to small. `noise` is how far a value of f is off by rounding,
    `slope` is the claimed one, `size` that of its terms, and `epsilon` how far one rounds.
    """

    def __init__(self, line: Line, noise: float, slope: float, size: float, epsilon: float) -> None:
        self.line, self.noise, self.slope, self.size = line, noise, slope, size
        self.epsilon = epsilon
        self.origin = line(0.0).value
        self.rungs: list[Rung] = []
        self.limits: list[tuple[float, float, int]] = []  # number, doubt, rung
        self.above: list[float] = []
        self.step = self._top()
        self.lowest = max(TOP * epsilon**0.55, self.step * 2.0**-45)

    def _top(self) -> float:
        """A step so large that rounding is little beside it, if f goes on so far."""
        step, enough = TOP, self.epsilon ** (2.0 / 3.0)
        while step < 1e6:
            rung = self._rung(step)
            slope = abs(rung.missing) + self.size
            if not rung.noise > enough * slope or not slope:
                break
            farther = self._rung(8.0 * step)
            if not farther.is_finite or farther.noise >= rung.noise:
                break
            step *= 8.0
        return step

    def _rung(self, h: float) -> Rung:
        up, down = self.line(h), self.line(-h)
        right = up.value - self.origin - up.claimed
        left = down.value - self.origin - down.claimed
        noise = self.noise + self.epsilon * (abs(up.value) + abs(down.value)) / 2.0
        return Rung(h, (right - left) / (2.0 * h), (right + left) / h, noise / h, right)

    def descend(self, *, all_the_way: bool) -> None:
        """Go down until the limit is clear, or to the smallest step."""
        while self.step >= self.lowest and (all_the_way or not self._is_clear()):
            rung = self._rung(self.step)
            self.step /= 2.0
            self.rungs.append(rung)
            if rung.is_finite:
                self._extrapolate(rung)
            else:
                self.above = []

    def _is_clear(self) -> bool:
        if len(self.rungs) < 5 or not self.limits:
            return False
        _, doubt, _ = min(self.limits, key=_doubt)
        return doubt <= max(3.0 * self.rungs[-1].noise, 1e-12 * self.size)

    def _extrapolate(self, rung: Rung) -> None:
        row = [rung.missing]
        place = len(self.rungs) - 1
        for j, coarser in enumerate(self.above[:COLUMNS]):
            factor = 4.0 ** (j + 1)
            limit = (factor * row[j] - coarser) / (factor - 1.0)
            doubt = max(abs(limit - row[j]), abs(limit - coarser)) + 2.0 * rung.noise
            row.append(limit)
            self.limits.append((limit, doubt, place))
        self.above = row

    def best(self) -> tuple[float, float]:
        """The limit that is least in doubt and that no smaller step contradicts."""
        fitting = [found for found in self.limits if self._agrees(*found)]
        number, doubt, _ = min(fitting, key=_doubt, default=(math.nan, math.inf, 0))
        return number, doubt

    def _agrees(self, limit: float, doubt: float, place: int) -> bool:
        """Whether smaller steps come nearer to a limit, but for rounding."""
        above = [rung for rung in self.rungs[max(place - 2, 0) : place + 1] if rung.is_finite]
        steepest = max(abs(rung.missing - limit) / rung.step for rung in above)
        below = [rung for rung in self.rungs[place:] if rung.is_finite]
        return all(
            abs(rung.missing - limit) <= steepest * rung.step + SAFETY * doubt + 4.0 * rung.noise
            for rung in below
        )

    def break_at_origin(self, tolerance: float) -> str:
        """What breaks at the point, or so near that no step tells: its value or its slope."""
        told = [
            rung for rung in self.rungs if rung.is_finite and abs(rung.bend) > 20.0 * rung.noise
        ]
        last = [abs(rung.bend) for rung in told[-3:]]
        if len(last) < 3 or last[-1] <= tolerance:
            return ""
        falls = [after / before for before, after in pairwise(last)]
        if min(falls) > 1.6:
            return "f jumps here"
        if min(falls) > 0.75:
            left, right = (
                told[-1].missing - told[-1].bend / 2.0,
                told[-1].missing + told[-1].bend / 2.0,
            )
            return (
                "f has a kink here: its slope less the claimed one is "
                f"{left:.3g} on the left and {right:.3g} on the right"
            )
        return ""

    def rate(self) -> float:
        """By which power of the step the remainder falls, nan where rounding is all of it."""
        finite = [rung for rung in self.rungs if rung.is_finite]
        told = [r for r in finite if abs(r.remainder) > ABOVE * r.noise * r.step]
        return _power([abs(rung.remainder) for rung in told])

    def rate_of_odd_part(self) -> float:
        """The same of the part of the remainder that changes its sign with the step."""
        told = [r for r in self.rungs if r.is_finite and abs(r.missing) > ABOVE * r.noise]
        return _power([abs(rung.missing) * rung.step for rung in told])

    def extent(self, number: float) -> float:
        """How large a slope counts, for the limit that was found: that of f, or where it has next
        to none how much it bends.
        """
        first = next((rung for rung in self.rungs if rung.is_finite and rung.step <= TOP), None)
        bend = max(abs(first.bend), abs(first.missing)) - 4.0 * first.noise if first else 0.0
        return max(self.size, abs(self.slope + number), bend)

    def is_settled(self, number: float) -> bool:
        """Whether the slope that f has over the smallest telling steps is one."""
        finite = [rung for rung in self.rungs if rung.is_finite]
        telling = [rung for rung in finite if rung.noise < 0.1 * abs(number)][-3:]
        slope = abs(self.slope + number)
        allowed = [0.25 * min(slope, abs(number)) + 4.0 * rung.noise for rung in telling]
        apart = [abs(rung.missing - number) for rung in telling]
        return len(telling) == 3 and all(a <= most for a, most in zip(apart, allowed))


def _power(remainders: list[float]) -> float:
    """By which power of the step they fall at last, the step being halved."""
    last = remainders[-5:]
    if len(last) < 3:
        return math.nan
    powers = [float(np.log2(before / after)) for before, after in pairwise(last)]
    return float(np.median(powers))


def _doubt(found: tuple[float, float, int]) -> float:
    return found[1]


def read(ladder: Ladder, floor: float) -> Reading:
    """Whether the claimed slope is that of f along a line; rounding lets it be off by `floor`."""
    for all_the_way in (False, True):
        ladder.descend(all_the_way=all_the_way)
        number, doubt = ladder.best()
        tolerance = SAFETY * doubt + floor
        status, reason = _decided(ladder, number, tolerance)
        if status == "right":
            break
    rate = ladder.rate_of_odd_part() if status == "wrong" else ladder.rate()
    extent = ladder.extent(number)
    is_hidden = abs(number) <= tolerance and reason.startswith((NOISY, UNSETTLED))
    return Reading(status, number, tolerance, rate, reason, tuple(ladder.rungs), extent, is_hidden)


def _decided(ladder: Ladder, number: float, tolerance: float) -> tuple[Status, str]:
    broken = ladder.break_at_origin(tolerance)
    if broken:
        return "undecided", broken
    if not math.isfinite(number):
        return "undecided", _why_open(ladder, 0.0)
    if abs(number) > tolerance:
        return ("wrong", "") if ladder.is_settled(number) else ("undecided", UNSETTLED)
    if tolerance > LEAST * ladder.extent(number) > 0.0:
        return "undecided", _why_open(ladder, number)
    return "right", ""


def _why_open(ladder: Ladder, number: float) -> str:
    finite = [rung for rung in ladder.rungs if rung.is_finite]
    if len(finite) < 3:
        return "f is not finite on both sides of the point"
    quietest = min(rung.noise for rung in finite)
    if 4.0 * SAFETY * quietest > LEAST * ladder.extent(number):
        return f"{NOISY}: rounding carries it off by {ladder.noise:.1e}"
    return UNSETTLED


def noise_of(line: Line, epsilon: float) -> float:
    """How far rounding makes f jitter: high differences of close neighbours, which a smooth
    function has next to none of (J. J. Moré and S. M. Wild, Estimating computational noise, 2011).
    """
    wide = _values(line, 0.7 * epsilon**0.32)
    close = _values(line, 11.0 * epsilon)
    told = _jitter(wide)
    if len(set(close.tolist())) > NEIGHBOURS // 2:  # else its numbers are coarser than ours
        told = min(told, _jitter(close))
    return max(4.0 * told if math.isfinite(told) else 0.0, epsilon * abs(float(wide[0])))


def _values(line: Line, spacing: float) -> Any:
    return np.array([line(i * spacing).value for i in range(NEIGHBOURS)])


def _jitter(row: Any) -> float:
    """The least that differences of some order make of the jitter in a row."""
    found = [math.inf]
    for k in range(1, NEIGHBOURS - 3):
        row = np.diff(row)
        if k >= 3:
            of_one = math.factorial(2 * k) / math.factorial(k) ** 2
            found.append(float(np.sqrt(np.mean(row**2) / of_one)))
    return min(found)
