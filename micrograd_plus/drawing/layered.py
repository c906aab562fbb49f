"""Where the boxes stand when no Graphviz is at hand: a small layered layout of our own.

The method is Sugiyama's: a rank for every box, a joint in every rank that a long wire passes, an
order in each rank with few crossings (barycentres), then places that keep wires straight. All is
done for a picture from left to right, `along` the ranks and `across` them, and turned at the end.
It knows sizes and wires, nothing of what a box shows.

K. Sugiyama, S. Tagawa, M. Toda: Methods for visual understanding of hierarchical system
structures, IEEE Transactions on Systems, Man, and Cybernetics 11 (1981).
"""

from __future__ import annotations

import math
from bisect import bisect_right, insort
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

from .layout import Layout, Point, Rankdir, effort

# effort up to which it answers: boxes, and the columns that wires pass. That is 80 boxes of most
# graphs and more of some, and at most four tenths of a second
LARGEST = 1000

SWEEPS = 12  # over the ranks, for their order, and as many for their places
PATIENCE = 4  # sweeps that may bring nothing before the search for fewer crossings ends
APART = 23.0  # points between two boxes of a rank
BESIDE = 14.0  # between a wire that passes a rank and what is beside it
PORT = 13.0  # between two wires where they meet a box
SIDE = 0.6  # the share of a box's side where wires may meet it
AIM = 0.28  # how far from its middle they do, as a share of how far away they come from
BEND = 0.5  # the share of a bend's length that each of its handles takes
# how much it matters that a wire is straight between two boxes, a box and a joint, two joints
STRAIGHT = (1.0, 1.5, 64.0)

Ranks = list[list[int]]
Neighbours = list[list[int]]


def lay_out(
    sizes: Sequence[Point],
    wires: Sequence[tuple[int, int]],
    rankdir: Rankdir = "LR",
    gap: float = 60.0,
    across: float = APART,
) -> Layout | None:
    """Places for boxes of the given sizes and curves for the wires between their numbers, source
    first and the smaller, as `layout.lay_out` gives them; None where that is an effort above
    LARGEST.
    """
    operands: list[list[int]] = [[] for _ in sizes]
    for source, target in wires:
        operands[target].append(source)
    work = effort(operands)
    if work > LARGEST:
        return None
    flat = rankdir in ("LR", "RL")
    turned = [(w, h) if flat else (h, w) for w, h in sizes]  # along, across
    rank = _ranks(len(sizes), wires)
    chains = _chains(rank, wires)
    graph = _Graph(turned, rank, chains, across)
    places = _places(graph, _ordered(graph), chains)
    columns = _columns(graph, gap)
    curves = _curves(graph, places, columns, chains)
    length = max((right for _, right in columns), default=0.0)
    breadth = max((places[i] + graph.breadth[i] / 2 for i in range(len(rank))), default=0.0)

    def turn(point: Point) -> Point:
        along, across = point
        if rankdir in ("RL", "BT"):
            along = length - along
        return (along, across) if flat else (across, along)

    centres = [turn((sum(columns[rank[i]]) / 2, places[i])) for i in range(len(sizes))]
    width, height = (length, breadth) if flat else (breadth, length)
    return Layout(width, height, centres, [list(map(turn, curve)) for curve in curves], work)


class _Graph:
    """Boxes and the joints of wires, all numbered: in which rank they are, how much room they take,
    and what comes before and after them.
    """

    def __init__(
        self,
        sizes: Sequence[Point],
        rank: list[int],
        chains: Sequence[Sequence[int]],
        apart: float,
    ) -> None:
        self.boxes, self.apart = len(sizes), apart
        self.rank = rank
        self.length = [along for along, _ in sizes] + [0.0] * (len(rank) - len(sizes))
        self.breadth = [across for _, across in sizes] + [0.0] * (len(rank) - len(sizes))
        self.before: Neighbours = [[] for _ in rank]
        self.after: Neighbours = [[] for _ in rank]
        for chain in chains:
            for source, target in pairwise(chain):
                self.before[target].append(source)
                self.after[source].append(target)

    def is_joint(self, node: int) -> bool:
        """Whether it is a place where a wire passes a rank, not a box."""
        return node >= self.boxes

    def room(self, node: int, other: int) -> float:
        """How far the middles of two neighbours in a rank must be apart."""
        beside_a_wire = self.is_joint(node) or self.is_joint(other)
        apart = min(BESIDE, self.apart) if beside_a_wire else self.apart
        return (self.breadth[node] + self.breadth[other]) / 2 + apart

    def weight(self, node: int, other: int) -> float:
        """How much it matters that the wire between them is straight."""
        return STRAIGHT[self.is_joint(node) + self.is_joint(other)]


