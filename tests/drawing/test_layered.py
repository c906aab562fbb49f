"""The layout that needs no Graphviz: boxes and wires where a reader expects them,
whatever the graph and its direction.
"""

import math
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from micrograd_plus.drawing import layered

DIRECTIONS = ("LR", "RL", "TB", "BT")
every_direction = pytest.mark.parametrize("rankdir", DIRECTIONS)
LECTURE = [(106.0, 70.0)] * 5, [(0, 2), (1, 2), (1, 3), (2, 4), (3, 4)]
SQUARE = [(106.0, 70.0)] * 2, [(0, 1), (0, 1)]
REUSED = [(106.0, 70.0)] * 8, [edge for i in range(1, 8) for edge in ((i - 1, i), (0, i))]


@st.composite
def graphs(draw, most=24):
    """Sizes of boxes, and wires from smaller numbers to greater ones, parallel ones among them."""
    count = draw(st.integers(1, most))
    length = st.sampled_from((26.0, 40.0, 70.0, 106.0, 240.0))
    sizes = draw(st.lists(st.tuples(length, length), min_size=count, max_size=count))
    if count == 1:
        return sizes, []
    end = st.integers(0, count - 1)
    pairs = draw(st.lists(st.tuples(end, end).filter(lambda p: p[0] != p[1]), max_size=2 * count))
    return sizes, [(min(pair), max(pair)) for pair in pairs]


def every_graph(test):
    """For each direction, at random and at what has once been looked at."""
    for known in (LECTURE, SQUARE, REUSED, ([(26.0, 26.0)], [])):
        test = example(graph=known)(test)
    return every_direction(given(graph=graphs())(test))


def rectangles(sizes, found):
    return [
        (x - w / 2, y - h / 2, x + w / 2, y + h / 2) for (x, y), (w, h) in zip(found.centres, sizes)
    ]


def along(point, rankdir):
    """How far on its way from the leaves to the output a point is."""
    x, y = point
    return {"LR": x, "RL": -x, "TB": y, "BT": -y}[rankdir]


def walked(curve, steps=8):
    """Points on a curve."""
    for i in range(0, len(curve) - 3, 3):
        a, b, c, d = curve[i : i + 4]
        for k in range(steps + 1):
            t = k / steps
            shares = (1 - t) ** 3, 3 * (1 - t) ** 2 * t, 3 * (1 - t) * t**2, t**3
            yield tuple(
                math.fsum(share * point[axis] for share, point in zip(shares, (a, b, c, d)))
                for axis in (0, 1)
            )


@every_graph
def test_no_two_boxes_overlap_and_all_stand_in_the_picture(rankdir, graph):
    sizes, wires = graph
    found = layered.lay_out(sizes, wires, rankdir)
    boxes = rectangles(sizes, found)
    for i, (left, top, right, bottom) in enumerate(boxes):
        assert left >= -0.01
        assert top >= -0.01
        assert right <= found.width + 0.01
        assert bottom <= found.height + 0.01
        for other in boxes[:i]:
            assert right < other[0] or other[2] < left or bottom < other[1] or other[3] < top, (
                "boxes overlap"
            )


@every_graph
def test_a_wire_goes_forward_from_the_side_of_its_source_to_that_of_its_target(rankdir, graph):
    sizes, wires = graph
    found = layered.lay_out(sizes, wires, rankdir)
    axis = 0 if rankdir in ("LR", "RL") else 1
    for (source, target), curve in zip(wires, found.curves):
        assert len(curve) % 3 == 1
        ways = [along(point, rankdir) for point in walked(curve)]
        assert all(later >= earlier - 1e-9 for earlier, later in pairwise(ways))
        for box, end, sign in ((source, curve[0], 1), (target, curve[-1], -1)):
            centre, size = found.centres[box], sizes[box]
            assert along(end, rankdir) == pytest.approx(
                along(centre, rankdir) + sign * size[axis] / 2
            )
            assert abs(end[1 - axis] - centre[1 - axis]) < size[1 - axis] / 2


