"""Numbers and Values in lists, tuples, dicts and NumPy arrays, nested as one likes:
what transformations take and give.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from operator import itemgetter
from typing import Any

from .checks import require_unmasked
from .engine import Value
from .ops import as_float

_FLOATS = frozenset((float,))
Tree = Any  # a number, a Value, an array of them, or a list, tuple or dict of trees


def is_array(tree: Tree) -> bool:
    """Whether it is a NumPy array; where NumPy was never imported, there are none."""
    numpy = sys.modules.get("numpy")
    return numpy is not None and isinstance(tree, numpy.ndarray)


def _are_floats(leaves: Iterable[Any]) -> bool:
    return _FLOATS.issuperset(map(type, leaves))


def branches_of(tree: Tree) -> Iterable[Tree] | None:
    """What a tree consists of, in order, or None when it is a leaf;
    TypeError for an array of what is no real number.
    """
    if type(tree) is float or isinstance(tree, Value):
        return None
    if isinstance(tree, (list, tuple)):
        return tree
    if isinstance(tree, dict):
        return tree.values()
    if is_array(tree):
        require_unmasked(tree, "the array")
        if tree.dtype.kind not in "fiubO":
            raise TypeError(f"an array holds real numbers or Values here, not {tree.dtype}")
        found: list[Tree] = tree.ravel().tolist()
        if tree.dtype.kind == "O" and any(map(_is_nested, found)):
            raise TypeError("an array holds real numbers or Values here, not lists or arrays")
        return found
    return None


def leaves_of(tree: Tree) -> list[Any]:
    """The numbers and Values of a tree, from left to right; TypeError for anything else."""
    branches = branches_of(tree)
    if branches is not None:
        if _are_floats(branches):
            return list(branches)
        return [leaf for branch in branches for leaf in leaves_of(branch)]
    return [tree if isinstance(tree, Value) else as_float(tree, "a transformation")]


def mentions_value(tree: Tree) -> bool:
    """Whether there is a Value among the leaves."""
    branches = branches_of(tree)
    return isinstance(tree, Value) if branches is None else any(map(mentions_value, branches))


def like(tree: Tree, leaves: Sequence[Any]) -> Tree:
    """A tree of the same form with other leaves."""
    return builder_of(tree)(list(leaves))


def builder_of(form: Tree) -> Callable[[list[Any]], Tree]:
    """What makes trees of this form from their leaves, when many are to be made:
    lists, tuples, named tuples, dicts and arrays.
    """
    return _builder(form, 0)[0]


def _builder(form: Tree, start: int) -> tuple[Callable[[list[Any]], Tree], int]:
    """What makes a tree from the leaves that begin at a place, and the place of the leaf after."""
    branches = branches_of(form)
    if branches is None:
        return itemgetter(start), start + 1
    if is_array(form):
        end = start + form.size
        return (lambda leaves: _array(leaves[start:end], form.shape)), end
    make = _maker(form)
    branches = list(branches)
    end = start + len(branches)
    if _are_floats(branches) or all(branches_of(branch) is None for branch in branches):
        return (lambda leaves: make(leaves[start:end])), end
    parts = []
    for branch in branches:
        part, start = _builder(branch, start)
        parts.append(part)
    return (lambda leaves: make([part(leaves) for part in parts])), start


def _maker(form: Tree) -> Callable[[list[Any]], Tree]:
    """What makes a list, tuple, named tuple or dict of this form from its branches."""
    if isinstance(form, dict):
        keys = list(form)
        return lambda branches: dict(zip(keys, branches, strict=True))
    made: Callable[[list[Any]], Tree] = getattr(
        type(form), "_make", list if isinstance(form, list) else tuple
    )
    return made


def _array(leaves: list[Any], shape: tuple[int, ...]) -> Tree:
    """An array of numbers, of Values, or of arrays of one shape; nested lists of whatever else."""
    import numpy as np

    if _are_floats(leaves):
        return np.array(leaves, dtype=np.float64).reshape(shape)
    if leaves and all(map(is_array, leaves)) and len({leaf.shape for leaf in leaves}) == 1:
        return np.array(leaves).reshape(*shape, *leaves[0].shape)
    if any(map(_is_nested, leaves)):
        for length in reversed(shape[1:]):
            leaves = [leaves[i : i + length] for i in range(0, len(leaves), length)]
        return leaves if shape else leaves[0]
    kind = object if any(isinstance(leaf, Value) for leaf in leaves) else np.float64
    array = np.empty(len(leaves), dtype=kind)
    array[:] = leaves
    return array.reshape(shape)


def _is_nested(leaf: Tree) -> bool:
    return isinstance(leaf, (list, tuple, dict)) or is_array(leaf)


def matching(tree: Tree, other: Tree, name: str) -> list[Any]:
    """The leaves of another tree, which must have the form of the first; ValueError, naming the
    other, where it has not.

    Lists and tuples have the same form here, and the entries of a dict go by their keys, in
    whatever order they stand.
    """
    found = _paired(tree, other)
    if found is None:
        wanted, got = _shortened(_form(tree)), _shortened(_form(other))
        raise ValueError(f"the {name} must have the form of what it goes with: {wanted}, not {got}")
    return found


def _shortened(form: str) -> str:
    return form if len(form) <= 80 else form[:77] + "..."


def _paired(tree: Tree, other: Tree) -> list[Any] | None:
    """The leaves of the other tree in the order of the first, or None where their forms differ."""
    if is_array(tree) or is_array(other):
        are_alike = is_array(tree) and is_array(other) and tree.shape == other.shape
        return leaves_of(other) if are_alike else None
    if isinstance(tree, dict) and isinstance(other, dict) and tree.keys() == other.keys():
        pairs = [(branch, other[key]) for key, branch in tree.items()]
    elif (
        isinstance(tree, (list, tuple))
        and isinstance(other, (list, tuple))
        and len(tree) == len(other)
    ):
        if _are_floats((*tree, *other)):
            return list(other)
        pairs = list(zip(tree, other))
    elif branches_of(tree) is None and branches_of(other) is None:
        return leaves_of(other)
    else:
        return None
    found = []
    for branch, twin in pairs:
        leaves = _paired(branch, twin)
        if leaves is None:
            return None
        found += leaves
    return found


def _form(tree: Tree) -> str:
    if isinstance(tree, dict):
        entries = [f"{key!r}: {_form(branch)}" for key, branch in tree.items()]
        return f"{{{', '.join(entries)}}}"
    if is_array(tree):
        return f"array of shape {tree.shape}"
    return f"({', '.join(map(_form, tree))})" if isinstance(tree, (list, tuple)) else "number"


def listed(tree: Tree) -> Tree:
    """The tree with nested lists in place of arrays."""
    if is_array(tree):
        nested: Tree = tree.tolist()
        return nested
    branches = branches_of(tree)
    if branches is None:
        return tree
    return _maker(tree)([*branches] if _are_floats(branches) else [*map(listed, branches)])


def bare(tree: Tree) -> Tree:
    """The tree, but for an array without axes the number in it."""
    return tree.item() if is_array(tree) and not tree.shape else tree


def has_dict(tree: Tree) -> bool:
    """Whether there is a dict in the tree, so that the order of its leaves is a matter of keys."""
    if type(tree) is float or is_array(tree):
        return False
    branches = branches_of(tree) or ()
    if isinstance(tree, dict):
        return True
    return not _FLOATS.issuperset(map(type, branches)) and any(map(has_dict, branches))
