"""A training step of the moons demo, in micrograd and in micrograd_plus, side by side in one
process.

    python tests/benchmarks/moons.py [--steps 60] [--every 6]

Both train the same MLP(2, [16, 16, 1]) on the same hundred points with the loss of micrograd's
demo: hinge plus 1e-4 times the sum of squared weights. A step is forward, zero_grad, backward and
update, in time of the processor, with Python's garbage collector on; they take turns, so that other
work on the machine changes all alike. Memory is what tracemalloc sees allocated between the first
operation and the finished graph, before and after backward leaves its gradients in it, divided by
the number of nodes that are results of operations: the node itself and its share of operand tuples,
closures and floats; weights and inputs exist before. A neuron's `dot` is one node of micrograd_plus
and dozens of micrograd's, so the megabytes of the whole graph stand beside.

PyTorch, on tensors without axes, and XAD take part where they are installed: micrograd's MLP on
their numbers, which are made anew from floats in each step. Their memory Python does not see.
"""

import argparse
import gc
import random
import statistics
import tracemalloc
from time import process_time

import micrograd.engine
import micrograd.nn
import numpy as np
from scalars import PEERS, present
from sklearn.datasets import make_moons

import micrograd_plus.engine
import micrograd_plus.nn

RATE, STEPS_OF_DEMO = 1.0, 100


class Training:
    """The demo's training loop with the Value and MLP of one package."""

    def __init__(self, package):
        random.seed(1337)
        np.random.seed(1337)  # noqa: NPY002  # as the demo does
        self.value = package.engine.Value
        self.points, classes = make_moons(n_samples=100, noise=0.1)
        self.targets = classes * 2 - 1
        self.model = package.nn.MLP(2, [16, 16, 1])
        self.taken = 0

    def inputs(self):
        return [list(map(self.value, point)) for point in self.points]

    def loss(self, inputs):
        scores = list(map(self.model, inputs))
        losses = [(1 + -target * score).relu() for target, score in zip(self.targets, scores)]
        return sum(losses) * (1.0 / len(losses)) + 1e-4 * sum(
            p * p for p in self.model.parameters()
        )

    def step(self):
        """One step of descent; gives its seconds and its loss."""
        begin = process_time()
        loss = self.loss(self.inputs())
        self.model.zero_grad()
        loss.backward()
        for p in self.model.parameters():
            p.data -= self.rate() * p.grad
        seconds, self.taken = process_time() - begin, self.taken + 1
        return seconds, loss.data

    def rate(self):
        return RATE * (1.0 - 0.9 * self.taken / STEPS_OF_DEMO)


class TrainingOfPeer(Training):
    """The same with micrograd's network on the numbers of a peer."""

    def __init__(self, peer):
        super().__init__(micrograd)
        self.peer, self.value = peer, float
        self.targets = self.targets.tolist()
        self.numbers = [float(p.data) for p in self.model.parameters()]

    def step(self):
        """One step of descent; gives its seconds and its loss."""
        begin = process_time()
        leaves = self.peer.leaves(self.numbers)
        self.put(leaves)
        loss = self.loss(self.inputs())
        gradient = self.peer.gradient(loss, leaves)
        self.numbers = [x - self.rate() * slope for x, slope in zip(self.numbers, gradient)]
        self.put(self.numbers)  # XAD gives a number's place away when that is gone, even late
        seconds, self.taken = process_time() - begin, self.taken + 1
        return seconds, float(loss.data)

    def put(self, leaves):
        """Let these be the parameters of the network."""
        rest = iter(leaves)
        for layer in self.model.layers:
            for neuron in layer.neurons:
                neuron.w = [next(rest) for _ in neuron.w]
                neuron.b = next(rest)


def operations(root):
    """The nodes below a root that are results of operations, in either package."""
    found, stack = set(), [root]
    while stack:
        node = stack.pop()
        operands = [
            o for o in getattr(node, "operands", None) or node._prev if not isinstance(o, float)
        ]
        if operands and node not in found:
            found.add(node)
            stack += operands
    return len(found)


def memory_and_operations(build):
    """Memory of a finished graph, the same with what `backward` leaves in it,
    and the number of its operation nodes.
    """
    gc.collect()
    tracemalloc.start()
    root = build()
    gc.collect()
    built, _ = tracemalloc.get_traced_memory()
    root.backward()
    gc.collect()
    differentiated, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return built, differentiated, operations(root)


def chain(value, links):
    """x = x * c + d again and again, with floats c and d."""
    x = value(0.5)
    for _ in range(links):
        x = x * 1.0001 + 0.0001
    return x


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--steps", type=int, default=60, help="steps of micrograd_plus (default 60)"
    )
    parser.add_argument(
        "--every",
        type=int,
        default=6,
        help="a step of the others every so many (default 6)",
    )
    arguments = parser.parse_args()

    trainings = {"micrograd": Training(micrograd)}
    trainings |= {name: TrainingOfPeer(PEERS[name]()) for name in present(PEERS)}
    trainings["micrograd_plus"] = Training(micrograd_plus)
    times, losses = {name: [] for name in trainings}, {name: [] for name in trainings}
    gc.enable()
    for k in range(arguments.steps):
        for name, training in trainings.items():
            if k % (1 if name == "micrograd_plus" else arguments.every) == 0:
                seconds, loss = training.step()
                times[name].append(seconds)
                losses[name].append(loss)
    shared = len(losses["micrograd"])
    gap = max(
        abs(a - b) for found in losses.values() for a, b in zip(found, losses["micrograd_plus"])
    )
    assert gap < 1e-9, f"the losses differ by {gap}"

    medians = {name: statistics.median(seconds) * 1e3 for name, seconds in times.items()}
    print(
        f"{'':16}{'ms per step':>13}{'steps':>7}{'moons MB':>10}{'nodes':>8}"
        f"{'B/node':>14}{'chain B/node':>14}"
    )
    for name, training in trainings.items():
        if name in PEERS:
            print(f"{name:16}{medians[name]:13.2f}{len(times[name]):7}")
            continue
        inputs = training.inputs()
        *of_moons, nodes = memory_and_operations(
            lambda training=training, inputs=inputs: training.loss(inputs)
        )
        *of_chain, links = memory_and_operations(
            lambda training=training: chain(training.value, 400)
        )
        each = [
            f"{built / n:.0f} to {after / n:.0f}"
            for (built, after), n in ((of_moons, nodes), (of_chain, links))
        ]
        print(
            f"{name:16}{medians[name]:13.2f}{len(times[name]):7}{of_moons[1] / 1e6:10.1f}{nodes:8}"
            f"{each[0]:>14}{each[1]:>14}"
        )
    print(
        f"\nmicrograd_plus takes a step {medians['micrograd'] / medians['micrograd_plus']:.1f} "
        "times faster; "
        f"the first {shared} losses agree within {gap:.0e}."
    )


if __name__ == "__main__":
    main()
