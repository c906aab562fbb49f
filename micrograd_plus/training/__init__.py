"""Training: the loss of one example is recorded once, and its tape replayed over the data until the
weights are good.

The tape gives the mean loss of a batch and its gradient; the optimiser turns these into new
weights; the model's Values get them at the end. Everything is seeded and summed in a stated order,
so a run can be had again to the last bit, with `engine="eager"` too, which builds the graph of each
example anew and is slow.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..nn import Module
from ..optim import Adam
from ..options import real_number, whole_number
from .data import examples_of, held_out_of
from .objective import Loss, Objective, Penalty, loss_called
from .prediction import outputs
from .run import History, Optimizer, Run

# a share of the examples, or others: inputs and targets
Validation = float | tuple[Any, Any] | None

__all__ = ["History", "Optimizer", "fit", "outputs"]


def fit(
    model: Module,
    X: Any,  # noqa: N803  # X and y are scikit-learn's names
    y: Any,
    *,
    loss: str | Loss,
    optimizer: Optimizer | None = None,
    epochs: int = 100,
    batch_size: int | None = None,
    seed: int | None = 0,
    validation: Validation = None,
    early_stopping: int | None = None,
    penalty: Penalty = None,
    progress: bool | None = None,
    engine: str = "tape",
    threads: int = 1,
    tolerance: float | None = None,
) -> History:
    """Train a model on examples: `X` of shape (examples, inputs), `y` of shape (examples,) or
    (examples, targets).

    `loss` is a function of the model's output and one target (or several, as a list), or the name
    of one in `micrograd_plus.losses`; `optimizer` is Adam() if none is given. `batch_size` None
    takes all examples at once, 1 one after the other; batches are drawn anew for each epoch, in an
    order that `seed` fixes (None: the order of the data). `validation` is a share of the examples
    to hold out, or a pair (X, y). With `early_stopping` training ends when the validation loss has
    not fallen for so many epochs, and the best weights are restored. With `tolerance` it ends where
    the gradient over all examples, and of the penalty, is no longer than that, as Stone's
    algorithms end "when the gradient is about 0". `penalty` is a function of the parameters that is
    added to the mean loss. `progress` shows a bar (tqdm), by default on a terminal or in a
    notebook. Ctrl-C ends training; the model keeps what it has learned. The cross-entropies take
    the total inputs of softmax and sigmoid outputs (a loss of your own gets the outputs
    themselves), and dropout draws its masks anew for each example. Values that the model computes
    once and keeps follow its parameters, with either engine. After an error model and optimizer are
    as before. Raises ValueError or TypeError, before the first step, for data of the wrong shape,
    what is no finite real number (masked, complex, a date), targets that the loss refuses, numbers
    that make an index of `take` no whole number in range, parameters that are no leaves, and
    options of another kind or out of range.
    """
    if engine not in ("tape", "eager"):
        raise ValueError(f'there are the engines "tape" and "eager", not {engine!r}')
    chosen: Any = loss_called(loss) if isinstance(loss, str) else loss
    if not callable(chosen):
        raise TypeError(
            f"a loss is a function of an output and a target, or the name of one, not {loss!r}"
        )
    whole_number(epochs, "epochs")
    flat = None if tolerance is None else _tolerance(tolerance)
    whole_number(threads, "threads")
    if batch_size is not None:
        whole_number(batch_size, "batch_size")
    if early_stopping is not None:
        whole_number(early_stopping, "early_stopping, for how many epochs to wait,")
    if penalty is not None and not callable(penalty):
        raise TypeError(
            "penalty is a function of the parameters, as lambda weights: 0.001 * "
            f"losses.l2_penalty(weights) is, not {penalty!r}"
        )
    given, width = examples_of(model, X, y, chosen, "")
    examples, held_out = held_out_of(model, given, width, validation, chosen, seed)
    if early_stopping is not None and not len(held_out):
        raise ValueError("early stopping watches the validation loss: give validation data")
    chosen_optimizer: Any = Adam() if optimizer is None else optimizer
    if isinstance(chosen_optimizer, type) or not hasattr(chosen_optimizer, "update"):
        raise TypeError(
            f"the optimizer is one such as Adam(0.01), with its settings, not {optimizer!r}"
        )
    size = batch_size or len(examples)
    if flat is not None and size < len(examples):
        raise ValueError(
            f"tolerance is for the gradient over all {len(examples)} examples, for that of a batch "
            f"differs from the next one's: leave out batch_size or tolerance, not batch_size={size}"
        )
    objective = Objective(model, chosen, penalty, examples[0], width, engine, threads)
    objective.require_places(given, held_out)
    rng = np.random.default_rng(seed)
    return Run(model, objective, chosen_optimizer, History()).train(
        examples,
        held_out,
        epochs,
        size,
        rng,
        seed is not None,
        early_stopping,
        progress,
        flat,
    )


def _tolerance(tolerance: Any) -> float:
    length = real_number(tolerance, "tolerance, the length of a gradient at which to stop,")
    if not 0.0 <= length < np.inf:
        raise ValueError(
            f"tolerance is the length of a gradient at which to stop, 0 or more, not {tolerance!r}"
        )
    return length
