"""Every graph gets its picture in time: what is hard to lay out is cut first,
and can be stopped while it is laid out.
"""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time

import pytest
from shapes import SHAPES

from micrograd_plus import Value, draw
from micrograd_plus.drawing import layout, levels, picture, process
from micrograd_plus.drawing.style import LABELLED

every_shape = pytest.mark.parametrize("shape", SHAPES)


@pytest.fixture
def layouts(monkeypatch):
    """What Graphviz was asked, as (where, source); those asked
    of a child are all taken for too slow.
    """
    asked = []

    def here(dot, form):
        asked.append(("here", dot))
        return run_here(dot, form)

    def apart(dot, form, seconds):
        asked.append(("apart", dot))
        assert 0 < seconds < 2
        raise TimeoutError

    run_here = process.run_here
    monkeypatch.setattr(layout, "run_here", here)
    monkeypatch.setattr(layout, "run_apart", apart)
    return asked


@pytest.fixture
def patient(monkeypatch):
    """However busy the machine, no picture is cut for want of time."""
    monkeypatch.setattr(picture, "SECONDS", 120.0)


def effort_of(dot):
    """The effort of a layout, from its source: the boxes stand in it behind their operands."""
    wires = [line.split()[:3:2] for line in dot.splitlines() if "->" in line]
    operands = [[] for line in dot.splitlines() if line.startswith("n") and "width=" in line]
    for source, target in wires:
        operands[int(target[1:])].append(int(source[1:]))
    return layout.effort(operands)


@pytest.mark.parametrize(
    ("operands", "effort"),
    [
        ([[]], 1),
        ([[], [0], [1]], 5),
        ([[], [0, 0]], 4),
        ([[], [0], [1, 0]], 3 + 1 + 1 + 2),
        ([[], [], [0], [2, 1]], 4 + 3),  # a leaf stands right before the gate that uses it
        ([[], [0], [], [2], [1], [4, 3]], 6 + 5),  # and so does the tooth of a comb
        ([[], *([i, 0] for i in range(10))], 11 + 10 + 55),
    ],
)
def test_the_effort_of_a_layout_counts_boxes_and_the_columns_that_wires_pass(operands, effort):
    assert layout.effort(operands) == effort


@every_shape
def test_no_layout_is_without_limit_and_none_asks_for_too_much(shape, layouts):
    for gates in (12, 150, 2_500):
        out = SHAPES[shape](gates)
        for options in ({}, {"collapse": "none", "constants": "show", "rankdir": "TB"}):
            drawn = draw(out, **options)
            assert drawn.model.boxes[-1].value == out.data
    assert layouts
    for where, dot in layouts:
        assert "nslimit=" in dot
        assert "nslimit1=" in dot
        assert effort_of(dot) <= (layout.QUICK if where == "here" else levels.WORK)


@every_shape
def test_a_picture_cut_small_is_whole_where_it_is_not_cut(shape):
    out = SHAPES[shape](400)
    whole = levels.adjust(picture.build(out), levels.Level("none", fold_constants=False))
    for work in (10, 60, 500):
        boxes = levels.shrunk(picture.build(out), work).boxes
        places = {box: i for i, box in enumerate(boxes)}
        assert boxes[-1].value == out.data
        assert all(places[wire.source] < places[box] for box in boxes for wire in box.wires)
        assert effort_of_boxes(boxes) <= max(work, 4)
        for box in boxes:
            if box.kind == "gate" and box.primitive.arity:
                assert sum(wire.count for wire in box.wires) == box.primitive.arity
    assert effort_of_boxes(whole.boxes) <= levels.WORK


def effort_of_boxes(boxes):
    places = {box: i for i, box in enumerate(boxes)}
    return layout.effort([[places[wire.source] for wire in box.wires] for box in boxes])


def test_small_pictures_are_laid_out_in_this_process_and_large_ones_apart_then_smaller(layouts):
    draw(SHAPES["reused"](30))
    assert {where for where, _ in layouts} == {"here"}
    layouts.clear()
    draw(SHAPES["reused"](200), collapse="none")
    assert [where for where, _ in layouts] == ["apart", "apart", "here"]
    efforts = [effort_of(dot) for _, dot in layouts]
    assert efforts == sorted(efforts, reverse=True)
    assert levels.WORK >= efforts[0] > 2 * efforts[1] > 4 * efforts[2]


@every_shape
def test_a_picture_that_is_cut_has_its_numbers_on_its_wires(shape):
    level = levels.Level(opened=frozenset({"stretch"}))
    boxes = levels.adjust(picture.build(SHAPES[shape](5_000)), level).boxes
    wires = sum(len(box.wires) for box in boxes)
    assert wires <= LABELLED or not any(box.kind == "cut" for box in boxes)


