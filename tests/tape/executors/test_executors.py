"""What runs a tape: sums in one stated order, any number of threads, Ctrl-C,
and a machine that may be missing.
"""

import math
import os
import random
import signal
import subprocess
import sys
import threading
from functools import reduce
from operator import add

import guarded
import numpy as np
import pytest
from tapes import EXECUTORS, any_number, bits, reading_data

from micrograd_plus import Value, custom, ops, record
from micrograd_plus.tape import executors
from micrograd_plus.tape.executors.llvm import machine
from micrograd_plus.tape.executors.python import CHUNK

COUNTS = [0, 1, 2, 15, 16, 17, 1023, 1024, 1025, 2500]


def model():
    """A loss with three parameters and every kind of number in its gradient,
    also inf and nan for large inputs.
    """
    w = [Value(0.3, label="w"), Value(-1.7, label="v"), Value(0.1, label="b")]

    def loss(x, y):
        return (
            ops.relu(w[0] * x + w[1] * y + w[2]) ** 2
            + ops.exp(w[2] * x)
            - ops.where(x > y, w[0] / y, 0.0)
        )

    return record(loss, 0.5, 2.0, parameters=w)


def some_rows(count, seed=0, wild=0):
    """Numbers of one size, so that every rounding depends on the order;
    `wild` of them of any, inf and nan too.
    """
    rng = random.Random(seed)
    rows = np.array([rng.gauss(0, 1) for _ in range(2 * count)]).reshape(count, 2)
    for _ in range(wild if count else 0):
        rows[rng.randrange(count), rng.randrange(2)] = any_number(rng)
    return rows


def added_up(numbers):
    """The stated order: sixteen by halves, missing ones 0; such sums from first to last in 1,024;
    those likewise.
    """
    total = 0.0
    for start in range(0, len(numbers), 1024):
        chunk, of_chunk = numbers[start : start + 1024], 0.0
        for first in range(0, len(chunk), 16):
            lanes = chunk[first : first + 16]
            lanes = lanes + [0.0] * (16 - len(lanes))
            for half in (8, 4, 2, 1):
                lanes = [lanes[i] + lanes[i + half] for i in range(half)]
            of_chunk += lanes[0]
        total += of_chunk
    return total


def spelled_out(tape, rows):
    """Sum and gradient by that order, from the numbers of each row."""
    columns = [tape.values(rows, executor="python").tolist()]
    columns += tape.gradients(rows, of="parameters", executor="python").T.tolist()
    return [added_up(column) for column in columns]


# The order of sums. -------------------------------------------------------------------------------
@pytest.mark.parametrize("count", COUNTS)
def test_sums_have_the_stated_order_in_python_and_on_the_machine(count):
    tape, as_data = model(), model()
    for seed, wild in ((0, 0), (1, 0), (2, 1), (3, 5)):
        rows = some_rows(count, seed, wild)
        expected = spelled_out(tape, rows)
        for executor in EXECUTORS:
            for threads in (1, 2, 3, 4) if executor == "machine" else (1,):
                total, gradient = tape.sum_and_grad(rows, executor=executor, threads=threads)
                assert bits([total, *gradient]) == bits(expected)
                if count:
                    mean, of_mean = tape.mean_and_grad(rows, executor=executor, threads=threads)
                    assert bits([mean, *of_mean]) == bits([x / count for x in expected])
        with reading_data():
            total, gradient = as_data.sum_and_grad(rows)
            assert bits([total, *gradient]) == bits(expected)


def test_the_order_is_one_of_many():
    """Otherwise the test above would prove nothing: from left to right, or by halves throughout,
    other bits come out.
    """
    numbers = some_rows(1250).ravel().tolist()
    assert (
        len({added_up(numbers), reduce(add, numbers), float(np.sum(numbers)), math.fsum(numbers)})
        == 4
    )


@pytest.mark.parametrize("executor", EXECUTORS)
@pytest.mark.parametrize("cut", [0, 1024, 2048])
def test_shards_of_whole_chunks_combine_to_the_same_bits(executor, cut):
    tape, rows = model(), some_rows(2500)
    shards = [
        sums
        for part in (rows[:cut], rows[cut:])
        for sums in tape.chunk_sums(part, executor=executor)
    ]
    assert len(shards) == 3
    total, gradient = tape.sum_and_grad(rows, executor=executor)
    combined = np.zeros(4)
    for sums in shards:
        combined += sums
    assert bits(combined) == bits([total, *gradient])


def test_missing_rows_count_nothing_even_where_the_last_row_is_infinite():
    tape = record(lambda x: x, 1.0)
    for executor in EXECUTORS:
        assert tape.sum_and_grad([[np.inf]] * 17, executor=executor)[0] == np.inf
        assert tape.sum_and_grad([[1.0]] * 17, executor=executor)[0] == 17.0
        assert bits([tape.sum_and_grad([[-0.0]] * 3, executor=executor)[0]]) == bits([0.0])


