"""Executors whose kernels are native code: the way in, and points 1,024 at a time.

A kernel is a function of C,

    void kernel(count, points, parameters, shared, scratch, outputs, program)

which fills the outputs of `count` points, or their sums. The heart in C calls it with floats or
arrays, and lets other threads run beside a long one; where there is no heart, ctypes does.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, Protocol

import numpy as np

from ... import heart
from ...trees import Tree
from ..program import Floats, Integers
from .python import BLOCK, CHUNK

_LINE = 8  # numbers in a line of the processor's cache


class Sizes(NamedTuple):
    """How many numbers a kernel takes for a point and for all, gives, and needs to work with;
    and about how many operations a point takes.
    """

    inputs: int
    parameters: int
    outputs: int
    shared: int
    scratch: int
    operations: int


class Entry(Protocol):
    """The way into a kernel, for any number of threads."""

    def run(self, points: Floats, parameters: Floats, outputs: Floats, divisor: int = 1) -> None:
        """Fill the outputs; sums over the points are divided."""

    def point(self, point: tuple[float, ...], parameters: Floats) -> list[float]:
        """The outputs for one point."""

    def caller(self, form: Tree) -> Callable[..., Tree] | None:
        """A function of so many floats as a point has, which gives the outputs in this form, and
        NotImplemented for anything else; None where there is none.
        """


def entry(
    kernel: int,
    kept: Any,
    sizes: Sizes,
    constants: Floats,
    summed: bool,
    program: Integers | None = None,
) -> Entry:
    """The way into the kernel at an address, in memory that `kept` holds; the program is what it
    reads, if it does.
    """
    if heart.library() is None:
        return _Foreign(kernel, kept, sizes, constants, summed, program)
    at = 0 if program is None else _address_of(program)
    made: Entry = heart.library().entry(kernel, at, (kept, program), sizes, summed, constants)
    return made


class Native:
    """An executor with an entry for each way to run: for one point or many, summed or not."""

    name: str
    side_by_side = BLOCK  # how many points it takes to be worth it

    def __init__(self, outputs: int) -> None:
        self.outputs = outputs
        self.checks_arrays = heart.library() is not None
        self._entries: dict[tuple[bool, bool], Entry] = {}

    def entry_for(self, many: bool, summed: bool) -> Entry:
        """The way in, made when it is first needed."""
        raise NotImplementedError

    def point(self, point: Sequence[float], parameters: Floats) -> list[float]:
        """The outputs for one point."""
        return self.entry_for(many=False, summed=False).point(tuple(point), parameters)

    def settled(self) -> bool:
        """Whether what `caller` gives stays as it is."""
        return True

    def caller(self, form: Tree) -> Callable[..., Tree] | None:
        """What gives the outputs for one point of floats in a form, at once; None where there is
        nothing that does.
        """
        return self.entry_for(many=False, summed=False).caller(form)

    def values(self, points: Floats, parameters: Floats, threads: int = 1) -> Floats:
        """The outputs for each point, an array of points by outputs."""
        found = np.empty((len(points), self.outputs))
        entered = self.entry_for(len(points) >= self.side_by_side, summed=False)
        if threads == 1 and len(points) <= CHUNK:
            entered.run(points, parameters, found)
            return found

        def run(start: int) -> None:
            part = points[start : start + CHUNK]
            entered.run(part, parameters, found[start : start + CHUNK])

        for _ in _over_threads(run, range(0, len(points), CHUNK), threads):
            pass
        return found

    def sum(self, points: Floats, parameters: Floats) -> Floats:
        """The sums of the outputs over the points of one chunk."""
        return self._sum(points, parameters, 1)

    def mean(self, points: Floats, parameters: Floats) -> Floats:
        """The means of the outputs over the points of one chunk."""
        return self._sum(points, parameters, len(points))

    def _sum(self, points: Floats, parameters: Floats, divisor: int) -> Floats:
        total = np.empty(self.outputs)
        # a method's call is 3 % of a short step
        key = len(points) > 1, True
        entered = self._entries.get(key) or self.entry_for(*key)
        entered.run(points, parameters, total, divisor)
        return total

    def sums(self, points: Floats, parameters: Floats, threads: int = 1) -> Iterator[Floats]:
        """The sums of the outputs over each chunk of points."""
        starts = range(0, len(points), CHUNK)
        return _over_threads(
            lambda start: self.sum(points[start : start + CHUNK], parameters), starts, threads
        )


def _over_threads(run: Callable[[int], Any], starts: range, threads: int) -> Iterator[Any]:
    """The results of `run` for each start, in order; with several threads at most that many at a
    time.
    """
    if threads < 1:
        raise ValueError(f"there must be at least one thread, not {threads}")
    if threads == 1 or len(starts) < 2:
        yield from map(run, starts)
        return
    with ThreadPoolExecutor(threads) as pool:
        for i in range(0, len(starts), threads):
            yield from pool.map(run, starts[i : i + threads])


# Without the heart. -------------------------------------------------------------------------------
class _Workspace(NamedTuple):
    """Memory in which one thread works, and the addresses of its parts."""

    memory: Floats
    point: Any  # what one point brings and takes
    outputs: Any
    point_at: int
    outputs_at: int
    shared_at: int
    scratch_at: int


class _Foreign:
    """A kernel called through ctypes."""

    def __init__(
        self,
        kernel: int,
        kept: Any,
        sizes: Sizes,
        constants: Floats,
        summed: bool,
        program: Integers | None,
    ) -> None:
        pointers = [ctypes.c_void_p] * 6
        self._kernel = ctypes.CFUNCTYPE(None, ctypes.c_int64, *pointers)(kernel)
        self._kept, self._program = kept, program
        self._program_at = 0 if program is None else _address_of(program)
        self._sizes, self._constants, self._summed = sizes, constants, summed
        self._free: list[_Workspace] = []

    def run(self, points: Floats, parameters: Floats, outputs: Floats, divisor: int = 1) -> None:
        if not len(points):
            outputs[...] = 0.0
            return
        workspace = self._workspace()
        self._kernel(
            len(points),
            _address_of(points),
            _address_of(parameters),
            workspace.shared_at,
            workspace.scratch_at,
            _address_of(outputs),
            self._program_at,
        )
        self._free.append(workspace)
        if divisor > 1:
            with np.errstate(all="ignore"):  # inf and nan are numbers like others
                outputs /= divisor

    def point(self, point: tuple[float, ...], parameters: Floats) -> list[float]:
        workspace = self._workspace()
        _, numbers, outputs, point_at, outputs_at, shared_at, scratch_at = workspace
        numbers[:] = point
        parameters_at = _address_of(parameters) if len(parameters) else 0
        self._kernel(
            1, point_at, parameters_at, shared_at, scratch_at, outputs_at, self._program_at
        )
        found: list[float] = outputs[:]
        self._free.append(workspace)
        return found

    def caller(self, form: Tree) -> Callable[..., Tree] | None:
        return None

    def _workspace(self) -> _Workspace:
        """Memory to work in, which no other thread works in."""
        try:
            return self._free.pop()
        except IndexError:
            return self._new_workspace()

    def _new_workspace(self) -> _Workspace:
        sizes, constants = self._sizes, self._constants
        memory = np.empty(sizes.shared + sizes.scratch + 2 * _LINE)
        memory_at = _address_of(memory)
        shared = sizes.scratch + _LINE
        memory[shared : shared + len(constants)] = constants
        point = (ctypes.c_double * sizes.inputs)()
        outputs = (ctypes.c_double * sizes.outputs)()
        return _Workspace(
            memory,
            point,
            outputs,
            point_at=ctypes.addressof(point),
            outputs_at=ctypes.addressof(outputs),
            shared_at=memory_at + 8 * shared,
            # whole vectors lie in one line of the cache
            scratch_at=memory_at + -memory_at % (8 * _LINE),
        )


def _address_of(array: Floats | Integers) -> int:
    address: int = array.__array_interface__["data"][0]  # a third of the time of .ctypes.data
    return address
