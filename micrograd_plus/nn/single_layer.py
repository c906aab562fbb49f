"""The single layers of before backpropagation, each with its rule of learning: the perceptron and
ADALINE.

Both begin with all weights at 0 and treat the bias as the weight of an input that is always 1. They
learn from one example at a time, in the order of the data, or with an `rng` in a new order each
pass; the Values get the weights at the end, so that a `fit` that is interrupted has changed
nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Never

from .. import ops
from ..engine import Operand, Value
from ..options import real_number, whole_number
from .modules import Predictor, assign, examples_of, indices, inputs_of, labels, leaves_of, winner
from .neurons import Generator, Layer, generator_of, threshold

# the bias, then the weights; an example begins with the 1 that goes with the bias
Unit = list[float]


class SingleLayer(Predictor):
    """Linear units that all see the inputs: one unit,
    or one for each class when there are more than two.
    """

    def __init__(self, nin: int, classes: Iterable[Any] | None) -> None:
        self.classes = None if classes is None else labels(classes)
        count = 1 if self.classes is None else len(self.classes)
        units = 1 if count == 2 else count
        self.layer = Layer(nin, units, nonlin=False, init="zero")

    def totals(self, x: Sequence[Operand]) -> Any:
        return self.layer(x)

    def parameters(self) -> list[Value]:
        return self.layer.parameters()

    def named_parameters(self) -> dict[str, list[Value]]:
        return self.layer.named_parameters()

    def architecture(self) -> dict[str, Any]:
        return {
            **super().architecture(),
            "inputs": len(self.layer.neurons[0].w),
            "classes": self.classes,
        }

    def _examples(self, X: Iterable[Sequence[Operand]], targets: Sequence[Any]) -> list[Unit]:  # noqa: N803
        """The examples, checked, with a 1 before each."""
        examples = []
        for example in examples_of(X, "fit"):
            numbers = [ops.as_float(x, "fit") for x in example]
            examples.append([1.0, *numbers])
        width = len(self.layer.neurons[0].w)
        for i, example in enumerate(examples):
            if len(example) != 1 + width or not all(map(math.isfinite, example)):
                raise ValueError(f"example {i} must be {width} finite numbers, not {example[1:]}")
        if len(examples) != len(targets) or not examples:
            raise ValueError(
                "learning takes one target for each example, and an example: not "
                f"{len(examples)} examples and {len(targets)} targets"
            )
        return examples

    def _units(self) -> list[Unit]:
        return [[v.data for v in (n.b, *n.w)] for n in self.layer.neurons]

    def _assign(self, units: Sequence[Unit]) -> None:
        numbers = [number for bias, *weights in units for number in (*weights, bias)]
        assign(self.parameters(), numbers)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self.layer.neurons[0].w)}, classes={self.classes})"


class Perceptron(SingleLayer):
    """Threshold units with the learning rule of Rosenblatt 1958 (Sharif, slides 13-24; Lund,
    Perceptron Algorithm).

    Two classes take one unit, which gives 1 and means the second class when w·x + b ≥ 0, else 0 and
    the first. More classes take a unit each, whose weights are a template of its class; each gives
    w·x + b, and the largest wins.

    >>> perceptron = Perceptron(2)
    >>> # AND: the mistakes of each pass
    >>> perceptron.fit([(0, 0), (0, 1), (1, 0), (1, 1)], [0, 0, 0, 1])
    [2, 3, 3, 2, 1, 0]
    >>> perceptron.predict([(1, 0), (1, 1)])
    [0, 1]
    """

    def __init__(self, nin: int, classes: Iterable[Any] = (0, 1)) -> None:
        if classes is None:
            raise TypeError(
                "a perceptron tells classes apart: list them, or take an Adaline, which "
                "learns numbers"
            )
        super().__init__(nin, classes)

    def __call__(self, x: Sequence[Operand], *others: Never) -> Any:
        """From one unit 1 or 0; from several the list of their total inputs,
        of which the largest wins.
        """
        totals = self.totals(inputs_of(self, x, others) if others else x)
        return threshold(totals) if isinstance(totals, Value) else totals

    def fit(
        self,
        X: Iterable[Sequence[Operand]],  # noqa: N803  # X and y are scikit-learn's names
        y: Iterable[Any],
        passes: int = 100,
        rng: Generator | None = None,
    ) -> list[int]:
        """Learn until a pass over the examples makes no mistake, or for so many passes; gives the
        mistakes of each pass.

        An example that is classified right changes nothing. One unit has the example added to its
        weights when it should have given 1, subtracted when it should have given 0. Of several
        units the right one has the example added, and the one that won has it subtracted. When
        some weights separate the classes, with margin γ for examples no longer than R, there are at
        most (R/γ)² mistakes (Novikoff 1962), so the last number is 0 if `passes` are enough; when
        none do, it never is. There is no rate: from weights at 0, it would scale all of them alike
        and change no decision.
        """
        passes = whole_number(passes, "passes, how often to go over the examples,")
        leaves_of(self.parameters())
        targets = indices(y, self.classes or ())
        examples = self._examples(X, targets)
        units = self._units()
        mistakes: list[int] = []
        while len(mistakes) < passes and 0 not in mistakes:
            wrong = 0
            for i in _order(len(examples), rng):
                example, target = examples[i], targets[i]
                found = winner([_total(unit, example) for unit in units])
                if found != target:
                    wrong += 1
                    if len(units) == 1:
                        _add(units[0], 1.0 if target else -1.0, example)
                    else:
                        _add(units[target], 1.0, example)
                        _add(units[found], -1.0, example)
            mistakes.append(wrong)
        self._assign(units)
        return mistakes


class Adaline(SingleLayer):
    """Linear units with the rule of Widrow & Hoff 1960, called LMS or delta rule (Sharif, slides
    13-16; RWTH, recap).

    The targets are −1 for the first of two classes and 1 for the second; of more classes, each has
    a unit whose target is 1 for its own examples and −1 for others. With `classes` None there
    is one unit, and the targets are numbers.

    >>> adaline = Adaline(1, classes=None)
    >>> errors = adaline.fit([[1.0], [2.0], [3.0]], [2.5, 4.5, 6.5], rate=0.1, passes=500)
    >>> [round(number, 9) for number in adaline.predict([[0.0], [10.0]])]   # 2x + 0.5
    [0.5, 20.5]
    """

    def __init__(self, nin: int, classes: Iterable[Any] | None = (-1, 1)) -> None:
        super().__init__(nin, classes)

    def fit(
        self,
        X: Iterable[Sequence[Operand]],  # noqa: N803  # X and y are scikit-learn's names
        y: Iterable[Any],
        rate: float = 0.01,
        passes: int = 100,
        rng: Generator | None = None,
    ) -> list[float]:
        """Learn for so many passes over the examples; gives for each pass the mean over them of
        ½·(target − w·x − b)², as met on the way and summed over the units.

        Every example moves the weights by rate·(target − w·x − b)·x, down the gradient of
        ½·(target − w·x − b)²; the square without the ½, as Sharif's slide 16 has it, would move
        them twice as far. Raises ValueError for a rate that is not positive, and FloatingPointError
        when it is so large that the error grows beyond all numbers; the weights then are what they
        were.
        """
        rate = real_number(rate, "rate, how far a step goes,")
        passes = whole_number(passes, "passes, how often to go over the examples,")
        if not 0.0 < rate < math.inf:
            raise ValueError(f"a rate is positive and finite, not {rate!r}")
        leaves_of(self.parameters())
        targets = self._targets(y)
        examples = self._examples(X, targets)
        units = self._units()
        errors: list[float] = []
        for _ in range(passes):
            squares = 0.0
            for i in _order(len(examples), rng):
                for unit, target in zip(units, targets[i]):
                    delta = _total(unit, examples[i]) - target
                    squares += 0.5 * delta * delta
                    for j, x in enumerate(examples[i]):
                        unit[j] -= rate * (delta * x)
            errors.append(squares / len(examples))
            numbers = [number for unit in units for number in unit]
            if not all(map(math.isfinite, (squares, *numbers))):
                longest = max(math.fsum(x * x for x in example) for example in examples)
                raise FloatingPointError(
                    f"the error is {squares} in pass {len(errors)}: the rate {rate} is too large, "
                    f"no step overshoots up to {1 / longest:.2g}, 1 over the longest example's "
                    "square"
                )
        self._assign(units)
        return errors

    def _targets(self, y: Iterable[Any]) -> list[list[float]]:
        if self.classes is None:
            return [[ops.as_float(target, "fit")] for target in y]
        found, count = indices(y, self.classes), len(self.classes)
        if count == 2:
            return [[1.0 if i else -1.0] for i in found]
        return [[1.0 if i == k else -1.0 for k in range(count)] for i in found]


def _order(count: int, rng: Generator | None) -> Iterator[int] | Sequence[int]:
    if rng is None:
        return range(count)
    source = generator_of(rng)
    return sorted(range(count), key=lambda _: source.uniform(0.0, 1.0))


def _total(unit: Unit, example: Unit) -> float:
    total: float = ops.dot(unit[1:], example[1:], unit[0])
    return total


def _add(unit: Unit, sign: float, example: Unit) -> None:
    for j, x in enumerate(example):
        unit[j] += sign * x
