"""What every model is, something with parameters;
and what one is that predicts numbers or classes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence, Sized
from collections.abc import Set as AbstractSet
from typing import Any, Never, cast

from .. import modes
from ..checks import stale_nodes
from ..engine import Operand, Value, _commit, _tick, nodes_below
from ..ops import as_float
from .blueprint import blueprint_of

Label = bool | int | float | str  # what a class may be called: model files can say it


class Module:
    """Anything with parameters."""

    def parameters(self) -> list[Value]:
        """The Values that training adjusts, in a fixed order."""
        return []

    def zero_grad(self) -> None:
        """Forget the gradients of the parameters, so that the next backward pass starts from
        nothing.
        """
        for p in self.parameters():
            p.grad = None  # not 0: no gradient is known

    def named_parameters(self) -> dict[str, list[Value]]:
        """The parameters by name, as a model file keeps them:
        those that belong together in one list.
        """
        return {"parameters": self.parameters()}

    def architecture(self) -> dict[str, Any]:
        """What two models must agree in before the parameters of one mean the same in the other,
        as plain JSON data.
        """
        return {"kind": type(self).__name__}


def assign(parameters: Sequence[Value], numbers: Sequence[float]) -> None:
    """Give the parameters new data: Ctrl-C falls before all of them or after."""
    _commit(list(parameters), _primal=list(numbers), _clock=[_tick()] * len(parameters))


def leaves_of(parameters: Iterable[Any]) -> list[Value]:
    """The parameters, which are leaves and named once each; else an error says which is not."""
    leaves = list(parameters)
    for i, p in enumerate(leaves):
        if not isinstance(p, Value):
            raise TypeError(f"parameter {i} is a Value, not a {type(p).__name__}")
        if p.primitive is not None:
            raise ValueError(
                f"parameter {i}, {p!r}, is the result of {p.primitive.name}, not a "
                "leaf: give the leaves that it is made of"
            )
    if len(set(leaves)) < len(leaves):
        raise ValueError("a parameter is named twice, and would be updated twice: name each once")
    return leaves


def brought_up_to_date(out: Any) -> Any:
    """What a recorded call gave, evaluated again where Values below are older than their leaves.

    Such are those that a model computed when it was made, and keeps, once its parameters change.
    """
    values = [v for v in several(out) if isinstance(v, Value)]
    if next(stale_nodes(nodes_below(*values)), None):
        for v in values:
            v.forward()
    return out


def named(part: str, modules: Iterable[Module]) -> dict[str, list[Value]]:
    """The named parameters of the modules in a list called `part`."""
    found = {}
    for i, module in enumerate(modules):
        for name, group in module.named_parameters().items():
            found[f"{part}.{i}.{name}"] = group
    return found


class Predictor(Module):
    """A model that predicts one of its `classes`, or when these are None the numbers that it gives.

    The total inputs of the output units decide on a class, for they have not saturated: one unit
    chooses the second of two classes from 0 on; of several units the one with the largest total
    input wins, the first of equals.
    """

    classes: tuple[Label, ...] | None = None

    @property
    def boundary(self) -> float:
        """Where on its one output the second of two classes begins."""
        return 0.0

    def __call__(self, x: Sequence[Operand], *others: Never) -> Any:
        """What the model gives for the inputs of one example: a list,
        or one Value when there is one output.
        """
        return self.totals(inputs_of(self, x, others) if others else x)

    def totals(self, x: Sequence[Operand]) -> Any:
        """The total inputs of the output units: a list, or one Value when there is one unit."""
        raise NotImplementedError

    def predict(self, X: Iterable[Sequence[Operand]]) -> list[Any]:  # noqa: N803  # scikit-learn's name
        """For each example its class, or without classes what the model gives: a number, or a list
        of them.

        Raises ValueError where a total input is nan, and TypeError while a function is being
        recorded on a tape.
        """
        require_eager(
            "predict() gives numbers, and on a tape those of one example would stand for all: "
            "call the model itself"
        )
        blueprint = blueprint_of(self)
        keeps_nothing = blueprint is not None and blueprint.is_of_leaves()
        call = self if self.classes is None else self.totals
        found = []
        with modes.switched(recording=not keeps_nothing):
            for x in examples_of(X, "predict"):
                out = call(x) if keeps_nothing else brought_up_to_date(call(x))
                found.append(_numbers(out))
        if self.classes is None:
            return found
        return [self.classes[self.chosen(several(totals))] for totals in found]

    def chosen(self, totals: Sequence[float]) -> int:
        """The number of the class that these total inputs of the output units decide on.

        Raises ValueError where one is nan.
        """
        return winner(totals)

    def score(self, X: Iterable[Sequence[Operand]], y: Iterable[Any]) -> float:  # noqa: N803
        """The share of examples whose class is predicted right; without classes R², as in
        scikit-learn.

        R² is 1 − Σ(y − prediction)² / Σ(y − mean)²: 1 is perfect, 0 no better than the mean of y;
        where there are several outputs, it is the mean of theirs. Raises ValueError for no
        examples, for lengths that differ, and for a y that is none of the classes.
        """
        predicted, targets = self.predict(X), list(y)
        if len(predicted) != len(targets) or not targets:
            raise ValueError(
                f"a score needs one target for each example, and an example: not "
                f"{len(predicted)} examples and {len(targets)} targets"
            )
        if self.classes is not None:
            meant = [self.classes[i] for i in indices(targets, self.classes)]
            right: list[bool] = [p == m for p, m in zip(predicted, meant)]
            return sum(right) / len(right)
        found, wanted = _columns(predicted), _columns(targets)
        if len(found) != len(wanted):
            raise ValueError(
                f"the model gives {len(found)} numbers an example, but there are {len(wanted)} "
                "targets"
            )
        return math.fsum(map(_r_squared, found, wanted)) / len(found)


def winner(totals: Sequence[float]) -> int:
    """Which class the total inputs of the output units decide on."""
    if any(total != total for total in totals):
        raise ValueError(
            "a total input is nan, and decides on no class: the inputs or the weights are not "
            "finite"
        )
    if len(totals) == 1:
        return int(totals[0] >= 0.0)
    return max(range(len(totals)), key=totals.__getitem__)


def labels(classes: Iterable[Any], units: int | None = None) -> tuple[Label, ...]:
    """The classes as Python's own numbers and strings;
    ValueError unless they differ and `units` can tell them apart.
    """
    if isinstance(classes, (AbstractSet, Mapping)) or not isinstance(classes, Iterable):
        raise TypeError(
            f"classes are listed in their order, as in range(3) or ['no', 'yes'], not {classes!r}"
        )
    found = tuple(map(_plain, classes))
    for label in found:
        is_endless = isinstance(label, float) and not math.isfinite(label)
        if not isinstance(label, Label) or is_endless:
            raise ValueError(f"a class is called by a finite number or a string, not {label!r}")
    if len(set(found)) != len(found) or len(found) < 2:
        raise ValueError(
            f"a model tells two classes apart, or more, and they differ: not {found!r}"
        )
    if units is not None and len(found) != max(2, units):
        raise ValueError(f"{units} output(s) tell {max(2, units)} classes apart, not {len(found)}")
    return found


def _plain(label: Any) -> Any:
    """A number or a string of NumPy's as Python's own."""
    return label.item() if type(label).__module__ == "numpy" else label


def indices(targets: Iterable[Any], classes: Sequence[Label]) -> list[int]:
    """The number of each target among the classes; ValueError for one that is not among them."""
    number_of = {label: k for k, label in enumerate(classes)}
    found = []
    for i, target in enumerate(targets):
        try:
            found.append(number_of[target])
        except (KeyError, TypeError):
            raise ValueError(
                f"the target of example {i} is {target!r}, which is none of the classes {classes!r}"
            ) from None
    return found


def inputs_of(model: Module, x: Any, others: Sequence[Any] = ()) -> Sequence[Operand]:
    """The inputs of one example, as a model was given them; TypeError that says what was meant."""
    name = type(model).__name__
    if others:
        given = ", ".join(repr(one) for one in (x, *others) if one is not None)
        raise TypeError(
            f"{name} takes its inputs in one list: model([{given}]), not model({given})"
        )
    if isinstance(x, (list, tuple)):
        return x
    if isinstance(x, (str, bytes, AbstractSet, Mapping)):
        raise TypeError(
            f"{name} takes its inputs in a list or an array, not in a {type(x).__name__}"
        )
    if not isinstance(x, Sized) or not number_of_axes(x):
        raise TypeError(
            f"{name} takes its inputs in a list, a single one, too: model([{x!r}]), "
            f"not a {type(x).__name__}"
        )
    return cast("Sequence[Operand]", x)


def number_of_axes(x: Any) -> int:
    """How deep an array is; what is no array counts as one list."""
    axes: int = getattr(x, "ndim", 1)
    return axes


def misfit(
    model: Module, inputs: int, x: Sequence[Any], error: TypeError | None = None
) -> Exception:
    """What to raise for inputs that are not as many as the model has, or are not all numbers."""
    sized = [one for one in x if isinstance(one, Sized) and not isinstance(one, (str, bytes))]
    if any(map(number_of_axes, sized)) or number_of_axes(x) > 1:
        return TypeError(
            f"{model!r} takes one example at a time, {inputs} numbers or Values, but "
            f"got a batch of {len(x)}: call it for each, or take "
            "training.outputs(model, X), which gives the numbers for all"
        )
    if error is None:
        return ValueError(f"{model!r} takes {inputs} inputs, but got {len(x)}")
    return TypeError(f"{model!r} takes {inputs} numbers or Values: {error}")


def examples_of(X: Any, user: str) -> Iterator[Any]:  # noqa: N803
    """The examples one after another; of a data frame, too, whose iterator has the names of
    columns.
    """
    if hasattr(X, "toarray"):
        raise TypeError(
            f"{user} cannot read the examples of a sparse {type(X).__name__}: give its .toarray()"
        )
    for example in X.to_numpy() if hasattr(X, "to_numpy") else X:
        if not isinstance(example, Iterable) or not number_of_axes(example):
            raise TypeError(
                f"{user} takes a list of examples, as in [[0.0, 1.0], [1.0, 1.0]], but "
                f"{example!r} is no example: the inputs of one go into a list of its own"
            )
        yield example


def several(out: Any) -> list[Any]:
    """Outputs in a list, also when there is one of them."""
    return list(out) if hasattr(out, "__len__") and number_of_axes(out) else [out]


def require_eager(advice: str) -> None:
    """Raise TypeError while a function is being recorded on a tape."""
    if modes.mode.get().tracing:
        raise TypeError(advice)


def _numbers(out: Any) -> Any:
    if isinstance(out, Sequence):
        return [_numbers(o) for o in out]
    return out.data if isinstance(out, Value) else as_float(out, "predict")


def _columns(examples: Iterable[Any]) -> list[tuple[float, ...]]:
    numbers = [[as_float(x, "score") for x in several(example)] for example in examples]
    return list(zip(*numbers, strict=True))


def _r_squared(predicted: Sequence[float], targets: Sequence[float]) -> float:
    """1 − rest / spread, of numbers less a power of two,
    so that no square is 0 or inf for their size.
    """
    of_spread, of_rest = _exponent(targets), _exponent([*predicted, *targets])
    ts = [math.ldexp(t, -of_spread) for t in targets]
    mean = math.fsum(ts) / len(ts)
    spread = _sum_of_squares([t - mean for t in ts])
    ts = [math.ldexp(t, -of_rest) for t in targets]
    ps = [math.ldexp(p, -of_rest) for p in predicted]
    rest = _sum_of_squares([t - p for p, t in zip(ps, ts)])
    if spread == 0.0:
        return float(rest == 0.0)
    try:
        return 1.0 - math.ldexp(rest / spread, 2 * (of_rest - of_spread))
    except OverflowError:  # the predictions are that far away
        return -math.inf


def _sum_of_squares(numbers: Iterable[float]) -> float:
    return math.fsum(x * x for x in numbers)


def _exponent(numbers: Iterable[float]) -> int:
    """The power of two above the largest of the numbers."""
    return math.frexp(max(map(abs, numbers)))[1]
