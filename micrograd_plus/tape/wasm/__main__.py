"""Writes the module that runs every tape as data: `python -m micrograd_plus.tape.wasm FILE`."""

import sys

from ...support.files import write_whole
from .module import interpreter_module

if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m micrograd_plus.tape.wasm FILE")
    write_whole(sys.argv[1], interpreter_module())
