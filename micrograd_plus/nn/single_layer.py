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
from ..options import one_of, real_number, whole_number
from .modules import Predictor, assign, examples_of, indices, inputs_of, labels, leaves_of
from .neurons import Generator, Layer, generator_of, threshold, without_bias

AT_ZERO = ("positive", "negative", "mistake")

# the bias, then the weights; an example begins with the 1 that goes with the bias, or with a 0,
# which leaves a bias that is none at 0
Unit = list[float]


class SingleLayer(Predictor):
    """Linear units that all see the inputs: one unit,
    or one for each class when there are more than two.
    """

    def __init__(self, nin: int, classes: Iterable[Any] | None, bias: bool = True) -> None:
        self.classes = None if classes is None else labels(classes)
        count = 1 if self.classes is None else len(self.classes)
        units = 1 if count == 2 else count
        self.layer = Layer(nin, units, nonlin=False, init="zero", bias=bias)

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
            **without_bias(not self._has_bias),
        }

    @property
    def _has_bias(self) -> bool:
        return self.layer.neurons[0].b is not None

    def _examples(self, X: Iterable[Sequence[Operand]], targets: Sequence[Any]) -> list[Unit]:  # noqa: N803
        """The examples, checked, with what goes with the bias before each."""
        examples, beside_bias = [], 1.0 if self._has_bias else 0.0
        for example in examples_of(X, "fit"):
            numbers = [ops.as_float(x, "fit") for x in example]
            examples.append([beside_bias, *numbers])
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
        neurons = self.layer.neurons
        return [[0.0 if n.b is None else n.b.data, *[w.data for w in n.w]] for n in neurons]

    def _assign(self, units: Sequence[Unit]) -> None:
        numbers: list[float] = []
        for bias, *weights in units:
            numbers += [*weights, bias] if self._has_bias else weights
        assign(self.parameters(), numbers)

    def __repr__(self) -> str:
        known = ("kind", "inputs", "classes")
        more = {name: said for name, said in self.architecture().items() if name not in known}
        options = "".join([f", {name}={said!r}" for name, said in more.items()])
        inputs = len(self.layer.neurons[0].w)
        return f"{type(self).__name__}({inputs}, classes={self.classes}{options})"


class Perceptron(SingleLayer):
    """Threshold units with the learning rule of Rosenblatt 1958 (Sharif, slides 13-24; Lund,
    Perceptron Algorithm).

    Two classes take one unit, which gives 1 and means the second class when w·x + b ≥ 0, else 0 and
    the first; with the classes (-1, 1) it gives 1 and -1. More classes take a unit each, whose
    weights are a template of its class; each gives w·x + b, and the largest wins.

    The lectures differ in what a total input of 0 means, and with it in every trace that begins at
    weights of 0. `at_zero` is "positive", the second class, as Sharif's slide 9 has it (z ≥ θ);
    "negative", the first, as Lund (1 if > 0); or "mistake", neither, as on Sharif's slide 16, where
    sign(0) = 0 is no target: fit then learns from such an example whatever its class, and the unit
    gives what lies halfway, while predict, which must choose, goes by slide 9. Raises ValueError
    for another word, and for one beside "positive" when there are more than two classes; TypeError
    for classes that are None.

    >>> perceptron = Perceptron(2)
    >>> # AND: the mistakes of each pass
    >>> perceptron.fit([(0, 0), (0, 1), (1, 0), (1, 1)], [0, 0, 0, 1])
    [2, 3, 3, 2, 1, 0]
    >>> perceptron.predict([(1, 0), (1, 1)])
    [0, 1]
    """

    def __init__(
        self, nin: int, classes: Iterable[Any] = (0, 1), *, at_zero: str = "positive"
    ) -> None:
        if classes is None:
            raise TypeError(
                "a perceptron tells classes apart: list them, or take an Adaline, which "
                "learns numbers"
            )
        super().__init__(nin, classes)
        self.at_zero = one_of(at_zero, "meaning of a total input of 0", AT_ZERO)
        if at_zero != "positive" and len(self.layer.neurons) > 1:
            raise ValueError(
                f"at_zero={at_zero!r} is for one unit and two classes: of several units the "
                "largest total input wins, whatever it is"
            )

    def __call__(self, x: Sequence[Operand], *others: Never) -> Any:
        """From one unit 1 or 0, with the classes (-1, 1) 1 or -1; from several the list of their
        total inputs, of which the largest wins.
        """
        totals = self.totals(inputs_of(self, x, others) if others else x)
        return self._output(totals) if isinstance(totals, Value) else totals

    @property
    def is_signed(self) -> bool:
        """Whether the unit gives 1 and -1, as the classes are called, and not 1 and 0."""
        return self.classes == (-1, 1)

    @property
    def boundary(self) -> float:
        """Halfway between the two outputs of the unit."""
        return 0.0 if self.is_signed else 0.5

    def _output(self, total: Value) -> Value:
        if self.at_zero == "mistake":
            sign = ops.sign(total)
            return sign if self.is_signed else 0.5 * (1.0 + sign)
        fires = threshold(total) if self.at_zero == "positive" else ops.less(0.0, total)
        return ops.where(fires, 1.0, -1.0) if self.is_signed else fires

    def chosen(self, totals: Sequence[float]) -> int:
        if self.at_zero == "negative" and totals[0] == 0.0:
            return 0
        return super().chosen(totals)

    def architecture(self) -> dict[str, Any]:
        more = {} if self.at_zero == "positive" else {"at_zero": self.at_zero}
        return {**super().architecture(), **more}

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
                totals = [_total(unit, example) for unit in units]
                found = self.chosen(totals)
                is_neither = self.at_zero == "mistake" and totals[0] == 0.0
                if found != target or is_neither:
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
    is one unit, and the targets are numbers. Without `bias` the unit gives w·x, and w alone is
    learned: with one input, Stone's simplest network.

    >>> adaline = Adaline(1, classes=None)
    >>> errors = adaline.fit([[1.0], [2.0], [3.0]], [2.5, 4.5, 6.5], rate=0.1, passes=500)
    >>> [round(number, 9) for number in adaline.predict([[0.0], [10.0]])]   # 2x + 0.5
    [0.5, 20.5]
    """

    def __init__(
        self, nin: int, classes: Iterable[Any] | None = (-1, 1), bias: bool = True
    ) -> None:
        super().__init__(nin, classes, bias)

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
