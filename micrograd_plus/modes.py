"""What is switched on and off while a graph is built and differentiated:
recording, the watch for anomalies, tracing.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple


class Mode(NamedTuple):
    """Whether operations are recorded, whether every number is checked, and what may be recorded in
    a simpler way.

    `simplify(primitive, operands)`, if there is one, gives what stands for the operation without
    recording it, or None. `tracing` is there while a function is recorded on a tape, on which no
    number may decide what happens next. `group` is what Values recorded now belong together in, for
    pictures. `presence` is there while the heart in C runs, in every mode but the default one: as
    long as one of these is alive, C must ask which mode holds.
    """

    recording: bool = True
    anomaly: bool = False
    simplify: Callable[[Any, Sequence[Any]], Any] | None = None
    tracing: Any = None
    group: Any = None
    presence: Any = None


DEFAULT = Mode()
mode: ContextVar[Mode] = ContextVar("micrograd_plus_mode", default=DEFAULT)


presence: Callable[[], Any] = type(None)


@contextmanager
def no_grad() -> Generator[None]:
    """Within it, operations give plain leaves: no graph is recorded.

    A context manager and a decorator.
    """
    with switched(recording=False):
        yield


@contextmanager
def detect_anomaly() -> Generator[None]:
    """Within it, the first value or gradient that turns inf or nan raises FloatingPointError,
    which names it.
    """
    with switched(anomaly=mode.get().tracing is None):  # a tape has other numbers at each point
        yield


@contextmanager
def switched(**changes: Any) -> Generator[None]:
    """Within it, the mode has these fields changed."""
    before, token = mode.get(), None
    changed = before._replace(presence=None, **changes)
    # the engine knows DEFAULT by identity
    changed = DEFAULT if changed == DEFAULT else changed._replace(presence=presence())
    try:
        token = mode.set(changed)
        yield
    finally:
        if token is None:  # Ctrl-C came when it was set, and before this was known
            mode.set(before)
        else:
            mode.reset(token)
