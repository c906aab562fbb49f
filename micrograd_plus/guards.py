"""What is watched while a graph is built and differentiated: stale leaves, anomalies, and whether to record at all.

The checks read a node's `primitive`, `operands`, `label`, `_primal` and `_clock`; they know no calculus and no Value.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple


class Mode(NamedTuple):
    """Whether operations are recorded, whether every number is checked, and whether a sweep is what is recorded."""

    recording: bool = True
    anomaly: bool = False
    sweeping: bool = False


DEFAULT = Mode()
mode: ContextVar[Mode] = ContextVar("micrograd_plus_mode", default=DEFAULT)


@contextmanager
def no_grad() -> Generator[None]:
    """Within it, operations give plain leaves: no graph is recorded. A context manager and a decorator."""
    with switched(recording=False):
        yield


@contextmanager
def detect_anomaly() -> Generator[None]:
    """Within it, the first value or gradient that turns inf or nan raises FloatingPointError, which names it."""
    with switched(anomaly=True):
        yield


@contextmanager
def switched(**changes: bool) -> Generator[None]:
    """Within it, the mode has these fields changed."""
    token = mode.set(mode.get()._replace(**changes))
    try:
        yield
    finally:
        mode.reset(token)


def stale_nodes(order: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
    """Nodes last computed before one of their operands changed, each with that operand."""
    newest = max((v._clock for v in order), default=0)
    if any(v._clock < newest for v in order if v.primitive is not None):  # rarely so, and quickly told
        for v in order:
            for operand in v.operands:
                if type(operand) is not float and operand._clock > v._clock:
                    yield v, operand


def require_fresh(order: Sequence[Any]) -> None:
    """Raise ValueError, naming the operand, when a leaf was edited and what depends on it was not computed again."""
    for v, operand in stale_nodes(order):
        changed = "edited" if operand.primitive is None else "computed again"
        raise ValueError(f"{operand!r} was {changed} after {v!r} = {_call(v.primitive, v.operands)} was computed from it: "
                         "call .forward() on the output to evaluate the graph again, then .backward()")


def require_finite_value(primitive: Any, operands: Sequence[Any], primal: float) -> None:
    """Raise FloatingPointError, naming the operation, when its result is inf or nan."""
    if not math.isfinite(primal):
        raise FloatingPointError(f"{_call(primitive, operands)} turned {primal}")


def require_finite_gradients(order: Sequence[Any], adjoint: Mapping[Any, float]) -> None:
    """Raise FloatingPointError, naming the node nearest the output whose gradient is inf or nan, and its users."""
    for v in reversed(order):
        if not math.isfinite(adjoint.get(v, 0.0)):
            users = [f"{_call(u.primitive, u.operands)}, whose gradient is {adjoint[u]}" for u in order
                     if u in adjoint and v in u.operands]
            raise FloatingPointError(f"the gradient of {v!r} turned {adjoint[v]}; it came through "
                                     + "; ".join(users[:3] or ["the gradient that backward was given"]))


def _call(primitive: Any, operands: Sequence[Any]) -> str:
    shown = [repr(o) if type(o) is float else f"{o.label or 'Value'}={o._primal!r}" for o in operands[:6]]
    return f"{primitive.name}({', '.join(shown)}{', ...' if len(operands) > 6 else ''})"
