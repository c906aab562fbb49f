"""Optimisers and schedules: from a gradient to better parameters.

An optimiser is used in one of two ways, which give the same bits: `step(model)` reads the gradients
of Values and writes their data; `update(parameters, gradient)` takes arrays, a tape's gradient for
one, and gives the new parameters. Formulas, defaults and the place of every epsilon are PyTorch's;
a learning rate is a number, or a schedule: a function from the number of updates done so far to a
number. A schedule that goes by the loss, OnPlateau, is told it by `observe(loss)`, from a loop of
your own after each epoch; `fit` does so itself. The rules are written in NumPy; where the heart in
C runs, it carries out what is traced from them.

An update happens as a whole or not at all. Should a gradient, or a number that comes out, not be
finite, then a FloatingPointError names the first parameter concerned, and neither parameters nor
optimiser have changed. The optimiser's own numbers belong to parameters of one shape; it pickles
and copies with them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import KW_ONLY, dataclass, fields
from functools import lru_cache
from math import inf
from operator import attrgetter
from typing import Any, Literal, NamedTuple, Never

import numpy as np

from .. import heart
from ..engine import (
    Value,
    are_leaves,
    known_gradient,
    read_data,
    read_gradients,
    write_data,
)
from ..nn import Module
from ..nn.modules import leaves_of
from ..options import real_number
from ..tape.program import Floats
from ..tape.reals import first_not_finite, real_array
from ..tape.tape import values_of
from .schedules import CosineDecay, InverseTimeDecay, OnPlateau, Settings, StepDecay

__all__ = [
    "SGD",
    "AdaGrad",
    "Adam",
    "AdamW",
    "CosineDecay",
    "InverseTimeDecay",
    "OnPlateau",
    "Optimizer",
    "RMSProp",
    "StepDecay",
]

# from the number of updates to a rate; one with a method `after` takes what it has seen, too
Schedule = Callable[..., float]
# what an optimiser remembers of earlier gradients: arrays of the parameters' shape
Memory = dict[str, Floats]
# from parameters, gradient, rate and memory to new parameters and memory
Rule = Callable[[Floats, Floats, float, Memory], tuple[Floats, Memory]]
Found = tuple[Floats, Memory, bool]  # these two, and whether all that is in them is finite


class _State(NamedTuple):
    updates: int = 0
    shape: tuple[int, ...] | None = None
    memory: Memory = {}  # noqa: RUF012  # nobody changes it: an update makes another
    seen: Any = None  # what a schedule that goes by the loss has seen of it


@dataclass(repr=False, eq=False)
class Optimizer(Settings):
    """What all optimisers share; one of your own defines `rule`."""

    learning_rate: float | Schedule = 0.01
    _: KW_ONLY
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self._state = _State()

    def rule(self, w: Floats, g: Floats, rate: float, memory: Memory) -> tuple[Floats, Memory]:
        """New parameters and memory; the memory is empty before the first update.

        `w` and `g` have the shape (parameters,). A rule of your own may work in place: the arrays
        that it is given are its own. An optimiser without one raises NotImplementedError.
        """
        raise NotImplementedError

    @property
    def updates(self) -> int:
        """The number of updates done so far."""
        return self._state.updates

    @property
    def rate(self) -> float:
        """The learning rate of the next update."""
        rate = self.learning_rate
        if callable(rate):
            told = (self._state.seen,) if hasattr(rate, "after") else ()
            rate = rate(self.updates, *told)
        if type(rate) is float and 0.0 <= rate < inf:  # at each update
            return rate
        return self.checked("learning_rate", rate)

    def observe(self, loss: float) -> None:
        """Tell the loss of an epoch, for a learning rate that goes by it, as OnPlateau does; for
        others it is without effect. Raises TypeError for what is no number.
        """
        number = real_number(loss, f"the loss that {type(self).__name__} observes")
        after = getattr(self.learning_rate, "after", None)
        if after is not None:
            self._state = self._state._replace(seen=after(self._state.seen, number))

    def update(self, parameters: Floats, gradient: Floats) -> Floats:
        """The parameters after one update, a new array; `parameters` and `gradient` are real arrays
        of one shape.

        Raises ValueError for other shapes than in earlier updates, and FloatingPointError as said
        above.
        """
        w, g = real_array(parameters, "the parameters"), real_array(gradient, "the gradient")
        new, self._state = self._next(w, g, ())
        return np.asarray(new)

    def step(self, parameters: Module | Sequence[Value]) -> None:
        """Update the parameters of a Module, or the Values given, by the gradients that
        `backward()` left in them.

        A parameter that no backward pass has reached has the gradient 0, as its `.grad` reads. The
        gradients stay: `zero_grad()` forgets them. Raises ValueError when none of the Values has a
        gradient, when one is named twice or is not a leaf, for another number of them than in
        earlier updates, and FloatingPointError as said above.
        """
        leaves = _leaves(parameters)
        before, gradient, old = np.empty(len(leaves)), np.empty(len(leaves)), self._state
        read_data(leaves, before)
        read_gradients(leaves, gradient)
        new, state = self._next(before, gradient, leaves)
        try:
            write_data(leaves, np.ascontiguousarray(new, dtype=np.float64))
            self._state = state
        except BaseException:  # Ctrl-C between the two
            write_data(leaves, before)
            self._state = old
            raise

    def reset(self) -> None:
        """Forget all updates, as if the optimiser were new."""
        self._state = _State()

    def _next(self, w: Floats, g: Floats, leaves: Sequence[Value]) -> tuple[Floats, _State]:
        updates, shape, memory, seen = self._state
        if w.shape != g.shape:
            raise ValueError(
                f"the gradient has the shape of the parameters, {w.shape}, not {g.shape}"
            )
        if shape != w.shape and shape is not None:
            raise ValueError(
                f"{self!r} holds the state of parameters of shape {shape}, not {w.shape}: make a "
                "new optimiser for these, or call .reset() to forget the others"
            )
        rate = self.rate
        is_ours = getattr(self.rule, "__module__", None) == __name__
        if not is_ours and first_not_finite(g) is not None:
            _refuse({"gradient": g}, leaves, rate)
        found = self._in_c(w, g, rate) if is_ours and type(self) in BUILT_IN else None
        rule = self.rule if is_ours else self._apart
        new, remembered, are_finite = found or _in_numpy(rule, w, g, rate, memory)
        if not are_finite:
            _refuse({"gradient": g, "data": new, **remembered}, leaves, rate)
        return new, _State(updates + 1, w.shape, remembered, seen)

    def _in_c(self, w: Floats, g: Floats, rate: float) -> Found | None:
        """What the rule gives, of an optimiser of this module; None where only NumPy can say."""
        kind: Any = type(self)
        updates, _, memory, _ = self._state
        if heart.library() is None:
            return None
        try:
            settings = *_SETTINGS[kind](self), *getattr(self, "betas", ())
            fused = _fused(kind, tuple(memory), *settings)
        except TypeError:  # a list or an array among the settings
            return None
        if fused is None:
            return None
        new, found = np.empty(w.shape), [np.empty(w.shape) for _ in fused.names]
        are_finite = fused.run(rate, updates, w, g, *memory.values(), new, *found)
        return None if are_finite is None else (new, dict(zip(fused.names, found)), are_finite)

    def _decayed(self, g: Floats, w: Floats) -> Floats:
        """The gradient, and λ·w with it."""
        return g + self.weight_decay * w if self.weight_decay else g

    def _apart(self, w: Floats, g: Floats, rate: float, memory: Memory) -> tuple[Floats, Memory]:
        """What a rule of a user's own gives, apart from what it was given and may have kept."""
        found = self.rule(w.copy(), g.copy(), rate, deepcopy(memory))
        name = type(self).__name__
        if not isinstance(found, tuple) or len(found) != 2 or not isinstance(found[1], dict):
            raise TypeError(
                f"the rule of {name} gives a pair, the new parameters and a dictionary "
                f"of what it remembers, not {found!r}"
            )
        new = np.array(real_array(found[0], f"the parameters that the rule of {name} gives"))
        if new.shape != w.shape:
            raise ValueError(
                f"the rule of {name} was given parameters of shape {w.shape}, but "
                f"gives some of shape {new.shape}"
            )
        return new, deepcopy(found[1])

    def __repr__(self) -> str:
        options = [f"{f.name}={getattr(self, f.name)!r}" for f in fields(self)]
        called = f"{type(self).__name__}({', '.join(options)})"
        if not self.updates:
            return called
        parameters = int(np.prod(self._state.shape or ()))
        return f"<{called} after {self.updates} updates of {parameters} parameters>"


