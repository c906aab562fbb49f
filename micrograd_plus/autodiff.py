"""Derivatives of Python functions, of any order and in any mix of modes, from the engine's two
sweeps.

A transformation calls the function on fresh Values, which stand for the arguments, and sweeps the
graph that comes out: from the output back (`grad`, `vjp`), or from the arguments on (`jvp`). Inside
another transformation the sweep itself is recorded, so its result can be swept again. Fresh Values
are what keeps nested derivatives apart: each sweep starts from its own, and whatever else the
function refers to is for it a constant.

Arguments and results are floats, Values, or lists, tuples, dicts and NumPy arrays of them, nested
as one likes: for an array the function gets an array of Values, and the gradient is an array.
Keyword arguments are passed on as they are. A thread that a function starts knows nothing of the
transformation around it, unless it is run in a copy of the context
(`contextvars.copy_context().run`).
"""

from __future__ import annotations

import functools
import inspect
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import Any

from . import modes, ops
from .engine import (
    Value,
    adjoints,
    between,
    local_gradients,
    nodes_below,
    record,
    tangents,
    value_operands,
)
from .ops.simplify import simplified
from .tracing import Contribution, routed
from .trees import Tree, branches_of, leaves_of, like, matching, mentions_value

Function = Callable[..., Tree]
Argnums = int | Sequence[int]  # which arguments, by their places
Derivatives = dict[Value, Any]  # what a sweep begins with, and what it finds

_depth: ContextVar[int] = ContextVar("micrograd_plus_depth", default=0)


def grad(f: Function, argnums: Argnums = 0) -> Callable[..., Tree]:
    """The function that gives the gradient of the scalar function `f` with respect to the
    argument(s) `argnums`.

    The result has the form of the argument, a tuple of them when `argnums` is a sequence: floats,
    or Values when an argument is a Value or another transformation is under way. Raises TypeError
    when `f` does not give one number.
    """
    with_value = value_and_grad(f, argnums)

    @functools.wraps(f)
    def gradient(*args: Tree, **kwargs: Any) -> Tree:
        return with_value(*args, **kwargs)[1]

    return gradient


def value_and_grad(f: Function, argnums: Argnums = 0) -> Callable[..., tuple[Tree, Tree]]:
    """The function that gives both f(*args) and its gradient; see `grad`.

    Raises TypeError when `f` does not give one number.
    """

    @functools.wraps(f)
    def value_and_gradient(*args: Tree, **kwargs: Any) -> tuple[Tree, Tree]:
        partial, given = _partial(functools.partial(f, **kwargs), args, argnums)
        call = _Call(partial, given, args)
        if branches_of(call.out) is not None:
            raise TypeError(
                f"grad needs a function that gives one number, not a {type(call.out).__name__}: "
                "see jacobian"
            )
        gradients = call.pull(1.0)
        gradient = gradients if isinstance(argnums, Sequence) else gradients[0]
        return call.result(), gradient

    return value_and_gradient


def vjp(f: Function, *args: Tree) -> tuple[Tree, Callable[[Tree], tuple[Tree, ...]]]:
    """f(*args), and the function that takes a cotangent
    of that form to its products with the Jacobian, one an argument.
    """
    call = _Call(f, args, args)
    return call.result(), call.pull


def jvp(f: Function, args: Sequence[Tree], directions: Sequence[Tree]) -> tuple[Tree, Tree]:
    """f(*args), and its derivative along `directions`, which have the form of `args`;
    by the forward sweep.
    """
    _require_sequence("jvp", args, directions)
    directed = matching(args, directions, "direction")
    call = _Call(f, tuple(args), (args, directed))
    return call.result(), call.push(directed)


def jacobian(f: Function, argnums: Argnums = 0) -> Callable[..., Tree]:
    """The function that gives, for each number that `f` gives, its gradient: the form of the
    output, then of the argument.

    It sweeps forward when there are fewer numbers to go in than to come out, otherwise in reverse;
    each number that goes in or comes out has a sweep of its own, over nothing but what depends on
    the one or what the other depends on. So an output that does not depend on an input has the
    derivative 0 in it, whatever happens elsewhere.
    """

    @functools.wraps(f)
    def matrix(*args: Tree, **kwargs: Any) -> Tree:
        partial, given = _partial(functools.partial(f, **kwargs), args, argnums)
        call = _Call(partial, given, args)
        if 0 < len(call.inputs) < len(call.outputs):
            gradients = [like(given, numbers) for numbers in zip(*call.columns())]
        else:
            gradients = [call.gradient_of(output) for output in call.outputs]
        if not isinstance(argnums, Sequence):
            gradients = [gradient for (gradient,) in gradients]
        return like(call.out, gradients)

    return matrix


