"""Training: the loss of one example is recorded once, and its tape replayed over the data until the
weights are good.

The tape gives the mean loss of a batch and its gradient; the optimiser turns these into new
weights; the model's Values get them at the end. Everything is seeded and summed in a stated order,
so a run can be had again to the last bit, with `engine="eager"` too, which builds the graph of each
example anew and is slow.
"""

from __future__ import annotations

import copy
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, Protocol

import numpy as np

from ..checks import stale_nodes
from ..engine import Value, adjoints, nodes_below
from ..modes import switched
from ..nn import Module
from ..nn.modules import assign, brought_up_to_date, leaves_of
from ..optim import BUILT_IN, Adam
from ..options import real_number, whole_number
from ..tape import Tape, record
from ..tape.executors.python import CHUNK, sum_of_chunk
from ..tape.program import Floats
from ..tape.reals import first_not_finite, real_array
from .data import (
    Loss,
    examples_of,
    function_of,
    held_out_of,
    loss_called,
    places_in,
    require_places,
    target_of,
)
from .prediction import outputs

__all__ = ["History", "Optimizer", "fit", "outputs"]


class Optimizer(Protocol):
    """What turns a gradient into new weights; see `micrograd_plus.optim`.

    One of your own may work in place, and keep what it is given and gives: the arrays are its own.
    """

    def update(self, parameters: Floats, gradient: Floats) -> Any:
        """The parameters after one step: an array of their shape, or a list of numbers."""


@dataclass
class History:
    """What happened: the mean loss of each epoch while it ran, and the loss on the validation data
    after it.

    `losses` has the penalty in it, `validation_losses` has not; `best_epoch` is the epoch, counted
    from 0, whose weights the model has (interrupted within an epoch, it has learned a little more);
    `stopped` says why training ended: "epochs", "early stopping" or "interrupted".
    """

    losses: list[float] = field(default_factory=list)
    validation_losses: list[float] = field(default_factory=list)
    best_epoch: int = -1
    stopped: str = "epochs"
    updates: int = 0
    seconds: float = 0.0

    def plot(self, ax: Any = None) -> Any:
        """The loss curves, on a matplotlib Axes (extra `plot`)."""
        from ..plots import loss_curves

        return loss_curves(self, ax=ax)


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
    validation: float | tuple[Any, Any] | None = None,
    early_stopping: int | None = None,
    penalty: Callable[[Sequence[Value]], Any] | None = None,
    progress: bool | None = None,
    engine: str = "tape",
    threads: int = 1,
) -> History:
    """Train a model on examples: `X` of shape (examples, inputs), `y` of shape (examples,) or
    (examples, targets).

    `loss` is a function of the model's output and one target (or several, as a list), or the name
    of one in `micrograd_plus.losses`; `optimizer` is Adam() if none is given. `batch_size` None
    takes all examples at once, 1 one after the other; batches are drawn anew for each epoch, in an
    order that `seed` fixes (None: the order of the data). `validation` is a share of the examples
    to hold out, or a pair (X, y). With `early_stopping` training ends when the validation loss has
    not fallen for so many epochs, and the best weights are restored. `penalty` is a function of the
    parameters that is added to the mean loss. `progress` shows a bar (tqdm), by default on a
    terminal or in a notebook. Ctrl-C ends training; the model keeps what it has learned. The
    cross-entropies take the total inputs of softmax and sigmoid outputs (a loss of your own gets
    the outputs themselves), and dropout draws its masks anew for each example. Values that the
    model computes once and keeps follow its parameters, with either engine. After an error model
    and optimizer are as before. Raises ValueError or TypeError, before the first step, for data of
    the wrong shape, what is no finite real number (masked, complex, a date), targets that the loss
    refuses, parameters that are no leaves, and options of another kind or out of range.
    """
    if engine not in ("tape", "eager"):
        raise ValueError(f'there are the engines "tape" and "eager", not {engine!r}')
    chosen: Any = loss_called(loss) if isinstance(loss, str) else loss
    if not callable(chosen):
        raise TypeError(
            f"a loss is a function of an output and a target, or the name of one, not {loss!r}"
        )
    whole_number(epochs, "epochs")
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
    examples, width = examples_of(model, X, y, chosen, "")
    examples, held_out = held_out_of(model, examples, width, validation, chosen, seed)
    if early_stopping is not None and not len(held_out):
        raise ValueError("early stopping watches the validation loss: give validation data")
    chosen_optimizer: Any = Adam() if optimizer is None else optimizer
    if isinstance(chosen_optimizer, type) or not hasattr(chosen_optimizer, "update"):
        raise TypeError(
            f"the optimizer is one such as Adam(0.01), with its settings, not {optimizer!r}"
        )
    objective = _Objective(model, chosen, penalty, examples[0], width, engine, threads)
    require_places(objective.places, examples)
    require_places(objective.places, held_out)
    rng = np.random.default_rng(seed)
    return _Run(model, objective, chosen_optimizer, History()).train(
        examples,
        held_out,
        epochs,
        batch_size or len(examples),
        rng,
        seed is not None,
        early_stopping,
        progress,
    )


