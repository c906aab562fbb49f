"""Linearisation: a graph of Values, and the reverse sweep over it, as one list of instructions.

The sweep is that of any derivative, but over terms of the program in the making, so what it
computes is emitted like the graph itself. Knows nothing of what runs a program.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from .. import checks, heart, ops
from ..autodiff import require_repeated
from ..engine import Value, between, nodes_below, value_operands
from ..tracing import NEUTRAL, Contribution, local_terms, tracing
from ..trees import Tree, bare, branches_of, leaves_of, like
from .builder import Builder, Term
from .contents import Contents, Pairs
from .patterns import NOTHING, mask_of, pattern, slopes_of
from .program import FlatProgram, Integers, integers

Registers = Callable[[Sequence[int]], Integers]  # of references, -1 for what was left out
Slope = tuple[int, int | None]  # references of a slope, and of what it is there on condition of


class Found(NamedTuple):
    """What a sweep found for a node: a `Contribution` in references of the program."""

    number: int
    condition: int | None = None
    is_sum: bool = False


Adjoints = Mapping[Value, Found]


def linearised(outputs: Tree, inputs: Sequence[Value], parameters: Sequence[Value]) -> Contents:
    """What a tape from `inputs` and `parameters` to `outputs` consists of.

    Raises ValueError when an input or parameter is named twice or is no Value.
    """
    varied = [*inputs, *parameters]
    outputs = bare(outputs)
    given = leaves_of(outputs)
    has_gradient = branches_of(outputs) is None
    program, labels, adjoint_of = _flattened(given, varied, len(inputs), has_gradient)
    form = like(outputs, [0.0] * len(given))
    names = [v.label for v in inputs]
    return Contents(program, form, names, parameters, has_gradient, labels, adjoint_of)


def _flattened(
    given: Sequence[Any], varied: Sequence[Value], inputs: int, has_gradient: bool
) -> tuple[FlatProgram, dict[int, str], Pairs]:
    """The program of a graph, the labels of its registers, and which of them are adjoints of
    which.
    """
    with tracing(varied):
        if heart.running is not None:
            found = heart.running.linearised(tuple(given), varied, has_gradient, pattern)
            if found is not None:
                parts, labels, *pairs = found
                program = FlatProgram.of_parts(inputs, len(varied) - inputs, parts)
                return program, labels, Pairs(*map(integers, pairs))
        if len(set(varied)) < len(varied) or not all(isinstance(v, Value) for v in varied):
            raise ValueError(
                "the inputs and parameters of a tape are different Values, each named once"
            )
        graph = Graph(Builder(inputs, len(varied) - inputs), varied)
        graph.emit(given, varied)
        refs, adjoint = [graph.ref(number) for number in given], dict[Value, Found]()
        if has_gradient:
            adjoint = graph.adjoints(given[0], varied)
            refs += graph.gradient(adjoint, varied)
        program, registers = graph.builder.finished(refs)
        return program, graph.labels(registers), graph.adjoint_of(adjoint, registers)


class Graph:
    """A graph on its way into a program: `refs` says where the number of a node is there."""

    def __init__(self, builder: Builder, leaves: Sequence[Value]) -> None:
        self.builder = builder
        self.refs: dict[Value, int] = {v: i for i, v in enumerate(leaves)}
        # what a function in one gate comes to, and from which leaves
        self.inner: dict[Value, tuple[Any, list[Value]]] = {}

    def emit(self, roots: Sequence[Any], leaves: Sequence[Value]) -> None:
        """Emit what the roots depend on, from leaves that have references already."""
        nodes = [root for root in roots if isinstance(root, Value)]
        for v in nodes_below(*nodes, stop=leaves):
            row = v.primitive
            if row is None:
                self.refs[v] = self.builder.constant(v._primal)  # noqa: SLF001  # its .data is what a user may not read now
                continue
            operands = tuple(self._operand_refs(v))
            if row.is_checkpoint:
                self._emit_inside(v, operands)
            else:
                self.refs[v] = self.builder.emit(row, operands)

    def _operand_refs(self, v: Value) -> list[int]:
        constant, refs = self.builder.constant, self.refs
        return [constant(o) if type(o) is float else refs[o] for o in v.operands]

    def _emit_inside(self, v: Value, operands: Sequence[int]) -> None:
        """Emit the graph inside a function in one gate, in place of the gate."""
        inputs = [Value(o if type(o) is float else o._primal) for o in v.operands]  # noqa: SLF001
        self.refs |= zip(inputs, operands)
        with tracing(inputs):
            # else it holds a number of other operands
            if not any(checks.stale_nodes([*value_operands(v), v])):
                again = v.primitive.primal(*[x._primal for x in inputs])  # noqa: SLF001
                require_repeated(v.primitive.name, v.operands, v, again)
            out = v.primitive.expansion(*inputs)
            self.emit([out], inputs)
        self.inner[v] = out, inputs
        self.refs[v] = self.ref(out)

    def ref(self, number: Any) -> int:
        """Where a number of the graph is, or of a sweep over it."""
        if isinstance(number, Term):
            return number.ref
        if isinstance(number, Value):
            return self.refs[number]
        return self.builder.constant(ops.as_float(number, "a tape"))

    def adjoints(self, out: Any, leaves: Sequence[Value]) -> dict[Value, Found]:
        """The reverse sweep from `out` to the leaves, emitted as it goes, over nothing but what
        lies between them.
        """
        if not isinstance(out, Value):
            return {}
        order = between([out], leaves)
        reached = {*order, *leaves}
        found = {out: Found(self.builder.constant(1.0))}
        for v in reversed(order):
            if v.primitive is None or v not in found:
                continue
            wanted = [type(o) is not float and o in reached for o in v.operands]
            upstream = found[v]
            for operand, slope, is_wanted in zip(v.operands, self.slopes(v, wanted), wanted):
                if is_wanted and slope is not None:
                    part = self._times(upstream, *slope)
                    before = found.get(operand)
                    found[operand] = part if before is None else self._plus(before, part)
        return found

    def gradient(self, adjoint: Adjoints, leaves: Sequence[Value]) -> list[int]:
        """What the sweep found for each leaf, 0 where nothing arrived."""
        nothing = Found(self.builder.constant(0.0))
        return [self._or_else(adjoint.get(leaf, nothing), 0.0) for leaf in leaves]

    def slopes(self, v: Value, wanted: Sequence[bool]) -> list[Slope | None]:
        """The slopes of a node in its operands, those that are wanted at least; None where no
        gradient passes.
        """
        if v in self.inner:
            out, inputs = self.inner[v]
            return [(ref, None) for ref in self.gradient(self.adjoints(out, inputs), inputs)]
        if v.primitive.lowering is None:
            return self._slopes_in_python(v)
        found = slopes_of(v.primitive, len(wanted), mask_of(wanted))
        refs = found.copied(self.builder, [self.refs[v], *self._operand_refs(v)])
        return [self._slope(refs, *pair) for pair in zip(found.outputs, found.conditions)]

    def partials(self, v: Value) -> list[Any]:
        """The slopes of a node as terms, contributions where a gate routes; None where no gradient
        passes.
        """
        if v.primitive is None:
            return []
        slopes = self.slopes(v, [type(o) is not float for o in v.operands])
        return [None if s is None else self.term(Found(*s)) for s in slopes]

    def term(self, found: Found) -> Any:
        """What a sweep found as a term, a contribution where it has a condition."""
        number = Term(self.builder, found.number)
        if found.condition is None:
            return number
        return Contribution(number, Term(self.builder, found.condition), found.is_sum)

    def _slope(self, refs: Sequence[int], output: int, condition: int) -> Slope | None:
        if output == NOTHING:
            return None
        if condition == NOTHING:
            return refs[output], None
        return self._switch(refs[output], refs[condition])

    def _switch(self, ref: int, condition: int) -> Slope | None:
        """A slope on a condition, which may have turned out to be a constant."""
        if condition >= 0:
            return ref, condition
        return (ref, None) if self.builder.constants[~condition] else None

    def _slopes_in_python(self, v: Value) -> list[Slope | None]:
        """The slopes of a row whose functions may do anything with a number that is no term."""
        operands = [
            o if type(o) is float else Term(self.builder, self.refs[o]) for o in (v, *v.operands)
        ]
        slopes: list[Slope | None] = []
        for number in local_terms(v.primitive, operands):
            if isinstance(number, Contribution):
                slopes.append(self._switch(self.ref(number.number), self.ref(number.condition)))
            else:
                slopes.append(None if number is None else (self.ref(number), None))
        return slopes

    def _times(self, upstream: Found, slope: int, condition: int | None) -> Found:
        number = self.builder.emit(ops.mul, (upstream.number, slope))
        return Found(number, self._both(upstream.condition, condition))

    def _plus(self, found: Found, more: Found) -> Found:
        if found.condition is None and more.condition is None:
            return Found(self.builder.emit(ops.add, (found.number, more.number)))
        summands = self._summand(found), self._summand(more)
        number = self.builder.emit(ops.add, summands)
        return Found(number, self._either(found.condition, more.condition), is_sum=True)

    def _summand(self, found: Found) -> int:
        return found.number if found.is_sum else self._or_else(found, NEUTRAL)

    def _or_else(self, found: Found, other: float) -> int:
        if found.condition is None:
            return found.number
        operands = (found.condition, found.number, self.builder.constant(other))
        return self.builder.emit(ops.where, operands)

    def _both(self, c: int | None, d: int | None) -> int | None:
        if c is None or d is None or c == d:
            return d if c is None else c
        return self.builder.emit(ops.where, (c, d, self.builder.constant(0.0)))

    def _either(self, c: int | None, d: int | None) -> int | None:
        if c is None or d is None:
            return None
        return c if c == d else self.builder.emit(ops.add, (c, d))  # neither is negative

    def labels(self, registers: Registers) -> dict[int, str]:
        """What registers are called, as their nodes are."""
        labelled = [v for v in self.refs if v.label]
        places = registers([self.refs[v] for v in labelled]).tolist()
        return {r: v.label for r, v in zip(places, labelled) if r >= 0}

    def adjoint_of(self, adjoint: Adjoints, registers: Registers) -> Pairs:
        """The registers that hold adjoints, each with that of the node whose adjoint it is."""
        swept = [v for v in adjoint if v in self.refs]
        # of several nodes with one adjoint, it is named after one with a name
        swept.sort(key=lambda v: v.label != "")
        numbers = [adjoint[v].number for v in swept]
        refs = [self.refs[v] for v in swept]
        kept = [i for i, pair in enumerate(zip(numbers, refs)) if min(pair) >= 0]
        adjoints, nodes = [registers([refs[i] for i in kept]) for refs in (numbers, refs)]
        return Pairs(adjoints, nodes)
