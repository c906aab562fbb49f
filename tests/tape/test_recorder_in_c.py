"""The recorder in C makes the very program that Python's makes: the same instructions in the same
order, constants, labels and adjoints, over graphs of every row, with inf, nan and signed zeros
among the numbers; and so do lowering and dead code.
"""

import gc
import random
import signal
import time
import weakref
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace

import numpy as np
import pytest
from tapes import INPUTS, any_number, any_point, any_program, bits, evaluate, inf, nan, written

from micrograd_plus import (
    Value,
    checkpoint,
    custom,
    engine_name,
    grad,
    heart,
    hessian,
    ops,
    record,
)
from micrograd_plus.tape import Tape
from micrograd_plus.tape.executors.python import Replay
from micrograd_plus.tape.lowering import lowered
from micrograd_plus.tape.patterns import pattern

pytestmark = pytest.mark.skipif(engine_name() != "c", reason="the heart in C was not built")
TASKS = ("values", "sums", "gradients of inputs", "gradients of parameters")
PARTS = ("constants", "codes", "starts", "operands", "outputs")


def by_both(make):
    """What C makes, and what Python makes."""
    library, of_c = heart.library(), make()
    with without_c():
        of_python = make()
    assert heart.library() is library
    return of_c, of_python


@contextmanager
def without_c():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(heart, "_running", None)
        yield


def parts(program):
    arrays = [getattr(program, part) for part in PARTS]
    assert [a.dtype for a in arrays] == [np.float64, *[np.int32] * 4]
    counts = program.inputs, program.parameters
    return [*counts, *[a.tobytes() for a in arrays], program.table]


def assert_made_alike(make):
    of_c, of_python = by_both(make)
    tasks = TASKS if of_c.gradient else TASKS[:1]
    with without_c():
        whole = of_python.programs.whole
        for_tasks = [of_python.program_for(task) for task in tasks]
    assert type(of_c.programs) is type(of_python.programs)
    assert parts(of_c.program) == parts(whole.program)
    assert of_c.labels == whole.labels
    assert list(of_c.adjoint_of.items()) == list(whole.adjoint_of.items())
    for task, program in zip(tasks, for_tasks):
        assert parts(of_c.program_for(task)) == parts(program), task
    assert (of_c.form, of_c.names, of_c.gradient) == (
        of_python.form,
        of_python.names,
        of_python.gradient,
    )
    program = of_c.program
    if not program.python_only:
        assert len({str(parts(spelled)) for spelled in by_both(lambda: lowered(program))}) == 1
    wanted = random.Random(program.size).choices(range(program.size), k=3)
    (one, registers), (other, again) = by_both(lambda: program.reduced(wanted))
    assert parts(one) == parts(other)
    assert registers.tolist() == again.tolist()
    return of_c


def any_function(rng):
    """A function of three numbers and of two parameters that it refers to: a graph over any rows,
    its derivative, or several outputs.
    """
    program = any_program(rng, most=rng.choice((6, 12, 40)))
    shared = [Value(any_number(rng), label=label) for label in rng.choice((("", "w"), ("b", "w")))]

    def whole(x, *others):
        out = evaluate(program, [x * shared[0] + shared[1], *others])
        if isinstance(out, Value) and rng.random() < 0.5:
            out.label = "out"
        return out

    kinds = {
        "value": whole,
        "several": lambda *xs: [xs[1], whole(*xs), 2.5, (shared[1], whole(xs[0], *xs[1:]))],
        "derivative": lambda x, *others: grad(lambda y: whole(y, *others))(x),
    }
    kind = rng.choice(("value", "value", "value", "several", "derivative"))
    return kinds[kind], shared, f"{kind}\n{written(program)}"


def agree_on(seed):
    rng = random.Random(seed)
    f, shared, text = any_function(rng)
    point, state = any_point(rng), rng.getstate()

    def make():
        rng.setstate(state)
        return record(f, *point, parameters=shared, check=False)

    try:
        return len(assert_made_alike(make))
    except AssertionError as difference:
        raise AssertionError(f"seed {seed}: {text}") from difference


def agree(seeds):
    return sum(map(agree_on, seeds))


def test_random_graphs_over_every_row_become_the_same_program():
    assert agree(range(250)) > 2_000


@pytest.mark.slow
def test_thousands_of_random_graphs_become_the_same_program():
    print(agree(range(1_000, 11_000)), "instructions")


def second_derivatives(x, y):
    return hessian(lambda v: ops.maximum(v[0] * v[1], ops.take(1, v)) * v[0])([x, y])


