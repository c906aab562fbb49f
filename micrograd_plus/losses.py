"""Losses of one example, and penalties on parameters: how far an output is from its target, as one
number.

All are made of rows of the table, so they have every derivative, work on floats, on Values, inside
transformations and on tapes; a mean over examples is taken by whoever has the examples. Outputs and
targets are numbers or Values. A target that is a plain number is checked; one that is a Value may
differ from point to point of a tape, so nothing in Python may look at it: a choice by it is made by
`where`, and a class that does not exist gives nan.
"""

from __future__ import annotations

from collections.abc import Sequence, Sized
from math import inf, nan, nextafter
from typing import Any

from . import ops
from .engine import Value
from .nn import Module
from .ops import Number, as_float
from .tape.tape import values_of

Numbers = Sequence[Number]
# a score that nobody has, and that is finite, so that detect_anomaly() lets it pass
LOWEST = nextafter(-inf, 0.0)


def squared_error(output: Number | Numbers, target: Number | Numbers, half: bool = False) -> Number:
    """(y - t)², summed over the outputs when they are a sequence; with `half`, ½(y - t)², whose
    gradient is δ = y - t.

    Without the half it is the loss of Sharif (16, 80, 84), RWTH (L₂ loss) and Lund (Losses); Stone
    (equations 4 to 6) and Lund's introduction have the half. Raises ValueError when there are not
    as many targets as outputs.

    >>> squared_error(0.32, 0.2, half=True)              # Stone's simplest network
    0.0072
    """
    differences = _differences(output, target, "squared_error")
    squares = [ops.square(difference) for difference in differences]
    total = squares[0] if len(squares) == 1 else ops.sum(squares)
    return 0.5 * total if half else total


def absolute_error(output: Number | Numbers, target: Number | Numbers) -> Number:
    """|y - t|, summed over the outputs when they are a sequence: RWTH's L₁ loss, whose best
    constant is the median.

    At y = t its derivative is 0. Raises ValueError when there are not as many targets as outputs.
    """
    differences = _differences(output, target, "absolute_error")
    sizes = [ops.abs(difference) for difference in differences]
    return sizes[0] if len(sizes) == 1 else ops.sum(sizes)


def binary_cross_entropy(output: Number, target: Number, from_logits: bool = True) -> Number:
    """-t ln p - (1 - t) ln(1 - p), where p = σ(output), or the output itself without `from_logits`
    (RWTH).

    `target` is 1 or 0, or a probability between them. From logits it is t·softplus(-x) + (1 -
    t)·softplus(x): it keeps its relative accuracy where p rounds to 0 or 1, and a confident mistake
    has the gradient p - t, which does not vanish as that of the squared error of σ does (RWTH,
    Another Note on Error Functions). From probabilities a certain mistake costs inf. Raises
    ValueError for a target or a probability outside [0, 1].

    >>> binary_cross_entropy(1000.0, 1), binary_cross_entropy(1000.0, 0)
    (0.0, 1000.0)
    >>> binary_cross_entropy(0.0, 1, from_logits=False)
    inf
    """
    user = "binary_cross_entropy"
    meant = "a target of 0, 1 or between; for one of -1 or 1 see hinge"
    x = _number(output, user)
    t = _probability(target, user, meant)
    if from_logits:
        if_one = ops.softplus(-x)
        if_zero = ops.softplus(x)
    else:
        meant = (
            "an output of 0 to 1 with from_logits=False; any number is one with from_logits=True"
        )
        p = _probability(x, user, meant)
        if_one = _minus_log(p)
        if_zero = 0.0 - ops.log1p(-p)
    if _is_plain(t) and t in (0.0, 1.0):
        return if_one if t else if_zero
    return _weighed(t, if_one) + _weighed(1.0 - t, if_zero)


