"""Step through it: the picture of a graph with time in it, in a browser.

`recording` puts all numbers of a picture on one flat program of forward rules, which
`arithmetic.js` runs and `numbers.js` writes: no calculus is done there. `scene` is the picture as
data, `scene.js` what it shows at a step, `player.js` what one sees and touches, `page` all of it in
one file.

`rows` is what a page needs to train networks of its own, as data; `networks.js` puts one together
on a program, gradient and all, which `tapes.js` runs; `training.js` does what `fit` does.
"""

from .page import module
from .playing import Player, of_picture, play

__all__ = ["Player", "module", "of_picture", "play"]
