"""Sharif: every number that is printed, to the last digit printed."""

import pytest
from worked import check_numbers

from micrograd_plus.examples import sharif

# The values in the order of computation, and the gradients by name; 12 decimals where the numbers
# are not whole.
NUMBERS = {
    "product_of_a_sum": (
        {"x": -2, "y": 5, "z": -4, "q": 3, "f": -12},
        {"x": -4, "y": -4, "z": 3, "q": -4, "f": 1},
    ),
    "sigmoid_circuit": (
        {
            "w0": 2,
            "x0": -1,
            "w1": -3,
            "x1": -2,
            "w2": -3,
            "w0x0": -2,
            "w1x1": 6,
            "s": 4,
            "z": 1,
            "neg": -1,
            "exp": 0.367879441171,
            "den": 1.367879441171,
            "f": 0.731058578630,
        },
        {
            "w0": -0.196611933241,
            "x0": 0.393223866483,
            "w1": -0.393223866483,
            "x1": -0.589835799724,
            "w2": 0.196611933241,
            "w0x0": 0.196611933241,
            "w1x1": 0.196611933241,
            "s": 0.196611933241,
            "z": 0.196611933241,
            "neg": -0.196611933241,
            "exp": -0.534446645389,
            "den": -0.534446645389,
            "f": 1,
        },
    ),
    "sigmoid_gate": (
        {
            "w0": 2,
            "x0": -1,
            "w1": -3,
            "x1": -2,
            "w2": -3,
            "w0x0": -2,
            "w1x1": 6,
            "s": 4,
            "z": 1,
            "f": 0.731058578630,
        },
        {
            "w0": -0.196611933241,
            "x0": 0.393223866483,
            "w1": -0.393223866483,
            "x1": -0.589835799724,
            "w2": 0.196611933241,
            "w0x0": 0.196611933241,
            "w1x1": 0.196611933241,
            "s": 0.196611933241,
            "z": 0.196611933241,
            "f": 1,
        },
    ),
    "gates": (
        {"x": 3, "y": -4, "z": 2, "w": -1, "p": -12, "m": 2, "s": -10, "f": -20},
        {"x": -8, "y": 6, "z": 2, "w": 0, "p": 2, "m": 2, "s": 2, "f": 1},
    ),
    "branches": ({"a": 3, "b": 6, "c": 12}, {"a": 4, "b": 2, "c": 1}),
    "reused_input": ({"x": 2, "y": 3, "p": 6, "f": 8}, {"x": 4, "y": 2, "p": 1, "f": 1}),
}


def test_every_circuit_has_its_numbers_here():
    assert [circuit.__name__ for circuit in sharif.EXAMPLES] == list(NUMBERS)


@pytest.mark.parametrize("name", NUMBERS)
def test_values_and_gradients(name):
    check_numbers(getattr(sharif, name), *NUMBERS[name])
