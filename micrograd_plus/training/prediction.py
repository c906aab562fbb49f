"""What a model gives for many examples, by a tape that is kept as long as the model is the same
function.

To record takes a hundred times as long as to run. Whether a kept tape still is that of
the model is told from the model's blueprint, where it has one: whatever it is made of may change,
and only the data of its leaves may without a new tape, for these are read at each call. A model
that may do anything when it is called is recorded at each call, and has a new tape when that gives
another program. Tapes are kept beside the models, not in them, so no copy and no pickle has them,
and go with them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np

from ..checks import require_untraced
from ..engine import Value
from ..modes import switched
from ..nn import Module
from ..nn.blueprint import Blueprint, blueprint_of
from ..nn.modules import brought_up_to_date
from ..tape import Tape, record
from ..tape.program import FlatProgram, Floats
from ..tape.reals import finite_array
from .objective import function_of


class _Kept(NamedTuple):
    tape: Tape
    parameters: list[Value]
    blueprint: Blueprint | None


_KEPT: WeakKeyDictionary[Any, _Kept] = WeakKeyDictionary()


def outputs(model: Module, X: Any) -> Floats:  # noqa: N803
    """What the model gives for each example, by tape: shape (examples, outputs).

    The first call for a model records its tape, and so does one after a change of
    anything but the data of its parameters. Raises ValueError for `X` of another shape than
    (examples, inputs).
    """
    given = finite_array(X, "X")
    if given.ndim != 2:
        raise ValueError(f"X has the shape (examples, inputs), not {given.shape}")
    tape, parameters = _tape_of(model, given.shape[1])
    found = tape.values(given, _data_of(parameters))
    return found[:, None] if found.ndim == 1 else found


def _tape_of(model: Module, inputs: int) -> tuple[Tape, list[Value]]:
    """A tape of the model, and the Values whose data it takes for parameters."""
    function, blueprint = function_of(model), blueprint_of(model)
    kept = _KEPT.get(model) if _can_be_kept(model) else None
    if (
        kept is not None
        and kept.tape.programs.inputs == inputs
        and _describes(kept.blueprint, blueprint)
    ):
        return kept.tape, kept.parameters
    anything = [0.0] * inputs
    if blueprint is not None and blueprint.is_of_leaves():
        parameters = list(dict.fromkeys(blueprint.values))
    else:
        blueprint = None
        parameters = list(dict.fromkeys(p for p in model.parameters() if isinstance(p, Value)))
        with switched(recording=True):
            brought_up_to_date(function([Value(x) for x in anything]))
    tape = record(function, anything, parameters=parameters, check=False)
    if kept is not None and _are_equal(kept.tape.program, tape.program):
        tape = kept.tape
    # a row of one's own may refer to the model
    if _can_be_kept(model) and not tape.program.python_only:
        _KEPT[model] = _Kept(tape, parameters, blueprint)
    return tape, parameters


def _describes(kept: Blueprint | None, blueprint: Blueprint | None) -> bool:
    return kept is not None and blueprint is not None and kept.describes(blueprint)


def _can_be_kept(model: Module) -> bool:
    """Whether a dictionary can tell this model from all others, and let go of it."""
    kind = type(model)
    return kind.__hash__ is object.__hash__ and hasattr(kind, "__weakref__")


def _are_equal(program: FlatProgram, other: FlatProgram) -> bool:
    """Whether two programs are the same to the bit; rows of one's own are never."""
    if program.python_only or other.python_only or program.table != other.table:
        return False
    parts = [field.name for field in fields(FlatProgram) if field.name != "table"]
    pairs = [(getattr(program, part), getattr(other, part)) for part in parts]
    return all(np.asarray(one).tobytes() == np.asarray(two).tobytes() for one, two in pairs)


def _data_of(values: Sequence[Value]) -> Floats:
    require_untraced(
        "the data of the parameters of a model", values, "call the model itself, model(x)"
    )
    return np.fromiter([v._primal for v in values], np.float64, len(values))  # noqa: SLF001  # many, and at each call
