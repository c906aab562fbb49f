"""Loss curves: how training went, epoch by epoch, and whether the model still generalises."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from ..tape.program import Floats
from .figure import DASHED, LINES, MARKERS, Labels, canvas, describe, require_canvas
from .numbers import reals

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def loss_curves(
    losses: Any,
    validation: Any = None,
    *,
    log: bool = False,
    labels: Labels | None = None,
    title: str = "",
    ax: Any = None,
) -> Axes:
    """Losses over the epochs or steps of a training, counted from 0: solid while learning, dashed
    on validation data.

    `losses` is a sequence of numbers, a History (with `losses` and `validation_losses`), or a
    dictionary of several of these by name, to compare trainings. `validation` are the validation
    losses that go with a sequence. The lowest validation loss, at which early stopping aims, is
    ringed. `log` makes the scale of losses logarithmic. `labels` are those of the two axes:
    ("epoch", "loss") for a History, else ("step", "loss").

    Raises ValueError for no losses, losses that are nan or infinite, more validation losses than
    losses, and losses that are not positive on a logarithmic scale; TypeError for what is not a
    number; ImportError without matplotlib.
    """
    require_canvas(ax)
    curves = _curves(losses, validation)
    if log:
        _require_positive(curves)
    ax = canvas(ax, (6.0, 3.8))
    if log:
        ax.set_yscale("log")
    several = isinstance(losses, Mapping)
    handles, words = [], []
    for curve in curves:
        # of several trainings each has its own
        colour = LINES[curve.run % 4] if several else LINES[curve.held_out]
        dashes = DASHED if curve.held_out else "solid"
        line = {"color": colour, "linestyle": dashes, "linewidth": 1.6}
        handles += ax.plot(curve.losses, **line, **_marks(curve, several))
        words.append(curve.word)
        if curve.held_out:
            best = int(curve.losses.argmin())
            ring = {"markersize": 8, "markerfacecolor": "none", "markeredgewidth": 1.4}
            handles += ax.plot(best, curve.losses[best], "o", color=colour, **ring)
            words.append(f"lowest, at {best}")
    ax.spines[["top", "right"]].set_visible(False)
    ax.xaxis.get_major_locator().set_params(integer=True)
    ax.margins(x=0.02)
    runs = losses.values() if several else [losses]
    in_epochs = any(hasattr(run, "losses") for run in runs)
    along = "epoch" if in_epochs else "step"
    labels = labels or (along, "loss")
    key = (handles, words) if several or len(curves) > 1 else ()
    return describe(ax, *labels, title, *key)


class _Curve(NamedTuple):
    run: int
    word: str
    held_out: bool
    losses: Floats


def _marks(curve: _Curve, several: bool) -> dict[str, Any]:
    """Marks on a curve: some, to tell several trainings apart; one, for a point alone."""
    size = len(curve.losses)
    every = max(1, size // 8)
    first = curve.run * every // 4 % every
    marker = MARKERS[curve.run % 10] if several or size == 1 else None
    return {"marker": marker, "markersize": 4.5, "markevery": (first, every)}


def _curves(losses: Any, validation: Any) -> list[_Curve]:
    """The curves to draw: for each training one, and one more when it has validation losses."""
    if not isinstance(losses, Mapping):
        return _of_run(0, "", losses, validation)
    if validation is not None:
        raise ValueError(
            "validation losses go with one sequence of losses: into a dictionary, put Histories"
        )
    if not losses:
        raise ValueError("there are no trainings to compare: the dictionary is empty")
    found = []
    for i, (name, run) in enumerate(losses.items()):
        found += _of_run(i, str(name), run, None)
    return found


def _of_run(run: int, name: str, losses: Any, validation: Any) -> list[_Curve]:
    whose = f" of {name!r}" if name else ""
    if hasattr(losses, "losses"):
        if validation is None:
            validation = getattr(losses, "validation_losses", None)
        losses = losses.losses
    learned = _finite(losses, f"the losses{whose}")
    if validation is None or not len(validation):
        return [_Curve(run, name or "training", False, learned)]
    held_out = _finite(validation, f"the validation losses{whose}")
    if len(held_out) > len(learned):
        count, others = len(learned), len(held_out)
        raise ValueError(
            f"there are {count} losses, but {others} validation losses: they go side by side"
        )
    opening = f"{name}, " if name else ""
    training = _Curve(run, f"{opening}training", False, learned)
    validated = _Curve(run, f"{opening}validation", True, held_out)
    return [training, validated]


def _finite(losses: Any, what: str) -> Floats:
    try:
        return reals(losses, what, "(epochs,)", 1)
    except ValueError as error:
        if "finite" in str(error):
            raise ValueError(
                f"{error}: training diverged there, so plot the losses before it"
            ) from None
        raise


def _require_positive(curves: list[_Curve]) -> None:
    for curve in curves:
        lowest = curve.losses.min()
        if lowest <= 0:
            raise ValueError(
                f"the {curve.word} loss {lowest} has no place on a logarithmic scale: it is not "
                "above 0"
            )
