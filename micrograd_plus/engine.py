"""Value: a number that remembers how it was made. Recording a row builds the graph; two sweeps
differentiate it.

A node holds a float, the row that made it and its operands in order; constants stand among the
operands as plain floats, which no sweep differentiates. There are no closures, no cycles and no
recursion, so a graph of a million nodes is built, differentiated, copied, pickled and freed like a
small one. A sweep keeps its numbers to itself and commits them at its end: an interrupted one has
changed nothing.

This is the reference. Where the heart in C was built, it takes the place of what stands here, under
the same names and with the same bits: see the last lines, and heart/README.md.
"""

from __future__ import annotations

import copy
import gc
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from itertools import chain, repeat
from types import MemberDescriptorType, MethodType
from typing import TYPE_CHECKING, Any, Never, TypeVar, cast, overload

from . import checks, heart, modes, ops
from .checks import require_fresh
from .graph import topological_order
from .modes import DEFAULT
from .ops import Primitive, as_float
from .ops.operators import UNARY, Operators, with_operators
from .support.pickling import fence_is_up, operands_first
from .ufuncs import elementwise, is_array_of_objects, row_call

Function = TypeVar("Function", bound=Callable[..., Any])
# from a node to the partial derivatives in its operands
Local = Callable[["Value"], Sequence[Any]]
Operand = Any  # a Value, or a number that as_float takes
# a user's own on a Value: in its dict, and in slots of a subclass
Attributes = tuple[dict[str, Any], dict[str, Any]]
# how often leaves were edited so far: the clock; a node is stale when an operand changed after it
# was computed
_edits = 0
_engine = "python"
_mode = modes.mode.get
_lock = threading.RLock()  # of the clock, and of gradients while a sweep adds to them
if hasattr(os, "register_at_fork"):  # a child must not wait for a thread that it does not have
    os.register_at_fork(
        before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_lock.release
    )

OPERATION_OF_YOUR_OWN = """write an operation of your own as a row, from its value and its slope:
    from micrograd_plus import custom
    cube = custom("cube", lambda x: x**3, lambda out, x: 3 * x**2)
    y = cube(x)"""
USE_GRAD = "use grad(f), which gives the derivative as a number like others"
LEAVE_NO_GRAD = "leave no_grad out: what is recorded needs its graph"


def _tick() -> int:
    global _edits
    with _lock:
        _edits += 1
        return _edits


class _Method:
    """A method that an attribute of the user's own cannot hide:
    what is set under its name is refused.
    """

    __slots__ = ("function",)

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function

    def __get__(self, v: Value | None, owner: type | None = None) -> Any:
        return self.function if v is None else MethodType(self.function, v)

    def __set__(self, v: Value, thing: object) -> None:
        name = self.function.__name__
        more = (
            f": {OPERATION_OF_YOUR_OWN}"
            if name == "_backward"
            else "; attributes of your own need another name"
        )
        raise AttributeError(f"{name} is a method of every Value, and cannot be set on one{more}")


def _kept(function: Function) -> Function:
    return cast("Function", _Method(function))


def _method(primitive: Primitive) -> Callable[[Value], Value]:
    compute = primitive.primal

    def method(self: Value) -> Value:
        clock = _edits
        return _recorded(primitive, (self,), compute(self._primal), clock)

    method.__name__, method.__qualname__ = primitive.name, f"Value.{primitive.name}"
    method.__doc__ = f"The row `ops.{primitive.name}` of this Value."
    return method


def _direct(primitive: Primitive) -> Callable[[Value, Operand], Any]:
    compute = primitive.primal

    def operator(self: Value, other: Operand) -> Any:
        clock = _edits
        if type(other) is Value:
            primal = compute(self._primal, other._primal)
            return _recorded_pair(primitive, self, other, primal, clock)
        if type(other) is int:
            other = float(other)
        if type(other) is float:
            return _recorded_pair(primitive, self, other, compute(self._primal, other), clock)
        if not isinstance(other, Value):
            try:
                other = as_float(other, primitive.name)
            except TypeError:
                if is_array_of_objects(other):  # NumPy comes back with each of them
                    return NotImplemented
                raise
        return record(primitive, (self, other))

    operator.__name__, operator.__qualname__ = primitive.name, f"Value.{primitive.name}"
    operator.__doc__ = f"The row `ops.{primitive.name}` of two operands."
    return operator