def test_no_rows_have_a_sum_but_no_mean():
    for executor in EXECUTORS:
        total, gradient = model().sum_and_grad(np.empty((0, 2)), executor=executor)
        assert bits([total, *gradient]) == bits([0.0] * 4)
        with pytest.raises(ValueError, match="no mean of no points"):
            model().mean_and_grad(np.empty((0, 2)), executor=executor)


def unaligned(numbers):
    """The same numbers, one byte off."""
    room = np.empty(numbers.nbytes + 1, dtype=np.uint8)[1:]
    found = room.view(np.float64).reshape(numbers.shape)
    found[...] = numbers
    return found


@pytest.mark.parametrize("executor", EXECUTORS)
def test_a_mean_of_arrays_is_that_of_their_numbers_however_they_lie(executor):
    tape, points, numbers = model(), some_rows(20), np.array([0.3, -1.7, 0.1])
    expected = tape.mean_and_grad(points, numbers, executor=executor)
    twice = np.repeat(points, 2, axis=1)[:, ::2]
    for given in (
        points,
        points.astype(">f8"),
        twice,
        np.asfortranarray(points),
        unaligned(points),
    ):
        for parameters in (numbers, numbers.astype(">f8"), unaligned(numbers), numbers.tolist()):
            total, gradient = tape.mean_and_grad(given, parameters, executor=executor)
            assert bits([total, *gradient]) == bits([expected[0], *expected[1]])
    whole = tape.mean_and_grad(np.ones((3, 2), dtype=np.int64), numbers, executor=executor)
    assert whole[0] == tape.mean_and_grad(np.ones((3, 2)), numbers, executor=executor)[0]
    for wrong in (np.ones((3, 3)), np.ones(2), np.float64(1.0), np.array(1.0)):
        with pytest.raises(ValueError, match="takes points of 2 numbers"):
            tape.mean_and_grad(wrong, numbers, executor=executor)
    for wrong in (np.ones(2), np.ones((3, 1)), np.array(1.0)):
        with pytest.raises(ValueError, match="takes parameters of shape"):
            tape.mean_and_grad(points, wrong, executor=executor)
    with pytest.raises(TypeError, match="complex"):
        tape.mean_and_grad(points * 1j, numbers, executor=executor)


# Memory. ------------------------------------------------------------------------------------------
@pytest.mark.skipif(os.name != "posix", reason="guards pages of memory with mprotect")
@pytest.mark.parametrize("most_nests", [256, 0])
def test_the_machine_reads_nothing_beside_rows_and_parameters(most_nests):
    script = [sys.executable, guarded.__file__, str(most_nests)]
    run = subprocess.run(script, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout) == (0, "untouched\n"), run.stderr


