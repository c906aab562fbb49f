"""Tapes on a cluster of two processes: the bits are those of one process,
also when a worker is killed on the way.
"""

import os
import random
import signal
import sys
import threading
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from micrograd_plus import Value, custom, nn, ops, record
from micrograd_plus.tape.dask import Shards, block_sizes, tape_of

dask_array = pytest.importorskip("dask.array", reason="Dask is the extra `distributed`")
delayed = pytest.importorskip("dask").delayed
distributed = pytest.importorskip("distributed")

ROWS = np.random.default_rng(7).normal(size=(9000, 3))
MODEL = nn.MLP(2, [4, 1], activation="tanh", rng=random.Random(1))
TAPE = record(lambda x, y, t: (MODEL([x, y]) - t) ** 2, 0.1, 0.2, 1.0, parameters=MODEL)


@pytest.fixture(scope="module")
def cluster():
    with distributed.LocalCluster(
        n_workers=2, processes=True, threads_per_worker=1, dashboard_address=":0"
    ) as it:
        yield it


@pytest.fixture(scope="module")
def client(cluster):
    with distributed.Client(cluster) as it:
        yield it


def assert_same(found, true):
    assert found[0] == true[0]
    assert found[1].tolist() == true[1].tolist()


def assert_as_in_one_process(shards, rows, parameters=None, executor=None):
    assert len(shards) == len(rows)
    assert_same(
        shards.sum_and_grad(parameters, executor), TAPE.sum_and_grad(rows, parameters, executor)
    )
    assert_same(
        shards.mean_and_grad(parameters, executor), TAPE.mean_and_grad(rows, parameters, executor)
    )


# The same bits, however the rows are cut. ---------------------------------------------------------
@pytest.mark.parametrize("persist", [True, False])
@pytest.mark.parametrize(
    "chunks", [(1000, 2), (9000, 3), ((1, 5000, 0, 3999), (3,)), (1024, 1)], ids=str
)
def test_a_dask_array_in_awkward_chunks(client, chunks, persist):
    assert_as_in_one_process(
        Shards(TAPE, dask_array.from_array(ROWS, chunks=chunks), client, persist), ROWS
    )


def test_shards_of_odd_sizes_from_here_and_there(client):
    shards = [
        ROWS[:0],
        ROWS[:1],
        ROWS[1:1],
        ROWS[1:700].tolist(),
        client.submit(np.asarray, ROWS[700:5003]),
        delayed(np.asarray)(ROWS[5003:8100]),
        client.scatter(ROWS[8100:8999]),
        ROWS[8999:],
    ]
    assert_as_in_one_process(Shards(TAPE, shards, client), ROWS)


@pytest.mark.parametrize("count", [1, 2, 16, 1023, 1024, 1025, 2049])
def test_few_rows_in_one_array(client, count):
    assert_as_in_one_process(Shards(TAPE, ROWS[:count], client), ROWS[:count])


def test_the_order_of_rows_is_that_of_the_shards(client):
    shards = [ROWS[5000:], ROWS[:5000]]
    assert_as_in_one_process(Shards(TAPE, shards, client), np.concatenate(shards))


def test_no_rows_have_a_sum_and_no_mean(client):
    for rows in ([], [ROWS[:0], ROWS[:0]], ROWS[:0], dask_array.from_array(ROWS)[:0]):
        shards = Shards(TAPE, rows, client)
        assert_same(shards.sum_and_grad(), (0.0, np.zeros(17)))
        with pytest.raises(ValueError, match="no mean of no points"):
            shards.mean_and_grad()


KINDS = [
    "bool",
    "i1",
    "u1",
    "i2",
    "u2",
    "i4",
    "u4",
    "i8",
    "u8",
    "f2",
    "f4",
    "f8",
    ">f4",
    ">f8",
    ">i2",
]


def of_kind(kind, count, seed):
    """Rows of a kind of number, few of which another kind would hold."""
    rng = np.random.default_rng(seed)
    numbers = {
        "b": rng.integers(0, 2, (count, 3)),
        "u": rng.integers(0, 200, (count, 3)),
        "i": rng.integers(-100, 100, (count, 3)),
        "f": rng.normal(size=(count, 3)),
    }
    return np.asarray(numbers[np.dtype(kind).kind]).astype(kind)


