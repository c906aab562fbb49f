"""The expression parser and the command line: what they take,
and how they refuse everything else.
"""

import builtins
import io
import os
import re
import shlex
import subprocess
import sys
import xml.etree.ElementTree as ET
from contextlib import redirect_stdout, suppress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from micrograd_plus import examples, ops
from micrograd_plus.cli import LEAST, PLAIN, main
from micrograd_plus.cli.expression import SYNONYMS, ExpressionError, functions, parse
from micrograd_plus.engine import Value, adjoints, nodes_below

AB = {"a": 2, "b": 1}


# The parser. --------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "output"),
    [
        ("e = (a + b) * (b + 1)", 6.0),
        ("c = a + b; d = b + 1; e = c * d", 6.0),
        ("c = a + b\nd = b + 1\ne = c * d", 6.0),
        ("a - b / -b ** 2", 3.0),
        ("+a*b", 2.0),
        ("exp(a - 2*b) + 0.5", 1.5),
        ("max(a, b)", 2.0),
        ("minimum(a, b)", 1.0),
        ("maximum([a, b, 7])", 7.0),
        ("sum(a, b, 3)", 6.0),
        ("dot([a, b], [b, 3], 10)", 15.0),
        ("where(a > b, a, b)", 2.0),
        ("where(a <= b, a, b)", 1.0),
        ("(a < b) + (a >= b) + (a == b)", 1.0),
        ("leaky_relu(-a, 0.5) + b", 0.0),
        ("1_0 * a + 0x10 * b", 36.0),
        ("a + b  # a comment", 3.0),
        ("   \n  a + b\n", 3.0),
        ("(a +\n b)", 3.0),
        ("e = a*b;", 2.0),
        ("k = 3; e = k * a * b", 6.0),
        ("c = a; c * b", 2.0),
        ("1 / (a - 2*b)", float("inf")),
        ("α = a * b; α", 2.0),
    ],
)
def test_what_is_arithmetic(text, output):
    *_, (name, found) = parse(text, AB).items()
    assert found.data == output
    assert name in ("e", "result") or name == "α"


def test_names_label_their_values():
    named = parse("c = a + b; d = b + 1; c * d", AB)
    assert list(named) == ["a", "b", "c", "d", "result"]
    assert [v.label for v in named.values()] == list(named)
    assert all(isinstance(v, Value) for v in named.values())
    assert list(parse("result = a + b; result * 2", AB)) == ["a", "b", "result", "result0"]
    assert list(parse("k = 3; e = k * x", {"x": 2})) == ["x", "e"]


def test_every_function_of_the_table_may_be_called():
    for name, row in functions().items():
        arity = getattr(row, "arity", None) or (3 if name == "dot" else 2)
        operands = "[x], [x], x" if name == "dot" else ", ".join(["x"] * arity)
        assert "result" in parse(f"{name}({operands})", {"x": 0.5})
    assert not any(name.startswith("_") or name.endswith("_row") for name in functions())


