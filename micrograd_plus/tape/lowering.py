"""The lowerings of the table, by the names of its rows: instructions, functions of the C library."""

from __future__ import annotations

from ..ops import CFunction, Instruction, primitives

INSTRUCTIONS = {row.name: row.lowering.name for row in primitives() if isinstance(row.lowering, Instruction)}
FUNCTIONS = [row.name for row in primitives() if isinstance(row.lowering, CFunction)]
