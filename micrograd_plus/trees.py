"""Numbers and Values in lists and tuples, nested as one likes: what transformations and tapes take and give."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any

from .engine import Value
from .ops import as_float

Tree = Any  # a number, a Value, or a list or tuple of trees


def leaves_of(tree: Tree) -> list[Any]:
    """The numbers and Values of a tree, from left to right; TypeError for anything else."""
    if isinstance(tree, (list, tuple)):
        return [leaf for branch in tree for leaf in leaves_of(branch)]
    return [tree if isinstance(tree, Value) else as_float(tree, "a transformation")]


def like(tree: Tree, leaves: Sequence[Any]) -> Tree:
    """A tree of the same form with other leaves."""
    return builder_of(tree)(list(leaves))


def builder_of(form: Tree) -> Callable[[list[Any]], Tree]:
    """What makes trees of this form from their leaves, when many are to be made: lists, tuples and named tuples."""
    return _builder(form, 0)[0]


def _builder(form: Tree, start: int) -> tuple[Callable[[list[Any]], Tree], int]:
    """What makes a tree from the leaves that begin at a place, and the place of the leaf after."""
    if not isinstance(form, (list, tuple)):
        return itemgetter(start), start + 1
    make: Callable[[list[Any]], Tree] = getattr(type(form), "_make", list if isinstance(form, list) else tuple)
    end = start + len(form)
    if not any(isinstance(branch, (list, tuple)) for branch in form):
        return (lambda leaves: make(leaves[start:end])), end
    parts = []
    for branch in form:
        part, start = _builder(branch, start)
        parts.append(part)
    return (lambda leaves: make([part(leaves) for part in parts])), start


def _form(tree: Tree) -> str:
    return f"({', '.join(map(_form, tree))})" if isinstance(tree, (list, tuple)) else "number"


def matching(tree: Tree, other: Tree, name: str) -> list[Any]:
    """The leaves of another tree, which must have the form of the first; ValueError, naming the other, where it has not."""
    if _form(tree) != _form(other):
        wanted, got = (form if len(form) <= 80 else form[:77] + "..." for form in (_form(tree), _form(other)))
        raise ValueError(f"the {name} must have the form of what it goes with: {wanted}, not {got}")
    return leaves_of(other)
