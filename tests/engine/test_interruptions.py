"""Ctrl-C at any moment: a pass that is cut short has changed nothing, and the next one is right."""

import random
import signal
import threading
import time

import pytest

from micrograd_plus import Value, ops
from micrograd_plus.engine import nodes_below

SIZE = 3_000


def ladder(size=SIZE):
    """A graph of two operations a rung whose gradients are small whole numbers, and its leaves."""
    leaves = [Value(1.0) for _ in range(10)]
    out = leaves[0] + 0
    for i in range(size):
        out = out + leaves[i % 10] * 2
    return out, leaves


def interrupting_after(evaluations, function):
    left = iter(range(evaluations))

    def interrupted(*operands):
        if next(left, None) is None:
            raise KeyboardInterrupt
        return function(*operands)

    return interrupted


def state(out):
    return [(v.data, v.grad) for v in nodes_below(out)]


@pytest.mark.parametrize("evaluations", [0, 1, 1_000, SIZE - 1])
@pytest.mark.parametrize("passes_before", [0, 1])
def test_a_backward_cut_short_by_a_partial_changes_nothing(evaluations, passes_before):
    out, leaves = ladder()
    for _ in range(passes_before):
        out.backward()
    before = state(out)
    partials = ops.mul.slopes
    object.__setattr__(ops.mul, "slopes", interrupting_after(evaluations, partials))
    try:
        with pytest.raises(KeyboardInterrupt):
            out.backward()
    finally:
        object.__setattr__(ops.mul, "slopes", partials)
    assert state(out) == before
    out.backward()
    assert [leaf.grad for leaf in leaves[1:]] == [(passes_before + 1) * 2 * SIZE / 10] * 9


@pytest.mark.parametrize("evaluations", [0, 1_000])
def test_a_forward_cut_short_changes_nothing_and_stays_stale(evaluations):
    out, leaves = ladder()
    out.backward()
    leaves[3].data = 5.0
    before = state(out)
    primal = ops.mul.primal
    object.__setattr__(ops.mul, "primal", interrupting_after(evaluations, primal))
    try:
        with pytest.raises(KeyboardInterrupt):
            out.forward()
    finally:
        object.__setattr__(ops.mul, "primal", primal)
    assert state(out) == before
    with pytest.raises(ValueError, match="forward"):
        out.backward()
    assert out.forward().data == 1 + 2 * SIZE + 8 * SIZE / 10


@pytest.mark.usefixtures("ctrl_c_raises")
def test_ctrl_c_during_backward_leaves_a_whole_number_of_passes():
    """Sixty strikes at random instants: the gradients are those of n passes or of n + 1,
    in every node at once.
    """
    assert threading.current_thread() is threading.main_thread()
    out, leaves = ladder()
    begin = time.perf_counter()
    out.backward()
    span = time.perf_counter() - begin
    done, struck = 1, 0
    rng = random.Random(0)
    for _ in range(60):
        finished = 0
        strike = threading.Timer(rng.uniform(0, 1.5 * span), signal.raise_signal, [signal.SIGINT])
        try:
            strike.start()
            out.backward()
            finished = 1
            strike.join()
            time.sleep(0.1)
        except KeyboardInterrupt:
            struck += 1
        strike.join()
        passes = leaves[1].grad / (2 * SIZE / 10)
        assert passes in (done + finished, done + 1)
        done = passes
        assert [leaf.grad for leaf in leaves] == [
            done * (2 * SIZE / 10 + (leaf is leaves[0])) for leaf in leaves
        ]
        assert {v.grad for v in nodes_below(out) if v.primitive is not None} == {1.0}
    assert struck == 60
    assert done < 61
