"""WebAssembly made by LLVM: a module for one tape, and the module that runs every tape as data.

No instruction is contracted or reassociated, so + − × ÷ and √ give Python's bits. Functions such as
exp are the host's, and a browser's Math differs from the C library in a last digit now and then.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

import llvmlite.binding as llvm
from llvmlite import ir

from ..executors.llvm.data import as_data
from ..executors.llvm.emission import INDEX, LANE, POINTER, Code, index_of
from ..executors.llvm.machine import MOST_NESTS, undisturbed
from ..executors.llvm.rolling import rolled
from ..executors.python import BLOCK, CHUNK
from ..program import FlatProgram
from .binary import PAGE, Layout, doubles, integers, linked
from .interpreter import Interpreter
from .loading import DispatcherInLanes, LoopsInLanes

_TRIPLE, _FEATURES = "wasm32-unknown-unknown", "+simd128,+bulk-memory"
_LINE = 16  # bytes of a vector, between which what is in memory begins


def tape_module(programs: Sequence[FlatProgram]) -> bytes:
    """The module of lowered programs: what gives the outputs and, of a tape with a gradient, the
    output with its derivatives and what is summed over points.
    """
    memory = _Memory()
    tasks = (("values", False), ("gradients", False), ("sum", True))
    parts = [_Part(name, p, summed, memory) for (name, summed), p in zip(tasks, programs)]
    scratch = memory.placed(8 * max([part.scratch for part in parts]))
    codes = [part.code(scratch) for part in parts]
    names = [part.name for part in parts]
    return linked(_compiled(codes), names, Layout(PAGE, memory.segments, memory.end))


def interpreter_module() -> bytes:
    """The module with `values` and `sum` of `Interpreter`; it is the same for all tapes."""
    return linked(_compiled([Interpreter()]), ["values", "sum"], Layout(PAGE, [], PAGE))


class _Memory:
    """Places in the memory of a module, one after the other behind the stack."""

    def __init__(self) -> None:
        self.end = PAGE
        self.segments: list[tuple[int, bytes]] = []

    def placed(self, size: int, content: bytes = b"") -> int:
        """Where so many bytes are, which begin with the content."""
        at = self.end
        self.end += -(-size // _LINE) * _LINE
        if content:
            self.segments.append((at, content))
        return at


class _Part:
    """A program of a module: what it needs in memory, and its code."""

    def __init__(self, name: str, program: FlatProgram, summed: bool, memory: _Memory) -> None:
        self.name, self.summed = name, summed
        self.lanes = BLOCK if summed else 1
        self.inputs, self.outputs = program.inputs, len(program.outputs)
        self.loops = rolled(program, MOST_NESTS)
        self.sums = memory.placed(8 * self.outputs) if summed else 0
        self.data = 0
        if self.loops:
            shared, slots, constants = self.loops.shared, self.loops.lanes, program.constants
        else:
            data = as_data(program)
            content = integers(data.program.tolist())
            self.data = memory.placed(len(content), content)
            shared, slots, constants = len(data.constants), data.slots, data.constants
        size = 8 * max(shared, len(constants))
        self.shared = memory.placed(size, doubles(constants.tolist()))
        self.scratch = (slots + self.outputs) * self.lanes

    def code(self, scratch: int) -> Code:
        """The kernel of the machine, and the function that the module exports."""
        code: Code = (
            LoopsInLanes(self.loops, self.inputs, self.outputs, self.lanes, self.summed)
            if self.loops
            else DispatcherInLanes(self.lanes, self.summed)
        )
        kernel = code.builder.function
        kernel.linkage = "internal"
        kind = ir.FunctionType(ir.VoidType(), [LANE, POINTER, POINTER, POINTER])
        function = ir.Function(code.module, kind, self.name)
        code.builder = ir.IRBuilder(function.append_basic_block())
        entry = _Entry(code, kernel, self, scratch)
        if self.summed:
            entry.sum(*function.args)
        else:
            entry.values(*function.args)
        code.builder.ret_void()
        return code


class _Entry(NamedTuple):
    """Writes a function that calls a kernel with places in the module's memory."""

    code: Any
    kernel: Any
    part: _Part
    scratch: int

    def values(self, count: Any, points: Any, parameters: Any, outputs: Any) -> None:
        """What each point gives."""
        self._call(self.code.builder.zext(count, INDEX), points, parameters, outputs)

    def sum(self, count: Any, points: Any, parameters: Any, outputs: Any) -> None:
        """The sums over chunks, from first to last."""
        code, b, given = self.code, self.code.builder, index_of(self.part.outputs)
        count, sums = b.zext(count, INDEX), self._place(self.part.sums, POINTER)
        code._clear(outputs, given)  # noqa: SLF001  # it writes into that code
        with code._loop(count, CHUNK) as start:  # noqa: SLF001
            left, most = b.sub(count, start), index_of(CHUNK)
            here = b.select(b.icmp_signed("<", left, most), left, most)
            chunk = code._at(points, b.mul(start, index_of(self.part.inputs)))  # noqa: SLF001
            self._call(here, chunk, parameters, sums)
            with code._loop(given, 1) as k:  # noqa: SLF001
                at, of_chunk = [code._at(array, k) for array in (outputs, sums)]  # noqa: SLF001
                b.store(b.fadd(b.load(at), b.load(of_chunk)), at)

    def _call(self, count: Any, points: Any, parameters: Any, outputs: Any) -> None:
        shared, scratch = [self._place(at, POINTER) for at in (self.part.shared, self.scratch)]
        data = self._place(self.part.data, LANE.as_pointer())
        given = [count, points, parameters, shared, scratch, outputs, data]
        self.code.builder.call(self.kernel, given)

    def _place(self, at: int, kind: ir.Type) -> Any:
        return ir.Constant(LANE, at).inttoptr(kind)


def _compiled(codes: Sequence[Code]) -> bytes:
    """The object file of codes."""
    return undisturbed(_object_file, codes)


def _object_file(codes: Sequence[Code]) -> bytes:
    machine, context = _compiler(), llvm.create_context()
    modules = []
    for code in codes:
        code.module.triple = _TRIPLE
        code.module.data_layout = str(machine.target_data)
        modules.append(llvm.parse_assembly(code.text(), context))
    whole, *others = modules
    for module in others:
        whole.link_in(module)
    whole.verify()
    compiled: bytes = machine.emit_object(whole)
    return compiled


@cache
def _compiler() -> Any:
    """What writes WebAssembly; RuntimeError when this LLVM cannot."""
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    try:
        target = llvm.Target.from_triple(_TRIPLE)
    except RuntimeError as error:
        raise RuntimeError(
            "the LLVM of this llvmlite was built without WebAssembly; that in its wheels has it"
        ) from error
    return target.create_target_machine(opt=2, features=_FEATURES)