def _ranks(count: int, wires: Sequence[tuple[int, int]]) -> list[int]:
    """A rank for each box, behind all that it is wired from, so that wires are short."""
    before: Neighbours = [[] for _ in range(count)]
    after: Neighbours = [[] for _ in range(count)]
    for source, target in wires:
        before[target].append(source)
        after[source].append(target)
    rank = [0] * count
    for i in range(count):
        rank[i] = 1 + max([rank[o] for o in before[i]], default=-1)
    # a box goes on to its users where that makes wires shorter, since operands that have no other
    # user come along; or no longer, if there is one
    for i in reversed(range(count)):
        held = sum(len(set(after[o])) > 1 for o in before[i])
        if after[i] and len(after[i]) >= held + (held == len(before[i])):
            rank[i] = min(rank[user] for user in after[i]) - 1
    for _ in range(SWEEPS):
        moved = False
        for i in range(count):
            first = 1 + max([rank[o] for o in before[i]], default=-1)
            last = min([rank[user] for user in after[i]], default=first + 1) - 1
            better = last if len(after[i]) > len(before[i]) else first
            if better != rank[i] and len(after[i]) != len(before[i]):
                rank[i], moved = better, True
        if not moved:
            break
    least = min(rank, default=0)
    return [r - least for r in rank]


def _chains(rank: list[int], wires: Sequence[tuple[int, int]]) -> list[list[int]]:
    """Each wire as its source, a joint for every rank that it passes, and its target;
    the joints get numbers, and their ranks are put behind those of the boxes.
    """
    chains = []
    for source, target in wires:
        passed = range(rank[source] + 1, rank[target])
        joints = range(len(rank), len(rank) + len(passed))
        rank.extend(passed)
        chains.append([source, *joints, target])
    return chains


def _ordered(graph: _Graph) -> Ranks:
    """The nodes of each rank in an order that lets few wires cross."""
    best = _as_met(graph)
    least = _crossings(graph, best)
    ranks, waited = [list(nodes) for nodes in best], 0
    for sweep in range(SWEEPS):
        if not least or waited == PATIENCE:
            break
        forward = sweep % 2 == 0
        neighbours = graph.before if forward else graph.after
        _by_barycentres(ranks, neighbours, forward, turned=sweep % 4 >= 2)
        _swapped(graph, ranks)
        crossings = _crossings(graph, ranks)
        waited += 1
        if crossings < least:
            best, least, waited = [list(nodes) for nodes in ranks], crossings, 0
    return best


def _as_met(graph: _Graph) -> Ranks:
    """The nodes of each rank as one meets them on the way from the outputs to the leaves,
    every operand with all that is before it, then the next.
    """
    ranks: Ranks = [[] for _ in range(max(graph.rank, default=-1) + 1)]
    met: set[int] = set()
    waiting = [i for i in range(graph.boxes) if not graph.after[i]]
    while waiting:
        node = waiting.pop()
        if node not in met:
            met.add(node)
            ranks[graph.rank[node]].append(node)
            waiting += reversed(graph.before[node])
    return ranks


def _by_barycentres(ranks: Ranks, neighbours: Neighbours, forward: bool, turned: bool) -> None:
    """Each rank in turn ordered by where the neighbours of its nodes stand, on the average;
    who has none keeps its place. Nodes of one average stay in their order, or are turned round.
    """
    for i in range(1, len(ranks)) if forward else reversed(range(len(ranks) - 1)):
        position = _positions(ranks[i - 1 if forward else i + 1])
        centre = {
            node: sum(position[n] for n in neighbours[node]) / len(neighbours[node])
            for node in ranks[i]
            if neighbours[node]
        }
        nodes = reversed(centre) if turned else iter(centre)
        moving = iter(sorted(nodes, key=centre.__getitem__))
        ranks[i] = [next(moving) if node in centre else node for node in ranks[i]]


def _swapped(graph: _Graph, ranks: Ranks) -> None:
    """Neighbours in a rank change places as long as that takes away crossings."""
    positions = [_positions(nodes) for nodes in ranks]
    for _ in range(SWEEPS):
        swapped = False
        for i, nodes in enumerate(ranks):
            sides = []
            if i:
                sides.append((graph.before, positions[i - 1]))
            if i + 1 < len(ranks):
                sides.append((graph.after, positions[i + 1]))
            seen = {
                node: [sorted(position[n] for n in side[node]) for side, position in sides]
                for node in nodes
            }
            for k in range(len(nodes) - 1):
                a, b = nodes[k], nodes[k + 1]
                if sum(map(_gain, seen[a], seen[b])) > 0:
                    nodes[k], nodes[k + 1], swapped = b, a, True
            positions[i] = _positions(nodes)
        if not swapped:
            break


