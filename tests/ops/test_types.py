"""What a type checker says of a user's lines: nothing of right ones,
and an error for each mistake.
"""

import subprocess
import sys

import pytest

LINES = """from micrograd_plus import Value, ops

x = Value(2.0, label="x")
y: Value = ops.exp(x) + ops.maximum(x, 0.0)
z: float = ops.exp(2.0)
condition: Value = x == 2.0
same: bool = x == y
w: Value = ops.where(condition, x, y)
not_a_float: float = ops.exp(x)
not_a_number = ops.exp("a")
one_operand_too_few = ops.atan2(x)
not_a_value: Value = ops.sigmoid(0.5)
"""


def test_each_mistake_is_an_error_of_its_line_and_right_lines_are_none(tmp_path):
    pytest.importorskip("mypy")
    program = tmp_path / "program.py"
    program.write_text(LINES, encoding="utf-8")
    options = ["--strict", "--config-file=", "--cache-dir", str(tmp_path / "cache")]
    command = [sys.executable, "-m", "mypy", *options, str(program)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    errors = [line for line in done.stdout.splitlines() if ": error:" in line]
    lines = [int(line.partition("program.py:")[2].partition(":")[0]) for line in errors]
    assert lines == [9, 10, 11, 12], done.stdout
