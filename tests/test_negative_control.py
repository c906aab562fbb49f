"""The suite against itself: a package with a fault in it must fail. `pytest -m slow -rP` prints the
score.

Each fault is imported in a process of its own, which runs the same selection of fast tests until
the first one fails.
"""

import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import faults
import pytest
from faults import FAULTS, FAULTS_IN_C, IN_C, edited, source_of

from micrograd_plus import engine_name

HERE = Path(__file__).parent
SELECTION = (
    "test_engine",
    "test_autodiff",
    "test_nesting",
    "test_rows",
    "test_laws",
    "test_custom_rows",
    "test_modes",
    "test_references",
    "test_orders",
    "test_state_machine",
    "test_copying",
    "test_independence",
    "test_same_bits",
    "test_recorder_in_c",
    "test_runs",
    "test_snapshots",
    "test_columns",
    "test_rolling",
)
needs_c = pytest.mark.skipif(engine_name() != "c", reason="the engine in Python runs")
# pytest's exit code when tests ran and some failed; an error before that is no catch
FAILED = 1
CODES = {0: "MISSED", FAILED: "caught"}


def run_selection(fault="", engine="python"):
    """The exit code of the selection with a fault in the package, on one of the engines,
    and the first test that failed.
    """
    helpers = Path(faults.__file__).parent
    path = os.pathsep.join(
        filter(None, [str(helpers), str(HERE.parent), os.environ.get("PYTHONPATH")])
    )
    files = [str(found) for name in SELECTION for found in HERE.rglob(f"{name}.py")]
    assert len(files) == len(SELECTION)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-n",
        "0",
        "-x",
        "-q",
        "-p",
        "faults",
        "-p",
        "no:cacheprovider",
        "--no-header",
        *files,
    ]
    done = subprocess.run(
        command,
        cwd=HERE.parent,
        env={
            **os.environ,
            "PYTHONPATH": path,
            "FAULT": fault,
            "MICROGRAD_PLUS_ENGINE": engine,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    first = re.search(r"^(?:FAILED|ERROR) \S*?(\w+\.py\S*)", done.stdout, re.MULTILINE)
    return done.returncode, first.group(1) if first else done.stdout[-2000:] + done.stderr[-2000:]


def test_there_are_at_least_sixty_faults_and_each_fits_the_source():
    assert len(FAULTS) >= 60
    for name, fault in [*FAULTS.items(), *FAULTS_IN_C.items()]:
        room = fault[0]
        assert edited(source_of(room), fault) != source_of(room), name
        if name in FAULTS and fault is FAULTS[name]:
            compile(edited(source_of(room), fault), name, "exec")


def test_a_fault_that_does_not_fit_is_an_error():
    room = "ops.trigonometry"
    for fault in (
        (room, "no such anchor", "a", "b"),
        (room, '\n    "sin",\n', "no such text", "b"),
    ):
        with pytest.raises(ValueError, match="no such"):
            edited(source_of(room), fault)


@pytest.mark.slow
def test_without_a_fault_the_selection_passes():
    code, first = run_selection()
    assert code == 0, first


# what C does in their place has faults of its own
PYTHON_ALONE = ("engine", "graph")


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["python", pytest.param("c", marks=needs_c)])
def test_every_fault_is_caught(engine):
    names = list(FAULTS)
    if engine == "c":
        names = [name for name, fault in FAULTS.items() if fault[0] not in PYTHON_ALONE]
        names += [IN_C + name for name in FAULTS_IN_C]
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        found = pool.map(lambda name: run_selection(name, engine), names)
        results = dict(zip(names, found, strict=True))
    for name, (code, first) in results.items():
        print(f"{CODES.get(code, 'ERROR'):7} {name}: {first.splitlines()[-1] if first else ''}")
    caught = [name for name, (code, _) in results.items() if code == FAILED]
    print(f"faults caught by the tests on {engine}: {len(caught)} of {len(names)}")
    assert not {name: first for name, (code, first) in results.items() if code != FAILED}
