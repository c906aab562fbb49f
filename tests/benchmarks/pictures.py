"""How long pictures take: every shape of graph from 10 to 20,000 gates, and how soon Ctrl-C is
heard; and how long their layouts by Graphviz and by ourselves, at 5, 15, 40 and 80 boxes.

`python tests/benchmarks/pictures.py` prints for each shape the slowest of its sizes and options,
and how much work it was for the processors, which does not depend on what else they do; `--quick`
tries few, and `--layouts` only compares the layouts.
"""

import argparse
import itertools
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "helpers"))

import shapes

from micrograd_plus import draw
from micrograd_plus.drawing import layered, layout
from micrograd_plus.drawing.arrangement import box_size
from micrograd_plus.drawing.build import build
from micrograd_plus.drawing.levels import Level, adjust, shrunk
from micrograd_plus.drawing.style import Style
from micrograd_plus.drawing.texts import Texts
from micrograd_plus.engine import nodes_below

SIZES = (10, 30, 60, 100, 150, 300, 600, 1_000, 2_000, 5_000, 10_000, 20_000)
LIMIT, HEARD = 2.0, 1.0
BOXES, REPEATS = (5, 15, 40, 80), 5

STRUCK = """
import sys, threading, time
sys.path.insert(0, {tests!r})
import shapes
from micrograd_plus import draw
graph = shapes.SHAPES[{shape!r}]({gates})
draw(shapes.chain(3))
print("drawing", flush=True)
try:
    while True:
        draw(graph, collapse="none")
except KeyboardInterrupt:
    print("heard", flush=True)
"""


def drawn(make, sizes, options):
    """The pictures of a shape: seconds, those of the processors (its child's too), Values, boxes,
    options.
    """
    found = []
    for gates in sizes:
        graph = make(gates)
        graph.backward()
        for collapse, mode, constants, rankdir in options:
            chosen = {
                "collapse": collapse,
                "mode": mode,
                "constants": constants,
                "rankdir": rankdir,
            }
            begin, worked = time.perf_counter(), sum(os.times()[:4])
            picture = draw(graph, **chosen, wrt=graph if mode == "forward" else None)
            seconds, work = time.perf_counter() - begin, sum(os.times()[:4]) - worked
            found.append(
                (
                    seconds,
                    work,
                    len(nodes_below(graph)),
                    len(picture.model.boxes),
                    " ".join(chosen.values()),
                )
            )
    return found


def seconds_to_hear(shape, gates, delay):
    """From a SIGINT in the middle of a drawing to the KeyboardInterrupt."""
    program = STRUCK.format(tests=str(Path(shapes.__file__).parent), shape=shape, gates=gates)
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "drawing\n"
        time.sleep(delay)
        begin = time.perf_counter()
        process.send_signal(signal.SIGINT)
        assert process.stdout.readline() == "heard\n"
        return time.perf_counter() - begin


def layouts(boxes):
    """The median and the most that a layout of about so many boxes takes, over all shapes:
    milliseconds by Graphviz, and by ourselves.
    """
    found = []
    for make in shapes.SHAPES.values():
        gates = 3
        while len(nodes_below(make(gates + 3))) <= boxes:
            gates += 3
        level = Level("neuron", opened=frozenset({"stretch"}))
        model = shrunk(adjust(build(make(gates)), level), layered.LARGEST)
        index = {box: i for i, box in enumerate(model.boxes)}
        wires = [(index[wire.source], index[box]) for box in model.boxes for wire in box.wires]
        texts = Texts(model, Style())
        sizes = [box_size(texts, box) for box in model.boxes]
        found.append(
            [
                min(seconds(lay_out, sizes, wires) for _ in range(REPEATS)) * 1e3
                for lay_out in (layout.lay_out, layered.lay_out)
            ]
        )
    return [(sorted(times)[len(times) // 2], max(times)) for times in zip(*found)]


def seconds(lay_out, sizes, wires):
    begin = time.perf_counter()
    lay_out(sizes, wires)
    return time.perf_counter() - begin


def compare_layouts():
    print("boxes  Graphviz: median, most  our own: median, most")
    for boxes in BOXES:
        (graphviz, slowest), (own, longest) = layouts(boxes)
        print(
            f"{boxes:5d}  {graphviz:10.1f}   {slowest:6.1f} ms  {own:9.1f}  {longest:6.1f} ms",
            flush=True,
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two options and six sizes")
    parser.add_argument("--layouts", action="store_true", help="layouts only")
    asked = parser.parse_args()
    compare_layouts()
    if asked.layouts:
        return
    quick = asked.quick
    options = [
        (collapse, "forward" if rankdir == "TB" else "reverse", constants, rankdir)
        for collapse, constants, rankdir in itertools.product(
            ("auto", "none", "neuron", "layer"), ("fold", "show"), ("LR", "TB")
        )
    ]
    if quick:
        options = [("auto", "reverse", "fold", "LR"), ("none", "reverse", "show", "TB")]
    sizes = SIZES[::2] if quick else SIZES
    strikes = range(2 if quick else 6)
    print(
        "shape           slowest  Values  boxes    work  median  most work  Ctrl-C after  options "
        "of the slowest"
    )
    worst = most = latest = 0.0
    for name, make in shapes.SHAPES.items():
        every = drawn(make, sizes, options)
        seconds, work, values, boxes, chosen = max(every)
        median, busiest = (
            sorted(s for s, *_ in every)[len(every) // 2],
            max(w for _, w, *_ in every),
        )
        heard = max(
            seconds_to_hear(name, 20_000 if k % 2 else 1_000, 0.1 + 0.13 * k) for k in strikes
        )
        worst, most, latest = max(worst, seconds), max(most, busiest), max(latest, heard)
        print(
            f"{name:14s}  {seconds:5.2f} s  {values:6d}  {boxes:5d}  {work:4.2f} s  {median:4.2f} "
            f"s  {busiest:7.2f} s  "
            f"{heard:10.2f} s  {chosen}",
            flush=True,
        )
    print(
        f"slowest {worst:.2f} s (at most {LIMIT:g}), with {most:.2f} s of work, Ctrl-C heard after "
        f"{latest:.2f} s "
        f"(at most {HEARD:g})"
    )


if __name__ == "__main__":
    main()
