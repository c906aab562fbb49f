"""Derivatives of Python functions, of any order and in any mix of modes, from the engine's two sweeps.

A transformation calls the function on fresh Values, which stand for the arguments, and sweeps the graph that comes out:
from the output back (`grad`, `vjp`), or from the arguments on (`jvp`). Inside another transformation the sweep itself is
recorded, so its result can be swept again. Fresh Values are what keeps nested derivatives apart: each sweep starts from
its own, and whatever else the function refers to is for it a constant.

Arguments and results are floats, Values, or lists and tuples of them, nested as one likes.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from . import guards, ops
from .engine import Value, adjoints, nodes_below, record, tangents

Tree = Any  # a number, a Value, or a list or tuple of trees
Function = Callable[..., Tree]

_depth: ContextVar[int] = ContextVar("micrograd_plus_depth", default=0)


def grad(f: Function, argnums: int | Sequence[int] = 0) -> Callable[..., Tree]:
    """The function that gives the gradient of the scalar function `f` with respect to the argument(s) `argnums`.

    The result has the form of the argument, a tuple of them when `argnums` is a sequence: floats, or Values when an
    argument is a Value or another transformation is under way. Raises TypeError when `f` does not give one number.
    """
    with_value = value_and_grad(f, argnums)

    @functools.wraps(f)
    def gradient(*args: Tree) -> Tree:
        return with_value(*args)[1]
    return gradient


def value_and_grad(f: Function, argnums: int | Sequence[int] = 0) -> Callable[..., tuple[Tree, Tree]]:
    """The function that gives both f(*args) and its gradient; see `grad`."""
    @functools.wraps(f)
    def value_and_gradient(*args: Tree) -> tuple[Tree, Tree]:
        chosen = _chosen(args, argnums)

        def partial(*inputs: Tree) -> Tree:
            out = f(*_substituted(args, dict(zip(chosen, inputs))))
            if isinstance(out, (list, tuple)):
                raise TypeError(f"grad needs a function that gives one number, not a {type(out).__name__}: see jacobian")
            return out

        out, pull = vjp(partial, *(args[i] for i in chosen))
        gradients = pull(1.0)
        return out, gradients if isinstance(argnums, Sequence) else gradients[0]
    return value_and_gradient


def vjp(f: Function, *args: Tree) -> tuple[Tree, Callable[[Tree], tuple[Tree, ...]]]:
    """f(*args), and the function that takes a cotangent of that form to its products with the Jacobian, one an argument."""
    with _transforming() as recorded:
        leaves = _leaves(args)
        inputs = _fresh(leaves)
        out = f(*_like(args, inputs))
    outputs = _leaves(out)
    recorded = recorded or _has_values(leaves)

    def pull(cotangent: Tree) -> tuple[Tree, ...]:
        seeds: dict[Value, Any] = {}
        for output, seed in zip(outputs, _matching(out, cotangent, "cotangent")):
            if isinstance(output, Value):
                seeds[output] = seeds[output] + seed if output in seeds else seed
        keep = recorded or _has_values(seeds.values())
        order = nodes_below(*seeds, stop=inputs)
        with guards.switched(sweeping=True):
            found = adjoints(order, seeds, keep)
        pulled: tuple[Tree, ...] = _like(args, [_result(found.get(v, 0.0), keep) for v in inputs])
        return pulled

    return _like(out, [_result(output, recorded) for output in outputs]), pull


def jvp(f: Function, args: Sequence[Tree], directions: Sequence[Tree]) -> tuple[Tree, Tree]:
    """f(*args), and its derivative along `directions`, which have the form of `args`; by the forward sweep."""
    with _transforming() as recorded:
        leaves = _leaves(args)
        directed = _matching(args, directions, "direction")
        inputs = _fresh(leaves)
        out = f(*_like(tuple(args), inputs))
    outputs = _leaves(out)
    recorded = recorded or _has_values([*leaves, *directed])
    order = nodes_below(*[output for output in outputs if isinstance(output, Value)], stop=inputs)
    with guards.switched(sweeping=True):
        found = tangents(order, dict(zip(inputs, directed)), recorded)
    derivatives = [found.get(output, 0.0) if isinstance(output, Value) else 0.0 for output in outputs]
    return (_like(out, [_result(output, recorded) for output in outputs]),
            _like(out, [_result(derivative, recorded) for derivative in derivatives]))


def jacobian(f: Function, argnums: int | Sequence[int] = 0) -> Callable[..., Tree]:
    """The function that gives, for each number that `f` gives, its gradient: the form of the output, then of the argument.

    It sweeps forward when there are fewer numbers to go in than to come out, otherwise in reverse.
    """
    @functools.wraps(f)
    def matrix(*args: Tree) -> Tree:
        chosen = _chosen(args, argnums)

        def partial(*inputs: Tree) -> Tree:
            return f(*_substituted(args, dict(zip(chosen, inputs))))

        given = tuple(args[i] for i in chosen)
        out, pull = vjp(partial, *given)
        width, height = len(_leaves(given)), len(_leaves(out))
        if width < height:
            columns = [_leaves(jvp(partial, given, _like(given, unit))[1]) for unit in _units(width)]
            rows = [_like(given, list(row)) for row in zip(*columns)]
        else:
            rows = [pull(_like(out, unit)) for unit in _units(height)]
        return _like(out, rows if isinstance(argnums, Sequence) else [row[0] for row in rows])
    return matrix


def hessian(f: Function, argnums: int | Sequence[int] = 0) -> Callable[..., Tree]:
    """The function that gives the second derivatives of the scalar function `f`: the Jacobian of its gradient."""
    return jacobian(grad(f, argnums), argnums)


def hvp(f: Function, args: Sequence[Tree], directions: Sequence[Tree]) -> Tree:
    """The Hessian of the scalar function `f` times a direction, a forward sweep over a reverse one: a tuple like `args`."""
    return jvp(grad(f, range(len(args))), args, directions)[1]


def custom(name: str, primal: Callable[..., float], partials: Callable[..., Any], *, symbol: str = "",
           gate: ops.Gate = "scales", domain: tuple[ops.Interval, ...] = (ops.REAL,), kinks: tuple[float, ...] = (),
           edges: Sequence[ops.Edge] = ()) -> ops.Primitive:
    """A new row of the table, for a function that the table lacks; it gets everything that a built-in row gets.

    `primal` takes floats and gives a float; its signature gives the arity, `*xs` making the row variadic.
    `partials(out, *operands)` gives the local derivative for each operand (one operand: the derivative alone will do),
    written with operators and rows, so that it works on floats and on Values and can be differentiated in its turn.
    Raises ValueError when the name is taken or no identifier.
    """
    if name in ops.TABLE or not name.isidentifier():
        raise ValueError(f"a row needs a name of its own that is an identifier, and {name!r} is taken or none")
    parameters = inspect.signature(primal).parameters.values()
    variadic = any(p.kind is p.VAR_POSITIONAL for p in parameters)

    def sequence(out: Any, *operands: Any) -> Sequence[Any]:
        found = partials(out, *operands)
        found = tuple(found) if isinstance(found, (list, tuple)) else (found,)
        if len(found) != len(operands):
            raise ValueError(f"the partials of {name} gave {len(found)} derivative(s) for {len(operands)} operand(s)")
        return found

    ops.TABLE[name] = ops.Primitive(name, symbol or name, None if variadic else len(parameters),
                                    lambda *operands: float(primal(*operands)), sequence, gate, domain, kinks, edges)
    return ops.TABLE[name]


def checkpoint(f: Callable[..., Any]) -> Callable[..., Any]:
    """`f`, a function from numbers to one number, as one gate: its inner graph is not kept but made again in sweeps."""
    def partials(out: Any, *operands: Any) -> Sequence[Any]:  # noqa: ARG001  # the signature of every row
        gradients: Sequence[Any] = grad(f, range(len(operands)))(*operands)
        return gradients

    def primal(*operands: float) -> float:
        out = f(*operands)
        return out.data if isinstance(out, Value) else float(out)

    return ops.Primitive(getattr(f, "__name__", "function"), getattr(f, "__name__", "f"), None, primal, partials)


@contextmanager
def _transforming() -> Iterator[bool]:
    """Within it, a transformation is under way; gives whether one was already."""
    depth = _depth.get()
    token = _depth.set(depth + 1)
    try:
        with guards.switched(recording=True, sweeping=False):
            yield depth > 0
    finally:
        _depth.reset(token)


def _leaves(tree: Tree) -> list[Any]:
    """The numbers and Values of a tree, from left to right."""
    if isinstance(tree, (list, tuple)):
        return [leaf for branch in tree for leaf in _leaves(branch)]
    return [tree if isinstance(tree, Value) else ops.as_float(tree, "a transformation")]


def _like(tree: Tree, leaves: Sequence[Any]) -> Tree:
    """A tree of the same form with other leaves."""
    remaining = iter(leaves)

    def grown(branch: Tree) -> Tree:
        if isinstance(branch, (list, tuple)):
            branches = [grown(b) for b in branch]
            return branches if isinstance(branch, list) else tuple(branches)
        return next(remaining)
    return grown(tree)


def _form(tree: Tree) -> Any:
    return [_form(branch) for branch in tree] if isinstance(tree, (list, tuple)) else None


def _matching(tree: Tree, other: Tree, name: str) -> list[Any]:
    if _form(tree) != _form(other):
        raise ValueError(f"the {name} must have the form of what it goes with: {_form(tree)}, not {_form(other)}")
    return _leaves(other)


def _fresh(leaves: Sequence[Any]) -> list[Value]:
    """Values that stand for the arguments in one transformation only; they depend on those that are Values."""
    return [record(ops.identity, (leaf,)) if isinstance(leaf, Value) else Value(leaf) for leaf in leaves]


def _has_values(things: Any) -> bool:
    return any(isinstance(thing, Value) for thing in things)


def _result(thing: Any, recorded: bool) -> Any:
    return thing.data if isinstance(thing, Value) and not recorded else thing


def _units(n: int) -> list[list[float]]:
    return [[float(i == j) for j in range(n)] for i in range(n)]


def _chosen(args: Sequence[Tree], argnums: int | Sequence[int]) -> list[int]:
    chosen = list(argnums) if isinstance(argnums, Sequence) else [argnums]
    for i in chosen:
        if not -len(args) <= i < len(args):
            raise ValueError(f"argnums says argument {i}, but there are only {len(args)}")
    return [i % len(args) for i in chosen]


def _substituted(args: Sequence[Tree], replacements: dict[int, Tree]) -> list[Tree]:
    return [replacements.get(i, arg) for i, arg in enumerate(args)]
