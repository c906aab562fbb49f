"""JSON of strangers: what a text says is what is read, or it is refused."""

import math
import re

import pytest

from micrograd_plus import Tape, record
from micrograd_plus.nn import Neuron, load, save
from micrograd_plus.support.strict_json import (
    depth,
    integers,
    is_exact,
    list_of,
    parsed,
    short_integer,
    strings,
)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"a": 1, "a": 1}', "it has 'a' twice"),
        ('{"b": {"a": 1, "c": 2, "a": 3}}', "it has 'a' twice"),
        ("[1e999]", "'1e999' is not a finite number"),
        ("[-Infinity]", "'-Infinity' is not a finite number"),
        ("[NaN]", "'NaN' is not a finite number"),
        ("[1e-999]", "'1e-999' is closer to 0 than any float"),
        ("[" * 100_000, "too deep"),
        ("[1", "it is no JSON"),
        ("", "it is no JSON"),
    ],
)
def test_a_text_that_says_nothing_certain_is_refused(text, reason):
    with pytest.raises(ValueError, match=re.escape(reason)):
        parsed(text, "too deep")


def test_a_text_means_what_it_says():
    assert parsed('{"a": [0.0, -0.0, 5e-324, 1, "x", null, true]}', "too deep") == {
        "a": [0.0, 0.0, 5e-324, 1, "x", None, True]
    }
    assert math.copysign(1.0, parsed("-0.0", "too deep")) == -1.0


def test_a_whole_number_may_be_held_to_the_digits_of_a_float():
    assert parsed("1" * 300, "too deep", short_integer) == int("1" * 300)
    with pytest.raises(ValueError, match="too many digits"):
        parsed("1" * 301, "too deep", short_integer)


@pytest.mark.parametrize(
    ("text", "brackets"),
    [("1", 0), ("[]", 1), ('{"[[[": [1, [2]], "b": [[[]]]}', 4), ('["\\"[[[", [', 2), ("]]][", 0)],
)
def test_the_depth_of_a_text_is_that_of_its_brackets_outside_strings(text, brackets):
    assert max(depth(text), 0) == brackets


@pytest.mark.parametrize("entry", [1, 0.5, -(2**53), 2**53, -0.0])
def test_numbers_that_a_float_holds(entry):
    assert is_exact(entry)


@pytest.mark.parametrize("entry", [True, None, "1", 2**53 + 1, [1.0]])
def test_what_no_float_holds(entry):
    assert not is_exact(entry)


def test_lists_are_checked_entry_by_entry():
    found = {"a": [1, 2**31 - 1, 1 - 2**31], "b": ["x", ""], "c": [True], "d": 1, "e": [2**31]}
    assert integers(found, "a", "a thing", bits=32) == found["a"]
    assert strings(found, "b", "a thing") == found["b"]
    for check, part, reason in [
        (list_of, "d", "the d of a thing are a list, not 1"),
        (list_of, "f", "the f of a thing are a list, not None"),
        (strings, "a", "the a of a thing are strings, not 1"),
        (lambda *given: integers(*given, bits=32), "c", "integers of 32 bits, not True"),
        (lambda *given: integers(*given, bits=32), "e", "integers of 32 bits, not 2147483648"),
    ]:
        with pytest.raises(ValueError, match=reason):
            check(found, part, "a thing")


def test_a_tape_and_a_model_file_are_held_to_the_same(tmp_path):
    neuron = Neuron(1)
    tape, path = record(lambda x: 2.5 * x, 1.0).to_json(), save(neuron, tmp_path / "model.json")
    text = path.read_text(encoding="utf-8")
    for spoil, reason in [
        (lambda text: text.replace('"version"', '"version": 1, "version"', 1), "'version' twice"),
        (lambda text: re.sub(r"-?\d+\.\d+", "1e999", text, count=1), "not a finite number"),
        (lambda text: re.sub(r"-?\d+\.\d+", "1e-999", text, count=1), "closer to 0"),
        (lambda text: text[:-3], "it is no JSON"),
    ]:
        with pytest.raises(ValueError, match=reason):
            Tape.from_json(spoil(tape))
        path.write_text(spoil(text), encoding="utf-8")
        with pytest.raises(ValueError, match=reason):
            load(neuron, path)
