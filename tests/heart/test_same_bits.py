"""Both engines give the same bits: values, gradients, second passes, edits, copies and derivatives
of random graphs over every row, with inf, nan, signed zeros and subnormals among the operands.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from micrograd_plus import engine_name, ops

GRAPHS = Path(__file__).parent.parent / "helpers" / "bits.py"
# a fault that is seeded in this process is seeded there as well
WITH_FAULT = (
    "import faults, runpy, sys; del sys.argv[0]; runpy.run_path(sys.argv[0], run_name='__main__')"
)


def digests(engine, count, first):
    seeded = ["-c", WITH_FAULT] if os.environ.get("FAULT") else []
    return subprocess.run(
        [sys.executable, *seeded, str(GRAPHS), str(count), str(first)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "MICROGRAD_PLUS_ENGINE": engine},
    ).stdout.splitlines()


def agree(count, first):
    """How many numbers were compared, and on which rows the graphs stand."""
    of_c, of_python = [digests(engine, count, first) for engine in ("c", "python")]
    assert len(of_c) == count
    assert not [pair for pair in zip(of_c, of_python, strict=True) if pair[0] != pair[1]]
    columns = [line.split() for line in of_c]
    return sum(int(line[2]) for line in columns), {row for line in columns for row in line[3:]}


needs_c = pytest.mark.skipif(engine_name() != "c", reason="the heart in C was not built, or not c")


@needs_c
def test_both_engines_agree_in_every_bit_over_all_rows():
    numbers, rows = agree(600, 0)
    assert rows == {row.name for row in ops.primitives()}
    assert numbers > 50_000


@needs_c
@pytest.mark.slow
def test_both_engines_agree_in_every_bit_of_ten_thousand_graphs():
    print(agree(10_000, 1_000)[0], "numbers, 0 bits different")
