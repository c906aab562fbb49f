"""Gradient checkers side by side: planted bugs found, false alarms at right gradients, seconds.

    pip install torch jax scipy
    python tests/benchmarks/gradients.py [points] [numpy torch jax]

The same backward passes, written for NumPy, for torch and for JAX, right and with one bug each of
the kinds that people report. `check_gradient` gets them as its page shows, the others as theirs do:
wrapped into a function of torch, or of JAX, where they are of another library. scipy's check_grad
gives a number; it is held against 1e-6 of the size of the gradient.
"""

import sys
import time
import warnings
from collections import Counter, defaultdict

import jax
import numpy as np
import scipy.optimize
import torch

from micrograd_plus.testing import GradientError, NotChecked, check_gradient

jax.config.update("jax_enable_x64", True)
warnings.simplefilter("ignore")

INPUTS = np.random.default_rng(5).normal(size=(5, 3))
TARGETS = np.random.default_rng(6).normal(size=(3, 4))
INDEX = np.array([0, 2, 2, 1])  # a gather that takes one row twice


class Numpy:
    """The operations that the passes below are written in."""

    name = "numpy"
    array = staticmethod(np.asarray)
    exp, tanh, log, abs, sqrt, where = np.exp, np.tanh, np.log, np.abs, np.sqrt, np.where
    sum, mean, max = np.sum, np.mean, np.max

    @staticmethod
    def low(x):
        return x.astype(np.float32).astype(np.float64)

    @staticmethod
    def scattered(rows, index, updates, *, adding):
        out = np.zeros((rows, *updates.shape[1:]))
        if adding:
            np.add.at(out, index, updates)
        else:
            out[index] = updates
        return out

    @staticmethod
    def in_place(x, factor):
        x *= factor
        return x


class Torch(Numpy):
    name = "torch"
    array = staticmethod(torch.as_tensor)
    exp, tanh, log, abs = torch.exp, torch.tanh, torch.log, torch.abs
    sqrt, where = torch.sqrt, torch.where
    sum, mean, max = torch.sum, torch.mean, torch.amax

    @staticmethod
    def low(x):
        return x.float().double()

    @staticmethod
    def scattered(rows, index, updates, *, adding):
        out = torch.zeros((rows, *updates.shape[1:]), dtype=updates.dtype)
        index = torch.as_tensor(index)
        return out.index_add(0, index, updates) if adding else out.index_copy(0, index, updates)

    @staticmethod
    def in_place(x, factor):
        return x.mul_(factor)


class Jax(Numpy):
    name = "jax"
    array = staticmethod(jax.numpy.asarray)
    exp, tanh, log, abs = jax.numpy.exp, jax.numpy.tanh, jax.numpy.log, jax.numpy.abs
    sqrt, where = jax.numpy.sqrt, jax.numpy.where
    sum, mean, max = jax.numpy.sum, jax.numpy.mean, jax.numpy.max

    @staticmethod
    def low(x):
        return x.astype("float32").astype("float64")

    @staticmethod
    def scattered(rows, index, updates, *, adding):
        out = jax.numpy.zeros((rows, *updates.shape[1:]))
        return out.at[index].add(updates) if adding else out.at[index].set(updates)


# Each problem: what it computes, and its backward pass, in which `bug` plants one.
def softmax(xp, x):
    exps = xp.exp(x - xp.max(x, 1, keepdims=True))
    return exps / xp.sum(exps, 1, keepdims=True)


def softmax_back(xp, x, v, bug):
    p = softmax(xp, x)
    return p * (v - xp.sum(v * p, 0 if bug == "axis" else 1, keepdims=True))


def normalised(xp, x):
    off = x - xp.mean(x, 1, keepdims=True)
    return off / xp.sqrt(xp.mean(off * off, 1, keepdims=True) + 1e-5)


def normalised_back(xp, x, v, bug):
    off = x - xp.mean(x, 1, keepdims=True)
    width = xp.sqrt(xp.mean(off * off, 1, keepdims=True) + 1e-5)
    out = off / width
    middle = xp.mean(v, 0 if bug == "axis" else 1, keepdims=True)
    along = (xp.sum if bug == "factor" else xp.mean)(v * out, 1, keepdims=True)
    return (v - middle - out * along) / width


def dense(xp, x):
    return xp.tanh(xp.array(INPUTS) @ x[:3] + x[3])


def dense_back(xp, x, v, bug):
    out = dense(xp, x)
    below = v * (1 - out * out)
    weights = xp.array(INPUTS).T @ below
    bias = xp.sum(below, 0)
    if bug == "broadcast":
        bias = xp.mean(below, 0)
    if bug == "broadcast of one row":
        bias = below[0]
    rows = [*weights, bias]
    return torch.stack(rows) if xp is Torch else (np if xp is Numpy else jax.numpy).stack(rows)


def squares(xp, x):
    return xp.mean((x - xp.array(TARGETS)) ** 2)


