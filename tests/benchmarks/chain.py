"""A chain of a million links, x = x * c + d, two million operations: seconds and bytes per node of
all it goes through.

    python tests/benchmarks/chain.py [--links 1000000] [--rounds 3]

Seconds are wall time, the median of the rounds, with Python's garbage collector on and under the
default recursion limit. Bytes are what tracemalloc sees in a further round of a tenth of the links,
which it slows and which is not timed: `kept` is what a stage leaves allocated when it is over,
`peak` what it needed besides while it ran; both per operation.
"""

import argparse
import copy
import gc
import pickle
import statistics
import time
import tracemalloc

from micrograd_plus import Value


class Life:
    """The stages of a graph, in order; each leaves what the next one needs."""

    stages = ("build", "backward", "forward", "deepcopy", "free", "pickle dumps", "pickle loads")

    def __init__(self, links):
        self.links = links
        self.root = self.twin = self.text = None

    def build(self):
        x = Value(0.5)
        for _ in range(self.links):
            x = x * 1.0000001 + 1e-9
        self.root = x

    def backward(self):
        self.root.backward()

    def forward(self):
        self.root.forward()

    def deepcopy(self):
        self.twin = copy.deepcopy(self.root)

    def free(self):
        self.twin = None

    def pickle_dumps(self):
        self.text = pickle.dumps(self.root)

    def pickle_loads(self):
        self.twin = pickle.loads(self.text)


def measured(links, measure):
    """What `measure` finds for each stage of one life."""
    life = Life(links)
    gc.collect()
    return {stage: measure(getattr(life, stage.replace(" ", "_"))) for stage in Life.stages}


def seconds(stage):
    begin = time.perf_counter()
    stage()
    return time.perf_counter() - begin


def memory(stage):
    before, _ = tracemalloc.get_traced_memory()
    tracemalloc.reset_peak()
    stage()
    after, peak = tracemalloc.get_traced_memory()
    return after - before, peak - max(before, after)


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--links", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    operations = 2 * arguments.links

    timed = [measured(arguments.links, seconds) for _ in range(arguments.rounds)]
    tracemalloc.start()
    sizes = measured(arguments.links // 10, memory)
    tracemalloc.stop()

    print(f"{operations:,} operations, median of {arguments.rounds} rounds\n")
    print(f"{'':14}{'seconds':>9}{'ns/op':>8}{'B/op kept':>11}{'B/op peak':>11}")
    for stage in Life.stages:
        median = statistics.median(times[stage] for times in timed)
        kept, peak = (size * 10 / operations for size in sizes[stage])
        print(f"{stage:14}{median:9.2f}{median / operations * 1e9:8.0f}{kept:11.0f}{peak:11.0f}")


if __name__ == "__main__":
    main()
