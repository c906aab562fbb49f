"""Pictures of graphs: what to show, where to put it, how to write it.

A picture is made in three stages, each gone through once. `build` reads the graph into a model, the
plain boxes and wires of `model`; `levels` says how many of them are shown; and a form writes them.
`svg` is the form that we draw: `arrangement` gives each part its size and place, for which `layout`
and `process` ask Graphviz where boxes and wires go, `layered` finds out where there is none,
`labels` finds room for the numbers between, and `widths` reckons texts. `dot` and `digraph` leave
all that to Graphviz. `tikz` is the form for slides and papers, `raster` for what shows no
HTML.

What all of them read: `style` says how a picture looks, `texts` what is written where, `described`
how it is read out. `neurons`, `stretches` and `groups` find what can be one box; `inside` computes
what such a box hides, and `moments` is the picture in time. `picture` is the door.
"""

from .dot import draw_dot, trace
from .groups import group
from .picture import Picture, draw, mime, mimebundle
from .style import Style, style

__all__ = ["Picture", "Style", "draw", "draw_dot", "group", "mime", "mimebundle", "style", "trace"]
