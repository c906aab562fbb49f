"""A tape runs at once, and as machine code when it has earned it: the rule, what takes over,
and what may happen in the meantime.
"""

import gc
import os
import subprocess
import sys
import textwrap
import threading
import time
import weakref

import numpy as np
import pytest
from tapes import bits, same_bits

from micrograd_plus import heart, nn, ops, record
from micrograd_plus.tape import executors
from micrograd_plus.tape.executors import executor_for, sharing, tiers
from micrograd_plus.tape.executors.llvm import machine
from micrograd_plus.tape.executors.python import BLOCK, Replay

pytest.importorskip("llvmlite.binding")
PATIENCE = 60.0  # seconds
FIRST = "python" if heart.library() is None else "interpreter"
in_c_and_in_python = pytest.mark.parametrize("first", sorted({FIRST, "python"}), indirect=True)


@pytest.fixture
def first(request, monkeypatch):
    """The first tier, in C or in Python; no executor is there from before."""
    monkeypatch.setattr(sharing, "_executors", weakref.WeakValueDictionary())
    if request.param == "python":
        monkeypatch.setattr(executors, "_first", Replay)
    return request.param


def tape_of(c):
    return record(lambda x, y: ops.tanh(x * c + y) * ops.exp(-x), 0.5, 2.0)


def points(count=40):
    return np.linspace(-1.0, 1.0, 2 * count).reshape(count, 2)


@pytest.fixture
def at_once(monkeypatch):
    """Machine code is earned by one call."""
    for price in ("A_PROGRAM", "AN_OPERAND", "AN_OPERAND_IN_C", "A_RUN"):
        monkeypatch.setattr(tiers, price, 0.0)
    monkeypatch.setattr(tiers, "FEW_OPERANDS", 0)


def waited_for(condition):
    """Whether something comes to hold."""
    end = time.perf_counter() + PATIENCE
    while not condition() and time.perf_counter() < end:
        time.sleep(0.005)
    return condition()


@in_c_and_in_python
def test_a_tape_runs_in_an_interpreter_and_says_until_when(first):
    tape = tape_of(1.25)
    assert tape(0.5, 1.0) == tape(0.5, 1.0, executor="python")
    assert tape.executor() == f"{first}, until it has run for 0.1 s and machine code is made"


def test_no_first_call_waits_for_machine_code(environment):
    script = """
from micrograd_plus import ops, record
tape = record(lambda x, y: ops.tanh(x * 1.5 + y) * ops.exp(-x), 0.5, 2.0)
tape(0.5, 1.0), tape.values([[0.5, 1.0]] * 40), tape.sum_and_grad([[0.5, 1.0]] * 40)
import sys
assert "llvmlite" not in sys.modules
print(tape.executor())
"""
    run = ran(script, environment)
    assert run.stderr == ""
    first = "interpreter" if environment[heart.VARIABLE] == "c" else "python"
    assert run.stdout.startswith(f"{first}, until it has run")


def test_what_a_program_must_earn_grows_with_it():
    def price(terms):
        tape = record(lambda x: ops.sum([x * i for i in range(terms)]), 1.0)
        return executor_for(tape.program, None).price

    a_term = 3 * (tiers.AN_OPERAND if FIRST == "python" else tiers.AN_OPERAND_IN_C)
    prices = [price(2), price(20_000)]
    assert prices[0] < 0.11
    assert prices[1] > 0.1 + 19_000 * a_term


@pytest.mark.parametrize("is_small", [True, False])
def test_a_small_program_is_called_without_being_timed(is_small, monkeypatch):
    monkeypatch.setattr(tiers, "FEW_OPERANDS", 32 if is_small else 0)
    tape = tape_of(1.625)
    for _ in range(3):
        assert tape(0.5, 1.0) == tape(0.5, 1.0, executor="python")
    has_caller = heart.library() is not None
    assert (tape._executor("values", None).spent == 0.0) == (is_small and has_caller)


@pytest.mark.skipif(heart.library() is None, reason="Python does not look for runs")
def test_a_long_irregular_program_stays_in_the_interpreter(monkeypatch):
    monkeypatch.setattr(tiers, "MOST_RUNS", 2)
    tape = tape_of(1.375)
    assert tape.executor().startswith("interpreter, for there is no machine code: the program is")


