"""A tape in writing: as straight-line Python to read and to run, and as JSON to keep and to send.

Nothing of what a JSON text says is believed before it is checked; labels reach the Python text only as identifiers.
"""

from __future__ import annotations

import json
import keyword
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import count
from typing import Any, NamedTuple

import numpy as np

from ..ops import TABLE, Primitive
from .program import MOST, FlatProgram, Integers

FORMAT, VERSION = "micrograd_plus tape", 1
_RESERVED = ("parameters", "tape", "inf", "nan", "primitive", "__debug__")  # names that mean something in such a text
_LONGEST, _DEEPEST = 40, 100  # letters of a name; lists in lists
_TOO_DEEP = "a tape is not nested that deeply"
_INFIX = {"add": "+", "sub": "-", "mul": "*"}
Form = Any  # 0.0 for a number, or a list or tuple of forms


class Contents(NamedTuple):
    """All that a tape consists of."""

    program: FlatProgram
    form: Form
    names: tuple[str, ...]
    parameters: Sequence[Any]  # Values, or numbers
    gradient: bool
    labels: Mapping[int, str]
    adjoint_of: Mapping[int, int]


# Python. --------------------------------------------------------------------------------------------------------------
def source(tape: Contents) -> str:
    """A function `tape` of the inputs, and of the parameters if there are any; it gives what the tape's form says.

    With a gradient it gives three things: that, the derivatives in the inputs, and those in the parameters.
    """
    program, rows, operands = tape.program, tape.program.rows(), tape.program.operands_of()
    used = {row.name for row in rows if row.name not in ("add", "sub", "mul", "neg")}
    shared = program.inputs + program.parameters
    width = len(program.outputs) - tape.gradient * shared
    forward = (program.reduced(program.outputs[:width])[1] >= 0).tolist()
    names = _names(tape, used, forward)
    for i, number in enumerate(program.constants.tolist()):
        names[shared + i] = repr(number)
    lines: tuple[list[str], list[str]] = [], []
    for i, (row, of_row) in enumerate(zip(rows, operands)):
        register = program.first + i
        lines[not forward[register]].append(f"    {names[register]} = {_expression(row, [names[o] for o in of_row])}")
    given = [names[register] for register in program.outputs.tolist()]
    result = _written(tape.form, iter(given))
    if tape.gradient:
        result += f", {_tuple(given[1:1 + program.inputs])}, {_tuple(given[1 + program.inputs:])}"
    built_in = sorted(name for name in used if name not in TABLE or TABLE[name].code is not None)
    header = ["from math import inf, nan"] if {"inf", "nan", "-inf"} & set(names[shared:program.first]) else []
    header += [f"from micrograd_plus.ops import {', '.join(built_in)}"] if built_in else []
    custom = sorted(_names_of({row for row in rows if row.code is None}))
    header += ["from micrograd_plus.ops import primitive"] if custom else []
    header += [f"{name} = primitive({name!r})" for name in custom]
    arguments = [*names[:program.inputs], *(["parameters"] if program.parameters else [])]
    unpacked = [f"    {_tuple(names[program.inputs:shared])} = parameters"] if program.parameters else []
    backward = ["    # backward", *lines[1]] if lines[1] else []
    header += ["", ""] if header else []
    body = [*unpacked, *lines[0], *backward, f"    return {result}", ""]
    return "\n".join([*header, f"def tape({', '.join(arguments)}):", *body])


