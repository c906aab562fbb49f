"""Step through it: the picture of a graph with time in it, in a browser; and a playground, where a
network learns.

`recording` puts all numbers of a picture on one flat program of forward rules, which
`arithmetic.js` runs and `numbers.js` writes: no calculus is done there. `scene` is the picture as
data, `scene.js` what it shows at a step, `player.js` what one sees and touches, `alone.js` what it
has where it stands alone, such as a quiz, `page` all of it in one file.

`rows` is what a page needs to train networks of its own, as data; `networks.js` puts one together
on a program, gradient and all, which `tapes.js` runs; `training.js` does what `fit` does.
`learning` makes a playground of it: `playground.js` is what one sees and touches, with its parts in
`fields.js`, `plane.js`, `progress.js`, `looking.js` and `taking.js`; `diagram.js` and `charts.js`
draw, `points.js` has the data, `settings.js` what may be set, and `lessons` are settings under
which something is to be seen. `inside.js` makes scenes of the network at one point, in the places
that `columns.js` finds, which the same player shows.
"""

from typing import TYPE_CHECKING, Any

from .page import module
from .playing import Player, of_picture, play

if TYPE_CHECKING:
    from .learning import Playground, playground

__all__ = ["Player", "Playground", "module", "of_picture", "play", "playground"]


def __getattr__(name: str) -> Any:
    if name not in ("Playground", "playground"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    # trainings and optimisers are loaded with it, which a player has no need of
    from . import learning

    return getattr(learning, name)
