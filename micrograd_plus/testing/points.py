"""Points of other people's functions: the real numbers in arrays, nested lists and dicts, as one
vector that moves, and each with the name under which its user knows it.

Whole numbers in arrays, conditions and texts stay what they are; they have no derivative.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from ..checks import require_unmasked
from ..engine import Value

Vector = Any  # an array of float64 with one axis
FLOATS = ("float16", "float32", "float64")


class WrongShape(ValueError):  # noqa: N818  # it is told, not raised to a user
    """A gradient has not the shape of what it is the gradient of."""


@dataclass(frozen=True)
class Leaf:
    """An array of real numbers in a tree, or a single one; `path` leads to it."""

    path: str
    array: Any
    is_number: bool


class Point:
    """A tree of numbers as a vector. `dtype` is the coarsest of its kinds of numbers.

    `name` is what the tree is called. Raises TypeError for what holds no real number, and for
    complex or masked ones.
    """

    def __init__(self, tree: Any, name: str = "x") -> None:
        require_unmasked(tree, name)
        self.tree, self.name = tree, name
        self.leaves = list(_leaves(tree, name))
        if not self.leaves:
            raise TypeError(
                f"{name} holds no real number to differentiate: {type(tree).__name__}; whole "
                "numbers and conditions have no derivative, so give them as floats if they vary"
            )
        ends = np.cumsum([0, *[leaf.array.size for leaf in self.leaves]]).tolist()
        self.slices = [slice(start, end) for start, end in pairwise(ends)]
        self.size: int = ends[-1]
        self.origin: Vector = self._joined([leaf.array for leaf in self.leaves])
        self.dtype = max((leaf.array.dtype for leaf in self.leaves), key=_epsilon)
        self.epsilon = _epsilon(self.dtype)

    def _joined(self, arrays: Sequence[Any]) -> Vector:
        return np.concatenate([np.asarray(a, dtype=np.float64).ravel() for a in arrays])

    def held(self, vector: Vector) -> Vector:
        """The vector as the numbers of the tree can hold it."""
        if self.epsilon == _epsilon(np.float64):
            return vector
        parts = zip(self.leaves, self.slices)
        return self._joined([vector[part].astype(leaf.array.dtype) for leaf, part in parts])

    def built(self, vector: Vector) -> Any:
        """A tree like the first, of its own arrays, with the numbers of a vector."""
        parts = iter(zip(self.leaves, self.slices))

        def following(_: Any) -> Any:
            leaf, part = next(parts)
            numbers = vector[part]
            if numbers.dtype.kind == "O":
                return numbers[0] if leaf.is_number else numbers.reshape(leaf.array.shape)
            kind = np.result_type(
                leaf.array.dtype, np.complex64 if numbers.dtype.kind == "c" else 0
            )
            kind = kind if numbers.dtype.kind == "c" else leaf.array.dtype
            if leaf.is_number:
                return numbers.astype(kind)[0].item()
            return numbers.astype(kind).reshape(leaf.array.shape)

        return _rebuilt(self.tree, following)

    def matched(self, tree: Any, what: str) -> Vector:
        """The numbers of another tree of this form as a vector; None in it stands for zeros.

        Raises WrongShape where an array has another shape, ValueError where the form differs.
        """
        found: list[Any] = []
        parts = iter(self.leaves)
        _match(self.tree, tree, parts, found, what)
        return self._joined(found)

    def scale(self) -> Vector:
        """How large the numbers are around each: the root of the mean square in its array."""
        parts = [self.origin[part] for part in self.slices]
        return np.concatenate([np.full(part.size, _root_mean_square(part)) for part in parts])

    def own_scale(self) -> Vector:
        """How large each number is itself, and as those around it where it is 0."""
        sizes = np.abs(self.origin)
        return np.where(sizes > 0.0, sizes, self.scale())

    def label(self, i: int) -> str:
        """What a user calls the number at a place of the vector."""
        for leaf, part in zip(self.leaves, self.slices):
            if part.start <= i < part.stop:
                if not leaf.array.shape:
                    return leaf.path
                place = np.unravel_index(i - part.start, leaf.array.shape)
                return f"{leaf.path}[{', '.join(str(int(k)) for k in place)}]"
        raise IndexError(i)


def _epsilon(dtype: Any) -> float:
    return float(np.finfo(dtype).eps)


def _root_mean_square(numbers: Vector) -> float:
    largest = float(np.max(np.abs(numbers), initial=0.0))
    if not largest or not np.isfinite(largest):
        return 1.0
    return largest * float(np.linalg.norm(numbers / largest) / np.sqrt(numbers.size))


def as_array(tree: Any) -> Any:
    """A number or an array of any library as NumPy's array; None for what is neither."""
    if isinstance(tree, Value):
        return np.asarray(tree.data)
    if isinstance(tree, (list, tuple, Mapping, str, bytes)) or tree is None:
        return None
    if hasattr(tree, "__array__") or isinstance(tree, (bool, int, float, complex)):
        return np.asarray(tree)
    return None