@dataclass(repr=False, eq=False)
class SGD(Optimizer):
    """Gradient descent, w ← w - α·g, with momentum μ in one of three forms; `weight_decay` λ adds
    λ·w to g (Lund).

    form="sum": v ← μ·v + g, then w ← w - α·v. PyTorch's: the rate may change without touching what
    was gathered. form="step": v ← μ·v - α·g, then w ← w + v. Lund's (Choice of the step size): v is
    the step itself, at the rates of its time; at a constant rate the same as "sum". form="average":
    v ← μ·v + (1 - μ)·g, then w ← w - α·(v + λ·w). Lund's (Regularization): v is a running average
    of the gradient, and the decay stays out of it.

    `nesterov` looks one step ahead: the step is made with μ·v plus the newest term in place of v
    (Sutskever et al. 2013).
    """

    learning_rate: float | Schedule = 0.001
    _: KW_ONLY
    momentum: float = 0.0
    nesterov: bool = False
    form: Literal["sum", "step", "average"] = "sum"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.form not in ("sum", "step", "average"):
            raise ValueError(
                f'the forms of momentum are "sum", "step" and "average", not {self.form!r}'
            )
        if self.nesterov and not self.momentum:
            raise ValueError("Nesterov's look ahead needs a momentum above 0")

    def rule(self, w: Floats, g: Floats, rate: float, memory: Memory) -> tuple[Floats, Memory]:
        is_average = self.form == "average"
        newest = g if is_average else self._decayed(g, w)
        if self.form != "sum":
            newest = (1.0 - self.momentum if is_average else -rate) * newest
        v = newest
        if self.momentum:
            v = self.momentum * memory.get("velocity", 0.0) + newest
            memory = {"velocity": v}
        if self.nesterov:
            v = self.momentum * v + newest
        if self.form == "step":
            return w + v, memory
        return w - rate * (self._decayed(v, w) if is_average else v), memory


