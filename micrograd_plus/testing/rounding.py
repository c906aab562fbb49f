"""How far rounding may carry a number off, told from the graph that computed it.

The bound says it to the first order: every gate rounds, and a sweep tells what its error means for
the result. Where little is left of what cancels, and goes on through steep functions, first orders
say too little; there the graph is run again a few times, each gate off by as much as it may be, to
see what becomes of the result. And as that may be anything, the graph is also run where nothing
rounds: what a wrong rule makes is wrong there, too.
"""

from __future__ import annotations

import math
import random
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from ..engine import Value, adjoints, local_gradients, nodes_below
from .differences import Expected, rounded
from .program import data_of
from .reference import DIGITS, LARGEST, Precise, arithmetic, evaluate, has_oracle, tamed

# a row of libm rounds within a few units; the rest is for the second order of rounding
UNITS = 16.0 * 2.0**-53
TINIEST, SMALLEST_NORMAL = 2.0**-1074, 2.0**-1022
# with gates that are off, this way or that, by all that they may be, by a quarter of it, ...
RUNS, SCALES = 36, 6
# gates that hand on what they get, or say 0 or 1, and do not round
HAND_ON = ("routes", "blocks")
FARTHER = 8.0  # than the farthest of these runs, rounding may have gone


def rounding_bound(v: Any) -> float:
    """How far rounding may have carried the Value `v` off, to the first order.

    A gate is taken to give the right result for operands that are right to the last bits, of which
    it gets one for each operand; the sweep tells what a gate's error means for `v`.
    """
    if not isinstance(v, Value):
        return UNITS * abs(float(v)) + SMALLEST_NORMAL
    order = nodes_below(v)
    sensitivity = adjoints(order, {v: 1.0})
    gates = [w for w in order if w.primitive is not None and w in sensitivity]
    terms = [abs(sensitivity[w]) * (_error(w) + TINIEST) for w in gates]
    finite = [term for term in (UNITS * abs(v.data), *terms) if math.isfinite(term)]
    return sum(finite, SMALLEST_NORMAL)


def rounding_spread(v: Any) -> float:
    """How far the Value `v` moves when every gate below it is off by as much as it may be."""
    if not isinstance(v, Value):
        return 0.0
    order = nodes_below(v)
    leaves = {w: w.data for w in order if w.primitive is None}
    gates = [(w, w.primitive, _error(w)) for w in order if w.primitive is not None]
    rng, moved = random.Random(0), [0.0]  # noqa: S311  # nothing is kept secret by it
    for run in range(RUNS):
        numbers = dict(leaves)
        scale = 0.25 ** (run % SCALES)
        for w, row, error in gates:
            operands = [o if type(o) is float else numbers[o] for o in w.operands]
            number = tamed(row.primal, operands)
            if row.gate not in HAND_ON and math.isfinite(number):
                size = abs(number)
                if row.gate == "distributes":
                    size += sum(map(abs, operands))
                most = max(error, UNITS * len(operands) * size)
                number += scale * rng.uniform(-1.0, 1.0) * most
            numbers[w] = number
        moved.append(abs(numbers[v] - v.data))
    return FARTHER * max(filter(math.isfinite, moved))


