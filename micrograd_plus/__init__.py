"""A scalar reverse-mode autodiff engine you can see, step through, prove right and run fast."""

from .engine import Value, detect_anomaly, no_grad

__all__ = ["Value", "detect_anomaly", "no_grad"]
