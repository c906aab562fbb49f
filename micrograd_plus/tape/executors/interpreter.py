"""The interpreter in C: a lowered program, run at once.

The heart turns the program into runs of alike instructions (heart/runs.c) and carries these out for
one point, or for sixteen side by side, in vectors of the processor at hand. Nothing is compiled.
"""

from __future__ import annotations

from ... import heart
from ..lowering import for_heart
from ..program import FlatProgram
from .native import Entry, Native
from .python import CHUNK


class Interpreter(Native):
    """Runs a lowered program in C.

    Raises ImportError where the heart in C does not run, and NotImplementedError when it lacks an
    operation.
    """

    side_by_side = 3  # two take as long one by one as sixteen at once
    at_a_time = CHUNK  # from one look for machine code to the next

    def __init__(self, program: FlatProgram, name: str = "interpreter") -> None:
        super().__init__(len(program.outputs))
        self.name = name
        self._runs = heart.runs(*for_heart(program))

    @property
    def runs(self) -> int:
        """How many runs of alike instructions the program comes down to."""
        count: int = self._runs.about()[0]
        return count

    def entry_for(self, many: bool, summed: bool) -> Entry:
        """The way in, of which threads that come at once share one."""
        found = self._entries.get((many, summed))
        return found or self._entries.setdefault((many, summed), self._runs.entry(many, summed))
