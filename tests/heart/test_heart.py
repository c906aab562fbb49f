"""The heart in C beside the engine in Python: which of them runs, what it holds, what it frees."""

import contextvars
import gc
import inspect
import os
import subprocess
import sys
import weakref

import numpy as np
import pytest

from micrograd_plus import Value, custom, detect_anomaly, engine, engine_name, no_grad, ops
from micrograd_plus.heart import programs, sources
from micrograd_plus.ops import CFunction, Instruction

in_c = pytest.mark.skipif(engine_name() != "c", reason="the engine in Python runs")


def said(code, **variables):
    """What a fresh Python prints, or says as it fails."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **variables},
    )
    return done.stdout.strip() or done.stderr.strip().splitlines()[-1]


NAME = "import micrograd_plus; print(micrograd_plus.engine_name())"


# Which engine runs. -------------------------------------------------------------------------------
def test_a_variable_chooses_the_engine():
    assert said(NAME, MICROGRAD_PLUS_ENGINE="python") == "python"
    assert "c or python, not 'fortran'" in said(NAME, MICROGRAD_PLUS_ENGINE="fortran")


@in_c
def test_c_runs_by_itself_where_it_was_built():
    assert said(NAME, MICROGRAD_PLUS_ENGINE="") == "c"


WITHOUT = "import sys; sys.modules['micrograd_plus.heart._heart'] = None; " + NAME


def test_without_a_library_python_runs_and_c_is_refused():
    assert said(WITHOUT, MICROGRAD_PLUS_ENGINE="") == "python"
    assert "was not built" in said(WITHOUT, MICROGRAD_PLUS_ENGINE="c")


@in_c
def test_a_library_from_other_sources_is_refused():
    stale = f"import micrograd_plus.heart as h; h.digest = lambda: 'other'; {NAME}"
    assert "built from other sources" in said(stale, MICROGRAD_PLUS_ENGINE="")
    assert said(stale, MICROGRAD_PLUS_ENGINE="python") == "python"


def test_every_source_in_c_is_in_the_fingerprint():
    folder = os.path.dirname(sources.__file__)
    assert set(sources.SOURCES) == {name for name in os.listdir(folder) if name.endswith(".c")}


# What it knows. -----------------------------------------------------------------------------------
@in_c
def test_no_row_of_the_table_is_left_to_python():
    lowerings = [row.lowering for row in ops.primitives()]
    named = {x.name for x in lowerings if isinstance(x, (Instruction, CFunction))}
    assert named <= set(programs._places)
    for row in ops.primitives():
        *_, for_python_alone = programs.describe(row)
        assert not for_python_alone


def test_help_says_what_attributes_and_methods_are():
    assert "Only a leaf's may be set" in Value.data.__doc__
    assert "summed over all backward passes" in Value.grad.__doc__
    assert "ops.tanh" in Value(1.0).tanh.__doc__
    assert list(inspect.signature(Value(1.0).backward).parameters) == ["gradient", "named"]


def test_no_row_is_named_in_c():
    folder = os.path.dirname(sources.__file__)
    others = {row.lowering.name for row in ops.primitives() if hasattr(row.lowering, "name")}
    for name in sources.SOURCES:
        with open(os.path.join(folder, name), encoding="utf-8") as file:
            text = file.read()
        found = [row.name for row in ops.primitives() if f'"{row.name}"' in text]
        assert set(found) <= others


# What it holds. -----------------------------------------------------------------------------------
@in_c
def test_a_node_of_two_operands_takes_112_bytes():
    assert sys.getsizeof(Value(1.0) + Value(2.0)) == 112


@in_c
def test_nodes_are_tracked_where_a_cycle_could_pass_through_them():
    a, b = Value(1.0), Value(2.0)
    assert not any(map(gc.is_tracked, (a, a + b, (a * b).exp())))
    a.note = 1
    above = (a * b).exp()
    assert all(map(gc.is_tracked, (a, above, above.operands[0])))
    assert not gc.is_tracked(b)
    twice = custom("twice", lambda x: 2 * x, lambda out, x: 2.0)
    assert gc.is_tracked(twice(b))
    b.label = ["no text"]
    assert gc.is_tracked(b)


def is_freed(make):
    """Whether what `make` gives a weak reference to goes with the collector's next round."""
    seen = make()
    gc.collect()
    return seen() is None


