"""What is written where in a picture: pieces of text, each with the name of its colour.

Every form reads these, and the arrangement reckons with them how much room they take.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

from ..support.text import shortened
from .model import Box, Model, Wire
from .style import Part, Style

Pieces = list[tuple[str, str]]  # texts that follow one another, each with the name of its colour
Lines = list[Pieces]
Spot = tuple[Literal["value", "derivative", "label"], Box | Wire]

ONE_LINE = 12  # characters of numbers that one line on a wire takes
ADDED = 3  # contributions up to which their sum is spelled out
NEAR = 1e-9  # relative: a sum that is further from a gradient is not its sum


@dataclass(frozen=True)
class Moment:
    """What has been computed at one moment: values, derivatives so far, and what wires carried."""

    values: frozenset[Box]
    derivatives: dict[Box, float]
    carried: frozenset[Wire]
    sentence: str = ""  # what has just happened


@dataclass(frozen=True)
class Texts:
    """The texts of a model in a style, as it stands or at a moment."""

    model: Model
    style: Style
    moment: Moment | None = None

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        """What is shown."""
        return self.style.parts(sum(len(box.wires) for box in self.model.boxes))

    def shows(self, part: Part) -> bool:
        """Whether a part is shown."""
        return part in self.parts

    @property
    def may_say_less(self) -> bool:
        """Whether contributions are shown that nobody asked for."""
        return self.style.show is None and self.shows("contributions")

    def number(self, x: float) -> str:
        """A number as it stands everywhere in the picture."""
        return self.style.number(x)

    def rows(self, box: Box) -> int:
        """How many lines a box has: its title, and those of its numbers that are shown."""
        return 1 + self.shows("values") + self.shows("gradients")

    def constant(self, box: Box) -> str:
        """A constant or a cut, in its only line."""
        return self.number(box.value) if box.kind == "constant" else box.symbol

    def value(self, box: Box) -> Pieces:
        """The value, with a question mark when it is older than a leaf."""
        if self.moment is not None and box not in self.moment.values:
            return []
        if box.stale:
            return [(f"{self.number(box.value)} ?", "muted")]
        return [(self.number(box.value), "value")]

    def derivative(self, box: Box) -> Pieces:
        """The derivative, or how it is the sum of what came along several wires."""
        found = self._derivative(box)
        if found is None:
            return [("∂ ·", "muted")]
        # it was the slope of a function at another point
        if self.model.stale:
            return [(f"∂ {self.number(found)} ?", "muted")]
        terms = self._terms(box)
        if len(terms) > 1:
            return [(f"∂ {self._sum(terms)} = {self.number(found)}", "slope")]
        return [(f"∂ {self.number(found)}", "slope")]

    def _derivative(self, box: Box) -> float | None:
        return box.derivative if self.moment is None else self.moment.derivatives.get(box)

    def label(self, wire: Wire, user: Box) -> Lines:
        """What stands on a wire: the local gradient, what it carries, or how one makes the
        other; in two lines where one would be long.
        """
        if wire.count != 1 or wire.source.is_several or user.is_several:
            return []
        if self.moment is not None and user not in self.moment.values:
            return []
        local = "0" if wire.local is None else self.number(wire.local)
        carried = self._carried(wire, user) if self.shows("contributions") else None
        if carried is None:
            return [[(local, "local")]] if self.shows("locals") else []
        if not self.shows("locals"):
            return [[(self.number(carried), "slope")]]
        other = wire.source.derivative if self.model.mode == "forward" else user.derivative
        factor = _in_product(self.number(other or 0.0))
        product = [(local, "local"), (f" · {factor}", "slope")]
        result = f"= {self.number(carried)}"
        if len(local + factor + result) > ONE_LINE:
            return [product, [(result, "slope")]]
        return [[*product, (f" {result}", "slope")]]

    def _carried(self, wire: Wire, user: Box) -> float | None:
        if self.model.gathered or self.model.stale:
            return None
        if self.moment is not None and wire not in self.moment.carried:
            return None
        return self.model.contribution(wire, user)

    @cached_property
    def _meeting(self) -> dict[Box, list[tuple[Wire, Box]]]:
        """The wires whose contributions meet in a box: those to its users, or swept forward its
        own.
        """
        found: dict[Box, list[tuple[Wire, Box]]] = {}
        for user in self.model.boxes:
            for wire in user.wires:
                if wire.source.kind != "constant":
                    met = user if self.model.mode == "forward" else wire.source
                    found.setdefault(met, []).append((wire, user))
        return found

    def _terms(self, box: Box) -> list[float]:
        """The contributions that make up the derivative of a box, where they can be spelled out."""
        if not self.shows("contributions"):
            return []
        carried = [self._carried(wire, user) for wire, user in self._meeting.get(box, [])]
        terms = [c for c in carried if c is not None]
        whole = len(terms) == len(carried) or self.moment is not None
        found = self._derivative(box)
        if not whole or len(terms) > ADDED or found is None:
            return []
        near = abs(sum(terms) - found) <= NEAR * max(1.0, *map(abs, terms), abs(found))
        return terms if near else []

    def _sum(self, terms: Sequence[float]) -> str:
        first, *more = [self.number(term) for term in terms]
        return first + "".join(f" − {t[1:]}" if t.startswith("−") else f" + {t}" for t in more)

    @cached_property
    def _users(self) -> dict[Wire, Box]:
        return {wire: box for box in self.model.boxes for wire in box.wires}

    def user_of(self, wire: Wire) -> Box:
        """The box that a wire goes into."""
        return self._users[wire]

    def title(self, box: Box) -> str:
        """The name of a box as it is written."""
        return shortened(box.name)

    def written(self) -> dict[Spot, Lines]:
        """All numbers that are shown, by where they stand: in a box, or on a wire."""
        found: dict[Spot, Lines] = {}
        for box in self.model.boxes:
            if box.kind not in ("constant", "cut", "layer"):
                if self.shows("values"):
                    found["value", box] = [self.value(box)]
                if self.shows("gradients"):
                    found["derivative", box] = [self.derivative(box)]
            for wire in box.wires:
                found["label", wire] = self.label(wire, box)
        return {spot: lines for spot, lines in found.items() if any(lines)}


def plain(pieces: Pieces) -> str:
    """The text alone."""
    return "".join(text for text, _ in pieces)


def _in_product(factor: str) -> str:
    return f"({factor})" if factor.startswith("−") else factor


Change = tuple[Spot, int, int | None, Lines]


def changes(texts: Texts, moments: Sequence[Moment]) -> list[Change]:
    """Every text with the moments at which it stands there first, and no longer (None: to the end).

    Without moments all stand there from the first.
    """
    if not moments:
        return [(spot, 0, None, lines) for spot, lines in texts.written().items()]
    found: list[Change] = []
    open_since: dict[Spot, tuple[int, Lines]] = {}
    for i, moment in enumerate(moments):
        written = replace(texts, moment=moment).written()
        for spot in {**open_since, **written}:
            lines, (since, before) = written.get(spot, []), open_since.get(spot, (i, []))
            if lines != before:
                if before:
                    found.append((spot, since, i, before))
                open_since[spot] = i, lines
    return found + [(spot, since, None, lines) for spot, (since, lines) in open_since.items()]
