"""One example at a time: milliseconds of the first, the second and later predictions, and what 500
of them keep.

`python tests/benchmarks/prediction.py` prints processor time, which other work on the machine does
not change.
"""

import gc
import random
from functools import partial
from time import process_time

import numpy as np
from sklearn.datasets import load_digits, load_iris

from micrograd_plus.estimators import Classifier, Regressor
from micrograd_plus.nn import MLP
from micrograd_plus.training import outputs


def milliseconds(call, times=1):
    begin = process_time()
    for _ in range(times):
        call()
    return 1e3 * (process_time() - begin) / times


def kilobytes():
    gc.collect()
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * 4


def report(name, call):
    first, second = milliseconds(call), milliseconds(call)
    later = min(milliseconds(call, 100) for _ in range(5))
    before = kilobytes()
    milliseconds(call, 500)
    print(f"{name:34}{first:9.1f}{second:9.3f}{later:9.3f}{kilobytes() - before:9}")


def main():
    print(f"{'milliseconds, kilobytes':34}{'first':>9}{'second':>9}{'later':>9}{'500 keep':>9}")
    for name, (points, classes) in (
        ("iris", load_iris(return_X_y=True)),
        ("digits", load_digits(return_X_y=True)),
    ):
        for kind in (Classifier, Regressor):
            model = kind(epochs=1, random_state=0).fit(points, classes)
            report(f"{kind.__name__}.predict, {name}", partial(model.predict, points[:1]))
        model = Classifier(epochs=1, random_state=0).fit(points, classes)
        report(f"Classifier.predict_proba, {name}", partial(model.predict_proba, points[:1]))
    for sizes in ((4, [50, 3]), (64, [50, 10]), (784, [50, 10])):
        model, row = MLP(*sizes, rng=random.Random(0)), np.zeros((1, sizes[0]))
        report(f"outputs, {sizes[0]} inputs, {sizes[1]}", partial(outputs, model, row))


if __name__ == "__main__":
    main()