def test_no_cycle_leaks():
    def through_an_attribute():
        v = Value(1.0)
        v.note = None
        v.note = [v * 2]
        return weakref.ref(v)

    def through_a_late_attribute():
        v = Value(1.0)
        out = (v * 2).exp() + 1
        v.out = out
        return weakref.ref(out)

    def through_a_late_list():
        v = Value(1.0)
        v.outs = [(v * 2).exp() + 1]
        return weakref.ref(v)

    def through_a_custom_row():
        kept = []
        row = custom("keeps", lambda x: len(kept) + x, lambda out, x: 1.0)
        kept.append(row(Value(1.0)) * 2)
        return weakref.ref(kept[0])

    def through_a_subclass():
        class Weight(Value):
            pass

        w = Weight(1.0)
        w.me = w * 1
        return weakref.ref(w)

    def through_operands_set_by_hand():
        middle = Value(1.0) + 1
        out = middle * 2
        middle.operands = (out, 1.0)
        return weakref.ref(out)

    assert is_freed(through_an_attribute)
    assert is_freed(through_a_late_attribute)
    assert is_freed(through_a_late_list)
    ops.TABLE.pop("keeps", None)
    assert is_freed(lambda: (through_a_custom_row(), ops.TABLE.pop("keeps"))[0])
    assert is_freed(through_a_subclass)
    assert is_freed(through_operands_set_by_hand)


def test_a_weak_reference_s_callback_runs_while_a_chain_is_freed():
    v = out = Value(1.0)
    seen = []
    references = []
    for i in range(1000):
        out = out + 1
        references.append(weakref.ref(out, lambda _, i=i: seen.append((i, (v * i).data))))
    del out
    gc.collect()
    assert sorted(i for i, _ in seen) == list(range(1000))


@in_c
@pytest.mark.skipif("SANITIZED" in os.environ, reason="no node waits, so that a late use is seen")
def test_a_full_collection_gives_back_the_memory_of_nodes_that_wait():
    tracemalloc = pytest.importorskip("tracemalloc")
    gc.collect()
    tracemalloc.start()
    chain = Value(1.0)
    for _ in range(10_000):
        chain = chain + 1.0
    del chain
    assert tracemalloc.get_traced_memory()[0] > 900_000
    gc.collect()
    assert tracemalloc.get_traced_memory()[0] < 100_000
    tracemalloc.stop()


def test_rows_of_many_sizes_do_not_fill_the_memory():
    tracemalloc = pytest.importorskip("tracemalloc")
    x = Value(1.0)
    tracemalloc.start()
    for size in range(1, 2000, 7):
        ops.sum(*[x] * size).backward()
    assert tracemalloc.get_traced_memory()[0] < 20_000_000
    tracemalloc.stop()


def test_large_rows_have_the_same_bits_before_and_after_they_are_traced():
    leaves = [Value(0.1 * i) for i in range(200)]
    seen = set()
    for _ in range(4):
        out = ops.logsumexp(*leaves) + ops.maximum(*leaves)
        out.backward()
        seen.add((out.data, *[v.grad for v in leaves]))
        for v in leaves:
            v.grad = None
    assert len(seen) == 1


def test_a_node_whose_class_is_exchanged_is_freed_with_its_operands():
    class Weight(Value):
        pass

    x = Value(1.0)
    before = sys.getrefcount(x)
    v = x * 2
    try:
        v.__class__ = Weight
    except TypeError:
        return
    del v
    assert sys.getrefcount(x) == before


# Modes. -------------------------------------------------------------------------------------------
def test_a_mode_in_a_copied_context_outlives_its_block():
    with no_grad():
        context = contextvars.copy_context()
    x = Value(2.0)
    assert (x * x).primitive is ops.mul
    assert context.run(lambda: (x * x).primitive) is None
    with detect_anomaly():
        inner = contextvars.copy_context()
    with pytest.raises(FloatingPointError):
        inner.run(lambda: 1 / Value(0.0))
    assert (1 / Value(0.0)).data == float("inf")


# Arrays. ------------------------------------------------------------------------------------------
def test_data_and_gradients_go_into_arrays_and_data_come_back():
    leaves = [Value(float(i)) for i in range(5)]
    out = ops.sum(*[v * v for v in leaves])
    out.backward()
    data, gradients = np.empty(5), np.empty(5)
    engine.read_data(leaves, data)
    engine.read_gradients(leaves, gradients)
    assert data.tolist() == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert gradients.tolist() == [0.0, 2.0, 4.0, 6.0, 8.0]
    engine.write_data(leaves, data - 0.5 * gradients)
    assert [v.data for v in leaves] == [0.0] * 5
    with pytest.raises(ValueError, match="forward"):
        out.backward()
    assert out.forward().data == 0.0


@in_c
@pytest.mark.parametrize(
    "array", [np.empty(4), np.empty(5, np.float32), [0.0] * 5, np.empty(10)[::2]]
)
def test_only_arrays_of_as_many_doubles_are_filled(array):
    leaves = [Value(1.0) for _ in range(5)]
    with pytest.raises((TypeError, ValueError, BufferError)):
        engine.read_data(leaves, array)
    with pytest.raises((TypeError, ValueError)):
        engine.read_data([*leaves[1:], 1.0], np.empty(5))