REFUSED = {
    "a.b": 1,
    "a[0]": 1,
    "a.__class__": 1,
    "f'{a}'": 0,
    "'x' + a": 0,
    "lambda: a": 0,
    "(c := a)": 1,
    "exp(x=a)": 4,
    "exp(**a)": 4,
    "exp(*a)": 4,
    "a < b < 1": 6,
    "a and b": 2,
    "a if b else 1": 2,
    "1j * a": 0,
    "True": 0,
    "None": 0,
    "__import__('os').system('true')": 16,
    "__import__('os')": 0,
    "exp.__globals__": 3,
    "exp": 0,
    "open('x')": 0,
    "eval('1')": 0,
    "print(a)": 0,
    "[a, b]": 0,
    "{a}": 0,
    "{a: b}": 0,
    "(a, b)": 0,
    "[x for x in a]": 0,
    "a ^ b": 2,
    "a // b": 2,
    "a @ b": 2,
    "a << b": 2,
    "a | b": 2,
    "a is b": 2,
    "a in b": 2,
    "not a": 0,
    "~a": 0,
    "a + c": 4,
    "expp(a)": 0,
    "softmax(a, b)": 0,
    "exp(a, b)": 0,
    "max()": 0,
    "dot(a, b)": 0,
    "dot([a], [a, b])": 0,
    "hypot(a, [b])": 0,
    "exp()": 0,
    "a = 3": 0,
    "exp = a": 0,
    "__x = a": 0,
    "a = b = 3": 0,
    "c, d = a, b": 0,
    "c += a": 0,
    "c: int = a": 0,
    "import os": 0,
    "del a": 0,
    "for x in a: b": 0,
    "def f(): pass": 0,
    "class A: pass": 0,
    "a; b": 0,
    "pass": 0,
    "return a": 0,
    "yield a": 0,
    "await a": 0,
    "...": 0,
    "assert a": 0,
    "raise a": 0,
    "a +": 3,
    "(a": 0,
    "a)": 1,
    "1e999 * a": 0,
    "9" * 400 + "*a": 0,
    "9" * 5000 + "*a": None,
    "01 * a": None,
    "'a": 0,
    "a b": None,
    "a\0b": None,
    "\ud800": None,
    "a \u202e + b": None,
    "-" * 5000 + "a": None,
    "(" * 5000: None,
    "a+" * 3000 + "a": None,
    "a**" * 3000 + "a": None,
    "exp(" * 150 + "a" + ")" * 150: None,
    "a" * 20_000: None,
    "": None,
    "  \n ": None,
    "# a": None,
    "-" * 150 + "a": 101 - 64,
    "2 * 3": None,
    "a + 0*b + __a": 10,
    "a + é + b": 4,
    "é = a; é.b": 8,
    "(a) . b": 4,
}


@pytest.mark.parametrize("text", REFUSED, ids=lambda text: ascii(text[:30]))
def test_what_is_not_arithmetic_is_refused_with_a_pointer(text):
    with pytest.raises(ExpressionError) as refusal:
        parse(text, AB)
    message = str(refusal.value)
    assert len(message) < 2000
    assert not set(message) & set("\0\u202e\ud800\x1b")
    if REFUSED[text] is not None:
        _, line, caret, _ = message.split("\n")
        assert caret.strip() == "^"
        assert len(caret) - 5 == REFUSED[text], message
        assert len(line) >= len(caret) - 1


def test_the_pointer_stands_in_its_line():
    with pytest.raises(
        ExpressionError,
        match=r"arithmetic in line 3\n    e = c\*d \+ c\.q\n               \^\nAllowed",
    ):
        parse("c = a\nd = b\ne = c*d + c.q", AB)
    with pytest.raises(ExpressionError, match=r"\n    …[ +x]+x\.y\n {41}\^\n"):
        parse("x + " * 50 + "x.y", {"x": 1})