def _gain(upper: Sequence[int], lower: Sequence[int]) -> int:
    """How many crossings fewer there are when two neighbours change places, from the sorted
    positions of those that they are wired with.
    """
    return sum((a > b) - (a < b) for a in upper for b in lower)


def _crossings(graph: _Graph, ranks: Ranks) -> int:
    """How often wires cross between neighbouring ranks."""
    crossings = 0
    for nodes, following in pairwise(ranks):
        position = _positions(following)
        ends: list[int] = []
        for node in nodes:
            targets = sorted(position[n] for n in graph.after[node])
            crossings += sum(len(ends) - bisect_right(ends, target) for target in targets)
            for target in targets:
                insort(ends, target)
    return crossings


def _positions(nodes: Iterable[int]) -> dict[int, int]:
    return {node: k for k, node in enumerate(nodes)}


def _places(graph: _Graph, ranks: Ranks, chains: Sequence[Sequence[int]]) -> list[float]:
    """How far across each node stands: nearly straight before or behind its neighbours, beside the
    others of its rank.
    """
    places = [0.0] * len(graph.rank)
    rooms = [[graph.room(a, b) for a, b in pairwise(nodes)] for nodes in ranks]
    both = [a + b for a, b in zip(graph.before, graph.after)]
    for nodes, room in zip(ranks, rooms):
        _put(nodes, _spread([0.0] * len(nodes), room, [1.0] * len(nodes)), places)
    best, least = list(places), _bends(graph, places)
    for sweep in range(2 * SWEEPS):
        forward = sweep % 2 == 0
        # first from one side, so that news travels far, then balanced between both
        one_sided = graph.before if forward else graph.after
        neighbours = one_sided if sweep < SWEEPS else both
        order = range(len(ranks)) if forward else reversed(range(len(ranks)))
        for i in order:
            nodes = ranks[i]
            pulls = [_pull(graph, node, neighbours[node] or both[node], places) for node in nodes]
            wanted, weights = [at for at, _ in pulls], [weight for _, weight in pulls]
            _put(nodes, _spread(wanted, rooms[i], weights), places)
        bends = _bends(graph, places)
        if bends < least:
            best, least = list(places), bends
    _level(graph, ranks, chains, best)
    top = min((best[i] - graph.breadth[i] / 2 for i in range(len(best))), default=0.0)
    return [place - top for place in best]


def _level(
    graph: _Graph, ranks: Ranks, chains: Sequence[Sequence[int]], places: list[float]
) -> None:
    """Each wire's joints in one line, where there is room; in line with an end of it, if it may be,
    that with the shorter way.
    """
    ahead = {b: a for nodes in ranks for a, b in pairwise(nodes)}
    behind = {a: b for nodes in ranks for a, b in pairwise(nodes)}
    for chain in chains:
        source, *joints, target = chain
        if not joints:
            continue
        least = max(
            [places[ahead[j]] + graph.room(ahead[j], j) for j in joints if j in ahead],
            default=-math.inf,
        )
        most = min(
            [places[behind[j]] - graph.room(j, behind[j]) for j in joints if j in behind],
            default=math.inf,
        )
        if least <= most:
            middle = sum(places[j] for j in joints) / len(joints)
            ends = [places[end] for end in (source, target) if least <= places[end] <= most]
            nearest = min(ends, key=lambda end: abs(end - middle), default=middle)
            line = max(least, min(most, nearest))
            _put(joints, [line] * len(joints), places)


def _pull(
    graph: _Graph, node: int, neighbours: Sequence[int], places: Sequence[float]
) -> tuple[float, float]:
    """Where its neighbours want a node to be, and how much: where the wires to them are shortest
    (the weighted median), and if that is so on a whole stretch, nearest to their mean.
    """
    pulls = sorted((places[n], graph.weight(node, n)) for n in neighbours)
    total = sum(weight for _, weight in pulls)
    if not total:
        return places[node], 1.0
    passed, first, last = 0.0, -math.inf, math.inf
    for place, weight in pulls:
        if passed < total / 2:
            first = place
        passed += weight
        if passed > total / 2:
            last = place
            break
    mean = sum(place * weight for place, weight in pulls) / total
    return max(first, min(last, mean)), total


def _put(nodes: Iterable[int], at: Iterable[float], places: list[float]) -> None:
    for node, place in zip(nodes, at):
        places[node] = place


def _bends(graph: _Graph, places: Sequence[float]) -> tuple[float, float]:
    """How far wires are from straight, all in all; and where that is the same, how uneven, so that
    a gate stands in the middle between its operands.
    """
    ways = [
        (graph.weight(i, j), abs(places[i] - places[j]))
        for i, after in enumerate(graph.after)
        for j in after
    ]
    return round(sum(w * way for w, way in ways)), sum(w * way * way for w, way in ways)


