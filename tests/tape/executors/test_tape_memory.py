"""What a tape takes is given back: bytes and objects do not grow with the number
of tapes that have been and gone.
"""

import gc
import re
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from micrograd_plus import Value, ops, record
from micrograd_plus.tape.executors import tiers
from micrograd_plus.tape.executors.llvm.loops import Loops
from micrograd_plus.tape.executors.llvm.machine import MOST_NESTS, compile_code
from micrograd_plus.tape.executors.llvm.rolling import rolled
from micrograd_plus.tape.lowering import lowered

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="reads what the process holds from /proc"
)


def measured(count):
    """KB kept for each of `count` tapes, by the system and by the allocator,
    and held by each that lives.
    """
    script = [
        sys.executable,
        str(BENCHMARKS / "memory.py"),
        "--only",
        "tapes",
        "--tapes",
        str(count),
    ]
    run = subprocess.run(script, capture_output=True, text=True, check=True)
    found = re.search(
        r"kept (\S+) KB by the system, (\S+) KB by the allocator.*held (\S+) KB",
        run.stdout,
        re.DOTALL,
    )
    if found is None:
        pytest.skip("this allocator does not tell what it has given out")
    return [float(number) for number in found.groups()]


def test_a_tape_that_was_run_and_dropped_keeps_less_than_five_kilobytes():
    """59 to 78 KB were kept for each compilation, while pass managers were never freed."""
    _, by_allocator, held = measured(30)
    assert by_allocator < 5.0
    assert held < 500.0  # it was 1,800, while each had a target machine of its own


@pytest.mark.slow
def test_five_hundred_tapes_keep_less_than_five_kilobytes_each():
    by_system, by_allocator, _ = measured(500)
    assert by_system < 5.0
    assert by_allocator < 3.0


@pytest.mark.parametrize("lanes", [1, 16])
def test_every_way_to_compile_gives_back_what_it_took(lanes, monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    from memory import allocated

    if allocated() is None:
        pytest.skip("this allocator does not tell what it has given out")
    weights = [Value(0.01 * i) for i in range(50)]
    tape = record(
        lambda *xs: ops.tanh(ops.dot(weights, xs)), *[p.data for p in weights], parameters=weights
    )
    program = lowered(tape.program_for("gradients of parameters"))
    loops = rolled(program, MOST_NESTS)

    def compiled():
        code = Loops(loops, program.inputs, len(program.outputs), lanes, summed=lanes > 1)
        compile_code(code)

    for _ in range(5):
        compiled()
    grown = []
    for _ in range(5):
        before = allocated()
        compiled()
        grown.append(allocated() - before)
    assert statistics.median(grown) < 5 * 1024


def test_no_part_of_a_module_waits_for_the_collector():
    """Half a megabyte of them would, and more for long programs."""
    weights = [Value(0.01 * i) for i in range(30)]

    def f(*xs):
        signals = xs
        for activation in (ops.tanh, ops.relu, ops.exp, ops.sin):
            signals = [activation(ops.dot(weights[i : i + 4], signals[:4])) for i in range(4)]
        return ops.sum(signals)

    program = lowered(record(f, *[0.1] * 4, parameters=weights).program_for("sums"))
    loops = rolled(program, MOST_NESTS)
    while tiers._background.is_working:  # for a tape of another test
        time.sleep(0.01)
    gc.collect()
    gc.disable()
    try:
        for lanes in (1, 16):
            code = Loops(loops, program.inputs, len(program.outputs), lanes, summed=True)
            assert len(code.text()) > 50_000
            del code
        kinds = [type(thing) for thing in gc.get_objects()]
        assert [kind for kind in kinds if kind.__module__ == "llvmlite.ir.instructions"] == []
    finally:
        gc.enable()


def test_no_object_outlives_its_tape():
    rows = np.ones((40, 2))

    def run(i):
        tape = record(lambda x, y: ops.sin(x * (1 + i / 7)) * y, 1.0, 2.0)
        for executor in ("python", "machine"):
            tape(1.0, 2.0, executor=executor)
            tape.sum_and_grad(rows, executor=executor)

    for i in range(3):
        run(i)
    gc.collect()
    before = len(gc.get_objects())
    for i in range(3, 13):
        run(i)
    gc.collect()
    assert len(gc.get_objects()) - before < 10
