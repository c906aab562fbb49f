"""Tapes in WebAssembly and JavaScript, run by Node."""

import json
import subprocess
from pathlib import Path

import numpy as np
from browser_arithmetic import NODE

from micrograd_plus.player.tapes import interpreter, program_as_data

DRIVER = Path(__file__).with_name("run_tapes.mjs")
LANGUAGES = ("interpreter in WebAssembly", "interpreter in JavaScript", "module of its own")


def tasks_of(tape):
    """The programs of a tape under the names of the functions of its module."""
    return dict(zip(("values", "gradients", "sum"), tape._exported()))


def ran(folder, made, module=None, own=True, more=lambda tape: {}):
    """For each tape, points and parameters, what its programs give in each language: a dict of
    tasks of dicts of languages. One process does it all.

    `more` are programs that a tape's own module does not have; without `own` there are none such.
    """
    jobs, inputs = [], []
    for number, (tape, points, shared) in enumerate(made):
        if own:
            (folder / f"{number}.wasm").write_bytes(tape.to_wasm())
        tasks = [
            {
                "name": name,
                "data": program_as_data(program),
                "size": len(program.outputs) * (1 if name == "sum" else len(points)),
                "own": own and name in tasks_of(tape),
            }
            for name, program in (tasks_of(tape) | more(tape)).items()
        ]
        program = tape.program
        sizes = {"inputs": program.inputs, "parameters": program.parameters}
        jobs.append({"tasks": tasks, "count": len(points), "own": own, **sizes})
        inputs += [np.ravel(points), np.ravel(shared)]
    (folder / "interpreter.wasm").write_bytes(module or interpreter())
    (folder / "jobs.json").write_text(json.dumps(jobs, allow_nan=False), encoding="utf-8")
    np.concatenate(inputs).astype(np.float64).tofile(folder / "inputs.bin")
    subprocess.run([NODE, DRIVER, folder], check=True, timeout=900)
    found, at, results = np.fromfile(folder / "outputs.bin"), 0, []
    for job in jobs:
        results.append({})
        for task in job["tasks"]:
            languages = LANGUAGES if task["own"] else LANGUAGES[:2]
            size = len(languages) * task["size"]
            parts = found[at : at + size].reshape(len(languages), -1)
            results[-1][task["name"]] = dict(zip(languages, parts))
            at += size
    assert at == len(found)
    return results