def test_missing_unused_and_misnamed_values_are_named():
    with pytest.raises(ExpressionError, match="c has no value; give it one, as in c=2"):
        parse("a + b + c", AB)
    with pytest.raises(ExpressionError, match="not used in the expression, for a, b"):
        parse("c + 1", {**AB, "c": 1})
    for name in ("exp", "2x", "", "a b", "__a", "a.b", "<script>"):
        with pytest.raises(ExpressionError, match="cannot name a value"):
            parse("1", {name: 1})
    with pytest.raises(ExpressionError, match="the value of a is no number"):
        parse("a", {"a": "2"})
    with pytest.raises(ExpressionError, match="expression is a text, not of type bytes"):
        parse(b"a", {"a": 2})


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "qqq(a) + b",
            "there is no function qqq; all .* are listed by `micrograd-plus draw --help`$",
        ),
        ("expp(a) + b", r"there is no function expp; did you mean exp, .*\? All are listed by"),
        ("ReLU(a) + b", r"did you mean relu"),
        ("TANH(a) + b", "did you mean tanh"),
        ("sqr(a) + b", "did you mean sqrt"),
        ("arctan(a) + b", "did you mean atan"),
        ("lrelu(a) + b", "did you mean .*leaky_relu"),
        ("ln(a) + b", r"did you mean log\? All"),
        ("Heaviside(a) + b", "did you mean step"),
        ("a(3) + b", r"a is a number and no function; a product is written with \*$"),
        ("a + bb", r"bb has no value \(did you mean b\?\); give it one, as in bb=2$"),
        ("a + B", r"B has no value \(did you mean b\?\)"),
        ("a + b + zeta", "zeta has no value; give it one, as in zeta=2$"),
        ("a + b + pi", "pi has no value; give it one, as in pi=3.141592653589793$"),
        ("e = c * b; c = a", "c is not known yet here: each name is assigned before it is used"),
        ("exp(a, b)", "exp takes 1 operand, not 2$"),
        ("atan2(a) + b", "atan2 takes 2 operands, not 1$"),
        ("where(a > b, a)", "where takes 3 operands, not 2$"),
        ("exp() + a + b", "exp takes 1 operand, not 0$"),
        ("leaky_relu(a, b, 1)", "leaky_relu takes 1 or 2 operands, not 3$"),
        ("leaky_relu() + a + b", "leaky_relu takes 1 or 2 operands, not 0$"),
        ("exp([a]) + b", "exp takes its operands one by one, not in a list$"),
        ("leaky_relu([a], b)", "leaky_relu takes its operands one by one, not in a list$"),
    ],
)
def test_slips_are_told_what_may_have_been_meant(text, told):
    with pytest.raises(ExpressionError) as refused:
        parse(text, AB)
    assert re.search(told, str(refused.value).split("\n")[0])
    assert len(str(refused.value).split("\n")[0]) < 120


def test_every_function_is_near_to_itself_with_a_letter_missing_or_in_capitals():
    for name in functions():
        slips = [name.upper()] + [name[:-1] + name[-2] + name[-1]] * (len(name) > 3)
        for slip in slips:
            if slip not in functions():
                with pytest.raises(ExpressionError, match=rf"did you mean .*\b{name}\b") as refused:
                    parse(f"{slip}(a)", {"a": 2})
                assert slip in str(refused.value)
    assert set(SYNONYMS.values()) <= set(functions())
    assert not SYNONYMS.keys() & set(functions())


def test_nothing_is_evaluated(monkeypatch):
    def forbidden(*_):
        raise AssertionError("the parser ran code")

    for name in ("eval", "exec", "__import__"):
        monkeypatch.setattr(builtins, name, forbidden)
    for text in ("exp(a) + b", "__import__('os')", "eval('a')", "a.b", "exec('a')"):
        with suppress(ExpressionError):
            parse(text, AB)


PIECES = st.sampled_from(
    [
        *"ab+-*/().,;=<>[]{}:'\"\\\n\t\0#%@&|^~!`$? 01e",
        "**",
        "exp(",
        "max(",
        "lambda ",
        " if ",
        " else ",
        "1e308",
        "__",
        "é",
        "\u202e",
        "\ud800",
        "λ",
        " for ",
        " in ",
        "c=",
        "not ",
        "f'",
        ":=",
        "\r",
        "\x0c",
    ]
)


@given(st.one_of(st.text(max_size=40), st.lists(PIECES, max_size=30).map("".join)))
@example("a\x0c\n+b")
@example("0_")
@example("a\r\n;b")
@example("\\\n\\")
@example("'\\N{a}'")
@example("a if 1else b")
def test_any_text_is_an_expression_or_an_expression_error(text):
    with suppress(ExpressionError):
        *_, output = parse(text, AB).values()
        assert isinstance(output, Value)


# The commands. ------------------------------------------------------------------------------------
E = "e = (a + b) * (b + 1)"


