"""Training in a page, under node: steps a second, beside those of `fit`.

    python tests/benchmarks/playground.py

Full batches: 100 points of moons through MLP(2, [16, 16, 1]) with the hinge loss, and 1,797 digits
through MLP(64, [16, 10]) with cross-entropy. The first ten losses are compared with those of `fit`
before anything is printed; medians of rounds taken in turn. "made" is how long it takes to put the
network together, "picture" what it gives at 100 × 100 points; milliseconds.
"""

import json
import random
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits, make_moons

from micrograd_plus.nn import MLP
from micrograd_plus.optim import SGD
from micrograd_plus.player.rows import model_setup, rows_data
from micrograd_plus.training import fit

DRIVER = Path(__file__).with_suffix(".mjs")
ROUNDS = 40
STEPS = 200


def moons():
    inputs, classes = make_moons(100, noise=0.1, random_state=0)
    return MLP(2, [16, 16, 1], rng=random.Random(1)), "hinge", inputs, 2.0 * classes - 1.0


def digits():
    data = load_digits()
    model = MLP(64, [16, 10], init="he", output="softmax", rng=random.Random(1))
    return model, "cross_entropy", data.data / 16, data.target.astype(float)


def main():
    jobs, histories = [], []
    for make in (moons, digits):
        model, loss, inputs, targets = make()
        optimizer = SGD(0.05)
        examples = {"x": inputs.tolist(), "y": targets.tolist()}
        points = np.random.default_rng(0).normal(size=(10_000, inputs.shape[1])).tolist()
        setup = model_setup(model, loss, optimizer)
        jobs.append({"setup": setup, "data": {"train": examples}, "points": points})
        fit(model, inputs, targets, loss=loss, optimizer=optimizer, epochs=10)  # compiled
        model, *_ = make()
        optimizer.reset()
        histories.append(fit(model, inputs, targets, loss=loss, optimizer=optimizer, epochs=STEPS))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "jobs.json"
        asked = {"rows": rows_data((1, 2, 3, 10)), "jobs": jobs, "rounds": ROUNDS}
        path.write_text(json.dumps(asked), encoding="utf-8")
        done = subprocess.run(["node", DRIVER, path], check=True, capture_output=True, text=True)
    for make, history, ways in zip((moons, digits), histories, json.loads(done.stdout)):
        print(f"{make.__name__}: fit {STEPS / history.seconds:,.0f} steps a second")
        for way in ways:
            np.testing.assert_allclose(way["losses"], history.losses[:10], rtol=1e-12)
            print(
                f"  {way['language']:12}{1000 / way['step']:8,.0f} steps a second, made "
                f"{way['made']:.0f}, picture {way['picture']:.1f}"
            )


if __name__ == "__main__":
    main()
