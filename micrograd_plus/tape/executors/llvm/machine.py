"""Machine code for flat programs, made in memory by LLVM for the processor at hand (llvmlite, extra
`fast`).

It runs without Python's lock, and works on 1,024 points at a time, so that Ctrl-C is heard in
between. Besides the points and the results it needs room for one block of sixteen points, in each
thread.

LLVM serves one thread at a time, and one at a time makes code; forks wait until they are done. What
is ready runs without a lock.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from threading import current_thread, main_thread
from typing import Any, NamedTuple

import llvmlite.binding as llvm
import numpy as np

from ...lowering import FUNCTIONS
from ...program import FlatProgram, Floats, Integers
from ..forks import kept_from_forks
from ..python import BLOCK, CHUNK
from .dispatch import Dispatcher, as_data
from .emission import Code
from .loops import Loops
from .rolling import Rolled, rolled

MOST_NESTS = 256  # a program of more is read as data: compiling grows faster than the code
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
_LINE = 8  # numbers in a line of the processor's cache
_COMPILING = kept_from_forks()
# The lock under which llvmlite calls LLVM; should a later version keep it elsewhere, one of ours
# stands in its place.
_LLVM = kept_from_forks(getattr(getattr(llvm.ffi.lib, "_lock", None), "_lock", None))


class Machine:
    """Runs a lowered program; its code is compiled when it is first needed,
    for single points and for many apart.
    """

    name = "machine"

    def __init__(self, program: FlatProgram) -> None:
        self.inputs, self.outputs = program.inputs, len(program.outputs)
        self._constants = program.constants
        self._form = rolled(program, MOST_NESTS) or as_data(program)
        self._codes: dict[tuple[int, bool], _Loaded] = {}

    def point(self, point: Sequence[float], parameters: Floats) -> list[float]:
        """The outputs for one point."""
        return self._code(1, summed=False).point(point, parameters)

    def values(self, points: Floats, parameters: Floats, threads: int = 1) -> Floats:
        """The outputs for each point, an array of points by outputs."""
        found = np.empty((len(points), self.outputs))
        code = self._code(BLOCK if len(points) >= BLOCK else 1, summed=False)

        def run(start: int) -> None:
            part = points[start : start + CHUNK]
            code.run(part, parameters, found[start : start + CHUNK])

        for _ in _over_threads(run, range(0, len(points), CHUNK), threads):
            pass
        return found

    def sum(self, points: Floats, parameters: Floats) -> Floats:
        """The sums of the outputs over the points of one chunk."""
        key = BLOCK if len(points) > 1 else 1, True
        total = np.zeros(self.outputs)
        # a method's call is 3 % of a short step
        code = self._codes.get(key) or self._code(*key)
        code.run(points, parameters, total)
        return total

    def sums(self, points: Floats, parameters: Floats, threads: int = 1) -> Iterator[Floats]:
        """The sums of the outputs over each chunk of points."""
        starts = range(0, len(points), CHUNK)
        return _over_threads(
            lambda start: self.sum(points[start : start + CHUNK], parameters), starts, threads
        )

    def _code(self, lanes: int, summed: bool) -> _Loaded:
        found = self._codes.get((lanes, summed))
        if found is None:
            with _COMPILING:  # several threads may need it for the first time
                found = self._codes.get((lanes, summed)) or self._made(lanes, summed)
                self._codes[lanes, summed] = found
        return found

    def _made(self, lanes: int, summed: bool) -> _Loaded:
        sizes, form = (lanes, self.inputs, self.outputs), self._form
        if isinstance(form, Rolled):
            compiled = compile_code(Loops(form, self.inputs, self.outputs, lanes, summed))
            return _Loaded(compiled, self._constants, form.shared, form.lanes, *sizes)
        return _Loaded(
            _dispatcher(lanes, summed), form.constants, 0, form.slots, *sizes, form.program
        )


class Compiled(NamedTuple):
    """Machine code in memory: `kernel` runs it, as long as LLVM's engine lives."""

    kernel: Callable[..., None]
    engine: Any


def compile_code(code: Code) -> Compiled:
    """The code for this processor, in memory."""
    engine, address = _undisturbed(_in_memory, code)
    pointers = [ctypes.c_void_p] * (code.arguments - 1)
    kernel = ctypes.CFUNCTYPE(None, ctypes.c_int64, *pointers)
    return Compiled(kernel(address), engine)


def _undisturbed(make: Callable[[Code], Any], code: Code) -> Any:
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


