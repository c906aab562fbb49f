"""Where the boxes stand: Graphviz sees anonymous boxes of fixed size and gives their places and the wires' curves.

No label reaches the layout engine, so nothing can be injected, and every version of Graphviz draws the same picture.
It comes in the `pygraphviz` wheel, or as the `dot` program that the `graphviz` package calls.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

Rankdir = Literal["LR", "RL", "TB", "BT"]
Point = tuple[float, float]
POINTS_PER_INCH = 72.0

_PORTS = {"LR": " tailport=e headport=w", "RL": " tailport=w headport=e",
          "TB": " tailport=s headport=n", "BT": " tailport=n headport=s"}
HELP = ("drawing needs Graphviz to lay the graph out: either `pip install pygraphviz`, which brings it along "
        "(it is in the extra `pip install \"micrograd-plus[draw]\"`), or install the `dot` program "
        "(`apt install graphviz`, `brew install graphviz`)")


@dataclass(frozen=True)
class Layout:
    """The picture's size, the boxes' centres, and each wire's cubic Bézier curve; in points, y pointing down."""

    width: float
    height: float
    centres: list[Point]
    curves: list[list[Point]]


def lay_out(sizes: Sequence[Point], wires: Sequence[tuple[int, int]], rankdir: Rankdir = "LR",
            gap: float = 60.0, splines: Literal["spline", "line"] = "spline") -> Layout:
    """Places for boxes of the given sizes and curves for the wires between their numbers, source first.

    Raises ImportError, saying what to install, when there is no Graphviz.
    """
    if rankdir not in ("LR", "RL", "TB", "BT"):
        raise ValueError(f"rankdir must be one of LR, RL, TB, BT, not {rankdir!r}")
    ports = _PORTS[rankdir] if splines == "line" else ""
    lines = [f"digraph {{ graph [rankdir={rankdir} nodesep=0.32 ranksep={gap / POINTS_PER_INCH:.3f} splines={splines}]",
             'node [shape=box fixedsize=true label=""]', f"edge [arrowhead=none{ports}]"]
    lines += [f"n{i} [width={w / POINTS_PER_INCH:.4f} height={h / POINTS_PER_INCH:.4f}]" for i, (w, h) in enumerate(sizes)]
    lines += [f"n{source} -> n{target} [id=w{k}]" for k, (source, target) in enumerate(wires)]
    found = json.loads(_run_graphviz("\n".join([*lines, "}"])))
    _, _, width, height = (float(x) for x in found["bb"].split(","))
    return Layout(width, height, [_point(o["pos"], height) for o in _in_order(found.get("objects", []), "name")],
                  [[_point(p, height) for p in e["pos"].split()] for e in _in_order(found.get("edges", []), "id")])


def _in_order(things: list[dict[str, Any]], key: str) -> list[dict[str, Any]]:
    return sorted(things, key=lambda thing: int(thing[key][1:]))


def _point(text: str, height: float) -> Point:
    x, y = text.split(",")
    return float(x), height - float(y)


def _run_graphviz(dot: str) -> str:
    try:
        import pygraphviz
    except ImportError:
        if shutil.which("dot") is None:
            raise ImportError(HELP) from None
        import graphviz
        piped: str = graphviz.Source(dot).pipe(format="json0", encoding="utf-8")
        return piped
    drawn: bytes = pygraphviz.AGraph(string=dot).draw(format="json0", prog="dot")
    return drawn.decode()
