"""Operands that pick another one by its place, as the index of `take` does, wherever they stand in
a graph: only whole numbers in range mean anything there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from ..engine import Value, nodes_below
from .program import Floats


def indices_in(*outputs: Value) -> Mapping[Value, int]:
    """The Values that serve as an index in the graph below the outputs, in order of evaluation,
    each with how many operands there are at least to pick from.
    """
    found: dict[Value, int] = {}
    for index, count in _index_operands(outputs):
        if isinstance(index, Value):
            found[index] = min(count, found.get(index, count))
    return found


def _index_operands(outputs: tuple[Value, ...]) -> Iterator[tuple[Any, int]]:
    for v in nodes_below(*outputs):
        if v.primitive is not None and "index" in v.primitive.roles:
            roles = v.primitive.roles
            # the last role is that of all operands from its place on
            asked = v.operands if roles[-1] == "index" else v.operands[: len(roles) - 1]
            for place, operand in enumerate(asked):
                if v.primitive.role(place) == "index":
                    yield operand, len(v.operands) - place - 1


def are_places(numbers: Floats, count: int) -> npt.NDArray[np.bool_]:
    """Which numbers pick one of so many operands."""
    is_whole: npt.NDArray[np.bool_] = numbers == np.floor(numbers)
    in_range: npt.NDArray[np.bool_] = (numbers >= 0) & (numbers < count)
    return np.logical_and(is_whole, in_range)