def _names(tape: Contents, used: set[str], forward: Sequence[bool]) -> list[str]:
    """What each register is called: by its label, else a letter; an adjoint by d and what it is the adjoint of."""
    program = tape.program
    shared, size = program.inputs + program.parameters, program.first + len(program)
    taken = {*used, *keyword.kwlist, *keyword.softkwlist, *_RESERVED}
    names, repeated = [""] * size, defaultdict[str, Iterator[int]](lambda: count(1))

    def name(register: int, wanted: str) -> None:
        if not names[register] and len(wanted) <= _LONGEST and wanted.isidentifier() and wanted.isascii():
            fresh = wanted
            while fresh in taken:
                fresh = f"{wanted}_{next(repeated[wanted])}"
            taken.add(fresh)
            names[register] = fresh
    for register, wanted in [*enumerate(tape.names), *tape.labels.items()]:
        if not shared <= register < program.first:  # constants go by their numbers
            name(register, wanted)
    letters = (letter for letter in _letters() if letter not in taken)
    of_output = dict(zip(program.outputs[1:].tolist(), range(shared))) if tape.gradient else {}
    adjoint_of = {r: of for r, of in {**of_output, **tape.adjoint_of}.items() if forward[of] and not forward[r]}
    for register in [*range(shared), *range(program.first, size)]:
        if not names[register] and register not in adjoint_of:
            name(register, next(letters))
    for register in range(program.first, size):
        if register in adjoint_of:
            name(register, f"d{names[adjoint_of[register]]}"[:_LONGEST])
    return names


def _letters() -> Iterator[str]:
    yield from (f"{letter}{number or ''}" for number in count() for letter in "abcdefghijklmnopqrstuvwxyz")


def _expression(row: Primitive, operands: Sequence[str]) -> str:
    if row.name in _INFIX:
        return f" {_INFIX[row.name]} ".join(operands)
    if row.name == "neg":
        return f"-{operands[0]}"
    if row.name == "dot":
        half = len(operands) // 2 + 1
        return f"dot([{', '.join(operands[1:half])}], [{', '.join(operands[half:])}], {operands[0]})"
    return f"{row.name}({', '.join(operands)})"


def _written(form: Form, names: Iterator[str]) -> str:
    if not isinstance(form, (list, tuple)):
        return next(names)
    branches = [_written(branch, names) for branch in form]
    return f"[{', '.join(branches)}]" if isinstance(form, list) else _tuple(branches)


def _tuple(names: Sequence[str]) -> str:
    return f"({', '.join(names)}{',' * (len(names) == 1)})"


# JSON. ----------------------------------------------------------------------------------------------------------------
def to_json(tape: Contents) -> str:
    """The tape as JSON: numbers with all their digits, those that JSON lacks as strings."""
    program = tape.program
    return json.dumps({
        "format": FORMAT, "version": VERSION, "names": tape.names, "parameters": [_number(x) for x in tape.parameters],
        "constants": [_number(x) for x in program.constants.tolist()], "codes": program.codes.tolist(),
        "starts": program.starts.tolist(), "operands": program.operands.tolist(), "outputs": program.outputs.tolist(),
        "custom": _names_of(program.custom), "form": _as_json(tape.form), "gradient": tape.gradient,
        "labels": [[register, label] for register, label in tape.labels.items()],
        "adjoint_of": [list(pair) for pair in tape.adjoint_of.items()]}, allow_nan=False)


def from_json(text: str | bytes) -> Contents:
    """The tape that a JSON text holds; ValueError, saying what is wrong, when it holds none that is safe to run."""
    try:
        return _contents(json.loads(text))
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None


def _contents(found: Any) -> Contents:
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise ValueError(f"this is no tape: its format is not {FORMAT!r}")
    if found.get("version") != VERSION:
        raise ValueError(f"this tape has version {_short(found.get('version'))}; this program reads version {VERSION}")
    names, parameters = _strings(found, "names"), [_float(x) for x in _list(found, "parameters")]
    codes, starts, operands, outputs = [_integers(found, part) for part in ("codes", "starts", "operands", "outputs")]
    constants = np.array([_float(x) for x in _list(found, "constants")], dtype=np.float64)
    program = FlatProgram(len(names), len(parameters), constants, codes, starts, operands, outputs,
                          _custom_rows(_strings(found, "custom"))).validated()
    form, gradient = _as_form(found.get("form")), found.get("gradient")
    if gradient not in (True, False) or (gradient and form != 0.0):
        raise ValueError("only a tape that gives one number has a gradient")
    shared = len(names) + len(parameters)
    if len(program.outputs) != _leaves(form) + bool(gradient) * shared:
        raise ValueError("a tape has as many outputs as its form, and with a gradient one for each input and parameter")
    size = program.first + len(program)
    labels, pairs = _pairs(found, "labels", str), _pairs(found, "adjoint_of", int)
    if any(not 0 <= r < size for r in (*labels, *pairs, *pairs.values())):
        raise ValueError("labels and adjoints belong to registers of the tape")
    return Contents(program, form, tuple(names), tuple(parameters), bool(gradient), labels, pairs)


