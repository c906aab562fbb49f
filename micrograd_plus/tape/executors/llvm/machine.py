"""Machine code for flat programs, made in memory by LLVM for the processor at hand (llvmlite, extra
`fast`).

It works on 1,024 points at a time, so that Ctrl-C is heard in between. Besides the points and the
results it needs room for one block of sixteen points, in each thread.

LLVM serves one thread at a time, and one at a time makes code; forks wait until they are done. What
is ready runs without a lock.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from threading import current_thread, main_thread
from typing import Any, NamedTuple, TypeVar

import llvmlite.binding as llvm

from ...lowering import FUNCTIONS
from ...program import FlatProgram
from ..forks import kept_from_forks
from ..native import Entry, Native, Sizes, entry
from ..python import BLOCK
from .data import as_data
from .dispatch import Dispatcher
from .emission import Code
from .loops import JAM, Loops
from .rolling import Rolled, rolled

# A program of more nests is read as data, for each is code to be made; one that repeats itself,
# with so many operands a nest, may have more of them.
MOST_NESTS, REPEATED, MOST_OF_ALL = 256, 128, 2048
_SAMPLES = (
    0.0,
    -0.0,
    0.3,
    -0.7,
    1.0,
    -1.5,
    2.5,
    30.0,
    -710.0,
    1e-9,
    1e300,
    float("inf"),
    float("-inf"),
    float("nan"),
)
S = TypeVar("S")
T = TypeVar("T")
_COMPILING = kept_from_forks()
# The lock under which llvmlite calls LLVM; should a later version keep it elsewhere, one of ours
# stands in its place.
_LLVM = kept_from_forks(getattr(getattr(llvm.ffi.lib, "_lock", None), "_lock", None))


class Machine(Native):
    """Runs a lowered program; its code is compiled when it is first needed,
    for single points and for many apart.
    """

    name = "machine"

    def __init__(self, program: FlatProgram) -> None:
        super().__init__(len(program.outputs))
        self._inputs, self._parameters = program.inputs, program.parameters
        self._operations = len(program.operands)
        self._constants = program.constants
        most = min(MOST_OF_ALL, max(MOST_NESTS, len(program.operands) // REPEATED))
        self._form = rolled(program, most) or as_data(program)

    def entry_for(self, many: bool, summed: bool) -> Entry:
        found = self._entries.get((many, summed))
        if found is None:
            with _COMPILING:  # several threads may need it for the first time
                found = self._entries.get((many, summed)) or self._made(many, summed)
                self._entries[many, summed] = found
        return found

    def _made(self, many: bool, summed: bool) -> Entry:
        form, lanes = self._form, BLOCK if many else 1
        if isinstance(form, Rolled):
            loops = Loops(form, self._inputs, self.outputs, lanes, summed, _side_by_side())
            code = compile_code(loops)
            constants, shared, scratch, program = self._constants, form.shared, form.lanes, None
        else:
            code = _dispatcher(lanes, summed)
            constants, shared, scratch, program = form.constants, 0, form.slots, form.program
        sizes = Sizes(
            self._inputs,
            self._parameters,
            self.outputs,
            max(shared, len(constants)),
            (scratch + self.outputs) * lanes,
            self._operations,
        )
        return entry(code.kernel, code.engine, sizes, constants, summed, program)


class Compiled(NamedTuple):
    """Machine code in memory: where the kernel is, as long as LLVM's engine lives."""

    kernel: int
    engine: Any


def compile_code(code: Code) -> Compiled:
    """The code for this processor, in memory."""
    return undisturbed(_in_memory, code)


def undisturbed(make: Callable[[S], T], code: S) -> T:
    """What `make` gives, from a thread that Ctrl-C does not strike: in the middle of llvmlite it
    would leave its lock held, and all other threads waiting for ever.
    """
    if current_thread() is not main_thread():
        return make(code)
    with ThreadPoolExecutor(1, "machine code") as pool:
        try:
            made = pool.submit(make, code)
        except RuntimeError:  # while Python ends, no thread can start
            return make(code)
        return made.result()


def _in_memory(code: Code) -> Compiled:
    """The engine of LLVM that holds the code, and where the kernel begins."""
    compiled = _object_file(code)
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), _target().create_target_machine())
    with llvm.ObjectFileRef.from_data(compiled) as file:
        engine.add_object_file(file)
    engine.finalize_object()
    return Compiled(engine.get_function_address("kernel"), engine)


def _object_file(code: Code) -> bytes:
    """The code for this processor, ready to be loaded.

    Nothing else is left of it: what LLVM remembers of a text, its types, numbers and names, goes
    with the context, which goes with the module.
    """
    for name in code.called:
        llvm.add_symbol(f"c_{name}", _address(name))
    with llvm.parse_assembly(code.text(), llvm.create_context()) as module:
        module.verify()
        _improve(module)
        compiled: bytes = _compiler().emit_object(module)
    return compiled


def _improve(module: Any) -> None:
    """Run those of LLVM's passes that pay: a loop's test at its end, and simpler instructions. All
    that LLVM has for functions take a third of the time of a compilation and make nothing faster.
    """
    with (
        llvm.create_pipeline_tuning_options(speed_level=1) as options,
        llvm.create_pass_builder(_compiler(), options) as builder,
    ):
        passes = llvm.create_new_function_pass_manager()
        passes.add_loop_rotate_pass()
        passes.add_instruction_combine_pass()
        try:
            for function in module.functions:
                if not function.is_declaration:
                    passes.run(function, builder)
        finally:
            _dispose(passes)


def _dispose(passes: Any) -> None:
    """Free a pass manager. llvmlite 0.45 to 0.50 never do:
    of the two `_dispose` it inherits, the empty one comes first.
    """
    inherited = [
        vars(kind).get("_dispose")
        for kind in type(passes).__mro__
        if kind is not llvm.ffi.ObjectRef
    ]
    try:
        next(filter(None, inherited))(passes)
    finally:
        passes.detach()


@cache
def _dispatcher(lanes: int, summed: bool) -> Compiled:
    return compile_code(Dispatcher(lanes, summed))


@cache
def _compiler() -> Any:
    """What writes code for this processor: one for all, for it takes a megabyte."""
    return _target().create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=llvm.get_host_cpu_features().flatten(), opt=2
    )


@cache
def _side_by_side() -> int:
    """How many statements run side by side in lanes: twice as many where there are 32 registers of
    eight numbers.
    """
    return 2 * JAM if llvm.get_host_cpu_features().get("avx512f") else JAM


def _target() -> Any:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return llvm.Target.from_default_triple()


@cache
def _address(name: str) -> int:
    """Where the C function of a row is; raises RuntimeError unless it gives what the row gives."""
    library = ctypes.CDLL("ucrtbase" if sys.platform == "win32" else None)
    row = FUNCTIONS[name]
    arity = row.arity or 1
    function = getattr(library, name)
    function.restype, function.argtypes = ctypes.c_double, [ctypes.c_double] * arity
    for i, x in enumerate(_SAMPLES):
        y = _SAMPLES[(3 * i + 2) % len(_SAMPLES)]
        operands = (x, y)[:arity]
        of_c, of_row = function(*operands), row.primal(*operands)
        if of_c != of_row and (of_c == of_c or of_row == of_row):
            raise RuntimeError(
                f"the C library's {name}{operands} is {of_c!r}, Python's {of_row!r}: use "
                "executor='python'"
            )
    address: int = ctypes.cast(function, ctypes.c_void_p).value  # type: ignore[assignment]  # it is there
    return address
