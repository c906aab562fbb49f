"""Tiers: a program runs at once, in C or else in Python, and as machine code when it has earned it.

It has earned it when it has run in its first tier for as long as making the code may take: so
whoever runs it once waits for nothing, and whoever runs it for ever waits at most twice as long as
had he known. One thread in the background makes code for all tapes, one after the other, which
gives way to others (`turns.py`). Then code takes the first tier's place, with the same bits: call
by call, and in a call of many points whenever the first tier has done as many as it does at a time.
A call that has longer to go in Python than making the code takes waits for it then, rather than
take its time from it.

The thread is gone when there is nothing to make. A fork leaves it behind, and the child begins
again with what was not done. When Python ends, it waits for LLVM to be done with the code in hand,
and nothing more is made.
"""

from __future__ import annotations

import atexit
import os
from collections import deque
from collections.abc import Callable, Iterator
from threading import Thread
from time import perf_counter, sleep
from typing import Any, Protocol
from weakref import ref

import numpy as np

from ... import heart
from ...trees import Tree
from ..program import FlatProgram, Floats
from .forks import kept_from_forks
from .native import Entry, Native
from .turns import work_in_turns

# Seconds that making code takes, about: for a program; for each of its operands, which are rolled
# up into loops, in Python or in C; and for each of its runs, which LLVM compiles.
A_PROGRAM, AN_OPERAND, AN_OPERAND_IN_C, A_RUN = 0.1, 3e-6, 1e-7, 3e-4
FEW_OPERANDS = 32  # for a point of floats, a call takes longer than to work on so few
MOST_RUNS = 1 << 15  # a program of more is data to a machine as well, which is hardly faster then
A_LOOK = 0.002  # seconds from one look for machine code to the next, of one who waits for it
Way = tuple[bool, bool]  # of running: for many points or one, summed or not


class First(Protocol):
    """What runs a program until there is machine code for it."""

    name: str
    side_by_side: int  # how many points it takes to be worth it
    at_a_time: int  # how many points it does between two looks for machine code

    @property
    def runs(self) -> int:
        """How many runs of alike instructions it has found in the program."""

    def entry_for(self, many: bool, summed: bool) -> Entry:
        """The way in."""

    def caller(self, form: Tree) -> Callable[..., Tree] | None:
        """What gives the outputs for one point of floats in a form, at once."""


class Tiered(Native):
    """An executor that begins as an interpreter and goes on as a machine."""

    def __init__(self, first: First, program: FlatProgram, machine: Callable[[], Native]) -> None:
        super().__init__(len(program.outputs))
        operands = len(program.operands)
        an_operand = AN_OPERAND if heart.library() is None else AN_OPERAND_IN_C
        self.price = A_PROGRAM + an_operand * operands + A_RUN * first.runs
        self.spent = 0.0
        self.side_by_side = first.side_by_side
        self._first, self._machine = first, machine
        self._timed: dict[Way, _Timed] = {}
        self._asked: set[Way] = set()
        self._is_small = operands <= FEW_OPERANDS
        self._failure = ""
        if first.runs > MOST_RUNS:
            self._failure = "the program is long and irregular, for which it would be no faster"

    @property
    def name(self) -> str:  # type: ignore[override]  # it changes
        """Which of the two runs now, and why if it is the interpreter."""
        if self._failure:
            return f"{self._first.name}, for there is no machine code: {self._failure}"
        if self._entries and self._asked.issubset(self._entries):
            return "machine"
        if self._asked:
            return f"{self._first.name}, while machine code is being made"
        return (
            f"{self._first.name}, until it has run for {self.price:.1f} s and machine code is made"
        )

    def entry_for(self, many: bool, summed: bool) -> Entry:
        way = many, summed
        found = self._entries.get(way) or self._timed.get(way)
        if found is None:
            timed = _Timed(self, way, self._first)
            found = self._timed.setdefault(way, timed)
        return found

    def settled(self) -> bool:
        has_callers = heart.library() is not None
        stays = self._is_small or self._failure or (False, False) in self._entries
        return bool(stays) or not has_callers

    def caller(self, form: Tree) -> Callable[..., Tree] | None:
        """Of a small program the first tier's, which is as fast as any and is not timed."""
        if self._is_small or self._failure:
            return self._first.caller(form)
        return super().caller(form)

    def pay(self, way: Way, seconds: float) -> None:
        """Note that the first tier ran; ask for machine code when that is earned."""
        self.spent += seconds
        if self.spent < self.price or self._failure:
            return
        if way not in self._asked or not _background.is_working:
            self._asked.add(way)
            _background.make(self, way)

    def wait(self, way: Way, seconds: float) -> None:
        """Wait for machine code that is being made, where to go on without it takes so long, and
        longer than to make it; no longer than that.
        """
        end = perf_counter() + seconds
        while (
            seconds > self.price
            and way in self._asked - self._entries.keys()
            and not self._failure
            and _background.is_working
            and perf_counter() < end
        ):
            sleep(A_LOOK)

    def taken_over(self, way: Way) -> Entry | None:
        """The machine code for a way to run, if it is made."""
        return self._entries.get(way)

    def take_over(self, way: Way) -> None:
        """Make machine code for a way to run; what fails is told by the name."""
        try:
            machine = self._machine()
            self._machine = lambda: machine  # which needs the program no more
            with _background.making:
                self._entries[way] = machine.entry_for(*way)
        except Exception as error:  # noqa: BLE001  # whatever it is, the first tier runs on
            self._failure = f"{type(error).__name__}: {error}"


