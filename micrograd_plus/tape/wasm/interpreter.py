"""The code of the module that runs every tape as data, sixteen points at a time."""

from __future__ import annotations

from typing import Any

from llvmlite import ir

from ..executors.llvm.emission import INDEX, LANE, POINTER, index_of
from ..executors.llvm.rolling import LANES, OUTPUT
from ..executors.python import BLOCK
from .loading import ReaderInLanes


class Interpreter(ReaderInLanes):
    """values and sum(count of points, points, parameters, constants, scratch, outputs, program).

    The outputs of `values` are those of one point after the other; `sum` adds up those of at most
    1,024 points. In `scratch` there is room for the slots and the outputs of sixteen points.
    """

    def __init__(self) -> None:
        super().__init__(BLOCK, summed=True)
        self._steps = self._function("steps", [POINTER, LANE.as_pointer()])
        self._steps.linkage = "internal"
        scratch, self.program = self._steps.args
        self.places = {LANES: scratch}
        self._perform()
        self.builder.ret_void()
        self._values()
        self._sum()

    def _function(self, name: str, arguments: list[ir.Type]) -> Any:
        """A function, which is written from now on."""
        function = ir.Function(self.module, ir.FunctionType(ir.VoidType(), arguments), name)
        self.builder = ir.IRBuilder(function.append_basic_block())
        return function

    def _begun_with_points(self, name: str) -> list[Any]:
        """A function of points, with the numbers that they share where its steps find them."""
        function = self._function(name, [LANE, *[POINTER] * 5, LANE.as_pointer()])
        count, points, parameters, constants, scratch, outputs, self.program = function.args
        self.places = {LANES: scratch}
        self._spread_out(parameters, constants)
        return [self.builder.zext(count, INDEX), points, scratch, outputs]

    def _values(self) -> None:
        count, points, scratch, outputs = self._begun_with_points("values")
        inputs, _, _, slots, given, _ = self._read_header()
        self.places[OUTPUT] = self._at(scratch, self.builder.mul(slots, index_of(BLOCK)))
        with self._loop(count, BLOCK) as point:
            self._load(count, points, point, inputs)
            self.builder.call(self._steps, [scratch, self.program])
            with self._loop(given, 1) as k:
                self._write(OUTPUT, k, self._output(k))
            self._store(count, point, given, outputs)
        self.builder.ret_void()

    def _sum(self) -> None:
        count, points, scratch, outputs = self._begun_with_points("sum")
        inputs, _, _, _, given, _ = self._read_header()
        self._clear(outputs, given)
        with self._loop(count, BLOCK) as point:
            self._load(count, points, point, inputs)
            self.builder.call(self._steps, [scratch, self.program])
            self.valid = self._valid(count, point)
            with self._loop(given, 1) as k:
                self._add_up_output(k, outputs)
        self.builder.ret_void()
