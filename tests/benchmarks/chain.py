"""A chain of a million links, x = x * c + d, two million operations: seconds and bytes per node of
all it goes through; and the same chain by others.

    python tests/benchmarks/chain.py [--links 1000000] [--rounds 3]

Seconds are of the processor, the median of the rounds, with Python's garbage collector on and under
the default recursion limit. Bytes are what tracemalloc sees in a further round of a tenth of the
links, which it slows and which is not timed: `kept` is what a stage leaves allocated when it is
over, `peak` what it needed besides while it ran; both per operation.

PyTorch, on tensors without axes, and XAD build, differentiate and free it in processes of their own
where they are installed, and the two engines beside them; bytes are how much the process has grown
before it is freed. micrograd and classes like it cannot: they recurse once a link.
"""

import argparse
import copy
import gc
import math
import os
import pickle
import statistics
import subprocess
import sys
import tracemalloc
from time import process_time

from scalars import PEERS, Own, present

from micrograd_plus import Value

CONTESTANTS = ("python", "c", *PEERS)


def chained(x, links):
    """The chain from a leaf on."""
    for _ in range(links):
        x = x * 1.0000001 + 1e-9
    return x


class Life:
    """The stages of a graph, in order; each leaves what the next one needs."""

    stages = ("build", "backward", "forward", "deepcopy", "free", "pickle dumps", "pickle loads")

    def __init__(self, links):
        self.links = links
        self.root = self.twin = self.text = None

    def build(self):
        self.root = chained(Value(0.5), self.links)

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
    begin = process_time()
    stage()
    return process_time() - begin


def memory(stage):
    before, _ = tracemalloc.get_traced_memory()
    tracemalloc.reset_peak()
    stage()
    after, peak = tracemalloc.get_traced_memory()
    return after - before, peak - max(before, after)


def alone(who, links):
    """Seconds to build, to differentiate and to free, bytes an operation, and the gradient."""
    peer = PEERS[who]() if who in PEERS else Own(Value)
    leaves = peer.leaves([0.5])
    gc.collect()
    before = resident()
    begin = process_time()
    root = chained(leaves[0], links)
    built = process_time()
    (gradient,) = peer.gradient(root, leaves)
    swept = process_time()
    size = (resident() - before) / (2 * links)
    freeing = process_time()
    del root, leaves
    freed = process_time()
    return built - begin, swept - built, freed - freeing, size, gradient


def resident():
    """Bytes of the process in memory, as Linux tells them; nan elsewhere."""
    if not os.path.exists("/proc/self/statm"):
        return math.nan
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def in_a_process(who, links):
    """The same in a Python of its own."""
    env = {**os.environ, "MICROGRAD_PLUS_ENGINE": "c" if who == "c" else "python"}
    command = [sys.executable, __file__, "--who", who, "--links", str(links)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=env)
    return tuple(map(float, done.stdout.split()))


def print_side_by_side(links, rounds):
    """Everyone by turns, and the medians."""
    there = present(CONTESTANTS)
    found = {who: [] for who in there}
    for _ in range(rounds):
        for who in there:
            found[who].append(in_a_process(who, links))
    print(f"\n{'seconds':14}{'build':>9}{'backward':>10}{'free':>9}{'all':>9}{'B/op':>8}")
    for who, turns in found.items():
        *seconds, size, gradient = map(statistics.median, zip(*turns))
        assert abs(gradient / found["c"][0][-1] - 1) < 1e-9, f"{who} differs"
        build, backward, free = seconds
        print(f"{who:14}{build:9.2f}{backward:10.2f}{free:9.2f}{sum(seconds):9.2f}{size:8.0f}")


def main():
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--links", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--who", choices=CONTESTANTS, help="one of them alone")
    arguments = parser.parse_args()
    if arguments.who:
        print(*alone(arguments.who, arguments.links))
        return
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
    print_side_by_side(arguments.links, arguments.rounds)


if __name__ == "__main__":
    main()
