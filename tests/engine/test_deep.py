"""No recursion anywhere: deep, wide and much-shared graphs,
under the default recursion limit and on a small stack.
"""

import copy
import pickle
import sys
import threading

import pytest

from micrograd_plus import Value, ops
from micrograd_plus.engine import nodes_below, tangents

SLOPE, OFFSET = 1.0000001, 1e-9
# Bytes: a sixty-fourth of what a thread usually gets on Linux. Python 3.13 itself needs a megabyte
# to free any deep chain, were it of tuples: it goes down some thousand of them before it puts the
# rest off.
SMALL_STACK = 2**21 if sys.version_info[:2] == (3, 13) else 2**17


def chain(links):
    start = out = Value(0.5, label="start")
    for _ in range(links):
        out = out * SLOPE + OFFSET
    return start, out


def live_a_life(links):
    """Everything a graph goes through, from building to freeing."""
    start, out = chain(links)
    out.backward()
    assert start.grad == pytest.approx(SLOPE**links, rel=1e-9)
    assert tangents(nodes_below(out), {start: 1.0})[out] == pytest.approx(start.grad, rel=1e-9)
    assert len(repr(out)) < 100
    for twin in (
        copy.deepcopy(out),
        pickle.loads(pickle.dumps(out)),
        pickle.loads(pickle.dumps([out, start]))[0],
    ):
        assert twin.data == out.data
        twin.backward()
        bottom = nodes_below(twin)[0]
        assert (bottom.label, bottom.grad) == ("start", 2 * start.grad)
    start.data = 1.5
    assert out.forward().data == pytest.approx(1.5 * SLOPE**links, rel=1e-3)


def in_a_thread(stack_size, function, *args):
    failures = []

    def run():
        try:
            function(*args)
        except BaseException as failure:  # noqa: BLE001  # whatever it is, the main thread shall see it
            failures.append(failure)

    before = threading.stack_size(stack_size)
    try:
        thread = threading.Thread(target=run)
        thread.start()
    finally:
        threading.stack_size(before)
    thread.join()
    for failure in failures:
        raise failure


def test_a_chain_of_a_hundred_thousand_operations():
    assert sys.getrecursionlimit() == 1000
    live_a_life(50_000)


def test_a_deep_chain_on_a_small_stack():
    in_a_thread(SMALL_STACK, live_a_life, 10_000)


def test_a_helper_thread_reports_its_failures():
    with pytest.raises(ZeroDivisionError):
        in_a_thread(SMALL_STACK, lambda: 1 / 0)


@pytest.mark.slow
def test_a_chain_of_two_million_operations():
    live_a_life(1_000_000)


@pytest.mark.slow
def test_a_chain_of_two_million_operations_on_a_small_stack():
    in_a_thread(SMALL_STACK, live_a_life, 1_000_000)


def test_sixty_diamonds_have_an_exact_gradient_in_linear_time():
    """2**60 paths: walking them would never end, and the sum
    of their products is exact in a float.
    """
    x = out = Value(1.0)
    for _ in range(60):
        out = out + out
    out.backward()
    assert x.grad == 2.0**60
    assert tangents(nodes_below(out), {x: 1.0})[out] == 2.0**60
    assert (
        len(nodes_below(copy.deepcopy(out)))
        == len(nodes_below(pickle.loads(pickle.dumps(out))))
        == 61
    )


def test_diamonds_with_two_different_sides():
    x = out = Value(1.0)
    for _ in range(40):
        out = (out * 3.0) + (out - 1.0)
    out.backward()
    assert x.grad == 4.0**40


@pytest.mark.parametrize("add_up", [ops.sum, sum], ids=["one gate", "a chain of gates"])
def test_a_hundred_thousand_leaves(add_up):
    leaves = [Value(1.0) for _ in range(100_000)]
    total = add_up(leaves)
    total.backward()
    assert total.data == 100_000.0
    assert {leaf.grad for leaf in leaves} == {1.0}
    twin = pickle.loads(pickle.dumps(copy.deepcopy(total)))
    assert len(nodes_below(twin)) == len(nodes_below(total))


def test_one_leaf_used_a_hundred_thousand_times():
    x = Value(2.0)
    ops.sum([x * i for i in range(100_000)]).backward()
    assert x.grad == sum(range(100_000))


def test_freeing_a_deep_graph_needs_no_collector():
    """Reference counting alone frees a graph: there are no cycles, so no pause to find them."""
    start, out = chain(50_000)
    references = sys.getrefcount(start)
    del out
    assert sys.getrefcount(start) == references - 1
