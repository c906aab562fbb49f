"""What the tests of every lecture's worked examples share."""

import pytest


def decimals(numbers):
    """Numbers by name, to twelve decimals."""
    return {name: f"{number + 0.0:.12f}" for name, number in numbers.items()}


def check_numbers(make, values, gradients):
    """A circuit has these values in this order, and after a backward pass these gradients."""
    circuit = make()
    assert list(circuit) == list(values)
    assert decimals({name: v.data for name, v in circuit.items()}) == decimals(values)
    assert all(v.grad == 0.0 for v in circuit.values()), "backward has run already"
    *_, output = circuit.values()
    output.backward()
    assert decimals({name: circuit[name].grad for name in gradients}) == decimals(gradients)


def swept(circuit):
    """The circuit after a backward pass from its output."""
    *_, output = circuit.values()
    output.backward()
    return circuit


def numbers(circuit, names):
    return [circuit[name].data for name in names.split()]


def gradients(circuit, names):
    return [circuit[name].grad for name in names.split()]


def twelve(*numbers):
    """Numbers that are right to twelve decimals."""
    return pytest.approx(numbers, rel=0, abs=5.1e-13)