def hinge(output: Number, target: Number) -> Number:
    """max(0, 1 - t·y) for a target t of -1 or 1: nothing to pay beyond the margin (RWTH, hinge
    loss; Sharif 99).

    At t·y = 1 its derivative is 0. Raises ValueError for another target.

    >>> hinge(0.25, 1), hinge(0.25, -1), hinge(3.0, 1)
    (0.75, 1.25, 0.0)
    """
    y, t = _signed(output, target, "hinge")
    return ops.relu(1.0 - t * y)


def perceptron(output: Number, target: Number) -> Number:
    """max(0, -t·y) for a target t of -1 or 1: what a mistake lacks, and nothing for what is right
    (Lund, Perceptron: its sum is -Σ (w·x + θ)·t over the mistakes).

    Its gradient in the weights is -x·t at a mistake, so a step down it with rate 1 adds x·t, as the
    perceptron does; the number of mistakes itself has the gradient 0 wherever it has one. At y = 0
    the derivative is 0. Raises ValueError for another target.

    >>> perceptron(-0.5, 1), perceptron(1.5, -1), perceptron(3.5, 1)
    (0.5, 1.5, 0.0)
    """
    y, t = _signed(output, target, "perceptron")
    return ops.relu(-t * y)


def multiclass_hinge(outputs: Numbers, target: Number | Numbers) -> Number:
    """Σ max(0, 1 + yⱼ - yₖ) over the wrong classes j, where k is the right one (Sharif 99, after
    Weston and Watkins).

    `target` is the number of the class, counted from 0, as a plain number or a Value, or its
    one-hot sequence. Raises ValueError for a class that is not there.

    >>> multiclass_hinge([2.0, 2.5, 0.5], 0)
    1.5
    """
    scores = _outputs(outputs, "multiclass_hinge")
    right = _one_class(target, len(scores), "multiclass_hinge")
    score, others = _apart(scores, right)
    return ops.sum([ops.relu(1.0 + (other - score)) for other in others])


def cross_entropy(outputs: Numbers, target: Number | Numbers, from_logits: bool = True) -> Number:
    """-Σ tₖ ln pₖ, where p = softmax(outputs), or the outputs themselves without `from_logits`.

    `target` is the number of the class, counted from 0, as a plain number or a Value, or a sequence
    of one probability a class: RWTH's softmax loss, Lund's negative log likelihood -zₖ + ln Σ
    exp(zⱼ), Edinburgh's CrossEntropySoftmaxError, whose gradient is p - t. Probabilities weigh ln Σ
    exp(zⱼ) - zₖ, shifted as RWTH asks. For the number of a class it is softplus(ln Σ exp(zⱼ) - zₖ)
    with the sum over the other classes: the same, and accurate where pₖ rounds to 1, too; of two
    classes it is the binary_cross_entropy of their difference. Raises ValueError for a class that
    is not there, and for targets that are no probabilities.

    >>> cross_entropy([1000.0, 1001.0, 1002.0], 2), cross_entropy([50.0, 0.0], 0)
    (0.40760596444..., 1.9287498479639178e-22)
    """
    user, scores = "cross_entropy", _outputs(outputs, "cross_entropy")
    if not from_logits:
        meant = (
            "outputs of 0 to 1 with from_logits=False; any numbers are right with from_logits=True"
        )
        scores = [_probability(score, user, meant) for score in scores]
    if not _is_sequence(target):
        score, others = _apart(scores, _one_class(target, len(scores), user))
        if not from_logits:
            return _minus_log(score)
        return ops.softplus(ops.logsumexp(others) - score)
    shares = _shares(target, len(scores), user)
    if from_logits:
        total = ops.logsumexp(scores)
        surprises = [total - score for score in scores]
    else:
        surprises = [_minus_log(score) for score in scores]
    terms = []
    for share, surprise in zip(shares, surprises):
        if not _is_plain(share) or share:  # a plain 0 is no term
            terms.append(_weighed(share, surprise))
    return terms[0] if len(terms) == 1 else ops.sum(terms)


