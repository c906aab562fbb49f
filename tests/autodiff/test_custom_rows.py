"""Rows that a user adds, and functions recomputed in sweeps:
they get what built-in rows get, or a plain refusal.
"""

import copy
import gc
import itertools
import math
import pickle
import random
import types
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from fractions import Fraction

import numpy as np
import pytest
from mpmath import mp, mpf
from orders import COMPOSITIONS, SWEEPS, true_second

from micrograd_plus import Tape, Value, draw, draw_dot, explain, ops, record
from micrograd_plus.autodiff import checkpoint, custom, grad, hessian, jvp, value_and_grad
from micrograd_plus.engine import nodes_below
from micrograd_plus.nn import Neuron
from micrograd_plus.tape.lowering import lowered


def gaussian():
    return custom(
        "gaussian", lambda x: math.exp(-x * x), lambda out, x: -2.0 * x * out, symbol="Gauss"
    )


def harmonic():
    """The harmonic mean of two numbers."""
    return custom(
        "harmonic",
        lambda x, y: 2 * x * y / (x + y),
        lambda out, x, y: (ops.div(out * out, 2.0 * x * x), ops.div(out * out, 2.0 * y * y)),
    )


def norm():
    return custom(
        "norm",
        lambda *xs: math.sqrt(sum(x * x for x in xs)),
        lambda out, *xs: [ops.div(x, out) for x in xs],
    )


# Custom rows. -------------------------------------------------------------------------------------
def test_a_custom_row_is_an_activation_but_no_method_and_no_name_of_ops_and_has_no_machine_code():
    row = gaussian()
    neuron = Neuron(1, activation="gaussian", init="zero")
    assert neuron([2.0]).primitive is row
    assert not hasattr(Value(1.0), "gaussian")
    assert not hasattr(ops, "gaussian")
    tape = record(row, 0.5)
    assert Tape.from_json(tape.to_json())(0.5) == math.exp(-0.25)
    assert lowered(tape.program) is None


def test_a_custom_row_evaluates_on_floats_and_records_on_values():
    row = gaussian()
    x = Value(0.5)
    out = row(x)
    assert (row(0.5), out.data, out.primitive, out.operands) == (
        math.exp(-0.25),
        math.exp(-0.25),
        row,
        (x,),
    )
    assert (row.name, row.symbol, row.arity, out._op) == ("gaussian", "Gauss", 1, "Gauss")
    assert ops.primitives()[-1] is row is ops.primitive("gaussian")
    out.backward()
    assert x.grad == -math.exp(-0.25)
    with pytest.raises(TypeError, match=r"gaussian takes 1 operand\(s\), not 2"):
        row(x, x)
    with pytest.raises(TypeError, match="gaussian works on numbers and Values, not on str"):
        row("x")


TRUTH = {
    "gaussian": (gaussian, lambda x: mp.exp(-x * x), (0.7,)),
    "harmonic": (harmonic, lambda x, y: 2 * x * y / (x + y), (0.7, 2.5)),
    "norm": (norm, lambda *xs: mp.sqrt(sum(x * x for x in xs)), (0.7, -2.5, 1.5)),
}


@pytest.mark.parametrize("name", TRUTH)
def test_a_custom_row_has_second_derivatives_in_every_mode(name):
    make, truth, point = TRUTH[name]
    row = make()
    assert row.arity == (None if name == "norm" else len(point))
    with mp.workdps(450):
        for i in range(len(point)):
            for j in range(len(point)):
                true = float(true_second(truth, [mpf(x) for x in point], i, j))
                for outer, inner in COMPOSITIONS:
                    got = SWEEPS[outer](SWEEPS[inner](row, i), j)(*point)
                    assert got == pytest.approx(true, rel=1e-14, abs=1e-15)


def test_a_variadic_custom_row_takes_a_list_too():
    assert norm()([3.0, Value(4.0)]).data == 5.0


def test_a_custom_row_is_drawn_explained_copied_and_pickled_by_name():
    row = gaussian()
    x = Value(0.5, label="x")
    out = row(x) * 2
    out.backward()
    assert "Gauss" in draw(out).svg
    assert "Gauss" in draw_dot(out).source
    assert "gaussian scales" in str(explain(out, x))
    assert copy.deepcopy(row) is pickle.loads(pickle.dumps(row)) is row
    for twin in (copy.deepcopy(out), pickle.loads(pickle.dumps(out))):
        assert twin.operands[0].primitive is row
        twin.backward()
        assert nodes_below(twin)[0].grad == 2 * x.grad