def squares_back(xp, x, v, bug):
    return v * (1 if bug == "factor" else 2) * (x - xp.array(TARGETS)) / 12


def entropy(xp, x):
    top = xp.max(x, 1, keepdims=True)
    return xp.sum(xp.log(xp.sum(xp.exp(x - top), 1)) + top[:, 0] - x[:, 0])


def entropy_back(xp, x, v, bug):
    p = softmax(xp, x)
    first = np.zeros((3, 4))
    first[:, 0] = 1.0
    return v * (p + xp.array(first) if bug == "sign" else p - xp.array(first))


def sigmoid(xp, x):
    return 1 / (1 + xp.exp(-x))


def sigmoid_back(xp, x, v, bug):
    out = sigmoid(xp, x)
    return v * out * (1 + out if bug == "sign" else 1 - out)


def pooled(xp, x):
    return xp.max(x, 1)


def pooled_back(xp, x, v, bug):
    hit = xp.where(x == xp.max(x, 1, keepdims=True), 1.0, 0.0)
    shared = hit if bug == "tie" else hit / xp.sum(hit, 1, keepdims=True)
    return v[:, None] * shared


def larger(xp, x):
    return xp.where(x[:, :2] >= x[:, 2:], x[:, :2], x[:, 2:])


def larger_back(xp, x, v, bug):
    a, b = x[:, :2], x[:, 2:]
    left = xp.where(a > b if bug == "tie" else a >= b, v, 0.0 * v)
    right = xp.where(b > a, v, 0.0 * v)
    if xp is Torch:
        return torch.cat([left, right], 1)
    return (np if xp is Numpy else jax.numpy).concatenate([left, right], 1)


def gathered(xp, x):
    return xp.tanh(x)[INDEX]


def gathered_back(xp, x, v, bug):
    out = xp.tanh(x)
    return (1 - out * out) * xp.scattered(3, INDEX, v, adding=bug != "scatter")


def cubic(xp, x):
    return x**3 - x


def cubic_back(xp, x, v, bug):
    if bug == "dtype":
        x = xp.low(x)
    if bug == "in place":
        v = xp.in_place(v, 1.0000001)
    return v * (3 * x**2 - 1)


PROBLEMS = {
    f.__name__: (f, back)
    for f, back in (
        (softmax, softmax_back),
        (normalised, normalised_back),
        (dense, dense_back),
        (squares, squares_back),
        (entropy, entropy_back),
        (sigmoid, sigmoid_back),
        (pooled, pooled_back),
        (larger, larger_back),
        (gathered, gathered_back),
        (cubic, cubic_back),
    )
}
BUGS = [
    *[("softmax", "axis"), ("normalised", "axis"), ("normalised", "factor")],
    *[("dense", "broadcast"), ("dense", "broadcast of one row"), ("squares", "factor")],
    *[("entropy", "sign"), ("sigmoid", "sign"), ("pooled", "tie"), ("larger", "tie")],
    *[("gathered", "scatter"), ("cubic", "dtype"), ("cubic", "in place"), ("dense", "stale")],
]  # three libraries, less the changes in place and the one dtype that JAX has not: 40


class Case:
    """A problem in one library, as functions of NumPy arrays."""

    def __init__(self, xp, problem, bug=None):
        self.xp, self.problem, self.bug = xp, problem, bug
        f, back = PROBLEMS[problem]
        kept = []

        def forward(x):
            return f(xp, x)

        def backward(x, v):
            if bug == "stale":
                kept.append(x + 0)
                x = kept[0]
            return back(xp, x, v, bug)

        if xp is Jax and bug != "stale":
            forward, backward = jax.jit(forward), jax.jit(backward)
        self.forward, self.backward = forward, backward

    def f(self, x):
        return np.asarray(self.forward(self.xp.array(x)))

    def vjp(self, x, v):
        return np.asarray(self.backward(self.xp.array(x), self.xp.array(v)))

    def point(self, rng):
        rows = 4 if self.problem == "dense" else 3
        x = rng.normal(size=(rows, 4))
        if self.bug == "tie":
            x[1] = x[1, 0]
        return x


def ours(case, x):
    try:
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always", NotChecked)
            verdict = check_gradient(case.f, case.vjp, x, kind="vjp")
    except GradientError:
        return "wrong"
    if verdict:
        return "right"
    return "said" if "in place" in str(told[0].message) else "open"


def scipys(case, x):
    v = np.random.default_rng(0).uniform(0.5, 1.5, np.shape(case.f(x)))

    def scalar(flat):
        return float(np.sum(v * case.f(flat.reshape(x.shape))))

    def gradient(flat):
        return case.vjp(flat.reshape(x.shape), v.copy()).ravel()

    error = scipy.optimize.check_grad(scalar, gradient, x.ravel())
    size = max(1.0, float(np.linalg.norm(gradient(x.ravel()))))
    return "right" if error <= 1e-6 * size else "wrong"