def hessian(f: Function, argnums: Argnums = 0) -> Callable[..., Tree]:
    """The function that gives the second derivatives of the scalar function `f`:
    the Jacobian of its gradient.
    """
    return jacobian(grad(f, argnums), argnums)


def hvp(f: Function, args: Sequence[Tree], directions: Sequence[Tree]) -> Tree:
    """The Hessian of the scalar function `f` times a direction, a forward sweep over a reverse one:
    a tuple like `args`.
    """
    _require_sequence("hvp", args, directions)
    return jvp(grad(f, range(len(args))), args, directions)[1]


def _as_wanted(partial: Any, out: Any) -> Any:
    """A derivative that a user's function gave: a float where a sweep has floats, and a Value only
    where it has Values.
    """
    if type(out) is float or (isinstance(partial, Value) and not isinstance(out, Value)):
        return partial if partial is None else float(partial)  # which refuses a Value
    return partial


def custom(
    name: str,
    primal: Callable[..., float],
    partials: Callable[..., Any],
    *,
    symbol: str = "",
    gate: ops.Gate = "scales",
    domain: tuple[ops.Interval, ...] = (ops.REAL,),
    kinks: tuple[ops.Kink, ...] = (),
    edges: Sequence[ops.Edge] = (),
) -> ops.Primitive:
    """A new row of the table, for a function that the table lacks.

    It gets derivatives of every order, pictures, explanations, tapes and their files, tests, and
    serves neurons as an activation by its name. It has no machine code: a tape with it runs in
    Python alone. It is no method of Values and no name in `ops`: call what this gives.

    `primal` takes floats and gives a float; its signature gives the arity, `*xs` making the row
    variadic. `partials(out, *operands)` gives the local derivative for each operand (one operand:
    the derivative alone will do), written with operators and rows, so that it works on floats and
    on Values and can be differentiated in its turn. `domain`, `kinks` and `edges` are those of a
    row (`ops.Primitive`), for tests. A row of one's own may be defined again, as a notebook does;
    later graphs use the new one. Raises ValueError when the name is that of a built-in row or no
    identifier, or when `primal` does not tell how many operands it takes.
    """
    if name in ops.BUILT_IN or not name.isidentifier():
        raise ValueError(
            f"a row needs a name of its own that is an identifier, and {name!r} is taken or none"
        )
    try:
        parameters = inspect.signature(primal).parameters.values()
    except ValueError:
        raise ValueError(
            f"{name}: its primal does not tell how many operands it takes; write lambda x: ..."
        ) from None
    required = [p for p in parameters if p.default is p.empty]
    named = [p.name for p in required if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    others = [p.name for p in required if p.kind is p.VAR_POSITIONAL]

    def slopes(out: Any, *operands: Any) -> Sequence[Any]:
        given = partials(out, *operands)
        found = tuple(given) if isinstance(given, (list, tuple)) else (given,)
        if len(found) != len(operands):
            raise ValueError(
                f"the partials of {name} gave {len(found)} derivative(s) for {len(operands)} "
                "operand(s)"
            )
        return tuple([_as_wanted(partial, out) for partial in found])

    doc = inspect.getdoc(primal) or f"The row {name} of a user."
    ops.TABLE[name] = ops.Primitive(
        name,
        symbol or name,
        doc,
        operands=(*named, *others),
        variadic=bool(others),
        least=len(named),
        shares=False,
        primal=lambda *operands: float(primal(*operands)),
        slopes=slopes,
        gate=gate,
        domain=domain,
        kinks=kinks,
        edges=edges,
    )
    return ops.TABLE[name]


def checkpoint(f: Callable[..., Any]) -> Callable[..., Any]:
    """`f`, a function from numbers to one number, as one gate: its inner graph is not kept but made
    again in sweeps.

    What `f` gives must depend on its operands alone. Calling the gate raises ValueError when `f`
    refers to Values that are not its operands, for they would get no gradient; and a sweep does
    when `f`, called again, gives another number than before, because it draws by chance or because
    something that it refers to has changed since.
    """
    name = getattr(f, "__name__", "function")

    def primal(*operands: float) -> float:
        leaves = [Value(operand) for operand in operands]
        with modes.switched(recording=True, simplify=None, tracing=None):
            out = f(*leaves)
            if not isinstance(out, Value):
                return ops.as_float(out, name)
            for v in nodes_below(out, stop=leaves):
                if v.primitive is None:
                    raise ValueError(
                        f"{name} refers to {v!r}, which would get no gradient: make it an operand"
                    )
            return out.data

    def partials(out: Any, *operands: Any) -> Sequence[Any]:
        # a sweep on floats wants floats, whatever it is part of
        depth = _depth.get() if mentions_value(operands) else 0
        token = _depth.set(depth)
        try:
            again, gradient = value_and_grad(f, range(len(operands)))(*operands)
        finally:
            _depth.reset(token)
        if modes.mode.get().tracing:  # where derivatives inside f may add in another order
            again = primal(*map(_number, operands))
        require_repeated(name, operands, out, again)
        return gradient  # type: ignore[no-any-return]

    doc = inspect.getdoc(f) or f"{name} as one gate."
    return ops.Primitive(
        name,
        name,
        doc,
        operands=("operands",),
        variadic=True,
        least=0,
        primal=primal,
        slopes=partials,
        expansion=f,
        is_checkpoint=True,
    )


def require_repeated(name: str, operands: Sequence[Any], out: Any, again: Any) -> None:
    """Raise ValueError unless a checkpoint, called again, gave what it gave before,
    to the last bit.
    """
    before, now = _number(out), _number(again)
    if repr(before) != repr(now):  # as it tells 0 from -0 and takes a nan for a nan
        at = ", ".join(repr(_number(operand)) for operand in operands)
        raise ValueError(
            f"the checkpoint of {name} gave {before!r} at ({at}), but {now!r} when it was called "
            "again: what it gives must depend on its operands alone, neither on chance nor on "
            "anything that changes in between. Hand such numbers in as operands"
        )


def _number(x: Any) -> float:
    return x._primal if isinstance(x, Value) else float(x)  # noqa: SLF001  # where .data may not be read


class _Call:
    """One call of a function on fresh Values, and the sweeps over the graph that it left.

    `concerned` are the arguments that decide the kind of the results: Values when there is one
    among them, else floats; recorded when there is, or when another transformation is under way,
    unless recording is switched off.
    """

    def __init__(self, f: Function, args: tuple[Tree, ...], concerned: Tree) -> None:
        self.args = args
        self.as_values = mentions_value(concerned)
        nested = _depth.get() > 0 or modes.mode.get().tracing is not None
        self.recorded = (self.as_values or nested) and modes.mode.get().recording
        token = _depth.set(_depth.get() + 1)
        try:
            with modes.switched(recording=True, simplify=None):
                self.inputs = [_fresh(leaf) for leaf in leaves_of(args)]
                self.out = f(*like(args, self.inputs))
        finally:
            _depth.reset(token)
        self.outputs = leaves_of(self.out)

    def result(self) -> Tree:
        """What the function gave."""
        found = [self._handed_out(output, self.recorded) for output in self.outputs]
        return like(self.out, found)

    def pull(self, cotangent: Tree) -> tuple[Tree, ...]:
        """The reverse sweep: from a cotangent, which has the form of the output,
        to one gradient for each argument.
        """
        given = matching(self.out, cotangent, "cotangent")
        seeds: Derivatives = {}
        for output, seed in zip(self.outputs, given):
            if isinstance(output, Value):
                seeds[output] = seeds[output] + seed if output in seeds else seed
        of_values = mentions_value(list(seeds.values()))
        recorded = self.recorded or (of_values and modes.mode.get().recording)
        return self._swept_back(seeds, recorded)

    def push(self, directed: Sequence[Any]) -> Tree:
        """The forward sweep: from one number for each input to the derivative
        of the output along them.
        """
        seeds = dict(zip(self.inputs, directed))
        order = between(self._recorded_outputs(), self.inputs)
        return like(self.out, self._swept_forward(order, seeds))

    def gradient_of(self, output: Any) -> tuple[Tree, ...]:
        """The gradient of one output, in the form of the arguments."""
        seeds = {output: 1.0} if isinstance(output, Value) else {}
        return self._swept_back(seeds, self.recorded)

    def columns(self) -> list[list[Any]]:
        """For each input the derivatives of all outputs in it."""
        order = between(self._recorded_outputs(), self.inputs)
        place = {v: i for i, v in enumerate(order)}
        users = defaultdict[Value, list[Value]](list)
        for v in order:
            for operand in value_operands(v):
                users[operand].append(v)
        columns = []
        for v in self.inputs:
            above, waiting = set[Value](), [v]
            while waiting:
                new = [user for user in users[waiting.pop()] if user not in above]
                above.update(new)
                waiting += new
            in_order = sorted(above, key=place.__getitem__)
            columns.append(self._swept_forward(in_order, {v: 1.0}))
        return columns

    def _swept_back(self, seeds: Derivatives, recorded: bool) -> tuple[Tree, ...]:
        order = between(list(seeds), self.inputs)
        found = swept(adjoints, order, seeds, recorded, self.inputs)
        handed_out = [self._handed_out(number, recorded) for number in found]
        gradients: tuple[Tree, ...] = like(self.args, handed_out)
        return gradients

    def _swept_forward(self, order: Sequence[Value], seeds: Derivatives) -> list[Any]:
        found = swept(tangents, order, seeds, self.recorded, self.outputs)
        return [self._handed_out(derivative, self.recorded) for derivative in found]

    def _recorded_outputs(self) -> list[Value]:
        return [output for output in self.outputs if isinstance(output, Value)]

    def _handed_out(self, number: Any, recorded: bool) -> Any:
        if isinstance(number, Value) and not recorded:
            number = number.data
        return Value(number) if self.as_values and not isinstance(number, Value) else number


def _fresh(leaf: Any) -> Value:
    """What stands for a leaf of the arguments: a Value of its own."""
    return record(ops.identity, (leaf,)) if isinstance(leaf, Value) else Value(leaf)


def recorded_gradients(v: Value) -> Sequence[Any]:
    """The local gradients of a node as numbers that remember how they depend on its operands."""
    if v.primitive is None:
        return ()
    partials: Sequence[Any] = v.primitive.slopes(v, *v.operands)
    if v.primitive.gate != "routes":
        return partials
    if modes.mode.get().tracing:
        return routed(v.primitive, partials)
    return [p if _is_on(p) else None for p in partials]


def _is_on(switch: Any) -> bool:
    """Whether a gate that routes passes anything to an operand."""
    return bool(switch.data if isinstance(switch, Value) else switch)


def swept(
    sweep: Callable[..., Derivatives],
    order: Sequence[Value],
    seeds: Derivatives,
    recorded: bool,
    wanted: Sequence[Any],
) -> list[Any]:
    """The derivatives that a sweep finds for the wanted nodes, 0 where it finds none."""
    with modes.switched(simplify=simplified):
        if modes.mode.get().tracing:
            seeds = {v: Contribution(seed) for v, seed in seeds.items()}
        local = recorded_gradients if recorded else local_gradients
        found = sweep(order, seeds, local, list(wanted))
        numbers = [found.get(v, 0.0) if isinstance(v, Value) else 0.0 for v in wanted]
        return [n.or_else(0.0) if isinstance(n, Contribution) else n for n in numbers]


def _require_sequence(user: str, args: object, directions: object) -> None:
    """Raise TypeError unless arguments and directions stand in sequences,
    also when there is but one.
    """
    if not _is_sequence(args) or not _is_sequence(directions):
        raise TypeError(
            f"{user} takes its arguments in one tuple and the directions in another, as in "
            f"{user}(f, (x,), (dx,)), not in a {type(args).__name__} and a "
            f"{type(directions).__name__}"
        )


def _is_sequence(given: object) -> bool:
    return not isinstance(given, dict) and branches_of(given) is not None


def _partial(
    f: Function, args: Sequence[Tree], argnums: Argnums
) -> tuple[Function, tuple[Tree, ...]]:
    """`f` as a function of the chosen arguments alone, and these."""
    chosen = list(argnums) if isinstance(argnums, Sequence) else [argnums]
    for i in chosen:
        if not -len(args) <= i < len(args):
            raise ValueError(f"argnums says argument {i}, but there are only {len(args)}")
    chosen = [i % len(args) for i in chosen]
    if len(set(chosen)) < len(chosen):
        raise ValueError(f"argnums names an argument twice: {argnums}")

    def partial(*inputs: Tree) -> Tree:
        replaced = dict(zip(chosen, inputs))
        return f(*[replaced.get(i, arg) for i, arg in enumerate(args)])

    return partial, tuple(args[i] for i in chosen)
