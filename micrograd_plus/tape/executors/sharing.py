"""Executors that equal programs have in common, as long as one of them needs it: what is planned or
compiled for a tape serves every tape of the same shape. Parameters are no part of a program.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any, TypeVar
from weakref import WeakValueDictionary

from ..program import FlatProgram
from .forks import kept_from_forks

T = TypeVar("T")
Key = tuple[Any, ...]

_LOCK = kept_from_forks()
_executors: WeakValueDictionary[Key, Any] = WeakValueDictionary()


def shared(kind: str, program: FlatProgram, make: Callable[[FlatProgram], T]) -> T:
    """What `make` gives for a program, or gave for an equal one and is still there."""
    key = kind, *_shape(program)
    with _LOCK:
        found: T | None = _executors.get(key)
    if found is None:
        made = make(program)
        with _LOCK:  # another thread may have been faster
            found = _executors.setdefault(key, made)
    return found


def _shape(program: FlatProgram) -> Key:
    """What equal programs are equal in: the rows themselves, and a digest of the numbers."""
    digest = hashlib.blake2b(digest_size=16)
    for numbers in (program.constants, program.codes, program.operands, program.outputs):
        digest.update(numbers.nbytes.to_bytes(8, "little"))
        digest.update(numbers.tobytes())
    digest.update(program.starts.tobytes())
    return program.inputs, program.parameters, program.table, digest.digest()
