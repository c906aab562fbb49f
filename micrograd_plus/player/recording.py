"""A graph recorded for a picture that moves: one flat program gives the value and the gradient of
every node, and what each wire multiplies and carries.

Both sweeps are recorded with the graph, so what runs the program knows forward rules only. Where no
gradient ever passes there is no number. Where none passes at this point the number is 0: a gate
that routes passes nothing to an operand whose local gradient is 0, and a node that nothing reaches
passes nothing on, not even 0 times infinity. Knows tapes and the engine, and nothing of pictures.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, get_args

from ..checks import require_fresh
from ..engine import Value, adjoints, between, local_gradients, nodes_below, tangents
from ..support.strict_json import exact
from ..tape.builder import Builder, Term
from ..tape.linearisation import Graph
from ..tape.lowering import lowered, operation
from ..tape.program import FlatProgram
from ..tracing import Contribution, tracing

Kind = Literal["values", "gradients", "locals", "contributions", "tangents", "pushed", "spans"]
KINDS: tuple[Kind, ...] = get_args(Kind)
OF_WIRES = ("locals", "contributions", "pushed")
Numbers = Mapping[Value, Any]
Locals = Mapping[Value, Sequence[Any]]
# a node, nodes below it, and where the sweep from it to these ends
Span = tuple[Value, Sequence[Value], Sequence[Value]]


class Place(NamedTuple):
    """Which number of a picture an output is: of a node, or of the wire from one of its operands.

    Of a node there are its value, its gradient and its tangent; of a wire the local gradient, what
    it contributes to the gradient of the operand, and what it has pushed to the tangent of the
    node. Of a span it is the derivative of its node in one of those below.
    """

    kind: Kind
    node: int
    operand: int | None = None


@dataclass(frozen=True)
class Recording:
    """The numbers of a graph at the point where it stands, and a program for those at any other.

    `nodes` are in order of evaluation, `leaves` those that the program takes as inputs. `numbers`
    are Python's own, one for each of `places`, and the program has its outputs in the same order.
    It is None where some rows are known to Python alone; `missing` names these.
    """

    nodes: Sequence[Value]
    leaves: Sequence[Value]
    places: Sequence[Place]
    numbers: Sequence[float]
    program: FlatProgram | None
    missing: Sequence[str]

    def as_json(self) -> dict[str, Any]:
        """The recording as plain data: lists, dicts, numbers and strings.

        `outputs` holds for each kind of number where it stands among the outputs: a list with an
        entry for each node, or for each node a list with an entry for each operand; None where
        there is no such number. `routes` are the nodes that pass nothing where a local gradient
        is 0. A number that JSON lacks is a string: inf, -inf or nan.
        """
        gates = enumerate(self.nodes)
        routes = [i for i, v in gates if v.primitive and v.primitive.gate == "routes"]
        return {
            "program": None if self.program is None else program_as_json(self.program),
            "missing": list(self.missing),
            "point": [exact(v.data) for v in self.leaves],
            "numbers": [exact(x) for x in self.numbers],
            "outputs": self._outputs(),
            "routes": routes,
        }

    def _outputs(self) -> dict[Kind, list[Any]]:
        found: dict[Kind, list[Any]] = {}
        for kind in KINDS:
            of_wires = kind in OF_WIRES
            found[kind] = [[None] * len(v.operands) if of_wires else None for v in self.nodes]
        for output, (kind, node, operand) in enumerate(self.places):
            if kind == "spans":
                continue
            if operand is None:
                found[kind][node] = output
            else:
                found[kind][node][operand] = output
        used = {place.kind for place in self.places} - {"spans"} | {"values", "gradients"}
        return {kind: entries for kind, entries in found.items() if kind in used}


def recorded(
    root: Value, leaves: Sequence[Value], wrt: Value | None = None, spans: Sequence[Span] = ()
) -> Recording:
    """The graph below `root` as a program of `leaves`, with the gradient of `root` in every node;
    with `wrt` also the tangents, which are derivatives of every node in that one. For each of
    `spans` there are the derivatives of a node in nodes further below.

    Whatever is no leaf of these is a constant. Raises ValueError when one of `leaves` is no leaf or
    named twice, when `wrt` is no node of the graph, and when a leaf was edited after the graph was
    computed; TypeError where a row of a user's own decides something in Python.
    """
    nodes = nodes_below(root)
    require_fresh(nodes)
    if len(set(leaves)) < len(leaves) or any(v.primitive is not None for v in leaves):
        raise ValueError("what moves are different leaves, each named once: results follow them")
    if wrt is not None and wrt not in set(nodes):
        raise ValueError(f"{wrt!r} is no part of the graph, so nothing has a tangent in it")
    program, missing, places = _recorded_program(nodes, leaves, wrt, spans)
    local = {v: local_gradients(v) for v in nodes}
    values = {v: v.data for v in nodes}
    numbers = dict(_numbers(values, local, *_swept(nodes, wrt, 1.0, local)))
    numbers |= _across(spans, lambda v, below: adjoints(between([v], below), {v: 1.0}))
    places = places or list(numbers)
    # a switch that is off has no number in Python, nor has what it would let through
    found = [float(numbers.get(place, 0.0)) for place in places]
    return Recording(nodes, leaves, places, found, program, missing)


def _recorded_program(
    nodes: Sequence[Value], leaves: Sequence[Value], wrt: Value | None, spans: Sequence[Span]
) -> tuple[FlatProgram | None, list[str], list[Place]]:
    """The lowered program, the rows that it cannot have, and what its outputs are."""
    graph = Graph(Builder(len(leaves), 0), leaves)
    with tracing(leaves):
        graph.emit(nodes[-1:], leaves)
        forward, _ = graph.builder.finished([graph.ref(nodes[-1])])
        if forward.python_only:
            return None, sorted(forward.python_only), []
        values = {v: Term(graph.builder, graph.ref(v)) for v in nodes}
        local = {v: graph.partials(v) for v in nodes}
        swept = _swept(nodes, wrt, Contribution(1.0), local)

        def sweep(v: Value, ends: Sequence[Value]) -> Numbers:
            found = graph.adjoints(v, ends)
            return {operand: graph.term(number) for operand, number in found.items()}

        numbers = dict(_numbers(values, local, *swept)) | _across(spans, sweep)
        outputs = [graph.ref(_always(number)) for number in numbers.values()]
    return lowered(graph.builder.finished(outputs)[0]), [], list(numbers)


def _swept(
    nodes: Sequence[Value], wrt: Value | None, seed: Any, local: Locals
) -> tuple[Numbers, Numbers]:
    """What the sweeps find: from the root back, and from a node on if that was asked for."""
    adjoint = adjoints(nodes, {nodes[-1]: seed}, local.__getitem__)
    return adjoint, {} if wrt is None else tangents(nodes, {wrt: seed}, local.__getitem__)


def _numbers(
    values: Numbers, local: Locals, adjoint: Numbers, tangent: Numbers
) -> Iterator[tuple[Place, Any]]:
    """Every number of the picture with its place, be it a float or on its way into a program."""
    for i, (v, value) in enumerate(values.items()):
        yield Place("values", i), value
        if v in adjoint:
            yield Place("gradients", i), adjoint[v]
        if v in tangent:
            yield Place("tangents", i), tangent[v]
        for place, (operand, partial) in enumerate(zip(v.operands, local[v])):
            if type(operand) is float or partial is None:
                continue
            yield Place("locals", i, place), _switch(partial)
            if v in adjoint:
                yield Place("contributions", i, place), adjoint[v] * partial
            if operand in tangent:
                yield Place("pushed", i, place), tangent[operand] * partial


def _across(
    spans: Sequence[Span], sweep: Callable[[Value, Sequence[Value]], Numbers]
) -> dict[Place, Any]:
    """The derivatives across spans, 0 where nothing leads through."""
    found: dict[Place, Any] = {}
    for i, (v, below, ends) in enumerate(spans):
        swept = sweep(v, ends)
        for place, operand in enumerate(below):
            found[Place("spans", i, place)] = swept.get(operand, 0.0)
    return found


def _switch(partial: Any) -> Any:
    return partial.number if isinstance(partial, Contribution) else partial


def _always(number: Any) -> Any:
    return number.or_else(0.0) if isinstance(number, Contribution) else number


def program_as_json(program: FlatProgram) -> dict[str, Any]:
    """A lowered program as plain data, for `compile` of arithmetic.js.

    `code` holds the instructions one after the other: the place of the operation in `operations`,
    the number of operands where the operation takes any number of them, and the registers of the
    operands. The registers are the inputs, the constants, and one for each instruction.
    """
    code: list[int] = []
    for number, operands in zip(program.codes.tolist(), program.operands_of()):
        count = [len(operands)] if program.table[number].variadic else []
        code += [number, *count, *operands]
    return {
        "inputs": program.inputs,
        "constants": [exact(x) for x in program.constants.tolist()],
        "operations": [operation(row) for row in program.table],
        "code": code,
        "outputs": program.outputs.tolist(),
    }
