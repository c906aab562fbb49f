"""What a page needs to put networks together and train them, as plain data: each row of the table
that they use, its value and its slopes as programs; activations, losses and penalties as graphs of
rows; optimisers and schedules by their settings.

`networks.js` and `training.js` read it. The programs are traced from the table, so that a page
knows no derivative of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import MISSING, fields
from typing import Any

from .. import losses, modes, ops, optim
from ..engine import Value, nodes_below
from ..nn import INITIALISATIONS, MLP, Layer, activations, threshold
from ..nn.blueprint import blueprint_of
from ..ops import CFunction, Instruction, Primitive
from ..optim.schedules import ABOVE_ZERO, BELOW_ONE, WHOLE, YES_OR_NO
from ..options import one_of, real_number, whole_number
from ..support.strict_json import exact
from ..tape.patterns import Pattern, finished
from ..terms import Emitter, Term
from ..tracing import local_terms
from ..training.objective import OF_TOTALS, Loss, loss_called, losses_by_name

Json = dict[str, Any]

PENALTIES: dict[str, Callable[[Sequence[Value]], Any]] = {
    "l2": losses.l2_penalty,
    "l1": losses.l1_penalty,
}
SCHEDULES = (optim.StepDecay, optim.InverseTimeDecay, optim.CosineDecay, optim.OnPlateau)
CHOICES = {"form": ("sum", "step", "average")}
# targets by which a loss shows what it takes, beside outputs for three classes
PROBES = (-1.0, 0.0, 0.5, 1.0, 2.0)
KINDS = {
    (-1.0, 0.0, 0.5, 1.0, 2.0): "number",
    (-1.0, 1.0): "sign",
    (0.0, 0.5, 1.0): "share",
    (0.0, 1.0, 2.0): "class",
}


def rows_data(outputs: Iterable[int] = (1, 2, 3), pieces: Iterable[int] = (2, 3)) -> Json:
    """All of it, for networks with so many outputs and maxout units of so many pieces."""
    used = _Used()
    counts = sorted({1, *(whole_number(count, "a number of outputs") for count in outputs)})
    return {
        "activations": {name: used.graph(f, 1) for name, f in sorted(_activations().items())},
        "maxout": {str(size): used.graph(ops.maximum, size) for size in pieces},
        "softmax": {
            str(size): used.graph(lambda *xs: ops.softmax(xs), size) for size in counts if size > 1
        },
        "losses": {name: _loss(used, loss_called(name), counts) for name in losses_by_name()},
        "totals": [[output, loss.__name__] for output, loss in OF_TOTALS],
        "penalties": {name: used.graph(lambda w, f=f: f([w]), 1) for name, f in PENALTIES.items()},
        "optimizers": {kind.__name__: _settings(kind) for kind in optim.BUILT_IN},
        "schedules": {kind.__name__: _settings(kind) for kind in SCHEDULES},
        "initialisations": list(INITIALISATIONS),
        "rows": used.rows(),
    }


def _activations() -> dict[str, Callable[[Any], Any]]:
    """Those that are made of rows which machines know."""
    known = {**activations(), "threshold": threshold}
    return {name: f for name, f in known.items() if getattr(f, "lowering", f) is not None}


class _Used:
    """The rows that graphs use, by name and number of operands."""

    def __init__(self) -> None:
        # of these two a network makes its total inputs, and a penalty its sum
        self._known: dict[str, tuple[Primitive, int]] = {}
        for row in (ops.add, ops.mul):
            self._key(row, 2)

    def graph(self, function: Callable[..., Any], operands: int) -> Json:
        """A function as a graph of rows, operands and then nodes. What a node takes is counted back
        from it, or is the complement of a constant's place; outputs are counted back from the end.
        """
        leaves = [Value(0.5) for _ in range(operands)]
        with modes.switched(recording=True):
            found = function(*leaves)
        outputs = found if isinstance(found, (list, tuple)) else [found]
        nodes = nodes_below(*[out for out in outputs if isinstance(out, Value)], stop=leaves)
        place = {v: i for i, v in enumerate([*leaves, *nodes])}
        constants: dict[str, float | str] = {}

        def reference(operand: Any, user: int) -> int:
            if isinstance(operand, Value):
                return user - place[operand]
            number = exact(ops.as_float(operand, "a graph"))
            written = repr(number)  # which tells 0.0 from -0.0
            constants.setdefault(written, number)
            return ~list(constants).index(written)

        steps = [
            [self._key(v.primitive, len(v.operands)), [reference(o, place[v]) for o in v.operands]]
            for v in nodes
        ]
        found_at = [reference(out, len(place)) for out in outputs]
        return {"constants": [*constants.values()], "nodes": steps, "outputs": found_at}

    def _key(self, row: Primitive, size: int) -> str:
        key = f"{row.name}/{size}"
        self._known[key] = row, size
        return key

    def rows(self) -> Json:
        return {key: _programs_of(row, size) for key, (row, size) in sorted(self._known.items())}


def _programs_of(row: Primitive, size: int) -> Json:
    """The value and the slopes of a row. In a program the registers are the result of the row, its
    operands, the constants, and one for each step.
    """
    return {"value": _program(row, size, _value), "slopes": _program(row, size, local_terms)}


def _program(row: Primitive, size: int, numbers: Callable[..., Sequence[Any]]) -> Json:
    emitter = Emitter(1 + size, lowering=True)
    terms = [Term(emitter, register) for register in range(1 + size)]
    return _as_json(finished(emitter, row, numbers(row, terms)))


def _value(row: Primitive, numbers: Sequence[Any]) -> Sequence[Any]:
    return [row.lowering(*numbers[1:]) if callable(row.lowering) else row(*numbers[1:])]


def _as_json(pattern: Pattern) -> Json:
    steps = [[_operation(row), *o] for row, o in zip(pattern.rows, pattern.operands)]
    return {
        "constants": list(map(exact, pattern.constants)),
        "steps": steps,
        "outputs": pattern.outputs,
        "conditions": pattern.conditions,
    }


def _operation(row: Primitive) -> str:
    if not isinstance(row.lowering, (Instruction, CFunction)):
        raise TypeError(f"{row!r} is neither an instruction nor a C function")
    return row.lowering.name


def _loss(used: _Used, loss: Loss, counts: Collection[int]) -> Json:
    """A loss by the number of outputs: how many targets there are, and the graph of outputs and
    targets; and what its targets may be.
    """
    graphs: Json = {}
    for count in counts:
        for targets in sorted({1, count}):
            try:
                graph = used.graph(_of_lists(loss, count, targets), count + targets)
            except (TypeError, ValueError):
                continue  # it takes others
            graphs[str(count)] = {"targets": targets, **graph}
            break
    return {"takes": _kind_of_targets(loss), "outputs": graphs}


def _of_lists(loss: Loss, count: int, targets: int) -> Callable[..., Any]:
    """A loss as a function of numbers: outputs, then targets."""

    def function(*numbers: Any) -> Any:
        outputs, wanted = list(numbers[:count]), list(numbers[count:])
        return loss(
            outputs if count > 1 else outputs[0],
            wanted if targets > 1 else wanted[0],
        )

    return function


def _kind_of_targets(loss: Loss) -> str:
    taken = tuple([target for target in PROBES if _takes(loss, target)])
    return KINDS[taken]


def _takes(loss: Loss, target: float) -> bool:
    for outputs in (0.5, [0.25, 0.5, 0.25]):
        try:
            loss(outputs, target)
        except (TypeError, ValueError):
            continue
        return True
    return False


def _settings(kind: Any) -> Json:
    """The settings of an optimiser or schedule: what each is, and where it lies."""
    found = {}
    for field in fields(kind):
        if not field.name.startswith("_"):
            default = None if field.default is MISSING else field.default
            found[field.name] = {"default": default, **_range_of(field.name)}
    return found


def _range_of(name: str) -> Json:
    if name in YES_OR_NO:
        return {"is": "choice", "choices": [False, True]}
    if name in CHOICES:
        return {"is": "choice", "choices": list(CHOICES[name])}
    return {
        "is": "numbers" if name == "betas" else "number",
        "whole": WHOLE.get(name),
        "above_zero": name in ABOVE_ZERO,
        "below_one": name in BELOW_ONE,
    }


def model_setup(
    model: MLP,
    loss: str,
    optimizer: optim.Optimizer | None = None,
    *,
    batch_size: int | None = None,
    penalty: tuple[str, float] | None = None,
    seed: int = 1,
) -> Json:
    """How a page begins with a model: its layers and weights, and how `fit` would train it.

    `penalty` is "l1" or "l2" and the number that multiplies it. Raises TypeError for a model that
    is no MLP as it comes, and ValueError for an activation, loss, optimiser or schedule that a page
    does not know.
    """
    if type(model) is not MLP or blueprint_of(model) is None:
        raise TypeError(
            f"a playground trains an MLP with activations of this package, not {model!r}"
        )
    loss_called(loss)
    chosen = optim.Adam() if optimizer is None else optimizer
    layers = [_layer(layer) for layer in model.layers]
    layers[-1]["activation"] = model.output
    unknown = {layer["activation"] for layer in layers} - {*_activations(), "maxout", "softmax"}
    if unknown:
        raise ValueError(f"a playground does not know the activation {unknown.pop()!r}")
    kind, amount = penalty or ("l2", 0.0)
    one_of(kind, "penalty", PENALTIES)
    return {
        "inputs": len(model.layers[0].neurons[0].w),
        "layers": layers,
        "bias": model.layers[0].neurons[0].b is not None,
        "loss": loss,
        "task": "regression" if model.classes is None else "classification",
        **_how(chosen),
        "batch": 0 if batch_size is None else whole_number(batch_size, "batch_size"),
        "penalty": {"kind": kind, "amount": real_number(amount, "the amount of a penalty")},
        "dropout": [*[model.dropout] * (len(layers) - 1), 0.0],
        "initialisation": "uniform",
        "classes": None if model.classes is None else list(model.classes),
        "seed": seed,
        "weights": [p.data for p in model.parameters()],
    }


def _layer(layer: Layer) -> Json:
    """The units of a layer; those of one layer are alike."""
    first = layer.neurons[0]
    if any(neuron.architecture() != first.architecture() for neuron in layer.neurons):
        raise ValueError(f"the units of a layer of a playground are alike, unlike those of {layer}")
    pieces = {"pieces": 1 + len(first.more)} if first.more else {}
    return {"units": len(layer.neurons), "activation": first.activation, **pieces}


def _how(optimizer: optim.Optimizer) -> Json:
    """An optimiser and its schedule as settings."""
    rate = optimizer.learning_rate
    is_schedule = type(rate) in SCHEDULES
    if type(optimizer) not in optim.BUILT_IN or (callable(rate) and not is_schedule):
        raise ValueError(
            f"a playground knows the optimisers and schedules of micrograd_plus.optim, not "
            f"{optimizer!r}"
        )
    schedule = _given(rate) if is_schedule else None
    first = optimizer.rate if is_schedule else rate
    return {"optimizer": {**_given(optimizer), "learning_rate": first}, "schedule": schedule}


def _given(thing: Any) -> Json:
    named = {f.name: getattr(thing, f.name) for f in fields(thing) if not f.name.startswith("_")}
    return {"name": type(thing).__name__, **named}
