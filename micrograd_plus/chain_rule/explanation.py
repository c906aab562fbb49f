"""The chain rule in words and numbers: which paths lead from a leaf to an output, and what each
contributes.

A gradient is a sum over paths of products of local gradients. The sum comes from the reverse sweep
and the number of paths from a count, so neither cares that there may be 9**60 of them. Products are
written as on a board, from the output back. Nothing here changes a gradient or needs one to be
known.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from html import escape
from itertools import groupby
from typing import Any

from ..checks import require_fresh
from ..engine import Value, adjoints, local_gradients, nodes_below
from ..graph import count_paths
from ..support.notebooks import richest
from ..support.text import number, require_digits, rounded, visible
from .backward import Backward, Table, abbreviated
from .naming import Names, called
from .paths import Step, Way, by_places, edges_above, largest_ways, product_of, reached, steps_of
from .rules import Say, bracketed, name_of_rule, ratio
from .sentences import blockage, passage

ENDS = 3, 3  # of a long product, the factors shown at either end
ENDS_TOLD = 8, 4  # of a long path, the steps told at either end
ENDS_NAMED = 5, 5  # and its nodes
SHORT = 6  # steps of a path, up to which those of × 1 are told apart
LONGEST_RATIOS = 48  # characters of ∂e/∂c·∂c/∂b, up to which it is worth reading
MOST_DIGITS = 60  # of a number of paths, up to which it is printed in full


@dataclass(frozen=True, eq=False)
class Path:
    """One path: its nodes from the leaf to the output, the local gradient of each step, and their
    product.

    `factors` writes the product from the output back, ∂f/∂q · ∂q/∂x, as do `title` and `steps`,
    which tell it in words; when there are more paths than are listed, only the first has its steps
    told.
    """

    nodes: tuple[Value, ...] = field(repr=False)
    local_gradients: tuple[float, ...] = field(repr=False)
    product: float
    factors: str
    title: str
    steps: tuple[str, ...]
    symbol: str = ""  # the product in the names that books have for local gradients: p, −p


@dataclass(frozen=True, eq=False, repr=False)
class Explanation:
    """Why the gradient of `output` with respect to `leaf` is `value`. Printing it, or showing it in
    Jupyter, tells.

    `count` is the exact number of paths; `paths` holds them all in the order of the graph, or the
    ones with the largest products, the largest first; `headline` is the sum in one line, `summary`
    says how to read it, and `notes` name the gates that no gradient passes. `factored` is the same
    from the output back, a line for each node between: its gradient from those of its users.
    """

    output: Value
    leaf: Value
    value: float
    count: int
    paths: tuple[Path, ...]
    headline: str
    summary: str
    notes: tuple[str, ...]
    factored: tuple[str, ...]
    _table: Callable[[bool], Table] = field(repr=False)

    def table(self, *, whole: bool = False) -> Table:
        """The backward pass edge by edge, as it goes: what each edge towards the leaf carries, and
        what the gradient below it becomes. With `whole`, all edges below the output.

        >>> from micrograd_plus import Value
        >>> a, b = Value(2.0, label="a"), Value(-3.0, label="b")
        >>> (a * b).explain(a).table()
        a × b → a: upstream 1 × local −3 = −3; a.grad 0 → −3
        """
        return self._table(whole)

    def __str__(self) -> str:
        lines = [self.headline, self.summary]
        for i, path in enumerate(self.paths, 1):
            lines += ["", f"{i}. {path.title}", *[f"   {step}" for step in path.steps]]
        if self.factored:
            lines += ["", f"{BACK}:", *[f"   {line}" for line in self.factored]]
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
        back = f"<p>{BACK}:</p><ul>{_items(self.factored)}</ul>" if self.factored else ""
        noted = f"<ul>{_items(self.notes)}</ul>" if self.notes else ""
        return (
            f'<div class="explanation"><p><strong>{escape(self.headline)}</strong></p>'
            f"<p>{escape(self.summary)}</p>{listed}{back}{noted}</div>"
        )

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/plain": str(self), "text/html": self.html()}

    def _mime_(self) -> tuple[str, str]:
        return richest(self._repr_mimebundle_())


BACK = "From the output back"


def _items(texts: Sequence[str]) -> str:
    return "".join(f"<li>{escape(text)}</li>" for text in texts)


def explain(
    e: Value,
    leaf: Value | str,
    *,
    names: Mapping[str, Any] | None = None,
    limit: int = 5,
    full: bool = False,
    digits: int | None = None,
) -> Explanation:
    """Tell how the gradient of `e` with respect to `leaf` comes about at the present values.

    `leaf` is a Value, or the name of one: its label or, where it carries none, its name in `names`,
    for instance `locals()`. Any node may stand for the leaf; `limit` is how many paths to list, and
    with `full` nothing of them is left out. `digits` after the point are those of the lecture; by
    default numbers have six that count. Backward need not have run.

    Raises TypeError when `e` is no Value or `leaf` neither a Value nor a name, and ValueError when
    no node or more than one is called so, when a leaf was edited since `e` was computed, when
    `limit` is less than 1, or when `digits` are not from 0 to 17.

    >>> a, b = Value(2.0, label="a"), Value(1.0, label="b")
    >>> print(explain((a + b) * (b + 1), b).headline)
    ∂((a + b) × (b + 1))/∂b = 2·1 + 3·1 = 5
    >>> explain(a * b, "b").value
    2.0
    """
    _require(e, leaf, limit, digits)
    order = nodes_below(e)
    require_fresh(order)
    if isinstance(leaf, str):
        leaf = called(leaf, order, names)
    say: Say = number if digits is None else partial(rounded, digits=digits)
    name = Names(order, names)
    edges, blocked = edges_above(leaf, order)
    count = count_paths(list(edges), lambda v: [s.operand for s in edges[v]], leaf).get(e, 0)
    gradients = adjoints(order, {e: 1.0})
    value = gradients.get(leaf, 0.0) if count else 0.0
    ways = largest_ways(edges, leaf, limit).get(e, [])
    if count <= limit:
        ways = sorted(ways, key=by_places(name.numbers))
    teller = _Teller(name, say, full)
    paths = tuple(
        [teller.path(way, leaf, in_full=full or count <= limit or way is ways[0]) for way in ways]
    )
    notes = tuple([blockage(v, operand, name, say) for v, operand in blocked[:limit]])
    backward = Backward(e, reached(edges, e) if count else {}, gradients, name, say)
    factored = backward.factored(full) if any(len(path.nodes) > 2 for path in paths) else []

    def table(whole: bool) -> Table:
        swept = reached({v: _edges_of(v) for v in order}, e) if whole else backward.edges
        return Backward(e, swept, gradients, name, say).table(full)

    return Explanation(
        e,
        leaf,
        value,
        count,
        paths,
        teller.headline(paths, count, value, ratio(name, e, leaf)),
        teller.summary(paths, count, value, (leaf, e), leaf in edges),
        notes,
        tuple(factored),
        table,
    )


def _require(e: object, leaf: object, limit: int, digits: object) -> None:
    kinds: tuple[type, ...]
    for v, role, kinds in ((e, "the output", (Value,)), (leaf, "the leaf", (Value, str))):
        if not isinstance(v, kinds):
            raise TypeError(
                f"explain(e, leaf) follows gradients between Values, but {role} is of type "
                f"{type(v).__name__}: {visible(repr(v), 60)}"
            )
    if limit < 1:
        raise ValueError(f"explain lists at least one path, so limit={limit} is too small")
    require_digits(digits)


def _edges_of(v: Value) -> list[Step]:
    """All edges that lead down from a node."""
    return [
        Step(v, place, local)
        for place, (operand, local) in enumerate(zip(v.operands, local_gradients(v)))
        if isinstance(operand, Value) and local is not None
    ]


@dataclass(frozen=True, eq=False)
class _Teller:
    """How paths are told: what nodes are called, how numbers are written, whether all is told."""

    name: Names
    say: Say
    full: bool

    def path(self, way: Way, leaf: Value, *, in_full: bool) -> Path:
        steps, product = steps_of(way), product_of(way)
        nodes = (leaf, *(step.gate for step in reversed(steps)))
        locals_ = tuple([step.local for step in reversed(steps)])
        factors = self._factors(steps)
        told = list(dict.fromkeys([factors, self.say(product)]))
        if 2 <= len(steps) < SHORT:
            ratios = "·".join([ratio(self.name, step.gate, step.operand) for step in steps])
            told = [ratios, *told] if len(ratios) <= LONGEST_RATIOS else told
        arrows = " → ".join(self._abbreviated(self._landmarks(nodes), self.name, ENDS_NAMED))
        title = f"{arrows}: {' = '.join(told)}"
        return Path(
            nodes,
            locals_,
            product,
            factors,
            title,
            tuple(self._sentences(steps)) if in_full else (),
            _symbol(steps),
        )

    def _landmarks(self, nodes: Sequence[Value]) -> Sequence[Value]:
        """The nodes, of a long path those alone that somebody named."""
        named = [v for v in nodes[1:-1] if self.name.given(v)]
        if self.full or len(nodes) <= SHORT or not named:
            return nodes
        return [nodes[0], *named, nodes[-1]]

    def _abbreviated(
        self, things: Sequence[Any], tell: Callable[[Any], str], ends: tuple[int, int]
    ) -> list[str]:
        if self.full:
            return [tell(thing) for thing in things]
        return abbreviated(things, tell, "…", ends)

    def _factors(self, steps: Sequence[Step]) -> str:
        """The product of the local gradients, in a long one those that are not 1."""
        locals_ = [step.local for step in steps]
        if len(locals_) > SHORT and not self.full:
            locals_ = [local for local in locals_ if local != 1.0]
        first, *others = self._abbreviated(locals_, self.say, ENDS) or ["1"]
        return "·".join([first, *map(bracketed, others)])

    def _sentences(self, steps: Sequence[Step]) -> list[str]:
        if self.full or len(steps) <= SHORT:
            return [passage(step, self.name, self.say) for step in steps]
        runs = [list(run) for _, run in groupby(steps, self._passes_on)]
        told = [run for run in runs if self._passes_on(run[0]) and len(run) > 1]
        folded = [
            piece for run in runs for piece in ([run] if run in told else [[step] for step in run])
        ]
        return abbreviated(folded, self._run, "… {} more gates …", ENDS_TOLD)

    def _passes_on(self, step: Step) -> bool:
        return step.local == 1.0 and step.gate.primitive.gate == "distributes"

    def _run(self, steps: Sequence[Step]) -> str:
        """A step, or several of × 1 in one sentence."""
        if len(steps) == 1:
            return passage(steps[0], self.name, self.say)
        gates = ", ".join(abbreviated(steps, lambda step: self.name(step.gate), "…", ENDS))
        return f"{gates}: {len(steps):,} steps hand the gradient on unchanged (× 1)"

    def headline(self, paths: Sequence[Path], count: int, value: float, left: str) -> str:
        """The gradient as a sum over the paths."""
        long = len(paths) > 1 and any(path.factors.count("·") > 2 * ENDS[0] + 1 for path in paths)
        terms = [self.say(path.product) if long else path.factors for path in paths]
        more = ["…"] * (count > len(paths))
        told = [_sum(terms, more), self.say(value)]
        symbols = [path.symbol for path in paths]
        if any(s.strip("−1") for s in symbols) and all(symbols) and not more:
            told = [_board_sum(symbols), _board_sum([self.say(p.product) for p in paths]), told[1]]
        return " = ".join(dict.fromkeys([left, *[text for text in told if text]]))

    def summary(
        self,
        paths: Sequence[Path],
        count: int,
        value: float,
        ends: tuple[Value, Value],
        depends: bool,
    ) -> str:
        """How to read the paths."""
        below, above = map(self.name, ends)
        if not count and not depends:
            reason = "it was not computed from it, so no path leads there."
            return f"{above} does not depend on {below}: {reason}"
        if ends[0] is ends[1]:
            return f"{above} is the output itself, so its gradient is 1."
        if not count:
            return f"No path is left from {below} to {above} at these values, so the gradient is 0."
        between = f"from {below} to {above}"
        if count == 1:
            return f"One path leads {between}; the gradient is the product of its local gradients."
        if count == len(paths):
            return (
                f"{_many(count)} paths lead {between}; the gradient is the sum of their products."
            )
        return f"{_many(count)} paths lead {between}; {self._rest(paths, count, value)}"

    def _rest(self, paths: Sequence[Path], count: int, value: float) -> str:
        listed = (
            f"the {len(paths)} largest products are" if len(paths) > 1 else "the largest product is"
        )
        products = [path.product for path in paths]
        rest = value - math.fsum(products) if all(map(math.isfinite, products)) else math.nan
        others = count - len(paths)
        are, add = ("are", "add") if others > 1 else ("is", "adds")
        more = f", and {add} up to {self.say(rest)}" if math.isfinite(rest) else ""
        return f"{listed} listed, {_many(others, 12)} more {are} not{more}."


def _symbol(steps: Sequence[Step]) -> str:
    """The product in the names of local gradients, where only ±1 is beside them: p, −1."""
    names = [name_of_rule(step) for step in steps]
    others = [step.local for step, name in zip(steps, names) if not name]
    if len(steps) > SHORT or any(abs(local) != 1.0 for local in others):
        return ""
    sign = "−" if math.prod(others) < 0 else ""
    return sign + ("·".join(filter(None, names)) or "1")


def _sum(terms: Sequence[str], more: Sequence[str]) -> str:
    return " + ".join([*terms[:1], *map(bracketed, terms[1:]), *more])


def _board_sum(terms: Sequence[str]) -> str:
    """p − 1: signs between the terms, the positive first."""
    first, *others = sorted(terms, key=lambda term: term.startswith("−"))
    return first + "".join(f" − {t[1:]}" if t.startswith("−") else f" + {t}" for t in others)


def _many(count: int, digits: int = MOST_DIGITS) -> str:
    return f"{count:,}" if count < 10**digits else f"about 10^{math.log10(count):,.0f}"