KINDS = {
    "long sums and products": lambda x, y: ops.sum([ops.dot([x] * 90, [y] * 90, x)] * 70),
    "sums of none": lambda x, y: x * ops.sum([]) + y,
    "a product that is an operand": lambda x, y: (1.0 * x + -0.0) * y * 1.0,
    "an index that varies": lambda x, y: ops.take(y, x, x * y, 3.0),
    "conditions within conditions": lambda x, y: ops.where(x > 0, ops.where(y > 0, x, y), x * y),
    "a condition that is a constant": lambda x, y: ops.where(Value(1.0) > 0, x * y, x),
    "operands that tie": lambda x, y: ops.maximum(x, x, y, x) * ops.minimum(y, y),
    "a switch that does not share": lambda x, y: ops.hard_tanh(ops.relu(x)) + ops.relu(x * y),
    "an output without inputs": lambda x, y: Value(2.0) * 3.0,
    "a number": lambda x, y: 2.5,
    "an input": lambda x, y: y,
    "second derivatives": second_derivatives,
    "powers by constants": lambda x, y: x**2 + y**0 + 2**x + (x * y) ** -1.5,
    "nans of both signs": lambda x, y: x * (Value(inf) - inf) + y * nan,
    "a chain": lambda x, y: ops.sum([x, *[(x + i).tanh() * y for i in range(300)]]),
}


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_special_becomes_the_same_program(kind):
    assert_made_alike(lambda: record(KINDS[kind], 0.5, -2.0, check=False))


@pytest.mark.parametrize("seed", range(6))
def test_instructions_that_have_an_operand_in_common_are_found_again(seed):
    rng = random.Random(seed)
    state, steps = rng.getstate(), 300

    def f(*numbers):
        found = [*numbers]
        for _ in range(steps):
            x, y = rng.choices(found[:4] + found[-4:], k=2)
            again = rng.choice((ops.add, ops.sub, ops.mul))(x, y)
            found += [again] if rng.random() < 0.1 else [again * found[3]]
        return found

    def make():
        rng.setstate(state)
        return record(f, 0.5, 1.25, -2.0, 3.0, check=False)

    assert len(assert_made_alike(make)) < 2 * steps


def test_a_table_of_all_products_is_recorded_with_each_of_them_once():
    def f(*xs):
        left, right = [ops.exp(x) for x in xs[:20]], [ops.sin(x) for x in xs[20:]]
        return [x * y for _ in range(3) for y in right for x in left]

    tape = assert_made_alike(lambda: record(f, *[0.1 * i for i in range(40)], check=False))
    assert len(tape) == 20 + 20 + 20 * 20


def test_rows_of_a_users_own_and_checkpoints_are_left_to_python():
    row = custom("halved", lambda x: 0.5 * x, lambda out, x: 0.5)
    try:
        gate = checkpoint(lambda x, y: (x * y).tanh())
        for f in (lambda x, y: row(x) * y, lambda x, y: gate(x, y) + x):
            tape = assert_made_alike(lambda f=f: record(f, 0.5, -2.0))
            assert len(tape) > 2
    finally:
        del ops.TABLE["halved"]


def test_a_graph_that_stands_is_recorded_from_any_of_its_nodes():
    x = Value(0.5, label="x")
    inner = (x * x).tanh()
    inner.label = "inner"
    out = inner * x
    assert_made_alike(lambda: Tape.of(out, [inner, x]))
    assert_made_alike(lambda: Tape.of([out, inner, out], [x]))
    assert_made_alike(lambda: Tape.of(x, [x]))


def test_what_was_edited_and_stays_in_the_program_is_refused_by_both():
    x, rate = Value(0.5), Value(0.1)
    out = x * x * rate
    x.data = 2.0
    assert assert_made_alike(lambda: Tape.of(out, [x]))(3.0) == 9.0 * 0.1
    rate.data = 0.2

    def refusal():
        with pytest.raises(ValueError, match="was edited after") as caught:
            Tape.of(out, [x])
        return str(caught.value)

    assert len(set(by_both(refusal))) == 1


def test_a_program_is_evaluated_as_the_reference_does():
    for seed in range(60):
        rng = random.Random(seed)
        f, shared, text = any_function(rng)
        tape = record(f, *any_point(rng), parameters=shared, check=False)
        point, data = any_point(rng), np.array([p.data for p in shared])
        program, numbers = tape.program, np.array([*point, *data])
        found = heart.library().evaluated(program.parts(), program.outputs, numbers)
        assert bits(np.frombuffer(found).tolist()) == bits(Replay(program).point(point, data)), text


def broken(program, part, place, number):
    """The parts of a program with one number exchanged."""
    names = ("constants", "codes", "starts", "operands")
    given, *arrays, table = program.parts()
    arrays[names.index(part)] = arrays[names.index(part)].copy()
    arrays[names.index(part)][place] = number
    return given, *arrays, table


