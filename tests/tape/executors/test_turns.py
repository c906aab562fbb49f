"""Whoever makes machine code in the background gives way; whoever waits for it does not."""

import threading

import pytest

from micrograd_plus.tape.executors import turns


@pytest.fixture
def sleeps(monkeypatch):
    """How long threads slept, and a clock that a turn moves on."""
    slept, time = [], iter(range(1000))
    monkeypatch.setattr(turns, "sleep", slept.append)
    monkeypatch.setattr(turns, "perf_counter", lambda: next(time) * 0.6 * turns.A_TURN)
    return slept


def test_a_thread_that_works_in_turns_gives_way_after_each(sleeps):
    def work():
        turns.work_in_turns()
        for _ in range(3):
            turns.give_way()

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert sleeps == [turns.A_MOMENT]


def test_any_other_thread_goes_on(sleeps):
    for _ in range(9):
        turns.give_way()
    assert not sleeps
