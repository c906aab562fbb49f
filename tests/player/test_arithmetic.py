"""The browser's arithmetic against Python's: every row of the table, random graphs, and texts."""

import math
import random
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from browser_arithmetic import NODE, needs_node, ran, same_bits, ulps
from recordings import ROWS, SPECIAL, drawn, leaves_below, wild

import micrograd_plus
from micrograd_plus.drawing.style import Style
from micrograd_plus.engine import Value
from micrograd_plus.player.page import squeezed
from micrograd_plus.player.recording import program_as_json, recorded
from micrograd_plus.support import text
from micrograd_plus.tape.builder import Builder
from micrograd_plus.tape.executors.python import Replay
from micrograd_plus.tape.lowering import FUNCTIONS, INSTRUCTIONS, lowered, operation

pytestmark = needs_node

TSC = shutil.which("tsc")
PLAYER = Path(micrograd_plus.__file__).parent / "player"
POINTS = 10_000
SMALLEST = 2.0**-1022  # of normal numbers
# What IEEE 754 fixes to the last bit.
EXACT = {*INSTRUCTIONS, "floor", "fmod"}
# m + log Σ exp(x − m) cancels where both summands are near in size: an ulp is one of the larger.
CANCELS = {"logsumexp"}
MOST_ULPS = 4


def program_of(row, count):
    """The lowered program of one row on inputs alone."""
    builder = Builder(count, 0)
    program, _ = builder.finished([builder.emit(row, tuple(range(count)))])
    return lowered(program)


def numbers_for(row, place, rng):
    """Numbers for one operand: of the domain, near its kinks and ends, of every size, special."""
    low, high = row.interval(place)
    fixed = [low, high, *row.kinks_of(place), *SPECIAL]
    near = [x * (1 + k * 2.0**-52) + k * 1e-300 for x in fixed for k in (-1, 0, 1)]
    size = POINTS
    kinds = [rng.normal(size=size) * scale for scale in (1e-6, 0.3, 3.0, 30.0, 700.0)]
    if math.isfinite(low) and math.isfinite(high):
        kinds.append(rng.uniform(low, high, size))
    elif math.isfinite(low):
        kinds.append(low + rng.lognormal(0.0, 3.0, size))
    kinds.append(rng.choice(np.array(near), size))
    kinds.append(rng.integers(-5, 6, size).astype(float))
    kinds.append(rng.integers(0, 2**64, size, dtype=np.uint64).view(np.float64))
    return np.choose(rng.integers(0, len(kinds), size), kinds)


def operands_for(row):
    """For each number of operands that a row is tried with, its points."""
    rng = np.random.default_rng(sum(map(ord, row.name)))
    counts = [row.arity] if row.arity else [n for n in (1, 2, 3, 5, 8) if row.takes(n)]
    given = [tuple(sample) for sample in row.samples] + [edge[0] for edge in row.edges]
    for count in counts:
        share = POINTS // len(counts)
        drawn = np.stack([numbers_for(row, i, rng)[:share] for i in range(count)], axis=1)
        drawn[::7] = drawn[::7, :1]  # operands that tie
        special = [x for x in given if len(x) == count]
        yield count, np.array([*special, *drawn.tolist()])


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    """Every row with its programs, points, and what Python and JavaScript give there."""
    asked = [(row, program_of(row, n), points) for row in ROWS for n, points in operands_for(row)]
    jobs = [(program_as_json(program), points) for _, program, points in asked]
    found, _ = ran(tmp_path_factory.mktemp("rows"), jobs)
    table = {}
    for (row, program, points), outputs in zip(asked, found):
        expected = np.array([row.primal(*point) for point in points.tolist()])
        table.setdefault(row, []).append((program, points, expected, outputs[:, 0]))
    return table


