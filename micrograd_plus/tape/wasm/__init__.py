"""Tapes in a browser: WebAssembly for one tape, and one module that runs every tape as data.

`module.py` makes both with LLVM, whose object files `binary.py` turns into modules;
`interpreter.py` is the code of the second. `python -m micrograd_plus.tape.wasm FILE` makes that
module anew; it ships ready made beside the program in JavaScript that loads it.
"""

from .module import interpreter_module, tape_module

__all__ = ["interpreter_module", "tape_module"]
