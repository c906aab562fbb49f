"""Are the gradients right? `gradcheck` for a function at a point, and Hypothesis strategies that
look for the point.

Five lines test a model of your own at points that Hypothesis picks, and shrinks when one fails:

    from hypothesis import given
    from micrograd_plus.testing import gradcheck, values

    @given(values(), values())
    def test_gradients_of_my_model(x, y):
        gradcheck(my_model, x, y)

`check_gradient` does the same for functions and gradients that are not made of Values: NumPy's, or
those of any other library.

`numerical_gradient` is the lectures' difference quotient, in floats and with its error.

`arrays()` and `points()` draw what such functions take, away from kinks, jumps and ties:

    @given(arrays(shape=(3, 4), kinks=[0.0]))
    def test_my_backward_pass(x):
        check_gradient(my_loss, my_gradient, x)

`graphs()` draws whole programs, for those who test a row or a sweep rather than a model, and
`tapes()` draws them recorded, for those who test what runs a tape. Hypothesis knows the types:
`st.from_type(Value)` draws `values()`, that of a Program `graphs()`, and that of a Tape `tapes()`.
"""

import sys

from .arrays import arrays, points, register_profiles
from .blackbox import check_gradient
from .check import gradcheck
from .failure import Failure, GradientError, NotChecked
from .numerical import NumericalGradient, numerical_gradient
from .program import Program
from .reference import Precise
from .strategies import graphs, register, tapes, values
from .verdict import Component, Verdict, WrongGradientError

__all__ = [
    "Component",
    "Failure",
    "GradientError",
    "NotChecked",
    "NumericalGradient",
    "Precise",
    "Program",
    "Verdict",
    "WrongGradientError",
    "arrays",
    "check_gradient",
    "gradcheck",
    "graphs",
    "numerical_gradient",
    "points",
    "tapes",
    "values",
]

if "hypothesis" in sys.modules:  # otherwise it calls when it is imported
    register()
    register_profiles()