def torchs(case, x):
    class Wrapped(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return torch.as_tensor(case.f(x.detach().numpy()))

        @staticmethod
        def backward(ctx, v):
            (x,) = ctx.saved_tensors
            return torch.as_tensor(case.vjp(x.detach().numpy(), v.detach().numpy()))

    tensor = torch.tensor(x, requires_grad=True)
    right = torch.autograd.gradcheck(Wrapped.apply, (tensor,), raise_exception=False)
    return "right" if right else "wrong"


def jaxs(case, x):
    from jax.test_util import check_grads

    def called(function, shape, *args):
        spec = jax.ShapeDtypeStruct(shape, np.float64)
        return jax.pure_callback(lambda *a: function(*[np.array(b) for b in a]), spec, *args)

    @jax.custom_vjp
    def wrapped(x):
        return called(case.f, shape, x)

    shape = np.shape(case.f(x))
    wrapped.defvjp(lambda x: (wrapped(x), x), lambda kept, v: (called(case.vjp, x.shape, kept, v),))
    if case.xp is Jax and case.bug != "stale":
        wrapped = jax.custom_vjp(case.forward)
        wrapped.defvjp(lambda x: (case.forward(x), x), lambda x, v: (case.backward(x, v),))
    try:
        check_grads(wrapped, (jax.numpy.asarray(x),), order=1, modes=["rev"])
    except AssertionError:
        return "wrong"
    return "right"


CHECKERS = {
    "check_gradient": ours,
    "scipy check_grad": scipys,
    "torch gradcheck": torchs,
    "jax check_grads": jaxs,
}


def bugs(libraries):
    """How many of the planted bugs each finds, by kind."""
    missed, seconds, count = defaultdict(list), Counter(), 0
    for xp in libraries:
        for problem, bug in BUGS:
            if xp is Jax and bug == "in place":
                continue  # its arrays do not change
            if xp is Torch and bug == "dtype":
                continue
            count += 1
            for name, checker in CHECKERS.items():
                case = Case(xp, problem, bug)
                x = case.point(np.random.default_rng(100 + count))
                start = time.perf_counter()
                if checker(case, x) not in ("wrong", "said"):
                    missed[name].append(f"{xp.name} {problem} {bug}")
                seconds[name] += time.perf_counter() - start
    for name in CHECKERS:
        found = count - len(missed[name])
        print(f"{name:18} finds {found} of {count} in {seconds[name]:.1f} s; not {missed[name]}")


def rights(libraries, points):
    """How often each is not silent at right gradients."""
    for xp in libraries:
        for name, checker in CHECKERS.items():
            said, alarms = Counter(), Counter()
            start = time.perf_counter()
            for problem in PROBLEMS:
                case = Case(xp, problem)
                rng = np.random.default_rng(1)
                # JAX looks at every function anew, so it gets fewer points
                for _ in range(points // 5 if name.startswith("jax") else points):
                    word = checker(case, case.point(rng))
                    said[word] += 1
                    alarms[problem] += word == "wrong"
            each = 1e3 * (time.perf_counter() - start) / said.total()
            print(
                f"{xp.name:6} {name:18} false alarms {said['wrong']:5} of {said.total()}, "
                f"open {said['open']}, {each:.1f} ms a check; {dict(+alarms)}",
                flush=True,
            )


def ten_thousand():
    """The seconds that ten thousand parameters take, right and with one wrong."""
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(32, 100))

    def f(w):
        return float(np.sum(np.tanh(inputs @ w) ** 2))

    def gradient(w, wrong=False):
        h = np.tanh(inputs @ w)
        found = inputs.T @ (2 * h * (1 - h**2))
        if wrong:
            found[3, 14] *= 1.001
        return found

    w = rng.normal(size=(100, 100)) / 10
    start = time.perf_counter()
    verdict = check_gradient(f, gradient, w)
    right = time.perf_counter() - start
    start = time.perf_counter()
    try:
        check_gradient(f, lambda w: gradient(w, wrong=True), w)
    except GradientError as error:
        named = error.components[0].label
    wrong = time.perf_counter() - start
    start = time.perf_counter()
    scipy.optimize.check_grad(
        lambda x: f(x.reshape(100, 100)), lambda x: gradient(x.reshape(100, 100)).ravel(), w.ravel()
    )
    peer = time.perf_counter() - start
    print(f"10,000 parameters: {right:.2f} s right ({verdict}), {wrong:.2f} s to name {named}")
    print(f"10,000 parameters: scipy check_grad {peer:.2f} s")


if __name__ == "__main__":
    points = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    names = sys.argv[2:] or ["numpy", "torch", "jax"]
    libraries = [xp for xp in (Numpy, Torch, Jax) if xp.name in names]
    bugs(libraries)
    ten_thousand()
    rights(libraries, points)
