"""What a player shows, step by step, beside the frames of the picture: the same everywhere."""

import json
import os
import random
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from played import same, texts_of

from micrograd_plus import Value, ops
from micrograd_plus.examples import all_examples
from micrograd_plus.nn import MLP
from micrograd_plus.player import play

NODE = shutil.which("node")
needs_node = pytest.mark.skipif(not (NODE or os.environ.get("CI")), reason="no node here")


def ran(players, points=None):
    """What the page would show of each player, at the leaves' values or at other points."""
    points = points or [None] * len(players)
    lines = [
        json.dumps({**player.contents, "point": point}) for player, point in zip(players, points)
    ]
    script = Path(__file__).with_name("frames.mjs")
    done = subprocess.run(
        [NODE, str(script)],
        input="\n".join(lines),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def recurrence(steps=100):
    w, h, x = Value(0.5, label="w"), Value(0.1, label="h"), Value(0.3, label="x")
    for _ in range(steps):
        h = ops.tanh(w * h + x)
    return h


def network(sizes=(3, 2, 1)):
    inputs = [Value(1.0, label="p"), Value(-2.0, label="q")]
    return MLP(2, list(sizes), activation="tanh", rng=random.Random(0))(inputs)


def routed():
    x, y = Value(3.0, label="x"), Value(-4.0, label="y")
    return ops.maximum(x, y).relu() * ops.where(x > y, x, y) + (y * x).relu()


CIRCUITS = {
    **{name: lambda make=make: list(make().values())[-1] for name, make in all_examples().items()},
    "recurrence": recurrence,
    "network": network,
    "routed": routed,
}
OPTIONS = [
    {},
    {"digits": 2},
    {"show": ["values", "gradients", "locals"]},
    {"show": ["values", "gradients", "contributions"]},
]


SOME = [
    "sharif.sigmoid_circuit",
    "rwth.nine_paths",
    "lund.network",
    "network",
    "recurrence",
    "routed",
]


@needs_node
@pytest.mark.parametrize("mode", ["reverse", "forward"])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_every_step_shows_what_the_frame_of_the_picture_shows(mode, options):
    players = []
    circuits = {
        name: CIRCUITS[name] for name in (SOME if options else CIRCUITS) if name in CIRCUITS
    }
    for make in circuits.values():
        root = make()
        more = {"mode": "forward", "wrt": leaf_of(root)} if mode == "forward" else {}
        players.append(play(root, **more, **options))
    for name, player, found in zip(circuits, players, ran(players)):
        for scene, view in zip(player.scenes, found):
            assert len(view["frames"]) == len(scene.frames), (name, scene.label)
            for k, frame in enumerate(view["frames"]):
                expected = texts_of(scene, k)
                for i, box in enumerate(scene.boxes):
                    if box.kind not in ("constant", "cut", "layer"):
                        assert same(frame["values"][i], expected["values"][i]), (name, k, box.title)
                        pair = frame["derivatives"][i], expected["derivatives"][i]
                        assert same(*pair), (name, scene.label, k, box.title, pair)
                assert all(map(same, frame["wires"], expected["wires"])), (name, scene.label, k)


def test_where_a_notebook_is_not_trusted_a_player_says_to_run_its_cell():
    # of what is not trusted, a notebook's page keeps the texts alone
    bundle = play(Value(2.0) * Value(3.0))._repr_mimebundle_()["text/html"]
    left = re.sub(r"<style>.*?</style>|<[^>]*>", "", bundle)
    assert left == "Run this cell to step through the graph."


def leaf_of(root):
    waiting = [root]
    while waiting:
        v = waiting.pop()
        if v.primitive is None:
            return v
        waiting += [o for o in v.operands if isinstance(o, Value)]
    raise AssertionError


@pytest.mark.parametrize(
    ("wrong", "options", "error", "told"),
    [
        (3, {}, TypeError, "play steps through the graph below a Value, its output, not a int"),
        (None, {"quiz": "x"}, ValueError, "quiz is True or hides 'gradients' or 'values', not 'x'"),
        (None, {"theme": "x"}, ValueError, "no theme is called 'x'; there are: auto, light, dark"),
        (None, {"wrt": "zz", "mode": "forward"}, ValueError, "no node of the graph is called 'zz'"),
        (None, {"mode": "forward"}, ValueError, "pass one, or its label"),
        (None, {"depth": 3}, TypeError, "'depth' is no option of a picture"),
    ],
)
def test_a_wrong_option_is_refused_with_what_there_is(wrong, options, error, told):
    with pytest.raises(error, match=told):
        play(recurrence(2) if wrong is None else wrong, **options)


def test_leaves_in_code_have_names_that_python_takes_and_no_two_have_the_same():
    labels = ["w₁", "w₁", "lambda", "a b", "", "1x", "x" * 100, "θ", "w1_2"]
    root = sum(Value(1.0, label=label) for label in [*labels, "y"])
    for _ in range(2):
        names = [leaf["python"] for leaf in play(root).contents["leaves"]]
        assert len(set(names)) == len(names) >= len(labels)
        assert all(name.isidentifier() and name != "lambda" for name in names)
        assert {"w1", "w1_2", "leaf", "θ", "y"} < set(names)
