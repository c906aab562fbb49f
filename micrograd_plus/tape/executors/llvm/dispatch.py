"""Code for programs that are long and irregular, where compiling each would take too long: one loop
that reads them.

A program is data here, as `data.py` writes it. The same code runs every such program, so it is
compiled once.
"""

from __future__ import annotations

from typing import Any

from .data import GATES, HEADER, RECORD
from .emission import INDEX, LANE, Code, index_of
from .rolling import LANES, OUTPUT


class Reader(Code):
    """Code that reads a program as data."""

    program: Any

    def _read_header(self) -> list[Any]:
        """How many inputs, parameters, constants, slots, outputs and instructions there are."""
        return [self._integer(index_of(i)) for i in range(HEADER)]

    def _spread_out(self, parameters: Any, constants: Any) -> None:
        """Put what all points have in common into the slots after the inputs."""
        b = self.builder
        inputs, shared, fixed, *_ = self._read_header()
        for numbers, how_many, first in (
            (parameters, shared, inputs),
            (constants, fixed, b.add(inputs, shared)),
        ):
            with self._loop(how_many, 1) as i:
                self._write(LANES, b.add(first, i), self._spread(b.load(self._at(numbers, i))))

    def _perform(self) -> None:
        """All instructions, on what is in the slots."""
        b = self.builder
        *_, given, length = self._read_header()
        records = b.add(index_of(HEADER), given)
        with self._loop(length, 1) as i:
            self._instruction(b.add(records, b.mul(i, index_of(RECORD))))

    def _instruction(self, record: Any) -> None:
        """One case for each gate."""
        b = self.builder
        gate, result, *operands = [self._integer(b.add(record, index_of(i))) for i in range(RECORD)]
        after = b.append_basic_block()
        switch = b.switch(gate, after)
        for number, (name, row) in enumerate(GATES.items()):
            case = b.append_basic_block()
            switch.add_case(index_of(number), case)
            b.position_at_end(case)
            numbers = [self._read(operand) for operand in operands[: row.arity]]
            self._write(LANES, result, self._gate(name, numbers))
            b.branch(after)
        b.position_at_end(after)

    def _integer(self, index: Any) -> Any:
        b = self.builder
        return b.zext(b.load(b.gep(self.program, [index], source_etype=LANE)), INDEX)

    def _output(self, k: Any) -> Any:
        """The number that is output k, in each lane."""
        return self._read(self._integer(self.builder.add(index_of(HEADER), k)))

    def _add_up_output(self, k: Any, outputs: Any) -> None:
        """Add the sum of output k over the lanes that hold a point."""
        b, number, at = self.builder, self._output(k), self._at(outputs, k)
        if self.lanes > 1:
            number = b.extract_element(self._halved([number]), LANE(0))
        b.store(b.fadd(b.load(at), number), at)


class Dispatcher(Reader):
    """kernel(count of points, points, parameters, constants, scratch, outputs, program),
    for every program.
    """

    def __init__(self, lanes: int, summed: bool) -> None:
        super().__init__(lanes, summed)
        self.builder = b = self._begun()
        count, points, parameters, constants, scratch, outputs, self.program = b.function.args
        inputs, _, _, slots, given, _ = self._read_header()
        self.places = {LANES: scratch, OUTPUT: outputs}
        self._spread_out(parameters, constants)
        if summed:
            self._clear(outputs, given)
        with self._loop(count, lanes) as point:
            self._load(count, points, point, inputs)
            self._perform()
            self.valid = self._valid(count, point)
            if not summed:  # past the slots, or with a point alone where it belongs
                self.places[OUTPUT] = (
                    self._at(outputs, b.mul(point, given))
                    if lanes == 1
                    else self._at(scratch, b.mul(slots, index_of(lanes)))
                )
            with self._loop(given, 1) as k:
                if summed:
                    self._add_up_output(k, outputs)
                else:
                    self._write(OUTPUT, k, self._output(k))
            if not summed and lanes > 1:
                self._store(count, point, given, outputs)
        b.ret_void()
