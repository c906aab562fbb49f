"""The binary format of WebAssembly, as far as it takes to make a module of LLVM's object file.

An object file is a module already, but for three things: memory and the stack's pointer are to be
brought by whoever loads it, nothing is exported, and custom sections tell a linker how to join it
with others. Here it gets a memory and a stack of its own, exports, and numbers in its memory. No
number in its code has to change, for functions that are imported stay the first ones, and nothing
else is numbered anew.

Sections, types and numbers: https://webassembly.github.io/spec/core/binary/; what is for linkers:
https://github.com/WebAssembly/tool-conventions/blob/main/Linking.md.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

PAGE = 65_536  # bytes of memory
CUSTOM, IMPORT, MEMORY, GLOBAL, EXPORT, CODE, DATA = 0, 2, 5, 6, 7, 10, 11
LINKED = (4, 9)  # a table of functions, which only indirect calls need
FUNCTION_KIND, TABLE_KIND, MEMORY_KIND, GLOBAL_KIND = range(4)
_I32, _CONST, _END = 0x7F, 0x41, 0x0B
_SYMBOLS, _IS_UNDEFINED = 8, 0x10
# relocations that change nothing here: of functions, types, globals and the table
_STABLE = (0, 6, 7, 20)
HOST = "math"


class Layout(NamedTuple):
    """What is where in a module's memory: the stack up to `stack`, which is a whole page, bytes at
    places of their own, and from `heap` on what is the user's.
    """

    stack: int
    segments: Sequence[tuple[int, bytes]]
    heap: int


def linked(compiled: bytes, exports: Sequence[str], layout: Layout) -> bytes:
    """The module of an object file whose functions call nothing but each other, and C functions
    called c_..., which are imported from `math` without these two letters.

    It exports the functions, `memory`, and the number `heap`. Raises RuntimeError for an object
    file that needs more.
    """
    sections = list(_sections(compiled))
    custom = [_Reader(body) for number, body in sections if number == CUSTOM]
    functions = _functions({reader.name(): reader for reader in custom})
    content = {number: body for number, body in sections if number not in (CUSTOM, *LINKED)}
    content[IMPORT] = _imports(content.get(IMPORT, b"\0"))
    content[MEMORY] = _vector([b"\0" + unsigned(-(-layout.heap // PAGE) + 1)])
    content[GLOBAL] = _vector([_global(layout.stack, True), _global(layout.heap, False)])
    places = [_export(name, FUNCTION_KIND, functions[name]) for name in exports]
    others = [_export("memory", MEMORY_KIND, 0), _export("heap", GLOBAL_KIND, 1)]
    content[EXPORT] = _vector([*places, *others])
    content[DATA] = _vector([_segment(at, numbers) for at, numbers in layout.segments])
    order = [*range(1, CODE), CODE, DATA]
    written = [bytes([n]) + _sized(content[n]) for n in order if n in content]
    return compiled[:8] + b"".join(written)


def doubles(numbers: Sequence[float]) -> bytes:
    """Numbers as memory holds them."""
    return struct.pack(f"<{len(numbers)}d", *numbers)


def integers(numbers: Sequence[int]) -> bytes:
    """Integers of 32 bits as memory holds them."""
    return struct.pack(f"<{len(numbers)}i", *numbers)


def unsigned(number: int) -> bytes:
    """A number of 7 bits a byte, the lowest first (LEB128)."""
    low, rest = number & 127, number >> 7
    return bytes([low | 128]) + unsigned(rest) if rest else bytes([low])


def _signed(number: int) -> bytes:
    """A number that is not negative where one with a sign is expected."""
    low, rest = number & 127, number >> 7
    return bytes([low | 128]) + _signed(rest) if rest or low & 64 else bytes([low])


class _Reader:
    """Reads one thing after another."""

    def __init__(self, body: bytes) -> None:
        self.body, self.at = body, 0

    def __bool__(self) -> bool:
        return self.at < len(self.body)

    def byte(self) -> int:
        self.at += 1
        return self.body[self.at - 1]

    def number(self) -> int:
        low = self.byte()
        return low & 127 | self.number() << 7 if low & 128 else low

    def sized(self) -> bytes:
        count = self.number()
        self.at += count
        return self.body[self.at - count : self.at]

    def name(self) -> str:
        return self.sized().decode()


def _sections(module: bytes) -> Iterator[tuple[int, bytes]]:
    reader = _Reader(module)
    reader.at = 8  # past the magic number and the version
    while reader:
        yield reader.byte(), reader.sized()


def _imports(section: bytes) -> bytes:
    """The imported functions alone, under their names in C: memory, table and the stack's pointer
    are the module's own.
    """
    reader, kept = _Reader(section), []
    for _ in range(reader.number()):
        _, name, kind = reader.name(), reader.name(), reader.byte()
        if kind == FUNCTION_KIND:
            function = reader.number()
            if not name.startswith("c_"):
                raise RuntimeError(f"the code for WebAssembly calls {name}, which nobody brings")
            called = _name(HOST) + _name(name.removeprefix("c_"))
            kept.append(called + bytes([FUNCTION_KIND]) + unsigned(function))
        elif kind == GLOBAL_KIND:
            reader.at += 2
            if name != "__stack_pointer":
                raise RuntimeError(f"the code for WebAssembly reads {name}, which nobody brings")
        else:
            reader.at += kind == TABLE_KIND  # the type of what is in the table
            limits = reader.byte()
            for _ in range(1 + limits % 2):
                reader.number()
    return _vector(kept)


def _functions(custom: Mapping[str, _Reader]) -> dict[str, int]:
    """The numbers of the functions that are defined, by their names."""
    for name, reader in custom.items():
        if name.startswith("reloc."):
            _require_stable(reader)
    reader = custom["linking"]
    reader.number()  # the version
    found: dict[str, int] = {}
    while reader:
        kind, part = reader.byte(), _Reader(reader.sized())
        if kind == _SYMBOLS:
            found |= dict(filter(None, [_symbol(part) for _ in range(part.number())]))
    return found


def _symbol(part: _Reader) -> tuple[str, int] | None:
    """A function with its number; None for one that is not defined, and for anything else."""
    kind, flags = part.byte(), part.number()
    if kind not in (FUNCTION_KIND, 2, 5):
        raise RuntimeError("the code for WebAssembly has data or sections, which it should not")
    number = part.number()
    if flags & _IS_UNDEFINED:
        return None
    return part.name(), number


def _require_stable(reader: _Reader) -> None:
    reader.number()  # the section
    for _ in range(reader.number()):
        kind, _, _ = reader.byte(), reader.number(), reader.number()
        if kind not in _STABLE:
            raise RuntimeError("the code for WebAssembly has addresses that a linker would fill in")


def _vector(items: Sequence[bytes]) -> bytes:
    return unsigned(len(items)) + b"".join(items)


def _sized(body: bytes) -> bytes:
    return unsigned(len(body)) + body


def _name(text: str) -> bytes:
    return _sized(text.encode())


def _global(number: int, changes: bool) -> bytes:
    return bytes([_I32, changes, _CONST]) + _signed(number) + bytes([_END])


def _export(name: str, kind: int, number: int) -> bytes:
    return _name(name) + bytes([kind]) + unsigned(number)


def _segment(at: int, numbers: bytes) -> bytes:
    return bytes([0, _CONST]) + _signed(at) + bytes([_END]) + _sized(numbers)