def margin_loss(
    outputs: Numbers, target: Number | Numbers, margin: float = 0.5, from_logits: bool = True
) -> Number:
    """The ramp of a margin ρ: 1 where m ≤ 0, 0 where m ≥ ρ, 1 - m/ρ between, for m = pₖ - max pⱼ
    over the wrong classes.

    p = softmax(outputs), or the outputs themselves without `from_logits`; `target` is as for
    multiclass_hinge, and 0 < `margin` < 1. Lund (Margin loss for classification) prints "0 for x ≤
    ρ" and "1 for x ≥ ρ"; a loss must fall as the margin grows, so it is 1 for x ≤ 0 and 0 for x ≥
    ρ. Its slope is -1/ρ inside the ramp, half of that where m = 0 and 0 where m = ρ; wrong classes
    that tie share theirs. Raises ValueError for another margin or class.

    >>> [margin_loss([0.625, 0.375], right, from_logits=False) for right in (0, 1)]
    [0.5, 1.0]
    """
    scores = _outputs(outputs, "margin_loss")
    rho = as_float(margin, "the margin of margin_loss")
    if not 0.0 < rho < 1.0:
        raise ValueError(
            "margin_loss compares probabilities, so its margin lies between 0 and 1, not at "
            f"{margin!r}"
        )
    which = _one_class(target, len(scores), "margin_loss")
    probabilities = ops.softmax(scores) if from_logits else scores
    p, others = _apart(probabilities, which)
    height = 1.0 - ops.div(p - ops.maximum(others), rho)
    return ops.minimum(1.0, ops.relu(height))


def l1_penalty(parameters: Module | Sequence[Value]) -> Number:
    """Σ |w| over the parameters of a Module (its biases, too), or the Values given; add λ times it
    to a loss.

    Its minimum has weights of exactly 0 (the Lasso of RWTH's outline); at 0 its derivative is 0.
    """
    return ops.sum([ops.abs(w) for w in values_of(parameters)])


def l2_penalty(parameters: Module | Sequence[Value]) -> Number:
    """Σ w² over the parameters of a Module (its biases, too), or the Values given; add λ times it
    to a loss.

    RWTH's regularizer Ω(W); Lund's λ/2·‖W‖², whose gradient λ·w is weight decay, is λ/2 of it
    (Regularization).
    """
    weights = values_of(parameters)
    return ops.dot(weights, weights)


_PAIRS = "an output and a target, or lists of as many outputs and targets"
_TAKES = {
    "squared_error": _PAIRS,
    "absolute_error": _PAIRS,
    "binary_cross_entropy": "one output and one target",
    "hinge": "one output and one target",
    "perceptron": "one output and one target",
    "multiclass_hinge": "a list of outputs, and the number of a class",
    "cross_entropy": "a list of outputs, and the number of a class or as many probabilities",
    "margin_loss": "a list of outputs, and the number of a class",
}


# What outputs and targets may be. -----------------------------------------------------------------
def _is_plain(number: Number) -> bool:
    return type(number) is float


def _is_sequence(given: Any) -> bool:
    # a NumPy array of no dimensions is a number
    return isinstance(given, Sized) and getattr(given, "ndim", 1) > 0


def _number(number: Number, user: str) -> Number:
    if hasattr(type(number), "__primitive__"):
        return number
    if _is_sequence(number):
        raise TypeError(
            f"{user} is the loss of one example and takes {_TAKES[user]}, all numbers "
            f"or Values, not a {type(number).__name__} for one of them: of several "
            "examples take the mean of their losses"
        )
    return as_float(number, user)


def _signed(output: Number, target: Number, user: str) -> tuple[Number, Number]:
    """An output, and a target of -1 or 1."""
    y, t = _number(output, user), _number(target, user)
    if _is_plain(t) and t not in (-1.0, 1.0):
        raise ValueError(
            f"{user} takes a target of -1 or 1, not {target!r}: a target of 0 or 1 becomes one by "
            "2 * t - 1"
        )
    return y, t