def _reflected(primitive: Primitive) -> Callable[[Value, Operand], Value]:
    def operator(self: Value, other: Operand) -> Value:
        return record(
            primitive,
            (other if isinstance(other, Value) else as_float(other, primitive.name), self),
        )

    operator.__name__, operator.__qualname__ = primitive.name, f"Value.{primitive.name}"
    operator.__doc__ = f"The row `ops.{primitive.name}` of two operands, turned round."
    return operator


def _comparison(primitive: Primitive) -> Callable[[Value, object], Any]:
    def compare(self: Value, other: object) -> Any:
        # identity, so that Values live in sets and dicts; but conditions are numbers
        if isinstance(other, Value):
            return (
                record(primitive, (self, other))
                if _is_condition(self) and _is_condition(other)
                else NotImplemented
            )
        if is_array_of_objects(other):  # NumPy comes back with each of them
            return NotImplemented
        number = checks.comparable(other, primitive.name)
        return NotImplemented if number is None else record(primitive, (self, number))

    compare.__name__, compare.__qualname__ = primitive.name, f"Value.{primitive.name}"
    compare.__doc__ = f"The row `ops.{primitive.name}` of this Value and a number."
    return compare


def _plain(call: str, what: str, way: str) -> Callable[..., Any]:
    def refuse(self: Value, *_: object) -> Any:
        checks.require_untraced(what, (self,))
        raise TypeError(f"{call} would cut {self!r} out of its graph: {way}")

    refuse.__name__ = call.partition("(")[0]
    return refuse


def _with_methods_of_rows(cls: type[Value]) -> type[Value]:
    """Every row of one operand as a method, but for those that are operators of Python."""
    operators = {row for _, row in UNARY.values()}
    for row in ops.primitives():
        if row.arity == 1 and row not in operators:
            setattr(cls, row.name, _kept(_method(row)))
    return cls