def test_deep_graphs_are_drawn_without_recursion(patient):
    deep = SHAPES["reused"](30_000)
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(200)
    try:
        for options in ({}, {"mode": "forward", "wrt": deep}, {"collapse": "none"}):
            assert len(draw(deep, **options, open="stretch").model.boxes) > 50
        assert len(draw(deep).model.boxes) < 20
    finally:
        sys.setrecursionlimit(limit)


def test_of_a_graph_too_large_to_look_at_everything_is_said_of_the_whole():
    x = y = Value(0.5, label="x")
    for _ in range(15_000):
        y = y * 1.0 + x * 0.0
    y.backward()
    assert not draw(y).model.gathered  # x gets gradients from gates that no picture shows
    assert draw(y, mode="forward", wrt="x").model.boxes[-1].derivative == 1.0
    x.data = 0.75
    assert draw(y).model.boxes[-1].stale


SLEEPER = "import time; time.sleep(60)"


@pytest.fixture
def children(monkeypatch):
    """The child processes that were started."""
    started = []

    class Child(subprocess.Popen):
        def __init__(self, *arguments, **options):
            super().__init__(*arguments, **options)
            started.append(self)

    monkeypatch.setattr(process.subprocess, "Popen", Child)
    return started


def test_a_layout_that_takes_too_long_is_ended_and_a_smaller_picture_drawn(monkeypatch, children):
    monkeypatch.setattr(process, "CHILD", SLEEPER)
    monkeypatch.setattr(picture, "SECONDS", 0.3)
    boxes = draw(SHAPES["reused"](200), open="stretch").model.boxes
    assert len(children) == 2
    assert all(child.returncode for child in children)
    assert 10 < len(boxes) < 100
    assert effort_of_boxes(boxes) <= layout.QUICK


@pytest.mark.usefixtures("ctrl_c_raises")
def test_ctrl_c_during_a_layout_is_heard_and_leaves_no_child(monkeypatch, children):
    """The layout would take a minute; the test says nothing of seconds,
    but would outlast any patience.
    """
    monkeypatch.setattr(process, "CHILD", SLEEPER)
    monkeypatch.setattr(picture, "SECONDS", 600)

    def interrupt():
        while not children:
            time.sleep(0.01)
        time.sleep(0.3)  # it is asked, and waited for
        signal.raise_signal(signal.SIGINT)

    strike = threading.Thread(target=interrupt)
    strike.start()
    with pytest.raises(KeyboardInterrupt):
        draw(SHAPES["reused"](200), open="stretch")
    strike.join()
    (child,) = children
    assert child.returncode is not None
    assert child.stdin.closed
    assert child.stdout.closed


def test_the_child_runs_nothing_of_the_user_s(tmp_path, monkeypatch):
    for name in ("pygraphviz", "json", "sitecustomize", "usercustomize"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('this is the wrong file')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert b'"pos"' in process.run_apart("digraph { a -> b }", "json0", 60)


def test_what_goes_wrong_in_the_child_is_told_in_one_line(monkeypatch):
    monkeypatch.setattr(process, "CHILD", "raise SystemExit('no such font')")
    with pytest.raises(RuntimeError, match="no such font"):
        process.run_apart("digraph { a -> b }", "json0", 60)


@pytest.mark.parametrize("failure", [OSError("out of processes"), None])
def test_where_no_child_can_be_started_a_small_picture_is_drawn_in_this_process(
    monkeypatch, failure
):
    def refused(*arguments, **options):
        raise failure

    if failure:
        monkeypatch.setattr(process.subprocess, "Popen", refused)
    else:
        monkeypatch.setattr(
            process.sys, "executable", os.path.join("opt", "a-program-with-python-inside")
        )
        monkeypatch.setattr(process.shutil, "which", lambda _: None)
    boxes = draw(SHAPES["horner"](200)).model.boxes
    assert effort_of_boxes(boxes) <= layout.QUICK


@pytest.mark.skipif(not (shutil.which("dot") or os.environ.get("CI")), reason="no dot program here")
def test_the_dot_program_lays_out_what_is_hard_where_there_is_no_wheel(
    monkeypatch, children, patient
):
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    boxes = draw(SHAPES["recurrent"](120), open=("stretch", "neuron")).model.boxes
    assert (
        len(boxes)
        == len(draw(SHAPES["recurrent"](120), open=("stretch", "neuron")).model.boxes)
        > 100
    )
    assert {os.path.basename(child.args[0]) for child in children} <= {"dot", "dot.exe"}
    assert all(child.returncode == 0 for child in children)
