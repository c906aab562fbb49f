"""A tape outside Python: how long C, WebAssembly and JavaScript take for what machine code does.

    python tests/benchmarks/exports.py

The loss of 100 points and its gradient in the parameters, of moons through MLP(2, [16, 16, 1]) with
the hinge loss, and of digits through MLP(64, [16, 10]) with cross-entropy. In the browser's ways a
step is that with a penalty and gradient descent, run by the module that ships, or by JavaScript
where a page refuses WebAssembly; "own module" is `tape.to_wasm()`. C is `tape.to_c()` as cc
compiles it, called through ctypes. All totals are compared before anything is timed; microseconds
of the processor, medians of rounds taken in turn.
"""

import ctypes
import json
import random
import shutil
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np

from micrograd_plus import ops, record
from micrograd_plus.nn import MLP
from micrograd_plus.player.tapes import interpreter, program_as_data

POINTS = 100
HERE = Path(__file__).parent
FLAGS = {"C, -O2": ("-O2",), "C, -O3 -march=native": ("-O3", "-march=native")}


def moons():
    model = MLP(2, [16, 16, 1], rng=random.Random(0))
    tape = record(lambda x, t: ops.relu(1 - t * model(x)), [0.0] * 2, 1.0, parameters=model)
    return model, tape, [-1.0, 1.0]


def digits():
    model = MLP(64, [16, 10], rng=random.Random(0))

    def loss(x, target):
        scores = model(x)
        return ops.logsumexp(scores) - ops.take(target, scores)

    return model, record(loss, [0.0] * 64, 1.0, parameters=model), range(10)


def main():
    for name, make, rounds in (("moons", moons, 100), ("digits", digits, 20)):
        model, tape, targets = make()
        rng = np.random.default_rng(0)
        points = rng.normal(size=(POINTS, tape.program.inputs))
        points[:, -1] = rng.choice(targets, POINTS)
        weights = np.array([p.data for p in model.parameters()])
        found = in_python_and_c(tape, points, weights, rounds)
        if shutil.which("node"):
            found |= in_a_browser(model, tape, points, weights, rounds)
        print(f"{name}, {POINTS} points, {len(weights)} parameters")
        for way, microseconds in found.items():
            print(f"  {way:24}{microseconds:10,.1f} us{1e6 / microseconds:12,.0f} a second")


def in_python_and_c(tape, points, weights, rounds):
    ways = {"tape, machine code": lambda: tape.sum_and_grad(points, weights)}
    total = tape.sum_and_grad(points, weights)[0]
    with tempfile.TemporaryDirectory() as folder:
        for name, flags in FLAGS.items() if shutil.which("cc") else ():
            ways[name] = call = compiled(tape, points, weights, Path(folder), flags)
            assert call() == total
        return timed(ways, rounds)


def compiled(tape, points, weights, folder, flags):
    """The sums over the points in C."""
    code = tape.to_c("exported")
    library, (_, source) = folder / f"{'_'.join(flags)}.so", code.write(folder)
    command = ["cc", "-std=c11", "-ffp-contract=off", *flags, "-shared", "-fPIC", source]
    subprocess.run([*command, "-o", library, "-lm"], check=True)
    room = next(line for line in code.header.splitlines() if line.startswith("#define EXPORTED_W"))
    outputs, work = np.zeros(1 + len(weights)), np.zeros(int(room.split()[-1]))
    function = ctypes.CDLL(str(library)).exported_sum
    function.restype = None
    arrays = [a.ctypes.data_as(ctypes.c_void_p) for a in (points, weights, outputs, work)]
    count = ctypes.c_size_t(len(points))

    def call():
        function(count, *arrays)
        return outputs[0]

    return call


def timed(ways, rounds):
    times = {name: [] for name in ways}
    for _ in range(9):
        for name, run in ways.items():
            begin = time.process_time()
            for _ in range(rounds):
                run()
            times[name].append((time.process_time() - begin) / rounds * 1e6)
    return {name: statistics.median(of) for name, of in times.items()}


def in_a_browser(model, tape, points, weights, rounds):
    parameters = model.parameters()
    penalty = record(lambda: 1e-4 * ops.sum([p * p for p in parameters]), parameters=model)
    jobs = {
        "loss": program_as_data(tape.program_for("sums")),
        "penalty": program_as_data(penalty.program_for("sums")),
        "points": points.ravel().tolist(),
        "parameters": weights.tolist(),
        "count": len(points),
        "total": tape.sum_and_grad(points, weights)[0],
        "rounds": rounds,
    }
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "jobs.json").write_text(json.dumps(jobs), encoding="utf-8")
        (Path(folder) / "interpreter.wasm").write_bytes(interpreter())
        (Path(folder) / "own.wasm").write_bytes(tape.to_wasm())
        command = ["node", HERE / "browser.mjs", folder]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


if __name__ == "__main__":
    main()
