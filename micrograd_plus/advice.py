"""What to write in place of a line that asks a Value for its number while a tape is recorded, told
from the line itself.

Of a frame that runs, Python knows which part of the source it is at. Around that part stand a call,
an index or a condition, and what the number was wanted for follows from the nearest of them. Where
none says anything, or where there is no source, the advice is general. Knows Python's syntax and
the names of the table, and no Value.
"""

from __future__ import annotations

import ast
import linecache
import os
import sys
from collections.abc import Iterator, Mapping
from itertools import islice
from types import FrameType
from typing import Any

from .ops import BUILT_IN

Span = tuple[int, int, int, int]  # the lines and columns at which a part begins and ends

GENERAL = (
    "choose with ops.where(condition, x, y), ops.maximum, ops.minimum or ops.take(index, *values), "
    "and keep to operators and functions of ops"
)
CHOICE = "choose with ops.where(condition, x, y), which records both"
PICK = "ops.take(index, *values) picks by a number that varies, and of a list of rows a row"
ROUNDS = "go round a fixed number of times, each time with ops.where(condition, new, old)"
ALL_OF_THEM = "keep all of them, those that fall away as ops.where(condition, x, 0.0)"
TEXT = "print what the tape gives, when it runs"
CHANCE = "draw outside of what is recorded, and hand in what was drawn as inputs"
DTYPE = "leave dtype=float out: an array may hold Values"
CONDITIONS = (
    "of conditions, which are 0 or 1, ops.min says whether all are true, ops.max whether one is; "
    f"{CHOICE}"
)
OPPOSITE = f"the opposite of a condition is condition == 0; {CHOICE}"
LARGEST = (
    "write ops.{}, which takes Values or one list of them; a softmax that is shifted by its "
    "largest is ops.softmax"
)
ORDER = (
    "ops.minimum(x, y) and ops.maximum(x, y) put two in order, and steps of them a list; the "
    "largest of all is ops.max(xs)"
)
OF_CALLS = {
    **dict.fromkeys(("max", "amax"), LARGEST.format("max")),
    **dict.fromkeys(("min", "amin"), LARGEST.format("min")),
    **dict.fromkeys(("sorted", "sort", "argsort"), ORDER),
    **dict.fromkeys(("choice", "choices", "sample"), CHANCE),
    **dict.fromkeys(("print", "format", "str"), TEXT),
    **dict.fromkeys(("array", "asarray"), DTYPE),
    **dict.fromkeys(("any", "all"), CONDITIONS),
    "clip": "write ops.minimum(ops.maximum(x, low), high)",
    "round": "write ops.floor(x + 0.5), through which no gradient passes",
    "ceil": "write -ops.floor(-x), through which no gradient passes",
    "range": ROUNDS,
}
# what says little by itself, so that what stands around it is heard first
OF_CONVERSIONS = {
    "int": f"{PICK}; the whole number below x is ops.floor(x)",
    "float": "leave float() out: operators and functions of ops take the Value as it is",
    "bool": f"a comparison is a number already, 0 or 1: {CHOICE}",
    "data": "leave .data out: operators and functions of ops take the Value as it is",
}
OF_DECISIONS: Mapping[type, str] = {
    **dict.fromkeys((ast.If, ast.IfExp, ast.Assert), CHOICE),
    **dict.fromkeys((ast.And, ast.Or), CONDITIONS),
    ast.Not: OPPOSITE,
    ast.While: ROUNDS,
    ast.comprehension: ALL_OF_THEM,
    ast.JoinedStr: TEXT,
}
LONG = 40  # characters, more of which are not quoted
LIBRARIES = ("math", "np", "numpy", "torch")
_OWN = (__package__, "numpy")
_LIBRARY = os.path.dirname(os.__file__)


def asking_frame() -> FrameType:
    """The frame of the user's line that is running: not one of this package, of NumPy or of
    Python's own library.
    """
    frame = sys._getframe(1)  # noqa: SLF001  # the one way to the line that asks
    while frame.f_back and _is_of_a_library(frame):
        frame = frame.f_back
    return frame


