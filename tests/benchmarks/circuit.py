"""A circuit of ten gates, built and differentiated again and again: microseconds a time, and how
many times as long as with the heart in C.

    python tests/benchmarks/circuit.py [--rounds 5] [--times 20000]

Five leaves are made, the ten gates computed, and `backward()` is run; wall time with Python's
garbage collector on. Everyone has a process of its own, by turns, and the least of the rounds
counts. `plain` is the forty-line class of `gpt.py`; PyTorch and XAD take part where they are.
"""

import argparse
import importlib.util
import os
import subprocess
import sys
import time

CONTESTANTS = ("micrograd", "plain", "python", "c", "torch", "xad")
POINT = (0.5, -1.5, 2.0, -1.0, 0.25)


def circuit(x, y, v, w, b, relu=lambda t: t.relu()):
    """A neuron of two inputs, and some more: ten gates that everybody has."""
    product = x * v
    total = product + y * w + b
    active = relu(total)
    rest = active * active + total
    return (rest * 0.5) ** 2 + product


def once(who):
    """The function that builds and differentiates the circuit once,
    and gives the first gradient.
    """
    if who == "torch":
        import torch

        torch.set_default_dtype(torch.float64)

        def differentiate():
            leaves = [torch.tensor(x, requires_grad=True) for x in POINT]
            circuit(*leaves).backward()
            return leaves[0].grad.item()

        return differentiate
    if who == "xad":
        import xad
        from xad.adj_1st import Real, Tape

        def taped():
            with Tape() as tape:
                leaves = [Real(x) for x in POINT]
                for leaf in leaves:
                    tape.registerInput(leaf)
                tape.newRecording()
                out = circuit(*leaves, relu=lambda t: xad.math.max(t, 0.0))
                tape.registerOutput(out)
                out.setAdjoint(1.0)
                tape.computeAdjoints()
                return leaves[0].getAdjoint()

        return taped
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
        return leaves[0].grad

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
    return tuple(map(float, done.stdout.split()))


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5, help="turns of each (default 5)")
    parser.add_argument("--times", type=int, default=20_000, help="circuits a turn")
    parser.add_argument("--who", choices=CONTESTANTS, help="one of them alone")
    arguments = parser.parse_args()
    if arguments.who:
        print(*alone(arguments.who, arguments.times))
        return
    there = [who for who in CONTESTANTS if who in ("plain", "python", "c") or _has(who)]
    best, gradients = dict.fromkeys(there, float("inf")), {}
    for _ in range(arguments.rounds):
        for who in there:
            microseconds, gradients[who] = in_a_process(who, arguments.times)
            best[who] = min(best[who], microseconds)
    assert max(gradients.values()) - min(gradients.values()) < 1e-12, gradients
    for who, microseconds in best.items():
        print(f"{who:10}{microseconds:10.2f} us{microseconds / best['c']:10.1f}")


def _has(module):
    return importlib.util.find_spec(module) is not None


if __name__ == "__main__":
    main()
