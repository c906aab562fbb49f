"""Which executor runs a program: machine code where there is a machine for it,
else the reference in Python.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from typing import Protocol

from ...trees import Tree
from .. import lowering
from ..program import FlatProgram, Floats
from .forks import kept_from_forks
from .interpreter import Interpreter
from .python import Replay

NAMES = ("machine", "interpreter", "python")

_IMPORTING = kept_from_forks()  # who imports what is half imported waits for whoever began


class Executor(Protocol):
    """What runs a program; points and parameters are contiguous arrays of floats,
    checked by the tape.
    """

    name: str

    def point(self, point: Sequence[float], parameters: Floats) -> list[float]:
        """The outputs for one point."""

    def values(self, points: Floats, parameters: Floats, threads: int = 1) -> Floats:
        """The outputs for each point, an array of points by outputs."""

    def sum(self, points: Floats, parameters: Floats) -> Floats:
        """The sums of the outputs over the points of one chunk."""

    def mean(self, points: Floats, parameters: Floats) -> Floats:
        """The means of the outputs over the points of one chunk."""

    def caller(self, form: Tree) -> Callable[..., Tree] | None:
        """What gives the outputs for one point of floats in a form, at once, and NotImplemented for
        what is no such point; None where there is nothing that does.
        """

    def sums(self, points: Floats, parameters: Floats, threads: int = 1) -> Iterator[Floats]:
        """The sums of the outputs over each chunk of points."""


def executor_for(program: FlatProgram, name: str | None) -> Executor:
    """The executor called `name`, or the fastest there is;
    ImportError or ValueError when it cannot be had.
    """
    if name not in (None, *NAMES):
        named = ", ".join(f'"{known}"' for known in NAMES)
        raise ValueError(f"there are the executors {named}, not {name!r}")
    if name == "python":
        return Replay(program)
    if name == "interpreter":
        return Interpreter(_lowered(program))
    if find_spec("llvmlite") is None:
        if name:
            raise ImportError("machine code needs llvmlite: pip install 'micrograd-plus[fast]'")
        return Replay(
            program,
            "python, for want of llvmlite: pip install 'micrograd-plus[fast]' brings machine code",
        )
    if program.python_only and name is None:
        return Replay(program, f"python, for {_refusal(program)}")
    with _IMPORTING:
        from .llvm.machine import Machine
    return Machine(_lowered(program))


def _lowered(program: FlatProgram) -> FlatProgram:
    """The program for a machine; ValueError where none knows a custom row of it."""
    lowered = lowering.lowered(program)
    if lowered is None:
        raise ValueError(f"{_refusal(program)}: use executor='python'")
    return lowered


def _refusal(program: FlatProgram) -> str:
    return f"no machine knows the custom row(s) {', '.join(program.python_only)}"