def difference(row, program, points, expected, found):
    """The largest difference in ulps: of the result, or of what counts on the way to it."""
    apart = ulps(found, expected)
    whole = Replay(program.giving(range(program.size)))
    for i in np.flatnonzero((apart > 1) & np.isfinite(expected)):
        way = [abs(x) for x in whole.point(points[i].tolist(), np.array([]))]
        largest = max(x for x in way if math.isfinite(x))
        if any(0.0 < x < SMALLEST for x in way):  # whose ulp is as large as it may be
            apart[i] = abs(found[i] - expected[i]) / (math.ulp(0.0) * max(largest, 1.0))
        elif row.name in CANCELS:
            apart[i] = abs(found[i] - expected[i]) / math.ulp(largest)
    return apart.max()


def test_every_row_gives_what_python_s_gives(rows):
    lines = []
    for row, tried in rows.items():
        names = {operation(r) for program, *_ in tried for r in program.table}
        worst = float(max(difference(row, *one) for one in tried))
        lines.append(f"{row.name:14}{'exact' if names <= EXACT else f'{worst:5.2f} ulp'}")
        if names <= EXACT:
            for _, points, expected, found in tried:
                wrong = ~same_bits(found, expected)
                assert not wrong.any(), (row, points[wrong][0], expected[wrong][0], found[wrong][0])
        assert worst <= MOST_ULPS, row
        assert sum(len(points) for _, points, *_ in tried) >= POINTS - 5
    print("\n".join(lines))


def test_these_are_all_instructions_and_functions_of_lowered_programs(rows):
    programs = [program for tried in rows.values() for program, *_ in tried]
    assert {operation(r) for p in programs for r in p.table} == {*INSTRUCTIONS, *FUNCTIONS}


def moved(program, seed):
    """A graph of a program's, recorded, and what Python has at this point and at another."""
    rng = random.Random(seed)
    leaves = [Value(x) for x in program.inputs]
    root = program.run(*leaves)
    here = recorded(root, leaves, wrt=leaves[0])
    for leaf in leaves:
        leaf.data += rng.uniform(-1e-3, 1e-3)
    there = recorded(root.forward(), leaves, wrt=leaves[0])
    assert there.places == here.places
    points = [program.inputs, [leaf.data for leaf in leaves]]
    return program_as_json(here.program), points, np.array([here.numbers, there.numbers])


def largest_difference(count, folder):
    """Over random graphs, the largest difference of any number of a picture, relative to the
    largest number of the same kind of graph where that is above 1.
    """
    programs = [(seed, drawn(seed)) for seed in range(count)]
    made = [moved(program, seed) for seed, program in programs if program.instructions]
    found, _ = ran(folder, [(program, points) for program, points, _ in made])
    worst = 0.0
    for outputs, (_, _, expected) in zip(found, made):
        finite = np.isfinite(expected)
        assert same_bits(outputs[~finite], expected[~finite]).all()
        scale = np.maximum(np.abs(expected[finite]), 1.0)
        off = (np.abs(outputs[finite] - expected[finite]) / scale).max()
        worst = max(worst, off)
    print(f"{len(made)} graphs: {worst:.2g}")
    return worst


def test_random_graphs_have_the_values_gradients_and_tangents_of_python(tmp_path):
    assert largest_difference(150, tmp_path) < 1e-10


@pytest.mark.slow
def test_a_thousand_random_graphs(tmp_path):
    assert largest_difference(1_100, tmp_path) < 1e-10


def exact_on_the_way_back(row):
    leaves = [Value(0.5 + i) for i in range(row.arity or 3)]
    program = recorded(row(*leaves), leaves, wrt=leaves[0]).program
    return {operation(r) for r in program.table} <= EXACT


EXACT_ROWS = [row for row in ROWS if exact_on_the_way_back(row)]


