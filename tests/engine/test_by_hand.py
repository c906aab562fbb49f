"""What people do with a Value by hand, and what they are told:
stepping, attributes of their own, formatting, NumPy.
"""

import copy
import gc
import math
import operator
import pickle
import threading
import weakref

import numpy as np
import pytest
from rows import DIFFERENTIABLE, ROWS, by_name, same, slopes

from micrograd_plus import Value, detect_anomaly, draw, grad, ops, record, zero_grad
from micrograd_plus.engine import known_gradient


# Stepping. ----------------------------------------------------------------------------------------
def test_one_gate_s_backward_adds_local_times_own_gradient_to_its_operands():
    a, b = Value(2.0), Value(-3.0)
    c = a * b
    c.grad = 10.0
    c._backward()
    assert (a.grad, b.grad, c.grad) == (-30.0, 20.0, 10.0)
    c._backward()
    assert (a.grad, b.grad) == (-60.0, 40.0)
    a._backward()  # a leaf has nobody to pass it on to
    assert a.grad == -60.0


def test_a_lecture_s_neuron_stepped_gate_by_gate_has_the_gradients_of_one_pass():
    def neuron():
        x1, x2, w1, w2, b = leaves = [Value(x) for x in (2.0, 0.0, -3.0, 1.0, 6.8813735870195432)]
        products = x1 * w1, x2 * w2
        total = products[0] + products[1]
        n = total + b
        return leaves, [n.tanh(), n, total, products[1], products[0]]

    by_hand, gates = neuron()
    gates[0].grad = 1.0
    for gate in gates:
        gate._backward()
    at_once, (out, *_) = neuron()
    out.backward()
    assert [v.grad for v in by_hand] == [v.grad for v in at_once]


@by_name(DIFFERENTIABLE)
def test_a_gate_stepped_by_hand_is_a_backward_pass_through_it(row):
    operands = [0.7, 0.3, 0.2][: row.arity or 3]
    leaves = [Value(x) for x in operands]
    out = row(*leaves)
    out.grad = 1.0
    out._backward()
    assert all(map(same, [v.grad for v in leaves], slopes(row, operands)))


def test_anomaly_mode_watches_a_gate_stepped_by_hand_and_nothing_has_changed():
    a, b = Value(0.0, label="a"), Value(1.0)
    out = a.sqrt()
    with detect_anomaly():
        out.grad = 1.0
        with pytest.raises(
            FloatingPointError,
            match=r"gradient of .*'a'.* turned inf; it came through sqrt\(a=0\.0\)",
        ):
            out._backward()
        assert known_gradient(a) is None
        fine = a + b
        fine.grad = 2.0
        fine._backward()
    assert (a.grad, b.grad) == (2.0, 2.0)


def test_an_operand_used_twice_gets_both_contributions_and_a_shut_gate_passes_none():
    a, closed = Value(3.0), Value(-1.0)
    square = a * a
    square.grad = 2.0
    square._backward()
    assert a.grad == 12.0
    relu = closed.relu()
    relu.grad = math.inf
    relu._backward()
    assert closed.grad == 0.0


def test_a_gate_whose_operand_was_edited_is_refused_and_nothing_changes():
    a, b = Value(2.0, label="a"), Value(3.0)
    c = a * b
    c.grad, a.data = 1.0, 5.0
    with pytest.raises(ValueError, match=r"label='a'.*\.forward\(\)"):
        c._backward()
    assert (known_gradient(a), known_gradient(b)) == (None, None)


def test_the_gradients_of_a_graph_are_forgotten_at_once():
    a, b = Value(2.0), Value(1.0)
    e = (a + b) * (b + 1)
    e.backward()
    e.backward()
    assert b.grad == 10.0
    zero_grad(e)
    assert [known_gradient(v) for v in (a, b, e)] == [None] * 3
    b.data = 2.0
    e.forward().backward()
    assert (a.grad, b.grad) == (3.0, 7.0)
    with pytest.raises(TypeError, match=r"zero_grad takes the Value.*not a list"):
        zero_grad([e])


