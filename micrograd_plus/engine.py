"""Value: a number that remembers how it was made. Recording a row builds the graph; two sweeps differentiate it.

A node holds a float, the row that made it and its operands in order; constants stand among the operands as plain
floats, which no sweep differentiates. There are no closures, no cycles and no recursion, so a graph of a million nodes
is built, differentiated, copied, pickled and freed like a small one. A sweep keeps its numbers to itself and commits
them at its end: an interrupted one has changed nothing.
"""

from __future__ import annotations

import threading
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any

from . import guards, ops
from .graph import topological_order
from .guards import require_fresh
from .ops import Primitive, as_float
from .pickling import fence_is_up, operands_first

Local = Callable[["Value"], Sequence[Any]]  # from a node to the partial derivatives in its operands
Operand = Any  # a Value, or a number that as_float takes
_edits = 0  # how often leaves were edited so far: the clock; a node is stale when an operand changed after it was computed
_edits_lock = threading.Lock()


def _tick() -> int:
    global _edits
    with _edits_lock:
        _edits += 1
        return _edits


def _method(primitive: Primitive) -> Callable[[Value], Value]:
    def method(self: Value) -> Value:
        return record(primitive, (self,))
    method.__name__, method.__doc__ = primitive.name, f"The row `ops.{primitive.name}` of this Value."
    return method


def _operator(primitive: Primitive) -> tuple[Callable[[Value, Operand], Value], Callable[[Value, Operand], Value]]:
    def direct(self: Value, other: Operand) -> Value:
        return record(primitive, (self, other if isinstance(other, Value) else as_float(other, primitive.name)))

    def reflected(self: Value, other: Operand) -> Value:
        return record(primitive, (other if isinstance(other, Value) else as_float(other, primitive.name), self))
    for method in (direct, reflected):
        method.__name__, method.__doc__ = primitive.name, f"The row `ops.{primitive.name}` of two operands."
    return direct, reflected