def run(capsys, *arguments):
    code = main([str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    return code, out, err


def table(out):
    """The cells of a printed table, which columns of blanks divide."""
    return [re.split(" {2,}", line) for line in out.splitlines()]


def test_draw_prints_every_node_with_its_value_and_gradient(capsys):
    code, out, err = run(capsys, "draw", E, "a=2", "b=1")
    assert (code, err) == (0, "")
    assert table(out) == [
        ["node", "value", "∂e/∂·"],
        ["a", "2", "2"],
        ["b", "1", "5"],
        ["a + b", "3", "2"],
        ["b + 1", "2", "3"],
        ["e = (a + b) × (b + 1)", "6", "1"],
    ]
    code, out, _ = run(
        capsys,
        "draw",
        "c = a + b; d = b + 1; e = c * d",
        "a=2",
        "b=1",
        "--mode",
        "forward",
        "--wrt",
        "b",
    )
    assert table(out) == [
        ["node", "value", "∂·/∂b"],
        ["a", "2", "0"],
        ["b", "1", "1"],
        ["c = a + b", "3", "1"],
        ["d = b + 1", "2", "1"],
        ["e = c × d", "6", "5"],
    ]


def test_what_the_output_does_not_depend_on_is_in_the_table_too(capsys):
    _, out, _ = run(
        capsys, "draw", "c = a * 3; d = a; e = a * 2", "a=1", "--mode", "forward", "--wrt", "a"
    )
    assert table(out)[1:] == [
        ["a", "1", "1"],
        ["d = a", "1", "1"],
        ["c = a × 3", "3", "3"],
        ["e = a × 2", "2", "2"],
    ]
    _, out, _ = run(capsys, "draw", "c = a * 3; d = a; e = a * 2", "a=1")
    assert table(out)[1:] == [
        ["a", "1", "2"],
        ["d = a", "1", "2"],
        ["c = a × 3", "3", "0"],
        ["e = a × 2", "2", "1"],
    ]


def expressions(leaves):
    """Arithmetic over names, as text."""
    return st.recursive(
        st.sampled_from([*leaves, "0.5", "3"]),
        lambda inner: st.one_of(
            st.tuples(inner, st.sampled_from("+-*"), inner).map(
                lambda parts: f"({' '.join(parts)})"
            ),
            st.tuples(st.sampled_from(["tanh", "-", "sigmoid"]), inner).map(
                lambda parts: "{}({})".format(*parts)
            ),
            st.tuples(inner, inner).map(lambda parts: f"max({', '.join(parts)})"),
        ),
        max_leaves=12,
    )


@given(expressions("ab"), expressions("abc"), st.sampled_from(["reverse", "forward"]))
def test_the_table_holds_what_one_backward_pass_from_each_node_gives(first, second, mode):
    text, leaves = f"c = a + b * {first}; e = c * {second}", {"a": 0.3, "b": -1.2}
    named = parse(text, leaves)
    order = nodes_below(*named.values())
    options = ["--mode", "forward", "--wrt", "b"] if mode == "forward" else []
    with redirect_stdout(io.StringIO()) as out:
        assert main(["draw", text, *(f"{k}={v}" for k, v in leaves.items()), *options]) == 0
    lines = out.getvalue().splitlines()
    assert len(lines) == len(order) + 1
    assert len({len(line) for line in lines}) == 1
    for v, line in zip(order, lines[1:], strict=True):
        above, below = (v, named["b"]) if mode == "forward" else (named["e"], v)
        derivative = adjoints(nodes_below(above), {above: 1.0}).get(below, 0.0)
        _, value, found = re.fullmatch("(.*?) {2,}([^ ]+) +([^ ]+)", line).groups()
        assert [float(x.replace("−", "-")) for x in (value, found)] == pytest.approx(
            [v.data, derivative], rel=1e-11
        )


def test_a_long_step_is_cut_and_wide_letters_keep_their_columns(capsys):
    long = "a_name_of_thirty_characters_or_so"
    _, out, _ = run(
        capsys,
        "draw",
        f"{long}2 = dot([{long}, x], [x, {long}], 1) ; {long}2 * {long}",
        f"{long}=2",
        "x=1",
    )
    assert max(map(len, out.splitlines())) < 90
    assert "…" in out
    # two columns, and one for both
    _, out, _ = run(capsys, "draw", "e = 数 * 2 + x\u0303", "数=5", "x\u0303=7")
    heading, *lines, _ = out.splitlines()
    assert [
        heading.index("value") + 4 - line.index(digit) for line, digit in zip(lines, "570")
    ] == [1, -1, 1]


def test_a_table_in_a_terminal_without_unicode(monkeypatch):
    terminal = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", terminal)
    assert main(["draw", "c = 1 / (1 + exp(-(a * b + 2 * a * b + a / b)))", "a=2", "b=-1"]) == 0
    terminal.flush()
    lines = terminal.buffer.getvalue().decode().splitlines()
    assert lines[0].split() == ["node", "value", "dc/d*"]
    assert lines[-1].split() == ["c", "=", "1", "/", "add11", "0.000335350130466", "1"]
    assert len(set(map(len, lines))) == 1


def test_every_sign_of_the_table_has_a_plain_form():
    signs = {c for row in ops.primitives() for c in row.symbol if ord(c) > 127}
    assert {ord(c) for c in signs | set("∂·−₀₉→…")} <= PLAIN.keys()


def test_draw_writes_every_form(capsys, tmp_path):
    for suffix, opening in (
        (".svg", b"<svg "),
        (".dot", b""),
        (".html", b"<!DOCTYPE html>"),
        (".png", b"\x89PNG"),
        (".pdf", b"%PDF"),
    ):
        target = tmp_path / f"e{suffix}"
        code, out, err = run(capsys, "draw", E, "a=2", "b=1", "-o", target)
        assert (code, out.strip(), err) == (0, str(target), "")
        assert target.read_bytes().startswith(opening)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "e.dot",
        "e.html",
        "e.pdf",
        "e.png",
        "e.svg",
    ]


def test_values_may_follow_options(capsys, tmp_path):
    target = tmp_path / "e.svg"
    options = [
        "--constants",
        "show",
        "--collapse",
        "none",
        "--rankdir",
        "TB",
        "--mode",
        "forward",
        "--wrt",
        "b",
    ]
    assert run(capsys, "draw", E, "a=2", "-o", target, "b=-1", *options)[0] == 0
    assert "<svg" in target.read_text(encoding="utf-8")


def test_explain_prints_the_chain_rule(capsys):
    code, out, _ = run(
        capsys,
        "explain",
        "c = a + b; d = b + 1; e = c * d",
        "a=2",
        "b=1",
        "--wrt",
        "b",
        "--limit",
        "1",
    )
    assert code == 0
    assert out.startswith(
        "∂e/∂b = 3·1 + … = 5\n2 paths lead from b to e; the largest product is listed, 1 more"
    )


MISUSED = [
    [],
    ["paint"],
    ["draw"],
    ["draw", E],
    ["draw", E, "a=2"],
    ["draw", E, "a=2", "b=one"],
    ["draw", E, "a=2", "b=1", "c=3"],
    ["draw", E, "a=2", "a=3", "b=1"],
    ["draw", E, "a", "b=1"],
    ["draw", E, "a=2", "b=1", "--wrt", "b"],
    ["draw", E, "a=2", "b=1", "--mode", "forward"],
    ["draw", E, "a=2", "b=1", "--mode", "forward", "--wrt", "z"],
    ["draw", E, "a=2", "b=1", "--mode", "sideways"],
    ["draw", E, "a=2", "b=1", "--sepia"],
    ["draw", E, "a=2", "b=1", "-o"],
    ["draw", E, "a=2", "b=1", "-o", "e.gif"],
    ["draw", E, "a=2", "b=1", "-o", "e"],
    ["draw", E, "a=2", "b=1", "-o", "missing/e.svg"],
    ["draw", E, "a=2", "b=1", "-o", "a\0.svg"],
    ["draw", "__import__('os')"],
    ["explain", E, "a=2", "b=1"],
    ["explain", E, "a=2", "b=1", "--wrt", "b", "--limit", "0"],
    ["explain", E, "a=2", "b=1", "--wrt", "b", "--limit", "x"],
    ["gallery", "extra"],
    ["gallery", "-o"],
    ["gallery", "-o", "file"],
    ["gallery", "-o", "file/below"],
    ["draw", E, "a=2", "b=1", "-o", "folder.svg"],
]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (
            [],
            "say what to do: draw, explain, play, playground, gallery (see micrograd-plus --help)",
        ),
        (["drwa", E], "there is no command 'drwa'; did you mean draw?"),
        (
            [E, "a=2"],
            f"there is no command '{E}'; there are draw, explain, play, playground, gallery, ",
        ),
        (["draw", "a", "+", "b", "a=2"], "as in a=2, not as '+'; the expression stands in quotes"),
        (
            ["draw", E, "a=2", "b", "=", "1"],
            "values are given as name=number, without blanks, as in a=2, not as 'b'",
        ),
        (["draw", E, "a=2", "=1"], "as in a=2, not as '=1'"),
        (["draw", E, "a=2", "b:1"], "not as 'b:1'"),
        (["draw", E, "a=2", "b=1,5"], "'1,5' is not a number; did you mean b=1.5?"),
        (["draw", E, "a=2", "b=-1/2"], "'-1/2' is not a number; did you mean b=-0.5?"),
        (["draw", E, "a=2", "b=pi"], "did you mean b=3.141592653589793?"),
        (["draw", E, "a=2", "b=1/0"], "'1/0' is not a number\n"),
        (["draw", E, "a=2", "b="], "'' is not a number\n"),
        (
            ["draw", E, "--a=2", "b=1"],
            "unknown: --a=2; values have no dashes: a=2 (see micrograd-plus draw --help)",
        ),
        (["draw", E, "a=2", "b=1", "--mod", "forward"], "unknown: --mod; did you mean --mode"),
        (
            ["draw", E, "a=2", "b=1", "--colapse=none"],
            "unknown: --colapse=none; did you mean --collapse",
        ),
        (["explain", E, "a=2", "b=1", "--wtr", "b"], "unknown: --wtr; did you mean --wrt?"),
        (["draw", E, "a=2", "b=1", "--limit", "3"], "unknown: --limit; it is an option of explain"),
        (
            ["explain", E, "a=2", "b=1", "--wrt", "B"],
            "no B in the expression (did you mean b?); it has a, b, e",
        ),
        (
            ["draw", "wide + bias", "wide=2", "bias=1", "--mode", "forward", "--wrt", "bais"],
            "no bais in the expression (did you mean bias?); it has wide, bias, result",
        ),
        (["gallery", "extra"], "unknown: extra; say `micrograd-plus gallery -o pictures`"),
        (["gallery", "--out", "x"], "unknown: --out x; did you mean --output?"),
    ],
    ids=lambda arguments: ascii(" ".join(arguments))[:40],
)
def test_misuse_is_told_what_may_have_been_meant(arguments, told, capsys):
    code, out, err = run(capsys, *arguments)
    assert (code, out) == (2, "")
    assert told in err