@_with_methods_of_rows
@with_operators(_direct, _reflected, _method, _comparison)
class Value(Operators):
    """A scalar in a graph: `data`, and after `backward()` the gradient `grad` of the output with
    respect to it.

    `Value(2.0, label="a")` is a leaf; operators and the functions of `micrograd_plus.ops` on it
    make new Values. The data is anything that is exactly a real number (int, float, bool, Fraction,
    NumPy scalar), else TypeError.

    `==` and `!=` with a number compare the data and give a condition, as `<` does. Between Values
    they mean the very same Value, so that these live in sets, dicts and lists. What follows: `v in
    (0, 1)` compares data, `v in {0, 1}` does not; `[1.0, p].remove(p)` may find the number; `v ==
    pytest.approx(2)` means the exact number, so compare `v.data`.

    A Value takes attributes of your own, which go with copies and pickles. Operations on an
    instance of a subclass give plain Values.
    """

    __slots__ = (
        "__dict__",
        "__weakref__",
        "_clock",
        "_gradient",
        "_left",
        "_operands",
        "_primal",
        "_right",
        "label",
        "primitive",
    )

    _primal: float
    _gradient: float | None
    primitive: Any  # the row that made it, None on a leaf
    # the operands, None where they are two that lie beside it: of most nodes, which need no tuple
    _operands: tuple[Any, ...] | None
    _left: Any
    _right: Any
    _clock: int
    label: str

    if TYPE_CHECKING:  # the rows of one operand as methods, and what users set

        def __getattr__(self, name: str) -> Any: ...
        def __setattr__(self, name: str, value: Any) -> None: ...
        @overload
        def __eq__(self, other: float) -> Value: ...  # type: ignore[overload-overlap]
        @overload
        def __eq__(self, other: object) -> bool: ...
        def __eq__(self, other: object) -> Any: ...
        @overload
        def __ne__(self, other: float) -> Value: ...  # type: ignore[overload-overlap]
        @overload
        def __ne__(self, other: object) -> bool: ...
        def __ne__(self, other: object) -> Any: ...

    def __init__(self, data: Operand, label: str = "", *more: Never, **named: Never) -> None:
        if more or named or not isinstance(label, str):
            checks.refuse_arguments(label, more, named, OPERATION_OF_YOUR_OWN)
        self._primal, self._gradient, self._clock = as_float(data, "Value"), None, _edits
        self.primitive, self.operands, self.label = None, (), label

    @property
    def operands(self) -> tuple[Any, ...]:
        """Values, and floats for constants, in order."""
        operands = self._operands
        return (self._left, self._right) if operands is None else operands

    @operands.setter
    def operands(self, operands: tuple[Any, ...]) -> None:
        self._operands, self._left, self._right = operands, None, None

    @property
    def data(self) -> float:
        """The value, a float. Only a leaf's may be set; the graphs above it then wait for
        `forward()`.
        """
        if _mode() is not DEFAULT:
            checks.require_untraced("its .data", (self,))
        return self._primal

    @data.setter
    def data(self, number: Operand) -> None:
        if self.primitive is not None:
            raise AttributeError(
                f"{self!r} is the result of {self.primitive.name}, so its data follows from its "
                "leaves: set theirs and call .forward() on it; or, to try another number here, put "
                "Value(v.data + h) in its place and compute on from there"
            )
        primal = number if type(number) is float else as_float(number, "Value.data")
        self._primal, self._clock = primal, _tick()

    @property
    def grad(self) -> float:
        """The gradient: summed over all backward passes on a leaf, of the latest pass elsewhere;
        0.0 before any.
        """
        gradient = self._gradient
        return 0.0 if gradient is None else gradient

    @grad.setter
    def grad(self, number: Operand) -> None:
        if number is not None and type(number) is not float:
            number = as_float(number, "Value.grad")
        self._gradient = number

    @property
    def _op(self) -> str:
        return self.primitive.symbol if self.primitive else ""

    @property
    def _prev(self) -> tuple[Value, ...]:
        return tuple(
            Value(operand) if type(operand) is float else operand for operand in self.operands
        )

    @_kept
    def backward(self, gradient: float = 1.0, **named: Never) -> None:
        """Add d(self)/d(leaf) x `gradient` to every leaf's `grad`, and set that of the nodes
        between.

        Leaves keep what earlier passes left in them: `zero_grad(v)` forgets it for the graph below
        v. Raises ValueError when a leaf was edited after the graph was computed, or when the graph
        has a cycle.
        """
        if named:
            raise TypeError(
                "backward takes one number, the gradient to begin with (gradient=1.0), not "
                f"{', '.join(named)}"
            )
        if _mode() is not DEFAULT:
            checks.require_untraced("backward()", (self,), USE_GRAD)
        order = nodes_below(self)
        require_fresh(order)
        _end_pass(order, adjoints(order, {self: as_float(gradient, "backward")}))

    @_kept
    def _backward(self) -> None:
        """One gate's backward, as lectures step by hand: local gradient x own gradient is added to
        each operand's.
        """
        checks.require_untraced("_backward()", (self,), USE_GRAD)
        require_fresh([*value_operands(self), self])
        found = adjoints([self], {self: self.grad})
        del found[self]
        _add(found)

    @_kept
    def forward(self) -> Value:
        """Evaluate the graph again from its leaves, after they were edited;
        gradients between are forgotten.
        """
        order = [v for v in nodes_below(self) if v.primitive is not None]
        primals, clocks, now = dict[Any, float](), dict[Any, int](), _tick()
        for v in order:
            operands = [o if type(o) is float else primals.get(o, o._primal) for o in v.operands]
            primals[v] = v.primitive.primal(*operands)
            clocks[v] = (
                now
                if any(clocks.get(o, o._clock) > v._clock for o in value_operands(v))
                else v._clock
            )
            if _mode().anomaly:
                checks.require_finite_value(v.primitive, operands, primals[v])
        _commit(
            order,
            _primal=list(primals.values()),
            _clock=list(clocks.values()),
            _gradient=[None] * len(order),
        )
        return self

    __hash__ = object.__hash__

    def __pos__(self) -> Value:
        return self

    fabs = _kept(_method(ops.abs))

    @_kept
    def leaky_relu(self, slope: Operand = 0.01) -> Value:
        """self where it is positive, slope x self elsewhere."""
        return record(ops.leaky_relu_row, (self, slope))

    def __bool__(self) -> bool:
        checks.require_untraced("whether it is true", (self,))
        if _is_condition(self):
            return self._primal != 0.0
        raise TypeError(
            f"the truth of {self!r} is not recorded in the graph: compare it (x > 0), choose with "
            "ops.where(condition, x, y), or test its .data"
        )

    __float__ = _plain(
        "float()",
        "it as a plain number",
        "use .data for the number, or ops.exp(x) and its like in place of math.exp(x)",
    )
    __int__ = _plain("int()", "it as a whole number", "use int(v.data) for the number")
    __index__ = _plain(
        "An index",
        "its place in a list",
        "use int(v.data) for the number, or "
        "ops.take(v, *entries) to choose by a number that varies",
    )
    __round__ = _plain(
        "round()",
        "it as a plain number",
        'use round(v.data, 2) for the number, or f"{v:.2f}" for its text',
    )
    __trunc__ = __floor__ = __ceil__ = __int__
    __complex__ = __float__

    def __format__(self, spec: str) -> str:
        if not spec:
            return str(self)
        checks.require_untraced("its number as text", (self,))
        return format(self._primal, spec)

    def __repr__(self) -> str:
        said = f"data={self._primal!r}"
        if _is_condition(self):
            said += ", true" if self._primal else ", false"
        if self._gradient is not None:
            said += f", grad={self._gradient!r}"
        if self.label:
            said += f", label={self.label!r}"
        return f"Value({said})"

    def __copy__(self) -> Value:
        twin = _twin(self, self.operands)
        _give(twin, _attributes(self))
        return twin

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        order = topological_order([self], lambda v: () if id(v) in memo else value_operands(v))
        new = [v for v in order if id(v) not in memo]
        for v in new:
            memo[id(v)] = _twin(
                v, tuple([o if type(o) is float else memo[id(o)] for o in v.operands])
            )
        for v in new:  # whose attributes may lead back to any of them
            attributes = _attributes(v)
            if any(attributes):
                _give(memo[id(v)], copy.deepcopy(attributes, memo))
        return memo[id(self)]

    def __reduce__(self) -> tuple[Any, ...]:
        if self.primitive is None or fence_is_up():
            parts = (self.primitive, self.operands, self._primal, self._gradient, None, self.label)
            made = (_node, parts) if type(self) is Value else (_node, (*parts, type(self)))
            free, slotted = _attributes(self)
            state = (free, slotted) if slotted else free  # the two forms that pickle knows
            return (*made, state) if state else made
        order = nodes_below(self)
        require_fresh(order)
        return operands_first(order)

    def __array_ufunc__(self, function: Any, method: str, *operands: Any, **options: Any) -> Any:
        row, given = row_call(function, method, operands, options)
        try:
            return record(
                row, tuple([o if isinstance(o, Value) else as_float(o, row.name) for o in given])
            )
        except TypeError:
            if any(map(is_array_of_objects, given)):
                return elementwise(row, given)
            raise

    @staticmethod
    def __primitive__(primitive: Primitive, operands: tuple[Operand, ...]) -> Value:
        return record(primitive, operands)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:
        from .drawing import mimebundle

        return mimebundle(self, include, exclude)

    def _mime_(self) -> tuple[str, str]:
        from .drawing import mime

        return mime(self)

    @_kept
    def draw(self, **options: Any) -> Any:
        """A picture of the graph below this Value; the options are those
        of `micrograd_plus.draw`.
        """
        from .drawing import draw

        return draw(self, **options)

    @_kept
    def play(self, **options: Any) -> Any:
        """The graph below this Value, to step through; the options are those of
        `micrograd_plus.play`.
        """
        from .player import play

        return play(self, **options)

    @_kept
    def explain(self, leaf: Value | str, **options: Any) -> Any:
        """The chain rule from `leaf` (or its label) to this Value, in words and numbers;
        see `micrograd_plus.explain`.
        """
        from .chain_rule import explain

        return explain(self, leaf, **options)


