"""`check_gradient`: is a gradient that somebody wrote, by hand or with any library, that of a
function?

Nothing is known of the two but what they give. First directions across all numbers of the point are
read (see `taylor`), which costs the same for ten as for ten thousand; only where something is wrong
or open are parts of them read, down to single components.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from ..options import one_of
from .failure import NotChecked
from .points import Vector, WrongShape
from .search import parted
from .suspicion import Evidence, hints, suspected
from .taylor import LEAST, Ladder, Move, Reading, noise_of, read
from .traced import Part, Trace
from .verdict import Component, Findings, Verdict, WrongGradientError
from .watched import KINDS, Watched, quiet

FEW = 16  # components: as many are each read by themselves
NEARBY = 0.017  # how far the second point is, where a gradient that remembers the first is found
CANCELLED = 256.0  # times the rounding of f and of a slope: what cancels within a gradient
TINY_STEP = 1e-20  # of the complex step: what is of second order in it is nothing

HALVED, COMPLEX = "halved differences", "halved differences and complex step"


def check_gradient(
    f: Callable[[Any], Any],
    gradient: Any,
    x: Any,
    *,
    kind: Literal["gradient", "vjp", "jacobian"] = "gradient",
    exact: bool = False,
    seed: int = 0,
) -> Verdict:
    """Check a gradient that somebody wrote, of whatever library, against the function at a point.

    `x` is a number, an array, or nested lists, tuples and dicts of them. `f(x)` gives a number and
    `gradient(x)` its gradient in the form of x (or is such a gradient itself). Where `f` gives
    arrays, say which derivative is meant: with kind "vjp" `gradient(x, v)` is a backward pass, the
    gradient of sum(v * f(x)); with "jacobian" it is an array of the shape of f(x) and that of x.
    Each call of `gradient` follows one of `f` at the same x, so a backward pass may use what the
    forward pass put aside. Both get copies of x in its own dtypes.

    The verdict needs no tolerance: along directions drawn with `seed` the step is halved, and the
    Taylor remainder falls with its square where the slope is right. Where `f` takes complex numbers
    and agrees, the complex step decides more finely; with `exact` it is run on arrays of Values as
    well, and where that can be done held against 160 digits (mpmath's).

    What is wrong raises WrongGradientError, a GradientError that names the worst components, the
    part of f through which the error goes where f can be traced, and which side is suspected.
    Kinks, noise, what is random and what changes x in place is told by a NotChecked warning, and
    the verdict is then not true. Raises TypeError for what is no function of numbers, ValueError
    for another kind and for a gradient of another form.

    >>> import numpy as np
    >>> bool(check_gradient(lambda x: np.sum(x**3), lambda x: 3 * x**2, np.array([1.0, -2.0])))
    True
    """
    one_of(kind, "kind of derivative", KINDS)
    with quiet():
        watched = Watched(f, gradient, x, kind)
        check = _Check(watched, np.random.default_rng(seed), exact=exact)
        verdict = check.verdict()
    if not verdict:
        warnings.warn(f"check_gradient: {verdict}", NotChecked, stacklevel=2)
    return verdict


@dataclass
class _Place:
    """A point at which a gradient is held against f, for one cotangent v of its outputs."""

    origin: Vector
    cotangent: Vector
    gradient: Vector
    jitter: Vector  # by how much the gradient moves when x moves in its last digits
    noise: float
    where: str


class _Check:
    """One check of two functions; `notes` gather what is open."""

    def __init__(self, watched: Watched, rng: Any, *, exact: bool) -> None:
        self.watched, self.point, self.rng = watched, watched.point, rng
        self.exact, self.was_exact = exact, False
        self.epsilon = watched.epsilon
        self.takes_complex: bool | None = None
        self.readings: list[Reading] = []
        self.errors: list[float] = []  # the smallest that each would have told
        self.flat_errors: list[float] = []  # where f has no slope
        self.open: dict[str, None] = {}

    def verdict(self) -> Verdict:
        """The verdict; raises WrongGradientError."""
        here = self.watched.at(self.point.origin)
        if not np.all(np.isfinite(here)):
            return self._concluded("f is not finite at the point")
        again = self.watched.at(self.point.origin)
        if not np.array_equal(here, again):
            apart = float(np.max(np.abs(again - here)))
            return self._concluded(f"f gives another number each time, {apart:.1e} apart")
        try:
            place = self._place(self.point.origin, self._cotangent())
        except WrongShape as error:
            raise self._wrong_shape(str(error)) from None
        if place is None:
            return self._concluded(*self.open)
        self._read_lost(place)
        if self.open:
            return self._concluded(*self.open)
        self._read_directions(place)
        if self.watched.output.size > 1:
            other = self._place(self.point.origin, self._cotangent())
            if other is not None:
                self._judge(other, self._direction(self.point.scale()))
        self._read_second_point(place)
        if self.exact and not self.open:
            self._read_exactly(place)
        return self._concluded(*self.open, *self.watched.changes)

    def _concluded(self, *reasons: str, is_wrong: bool = False) -> Verdict:
        right = [reading for reading in self.readings if reading.status == "right"]
        rates = [reading.rate for reading in right if not math.isnan(reading.rate)]
        return Verdict(
            right=not reasons and bool(right) and not is_wrong,
            smallest_error=max(self.errors or self.flat_errors, default=math.nan),
            rate=float(np.median(rates)) if rates else math.nan,
            method=self._method(),
            evaluations=self.watched.evaluations,
            gradients=self.watched.gradients,
            notes=tuple(dict.fromkeys(reasons)),
        )

    def _method(self) -> str:
        method = COMPLEX if self.takes_complex else HALVED
        return f"{method}, and 160 digits" if self.was_exact else method

    # places -----------------------------------------------------------------------------------

    def _cotangent(self) -> Vector:
        size = self.watched.output.size
        if self.watched.kind == "gradient":
            return np.ones(1)
        return self.watched.output.held(self._signs(size) * self.rng.uniform(0.5, 1.0, size))

    def _signs(self, size: int) -> Vector:
        return self.rng.choice([-1.0, 1.0], size)

    def _place(self, origin: Vector, v: Vector, where: str = "") -> _Place | None:
        """The gradient at a point and how it is rounded; None where it does not give the same
        again, which is noted.
        """
        self.watched.at(origin)
        gradient = self.watched.pulled(origin, v)
        again = self.watched.pulled(origin, v)
        if not np.array_equal(gradient, again, equal_nan=True):
            self.open[_differs(gradient, again)] = None
            return None
        nudged = self.point.held(origin * (1.0 + 2.0 * self.point.epsilon))
        self.watched.at(nudged)
        jitter = np.abs(self.watched.pulled(nudged, v) - gradient)
        jitter = np.where(np.isfinite(jitter), jitter, 0.0)
        place = _Place(origin, v, gradient, jitter, 0.0, where)
        place.noise = self._noise(place)
        return place

    def _noise(self, place: _Place) -> float:
        """How far rounding carries sum(v * f) off."""
        summed = float(np.sum(np.abs(place.cotangent * self.watched.at(place.origin))))
        line = self._line(place, self._direction(self.point.own_scale()))
        return max(noise_of(line, self.epsilon), self.epsilon * summed)

    # directions -------------------------------------------------------------------------------

    def _direction(self, scale: Vector) -> Vector:
        """A random direction, each number moving by about its scale."""
        return self._signs(self.point.size) * self.rng.uniform(0.5, 1.0, self.point.size) * scale

    def _line(self, place: _Place, direction: Vector) -> Callable[[float], Move]:
        claimed = np.where(np.isfinite(place.gradient), place.gradient, 0.0)

        def at(t: float) -> Move:
            moved = self.point.held(place.origin + t * direction)
            value = float(place.cotangent @ self.watched.at(moved))
            return Move(value, float(claimed @ (moved - place.origin)))

        return at

    def _read(self, place: _Place, direction: Vector) -> Reading:
        """What the line along a direction tells, and the complex step where f takes it."""
        slopes = np.where(np.isfinite(place.gradient), place.gradient, 0.0) * direction
        size = float(np.linalg.norm(slopes))
        jitter = 4.0 * float(np.sum(place.jitter * np.abs(direction)))
        rounding = self.epsilon * float(np.sum(np.abs(slopes)))
        line = self._line(place, direction)
        ladder = Ladder(line, place.noise, float(np.sum(slopes)), size, self.epsilon)
        tiniest = self.point.size * float(np.finfo(self.point.dtype).tiny)
        reading = read(ladder, 8.0 * rounding + jitter + tiniest)
        is_told = reading.status != "undecided" or (self.takes_complex and reading.is_hidden)
        if self.takes_complex is not False and is_told:
            carried = CANCELLED * (rounding + place.noise) + jitter
            reading = self._refined(place, direction, reading, carried)
        return reading

    def _refined(
        self, place: _Place, direction: Vector, reading: Reading, rounding: float
    ) -> Reading:
        """The reading, its number by the complex step where that agrees."""
        slope = self._complex_slope(place, direction)
        finite = np.where(np.isfinite(place.gradient), place.gradient, 0.0)
        missing = math.nan if slope is None else slope - float(finite @ direction)
        if not abs(missing - reading.missing) <= reading.tolerance:
            self.takes_complex = False
            return reading
        self.takes_complex = True
        tiniest = float(np.finfo(self.point.dtype).tiny) * self.point.size / TINY_STEP
        tolerance = rounding + 64.0 * self.epsilon * abs(missing) + tiniest
        tolerance += TINY_STEP * (reading.extent + place.noise)  # for terms of higher order
        is_telling = tolerance <= LEAST * max(reading.extent, abs(slope or 0.0))
        if not tolerance < reading.tolerance or not (is_telling or reading.status != "undecided"):
            return reading
        wrong = abs(missing) > tolerance
        status: Literal["right", "wrong"] = "wrong" if wrong else "right"
        rate = math.nan if wrong and reading.status == "right" else reading.rate
        return replace(
            reading,
            rate=rate,
            status=status,
            missing=missing,
            tolerance=tolerance,
            reason="",
            is_hidden=False,
        )

    def _complex_slope(self, place: _Place, direction: Vector) -> float | None:
        """The slope of f as the imaginary part of what it gives for a tiny imaginary step."""
        out = self.watched.at_complex(place.origin + 1j * (TINY_STEP * direction))
        here = self.watched.at(place.origin)
        if out is None or not np.allclose(
            out.real, here, rtol=8.0 * self.epsilon, atol=place.noise
        ):
            return None
        return float(place.cotangent @ out.imag) / TINY_STEP

    def _judge(self, place: _Place, direction: Vector) -> Reading:
        """Read a direction, and raise what is found wrong."""
        reading = self._read(place, direction)
        self.readings.append(reading)
        if reading.status == "right":
            errors = self.errors if reading.extent else self.flat_errors
            errors.append(reading.tolerance / (reading.extent or 1.0))
        if reading.status == "wrong":
            raise self._wrong(place, direction, reading)
        return reading

    def _read_directions(self, place: _Place) -> None:
        scale, own = self.point.scale(), self.point.own_scale()
        directions = [self._direction(scale), self._direction(own), scale]
        if 1 < len(self.point.leaves) <= FEW < self.point.size:
            whole = self._direction(scale)
            directions += [
                self._only(whole, range(part.start, part.stop)) for part in self.point.slices
            ]
        reasons = [self._judge(place, direction).reason for direction in directions]
        left_open = [reason for reason in reasons if reason]
        if self.point.size <= FEW:
            left_open = self._read_components(place, left_open)
        elif left_open:
            self._read_groups(place, left_open[0])
            return
        self.open.update(dict.fromkeys(left_open))

    def _only(self, direction: Vector, places: Sequence[int]) -> Vector:
        """The direction in some of its components."""
        part = np.zeros(self.point.size)
        chosen = list(places)
        part[chosen] = direction[chosen]
        return part

    def _read_components(self, place: _Place, left_open: list[str]) -> list[str]:
        """Why single components are open, if so. Those that are too flat to be read by themselves
        are as open as the directions across all.
        """
        own = self.point.own_scale()
        readings = [self._judge(place, self._only(own, [i])) for i in range(self.point.size)]
        if left_open and any(reading.is_hidden for reading in readings):
            return left_open
        reasons: dict[str, list[str]] = {}
        for i, reading in enumerate(readings):
            if reading.reason and not reading.is_hidden:
                reasons.setdefault(reading.reason, []).append(self.point.label(i))
        return [f"{reason}, along {', '.join(labels)}" for reason, labels in reasons.items()]

    def _read_groups(self, place: _Place, reason: str) -> None:
        """Parts of a large point, where it is open as a whole: down to what is open in itself."""
        direction = self._direction(self.point.own_scale())

        def is_open(part: Sequence[int]) -> float:
            reading = self._judge(place, self._only(direction, part))
            return 1.0 if reading.reason else 0.0

        found, is_whole = parted(range(self.point.size), is_open, most=1)
        if found:
            label = self.point.label(found[0][0][0])
            self.open[f"{reason}, among others along {label}"] = None
        elif not is_whole:
            self.open[reason] = None

    def _read_lost(self, place: _Place) -> None:
        """Components that are no number: wrong where f has a slope."""
        for i in np.flatnonzero(~np.isfinite(place.gradient)).tolist()[:FEW]:
            own = self.point.own_scale()
            reading = self._read(place, self._only(own, [i]))
            label = self.point.label(i)
            if reading.reason:
                self.open[f"the gradient is {place.gradient[i]} in {label}: {reading.reason}"] = (
                    None
                )
                continue
            expected = reading.missing / float(own[i])
            if abs(expected) > float(np.finfo(self.point.dtype).max):
                self.open[f"the gradient is beyond the range of its numbers in {label}"] = None
                continue
            got, off = float(place.gradient[i]), reading.tolerance / float(own[i])
            component = Component.of(self._quantity(i), got, expected, off, self.point.dtype)
            raise self._error(place, [component], reading)

    def _read_second_point(self, place: _Place) -> None:
        """The same nearby, where a gradient is wrong that keeps something of the first point."""
        if not callable(self.watched.gradient):
            return
        direction = self._direction(self.point.own_scale())
        origin = self.point.held(place.origin + NEARBY * direction)
        if not np.all(np.isfinite(self.watched.at(origin))):
            return
        where = "at a second point nearby"
        second = self._place(origin, place.cotangent, where)
        if second is None or not np.all(np.isfinite(second.gradient)):
            return
        reading = self._read(second, direction)
        if reading.status == "wrong":
            raise self._wrong(second, direction, reading)
        self.watched.at(place.origin)
        again = self.watched.pulled(place.origin, place.cotangent)
        if not np.array_equal(again, place.gradient, equal_nan=True):
            self.open["gradient gives other numbers after it was called elsewhere"] = None

    def _read_exactly(self, place: _Place) -> None:
        """Hold the gradient against the slopes of the traced function in 160 digits."""
        trace = Trace.of(self.watched, place.origin, place.cotangent)
        if trace is None:
            return
        own = self.point.own_scale()
        if self.point.size <= FEW:
            directions = [self._only(own, [i]) for i in range(self.point.size)]
        else:
            directions = [self._direction(own) for _ in range(3)]
        slopes = trace.slopes(directions)
        for direction, slope in zip(directions, slopes):
            if slope is None:
                continue
            self.was_exact = True
            terms = place.gradient * direction
            missing = slope - float(np.sum(terms))
            rounding = self.epsilon * float(np.sum(np.abs(terms)))
            tolerance = CANCELLED * (rounding + place.noise)
            tolerance += 4.0 * float(np.sum(place.jitter * np.abs(direction)))
            if abs(missing) > tolerance + 64.0 * self.epsilon * abs(missing):
                reading = Reading("wrong", missing, tolerance, math.nan)
                raise self._wrong(place, direction, reading)

    # what is wrong ----------------------------------------------------------------------------

    def _wrong(self, place: _Place, direction: Vector, reading: Reading) -> WrongGradientError:
        """The error, after a search for the components that are wrong most."""
        own = self.point.own_scale()

        def missing(part: Sequence[int]) -> float:
            found = self._read(place, self._only(direction if len(part) > 1 else own, part))
            return (
                abs(found.missing)
                / float(own[part[0]] if len(part) == 1 else 1.0)
                * (found.status == "wrong")
            )

        parts, _ = parted(range(self.point.size), missing, most=8)
        worst = [part[0] for part, _ in parts]
        components: list[Component] = []
        for i in worst:
            found = self._read(place, self._only(own, [i]))
            components.append(self._component(place, i, found))
            reading = found if i == worst[0] else reading
        if not components and np.count_nonzero(direction) == 1:
            i = int(np.flatnonzero(direction)[0])
            worst = [i]
            components = [self._component(place, i, reading)]
        if not components:
            got = float(place.gradient @ direction)
            components = [
                Component.of(
                    "the slope along a direction across all of x",
                    got,
                    got + reading.missing,
                    reading.tolerance,
                    self.point.dtype,
                )
            ]
        return self._error(place, components, reading, alone=bool(worst))

    def _component(self, place: _Place, i: int, reading: Reading) -> Component:
        """A component, for what was read along it."""
        got, scale = float(place.gradient[i]), float(self.point.own_scale()[i])
        expected, tolerance = got + reading.missing / scale, reading.tolerance / scale
        return Component.of(self._quantity(i), got, expected, tolerance, self.point.dtype)

    def _is_right_elsewhere(self, place: _Place) -> bool:
        """Whether a gradient is wrong at the second point that is right at the first."""
        return bool(place.where) and all(r.status == "right" for r in self.readings)

    def _quantity(self, i: int) -> str:
        of = "f" if self.watched.kind == "gradient" else "sum(v * f)"
        return f"d {of} / d {self.point.label(i)}"

    def _error(
        self,
        place: _Place,
        components: Sequence[Component],
        reading: Reading,
        *,
        alone: bool = True,
    ) -> WrongGradientError:
        evidence = Evidence(
            components=components,
            rungs=reading.rungs,
            complex_agrees=bool(self.takes_complex),
            alone=alone,
            only_at_second=self._is_right_elsewhere(place),
            gradient_dtype=self.watched.gradient_dtype,
            dtype=self.point.dtype,
        )
        findings = Findings(
            place=place.where or f"at x = {_shortened(self.point.tree)}",
            method=self._method(),
            components=components,
            rate=reading.rate,
            suspected=suspected(evidence),
            hints=hints(evidence),
            verdict=self._concluded(*self.watched.changes, is_wrong=True),
            part=self._carrier(place, components),
        )
        return WrongGradientError.told(self.point.built(place.origin), findings)

    def _carrier(self, place: _Place, components: Sequence[Component]) -> Part | None:
        """The part of f through which the error goes, where f can be traced and agrees."""
        trace = Trace.of(self.watched, place.origin, place.cotangent)
        if trace is None or not np.all(np.isfinite(place.gradient)):
            return None
        return trace.carrier(place.gradient, max(c.tolerance for c in components))

    def _wrong_shape(self, told: str) -> WrongGradientError:
        verdict = self._concluded(is_wrong=True)
        return WrongGradientError.of_shape(self.point.tree, told, verdict)


def _differs(gradient: Vector, again: Vector) -> str:
    """How a gradient differs when it is asked for twice."""
    note = "gradient gives other numbers when it is called again"
    if np.allclose(again, 2.0 * gradient, rtol=1e-6):
        return f"{note}: twice the first ones, as if it added to them"
    return note


def _shortened(tree: Any) -> str:
    text = " ".join(repr(tree).split())
    return text if len(text) <= 80 else text[:77] + "..."
