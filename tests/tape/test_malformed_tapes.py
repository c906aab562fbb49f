"""Malformed tapes are refused or do no harm: texts and programs, spoilt in thousands of seeded
ways.

Each is either refused with a ValueError, or is a tape: it runs on both executors alike, its Python
has no statement but those of arithmetic, and it survives another trip.
"""

import json
import math
import random
import re
import tracemalloc

import numpy as np
import pytest
from tapes import INJECTED, assert_runs_alike

from micrograd_plus import Tape, Value, custom, ops, record
from micrograd_plus.tape.contents import Contents
from micrograd_plus.tape.program import MOST, FlatProgram


# Malformed texts. ---------------------------------------------------------------------------------
def well_formed():
    """Texts of tapes of every kind."""
    row = custom("gaussian", lambda x: math.exp(-x * x), lambda out, x: -2.0 * x * out)
    w = [Value(0.5, label="w"), Value(-2.0)]

    def every_kind(x, y):
        s = ops.dot(w, [x, y], 0.5) + ops.where(x > y, ops.log(x), math.inf * y)
        return ops.logsumexp(s, ops.maximum(x, y, w[0]), ops.relu(s)) * ops.sum(x, y, s)

    tapes = [
        record(every_kind, 1.0, 2.0, parameters=w),
        record(lambda x: row(x) * x, 0.5),
        record(lambda: 2.0),
        record(lambda x, y: (x, [ops.atan2(x, y), 1.0], (), ops.pow(x * y, -0.0)), 1.0, 2.0),
        record(lambda x: ops.tanh(ops.sin(x) + 1e-310), 0.5),
    ]
    return [tape.to_json() for tape in tapes]


ODD = (
    None,
    True,
    False,
    -1,
    0,
    1,
    2,
    53,
    -2,
    2**31 - 1,
    2**31,
    -(2**31),
    -(2**31) - 1,
    2**53 + 1,
    2**64,
    10**400,
    0.0,
    -0.0,
    1.5,
    1e308,
    math.inf,
    -math.inf,
    math.nan,
    "",
    "inf",
    "-inf",
    "nan",
    "x",
    "gaussian",
    "add",
    *INJECTED[:6],
    [],
    {},
    [[]],
    [0],
    [0, 1],
    [[0, "x"]],
    {"tuple": []},
    {"tuple": 0},
    {"": None},
)
KINDS = (
    "odd",
    "odd",
    "drop",
    "repeat",
    "swap",
    "number",
    "number",
    "number",
    "many",
    "label",
    "adjoint",
    "nest",
)
SCRAPS = ("", "0", "9", ",", "]", "[", "-", "e", '"', "\0", "\ud800", "1" * 5000)


BY_ONE_CHANGE = {
    "this is no tape": {"format": "micrograd_plus model"},
    "this tape has version 3; this program reads versions 1 to 2": {"version": 3},
    "this tape has version True": {"version": True},
    "the names of a tape are a list, not 'x'": {"names": "x"},
    "the names of a tape are strings, not 1": {"names": [1, "y"]},
    "the parameters of a tape are a list, not None": {"parameters": None},
    "a number of a tape is a float, or inf, -inf or nan as a string, not True": {
        "constants": [True]
    },
    "the codes of a tape are integers of 32 bits, not True": {"codes": [True]},
    "the outputs of a tape are integers of 32 bits, not 2147483648": {"outputs": [2**31]},
    "the starts of a program must lead from 0 through its operands": {"starts": []},
    "the starts of a program must not decrease": {"starts": [0, 5, 4]},
    "an operand must be a register that comes before the instruction": {"operands": [0, 1, 4, 0]},
    "an output must be a register of the program": {"outputs": [5, 1, 2]},
    "the table of the program has 1 rows, and none in place 1": {"codes": [0, 1]},
    "the table of the program has 1 rows, and none in place -1": {"codes": [0, -1]},
    "the table has no row of code 0": {"version": 1, "custom": [], "codes": [3, 0]},
    "the table has no row of code -1": {"version": 1, "custom": [], "codes": [3, -1]},
    "the table has no row of code 54": {"version": 1, "custom": [], "codes": [3, 54]},
    "'tanh' is no custom row": {"version": 1, "custom": ["tanh"], "codes": [3, -1]},
    "mul takes 2 operand(s), not 1": {"starts": [0, 1, 4]},
    "dot takes a bias, then as many weights as inputs": {"rows": ["dot", "mul"], "codes": [0, 1]},
    "maximum needs at least 1 operand(s)": {
        "rows": ["maximum", "sum"],
        "codes": [0, 1],
        "starts": [0, 0, 4],
    },
    "the table has no row 'nothing'": {"rows": ["nothing"]},
    "the table has no row 'gaussian'": {"rows": ["gaussian", "gaussian"]},
    "the rows of a tape are strings, not 3": {"rows": [3]},
    "only a tape that gives one number has a gradient": {"form": [0]},
    "a tape has as many outputs as its form, and with a gradient one for each input and "
    "parameter": {"gradient": False},
    "the form of a tape is 0, a list, {'tuple': a list}, {'dict': pairs of a key and a form} or "
    "{'array': its shape}, not {'tuple': 0}": {"form": {"tuple": 0}},
    **{
        f"or {{'array': its shape}}, not {form}": {"form": form, "gradient": False}
        for form in (
            {"dict": {"a": 0}},
            {"dict": [["a", 0, 0]]},
            {"dict": [[None, 0]]},
            {"dict": [[True, 0]]},
            {"dict": [[0.5, 0]]},
            {"dict": [["a", 0], ["a", 0]]},
            {"array": []},
            {"array": [-1]},
            {"array": [1.0]},
            {"array": [True]},
            {"array": [0, 2147483649]},
            {"array": [65536, 65536]},
            {"list": [0]},
        )
    },
    "as many outputs as its form": {"form": {"array": [2, 2]}, "gradient": False},
    "outputs as its form": {"form": {"dict": [["a", {"array": [2**31]}]]}, "gradient": False},
    "a tape has as many inputs as the form of its point": {"point": [0, 0]},
    "or {'array': its shape}, not 'x'": {"point": "x"},
    "a tape is not nested that deeply": {
        "form": json.loads("[" * 150 + "0" + "]" * 150),
        "gradient": False,
    },
    "the labels of a tape are pairs of a register and a str, not [True, 'x']": {
        "labels": [[True, "x"]]
    },
    "the adjoint_of of a tape are pairs of a register and a int, not [0, 'x']": {
        "adjoint_of": [[0, "x"]]
    },
    "labels and adjoints belong to registers of the tape": {"labels": [[5, "x"]]},
}


