"""A picture in words, for those who cannot see it."""

from __future__ import annotations

from ..chain_rule.naming import OUTPUT
from ..chain_rule.rules import bracketed_name
from ..support.text import shortened
from .model import Box, Model
from .texts import Texts

MOST = 12  # gates that are read out, and as many leaves


def described(texts: Texts) -> str:
    """The graph read aloud: each gate with its operands and value, then the leaves' derivatives."""
    model = texts.model
    names = _names(model)
    gates = [box for box in model.boxes if box.kind not in ("leaf", "constant", "cut")]
    told = [_sentence(texts, box, names) for box in reversed(gates[-MOST:])]
    leaves = [b for b in model.boxes if b.kind == "leaf" and b.derivative is not None]
    told += [
        f"{_derivative(model, leaf, names)} = {texts.number(leaf.derivative or 0.0)}"
        for leaf in leaves[:MOST]
    ]
    more = len(gates) - len(gates[-MOST:])
    end = f"; and {more} gates more" if more > 0 else ""
    return f"Computational graph: {'; '.join(told)}{end}."


def _names(model: Model) -> dict[Box, str]:
    last = model.boxes[-1]
    return {
        box: shortened(box.name) or (OUTPUT if box is last else f"({box.symbol or 'leaf'})")
        for box in model.boxes
    }


def _derivative(model: Model, leaf: Box, names: dict[Box, str]) -> str:
    above, below = names[model.boxes[-1]], names[leaf] if leaf.name else "leaf"
    if model.mode == "forward":
        above, below = below, shortened(model.wrt)
    return f"∂{bracketed_name(above)}/∂{bracketed_name(below)}"


def _sentence(texts: Texts, box: Box, names: dict[Box, str]) -> str:
    operands = [
        texts.number(w.source.value) if w.source.kind == "constant" else names[w.source]
        for w in box.wires
    ]
    made = f"{names[box]} = {box.symbol} of {', '.join(operands)}" if operands else names[box]
    return made if box.kind == "layer" else f"{made} = {texts.number(box.value)}"
