"""How many functions of Python run for a small graph on the engine in Python: a program that swaps
it in waits for each of them.
"""

import sys
from collections import Counter

import pytest

from micrograd_plus import Value, engine_name

pytestmark = pytest.mark.skipif(engine_name() != "python", reason="C calls no functions of Python")


def calls(work):
    """How often each function of Python is entered meanwhile."""
    entered = Counter()

    def watch(frame, event, _):
        if event == "call":
            entered[frame.f_code.co_qualname] += 1

    before = sys.getprofile()
    sys.setprofile(watch)
    try:
        work()
    finally:
        sys.setprofile(before)
    del entered[work.__code__.co_qualname]
    return entered


def product_and_sum():
    a, b = Value(2.0), Value(3.0)

    def work():
        c = a * b + a
        c.backward()

    return work


def test_a_graph_of_two_gates_is_built_and_differentiated_in_half_the_calls_that_it_took():
    entered = calls(product_and_sum())
    assert entered.total() <= 25, entered
    assert len(entered) <= 17, entered


def test_a_gate_more_costs_its_operator_its_row_its_node_and_then_its_operands_and_slopes():
    a, b = Value(2.0), Value(3.0)

    def gates(count):
        def work():
            out = a
            for _ in range(count):
                out = out * b
            out.backward()

        return work

    few, many = calls(gates(10)), calls(gates(110))
    added = {name: many[name] - few[name] for name in many if many[name] != few[name]}
    assert sum(added.values()) == 5 * 100, added
