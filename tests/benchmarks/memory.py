"""What is held and what is given back: bytes of tapes that live, that are gone, of predictions, and
of a graph's nodes.

    python tests/benchmarks/memory.py [--tapes 500] [--calls 500] [--nodes 100000]
        [--only tapes,calls,nodes]

A tape is recorded, run as machine code for one row and for the mean of forty with its gradient, and
dropped; each has numbers of its own, so that no two are alike. "kept" is what the process grew by
for each that is gone, read from the system (RSS) and, with glibc, from the allocator: the median of
ten parts, for tables that double hit one of them. "held" is RSS for each of twenty that live. Bytes
of nodes are what tracemalloc sees. Twenty tapes and calls go before, uncounted.
"""

import argparse
import ctypes
import gc
import os
import random
import statistics
import time
import tracemalloc
from itertools import pairwise

import numpy as np

from micrograd_plus import Value, ops, record

WARM, PARTS, LIVING = 20, 10, 20


def resident():
    """Bytes of the process that are in memory; needs Linux."""
    gc.collect()
    with open("/proc/self/statm", encoding="ascii") as numbers:
        return int(numbers.read().split()[1]) * os.sysconf("SC_PAGESIZE")


class MallInfo(ctypes.Structure):
    _fields_ = [
        (name, ctypes.c_size_t)
        for name in (
            "arena",
            "ordblks",
            "smblks",
            "hblks",
            "hblkhd",
            "usmblks",
            "fsmblks",
            "uordblks",
            "fordblks",
            "keepcost",
        )
    ]


def allocated():
    """Bytes that the allocator has given out; None without glibc 2.33."""
    try:
        mallinfo = ctypes.CDLL(None).mallinfo2
    except (AttributeError, OSError, TypeError):
        return None
    mallinfo.restype = MallInfo
    gc.collect()
    found = mallinfo()
    return found.uordblks + found.hblkhd


def a_tape(i, rows=np.ones((40, 2))):  # noqa: B008  # the same rows for all
    """A tape of numbers of its own, after its runs."""
    weights = [Value(0.3), Value(-1.7), Value(0.1)]

    def loss(x, y):
        return ops.tanh(weights[0] * x + weights[1] * y + weights[2] * (1 + i / 7)) ** 2

    tape = record(loss, 0.5, 2.0, parameters=weights)
    assert tape.executor("machine") == "machine"
    for executor in (None, "machine"):
        tape(0.5, 2.0, executor=executor)
        tape.mean_and_grad(rows, executor=executor)
    return tape


def kept(act, count):
    """Bytes for each of `count` acts, by the system and by the allocator, and milliseconds."""
    for i in range(WARM):
        act(i)
    before, parts, seconds, size = resident(), [allocated()], 0.0, count // PARTS
    for part in range(PARTS):
        begin = time.perf_counter()
        for i in range(size):
            act(WARM + part * count + i)
        seconds += time.perf_counter() - begin
        parts.append(allocated())
    by_allocator = (
        None if parts[0] is None else statistics.median((b - a) / size for a, b in pairwise(parts))
    )
    return (resident() - before) / (size * PARTS), by_allocator, seconds / (size * PARTS) * 1e3


def print_kept(what, act, count):
    by_system, by_allocator, milliseconds = kept(act, count)
    seen = "" if by_allocator is None else f", {by_allocator / 1024:.2f} KB by the allocator"
    print(
        f"{what}: kept {by_system / 1024:.2f} KB by the system{seen}; {milliseconds:.2f} ms each",
        flush=True,
    )


def tapes(count):
    print_kept(f"{count} tapes, run and dropped", a_tape, count)
    before = resident()
    living = [a_tape(-i) for i in range(LIVING)]
    print(
        f"{len(living)} tapes that live: held {(resident() - before) / LIVING / 1024:.0f} KB",
        flush=True,
    )


def calls(count):
    """Predictions of a classifier, and outputs of a model, by the functions that take a model."""
    from micrograd_plus import nn
    from micrograd_plus.training import outputs
    from micrograd_plus.training.estimators import Classifier

    rng = np.random.default_rng(0)
    rows = rng.normal(size=(100, 4))
    classifier = Classifier(hidden=(8,), epochs=2).fit(rows, (rows[:, 0] > 0).astype(int))
    print_kept(f"{count} calls of predict", lambda i: classifier.predict(rows[:1]), count)
    model = nn.MLP(4, [8, 1], rng=random.Random(0))
    print_kept(f"{count} calls of outputs", lambda i: outputs(model, rows[:1]), count)


def nodes(count):
    """Bytes of a node of a chain of additions, bare, with a gradient,
    and with an attribute of a user's.
    """

    def chain(attribute):
        tracemalloc.start()
        one = out = Value(1.0)
        everything = []
        for i in range(count):
            out = out + one
            if attribute:
                out.color = i
                everything.append(out)
        yield tracemalloc.get_traced_memory()[0] / count
        out.backward()
        yield tracemalloc.get_traced_memory()[0] / count
        tracemalloc.stop()

    bare, swept = chain(attribute=False)
    attributed, _ = chain(attribute=True)
    print(
        f"a node of {count}: {bare:.0f} bytes, {swept:.0f} after backward, "
        f"{attributed - bare:.0f} more with an attribute",
        flush=True,
    )


def main():
    """Print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tapes", type=int, default=500)
    parser.add_argument("--calls", type=int, default=500)
    parser.add_argument("--nodes", type=int, default=100_000)
    parser.add_argument("--only", default="tapes,calls,nodes", help="some of tapes,calls,nodes")
    arguments = parser.parse_args()
    for name in arguments.only.split(","):
        {"tapes": tapes, "calls": calls, "nodes": nodes}[name](getattr(arguments, name))


if __name__ == "__main__":
    main()