def test_a_custom_row_may_route_block_and_declare_its_edges():
    first = custom(
        "first",
        lambda x, y: x,
        lambda out, x, y: (1.0, 0.0),
        gate="routes",
        domain=(ops.REAL,),
        kinks=(0.0,),
        edges=[((0.0, 1.0), 0.0, (1.0, 0.0))],
    )
    assert (first.gate, first.kinks, len(first.edges)) == ("routes", (0.0,), 1)
    x = Value(0.0)
    first(x, x.log()).backward()
    assert x.grad == 1.0
    rounded = custom("rounded", math.floor, lambda out, x: None, gate="blocks")
    assert type(rounded(1.6)) is float
    assert grad(lambda x: x * rounded(x))(1.6) == 1.0


@pytest.mark.parametrize("name", ["exp", "dot", "two words", "", "1st", "a-b"])
def test_a_name_that_is_taken_or_no_identifier_is_refused(name):
    before = dict(ops.TABLE)
    with pytest.raises(ValueError, match="a row needs a name of its own"):
        custom(name, math.exp, lambda out, x: out)
    assert before == ops.TABLE


def test_a_row_of_ones_own_may_be_defined_again_and_a_built_in_one_may_not():
    first, again = gaussian(), gaussian()
    assert ops.primitive("gaussian") is again
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(first)
    for name in ("tanh", "dot", "two words", ""):
        with pytest.raises(ValueError, match="is taken or none"):
            custom(name, lambda x: x, lambda out, x: 1.0)


@pytest.mark.parametrize(
    "partials", [lambda out, x, y: (1.0,), lambda out, x, y: 1.0, lambda out, x, y: [1.0, 1.0, 1.0]]
)
def test_partials_of_a_wrong_number_are_refused_by_name(partials):
    row = custom("lame", lambda x, y: x + y, partials)
    with pytest.raises(
        ValueError, match=r"the partials of lame gave (1|3) derivative\(s\) for 2 operand\(s\)"
    ):
        row(Value(1.0), 2.0).backward()
    with pytest.raises(ValueError, match="lame"):
        jvp(row, (1.0, 2.0), (1.0, 1.0))


def test_a_primal_that_hides_its_operands_is_refused_and_optional_ones_do_not_count():
    with pytest.raises(
        ValueError, match="mine: its primal does not tell how many operands it takes"
    ):
        custom("mine", max, lambda out, *xs: [ops.equal(x, out) for x in xs])
    assert custom("rounded", round, lambda out, x: None, gate="blocks")(1.6) == 2.0


# Recomputation. -----------------------------------------------------------------------------------
def deep(x, y):
    for _ in range(50):
        x, y = ops.sin(x * y) + x, ops.tanh(y - 0.1 * x)
    return x * y


def test_a_checkpoint_has_the_value_and_the_derivatives_of_the_plain_function():
    gate = checkpoint(deep)
    assert gate(0.5, -0.3) == deep(0.5, -0.3)
    assert value_and_grad(gate, (0, 1))(0.5, -0.3) == value_and_grad(deep, (0, 1))(0.5, -0.3)
    assert jvp(gate, (0.5, -0.3), (1.0, 2.0))[1] == pytest.approx(
        jvp(deep, (0.5, -0.3), (1.0, 2.0))[1], rel=1e-12
    )
    for got, expected in zip(hessian(gate, (0, 1))(0.5, -0.3), hessian(deep, (0, 1))(0.5, -0.3)):
        assert got == pytest.approx(expected, rel=1e-11)
    for outer, inner in COMPOSITIONS:
        got, expected = (SWEEPS[outer](SWEEPS[inner](f, 0), 1)(0.5, -0.3) for f in (gate, deep))
        assert got == pytest.approx(expected, rel=1e-11)


def test_a_checkpoint_has_third_derivatives_and_nests():
    inner = checkpoint(lambda x: ops.exp(ops.sin(x)))
    outer = checkpoint(lambda x: inner(x) * inner(2 * x))
    plain = grad(grad(grad(lambda x: ops.exp(ops.sin(x)) * ops.exp(ops.sin(2 * x)))))
    assert grad(grad(grad(outer)))(0.7) == pytest.approx(plain(0.7), rel=1e-12)


def count_values(root):
    """The Values that anything refers to that a root refers to, however indirectly."""
    seen, waiting = {}, [root]
    while waiting:
        thing = waiting.pop()
        if id(thing) not in seen and not issubclass(type(thing), (type, types.ModuleType)):
            seen[id(thing)] = thing
            # a function's globals lead everywhere
            waiting += [o for o in gc.get_referents(thing) if o is not globals()]
    return sum(type(thing) is Value for thing in seen.values())