_new = Value.__new__


def zero_grad(root: Value) -> None:
    """Forget the gradients of the graph below `root`, so that the next backward pass starts from
    nothing.

    Raises TypeError when `root` is no Value; a Module has a method of this name for its parameters.
    """
    if not isinstance(root, Value):
        raise TypeError(
            "zero_grad takes the Value whose graph is to forget its gradients, not a "
            f"{type(root).__name__}"
        )
    nodes = nodes_below(root)
    _commit(nodes, _gradient=[None] * len(nodes))


def record(primitive: Primitive, operands: tuple[Operand, ...]) -> Value:
    """Evaluate a row on operands of which one at least is a Value,
    and give the node that remembers it.
    """
    clock = _edits
    try:
        primal = primitive.primal(*_primals(operands))
    except AttributeError:  # there are numbers that are not yet floats
        operands = tuple(
            [o if isinstance(o, Value) else as_float(o, primitive.name) for o in operands]
        )
        primal = primitive.primal(*_primals(operands))
    return _recorded(primitive, operands, primal, clock)


def _recorded(
    primitive: Primitive, operands: tuple[Operand, ...], primal: float, clock: int
) -> Value:
    """The node of an operation that has been evaluated.

    `clock` was read before the data were, so that an edit by another thread makes the node stale.
    """
    mode = _mode()
    if mode is not DEFAULT:
        instead: Value | None = _in_mode(mode, primitive, operands, primal, clock)
        if instead is not None:
            return instead
    v = _new(Value)
    v._primal, v._gradient, v._clock = primal, None, clock
    v.primitive, v.operands, v.label = primitive, operands, ""
    return v


