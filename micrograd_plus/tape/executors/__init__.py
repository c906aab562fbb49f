"""Which executor runs a program: at once the interpreter in C, where there is none the reference in
Python, and machine code when it is worth it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from typing import Protocol

from ... import heart
from ...trees import Tree
from .. import lowering
from ..program import FlatProgram, Floats
from .forks import kept_from_forks
from .interpreter import Interpreter
from .native import Native
from .python import Replay
from .sharing import shared
from .tiers import First, Tiered

NAMES = ("machine", "interpreter", "python")

_WANT = "for want of llvmlite: pip install 'micrograd-plus[fast]' brings machine code"
_IMPORTING = kept_from_forks()  # who imports what is half imported waits for whoever began


class Executor(Protocol):
    """What runs a program; points and parameters are contiguous arrays of floats,
    checked by the tape.
    """

    @property
    def name(self) -> str:
        """What it is called, and why it runs where another one would be faster."""

    @property
    def checks_arrays(self) -> bool:
        """Whether it refuses arrays of other sizes or numbers itself."""

    def point(self, point: Sequence[float], parameters: Floats) -> list[float]:
        """The outputs for one point."""

    def values(self, points: Floats, parameters: Floats, threads: int = 1) -> Floats:
        """The outputs for each point, an array of points by outputs."""

    def sum(self, points: Floats, parameters: Floats) -> Floats:
        """The sums of the outputs over the points of one chunk."""

    def mean(self, points: Floats, parameters: Floats) -> Floats:
        """The means of the outputs over the points of one chunk."""

    def settled(self) -> bool:
        """Whether what `caller` gives stays as it is."""

    def caller(self, form: Tree) -> Callable[..., Tree] | None:
        """What gives the outputs for one point of floats in a form, at once, and NotImplemented for
        what is no such point; None where there is nothing that does.
        """

    def sums(self, points: Floats, parameters: Floats, threads: int = 1) -> Iterator[Floats]:
        """The sums of the outputs over each chunk of points."""


def executor_for(program: FlatProgram, name: str | None) -> Executor:
    """The executor called `name`, or the fastest there is;
    ImportError or ValueError when it cannot be had. Equal programs have it in common.
    """
    if name not in (None, *NAMES):
        named = ", ".join(f'"{known}"' for known in NAMES)
        raise ValueError(f"there are the executors {named}, not {name!r}")
    if name == "python":
        return Replay(program)
    if name == "machine":
        return _machine(program)
    if name == "interpreter":
        return _interpreter(program)
    if program.python_only:
        return Replay(program, f"python, for {_refusal(program)}")
    return _fastest(program)


def _fastest(program: FlatProgram) -> Executor:
    """What runs a program that any executor knows: an interpreter at once, then the machine."""
    if find_spec("llvmlite") is not None:
        return shared("tiers", program, _tiers)
    if heart.library() is None:
        return Replay(program, f"python, {_WANT}")
    return shared("interpreter alone", program, _interpreter_alone)


def _tiers(program: FlatProgram) -> Executor:
    return Tiered(_first(program), program, lambda: _machine(program))


def _first(program: FlatProgram) -> First:
    if heart.library() is None:
        return Replay(program)
    try:
        return _interpreter(program)
    except NotImplementedError:  # for want of an operation in C
        return Replay(program)


def _interpreter_alone(program: FlatProgram) -> Executor:
    try:
        return Interpreter(_lowered(program), f"interpreter, {_WANT}")
    except NotImplementedError as error:
        return Replay(program, f"python, for {error}, and {_WANT}")


def _interpreter(program: FlatProgram) -> Interpreter:
    return shared("interpreter", program, lambda given: Interpreter(_lowered(given)))


def _machine(program: FlatProgram) -> Native:
    if find_spec("llvmlite") is None:
        raise ImportError("machine code needs llvmlite: pip install 'micrograd-plus[fast]'")
    with _IMPORTING:
        from .llvm.machine import Machine
    return shared("machine", program, lambda given: Machine(_lowered(given)))


def _lowered(program: FlatProgram) -> FlatProgram:
    """The program for a machine; ValueError where none knows a custom row of it."""
    lowered = lowering.lowered(program)
    if lowered is None:
        raise ValueError(f"{_refusal(program)}: use executor='python'")
    return lowered


def _refusal(program: FlatProgram) -> str:
    return f"no machine knows the custom row(s) {', '.join(program.python_only)}"