def _real(tree: Any, path: str) -> Leaf | None:
    """The leaf that a number or an array makes, and None for what stays as it is."""
    array = as_array(tree)
    if array is None:
        return None
    is_number = isinstance(tree, (int, float, Value)) and not isinstance(tree, np.generic)
    if array.dtype.kind == "i" and is_number:
        array = array.astype(np.float64)
    if array.dtype.kind == "O" and all(isinstance(v, (int, float, Value)) for v in array.flat):
        numbers = [v.data if isinstance(v, Value) else float(v) for v in array.flat]
        array = np.array(numbers).reshape(array.shape)
    if array.dtype.kind == "c":
        raise TypeError(f"{path} is complex, and derivatives here are of real numbers")
    if array.dtype.kind == "f" and array.dtype.name not in FLOATS:
        raise TypeError(f"{path} is {array.dtype}; what is checked is one of {', '.join(FLOATS)}")
    return Leaf(path, array.copy(), is_number) if array.dtype.kind == "f" and array.size else None


def _leaves(tree: Any, path: str) -> Iterator[Leaf]:
    if isinstance(tree, Mapping):
        for key, branch in tree.items():
            yield from _leaves(branch, f"{path}[{key!r}]")
    elif isinstance(tree, (list, tuple)):
        for i, branch in enumerate(tree):
            yield from _leaves(branch, f"{path}[{i}]")
    else:
        leaf = _real(tree, path)
        if leaf is not None:
            yield leaf


def _rebuilt(tree: Any, following: Callable[[Any], Any]) -> Any:
    """A tree of the same form; each leaf is the following one, and the rest is copied."""
    if isinstance(tree, Mapping):
        return {key: _rebuilt(branch, following) for key, branch in tree.items()}
    if isinstance(tree, (list, tuple)):
        branches = [_rebuilt(branch, following) for branch in tree]
        make: Callable[[list[Any]], Any] = getattr(type(tree), "_make", type(tree))
        return make(branches)
    if _real(tree, "") is not None:
        return following(tree)
    return tree.copy() if isinstance(tree, np.ndarray) else tree


def _match(tree: Any, other: Any, parts: Iterator[Leaf], found: list[Any], what: str) -> None:
    if isinstance(tree, Mapping):
        needed = [key for key, branch in tree.items() if any(_leaves(branch, ""))]
        if not isinstance(other, Mapping) or not set(needed) <= other.keys() <= tree.keys():
            raise ValueError(f"{what} has the keys of what it goes with: {needed}")
        for key in needed:
            _match(tree[key], other[key], parts, found, what)
    elif isinstance(tree, (list, tuple)):
        branches = other if isinstance(other, (list, tuple)) else as_array(other)
        if branches is None or not np.ndim(branches) or len(branches) != len(tree):
            form = f"{type(tree).__name__} of {len(tree)}"
            raise ValueError(f"{what} has the form of what it goes with: a {form}")
        for branch, twin in zip(tree, branches):
            _match(branch, twin, parts, found, what)
    elif _real(tree, "") is not None:
        found.append(_matched(next(parts), other, what))


def _matched(leaf: Leaf, other: Any, what: str) -> Any:
    """The numbers that go with a leaf."""
    if other is None:
        return np.zeros(leaf.array.shape)
    array = as_array(other if not isinstance(other, (list, tuple)) else np.asarray(other))
    if array is None or array.dtype.kind not in "fiub":
        if array is not None and array.dtype.kind == "O":
            return _matched(leaf, [v.data if isinstance(v, Value) else v for v in array.flat], what)
        raise ValueError(
            f"{what} of {leaf.path} consists of real numbers, not {type(other).__name__}"
        )
    if array.shape != leaf.array.shape:
        where = f"{what} has the shape {array.shape} for {leaf.path}, which has {leaf.array.shape}"
        raise WrongShape(f"{where}{_broadcast(array, leaf.array)}")
    return array


def _broadcast(array: Any, wanted: Any) -> str:
    """What may have happened, where the one could come of the other by broadcasting."""
    try:
        if np.broadcast_shapes(array.shape, wanted.shape) == array.shape:
            return ": the sum over what was broadcast is missing"
    except ValueError:
        pass
    return ""