def _names_of(custom: Iterable[Primitive]) -> list[str]:
    """The names of custom rows, by which they can be found again; ValueError when one was defined anew since."""
    for row in custom:
        if TABLE.get(row.name) is not row:
            raise ValueError(f"the custom row {row.name} of this tape is no longer in the table, so no text can name it")
    return [row.name for row in custom]


def _custom_rows(names: Sequence[str]) -> tuple[Primitive, ...]:
    for name in names:
        if name not in TABLE or TABLE[name].code is not None or names.count(name) > 1:
            raise ValueError(f"the table has no custom row {_short(name)}: each that a tape uses is listed once, and "
                             "must be defined before the tape is loaded")
    return tuple([TABLE[name] for name in names])


def _number(x: float) -> float | str:
    return x if math.isfinite(x) else str(x)


def _float(x: Any) -> float:
    if x in ("inf", "-inf", "nan") or type(x) is float or (type(x) is int and abs(x) <= 2**53):
        return float(x)
    raise ValueError(f"a number of a tape is a float, or inf, -inf or nan as a string, not {_short(x)}")


def _list(found: Mapping[str, Any], part: str) -> list[Any]:
    entries = found.get(part)
    if not isinstance(entries, list):
        raise ValueError(f"the {part} of a tape are a list, not {_short(entries)}")
    return entries


def _strings(found: Mapping[str, Any], part: str) -> list[str]:
    for entry in _list(found, part):
        if not isinstance(entry, str):
            raise ValueError(f"the {part} of a tape are strings, not {_short(entry)}")
    return _list(found, part)


def _integers(found: Mapping[str, Any], part: str) -> Integers:
    for entry in _list(found, part):
        if type(entry) is not int or not -MOST <= entry <= MOST:
            raise ValueError(f"the {part} of a tape are integers of 32 bits, not {_short(entry)}")
    return np.array(_list(found, part), dtype=np.int32)


def _pairs(found: Mapping[str, Any], part: str, kind: type) -> dict[int, Any]:
    for pair in _list(found, part):
        if not isinstance(pair, list) or len(pair) != 2 or type(pair[0]) is not int or type(pair[1]) is not kind:
            raise ValueError(f"the {part} of a tape are pairs of a register and a {kind.__name__}, not {_short(pair)}")
    return dict(_list(found, part))


def _as_json(form: Form) -> Any:
    if isinstance(form, tuple):
        return {"tuple": [_as_json(branch) for branch in form]}
    return [_as_json(branch) for branch in form] if isinstance(form, list) else 0


def _as_form(found: Any, depth: int = 0) -> Form:
    if depth > _DEEPEST:
        raise ValueError(_TOO_DEEP)
    if isinstance(found, list):
        return [_as_form(branch, depth + 1) for branch in found]
    if isinstance(found, dict) and list(found) == ["tuple"] and isinstance(found["tuple"], list):
        return tuple([_as_form(branch, depth + 1) for branch in found["tuple"]])
    if type(found) is int and found == 0:
        return 0.0
    raise ValueError(f"the form of a tape is 0, a list or {{'tuple': a list}}, not {_short(found)}")


def _leaves(form: Form) -> int:
    return sum(map(_leaves, form)) if isinstance(form, (list, tuple)) else 1


def _short(x: Any) -> str:
    text = repr(x)
    return text if len(text) <= 60 else text[:57] + "..."
