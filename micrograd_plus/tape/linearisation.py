"""Linearisation: a graph of Values, and the reverse sweep over it, as one list of instructions.

The sweep is that of any derivative, but over terms of the program in the making, so what it
computes is emitted like the graph itself. Knows nothing of what runs a program.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .. import checks, ops
from ..autodiff import require_repeated
from ..engine import Value, adjoints, between, nodes_below, value_operands
from ..tracing import Contribution, local_terms, tracing
from ..trees import Tree, bare, branches_of, leaves_of, like
from .builder import Builder, Term
from .contents import Contents
from .program import Integers

Adjoints = Mapping[Value, Contribution]
Registers = Callable[[Sequence[int]], Integers]  # of references, -1 for what was left out


def linearised(outputs: Tree, inputs: Sequence[Value], parameters: Sequence[Value]) -> Contents:
    """What a tape from `inputs` and `parameters` to `outputs` consists of.

    Raises ValueError when an input or parameter is named twice or is no Value.
    """
    varied = [*inputs, *parameters]
    if len(set(varied)) < len(varied) or not all(isinstance(v, Value) for v in varied):
        raise ValueError(
            "the inputs and parameters of a tape are different Values, each named once"
        )
    outputs = bare(outputs)
    given = leaves_of(outputs)
    has_gradient = branches_of(outputs) is None
    graph = Graph(Builder(len(inputs), len(parameters)), varied)
    adjoint: Adjoints = {}
    gradient: list[Any] = []
    with tracing(varied):
        graph.emit(given, varied)
        if has_gradient:
            adjoint = graph.adjoints(outputs, varied)
            gradient = _numbers(adjoint, varied)
    refs = [graph.ref(number) for number in (*given, *gradient)]
    program, registers = graph.builder.finished(refs)
    return Contents(
        program,
        like(outputs, [0.0] * len(given)),
        [v.label for v in inputs],
        parameters,
        has_gradient,
        graph.labels(registers),
        graph.adjoint_of(adjoint, registers),
    )


def _numbers(adjoint: Adjoints, leaves: Sequence[Value]) -> list[Any]:
    """What the sweep found for each leaf, 0 where nothing arrived."""
    return [adjoint[leaf].or_else(0.0) if leaf in adjoint else 0.0 for leaf in leaves]


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
            operands = tuple(
                [self.builder.constant(o) if type(o) is float else self.refs[o] for o in v.operands]
            )
            if row.is_checkpoint:
                self._emit_inside(v, operands)
            else:
                self.refs[v] = self.builder.emit(row, operands)

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

    def adjoints(self, out: Any, leaves: Sequence[Value]) -> Adjoints:
        """The reverse sweep from `out` to the leaves, emitted as it goes."""
        if not isinstance(out, Value):
            return {}
        return adjoints(between([out], leaves), {out: Contribution(1.0)}, self.partials)

    def partials(self, v: Value) -> Sequence[Any]:
        """The local gradients of a node, emitted: each a term, a contribution where a gate routes,
        a number, or None where no gradient passes.
        """
        if v.primitive is None:
            return ()
        if v in self.inner:
            out, inputs = self.inner[v]
            return _numbers(self.adjoints(out, inputs), inputs)
        numbers = [
            o if type(o) is float else Term(self.builder, self.refs[o]) for o in (v, *v.operands)
        ]
        partials = local_terms(v.primitive, numbers)
        # constants need none
        return [None if type(o) is float else p for o, p in zip(v.operands, partials)]

    def labels(self, registers: Registers) -> dict[int, str]:
        """What registers are called, as their nodes are."""
        labelled = [v for v in self.refs if v.label]
        places = registers([self.refs[v] for v in labelled]).tolist()
        return {r: v.label for r, v in zip(places, labelled) if r >= 0}

    def adjoint_of(self, adjoint: Adjoints, registers: Registers) -> dict[int, int]:
        """The registers that hold adjoints, each with that of the node whose adjoint it is."""
        swept = [v for v in adjoint if v in self.refs and isinstance(adjoint[v].number, Term)]
        # of several nodes with one adjoint, it is named after one with a name
        swept.sort(key=lambda v: v.label != "")
        nodes = registers([self.refs[v] for v in swept]).tolist()
        adjoints_of_them = registers([adjoint[v].number.ref for v in swept]).tolist()
        return {r: of for r, of in zip(adjoints_of_them, nodes) if r >= 0 and of >= 0}
