"""The expression parser and the command line: what they take, and how they refuse everything else."""

import builtins
import io
import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from contextlib import suppress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from micrograd_plus import examples
from micrograd_plus.__main__ import main
from micrograd_plus.engine import Value
from micrograd_plus.expression import ExpressionError, functions, parse

AB = {"a": 2, "b": 1}


# The parser. ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("text", "output"), [
    ("e = (a + b) * (b + 1)", 6.0), ("c = a + b; d = b + 1; e = c * d", 6.0), ("c = a + b\nd = b + 1\ne = c * d", 6.0),
    ("a - b / -b ** 2", 3.0), ("+a*b", 2.0), ("exp(a - 2*b) + 0.5", 1.5), ("max(a, b)", 2.0), ("minimum(a, b)", 1.0),
    ("maximum([a, b, 7])", 7.0), ("sum(a, b, 3)", 6.0), ("dot([a, b], [b, 3], 10)", 15.0), ("where(a > b, a, b)", 2.0),
    ("where(a <= b, a, b)", 1.0), ("(a < b) + (a >= b) + (a == b)", 1.0), ("leaky_relu(-a, 0.5) + b", 0.0),
    ("1_0 * a + 0x10 * b", 36.0), ("a + b  # a comment", 3.0), ("   \n  a + b\n", 3.0), ("(a +\n b)", 3.0),
    ("e = a*b;", 2.0),
    ("k = 3; e = k * a * b", 6.0), ("c = a; c * b", 2.0), ("1 / (a - 2*b)", float("inf")), ("α = a * b; α", 2.0),
])
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
    "a.b": 1, "a[0]": 1, "a.__class__": 1, "f'{a}'": 0, "'x' + a": 0, "lambda: a": 0, "(c := a)": 1, "exp(x=a)": 4,
    "exp(**a)": 4, "exp(*a)": 4, "a < b < 1": 6, "a and b": 2, "a if b else 1": 2, "1j * a": 0, "True": 0, "None": 0,
    "__import__('os').system('true')": 16, "__import__('os')": 0, "exp.__globals__": 3, "exp": 0, "open('x')": 0,
    "eval('1')": 0, "print(a)": 0, "[a, b]": 0, "{a}": 0, "{a: b}": 0, "(a, b)": 0, "[x for x in a]": 0, "a ^ b": 2,
    "a % b": 2, "a // b": 2, "a @ b": 2, "a << b": 2, "a | b": 2, "a != b": 2, "a is b": 2, "a in b": 2, "not a": 0,
    "~a": 0,
    "a + c": 4, "expp(a)": 0, "softmax(a, b)": 0, "exp(a, b)": 0, "max()": 0, "dot(a, b)": 0, "dot([a], [a, b])": 0,
    "hypot(a, [b])": 0, "exp()": 0, "a = 3": 0, "exp = a": 0, "__x = a": 0, "a = b = 3": 0, "c, d = a, b": 0, "c += a": 0,
    "c: int = a": 0, "import os": 0, "del a": 0, "for x in a: b": 0, "def f(): pass": 0, "class A: pass": 0, "a; b": 0,
    "pass": 0, "return a": 0, "yield a": 0, "await a": 0, "...": 0, "assert a": 0, "raise a": 0, "a +": 3, "(a": 0, "a)": 1,
    "1e999 * a": 0, "9" * 400 + "*a": 0, "9" * 5000 + "*a": None, "01 * a": None, "'a": 0, "a b": None, "a\0b": None,
    "\ud800": None, "a \u202e + b": None, "-" * 5000 + "a": None, "(" * 5000: None, "a+" * 3000 + "a": None,
    "a**" * 3000 + "a": None, "exp(" * 150 + "a" + ")" * 150: None, "a" * 20_000: None, "": None, "  \n ": None,
    "# a": None,
    "-" * 150 + "a": 101 - 64, "2 * 3": None, "a + 0*b + __a": 10, "a + é + b": 4, "é = a; é.b": 8, "(a) . b": 4,
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
    with pytest.raises(ExpressionError, match=r"arithmetic in line 3\n    e = c\*d \+ c\.q\n               \^\nAllowed"):
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
    with pytest.raises(ExpressionError, match="did you mean exp"):
        parse("expp(a)", {"a": 2})


def test_nothing_is_evaluated(monkeypatch):
    def forbidden(*_):
        raise AssertionError("the parser ran code")

    for name in ("eval", "exec", "__import__"):
        monkeypatch.setattr(builtins, name, forbidden)
    for text in ("exp(a) + b", "__import__('os')", "eval('a')", "a.b", "exec('a')"):
        with suppress(ExpressionError):
            parse(text, AB)


PIECES = st.sampled_from([*"ab+-*/().,;=<>[]{}:'\"\\\n\t\0#%@&|^~!`$? 01e", "**", "exp(", "max(", "lambda ", " if ",
                          " else ", "1e308", "__", "é", "\u202e", "\ud800", "λ", " for ", " in ", "c=", "not ", "f'", ":=",
                          "\r", "\x0c"])


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


# The commands. --------------------------------------------------------------------------------------------------------
E = "e = (a + b) * (b + 1)"


