"""A scene: a picture as data, for a player. Boxes and wires, where their numbers stand, and a
program that computes all these numbers from the leaves.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from xml.etree import ElementTree as ET

from ..chain_rule.naming import Names
from ..chain_rule.paths import Step
from ..chain_rule.rules import told
from ..drawing.arrangement import label_size, spots
from ..drawing.inside import computed, edges_of, is_whole, operands_of, owners, several
from ..drawing.layout import Point
from ..drawing.model import RULES, Box, Wire
from ..drawing.picture import Frames, Picture
from ..drawing.svg import begun, sheet_of, write_number
from ..drawing.texts import Texts
from ..engine import Value, local_gradients, nodes_below
from ..support.strict_json import exact
from .recording import Kind, Place, Recording, program_as_json, recorded

MOST_LEAVES = 60  # that can be moved though they are hidden
WIDEST_NUMBER = 160.0  # points, of a product on a wire
NARROWEST_NUMBER = 36.0
ARROW = 28.0  # of a wire, which stays in sight on both sides of its number
PAINTS = {"fill": "-f", "stroke": "-s"}  # what a style sheet paints, by the end of a class
COMMON = {"text-anchor": "middle", "font-size": "13"}  # of most texts
OF_WIRES = {"fill", "stroke-width"}
MEASURES = {"x", "y", "width", "height", "rx", "transform", "d", "points"}
TALL = 30.0  # and its two lines


@dataclass(frozen=True)
class Scene:
    """One level of detail of a graph: its picture, and what moves in it."""

    label: str
    picture: Picture

    @cached_property
    def frames(self) -> Frames:
        """The same passes as a picture has them."""
        return self.picture.frames()

    @property
    def size(self) -> Point:
        """The width and height of the picture, in points."""
        places = self.frames.places
        return places.right - places.left, places.layout.height

    @property
    def boxes(self) -> list[Box]:
        """The boxes of the picture, operands before their users."""
        return self.picture.model.boxes

    @cached_property
    def leaves(self) -> list[Box]:
        """What can be moved: the leaves that are shown and, where they are few, hidden ones."""
        shown = set(self.boxes)
        every = [box for box in self.nodes if box.kind == "leaf"]
        return [box for box in every if box in shown or len(every) <= MOST_LEAVES]

    @cached_property
    def nodes(self) -> Mapping[Box, Value | float]:
        """The graph of the boxes and of what they hide, as Values of its own."""
        nodes = computed(self.boxes)
        for box, node in nodes.items():
            if isinstance(node, Value):
                node.label = box.name
        return nodes

    @cached_property
    def root(self) -> Value | None:
        """The output in the graph of its own; None where that is too large to be looked at whole,
        so that nothing moves.
        """
        root = self.nodes[self.boxes[-1]]
        return root if isinstance(root, Value) and is_whole(owners(self.boxes)) else None

    @cached_property
    def namer(self) -> Names | None:
        """What sentences call nodes of the graph."""
        return None if self.root is None else Names(nodes_below(self.root), None)

    @cached_property
    def names(self) -> Mapping[Box, str]:
        """What sentences call the boxes: by name, or by what they compute."""
        return {box: self._named(box) for box in self.boxes}

    def _named(self, box: Box) -> str:
        node = self.nodes[box]
        if box.name or self.namer is None or box.kind not in ("gate", "leaf"):
            return box.title
        return self.namer(node)

    @cached_property
    def numbers(self) -> _Numbers:
        """The numbers of the picture, by their places among the outputs of the program."""
        return _Numbers(self)

    def as_json(self, leaves: Mapping[Box, int]) -> dict[str, Any]:
        """The scene as plain data; `leaves` are the numbers that the player gives to its leaves."""
        wires = [(wire, box) for box in self.boxes for wire in box.wires]
        places = {id(wire): i for i, (wire, _) in enumerate(wires)}
        index = {box: i for i, box in enumerate(self.boxes)}
        spotted = self._spotted()
        boxes = []
        for box, size in zip(self.boxes, self.frames.places.sizes):
            boxes.append(
                {
                    "name": self.names[box],
                    "kind": box.kind,
                    "made": self._made(box),
                    "rule": _rule(box),
                    "leaf": leaves.get(box),
                    "value": self.numbers.value(box),
                    "derivative": self.numbers.derivative(box),
                    "wires": [places[id(wire)] for wire in box.wires],
                    "spots": spotted.get(box, {}),
                    "width": round(size[0]),
                }
            )
        wired = []
        rooms = _rooms(self.frames)
        for (wire, box), (copy, _), room in zip(wires, self.frames.places.wires, rooms):
            wired.append(
                {
                    "source": index[wire.source],
                    "target": index[box],
                    **self.numbers.of_wire(wire, box),
                    "rule": self._wire_rule(wire, box),
                    "at": spotted.get(copy),
                    "room": room,
                    "count": wire.count,
                }
            )
        style, model = self.frames.texts.style, self.picture.model
        seed = index[model.seed]
        return {
            "label": self.label,
            "boxes": boxes,
            "wires": wired,
            "seed": seed,
            "style": {
                "mode": model.mode,
                "output": self.names[self.boxes[-1]],
                "wrt": self.names[self.boxes[seed]],
                "digits": style.digits,
                "locals": self.frames.texts.shows("locals"),
                "contributions": self.frames.texts.shows("contributions"),
            },
            **self.numbers.as_json(leaves),
        }

    def _made(self, box: Box) -> str:
        """How a gate is made, c = a + b, where that is not its name."""
        node = self.nodes.get(box)
        if box.kind != "gate" or not isinstance(node, Value) or self.namer is None:
            return ""
        made = self.namer.defined(node)
        return made if made != self.names[box] and len(made) <= 60 else ""

    def _wire_rule(self, wire: Wire, user: Box) -> str:
        """What the local gradient is in names: 1 − o², d; empty where it is but a number."""
        place = self.numbers.place_of(wire, user)
        node = self.nodes.get(user)
        if place is None or not isinstance(node, Value) or self.namer is None:
            return ""
        local = local_gradients(node)[place]
        if local is None or node.primitive.gate not in ("scales", "swaps"):
            return ""
        first, *rest = told(Step(node, place, local), self.namer)
        return first if rest and len(first) <= 40 else ""

    def svg(self, *, numbered: bool = True) -> str:
        """The picture after both passes; what a player writes anew are groups of class "number",
        or are left to it.
        """
        texts, places = self.frames.texts, self.frames.places
        texts = Texts(texts.model, texts.style, self.frames.moments[-1])
        drawing = begun(texts, places, "light")
        where = spots(texts, places)
        for spot, lines in texts.written().items():
            if numbered and spot in where:
                group = ET.SubElement(drawing.group(spot), "g", {"class": "number"})
                write_number(group, drawing.sheet, texts, spot, where[spot], lines)
        for i, box in enumerate(texts.model.boxes):
            drawing.boxes[box].set("data-box", str(i))
        for i, curve in enumerate(drawing.curves):
            curve.set("data-wire", str(i))
        for element in drawing.svg.iter():
            _lightened(element)
        drawing.svg.attrib.update(COMMON)
        return ET.tostring(drawing.svg, encoding="unicode")

    def _spotted(self) -> dict[Box | Wire, Any]:
        """Where numbers stand in the picture, by the boxes of the picture and the wires of its
        frames.
        """
        texts, places = self.frames.texts, self.frames.places
        x, y = sheet_of(texts, places, "light").origin
        centres = dict(zip(texts.model.boxes, places.layout.centres))
        originals = dict(zip(texts.model.boxes, self.boxes))
        written = texts.written()
        found: dict[Box | Wire, Any] = {}
        for spot, (across, down) in spots(texts, places).items():
            kind, thing = spot
            if isinstance(thing, Wire):
                if spot in written or kind == "label":
                    found[thing] = _rounded((x + across, y + down))
            elif spot in written:
                centre = centres[thing]
                at = _rounded((x + centre[0] + across, y + centre[1] + down))
                found.setdefault(originals[thing], {})[kind] = at
        return found


class _Numbers:
    """Which output of the recorded program each number of a scene is."""

    def __init__(self, scene: Scene) -> None:
        self._scene, self._boxes = scene, scene.boxes
        self._forward = scene.picture.model.mode == "forward"
        self._edges = edges_of(owners(scene.boxes))
        self._spans: dict[tuple[Box, Value], tuple[int, int]] = {}
        self._recording = None if scene.root is None else self._recorded(scene.root)
        self._outputs: dict[Place, int] = {}
        self._index: dict[Value, int] = {}
        if self._recording is not None:
            self._outputs = {place: i for i, place in enumerate(self._recording.places)}
            self._index = {v: i for i, v in enumerate(self._recording.nodes)}

    def _recorded(self, root: Value) -> Recording:
        scene = self._scene
        spans: list[tuple[Value, list[Value], list[Value]]] = []
        for box in self._boxes:
            node, inside = scene.nodes[box], self._inside(box)
            if inside and isinstance(node, Value):
                self._spans.update({(box, v): (len(spans), i) for i, v in enumerate(inside)})
                ends = [scene.nodes[wire.source] for wire in box.wires]
                spans.append((node, inside, [v for v in ends if isinstance(v, Value)]))
        leaves = [node for box in scene.leaves if isinstance(node := scene.nodes[box], Value)]
        below = set(nodes_below(root))
        source = scene.picture.model.source
        swept = None if source is None else scene.nodes[source]
        wrt = swept if isinstance(swept, Value) else None
        return recorded(root, [v for v in leaves if v in below], wrt, spans)

    def _inside(self, box: Box) -> list[Value]:
        """The gates inside a closed box that its wires lead to."""
        found = []
        for wire in box.wires:
            if self.place_of(wire, box) is None and (wire.local is not None or self._forward):
                found += [inner for inner, _ in self._edges_of(wire, box) if inner is not box]
        nodes = [self._scene.nodes[inner] for inner in dict.fromkeys(found)]
        return [node for node in nodes if isinstance(node, Value)]

    def _edges_of(self, wire: Wire, user: Box) -> list[tuple[Box, int]]:
        """The edges of the graph that a wire into a closed box stands for."""
        edges = self._edges.get((wire.source, user), [])
        alike = [other for other in user.wires if other.source is wire.source]
        if len(alike) == len(edges):
            place = next(i for i, other in enumerate(alike) if other is wire)
            return edges[place : place + 1]
        return edges

    def place_of(self, wire: Wire, user: Box) -> int | None:
        """The place of a wire's source among the operands of a gate; None where a closed box is
        between.
        """
        if user.kind != "gate":
            return None
        operands, place = operands_of(user), -1
        for other in user.wires:
            later = range(place + 1, len(operands))
            place = next((i for i in later if operands[i] is other.source), len(operands))
            if other is wire:
                return place if place < len(operands) else None
        return None

    def _of(self, kind: Kind, box: Box, operand: int | None = None) -> int | None:
        node = self._scene.nodes.get(box)
        if not isinstance(node, Value) or node not in self._index:
            return None
        return self._outputs.get(Place(kind, self._index[node], operand))

    def value(self, box: Box) -> int | None:
        """The output that is the value of a box."""
        return None if box.kind in ("layer", "cut") else self._of("values", box)

    def derivative(self, box: Box) -> int | None:
        """The output that is its gradient or, swept forward, its tangent."""
        if box.kind in ("layer", "cut", "constant"):
            return None
        return self._of("tangents" if self._forward else "gradients", box)

    def of_wire(self, wire: Wire, user: Box) -> dict[str, Any]:
        """The outputs that a wire's numbers are: its local gradient, and the sum of products that
        it carries.
        """
        place = self.place_of(wire, user)
        routes = user.kind == "gate" and user.row is not None and user.row.gate == "routes"
        if place is not None:
            carried = self._of("pushed" if self._forward else "contributions", user, place)
            local = self._of("locals", user, place)
            return {
                "local": None if local is None else [[local]],
                "carried": None if carried is None else [[carried]],
                "routes": routes,
            }
        edges = self._edges_of(wire, user)
        found = None if wire.local is None or several(wire, user) else self._across(user, edges)
        return {"local": found, "carried": self._together(user, edges), "routes": False}

    def _across(
        self, user: Box, edges: Sequence[tuple[Box, int]], kind: Kind = "locals"
    ) -> list[list[int]] | None:
        """The derivative of a closed box along edges that go into it: from where each leads, times
        the local gradient there, or what it pushes.
        """
        products = []
        for inner, place in edges:
            output = self._of(kind, inner, place)
            node = self._scene.nodes[inner]
            span = self._spans.get((user, node)) if isinstance(node, Value) else None
            if output is not None and inner is user:
                products.append([output])
            elif output is not None and span is not None:
                products.append([self._outputs[Place("spans", *span)], output])
        return products or None

    def _together(self, user: Box, edges: Sequence[tuple[Box, int]]) -> list[list[int]] | None:
        """What the edges that a wire stands for carry."""
        if self._forward and user.kind != "layer":
            return self._across(user, edges, "pushed")
        kind: Kind = "pushed" if self._forward else "contributions"
        found = [self._of(kind, inner, place) for inner, place in edges]
        return [[output] for output in found if output is not None] or None

    def as_json(self, leaves: Mapping[Box, int]) -> dict[str, Any]:
        """The program, with Python's own numbers, and which of the player's leaves it takes."""
        recording = self._recording
        if recording is None:
            return {"program": None, "missing": [], "numbers": [], "inputs": []}
        program = None if recording.program is None else program_as_json(recording.program)
        taken = {self._scene.nodes[box]: leaves[box] for box in self._scene.leaves}
        return {
            "program": program,
            "missing": list(recording.missing),
            "numbers": [exact(x) for x in recording.numbers],
            "inputs": [taken[v] for v in recording.leaves],
        }


def _rule(box: Box) -> str:
    """What a gate does to gradients, as a sentence."""
    if box.kind != "gate":
        return box.note
    return f"{box.primitive.name} {RULES[box.primitive.gate]}"


def _lightened(element: ET.Element) -> None:
    """Without what the page's style sheet, its script and the attributes of the whole say."""
    for title in element.findall("title"):  # the player tells of what is pointed at
        element.remove(title)
    painted = element.get("class", "").split()
    is_wire = "mgp-wire-s" in painted
    for name, text in list(element.items()):
        if name in MEASURES:
            element.set(name, re.sub(r"(?<=\d)\.0\b", "", text))
        ending = PAINTS.get(name, " ")
        is_styled = any(one.endswith(ending) for one in painted) or (is_wire and name in OF_WIRES)
        if is_styled or COMMON.get(name) == text or name == "xml:space":
            element.attrib.pop(name)


