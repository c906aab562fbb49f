"""The backward pass in lines: what each node's gradient is, from the output back, and what each
edge carries.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from ..engine import Value
from ..support.notebooks import richest
from .naming import Names
from .paths import Edges, Step, users_of
from .rules import Say, bracketed, bracketed_name, ratio, told

ENDS = 8, 3  # of many lines, those at the beginning and at the end that are told
TERMS = 4  # of a sum, up to which all are told
LINES = 30, 10  # of a long table, those at the beginning and at the end that are told
LONGEST_LINE = 96  # characters of a line, beyond which the products are told by their numbers alone

Row = tuple[str, str, str]  # the edge, what it carries, what the gradient becomes


def abbreviated(
    things: Sequence[Any], tell: Callable[[Any], str], gap: str, ends: tuple[int, int] = ENDS
) -> list[str]:
    """Each thing told, or those at either end of many, with a gap that says how many are left
    out.
    """
    first, last = ends
    left_out = len(things) - first - last
    if left_out <= 2:
        return [tell(thing) for thing in things]
    middle = gap.format(f"{left_out:,}")
    return [*map(tell, things[:first]), middle, *map(tell, things[len(things) - last :])]


@dataclass(frozen=True, eq=False)
class Backward:
    """A backward pass from `output` along some edges, with the gradients that it finds."""

    output: Value
    edges: Edges
    gradients: Mapping[Value, float]
    name: Names
    say: Say

    def factored(self, full: bool) -> list[str]:
        """A line for each node below the output: its gradient, from those of its users.

        What hands its gradient on as it is, and has no name, is left out.
        """
        users = users_of(self.edges)
        passed = self._passed(users)
        nodes = [v for v in reversed(self.edges) if v is not self.output and v not in passed]

        def line(v: Value) -> str:
            return self._gradient(v, users[v], passed)

        if full:
            return [line(v) for v in nodes]
        return abbreviated(nodes, line, "… {} more nodes …")

    def _passed(self, users: Mapping[Value, list[Step]]) -> dict[Value, Value]:
        """The nodes without a name whose gradient is that of another one, which is given."""
        passed: dict[Value, Value] = {}
        for v in reversed(self.edges):
            above = users.get(v, [])
            if len(above) == 1 and above[0].local == 1.0 and v.primitive and not self.name.given(v):
                user = above[0].gate
                passed[v] = passed.get(user, user)
        return passed

    def _gradient(self, v: Value, above: Sequence[Step], passed: Mapping[Value, Value]) -> str:
        left = ratio(self.name, self.output, v)
        value = self.say(self.gradients.get(v, 0.0))
        shown = above if len(above) <= TERMS else above[: TERMS - 1]
        more = ["…"] * (len(above) > len(shown))
        ratios = [self._ratios(step, v, passed) for step in shown]
        numbers = [self._numbers(step, passed) for step in shown]
        in_ratios = " + ".join([*ratios, *more])
        in_numbers = " + ".join([*numbers[:1], *map(bracketed, numbers[1:]), *more])
        texts = [in_ratios, in_numbers, value]
        if len(above) == 1 and passed.get(above[0].gate, above[0].gate) is self.output:
            texts = [*told(above[0], self.name, self.say), value]
        # beside others, the edge from the output to the node would bear the name of their sum
        if (len(above) > 1 and left in ratios) or sum(map(len, texts)) > LONGEST_LINE:
            texts = [text for text in texts if text != in_ratios]
        return " = ".join(dict.fromkeys([left, *texts]))

    def _ratios(self, step: Step, v: Value, passed: Mapping[Value, Value]) -> str:
        """∂e/∂c·∂c/∂b, or without the first where that is 1."""
        user = passed.get(step.gate, step.gate)
        local = ratio(self.name, step.gate, v)
        if user is self.output:
            return local
        return f"{ratio(self.name, self.output, user)}·{local}"

    def _numbers(self, step: Step, passed: Mapping[Value, Value]) -> str:
        user = passed.get(step.gate, step.gate)
        local = self.say(step.local)
        if user is self.output:
            return local
        return f"{self.say(self.gradients.get(user, 0.0))}·{bracketed(local)}"

    def table(self, full: bool) -> Table:
        """The edges in the order of the sweep, with what is there before and after each."""
        gathered: dict[Value, float] = {}
        rows = []
        steps = [step for v in reversed(self.edges) for step in self.edges[v]]
        for step in steps:
            before = gathered.get(step.operand, 0.0)
            upstream = self.gradients.get(step.gate, 0.0)
            gathered[step.operand] = before + upstream * step.local
            rows.append((step, upstream, before, gathered[step.operand]))
        cells = rows if full or len(rows) <= sum(LINES) else [*rows[: LINES[0]], *rows[-LINES[1] :]]
        told_rows = [self._edge(*row) for row in cells]
        if len(cells) < len(rows):
            gap = f"… {len(rows) - len(cells):,} more edges …", "", ""
            told_rows.insert(LINES[0], gap)
        return Table(tuple(told_rows))

    def _edge(self, step: Step, upstream: float, before: float, after: float) -> Row:
        say, operand = self.say, self.name(step.operand)
        carried = say(upstream * step.local)
        product = f"upstream {say(upstream)} × local {say(step.local)} = {carried}"
        grad = f"{bracketed_name(operand)}.grad {say(before)} → {say(after)}"
        return f"{self.name(step.gate)} → {operand}", product, grad


@dataclass(frozen=True, eq=False, repr=False)
class Table:
    """The backward pass edge by edge, a line each; printing it, or showing it in Jupyter, tells."""

    rows: tuple[Row, ...]

    def __str__(self) -> str:
        return "\n".join(
            f"{edge}: {product}; {grad}" if product else edge for edge, product, grad in self.rows
        )

    __repr__ = __str__

    def html(self) -> str:
        """The same as a table of HTML, in which every name is text."""
        rows = "".join(f"<tr>{_cells(row)}</tr>" for row in self.rows)
        return f'<table class="backward"><tbody>{rows}</tbody></table>'

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/plain": str(self), "text/html": self.html()}

    def _mime_(self) -> tuple[str, str]:
        return richest(self._repr_mimebundle_())


def _cells(row: Row) -> str:
    return "".join(f"<td>{escape(cell)}</td>" for cell in row)
