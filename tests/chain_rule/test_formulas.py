"""The rules of the table against its slopes, and the notation of books: read and written."""

import pytest
from mpmath import mp, mpf
from oracle import ORACLES, is_close, smooth_points
from rows import BLOCKING, DIFFERENTIABLE, by_name, slopes

from micrograd_plus import ops
from micrograd_plus.chain_rule.formulas import (
    evaluate,
    of_name,
    of_number,
    parse,
    simplified,
    substituted,
)
from micrograd_plus.chain_rule.notation import tex, written
from micrograd_plus.support.text import number

FUNCTIONS = {
    **{name: getattr(mp, name) for name in ("ln", "sqrt", "sign", "floor")},
    **{name: getattr(mp, name) for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh")},
    "abs": mp.fabs,
    "trunc": lambda x: mp.floor(x) if x >= 0 else mp.ceil(x),
    "σ": lambda x: 1 / (1 + mp.exp(-x)),
    "Φ": lambda x: mp.erfc(-x / mp.sqrt(2)) / 2 if x > -1e100 else mpf(0),
    "φ": lambda x: mp.exp(-x * x / 2) / mp.sqrt(2 * mp.pi),
}


def known(row, place, operands):
    """What the names of a rule stand for, as numbers of mpmath."""
    numbers = [mpf(x) for x in operands]
    names = dict(zip(row.operands, numbers))
    if row.variadic:
        names |= {"x": numbers[place], "place": place - (len(row.operands) - 1)}
    if row.is_weighted_sum:
        half = len(numbers) // 2
        names["partner"] = numbers[place + half if place <= half else place - half]
    return names | {"a": ORACLES[row.name](*numbers), "e": mp.e, "π": +mp.pi}


@by_name(DIFFERENTIABLE)
def test_a_rule_is_the_slope(row):
    """With digits to spare, it is what the sweeps compute, within the bound of the row."""
    with mp.workdps(1500):
        for operands in smooth_points(row):
            for place, got in enumerate(slopes(row, operands)):
                if row.rule_of(place):
                    _, rule = parse(row.rule_of(place))
                    names = known(row, place, operands)
                    for formula in (rule, simplified(rule)):
                        true = mpf(evaluate(formula, names, FUNCTIONS))
                        assert is_close(got, true, row.bound), (operands, place, got)


@by_name(DIFFERENTIABLE)
def test_a_row_that_passes_a_gradient_has_a_rule(row):
    out = row.primal(*[1.0] * (row.arity or 3))
    for place, slope in enumerate(row.slopes(out, *[1.0] * (row.arity or 3))):
        assert (row.rule_of(place) == "") == (slope is None)


@by_name(BLOCKING)
def test_a_row_that_blocks_has_none(row):
    assert row.rule == ""


def test_help_shows_the_rules():
    assert ops.sigmoid.__doc__.endswith("With a for the result:\n∂a/∂x = a(1 − a)")
    assert "∂a/∂x = 1/y" in ops.div.__doc__
    assert "∂a/∂y = −x/y²" in ops.div.__doc__
    assert ops.sum.__doc__.endswith("∂a/∂x = 1, for each x of xs")
    assert ops.floor.__doc__ == ops.floor.doc


def with_names(text, **names):
    parts = {
        name: of_name(x) if isinstance(x, str) else of_number(float(x)) for name, x in names.items()
    }
    return simplified(substituted(parse(text)[1], parts))


@pytest.mark.parametrize(
    ("exponent", "text"),
    [
        (2, "2x"),
        (3, "3x²"),
        (-1, "−1/x²"),
        (-2, "−2/x³"),
        (0.5, "1/(2√x)"),
        (-0.5, "−1/(2x^1.5)"),
        (1.5, "1.5√x"),
        (1, "1"),
        (0, "0"),
        (12, "12x¹¹"),
    ],
)
def test_a_power_with_a_constant_exponent_reads_as_on_the_board(exponent, text):
    assert written(with_names(ops.pow.rule_of(0), y=exponent)) == text


@pytest.mark.parametrize(
    ("text", "names", "expected"),
    [
        ("2x", {"x": "den"}, "2·den"),
        ("2x", {"x": "x₁"}, "2x₁"),
        ("2x", {"x": "w0"}, "2·w0"),
        ("x·y", {"y": 3}, "3x"),
        ("x·y", {"x": -1}, "−y"),
        ("x·y", {"x": 0}, "0"),
        ("a(1 − a)", {"a": "f"}, "f(1 − f)"),
        ("a(1 − a)", {"a": "out"}, "out·(1 − out)"),
        ("a(1 − a)", {"a": "x + 1"}, "(x + 1)(1 − (x + 1))"),
        ("−x/y²", {"x": 1, "y": "den"}, "−1/den²"),
        ("−x/y²", {"x": -3}, "3/y²"),
        ("1/y", {"y": 4}, "1/4"),
        ("1/y", {"y": 0.25}, "4"),
        ("1/y", {"y": -49}, "−1/49"),
        ("eˣ", {"x": "neg"}, "e^neg"),
        ("eˣ", {"x": "−z"}, "e^(−z)"),
        ("1 − a²", {"a": "tanh(n)"}, "1 − tanh(n)²"),
        ("1/(2√x)", {"x": "x + y"}, "1/(2√(x + y))"),
        ("cos x", {"x": "tanh(n)"}, "cos tanh(n)"),
        ("cos x", {"x": "x + y"}, "cos(x + y)"),
        ("1 + x − x", {"x": 0}, "1"),
        ("0 − x", {}, "−x"),
        ("−(−x)", {}, "x"),
        ("2(3x)", {}, "6x"),
        ("x/y·z/y", {}, "x·z/(y·y)"),
        ("x/(y/z)", {}, "x·z/y"),
        ("|x − 1| + ∛x", {}, "|x − 1| + ∛x"),
        ("(x + y)² − (x − y)", {}, "(x + y)² − (x − y)"),
        ("1 if x ≥ 0 else −x", {}, "1 if x ≥ 0 else −x"),
    ],
)
def test_a_formula_with_names_is_simplified_and_written(text, names, expected):
    assert written(with_names(text, **names)) == expected


@pytest.mark.parametrize(
    ("text", "x", "expected"),
    [
        ("2x", -3.0, "2·(−3)"),
        ("3x²", -3.0, "3·(−3)²"),
        ("a(1 − a)", 0.7310585786300049, "0.731·(1 − 0.731)"),
        ("eˣ", -1.0, "e^(−1)"),
        ("eˣ", 2.0, "e²"),
        ("−1/x²", 1.3678794411714423, "−1/1.37²"),
        ("1/√x", 1e-7, "1/√1e−7"),
        ("−x", float("inf"), "−inf"),
        ("x + 1", float("nan"), "nan + 1"),
    ],
)
def test_numbers_in_place_of_names_are_left_as_they_stand(text, x, expected):
    formula = substituted(parse(text)[1], {"x": of_number(x), "a": of_number(x)})
    assert written(formula, lambda x: number(x, 3)) == expected


@by_name(DIFFERENTIABLE)
def test_what_is_written_is_read_again_as_the_same(row):
    for place in range(len(row.operands)):
        if row.rule_of(place):
            _, formula = parse(row.rule_of(place))
            assert parse(written(formula))[1] == formula


def test_a_rule_may_name_its_derivative():
    name, formula = parse("p = eˣ⁻ᵃ")
    assert (name, written(formula)) == ("p", "e^(x − a)")
    assert parse("1 if x = a else 0")[0] == ""


@pytest.mark.parametrize("text", ["", "2x)", "(x", "x +", "1 if x", "x ; y", "|x", "·x", "x if"])
def test_another_notation_is_refused(text):
    with pytest.raises(ValueError, match=r"missing|nothing is known"):
        parse(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("−x/y²", r"-\frac{x}{y^{2}}"),
        ("1/(2√x)", r"\frac{1}{2\,\sqrt{x}}"),
        ("a(1 − a)", r"a\,\left(1 - a\right)"),
        ("2e^(−x²)/√π", r"\frac{2\,e^{-x^{2}}}{\sqrt{\pi}}"),
        ("1 if x ≤ 0 else ∛x", r"\begin{cases}1 & \text{if } x \le 0 \\ \sqrt[3]{x} & \text{else}"),
        ("2·3", r"2 \cdot 3"),
    ],
)
def test_tex(text, expected):
    assert tex(parse(text)[1]).startswith(expected)


def test_a_name_in_tex_is_text_whatever_it_holds():
    hostile = r"\input{x}$%#&_^~"
    assert tex(of_name(hostile)) == (
        r"\text{\textbackslash{}input\{x\}\$\%\#\&\_\textasciicircum{}\textasciitilde{}}"
    )
    assert tex(of_name("x₁₂")) == "x_{12}"
    assert tex(of_number(-1.5e-7)) == r"-1.5 \cdot 10^{-7}"
    assert tex(of_number(float("-inf"))) == r"-\infty"
