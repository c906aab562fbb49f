"""What a tape consists of, apart from how it runs: what is written as text, and pickled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from .program import FlatProgram

Form = Any  # 0.0 for a number, or a list or tuple of forms


class Contents(NamedTuple):
    """A flat program with the form of what it takes and gives.

    `labels` are by register, and `adjoint_of` says of a register which one it is the adjoint of.
    """

    program: FlatProgram
    form: Form
    names: Sequence[str]
    parameters: Sequence[Any]  # Values, or numbers
    gradient: bool
    labels: Mapping[int, str]
    adjoint_of: Mapping[int, int]
