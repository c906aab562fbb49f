"""Points brought into lanes one number after the other. The machine turns blocks of eight by eight
numbers in its wide vectors; in those of WebAssembly, of two numbers, that is long and no faster.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..executors.llvm.dispatch import Dispatcher, Reader
from ..executors.llvm.emission import Code
from ..executors.llvm.loops import Loops
from ..executors.llvm.rolling import LANES, Nest, Rolled


class _Loading(Code):
    def _load(self, count: Any, points: Any, point: Any, inputs: Any) -> None:
        b = self.builder
        starts = self._starts(count, point, inputs)
        with self._loop(inputs, 1) as j:
            numbers = [b.load(self._at(points, b.add(start, j))) for start in starts]
            self._write(LANES, j, self._vector(numbers))


class ReaderInLanes(_Loading, Reader):
    """Code that reads a program as data."""


class DispatcherInLanes(_Loading, Dispatcher):
    """The kernel for every program."""


class LoopsInLanes(_Loading, Loops):
    """The kernel of one program, with one code for all blocks, and fewer statements side by side
    than processors of wider vectors like: a third of the bytes, and no slower.
    """

    def __init__(
        self, program: Rolled, inputs: int, outputs: int, lanes: int, summed: bool
    ) -> None:
        super().__init__(program, inputs, outputs, lanes, summed, jam=2)

    def _sums(self, nests: Sequence[Nest], count: Any, point: Any) -> None:
        self.valid = self._valid(count, point)
        for nest in nests:
            self._loops(nest, 1, self.jam)
