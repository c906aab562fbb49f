"""A scalar reverse-mode autodiff engine you can see, prove right and run fast.

This is the index of its public names. Each is fetched from the room where it lives when it is first
asked for, so that importing the package loads no more than what is used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import ops
    from .autodiff import checkpoint, custom, grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp
    from .chain_rule import explain
    from .drawing import draw, draw_dot, trace
    from .engine import Value, engine_name, zero_grad
    from .modes import detect_anomaly, no_grad
    from .player import play, playground
    from .tape import Tape, record
    from .testing import gradcheck

__all__ = [
    "Tape",
    "Value",
    "checkpoint",
    "custom",
    "detect_anomaly",
    "draw",
    "draw_dot",
    "engine_name",
    "explain",
    "grad",
    "gradcheck",
    "hessian",
    "hvp",
    "jacobian",
    "jvp",
    "no_grad",
    "ops",
    "play",
    "playground",
    "record",
    "trace",
    "value_and_grad",
    "vjp",
    "zero_grad",
]

_ROOMS = {
    "autodiff": (
        "checkpoint",
        "custom",
        "grad",
        "hessian",
        "hvp",
        "jacobian",
        "jvp",
        "value_and_grad",
        "vjp",
    ),
    "chain_rule": ("explain",),
    "drawing": ("draw", "draw_dot", "trace"),
    "engine": ("Value", "engine_name", "zero_grad"),
    "modes": ("detect_anomaly", "no_grad"),
    "player": ("play", "playground"),
    "tape": ("Tape", "record"),
    "testing": ("gradcheck",),
}
_ROOM_OF = {name: room for room, names in _ROOMS.items() for name in names}
_MODULES = (
    "autodiff",
    "chain_rule",
    "drawing",
    "engine",
    "estimators",
    "examples",
    "losses",
    "nn",
    "ops",
    "optim",
    "player",
    "plots",
    "tape",
    "testing",
    "training",
)


def __getattr__(name: str) -> Any:
    if name in _ROOM_OF:
        found = getattr(import_module(f".{_ROOM_OF[name]}", __name__), name)
    elif name in _MODULES:
        found = import_module(f".{name}", __name__)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_MODULES})
