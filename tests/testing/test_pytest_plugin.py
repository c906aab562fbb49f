"""The pytest plugin: its fixture and option, pictures of what is wrong, and that it is light."""

import os
import re
import subprocess
import sys
from pathlib import Path

TESTS = """
import numpy as np
import pytest
from hypothesis import given, settings
from micrograd_plus.testing import arrays, gradcheck
from micrograd_plus import custom

X = np.array([0.7, -1.3, 2.1])
KINKS = X + 1e-5

def f(x):
    return np.abs(x - KINKS).sum() * x.max()

def gradient(x):
    return np.sign(x - KINKS) * x.max() + np.abs(x - KINKS).sum() * (x == x.max())

@settings(max_examples=3, database=None, deadline=None)
@given(arrays(shape=(3,), kinks=[0.7, -1.3, 2.1], apart=True))
def test_right(check_gradient, x):
    assert check_gradient(f, gradient, x)

def test_seen_only_in_full(check_gradient):
    check_gradient(f, gradient(X) * np.array([1.0, 1.0, 1.0 + 2e-12]), X)

def test_detached(check_gradient):
    def detached(x):
        return np.array([x[1], x[0], 0.0])
    check_gradient(lambda x: x[0] * x[1] + x[2] ** 2, detached, X)

def test_a_gate():
    wrong = custom("cube", lambda x: x ** 3, lambda out, x: (2 * x ** 2,))
    gradcheck(wrong, 0.5)
"""


def run(folder, *options):
    (folder / "test_theirs.py").write_text(TESTS, encoding="utf-8")
    root = Path(__file__).parents[2]
    path = os.pathsep.join(filter(None, [str(root), os.environ.get("PYTHONPATH")]))
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "micrograd_plus.pytest_plugin", "-q", *options],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout


def failed(printed):
    return sorted(re.findall(r"^FAILED test_theirs.py::(\w+)", printed, re.MULTILINE))


def test_the_fixture_finds_what_is_wrong_and_the_option_finds_more(tmp_path):
    fast = run(tmp_path)
    assert failed(fast) == ["test_a_gate", "test_detached"], fast
    drawn = re.findall(r"the smallest part that is wrong is drawn in (.*\.svg)", fast)
    assert len(drawn) == 2
    assert [
        row in Path(path).read_text(encoding="utf-8") for row, path in zip(("x_2", "cube"), drawn)
    ] == [True, True]
    full = run(tmp_path, "--gradcheck=full", "-k", "seen or right")
    assert failed(full) == ["test_seen_only_in_full"], full


def test_without_a_cache_no_picture_is_kept_and_that_is_said(tmp_path):
    printed = run(tmp_path, "-p", "no:cacheprovider", "-k", "gate")
    assert "no picture is kept without pytest's cache" in printed
    assert not list(tmp_path.rglob("*.svg"))


def test_an_option_that_is_none_is_refused(tmp_path):
    (tmp_path / "test_none.py").write_text("", encoding="utf-8")
    assert "passed" not in run(tmp_path, "--gradcheck=slow")


def test_a_run_that_does_not_use_it_loads_nothing(tmp_path):
    (tmp_path / "conftest.py").write_text(
        "import sys\n"
        "def pytest_sessionfinish():\n"
        "    print('loaded', [m for m in sys.modules if m.startswith('micrograd_plus')])\n",
        encoding="utf-8",
    )
    printed = run(
        tmp_path, "--collect-only", "-p", "no:hypothesispytest", "--ignore=test_theirs.py"
    )
    loaded = re.search(r"loaded (.*)", printed)[1]
    assert set(re.findall(r"'([\w.]+)'", loaded)) == {
        "micrograd_plus",
        "micrograd_plus.pytest_plugin",
    }
