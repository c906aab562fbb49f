"""Tapes for a page: a program as data that `tapes.js` runs over many points, and the module of
WebAssembly that it does so in, `interpreter.wasm`.

`python -m micrograd_plus.tape.wasm` makes the module anew (extra `fast`); a user needs none of it.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

from ..support.strict_json import exact
from ..tape.executors.llvm.data import as_data
from ..tape.lowering import lowered_for
from ..tape.program import FlatProgram


def program_as_data(program: FlatProgram) -> dict[str, Any]:
    """A program as plain data, for an interpreter of tapes.js; ValueError with custom rows."""
    data = as_data(lowered_for(program, "JavaScript"))
    return {
        "program": data.program.tolist(),
        "constants": [exact(x) for x in data.constants.tolist()],
    }


@cache
def interpreter() -> bytes:
    """The module of WebAssembly that runs every such program."""
    return files(__package__).joinpath("interpreter.wasm").read_bytes()
