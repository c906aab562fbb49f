"""What holds for every row besides its mathematics:
edges, expansions, floats and Values alike, names, refusals.
"""

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from oracle import random_points, smooth_points
from rows import BLOCKING, COMPOSITE, OF_FIXED_ARITY, ROWS, by_name, recorded, same, slopes

from micrograd_plus import ops
from micrograd_plus.engine import Value, value_operands

inf, nan = math.inf, math.nan


@by_name(BLOCKING)
def test_a_gate_that_blocks_passes_no_gradient(row):
    for operands in smooth_points(row):
        out, leaves = recorded(row, operands)
        assert list(row.slopes(out, *leaves)) == [None] * row.arity
        assert slopes(row, operands) == [0.0] * row.arity


EDGES = [(row, *edge) for row in ROWS for edge in row.edges]


@pytest.mark.parametrize(
    ("row", "operands", "value", "derivatives"), EDGES, ids=lambda x: getattr(x, "name", None)
)
def test_edges_are_as_agreed(row, operands, value, derivatives):
    assert same(row(*operands), value)
    assert all(map(same, slopes(row, operands), derivatives)), slopes(row, operands)
    assert len(operands) == len(derivatives) == (row.arity or len(operands))


# The design's table of special points, written again here so that no row can drop one of its edges
# unnoticed.
AGREED = [
    ("relu", (0.0,), 0.0, (0.0,)),
    ("relu", (nan,), nan, (nan,)),
    ("abs", (0.0,), 0.0, (0.0,)),
    ("sign", (0.0,), 0.0, (0.0,)),
    ("step", (0.0,), 0.0, (0.0,)),
    ("maximum", (1.0, 1.0), 1.0, (0.5, 0.5)),
    ("maximum", (1.0,) * 5, 1.0, (0.2,) * 5),
    ("maximum", (nan, 1.0), nan, (nan, nan)),
    ("minimum", (2.0, 2.0), 2.0, (0.5, 0.5)),
    ("minimum", (1.0, nan), nan, (nan, nan)),
    ("hard_tanh", (1.0,), 1.0, (1.0,)),
    ("hard_tanh", (-1.0,), -1.0, (1.0,)),
    ("pow", (0.0, 0.0), 1.0, (0.0, 0.0)),
    ("pow", (0.0, 2.0), 0.0, (0.0, 0.0)),
    ("pow", (0.0, 0.5), 0.0, (inf, 0.0)),
    ("pow", (0.0, -1.0), inf, (-inf, -inf)),
    ("pow", (-2.0, 3.0), -8.0, (12.0, nan)),
    ("pow", (-2.0, 0.5), nan, (nan, nan)),
    ("sqrt", (0.0,), 0.0, (inf,)),
    ("sqrt", (-1.0,), nan, (nan,)),
    ("log", (0.0,), -inf, (inf,)),
    ("log", (-1.0,), nan, (nan,)),
    ("div", (49.0, 49.0), 1.0, (1 / 49, -1 / 49)),
    ("div", (1.0, 0.0), inf, (inf, -inf)),
    ("exp", (1000.0,), inf, (inf,)),
    ("where", (0.0, inf, 2.0), 2.0, (0.0, 0.0, 1.0)),
    ("sigmoid", (40.0,), 1.0, (math.exp(-40.0),)),
    ("tanh", (19.0,), 1.0, (4 * math.exp(-38.0),)),
    ("softplus", (-700.0,), math.exp(-700), (math.exp(-700),)),
    ("hypot", (3e200, 4e200), 5e200, (0.6, 0.8)),
    ("hypot", (0.0, 0.0), 0.0, (nan, nan)),
    ("atan2", (3e200, 4e200), math.atan2(3, 4), (4 / 25 * 1e-200, -3 / 25 * 1e-200)),
    ("atan2", (0.0, 0.0), 0.0, (nan, nan)),
    ("logsumexp", (inf, 0.0), inf, (1.0, 0.0)),
    ("logsumexp", (1000.0, 1000.0), 1000.0 + math.log(2), (0.5, 0.5)),
]


@pytest.mark.parametrize(("name", "operands", "value", "derivatives"), AGREED)
def test_special_points_of_the_design(name, operands, value, derivatives):
    row = ops.primitive(name)
    assert row(*operands) == pytest.approx(value, rel=1e-15, nan_ok=True)
    assert slopes(row, operands) == pytest.approx(
        list(derivatives), rel=1e-15, abs=0.0, nan_ok=True
    )


def test_the_maximum_of_a_value_with_itself_has_slope_one():
    x = Value(3.0)
    ops.maximum(x, x).backward()
    assert x.grad == 1.0


