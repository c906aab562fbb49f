"""Several models that are asked together: model averaging, one of the ways to reduce overfitting
(Sharif, slide 104).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, Never

from .. import ops
from ..engine import Operand, Value
from .modules import Module, Predictor, inputs_of, named, several


class Ensemble(Predictor):
    """The mean of what the models give, output by output.

    Its squared error is the models' mean squared error less the variance of their predictions, so
    it is no larger than that of the models on average. Classifiers choose by the mean of their
    outputs, which are probabilities after a softmax or a sigmoid; an ensemble of them has their
    `classes`. The models may be any Modules that take the same inputs. Train each by itself: a loss
    of the ensemble gets mean outputs, and never the total inputs from which cross-entropies are
    computed. Raises TypeError for what is no list of models, ValueError for none and for models
    that tell other classes apart.

    >>> from micrograd_plus.nn import Neuron
    >>> models = [Neuron(1, nonlin=False, init="zero") for _ in range(3)]
    >>> for model, prediction in zip(models, (0.1, 0.4, 0.9)):
    ...     model.b.data = prediction
    >>> round(Ensemble(models)([0.0]).data, 12)
    0.466666666667
    """

    def __init__(self, models: Iterable[Any]) -> None:
        if isinstance(models, (AbstractSet, Mapping)) or not isinstance(models, Iterable):
            raise TypeError(f"an Ensemble takes its models in a list, not {models!r}")
        self.models: list[Any] = list(models)
        for model in self.models:
            if isinstance(model, type) or not isinstance(model, Module) or not callable(model):
                raise TypeError(
                    "the models of an Ensemble are Modules that are called with a list of inputs, "
                    f"not {model!r}"
                )
        if not self.models:
            raise ValueError("an Ensemble is of one model at least")
        classes = [getattr(model, "classes", None) for model in self.models]
        if any(found != classes[0] for found in classes):
            raise ValueError(
                f"the models of an Ensemble tell the same classes apart, not {classes[0]!r} and "
                f"{next(found for found in classes if found != classes[0])!r}"
            )
        self.classes = classes[0]

    def __call__(self, x: Sequence[Operand], *others: Never) -> Any:
        """The mean outputs: a list, or one Value when there is one.

        Raises ValueError for models that give different numbers of outputs.
        """
        given = inputs_of(self, x, others)
        outputs = [model(given) for model in self.models]
        columns = [several(out) for out in outputs]
        if any(len(column) != len(columns[0]) for column in columns):
            counts = ", ".join(str(len(column)) for column in columns)
            raise ValueError(f"the models of an Ensemble give as many outputs, not {counts}")
        share = 1.0 / len(columns)
        means = [ops.sum(outs) * share for outs in zip(*columns)]
        return means if hasattr(outputs[0], "__len__") else means[0]

    def totals(self, x: Sequence[Operand]) -> Any:
        """What decides on a class: the mean outputs, and of one output how far it is above where
        the models' second class begins.
        """
        means = self(x)
        return means if isinstance(means, list) else means - self.boundary

    @property
    def boundary(self) -> float:
        """Where on its one output the second class begins: the mean of the models' boundaries."""
        begins = [getattr(model, "boundary", 0.0) for model in self.models]
        mean: float = ops.sum(begins) / len(begins)
        return mean

    def parameters(self) -> list[Value]:
        return [p for model in self.models for p in model.parameters()]

    def named_parameters(self) -> dict[str, list[Value]]:
        return named("models", self.models)

    def architecture(self) -> dict[str, Any]:
        models = [model.architecture() for model in self.models]
        return {**super().architecture(), "models": models}

    def __repr__(self) -> str:
        return f"Ensemble of {self.models!r}"
