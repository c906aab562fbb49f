"""From a Python function to its tape: trace it once on Values,
then compare the tape with it at another point.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from types import FunctionType, MethodType
from typing import Any

import numpy as np

from .. import heart, modes
from ..advice import PICK
from ..autodiff import swept
from ..engine import Value, adjoints, between, leaves_below, nodes_below, read_data
from ..tracing import tracing
from ..trees import Tree, branches_of, builder_of, leaves_of, listed
from .executors.python import evaluated
from .indices import indices_in
from .linearisation import snapshot_of
from .program import FlatProgram, Floats
from .tape import Parameters, Tape, values_of


def record(
    f: Callable[..., Tree], *point: Tree, parameters: Parameters = (), check: bool = True
) -> Tape:
    """Record `f`, a function of numbers, or of lists, tuples, dicts and arrays of them, as a tape.

    `point` gives its arguments their form, and numbers at which it is traced; the function gives
    numbers in a form of its own, and so does the tape. `parameters` are
    Values that the function refers to and all points share, or a Module that has them; a tape reads
    their data when it runs. When the function gives one number, the tape also has its gradient.
    With `check`, the tape is compared with the function itself at a second point. Raises TypeError,
    naming the line, when a Value decides what happens in Python (`if`, `while`, `float`, sort), and
    ValueError when the comparison fails, or when `f` refers to a Value that is not among the
    parameters.
    """
    shared = values_of(parameters)
    named = zip(leaves_of(point), _names(f, point), strict=True)
    leaves = [Value(x, label=name) for x, name in named]
    in_form = builder_of(point)

    def called_with(numbers: list[Value]) -> Tree:
        return f(*in_form(numbers))

    varied = tuple(leaves) + tuple(shared)
    with tracing(varied), _told_of_indices():
        out = called_with(leaves)
    tape = Tape.of_varied(out, varied, len(leaves), shared)
    tape.point_form = in_form([0.0] * len(leaves))
    if check:
        # whatever goes on around the recording
        with modes.switched(recording=True, anomaly=False, tracing=None):
            _check(called_with, point, tape, out, varied)
    return tape


@contextmanager
def _told_of_indices() -> Iterator[None]:
    """Within it, an error of a dict or of NumPy that a Value is no key and no index is told what to
    write instead.
    """
    try:
        yield
    except (IndexError, KeyError) as error:
        is_key = any(isinstance(thing, Value) for thing in error.args)
        if is_key or str(error).startswith("only integers"):
            error.add_note(f"An input of a tape is no key and no index: {PICK}.")
        raise


def _names(f: Callable[..., Tree], point: Sequence[Tree]) -> list[str]:
    """A name for each number of the arguments: that of the function's parameter,
    with indices in a list or array, and keys in a dict.
    """
    named, others = _parameters_of(f)
    found = []
    for argument, name in zip(point, named):
        found += _names_below(listed(argument), name)
    return found + _names_below(listed(tuple(point[len(named) :])), others)


def _parameters_of(f: Callable[..., Tree]) -> tuple[Sequence[str], str]:
    """The names of the positional parameters of a function, and that of all others."""
    is_bound = isinstance(f, MethodType)
    function = f.__func__ if isinstance(f, MethodType) else f
    if type(function) is FunctionType and not function.__dict__:  # which tells of another signature
        code = function.__code__
        first = code.co_argcount + code.co_kwonlyargcount
        takes_others = code.co_flags & inspect.CO_VARARGS
        others = code.co_varnames[first] if takes_others else "x"
        return code.co_varnames[is_bound : code.co_argcount], others
    try:
        arguments = list(inspect.signature(f).parameters.values())
    except (TypeError, ValueError):  # some built-in functions do not tell
        arguments = []
    named = [a.name for a in arguments if a.kind in (a.POSITIONAL_ONLY, a.POSITIONAL_OR_KEYWORD)]
    return named, next((a.name for a in arguments if a.kind is a.VAR_POSITIONAL), "x")


def _names_below(tree: Tree, name: str) -> list[str]:
    """A name for each leaf of a tree of this name."""
    branches = branches_of(tree)
    if branches is None:
        return [name]
    if isinstance(tree, dict):
        names = [_joined(name, str(key)) for key in tree]
    else:
        before = _joined(name, "0")[:-1]
        names = [f"{before}{place}" for place in range(len(tree))]
    if not any(isinstance(branch, (list, tuple, dict)) for branch in branches):
        return names
    return [leaf for each, branch in zip(names, branches) for leaf in _names_below(branch, each)]


def _joined(name: str, key: str) -> str:
    """The name of what stands in something under a key."""
    apart = not key.isdigit() or name[-1:].isdigit()
    return f"{name}_{key}" if apart else f"{name}{key}"


def _check(
    called_with: Callable[[list[Value]], Tree],
    point: Tree,
    tape: Tape,
    traced: Tree,
    varied: tuple[Value, ...],
) -> None:
    """Raise ValueError unless the tape and the function agree at a second point.

    They do when the function builds the same graph there, and it gives what that gives: so is the
    gradient that of the graph. Else all numbers are compared, which agree to the last bit, but for
    derivatives of derivatives, which may add in another order where gates route.
    """
    there = _second_point(point, _inputs_of_indices(tape, traced, varied[: tape.programs.inputs]))
    leaves = [Value(x) for x in there]
    again = called_with(leaves)
    given, width = leaves_of(again), len(leaves_of(tape.form))
    if len(given) != width:
        raise ValueError(
            f"the function gave {width} numbers and then {len(given)}: a tape gives as many each "
            "time"
        )
    varied_now = tuple(leaves) + varied[len(leaves) :]
    numbers = _numbers_of(varied_now)
    numbers[: len(there)] = there  # the function may have edited the data of the leaves
    snapshot = snapshot_of(given, varied_now, tape.gradient)
    of_graph = tape.programs.outputs_if_of(snapshot, numbers)
    is_same = of_graph is not None and _are_same(_data_of(given), of_graph)
    if is_same and tape.programs.is_of_varied_alone:
        return
    _require_named(leaves_of(traced), given, varied, varied_now)
    if not is_same:
        _require_same_numbers(tape, again, numbers, varied_now)


def _require_same_numbers(
    tape: Tape, again: Tree, numbers: Floats, varied: Sequence[Value]
) -> None:
    """Raise ValueError unless the tape gives what the function has given at a point, and the
    gradient.
    """
    given, width = leaves_of(again), len(leaves_of(tape.form))
    there = numbers[: tape.programs.inputs].tolist()
    of_tape = _evaluated(tape.program, numbers)
    found = _data_of(given)
    if tape.gradient and isinstance(again, Value):
        found = np.append(found, _gradient(again, varied))
    if _are_same(found, of_tape[: len(found)]):
        return
    size = max([abs(x) for x in found.tolist() if math.isfinite(x)], default=0.0)
    for i, (x, y) in enumerate(zip(found.tolist(), of_tape.tolist())):
        if not (math.isclose(x, y, rel_tol=1e-9, abs_tol=1e-12 * size) or (x != x and y != y)):
            raise ValueError(
                f"at {there} the function gives {x!r} for {_meaning(i, width)}, its tape {y!r}: "
                "what it does must depend on its arguments and parameters alone, neither on chance "
                "nor on anything it changes"
            )


def _numbers_of(leaves: Sequence[Value]) -> Floats:
    """The present data of leaves."""
    found = np.empty(len(leaves))
    read_data(leaves, found)
    return found


def _data_of(numbers: Sequence[Any]) -> Floats:
    """The data of Values, among which numbers may be."""
    return np.array([x.data if isinstance(x, Value) else x for x in numbers], dtype=np.float64)


def _are_same(x: Floats, y: Floats) -> bool:
    return x.tobytes() == y.tobytes() or np.array_equal(x, y, equal_nan=True)


def _evaluated(program: FlatProgram, numbers: Floats) -> Floats:
    """What a program gives for its inputs and parameters, row by row: nothing is made ready to run
    it often.
    """
    library = heart.library()
    if library is not None:
        return np.frombuffer(library.evaluated(program.parts(), program.outputs, numbers))
    return np.array(evaluated(program, numbers.tolist()), dtype=np.float64)


def _gradient(out: Value, leaves: Sequence[Value]) -> Floats:
    """The derivatives of a number in different leaves."""
    library = heart.library()
    found = None if library is None else library.gradient(out, leaves)
    if found is not None:
        return np.frombuffer(found)
    derivatives = swept(adjoints, between([out], leaves), {out: 1.0}, False, leaves)
    return np.array(derivatives, dtype=np.float64)


def _meaning(place: int, width: int) -> str:
    """What a number is that a tape of so many outputs gives, the gradient after them."""
    if place < width:
        return f"output {place}"
    return f"the derivative in input or parameter {place - width}"


def _second_point(point: Tree, fixed: Collection[int]) -> list[float]:
    """The numbers of a point nearby, but for those that are fixed."""
    return [
        # a share of the step, without a pattern
        x if i in fixed else x + (0.1 + 0.1 * abs(x)) * (0.5 + i * 0.618034 % 1.0)
        for i, x in enumerate(leaves_of(point))
    ]


def _require_named(
    before: Sequence[Any], now: Sequence[Any], varied: Sequence[Value], varied_now: Sequence[Value]
) -> None:
    """Raise ValueError when both calls of a function refer to a leaf that is neither an input nor
    a parameter.
    """
    known = set(leaves_below(_nodes(before), varied))
    if not known:
        return
    for v in leaves_below(_nodes(now), varied_now):
        if v in known:
            raise ValueError(
                f"the function refers to {v!r}, which the tape would hold fast at {v.data!r}: give "
                "it among the parameters, or, if it is a constant, use its .data"
            )


def _inputs_of_indices(tape: Tape, traced: Tree, inputs: Sequence[Value]) -> set[int]:
    """The places of the inputs that an index depends on: nearby it would be none."""
    if not any("index" in row.roles for row in tape.programs.rows()):
        return set()
    below = set(nodes_below(*indices_in(*_nodes(leaves_of(traced)))))
    return {i for i, v in enumerate(inputs) if v in below}


def _nodes(numbers: Sequence[Any]) -> list[Value]:
    return [number for number in numbers if isinstance(number, Value)]
