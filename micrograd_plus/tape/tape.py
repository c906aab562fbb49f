"""Record once, replay at will: a function, or a graph that stands, with its gradient, as one flat
program.

The reverse sweep is recorded like that of any derivative, so a tape's gradient is ordinary
instructions and its executors know no calculus. A tape is plain data: it pickles, copies, and goes
to JSON and back.

Points are summed in one order, whoever runs them: sixteen points by halves (point l with point l +
8, then + 4, + 2, + 1; missing points count 0), such sums from first to last within 1,024 points,
and those from first to last, both beginning with 0. So no result depends on the executor, on the
number of threads, or on how the work is shared out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from importlib.util import find_spec
from typing import Any

import numpy as np

from .. import checks, ops
from ..engine import Value, read_data
from ..trees import Tree, branches_of, builder_of, has_dict, leaves_of, listed, matching
from .c_code import CCode, c_code
from .contents import Contents, Form
from .executors import Executor, executor_for
from .executors.python import CHUNK
from .json import from_json, to_json
from .linearisation import linearised
from .lowering import lowered_for
from .program import FlatProgram, Floats
from .programs import Programs, ProgramsOfSnapshot, Whole
from .reals import real_array
from .source import source

_FLOAT, _FLOAT64, _NOTHING = frozenset((float,)), np.dtype(np.float64), np.empty(0)
Parameters = Any  # an array, a sequence of numbers or Values, or a Module


class Tape:
    """A flat program with the form of what it takes and gives; made by `record` or `Tape.of`.

    `parameters` are the Values it reads, or on a tape that was loaded their numbers. Every call
    takes `parameters`, numbers in place of the present ones, and `executor`: "machine" for machine
    code made by LLVM (extra `fast`), "interpreter" for the one in C that runs a tape at once,
    "python" for the table's own primals. None is for the interpreter, or Python where there is
    none, and for the machine from when these have run for as long as machine code takes to be made,
    in the background; `executor()` tells. All give the same bits.
    """

    def __init__(
        self,
        programs: Programs | ProgramsOfSnapshot,
        form: Tree,
        names: Sequence[str],
        parameters: Sequence[Value | float],
        gradient: bool,
        point_form: Form = None,
    ) -> None:
        self.programs = programs
        self.form = form
        self.names = names
        self.parameters = parameters
        self.gradient = gradient
        self.point_form = point_form
        self._inputs = programs.inputs
        self._executors: dict[tuple[str | None, str], Executor] = {}
        self._callers: dict[str | None, Callable[..., Tree]] = {}
        self._width = len(leaves_of(form))
        self._is_number = branches_of(form) is None
        self._in_form = builder_of(form)

    @classmethod
    def of(cls, outputs: Tree, inputs: Sequence[Value], parameters: Parameters = ()) -> Tape:
        """The tape of a graph that stands, from `inputs` and `parameters` to `outputs`;
        other leaves become constants. Raises ValueError when one of them is named twice or is no
        Value.
        """
        inputs, parameters = tuple(inputs), values_of(parameters)
        return cls.of_varied(outputs, inputs + tuple(parameters), len(inputs), parameters)

    @classmethod
    def of_varied(
        cls, outputs: Tree, varied: tuple[Value, ...], inputs: int, parameters: Sequence[Value]
    ) -> Tape:
        """The same where the inputs, so many, and the parameters stand in one tuple, too."""
        programs, form, gradient = linearised(outputs, varied, inputs)
        return cls(programs, form, [v.label for v in varied[:inputs]], parameters, gradient)

    @classmethod
    def from_contents(cls, contents: Contents) -> Tape:
        """The tape that consists of these."""
        whole = Whole(contents.program, contents.labels, contents.adjoint_of)
        programs = Programs(whole, len(leaves_of(contents.form)))
        _, form, names, parameters, gradient, _, _, point_form = contents
        return cls(programs, form, names, parameters, gradient, point_form)

    @property
    def program(self) -> FlatProgram:
        """The instructions that give the outputs and, of one number, its gradient in inputs and
        parameters.
        """
        return self.programs.whole.program

    @property
    def labels(self) -> Mapping[int, str]:
        """What registers of the program are called."""
        return self.programs.whole.labels

    @property
    def adjoint_of(self) -> Mapping[int, int]:
        """Of registers of the program that hold adjoints, those whose they are."""
        return self.programs.whole.adjoint_of

    def __call__(
        self, *point: Tree, parameters: Parameters = None, executor: str | None = None
    ) -> Tree:
        """The outputs for one point, in the form that the function gave: floats, in lists, tuples,
        dicts and arrays. The numbers of the point come in the form of the function's arguments, in
        dicts by their keys, or one after the other; or all in one dict by `names`.
        """
        if parameters is None:  # floats, for which the executor may have a way of its own
            found = (self._callers.get(executor) or self._caller(executor))(*point)
            if found is not NotImplemented:
                return found
        run = self._executors.get((executor, "values")) or self._executor("values", executor)
        shared = (
            _NOTHING
            if parameters is None and not self.programs.parameters
            else self._shared(parameters)
        )
        simple = len(point) == self._inputs and _FLOAT.issuperset(map(type, point))
        return self._in_form(run.point(point if simple else self._single(point), shared))

    def values(
        self,
        points: Any,
        parameters: Parameters = None,
        executor: str | None = None,
        threads: int = 1,
    ) -> Floats:
        """The outputs for each point of an array (points, inputs):
        shape (points,) for one number, else (points, outputs).
        """
        found = self._executor("values", executor).values(
            self._points(points), self._shared(parameters), threads
        )
        return found[:, 0] if self._is_number else found

    def gradients(
        self,
        points: Any,
        parameters: Parameters = None,
        executor: str | None = None,
        threads: int = 1,
        of: str = "inputs",
    ) -> Floats:
        """The gradient for each point: with respect to its inputs, or `of` the "parameters"; shape
        (points, numbers).
        """
        return self._executor(gradients_of(of), executor).values(
            self._points(points), self._shared(parameters), threads
        )

    def sum_and_grad(
        self,
        points: Any,
        parameters: Parameters = None,
        executor: str | None = None,
        threads: int = 1,
    ) -> tuple[float, Floats]:
        """The sum of the output over the points, and its gradient with respect to the
        parameters.
        """
        total = self._total(self._points(points), parameters, executor, threads)
        return float(total[0]), total[1:]

    def mean_and_grad(
        self,
        points: Any,
        parameters: Parameters = None,
        executor: str | None = None,
        threads: int = 1,
    ) -> tuple[float, Floats]:
        """The mean of the output over the points, and its gradient with respect to the parameters;
        ValueError for no points.
        """
        if type(points) is type(parameters) is np.ndarray:
            total = self._mean_of_arrays(points, parameters, executor)
            if total is not None:
                return total.item(0), total[1:]
        given = self._points(points)
        if not len(given):
            raise ValueError("there is no mean of no points")
        if len(given) <= CHUNK:
            run = self._executors.get((executor, "sums")) or self._executor("sums", executor)
            total = run.mean(given, self._shared(parameters))
        else:
            total = self._total(given, parameters, executor, threads)
            total /= len(given)
        return float(total[0]), total[1:]

    def chunk_sums(
        self,
        points: Any,
        parameters: Parameters = None,
        executor: str | None = None,
        threads: int = 1,
    ) -> Iterator[Floats]:
        """For each 1,024 points, the sums of the output and of its gradient:
        what `sum_and_grad` adds from first to last.
        """
        return self._executor("sums", executor).sums(
            self._points(points), self._shared(parameters), threads
        )

    def executor(self, executor: str | None = None) -> str:
        """The executor that runs this tape, in its latest use (outputs, sums or gradients), and
        why, when it is not the machine.
        """
        tasks = [task for name, task in [*self._executors] if name == executor]
        return self._executor(tasks[-1] if tasks else "values", executor).name

    def source(self) -> str:
        """The tape as straight-line Python in functions of the table;
        running that text gives the same bits.
        """
        return source(self._contents(()))

    def to_c(self, name: str = "tape") -> CCode:
        """The tape as C11, `name`.h and `name`.c, which need no library but that of mathematics:
        `.header` and `.source` are the texts, `.write(folder)` makes the files.

        The function `name` gives the outputs for one point. A tape with a gradient has two more:
        `name`_gradient gives the output and its derivatives in inputs and parameters, and
        `name`_sum adds up the output and its derivatives in the parameters over points, as
        `sum_and_grad` does. They give the bits of the tape where the compiler keeps to the standard
        (-ffp-contract=off, no -ffast-math). Raises ValueError for a name that no function can have,
        and for a tape with custom rows.
        """
        return c_code(name, self._exported(), self.names)

    def to_wasm(self) -> bytes:
        """The tape as a module of WebAssembly, made by LLVM (extra `fast`).

        It imports the functions that it calls from `math`, under their names in C:
        `WebAssembly.instantiate(bytes, {math: Math})` brings those that JavaScript has, which are
        all but exp2, fmod, erf and erfc. It exports `memory`; `heap`, the address from which on the
        memory is its user's; and functions that take a count of points, the addresses of the points
        and the parameters, and that of what they write, all of it doubles. `values` writes the
        outputs of each point. Of a tape with a gradient, `gradients` writes for each point the
        output and its derivatives in inputs and parameters, and `sum` the sums over the points of
        the output and its derivatives in the parameters, as `sum_and_grad` gives them.

        + − × ÷ and √ have the tape's bits, functions the bits of the browser. Raises ValueError for
        a tape with custom rows, ImportError without llvmlite.
        """
        if find_spec("llvmlite") is None:
            raise ImportError("WebAssembly is made by llvmlite: pip install 'micrograd-plus[fast]'")
        from .wasm import tape_module

        return tape_module([lowered_for(p, "WebAssembly") for p in self._exported()])

    def _exported(self) -> list[FlatProgram]:
        """What gives the outputs and, with a gradient, all, and what is summed over points."""
        values = self.program_for("values")
        return [values, self.program, self.program_for("sums")] if self.gradient else [values]

    def to_json(self) -> str:
        """The tape as JSON, with the present data of its parameters; `from_json` reads it."""
        return to_json(self._contents(self._shared(None).tolist()))

    @classmethod
    def from_json(cls, text: str | bytes) -> Tape:
        """The tape that `to_json` wrote; ValueError, saying what is wrong, for any other text. No
        custom row is loaded: one that the tape uses must be defined before.
        """
        return cls.from_contents(from_json(text))

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, tuple(self._contents(tuple(self._shared(None).tolist())))

    def __copy__(self) -> Tape:
        return self._with(self.parameters)

    def __deepcopy__(self, memo: dict[int, Any]) -> Tape:
        return self._with(deepcopy(self.parameters, memo))

    def _with(self, parameters: Sequence[Any]) -> Tape:
        return Tape(
            self.programs, self.form, self.names, parameters, self.gradient, self.point_form
        )

    def _contents(self, parameters: Sequence[Any]) -> Contents:
        return Contents(
            self.program,
            self.form,
            tuple(self.names),
            parameters,
            self.gradient,
            self.labels,
            self.adjoint_of,
            self.point_form,
        )

    def __len__(self) -> int:
        return len(self.program)

    def __repr__(self) -> str:
        program = self.program
        return (
            f"<Tape: {program.inputs} inputs, {program.parameters} parameters, {len(program)} "
            "instructions, "
            f"{self._width} output(s){' with gradient' if self.gradient else ''}>"
        )

    def _mean_of_arrays(self, points: Floats, parameters: Floats, executor: str | None) -> Any:
        """The means over a chunk of points, where the executor itself sees whether these are arrays
        as they should be; None where it does not, or they are not.
        """
        run = self._executors.get((executor, "sums"))
        if run is None or not run.checks_arrays:
            return None
        try:
            return run.mean(points, parameters) if 0 < len(points) <= CHUNK else None
        except (TypeError, ValueError, BufferError):
            return None

    def _total(
        self, points: Floats, parameters: Parameters, executor: str | None, threads: int
    ) -> Floats:
        run = self._executors.get((executor, "sums")) or self._executor("sums", executor)
        shared = self._shared(parameters)
        if not len(points):
            return np.zeros(1 + self.programs.parameters)
        if len(points) <= CHUNK:
            return run.sum(points, shared)
        sums = run.sums(points, shared, threads)
        total = next(sums)
        with np.errstate(all="ignore"):  # inf and nan are numbers like others
            for of_chunk in sums:
                total += of_chunk
        return total

    def _caller(self, name: str | None) -> Callable[..., Tree]:
        """What an executor has for a point of floats, if it has something."""
        run = self._executor("values", name)
        is_settled = run.settled()
        made = None if self.programs.parameters else run.caller(self.form)
        if is_settled:
            self._callers[name] = made or _declined
        return made or _declined

    def _executor(self, task: str, name: str | None) -> Executor:
        found = self._executors.get((name, task))
        if found is None:
            made = executor_for(self.program_for(task), name)
            # one for all threads that come at once
            found = self._executors.setdefault((name, task), made)
        return found

    def program_for(self, task: str) -> FlatProgram:
        """The part of the program that gives the "values", the "sums" of output and gradient, or
        what `gradients_of` says.

        Raises ValueError when there is no gradient.
        """
        if task != "values" and not self.gradient:
            raise ValueError(
                "only a tape with one number for output has a gradient: record the function's "
                "jacobian, "
                "or a value_and_grad, and read them as outputs"
            )
        return self.programs.for_task(task)

    def _single(self, point: tuple[Tree, ...]) -> tuple[float, ...]:
        found = self._by_keys(point) if has_dict(point) else leaves_of(point)
        numbers = tuple([ops.as_float(x, "a tape") for x in found])
        if len(numbers) != self._inputs:
            raise ValueError(f"{self!r} takes {self._inputs} numbers, but got {len(numbers)}")
        return numbers

    def _by_keys(self, point: tuple[Tree, ...]) -> list[Any]:
        """The numbers of a point in which there are dicts: one of all inputs by their names, or
        some in the form of the function's arguments.
        """
        given = point[0]
        alone = len(point) == 1 and isinstance(given, dict) and len(given) == len(self.names)
        if alone and given.keys() == set(self.names):
            return leaves_of([given[name] for name in self.names])
        return matching(listed(self.point_form), listed(point), "point")

    def _points(self, points: Any) -> Floats:
        array = _floats(points, "the points")
        if array.ndim != 2 or array.shape[1] != self._inputs:
            raise ValueError(
                f"{self!r} takes points of {self._inputs} numbers, an array of shape "
                f"(points, {self._inputs}), not {array.shape}"
            )
        return array

    def _shared(self, parameters: Parameters) -> Floats:
        if type(parameters) is not np.ndarray:
            if parameters is None and not self.programs.parameters:
                return _NOTHING
            parameters = _numbers_of(self.parameters if parameters is None else parameters)
        array = _floats(parameters, "the parameters")
        if array.shape != (self.programs.parameters,):
            raise ValueError(
                f"{self!r} takes parameters of shape ({self.programs.parameters},), not "
                f"{array.shape}"
            )
        return array


def gradients_of(of: str) -> str:
    """The task of giving gradients in the "inputs" or the "parameters"; ValueError for anything
    else.
    """
    if of not in ("inputs", "parameters"):
        raise ValueError(
            f'a gradient is with respect to the "inputs" or the "parameters", not {of!r}'
        )
    return f"gradients of {of}"


def _declined(*_: Tree) -> Any:
    return NotImplemented


def _restored(program: FlatProgram, *others: Any) -> Tape:
    return Tape.from_contents(Contents(program.validated(), *others))


def _numbers_of(parameters: Parameters) -> Any:
    """The present data of a Module or of Values, anything else as it is."""
    if hasattr(parameters, "parameters"):
        parameters = parameters.parameters()
    if isinstance(parameters, (list, tuple)) and any(isinstance(p, Value) for p in parameters):
        checks.require_untraced(
            "the data of the parameters of a tape", parameters, "record both functions as one"
        )
        return _data_of(parameters)
    return parameters


def _data_of(parameters: Sequence[Any]) -> Any:
    """The present data of Values, among which numbers may be."""
    found = np.empty(len(parameters))
    try:
        read_data(parameters, found)
    except (AttributeError, TypeError):
        return [p._primal if isinstance(p, Value) else p for p in parameters]  # noqa: SLF001
    return found


def values_of(parameters: Parameters) -> list[Value]:
    """The parameters of a Module, or the Values that are given."""
    return list(parameters.parameters() if hasattr(parameters, "parameters") else parameters)


def _floats(numbers: Any, what: str) -> Floats:
    if type(numbers) is np.ndarray and numbers.dtype == _FLOAT64:  # a pickle's is not the same
        flags = numbers.flags
        if flags.c_contiguous and flags.aligned:
            return numbers
    return np.require(real_array(numbers, what), np.float64, ("C", "A"))
