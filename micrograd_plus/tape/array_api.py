"""A tape under another array library: its program as operations of the array-API standard, on all
points at a time.

So `jax.jit` compiles a tape, and JAX, CuPy or PyTorch run it on a GPU. The gradient is instructions
already, and what each row is to a machine stands in `lowering`; here an instruction only gets its
name in the standard. The numbers are those of the tape up to rounding, not to the bit: a library
has exponentials of its own, and adds points in an order of its own.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any, NamedTuple

import numpy as np

from ..trees import branches_of
from .lowering import lowered, operation
from .tape import Tape, gradients_of

Array = Any  # of whichever library
Operation = Callable[..., Array]


class Step(NamedTuple):
    """An operation, the registers of its operands, and those whose numbers have served then."""

    operation: Operation
    operands: list[int]
    served: list[int]


class Prepared(NamedTuple):
    """The steps of a task, the constants they begin with, and where its outputs are."""

    steps: list[Step]
    constants: list[float]
    outputs: list[int]


def _sum(*terms: Array) -> Array:
    return reduce(operator.add, terms)


def _dot(bias: Array, *factors: Array) -> Array:
    half = len(factors) // 2
    products = map(operator.mul, factors[:half], factors[half:])
    return reduce(operator.add, products, bias)


_OPERATORS: dict[str, Operation] = {
    "fadd": operator.add,
    "fsub": operator.sub,
    "fmul": operator.mul,
    "fdiv": operator.truediv,
    "fneg": operator.neg,
    "fabs": abs,
    "sum": _sum,
    "dot": _dot,
}
_COMPARISONS = {"olt": operator.lt, "ole": operator.le, "oeq": operator.eq}


class ArrayTape:
    """The methods of a tape for the arrays of a library; `jax.jit(ArrayTape(tape,
    jnp).mean_and_grad)` compiles one.

    `xp` is the library's namespace with the names of the array-API standard: `numpy` (2 or newer),
    `jax.numpy`, `cupy`, `torch`. The standard lacks cbrt, erf, erfc and exp2; what `xp` does not
    have is looked up in the namespace `special`, such as `jax.scipy.special`, and
    NotImplementedError names the row for which there is nothing.

    `points` is an array (points, inputs), `parameters` an array (parameters,), or None for the
    present numbers of the tape, which a compiled function keeps. They set precision and device; JAX
    has float32 unless it is told otherwise. A compiler meets each instruction by itself: XLA takes
    seconds for hundreds, minutes for thousands. Raises ValueError for arrays of other shapes, and
    where there is no gradient.
    """

    def __init__(self, tape: Tape, xp: Any, special: Any = None) -> None:
        self.tape, self.xp, self.special = tape, xp, special
        self._prepared: dict[str, Prepared] = {}

    def values(self, points: Array, parameters: Array = None) -> Array:
        """The outputs for each point: shape (points,) for one number, else (points, outputs)."""
        columns = self._columns("values", points, parameters)
        if branches_of(self.tape.form) is None:
            return columns[0]
        return self._side_by_side(columns, points)

    def gradients(self, points: Array, parameters: Array = None, of: str = "inputs") -> Array:
        """The gradient for each point, with respect to its inputs or `of` the "parameters": shape
        (points, numbers).
        """
        columns = self._columns(gradients_of(of), points, parameters)
        return self._side_by_side(columns, points)

    def sum_and_grad(self, points: Array, parameters: Array = None) -> tuple[Array, Array]:
        """The sum of the output over the points, an array of no axes,
        and its gradient with respect to the parameters.
        """
        columns = self._columns("sums", points, parameters)
        total, *gradient = [self.xp.sum(column) for column in columns]
        if not gradient:
            return total, self.xp.sum(points[:, :0], axis=0)
        return total, self.xp.stack(gradient)

    def mean_and_grad(self, points: Array, parameters: Array = None) -> tuple[Array, Array]:
        """The mean of the output over the points, and its gradient with respect to the parameters;
        ValueError for no points.
        """
        total, gradient = self.sum_and_grad(points, parameters)
        if not points.shape[0]:
            raise ValueError("there is no mean of no points")
        return total / points.shape[0], gradient / points.shape[0]

    def _columns(self, task: str, points: Array, parameters: Array) -> list[Array]:
        """The outputs of a task, each a number for each point."""
        self._require_shapes(points, parameters)
        if task not in self._prepared:
            self._prepared[task] = self._steps(task)
        steps, constants, outputs = self._prepared[task]
        with np.errstate(all="ignore"):  # NumPy would warn of what IEEE 754 calls inf and nan
            points = 1.0 * points  # whole numbers become floats here
            registers = self._given(points, parameters, constants)
            for step in steps:
                registers.append(step.operation(*[registers[o] for o in step.operands]))
                for o in step.served:
                    registers[o] = None
            count = points.shape[0]
            return [self.xp.broadcast_to(registers[o], (count,)) for o in outputs]

    def _require_shapes(self, points: Array, parameters: Array) -> None:
        inputs, shared = self.tape.programs.inputs, self.tape.programs.parameters
        if len(points.shape) != 2 or points.shape[1] != inputs:
            raise ValueError(
                f"{self.tape!r} takes an array of shape (points, {inputs}), "
                f"not {tuple(points.shape)}"
            )
        if parameters is not None and tuple(parameters.shape) != (shared,):
            raise ValueError(
                f"{self.tape!r} takes parameters of shape ({shared},), not "
                f"{tuple(parameters.shape)}"
            )

    def _given(self, points: Array, parameters: Array, constants: list[float]) -> list[Array]:
        """The registers before the first step: inputs, parameters and constants."""
        columns = [points[:, i] for i in range(self.tape.programs.inputs)]
        if parameters is None:
            shared = []
            constants = [*self.tape._shared(None).tolist(), *constants]  # noqa: SLF001  # the tape reads its own
        else:
            shared = [1.0 * parameters[i] for i in range(self.tape.programs.parameters)]
        # one number where there are points, of their precision and on their device
        like = self.xp.sum(points[: min(1, points.shape[0]), :], axis=1)
        return [*columns, *shared, *[self.xp.full_like(like, number) for number in constants]]

    def _steps(self, task: str) -> Prepared:
        program = lowered(self.tape.program_for(task))
        if program is None:
            rows = ", ".join(self.tape.program.python_only)
            raise NotImplementedError(f"no array library has the custom row(s) {rows}")
        operands_of = program.operands_of()
        outputs = program.outputs.tolist()
        last_use = {o: i for i, operands in enumerate(operands_of) for o in operands}
        served: list[list[int]] = [[] for _ in operands_of]
        for o in last_use.keys() - set(outputs):
            served[last_use[o]].append(o)
        operations = [self._operation(operation(row)) for row in program.rows()]
        steps = list(map(Step, operations, operands_of, served))
        return Prepared(steps, program.constants.tolist(), outputs)

    def _operation(self, name: str) -> Operation:
        xp = self.xp
        if name in _OPERATORS:
            return _OPERATORS[name]
        if name in _COMPARISONS:
            compared = _COMPARISONS[name]
            return lambda x, y: xp.where(compared(x, y), xp.ones_like(x), xp.zeros_like(x))
        if name == "select":
            return lambda c, x, y: xp.where(c != 0, x, y)
        function: Operation | None = getattr(xp, name, None) or getattr(self.special, name, None)
        if function is None:
            raise NotImplementedError(
                f"{name} is neither in {xp.__name__} nor in `special`, where it can be given"
            )
        return function

    def _side_by_side(self, columns: Sequence[Array], points: Array) -> Array:
        return self.xp.stack(columns, axis=1) if columns else points[:, :0]