def test_nothing_is_lost_when_threads_sweep_onto_one_leaf():
    leaf, passes = Value(1.0), 40
    start = threading.Barrier(4)

    def sweep():
        start.wait()
        for _ in range(passes):
            y = leaf * 1.0
            for _ in range(20):
                y = y + 0.0
            y.backward()
            (leaf + 0.0)._backward()

    threads = [threading.Thread(target=sweep) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert leaf.grad == 4 * passes


# Attributes. --------------------------------------------------------------------------------------
class Weight(Value):
    """A subclass of a user's own."""


def test_attributes_of_one_s_own_go_with_copies_and_pickles():
    p = Value(2.0, label="p")
    p.m, p.v, p.color = 0.0, [1.0], "red"
    q = p * 3
    q.note = {"of": p}
    for twin in (copy.copy(p), copy.deepcopy(p), pickle.loads(pickle.dumps(p))):
        assert (twin.m, twin.v, twin.color, twin.data, twin.label) == (0.0, [1.0], "red", 2.0, "p")
    for twin in (copy.deepcopy(q), pickle.loads(pickle.dumps(q))):
        assert twin.operands[0].color == "red"
        assert twin.note["of"] is twin.operands[0]
    assert copy.copy(p).v is p.v
    assert copy.deepcopy(p).v is not p.v
    p.itself = p
    twin = copy.deepcopy(p)
    assert twin.itself is twin


class Slotted(Value):
    __slots__ = ("__hidden", "note", "of")

    def hide(self, thing):
        self.__hidden = thing
        return self

    def hidden(self):
        return self.__hidden


class MoreSlotted(Slotted):
    __slots__ = ("more",)


class Unslotted(Slotted):
    pass


@pytest.mark.parametrize("kind", [Slotted, MoreSlotted, Unslotted])
def test_what_is_in_slots_of_a_subclass_goes_with_copies_and_pickles_too(kind):
    p = kind(2.0, label="p").hide([1.0])
    p.note, p.more = p, "more"  # in a slot or in the dict; `of` stays empty
    twins = [copy.copy(p), copy.deepcopy(p), copy.deepcopy(p * 3).operands[0]]
    twins += [
        pickle.loads(pickle.dumps(p, protocol)) for protocol in range(pickle.HIGHEST_PROTOCOL + 1)
    ]
    twins += [pickle.loads(pickle.dumps(p * 3)).operands[0]]
    for i, twin in enumerate(twins):
        assert (type(twin), twin.data, twin.label, twin.more, twin.hidden()) == (
            kind,
            2.0,
            "p",
            "more",
            [1.0],
        )
        # a shallow copy refers to what the first refers to
        assert twin.note is (twin if i else p)
        assert twin is not p
        assert not hasattr(twin, "of")
        assert (twin.hidden() is p.hidden()) is (i == 0)


class Restored(Value):
    def __setstate__(self, state):
        self.given = state


def test_a_subclass_that_restores_itself_is_given_its_attributes_as_pickle_has_it():
    p = Restored(2.0)
    assert vars(pickle.loads(pickle.dumps(p))) == {}
    p.m = 1.0
    assert pickle.loads(pickle.dumps(p)).given == {"m": 1.0}


def test_a_value_without_attributes_gets_no_dict_by_being_copied():
    v = Value(1.0)
    before = len(gc.get_referents(v))
    copy.deepcopy(v + 1), copy.copy(v), pickle.dumps(v)
    assert len(gc.get_referents(v)) == before


def test_weak_references_end_with_their_value():
    v = Value(1.0)
    seen = weakref.ref(v)
    assert seen() is v
    assert weakref.WeakKeyDictionary({v: "v"})[v] == "v"
    del v
    gc.collect()
    assert seen() is None


OURS = [
    "backward",
    "forward",
    "draw",
    "explain",
    "exp",
    "tanh",
    "relu",
    "leaky_relu",
    "_prev",
    "_op",
]


@pytest.mark.parametrize("name", OURS)
def test_a_name_of_ours_cannot_be_set(name):
    v = Value(1.0) + 1
    with pytest.raises(AttributeError, match=name):
        setattr(v, name, lambda: None)
    assert vars(v) == {}


@by_name([row for row in ROWS if row.arity == 1 and row.name not in ("neg", "abs")])
def test_no_method_of_a_row_can_be_hidden(row):
    with pytest.raises(AttributeError, match=f"{row.name} is a method of every Value"):
        setattr(Value(1.0), row.name, 3.0)


def test_a_backward_of_one_s_own_is_answered_with_the_way_to_write_an_operation():
    v = Value(2.0) + 1
    with pytest.raises(AttributeError, match=r"custom\(.*lambda x: x\*\*3.*\n.*cube\(x\)"):
        v._backward = lambda: None


def test_a_subclass_keeps_its_kind_in_copies_and_gives_values():
    w = Weight(2.0)
    assert type(w * 3) is Value
    assert {type(copy.copy(w)), type(copy.deepcopy(w)), type(pickle.loads(pickle.dumps(w)))} == {
        Weight
    }


# Calls that go wrong. -----------------------------------------------------------------------------
def test_value_refuses_operands_and_shows_how_to_write_an_operation():
    a, b = Value(1.0), Value(2.0)
    for call in (
        lambda: Value(4.0, (a,)),
        lambda: Value(3.0, (a, b), "+"),
        lambda: Value(3.0, _children=(a, b)),
        lambda: Value(3.0, "label", (a, b)),
        lambda: Value(3.0, _op="+"),
        lambda: Value(3.0, None),
    ):
        with pytest.raises(
            TypeError,
            match=r"(?s)label.*custom\(\"cube\", lambda x: x\*\*3, lambda out, x: 3 \* x\*\*2\)",
        ):
            call()


class Old(Value):
    def __init__(self, data, children=(), op=""):
        super().__init__(data, _children=children, _op=op)


def test_a_subclass_in_micrograd_s_form_is_told_the_same():
    with pytest.raises(TypeError, match=r"(?s)not _children, _op.*custom"):
        Old(1.0)


def test_methods_say_their_own_name_when_called_wrongly():
    v = Value(1.0)
    for call, said in (
        (lambda: v.sin(2), r"Value\.sin\(\) takes 1"),
        (lambda: v.exp(3), r"Value\.exp\(\) takes 1"),
        (lambda: v.relu(x=1), r"Value\.relu\(\) got an unexpected"),
        (lambda: pow(v, 2, 3), r"Value\.pow\(\) takes 2"),
        # where these are C's, Python itself refuses
        (lambda: v.__eq__(1, 2), r"Value\.(equal|__eq__)\(\) takes 2|expected 1 argument, got 2"),
        (lambda: v.__radd__(1, 2), r"Value\.add\(\) takes 2|expected 1 argument, got 2"),
        (lambda: v.backward(d_output=5), "backward takes one number.*gradient=1.0.*not d_output"),
        (lambda: v.backward(1.0, 2.0), r"Value\.backward\(\) takes"),
    ):
        with pytest.raises(TypeError, match=said):
            call()


# Numbers and text. --------------------------------------------------------------------------------
def test_a_format_formats_the_data():
    loss = Value(2.0) / 3
    assert f"{loss:.4f} {loss:8.2e} {loss:+.1%}" == f"{2 / 3:.4f} {2 / 3:8.2e} {2 / 3:+.1%}"
    assert f"{loss}" == str(loss) == repr(loss)
    assert f"{loss!r:>40}" == f"{loss!r}".rjust(40)
    with pytest.raises(ValueError, match="format code"):
        f"{loss:d}"


PLAIN = {
    "float": float,
    "int": int,
    "round": round,
    "round to digits": lambda v: round(v, 2),
    "floor": math.floor,
    "ceil": math.ceil,
    "trunc": math.trunc,
    "complex": complex,
    "percent": lambda v: "%.2f" % v,  # noqa: UP031  # this very way
    "math.exp": math.exp,
    "index": operator.index,
    "a list's item": lambda v: [1, 2][v],
    "range": range,
    "bool": bool,
}


@pytest.mark.parametrize("name", PLAIN)
def test_what_would_make_a_plain_number_names_data(name):
    with pytest.raises(TypeError, match=r"\.data"):
        PLAIN[name](Value(1.0) + 0)


def test_a_value_as_an_index_is_sent_to_take():
    table = [Value(1.0), Value(2.0)]
    with pytest.raises(TypeError, match=r"int\(v\.data\).*ops\.take\(v, \*entries\)"):
        table[Value(1.0)]
    for read in (
        lambda token: table[token],
        lambda token: table[int(token)],
        lambda token: table[token.data],
    ):
        with pytest.raises(TypeError, match=r"write ops\.take\(token, table\)"):
            record(read, 1.0)


def test_a_formatted_number_would_stand_for_all_rows_of_a_tape():
    with pytest.raises(TypeError, match="its number as text"):
        record(lambda x: x * len(f"{x:.3f}"), 1.0)


# NumPy. -------------------------------------------------------------------------------------------
UFUNCS = sorted({name for name in dir(np) if isinstance(getattr(np, name), np.ufunc)})
NAMED = {
    "float_power": "pow",
    "power": "pow",
    "multiply": "mul",
    "subtract": "sub",
    "divide": "div",
    "true_divide": "div",
    "negative": "neg",
    "positive": "identity",
    "absolute": "abs",
    "fabs": "abs",
    "arcsin": "asin",
    "arccos": "acos",
    "arctan": "atan",
    "arctan2": "atan2",
    "arcsinh": "asinh",
    "arccosh": "acosh",
    "arctanh": "atanh",
    "asin": "asin",
    "acos": "acos",
    "atan": "atan",
    "atan2": "atan2",
    "asinh": "asinh",
    "acosh": "acosh",
    "atanh": "atanh",
    "pow": "pow",
    "abs": "abs",
    "greater": "less",
    "greater_equal": "less_equal",
    "remainder": "mod",
    "mod": "mod",
    "rad2deg": "degrees",
    "deg2rad": "radians",
}


@pytest.mark.parametrize("name", UFUNCS)
def test_a_function_of_numpy_is_the_row_of_that_name_or_an_error(name):
    function = getattr(np, name)
    x = 1.5 if "cosh" in name else 0.5
    operands = [Value(x) for _ in range(function.nin)]
    row = ops.TABLE.get(NAMED.get(name, name))
    if row is None:
        with pytest.raises(
            TypeError, match=r"would lose the graph.*micrograd_plus\.ops|elementwise|signature"
        ):
            function(*operands)
        return
    out = function(*operands)
    assert out.primitive is row
    assert out.data == pytest.approx(float(function(*[x] * function.nin)), rel=1e-15)
    assert not set(operands).isdisjoint(out.operands)
    with pytest.raises(TypeError, match="takes no dtype"):
        function(*operands, dtype=float)


def test_numpy_s_reductions_of_a_list_of_values_keep_the_graph():
    a, b = Value(2.0), Value(3.0)
    total = np.sum([a, b]) * np.mean([a, b]) + np.dot([a, b], [b, a])
    total.backward()
    assert (total.data, a.grad, b.grad) == (24.5, 11.0, 9.0)


def test_arrays_of_values_are_computed_with_one_by_one_and_arrays_of_numbers_refused():
    v, values = Value(2.0), np.array([Value(1.0), Value(3.0)])
    for out in (values * v, v * values, np.multiply(v, values), np.multiply(values, v)):
        assert [x.data for x in out] == [2.0, 6.0]
    assert [x.data for x in np.maximum(values, v)] == [2.0, 3.0]
    assert grad(lambda x: (x * v).sum())(np.ones(2)).tolist() == [2.0, 2.0]
    for call in (lambda: np.ones(2) * v, lambda: v * np.ones(2), lambda: np.exp(np.ones(2) + v)):
        with pytest.raises(
            TypeError, match=r"not on ndarray: take one number of it at a time.*\.tolist\(\)"
        ):
            call()


def test_a_numpy_scalar_on_either_side_gives_a_value():
    v = Value(2.0)
    for number in (np.float64(3.0), np.float32(3.0), np.int64(3), np.bool_(True)):
        for out in (number * v, v * number, number + v, number - v, number / v, number**v):
            assert type(out) is Value
            assert v in out.operands
    assert (np.float64(3.0) > v).primitive is ops.less
    assert bool(np.float64(2.0) == v)


# max, min. ----------------------------------------------------------------------------------------
def test_max_and_min_are_the_rows():
    assert (ops.max, ops.min) == (ops.maximum, ops.minimum)
    assert ops.max(Value(1.0), 2.0).data == 2.0
    assert ops.hard_tanh(-3.0) == -1.0


def test_a_picture_and_a_sentence_of_a_graph_with_an_equality():
    x = Value(2.0, label="x")
    y = ops.where(x != 3, x, 2 * x)
    y.label = "y"
    assert "≠" in draw(y).svg
    assert "≠" in str(y.explain(x)) or "where" in str(y.explain(x))