class Value:
    """A scalar in a graph: `data`, and after `backward()` the gradient `grad` of the output with respect to it.

    `Value(2.0, label="a")` is a leaf; operators and the functions of `micrograd_plus.ops` on it make new Values. The
    data is anything that is exactly a real number (int, float, bool, Fraction, NumPy scalar), else TypeError.
    """

    __slots__ = ("_clock", "_gradient", "_primal", "label", "operands", "primitive")
    __array_ufunc__ = None  # NumPy scalars and arrays leave `scalar * value` to Value

    _primal: float
    _gradient: float | None
    primitive: Any  # the row that made it, None on a leaf
    operands: tuple[Any, ...]  # Values, and floats for constants
    _clock: int
    label: str

    def __init__(self, data: Operand, label: str = "") -> None:
        self._primal, self._gradient, self._clock = as_float(data, "Value"), None, _edits
        self.primitive, self.operands, self.label = None, (), label

    @property
    def data(self) -> float:
        """The value, a float. Only a leaf's may be set; the graphs above it then wait for `forward()`."""
        guards.require_untraced("its .data", (self,))
        return self._primal

    @data.setter
    def data(self, number: Operand) -> None:
        if self.primitive is not None:
            raise AttributeError(f"{self!r} is the result of {self.primitive.name}; set the data of its leaves and "
                                 "call .forward() on it")
        self._primal, self._clock = as_float(number, "Value.data"), _tick()

    @property
    def grad(self) -> float:
        """The gradient: summed over all backward passes on a leaf, of the latest pass elsewhere; 0.0 before any."""
        return 0.0 if self._gradient is None else self._gradient

    @grad.setter
    def grad(self, number: Operand) -> None:
        self._gradient = None if number is None else as_float(number, "Value.grad")

    @property
    def _op(self) -> str:
        return self.primitive.symbol if self.primitive else ""

    @property
    def _prev(self) -> tuple[Value, ...]:
        return tuple(Value(operand) if type(operand) is float else operand for operand in self.operands)

    def backward(self, gradient: float = 1.0) -> None:
        """Add d(self)/d(leaf) x `gradient` to every leaf's `grad`, and set that of the nodes between.

        Raises ValueError when a leaf was edited after the graph was computed, or when the graph has a cycle.
        """
        guards.require_untraced("backward() (use grad)", (self,))
        order = nodes_below(self)
        require_fresh(order)
        found = adjoints(order, {self: as_float(gradient, "backward")})
        for v in order:
            if v.primitive is None and v._gradient is not None:
                found[v] += v._gradient
        _commit(order, _gradient=[found.get(v, 0.0) for v in order])

    def forward(self) -> Value:
        """Evaluate the graph again from its leaves, after they were edited; gradients between are forgotten."""
        order = [v for v in nodes_below(self) if v.primitive is not None]
        primals, clocks, now = dict[Any, float](), dict[Any, int](), _tick()
        for v in order:
            operands = [o if type(o) is float else primals.get(o, o._primal) for o in v.operands]
            primals[v] = v.primitive.primal(*operands)
            clocks[v] = now if any(clocks.get(o, o._clock) > v._clock for o in value_operands(v)) else v._clock
            if guards.mode.get().anomaly:
                guards.require_finite_value(v.primitive, operands, primals[v])
        _commit(order, _primal=list(primals.values()), _clock=list(clocks.values()), _gradient=[None] * len(order))
        return self

    __add__, __radd__ = _operator(ops.add)
    __sub__, __rsub__ = _operator(ops.sub)
    __mul__, __rmul__ = _operator(ops.mul)
    __truediv__, __rtruediv__ = _operator(ops.div)
    __pow__, __rpow__ = _operator(ops.pow)
    __lt__, __gt__ = _operator(ops.less)
    __le__, __ge__ = _operator(ops.less_equal)
    __neg__, __abs__ = _method(ops.neg), _method(ops.abs)

    def __pos__(self) -> Value: return self

    exp, exp2, expm1 = _method(ops.exp), _method(ops.exp2), _method(ops.expm1)
    log, log2, log10, log1p = _method(ops.log), _method(ops.log2), _method(ops.log10), _method(ops.log1p)
    sqrt, cbrt, fabs = _method(ops.sqrt), _method(ops.cbrt), _method(ops.abs)
    sin, cos, tan = _method(ops.sin), _method(ops.cos), _method(ops.tan)
    asin, acos, atan, semicircle = _method(ops.asin), _method(ops.acos), _method(ops.atan), _method(ops.semicircle)
    sinh, cosh, tanh, sech2 = _method(ops.sinh), _method(ops.cosh), _method(ops.tanh), _method(ops.sech2)
    asinh, acosh, atanh = _method(ops.asinh), _method(ops.acosh), _method(ops.atanh)
    erf, erfc, sigmoid, softplus = _method(ops.erf), _method(ops.erfc), _method(ops.sigmoid), _method(ops.softplus)
    relu, silu, hard_tanh = _method(ops.relu), _method(ops.silu), _method(ops.hard_tanh)
    sign, step, identity = _method(ops.sign), _method(ops.step), _method(ops.identity)

    def leaky_relu(self, slope: Operand = 0.01) -> Value:
        """self where it is positive, slope x self elsewhere."""
        return record(ops.leaky_relu_row, (self, slope))

    def __bool__(self) -> bool:
        guards.require_untraced("whether it is true", (self,))
        if self.primitive in _CONDITIONS:
            return self._primal != 0.0
        raise TypeError(f"the truth of {self!r} is not recorded in the graph: compare it (x > 0), choose with "
                        "ops.where(condition, x, y), or test its .data")

    def __float__(self) -> float:
        guards.require_untraced("it as a plain number", (self,))
        raise TypeError(f"float() would cut {self!r} out of its graph: use .data for the number, or ops.exp(x) and its "
                        "like in place of math.exp(x)")
    __int__ = __round__ = __float__
    __hash__ = object.__hash__

    def __eq__(self, other: object) -> Any: return guards.identity(self, other)  # so Values live in sets and dicts

    def __repr__(self) -> str:
        label = f", label={self.label!r}" if self.label else ""
        return f"Value(data={self._primal!r}, grad={self.grad!r}{label})"

    def __copy__(self) -> Value:
        return _node(self.primitive, self.operands, self._primal, self._gradient, self._clock, self.label)

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        for v in topological_order([self], lambda v: () if id(v) in memo else value_operands(v)):
            if id(v) not in memo:
                operands = tuple([o if type(o) is float else memo[id(o)] for o in v.operands])
                memo[id(v)] = _node(v.primitive, operands, v._primal, v._gradient, v._clock, v.label)
        return memo[id(self)]

    def __reduce__(self) -> tuple[Any, ...]:
        if self.primitive is None or fence_is_up():
            return _node, (self.primitive, self.operands, self._primal, self._gradient, None, self.label)
        order = nodes_below(self)
        require_fresh(order)
        return operands_first(order)

    @staticmethod
    def __primitive__(primitive: Primitive, operands: tuple[Operand, ...]) -> Value:
        return record(primitive, operands)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        from .drawing import mimebundle
        return mimebundle(self)

    def draw(self, **options: Any) -> Any:
        """A picture of the graph below this Value; the options are those of `micrograd_plus.draw`."""
        from .drawing import draw
        return draw(self, **options)

    def explain(self, leaf: Value, **options: Any) -> Any:
        """The chain rule from `leaf` to this Value, in words and numbers; see `micrograd_plus.explain`."""
        from .explain import explain
        return explain(self, leaf, **options)


