"""Pictures of graphs: what to show (`model`), where to put it (`layout`), how to write it (`svg`, `dot`, `page`)."""

from .dot import draw_dot, trace
from .picture import Picture, draw, mime, mimebundle

__all__ = ["Picture", "draw", "draw_dot", "mime", "mimebundle", "trace"]
