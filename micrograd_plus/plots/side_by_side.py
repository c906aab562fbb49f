"""One kind of plot for each of several models, side by side on a figure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from .figure import entitle, height_of, literally, require_canvas
from .surfaces import error_surface

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Draw = Callable[..., Any]
WIDTH, HEIGHT = 3.5, 3.3  # of a panel, in inches


def panels(
    draw: Draw,
    models: Any,
    *args: Any,
    columns: int | None = None,
    title: str = "",
    figure: Any = None,
    **options: Any,
) -> list[Axes]:
    """The same plot of several models, a panel each, with their names for titles: regions by depth
    (Sharif, slide 33), a curve that fits too little, well and too much (Stone).

    `draw` is one of these plots, and `models` what it takes first, by name: models, or whatever
    else the plot shows. All other arguments are handed on, and are the same for all:
    `panels(decision_regions, {"half plane": one, "triangle": other}, points, classes)`. The panels
    stand in `columns` columns, on the `figure`, a Figure or a part of one, or on a new one. Where
    all keys say the same, the first panel has it. Gives the panels' Axes in their order.

    Raises ValueError for no models, and fewer than one column; TypeError for models that are no
    dictionary, and a figure that is none; whatever the plot raises; ImportError without matplotlib.
    """
    require_canvas(None)
    if not isinstance(models, Mapping):
        kind = type(models).__name__
        raise TypeError(f"models are a dictionary of what to draw by its title, not a {kind}")
    count = len(models)
    if not count:
        raise ValueError("there are no models to draw: the dictionary is empty")
    if columns is not None and columns < 1:
        raise ValueError(f"there must be a column at least, not {columns!r}")
    across = min(count, columns or _columns(count))
    down = -(-count // across)
    if figure is not None and not hasattr(figure, "add_subplot"):
        raise TypeError(f"figure must be a matplotlib Figure, not {type(figure).__name__}")
    whole = figure or _figure(across, down)
    projection = "3d" if draw is error_surface else None
    places = range(1, count + 1)
    drawn = [whole.add_subplot(down, across, i, projection=projection) for i in places]
    try:
        for ax, model in zip(drawn, models.values()):
            draw(model, *args, ax=ax, **options)
    except BaseException:
        _take_away(drawn, whole, figure is None)
        raise
    if title:
        above = whole.suptitle("", x=0.01, horizontalalignment="left")
        literally(above, title)
    room = _one_key(drawn, across)
    whole.figure.draw_without_rendering()  # for the layout: where a title must be cut
    for ax, name, pad in zip(drawn, models, room):
        entitle(ax, str(name), pad)
    return drawn


def _figure(across: int, down: int) -> Any:
    from matplotlib import pyplot as plt

    return plt.figure(figsize=(WIDTH * across, HEIGHT * down), layout="constrained")


def _take_away(drawn: list[Axes], figure: Any, is_own: bool) -> None:
    from matplotlib import pyplot as plt

    for ax in drawn:
        ax.remove()
    if is_own:
        plt.close(figure)


def _columns(count: int) -> int:
    """All in a row up to three, else about as many rows as columns."""
    return count if count <= 3 else int(np.ceil(np.sqrt(count)))


def _one_key(drawn: list[Axes], across: int) -> list[float | None]:
    """Leave the first panel its key alone when all say the same; gives for each panel the room its
    title leaves for a key, which those beside the first share with it.
    """
    keys: list[Any] = [ax.get_legend() for ax in drawn]
    room = [height_of(key) if key else None for key in keys]
    words = {tuple(text.get_text() for text in key.get_texts()) if key else () for key in keys}
    if len(words) == 1 and keys[0]:
        for key in keys[1:]:
            key.remove()
        return [room[0] if i < across else None for i in range(len(drawn))]
    return room
