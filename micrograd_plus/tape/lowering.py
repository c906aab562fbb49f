"""What a machine must know of the table: the instructions and C functions that rows come to,
under their own names.
"""

from __future__ import annotations

from ..ops import CFunction, Instruction, Primitive, primitives

# Each with a row that is nothing else: it says how many operands there are, and a C function is
# compared with it.
INSTRUCTIONS = {
    row.lowering.name: row for row in primitives() if isinstance(row.lowering, Instruction)
}
FUNCTIONS = {row.lowering.name: row for row in primitives() if isinstance(row.lowering, CFunction)}


def operation(row: Primitive) -> str:
    """The instruction or C function that a row of a lowered program is;
    raises TypeError for any other row.
    """
    if not isinstance(row.lowering, (Instruction, CFunction)):
        raise TypeError(
            f"{row!r} is neither an instruction nor a C function: its program was not lowered"
        )
    return row.lowering.name
