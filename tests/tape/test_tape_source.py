"""A tape's text runs and gives the bits of the tape, whatever its rows, inputs,
parameters and nodes are called.
"""

import builtins
import keyword
import math
import subprocess
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tapes import assert_harmless, assert_runs_alike, bits, replayed, run_source

from micrograd_plus import Tape, Value, custom, ops, record

RESERVED = (
    "tape",
    "parameters",
    "inf",
    "nan",
    "primitive",
    "__debug__",
    "row",
    "row_1",
    "tape_1",
    "lambda_1",
    "inf_1",
)
MODULE = (
    "__builtins__",
    "__name__",
    "__doc__",
    "__file__",
    "__spec__",
    "__loader__",
    "__all__",
    "__getattr__",
    "__dir__",
    "__import__",
    "__annotations__",
    "__class__",
    "__slots__",
    "__init__",
    "__",
)
PLAIN = (
    "a",
    "b",
    "z",
    "a1",
    "x",
    "dx",
    "ddx",
    "w",
    "self",
    "cls",
    "record",
    "Value",
    "Tape",
    "ops",
    "math",
    "micrograd_plus",
    "numpy",
    "np",
    "import_",
    "x_1",
    "x" * 40,
    "x" * 41,
    "x" * 500,
)
UNICODE = (
    "é",
    "e\u0301",
    "ﬁ",
    "fi",
    "ª",
    "𝐱",
    "ℯ",
    "ℝ",
    "µ",
    "μ",
    "K",
    "ſ",
    "s",
    "变量",
    "x\u0301",
    "ᵢ",
    "i",
    "ₓ",
)
NAMES = sorted(
    {
        *keyword.kwlist,
        *keyword.softkwlist,
        *dir(builtins),
        *RESERVED,
        *MODULE,
        *PLAIN,
        *UNICODE,
        *dir(ops),
    }
)
LABELS = [
    *NAMES,
    "",
    " ",
    "1x",
    "a b",
    "a\nimport os",
    '"',
    "\\",
    "#",
    "\ud800",
    "\u202e",
    "None)",
    "x=1",
]
FOR_ROWS = [name for name in NAMES if name.isidentifier() and name not in ops.BUILT_IN]


def doubling(name):
    """A row of one's own with a bit pattern of its own,
    so that no other can stand for it unseen.
    """
    size = 1.0 + len(name) / 64 + sum(map(ord, name)) / 2**20
    return custom(name, lambda x: size * x, lambda out, x: size)


def assert_text_is_right(tape, numbers, parameters=()):
    source = tape.source()
    assert_harmless(source)
    assert source.isascii()
    assert bits(run_source(tape, numbers, list(parameters))) == bits(replayed(tape, numbers))
    namespace = {}
    exec(source, namespace)
    assert callable(namespace["tape"])


def test_a_row_of_any_name_is_called_in_the_text():
    for name in FOR_ROWS:
        row = doubling(name)
        x, w = Value(0.7, label=name), Value(1.3, label=name)
        hidden = row(x) * w + math.inf
        hidden.label = name
        out = ops.exp(row(hidden - row(w))) + row(x)
        out.label = name
        assert_text_is_right(Tape.of(out, [x], [w]), [0.7], [1.3])


def test_a_label_of_any_kind_is_a_name_or_nothing():
    row = doubling("of_a_user")
    for label in LABELS:
        x, y, w = Value(0.7, label=label), Value(0.2, label=label), Value(1.3, label=label)
        hidden = row(ops.tanh(x * w)) - y
        hidden.label = label
        assert_text_is_right(
            Tape.of(ops.sum(hidden, ops.exp(hidden), math.nan), [x, y], [w]), [0.7, 0.2], [1.3]
        )


@given(
    st.lists(st.sampled_from(FOR_ROWS), min_size=1, max_size=5, unique=True),
    st.lists(st.sampled_from(LABELS), min_size=8),
)
def test_several_rows_and_labels_of_any_names(names, labels):
    before = dict(ops.TABLE)
    try:
        rows, label = [doubling(name) for name in names], iter(labels)
        x, w = Value(0.7, label=next(label)), Value(1.3, label=next(label))
        out = x
        for row in (*rows, ops.tanh):
            out = row(out) + ops.sigmoid(row(w))
            out.label = next(label, "")
        tape = Tape.of(out, [x], [w])
        assert_text_is_right(tape, [0.7], [1.3])
        assert Tape.from_json(tape.to_json()).source() == tape.source()
    finally:
        ops.TABLE.clear()
        ops.TABLE.update(before)


def test_names_that_python_takes_for_one_stay_two():
    assert unicodedata.normalize("NFKC", "ﬁ") == "fi"
    one, other = (
        custom("ﬁ", lambda x: 2 * x, lambda out, x: 2.0),
        custom("fi", lambda x: 3 * x, lambda out, x: 3.0),
    )
    tape = record(lambda x: one(x) + other(other(x)), 1.0)
    assert tape.source().startswith(
        "from micrograd_plus.ops import primitive\nfi = primitive('fi')\n"
        "row = primitive('\\ufb01')\n\n\ndef tape(x):\n    a = row(x)\n    b = fi(x)\n"
    )
    assert run_source(tape, [1.0]) == [11.0, 11.0]


def test_a_row_of_a_simple_name_keeps_it():
    row = custom("gauss", lambda x: math.exp(-x * x), lambda out, x: -2.0 * x * out)
    source = record(row, 0.5).source()
    assert source.startswith(
        "from micrograd_plus.ops import primitive\ngauss = primitive('gauss')\n\n\ndef tape(x):\n"
    )
    assert_runs_alike(record(row, 0.5))


@pytest.mark.parametrize("name", ["lambda", "__getattr__", "tape", "ﬁ"])
def test_the_text_is_a_module_to_import(name, tmp_path):
    row = custom(name, lambda x: 2 * x, lambda out, x: 2.0)
    (tmp_path / "recorded.py").write_text(record(row, 1.0).source(), encoding="ascii")
    script = f"""import micrograd_plus
micrograd_plus.custom({name!a}, lambda x: 2 * x, lambda out, x: 2.0)
import recorded
from recorded import tape
print(tape(3.0), hasattr(recorded, "nothing"))"""
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.stdout, run.stderr) == ("(6.0, (2.0,), ()) False\n", "")