@pytest.mark.parametrize("message", BY_ONE_CHANGE)
def test_a_text_is_refused_by_what_is_wrong_with_it(message):
    custom("gaussian", lambda x: math.exp(-x * x), lambda out, x: -2.0 * x * out)
    text = """{"format": "micrograd_plus tape", "version": 2, "names": ["x"], "parameters": [2.0],
        "constants": [3.0], "rows": ["mul"], "codes": [0, 0], "starts": [0, 2, 4],
        "operands": [0, 1, 3, 2], "outputs": [4, 1, 2], "form": 0,
        "gradient": true, "labels": [[0, "x"]], "adjoint_of": []}"""
    assert Tape.from_json(text)(5.0) == 30.0
    with pytest.raises(ValueError, match=re.escape(message)):
        Tape.from_json(json.dumps(json.loads(text) | BY_ONE_CHANGE[message]))


def places(found):
    """Every container in a tree with each key or index of it."""
    keys = (
        list(found)
        if isinstance(found, dict)
        else range(len(found))
        if isinstance(found, list)
        else ()
    )
    for key in keys:
        yield found, key
        yield from places(found[key])


def spoil(rng, found):
    """Change a text that was read, in one of the ways in which programs, people and discs do."""
    container, key = rng.choice(list(places(found)))
    arrays = [found.get(part) for part in ("codes", "starts", "operands", "outputs")]
    arrays = [array for array in arrays if isinstance(array, list) and array]
    kind = rng.choice(KINDS)
    if kind == "odd":
        container[key] = rng.choice(ODD)
    elif kind == "drop":
        del container[key]
    elif kind == "repeat" and isinstance(container, list):
        container.insert(rng.randrange(len(container) + 1), container[key])
    elif kind == "swap" and isinstance(container, list):
        rng.shuffle(container)
    elif kind == "number" and arrays:
        array = rng.choice(arrays)
        array[rng.randrange(len(array))] = rng.choice(
            (rng.randint(-3, 60), rng.randint(-3, 60), rng.choice(ODD))
        )
    elif kind == "many" and isinstance(container[key], list):
        container[key] = container[key] * rng.choice((2, 3, 1000))
    elif kind == "label":
        found["labels"] = [[rng.randint(-1, 30), rng.choice(INJECTED)] for _ in range(5)]
    elif kind == "adjoint":
        found["adjoint_of"] = [[rng.randint(-1, 30), rng.randint(-1, 30)] for _ in range(8)]
    elif kind == "nest":
        container[key] = "NEST"


def spoilt(rng, texts):
    text = rng.choice(texts)
    kind = rng.random()
    if kind < 0.75:
        found = json.loads(text)
        for _ in range(rng.choice((1, 1, 1, 2, 5))):
            if found:
                spoil(rng, found)
        text = json.dumps(found)
        deep, (left, right) = (
            rng.choice((50, 101, 900, 3_000, 100_000)),
            rng.choice((("[", "]"), ('{"tuple": [', "]}"), ('{"dict": [["a", ', "]]}"))),
        )
        return text.replace('"NEST"', left * deep + "0" + right * deep, 1)
    place = rng.randrange(len(text))
    if kind < 0.82:
        return text[:place]
    if kind < 0.92:
        return text[:place] + rng.choice(SCRAPS) + text[place + 1 :]
    if kind < 0.96:  # a key twice
        key, other = rng.choice(list(json.loads(text))), json.loads(rng.choice(texts))
        return f'{text[:-1]}, "{key}": {json.dumps(rng.choice((*ODD, *other.values())))}}}'
    cut = text.encode()[:place] + b"\xff"
    return rng.choice((text.encode("utf-16"), cut, b"", "", "null", "[]", "0", '"x"', " " * 999))