def _recorded_pair(primitive: Primitive, x: Any, y: Any, primal: float, clock: int) -> Value:
    """The same of two operands, which most operations have: in the fewest steps."""
    mode = _mode()
    if mode is not DEFAULT:
        instead: Value | None = _in_mode(mode, primitive, (x, y), primal, clock)
        if instead is not None:
            return instead
    v = _new(Value)
    v._primal = primal
    v._gradient = None
    v._clock = clock
    v.primitive = primitive
    v._operands = None
    v._left = x
    v._right = y
    v.label = ""
    return v


def _in_mode(
    mode: modes.Mode,
    primitive: Primitive,
    operands: tuple[Operand, ...],
    primal: float,
    clock: int,
) -> Any:
    """What stands in a mode for the node of an operation, or None when it is recorded as ever."""
    if mode.simplify is not None:
        simpler = mode.simplify(primitive, operands)
        if simpler is not None:
            return simpler
    elif mode.anomaly:
        checks.require_finite_value(primitive, operands, primal)
    if not mode.recording and not primitive.is_condition:
        checks.require_untraced("a result without its graph (no_grad)", operands, LEAVE_NO_GRAD)
        return _node(None, (), primal, None, None, "")
    if mode.group is None:
        return None
    v = _node(primitive, operands, primal, None, clock, "")
    v.group = mode.group
    return v


def _primals(operands: Sequence[Any]) -> list[Any]:
    # most likely a dot of Values: leave the odd constant to the exception
    if len(operands) > 4:
        try:
            return [o._primal for o in operands]
        except AttributeError:
            pass
    return [o if type(o) is float else o._primal for o in operands]


