"""RWTH Aachen: every number that is printed, to the last digit printed."""

import pytest
from worked import check_numbers

from micrograd_plus import examples
from micrograd_plus.chain_rule import explain
from micrograd_plus.examples import rwth

# The values in the order of computation, and the gradients by name; 12 decimals where the numbers
# are not whole.
NUMBERS = {
    "nine_paths": (
        {
            "x": 1,
            "alpha": 1,
            "beta": 2,
            "gamma": 3,
            "y": 6,
            "delta": 4,
            "epsilon": 5,
            "zeta": 6,
            "z": 90,
        },
        {
            "x": 90,
            "alpha": 15,
            "beta": 15,
            "gamma": 15,
            "y": 15,
            "delta": 6,
            "epsilon": 6,
            "zeta": 6,
            "z": 1,
        },
    ),
    "forward_and_reverse": (
        {"a": 2, "b": 1, "c": 3, "d": 2, "e": 6},
        {"a": 2, "b": 5, "c": 2, "d": 3, "e": 1},
    ),
}


def test_every_circuit_has_its_numbers_here():
    assert [circuit.__name__ for circuit in rwth.EXAMPLES] == list(NUMBERS)


@pytest.mark.parametrize("name", NUMBERS)
def test_values_and_gradients(name):
    check_numbers(getattr(rwth, name), *NUMBERS[name])


def test_the_largest_product_of_nine_paths():
    circuit = examples.nine_paths()
    found = explain(circuit["z"], circuit["x"], limit=9)
    assert found.count == 9
    assert sorted(p.product for p in found.paths) == [4, 5, 6, 8, 10, 12, 12, 15, 18]


def test_a_chain_with_more_paths_than_anyone_could_walk():
    chain = examples.factoring_chain()
    found = explain(chain["z60"], chain["x"])
    assert (found.count, found.value) == (9**60, 1.0)
    chain["z60"].backward()
    assert {v.grad for v in chain.values()} == {1.0}
    assert list(examples.factoring_chain(0)) == ["x"]