def given_as(way, rows, client):
    """Rows as an array, a list, a future, what is delayed,
    or a Dask array that says the truth or anything.
    """
    ways = {
        "array": lambda: rows,
        "fortran": lambda: np.asfortranarray(rows),
        "list": rows.tolist,
        "strided": lambda: np.repeat(rows, 2, axis=0)[::2],
        "future": lambda: client.submit(np.asarray, rows),
        "scattered": lambda: client.scatter(rows),
        "delayed": lambda: delayed(np.asarray)(rows),
        "dask": lambda: dask_array.from_array(rows, chunks=(70, 2)),
        "lying": lambda: lying(rows),
    }
    return ways[way]()


WAYS = ["array", "fortran", "list", "strided", "future", "scattered", "delayed", "dask", "lying"]


def lying(*parts, says=np.int64):
    """A Dask array that says its numbers are whole."""
    return dask_array.concatenate(
        [
            dask_array.from_delayed(delayed(np.asarray)(rows), rows.shape, dtype=says)
            for rows in parts
        ]
    )


def test_whole_numbers_first_do_not_cut_the_others(client):
    tape = record(lambda x: x * 1.0, 1.0)
    shards = Shards(tape, [np.ones((5, 1), int), np.full((1500, 1), 0.5)], client)
    assert shards.sum_and_grad()[0] == 755.0


def test_every_mixture_of_kinds_of_numbers_is_taken_as_the_tape_takes_it(client):
    shuffled = random.Random(3)
    for seed in range(6):
        kinds = shuffled.sample(KINDS, len(KINDS))
        parts = [of_kind(kind, shuffled.choice((1, 100, 300, 1030)), seed) for kind in kinds]
        shards = [given_as(shuffled.choice(WAYS), part, client) for part in parts]
        rows = np.concatenate([part.astype(np.float64) for part in parts])
        assert_as_in_one_process(Shards(TAPE, shards, client, persist=seed % 2 == 0), rows)


@pytest.mark.parametrize("persist", [True, False])
@pytest.mark.parametrize("kind", ["f4", "i2", "bool"])
def test_one_array_of_a_kind_has_the_bits_of_its_numbers_as_floats(client, kind, persist):
    rows = of_kind(kind, 1500, 0)
    for given_rows in (rows, dask_array.from_array(rows, chunks=(999, 1)), [rows[:7], rows[7:]]):
        assert_as_in_one_process(Shards(TAPE, given_rows, client, persist), rows.astype(np.float64))


@pytest.mark.parametrize("says", [np.int64, bool, np.float32, complex, object])
def test_a_dask_array_may_say_what_it_likes_of_its_numbers(client, says):
    parts = [of_kind(kind, 700, i) for i, kind in enumerate(("f8", "i4", "f4"))]
    rows = np.concatenate([part.astype(np.float64) for part in parts])
    array = dask_array.from_delayed(delayed(np.asarray)(parts[0]), parts[0].shape, dtype=says)
    assert_as_in_one_process(Shards(TAPE, array, client), parts[0])
    mixed = dask_array.from_array(np.zeros((2100, 3)), chunks=(700, 3)).map_blocks(
        lambda block, block_info=None: parts[block_info[0]["chunk-location"][0]],
        dtype=says,
        meta=np.empty((0, 0), says),
    )
    assert_as_in_one_process(Shards(TAPE, mixed, client), rows)


def test_a_dask_array_that_lies_about_its_length_is_found_out(client):
    for length in (40, 60):
        array = dask_array.from_delayed(delayed(np.asarray)(ROWS[:50]), (length, 3), dtype=float)
        for rows in (array, dask_array.concatenate([array, dask_array.from_array(ROWS[:1000])])):
            with pytest.raises(
                ValueError, match=rf"has the shape \(50, 3\), and the array says \({length}, 3\)"
            ):
                Shards(TAPE, rows, client).sum_and_grad()