class _Objective:
    """The mean loss over some examples, plus the penalty,
    and the gradient of both in the parameters.
    """

    def __init__(
        self,
        model: Module,
        loss: Loss,
        penalty: Callable[[Sequence[Value]], Any] | None,
        example: Floats,
        width: int,
        engine: str,
        threads: int,
    ) -> None:
        self.parameters = leaves_of(model.parameters())
        self.threads, self.eager = threads, engine == "eager"
        if not self.parameters:
            raise ValueError("there is nothing to learn: the parameters() of the model are none")
        self.model, self.loss, self.width, self.penalty = (
            function_of(model, loss),
            loss,
            width,
            penalty,
        )
        self.dropout = float(getattr(model, "dropout", 0.0))
        self.masked = len(model.masks()) if self.dropout else 0  # type: ignore[attr-defined]  # it has dropout
        self.example = example
        self.settle()
        if not self.eager:
            self.plain: Tape = record(
                self._of_example, example.tolist(), parameters=self.parameters
            )
            self.tape = self.plain
            if self.masked:
                thinned = self.thinned(example[None], np.random.default_rng(0))[0].tolist()
                self.tape = record(self._of_thinned, thinned, parameters=self.parameters)
            if penalty:
                self.of_penalty: Tape = record(
                    lambda: penalty(self.parameters), parameters=self.parameters
                )

    def settle(self) -> None:
        """Evaluate again what model, loss and penalty keep, if it is older than the parameters."""
        with switched(recording=True):
            leaves = [Value(x) for x in self.example.tolist()]
            given = {"loss": self._of_example(leaves)}
            if self.penalty:
                given["penalty"] = self.penalty(self.parameters)
        for what, number in given.items():
            brought_up_to_date(number)
            if not isinstance(number, Value):
                real_number(number, f"what the {what} gives")
        self.places = places_in(given["loss"], leaves)

    def _of_example(self, example: list[Any]) -> Any:
        return self._loss_of(self.model(example[: self.width]), example[self.width :])

    def _of_thinned(self, example: list[Any]) -> Any:
        end = self.width + self.masked
        return self._loss_of(
            self.model(example[: self.width], example[self.width : end]), example[end:]
        )

    def _loss_of(self, output: Any, targets: list[Any]) -> Any:
        return self.loss(output, target_of(targets))

    def thinned(self, examples: Floats, rng: np.random.Generator) -> Floats:
        """The examples with new masks of dropout between inputs and targets."""
        if not self.masked:
            return examples
        masks = (rng.random((len(examples), self.masked)) >= self.dropout) / (1.0 - self.dropout)
        return np.column_stack([examples[:, : self.width], masks, examples[:, self.width :]])

    def __call__(self, examples: Floats, parameters: Floats) -> tuple[float, Floats]:
        """The loss of examples that may be thinned, and its gradient."""
        if self.eager:
            return self._eagerly(examples, parameters)
        value, gradient = self.tape.mean_and_grad(examples, parameters, threads=self.threads)
        if self.penalty:
            more, gradient_of_penalty = self.of_penalty.mean_and_grad(np.empty((1, 0)), parameters)
            value, gradient = value + more, gradient + gradient_of_penalty
        return value, gradient

    def mean(self, examples: Floats, parameters: Floats) -> float:
        """The mean loss without the penalty, examples added from first to last."""
        if self.eager:
            found = self._one_by_one(examples, parameters, self._of_example)[:, 0]
        else:
            found = self.plain.values(examples, parameters, threads=self.threads)
        return float(np.add.accumulate(found)[-1]) / len(examples)

    def _eagerly(self, examples: Floats, parameters: Floats) -> tuple[float, Floats]:
        of = self._of_thinned if self.masked else self._of_example
        sums = [
            sum_of_chunk(self._one_by_one(examples[i : i + CHUNK], parameters, of))
            for i in range(0, len(examples), CHUNK)
        ]
        total = sums[0]
        for of_chunk in sums[1:]:
            total = total + of_chunk
        if len(examples) > 1:
            total /= len(examples)
        if self.penalty:
            with switched(recording=True):
                total += self._gradient_of(self.penalty(self.parameters))
        return float(total[0]), total[1:]

    def _one_by_one(
        self, examples: Floats, parameters: Floats, of: Callable[[list[Any]], Any]
    ) -> Floats:
        assign(self.parameters, parameters.tolist())
        with switched(recording=True):
            outs = (of([Value(x) for x in example.tolist()]) for example in examples)
            return np.array([self._gradient_of(out) for out in outs])

    def _gradient_of(self, out: Any) -> list[float]:
        if not isinstance(out, Value):
            return [float(out), *[0.0] * len(self.parameters)]
        order = nodes_below(out)
        if next(stale_nodes(order), None):  # the model keeps what it computed before
            out.forward()
        found = adjoints(order, {out: 1.0})
        return [out.data, *(found.get(p, 0.0) for p in self.parameters)]