def test_the_lines_that_errors_and_help_show_work(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for line in LEAST.values():
        assert run(capsys, *shlex.split(line))[0] == 0
    for command in ("draw", "explain"):
        with pytest.raises(SystemExit):
            main([command, "--help"])
        shown = set(re.findall(r"\w+", capsys.readouterr().out))
        assert set(functions()) <= shown


@pytest.mark.parametrize("arguments", MISUSED, ids=lambda arguments: ascii(" ".join(arguments)))
def test_misuse_ends_in_one_clear_line(arguments, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("as it was", encoding="utf-8")
    (tmp_path / "folder.svg").mkdir()
    code, out, err = run(capsys, *arguments)
    assert (code, out) == (2, "")
    assert err.startswith("micrograd-plus: ")
    assert len(err.splitlines()) == (4 if "^" in err else 1)
    assert "Traceback" not in err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder.svg"]
    assert (tmp_path / "file").read_text(encoding="utf-8") == "as it was"


def test_a_failed_drawing_leaves_the_old_one(capsys, tmp_path, monkeypatch):
    target = tmp_path / "e.svg"
    target.write_text("as it was", encoding="utf-8")
    monkeypatch.setattr(
        "pathlib.Path.replace",
        lambda *_: (_ for _ in ()).throw(PermissionError(13, "Permission denied")),
    )
    code, _, err = run(capsys, "draw", E, "a=2", "b=1", "-o", target)
    assert (code, err) == (2, f"micrograd-plus: cannot write {target}: Permission denied\n")
    assert [path.name for path in tmp_path.iterdir()] == ["e.svg"]
    assert target.read_text(encoding="utf-8") == "as it was"


DRAWN = {"svg", "style", "g", "title", "rect", "text", "tspan", "path", "polygon"}
HOSTILE = [
    "<script>alert(1)</script>",
    "</svg>",
    "]]>",
    "<!--",
    "&amp;",
    "&#0;",
    '"',
    "'",
    "\\",
    "\\N",
    "$(true)",
    "`true`",
    "; true",
    "| true",
    "a\nb",
    "a\0b",
    "\x1b[31m",
    "\u202e",
    "\u2028",
    "\ud800",
    "x" * 3000,
    "%s%n",
    "{0}",
    "{{",
    "-",
    "--",
    "--help-me",
    "=",
    "==",
    "a=",
    "=1",
    "a=2=3",
    "é",
    "𝔞",
    "٣",
    "a=٣",
    "∞",
    "a=1e999",
    "a=nan",
    "\t",
    " ",
    "",
    "..",
    "/",
    "//",
    "~",
    "*",
    "?",
    "a=0x1",
    "a=1,5",
    "a=1/2",
    "<",
    ">",
    "a<b",
    "a|b",
    "{a|b}",
    "\\l",
    "NUL",
    "@a",
]


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text[:20]))
def test_hostile_arguments_never_end_in_a_traceback(text, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for arguments in (
        ["draw", text, "a=2"],
        ["draw", "a*2", text],
        ["draw", "a*2", "a=2", "-o", f"{text}.svg"],
        ["draw", f"{text} = a", "a=2"],
        ["draw", text, f"{text}=1", "-o", "x.svg"],
        ["explain", "a*a", "a=2", "--wrt", text],
        [text, "a*a"],
    ):
        code, _, err = run(capsys, *arguments)
        assert code in (0, 2)
        assert (code == 0) == (err == "")
        assert not set(err) & set("\0\x1b\u202e\u2028\ud800")
        assert "Traceback" not in err
    for path in tmp_path.glob("*.svg"):
        root = ET.fromstring(path.read_bytes())
        assert {e.tag.partition("}")[2] for e in root.iter()} <= DRAWN


def test_a_terminal_without_unicode(monkeypatch):
    terminal = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", terminal)
    assert main(["explain", "c = a + a", "a=2", "--wrt", "a"]) == 0
    terminal.flush()
    assert b"dc/da = 1 + 1 = 2" in terminal.buffer.getvalue()


def test_a_reader_that_leaves_early_is_no_error():
    command = [sys.executable, "-m", "micrograd_plus", "draw", "a" + "+a" * 50, "a=1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        running.stdout.close()
        assert running.stderr.read() == b""
    assert running.returncode == 0


def test_ctrl_c_is_told_in_one_line(capsys, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("micrograd_plus.cli.parse", interrupted)
    assert run(capsys, "draw", E, "a=2", "b=1") == (130, "", "micrograd-plus: interrupted\n")


def test_as_a_module_it_gives_its_exit_code():
    def python(*arguments):
        return subprocess.run(
            [sys.executable, "-m", "micrograd_plus", *arguments],
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
        )

    assert python("draw", "a*a", "a=3").returncode == 0
    assert "usage: micrograd-plus" in python("--help").stdout
    failed = python("draw", "a.b", "a=3")
    assert failed.returncode == 2
    assert failed.stderr.startswith("micrograd-plus: this is not arithmetic\n    a.b\n     ^\n")


def test_the_gallery_command_ends_with_the_path(capsys, tmp_path):
    code, out, err = run(capsys, "gallery", "-o", tmp_path / "deep" / "gallery")
    assert (code, err) == (0, "")
    page = tmp_path / "deep" / "gallery" / "index.html"
    assert out.splitlines()[-1] == str(page)
    assert page.read_text("utf-8").count("<article") == len(examples.all_examples())


def test_a_link_stays_one_and_a_pipe_is_written_to(tmp_path):
    from micrograd_plus.support.files import write_whole

    real, link, pipe = tmp_path / "real", tmp_path / "link", tmp_path / "pipe"
    real.write_bytes(b"old")
    link.symlink_to(real)
    assert write_whole(link, b"new") == link
    assert link.is_symlink()
    assert real.read_bytes() == b"new"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write_whole(pipe, b"flow")
    assert os.read(reader, 10) == b"flow"
    os.close(reader)
    assert pipe.is_fifo()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["link", "pipe", "real"]


def test_the_gallery_of_one_lecture(capsys, tmp_path):
    assert run(capsys, "gallery", "--lecture", "rwth", "-o", tmp_path)[0] == 0
    page = (tmp_path / "index.html").read_text("utf-8")
    names = [name for name in examples.all_examples() if name.startswith("rwth.")]
    assert re.findall('<article id="([^"]+)"', page) == names
    code, _, err = run(capsys, "gallery", "--lecture", "oxford", "-o", tmp_path)
    assert code == 2
    assert "invalid choice: 'oxford'" in err


def test_a_worked_example_is_drawn_and_explained_by_its_name(capsys, tmp_path):
    code, out, err = run(capsys, "draw", "sharif.product_of_a_sum")
    assert (code, err) == (0, "")
    assert re.search("f = q × z +−12 +1", out)
    page = tmp_path / "gates.svg"
    assert run(capsys, "draw", "sharif.gates", "-o", page)[0] == 0
    assert "<svg" in page.read_text("utf-8")
    code, out, err = run(capsys, "explain", "rwth.forward_and_reverse", "--wrt", "b")
    assert (code, err) == (0, "")
    assert out.startswith("∂e/∂b = 2·1 + 3·1 = 5\n")


def test_a_worked_example_takes_other_values_for_its_leaves(capsys):
    _, out, _ = run(capsys, "draw", "sharif.product_of_a_sum", "z=2")
    assert re.search("f = q × z +6 +1", out)
    code, _, err = run(capsys, "draw", "sharif.product_of_a_sum", "q=2")
    assert (code, err) == (
        2,
        "micrograd-plus: there is no leaf q in sharif.product_of_a_sum; it has x, y, z\n",
    )


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("sharif.gate", "did you mean gate"),
        ("shariff.gates", "did you mean sharif.gates"),
        ("rwth.qqqqqqqq", "rwth has delta_rule, "),
    ],
)
def test_a_worked_example_that_does_not_exist_is_named_with_what_may_be_meant(capsys, name, hint):
    code, out, err = run(capsys, "explain", name, "--wrt", "x")
    assert (code, out) == (2, "")
    assert err.startswith(f"micrograd-plus: there is no worked example {name}; {hint}")


def test_a_training_has_nothing_to_draw(capsys):
    code, out, err = run(capsys, "draw", "rwth.perturbation_search")
    assert (code, out) == (2, "")
    assert "rwth.perturbation_search has no graph" in err
