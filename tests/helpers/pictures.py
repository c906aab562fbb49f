"""The plots in README, made by the package:
`python tests/helpers/pictures.py -o notebooks/pictures` (extras `plot`, `data`)."""

import argparse
import random
from pathlib import Path

import numpy as np

from micrograd_plus import examples, grad, ops, plots, record
from micrograd_plus.nn import Layer


def regions(ax):
    """The moons of micrograd's demo, after 100 steps."""
    trained = examples.moons()
    plots.decision_regions(
        trained.model,
        trained.points,
        trained.classes,
        title="Where a trained MLP says which moon",
        ax=ax,
    )


def surface(ax):
    """Stone's two weights: two associations, the error over both weights, and descent from (-0.8,
    -1.6).
    """
    associations = [((1.0, 0.6), 0.5), ((0.3, 0.9), -0.1)]

    def error(w1, w2):
        return 0.5 * sum((w1 * x1 + w2 * x2 - target) ** 2 for (x1, x2), target in associations)

    path = [(-0.8, -1.6)]
    for _ in range(30):
        path.append(
            tuple(w - 0.2 * slope for w, slope in zip(path[-1], grad(error, (0, 1))(*path[-1])))
        )
    plots.error_surface(error, path, title="Descent on the error surface of two weights", ax=ax)


def templates(ax):
    """A single layer that tells handwritten digits apart, as ten templates:
    60 steps of descent on softmax regression.
    """
    from sklearn.datasets import load_digits

    images, digits = load_digits(return_X_y=True)
    layer = Layer(64, 10, nonlin=False, rng=random.Random(0))
    rows = np.column_stack([images / 16, np.eye(10)[digits]])
    tape = record(
        lambda x, chosen: ops.logsumexp(*layer(x)) - ops.dot(chosen, layer(x)),
        [0.5] * 64,
        [0.1] * 10,
        parameters=layer,
    )
    weights = np.zeros(650)
    for _ in range(60):
        weights -= 1.0 * tape.mean_and_grad(rows, weights)[1]
    for parameter, weight in zip(layer.parameters(), weights.tolist()):
        parameter.data = weight
    plots.weight_templates(layer, title="What each digit's unit looks for", ax=ax)


PICTURES = {
    "regions": (regions, (5.0, 4.4)),
    "surface": (surface, (5.0, 4.4)),
    "templates": (templates, (5.6, 3.0)),
}


def main():
    from matplotlib import pyplot as plt

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        default=Path("notebooks/pictures"),
        help="the folder to write to",
    )
    folder = parser.parse_args().output
    folder.mkdir(parents=True, exist_ok=True)
    for name, (draw, size) in PICTURES.items():
        figure = plt.figure(figsize=size, layout="constrained")
        draw(figure.add_subplot(projection="3d" if name == "surface" else None))
        figure.savefig(folder / f"{name}.png", dpi=128, metadata={"Software": None})
        plt.close(figure)
        print(folder / f"{name}.png")


if __name__ == "__main__":
    main()
