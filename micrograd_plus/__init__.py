"""A scalar reverse-mode autodiff engine you can see, prove right and run fast."""

from .autodiff import checkpoint, custom, grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp
from .chain_rule.explanation import explain
from .drawing import draw, draw_dot, trace
from .engine import Value, zero_grad
from .modes import detect_anomaly, no_grad
from .tape.recorder import record
from .tape.tape import Tape
from .testing import gradcheck

__all__ = [
    "Tape",
    "Value",
    "checkpoint",
    "custom",
    "detect_anomaly",
    "draw",
    "draw_dot",
    "explain",
    "grad",
    "gradcheck",
    "hessian",
    "hvp",
    "jacobian",
    "jvp",
    "no_grad",
    "record",
    "trace",
    "value_and_grad",
    "vjp",
    "zero_grad",
]