def test_a_checkpoint_keeps_no_inner_nodes():
    for f, nodes in ((checkpoint(deep), 3), (deep, 253)):
        x, y = Value(0.5), Value(-0.3)
        out = f(x, y)
        assert len(nodes_below(out)) == nodes or f is deep
        out.backward()
        assert len(nodes_below(out)) == nodes or f is deep
        assert [x.grad, y.grad] == list(grad(deep, (0, 1))(0.5, -0.3))
    few = count_values(checkpoint(deep)(Value(0.5), Value(-0.3)).operands)
    many = count_values(deep(Value(0.5), Value(-0.3)))
    assert few <= 3 < 200 < many


def test_a_checkpoint_of_a_constant_has_no_slope():
    x = Value(2.0)
    (checkpoint(lambda x: 7)(x) + x).backward()
    assert (checkpoint(lambda x: 7)(2.0), x.grad) == (7.0, 1.0)


def test_a_checkpoint_is_made_again_at_every_evaluation():
    x = Value(0.5)
    out = checkpoint(ops.sin)(x) * 2
    x.data = 0.25
    out.forward().backward()
    assert (out.data, x.grad) == (2 * math.sin(0.25), 2 * math.cos(0.25))


def test_backward_through_a_checkpoint_inside_a_transformation_leaves_floats():
    def f(x):
        leaf = Value(0.5)
        checkpoint(ops.sin)(leaf).backward()
        assert type(leaf._gradient) is float
        return x * leaf.grad

    assert grad(f)(2.0) == math.cos(0.5)


def helper(x):
    return x * x


def test_a_checkpoint_is_pickled_whole_or_refused_when_written():
    try:
        written = pickle.dumps(checkpoint(helper)(Value(3.0)))
    except (pickle.PicklingError, TypeError, AttributeError):
        return
    assert pickle.loads(written).forward().data == 9.0


def test_a_checkpoint_does_not_turn_into_a_row_of_the_same_name():
    namesake = checkpoint(helper.__class__(helper.__code__, {}, "tanh"))
    with suppress(pickle.PicklingError, TypeError, AttributeError):
        assert pickle.loads(pickle.dumps(namesake)) is not ops.tanh


def test_a_checkpoint_of_a_function_with_parameters_gives_their_gradient_or_says_it_cannot():
    weight = Value(2.0)
    try:
        checkpoint(lambda x: x * weight)(Value(3.0)).backward()
    except (TypeError, ValueError):
        return
    assert weight.grad == 3.0


def by_chance():
    rng = random.Random(0)
    return lambda x: x * rng.random(), lambda: None


def by_a_closure():
    factor = 2.0

    def change():
        nonlocal factor
        factor = 3.0

    return lambda x: x * factor, change


def by_a_list():
    weights = [2.0]
    return lambda x: ops.sin(x) * weights[-1], lambda: weights.append(3.0)


def by_an_attribute():
    layer = types.SimpleNamespace(rate=0.5)
    return lambda x: ops.where(x > layer.rate, x * x, 3 * x), lambda: setattr(layer, "rate", 0.9)


def by_a_global():
    scope = {"offset": 0.0}
    f = types.FunctionType((lambda x: x + offset).__code__, scope)  # noqa: F821  # a global of its own
    return f, lambda: scope.update(offset=-1e-15)


def by_a_count():
    calls = itertools.count()
    return lambda x: x + next(calls), lambda: None


def by_what_it_calls_in_turn():
    f, change = by_a_closure()
    return checkpoint(lambda x: ops.exp(checkpoint(f)(x))), change


def by_the_sign_of_a_zero():
    zeros = [0.0]
    return lambda x: x * zeros[-1], lambda: zeros.append(-0.0)


CHANGING = [
    by_chance,
    by_a_closure,
    by_a_list,
    by_an_attribute,
    by_a_global,
    by_a_count,
    by_what_it_calls_in_turn,
    by_the_sign_of_a_zero,
]
CALLED_AGAIN = r"the checkpoint of .* gave .* at \(0\.7.*\), but .* when it was called again"


def swept_after(change, f):
    """What each way to the derivatives of `f` at 0.7 does when something changes between its value
    and its sweep.
    """

    def changed(x):
        out = f(x)
        change()
        return out

    def backward():
        changed(Value(0.7)).backward()

    def backward_in_a_thread():
        out = changed(Value(0.7))
        with ThreadPoolExecutor(1) as pool:
            pool.submit(out.backward).result()

    def of_a_graph():
        x = Value(0.7)
        Tape.of(changed(x), [x])

    ways = [
        backward,
        backward_in_a_thread,
        of_a_graph,
        lambda: record(grad(changed), 0.7, check=False),
    ]
    ways += [
        lambda way=way: way(0.7)
        for way in (
            grad(changed),
            lambda x: jvp(changed, (x,), (1.0,)),
            hessian(changed),
            lambda x: grad(changed)(Value(x)),
        )
    ]
    return ways


