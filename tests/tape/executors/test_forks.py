"""Forks, Ctrl-C and threads while machine code is made:
nobody waits for ever, and what comes after is right.
"""

import os
import random
import signal
import subprocess
import sys
import threading
import time

import forking
import pytest

from micrograd_plus import ops, record
from micrograd_plus.tape.executors import forks
from micrograd_plus.tape.executors.llvm import machine

llvm = pytest.importorskip("llvmlite.binding")
PATIENCE = 30.0  # seconds


# Forks. -------------------------------------------------------------------------------------------
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.parametrize("moment", ["importing", "emitting", "compiling", "anything"])
def test_a_child_compiles_and_runs_whatever_another_thread_did_when_it_was_born(moment):
    script = [sys.executable, forking.__file__, moment]
    run = subprocess.run(script, capture_output=True, text=True, check=False, timeout=20 * PATIENCE)
    assert (run.stdout, run.stderr) == ("all children ran\n", "")


def test_llvmlite_keeps_its_lock_where_it_is_looked_for():
    """Otherwise one of ours stands in its place, and a fork would not wait for LLVM."""
    assert machine._LLVM is llvm.ffi.lib._lock._lock
    assert forks._locks == [*forks._locks[:-2], machine._COMPILING, machine._LLVM]


# Threads. -----------------------------------------------------------------------------------------
def tape_of(c):
    return record(lambda x, y: ops.tanh(x * c + y) * ops.exp(-x), 0.5, 2.0)


def right(tape):
    rows = [[0.1 * i, 0.3] for i in range(20)]
    return (
        all(tape(*row, executor="machine") == tape(*row, executor="python") for row in rows[:3])
        and tape.sum_and_grad(rows, executor="machine")[0]
        == tape.sum_and_grad(rows, executor="python")[0]
    )


def right_elsewhere(tape):
    """Whether another thread gets it right in time."""
    found = []
    thread = threading.Thread(target=lambda: found.append(right(tape)), daemon=True)
    thread.start()
    thread.join(PATIENCE)
    return found == [True]


def test_several_threads_compile_several_tapes_at_once():
    shared, found = tape_of(3.0), []

    def work(i):
        found.append(right(shared) and all(right(tape_of(i + k / 10)) for k in range(3)))

    threads = [threading.Thread(target=work, args=(i,)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [True] * 6


def test_a_tape_that_runs_in_the_middle_of_its_own_compilation_does_not_wait_for_itself(
    monkeypatch,
):
    """As in the handler of a signal, or a finalizer that the collector calls."""
    tape, loops, inner = tape_of(1.0), machine.Loops, []

    def handled(*given):
        if not inner:
            inner.append(None)
            inner[0] = right(tape)
        return loops(*given)

    monkeypatch.setattr(machine, "Loops", handled)
    thread = threading.Thread(target=lambda: inner.append(right(tape)), daemon=True)
    thread.start()
    thread.join(PATIENCE)
    assert inner == [True, True]


# Ctrl-C. ------------------------------------------------------------------------------------------
def test_llvm_is_not_called_where_ctrl_c_strikes():
    """Its lock would stay held when Ctrl-C struck after it was taken
    and before llvmlite guards it.
    """
    callers = []

    def note():
        callers.append(threading.current_thread())

    llvm.ffi.register_lock_callback(note, int)
    try:
        kept = [tape_of(1.0)]
        assert right(kept[0])
    finally:
        llvm.ffi.unregister_lock_callback(note, int)
    assert len(callers) > 20
    assert threading.main_thread() not in callers


def test_a_tape_still_runs_while_python_ends():
    script = (
        "import atexit; from micrograd_plus import record; t = record(lambda x: x * x, 1.0); "
        "record(lambda x: x + x, 1.0)(2.0); atexit.register(lambda: print(t(3.0, "
        "executor='machine')))"
    )
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, check=False
    )
    assert (run.stdout, run.stderr) == ("9.0\n", "")


@pytest.mark.usefixtures("ctrl_c_raises")
def test_ctrl_c_at_any_moment_of_compiling_leaves_the_machine_usable():
    rng, struck = random.Random(0), 0
    begin = time.perf_counter()
    tape_of(0.0).sum_and_grad([[0.5, 2.0]] * 20)
    span = time.perf_counter() - begin
    for i in range(15):
        tape = tape_of(1.0 + i)
        strike = threading.Timer(rng.uniform(0.0, span), signal.raise_signal, [signal.SIGINT])
        try:
            strike.start()
            tape.sum_and_grad([[0.5, 2.0]] * 20)
            strike.join()
            time.sleep(0.1)
        except KeyboardInterrupt:
            struck += 1
        strike.join()
        assert right_elsewhere(tape)
        assert right(tape)
    assert struck == 15
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
