"""Hypothesis strategies for points of other people's functions: arrays of drawn shapes and dtypes,
and trees of them, away from where there is no derivative to speak of.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..options import real_number
from .points import FLOATS, Point
from .strategies import MARGIN, SMALL, hypothesis_strategies
from .taylor import Ladder, Move, noise_of
from .watched import quiet

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

GRID = 16  # to a whole number, where numbers are to keep apart
PROFILES: dict[str, dict[str, Any]] = {
    "gradients-quick": {"max_examples": 25, "derandomize": True, "deadline": None},
    "gradients-thorough": {"max_examples": 2000, "print_blob": True, "deadline": None},
}


def arrays(
    shape: Any = None,
    dtype: Any = np.float64,
    min_value: float = -10.0,
    max_value: float = 10.0,
    *,
    kinks: Sequence[float] = (),
    apart: bool = False,
    smooth: Callable[[Any], Any] | None = None,
) -> SearchStrategy[Any]:
    """Arrays of floats that a function can be differentiated at, within the limits.

    `shape` is a shape, or a strategy for shapes (small ones of one to three axes, when None), and
    `dtype` one of float16, float32 and float64, or a strategy for these. Every number is 0 or at
    least 0.001 in size, and keeps 0.05 away from the `kinks`; with `apart` all keep away from each
    other, so that no maximum is a tie. With `smooth`, a function of such an array, only points are
    drawn at which that is finite and neither breaks nor bends sharply. They shrink to few numbers
    and round ones, so what is left of a failure is the component that it takes.

    Raises ValueError for limits or a dtype that leave nothing, and ImportError, saying what to
    install, without Hypothesis.
    """
    st = hypothesis_strategies()
    from hypothesis.extra import numpy as numpy_strategies

    low, high = real_number(min_value, "min_value"), real_number(max_value, "max_value")
    if not low < high:
        raise ValueError(f"min_value is below max_value, not {low!r} and {high!r}")
    kinds = dtype if isinstance(dtype, st.SearchStrategy) else st.just(np.dtype(dtype))
    shapes = numpy_strategies.array_shapes(max_dims=3, max_side=4) if shape is None else shape

    def of_kind(kind: Any) -> SearchStrategy[Any]:
        if np.dtype(kind).name not in FLOATS:
            raise ValueError(f"dtype is one of {', '.join(FLOATS)}, not {kind}")
        elements = _elements(kind, low, high, kinks, apart=apart)
        drawn: SearchStrategy[Any] = numpy_strategies.arrays(
            kind, shapes, elements=elements, unique=apart, fill=st.nothing()
        )
        return drawn

    drawn: SearchStrategy[Any] = kinds.flatmap(of_kind)
    return drawn if smooth is None else drawn.filter(lambda x: is_smooth(smooth, x))


def points(like: Any, **options: Any) -> SearchStrategy[Any]:
    """Points of the form of another one: dicts, lists and tuples of arrays and numbers, each array
    of its shape and dtype. What holds no real number is kept as it is.

    The options are those of `arrays`; `smooth` takes the whole point. Raises as `arrays` does, and
    TypeError where there is no real number.
    """
    Point(like, "like")
    smooth = options.pop("smooth", None)
    drawn = _points(like, options)
    return drawn if smooth is None else drawn.filter(lambda x: is_smooth(smooth, x))


def _points(like: Any, options: Mapping[str, Any]) -> SearchStrategy[Any]:
    st = hypothesis_strategies()
    drawn: SearchStrategy[Any]
    if isinstance(like, Mapping):
        drawn = st.fixed_dictionaries({k: _points(v, options) for k, v in like.items()})
    elif isinstance(like, (list, tuple)):
        make: Callable[[Any], Any] = getattr(type(like), "_make", type(like))
        drawn = st.tuples(*[_points(branch, options) for branch in like]).map(make)
    elif isinstance(like, np.ndarray) and like.dtype.kind == "f":
        drawn = arrays(like.shape, like.dtype, **options)
    elif isinstance(like, (int, float)) and not isinstance(like, bool):
        drawn = arrays((), **options).map(float)
    else:
        drawn = st.just(like)
    return drawn


def _elements(
    kind: Any, low: float, high: float, kinks: Sequence[float], *, apart: bool
) -> SearchStrategy[Any]:
    st = hypothesis_strategies()
    least, most = int(np.ceil(low * GRID)), int(np.floor(high * GRID))
    numbers: SearchStrategy[Any] = st.integers(least, most).map(lambda k: k / GRID)
    if not apart:
        width = 8 * np.dtype(kind).itemsize
        low, high = float(np.dtype(kind).type(low)), float(np.dtype(kind).type(high))
        floats = st.floats(low, high, width=width, allow_subnormal=False)
        numbers = st.integers(int(np.ceil(low)), int(np.floor(high))).map(float) | floats
        numbers = numbers.map(lambda x: x if abs(x) >= SMALL else 0.0)
    return numbers.filter(lambda x: all(abs(x - kink) >= MARGIN for kink in kinks))


def is_smooth(f: Callable[[Any], Any], x: Any) -> bool:
    """Whether f is finite at x and neither jumps nor has a kink along a few directions."""
    point = Point(x)
    with quiet():
        here = Point(f(x), "f(x)").origin
        if not np.all(np.isfinite(here)):
            return False
        rng = np.random.default_rng(0)
        weights = rng.uniform(0.5, 1.0, here.size)
        return not any(_breaks(f, point, weights, rng) for _ in range(2))


def _breaks(f: Callable[[Any], Any], point: Point, weights: Any, rng: Any) -> bool:
    """Whether f breaks along a random direction."""
    direction = rng.uniform(0.5, 1.0, point.size) * rng.choice([-1.0, 1.0], point.size)
    direction = direction * point.own_scale()

    def line(t: float) -> Move:
        moved = point.built(point.held(point.origin + t * direction))
        return Move(float(weights @ Point(f(moved), "f(x)").origin), 0.0)

    ladder = Ladder(line, noise_of(line, point.epsilon), 0.0, 0.0, point.epsilon)
    ladder.descend(all_the_way=True)
    return bool(ladder.break_at_origin(0.0)) or not ladder.limits


def register_profiles() -> None:
    """Tell Hypothesis of two profiles: `gradients-quick`, the same 25 examples on every run, and
    `gradients-thorough`, 2,000 new ones. `pytest --hypothesis-profile=gradients-thorough` takes
    one, where a `conftest.py` imports `micrograd_plus.testing`.
    """
    from hypothesis import settings

    for name, options in PROFILES.items():
        settings.register_profile(name, **options)