@pytest.mark.parametrize("way", range(8))
@pytest.mark.parametrize("make", CHANGING)
def test_a_checkpoint_that_gives_another_number_in_a_sweep_says_so(make, way):
    f, change = make()
    with pytest.raises(ValueError, match=CALLED_AGAIN):
        swept_after(change, checkpoint(f))[way]()


HONEST = {
    "a constant": lambda x: 7,
    "an int": lambda x: 2 * 3,
    "nan": lambda x: ops.log(-x * x),
    "minus zero": lambda x: -0.0 * x,
    "an infinity": lambda x: ops.div(x, 0.0),
    "an if": lambda x: x * x if x > 0 else ops.exp(x),
    "an argument": lambda x: x,
    "a derivative inside": lambda x: grad(grad(lambda y: ops.sin(x * y)))(x),
    "notes of its calls": lambda x, calls=[]: calls.append(x.data) or x * x,
    "a checkpoint": checkpoint(lambda x: ops.tanh(x) * checkpoint(ops.sin)(x)),
    "chance from a seed": lambda x: x * random.Random(1).random(),
    "an edit inside": lambda x: x * edited_leaf(),
}


def edited_leaf():
    leaf = Value(1.0)
    out = leaf * 2
    leaf.data = 3.0
    return out.forward().data


@pytest.mark.parametrize("name", HONEST)
@pytest.mark.parametrize("nothing", [lambda: None, gc.collect])
def test_a_checkpoint_of_what_depends_on_its_operands_alone_never_complains(name, nothing):
    traced_too = name not in ("an if", "notes of its calls")  # on a tape these are refused
    ways = swept_after(nothing, checkpoint(HONEST[name]))
    for way in ways if traced_too else ways[:2] + ways[4:]:
        way()


def test_a_checkpoint_in_whose_operand_a_leaf_was_edited_asks_for_forward():
    x = Value(0.7)
    out = checkpoint(ops.sin)(x)
    x.data = 0.5
    with pytest.raises(ValueError, match=r"call \.forward"):
        out.backward()
    assert Tape.of([out], [x])(0.5) == [math.sin(0.5)]  # a tape runs anew


def test_derivatives_inside_a_checkpoint_may_add_in_another_order_on_a_tape():
    def g(y, z):
        c, d = abs(y), ops.logsumexp(y, y, z, z, z)
        e = ops.maximum(z, d)
        f = ops.hypot(e, c)
        i = ops.maximum(c, e, ops.maximum(z, ops.logsumexp(e, f, f), f, d), f)
        return ops.hypot(i, i)

    gate = checkpoint(lambda x: grad(grad(g))(x, 2 * x))
    # its second derivative inside differs in the last digit from what it is on numbers
    record(grad(gate), 2.0)


@pytest.mark.parametrize(
    ("primal", "partials"),
    [
        (lambda x: x**3, lambda out, x: 3 * x**2),
        (lambda x: 1 / x, lambda out, x: -out / x),
        (lambda x: 2.0**x, lambda out, x: 2**x * math.log(2)),
        (lambda x: max(x, 1.0), lambda out, x: 1.0 * (x > 1)),
        (lambda x: min(x, 1.0), lambda out, x: 1.0 - (x >= 1) + 0.0 * (x >= 5) * (x < 5)),
    ],
)
def test_partials_written_with_any_operator_go_on_a_tape(primal, partials):
    row = custom("written_with_operators", primal, partials)
    tape = record(row, 2.5)
    for x in (0.5, 3.0):
        assert tape(x) == row(x)
        assert tape.gradients([[x]]).tolist() == [[grad(row)(x)]]


def test_a_derivative_is_a_float_whatever_kind_of_number_the_user_gave():
    for number in (np.float64(2.0), np.float32(2.0), np.array(2.0), 2, True, Fraction(2)):
        row = custom("kinds", lambda x: 3.0 * x, lambda out, x: number)  # noqa: B023
        x = Value(1.0)
        row(x).backward()
        assert type(x.grad) is float
        assert x.grad == float(number)


def test_a_derivative_that_is_a_value_of_its_own_is_refused_and_said_alike_on_a_tape():
    row = custom("strange", lambda x: 3.0 * x, lambda out, x: Value(2.0))
    with pytest.raises(TypeError, match="would cut"):
        row(Value(1.0)).backward()
    with pytest.raises(TypeError, match="would cut"):
        record(lambda x: row(x) * x, 1.0)
