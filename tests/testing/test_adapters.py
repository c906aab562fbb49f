"""The lines that the room's page shows for other libraries, run against these libraries: right
gradients are right, and wrong ones are found.

Where `CI` is set, none of the libraries may be missing.
"""

import importlib
import os
import re
from pathlib import Path

import numpy as np
import pytest

import micrograd_plus.testing
from micrograd_plus.testing import WrongGradientError, check_gradient

PAGE = Path(micrograd_plus.testing.__file__).with_name("README.md")
SHOWN = dict(re.findall(r"```python (\w+)\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL))
X = np.array([0.7, -1.3, 2.1])


def library(name):
    if os.environ.get("CI"):
        return importlib.import_module(name)
    return pytest.importorskip(name)


def run(name, **names):
    """The lines that the page shows for a library."""
    exec(SHOWN[name], {"check_gradient": check_gradient, "x": X} | names)


def test_every_library_is_shown_in_three_lines_and_a_call():
    assert SHOWN.keys() == {"torch", "jax", "sklearn", "scipy", "autograd"}
    written = [[line for line in lines.splitlines() if line] for lines in SHOWN.values()]
    assert max(map(len, written)) <= 4


@pytest.mark.parametrize("factor", [3.0, 2.0])
def test_a_function_of_torch_with_a_backward_pass_of_its_own(factor):
    torch = library("torch")

    class Cube(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x**3

        @staticmethod
        def backward(ctx, upstream):
            (x,) = ctx.saved_tensors
            return factor * x**2 * upstream

    if factor == 3.0:
        run("torch", torch=torch, Cube=Cube)
    else:
        with pytest.raises(WrongGradientError, match=r"0\.666667 times what it should be"):
            run("torch", torch=torch, Cube=Cube)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_function_of_jax_with_a_rule_of_its_own(sign):
    jax = library("jax")

    @jax.custom_vjp
    def softplus(x):
        return jax.numpy.logaddexp(x, 0.0)

    def forward(x):
        return softplus(x), x

    def backward(x, upstream):
        return (sign * upstream * jax.nn.sigmoid(x),)

    softplus.defvjp(forward, backward)
    if sign == 1.0:
        run("jax", jax=jax, softplus=softplus)
    else:
        with pytest.raises(WrongGradientError, match="the sign is the other one"):
            run("jax", jax=jax, softplus=softplus)


@pytest.mark.parametrize("wrong", [False, True])
def test_a_loss_in_scikit_learn_s_manner(wrong):
    processes = library("sklearn.gaussian_process")
    kernel = processes.kernels.ConstantKernel() * processes.kernels.RBF()
    process = processes.GaussianProcessRegressor(kernel + processes.kernels.WhiteKernel())
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(12, 2))
    process.fit(inputs, np.sin(inputs[:, 0]) + 0.1 * rng.normal(size=12))
    w = np.array([0.1, -0.2, -1.0])
    if not wrong:
        run("sklearn", process=process, w=w)
        return

    class Detached:
        def log_marginal_likelihood(self, theta, eval_gradient):
            value, gradient = process.log_marginal_likelihood(theta, eval_gradient=eval_gradient)
            gradient[2] = 0.0
            return value, gradient

    with pytest.raises(WrongGradientError, match=r"d f / d x\[2\]"):
        run("sklearn", process=Detached(), w=w)


@pytest.mark.parametrize("wrong", [False, True])
def test_what_scipy_takes_as_jac(wrong):
    optimize = library("scipy.optimize")
    scipy = library("scipy")

    def residuals(x):
        return np.array([x[0] * x[1], np.sin(x[2])])

    def residuals_jac(x):
        return np.array([[x[1], x[0], 0.0], [0.0, 0.0, np.sin(x[2]) if wrong else np.cos(x[2])]])

    names = {
        "scipy": scipy,
        "objective": optimize.rosen,
        "jac": optimize.rosen_der,
        "residuals": residuals,
        "residuals_jac": residuals_jac,
    }
    if wrong:
        with pytest.raises(WrongGradientError, match=r"d x\[2\]"):
            run("scipy", **names)
    else:
        run("scipy", **names)


@pytest.mark.parametrize("power", [2, 1])
def test_a_primitive_of_autograd_with_a_rule_of_its_own(power):
    autograd = library("autograd")
    library("autograd.numpy")
    extend = library("autograd.extend")

    @extend.primitive
    def cube(x):
        return x**3

    extend.defvjp(cube, lambda out, x: lambda upstream: 3 * upstream * x**power)
    if power == 2:
        run("autograd", autograd=autograd, cube=cube)
    else:
        with pytest.raises(WrongGradientError, match="gradient says"):
            run("autograd", autograd=autograd, cube=cube)