class _Run:
    """One training run: the weights as they are now, the best ones, and what happened."""

    def __init__(
        self, model: Module, objective: _Objective, optimizer: Optimizer, history: History
    ) -> None:
        self.model, self.parameters, self.objective = model, objective.parameters, objective
        self.optimizer, self.history = optimizer, history
        self.built_in = type(optimizer) in BUILT_IN and "update" not in vars(optimizer)
        self.weights = np.array([p.data for p in self.parameters])
        self.best: Floats | None = None

    def train(
        self,
        examples: Floats,
        held_out: Floats,
        epochs: int,
        batch_size: int,
        rng: np.random.Generator,
        shuffle: bool,
        patience: int | None,
        progress: bool | None,
    ) -> History:
        """All epochs; the model has the last complete weights then, or the best,
        or after an error those from before.
        """
        begin, history = time.perf_counter(), self.history
        before = self.weights
        attributes = _Attributes(self.optimizer, [self.model, *self.parameters])
        try:
            with _bar(epochs, progress) as advance:
                for epoch in range(epochs):
                    self._epoch(examples, batch_size, rng, shuffle)
                    if len(held_out):
                        history.validation_losses.append(
                            self.objective.mean(held_out, self.weights)
                        )
                    if patience is None or self._is_best(epoch):
                        self.best, history.best_epoch = self.weights, epoch
                    elif epoch - history.best_epoch >= patience:
                        history.stopped = "early stopping"
                        break
                    advance(history)
        except KeyboardInterrupt:
            history.stopped = "interrupted"
        except BaseException:  # nothing is half learned
            self.weights, self.best = before, None
            attributes.put_back()
            raise
        finally:
            final = self.weights if self.best is None or patience is None else self.best
            assign(self.parameters, final.tolist())
            with suppress(Exception):  # what failed before may fail again
                self.objective.settle()
            history.seconds = time.perf_counter() - begin
        return history

    def _epoch(
        self, examples: Floats, batch_size: int, rng: np.random.Generator, shuffle: bool
    ) -> None:
        order = rng.permutation(len(examples)) if shuffle and batch_size < len(examples) else None
        total = 0.0
        for start in range(0, len(examples), batch_size):
            batch = (
                examples[start : start + batch_size]
                if order is None
                else examples[order[start : start + batch_size]]
            )
            value, gradient = self.objective(self.objective.thinned(batch, rng), self.weights)
            self.weights = self._updated(gradient)
            self.history.updates += 1
            total += value * len(batch)
        self.history.losses.append(total / len(examples))

    def _updated(self, gradient: Floats) -> Floats:
        """The weights after a step, in an array that nobody else has; those from before stay."""
        if self.built_in:
            found: Floats = self.optimizer.update(self.weights, gradient)
            return found
        name = type(self.optimizer).__name__
        given = self.optimizer.update(self.weights.copy(), gradient)
        if given is None:
            raise TypeError(
                f"the update of {name} gives None, where it must give the parameters "
                "after the step: let it end in a return"
            )
        weights = np.array(real_array(given, f"the parameters that the update of {name} gives"))
        if weights.shape != self.weights.shape:
            raise ValueError(
                f"the update of {name} was given parameters of shape "
                f"{self.weights.shape}, but gives some of shape {weights.shape}"
            )
        place = first_not_finite(weights)
        if place is not None:
            raise FloatingPointError(
                f"the update of {name} makes parameter {place[0]} {weights[place]}: try a smaller "
                "learning rate"
            )
        return weights

    def _is_best(self, epoch: int) -> bool:
        last, best = (
            self.history.validation_losses[-1],
            self.history.validation_losses[self.history.best_epoch],
        )
        return epoch == 0 or last < best or (best != best and last == last)