@every_graph
def test_a_wire_touches_no_box_but_its_own(rankdir, graph):
    sizes, wires = graph
    found = layered.lay_out(sizes, wires, rankdir)
    boxes = rectangles(sizes, found)
    for wire, curve in zip(wires, found.curves):
        for x, y in walked(curve):
            for i, (left, top, right, bottom) in enumerate(boxes):
                inside = left + 0.1 < x < right - 0.1 and top + 0.1 < y < bottom - 0.1
                assert not inside or i in wire, "a wire runs through a box"


@every_graph
def test_parallel_wires_are_apart(rankdir, graph):
    sizes, wires = graph
    found = layered.lay_out(sizes, wires, rankdir)
    axis = 0 if rankdir in ("TB", "BT") else 1
    counts = Counter(wires)
    for i, (wire, curve) in enumerate(zip(wires, found.curves)):
        if counts[wire] > 1:
            for other in range(i):
                if wires[other] == wire:
                    assert curve[0][axis] != found.curves[other][0][axis]
                    assert curve[-1][axis] != found.curves[other][-1][axis]


@given(graph=graphs())
def test_one_graph_has_one_layout_which_is_turned_for_the_other_directions(graph):
    sizes, wires = graph
    turned = [(h, w) for w, h in sizes]
    right = layered.lay_out(sizes, wires, "LR")
    assert layered.lay_out(list(sizes), list(wires), "LR") == right
    down = layered.lay_out(turned, wires, "TB")
    left, up = layered.lay_out(sizes, wires, "RL"), layered.lay_out(turned, wires, "BT")
    assert (down.height, down.width) == (right.width, right.height) == (up.height, up.width)
    for (x, y), mirrored, below, above in zip(
        *(found.centres for found in (right, left, down, up))
    ):
        assert mirrored == (right.width - x, y)
        assert below == (y, x)
        assert above == (y, right.width - x)
    assert [[(y, x) for x, y in curve] for curve in down.curves] == right.curves


@given(graph=graphs(12))
def test_more_room_between_the_ranks_moves_nothing_across_them(graph):
    sizes, wires = graph
    near, far = (layered.lay_out(sizes, wires, "LR", gap) for gap in (60.0, 120.0))
    assert [y for _, y in near.centres] == [y for _, y in far.centres]
    assert far.width >= near.width


@every_direction
def test_a_chain_is_straight(rankdir):
    found = layered.lay_out(
        [(40.0 + i, 70.0) for i in range(9)], [(i, i + 1) for i in range(8)], rankdir
    )
    axis = 1 if rankdir in ("LR", "RL") else 0
    assert len({round(c[axis], 6) for c in found.centres}) == 1
    assert all(
        round(point[axis], 6) == round(curve[0][axis], 6)
        for curve in found.curves
        for point in curve
    )


def test_a_tree_has_no_crossings_and_a_gate_stands_between_its_operands():
    leaves = 8
    sizes, wires, waiting = [(70.0, 70.0)] * (2 * leaves - 1), [], list(range(leaves))
    for gate in range(leaves, 2 * leaves - 1):
        wires += [(waiting.pop(0), gate), (waiting.pop(0), gate)]
        waiting.append(gate)
    found = layered.lay_out(sizes, wires)
    for gate in range(leaves, 2 * leaves - 1):
        first, second = (found.centres[o][1] for o, user in wires if user == gate)
        assert min(first, second) <= found.centres[gate][1] <= max(first, second)


def test_wires_that_need_not_cross_do_not():
    """Two chains that start from one leaf and meet in the end, told in an order that entangles."""
    wires = [(0, 1), (0, 2), (2, 3), (1, 4), (4, 5), (3, 6), (5, 7), (6, 7), (0, 7)]
    found = layered.lay_out([(70.0, 70.0)] * 8, wires)
    first, second = [0, 1, 4, 5], [0, 2, 3, 6]
    signs = {found.centres[a][1] < found.centres[b][1] for a, b in zip(first[1:], second[1:])}
    assert len(signs) == 1


def test_nothing_and_boxes_without_wires_have_a_layout():
    assert layered.lay_out([], []).centres == []
    found = layered.lay_out([(10.0, 10.0)] * 3, [])
    assert len({y for _, y in found.centres}) == 3
