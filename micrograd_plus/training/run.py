"""One run of training: epochs of steps, the weights that are kept at its end, and what happened.

An error leaves model and optimiser as they were before it; Ctrl-C leaves what has been learned.
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
import numpy.typing as npt

from ..nn import Module
from ..nn.modules import assign
from ..optim import BUILT_IN
from ..optim import Optimizer as OurOptimizer
from ..tape.program import Floats
from ..tape.reals import first_not_finite, real_array
from .objective import Objective


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
    `stopped` says why training ended: "epochs", "early stopping", "tolerance" or "interrupted".
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


class Run:
    """One training run: the weights as they are now, the best ones, and what happened."""

    def __init__(
        self, model: Module, objective: Objective, optimizer: Optimizer, history: History
    ) -> None:
        self.model, self.objective = model, objective
        self.optimizer, self.history = optimizer, history
        self.parameters = objective.parameters
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
        tolerance: float | None,
    ) -> History:
        """All epochs; the model has the last complete weights then, or the best,
        or after an error those from before.
        """
        begin, history = time.perf_counter(), self.history
        before = self.weights
        attributes = Attributes(self.optimizer, [self.model, *self.parameters])
        try:
            with _bar(epochs, progress) as advance:
                for epoch in range(epochs):
                    is_flat = self._epoch(examples, batch_size, rng, shuffle, tolerance)
                    if len(held_out):
                        history.validation_losses.append(
                            self.objective.mean(held_out, self.weights)
                        )
                    self._tell(*(history.validation_losses or history.losses)[-1:])
                    if patience is None or self._is_best(epoch):
                        self.best, history.best_epoch = self.weights, epoch
                    elif epoch - history.best_epoch >= patience:
                        history.stopped = "early stopping"
                        break
                    if is_flat:
                        history.stopped = "tolerance"
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
        self,
        examples: Floats,
        batch_size: int,
        rng: np.random.Generator,
        shuffle: bool,
        tolerance: float | None,
    ) -> bool:
        """A step for each batch, or none where the gradient is flat; gives whether it was."""
        order = rng.permutation(len(examples)) if shuffle and batch_size < len(examples) else None
        total = 0.0
        for batch in _batches(examples, batch_size, order):
            thinned = self.objective.thinned(batch, rng)
            value, gradient = self.objective(thinned, self.weights)
            if tolerance is not None and np.linalg.norm(gradient) <= tolerance:
                self.history.losses.append(value)
                return True
            self.weights = self._updated(gradient)
            self.history.updates += 1
            total += value * len(batch)
        self.history.losses.append(total / len(examples))
        return False

    def _tell(self, loss: float) -> None:
        """Tell the optimiser a loss, where it is one that goes by it."""
        if isinstance(self.optimizer, OurOptimizer):
            self.optimizer.observe(loss)

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
        found = self.history.validation_losses
        last, best = found[-1], found[self.history.best_epoch]
        return epoch == 0 or last < best or (best != best and last == last)


def _batches(
    examples: Floats, size: int, order: npt.NDArray[np.integer] | None
) -> Iterator[Floats]:
    """So many examples after another, in an order or as they stand."""
    for start in range(0, len(examples), size):
        if order is None:
            yield examples[start : start + size]
        else:
            yield examples.take(order[start : start + size], axis=0)


class Attributes:
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
    tqdm = _tqdm(progress)
    if tqdm is None:
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


def _tqdm(progress: bool | None) -> Any:
    """The class of progress bars, where one is to be shown; to import it takes a while."""
    if not (_somebody_looks() if progress is None else progress):
        return None
    try:
        from tqdm import tqdm
    except ImportError:
        if progress:
            raise ImportError(
                "a progress bar needs tqdm: pip install 'micrograd-plus[notebook]'"
            ) from None
        return None
    return tqdm


def _somebody_looks() -> bool:
    """Whether this runs on a terminal or in a notebook."""
    ipython = sys.modules.get("IPython")
    return sys.stderr.isatty() or hasattr(ipython and ipython.get_ipython(), "kernel")