class _Timed:
    """An entry of the first tier that tells how long it runs; long work goes on in machine code
    as soon as that is made.
    """

    def __init__(self, tiered: Tiered, way: Way, first: First) -> None:
        self._tiered, self._way, self._entry = ref(tiered), way, first.entry_for(*way)
        self._is_summed, self._at_a_time = way[1], first.at_a_time

    def run(self, points: Floats, parameters: Floats, outputs: Floats, divisor: int = 1) -> None:
        if len(points) <= self._at_a_time:
            self._part(points, parameters, outputs, divisor)
        elif self._is_summed:
            self._sum(points, parameters, outputs)
            with np.errstate(all="ignore"):  # inf and nan are numbers like others
                outputs /= divisor
        else:
            for part in self._parts(points):
                self._part(points[part], parameters, outputs[part])

    def _sum(self, points: Floats, parameters: Floats, outputs: Floats) -> None:
        """Fill in the sums of the parts from first to last, which is the stated order."""
        of_part = np.empty_like(outputs)
        outputs[...] = 0.0
        for part in self._parts(points):
            self._part(points[part], parameters, of_part)
            with np.errstate(all="ignore"):
                outputs += of_part

    def _parts(self, points: Floats) -> Iterator[slice]:
        """So many points at a time; between them machine code is waited for, if it is near."""
        count, step, begin = len(points), self._at_a_time, perf_counter()
        for done in range(step, count + step, step):
            yield slice(done - step, done)
            tiered, left = self._tiered(), count - done
            if tiered and left > 0:
                tiered.wait(self._way, (perf_counter() - begin) * left / done)

    def _part(self, points: Floats, parameters: Floats, outputs: Floats, divisor: int = 1) -> None:
        tiered = self._tiered()
        taken = tiered and tiered.taken_over(self._way)
        begin = perf_counter()
        (taken or self._entry).run(points, parameters, outputs, divisor)
        if tiered and not taken:
            tiered.pay(self._way, perf_counter() - begin)

    def point(self, point: tuple[float, ...], parameters: Floats) -> list[float]:
        tiered = self._tiered()
        begin = perf_counter()
        found = self._entry.point(point, parameters)
        if tiered:
            tiered.pay(self._way, perf_counter() - begin)
        return found

    def caller(self, form: Tree) -> None:
        """What gives outputs at once does not tell how long it runs."""


class _Background:
    """The thread that makes machine code, and what it is to make."""

    def __init__(self) -> None:
        self._lock = kept_from_forks()
        self.making = kept_from_forks()  # held while LLVM is at work
        self._waiting: deque[tuple[Any, Way]] = deque()
        self._in_hand: tuple[Any, Way] | None = None
        self._is_over = False
        self.is_working = False

    def make(self, tiered: Tiered, way: Way) -> None:
        """Have code made, unless it is waited for already."""
        wanted = ref(tiered), way
        with self._lock:
            if wanted not in self._waiting and wanted != self._in_hand:
                self._waiting.append(wanted)
            if not self.is_working and not self._is_over:
                try:
                    Thread(target=self._work, name="machine code", daemon=True).start()
                except RuntimeError:  # while Python ends, no thread can start
                    self._is_over = True
                else:
                    self.is_working = True

    def _work(self) -> None:
        if heart.library() is not None:  # else there is nothing fast to give way to
            work_in_turns()
        while True:
            with self._lock:
                self._in_hand = None
                if self._is_over or not self._waiting:
                    self.is_working = False
                    return
                self._in_hand = self._waiting.popleft()
            tiered = self._in_hand[0]()
            if tiered is not None:  # the tape may be gone
                tiered.take_over(self._in_hand[1])
            del tiered

    def begin_again(self) -> None:
        """In the child of a fork: without the thread, and with what it had in hand."""
        self.is_working = False
        if self._in_hand:
            self._waiting.appendleft(self._in_hand)
            self._in_hand = None

    def end(self) -> None:
        """Wait for LLVM to be done, if it is at work, and let nobody begin."""
        self._is_over = True
        if self.is_working:
            self.making.acquire()  # for good
            self.is_working = False


_background = _Background()
atexit.register(_background.end)
if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_background.begin_again)