@by_name(COMPOSITE)
def test_an_expansion_is_its_row_in_simpler_gates(row):
    """Equal in value and slopes where the simple gates neither overflow nor cancel;
    `dot` has the very same bits.
    """
    for operands in random_points(row):
        leaves = [Value(x) for x in operands]
        expanded = row.expansion(*leaves)
        expanded.backward()
        assert expanded.primitive is not row
        assert expanded.data == pytest.approx(row(*operands), rel=1e-14, abs=1e-15)
        assert [leaf.grad for leaf in leaves] == pytest.approx(
            slopes(row, operands), rel=1e-14, abs=2e-15
        )


@given(st.lists(st.floats(), min_size=1, max_size=9).filter(lambda xs: len(xs) % 2 == 1))
def test_dot_has_the_bits_of_its_chain_of_gates(operands):
    assert same(ops.dot_row(*operands), ops.dot_row.expansion(*operands))


ANY_FIVE = st.lists(st.floats(), min_size=5, max_size=5)


@by_name(ROWS)
@given(operands=ANY_FIVE)
@example(operands=[0.0] * 5)
@example(operands=[-0.0, -inf, nan, inf, 1.0])
@example(operands=[-8.0, 1 / 3, 1.0, 1.0, 1.0])
def test_no_float_makes_a_row_raise_or_leave_the_reals(row, operands):
    operands = operands[: row.arity]
    value = row(*operands)
    assert type(value) is float
    assert {type(slope) for slope in row.slopes(value, *operands)} <= {float, type(None)}


@by_name(ROWS)
@given(operands=ANY_FIVE)
def test_a_row_gives_the_same_bits_on_floats_and_on_values(row, operands):
    operands = operands[: row.arity]
    out, leaves = recorded(row, operands)
    assert same(out.data, row(*operands))
    on_floats, on_values = row.slopes(out.data, *operands), row.slopes(out, *leaves)
    assert len(on_floats) == len(on_values) == len(operands)
    for slope, slope_value in zip(on_floats, on_values, strict=True):
        assert (slope is None) == (slope_value is None)
        assert slope is None or same(slope, getattr(slope_value, "data", slope_value))


@by_name([row for row in ROWS if row.arity == 1])
def test_every_row_of_one_operand_is_a_method_of_value(row):
    # -x and abs(x) are Python's own
    method = getattr(Value, row.name, None) or getattr(Value, f"__{row.name}__")
    out = method(Value(0.5))
    assert out.primitive is row
    assert out.data == row(0.5) or math.isnan(row(0.5))


NAMES = [
    "exp",
    "exp2",
    "expm1",
    "log",
    "log2",
    "log10",
    "log1p",
    "sqrt",
    "cbrt",
    "pow",
    "sin",
    "cos",
    "tan",
    "asin",
    "acos",
    "atan",
    "atan2",
    "sinh",
    "cosh",
    "tanh",
    "asinh",
    "acosh",
    "atanh",
    "hypot",
    "erf",
    "erfc",
    "fabs",
    "sigmoid",
    "softplus",
    "relu",
    "leaky_relu",
    "silu",
    "hard_tanh",
    "maximum",
    "minimum",
    "where",
    "step",
    "sign",
    "sum",
    "dot",
    "logsumexp",
    "softmax",
]
ARGUMENTS = {
    "dot": ([2.0, 3.0], [0.5, -1.0]),
    "softmax": ([1000.0, 1001.0, 1002.0],),
    "leaky_relu": (-2.0,),
    "log": (2.0,),
    "hypot": (3.0, 4.0),
}


def with_leaves(argument):
    return [Value(x) for x in argument] if isinstance(argument, list) else Value(argument)


@pytest.mark.parametrize("name", NAMES)
def test_public_functions_take_floats_and_values(name):
    function = getattr(ops, name)
    arguments = ARGUMENTS.get(name) or smooth_points(function)[-1]
    on_floats, on_values = function(*arguments), function(*map(with_leaves, arguments))
    unpacked = on_values if isinstance(on_values, list) else [on_values]
    assert all(isinstance(out, Value) and value_operands(out) for out in unpacked)
    assert [out.data for out in unpacked] == (
        on_floats if isinstance(on_floats, list) else [on_floats]
    )


def test_softmax_is_shifted_so_that_nothing_overflows():
    # of softmax(0, 1, 2), the same differences
    shares = [0.09003057317038046, 0.24472847105479764, 0.6652409557748218]
    assert ops.softmax([1000.0, 1001.0, 1002.0]) == pytest.approx(shares, rel=1e-15)


@by_name(OF_FIXED_ARITY)
def test_a_wrong_number_of_operands_is_refused_by_name(row):
    for operands in ([0.5] * (row.arity + 1), [Value(0.5)] * (row.arity + 1)):
        with pytest.raises(TypeError, match=f"{row.name} takes {row.arity} operand"):
            row(*operands)