def _node(
    primitive: Primitive | None,
    operands: tuple[Value | float, ...],
    primal: float,
    gradient: float | None,
    clock: int | None,
    label: str,
    kind: type[Value] = Value,
) -> Value:
    """A Value from its parts, as they are; `clock` None means now."""
    v = _new(kind)
    v._primal, v._gradient, v._clock = primal, gradient, _edits if clock is None else clock
    v.primitive, v.operands, v.label = primitive, operands, label
    return v


def _twin(v: Value, operands: tuple[Value | float, ...]) -> Value:
    return _node(v.primitive, operands, v._primal, v._gradient, v._clock, v.label, type(v))


def _attributes(v: Value) -> Attributes:
    """What the user has set on a Value: in its dict, and in the slots of a subclass."""
    free = vars(v) if _has_attributes(v) else {}
    if type(v) is Value:
        return free, {}
    return free, {name: getattr(v, name) for name in _slots_of(type(v)) if hasattr(v, name)}


def _has_attributes(v: Value) -> bool:
    """Whether a Value has a dict: without attributes it has none yet,
    and a look at it would make one.
    """
    return len(gc.get_referents(v)) > _BARE


def _slots_of(kind: type[Value]) -> list[str]:
    """The names of the slots that a subclass has beside those of Value."""
    below = kind.__mro__[: kind.__mro__.index(Value)]
    return [
        name
        for cls in below
        for name, thing in vars(cls).items()
        if type(thing) is MemberDescriptorType
    ]


def _give(v: Value, attributes: Attributes) -> None:
    free, slotted = attributes
    if free:
        vars(v).update(free)
    for name, thing in slotted.items():
        setattr(v, name, thing)


def _is_condition(v: Value) -> bool:
    return v.primitive is not None and v.primitive.is_condition


def value_operands(v: Value) -> list[Value]:
    """The operands that are Values, in order; a Value used twice is listed twice."""
    return [o for o in v.operands if type(o) is not float]


def known_gradient(v: Value) -> float | None:
    """The gradient, or None when no backward pass has reached the node yet (its `grad` then reads
    0.0).
    """
    return v._gradient


def _operands_of(v: Any) -> tuple[Any, ...]:
    operands: tuple[Any, ...] | None = v._operands
    return (v._left, v._right) if operands is None else operands


def nodes_below(*roots: Value, stop: Sequence[Value] = ()) -> list[Value]:
    """The Values that the roots depend on and the roots themselves, operands before their users;
    not those in `stop`.
    """
    return topological_order(roots, _operands_of, stop, apart=float)


def leaves_below(roots: Sequence[Value], stop: Sequence[Value]) -> list[Value]:
    """The leaves that the roots depend on and are among, but for those in `stop` and below it."""
    return [v for v in nodes_below(*roots, stop=stop) if v.primitive is None]


def between(outputs: Sequence[Value], inputs: Sequence[Value]) -> list[Value]:
    """The nodes through which the outputs depend on the inputs, in order of evaluation."""
    order = nodes_below(*outputs, stop=inputs)
    require_fresh(order)
    reached = set(inputs)
    for v in order:
        if not reached.isdisjoint(value_operands(v)):
            reached.add(v)
    return [v for v in order if v in reached]


def local_gradients(v: Value) -> Sequence[Any]:
    """The partial derivative of a node in each of its operands; None where no gradient passes."""
    if v.primitive is None:
        return ()
    partials: Sequence[Any] = v.primitive.partials(v._primal, *_primals(v.operands))
    return partials