WRONG = {
    "complex": np.ones((5, 3)) * 1j,
    "text": np.full((5, 3), "x"),
    "objects": np.full((5, 3), None),
    "dates": np.full((5, 3), "2020-01-01", dtype="datetime64[D]"),
    "wide": np.ones((5, 3), np.longdouble),
    "masked": np.ma.masked_less(np.arange(15.0).reshape(5, 3), 2.0),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_no_real_number_is_refused_wherever_it_comes_in(client, what):
    rows = WRONG[what]
    if what == "wide" and rows.dtype == np.float64:
        pytest.skip("here the widest floats are doubles")
    with pytest.raises(TypeError, match="real numbers"):
        Shards(TAPE, rows, client)
    for shard in (rows, client.scatter(rows), delayed(np.asanyarray)(rows)):
        with pytest.raises(TypeError, match="real numbers"):
            Shards(TAPE, [ROWS[:5], shard], client)
    with pytest.raises(TypeError, match="real numbers"):
        Shards(
            TAPE, dask_array.from_delayed(delayed(np.asanyarray)(rows), (5, 3), dtype=float), client
        ).sum_and_grad()


def test_a_mask_that_hides_nothing_is_no_mask(client):
    assert_as_in_one_process(Shards(TAPE, [np.ma.array(ROWS[:20]), ROWS[20:30]], client), ROWS[:30])


def test_sums_too_large_for_one_task_are_added_up_by_several(client, monkeypatch):
    monkeypatch.setattr("micrograd_plus.tape.dask._AT_ONCE", 2 * 18 * 8)
    shards = Shards(TAPE, dask_array.from_array(ROWS, chunks=(1024, 3)), client, persist=False)
    assert [len(group) for group in shards._groups] == [2, 2, 2, 2, 1]
    assert_as_in_one_process(shards, ROWS)


@given(st.lists(st.integers(0, 5000), min_size=1, max_size=20), st.integers(0, 6000))
def test_blocks_begin_at_multiples_of_1024_and_near_the_shards_beginnings(sizes, least):
    blocks, borders = block_sizes(sizes, least), np.cumsum([0, *sizes])
    begins = np.cumsum([0, *blocks])[:-1]
    assert sum(blocks) == sum(sizes)
    assert not (begins % 1024).any()
    assert all(abs(borders - begin).min() <= 512 for begin in begins)
    assert all(size >= max(least, 1) for size in blocks[:-1])


def test_whole_shards_stay_as_they_are_and_small_ones_join():
    assert block_sizes((2048, 1024, 5), 0) == (2048, 1024, 5)
    assert block_sizes((100,) * 30, 0) == (1024, 1024, 952)
    assert block_sizes((1024,) * 8, 4000) == (4096, 4096)


def test_what_is_large_goes_out_without_a_warning(client):
    tape, rows = record(lambda x: x * x, 1.0), np.linspace(-1.0, 1.0, 1_500_000)[:, None]
    assert_same(Shards(tape, [rows], client).sum_and_grad(), tape.sum_and_grad(rows))


# Many calls. --------------------------------------------------------------------------------------
def loaded(dask_worker):
    return tape_of.cache_info().misses


def test_steps_of_training_are_those_of_one_process_and_the_tape_is_loaded_once(client):
    shards, parameters = Shards(TAPE, ROWS, client), np.array([p.data for p in MODEL.parameters()])
    before = client.run(loaded)
    alone = parameters.copy()
    for _ in range(10):
        loss, gradient = shards.mean_and_grad(parameters)
        parameters -= 0.1 * gradient
        alone -= 0.1 * TAPE.mean_and_grad(ROWS, alone)[1]
    assert parameters.tolist() == alone.tolist()
    assert all(after - before[worker] <= 1 for worker, after in client.run(loaded).items())
    assert loss < TAPE.mean_and_grad(ROWS)[0]


@pytest.mark.parametrize(("persist", "more"), [(True, 0), (False, 3)])
def test_rows_are_kept_or_made_again_for_each_call(client, tmp_path, persist, more):
    made = tmp_path / "made"

    def read():
        with made.open("a") as file:
            file.write("x")
        return ROWS

    shards = Shards(TAPE, [delayed(read)()], client, persist)
    shards.sum_and_grad()
    before = len(made.read_text())
    for _ in range(3):
        assert_same(shards.sum_and_grad(), TAPE.sum_and_grad(ROWS))
    assert len(made.read_text()) == before + more


def test_parameters_are_numbers_or_values_or_a_module_and_by_default_the_present_ones(
    client, monkeypatch
):
    shards = Shards(TAPE, ROWS[:100], client)
    numbers = [0.1 * i for i in range(17)]
    monkeypatch.setattr("micrograd_plus.tape.dask._SMALL", 0)
    for parameters in (numbers, [Value(x) for x in numbers], np.array(numbers), MODEL):
        assert_as_in_one_process(shards, ROWS[:100], parameters, "python")
    first = MODEL.parameters()[0]
    monkeypatch.setattr(first, "data", first.data + 1.0)
    assert_as_in_one_process(shards, ROWS[:100])


# A worker is killed. ------------------------------------------------------------------------------
@pytest.mark.parametrize("origin", ["from here", "made there"])
def test_the_result_survives_a_worker_killed_in_the_middle(cluster, client, origin):
    client.wait_for_workers(2)
    pieces = [ROWS[start : start + 1024] for start in range(0, 9000, 1024)]
    shards = Shards(
        TAPE, [delayed(np.asarray)(p) for p in pieces] if origin == "made there" else pieces, client
    )
    distributed.wait(shards._rows)
    found = []
    call = threading.Thread(
        target=lambda: found.append(shards.mean_and_grad(executor="python")), daemon=True
    )
    call.start()
    while not any(
        "sums_of_block" in str(task) for tasks in client.processing().values() for task in tasks
    ):
        assert call.is_alive()
        time.sleep(0.005)
    victim = next(worker for worker, tasks in client.processing().items() if tasks)
    os.kill(
        next(nanny.pid for nanny in cluster.workers.values() if nanny.worker_address == victim),
        signal.SIGKILL,
    )
    assert not found
    call.join(30.0)
    assert_same(found[0], TAPE.mean_and_grad(ROWS))


def test_scattered_rows_that_went_with_their_worker_are_said_to_be_lost(client):
    scattered = client.scatter(ROWS)
    shards = Shards(TAPE, [scattered], client)
    scattered.cancel()
    with pytest.raises(RuntimeError, match="scattered points went with their worker"):
        shards.sum_and_grad()


# What is wrong is said. ---------------------------------------------------------------------------
def test_rows_that_do_not_fit_the_tape(client):
    with pytest.raises(ValueError, match=r"in shard 1 an array .* not \(5, 2\)"):
        Shards(TAPE, [ROWS[:5], ROWS[:5, :2]], client)
    with pytest.raises(ValueError, match=r"points of 3 numbers.*not \(5,\)"):
        Shards(TAPE, ROWS[:5, 0], client)
    with pytest.raises(ValueError, match=r"points of 3 numbers.*not \(9000, 2\)"):
        Shards(TAPE, dask_array.from_array(ROWS)[:, :2], client)
    with pytest.raises(TypeError, match="shard 0: a shard is a NumPy array, not a list"):
        Shards(TAPE, [client.submit(list, (1, 2, 3))], client)
    with pytest.raises(TypeError, match="a list of shards, not a dict"):
        Shards(TAPE, {}, client)
    with pytest.raises(TypeError, match="real numbers"):
        Shards(TAPE, [np.full((3, 3), "x")], client).sum_and_grad()
    array = dask_array.from_array(ROWS)
    with pytest.raises(ValueError, match="compute_chunk_sizes"):
        Shards(TAPE, array[array[:, 0] > 0], client)


def test_tapes_parameters_and_clients_that_do_not_fit(client):
    with pytest.raises(ValueError, match="one number"):
        Shards(record(lambda x: [x, x], 1.0), ROWS[:, :1], client)
    with pytest.raises(TypeError, match=r"dask\.distributed\.Client"):
        Shards(TAPE, ROWS, None)
    shards = Shards(TAPE, ROWS[:5], client)
    with pytest.raises(ValueError, match=r"shape \(17,\), not \(2,\)"):
        shards.sum_and_grad([1.0, 2.0])
    with pytest.raises(ValueError, match="executors"):
        shards.sum_and_grad(executor="abacus")
    assert repr(shards).startswith("<Shards: 5 points in 1 blocks for <Tape: 3 inputs")


def test_a_custom_row_must_be_defined_where_the_tape_runs(client):
    row = custom("cube_of_the_cluster", lambda x: x**3, lambda out, x: 3 * x * x)
    try:
        with pytest.raises(ValueError, match=r"custom row 'cube_of_the_cluster'.*each worker"):
            Shards(record(row, 2.0), np.ones((3, 1)), client).sum_and_grad()
    finally:
        del ops.TABLE[row.name]


@pytest.mark.parametrize("module", ["dask.array", "distributed"])
def test_without_dask_it_is_said_what_to_install(monkeypatch, module):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImportError, match=r"pip install 'micrograd-plus\[distributed\]'"):
        Shards(TAPE, ROWS, None)