class _Attributes:
    """The attributes of an object as they are now, in copies that can be put back.

    What is in `kept` is not copied wherever it stands among them, nor is what cannot be copied,
    such as an open file.
    """

    def __init__(self, of: object, kept: Sequence[object]) -> None:
        self.of, memo = of, {id(one): one for one in kept}
        attributes = _attributes(of).items()
        self.copies = {name: _copied(attribute, memo) for name, attribute in attributes}

    def put_back(self) -> None:
        """Make the object what it was."""
        for name in _attributes(self.of).keys() - self.copies.keys():
            object.__delattr__(self.of, name)
        for name, attribute in self.copies.items():
            # whatever its own __setattr__ would say
            object.__setattr__(self.of, name, attribute)


def _attributes(of: object) -> dict[str, Any]:
    """The attributes of an object by name, those in slots, too; a module keeps its own."""
    if isinstance(of, ModuleType):
        return {}
    state: Any = object.__getstate__(of)  # whatever its own __getstate__ would leave out
    named, slots = state if isinstance(state, tuple) else (state, None)
    return {**(named or {}), **(slots or {})}


def _copied(attribute: Any, memo: dict[int, Any]) -> Any:
    try:
        return copy.deepcopy(attribute, memo)
    except Exception:  # noqa: BLE001  # whatever it says that it cannot be copied by
        return attribute


@contextmanager
def _bar(epochs: int, progress: bool | None) -> Iterator[Callable[[History], None]]:
    """A progress bar, or nothing."""
    try:
        from tqdm import tqdm
    except ImportError:
        if progress:
            raise ImportError(
                "a progress bar needs tqdm: pip install 'micrograd-plus[notebook]'"
            ) from None
        progress = False
    if not (_somebody_looks() if progress is None else progress):
        yield lambda _: None
        return
    with tqdm(total=epochs, unit="epoch") as bar:

        def advance(history: History) -> None:
            shown = {"loss": f"{history.losses[-1]:.4g}"}
            if history.validation_losses:
                shown["validation"] = f"{history.validation_losses[-1]:.4g}"
            bar.set_postfix(shown, refresh=False)
            bar.update()

        yield advance


def _somebody_looks() -> bool:
    """Whether this runs on a terminal or in a notebook."""
    ipython = sys.modules.get("IPython")
    return sys.stderr.isatty() or hasattr(ipython and ipython.get_ipython(), "kernel")