@pytest.mark.usefixtures("at_once", "first")
@in_c_and_in_python
@pytest.mark.parametrize(
    "use",
    [
        lambda tape, executor: bits([tape(0.5, 1.0, executor=executor)]),
        lambda tape, executor: bits(tape.values(points(), executor=executor)),
        lambda tape, executor: bits(tape.gradients(points(3), executor=executor).ravel()),
        lambda tape, executor: bits([tape.sum_and_grad(points(), executor=executor)[0]]),
        lambda tape, executor: bits([tape.mean_and_grad(points(1), executor=executor)[0]]),
    ],
)
def test_machine_code_takes_over_with_the_same_bits(use):
    tape = tape_of(1.5)
    expected = use(tape, "python")
    assert use(tape, None) == expected

    def is_taken_over():
        assert use(tape, None) == expected
        return tape.executor() == "machine"

    assert waited_for(is_taken_over)


@pytest.mark.usefixtures("at_once", "first")
@in_c_and_in_python
def test_in_the_middle_of_a_long_call_machine_code_takes_over():
    tape, rows = tape_of(1.75), points(1 << 18)
    begin = time.perf_counter()
    found = tape.values(rows)
    assert same_bits(found, tape.values(rows, executor="machine")).all()
    sums = [tape.sum_and_grad(rows, executor=name)[0] for name in (None, "machine")]
    assert bits(sums[:1]) == bits(sums[1:])
    assert time.perf_counter() - begin < PATIENCE


@pytest.mark.parametrize("summed", [False, True])
@pytest.mark.parametrize("first", ["python"], indirect=True)
def test_after_sixteen_points_in_python_machine_code_takes_over(first, summed, monkeypatch):
    """At every block of points, with the bits of the whole in Python."""
    tape, rows = tape_of(1.875), points(5 * BLOCK - 3)
    rows[::7] *= 1e300

    def use(executor):
        found = (
            tape.sum_and_grad(rows, executor=executor)
            if summed
            else [tape.values(rows, executor=executor)]
        )
        return np.hstack(found)

    expected, way = use("python"), (True, summed)
    assert same_bits(use("machine"), expected).all()
    tiered = tape._executor("sums" if summed else "values", None)
    code = tape._executor("sums" if summed else "values", "machine").entry_for(*way)
    for block in range(6):
        looks = iter([None] * block)
        monkeypatch.setattr(tiered, "taken_over", lambda way: next(looks, code))  # noqa: B023
        assert same_bits(use(None), expected).all()
        assert next(looks, "all were had") == "all were had"
    assert tape.executor().startswith(first)


@pytest.mark.parametrize("first", ["python"], indirect=True)
def test_a_long_call_waits_for_code_that_is_near_and_no_longer_than_it_would_go_on(
    first, monkeypatch
):
    tape, waits = tape_of(1.9375), []
    expected = tape.values(points(), executor="python")
    tiered = tape._executor("values", None)
    tiered.price = 0.0
    monkeypatch.setattr(tiered, "pay", lambda way, seconds: tiered._asked.add(way))
    monkeypatch.setattr(tiers, "sleep", waits.append)
    tape.values(points())
    assert not waits  # nobody is making any
    monkeypatch.setattr(tiers._background, "is_working", True)
    assert same_bits(tape.values(points()), expected).all()
    assert waits
    waits.clear()
    tiered.price = PATIENCE
    assert same_bits(tape.values(points()), expected).all()
    assert not waits
    assert first == "python"


@pytest.mark.usefixtures("at_once")
@in_c_and_in_python
def test_what_fails_in_the_background_is_told_and_stops_nothing(first, monkeypatch):
    def failing(*_):
        raise RuntimeError("no code today")

    monkeypatch.setattr(machine, "compile_code", failing)
    tape = tape_of(2.5)
    expected = tape(0.5, 1.0)
    told = f"{first}, for there is no machine code: RuntimeError: no code today"
    assert waited_for(lambda: tape.executor() == told)
    assert tape(0.5, 1.0) == expected
    with pytest.raises(RuntimeError, match="no code today"):
        tape(0.5, 1.0, executor="machine")


