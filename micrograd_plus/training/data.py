"""Examples to learn from: checked before the first step, made into points of a tape,
and some of them held out.
"""

from __future__ import annotations

from functools import partial
from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import losses
from ..engine import Value
from ..modes import no_grad, switched
from ..nn import Module
from ..tape.program import Floats
from ..tape.reals import finite_array
from .objective import Loss, function_of, target_of


def examples_of(model: Module, X: Any, y: Any, loss: Loss, which: str) -> tuple[Floats, int]:  # noqa: N803
    """The examples, inputs and then targets, and how many inputs there are; checked."""
    inputs = finite_array(X, f"{which}X")
    targets = finite_array(y, f"{which}y")
    if inputs.ndim != 2 or not inputs.size:
        raise ValueError(
            f"{which}X has the shape (examples, inputs), with at least one of each, not "
            f"{inputs.shape}"
        )
    if targets.ndim not in (1, 2) or len(targets) != len(inputs) or not targets.size:
        raise ValueError(
            f"{which}y has the shape (examples,) or (examples, targets) with the {len(inputs)} "
            f"examples of {which}X, not {targets.shape}"
        )
    first = [Value(x) for x in inputs[0].tolist()]
    # what a model computes when it is first called, and keeps, has a graph
    with switched(recording=True):
        out = function_of(model, loss)(first)
    _require_targets(targets, out, loss, f"{which}y")
    return np.column_stack([inputs, targets]), inputs.shape[1]


def _require_targets(targets: Floats, output: Any, loss: Loss, what: str) -> None:
    """Raise what the loss raises, naming the first example, for targets that it refuses.

    On a tape no number can be looked at, so the losses of this package are asked before, about each
    different target once. One's own are not asked: they may be no functions of plain numbers.
    """
    named = loss.func if isinstance(loss, partial) else loss
    if getattr(named, "__module__", "") != losses.__name__:
        return
    targets = targets.reshape(len(targets), -1)
    doubtful = np.flatnonzero(_doubtful(targets, named))
    _, different = np.unique(targets[doubtful], axis=0, return_index=True)
    with no_grad():
        for i in sorted({0, *doubtful[different].tolist()}):
            try:
                loss(output, target_of(targets[i].tolist()))
            except (TypeError, ValueError) as error:
                raise type(error)(f"example {i} of {what}: {error}") from None


def _doubtful(targets: Floats, loss: Any) -> npt.NDArray[np.bool_]:
    """Which targets a loss may refuse though it takes the first; to ask about very many is slow."""
    if loss in (losses.squared_error, losses.absolute_error):  # which take any number
        return np.zeros(len(targets), dtype=bool)
    if loss not in (losses.cross_entropy, losses.binary_cross_entropy):
        return np.ones(len(targets), dtype=bool)
    right: npt.NDArray[np.bool_] = np.all((targets >= 0) & (targets <= 1), axis=1)
    if loss is losses.cross_entropy:
        totals = np.where(right[:, None], targets, 0.0).sum(axis=1)
        right &= np.abs(totals - 1) < 1e-9
    return ~right


def held_out_of(
    model: Module, examples: Floats, width: int, validation: Any, loss: Loss, seed: int | None
) -> tuple[Floats, Floats]:
    """The examples to learn from, and those to validate with."""
    if validation is None:
        return examples, examples[:0]
    if isinstance(validation, (tuple, list)) and len(validation) == 2:
        inputs, targets = validation
        which = "the validation data's "
        held_out, inputs_each = examples_of(model, inputs, targets, loss, which)
        if inputs_each != width or held_out.shape[1] != examples.shape[1]:
            raise ValueError(
                "the validation data must have as many inputs and targets as the examples"
            )
        return examples, held_out
    share = float(validation) if isinstance(validation, Real) else 0.0
    if not 0.0 < share < 1.0:
        raise ValueError(
            f"validation is a share between 0 and 1, or a pair (X, y), not {validation!r}"
        )
    count = round(share * len(examples))
    if not 0 < count < len(examples):
        raise ValueError(
            f"{share} of {len(examples)} examples leaves none to learn from, or none to validate "
            "with"
        )
    if seed is None:
        order = np.arange(len(examples))
    else:
        order = np.random.default_rng(seed).permutation(len(examples))
    learned, validated = np.sort(order[count:]), np.sort(order[:count])
    return examples[learned], examples[validated]
