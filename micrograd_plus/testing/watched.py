"""Two functions of a user's, a function and its gradient, called with a watch over them: what they
change in place, whether they give the same again, and how often they are called.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

import numpy as np

from ..modes import switched
from .points import Point, Vector, WrongShape, as_array
from .reference import OUTSIDE

Kind = Literal["gradient", "vjp", "jacobian"]
KINDS = ("gradient", "vjp", "jacobian")
ADVICE = (
    "f gives {}, so its derivative is no gradient: with kind='vjp' gradient takes (x, v) and gives "
    "that of sum(v * f(x)), with kind='jacobian' it gives an array of the shape of f(x) and x"
)


@contextmanager
def quiet() -> Iterator[None]:
    """Nothing is said of overflow and the like where a user did not ask f to go."""
    with np.errstate(all="ignore"), warnings.catch_warnings(), switched(recording=True):
        warnings.simplefilter("ignore")
        yield


class Watched:
    """`f` and `gradient` as functions of vectors. `notes` gather what is to be said of them."""

    def __init__(self, f: Callable[..., Any], gradient: Any, x: Any, kind: Kind) -> None:
        self.f, self.gradient, self.kind = f, gradient, kind
        self.point = Point(x)
        self.evaluations = self.gradients = 0
        self.changes: dict[str, None] = {}
        self.gradient_dtype: Any = None
        self.output = self._output()
        self.epsilon = max(self.point.epsilon, self.output.epsilon)

    def _output(self) -> Point:
        """The form of what f gives at the point."""
        out = self._called(self.point.origin)
        try:
            output = Point(_floating(out), "f(x)")
        except TypeError as error:
            raise TypeError(f"f gives a number, or arrays of them: {error}") from None
        is_number = output.size == 1 and not output.leaves[0].array.shape
        if self.kind == "gradient" and not is_number:
            shapes = [leaf.array.shape for leaf in output.leaves]
            raise TypeError(ADVICE.format(f"arrays of shape {', '.join(map(str, shapes))}"))
        return output

    def _called(self, vector: Vector) -> Any:
        self.evaluations += 1
        given = self.point.built(vector)
        out = self.f(given)
        if vector.dtype.kind != "c":
            self._watch(given, self.point, vector, "f changes x in place")
        return out

    def _watch(self, given: Any, form: Point, vector: Vector, note: str) -> None:
        held = form.matched(given, "x")
        if not np.array_equal(held, vector, equal_nan=True):
            self.changes[note] = None

    def at(self, vector: Vector) -> Vector:
        """What f gives, as a vector; nan where it raises, as outside of its domain."""
        try:
            return self.output.matched(_floating(self._called(vector)), "f(x)")
        except OUTSIDE:
            return np.full(self.output.size, np.nan)

    def at_complex(self, vector: Vector) -> Vector | None:
        """What f gives for complex numbers, if it takes them and gives such."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                out = self._called(vector)
                arrays = [np.asarray(as_array(branch)) for branch in _branches(out)]
                joined = np.concatenate([array.ravel() for array in arrays])
        except Exception:  # noqa: BLE001  # whatever a user's function does with what it never expected
            return None
        if joined.dtype.kind != "c" or joined.size != self.output.size:
            return None
        return joined

    def pulled(self, vector: Vector, cotangent: Vector) -> Vector:
        """The gradient of sum(v · f) as a vector, v being the cotangent; f was called just before.

        Raises WrongShape where it has the wrong shape.
        """
        self.gradients += 1
        given = self.point.built(vector)
        if not callable(self.gradient):
            return self.point.matched(self.gradient, "the gradient")
        if self.kind == "vjp":
            v = self.output.built(cotangent)
            found = self.gradient(given, v)
            self._watch(v, self.output, self.output.held(cotangent), "gradient changes v in place")
        else:
            found = self.gradient(given)
        self._watch(given, self.point, vector, "gradient changes x in place")
        self.gradient_dtype = getattr(found, "dtype", None)
        if self.kind == "jacobian":
            return self._combined(found, cotangent)
        return self.point.matched(found, "the gradient") * (
            float(cotangent[0]) if self.kind == "gradient" else 1.0
        )

    def _combined(self, jacobian: Any, cotangent: Vector) -> Vector:
        array = np.asarray(jacobian, dtype=np.float64)
        shape = (*self._shape(self.output), *self._shape(self.point))
        if array.shape != shape:
            raise WrongShape(
                f"the jacobian has the shape {array.shape}; f(x) and x make it {shape}"
            )
        found: Vector = cotangent @ array.reshape(self.output.size, self.point.size)
        return found

    @staticmethod
    def _shape(point: Point) -> tuple[int, ...]:
        if len(point.leaves) == 1:
            shape: tuple[int, ...] = point.leaves[0].array.shape
            return shape
        return (point.size,)


def _branches(out: Any) -> list[Any]:
    if isinstance(out, dict):
        return [leaf for branch in out.values() for leaf in _branches(branch)]
    if isinstance(out, (list, tuple)):
        return [leaf for branch in out for leaf in _branches(branch)]
    return [out]


def _floating(out: Any) -> Any:
    """What f gave, whole numbers in it as floats."""
    array = as_array(out)
    if array is not None and array.dtype.kind in "iub":
        return array.astype(np.float64)
    return out