@pytest.mark.usefixtures("at_once", "first")
@in_c_and_in_python
def test_a_tape_that_is_dropped_while_its_code_is_made_is_gone_afterwards():
    tape = tape_of(3.5)
    tape(0.5, 1.0)
    executor = weakref.ref(tape._executor("values", None))
    assert executor() is not None
    del tape
    assert waited_for(lambda: gc.collect() >= 0 and executor() is None)
    assert waited_for(lambda: not tiers._background.is_working)


@pytest.mark.usefixtures("at_once", "first")
@in_c_and_in_python
def test_several_threads_run_one_tape_while_its_code_is_made():
    tape, rows, wrong = tape_of(3.75), points(), []
    expected = tape.values(rows, executor="python")

    def work():
        end = time.perf_counter() + PATIENCE
        while tape.executor() != "machine" and time.perf_counter() < end:
            wrong.extend(np.flatnonzero(~same_bits(tape.values(rows), expected)))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert tape.executor() == "machine"


# Sharing. -----------------------------------------------------------------------------------------
@pytest.mark.usefixtures("first")
@in_c_and_in_python
def test_tapes_of_one_shape_have_their_executors_in_common_while_one_is_there():
    model = nn.MLP(2, [3, 1])

    def recorded():
        return record(lambda *xs: model(xs), 0.5, 1.0, parameters=model)

    gc.collect()
    before = len(sharing._executors)
    first, second, other = recorded(), recorded(), tape_of(4.5)
    runs = [tape._executor("sums", None) for tape in (first, second, other)]
    assert runs[0] is runs[1] is not runs[2]
    for name in ("machine", *({FIRST} - {"python"})):
        assert first._executor("values", name) is second._executor("values", name)
    del first, runs
    assert second.sum_and_grad(points())[0] == second.sum_and_grad(points(), executor="python")[0]
    del second, other
    gc.collect()
    assert len(sharing._executors) == before


def test_tapes_that_differ_in_a_constant_share_nothing():
    first, second = tape_of(5.5), tape_of(5.25)
    assert first._executor("values", None) is not second._executor("values", None)
    assert first(0.5, 1.0) != second(0.5, 1.0)


# Forks and the end. -------------------------------------------------------------------------------
def ran(script, environment=None):
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(script)],
        capture_output=True,
        text=True,
        check=False,
        timeout=4 * PATIENCE,
        env=environment,
    )


EARNED = """
import os, sys, time
from micrograd_plus import ops, record
from micrograd_plus.tape.executors import tiers
tiers.A_PROGRAM = tiers.AN_OPERAND = tiers.AN_OPERAND_IN_C = tiers.A_RUN = tiers.FEW_OPERANDS = 0
tape = record(lambda x, y: ops.tanh(x * 1.5 + y) * ops.exp(-x), 0.5, 2.0)
tape(0.5, 1.0)
"""


@pytest.fixture(params=sorted({FIRST, "python"}))
def environment(request):
    """That of an engine."""
    engine = "c" if request.param == "interpreter" else "python"
    return {**os.environ, heart.VARIABLE: engine}


@pytest.mark.parametrize("seconds", [0.0, 0.01, 0.1, 0.3])
def test_python_ends_while_code_is_made(seconds, environment):
    run = ran(EARNED + f"time.sleep({seconds}); print(tape(0.5, 1.0))", environment)
    assert run.returncode == 0
    assert run.stderr == ""


def test_a_tape_still_runs_in_every_executor_while_python_ends(environment):
    run = ran(
        EARNED
        + """
import atexit
def last():
    print([tape(0.5, 1.0, executor=name) for name in (None, "machine", "python")])
atexit.register(last)
""",
        environment,
    )
    assert (run.returncode, run.stderr) == (0, "")
    assert len(set(run.stdout.strip("[]\n").split(", "))) == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_the_child_of_a_fork_makes_what_was_not_made(environment):
    run = ran(
        EARNED
        + """
for pause in (0.0, 0.02, 0.1):
    time.sleep(pause)
    child = os.fork()
    end = time.perf_counter() + 60
    while tape.executor() != "machine" and time.perf_counter() < end:
        tape(0.5, 1.0)
    if not child:
        os._exit(tape.executor() != "machine")
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert tape.executor() == "machine"
    tape = record(lambda x, y: ops.tanh(x * pause + y) * ops.exp(-x), 0.5, 2.0)
    tape(0.5, 1.0)
print("all ran")
""",
        environment,
    )
    assert (run.stdout, run.stderr) == ("all ran\n", "")
