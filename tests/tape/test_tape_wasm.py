"""A tape in WebAssembly, and the module that runs every tape: where a browser's functions play no
part, the bits are Python's.
"""

import json
import random
import subprocess
import sys

import numpy as np
import pytest
from browser_arithmetic import NODE, needs_node
from recordings import ROWS
from tapes import any_number, any_point, any_program, evaluate, same_bits
from wasm_programs import LANGUAGES, ran, tasks_of

from micrograd_plus import Tape, Value, custom, ops, record
from micrograd_plus.nn import MLP
from micrograd_plus.player import tapes as in_browser
from micrograd_plus.tape.executors.llvm.data import GATES
from micrograd_plus.tape.executors.python import Replay, sum_of_chunk
from micrograd_plus.tape.lowering import INSTRUCTIONS, lowered, operation
from micrograd_plus.tape.wasm import binary, interpreter_module, module

EXACT = {*INSTRUCTIONS, "floor", "fmod"}
INPUTS = 3


def is_exact(row):
    leaves = [Value(0.5 + i) for i in range(row.arity or 3)]
    program = lowered(Tape.of(row(*leaves), leaves).program)
    return {operation(r) for r in program.table} <= EXACT


EXACT_ROWS = [row for row in ROWS if is_exact(row)]


def drawn(seed, rows=EXACT_ROWS):
    """A tape of rows, and points for it and its parameters, inf and nan among them."""
    rng = random.Random(seed)
    leaves = [Value(x) for x in any_point(rng)]
    out = evaluate(any_program(rng, rows=rows), leaves)
    shared = rng.randint(0, 2)
    tape = Tape.of(out, leaves[shared:], leaves[:shared])
    points = [[any_number(rng) for _ in leaves[shared:]] for _ in range(rng.choice((1, 5, 19)))]
    return tape, np.array(points), np.array([v.data for v in leaves[:shared]])


def expected(program, name, points, shared):
    values = Replay(program).values(points, shared)
    if name != "sum":
        return values.ravel()
    total = np.zeros(len(program.outputs))
    for start in range(0, len(points), 1024):
        total += sum_of_chunk(values[start : start + 1024])
    return total


def assert_same(made, results):
    for (tape, points, shared), tasks in zip(made, results):
        for name, program in tasks_of(tape).items():
            wanted = expected(program, name, points, shared)
            for language in LANGUAGES:
                assert same_bits(tasks[name][language], wanted).all(), (language, name)


@needs_node
def test_tapes_of_exact_operations_have_python_s_bits(tmp_path):
    made = [drawn(seed) for seed in range(40)]
    assert_same(made, ran(tmp_path, made))


def network(sizes):
    model = MLP(sizes[0], sizes[1:], rng=random.Random(0))
    form = [[0.0] * sizes[0], 1.0]
    return record(lambda x, t: ops.relu(1 - t * model(x)), *form, parameters=model)


@needs_node
def test_points_are_summed_in_the_stated_order(tmp_path):
    tape, rng, made = network([2, 3, 1]), np.random.default_rng(0), []
    for count in (0, 1, 15, 16, 100, 1024, 2_100):
        points = rng.normal(size=(count, 3)) * 10.0 ** rng.integers(-9, 9, size=(count, 1))
        made.append((tape, points, tape._shared(None)))
    assert_same(made, ran(tmp_path, made))


@needs_node
def test_a_long_irregular_tape_is_data_in_its_module(tmp_path):
    rng = random.Random(1)

    def walk(x, y):
        for _ in range(900):
            x, y = y, rng.choice((ops.relu, abs, ops.sqrt))(x * rng.uniform(-2, 2)) - y / 3
        return x

    tape = record(walk, 0.3, 0.4, check=False)
    made = [(tape, np.array([[0.3, 0.4], [np.nan, 1.0]] * 10), np.array([]))]
    assert_same(made, ran(tmp_path, made))


@needs_node
def test_functions_are_the_browser_s(tmp_path):
    made = [drawn(seed, ROWS) for seed in range(40)]
    made.append((network([2, 16, 16, 1]), np.ones((3, 3)), network([2, 16, 16, 1])._shared(None)))
    for tasks in ran(tmp_path, made):
        for of_task in tasks.values():
            first, *others = [of_task[language] for language in LANGUAGES]
            assert all(same_bits(first, other).all() for other in others)


@needs_node
def test_the_module_that_ships_does_what_one_made_anew_does(tmp_path):
    made = [drawn(seed, ROWS) for seed in range(100)]
    kept, anew = [
        ran(tmp_path, made, interpreter, own=False)
        for interpreter in (in_browser.interpreter(), interpreter_module())
    ]
    for of_kept, of_anew in zip(kept, anew):
        for name, languages in of_kept.items():
            for language, numbers in languages.items():
                assert same_bits(numbers, of_anew[name][language]).all()


def test_the_command_makes_the_module_anew(tmp_path):
    made = tmp_path / "interpreter.wasm"
    command = [sys.executable, "-m", "micrograd_plus.tape.wasm"]
    subprocess.run([*command, made], check=True)
    assert made.read_bytes() == interpreter_module()
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 1
    assert "usage" in done.stderr


@needs_node
def test_the_gates_are_numbered_alike():
    path = in_browser.__file__.replace(".py", ".js")
    script = f"import {{ GATES }} from {json.dumps(path)}; console.log(JSON.stringify(GATES));"
    command = [NODE, "--input-type=module", "-e", script]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert json.loads(done.stdout) == list(GATES), (
        "make the module anew, and number them in tapes.js"
    )


def test_a_custom_row_is_refused_with_its_name():
    cubed = custom("cubed_in_wasm", lambda x: x**3, lambda out, x: 3 * x * x)
    tape = record(lambda x: cubed(x) + 1, 2.0)
    message = r"does not know the custom row\(s\) cubed_in_wasm: write what they do in functions"
    with pytest.raises(ValueError, match=message):
        tape.to_wasm()
    with pytest.raises(ValueError, match=message):
        in_browser.program_as_data(tape.program)


def test_without_llvm_the_error_names_the_extra(monkeypatch):
    monkeypatch.setattr("micrograd_plus.tape.tape.find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"micrograd-plus\[fast\]"):
        record(lambda x: x * x, 1.0).to_wasm()


def test_an_llvm_without_webassembly_is_told(monkeypatch):
    def unknown(triple):
        raise RuntimeError(f"No available targets are compatible with triple {triple}")

    monkeypatch.setattr(module.llvm.Target, "from_triple", unknown)
    with pytest.raises(RuntimeError, match="was built without WebAssembly"):
        module._compiler.__wrapped__()


def test_an_object_file_that_needs_more_than_a_module_has_is_refused():
    layout = binary.Layout(binary.PAGE, [], binary.PAGE)
    for declared, message in (
        ("declare double @puts(double)", "calls puts, which nobody brings"),
        ("@x = external global double", "has addresses that a linker would fill"),
    ):
        use = "call double @puts(double 1.0)" if "puts" in declared else "load double, ptr @x"
        text = f"{declared}\ndefine double @f() {{ %y = {use}\n ret double %y }}"
        compiled = module._compiler().emit_object(module.llvm.parse_assembly(text))
        with pytest.raises(RuntimeError, match=message):
            binary.linked(compiled, ["f"], layout)
