"""What a gate does to a gradient, as a sentence."""

from __future__ import annotations

from ..engine import Value
from .naming import Names, gate_name
from .paths import Step
from .rules import Say, ratio, told


def passage(step: Step, name: Names, say: Say) -> str:
    """What one gate does to the gradient on its way to one operand."""
    gate = f"{name.defined(step.gate)}: {gate_name(step.gate.primitive)}"
    return f"{gate} {step.gate.primitive.gate}, {_passage(step, name, say)}"


def _passage(step: Step, name: Names, say: Say) -> str:
    v, place, local = step.gate, step.place, step.local
    operand, row = step.operand, v.primitive
    here = name(operand)
    if sum(o is operand for o in v.operands) > 1:
        here += f" as operand {place + 1}"
    if row.gate == "distributes" or (row.gate == "swaps" and place == 0 and row.arity is None):
        if local == 1.0:
            return f"{here} gets the gradient unchanged (× 1)"
        return f"{here} gets the gradient with its sign turned (× −1)"
    if row.gate == "swaps":
        return f"{here} gets the gradient times the other factor, {_factor(step, name, say)}"
    if row.gate == "routes":
        return _route(step, here, say)
    slope = ratio(name, v, operand) if here == name(operand) else f"its slope in {here}"
    return f"{slope} = {' = '.join(told(step, name, say))}"


def _route(step: Step, here: str, say: Say) -> str:
    if step.gate.primitive.arity == 1:
        at = f"{here} = {say(step.operand.data)}"
        return f"it is open at {at}, so the gradient passes (× {say(step.local)})"
    if step.local == 1.0:
        return f"the value came from {here}, which gets the whole gradient (× 1)"
    return f"{here} ties with others and gets its share of the gradient (× {say(step.local)})"


def _factor(step: Step, name: Names, say: Say) -> str:
    """The other factor, with its name where it has one."""
    texts = told(step, name, say)
    return " = ".join([texts[0], *texts[-1:]] if len(texts) > 1 else texts)


def blockage(v: Value, operand: Value, name: Names, say: Say) -> str:
    """Why a gate passes no gradient to an operand."""
    here, row = name(operand), v.primitive
    if row.gate != "routes":
        reason = f"blocks the gradient to {here}, for its value moves in steps, without a slope"
    elif row.arity == 1:
        reason = f"routes no gradient to {here}, for it is shut at {here} = {say(operand.data)}"
    else:
        reason = f"routes the gradient elsewhere, for its value does not come from {here}"
    return f"{name.defined(v)}: {gate_name(row)} {reason}"
