"""Programs and texts in JavaScript, run by Node, for what tests the modules of the player."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

NODE = shutil.which("node")
needs_node = pytest.mark.skipif(not (NODE or os.environ.get("CI")), reason="no node here")
DRIVER = Path(__file__).with_name("run_programs.mjs")


def ran(folder, programs, texts=(), numbers=()):
    """What programs give at their points, and how numbers are written.

    `programs` are pairs of a program as plain data and an array of points by inputs; `texts` are
    dicts with the name of a function and its arguments. One process does it all.
    """
    points = [np.asarray(given, dtype=np.float64) for _, given in programs]
    asked = [
        {"program": program, "runs": len(given)} for (program, _), given in zip(programs, points)
    ]
    jobs = json.dumps({"programs": asked, "texts": list(texts)}, allow_nan=False)
    (folder / "jobs.json").write_text(jobs, encoding="utf-8")
    flat = [*[given.ravel() for given in points], np.asarray(numbers, dtype=np.float64)]
    np.concatenate(flat).tofile(folder / "inputs.bin")
    subprocess.run([NODE, DRIVER, folder], check=True, timeout=300)
    found = np.fromfile(folder / "outputs.bin")
    shapes = [(job["runs"], len(job["program"]["outputs"])) for job in asked]
    ends = np.cumsum([rows * columns for rows, columns in shapes])
    parts = np.split(found, ends[:-1])
    written = json.loads((folder / "texts.json").read_text(encoding="utf-8"))
    return [part.reshape(shape) for part, shape in zip(parts, shapes)], written


def ulps(found, expected):
    """How many doubles apart numbers are; 0 for two nans, and inf where only one is nan."""
    apart = np.abs(_places(found) - _places(expected))
    both = np.isnan(found) & np.isnan(expected)
    either = np.isnan(found) | np.isnan(expected)
    return np.where(both, 0.0, np.where(either, np.inf, apart))


def _places(numbers):
    bits = np.asarray(numbers, dtype=np.float64).view(np.int64)
    return np.where(bits >= 0, bits, -(bits & (2**63 - 1))).astype(np.float128)


def same_bits(found, expected):
    """Whether numbers are the same, the sign of a zero counted; any two nans are."""
    found, expected = np.asarray(found), np.asarray(expected)
    alike = (found == expected) & (np.signbit(found) == np.signbit(expected))
    return alike | (np.isnan(found) & np.isnan(expected))
