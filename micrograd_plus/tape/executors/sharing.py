"""Executors that equal programs have in common, as long as one of them needs it: what is planned or
compiled for a tape serves every tape of the same shape. Parameters are no part of a program.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any, TypeVar
from weakref import WeakKeyDictionary, WeakValueDictionary

import numpy as np

from ..program import FlatProgram
from .forks import kept_from_forks

T = TypeVar("T")
Key = tuple[Any, ...]

_LOCK = kept_from_forks()
_executors: WeakValueDictionary[Key, Any] = WeakValueDictionary()
_shapes: WeakKeyDictionary[FlatProgram, Key] = WeakKeyDictionary()


def shared(kind: str, program: FlatProgram, make: Callable[[FlatProgram], T]) -> T:
    """What `make` gives for a program, or gave for an equal one and is still there."""
    with _LOCK:
        shape = _shapes.get(program)
        if shape is None:
            shape = _shapes[program] = _shape(program)
        key = kind, *shape
        found: T | None = _executors.get(key)
    if found is None:
        made = make(program)
        with _LOCK:  # another thread may have been faster
            found = _executors.setdefault(key, made)
    return found


def _shape(program: FlatProgram) -> Key:
    """What equal programs are equal in: the rows themselves, and a digest of the numbers."""
    digest = hashlib.sha256()  # which processors compute
    arrays = program.constants, program.codes, program.starts, program.operands, program.outputs
    for numbers in arrays:
        digest.update(numbers.nbytes.to_bytes(8, "little"))
        digest.update(np.ascontiguousarray(numbers).data)
    return program.inputs, program.parameters, program.table, digest.digest()