def adjoints(
    order: Sequence[Value],
    seeds: dict[Value, Any],
    local: Local = local_gradients,
    wanted: Sequence[Any] | None = None,  # noqa: ARG001  # here all are found in one go
) -> dict[Value, Any]:
    """The reverse sweep: the derivative of the seeded nodes with respect to every node that a
    gradient reaches.
    With `wanted`, no other nodes need be among what is found.
    """
    adjoint = dict(seeds)
    found = adjoint.get
    for v in reversed(order):
        row = v.primitive
        upstream = found(v)
        if upstream is None or row is None:
            continue
        if v._operands is None and local is local_gradients:  # as below, spelled out
            x, y = v._left, v._right
            of_x, of_y = row.partials(
                v._primal,
                x if type(x) is float else x._primal,
                y if type(y) is float else y._primal,
            )
            if of_x is not None and type(x) is not float:
                before = found(x)
                part = upstream * of_x
                adjoint[x] = part if before is None else before + part
            if of_y is not None and type(y) is not float:
                before = found(y)
                part = upstream * of_y
                adjoint[y] = part if before is None else before + part
            continue
        for operand, partial in zip(v.operands, local(v)):
            if partial is not None and type(operand) is not float:
                part, before = upstream * partial, found(operand)
                adjoint[operand] = part if before is None else before + part
    if _mode().anomaly:
        checks.require_finite_gradients(order, adjoint)
    return adjoint


def tangents(
    order: Sequence[Value],
    seeds: dict[Value, Any],
    local: Local = local_gradients,
    wanted: Sequence[Any] | None = None,  # noqa: ARG001  # here all are found in one go
) -> dict[Value, Any]:
    """The forward sweep: the derivative of every node that the seeded nodes reach,
    with respect to them.
    With `wanted`, no other nodes need be among what is found.
    """
    tangent = dict(seeds)
    for v in order:
        if v not in seeds:
            for operand, partial in zip(v.operands, local(v)):
                if partial is not None and type(operand) is not float and operand in tangent:
                    part, before = tangent[operand] * partial, tangent.get(v)
                    tangent[v] = part if before is None else before + part
    if _mode().anomaly:
        checks.require_finite_tangents(order, tangent)
    return tangent


_BARE = len(gc.get_referents(Value(0.0)))


def _end_pass(order: list[Value], found: dict[Value, Any]) -> None:
    """Leave what a reverse pass found in the nodes: leaves add it to what they have."""
    # between reading what leaves have and writing the sum, no other thread may add to it
    with _lock:
        for v in order:
            if v.primitive is None and v._gradient is not None:
                found[v] = found.get(v, 0.0) + v._gradient
        _commit(order, _gradient=list(map(found.get, order, repeat(0.0))))


def _add(found: dict[Value, Any]) -> None:
    """Add to the gradients of nodes."""
    with _lock:
        sums = [
            number if v._gradient is None else v._gradient + number for v, number in found.items()
        ]
        _commit(list(found), _gradient=sums)


def are_leaves(values: Sequence[Any]) -> bool:
    """Whether all are Values and leaves, each named once."""
    if not all(isinstance(v, Value) and v.primitive is None for v in values):
        return False
    return len(set(values)) == len(values)


def read_data(values: Sequence[Value], into: Any) -> None:
    """Copy the data of many Values into an array of doubles, one for each."""
    for i, v in enumerate(values):
        into[i] = v._primal


def read_gradients(values: Sequence[Value], into: Any) -> None:
    """Copy the gradients of many Values into an array of doubles, one for each."""
    for i, v in enumerate(values):
        into[i] = v.grad


def write_data(values: Sequence[Value], numbers: Any) -> None:
    """Give many leaves new data, from an array of doubles: Ctrl-C falls before all or after."""
    _commit(list(values), _primal=numbers.tolist(), _clock=[_tick()] * len(values))


def engine_name() -> str:
    """Which engine runs: "python", the reference, or "c", the heart in C.

    The environment variable MICROGRAD_PLUS_ENGINE chooses between them when the package is
    imported; without it C runs where it was built.
    """
    return _engine


def _commit(nodes: Iterable[Value], **contents: Iterable[Any]) -> None:
    """Set slots of many nodes at once: no bytecode runs between two of them,
    so Ctrl-C falls before or after.
    """
    settings = [map(setattr, nodes, repeat(slot), numbers) for slot, numbers in contents.items()]
    deque(chain.from_iterable(settings), maxlen=0)


if heart.is_chosen():  # from here on these names mean what is written in C
    globals().update(heart.in_place_of(globals()))