def judge(texts, count, seed):
    """How many spoilt texts were refused, and how many were tapes."""
    rng, refused, tapes, longest = random.Random(seed), 0, 0, 0
    for _ in range(count):
        text = spoilt(rng, texts)
        try:
            tape = Tape.from_json(text)
        except ValueError as error:
            refused += 1
            longest = max(longest, len(str(error)))
            continue
        tapes += 1
        assert_runs_alike(tape, compiled=tapes % 40 == 0)
        assert Tape.from_json(tape.to_json()).to_json() == tape.to_json()
    assert 0 < longest < 1000
    return refused, tapes


def test_a_malformed_text_is_refused_or_does_no_harm():
    refused, tapes = judge(well_formed(), 2_000, seed=0)
    assert refused > 1_000
    assert tapes > 200


@pytest.mark.slow
def test_forty_thousand_malformed_texts_without_growth():
    texts = well_formed()
    judge(texts, 500, seed=1)
    tracemalloc.start()
    try:
        refused, tapes = judge(texts, 40_000, seed=2)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    print(
        f"\n{refused + tapes} malformed texts: {refused} refused, {tapes} tapes that run; at most "
        f"{peak / 1e6:.0f} MB"
    )
    assert peak < 200e6


# Malformed programs. ------------------------------------------------------------------------------
@pytest.mark.parametrize("count", [1_000, pytest.param(30_000, marks=pytest.mark.slow)])
def test_a_malformed_program_is_refused_or_runs(count):
    rng, refused = random.Random(3), 0
    programs = [Tape.from_json(text).program for text in well_formed()]
    for _ in range(count):
        program = rng.choice(programs)
        parts = {
            name: getattr(program, name).copy()
            for name in ("constants", "codes", "starts", "operands", "outputs")
        }
        parts |= {
            "inputs": program.inputs,
            "parameters": program.parameters,
            "table": program.table,
        }
        for _ in range(rng.choice((1, 1, 2, 4))):
            name = rng.choice(list(parts))
            if name in ("inputs", "parameters"):
                parts[name] = rng.choice((-1, 0, 1, 2, 5, MOST, 2**40))
            elif name == "table":
                parts[name] = rng.choice(
                    ((), parts[name][:-1], parts[name][::-1], (ops.where, *parts[name]))
                )
            elif len(parts[name]):
                array = parts[name]
                number = rng.choice((rng.randint(-3, 60), rng.randint(-3, 60), MOST, -MOST - 1))
                array[rng.randrange(len(array))] = number
                parts[name] = rng.choice(
                    (array, array, array, array[:-1], array[::-1], np.append(array, array[-1:]))
                )
        try:
            program = FlatProgram(**parts).validated()
        except ValueError:
            refused += 1
            continue
        if program.inputs < 100 and program.parameters < 100:
            form, names, parameters = (
                [0.0] * len(program.outputs),
                [""] * program.inputs,
                [0.5] * program.parameters,
            )
            assert_runs_alike(
                Tape.from_contents(Contents(program, form, names, parameters, False, {}, {}))
            )
    print(f"\n{count} malformed programs: {refused} refused")
    assert count / 4 < refused < count


NO_PARTS = {
    "shorter": lambda array: array.astype(np.float32),
    "longer": lambda array: np.zeros(len(array), np.int64),
    "objects": lambda array: array.astype(object),
    "two dimensions": lambda array: array.reshape(1, -1),
    "none": lambda array: np.array(1),
    "a list": lambda array: array.tolist(),
    "nothing": lambda array: None,
    "other end first": lambda array: array.view(array.dtype.newbyteorder()),
    "complex": lambda array: array.astype(complex),
}


@pytest.mark.parametrize("part", ["constants", "codes", "starts", "operands", "outputs"])
@pytest.mark.parametrize("spoil", NO_PARTS.values(), ids=NO_PARTS)
def test_a_program_consists_of_plain_arrays(part, spoil):
    program = Tape.from_json(well_formed()[0]).program
    parts = {
        name: getattr(program, name)
        for name in ("constants", "codes", "starts", "operands", "outputs")
    }
    spoilt = parts | {part: spoil(parts[part]), "table": program.table}
    program = FlatProgram(program.inputs, program.parameters, **spoilt)
    with pytest.raises(ValueError, match=f"the {part} of a program are an array of one dimension"):
        program.validated()


def test_a_short_text_takes_no_room_whatever_the_size_that_it_tells():
    text = record(lambda x: x * x, 1.0).to_json()
    for part, form in (("form", '{"array": [2147483648]}'), ("point", '[{"array": [2147483648]}]')):
        huge = {**json.loads(text), part: json.loads(form)}
        tracemalloc.start()
        with pytest.raises(ValueError, match="a tape"):
            Tape.from_json(json.dumps(huge))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 1e6