_new = Value.__new__
_CONDITIONS = (ops.less, ops.less_equal, ops.equal)


def record(primitive: Primitive, operands: tuple[Operand, ...]) -> Value:
    """Evaluate a row on operands of which one at least is a Value, and give the node that remembers it."""
    clock = _edits  # before the data are read, so that an edit by another thread makes the node stale
    try:
        primal = primitive.primal(*_primals(operands))
    except AttributeError:  # there are numbers that are not yet floats
        operands = tuple([o if isinstance(o, Value) else as_float(o, primitive.name) for o in operands])
        primal = primitive.primal(*_primals(operands))
    mode = guards.mode.get()
    if mode is not guards.DEFAULT:
        if mode.simplify is not None:
            simpler: Value | None = mode.simplify(primitive, operands)
            if simpler is not None:
                return simpler
        elif mode.anomaly:
            guards.require_finite_value(primitive, operands, primal)
        if not mode.recording and primitive not in _CONDITIONS:
            guards.require_untraced("a result without its graph (no_grad)", operands)
            return _node(None, (), primal, None, _edits, "")
    v = _new(Value)  # as _node does: a call saved for every gate
    v._primal, v._gradient, v._clock = primal, None, clock
    v.primitive, v.operands, v.label = primitive, operands, ""
    return v


def _primals(operands: Sequence[Any]) -> list[Any]:
    if len(operands) > 4:  # most likely a dot of Values: leave the odd constant to the exception
        try:
            return [o._primal for o in operands]
        except AttributeError:
            pass
    return [o if type(o) is float else o._primal for o in operands]


def _node(primitive: Primitive | None, operands: tuple[Value | float, ...], primal: float, gradient: float | None,
          clock: int | None, label: str) -> Value:
    """A Value from its parts, as they are; `clock` None means now."""
    v = _new(Value)
    v._primal, v._gradient, v._clock = primal, gradient, _edits if clock is None else clock
    v.primitive, v.operands, v.label = primitive, operands, label
    return v


def value_operands(v: Value) -> list[Value]:
    """The operands that are Values, in order; a Value used twice is listed twice."""
    return [o for o in v.operands if type(o) is not float]


def known_gradient(v: Value) -> float | None:
    """The gradient, or None when no backward pass has reached the node yet (its `grad` then reads 0.0)."""
    return v._gradient


def nodes_below(*roots: Value, stop: Sequence[Value] = ()) -> list[Value]:
    """The Values that the roots depend on and the roots themselves, operands before their users; not those in `stop`."""
    order: list[Any] = topological_order(roots, lambda o: () if type(o) is float else o.operands, stop)
    return [v for v in order if type(v) is not float]


def local_gradients(v: Value) -> Sequence[Any]:
    """The partial derivative of a node in each of its operands; None where no gradient passes."""
    if v.primitive is None:
        return ()
    partials: Sequence[Any] = v.primitive.partials(v._primal, *_primals(v.operands))
    if v.primitive.gate == "routes" and 0.0 in partials:  # a switch that is off passes nothing, not even 0 * inf
        return [partial or None for partial in partials]
    return partials


def adjoints(order: Sequence[Value], seeds: dict[Value, Any], local: Local = local_gradients) -> dict[Value, Any]:
    """The reverse sweep: the derivative of the seeded nodes with respect to every node that a gradient reaches."""
    adjoint = defaultdict(_nothing, seeds)
    for v in reversed(order):
        if v.primitive is not None and v in adjoint:
            upstream = adjoint[v]
            for operand, partial in zip(v.operands, local(v)):
                if partial is not None:
                    adjoint[operand] += upstream * partial  # constants gather here too, and nobody asks for theirs
    if guards.mode.get().anomaly:
        guards.require_finite_gradients(order, adjoint)
    return adjoint


def tangents(order: Sequence[Value], seeds: dict[Value, Any], local: Local = local_gradients) -> dict[Value, Any]:
    """The forward sweep: the derivative of every node that the seeded nodes reach, with respect to them."""
    tangent = defaultdict(_nothing, seeds)
    for v in order:
        if v not in seeds:
            for operand, partial in zip(v.operands, local(v)):
                if partial is not None and operand in tangent:
                    tangent[v] += tangent[operand] * partial
    if guards.mode.get().anomaly:
        guards.require_finite_tangents(order, tangent)
    return tangent


_nothing = (0.0).__neg__  # gives -0.0, the one float that added to any other changes no bit of it


def _commit(nodes: list[Value], **contents: list[Any]) -> None:
    """Set slots of many nodes at once: no bytecode runs between two of them, so Ctrl-C falls before or after."""
    slots = [slot for slot in contents for _ in nodes]
    deque(map(setattr, nodes * len(contents), slots, chain.from_iterable(contents.values())), maxlen=0)