@dataclass(repr=False, eq=False)
class AdaGrad(Optimizer):
    """s ← s + g², w ← w - α·g / (√s + ε): smaller steps where gradients were large (Duchi et al.
    2011; named by Lund).

    s begins at `initial_accumulator`; `weight_decay` λ adds λ·w to g. PyTorch's lr_decay is an
    InverseTimeDecay.
    """

    _: KW_ONLY
    initial_accumulator: float = 0.0
    epsilon: float = 1e-10

    def rule(self, w: Floats, g: Floats, rate: float, memory: Memory) -> tuple[Floats, Memory]:
        g = self._decayed(g, w)
        squares = memory.get("squares", self.initial_accumulator) + g * g
        step = g / (np.sqrt(squares) + self.epsilon)
        return w - rate * step, {"squares": squares}


@dataclass(repr=False, eq=False)
class RMSProp(Optimizer):
    """s ← ρ·s + (1 - ρ)·g², w ← w - α·g / (√s + ε): AdaGrad that forgets (Hinton's lecture 6e;
    named by Lund).

    ρ is `smoothing`. With `centered`, s less the square of the average gradient is under the root;
    with `momentum` μ the quotients are gathered, v ← μ·v + g / (√s + ε), w ← w - α·v.
    `weight_decay` λ adds λ·w to g.
    """

    _: KW_ONLY
    smoothing: float = 0.99
    epsilon: float = 1e-8
    momentum: float = 0.0
    centered: bool = False

    def rule(self, w: Floats, g: Floats, rate: float, memory: Memory) -> tuple[Floats, Memory]:
        g = self._decayed(g, w)
        spread = squares = _average(memory, "squares", self.smoothing, g * g)
        found = {"squares": squares}
        if self.centered:
            found["mean"] = mean = _average(memory, "mean", self.smoothing, g)
            # rounding may take it below, where PyTorch gives nan
            spread = np.maximum(squares - mean * mean, 0.0)
        v = g / (np.sqrt(spread) + self.epsilon)
        if self.momentum:
            found["velocity"] = v = self.momentum * memory.get("velocity", 0.0) + v
        return w - rate * v, found


@dataclass(repr=False, eq=False)
class Adam(Optimizer):
    """m ← β₁·m + (1 - β₁)·g, s ← β₂·s + (1 - β₂)·g², w ← w - α·m̂ / (√ŝ + ε) (Kingma and Ba 2015,
    algorithm 1).

    m̂ = m / (1 - β₁ᵗ) and ŝ = s / (1 - β₂ᵗ) take out what m and s owe to their beginning at 0, in
    update t = 1, 2, .... `weight_decay` λ adds λ·w to g; see AdamW. With `amsgrad` the largest s so
    far is under the root (Reddi et al. 2018).
    """

    learning_rate: float | Schedule = 0.001
    _: KW_ONLY
    betas: tuple[float, float] = (0.9, 0.999)
    epsilon: float = 1e-8
    amsgrad: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.betas) != 2:
            raise ValueError(
                f"Adam has two betas, for the averages of g and of g², not {self.betas!r}"
            )

    def rule(self, w: Floats, g: Floats, rate: float, memory: Memory) -> tuple[Floats, Memory]:
        return self._adapted(w, self._decayed(g, w), rate, memory)

    def _adapted(self, w: Floats, g: Floats, rate: float, memory: Memory) -> tuple[Floats, Memory]:
        (beta1, beta2), t = self.betas, self.updates + 1
        mean = _average(memory, "mean", beta1, g)
        squares = _average(memory, "squares", beta2, g * g)
        found = {"mean": mean, "squares": squares}
        if self.amsgrad:
            found["largest"] = squares = np.maximum(memory.get("largest", 0.0), squares)
        root = np.sqrt(squares) / (1.0 - beta2**t) ** 0.5 + self.epsilon
        return w - rate / (1.0 - beta1**t) * (mean / root), found


