"""A tape as straight-line Python, to read and to run.

Labels reach that text only as identifiers that mean nothing else there, and names of a user's rows
as such or as text.
"""

from __future__ import annotations

import keyword
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import count

from ..ops import BUILT_IN, TABLE, Primitive
from ..ops.operators import EXACT_ON_FLOATS, UNARY
from .contents import Contents, Form

# names that mean something in such a text
_RESERVED = ("parameters", "tape", "inf", "nan", "primitive", "__debug__")
_LONGEST = 40  # letters of a name
_NEGATION = UNARY["-"][1]


def source(tape: Contents) -> str:
    """A function `tape` of the inputs, and of the parameters if there are any; it gives what the
    tape's form says.

    With a gradient it gives three things: that, the derivatives in the inputs, and those in the
    parameters.
    """
    program, rows, operands = tape.program, tape.program.rows(), tape.program.operands_of()
    called = _called({row for row in rows if row not in EXACT_ON_FLOATS and row is not _NEGATION})
    shared = program.inputs + program.parameters
    width = len(program.outputs) - tape.gradient * shared
    forward = (program.reduced(program.outputs[:width])[1] >= 0).tolist()
    names = _names(tape, called.values(), forward)
    for i, number in enumerate(program.constants.tolist()):
        names[shared + i] = repr(number)
    lines: tuple[list[str], list[str]] = [], []
    for i, (row, of_row) in enumerate(zip(rows, operands)):
        register = program.first + i
        expression = _expression(row, called.get(row, ""), [names[o] for o in of_row])
        lines[not forward[register]].append(f"    {names[register]} = {expression}")
    given = [names[register] for register in program.outputs.tolist()]
    result = _written(tape.form, iter(given))
    if tape.gradient:
        result += (
            f", {_tuple(given[1 : 1 + program.inputs])}, {_tuple(given[1 + program.inputs :])}"
        )
    public = sorted(row.name for row in called if _is_public(row))
    fetched = sorted((row.name, name) for row, name in called.items() if not _is_public(row))
    header = (
        ["from math import inf, nan"]
        if {"inf", "nan", "-inf"} & set(names[shared : program.first])
        else []
    )
    imported = [*public, *["primitive"] * bool(fetched)]
    header += [f"from micrograd_plus.ops import {', '.join(imported)}"] if imported else []
    header += [f"{name} = primitive({of_row!a})" for of_row, name in fetched]
    arguments = [*names[: program.inputs], *(["parameters"] if program.parameters else [])]
    unpacked = (
        [f"    {_tuple(names[program.inputs : shared])} = parameters"] if program.parameters else []
    )
    backward = ["    # backward", *lines[1]] if lines[1] else []
    header += ["", ""] if header else []
    body = [*unpacked, *lines[0], *backward, f"    return {result}", ""]
    return "\n".join([*header, f"def tape({', '.join(arguments)}):", *body])


def _called(rows: Collection[Primitive]) -> dict[Primitive, str]:
    """What each row is called in the text: as in the table,
    but for a user's row whose name would be none there.
    """
    called = {row: row.name for row in rows if row.name in BUILT_IN}
    of_users = sorted(set(rows) - called.keys(), key=lambda row: row.name)
    names_of(of_users)
    fresh = _Fresh(called.values())
    for row in of_users:
        special = row.name.startswith("__")  # names that mean something to a module
        called[row] = fresh.name("row" if special or not _is_name(row.name) else row.name)
    return called


def _is_public(row: Primitive) -> bool:
    """Whether what `ops` has under its name does what the row does."""
    return row.name in BUILT_IN and not row.strict_function


def _is_name(text: str) -> bool:
    # others may be the same name to Python
    return len(text) <= _LONGEST and text.isascii() and text.isidentifier()


class _Fresh:
    """Names that mean nothing yet in a text."""

    def __init__(self, taken: Iterable[str]) -> None:
        self.taken = {*taken, *keyword.kwlist, *keyword.softkwlist, *_RESERVED}
        self._repeated = defaultdict[str, Iterator[int]](lambda: count(1))

    def name(self, wanted: str) -> str:
        """A name as wanted, or that with a number, which from now on is taken."""
        fresh = wanted
        while fresh in self.taken:
            fresh = f"{wanted}_{next(self._repeated[wanted])}"
        self.taken.add(fresh)
        return fresh


def _names(tape: Contents, called: Iterable[str], forward: Sequence[bool]) -> list[str]:
    """What each register is called: by its label, else a letter;
    an adjoint by d and what it is the adjoint of.
    """
    program, fresh = tape.program, _Fresh(called)
    shared, size = program.inputs + program.parameters, program.first + len(program)
    names = [""] * size

    def name(register: int, wanted: str) -> None:
        if not names[register] and _is_name(wanted):
            names[register] = fresh.name(wanted)

    for register, wanted in [*enumerate(tape.names), *tape.labels.items()]:
        if not shared <= register < program.first:  # constants go by their numbers
            name(register, wanted)
    letters = (letter for letter in _letters() if letter not in fresh.taken)
    of_output = dict(zip(program.outputs[1:].tolist(), range(shared))) if tape.gradient else {}
    adjoint_of = {
        r: of
        for r, of in {**of_output, **tape.adjoint_of}.items()
        if forward[of] and not forward[r]
    }
    for register in [*range(shared), *range(program.first, size)]:
        if not names[register] and register not in adjoint_of:
            name(register, next(letters))
    for register in range(program.first, size):
        if register in adjoint_of:
            name(register, f"d{names[adjoint_of[register]]}"[:_LONGEST])
    return names


def _letters() -> Iterator[str]:
    yield from (
        f"{letter}{number or ''}" for number in count() for letter in "abcdefghijklmnopqrstuvwxyz"
    )


def _expression(row: Primitive, called: str, operands: Sequence[str]) -> str:
    if row in EXACT_ON_FLOATS:
        return f" {EXACT_ON_FLOATS[row]} ".join(operands)
    if row is _NEGATION:
        return f"-{operands[0]}"
    if row.is_weighted_sum:
        half = len(operands) // 2 + 1
        return (
            f"dot([{', '.join(operands[1:half])}], [{', '.join(operands[half:])}], {operands[0]})"
        )
    return f"{called}({', '.join(operands)})"


def _written(form: Form, names: Iterator[str]) -> str:
    if not isinstance(form, (list, tuple)):
        return next(names)
    branches = [_written(branch, names) for branch in form]
    return f"[{', '.join(branches)}]" if isinstance(form, list) else _tuple(branches)


def _tuple(names: Sequence[str]) -> str:
    return f"({', '.join(names)}{',' * (len(names) == 1)})"


def names_of(rows: Iterable[Primitive]) -> list[str]:
    """The names of rows, by which they can be found again;
    ValueError when one was defined anew since.
    """
    for row in rows:
        if TABLE.get(row.name) is not row:
            raise ValueError(
                f"the row {row.name} of this tape is no longer in the table, so no text can name it"
            )
    return [row.name for row in rows]
