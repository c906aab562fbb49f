"""What training makes small: the loss of one example as a function of its numbers and of the
parameters, its mean over many, by tape or by a graph for each, and the gradient.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import losses
from ..checks import stale_nodes
from ..engine import Value, adjoints, nodes_below, write_data
from ..modes import switched
from ..nn import Module
from ..nn.modules import brought_up_to_date, leaves_of
from ..options import real_number
from ..support.text import listed
from ..tape import Tape, record
from ..tape.executors.python import CHUNK, sum_of_chunk
from ..tape.indices import are_places, indices_in
from ..tape.program import Floats

# from the model's output and the target of one example to a number
Loss = Callable[[Any, Any], Any]
# from the parameters to a number that is added to the mean loss
Penalty = Callable[[Sequence[Value]], Any] | None

# outputs and the losses that take the total inputs of these
OF_TOTALS = (("softmax", losses.cross_entropy), ("sigmoid", losses.binary_cross_entropy))
_NO_INPUTS = np.empty((1, 0))  # the one point of a penalty


def function_of(model: Module, loss: Loss | None = None) -> Callable[..., Any]:
    """The model as a function of its inputs; for a loss that takes total inputs it stops at
    these.
    """
    if not callable(model) or not hasattr(model, "parameters") or isinstance(model, type):
        raise TypeError(f"a model is a Module that is called with a list of inputs, not {model!r}")
    if (getattr(model, "output", ""), loss) in OF_TOTALS:
        totals: Callable[..., Any] = model.totals  # type: ignore[attr-defined]  # it has outputs of such a kind
        return totals
    return model


def target_of(targets: Sequence[Any]) -> Any:
    """What a loss gets of the targets of one example: the one, or the list of them."""
    return targets if len(targets) > 1 else targets[0]


def loss_called(name: str) -> Loss:
    """The loss of that name; ValueError when there is none."""
    if name.endswith("_penalty"):
        raise ValueError(
            f"{name} is no loss of an example: give it as penalty=lambda weights: 0.001 * "
            f"{name}(weights)"
        )
    if name not in losses_by_name():
        raise ValueError(f"no loss is called {name!r}: there are {', '.join(losses_by_name())}")
    loss: Loss = getattr(losses, name)
    return loss


def losses_by_name() -> list[str]:
    """The names of the losses of one example."""
    ours = [
        name
        for name, thing in vars(losses).items()
        if callable(thing) and getattr(thing, "__module__", "") == losses.__name__
    ]
    return [name for name in ours if not name.startswith("_") and not name.endswith("_penalty")]


class Objective:
    """The mean loss over some examples, plus the penalty,
    and the gradient of both in the parameters.
    """

    def __init__(
        self,
        model: Module,
        loss: Loss,
        penalty: Penalty,
        example: Floats,
        width: int,
        engine: str,
        threads: int,
    ) -> None:
        self.parameters = leaves_of(model.parameters())
        self.threads = threads
        self.eager = engine == "eager"
        if not self.parameters:
            raise ValueError("there is nothing to learn: the parameters() of the model are none")
        self.model = function_of(model, loss)
        self.loss = loss
        self.width = width
        self.penalty = penalty
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
        self._first_graph()
        if self.penalty:
            with switched(recording=True):
                penalty = self.penalty(self.parameters)
            _settled(penalty, "penalty")

    def _first_graph(self) -> tuple[list[Value], Any]:
        """The numbers of the first example as leaves, and its loss."""
        with switched(recording=True):
            leaves = [Value(x) for x in self.example.tolist()]
            loss = self._of_example(leaves)
        return leaves, _settled(loss, "loss")

    def require_places(self, examples: Floats, held_out: Floats) -> None:
        """Raise ValueError, naming the first example, where an index is no whole number in range
        and the loss therefore is nan.

        The indices are those in the graph of the first example. One that depends on parameters is
        looked at as it stands before the first step.
        """
        leaves, loss = self._first_graph()
        counts = indices_in(loss) if isinstance(loss, Value) else {}
        numbers_of = _indices(list(counts), leaves, self.parameters)
        for given, of in ((examples, ""), (held_out, " of the validation data")):
            for (index, count), numbers in zip(counts.items(), numbers_of(given)):
                wrong = np.flatnonzero(~are_places(numbers, count))
                wrong = wrong[np.isnan(self._losses(given[wrong]))]
                if len(wrong):
                    first = int(wrong[0])
                    raise ValueError(
                        f"{_origin(index, leaves)} picks one of {count} values, by a whole number "
                        f"from 0 on, and is {float(numbers[first])!r} in example {first}{of}"
                    )

    def _losses(self, examples: Floats) -> Floats:
        """The loss of each example as the parameters stand."""
        if not self.eager:
            return self.plain.values(examples, threads=self.threads)
        with switched(recording=True):
            outs = [self._of_example([Value(x) for x in example]) for example in examples.tolist()]
        settled = [_settled(out, "loss") for out in outs]
        return np.array([out.data if isinstance(out, Value) else float(out) for out in settled])

    def _of_example(self, example: list[Any]) -> Any:
        inputs, targets = example[: self.width], example[self.width :]
        return self._loss_of(self.model(inputs), targets)

    def _of_thinned(self, example: list[Any]) -> Any:
        end = self.width + self.masked
        inputs, masks, targets = example[: self.width], example[self.width : end], example[end:]
        return self._loss_of(self.model(inputs, masks), targets)

    def _loss_of(self, output: Any, targets: list[Any]) -> Any:
        return self.loss(output, target_of(targets))

    def thinned(self, examples: Floats, rng: np.random.Generator) -> Floats:
        """The examples with new masks of dropout between inputs and targets."""
        if not self.masked:
            return examples
        stays = rng.random((len(examples), self.masked)) >= self.dropout
        masks = stays / (1.0 - self.dropout)
        inputs, targets = examples[:, : self.width], examples[:, self.width :]
        return np.concatenate([inputs, masks, targets], axis=1)

    def __call__(self, examples: Floats, parameters: Floats) -> tuple[float, Floats]:
        """The loss of examples that may be thinned, and its gradient."""
        if self.eager:
            return self._eagerly(examples, parameters)
        value, gradient = self.tape.mean_and_grad(examples, parameters, threads=self.threads)
        if self.penalty:
            more, gradient_of_penalty = self.of_penalty.mean_and_grad(_NO_INPUTS, parameters)
            value += more
            gradient += gradient_of_penalty
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
        chunks = [examples[i : i + CHUNK] for i in range(0, len(examples), CHUNK)]
        sums = [sum_of_chunk(self._one_by_one(chunk, parameters, of)) for chunk in chunks]
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
        write_data(self.parameters, parameters)
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
        gradient = [found.get(p, 0.0) for p in self.parameters]
        return [out.data, *gradient]


def _settled(number: Any, what: str) -> Any:
    """What was recorded, up to date; TypeError when it is no number."""
    brought_up_to_date(number)
    if not isinstance(number, Value):
        real_number(number, f"what the {what} gives")
    return number


def _indices(
    indices: Sequence[Value], leaves: Sequence[Value], parameters: Sequence[Value]
) -> Callable[[Floats], list[Floats]]:
    """A function from examples to the numbers of each index in them: a column, or by tape what is
    computed from columns.
    """
    column = {v: i for i, v in enumerate(leaves)}
    computed = [v for v in indices if v not in column]
    tape = Tape.of(computed, leaves, parameters) if computed else None

    def numbers(examples: Floats) -> list[Floats]:
        found = dict(zip(computed, tape.values(examples).T)) if tape is not None else {}
        return [found[v] if v in found else examples[:, column[v]] for v in indices]

    return numbers


def _origin(index: Value, leaves: Sequence[Value]) -> str:
    """Where an index comes from: it is a number of an example, or computed from some."""
    below = set(nodes_below(index))
    given = [f"number {i}" for i, v in enumerate(leaves) if v in below]
    if index.primitive is None and given:
        return f"{given[0]} of an example"
    return f"an index computed from {listed(given)} of an example" if given else "an index"
