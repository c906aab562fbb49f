"""A circuit of ten gates, built and differentiated again and again: microseconds a time, and how
many times as long as with the heart in C.

    python tests/benchmarks/circuit.py [--rounds 5] [--times 20000]

Five leaves are made, the ten gates computed, and `backward()` is run; wall time with Python's
garbage collector on. Everyone has a process of its own, by turns, and the least of the rounds
counts. `plain` is the forty-line class of `gpt.py`; PyTorch and XAD take part where they are.
"""

import argparse
import os
import subprocess
import sys
import time

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


def once(who):
    """The function that builds and differentiates the circuit once, and gives the gradient."""
    if who in PEERS:
        peer = PEERS[who]()

        def differentiate():
            leaves = peer.leaves(POINT)
            return peer.gradient(circuit(*leaves), leaves)

        return differentiate
    if who == "micrograd":
        from micrograd.engine import Value as Number
    elif who == "plain":
        from gpt import Plain as Number
    else:
        from micrograd_plus.engine import Value as Number
        from micrograd_plus.engine import engine_name

        assert engine_name() == who

    def backward():
        leaves = [Number(x) for x in POINT]
        circuit(*leaves).backward()
        return [leaf.grad for leaf in leaves]

    return backward


def alone(who, times):
    """Microseconds a time, and the gradient."""
    differentiate = once(who)
    differentiate()
    begin = time.perf_counter()
    for _ in range(times):
        gradient = differentiate()
    return (time.perf_counter() - begin) / times * 1e6, gradient


def in_a_process(who, times):
    """The same in a Python of its own."""
    env = {**os.environ, "MICROGRAD_PLUS_ENGINE": "c" if who == "c" else "python"}
    command = [sys.executable, __file__, "--who", who, "--times", str(times)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=env)
    microseconds, *gradient = map(float, done.stdout.split())
    return microseconds, gradient


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5, help="turns of each (default 5)")
    parser.add_argument("--times", type=int, default=20_000, help="circuits a turn")
    parser.add_argument("--who", choices=CONTESTANTS, help="one of them alone")
    arguments = parser.parse_args()
    if arguments.who:
        microseconds, gradient = alone(arguments.who, arguments.times)
        print(microseconds, *gradient)
        return
    there = present(CONTESTANTS)
    best, gradients = dict.fromkeys(there, float("inf")), {}
    for _ in range(arguments.rounds):
        for who in there:
            microseconds, gradients[who] = in_a_process(who, arguments.times)
            best[who] = min(best[who], microseconds)
    for who, gradient in gradients.items():
        gap = max(abs(a - b) for a, b in zip(gradient, gradients["c"]))
        assert gap < 1e-12, f"{who} differs by {gap}"
    for who, microseconds in best.items():
        print(f"{who:10}{microseconds:10.2f} us{microseconds / best['c']:10.1f}")


if __name__ == "__main__":
    main()
