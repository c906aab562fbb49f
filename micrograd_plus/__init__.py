"""A scalar reverse-mode autodiff engine you can see, step through, prove right and run fast."""

from .drawing import draw, draw_dot, trace
from .engine import Value
from .guards import detect_anomaly, no_grad

__all__ = ["Value", "detect_anomaly", "draw", "draw_dot", "no_grad", "trace"]