def _rooms(frames: Frames) -> list[int]:
    """How wide the number on each wire may become: up to the next box, or half the way to the next
    number.
    """
    places = frames.places
    taken = [
        (x, y, width / 2, height / 2)
        for (x, y), (width, height) in zip(places.layout.centres, places.sizes)
    ]
    found = []
    for i, ((wire, user), at) in enumerate(zip(places.wires, places.labels)):
        others = [other for k, other in enumerate(places.labels) if other and k != i]
        free = [WIDEST_NUMBER / 2]
        if at is not None:
            free += [abs(x - at[0]) - w for x, y, w, h in taken if abs(y - at[1]) < h + TALL / 2]
            free += [abs(x - at[0]) / 2 for x, y in others if abs(y - at[1]) < TALL]
        now = label_size(frames.texts, wire, user) or (0.0, 0.0)
        found.append(round(max(2 * min(free) - ARROW, now[0] - 6, NARROWEST_NUMBER)))
    return found


def _rounded(at: Point) -> list[float]:
    return [round(at[0], 1), round(at[1], 1)]


def scenes(pictures: Sequence[tuple[str, Picture]]) -> list[Scene]:
    """The scenes of pictures of one graph at several levels of detail, each level once."""
    found: list[Scene] = []
    for label, picture in pictures:
        shown = [(box.kind, box.title) for box in picture.model.boxes]
        if all([(b.kind, b.title) for b in scene.boxes] != shown for scene in found):
            found.append(Scene(label, picture))
    return found