def test_where_all_is_exact_every_bit_is_python_s_whatever_the_numbers(tmp_path):
    assert {"where", "maximum", "relu", "mod", "div", "dot"} <= {row.name for row in EXACT_ROWS}
    roots = [wild(seed, EXACT_ROWS) for seed in range(600)]
    made = [recorded(root, leaves_below(root), wrt=leaves_below(root)[0]) for root in roots]
    jobs = [(program_as_json(r.program), [[v.data for v in r.leaves]]) for r in made]
    found, _ = ran(tmp_path, jobs)
    for recording, (outputs,) in zip(made, found):
        numbers = np.array(recording.numbers)
        wrong = np.flatnonzero(~same_bits(outputs, numbers))
        assert not len(wrong), [(recording.places[i], numbers[i], outputs[i]) for i in wrong]


def test_numbers_are_written_as_python_writes_them(tmp_path):
    rng = np.random.default_rng(0)
    ties = (rng.integers(0, 10_000, 2_000) + 0.5) * 2.0 ** rng.integers(-8, 9, 2_000)
    plain = np.round(rng.normal(size=3_000) * 10.0 ** rng.integers(-8, 9, 3_000), 3)
    bits = rng.integers(0, 2**64, 3_000, dtype=np.uint64).view(np.float64)
    some = [*ties, *-ties, *plain, *rng.normal(size=3_000) * 20.0, *bits, *SPECIAL, 0.1, 1e6, 1e5]
    numbers = [float(x) for x in some]
    assert len(numbers) >= 10_000
    texts = [{"name": "formatted", "digits": d} for d in (None, 0, 1, 2, 3, 8)]
    texts += [{"name": "number", "digits": d, "longest": n} for d, n in ((6, 9), (1, 3), (17, 30))]
    expected = [[Style(digits=t["digits"]).number(x) for x in numbers] for t in texts[:6]]
    expected += [[text.number(x, t["digits"], t["longest"]) for x in numbers] for t in texts[6:]]
    _, found = ran(tmp_path, [], texts, numbers)
    for asked, written, wanted in zip(texts, found, expected):
        wrong = [(x, w, f) for x, w, f in zip(numbers, wanted, written) if f != w]
        assert not wrong, (asked, wrong[:5])


@pytest.mark.parametrize("path", sorted(PLAYER.glob("*.js")), ids=lambda path: path.name)
def test_a_module_may_lose_its_line_breaks(path, tmp_path):
    source = path.read_text(encoding="utf-8")
    assert "//" not in re.sub(r"https?://", "", source)
    one_line = tmp_path / "module.mjs"
    one_line.write_text(source.replace("\n", " "), encoding="utf-8")
    subprocess.run([NODE, "--check", one_line], check=True)


@pytest.mark.parametrize("path", sorted(PLAYER.glob("*.js")), ids=lambda path: path.name)
def test_a_module_in_a_page_has_all_its_texts_and_is_shorter(path, tmp_path):
    source = re.sub(r"/\*.*?\*/", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    shorter = squeezed(source)
    assert len(shorter) < len(source)
    texts = re.findall(r'"(?:[^"\\\n]|\\.)*"|`[^`\n]*`', source)
    assert not [text for text in texts if text not in shorter]
    module = tmp_path / "module.mjs"
    module.write_text(shorter, encoding="utf-8")
    subprocess.run([NODE, "--check", module], check=True)


def test_modules_make_no_code_from_text():
    texts = [path.read_text(encoding="utf-8") for path in PLAYER.glob("*.js")]
    assert texts
    code = [re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL) for text in texts]
    assert not [t for t in code if re.search(r"\beval\b|\bFunction\(|\bimport\(", t)]


@pytest.mark.skipif(not TSC, reason="no tsc here")  # .ci/run brings it
def test_the_types_that_comments_name_hold():
    checks = ["--noEmit", "--allowJs", "--checkJs", "--strict"]
    language = ["--target", "es2022", "--module", "es2022", "--lib", "es2022,dom"]
    command = [TSC, *checks, *language, *PLAYER.glob("*.js")]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_the_modules_pass_their_own_tests():
    files = sorted(Path(__file__).parent.glob("*.test.mjs"))
    assert files
    done = subprocess.run([NODE, "--test", *files], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
