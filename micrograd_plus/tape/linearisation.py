"""Linearisation: a graph of Values, and the reverse sweep over it, as one list of instructions.

The sweep is that of any derivative, but over terms of the program in the making, so what it
computes is emitted like the graph itself. Knows nothing of what runs a program.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from .. import checks, heart, ops
from ..autodiff import require_repeated
from ..engine import Value, between, nodes_below, value_operands
from ..tracing import Contribution, local_terms, tracing
from ..trees import Tree, bare, branches_of, leaves_of, like
from .builder import Builder, Registers, Term
from .contents import Form, Pairs
from .patterns import mask_of
from .programs import Programs, ProgramsOfSnapshot, Whole
from .snapshots import snapshot_in_python
from .sweep import Number, Sweep

Adjoints = Mapping[Value, Number]


def linearised(
    outputs: Tree, varied: tuple[Value, ...], inputs: int
) -> tuple[Programs | ProgramsOfSnapshot, Form, bool]:
    """The programs of a tape from what varies, so many inputs and then the parameters, to
    `outputs`, the form of these, and whether there is a gradient.

    Raises ValueError when an input or parameter is named twice or is no Value.
    """
    outputs = bare(outputs)
    given = leaves_of(outputs)
    has_gradient = branches_of(outputs) is None
    form = like(outputs, [0.0] * len(given))
    snapshot = snapshot_of(given, varied, has_gradient)
    if snapshot is not None:
        sizes = inputs, len(varied) - inputs, len(given)
        return ProgramsOfSnapshot(snapshot, *sizes, has_gradient), form, has_gradient
    whole = _flattened(given, varied, inputs, has_gradient)
    return Programs(whole, len(given)), form, has_gradient


def snapshot_of(given: Sequence[Any], varied: Sequence[Value], has_gradient: bool) -> Any:
    """What is kept of the graph from what varies to the given numbers, by the heart in C where it
    runs; None where the graph itself is to be asked.
    """
    library = heart.library()
    if library is not None:
        return library.snapshot(tuple(given), varied, has_gradient)
    return snapshot_in_python(given, varied, has_gradient)


def _flattened(
    given: Sequence[Any], varied: Sequence[Value], inputs: int, has_gradient: bool
) -> Whole:
    """The program of a graph, by Python."""
    if len(set(varied)) < len(varied) or not all(isinstance(v, Value) for v in varied):
        raise ValueError(
            "the inputs and parameters of a tape are different Values, each named once"
        )
    with tracing(varied):
        graph = Graph(Builder(inputs, len(varied) - inputs), varied)
        graph.emit(given, varied)
        refs, adjoint = [graph.ref(number) for number in given], dict[Value, Number]()
        if has_gradient:
            adjoint = graph.adjoints(given[0], varied)
            refs += graph.gradient(adjoint, varied)
        program, registers = graph.builder.finished(refs)
        return Whole(program, graph.labels(registers), graph.adjoint_of(adjoint, registers))


class Graph(Sweep):
    """A graph of Values on its way into a program: `refs` says where the number of a node is there.

    It has checkpoints and rows of a user's own, which a snapshot has not, and is asked for single
    nodes.
    """

    def __init__(self, builder: Builder, leaves: Sequence[Value]) -> None:
        super().__init__(builder)
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

    def adjoints(self, out: Any, leaves: Sequence[Value]) -> dict[Value, Number]:
        """The reverse sweep from `out` to the leaves, emitted as it goes, over nothing but what
        lies between them.
        """
        if not isinstance(out, Value):
            return {}
        order = between([out], leaves)
        reached = {*order, *leaves}
        self.begin()
        found: dict[Value, Number] = {out: self.one}
        for v in reversed(order):
            upstream = found.get(v)
            if upstream is not None and v.primitive is not None:
                self._pass_on(v, upstream, reached, found)
        return found

    def _pass_on(
        self, v: Value, upstream: Number, reached: AbstractSet[Value], found: dict[Value, Number]
    ) -> None:
        """Add upstream times slope to what is found for each operand that is reached."""
        wanted = [type(o) is not float and o in reached for o in v.operands]
        for operand, slope, is_wanted in zip(v.operands, self.slopes(v, wanted), wanted):
            if is_wanted and slope is not None:
                part = self.times(upstream, slope)
                before = found.get(operand)
                found[operand] = part if before is None else self.plus(before, part)

    def gradient(self, adjoint: Adjoints, leaves: Sequence[Value]) -> list[int]:
        """What the sweep found for each leaf, 0 where nothing arrived."""
        zero = self.builder.constant(0.0)
        return [self.or_else(adjoint.get(leaf, zero), zero) for leaf in leaves]

    def slopes(self, v: Value, wanted: Sequence[bool]) -> Sequence[Number | None]:
        """The slopes of a node in its operands, those that are wanted at least; None where no
        gradient passes.
        """
        row = v.primitive
        if row.is_checkpoint:
            out, inputs = self.inner[v]
            return self.gradient(self.adjoints(out, inputs), inputs)
        if row.lowering is None:
            return [self._slope(partial) for partial in self._asked_of_python(v)]
        refs = [self.refs[v], *self._operand_refs(v)]
        return self.slopes_at(row, mask_of(wanted), refs)

    def _asked_of_python(self, v: Value) -> Sequence[Any]:
        """The slopes of a row whose functions may do anything with a number that is no term."""
        operands = [
            o if type(o) is float else Term(self.builder, self.refs[o]) for o in (v, *v.operands)
        ]
        return local_terms(v.primitive, operands)

    def _slope(self, partial: Any) -> Number | None:
        if partial is None:
            return None
        if isinstance(partial, Contribution):
            return self.switch(self.ref(partial.number), self.ref(partial.condition))
        return self.ref(partial)

    def partials(self, v: Value) -> list[Any]:
        """The slopes of a node as terms, contributions where a gate routes; None where no gradient
        passes.
        """
        if v.primitive is None:
            return []
        slopes = self.slopes(v, [type(o) is not float for o in v.operands])
        return [None if slope is None else self.term(slope) for slope in slopes]

    def term(self, found: Number) -> Any:
        """What a sweep found as a term, a contribution where it has a condition."""
        if isinstance(found, int):
            return Term(self.builder, found)
        number, condition, is_sum = found
        on = None if condition is None else Term(self.builder, condition)
        return Contribution(Term(self.builder, number), on, is_sum)

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
        found = [adjoint[v] for v in swept]
        numbers = [number if isinstance(number, int) else number[0] for number in found]
        refs = [self.refs[v] for v in swept]
        kept = [i for i, pair in enumerate(zip(numbers, refs)) if min(pair) >= 0]
        adjoints, nodes = [registers([refs[i] for i in kept]) for refs in (numbers, refs)]
        return Pairs(adjoints, nodes)
