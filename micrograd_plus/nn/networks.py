"""The multi-layer perceptron: layers one after another,
with an output function and dropout where they are wanted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import pairwise
from typing import Any, Never

from .. import ops
from ..engine import Operand, Value
from ..options import one_of, real_number, whole_number
from .modules import Label, Predictor, inputs_of, labels, named, require_eager, several
from .neurons import (
    Generator,
    Layer,
    activations,
    generator_of,
    in_short,
    options_of,
    threshold,
)


class MLP(Predictor):
    """Layers one after another, of which the last is linear; MLP(2, [16, 16, 1]) has 337
    parameters.

    `activation`, `init`, `rng` and `pieces` are those of a Neuron, for the hidden layers, and so is
    `bias`, for all layers. `output`
    is what becomes of the total inputs of the last layer: "linear" leaves them, "softmax" makes
    them probabilities that add up to 1, and any other activation by its name is applied to each.
    `totals(x)` gives what comes before it, and that is what losses take when they work from logits.
    With `classes` the model is a classifier, and `predict` chooses among them; if none are given,
    softmax outputs have the classes 0, 1, 2 ... and one sigmoid or threshold output has 0 and 1.

    Dropout (Srivastava et al. 2014, scaled in training so that nothing need be at other times)
    leaves out each hidden unit with the probability `dropout`. It takes place where a call has
    masks, and nowhere else: train on `model(x, model.masks(rng))`, which draws anew each time, and
    evaluate with `model(x)`. On a tape, masks are inputs like x: `record(lambda x, masks: model(x,
    masks), x, model.masks(), parameters=model)`.
    """

    def __init__(
        self,
        nin: int,
        nouts: Iterable[int],
        activation: str | Callable[[Any], Any] = "relu",
        init: str = "uniform",
        rng: Generator | None = None,
        *,
        output: str = "linear",
        dropout: float = 0.0,
        classes: Iterable[Any] | None = None,
        pieces: int = 2,
        bias: bool = True,
        **others: Never,
    ) -> None:
        if others:
            raise TypeError(_no_options(others))
        self.dropout = real_number(dropout, "dropout, the probability to leave out a hidden unit,")
        if not 0.0 <= dropout < 1.0:
            raise ValueError(
                "dropout is the probability to leave out a hidden unit, from 0 to less than 1, "
                f"not {dropout}"
            )
        sizes = _sizes(nin, nouts)
        units = sizes[-1]
        finish = _finish_of(output, units)
        self.classes = _classes_of(output, units) if classes is None else labels(classes, units)
        hidden = len(sizes) - 2
        self.layers: list[Layer] = []
        for inputs, outputs in pairwise(sizes):
            layer = Layer(
                inputs,
                outputs,
                nonlin=len(self.layers) < hidden,
                activation=activation,
                init=init,
                rng=rng,
                pieces=pieces,
                bias=bias,
            )
            self.layers.append(layer)
        self._output, self._finish = output, finish

    @property
    def output(self) -> str:
        """What becomes of the total inputs of the last layer, by its name; it may be set."""
        return self._output

    @output.setter
    def output(self, output: str) -> None:
        units = len(self.layers[-1].neurons) if self.layers else 0
        self._finish = _finish_of(output, units)
        self._output = output

    @property
    def boundary(self) -> float:
        """Where on its one output the second of two classes begins: what the output makes of 0, and
        halfway between a threshold's 0 and 1.
        """
        if self._output in ("threshold", "softmax"):
            return 0.5
        at_zero: float = self._finish(0.0)
        return at_zero

    def __call__(
        self, x: Sequence[Operand], masks: Sequence[Operand] | None = None, *others: Never
    ) -> Any:
        """The outputs: a list, or one Value when there is one;
        with masks, those of a thinned network in training.
        """
        if others:
            inputs_of(self, x, (masks, *others))
        totals = self.totals(x, masks)
        if self._output == "linear":
            return totals
        if self._output == "softmax" or isinstance(totals, Value):
            return self._finish(totals)
        return [self._finish(total) for total in totals]

    def totals(self, x: Sequence[Operand], masks: Sequence[Operand] | None = None) -> Any:
        """The total inputs of the output units, which some call logits:
        a list, or one Value when there is one unit.

        `masks` are the numbers that dropout multiplies hidden units by, one for each. Raises
        ValueError for another number of inputs or masks.
        """
        if masks is not None and not hasattr(masks, "__len__"):
            inputs_of(self, x, (masks,))
        if type(x) is not list and not isinstance(x, Value):
            x = inputs_of(self, x)
        if masks is not None and len(masks) != self._masked():
            raise ValueError(
                f"this model takes {self._masked()} masks, one for each hidden unit when it has "
                f"dropout, but got {len(masks)}"
            )
        out: Any = x
        remaining = iter(() if masks is None else masks)
        for i, layer in enumerate(self.layers):
            # a hidden layer of one neuron
            out = layer([out] if isinstance(out, Value) else out)
            if masks is not None and self.dropout and i < len(self.layers) - 1:
                out = [unit * mask for unit, mask in zip(several(out), remaining)]
        return out

    def masks(self, rng: Generator | None = None) -> list[float]:
        """What one call with dropout multiplies the hidden units by: 0, or 1 / (1 − dropout); []
        without dropout.

        `rng` draws them, by default the module `random`. Raises TypeError while a function is being
        recorded on a tape, on which every example would have the same.
        """
        require_eager(
            "the masks of dropout would be the same for all examples on this tape: give the "
            "recorded function masks as an argument, record it with `model.masks()` drawn before, "
            "and draw new ones for each example"
        )
        source = generator_of(rng)
        kept = 1.0 / (1.0 - self.dropout)
        drawn = [source.uniform(0.0, 1.0) for _ in range(self._masked())]
        return [0.0 if number < self.dropout else kept for number in drawn]

    def _masked(self) -> int:
        if not self.dropout:
            return 0
        return sum(len(layer.neurons) for layer in self.layers[:-1])

    def parameters(self) -> list[Value]:
        found: list[Value] = []
        for layer in self.layers:
            found += layer.parameters()
        return found

    def named_parameters(self) -> dict[str, list[Value]]:
        return named("layers", self.layers)

    def architecture(self) -> dict[str, Any]:
        return {
            **super().architecture(),
            "layers": [layer.architecture() for layer in self.layers],
            "output": self.output,
            "classes": self.classes,
        }

    def __repr__(self) -> str:
        finish: dict[str, Any] = {} if self.output == "linear" else {"output": self.output}
        if self.dropout:
            finish["dropout"] = self.dropout
        options = _options_of(self.layers)
        if options is None:
            said = f"{type(self).__name__} of [{', '.join(map(str, self.layers))}]"
            return ", ".join([said, *[f"{name}={given!r}" for name, given in finish.items()]])
        sizes = len(self.layers[0].neurons[0].w), [len(layer.neurons) for layer in self.layers]
        return in_short(self, sizes, options | finish)


def _options_of(layers: Sequence[Layer]) -> dict[str, Any] | None:
    """The options with which one call makes these layers; None where none does."""
    found = [options for layer in layers if (options := options_of(layer)) is not None]
    if not found or len(found) < len(layers):
        return None
    *hidden, last = found
    shared = {name: given for name, given in last.items() if name != "activation"}
    first = hidden[0] if hidden else shared
    alike = all(options == first for options in hidden) and first.get("bias") == last.get("bias")
    return first if alike and last == {**shared, "activation": "linear"} else None


def _sizes(nin: Any, nouts: Any) -> list[int]:
    """How many inputs there are, and how many neurons in each layer."""
    if isinstance(nouts, (AbstractSet, Mapping)) or not isinstance(nouts, Iterable):
        given = f"{nouts}, 1" if isinstance(nouts, int) else "16, 1"
        raise TypeError(
            f"the sizes of an MLP's layers are a list, as in MLP({nin!r}, [{given}]), not {nouts!r}"
        )
    sizes = [whole_number(nin, "nin, the number of inputs of an MLP,")]
    for i, size in enumerate(nouts):
        sizes.append(whole_number(size, f"the size of layer {i} of an MLP"))
    return sizes


def _finish_of(output: Any, units: int = 0) -> Callable[[Any], Any]:
    """What becomes of the total inputs of so many output units."""
    known = {**activations(), "threshold": threshold, "softmax": ops.softmax}
    if one_of(output, "output", known) == "softmax" and units == 1:
        raise ValueError("the softmax of one output is always 1: take a sigmoid, or two outputs")
    return known[output]


def _classes_of(output: str, units: int) -> tuple[Label, ...] | None:
    """The classes of a model for which none are given: numbers, where its outputs are made for
    them.
    """
    if output == "softmax":
        return tuple(range(units))
    if output in ("sigmoid", "threshold") and units == 1:
        return (0, 1)
    return None


def _no_options(others: Mapping[str, Any]) -> str:
    if "nonlin" in others:
        return (
            "an MLP has no option nonlin, as its neurons have: for hidden layers without an "
            'activation give activation="linear"; what follows the last layer is its output'
        )
    return (
        f"an MLP has no option {', '.join(others)}; there are: activation, init, rng, output, "
        "dropout, classes, pieces, bias"
    )
