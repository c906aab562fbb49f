"""A circuit of ten gates, built and differentiated again and again: microseconds a time, and how
many times as long as with the heart in C; and nanoseconds of one gate, built and freed.

    python tests/benchmarks/circuit.py [--rounds 5] [--times 20000]

Five leaves are made, the ten gates computed, and `backward()` is run, with Python's garbage
collector on. The gate is a product of two leaves, without the loop around it. Everyone has a
process of its own, by turns; processor time is taken, which other work on the machine hardly
changes, and the least of the rounds. `plain` is the forty-line class of `gpt.py`; PyTorch and XAD
take part where they are installed. XAD's tape keeps a gate until it is cleared.
"""

import argparse
import os
import subprocess
import sys
from itertools import repeat
from time import process_time

from scalars import PEERS, present

CONTESTANTS = ("micrograd", "plain", "python", "c", "torch", "xad")
POINT = (0.5, -1.5, 2.0, -1.0, 0.25)


def circuit(x, y, v, w, b):
    """A neuron of two inputs, and some more: ten gates that everybody has."""
    product = x * v
    total = product + y * w + b
    active = total.relu()
    rest = active * active + total
    return (rest * 0.5) ** 2 + product


def number_of(who):
    """The class of numbers of micrograd, of the plain class or of one of our engines."""
    if who == "micrograd":
        from micrograd.engine import Value as Number
    elif who == "plain":
        from gpt import Plain as Number
    else:
        from micrograd_plus.engine import Value as Number
        from micrograd_plus.engine import engine_name

        assert engine_name() == who
    return Number


def once(who):
    """The function that builds and differentiates the circuit once, and gives the gradient; and two
    leaves.
    """
    if who in PEERS:
        peer = PEERS[who]()

        def of_peer():
            leaves = peer.leaves(POINT)
            return peer.gradient(circuit(*leaves), leaves)

        return of_peer, lambda: peer.leaves(POINT[:2])
    number = number_of(who)

    def by_hand():
        x, y, v, w, b = map(number, POINT)
        circuit(x, y, v, w, b).backward()
        return x.grad, y.grad, v.grad, w.grad, b.grad

    return by_hand, lambda: map(number, POINT[:2])


def alone(who, times):
    """Microseconds a circuit, nanoseconds a gate, and the gradient."""
    differentiate, two_leaves = once(who)
    gradient = differentiate()
    begin = process_time()
    for _ in range(times):
        differentiate()
    microseconds = (process_time() - begin) / times * 1e6
    return microseconds, gate(*two_leaves(), 10 * times), gradient


def gate(x, y, times):
    """Nanoseconds to build a product and to free it."""
    begin = process_time()
    for _ in repeat(None, times):
        x * y
    end = process_time()
    for _ in repeat(None, times):
        pass
    return (2 * end - begin - process_time()) / times * 1e9


def in_a_process(who, times):
    """The same in a Python of its own."""
    env = {**os.environ, "MICROGRAD_PLUS_ENGINE": "c" if who == "c" else "python"}
    command = [sys.executable, __file__, "--who", who, "--times", str(times)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=env)
    microseconds, nanoseconds, *gradient = map(float, done.stdout.split())
    return microseconds, nanoseconds, gradient


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5, help="turns of each (default 5)")
    parser.add_argument("--times", type=int, default=20_000, help="circuits a turn")
    parser.add_argument("--who", choices=CONTESTANTS, help="one of them alone")
    arguments = parser.parse_args()
    if arguments.who:
        microseconds, nanoseconds, gradient = alone(arguments.who, arguments.times)
        print(microseconds, nanoseconds, *gradient)
        return
    found = {who: [] for who in present(CONTESTANTS)}
    for _ in range(arguments.rounds):
        for who, turns in found.items():
            turns.append(in_a_process(who, arguments.times))
    *_, right = found["c"][0]
    best = {}
    for who, turns in found.items():
        of_circuits, of_gates, (gradient, *_) = zip(*turns)
        gap = max(abs(a - b) for a, b in zip(gradient, right))
        assert gap < 1e-12, f"{who} differs by {gap}"
        best[who] = min(of_circuits), min(of_gates)
    print(f"{'':10}{'circuit':>13}{'times c':>10}{'gate':>13}{'times c':>10}")
    for who, (circuits, gates) in best.items():
        ratios = circuits / best["c"][0], gates / best["c"][1]
        print(f"{who:10}{circuits:10.2f} us{ratios[0]:10.1f}{gates:10.0f} ns{ratios[1]:10.1f}")


if __name__ == "__main__":
    main()
