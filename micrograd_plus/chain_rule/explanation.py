"""The chain rule in words and numbers: which paths lead from a leaf to an output, and what each
contributes.

A gradient is a sum over paths of products of local gradients. The sum comes from the reverse sweep
and the number of paths from a count, so neither cares that there may be 9**60 of them; the few
largest products come from one more sweep that keeps the best few ways to reach each node. Nothing
here changes a gradient or needs one to be known.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import nlargest
from html import escape
from itertools import pairwise
from operator import itemgetter
from typing import Any

from ..checks import require_fresh
from ..engine import Value, adjoints, local_gradients, nodes_below
from ..graph import count_paths
from ..support.notebooks import richest
from ..support.text import number, visible
from .naming import Names, called, gate_name

END = 3  # of a long path, the steps shown at either end
LONGEST_RATIOS = 40  # characters of dc/db·de/dc, up to which it is worth reading
DIGITS = 60  # of a number of paths, up to which it is printed in full

Edge = tuple[Value, int, float]  # operand, its place among the gate's operands, local gradient
Step = tuple[Value, int, float]  # the same edge seen from below: gate, place, local gradient
# exponent and size, by which ways compare; mantissa; gate, place, local gradient; the way before
Way = tuple[Any, ...]


@dataclass(frozen=True, eq=False)
class Path:
    """One path: its nodes from the leaf to the output, the local gradient of each step, and their
    product.

    `title` and `steps` tell it in words; when there are more paths than are listed, only the first
    has its steps told.
    """

    nodes: tuple[Value, ...] = field(repr=False)
    local_gradients: tuple[float, ...] = field(repr=False)
    product: float
    factors: str
    title: str
    steps: tuple[str, ...]


@dataclass(frozen=True, eq=False, repr=False)
class Explanation:
    """Why the gradient of `output` with respect to `leaf` is `value`. Printing it, or showing it in
    Jupyter, tells.

    `count` is the exact number of paths; `paths` holds them all in the order of the graph, or the
    ones with the largest products, the largest first; `headline` is the sum in one line, `summary`
    says how to read it, and `notes` name the gates that no gradient passes.
    """

    output: Value
    leaf: Value
    value: float
    count: int
    paths: tuple[Path, ...]
    headline: str
    summary: str
    notes: tuple[str, ...]

    def __str__(self) -> str:
        lines = [self.headline, self.summary]
        for i, path in enumerate(self.paths, 1):
            lines += ["", f"{i}. {path.title}", *[f"   {step}" for step in path.steps]]
        if self.notes:
            lines += ["", *self.notes]
        return "\n".join(lines)

    __repr__ = __str__

    def html(self) -> str:
        """The same as a fragment of HTML, in which every name is text."""
        paths = [
            f"<li>{escape(path.title)}<ul>{_items(path.steps)}</ul></li>" for path in self.paths
        ]
        listed = f"<ol>{''.join(paths)}</ol>" if paths else ""
        noted = f"<ul>{_items(self.notes)}</ul>" if self.notes else ""
        return (
            f'<div class="explanation"><p><strong>{escape(self.headline)}</strong></p>'
            f"<p>{escape(self.summary)}</p>{listed}{noted}</div>"
        )

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/plain": str(self), "text/html": self.html()}

    def _mime_(self) -> tuple[str, str]:
        return richest(self._repr_mimebundle_())


def _items(texts: Sequence[str]) -> str:
    return "".join(f"<li>{escape(text)}</li>" for text in texts)


def explain(
    e: Value,
    leaf: Value | str,
    *,
    names: Mapping[str, Any] | None = None,
    limit: int = 5,
) -> Explanation:
    """Tell how the gradient of `e` with respect to `leaf` comes about at the present values.

    `leaf` is a Value, or the name of one: its label or, where it carries none, its name in `names`,
    for instance `locals()`. Any node may stand for the leaf; `limit` is how many paths to list.
    Backward need not have run. Raises TypeError when `e` is no Value or `leaf` neither a Value nor
    a name, and ValueError when no node or more than one is called so, when a leaf was edited since
    `e` was computed, or when `limit` is less than 1.

    >>> a, b = Value(2.0, label="a"), Value(1.0, label="b")
    >>> print(explain((a + b) * (b + 1), b).headline)
    d((a + b) × (b + 1))/db = 1·2 + 1·3 = 5
    >>> explain(a * b, "b").value
    2.0
    """
    for v, role, kinds in ((e, "the output", Value), (leaf, "the leaf", (Value, str))):
        if not isinstance(v, kinds):
            raise TypeError(
                f"explain(e, leaf) follows gradients between Values, but {role} is of type "
                f"{type(v).__name__}: {visible(repr(v), 60)}"
            )
    if limit < 1:
        raise ValueError(f"explain lists at least one path, so limit={limit} is too small")
    order = nodes_below(e)
    require_fresh(order)
    if isinstance(leaf, str):
        leaf = called(leaf, order, names)
    name = Names(order, names)
    edges, blocked = _edges_above(leaf, order)
    between = [v for v in order if v in edges]
    count = count_paths(between, lambda v: [operand for operand, _, _ in edges[v]], leaf).get(e, 0)
    value = adjoints(order, {e: 1.0}).get(leaf, 0.0) if count else 0.0
    ways = _largest_ways(between, edges, leaf, limit).get(e, [])
    if count <= limit:
        ways = sorted(ways, key=_places(name.numbers))
    paths = tuple(
        [_path(way, leaf, name, in_full=way is ways[0] or count <= limit) for way in ways]
    )
    notes = tuple(_blockage(v, operand, name) for v, operand in blocked[:limit])
    if not count and leaf not in edges:
        reason = "it was not computed from it, so no path leads there."
        summary = f"{name(e)} does not depend on {name(leaf)}: {reason}"
    elif e is leaf:
        summary = f"{name(e)} is the output itself, so its gradient is 1."
    elif not count:
        summary = (
            f"No path is left from {name(leaf)} to {name(e)} at these values, so the gradient is 0."
        )
    else:
        summary = _summary(paths, count, value, f"from {name(leaf)} to {name(e)}")
    headline = _headline(paths, count, value, _ratio(name, e, leaf))
    return Explanation(e, leaf, value, count, paths, headline, summary, notes)


def _edges_above(
    leaf: Value, order: Sequence[Value]
) -> tuple[dict[Value, list[Edge]], list[tuple[Value, Value]]]:
    """For each node that a gradient can leave towards the leaf, its edges there;
    and the (gate, operand) blocked.
    """
    edges: dict[Value, list[Edge]] = {}
    blocked = []
    for v in order:
        if v is leaf:
            edges[v] = []
        elif not edges.keys().isdisjoint(v.operands):
            found: list[Edge] = []
            for place, (operand, partial) in enumerate(zip(v.operands, local_gradients(v))):
                if operand not in edges:
                    continue
                if partial is None:
                    blocked.append((v, operand))
                else:
                    found.append((operand, place, partial))
            if found:
                edges[v] = found
    return edges, blocked


def _largest_ways(
    order: Sequence[Value], edges: Mapping[Value, list[Edge]], leaf: Value, limit: int
) -> dict[Value, list[Way]]:
    """The ways from the leaf to each node whose products are the largest, the largest first.

    Products are kept as mantissa and exponent, since one that underflows half-way may come to
    something at its end.
    """
    best: dict[Value, list[Way]] = {}
    for v in order:
        if v is leaf:
            best[v] = [(1, 0.5, 0.5, leaf, 0, 1.0, None)]
            continue
        ways = []
        for operand, place, partial in edges[v]:
            mantissa, exponent = math.frexp(partial)
            for way in best[operand]:
                m, shift = math.frexp(way[2] * mantissa)
                ways.append((*_rank(m, way[0] + exponent + shift), m, v, place, partial, way))
        best[v] = nlargest(limit, ways, key=itemgetter(0, 1)) if len(ways) > 1 else ways
    return best


def _rank(mantissa: float, exponent: float) -> tuple[float, float]:
    if 0.5 <= abs(mantissa) < 1.0:
        return exponent, abs(mantissa)
    return (-math.inf, 0.0) if mantissa == 0.0 else (math.inf, 2.0 if mantissa != mantissa else 1.0)


def _steps_of(way: Way) -> list[Step]:
    steps = []
    while way[-1] is not None:
        *_, v, place, partial, before = way
        steps.append((v, place, partial))
        way = before
    return steps[::-1]


def _places(numbers: Mapping[Value, int]) -> Callable[[Way], list[tuple[int, int]]]:
    return lambda way: [(numbers[v], place) for v, place, _ in _steps_of(way)]


def _path(way: Way, leaf: Value, name: Names, *, in_full: bool) -> Path:
    steps = _steps_of(way)
    nodes = (leaf, *(v for v, _, _ in steps))
    partials = tuple(partial for _, _, partial in steps)
    exponent, _, mantissa, *_ = way
    try:
        product = math.ldexp(mantissa, int(exponent)) if math.isfinite(exponent) else mantissa
    except OverflowError:
        product = math.copysign(math.inf, mantissa)
    first, *others = _abbreviated(partials, number) or ["1"]
    factors = "·".join([first, *map(_bracketed, others)])
    told = [factors, number(product)] if len(partials) > 1 else [number(product)]
    if 3 <= len(nodes) <= 2 * END and all(_is_word(name(v)) for v in nodes):
        ratios = "·".join(_ratio(name, user, operand) for operand, user in pairwise(nodes))
        told = [ratios, *told] if len(ratios) <= LONGEST_RATIOS else told
    title = f"{' → '.join(_abbreviated(nodes, name))}: {' = '.join(told)}"
    sentences = (
        _abbreviated(steps, lambda step: _sentence(step, name), " more gates …") if in_full else []
    )
    return Path(nodes, partials, product, factors, title, tuple(sentences))


def _abbreviated(things: Sequence[Any], tell: Callable[[Any], str], gap: str = "") -> list[str]:
    """Each thing told, or those at either end of many with a gap that may say how many are left
    out.
    """
    left_out = len(things) - 2 * END
    if left_out <= 2:
        return [tell(thing) for thing in things]
    middle = f"… {left_out:,}{gap}" if gap else "…"
    return [*map(tell, things[:END]), middle, *map(tell, things[-END:])]


def _bracketed(text: str) -> str:
    """A number or product as it stands behind another one: (−2)·3."""
    first, dot, others = text.partition("·")
    return f"({first}){dot}{others}" if first.startswith("−") else text


def _is_word(name: str) -> bool:
    return name.replace("_", "").isalnum()


def _ratio(name: Names, above: Value, below: Value) -> str:
    return "/".join(f"d{name(v)}" if _is_word(name(v)) else f"d({name(v)})" for v in (above, below))


def _headline(paths: Sequence[Path], count: int, value: float, ratio: str) -> str:
    long = len(paths) > 1 and any(len(path.local_gradients) > 2 * END + 2 for path in paths)
    terms = [number(path.product) if long else path.factors for path in paths]
    told = " + ".join([*terms[:1], *map(_bracketed, terms[1:]), *["…"] * (count > len(paths))])
    return (
        f"{ratio} = {told} = {number(value)}"
        if told not in ("", number(value))
        else f"{ratio} = {number(value)}"
    )


def _summary(paths: Sequence[Path], count: int, value: float, between: str) -> str:
    if count == 1:
        return f"One path leads {between}; the gradient is the product of its local gradients."
    if count == len(paths):
        return f"{_many(count)} paths lead {between}; the gradient is the sum of their products."
    listed = (
        f"the {len(paths)} largest products are" if len(paths) > 1 else "the largest product is"
    )
    products = [path.product for path in paths]
    rest = value - math.fsum(products) if all(map(math.isfinite, products)) else math.nan
    more = f", and add up to {number(rest)}" if math.isfinite(rest) else ""
    others = f"{_many(count - len(paths), 12)} more are not{more}"
    return f"{_many(count)} paths lead {between}; {listed} listed, {others}."


def _many(count: int, digits: int = DIGITS) -> str:
    return f"{count:,}" if count < 10**digits else f"about 10^{math.log10(count):,.0f}"


def _sentence(step: Step, name: Names) -> str:
    """What one gate does to the gradient on its way to one operand."""
    v, place, partial = step
    operand, row = v.operands[place], v.primitive
    here = name(operand)
    at = f"{here} = {number(operand.data)}"
    if sum(o is operand for o in v.operands) > 1:
        here += f" as operand {place + 1}"
    half = len(v.operands) // 2
    told = f"its slope in {here} is {number(partial)} here"
    if row.gate == "distributes" or (row.gate == "swaps" and place == 0 and row.arity is None):
        told = f"{here} gets the gradient " + (
            "unchanged (× 1)" if partial == 1.0 else "with its sign turned (× −1)"
        )
    elif row.gate == "swaps":
        partner = (
            v.operands[1 - place]
            if row.arity
            else v.operands[place + half if place <= half else place - half]
        )
        other = (
            f"{name(partner)} = {number(partner.data)}"
            if isinstance(partner, Value)
            else number(partner)
        )
        told = f"{here} gets the gradient times the other factor, {other}"
    elif row.gate == "routes" and row.arity == 1:
        told = f"it is open at {at}, so the gradient passes (× {number(partial)})"
    elif row.gate == "routes":
        told = (
            f"the value came from {here}, which gets the whole gradient (× 1)"
            if partial == 1.0
            else (
                f"{here} ties with others and gets its share of the gradient (× {number(partial)})"
            )
        )
    elif row.arity == 1:
        told = f"its slope at {at} is {number(partial)}"
    return f"{name.defined(v)}: {gate_name(row)} {row.gate}, {told}"


def _blockage(v: Value, operand: Value, name: Names) -> str:
    here, row = name(operand), v.primitive
    if row.gate != "routes":
        told = f"blocks the gradient to {here}, for its value moves in steps, without a slope"
    elif row.arity == 1:
        told = f"routes no gradient to {here}, for it is shut at {here} = {number(operand.data)}"
    else:
        told = f"routes the gradient elsewhere, for its value does not come from {here}"
    return f"{name.defined(v)}: {gate_name(row)} {told}"
