"""The multi-layer perceptron: layers one after another, with an output function and dropout where they are wanted."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from .. import ops
from ..engine import Operand, Value
from .modules import Label, Predictor, labels, named, require_eager, several
from .neurons import Generator, Layer, activations, chosen, threshold


class MLP(Predictor):
    """Layers one after another, of which the last is linear; MLP(2, [16, 16, 1]) has 337 parameters.

    `activation`, `init`, `rng` and `pieces` are those of a Neuron, for the hidden layers. `output` is what becomes of the
    total inputs of the last layer: "linear" leaves them, "softmax" makes them probabilities that add up to 1, and any other
    activation by its name is applied to each. `totals(x)` gives what comes before it, and that is what losses take when
    they work from logits. With `classes` the model is a classifier, and `predict` chooses among them; if none are given,
    softmax outputs have the classes 0, 1, 2 ... and one sigmoid or threshold output has 0 and 1.

    Dropout (Srivastava et al. 2014, scaled in training so that nothing need be at other times) leaves out each hidden unit
    with the probability `dropout`. It takes place where a call has masks, and nowhere else: train on
    `model(x, model.masks(rng))`, which draws anew each time, and evaluate with `model(x)`. On a tape, masks are inputs like
    x: `record(lambda x, masks: model(x, masks), x, model.masks(), parameters=model)`.
    """

    def __init__(self, nin: int, nouts: Sequence[int], activation: str | Callable[[Any], Any] = "relu",
                 init: str = "uniform", rng: Generator | None = None, *, output: str = "linear", dropout: float = 0.0,
                 classes: Iterable[Any] | None = None, pieces: int = 2) -> None:
        if not 0.0 <= dropout < 1.0:
            raise ValueError(f"dropout is the probability to leave out a hidden unit, from 0 to less than 1, not {dropout}")
        sizes = [nin, *nouts]
        if output == "softmax" and sizes[-1] < 2:
            raise ValueError("the softmax of one output is always 1: take a sigmoid, or two outputs")
        known = {**activations(), "threshold": threshold, "softmax": ops.softmax}
        self.output, self._finish, self.dropout = output, chosen("output", output, known), dropout
        self.classes: tuple[Label, ...] | None = None
        if classes is not None:
            self.classes = labels(classes, sizes[-1])
        elif output == "softmax" or (output in ("sigmoid", "threshold") and sizes[-1] == 1):
            self.classes = tuple(range(max(2, sizes[-1])))
        self.layers = [Layer(sizes[i], sizes[i + 1], nonlin=i != len(nouts) - 1, activation=activation, init=init, rng=rng,
                             pieces=pieces) for i in range(len(nouts))]

    def __call__(self, x: Sequence[Operand], masks: Sequence[Operand] | None = None) -> Any:
        """The outputs: a list, or one Value when there is one; with masks, those of a thinned network in training."""
        totals = self.totals(x, masks)
        if self.output == "linear":
            return totals
        if self.output == "softmax" or isinstance(totals, Value):
            return self._finish(totals)
        return [self._finish(total) for total in totals]

    def totals(self, x: Sequence[Operand], masks: Sequence[Operand] | None = None) -> Any:
        """The total inputs of the output units, which some call logits: a list, or one Value when there is one unit."""
        if masks is not None and len(masks) != self._masked():
            raise ValueError(f"this model takes {self._masked()} masks, one for each hidden unit when it has dropout, "
                             f"but got {len(masks)}")
        out: Any = x
        remaining = iter(masks if masks is not None else ())
        for i, layer in enumerate(self.layers):
            out = layer([out] if isinstance(out, Value) else out)  # a hidden layer of one neuron
            if masks is not None and self.dropout and i < len(self.layers) - 1:
                out = [unit * mask for unit, mask in zip(several(out), remaining)]
        return out

    def masks(self, rng: Generator | None = None) -> list[float]:
        """What one call with dropout multiplies the hidden units by: 0, or 1 / (1 − dropout); [] without dropout.

        `rng` draws them, by default the module `random`. Raises TypeError while a function is being recorded on a tape, on
        which every row would have the same.
        """
        require_eager("the masks of dropout would be the same for all rows of this tape: give the recorded function masks "
                      "as an argument, record it with `model.masks()` drawn before, and draw new ones for each row")
        source = random if rng is None else rng
        kept = 1.0 / (1.0 - self.dropout)
        return [0.0 if source.uniform(0.0, 1.0) < self.dropout else kept for _ in range(self._masked())]

    def _masked(self) -> int:
        return sum(len(layer.neurons) for layer in self.layers[:-1]) if self.dropout else 0

    def parameters(self) -> list[Value]:
        return [p for layer in self.layers for p in layer.parameters()]

    def named_parameters(self) -> dict[str, list[Value]]:
        return named("layers", self.layers)

    def architecture(self) -> dict[str, Any]:
        return {**super().architecture(), "layers": [layer.architecture() for layer in self.layers], "output": self.output,
                "classes": self.classes}

    def __repr__(self) -> str:
        finish = "" if self.output == "linear" else f" with {self.output} output"
        return f"MLP of [{', '.join(str(layer) for layer in self.layers)}]{finish}"
