"""Where the boxes stand: Graphviz sees anonymous boxes of fixed size and gives their places and the
wires' curves.

No label reaches the layout engine, so nothing can be injected, and every version of Graphviz draws
the same picture. Its search for the best places has no end of its own, so each layout is told when
to stop, and one that is not certain to be quick is done in a child process.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from .process import run_apart, run_here

Rankdir = Literal["LR", "RL", "TB", "BT"]
Point = tuple[float, float]
POINTS_PER_INCH = 72.0
# effort up to which a layout is done in this process: at most a few hundredths of a second
QUICK = 500

_PORTS = {
    "LR": " tailport=e headport=w",
    "RL": " tailport=w headport=e",
    "TB": " tailport=s headport=n",
    "BT": " tailport=n headport=s",
}


@dataclass(frozen=True)
class Layout:
    """The picture's size, the boxes' centres, and each wire's cubic Bézier curve;
    in points, y pointing down.
    """

    width: float
    height: float
    centres: list[Point]
    curves: list[list[Point]]
    work: int  # what it took, as `effort` reckons


def lay_out(
    sizes: Sequence[Point],
    wires: Sequence[tuple[int, int]],
    rankdir: Rankdir = "LR",
    gap: float = 60.0,
    splines: Literal["spline", "line"] = "spline",
    seconds: float | None = None,
    across: float = 23.04,
) -> Layout:
    """Places for boxes of the given sizes and curves for the wires between their numbers, source
    first.

    Boxes stand behind those that they are wired from. Raises TimeoutError when it takes longer than
    `seconds`, and ImportError, saying what to install, when there is no Graphviz.
    """
    operands: list[list[int]] = [[] for _ in sizes]
    for source, target in wires:
        operands[target].append(source)
    work = effort(operands)
    ports = _PORTS[rankdir] if splines == "line" else ""
    about = {
        "rankdir": rankdir,
        "nodesep": f"{across / POINTS_PER_INCH:.3f}",
        "ranksep": f"{gap / POINTS_PER_INCH:.3f}",
        "splines": splines,
        **limits(work),
    }
    lines = [
        f"digraph {{ graph [{' '.join(f'{name}={value}' for name, value in about.items())}]",
        'node [shape=box fixedsize=true label=""]',
        f"edge [arrowhead=none{ports}]",
    ]
    lines += [
        f"n{i} [width={w / POINTS_PER_INCH:.4f} height={h / POINTS_PER_INCH:.4f}]"
        for i, (w, h) in enumerate(sizes)
    ]
    lines += [f"n{source} -> n{target} [id=w{k}]" for k, (source, target) in enumerate(wires)]
    dot = "\n".join([*lines, "}"])
    drawn = run_here(dot, "json0") if work <= QUICK else None
    found = json.loads(drawn or run_apart(dot, "json0", seconds))
    _, _, width, height = (float(x) for x in found["bb"].split(","))
    return Layout(
        width,
        height,
        [_point(o["pos"], height) for o in _in_order(found.get("objects", []), "name")],
        [
            [_point(p, height) for p in e["pos"].split()]
            for e in _in_order(found.get("edges", []), "id")
        ],
        work,
    )


def effort(operands: Sequence[Sequence[int]]) -> int:
    """How hard a graph is to lay out: its boxes, and for every wire the columns of boxes that it
    passes.

    `operands` has for each box the numbers of those it is wired from, all smaller than its own. A
    leaf that is used along a chain of n gates costs n²/2, and Graphviz a time that grows still
    faster.
    """
    early: list[int] = []  # the columns when every box stands as near to the leaves as it can
    for below in operands:
        early.append(1 + max([early[o] for o in below], default=-1))
    # and when it stands as near to the output as it can
    late = [max(early, default=0)] * len(early)
    nearest = list(late)
    for i in range(len(operands) - 1, -1, -1):
        for o in operands[i]:
            late[o] = min(late[o], late[i] - 1)
            nearest[o] = min(nearest[o], early[i] - 1)
    early = [
        column if below else nearest[i] for i, (column, below) in enumerate(zip(early, operands))
    ]
    return len(early) + min(_passed(early, operands), _passed(late, operands))


def _passed(column: Sequence[int], operands: Sequence[Sequence[int]]) -> int:
    return sum(column[i] - column[o] for i, below in enumerate(operands) for o in below)


def limits(work: int) -> dict[str, str]:
    """Graphviz's own limits on its search, as attributes of the graph:
    none that binds a small one.
    """
    if work <= QUICK:
        return {"nslimit": "4", "nslimit1": "4"}
    return {
        "nslimit": f"{QUICK / work:.2f}",
        "nslimit1": "1",
        "mclimit": f"{min(1.0, 4 * QUICK / work):.2f}",
    }


def _in_order(things: list[dict[str, Any]], key: str) -> list[dict[str, Any]]:
    return sorted(things, key=lambda thing: int(thing[key][1:]))


def _point(text: str, height: float) -> Point:
    x, y = text.split(",")
    return float(x), height - float(y)