def run(capsys, *arguments):
    code = main([str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    return code, out, err


def test_draw_prints_values_and_gradients(capsys):
    code, out, err = run(capsys, "draw", E, "a=2", "b=1")
    assert (code, err) == (0, "")
    assert [line.split() for line in out.splitlines()] == [
        ["name", "value", "de/d…"], ["a", "2", "2"], ["b", "1", "5"], ["e", "6", "1"]]
    code, out, _ = run(capsys, "draw", "c = a + b; d = b + 1; e = c * d", "a=2", "b=1", "--mode", "forward", "--wrt", "b")
    assert [line.split()[2] for line in out.splitlines()] == ["d/db", "0", "1", "1", "1", "5"]


def test_draw_writes_every_form(capsys, tmp_path):
    for suffix, opening in ((".svg", b"<svg "), (".dot", b""), (".html", b"<!DOCTYPE html>"), (".png", b"\x89PNG"),
                            (".pdf", b"%PDF")):
        target = tmp_path / f"e{suffix}"
        code, out, err = run(capsys, "draw", E, "a=2", "b=1", "-o", target)
        assert (code, out.strip(), err) == (0, str(target), "")
        assert target.read_bytes().startswith(opening)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["e.dot", "e.html", "e.pdf", "e.png", "e.svg"]


def test_values_may_follow_options(capsys, tmp_path):
    target = tmp_path / "e.svg"
    options = ["--constants", "show", "--collapse", "none", "--rankdir", "TB", "--mode", "forward", "--wrt", "b"]
    assert run(capsys, "draw", E, "a=2", "-o", target, "b=-1", *options)[0] == 0
    assert "<svg" in target.read_text(encoding="utf-8")


def test_explain_prints_the_chain_rule(capsys):
    code, out, _ = run(capsys, "explain", "c = a + b; d = b + 1; e = c * d", "a=2", "b=1", "--wrt", "b", "--limit", "1")
    assert code == 0
    assert out.startswith("de/db = 1·3 + … = 5\n2 paths lead from b to e; the largest product is listed, 1 more")


MISUSED = [
    [], ["paint"], ["draw"], ["draw", E], ["draw", E, "a=2"], ["draw", E, "a=2", "b=one"], ["draw", E, "a=2", "b=1", "c=3"],
    ["draw", E, "a=2", "a=3", "b=1"], ["draw", E, "a", "b=1"], ["draw", E, "a=2", "b=1", "--wrt", "b"],
    ["draw", E, "a=2", "b=1", "--mode", "forward"], ["draw", E, "a=2", "b=1", "--mode", "forward", "--wrt", "z"],
    ["draw", E, "a=2", "b=1", "--mode", "sideways"], ["draw", E, "a=2", "b=1", "--sepia"], ["draw", E, "a=2", "b=1", "-o"],
    ["draw", E, "a=2", "b=1", "-o", "e.gif"], ["draw", E, "a=2", "b=1", "-o", "e"],
    ["draw", E, "a=2", "b=1", "-o", "missing/e.svg"], ["draw", E, "a=2", "b=1", "-o", "a\0.svg"],
    ["draw", "__import__('os')"],
    ["explain", E, "a=2", "b=1"], ["explain", E, "a=2", "b=1", "--wrt", "b", "--limit", "0"],
    ["explain", E, "a=2", "b=1", "--wrt", "b", "--limit", "x"], ["gallery", "extra"], ["gallery", "-o"],
    ["gallery", "-o", "file"], ["gallery", "-o", "file/below"], ["draw", E, "a=2", "b=1", "-o", "folder.svg"],
]


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
    monkeypatch.setattr("pathlib.Path.replace", lambda *_: (_ for _ in ()).throw(PermissionError(13, "Permission denied")))
    code, _, err = run(capsys, "draw", E, "a=2", "b=1", "-o", target)
    assert (code, err) == (2, f"micrograd-plus: cannot write {target}: Permission denied\n")
    assert [path.name for path in tmp_path.iterdir()] == ["e.svg"]
    assert target.read_text(encoding="utf-8") == "as it was"


DRAWN = {"svg", "style", "g", "title", "rect", "text", "path", "polygon"}
HOSTILE = ["<script>alert(1)</script>", "</svg>", "]]>", "<!--", "&amp;", "&#0;", "\"", "'", "\\", "\\N", "$(true)",
           "`true`", "; true", "| true", "a\nb", "a\0b", "\x1b[31m", "\u202e", "\u2028", "\ud800", "x" * 3000,
           "%s%n", "{0}", "{{", "-", "--", "--help-me", "=", "==", "a=", "=1", "a=2=3", "é", "𝔞", "٣", "a=٣", "∞",
           "a=1e999", "a=nan", "\t", " ", "", "..", "/", "//", "~", "*", "?", "a=0x1", "a=1,5", "a=1/2", "<", ">",
           "a<b", "a|b", "{a|b}", "\\l", "NUL", "@a"]


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text[:20]))
def test_hostile_arguments_never_end_in_a_traceback(text, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for arguments in (["draw", text, "a=2"], ["draw", "a*2", text], ["draw", "a*2", "a=2", "-o", f"{text}.svg"],
                      ["draw", f"{text} = a", "a=2"], ["draw", text, f"{text}=1", "-o", "x.svg"],
                      ["explain", "a*a", "a=2", "--wrt", text], [text, "a*a"]):
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


def test_as_a_module_it_gives_its_exit_code():
    def python(*arguments):
        return subprocess.run([sys.executable, "-m", "micrograd_plus", *arguments], capture_output=True, text=True,
                              encoding="utf-8", check=False)

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
    from micrograd_plus.files import write_whole
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
