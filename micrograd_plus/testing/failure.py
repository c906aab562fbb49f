"""What is said when a gradient is wrong: the numbers, the check,
and the smallest part of the graph that is to blame.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Any

from ..engine import Value
from ..support.notebooks import richest
from .program import Program


@dataclass(frozen=True)
class Failure:
    """One number that is not what it should be. `quantity` says which number, and `check` how it
    was found out.

    `register` is that of the gate to blame, where the check knows it.
    """

    quantity: str
    check: str
    got: float
    expected: float
    tolerance: float
    register: int | None = None

    @property
    def difference(self) -> float:
        """How far the number is off."""
        return abs(self.got - self.expected)


class NotChecked(UserWarning):
    """A part of a check that the point does not allow:
    at a kink, a tie, or where numbers are not finite.
    """


class GradientError(AssertionError):
    """A gradient is wrong. The message tells where, by how much, and which part of the graph is to
    blame.

    `point` holds the arguments, `failure` the number that was wrong in the whole, `program` the
    smallest part that is wrong as straight-line code, `part` the number that is wrong in it, and
    `subgraph` that part as a Value over fresh leaves; `picture()` draws it.
    """

    point: tuple[Any, ...]
    failure: Failure
    program: Program
    part: Failure
    subgraph: Value

    @classmethod
    def about(
        cls, point: tuple[Any, ...], place: str, failure: Failure, program: Program, part: Failure
    ) -> GradientError:
        """The error with its message, from what is known."""
        error = cls(_message(place, failure, program, part))
        error.point, error.failure, error.program, error.part = point, failure, program, part
        error.subgraph = program.graph()
        return error

    @property
    def got(self) -> float:
        """What the engine gave."""
        return self.failure.got

    @property
    def expected(self) -> float:
        """What the check expected."""
        return self.failure.expected

    @property
    def difference(self) -> float:
        """How far the two are apart."""
        return self.failure.difference

    @property
    def tolerance(self) -> float:
        """How far rounding may bring them apart."""
        return self.failure.tolerance

    @property
    def check(self) -> str:
        """Which check failed."""
        return self.failure.check

    def picture(self, **options: Any) -> Any:
        """A picture of the smallest part that is wrong, with the gradients that the engine gives
        it.
        """
        return self.subgraph.draw(**options)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        told = f"<pre>{escape(str(self))}</pre>"
        # the same protocol, one level down
        drawn, _ = self.subgraph._repr_mimebundle_(include=("text/html",))
        return {"text/plain": str(self), "text/html": told + drawn.get("text/html", "")}

    def _mime_(self) -> tuple[str, str]:
        return richest(self._repr_mimebundle_())


def _message(place: str, failure: Failure, program: Program, part: Failure) -> str:
    row = program.instructions[-1][0]
    count = len(program.instructions)
    blame = f"the gate {row.name}" if count == 1 else f"these {count} gates together"
    code = "\n".join(f"    {line}" for line in repr(program).splitlines())
    wrong = ""
    if part != failure:
        wrong = (
            f", where {part.quantity} comes out as {part.got!r} and should be "
            f"{part.expected!r} ({part.check})"
        )
    return (
        f"{failure.quantity} is wrong at {place}\n"
        f"  check       {failure.check}\n"
        f"  got         {failure.got!r}\n"
        f"  expected    {failure.expected!r}\n"
        f"  difference  {failure.difference:.3g}, of which rounding may explain "
        f"{failure.tolerance:.1e}\n"
        f"The smallest part that is wrong is {blame}{wrong}:\n{code}\n"
        "error.subgraph is this part as a Value, and error.picture() draws it."
    )
