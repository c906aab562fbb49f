"""Hypothesis profiles, and two watches: a test that leaves the engine switched fails, not its
neighbour, and so does one in which the package compares a Value with a number by `==`.

Rows that a test adds to the table go with it.
"""

import functools
import gc
import os
import signal
import sys
import threading

import pytest
from browsers import chromium
from hypothesis import settings

from micrograd_plus import heart, ops
from micrograd_plus.engine import Value

settings.register_profile("ci", derandomize=True, print_blob=True, deadline=None, max_examples=200)
settings.register_profile("dev", deadline=None, max_examples=50)
settings.load_profile("ci" if os.environ.get("CI") else "dev")


def pytest_collection_finish():
    """What has been imported by now stays: the collector need not go through all
    of it in every test.
    """
    gc.collect()
    gc.freeze()


WIDTHS = (64, 256, 512)


@pytest.fixture(scope="module")
def browser():
    """A real one, for the pages of a module of tests."""
    with chromium() as found:
        yield found


@pytest.fixture(params=WIDTHS)
def width(request):
    """The bits of the vectors that the heart in C uses meanwhile."""
    used = heart.library().use_vectors(request.param)
    if used != request.param and request.param != WIDTHS[0]:
        heart.library().use_vectors(WIDTHS[-1])
        pytest.skip(f"this processor has no vectors of {request.param} bits")
    yield used
    heart.library().use_vectors(WIDTHS[-1])


def engine_state():
    """What a test could leave behind: recording off, anomaly mode on,
    another recursion limit or stack size.
    """
    records = (Value(1.0) + 1.0).primitive is not None
    try:
        Value(0.0).log()
        blames = False
    except FloatingPointError:
        blames = True
    return {
        "records": records,
        "blames": blames,
        "recursion limit": sys.getrecursionlimit(),
        "stack size": threading.stack_size(),
    }


PRISTINE = engine_state()


@pytest.fixture(autouse=True)
def _no_leak():
    yield
    assert engine_state() == PRISTINE, "this test leaks global state"


# `==` between a Value and a number compares data, and is for users. The package itself asks `in`,
# `count`, `index` and `remove` of no list that may mix the two: it would find a number where it
# looked for a Value. What it compares, a user gave it as an array, which is `array == v`.
COMPARED: list[str] = []
FOR_USERS = {"micrograd_plus.ufuncs"}


def watched(compare):
    """`compare`, with a note of who in the package calls it with a number."""

    @functools.wraps(compare)
    def watch(self, other):
        frame = sys._getframe(1)
        module = frame.f_globals.get("__name__", "")
        is_ours = module.startswith("micrograd_plus.") and module not in FOR_USERS
        if is_ours and not isinstance(other, Value):
            COMPARED.append(f"{module}, line {frame.f_lineno}: {self!r} and {other!r}")
        return compare(self, other)

    return watch


Value.__eq__, Value.__ne__ = watched(Value.__eq__), watched(Value.__ne__)


@pytest.fixture(autouse=True)
def _no_value_is_looked_for_by_its_number():
    yield
    found = COMPARED[:]
    COMPARED.clear()
    assert not found, "the package compares Values with numbers"


@pytest.fixture(autouse=True)
def _table_as_before():
    table, before = ops.TABLE, dict(ops.TABLE)
    assert before.keys() == ops.BUILT_IN, "a file of tests defines a row when it is imported"
    yield
    table.clear()
    table.update(before)


@pytest.fixture
def ctrl_c_raises():
    """Python's own handler, which is not there when a shell started the tests in the background.

    Who would be struck in its place stands aside: a tool that traces lines, as coverage does, and
    would never let go of its own lock; and who is called by the collector, as Hypothesis is, where
    Python reports an exception and goes on.
    """
    before, tracer = signal.signal(signal.SIGINT, signal.default_int_handler), sys.gettrace()
    called, gc.callbacks[:] = gc.callbacks[:], []
    sys.settrace(None)
    yield
    sys.settrace(tracer)
    gc.callbacks[:] = called
    signal.signal(signal.SIGINT, before)
