"""Forks while another thread is busy with machine code; each child must compile and run tapes, and
end.

    python tests/helpers/forking.py importing     # or emitting, compiling, anything

The other thread is held where a fork does most harm: while it imports llvmlite, while it writes
code, inside LLVM; or it goes on as it likes, and forks come at any moment.
"""

import os
import random
import signal
import sys
import threading
import time
import warnings

from micrograd_plus import ops, record

PATIENCE = 30.0  # seconds


def tape_of(c):
    return record(lambda x, y: ops.tanh(x * c + y) * ops.exp(-x), 0.5, 2.0)


def right(tape):
    """Whether machine code gives what Python gives, for one row and for many."""
    rows = [[0.1 * i, 0.3] for i in range(20)]
    return (
        tape(0.3, 0.7, executor="machine") == tape(0.3, 0.7, executor="python")
        and tape.sum_and_grad(rows, executor="machine")[0]
        == tape.sum_and_grad(rows, executor="python")[0]
    )


def fork(*tapes):
    """Fork, and say whether the child ran the tapes in time."""
    child = os.fork()
    if not child:
        code = 1
        try:
            code = 0 if all(map(right, tapes)) else 2
        finally:
            os._exit(code)
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        found, status = os.waitpid(child, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.005)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return "waits for ever"


def held(begin):
    """A pause for the first to come, which `begin` is told of."""
    once = threading.Lock()

    def pause():
        if once.acquire(blocking=False):
            begin.set()
            time.sleep(0.3)

    return pause


def hold_importing(pause):
    class Finder:
        def find_spec(self, name, path=None, target=None):
            # llvmlite and llvmlite.binding are begun, and not done
            if name == "llvmlite.binding.ffi":
                pause()

    sys.meta_path.insert(0, Finder())


def hold_emitting(pause):
    from micrograd_plus.tape.executors.llvm import machine

    loops = machine.Loops

    def held_loops(*given):
        pause()
        return loops(*given)

    machine.Loops = held_loops


def hold_compiling(pause):
    import llvmlite.binding

    llvmlite.binding.ffi.register_lock_callback(pause, lambda: None)


def held_once(hold):
    begin, busy = threading.Event(), tape_of(1.5)
    hold(held(begin))
    thread = threading.Thread(target=right, args=(busy,))
    thread.start()
    assert begin.wait(PATIENCE)
    found = fork(busy, tape_of(2.5))
    thread.join()
    assert right(busy)
    return [found]


def any_moment():
    rng, stop, busy = random.Random(0), threading.Event(), [tape_of(0.5)]

    def work():
        while not stop.is_set():
            busy.append(tape_of(1.0 + len(busy)))
            assert right(busy[-1])

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    found = []
    for _ in range(6):
        time.sleep(rng.uniform(0.0, 0.06))
        found.append(fork(busy[-1], tape_of(-1.0)))
    stop.set()
    for thread in threads:
        thread.join()
    return found


def main():
    # From Python 3.12 on a fork beside threads warns of the very thing that is tried here.
    warnings.filterwarnings("ignore", category=DeprecationWarning, message=r".*multi-threaded")
    holds = {"importing": hold_importing, "emitting": hold_emitting, "compiling": hold_compiling}
    found = held_once(holds[sys.argv[1]]) if sys.argv[1] in holds else any_moment()
    print("all children ran" if set(found) == {0} else f"children ended with {found}")


if __name__ == "__main__":
    main()
