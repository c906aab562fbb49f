"""Pictures of graphs: what to show, where to put it, how to write it.

`model` holds boxes and wires, and `levels` how many of them a picture shows. `arrangement` gives
each its size and place: `layout` and `process` ask Graphviz for those of boxes and wires, `labels`
finds those of the numbers between, and `widths` reckons texts. `svg` draws it; `dot` and `digraph`
leave all that to Graphviz. `picture` is the door.
"""

from .dot import draw_dot, trace
from .picture import Picture, draw, mime, mimebundle

__all__ = ["Picture", "draw", "draw_dot", "mime", "mimebundle", "trace"]
