"""A tape as straight-line Python, to read and to run.

Labels reach that text only as identifiers that mean nothing else there, and names of a user's rows
as such or as text.
"""

from __future__ import annotations

import keyword
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import count
from string import ascii_lowercase

from ..ops import BUILT_IN, TABLE, Primitive
from ..ops.operators import EXACT_ON_FLOATS, UNARY
from ..trees import branches_of, listed
from .contents import Contents, Form, key_of

# names that mean something in such a text
_RESERVED = ("parameters", "tape", "inf", "nan", "primitive", "__debug__")
_LONGEST = 40  # letters of a name
_NEGATION = UNARY["-"][1]


def source(tape: Contents) -> str:
    """A function `tape` of the inputs, and of the parameters if there are any; it gives what the
    tape's form says, with nested lists for arrays.

    With a gradient it gives three things: that, the derivatives in the inputs, and those in the
    parameters.
    """
    program, rows = tape.program, tape.program.rows()
    shared = program.inputs + program.parameters
    called = _called({row for row in rows if row not in EXACT_ON_FLOATS and row is not _NEGATION})
    width = len(program.outputs) - tape.gradient * shared
    is_forward = (program.reduced(program.outputs[:width])[1] >= 0).tolist()
    names = _names(tape, called.values(), is_forward)
    constants = [repr(number) for number in program.constants.tolist()]
    names[shared : program.first] = constants
    forward, backward = list[str](), list[str]()
    for register, (row, operands) in enumerate(zip(rows, program.operands_of()), program.first):
        expression = _expression(row, called.get(row, ""), [names[o] for o in operands])
        lines = forward if is_forward[register] else backward
        lines.append(f"{names[register]} = {expression}")
    body = [*forward, *["# backward"] * bool(backward), *backward]
    if program.parameters:
        body.insert(0, f"{_tuple(names[program.inputs : shared])} = parameters")
    body.append(f"return {_result(tape, [names[register] for register in program.outputs])}")
    header = _header(called, constants)
    arguments = [*names[: program.inputs], *["parameters"] * bool(program.parameters)]
    function = [f"def tape({', '.join(arguments)}):", *[f"    {line}" for line in body], ""]
    return "\n".join([*header, *["", ""] * bool(header), *function])


def _header(called: Mapping[Primitive, str], constants: Sequence[str]) -> list[str]:
    """The imports, and the rows that have no name to be imported by."""
    public = sorted(row.name for row in called if _is_public(row))
    fetched = sorted((row.name, name) for row, name in called.items() if not _is_public(row))
    lines = []
    if not {"inf", "nan", "-inf"}.isdisjoint(constants):
        lines.append("from math import inf, nan")
    if called:
        imported = [*public, *["primitive"] * bool(fetched)]
        lines.append(f"from micrograd_plus.ops import {', '.join(imported)}")
    return lines + [f"{name} = primitive({of_row!a})" for of_row, name in fetched]


def _result(tape: Contents, outputs: Sequence[str]) -> str:
    """What the function gives: the form, and after it the gradient, if there is one."""
    given = _written(listed(tape.form), iter(outputs))
    if not tape.gradient:
        return given
    first = 1 + tape.program.inputs
    return f"{given}, {_tuple(outputs[1:first])}, {_tuple(outputs[first:])}"


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
    shared = program.inputs + program.parameters
    names = [""] * program.size

    def name(register: int, wanted: str) -> None:
        if not names[register] and _is_name(wanted):
            names[register] = fresh.name(wanted)

    for register, wanted in [*enumerate(tape.names), *tape.labels.items()]:
        if not shared <= register < program.first:  # constants go by their numbers
            name(register, wanted)
    letters = (letter for letter in _letters() if letter not in fresh.taken)
    adjoint_of = _adjoint_of(tape, forward)
    results = range(program.first, program.size)
    for register in [*range(shared), *results]:
        if not names[register] and register not in adjoint_of:
            name(register, next(letters))
    for register in results:
        if register in adjoint_of:
            name(register, f"d{names[adjoint_of[register]]}"[:_LONGEST])
    return names


def _adjoint_of(tape: Contents, forward: Sequence[bool]) -> dict[int, int]:
    """The registers of the backward pass that are named after a forward one, and after which."""
    found: dict[int, int] = {}
    if tape.gradient:
        found.update(zip(tape.program.outputs[1:].tolist(), count()))
    found |= tape.adjoint_of
    return {r: of for r, of in found.items() if forward[of] and not forward[r]}


def _letters() -> Iterator[str]:
    for number in count():
        yield from [f"{letter}{number or ''}" for letter in ascii_lowercase]


def _expression(row: Primitive, called: str, operands: Sequence[str]) -> str:
    if row in EXACT_ON_FLOATS:
        return f" {EXACT_ON_FLOATS[row]} ".join(operands)
    if row is _NEGATION:
        return f"-{operands[0]}"
    if row.is_weighted_sum:
        half = len(operands) // 2 + 1
        weights, inputs = ", ".join(operands[1:half]), ", ".join(operands[half:])
        return f"dot([{weights}], [{inputs}], {operands[0]})"
    return f"{called}({', '.join(operands)})"


def _written(form: Form, names: Iterator[str]) -> str:
    parts = branches_of(form)
    if parts is None:
        return next(names)
    branches = [_written(branch, names) for branch in parts]
    if isinstance(form, dict):
        entries = [f"{key_of(key)!a}: {branch}" for key, branch in zip(form, branches)]
        return f"{{{', '.join(entries)}}}"
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
