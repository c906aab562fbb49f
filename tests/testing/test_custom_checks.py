"""gradcheck of rows of one's own: compared where it can be, and where not, that is said."""

import math
import warnings

import pytest

from micrograd_plus import custom, ops
from micrograd_plus.testing import GradientError, NotChecked, gradcheck


def notes_of(f, *point, **options):
    """The notes with which a check passes."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        gradcheck(f, *point, **options)
    assert {w.category for w in caught} <= {NotChecked}
    return [str(w.message) for w in caught]


# Kinks that the row names. ------------------------------------------------------------------------
@pytest.mark.parametrize("order", [1, 2])
def test_at_a_kink_that_a_row_names_nothing_is_compared_and_that_is_said(order):
    bent = custom("bent", lambda x: x * x, lambda out, x: 3 * x, kinks=(1.0,))
    for f, point in (
        (bent, 1.0),
        (lambda x: bent(2 * x) + x, 0.5),
        (lambda x: bent(ops.sin(x) * 0 + 1), 0.3),
    ):
        (note,) = notes_of(f, point, order=order)
        assert note.startswith(
            "bent says that it has a kink at 1.0, so its derivative in operand 1 was not checked"
        )
    with pytest.raises(GradientError, match="d bent/d operand 1 is wrong"):
        gradcheck(bent, 1.5, order=order)


def test_a_kink_in_one_operand_leaves_the_others_to_be_compared():
    right = custom(
        "beside",
        lambda x, y: abs(y - 1) * x,
        lambda out, x, y: (abs(y - 1), x * ops.sign(y - 1)),
        kinks=((None, 1.0),),
    )
    notes = notes_of(right, 0.7, 1.0)
    assert any("kink at 1.0, so its derivative in operand 2" in note for note in notes)
    assert not any("operand 1" in note for note in notes)
    wrong = custom(
        "beside",
        lambda x, y: abs(y - 1) + x * x,
        lambda out, x, y: (3 * x, ops.sign(y - 1)),
        kinks=((None, 1.0),),
    )
    with pytest.raises(GradientError, match="d beside/d operand 1 is wrong"):
        gradcheck(wrong, 0.7, 1.0)


def test_a_point_where_a_row_bends_is_no_line():
    length = custom(
        "length",
        lambda x, y: math.sqrt(x * x + y * y),
        lambda out, x, y: (ops.div(x, out), ops.div(y, out)),
        kinks=((0.0, 0.0),),
    )
    assert notes_of(length, 0.0, 3.0) == []
    assert len(notes_of(lambda x, y: length(x, y) + x, 0.0, 0.0)) >= 2


def test_kinks_of_a_row_of_many_operands_and_of_several_rows_are_all_named():
    spread = custom(
        "spread",
        lambda *xs: sum(map(abs, xs)),
        lambda out, *xs: [ops.sign(x) for x in xs],
        kinks=(0.0,),
    )
    edge = custom("edge", lambda x: max(x, 2.0), lambda out, x: ops.step(x - 2.0), kinks=(2.0,))
    notes = notes_of(lambda x, y, z: spread(x, y, z) + edge(y), 0.0, 2.0, 0.0)
    assert [note.split(" was")[0] for note in notes] == [
        "spread says that it has a kink at 0.0, so its derivative in operand 1",
        "spread says that it has a kink at 0.0, so its derivative in operand 3",
        "edge says that it has a kink at 2.0, so its derivative in operand 1",
    ]


@pytest.mark.parametrize(
    "f",
    [
        abs,
        ops.relu,
        lambda x: ops.maximum(x, 0.0),
        lambda x: ops.where(x > 0, x, 2 * x),
        ops.step,
        ops.sign,
        ops.cbrt,
        ops.sqrt,
        lambda x: ops.log(abs(x)),
        lambda x: ops.hypot(x, x),
        lambda x: ops.atan2(x, -1.0),
        lambda x: ops.leaky_relu(x) + x,
        lambda x: ops.div(1.0, x),
        lambda x: ops.hard_tanh(x + 1),
        lambda x: ops.less(x, 0.0) * 2,
        lambda x: x**0.5,
    ],
)
def test_at_a_kink_of_a_built_in_row_that_is_said(f):
    assert notes_of(f, 0.0)
    assert notes_of(lambda x, y: f(x - y) * y, 0.5, 0.5)


def test_differences_stay_on_their_side_of_kinks_and_ends():
    root = custom("root", math.sqrt, lambda out, x: ops.div(0.5, out), domain=((0.0, math.inf),))
    arc = custom(
        "arc", math.asin, lambda out, x: ops.div(1.0, ops.sqrt(1 - x * x)), domain=((-1.0, 1.0),)
    )
    corner = custom("corner", lambda x: max(x, 1.0), lambda out, x: ops.step(x - 1.0), kinks=(1.0,))
    for row, x in (
        (root, 1e-3),
        (root, 7.0),
        (arc, 0.95),
        (arc, -0.99),
        (corner, 1.05),
        (corner, 0.9),
    ):
        assert notes_of(row, x) == []
        with pytest.raises(GradientError):
            gradcheck(
                custom(
                    f"not_{row.name}",
                    row.primal,
                    lambda out, x, row=row: row.slopes(out, x)[0] * 1.001 + 0.001,
                    domain=row.domain,
                    kinks=row.kinks,
                ),
                x,
            )


# No derivative. -----------------------------------------------------------------------------------
ROUTERS = {
    "equal, else nan": lambda i, a, b: a if i == 0 else b if i == 1 else math.nan,
    "cut to a whole number": lambda i, a, b: (a, b)[int(i)],
    "rounded": lambda i, a, b: (a, b, a)[round(i)],
    "looked up": lambda i, a, b: {0.0: a, 1.0: b}[i],
    "only whole numbers": lambda i, a, b: (a, b)[int(i) if i.is_integer() else None],
    "above or below": lambda i, a, b: b if i > 0.5 else a,
}


@pytest.mark.parametrize("primal", ROUTERS.values(), ids=ROUTERS)
@pytest.mark.parametrize("gate", ["routes", "scales"])
def test_an_index_has_no_derivative_and_what_it_picks_has_its_own(primal, gate):
    pick = custom(
        "pick", primal, lambda out, i, a, b: (None, ops.equal(i, 0.0), ops.equal(i, 1.0)), gate=gate
    )
    for i in (0.0, 1.0):
        assert notes_of(pick, i, 2.0, 3.0) == []
        assert notes_of(lambda x, y, i=i: pick(i, x * y, ops.sin(x)) * y, 1.5, 2.0) == []
        notes = notes_of(lambda x, i=i: pick(2 * x, x * x, ops.exp(x)), i / 2)
        assert not [note for note in notes if "another branch" not in note]
    wrong = custom(
        "pick", primal, lambda out, i, a, b: (None, ops.equal(i, 1.0), ops.equal(i, 0.0)), gate=gate
    )
    with pytest.raises(GradientError, match="d pick/d operand 2 is wrong"):
        gradcheck(wrong, 0.0, 2.0, 3.0)


@pytest.mark.parametrize("x", [1.6, 1.5, -0.2, 0.0, 1e9, 7.0])
def test_a_row_that_is_constant_in_pieces_has_no_derivative_anywhere(x):
    for primal in (round, math.floor, math.trunc, lambda x: float(x > 1.5)):
        assert (
            notes_of(
                custom("pieces", lambda x, f=primal: f(x), lambda out, x: None, gate="blocks"), x
            )
            == []
        )


@pytest.mark.parametrize(
    ("primal", "x", "order"),
    [
        (lambda x: 2 * x, 1.0, 1),
        (math.sin, 0.3, 1),
        (lambda x: x, 0.0, 1),
        (lambda x: x * x, 0.0, 2),
        (lambda x: 3 * x, 1e9, 1),
        (lambda x: x - math.floor(x), 0.5, 1),
        (lambda x: 1e-3 * x, 1e20, 1),
    ],
)
def test_a_derivative_that_was_forgotten_is_found(primal, x, order):
    forgotten = custom("forgotten", primal, lambda out, x: None)
    with pytest.raises(GradientError, match="forgotten/d operand 1"):
        gradcheck(forgotten, x, order=order)


def test_a_derivative_that_was_forgotten_at_a_corner_is_said():
    corner = custom("ramp", lambda x: max(x, 0.0), lambda out, x: None)
    assert any("do not tell d ramp/d operand 1" in note for note in notes_of(corner, 0.0))
    forgotten = custom("second", lambda x, y: x * y, lambda out, x, y: (y, None))
    with pytest.raises(GradientError, match="d second/d operand 2 is wrong"):
        gradcheck(forgotten, 0.5, 2.0)


# Where a primal cannot be asked. ------------------------------------------------------------------
@pytest.mark.parametrize("x", [0.0, 1e-320, 5e-324, -1e-300, 1e300, 1.7e308, 1e-8])
def test_a_row_of_one_s_own_is_checked_or_not_but_never_crashes_on_odd_numbers(x):
    for primal, slope in (
        (lambda x: x * 0.5, lambda out, x: 0.5),
        (math.tanh, lambda out, x: 1.0 - out * out),
        (lambda x: x * x, lambda out, x: 2 * x),
    ):
        row = custom("odd", lambda x, f=primal: f(x), slope)
        notes_of(row, x)
        notes_of(lambda x, y, row=row: row(x) * row(y), x, 0.5)


def test_that_a_row_of_one_s_own_is_not_finite_is_said():
    row = custom("inverse", lambda x: 1 / x if x else math.inf, lambda out, x: -out * out)
    assert any(
        "inverse is not finite here" in note
        for note in notes_of(lambda x: ops.where(x > -1, x, row(x)) + x, 0.0)
    )