def _is_of_a_library(frame: FrameType) -> bool:
    package: str = frame.f_globals.get("__package__") or ""
    file = frame.f_code.co_filename
    of_python = file.startswith(_LIBRARY) and "site-packages" not in file
    return of_python or package.partition(".")[0] in _OWN


def advice(frame: FrameType) -> str:
    """What to write instead of what a frame is at."""
    around = list(_around(frame))[::-1]
    for part, node in zip([None, *around], around):
        told = _told(node, part)
        if told:
            return told
    return _converted(around) or GENERAL


def _told(node: ast.AST, part: ast.AST | None) -> str | None:
    """What a call, an index or a condition says of one of its parts; None stands for itself."""
    if isinstance(node, ast.Call):
        return None if part is node.func else _called(node)
    if isinstance(node, ast.Subscript):
        return _indexed(node) if part is None or part is node.slice else None
    asked = getattr(node, "ifs", [getattr(node, "test", part)])
    return OF_DECISIONS.get(type(getattr(node, "op", node))) if part in asked else None


def _called(call: ast.Call) -> str | None:
    name, library = _name(call.func), getattr(getattr(call.func, "value", None), "id", "")
    if name in OF_CALLS and library != "ops":
        return OF_CALLS[name]
    if name in BUILT_IN and library in LIBRARIES:
        return f"write ops.{name}, which is recorded"
    return None


def _name(function: ast.AST) -> str:
    """The last name of what is called."""
    return getattr(function, "attr", "") or getattr(function, "id", "")


def _indexed(node: ast.Subscript) -> str:
    index = node.slice
    if isinstance(index, ast.Call) and _name(index.func) == "int" and len(index.args) == 1:
        index = index.args[0]
    if isinstance(index, ast.Attribute) and index.attr == "data":
        index = index.value
    try:
        place, table = ast.unparse(index), ast.unparse(node.value)
    except RecursionError:
        return PICK
    if isinstance(index, (ast.Slice, ast.Tuple)) or max(len(place), len(table)) > LONG:
        return PICK
    call = f"ops.take({place}, {table})"
    return f"write {call}, which reads a value, or of a list of rows a row"


def _converted(around: list[ast.AST]) -> str | None:
    """What the innermost conversion says."""
    for node in around:
        name = _name(node.func if isinstance(node, ast.Call) else node)
        if name in OF_CONVERSIONS and isinstance(node, (ast.Call, ast.Attribute)):
            return OF_CONVERSIONS[name]
    return None


def _around(frame: FrameType) -> Iterator[ast.AST]:
    """What stands around the part that a frame is at, within its function, from the outside in."""
    span, path = _span(frame), list[ast.AST]()
    node = _parsed(frame) if span else None
    while span and node:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) or (
            isinstance(node, ast.Lambda) and not isinstance(path[-1], ast.keyword)
        ):  # a key of a sort belongs to the sort
            path.clear()
        path.append(node)
        node = next((n for n in ast.iter_child_nodes(node) if _holds(n, span)), None)
    yield from path


def _parsed(frame: FrameType) -> ast.AST | None:
    """The source that a frame runs, or None where there is none."""
    lines = linecache.getlines(frame.f_code.co_filename, frame.f_globals)
    try:
        return ast.parse("".join(lines))
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # as deep as no parser goes
        return None


def _span(frame: FrameType) -> Span | None:
    """Where the part of the source is that a frame is at; None where Python was told to forget."""
    places = frame.f_code.co_positions()
    line, last_line, column, last_column = next(islice(places, frame.f_lasti // 2, None))
    if line is None or last_line is None or column is None or last_column is None:
        return None
    return line, column, last_line, last_column


def _holds(node: Any, span: Span) -> bool:
    """Whether a part lies within a node; some nodes, as the arguments of a function, have no
    place of their own.
    """
    if not hasattr(node, "lineno"):
        return any(_holds(child, span) for child in ast.iter_child_nodes(node))
    begin, end = (node.lineno, node.col_offset), (node.end_lineno, node.end_col_offset)
    return bool(begin <= span[:2] and span[2:] <= end)
