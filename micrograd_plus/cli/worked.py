"""A worked example in place of an expression: `lecture.function`, with other values for its leaves
if asked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from ..engine import Value
from ..examples import all_examples, all_trainings
from ..support.text import did_you_mean, listed

NAME = re.compile(r"\s*([a-z]\w*\.[a-z]\w*)\s*", re.ASCII)


def worked_example(text: str, leaves: Mapping[str, float]) -> dict[str, Value] | None:
    """The named Values of the worked example that the text names, the output last; None for a text
    that names none.

    Leaves get the numbers given, and what depends on them is computed anew. Raises ValueError for a
    name that is nearly an example's, or a leaf that the example does not have.
    """
    found = NAME.fullmatch(text)
    if not found:
        return None
    name, examples = found[1], all_examples()
    if name not in examples:
        _require_far(name, examples)
        return None
    circuit = examples[name]()
    inputs = {key: v for key, v in circuit.items() if v.primitive is None}
    for leaf, number in leaves.items():
        if leaf not in inputs:
            hint = did_you_mean(leaf, inputs) or f"it has {listed(inputs)}"
            raise ValueError(f"there is no leaf {leaf} in {name}; {hint}")
        inputs[leaf].data = number
    *_, output = circuit.values()
    output.forward()
    return circuit


def _require_far(name: str, examples: Mapping[str, object]) -> None:
    """Refuse what only an example can be meant by."""
    lecture, _, own = name.partition(".")
    if name in all_trainings():
        raise ValueError(
            f"{name} has no graph: it is a function of micrograd_plus.examples that gives numbers"
        )
    functions = [
        example.partition(".")[2] for example in examples if example.startswith(f"{lecture}.")
    ]
    if functions:
        hint = did_you_mean(own, functions) or f"{lecture} has {listed(functions)}"
    else:
        hint = did_you_mean(name, examples)
    if hint:
        raise ValueError(f"there is no worked example {name}; {hint}")