def _spread(
    wanted: Sequence[float], rooms: Sequence[float], weights: Sequence[float]
) -> list[float]:
    """Places in the given order, at least so far from one to the next, as near as can be (least
    squares) to where each is wanted: pool adjacent violators.
    """
    pools: list[tuple[float, float, int]] = []  # place, weight, how many
    offset, offsets = 0.0, []
    for i, place in enumerate(wanted):
        offset += rooms[i - 1] if i else 0.0
        offsets.append(offset)
        pool = place - offset, weights[i], 1
        while pools and pools[-1][0] > pool[0]:
            (a, v, n), (b, w, m) = pools.pop(), pool
            pool = (v * a + w * b) / (v + w), v + w, n + m
        pools.append(pool)
    pooled = [place for place, _, many in pools for _ in range(many)]
    return [place + offset for place, offset in zip(pooled, offsets)]


def _columns(graph: _Graph, gap: float) -> list[Point]:
    """From where to where along each rank reaches."""
    lengths = [0.0] * (max(graph.rank, default=-1) + 1)
    for length, rank in zip(graph.length, graph.rank):
        lengths[rank] = max(lengths[rank], length)
    columns, end = [], -gap
    for length in lengths:
        columns.append((end + gap, end + gap + length))
        end += gap + length
    return columns


def _curves(
    graph: _Graph,
    places: Sequence[float],
    columns: Sequence[Point],
    chains: Sequence[Sequence[int]],
) -> list[list[Point]]:
    """A smooth curve for each wire: straight from box to box where nothing is between, level past
    the boxes of a rank.
    """
    leaving = _ports(graph, places, chains, lambda chain: (chain[0], chain[1]))
    coming = _ports(graph, places, chains, lambda chain: (chain[-1], chain[-2]))
    curves = []
    for chain, out, into in zip(chains, leaving, coming):
        points = [(_side(graph, columns, chain[0], 1), out)]
        for joint in chain[1:-1]:
            points += [(edge, places[joint]) for edge in columns[graph.rank[joint]]]
        points.append((_side(graph, columns, chain[-1], -1), into))
        _keep_clear(points, columns[graph.rank[chain[0]]][1], columns[graph.rank[chain[-1]]][0])
        curves.append(_curve(points))
    return curves


def _side(graph: _Graph, columns: Sequence[Point], box: int, sign: int) -> float:
    """How far along the rear (1) or front (-1) of a box is."""
    return sum(columns[graph.rank[box]]) / 2 + sign * graph.length[box] / 2


def _keep_clear(points: list[Point], start: float, end: float) -> None:
    """Where a wire would run into a longer box beside its own, it first goes level until it is past
    it; its rank ends at `start`, and that of its target begins at `end`.
    """
    (along, across), (following, level) = points[:2]
    if abs(level - across) * (start - along) > APART / 3 * (following - along):
        points.insert(1, (start, across))
    (following, level), (along, across) = points[-2:]
    if abs(level - across) * (along - end) > APART / 3 * (along - following):
        points.insert(-1, (end, across))


def _curve(points: Sequence[Point]) -> list[Point]:
    """Through all points, level at each, as one chain of Béziers; but a wire leaves its first point
    straight towards the next, and comes into its last straight from the one before.
    """
    curve = [points[0]]
    for k, (here, there) in enumerate(pairwise(points)):
        along, rise = (there[0] - here[0]) * BEND, (there[1] - here[1]) * BEND
        curve += [
            (here[0] + along, here[1] + (rise if k == 0 else 0.0)),
            (there[0] - along, there[1] - (rise if k == len(points) - 2 else 0.0)),
            there,
        ]
    return curve


def _ports(
    graph: _Graph,
    places: Sequence[float],
    chains: Sequence[Sequence[int]],
    end: Callable[[Sequence[int]], tuple[int, int]],
) -> list[float]:
    """Where each wire meets the box at its end: on the way to where it goes, beside the others."""
    meeting: dict[int, list[tuple[float, int]]] = {}
    for k, chain in enumerate(chains):
        box, other = end(chain)
        meeting.setdefault(box, []).append((places[other], k))
    ports = [0.0] * len(chains)
    for box, met in meeting.items():
        met.sort()
        reach = SIDE * graph.breadth[box] / 2
        room = min(PORT, 2 * reach / (len(met) - 1)) if len(met) > 1 else 0.0
        wanted = [AIM * (place - places[box]) for place, _ in met]
        spread = _spread(wanted, [room] * (len(met) - 1), [1.0] * len(met))
        for i, ((_, k), at) in enumerate(zip(met, spread)):
            first, last = room * i - reach, reach - room * (len(met) - 1 - i)
            ports[k] = places[box] + max(first, min(last, at))
    return ports
