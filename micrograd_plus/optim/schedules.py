"""Learning rates that fall as training goes on: functions from the number of updates done so far to
a rate.

Any such function is a schedule; these pickle, compare and print, and change nothing in themselves.
One goes by the loss, too: what it has seen so far is kept beside the optimiser's other numbers and
handed to it. Settings whose
names say in what range they lie are checked here, for the optimisers, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, pi
from typing import Any, NamedTuple

from ..ops import cos
from ..options import real_number, whole_number, yes_or_no

BELOW_ONE = ("momentum", "smoothing", "betas")
ABOVE_ZERO = ("epsilon", "every", "updates")
FROM_ZERO_ON = (
    "learning_rate",
    "weight_decay",
    "initial_accumulator",
    "initial",
    "factor",
    "decay",
    "final",
    "patience",
    "threshold",
    *BELOW_ONE,
)
WHOLE = {"every": 1, "updates": 1, "patience": 0}  # each with the least that it may be
YES_OR_NO = ("nesterov", "centered", "amsgrad")


class Settings:
    """A dataclass whose settings are what their name asks for; other names may be anything. Numbers
    of other kinds than Python's become floats, in which alone a rule computes what it says.

    Raises TypeError for a setting of another kind, and ValueError for a number out of its range.
    """

    def __post_init__(self) -> None:
        for name, given in vars(self).items():
            if name in YES_OR_NO:
                yes_or_no(given, f"the {name} of {type(self).__name__}")
            elif name == "betas":
                vars(self)[name] = self._numbers(name, given)
            elif name in (*ABOVE_ZERO, *FROM_ZERO_ON):
                vars(self)[name] = self._number(name, given)

    def checked(self, name: str, number: Any) -> float:
        """The number as a float."""
        what = f"the {name} of {type(self).__name__}"
        x = real_number(number, what)
        if name in ABOVE_ZERO:
            lower, from_below = "above 0", x > 0.0
        else:
            lower, from_below = "at least 0", x >= 0.0
        if name in BELOW_ONE:
            upper, from_above = "below 1", x < 1.0
        else:
            upper, from_above = "finite", x < inf
        if not (from_below and from_above):
            raise ValueError(f"{what} must be {lower} and {upper}, not {number!r}")
        return x

    def _numbers(self, name: str, given: Any) -> tuple[float, ...]:
        if not isinstance(given, (list, tuple)):
            kind = type(self).__name__
            raise TypeError(f"the {name} of {kind} are numbers in a tuple, not {given!r}")
        return tuple([self._of_python(name, number) for number in given])

    def _number(self, name: str, given: Any) -> Any:
        kind = type(self).__name__
        if name == "learning_rate" and isinstance(given, type):
            raise TypeError(
                f"the learning_rate of {kind} is a number, or a schedule with its "
                f"settings, as in {kind}(InverseTimeDecay(0.1, decay=0.01)), not "
                f"{given.__name__} without any"
            )
        if name == "learning_rate" and callable(given):
            return given  # a schedule, whose numbers are checked as they come
        number = self._of_python(name, given)
        if name in WHOLE:
            return whole_number(given, f"the {name} of {kind}", least=WHOLE[name])
        return number

    def _of_python(self, name: str, given: Any) -> float:
        """The number, as a float unless it is one or an int."""
        number = self.checked(name, given)
        return given if type(given) in (float, int) else number


@dataclass(frozen=True)
class StepDecay(Settings):
    """initial · factor^⌊k / every⌋ after k updates, whatever becomes of the loss: a change by
    factors (Lund, Practical Training Tips).

    On a plateau of the loss, as Lund advises there, decreases OnPlateau.

    >>> [StepDecay(0.5, every=2, factor=0.5)(k) for k in range(5)]
    [0.5, 0.5, 0.25, 0.25, 0.125]
    """

    initial: float
    every: int
    factor: float = 0.1

    def __call__(self, updates: int) -> float:
        return self.initial * self.factor ** (updates // self.every)


@dataclass(frozen=True)
class InverseTimeDecay(Settings):
    """initial / (1 + decay·k) after k updates.

    With a decay above 0 Σα = ∞ and Σα² < ∞, under which stochastic gradient descent converges
    (Lund, Robbins-Siegmund).

    >>> [InverseTimeDecay(1.0, decay=1.0)(k) for k in range(4)]
    [1.0, 0.5, 0.3333333333333333, 0.25]
    """

    initial: float
    decay: float

    def __call__(self, updates: int) -> float:
        return self.initial / (1.0 + self.decay * updates)


@dataclass(frozen=True)
class CosineDecay(Settings):
    """final + ½·(initial - final)·(1 + cos(π·k / updates)) after k updates, and `final` from the
    end of them on.

    Loshchilov and Hutter 2017 (equation 5), without its restarts.

    >>> [round(CosineDecay(1.0, updates=4)(k), 3) for k in range(6)]
    [1.0, 0.854, 0.5, 0.146, 0.0, 0.0]
    """

    initial: float
    updates: int
    final: float = 0.0

    def __call__(self, updates: int) -> float:
        height: float = 0.5 * (1.0 + cos(pi * min(updates / self.updates, 1.0)))
        return self.final + (self.initial - self.final) * height


class Seen(NamedTuple):
    """What a schedule that goes by the loss has seen: the lowest loss, for how many losses it has
    not fallen since, and how often the rate was cut.
    """

    lowest: float = inf
    waited: int = 0
    cuts: int = 0


@dataclass(frozen=True)
class OnPlateau(Settings):
    """initial · factor^cuts, and not below `final`: a cut whenever the loss has not fallen for more
    than `patience` losses in a row (Lund, Practical Training Tips: decrease if the loss plateaus).

    A loss has fallen when it is below the lowest so far by more than the share `threshold` of it;
    after a cut the waiting begins anew. Defaults are those of PyTorch's ReduceLROnPlateau. The
    optimiser is told the losses by `observe`, which `fit` calls after each epoch: with that of the
    validation data where there are some. Raises ValueError for a factor that is not below 1.

    >>> schedule, seen = OnPlateau(0.5, patience=1, factor=0.5), Seen()
    >>> for loss in (3.0, 2.0, 2.0, 2.5, 1.0):
    ...     seen = schedule.after(seen, loss)
    ...     print(loss, schedule(0, seen))
    3.0 0.5
    2.0 0.5
    2.0 0.5
    2.5 0.25
    1.0 0.25
    """

    initial: float
    patience: int = 10
    factor: float = 0.1
    threshold: float = 1e-4
    final: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.factor >= 1.0:
            raise ValueError(
                f"the factor of OnPlateau makes the rate smaller, and is below 1, not {self.factor}"
            )

    def __call__(self, updates: int, seen: Seen | None = None) -> float:
        """The rate after the losses seen so far; `updates` have no part in it."""
        cuts = 0 if seen is None else seen.cuts
        return max(self.final, self.initial * self.factor**cuts)

    def after(self, seen: Seen | None, loss: float) -> Seen:
        """What has been seen after one more loss; a nan has not fallen."""
        lowest, waited, cuts = seen or Seen()
        enough = lowest if lowest == inf else lowest - self.threshold * abs(lowest)
        if loss < enough:
            return Seen(loss, 0, cuts)
        if waited < self.patience:
            return Seen(lowest, waited + 1, cuts)
        return Seen(lowest, 0, cuts + 1)