# Threads. -----------------------------------------------------------------------------------------
@pytest.mark.parametrize("executor", EXECUTORS)
@pytest.mark.parametrize("data", [False, True])
def test_several_threads_may_call_one_tape_at_once(executor, data, monkeypatch):
    if data:
        monkeypatch.setattr(machine, "MOST_NESTS", 0)
    tape, parts = model(), [some_rows(300, seed) for seed in range(8)]
    expected = [
        (bits(model().values(rows, executor="python")), bits(spelled_out(tape, rows)))
        for rows in parts
    ]
    found, start = [None] * len(parts), threading.Barrier(len(parts))

    def work(i):
        start.wait()  # all meet a tape that has nothing compiled yet
        for _ in range(3):
            total, gradient = tape.sum_and_grad(parts[i], executor=executor)
            one_by_one = [tape(*row, executor=executor) for row in parts[i].tolist()]
            many = bits(tape.values(parts[i], executor=executor, threads=2))
            found[i] = (many, bits([total, *gradient])) if bits(one_by_one) == many else None

    threads = [threading.Thread(target=work, args=(i,)) for i in range(len(parts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == expected


def test_code_is_made_once_whoever_asks_and_whatever_it_is_called(monkeypatch):
    tape, rows, start = model(), some_rows(300), threading.Barrier(6)
    compiled = counted(monkeypatch, machine, "compile_code")

    def work(executor):
        start.wait()
        tape.sum_and_grad(rows, executor=executor)

    threads = [
        threading.Thread(target=work, args=(executor,)) for executor in ("machine", None) * 3
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(compiled) == 1


# Ctrl-C. ------------------------------------------------------------------------------------------
class Counted:
    """An entry that tells of every run."""

    def __init__(self, entry, calls):
        self.entry, self.calls = entry, calls

    def run(self, *given):
        self.calls.append(None)
        self.entry.run(*given)


def runs_of(tape):
    """A list that grows with every run of the entries that a tape has."""
    calls = []
    for run in tape._executors.values():
        for key, entry in run._entries.items():
            run._entries[key] = Counted(entry, calls)
    return calls


def counted(monkeypatch, owner, name):
    """A list that grows with every call of a method."""
    calls, method = [], getattr(owner, name)
    monkeypatch.setattr(owner, name, lambda *args: (calls.append(None), method(*args))[1])
    return calls


@pytest.mark.usefixtures("ctrl_c_raises")
@pytest.mark.parametrize("use", ["values", "gradients", "sum_and_grad", "mean_and_grad"])
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("executor", EXECUTORS[1:])
def test_ctrl_c_in_a_long_run_is_heard_between_chunks(use, threads, executor):
    chunks = 1_000
    tape = record(lambda x: ops.sum([ops.erf(ops.tan(x + i)) for i in range(400)]), 1.0)
    rows = np.linspace(0.0, 1.0, chunks * CHUNK).reshape(-1, 1)
    # compiled, and taken the measure of
    before = [getattr(tape, use)(rows[:2000], executor=executor) for _ in range(2)]
    calls = runs_of(tape)
    strike = threading.Timer(0.2, signal.raise_signal, [signal.SIGINT])
    strike.start()
    with pytest.raises(KeyboardInterrupt):
        getattr(tape, use)(rows, executor=executor, threads=threads)
    strike.join()
    assert 0 < len(calls) < chunks
    after = getattr(tape, use)(rows[:2000], executor=executor, threads=threads)
    assert [bits(np.ravel(part)) for part in after] == [bits(np.ravel(part)) for part in before[0]]


@pytest.mark.usefixtures("ctrl_c_raises")
def test_ctrl_c_in_a_long_replay_in_python_is_heard(monkeypatch):
    monkeypatch.setattr(ops, "TABLE", dict(ops.TABLE))
    calls = []
    counting = custom("counting", lambda x: calls.append(x) or x, lambda out, x: 1.0)
    tape = record(lambda x: counting(x) + x, 1.0)
    rows = np.ones((3_000_000, 1))
    strike = threading.Timer(0.2, signal.raise_signal, [signal.SIGINT])
    strike.start()
    with pytest.raises(KeyboardInterrupt):
        tape.sum_and_grad(rows)
    strike.join()
    assert 0 < len(calls) < len(rows)
    assert tape.sum_and_grad(rows[:3]) == (6.0, pytest.approx([]))


# Which executor. ----------------------------------------------------------------------------------
def test_the_machine_runs_what_it_can_and_a_wrong_name_is_refused():
    tape = model()
    for name in EXECUTORS:
        assert tape.executor(name) == name
    with pytest.raises(
        ValueError, match='there are the executors "machine", "interpreter", "python", not'
    ):
        tape(1.0, 2.0, executor="gpu")


@pytest.mark.parametrize("first", ["interpreter", "python"])
def test_without_llvmlite_every_tape_runs_and_says_what_would_be_faster(first, monkeypatch):
    monkeypatch.setattr(executors, "find_spec", lambda name: None)
    if first == "python":
        monkeypatch.setattr(executors.heart, "library", lambda: None)
    elif executors.heart.library() is None:
        pytest.skip("the heart in C does not run here")
    tape, rows = model(), some_rows(100)
    assert bits(tape.values(rows)) == bits(tape.values(rows, executor="python"))
    assert (
        tape.executor()
        == f"{first}, for want of llvmlite: pip install 'micrograd-plus[fast]' brings machine code"
    )
    with pytest.raises(
        ImportError, match=r"machine code needs llvmlite: pip install 'micrograd-plus\[fast\]'"
    ):
        tape.values(rows, executor="machine")


WITHOUT = """
import sys
sys.modules["llvmlite"] = None
from micrograd_plus import Tape, nn, record
import random
model = nn.MLP(2, [3, 1], rng=random.Random(0))
tape = record(lambda *xs: model(xs), 0.5, 1.0, parameters=model)
assert tape(0.5, 1.0) == model([0.5, 1.0]).data
assert tape.sum_and_grad([[0.5, 1.0]] * 3)[0] == 3 * tape(0.5, 1.0)
assert tape.gradients([[0.5, 1.0]]).shape == (1, 2)
assert Tape.from_json(tape.to_json())(0.5, 1.0) == tape(0.5, 1.0)
print(tape.executor())
try:
    tape(0.5, 1.0, executor="machine")
except ImportError as error:
    print(error)
machines = ("llvmlite.", "micrograd_plus.tape.executors.llvm.machine")
assert not [name for name in sys.modules if name.startswith(machines)]
"""


def test_a_python_without_llvmlite_has_everything_but_the_machine():
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", WITHOUT], capture_output=True, text=True, check=False
    )
    assert run.stderr == ""
    first, second = run.stdout.splitlines()
    assert ", for want of llvmlite: pip install 'micrograd-plus[fast]'" in first
    assert second == "machine code needs llvmlite: pip install 'micrograd-plus[fast]'"
