"""copy, deepcopy and pickle keep values, gradients, labels and what is shared,
for shallow graphs and deep ones.
"""

import copy
import io
import pickle
import random

import pytest

from micrograd_plus import Value, ops
from micrograd_plus.engine import nodes_below
from micrograd_plus.nn import MLP


def by_python(thing):
    file = io.BytesIO()
    # the pickler written in Python: its recursion is Python's
    pickle._Pickler(file).dump(thing)
    return pickle._loads(file.getvalue())


def by_protocol(protocol):
    return lambda thing: pickle.loads(pickle.dumps(thing, protocol))


COPIERS = {
    "deepcopy": copy.deepcopy,
    "pickle in Python": by_python,
    **{f"pickle protocol {p}": by_protocol(p) for p in range(pickle.HIGHEST_PROTOCOL + 1)},
}
every_copier = pytest.mark.parametrize("copier", COPIERS.values(), ids=COPIERS)


def shape(*roots):
    """All that can be seen of a graph, with every node named by its place."""
    order = nodes_below(*roots)
    place = {v: i for i, v in enumerate(order)}
    return [
        (v.primitive, v.data, v.grad, v.label, [place.get(o, o) for o in v.operands]) for v in order
    ]


def circuit():
    a, b = Value(2.0, label="a"), Value(1.0, label="b")
    c, d = a + b, b + 1
    e = c * d
    e.label = "e"
    e.backward()
    return a, b, c, d, e


def chain(length, x=0.5):
    leaf = out = Value(x, label="start")
    for _ in range(length):
        out = out * 1.0001 + leaf
    return out


@every_copier
def test_a_graph_survives_whole(copier):
    *_, e = circuit()
    twin = copier(e)
    assert twin is not e
    assert shape(twin) == shape(e)
    assert not set(nodes_below(twin)) & set(nodes_below(e))


@every_copier
def test_a_copied_graph_computes_on_its_own(copier):
    a, _, _, _, e = circuit()
    twin = copier(e)
    twin_a = next(v for v in nodes_below(twin) if v.label == "a")
    twin.backward()
    assert (twin_a.grad, a.grad) == (4.0, 2.0)
    twin_a.data = 5.0
    assert (twin.forward().data, e.data) == (12.0, 6.0)


@every_copier
def test_what_is_shared_stays_shared(copier):
    a, b, c, d, e = circuit()
    twin_c, twin_d, rest = copier([c, d, {"e": e, "again": [e, b], "a": a}])
    assert shape(twin_c, twin_d, rest["e"]) == shape(c, d, e)
    assert rest["e"].operands == (twin_c, twin_d)
    assert rest["again"] == [rest["e"], twin_d.operands[0]]
    assert rest["a"] is twin_c.operands[0]


@every_copier
def test_a_node_before_its_user_and_after_it(copier):
    _, _, c, _, e = circuit()
    for together in ([c, e, c], [e, c, e]):
        first, second, third = copier(together)
        assert first is third
        assert shape(first, second) == shape(*together[:2])


@every_copier
def test_a_deep_graph_survives(copier):
    out = chain(20_000)
    middle = out.operands[0]
    twin, twin_middle = copier([out, middle])
    assert twin.operands[0] is twin_middle
    assert (twin.data, len(nodes_below(twin))) == (out.data, 40_001)


@every_copier
def test_a_model_survives_and_its_weights_are_its_own(copier):
    model = MLP(2, [3, 1], rng=random.Random(0))
    model([1.0, -2.0]).backward()
    twin = copier(model)
    assert [(p.data, p.grad) for p in twin.parameters()] == [
        (p.data, p.grad) for p in model.parameters()
    ]
    assert not set(twin.parameters()) & set(model.parameters())
    assert twin([1.0, -2.0]).data == model([1.0, -2.0]).data


@pytest.mark.parametrize("row", ops.primitives(), ids=lambda row: row.name)
def test_a_row_stays_the_same_object(row):
    assert copy.copy(row) is copy.deepcopy(row) is pickle.loads(pickle.dumps(row)) is row


def test_a_shallow_copy_shares_its_operands():
    a, _, c, _, _ = circuit()
    twin = copy.copy(c)
    assert twin is not c
    assert twin.operands == c.operands
    assert copy.copy(a).label == "a"


def test_a_stale_graph_is_copied_stale_and_not_pickled():
    a, _, _, _, e = circuit()
    a.data = 7.0
    with pytest.raises(ValueError, match="forward"):
        copy.deepcopy(e).backward()
    with pytest.raises(ValueError, match="forward"):
        pickle.dumps(e)
    assert copy.deepcopy(e).forward().data == 16.0


class _RefusesToBePickled:
    def __reduce__(self):
        raise InterruptedError


@pytest.mark.parametrize(
    "pickler", [pickle.dumps, lambda thing: pickle._Pickler(io.BytesIO()).dump(thing)]
)
def test_a_pickle_cut_short_leaves_no_trace(pickler):
    out = chain(5_000)
    nodes_below(out)[2_000].label = _RefusesToBePickled()
    for _ in range(2):
        with pytest.raises(InterruptedError):
            pickler(out)
    deep = chain(20_000)
    assert pickle.loads(pickle.dumps(deep)).data == deep.data
