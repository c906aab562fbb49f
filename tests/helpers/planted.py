"""Faults planted in rows and sweeps while they run, of the kinds that people make:
what the testing kit must find.
"""

import dataclasses
import warnings
from collections import defaultdict
from contextlib import contextmanager

from micrograd_plus import autodiff, engine, ops
from micrograd_plus.engine import Value, local_gradients
from micrograd_plus.testing import GradientError, NotChecked, gradcheck


def is_wrong(f, *point, **options):
    """Whether gradcheck finds a fault; what the point does not allow it to check is none."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotChecked)
        try:
            gradcheck(f, *point, **options)
        except GradientError:
            return True
    return False


def plain(number):
    """The float in a Value: a partial computed from it is right itself,
    but has lost its own derivative.
    """
    return number.data if isinstance(number, Value) else number


def guarded(partials):
    """Skips the work where the first operand is zero."""
    return lambda out, x, *rest: (
        (0.0,) * (1 + len(rest)) if plain(x) == 0 else partials(out, x, *rest)
    )


def overwriting(order, seeds, local=local_gradients, wanted=None):
    """The reverse sweep with = in place of +=."""
    adjoint = defaultdict(lambda: -0.0, seeds)
    for v in reversed(order):
        if v.primitive is not None and v in adjoint:
            for operand, partial in zip(v.operands, local(v)):
                if partial is not None:
                    adjoint[operand] = partial * adjoint[v]
    return adjoint


def negating(order, seeds, local=local_gradients, wanted=None):
    """The forward sweep with the sign of a second operand turned."""
    tangent = defaultdict(lambda: -0.0, seeds)
    for v in order:
        if v not in seeds:
            for place, (operand, partial) in enumerate(zip(v.operands, local(v))):
                if partial is not None and operand in tangent:
                    tangent[v] += (-partial if place == 1 else partial) * tangent[operand]
    return tangent


PARTIALS = {
    "wrong sign: cos": ("cos", lambda out, x: (ops.sin(x),)),
    "wrong sign: sub": ("sub", lambda out, x, y: (1.0, 1.0)),
    "wrong sign: atan2": (
        "atan2",
        lambda out, y, x: (ops.div(x, x * x + y * y), ops.div(y, x * x + y * y)),
    ),
    "missing factor: exp2": ("exp2", lambda out, x: (out,)),
    "missing factor: sqrt": ("sqrt", lambda out, x: (ops.div(1.0, out),)),
    "missing factor: pow": ("pow", lambda out, x, y: (ops.pow(x, y - 1.0), out * ops.log(x))),
    "missing term: silu": ("silu", lambda out, x: (ops.sigmoid(x),)),
    "missing share: logsumexp": ("logsumexp", lambda out, *xs: tuple(ops.exp(x) for x in xs)),
    "wrong branch: relu": ("relu", lambda out, x: (1.0 - ops.step(x),)),
    "wrong branch: maximum": (
        "maximum",
        lambda out, *xs: tuple(1.0 - ops.equal(x, out) for x in xs),
    ),
    "wrong branch: where": (
        "where",
        lambda out, c, x, y: (None, ops.equal(c, 0.0), 1.0 - ops.equal(c, 0.0)),
    ),
    "wrong operand: mul": ("mul", lambda out, x, y: (x, y)),
    "wrong operand: div": ("div", lambda out, x, y: (ops.div(1.0, y), -out)),
    "lost edge: add": ("add", lambda out, x, y: (1.0, None)),
    "lost edge: dot": ("dot", lambda out, b, *f: (None, *f[len(f) // 2 :], *f[: len(f) // 2])),
    "skip if zero: mul": ("mul", guarded(lambda out, x, y: (y, x))),
    "skip if zero: sin": ("sin", guarded(lambda out, x: (ops.cos(x),))),
    "second order only: exp": ("exp", lambda out, x: (plain(out),)),
    "second order only: tanh": ("tanh", lambda out, x: (ops.sech2(plain(x)),)),
    "second order only: mul": ("mul", lambda out, x, y: (plain(y), plain(x))),
    "second order only, at zero: pow": (
        "pow",
        lambda out, x, y: (
            ops.where(ops.equal(y, 0.0), 0.0, y * ops.pow(x, y - 1.0)),
            out * ops.log(x),
        ),
    ),
}
SWEEPS = {
    "= for +=: reverse sweep": ("adjoints", overwriting),
    "wrong sign: forward sweep": ("tangents", negating),
}
FAULTS = [*PARTIALS, *SWEEPS]


@contextmanager
def planted(name, monkeypatch):
    """Within it, the engine has the fault of that name."""
    with monkeypatch.context() as patch:
        if name in SWEEPS:
            attribute, sweep = SWEEPS[name]
            for module in (engine, autodiff):
                if hasattr(module, attribute):
                    patch.setattr(module, attribute, sweep)
        else:
            row_name, partials = PARTIALS[name]
            row = ops.TABLE[row_name]
            faulty = dataclasses.replace(row, slopes=partials)
            patch.setitem(ops.TABLE, row_name, faulty)
            for attribute in [a for a, thing in vars(ops).items() if thing is row]:
                patch.setattr(ops, attribute, faulty)
        yield
