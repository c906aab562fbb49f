"""The heart in C, which takes the place of what engine.py has where it was built: nodes, recording,
order and sweeps.

It knows no calculus. What a row computes and what its slopes are, `programs` traces from the table;
what is refused, and how it is said, the functions of engine.py go on to say.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from operator import attrgetter
from types import MethodType
from typing import Any

from .. import modes
from ..ops import TABLE, Primitive, where
from ..ops.operators import BINARY, EQUALITY, UNARY
from . import programs
from .sources import digest

VARIABLE = "MICROGRAD_PLUS_ENGINE"
# of engine.py: what C has under the same names
FUNCTIONS = (
    *("record", "nodes_below", "leaves_below", "between", "adjoints", "tangents"),
    *("are_leaves", "read_data", "read_gradients", "write_data"),
    *("_node", "_tick", "_commit", "_end_pass", "_add", "_has_attributes"),
)
# of Value: what C has itself, or makes by itself
OWN = {
    *("__dict__", "__weakref__", "__slots__", "__init__", "__hash__", "__module__"),
    *("data", "grad", "label", "operands", "primitive", "_clock", "_gradient", "_primal"),
    *("_left", "_operands", "_right"),
}
_running: Any = None  # the library, where the engine in C runs
RECORD, BACKWARD, FORWARD = range(3)  # what a method does, as C counts


def is_chosen() -> bool:
    """Whether the engine in C is to run.

    Raises ImportError when it was asked for and is not there, or was built from other sources.
    """
    chosen = os.environ.get(VARIABLE, "")
    if chosen not in ("", "c", "python"):
        raise ImportError(f"{VARIABLE} is c or python, not {chosen!r}")
    if chosen == "python":
        return False
    library = _library()
    if library is None:
        if chosen == "c":
            raise ImportError(
                f"{VARIABLE} asks for the engine in C, which was not built when micrograd_plus was "
                "installed: install it again where there is a C compiler, with "
                "MICROGRAD_PLUS_BUILD=require to be told what fails"
            )
        return False
    if digest() != library.SOURCE:
        raise ImportError(
            "the engine in C was built from other sources than those beside it: install "
            f"micrograd_plus again, or set {VARIABLE}=python"
        )
    return True


def library() -> Any:
    """The library in C where the engine in C runs, else None."""
    return _running


def _library() -> Any:
    try:
        return import_module("._heart", __name__)
    except ModuleNotFoundError:
        return None


def runs(inputs: int, parameters: int, operations: Sequence[str], *arrays: Any) -> Any:
    """A lowered flat program in C, ready to run: its operations by their names, then its constants,
    codes, starts, operands and outputs.

    Raises ImportError where the heart in C does not run, and NotImplementedError when it lacks an
    operation.
    """
    return _present().runs(inputs, parameters, programs.places_of(operations), *arrays)


def rolled(inputs: int, parameters: int, operations: Sequence[str], *arrays: Any) -> Any:
    """The same program rolled up into nests of loops, in words; after the arrays comes the most of
    them, and None is what has more. Raises as `runs` does.
    """
    return _present().rolled(inputs, parameters, programs.places_of(operations), *arrays)


def _present() -> Any:
    """The library in C; ImportError where it does not run."""
    found = library()
    if found is None:
        raise ImportError(
            "the engine in C does not run here: it was not built when micrograd_plus was "
            f"installed, or {VARIABLE} is python"
        )
    return found


def over_columns(formula: Callable[..., Sequence[Any]], numbers: int, columns: int) -> Any:
    """A formula carried out in C for whole columns at once, or None where the heart does not run.

    It is a function of so many numbers, which stand for a column each, and so many columns: it is
    traced once. What comes back is called with numbers, columns, and columns for what the formula
    gives, which it fills. It tells whether all that it put there is finite; or None, and does
    nothing, unless they all are contiguous arrays of float64 of one length.
    """
    found = library()
    if found is None:
        return None
    return found.over_columns(programs.of_formula(formula, numbers + columns), numbers, columns)


def in_place_of(engine: Mapping[str, Any]) -> dict[str, Any]:
    """The names of engine.py with their meanings in C; `engine` is what they mean in Python."""
    global _running  # noqa: PLW0603  # said once, when the engine is imported
    library = _running = _library()
    programs.know(library.OPERATIONS)
    pure, value = engine["Value"], library.Value
    _install(library, engine)
    for name, member in vars(pure).items():
        if name not in OWN | set(_operators()):
            setattr(value, name, _member(library, name, member))
    value.__module__ = pure.__module__
    modes.presence = library.presence
    gc.callbacks.append(library.collected)
    names = {name: getattr(library, name) for name in FUNCTIONS}
    for function in names.values():
        function.__module__ = pure.__module__  # pickles name it so
    names["_recorded"] = lambda row, operands, *_: library.record(row, operands)
    names["_recorded_pair"] = lambda row, x, y, *_: library.record(row, (x, y))
    names["_operands_of"] = attrgetter("operands")
    value._operands = ()  # noqa: SLF001  # what the sweep in Python asks: no node has two beside it
    return {**names, "Value": value, "_engine": "c"}


def _operators() -> dict[str, Primitive]:
    """The row of each method of an operator that C has."""
    of_two = [(name, row) for left, right, row in BINARY.values() for name in (left, right)]
    return dict([*of_two, *UNARY.values(), *EQUALITY.values()])


def _install(library: Any, engine: Mapping[str, Any]) -> None:
    pure = engine["Value"]
    rows = _operators()
    library.install(
        rows,
        {name: vars(pure)[name] for name in rows},
        {name: pure.__dict__[name].__doc__ for name in ("data", "grad")},
        describe=programs.describe,
        program=programs.program,
        mode=modes.mode.get,
        default_mode=modes.DEFAULT,
        in_mode=engine["_in_mode"],
        as_float=engine["as_float"],
        get_data=pure.data.fget,
        set_data=pure.data.fset,
        init=pure.__init__,
        bound=MethodType,
        refuse=lambda function: engine["_Method"](function).__set__(None, None),
        local_gradients=engine["local_gradients"],
        nodes_below=engine["nodes_below"],
        between=engine["between"],
        adjoints=engine["adjoints"],
        tangents=engine["tangents"],
        select=where,
        leaves_below=engine["leaves_below"],
    )


def _member(library: Any, name: str, member: Any) -> Any:
    """What stands in the type for a member of the class: a method of C's where it has one."""
    if name == "__primitive__":
        return staticmethod(library.record)
    kinds = {"backward": BACKWARD, "forward": FORWARD}
    if name in kinds:
        return library.method(member.function, kinds[name], None)
    row = TABLE.get(getattr(getattr(member, "function", None), "__name__", ""))
    if row is None or row.arity != 1:
        return member
    return library.method(member.function, RECORD, row)
