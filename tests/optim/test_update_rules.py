"""Each rule has the bits of its formula with all of its terms written out, those of 0, too."""

from itertools import product

import numpy as np
import pytest

from micrograd_plus.optim import SGD, AdaGrad, Adam, AdamW, RMSProp

RATE, DECAYS = 0.03, (0.0, 0.01)


def descent(o, w, g, memory, t):
    decay = o.weight_decay * w
    share = {"sum": 1.0, "step": -RATE, "average": 1.0 - o.momentum}[o.form]
    newest = share * (g if o.form == "average" else g + decay)
    v = memory["velocity"] = o.momentum * memory.get("velocity", 0.0) + newest
    if o.nesterov:
        v = o.momentum * v + newest
    if o.form == "step":
        return w + v
    return w - RATE * (v + decay if o.form == "average" else v)


def adagrad(o, w, g, memory, t):
    g = g + o.weight_decay * w
    s = memory["squares"] = memory.get("squares", o.initial_accumulator) + g * g
    return w - RATE * (g / (np.sqrt(s) + o.epsilon))


def rmsprop(o, w, g, memory, t):
    g = g + o.weight_decay * w
    rho = o.smoothing
    s = memory["squares"] = rho * memory.get("squares", 0.0) + (1.0 - rho) * (g * g)
    if o.centered:
        m = memory["mean"] = rho * memory.get("mean", 0.0) + (1.0 - rho) * g
        s = np.maximum(s - m * m, 0.0)
    quotient = g / (np.sqrt(s) + o.epsilon)
    v = memory["velocity"] = o.momentum * memory.get("velocity", 0.0) + quotient
    return w - RATE * v


def adam(o, w, g, memory, t):
    return adapted(o, w, g + o.weight_decay * w, memory, t)


def adamw(o, w, g, memory, t):
    return adapted(o, w * (1.0 - RATE * o.weight_decay), g, memory, t)


def adapted(o, w, g, memory, t):
    beta1, beta2 = o.betas
    m = memory["mean"] = beta1 * memory.get("mean", 0.0) + (1.0 - beta1) * g
    s = memory["squares"] = beta2 * memory.get("squares", 0.0) + (1.0 - beta2) * (g * g)
    if o.amsgrad:
        s = memory["largest"] = np.maximum(memory.get("largest", 0.0), s)
    root = np.sqrt(s) / (1.0 - beta2**t) ** 0.5 + o.epsilon
    return w - RATE / (1.0 - beta1**t) * (m / root)


MOMENTA = [{}, {"momentum": 0.9}, {"momentum": 0.9, "nesterov": True}]
FORMS = [{"form": form} for form in ("sum", "step", "average")]
CASES = [
    *((descent, SGD, {**form, **momentum}) for form, momentum in product(FORMS, MOMENTA)),
    *((adagrad, AdaGrad, {"initial_accumulator": initial}) for initial in (0.0, 0.1)),
    *(
        (rmsprop, RMSProp, {"momentum": momentum, "centered": centered})
        for momentum, centered in product((0.0, 0.9), (False, True))
    ),
    *(
        (formula, kind, {"amsgrad": amsgrad})
        for formula, kind in ((adam, Adam), (adamw, AdamW))
        for amsgrad in (False, True)
    ),
]


@pytest.mark.parametrize("decay", DECAYS)
@pytest.mark.parametrize(("formula", "kind", "options"), CASES)
def test_an_update_has_the_bits_of_its_formula(formula, kind, options, decay):
    """Some gradients are 0, and others large or small beyond all measure."""
    optimizer = kind(RATE, weight_decay=decay, **options)
    rng = np.random.default_rng(0)
    found = expected = rng.normal(size=40)
    memory = {}
    for t in range(1, 31):
        gradient = rng.normal(size=40) * 10.0 ** rng.integers(-160, 100, size=40)
        gradient[rng.random(40) < 0.2] = 0.0
        found = optimizer.update(found, gradient)
        expected = formula(optimizer, expected, gradient, memory, t)
        assert found.tobytes() == expected.tobytes(), t


@pytest.mark.parametrize("count", [1, 100, 8192, 8193])
@pytest.mark.parametrize("kind", [SGD, AdaGrad, RMSProp, Adam, AdamW])
def test_one_number_that_is_not_finite_is_found_among_any_that_are(kind, count):
    """Also among numbers whose squares no float holds."""
    optimizer, large = kind(RATE), np.full(count, 1e200)
    assert np.isfinite(optimizer.update(large, np.ones(count))).all()
    for bad in (np.nan, np.inf, -np.inf):
        gradient, before = np.ones(count), repr(optimizer)
        gradient[count // 2] = bad
        with pytest.raises(FloatingPointError, match=f"gradient of parameter {count // 2} is"):
            optimizer.update(large, gradient)
        gradient[count // 2], large[count // 2] = 1.0, bad
        with pytest.raises(FloatingPointError, match=f"data of parameter {count // 2} would"):
            optimizer.update(large, gradient)
        large[count // 2] = 1e200
        assert repr(optimizer) == before