@pytest.mark.parametrize(
    ("part", "place", "number"),
    [
        ("codes", 0, 99),
        ("codes", 0, -1),
        ("starts", 0, 1),
        ("starts", 1, -3),
        ("starts", 1, 2**30),
        ("starts", 2, -(2**31)),
        ("starts", -1, 2**30),
        ("operands", 0, -1),
        ("operands", 0, 2**31 - 1),
        ("operands", -1, 2**20),
    ],
)
def test_a_malformed_program_is_refused(part, place, number):
    tape = record(lambda x, y: x * y + ops.exp(x), 1.0, 2.0)
    parts, outputs = broken(tape.program, part, place, number), tape.program.outputs
    library = heart.library()
    calls = [
        lambda: library.reduced(parts, outputs),
        lambda: library.lowered(parts, outputs, None),
        lambda: library.evaluated(parts, outputs, np.zeros(2)),
    ]
    for call in calls:
        with pytest.raises(ValueError, match="that are none"):
            call()


def test_outputs_that_are_no_registers_are_refused():
    program = record(lambda x, y: x * y, 1.0, 2.0).program
    for outputs in ([program.size], [-1], [0, 2**31 - 1]):
        with pytest.raises(ValueError, match="a register of the program"):
            heart.library().reduced(program.parts(), np.array(outputs, dtype=np.int32))
    with pytest.raises(ValueError, match="as many numbers"):
        heart.library().evaluated(program.parts(), program.outputs, np.zeros(INPUTS))


def test_a_program_that_is_needed_whole_is_not_copied():
    tape = record(lambda x, y: [x * y + 1.5, ops.sin(x)], 0.5, 2.0)
    program, (first, second) = tape.program, tape.program.outputs
    turned, registers = program.reduced([second, first])
    assert turned.operands is program.operands
    assert turned.outputs.tolist() == [second, first]
    assert registers.tolist() == list(range(program.size))
    assert len(program.giving([second])) == 1
    unused = replace(program, table=(*program.table, ops.cos))
    assert unused.giving([first, second]).table == program.table


def test_dead_code_is_found_in_waves_and_one_by_one():
    def chains(x, y):
        rows = [x, y]
        for i in range(400):
            rows.append(ops.sin(rows[-1]) + rows[i % 3])
        return [x * y, ops.sum([rows[-1], *[y] * 40]), ops.cos(x)]

    program = record(chains, 0.5, -2.0, check=False).program
    for wanted in ([0], [program.outputs[1]], program.outputs, [program.size - 1, 2]):
        outputs = np.array(wanted, dtype=np.int64)
        is_live = program._live(outputs)
        assert is_live.tolist() == program._live_one_by_one(outputs).tolist()
        _, registers = program.reduced(outputs)
        assert (registers >= 0)[2:].tolist() == is_live[2:].tolist()


def chain(length):
    x = Value(0.5)
    y = x
    for _ in range(length):
        y = y * x
    return y, x


def test_a_chain_of_any_length_is_recorded_without_recursion():
    y, x = chain(200_000)
    tape = Tape.of(y, [x])
    assert len(tape) == 3 * 200_000 - 2
    assert tape.program.nbytes < 17 * len(tape)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="Windows has no timers that interrupt")
def test_ctrl_c_is_heard_while_a_long_graph_is_recorded():
    def interrupted(*_):
        raise KeyboardInterrupt

    def recorded():
        begin = time.process_time()
        with suppress(KeyboardInterrupt):
            snapshot.linearised(pattern, True, 0, 1)
        return time.process_time() - begin

    y, x = chain(400_000)
    snapshot = heart.library().snapshot((y,), [x], True)
    whole, before = recorded(), signal.signal(signal.SIGPROF, interrupted)
    try:
        signal.setitimer(signal.ITIMER_PROF, whole / 20)
        heard = recorded()
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0.0)
        signal.signal(signal.SIGPROF, before)
    assert heard < whole / 2
    assert len(Tape.of(y, [x])) == 3 * 400_000 - 2


def test_threads_that_record_at_once_do_not_disturb_each_other():
    """Python runs in the middle, where a pattern is traced: another thread may go on there."""

    def f(xs):
        return ops.logsumexp([ops.maximum(*xs[i:]) * ops.hypot(*xs[: i + 1]) for i in range(30)])

    def recorded(count):
        leaves = [Value(0.1 * i) for i in range(count)]
        return parts(Tape.of(f(leaves), leaves).program)

    counts = range(31, 51)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(recorded, counts))
    assert found == [recorded(count) for count in counts]


def test_a_tape_keeps_no_graph_alive():
    leaf = Value(0.5)
    out = ops.tanh(leaf * 2.0)
    alive = weakref.ref(out)
    tape = Tape.of(out, [leaf])
    del out
    gc.collect()
    assert alive() is None
    assert len(tape.adjoint_of) > 0