def _in_memory(code: Code) -> tuple[Any, int]:
    """The engine of LLVM that holds the code, and where the kernel begins."""
    compiled = _object_file(code)
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), _target().create_target_machine())
    with llvm.ObjectFileRef.from_data(compiled) as file:
        engine.add_object_file(file)
    engine.finalize_object()
    return engine, engine.get_function_address("kernel")


def _object_file(code: Code) -> bytes:
    """The code for this processor, ready to be loaded.

    Nothing else is left of it: what LLVM remembers of a text, its types, numbers and names, goes
    with the context, which goes with the module.
    """
    for name in code.called:
        llvm.add_symbol(f"c_{name}", _address(name))
    with llvm.parse_assembly(code.text(), llvm.create_context()) as module:
        module.verify()
        _improve(module, code)
        compiled: bytes = _compiler().emit_object(module)
    return compiled


def _improve(module: Any, code: Code) -> None:
    """Run the passes of LLVM that pay: those over functions for lanes, and for a point alone the
    loop vectorizer, if any.

    None are run for nothing: they take as long as all else, and each pass builder leaves 1.5 KB
    that llvmlite never frees.
    """
    if code.lanes == 1 and not code.has_long_loops:
        return
    with llvm.create_pipeline_tuning_options(speed_level=1) as options:
        options.loop_vectorization = code.has_long_loops
        with llvm.create_pass_builder(_compiler(), options) as builder:
            whole = code.has_long_loops
            passes = builder.getModulePassManager() if whole else builder.getFunctionPassManager()
            try:
                passes.run(module if whole else module.get_function("kernel"), builder)
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


class _Workspace(NamedTuple):
    """Memory in which one thread works, and the addresses of its parts."""

    memory: Floats
    point: Any  # what one point brings and takes
    outputs: Any
    point_at: int
    outputs_at: int
    shared_at: int
    scratch_at: int


class _Loaded:
    """Machine code with all that it needs to run one program:
    constants, memory, and the program itself if it is data.
    """

    def __init__(
        self,
        compiled: Compiled,
        constants: Floats,
        shared: int,
        scratch: int,
        lanes: int,
        inputs: int,
        outputs: int,
        program: Integers | None = None,
    ) -> None:
        self._compiled, self._kernel = compiled, compiled.kernel
        self._constants, self._program = constants, program
        self._shared = max(shared, len(constants))
        self._scratch = (scratch + outputs) * lanes
        self._inputs, self._outputs = inputs, outputs
        self._more = () if program is None else (program.ctypes.data,)
        self._free: list[_Workspace] = []

    def run(self, points: Floats, parameters: Floats, outputs: Floats) -> None:
        """Fill, or add to, the outputs."""
        workspace = self._workspace()
        self._kernel(
            len(points),
            _address_of(points),
            _address_of(parameters),
            workspace.shared_at,
            workspace.scratch_at,
            _address_of(outputs),
            *self._more,
        )
        self._free.append(workspace)

    def point(self, numbers: Sequence[float], parameters: Floats) -> list[float]:
        """The outputs for one point, of code for one lane."""
        workspace = self._workspace()
        _, point, outputs, point_at, outputs_at, shared_at, scratch_at = workspace
        point[:] = numbers
        parameters_at = _address_of(parameters) if len(parameters) else 0
        self._kernel(1, point_at, parameters_at, shared_at, scratch_at, outputs_at, *self._more)
        found: list[float] = outputs[:]
        self._free.append(workspace)
        return found

    def _workspace(self) -> _Workspace:
        """Memory to work in, which no other thread works in."""
        try:
            return self._free.pop()
        except IndexError:
            return self._new_workspace()

    def _new_workspace(self) -> _Workspace:
        memory = np.empty(self._shared + self._scratch + 2 * _LINE)
        memory_at = _address_of(memory)
        shared = self._scratch + _LINE
        memory[shared : shared + len(self._constants)] = self._constants
        point = (ctypes.c_double * self._inputs)()
        outputs = (ctypes.c_double * self._outputs)()
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


@cache
def _dispatcher(lanes: int, summed: bool) -> Compiled:
    return compile_code(Dispatcher(lanes, summed))


def _address_of(array: Floats) -> int:
    address: int = array.__array_interface__["data"][0]  # a third of the time of .ctypes.data
    return address


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


@cache
def _compiler() -> Any:
    """What writes code for this processor: one for all, for it takes a megabyte."""
    return _target().create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=llvm.get_host_cpu_features().flatten(), opt=2
    )


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
