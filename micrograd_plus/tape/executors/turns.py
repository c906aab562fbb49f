"""Turns: the thread that makes machine code in the background works in short ones, and leaves the
longer ones to whoever waits for Python's lock meanwhile.

Without that, Python shares out turns of 5 ms each, so that a program which calls its tape all the
time would run at half its pace. Where nobody waits, next to nothing is lost.
"""

from __future__ import annotations

import threading
from time import perf_counter, sleep

A_TURN = 0.002  # seconds, after which it gives way
A_MOMENT = 1e-4  # for which it does: long enough for another thread to wake up
_turns = threading.local()


def work_in_turns() -> None:
    """Have this thread give way from now on."""
    _turns.began = perf_counter()


def give_way() -> None:
    """Let others run, in a thread that works in turns and has had one."""
    began = getattr(_turns, "began", None)
    if began is not None and perf_counter() - began > A_TURN:
        sleep(A_MOMENT)
        _turns.began = perf_counter()
