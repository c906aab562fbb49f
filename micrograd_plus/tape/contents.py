"""What a tape consists of, apart from how it runs: what is written as text, and pickled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from .program import FlatProgram, Integers

Form = Any  # 0.0 for a number, an array of them, or a list, tuple or dict of forms


def key_of(key: Any) -> str | int:
    """A key of a dict, which a text can name; ValueError for what is neither text nor a whole
    number.
    """
    if type(key) is str or type(key) is int:
        return key
    raise ValueError(
        f"a tape is written down with strings and whole numbers for the keys of a dict, not {key!r}"
    )


class Pairs(Mapping[int, int]):
    """A dictionary from registers to registers that is made when it is first read: until then it
    is two arrays, and pairs with -1 among them count for nothing.
    """

    def __init__(self, keys: Integers, values: Integers) -> None:
        self._keys, self._values = keys, values
        self._found: dict[int, int] | None = None

    def _dictionary(self) -> dict[int, int]:
        if self._found is None:
            is_there = (self._keys >= 0) & (self._values >= 0)
            keys, values = self._keys[is_there].tolist(), self._values[is_there].tolist()
            self._found = dict(zip(keys, values))
        return self._found

    def __getitem__(self, register: int) -> int:
        return self._dictionary()[register]

    def __iter__(self) -> Iterator[int]:
        return iter(self._dictionary())

    def __len__(self) -> int:
        return len(self._dictionary())

    def __repr__(self) -> str:
        return repr(self._dictionary())


class Contents(NamedTuple):
    """A flat program with the form of what it takes and gives.

    `form` is that of the outputs and `point_form` that of the arguments, None where they are just
    numbers one after the other. `labels` are by register, and `adjoint_of` says of a register which
    one it is the adjoint of.
    """

    program: FlatProgram
    form: Form
    names: Sequence[str]
    parameters: Sequence[Any]  # Values, or numbers
    gradient: bool
    labels: Mapping[int, str]
    adjoint_of: Mapping[int, int]
    point_form: Form = None
