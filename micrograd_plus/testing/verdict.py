"""What `check_gradient` says: a verdict, or an error that names the worst components."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np

from ..support.notebooks import richest
from .failure import Failure, GradientError
from .traced import Part

SHOWN = 5  # components in a message


@dataclass(frozen=True)
class Verdict:
    """Whether a gradient is right; true as a condition only if it was found to be.

    `smallest_error` is the smallest error that would have been seen, relative to the size of the
    slope along a direction (of a function that is constant, by itself); `rate` is the power of the
    step with which the Taylor remainder falls, nan where there is none, as for a linear function;
    `evaluations` and `gradients` count the calls of both functions; `notes` say what was seen
    besides, and why nothing was decided if so.
    """

    right: bool
    smallest_error: float
    rate: float
    method: str
    evaluations: int
    gradients: int
    notes: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return self.right

    def __str__(self) -> str:
        calls = f"{self.evaluations} calls of f, {self.gradients} of gradient"
        if not self.right:
            return f"not decided: {'; '.join(self.notes)} ({calls})"
        seen = f"an error of {self.smallest_error:.1e} of the slope would have been seen"
        return f"right: {seen} ({self.method}; {calls})"


@dataclass(frozen=True)
class Component:
    """A component of a gradient that is wrong: what `gradient` gave, and what f says."""

    label: str
    got: float
    expected: float
    tolerance: float
    ulps: float

    @classmethod
    def of(cls, label: str, got: float, expected: float, tolerance: float, dtype: Any) -> Component:
        """A component, its difference counted in units in the last place of its kind of number."""
        largest = float(np.finfo(dtype).max)
        unit = float(np.spacing(np.asarray(min(abs(expected), largest), dtype=dtype)))
        return cls(label, got, expected, tolerance, abs(got - expected) / unit)

    @property
    def difference(self) -> float:
        """How far the two numbers are apart."""
        return abs(self.got - self.expected)

    def __str__(self) -> str:
        numbers = f"gradient says {self.got:.10g}, f says {self.expected:.10g}"
        return f"{self.label}: {numbers}, {self.ulps:.2g} ulps apart"


@dataclass(frozen=True)
class Findings:
    """All that an error tells: where it was found, how, which components, and who is suspected."""

    place: str
    method: str
    components: Sequence[Component]
    rate: float
    suspected: str
    hints: Sequence[str]
    verdict: Verdict
    part: Part | None = None


class WrongGradientError(GradientError):
    """A gradient of somebody's function is wrong. The message names its worst components with both
    numbers.

    `point` holds the point, `components` what is wrong, worst first, `suspected` which of the two
    functions is more likely to be wrong and why, and `verdict` how it was found. Where the function
    could be traced, `program` and `subgraph` hold the smallest part of it that carries the error,
    as in every GradientError; `picture()` draws it, and raises ValueError where there is none.
    """

    components: tuple[Component, ...]
    suspected: str
    verdict: Verdict

    @classmethod
    def told(cls, point: Any, findings: Findings) -> WrongGradientError:
        """The error with its message."""
        error = cls(_message(findings))
        worst = findings.components[0]
        error.point, error.components = (point,), tuple(findings.components)
        error.failure = Failure(
            worst.label, findings.method, worst.got, worst.expected, worst.tolerance
        )
        error.suspected, error.verdict = findings.suspected, findings.verdict
        if findings.part is not None:
            error.program, error.part = findings.part.program, error.failure
            error.subgraph = error.program.graph()
        return error

    @classmethod
    def of_shape(cls, point: Any, told: str, verdict: Verdict) -> WrongGradientError:
        """The error of a gradient that has not the shape of the point."""
        error = cls(f"the gradient is wrong: {told}")
        error.point, error.components, error.verdict = (point,), (), verdict
        error.failure = Failure("the shape of the gradient", told, math.nan, math.nan, 0.0)
        error.suspected = "gradient: it has not the shape of the point"
        return error

    def picture(self, **options: Any) -> Any:
        """A picture of the smallest part of f that carries the error; raises ValueError where f
        could not be traced.
        """
        if not hasattr(self, "subgraph"):
            raise ValueError("there is no graph to draw: f could not be traced")
        return super().picture(**options)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        if hasattr(self, "subgraph"):
            return super()._repr_mimebundle_(include, exclude)
        return {"text/plain": str(self), "text/html": f"<pre>{escape(str(self))}</pre>"}

    def _mime_(self) -> tuple[str, str]:
        return richest(self._repr_mimebundle_())


def _message(found: Findings) -> str:
    worst, *others = found.components
    lines = [
        f"the gradient is wrong: {worst.label}, {found.place}",
        f"  gradient says  {worst.got!r}",
        f"  f says         {worst.expected!r} (by {found.method}, to {worst.tolerance:.1e})",
        f"  apart          {worst.difference:.3g}, which is {worst.ulps:.3g} ulps",
    ]
    if not math.isnan(found.rate):
        lines.append(
            f"  remainder      of f(x + h) - f(x - h) falls with h to the power {found.rate:.2f},"
            " and to the 3rd if right"
        )
    lines.append(f"  suspected      {found.suspected}")
    lines += [f"  hint           {hint}" for hint in found.hints]
    shown = others[: SHOWN - 1]
    lines += [f"  also           {component}" for component in shown]
    if len(others) > len(shown):
        lines.append(f"  and {len(others) - len(shown)} more, in error.components")
    if found.part is not None:
        lines.append(f"The smallest part of f that carries the error: {found.part}")
        lines += [f"    {line}" for line in repr(found.part.program).splitlines()]
    lines += [f"  note           {note}" for note in found.verdict.notes]
    return "\n".join(lines)
