"""The graph in Graphviz's own terms, for those who want to go on in DOT;
and as plain nodes and edges, like micrograd's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from .. import modes
from ..engine import Value, nodes_below
from ..support.text import number, shortened
from .build import build
from .layout import limits
from .levels import WORK, Level, adjust, shrunk, work_of
from .model import Model
from .svg import LIGHT

if TYPE_CHECKING:
    import graphviz

# the effort of layout above which edges are straight: to bend many around each other's labels takes
# seconds
CURVED = 200
STRAIGHT = {"splines": "line"}
LARGEST = WORK // 2  # a label on an edge is one more thing to place
FILL = dict.fromkeys(("leaf", "constant", "cut"), LIGHT["card"])
FONT = {"fontname": "Helvetica"}
NODES = FONT | {
    "shape": "box",
    "style": "rounded,filled",
    "color": LIGHT["edge"],
    "fontcolor": LIGHT["ink"],
    "fontsize": "12",
}
EDGES = FONT | {
    "color": LIGHT["wire"],
    "fontcolor": LIGHT["local"],
    "fontsize": "10",
    "arrowsize": "0.7",
}


def draw_dot(
    root: Value,
    format: str = "svg",  # noqa: A002  # micrograd's name for it
    rankdir: Literal["LR", "TB", "RL", "BT"] = "LR",
) -> graphviz.Digraph:
    """The graph below `root` as a `graphviz.Digraph`, cut to what lies nearest the output when it
    is too large.

    Rendering it needs the `dot` program or the extra `draw`, and says so; making it needs neither.
    Raises TypeError for anything but a Value, ValueError for another direction.
    """
    if rankdir not in ("LR", "TB", "RL", "BT"):
        raise ValueError(f"rankdir must be one of LR, TB, RL, BT, not {rankdir!r}")
    if not isinstance(root, Value):
        raise TypeError(f"only a Value has a graph to draw, not a {type(root).__name__}")
    with modes.switched(recording=True, anomaly=False, simplify=None, group=None):
        return digraph(
            shrunk(adjust(build(root), Level(fold_constants=False)), LARGEST), format, rankdir
        )


def digraph(model: Model, format: str = "svg", rankdir: str = "LR") -> graphviz.Digraph:  # noqa: A002
    """A model as a Digraph: a box for each box, with name, gate, value and gradient,
    each in a line, and the local gradients on edges.
    """
    import graphviz

    from .digraph import Digraph

    work = work_of(model)
    dot = Digraph(
        format=format,
        graph_attr={"rankdir": rankdir, **(STRAIGHT | limits(2 * work) if work > CURVED else {})},
        node_attr=NODES,
        edge_attr=EDGES,
    )
    names = {box: f"n{i}" for i, box in enumerate(model.boxes)}
    for box, name in names.items():
        lines = [shortened(box.name), box.symbol]
        if box.kind not in ("cut", "layer"):
            lines.append(number(box.value))
        if box.kind not in ("cut", "layer", "constant"):
            lines.append("∂ " + ("·" if box.derivative is None else number(box.derivative)))
        # escape() disarms backslashes; nohtml() keeps a label like <b> from being taken for markup
        label = graphviz.nohtml("\\n".join(graphviz.escape(line) for line in lines if line))
        dot.node(name, label=label, fillcolor=FILL.get(box.kind, LIGHT["gate"]))
        for wire in box.wires:
            dot.edge(
                names[wire.source], name, label="" if wire.local is None else number(wire.local)
            )
    return dot


def trace(root: Value) -> tuple[list[Value], list[tuple[Value, Value]]]:
    """The nodes below `root`, operands first, and the edges (operand, user):
    two for a*a, and constants are nodes too. Raises TypeError for anything but a Value.
    """
    if not isinstance(root, Value):
        raise TypeError(f"only a Value has a graph, not a {type(root).__name__}")
    nodes: list[Value] = []
    edges: list[tuple[Value, Value]] = []
    for v in nodes_below(root):
        operands = v._prev  # noqa: SLF001  # micrograd's name for it, which wraps constants
        nodes += [o for o, made in zip(operands, v.operands) if type(made) is float]
        nodes.append(v)
        edges += [(operand, v) for operand in operands]
    return nodes, edges
