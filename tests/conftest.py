"""Hypothesis profiles, and a watch on global state: a test that leaves the engine switched fails,
not its neighbour.

Rows that a test adds to the table go with it.
"""

import gc
import os
import signal
import sys
import threading

import pytest
from hypothesis import settings

from micrograd_plus import ops
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