def _differences(output: Number | Numbers, target: Number | Numbers, user: str) -> list[Number]:
    are_several = _is_sequence(output)
    if are_several != _is_sequence(target):
        one, many = ("target", "outputs") if are_several else ("output", "targets")
        raise ValueError(
            f"{user} needs as many targets as outputs, but got one {one}, and a sequence of {many}"
        )
    ys = output if are_several else [output]
    ts = target if are_several else [target]
    if len(ys) != len(ts) or not len(ys):
        raise ValueError(
            f"{user} needs as many targets as outputs, at least one, not {len(ts)} and {len(ys)}"
        )
    return [_number(y, user) - _number(t, user) for y, t in zip(ys, ts)]


def _outputs(outputs: Numbers, user: str) -> list[Number]:
    if not _is_sequence(outputs) or len(outputs) < 2:
        raise ValueError(
            f"{user} takes a sequence of one output a class, of two classes or more; one output "
            "for two classes goes into binary_cross_entropy or hinge"
        )
    return [_number(output, user) for output in outputs]


def _probability(number: Number, user: str, meant: str) -> Number:
    p = _number(number, user)
    if _is_plain(p) and not 0.0 <= p <= 1.0:
        raise ValueError(f"{user} takes {meant}: not {number!r}")
    return p


def _shares(target: Numbers, classes: int, user: str) -> list[Number]:
    """The probability of each class, from a sequence of them."""
    if len(target) != classes:
        raise ValueError(
            f"{user} takes one probability for each of the {classes} outputs, not {len(target)}; "
            "or the number of the class"
        )
    meant = "probabilities for targets, each of 0 to 1"
    shares = [_probability(share, user, meant) for share in target]
    if all(map(_is_plain, shares)):
        total = ops.sum(shares)
        if abs(total - 1.0) > 1e-6:
            raise ValueError(
                f"{user} takes probabilities that sum to 1 for targets, not to {total!r}"
            )
    return shares


def _one_class(target: Number | Numbers, classes: int, user: str) -> int | list[Any]:
    """The number of a class, or when it is a Value a condition for each class."""
    if _is_sequence(target):
        shares = _shares(target, classes, user)
        if not all(map(_is_plain, shares)):
            return [ops.equal(share, 1.0) for share in shares]
        if 1.0 not in shares:
            raise ValueError(
                f"{user} takes one class, as its number or a one-hot sequence, not {target!r}"
            )
        return shares.index(1.0)
    number = _number(target, user)
    if not _is_plain(number):
        return [ops.equal(number, float(k)) for k in range(classes)]
    if number not in range(classes):
        raise ValueError(
            f"{user} knows the classes 0 to {classes - 1} of {classes} outputs, not {target!r}"
        )
    return int(number)


def _apart(scores: Numbers, which: int | list[Value]) -> tuple[Number, list[Number]]:
    """The score of the class, and those of the others; by conditions these have the LOWEST where
    the class was.

    The first is nan where not exactly one condition holds.
    """
    if isinstance(which, int):
        return scores[which], [*scores[:which], *scores[which + 1 :]]
    score = ops.sum([ops.where(is_it, s, 0.0) for is_it, s in zip(which, scores)])
    others = [ops.where(is_it, LOWEST, s) for is_it, s in zip(which, scores)]
    is_one = ops.equal(ops.sum(which), 1.0)
    return ops.where(is_one, score, nan), others


def _minus_log(p: Number) -> Number:
    return 0.0 - ops.log(p)  # -log would give -0.0 for a probability of 1


def _weighed(weight: Number, amount: Number) -> Number:
    """weight × amount, and 0 for no weight of an infinite amount."""
    if _is_plain(weight):
        return amount if weight == 1.0 else weight * amount  # nobody gives a plain 0
    is_nothing = ops.equal(weight, 0.0) * ops.equal(amount, inf)
    return ops.where(is_nothing, 0.0, weight * amount)