@dataclass(repr=False, eq=False)
class AdamW(Adam):
    """Adam whose decay stays out of its averages: w ← (1 - α·λ)·w first (Loshchilov
    and Hutter 2019, algorithm 2).
    """

    _: KW_ONLY
    weight_decay: float = 0.01

    def rule(self, w: Floats, g: Floats, rate: float, memory: Memory) -> tuple[Floats, Memory]:
        return self._adapted(w * (1.0 - rate * self.weight_decay), g, rate, memory)


_SHORT = 8192  # numbers; longer sums of products BLAS shares out among threads, and waits for them
BUILT_IN = (SGD, AdaGrad, RMSProp, Adam, AdamW)  # these work on copies, and share nothing
_OF_PYTHON = frozenset((bool, float, int, str, tuple))
# of each the settings, but for the learning rate, which comes first
_SETTINGS: dict[type, attrgetter[tuple[Any, ...]]] = {
    kind: attrgetter(*[f.name for f in fields(kind)][1:]) for kind in BUILT_IN
}


# A rule, carried out. -----------------------------------------------------------------------------
def _in_numpy(rule: Rule, w: Floats, g: Floats, rate: float, memory: Memory) -> Found:
    with np.errstate(all="ignore"):
        new, remembered = rule(w, g, rate, memory)
        # a gradient that is not shows in what comes out of it
        return new, remembered, all(map(_are_finite, (new, *remembered.values())))


class _Fused:
    """The rule of an optimiser, traced once and run in C, all of it for some parameters before the
    next ones: in fewer passes over memory than NumPy takes, and with the same bits.
    """

    def __init__(self, optimizer: Optimizer, remembered: tuple[str, ...]) -> None:
        self.names: list[str] = []  # of what it remembers afterwards

        def formula(rate: Any, updates: Any, w: Any, g: Any, *memory: Any) -> list[Any]:
            vars(optimizer)["_state"] = _State(updates)
            new, found = optimizer.rule(w, g, rate, dict(zip(remembered, memory)))
            self.names += found
            return [new, *found.values()]

        self.run = heart.over_columns(formula, 2, 2 + len(remembered))


@lru_cache(maxsize=64, typed=True)  # betas stand once more behind the others, for their types
def _fused(kind: Any, remembered: tuple[str, ...], *settings: Any) -> _Fused | None:
    """That of an optimiser with these settings, which may have been set since it was made; None for
    numbers of other kinds than Python's, with which NumPy may compute in single precision.
    """
    if not _OF_PYTHON.issuperset(map(type, settings)):
        return None
    optimizer = kind()
    _, *names = [f.name for f in fields(kind)]
    vars(optimizer).update(zip(names, settings))
    return _Fused(optimizer, remembered)


# What is given. -----------------------------------------------------------------------------------
def _average(memory: Memory, name: str, share: float, newest: Floats) -> Floats:
    return share * memory.get(name, 0.0) + (1.0 - share) * newest


def _leaves(parameters: Module | Sequence[Value]) -> list[Value]:
    """The parameters: leaves, each named once, of which one at least has a gradient."""
    leaves = values_of(parameters)
    if not are_leaves(leaves):
        for p in leaves:
            if not isinstance(p, Value):
                raise TypeError(
                    f"step takes a Module or a sequence of Values, not of {type(p).__name__}; "
                    "update takes arrays"
                )
        leaves_of(leaves)  # says what is wrong
    if all(known_gradient(p) is None for p in leaves):
        raise ValueError(
            f"none of the {len(leaves)} parameters has a gradient: call .backward() on the loss "
            "first"
        )
    return leaves


def _are_finite(numbers: Floats) -> bool:
    """Whether no number is inf or nan: none is where the sum of their squares is finite."""
    is_short = type(numbers) is np.ndarray and numbers.size <= _SHORT
    if is_short and abs(np.vdot(numbers, numbers)) < inf:
        return True
    return first_not_finite(numbers) is None


def _refuse(found: dict[str, Floats], leaves: Sequence[Value], rate: float) -> Never:
    """Raise FloatingPointError that names the first parameter with a number that is not finite."""
    places = {name: first_not_finite(numbers) for name, numbers in found.items()}
    name, place = next((name, place) for name, place in places.items() if place is not None)
    parameter = f"parameter {', '.join(map(str, place))}"
    if leaves:
        parameter += f", {leaves[place[0]]!r},"
    number = float(found[name][place])
    if name == "gradient":
        raise FloatingPointError(
            f"the gradient of {parameter} is {number}: nothing was updated; with engine='eager', "
            "detect_anomaly() finds where it arose"
        )
    raise FloatingPointError(
        f"the {name} of {parameter} would become {number}: nothing was updated; try a learning "
        f"rate below {rate}"
    )