class ExactRun:
    """The graph of a Value run where nothing rounds: what it comes to, unless a row has no oracle.

    Its conditions come out as they did when numbers were rounded, for the graph holds what a sweep
    then chose; or else as they do now. A right rule gives the right number one way at least.
    """

    def __init__(self, v: Any) -> None:
        self.v = v
        self.order = nodes_below(v) if isinstance(v, Value) else []
        gates = [w for w in self.order if w.primitive is not None]
        self.exists = bool(self.order) and all(has_oracle(w.primitive) for w in gates)
        numbers = [w.data for w in self.order]
        logs = [math.log10(abs(x)) for x in numbers if x and math.isfinite(x)]
        spread = max(logs, default=0.0) - min(logs, default=0.0)
        self.digits = DIGITS + int(spread)

    def explains(self, got: float, expected: Expected) -> bool:
        """Whether only rounding is between two numbers: the graph is one
        and rounds to the other.
        """
        if not self.exists or got != self.v.data or self.contradicts(expected) is not None:
            return False
        return all(w.primitive is None or _is_rounded(w) for w in self.order)

    def contradicts(self, expected: Expected) -> Expected | None:
        """What it comes to, if that is known and not the expected number."""
        found = None
        for as_rounded in (True, False) if self.exists else ():
            found = self._contradicts(expected, as_rounded)
            if found is None:
                break
        return found

    def overflows(self) -> bool:
        """Whether a number on the way is beyond the range of floats, which cannot but fail."""
        if not self.exists:
            return False
        exact = self._run(as_rounded=True)
        return any(abs(number) > LARGEST for number in exact.values())

    def _contradicts(self, expected: Expected, as_rounded: bool) -> Expected | None:
        with arithmetic().workdps(self.digits):
            exact = self._run(as_rounded)
            number = exact[self.v]
            apart = abs(number - expected.number)
            noise = expected.noise + UNITS * abs(expected.number) + SMALLEST_NORMAL
            if not apart > noise:
                return None
            noise += rounded(_constants_bound(self.v, self.order, exact))
            if not apart > noise:
                return None
            return Expected(rounded(number), noise)

    def _run(self, as_rounded: bool) -> dict[Any, Any]:
        mp = arithmetic()
        exact: dict[Any, Any] = {}
        with mp.workdps(self.digits):
            for w in self.order:
                if w.primitive is None or (as_rounded and w.primitive.gate == "blocks"):
                    exact[w] = mp.mpf(w.data)
                else:
                    operands = [mp.mpf(o) if type(o) is float else exact[o] for o in w.operands]
                    exact[w] = evaluate(w.primitive, operands)
        return exact


def _is_rounded(w: Value) -> bool:
    """Whether a gate gave what its row gives for its operands, but for the rounding of a float."""
    mp = arithmetic()
    operands = [mp.mpf(x) for x in data_of(w)]
    true = evaluate(w.primitive, operands)
    return bool(abs(w.data - true) <= _error(w) + TINIEST)


def _constants_bound(v: Value, order: Sequence[Value], exact: dict[Any, Any]) -> Any:
    """How far the rounding of constants, as of the log(2) in a rule, may carry the result off."""
    slopes: dict[Value, list[Any]] = {}

    def local(w: Value) -> list[Any]:
        if w.primitive.oracle is None:  # a row of the user's may know floats and Values only
            slopes[w] = list(local_gradients(w))
        else:
            numbers = [Precise(exact.get(o, o)) for o in (w, *w.operands)]
            found = list(w.primitive.slopes(*numbers))
            if w.primitive.gate == "routes":
                found = [s if s is not None and float(s) else None for s in found]
            slopes[w] = found
        return slopes[w]

    sensitivity: dict[Any, Any] = adjoints(order, {v: Precise(1.0)}, local)
    # by number: what is rounded once is off by the same everywhere
    of_constants = defaultdict[float, Any](float)
    for w, found in slopes.items():
        for o, slope in zip(w.operands, found):
            if type(o) is float and slope is not None:
                of_constants[o] += sensitivity[w] * slope
    return sum(UNITS * abs(c * Precise(slope).number) for c, slope in of_constants.items())


def _error(w: Value) -> float:
    """How far the result of a gate may be off, for operands that are right to the last bits."""
    if w.primitive.gate in HAND_ON:
        return 0.0
    operands = data_of(w)
    sizes = [abs(w.data)]
    for o, partial in zip(operands, local_gradients(w)):
        if partial is not None:
            sizes.append(abs(partial * o))
    finite = [size for size in sizes if math.isfinite(size)]
    return UNITS * len(operands) * sum(finite)
