"""A tape as JSON, to keep and to send: version 2 names its rows, version 1 numbered them and is
read for ever.

Nothing of what a text says is believed before it is checked.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

import numpy as np

from ..ops import BUILT_IN, TABLE, Primitive
from ..support.strict_json import (
    exact,
    integers,
    is_exact,
    list_of,
    parsed,
    require_format,
    shown,
    strings,
)
from ..trees import branches_of, is_array
from .contents import Contents, Form, key_of
from .program import FlatProgram, Integers
from .source import names_of

FORMAT, VERSION = "micrograd_plus tape", 2
_ARRAYS = ("codes", "starts", "operands", "outputs")  # of integers
_DEEPEST = 100  # lists in lists
_MOST_AXES, _LARGEST = 32, 2**31  # of arrays, the empty ones as if they were not
_WHOLE = "a tape"  # what the entries are of
_TOO_DEEP = "a tape is not nested that deeply"
# The rows that version 1 numbered from 1 on. This list never changes, whatever becomes of the
# table.
NUMBERED = (
    "add",
    "sub",
    "mul",
    "div",
    "identity",
    "neg",
    "sum",
    "dot",
    "less",
    "less_equal",
    "equal",
    "sign",
    "step",
    "where",
    "maximum",
    "minimum",
    "relu",
    "hard_tanh",
    "leaky_relu",
    "abs",
    "pow",
    "sqrt",
    "cbrt",
    "hypot",
    "exp",
    "exp2",
    "expm1",
    "log",
    "log2",
    "log10",
    "log1p",
    "logsumexp",
    "sin",
    "cos",
    "tan",
    "semicircle",
    "asin",
    "acos",
    "atan",
    "atan2",
    "sinh",
    "cosh",
    "sech2",
    "tanh",
    "asinh",
    "acosh",
    "atanh",
    "sigmoid",
    "softplus",
    "silu",
    "erf",
    "erfc",
    "not_equal",
)


def to_json(tape: Contents) -> str:
    """The tape as JSON: numbers with all their digits, those that JSON lacks as strings."""
    program = tape.program
    entries: dict[str, Any] = {"format": FORMAT, "version": VERSION, "names": tape.names}
    entries["parameters"] = [exact(x) for x in tape.parameters]
    entries["constants"] = [exact(x) for x in program.constants.tolist()]
    entries["rows"] = names_of(program.table)
    for part in _ARRAYS:
        entries[part] = getattr(program, part).tolist()
    entries["form"] = _as_json(tape.form)
    if tape.point_form is not None:
        entries["point"] = _as_json(tape.point_form)
    entries["gradient"] = tape.gradient
    entries["labels"] = [list(pair) for pair in tape.labels.items()]
    entries["adjoint_of"] = [list(pair) for pair in tape.adjoint_of.items()]
    return json.dumps(entries, allow_nan=False)


def from_json(text: str | bytes) -> Contents:
    """The tape that a JSON text holds; ValueError, saying what is wrong,
    when it holds none that is safe to run.
    """
    if isinstance(text, (bytes, bytearray)):
        text = text.decode(json.detect_encoding(text), "surrogatepass")
    return _contents(parsed(text, _TOO_DEEP))


def _contents(found: Any) -> Contents:
    require_format(found, FORMAT, "this is no tape")
    version = found.get("version")
    if type(version) is not int or not 1 <= version <= VERSION:
        raise ValueError(
            f"this tape has version {shown(version)}; this program reads versions 1 to {VERSION}"
        )
    names = strings(found, "names", _WHOLE)
    parameters = [_float(x) for x in list_of(found, "parameters", _WHOLE)]
    codes, starts, operands, outputs = [
        np.array(integers(found, part, _WHOLE, bits=32), dtype=np.int32) for part in _ARRAYS
    ]
    constants = [_float(x) for x in list_of(found, "constants", _WHOLE)]
    if version == 1:
        codes, table = _numbered_rows(found, codes)
    else:
        table = _rows_called(strings(found, "rows", _WHOLE))
    program = FlatProgram(
        len(names),
        len(parameters),
        np.array(constants, dtype=np.float64),
        codes,
        starts,
        operands,
        outputs,
        table,
    ).validated()
    form, gradient = _as_form(found.get("form")), found.get("gradient")
    if gradient not in (True, False) or (gradient and type(form) is not float):
        raise ValueError("only a tape that gives one number has a gradient")
    shared = len(names) + len(parameters)
    if len(program.outputs) != _leaves(form) + bool(gradient) * shared:
        raise ValueError(
            "a tape has as many outputs as its form, and with a gradient one for each input and "
            "parameter"
        )
    point_form = _as_form(found["point"]) if "point" in found else None
    if point_form is not None and _leaves(point_form) != len(names):
        raise ValueError("a tape has as many inputs as the form of its point")
    size = program.first + len(program)
    labels, pairs = _pairs(found, "labels", str), _pairs(found, "adjoint_of", int)
    if any(not 0 <= r < size for r in (*labels, *pairs, *pairs.values())):
        raise ValueError("labels and adjoints belong to registers of the tape")
    return Contents(
        program, form, tuple(names), tuple(parameters), bool(gradient), labels, pairs, point_form
    )


def _rows_called(names: Sequence[str]) -> tuple[Primitive, ...]:
    for name in names:
        if name not in TABLE or names.count(name) > 1:
            raise ValueError(
                f"the table has no row {shown(name)}, or it is listed twice: each row that a tape "
                "uses "
                "is listed once, and one of your own must be defined before the tape is loaded"
            )
    return tuple([TABLE[name] for name in names])


def _numbered_rows(
    found: Mapping[str, Any], codes: Integers
) -> tuple[Integers, tuple[Primitive, ...]]:
    """The rows of a text of version 1, which numbers them:
    from 1 on those of `NUMBERED`, from -1 down the custom ones.
    """
    custom = strings(found, "custom", _WHOLE)
    for code in set(codes.tolist()):
        if not (1 <= code <= len(NUMBERED) or -len(custom) <= code < 0):
            raise ValueError(f"the table has no row of code {code}")
    taken = [name for name in custom if name in BUILT_IN]
    if taken:
        raise ValueError(f"{shown(taken[0])} is no custom row")
    rows = _rows_called([*NUMBERED, *custom])
    return np.where(codes > 0, codes - 1, len(NUMBERED) - 1 - codes).astype(np.int32), rows


def _float(x: Any) -> float:
    if is_exact(x) or x in ("inf", "-inf", "nan"):
        return float(x)
    raise ValueError(
        f"a number of a tape is a float, or inf, -inf or nan as a string, not {shown(x)}"
    )


def _pairs(found: Mapping[str, Any], part: str, kind: type) -> dict[int, Any]:
    for pair in list_of(found, part, _WHOLE):
        if (
            not isinstance(pair, list)
            or len(pair) != 2
            or type(pair[0]) is not int
            or type(pair[1]) is not kind
        ):
            raise ValueError(
                f"the {part} of a tape are pairs of a register and a {kind.__name__}, not "
                f"{shown(pair)}"
            )
    return dict(list_of(found, part, _WHOLE))


def _as_json(form: Form) -> Any:
    if is_array(form):
        return {"array": list(form.shape)}
    branches = branches_of(form)
    if branches is None:
        return 0
    found = [_as_json(branch) for branch in branches]
    if isinstance(form, dict):
        return {"dict": [[key_of(key), branch] for key, branch in zip(form, found)]}
    return found if isinstance(form, list) else {"tuple": found}


def _as_form(found: Any, depth: int = 0) -> Form:
    if depth > _DEEPEST:
        raise ValueError(_TOO_DEEP)
    if type(found) is int and found == 0:
        return 0.0
    if isinstance(found, list):
        return [_as_form(branch, depth + 1) for branch in found]
    kind, parts = next(iter(found.items())) if _has_one_list(found) else ("", [])
    if kind == "tuple":
        return tuple([_as_form(branch, depth + 1) for branch in parts])
    if kind == "dict" and all(map(_is_entry, parts)) and len(dict(parts)) == len(parts):
        return {key: _as_form(branch, depth + 1) for key, branch in parts}
    if kind == "array" and _is_shape(parts):
        return np.broadcast_to(0.0, parts)  # takes no room, whatever the shape
    raise ValueError(
        "the form of a tape is 0, a list, {'tuple': a list}, {'dict': pairs of a key and a form} "
        f"or {{'array': its shape}}, not {shown(found)}"
    )


def _has_one_list(found: Any) -> bool:
    return isinstance(found, dict) and [*map(type, found.values())] == [list]


def _is_entry(pair: Any) -> bool:
    """Whether it is a key of a dict and what stands there."""
    return isinstance(pair, list) and len(pair) == 2 and type(pair[0]) in (str, int)


def _is_shape(sizes: Sequence[Any]) -> bool:
    """Whether it is the shape of an array that NumPy can have."""
    if not 0 < len(sizes) <= _MOST_AXES:
        return False
    if not all(type(size) is int and size >= 0 for size in sizes):
        return False
    return bool(prod(filter(None, sizes)) <= _LARGEST)


def _leaves(form: Form) -> int:
    if is_array(form):
        return int(form.size)
    branches = branches_of(form)
    return 1 if branches is None else sum(map(_leaves, branches))
