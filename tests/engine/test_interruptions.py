"""Ctrl-C at any moment: a pass that is cut short has changed nothing, and the next one is right."""

import random
import signal
import threading
import time

import pytest

from micrograd_plus import Value, custom, engine_name, modes, no_grad
from micrograd_plus.engine import nodes_below

SIZE = 3_000


def ladder(size=SIZE, twice=lambda x: x * 2):
    """A graph of two operations a rung whose gradients are small whole numbers, and its leaves."""
    leaves = [Value(1.0) for _ in range(10)]
    out = leaves[0] + 0
    for i in range(size):
        out = out + twice(leaves[i % 10])
    return out, leaves


class Doubling:
    """x · 2 as a row, whose functions may be exchanged: C asks Python for a row of a user's own."""

    def __init__(self):
        self.primal, self.slope = self.usual = (lambda x: x * 2.0), (lambda out, x: 2.0)
        self.row = custom("twice", self._now, lambda out, x: self.slope(out, x))  # noqa: PLW0108

    def _now(self, x):
        return self.primal(x)

    def as_usual(self):
        self.primal, self.slope = self.usual


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
    doubling = Doubling()
    out, leaves = ladder(twice=doubling.row)
    for _ in range(passes_before):
        out.backward()
    before = state(out)
    doubling.slope = interrupting_after(evaluations, doubling.slope)
    with pytest.raises(KeyboardInterrupt):
        out.backward()
    doubling.as_usual()
    assert state(out) == before
    out.backward()
    assert [leaf.grad for leaf in leaves[1:]] == [(passes_before + 1) * 2 * SIZE / 10] * 9


@pytest.mark.parametrize("evaluations", [0, 1_000])
def test_a_forward_cut_short_changes_nothing_and_stays_stale(evaluations):
    doubling = Doubling()
    out, leaves = ladder(twice=doubling.row)
    out.backward()
    leaves[3].data = 5.0
    before = state(out)
    doubling.primal = interrupting_after(evaluations, doubling.primal)
    with pytest.raises(KeyboardInterrupt):
        out.forward()
    doubling.as_usual()
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
    size = SIZE if engine_name() == "python" else 30 * SIZE  # C looks for it now and then
    out, leaves = ladder(size)
    begin = time.perf_counter()
    out.backward()
    span = time.perf_counter() - begin
    done, struck = 1, 0
    rng = random.Random(0)
    # by the clock of the system: a thread of ours would have to wait for its turn
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    for _ in range(60):
        finished = 0
        try:
            signal.setitimer(signal.ITIMER_REAL, rng.uniform(1e-6, 1.5 * span))
            out.backward()
            finished = 1
            time.sleep(10.0)
        except KeyboardInterrupt:
            struck += 1
        passes = leaves[1].grad / (2 * size / 10)
        assert passes in (done + finished, done + 1)
        done = passes
        assert [leaf.grad for leaf in leaves] == [
            done * (2 * size / 10 + (leaf is leaves[0])) for leaf in leaves
        ]
        assert {v.grad for v in nodes_below(out) if v.primitive is not None} == {1.0}
    signal.signal(signal.SIGALRM, before)
    assert struck == 60
    assert done < 61


def test_a_mode_that_was_set_when_ctrl_c_came_ends_with_its_block(monkeypatch):
    class Struck:
        """Ctrl-C is heard where a function returns."""

        get, reset = modes.mode.get, modes.mode.reset
        times = 0

        def set(self, changed):
            token = usual.set(changed)
            self.times += 1
            if self.times == 1:
                raise KeyboardInterrupt
            return token

    usual = modes.mode
    monkeypatch.setattr(modes, "mode", Struck())
    with pytest.raises(KeyboardInterrupt), no_grad():
        pytest.fail("the block has begun")
    assert usual.get() is modes.DEFAULT
    with no_grad():
        assert not usual.get().recording
    assert usual.get() is modes.DEFAULT
