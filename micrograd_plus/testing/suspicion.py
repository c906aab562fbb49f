"""Which of two functions is more likely to be wrong, and of what kind the error may be: what the
numbers suggest, to begin with.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .taylor import ABOVE, Rung
from .verdict import Component


@dataclass(frozen=True)
class Evidence:
    """What is known of a gradient that is wrong."""

    components: Sequence[Component]
    rungs: Sequence[Rung]
    complex_agrees: bool
    alone: bool  # whether components are wrong by themselves
    only_at_second: bool
    gradient_dtype: Any
    dtype: Any


def suspected(evidence: Evidence) -> str:
    """Which side is suspected, and why."""
    finite = [rung for rung in evidence.rungs if rung.is_finite]
    worst = evidence.components[0]
    is_flat = all(abs(rung.bend) <= 4.0 * rung.noise for rung in finite)
    if abs(worst.expected) <= worst.tolerance < abs(worst.got) and is_flat:
        return (
            "f: it gives the same number at every step, so it may keep what it computed first, or "
            "compute it apart from x"
        )
    told = [rung for rung in finite if abs(rung.missing) > ABOVE * rung.noise]
    coarse = [abs(rung.missing) for rung in finite[:2]]
    if told and max(coarse) < 0.1 * abs(told[-1].missing):
        return (
            "f: over large steps it has the slope that gradient claims, over small ones another, "
            "as what has a fine structure, or rounds"
        )
    if evidence.complex_agrees:
        return "gradient: differences of f and its complex step agree with each other"
    return f"gradient: the slope of f holds still while the step is halved {len(finite) - 1} times"


def hints(evidence: Evidence) -> list[str]:
    """Of which kind the error may be."""
    found: list[str] = []
    components = [c for c in evidence.components if math.isfinite(c.got)]
    if evidence.only_at_second:
        found.append("gradient may keep something of the first point (a stale cache)")
    if not evidence.alone:
        found.append(
            "no component is wrong by itself: at a tie, several may have got what one should get"
        )
    if components and all(c.got == 0.0 for c in components):
        found.append("gradient is 0 there: is a branch detached, or a case left out?")
    ratios = [c.got / c.expected for c in components if c.expected and c.got]
    if len(ratios) == len(components) > 0:
        found += _of_ratios(ratios, 1e-4 + max(c.tolerance / abs(c.expected) for c in components))
    told = evidence.gradient_dtype
    if told is not None and np.finfo(told).eps > np.finfo(evidence.dtype).eps:
        found.append(f"gradient comes in {told}, though x is {evidence.dtype}")
    if any(not math.isfinite(c.got) for c in evidence.components):
        found.append("gradient is no number, though f is smooth there")
    return found


def _of_ratios(ratios: Sequence[float], allowed: float) -> list[str]:
    """What it means if all components are wrong by one factor."""
    first = ratios[0]
    if any(abs(ratio - first) > allowed * abs(first) for ratio in ratios):
        return []
    if abs(first + 1.0) <= allowed:
        return ["the sign is the other one"]
    if abs(first - 1.0) < 1e-3 or len(ratios) == 1:
        return []
    return [f"gradient is {first:.6g} times what it should be in all of these: a factor"]
