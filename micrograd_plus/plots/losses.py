"""Loss curves: how training went, epoch by epoch, and whether the model still generalises."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from ..tape.program import Floats
from .figure import LINES, MARKERS, canvas, describe, require_canvas
from .numbers import reals

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def loss_curves(
    losses: Any,
    validation: Any = None,
    *,
    log: bool = False,
    labels: tuple[str, str] | None = None,
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
    several, handles, words = isinstance(losses, Mapping), [], []
    for curve in curves:
        # of several trainings each has its own
        colour = LINES[curve.run % 4] if several else LINES[curve.held_out]
        size = len(curve.losses)
        every = max(1, size // 8)
        handles += ax.plot(
            curve.losses,
            color=colour,
            linestyle=(0, (4, 2)) if curve.held_out else "solid",
            linewidth=1.6,
            marker=MARKERS[curve.run % 10] if several or size == 1 else None,
            markersize=4.5,
            markevery=(curve.run * every // 4 % every, every),
        )
        words.append(curve.word)
        if curve.held_out:
            best = int(curve.losses.argmin())
            handles += ax.plot(
                best,
                curve.losses[best],
                "o",
                color=colour,
                markersize=8,
                markerfacecolor="none",
                markeredgewidth=1.4,
            )
            words.append(f"lowest, at {best}")
    ax.spines[["top", "right"]].set_visible(False)
    ax.xaxis.get_major_locator().set_params(integer=True)
    ax.margins(x=0.02)
    in_epochs = any(hasattr(run, "losses") for run in (losses.values() if several else [losses]))
    key = (handles, words) if several or len(curves) > 1 else ()
    return describe(ax, *(labels or ("epoch" if in_epochs else "step", "loss")), title, *key)


class _Curve(NamedTuple):
    run: int
    word: str
    held_out: bool
    losses: Floats


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
    return [
        curve
        for i, (name, run) in enumerate(losses.items())
        for curve in _of_run(i, str(name), run, None)
    ]


def _of_run(run: int, name: str, losses: Any, validation: Any) -> list[_Curve]:
    whose = f" of {name!r}" if name else ""
    if hasattr(losses, "losses"):
        validation = (
            getattr(losses, "validation_losses", None) if validation is None else validation
        )
        losses = losses.losses
    learned = _finite(losses, f"the losses{whose}")
    if validation is None or not len(validation):
        return [_Curve(run, name or "training", False, learned)]
    held_out = _finite(validation, f"the validation losses{whose}")
    if len(held_out) > len(learned):
        raise ValueError(
            f"there are {len(learned)} losses, but {len(held_out)} validation losses: they go side "
            "by side"
        )
    words = [f"{name}, {kind}" if name else kind for kind in ("training", "validation")]
    return [_Curve(run, words[0], False, learned), _Curve(run, words[1], True, held_out)]


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
        if curve.losses.min() <= 0:
            raise ValueError(
                f"the {curve.word} loss {curve.losses.min()} has no place on a logarithmic scale: "
                "it is not "
                "above 0"
            )
