"""Seeded faults: each a small edit of the package's source, made while it is imported, never on
disk.

A fault names a room, an anchor that occurs once in its source, and a text after it with what stands
there instead. As a pytest plugin (`pytest -p faults`, with the variable FAULT naming one) this
module lets a run of the tests import the faulty package. Hypothesis then only looks for a failure;
it does not shrink it.
"""

import os
import runpy
import shutil
import subprocess
import sys
import tempfile
from importlib.machinery import PathFinder, SourceFileLoader
from importlib.util import find_spec, spec_from_file_location
from pathlib import Path

from hypothesis import HealthCheck, Phase, settings

HEART = Path(find_spec("micrograd_plus").submodule_search_locations[0], "heart")
IN_C = "in C: "  # before the name of a fault of the heart in C
REACH = 2000  # how many characters after its anchor a fault may lie


def row(name, old, new):
    return in_table(f'\n    "{name}",\n', old, new)


def in_table(anchor, old, new):
    """A fault in the file of the table that has the anchor."""
    folder = Path(find_spec("micrograd_plus").submodule_search_locations[0], "ops")
    room = next(
        (
            path.stem
            for path in sorted(folder.glob("*.py"))
            if anchor in path.read_text(encoding="utf-8")
        ),
        "",
    )
    return f"ops.{room}", anchor, old, new


FAULTS = {
    # Rules of single rows: a wrong sign, a missing factor, a wrong operand, a lost edge.
    "add loses its second operand": row("add", "(1.0, 1.0)", "(1.0, None)"),
    "sub adds": row("sub", "(1.0, -1.0)", "(1.0, 1.0)"),
    "mul does not swap": row("mul", "(y, x)", "(x, y)"),
    "mul loses its second operand": row("mul", "(y, x)", "(y, None)"),
    "div has no sign": row("div", "-div(out, y)", "div(out, y)"),
    "div divides once": row("div", "-div(out, y)", "-out"),
    "div confuses its operands": row("div", "div(1.0, y)", "div(1.0, x)"),
    "identity doubles": row("identity", "out, x: 1.0", "out, x: 2.0"),
    "neg does not turn": row("neg", "out, x: -1.0", "out, x: 1.0"),
    "sum loses its last operand": row("sum", "(1.0,) * len(xs)", "(*(1.0,) * (len(xs) - 1), 0.0)"),
    "sum is a mean": row("sum", "(1.0,) * len(xs)", "(1.0 / len(xs),) * len(xs)"),
    "dot does not swap": row(
        "dot",
        "*factors[len(factors) // 2 :],\n        *factors[: len(factors) // 2],",
        "*factors,",
    ),
    "dot loses its bias": row("dot", "1.0,\n        *factors", "None,\n        *factors"),
    "where takes the other branch": row(
        "where",
        "1.0 - equal(condition, 0.0), equal(condition, 0.0)",
        "equal(condition, 0.0), 1.0 - equal(condition, 0.0)",
    ),
    "where takes both branches": row(
        "where", "1.0 - equal(condition, 0.0), equal(condition, 0.0)", "1.0, 1.0"
    ),
    "where scales with 0": row("where", 'gate="routes"', 'gate="scales"'),
    "relu has slope 1 at 0": row("relu", "step(x)", "1.0 - step(-x)"),
    "relu leaks": row("relu", "step(x)", "0.01 + 0.99 * step(x)"),
    "hard_tanh is blocked at its corners": row(
        "hard_tanh", "1.0 - step(abs(x) - 1.0)", "step(1.0 - abs(x))"
    ),
    "hard_tanh never saturates": row("hard_tanh", "1.0 - step(abs(x) - 1.0)", "1.0"),
    "leaky_relu forgets its slope": row(
        "leaky_relu", "step(x) + slope * (1.0 - step(x))", "step(x)"
    ),
    "leaky_relu's slope is a constant": row("leaky_relu", "x * (1.0 - step(x))", "None"),
    "abs has no sign": row("abs", "sign(x)", "1.0"),
    "abs has slope 1 at 0": row("abs", "sign(x)", "sign(x) + equal(x, 0.0)"),
    "pow keeps its exponent": in_table("def _power_slope", "y * pow(x, y - 1.0)", "y * pow(x, y)"),
    "pow forgets the factor": in_table(
        "def _power_slope", "y * pow(x, y - 1.0)", "pow(x, y - 1.0)"
    ),
    "pow has no logarithm": in_table("def _exponent_slope", "out * log(x)", "out"),
    "pow at 0 to the 0 is nan": in_table(
        "def _exponent_slope",
        "where(equal(x, 0.0) * less_equal(0.0, y), 0.0, out * log(x))",
        "out * log(x)",
    ),
    "sqrt forgets its half": row("sqrt", "div(0.5,", "div(1.0,"),
    "cbrt forgets its third": in_table("def _cbrt_slope", "div(div(out, x), 3.0)", "div(out, x)"),
    "hypot confuses its operands": row(
        "hypot",
        "(_cosine(x, y, out), _cosine(y, x, out))",
        "(_cosine(y, x, out), _cosine(x, y, out))",
    ),
    "exp has another slope": row("exp", "out, x: out", "out, x: out + 1.0"),
    "exp2 forgets its factor": row("exp2", "out * math.log(2)", "out"),
    "expm1 is its own slope": row("expm1", "out, x: exp(x)", "out, x: out"),
    "log has a slope below 0": in_table(
        "def _logarithm",
        "where(less(x, pole), nan, div(1.0, reciprocal(x) + 0.0))",
        "div(1.0, reciprocal(x) + 0.0)",
    ),
    "log10 has the factor of log2": row("log10", "math.log(10)", "math.log(2)"),
    "log1p forgets its 1": row("log1p", "1.0 + x", "x"),
    "sin has a wrong sign": row("sin", "cos(x)", "-cos(x)"),
    "cos has a wrong sign": row("cos", "-sin(x)", "sin(x)"),
    "tan subtracts": row("tan", "1.0 + out * out", "1.0 - out * out"),
    "acos has a wrong sign": row("acos", "-1.0", "1.0"),
    "atan forgets to square": row("atan", "x * x", "x"),
    "atan2 confuses its operands": row("atan2", "_over_square(x, y, x)", "_over_square(y, y, x)"),
    "atan2 divides once": row("atan2", "-_over_square(y, y, x)", "-div(y, hypot_row(y, x))"),
    "cosh has a wrong sign": row("cosh", "sinh(x)", "-sinh(x)"),
    "asinh subtracts": row("asinh", "hypot_row(1.0, x)", "sqrt(abs(1.0 - x * x))"),
    "acosh forgets a root": row(
        "acosh", "sqrt(x - 1.0) * sqrt(x + 1.0)", "sqrt(x - 1.0) * (x + 1.0)"
    ),
    "softplus has tanh's slope": row("softplus", "out, x: sigmoid(x)", "out, x: tanh(x)"),
    "silu forgets a term": row("silu", "1.0 + x * sigmoid(-x)", "1.0"),
    "erf forgets a 2": row("erf", "2 / math.sqrt", "1 / math.sqrt"),
    "erfc has a wrong sign": row("erfc", "-2 / math.sqrt", "2 / math.sqrt"),
    "logsumexp does not normalise": in_table(
        "def _softmax", "div(where(infinite, tie, e), total)", "where(infinite, tie, e)"
    ),
    "a tie counts in full": in_table("def _ties", "div(tie, count)", "tie"),
    "a maximum passes to the first two": in_table(
        "def _ties", "div(tie, count)", "0.5 + 0.0 * tie"
    ),
    # Right where functions are tame, wrong in the tails or at an edge.
    "tanh's slope cancels in its tails": row("tanh", "sech2(x)", "1.0 - out * out"),
    "sigmoid's slope cancels in its tail": row(
        "sigmoid", "0.25 * sech2(0.5 * x)", "out * (1.0 - out)"
    ),
    "atan2's slope overflows": in_table(
        "def _over_square",
        "div(div(side, hypot_row(y, x)), hypot_row(y, x))",
        "div(side, x * x + y * y)",
    ),
    "sqrt's slope at -0": row("sqrt", "out + 0.0", "out"),
    # Right to the first order, wrong to the second.
    "semicircle has a wrong sign": row("semicircle", "-div(x, out)", "div(x, out)"),
    "sech2 forgets its 2": row("sech2", "-2.0 * out", "-1.0 * out"),
    "tanh's slope is a constant": row("tanh", "sech2(x)", "sech2(getattr(x, 'data', x))"),
    "mul's slopes are constants": row(
        "mul", "(y, x)", "(getattr(y, 'data', y), getattr(x, 'data', x))"
    ),
    "exp's slope is a constant": row("exp", "out, x: out", "out, x: getattr(out, 'data', out)"),
    "div's first slope is a constant": row("div", "div(1.0, y)", "div(1.0, getattr(y, 'data', y))"),
    "step has a slope": row("step", "out, x: None", "out, x: 1.0"),
    "sign has a slope": row("sign", "out, x: None", "out, x: 1.0"),
    "conditions have slopes": in_table("def _no_slopes", "None, None\n", "1.0, 1.0\n"),
    "pow is flat at exponent 0": in_table(
        "def _power_slope", "where(equal(x, 0.0), 0.0, slope)", "0.0"
    ),
    "sweeps take 0 times x for x": ("ops.simplify", "def simplified", '"1.0"', '"0.0"'),
    "sweeps take the other branch": (
        "ops.simplify",
        "def simplified",
        "operands[1] if operands[0] else operands[2]",
        "operands[2] if operands[0] else operands[1]",
    ),
    "switches are honoured in first sweeps only": (
        "autodiff",
        "def recorded_gradients",
        'v.primitive.gate != "routes"',
        "True",
    ),
    # Sweeps: a value guard, a double or a lost contribution, a stale adjoint, a wrong order.
    "backward skips an adjoint of 0": (
        "engine",
        "def adjoints",
        "upstream is None or",
        "not upstream or",
    ),
    "backward skips a slope of 0": (
        "engine",
        "def adjoints",
        "partial is not None and",
        "partial and",
    ),
    "backward keeps the last contribution": (
        "engine",
        "def adjoints",
        "part if before is None else before + part\n    if",
        "part\n    if",
    ),
    "backward counts a shared operand double": (
        "engine",
        "def adjoints",
        "upstream * partial",
        "upstream * partial * (1 + (v.operands.count(operand) > 1))",
    ),
    "backward loses a repeated operand": (
        "engine",
        "def adjoints",
        "zip(v.operands,",
        "zip(dict.fromkeys(v.operands),",
    ),
    "backward skips a slope of 0 in one of two operands": (
        "engine",
        "def adjoints",
        "of_y is not None and",
        "of_y and",
    ),
    "backward keeps the last contribution to one of two operands": (
        "engine",
        "def adjoints",
        "adjoint[y] = part if before is None else before + part",
        "adjoint[y] = part",
    ),
    "backward swaps the slopes of two operands": (
        "engine",
        "def adjoints",
        "of_x, of_y = row",
        "of_y, of_x = row",
    ),
    "backward adds to what the other operand has": (
        "engine",
        "def adjoints",
        "found(y)\n                part = upstream * of_y",
        "found(x)\n                part = upstream * of_y",
    ),
    "backward adds slope and adjoint": (
        "engine",
        "def adjoints",
        "upstream * partial",
        "(upstream + partial - 1.0)",
    ),
    "backward goes the wrong way": ("engine", "def adjoints", "in reversed(order)", "in order"),
    "backward starts from 1": ("engine", "def backward", 'as_float(gradient, "backward")', "1.0"),
    "leaves forget earlier passes": (
        "engine",
        "def _end_pass",
        "found.get(v, 0.0) + v._gradient",
        "found.get(v, 0.0)",
    ),
    "inner nodes add up passes": (
        "engine",
        "def _end_pass",
        "v.primitive is None and v._gradient",
        "v._gradient",
    ),
    "switches that are off pass 0": (
        "ops.primitive",
        "def _without_closed",
        "switch or None",
        "switch or 0.0",
    ),
    "backward takes edited leaves": ("engine", "def backward", "require_fresh(order)", "None"),
    "forward keeps old gradients": (
        "engine",
        "def forward",
        "_gradient=[None] * len(order)",
        "_gradient=[v._gradient for v in order]",
    ),
    "forward reads old values": ("engine", "def forward", "primals.get(o, o._primal)", "o._primal"),
    "forward leaves its clock behind": (
        "engine",
        "def forward",
        "_clock=list(clocks.values())",
        "_clock=[v._clock for v in order]",
    ),
    "forward dates nodes back to the edit": (
        "engine",
        "def forward",
        "now\n                if any(",
        "max(clocks.get(o, o._clock) for o in value_operands(v))\n                if any(",
    ),
    "forward sweep keeps the last contribution": (
        "engine",
        "def tangents",
        "part if before is None else before + part",
        "part",
    ),
    "forward sweep skips a slope of 0": (
        "engine",
        "def tangents",
        "partial is not None and",
        "partial and",
    ),
    "forward sweep subtracts": (
        "engine",
        "def tangents",
        "tangent[operand] * partial",
        "-tangent[operand] * partial",
    ),
    "forward sweep loses all but the first operand": (
        "engine",
        "def tangents",
        "zip(v.operands,",
        "zip(v.operands[:1],",
    ),
    "forward sweep is not recorded": ("engine", "def tangents", "local(v)", "local_gradients(v)"),
    "reverse sweep is not recorded": ("engine", "def adjoints", "local(v)", "local_gradients(v)"),
    "a node may stand in the order twice": (
        "graph",
        "def _walk",
        "operand not in done and",
        "",
    ),
    "operands may come after their users": (
        "graph",
        "def _walk",
        "if below:",
        "if False:",
    ),
    # Transformations.
    "no fresh Values: perturbations are confused": (
        "autodiff",
        "def _fresh",
        "record(ops.identity, (leaf,))",
        "leaf",
    ),
    "one Value for equal numbers": (
        "autodiff",
        "class _Call",
        "_fresh(leaf) for leaf",
        "shared.setdefault(leaf, _fresh(leaf)) for shared in [{}] for leaf",
    ),
    "inner results are numbers": ("autodiff", "def _handed_out", "and not recorded", ""),
    "outer results are Values": ("autodiff", "def _handed_out", "number = number.data", "pass"),
    "constant gradients of Values are floats": (
        "autodiff",
        "def _handed_out",
        "Value(number) if self.as_values",
        "number if self.as_values",
    ),
    "transformations take stale parameters": (
        "engine",
        "def between",
        "require_fresh(order)",
        "pass",
    ),
    "transformations record under no_grad": (
        "autodiff",
        "class _Call",
        "and modes.mode.get().recording",
        "",
    ),
    "an output given twice counts once": (
        "autodiff",
        "def pull",
        "seeds[output] + seed if",
        "seed if",
    ),
    "cotangents in reverse order": (
        "autodiff",
        "def pull",
        "zip(self.outputs,",
        "zip(self.outputs[::-1],",
    ),
    "directions in reverse order": (
        "autodiff",
        "def push",
        "zip(self.inputs,",
        "zip(self.inputs[::-1],",
    ),
    "rows in reverse order": (
        "autodiff",
        "def jacobian",
        "in call.outputs]",
        "in call.outputs[::-1]]",
    ),
    "columns in reverse order": (
        "autodiff",
        "def jacobian",
        "zip(*call.columns())",
        "zip(*call.columns()[::-1])",
    ),
    "unit directions with zeros": (
        "autodiff",
        "def columns",
        "{v: 1.0}",
        "dict.fromkeys(self.inputs, 0.0) | {v: 1.0}",
    ),
    "argnums are sorted": (
        "autodiff",
        "def _partial",
        "[i % len(args) for i in chosen]",
        "sorted(i % len(args) for i in chosen)",
    ),
    "a transformation never ends": ("autodiff", "class _Call", "_depth.reset(token)", "pass"),
    "a mode never ends": ("modes", "def switched", "mode.reset(token)", "pass"),
    "copies share their leaves": (
        "engine",
        "def __deepcopy__",
        "memo[id(o)]",
        "(o if o.primitive is None else memo[id(o)])",
    ),
    "pickles reverse the operands": (
        "engine",
        "def __reduce__",
        "self.operands",
        "self.operands[::-1]",
    ),
}


# Faults of the heart in C, which is compiled anew with each: a file, and the same three texts.
FAULTS_IN_C = {
    "a sweep loses the last operand": (
        "sweeps.c",
        "static int sweep_back",
        "k < size; k++",
        "k + 1 < size; k++",
    ),
    "a sweep loses a repeated operand": (
        "sweeps.c",
        "static int sweep_back",
        "to == NO_PLACE",
        "to == NO_PLACE || (k && to == operands[k - 1])",
    ),
    "a sweep keeps the last contribution": (
        "sweeps.c",
        "static int sweep_back",
        "+= upstream * slope",
        "= upstream * slope",
    ),
    "a sweep adds slope and adjoint": (
        "sweeps.c",
        "static int sweep_back",
        "+= upstream * slope",
        "+= upstream + slope - 1.0",
    ),
    "a sweep goes on where nothing arrived": (
        "sweeps.c",
        "static int sweep_back",
        "placed->row && adjoint->is_there[i]",
        "placed->row",
    ),
    "what an earlier sweep reached counts as reached": (
        "sweeps.c",
        "static int make_numbers",
        "memset(numbers->is_there, 0, count);",
        ";",
    ),
    "adjoints begin where an earlier sweep left them": (
        "sweeps.c",
        "static int make_numbers",
        "numbers->number[i] = -0.0;",
        ";",
    ),
    "adjoints begin with 0, which takes a sign": (
        "sweeps.c",
        "static int make_numbers",
        "= -0.0;",
        "= 0.0;",
    ),
    "a row's earlier slopes are used again": (
        "sweeps.c",
        "static int compute_slopes",
        "run(program, r, r + registers);",
        ";",
    ),
    "a pass that fails is committed": (
        "sweeps.c",
        "static PyObject *swept_backward",
        "if (sweep_back(&order, &adjoint) == 0) {",
        "sweep_back(&order, &adjoint);\n        {",
    ),
    "a pass is committed to a node that it has not reached": (
        "sweeps.c",
        "static PyObject *swept_backward",
        "adjoint.is_there[i], adjoint",
        "1, adjoint",
    ),
    "switches that are off pass 0": (
        "sweeps.c",
        "static inline int slope_in",
        "return !(slopes->routes && *found == 0.0)",
        "return 1",
    ),
    "constants have the slopes": (
        "sweeps.c",
        "static inline unsigned mask_of",
        "!= NO_PLACE",
        "== NO_PLACE",
    ),
    "a pass is committed twice": (
        "sweeps.c",
        "static inline void end_pass",
        "adjoint + v->gradient",
        "2.0 * adjoint + v->gradient",
    ),
    "leaves forget earlier passes": (
        "sweeps.c",
        "static inline void end_pass",
        "!v->row && v->size & KNOWN",
        "0",
    ),
    "inner nodes add up passes": (
        "sweeps.c",
        "static inline void end_pass",
        "!v->row && v->size & KNOWN",
        "v->size & KNOWN",
    ),
    "a pass starts from 2": (
        "sweeps.c",
        "static PyObject *swept_backward",
        "= gradient;",
        "= 2.0 * gradient;",
    ),
    "a pass takes edited leaves": (
        "sweeps.c",
        "static PyObject *swept_backward",
        "!order.stale && ",
        "",
    ),
    "transformations take stale parameters": (
        "sweeps.c",
        "static PyObject *heart_between",
        "        !order.stale)",
        "        1)",
    ),
    "forward keeps old gradients": (
        "sweeps.c",
        "static PyObject *swept_forward",
        "forget_gradient(u);",
        ";",
    ),
    "forward reads old values": (
        "sweeps.c",
        "static int evaluate_again",
        "from == NO_PLACE ? number_in(v->operands[k]) : primal[from]",
        "number_in(v->operands[k])",
    ),
    "forward leaves its clock behind": (
        "sweeps.c",
        "static int evaluate_again",
        "if (changed)",
        "if (0)",
    ),
    "forward dates what was fresh": (
        "sweeps.c",
        "static int evaluate_again",
        "if (changed)",
        "if (1)",
    ),
    "the forward sweep keeps the last contribution": (
        "sweeps.c",
        "static int sweep_on",
        "tangent->number[i] +=",
        "tangent->number[i] =",
    ),
    "the forward sweep goes over seeds": (
        "sweeps.c",
        "static int sweep_on",
        "!tangent->is_there[i] && ",
        "",
    ),
    "places of an earlier walk are believed": (
        "order.c",
        "static inline int is_placed",
        "order->placed[v->place].node == v",
        "1",
    ),
    "operands are placed from right to left": (
        "order.c",
        "static int walk",
        "v->operands[top->next++]",
        "v->operands[size - ++top->next]",
    ),
    "edges to a shared operand are lost": (
        "order.c",
        "static inline int note_operands",
        "if (IS_FLOAT(o))",
        "if (IS_FLOAT(o) || (i && o == v->operands[0]))",
    ),
    "edges that lie behind a stop are lost": (
        "order.c",
        "static int order_of(",
        "o[i] = is_each_once ? first + stop",
        "o[i] = is_each_once ? NO_PLACE",
    ),
    "the order is handed out backwards": (
        "order.c",
        "static PyObject *list_of",
        "order->placed[i].node",
        "order->placed[order->count - 1 - i].node",
    ),
    "an edit leaves the clock": ("attributes.c", "static int set_data", "++edits", "edits"),
    "recording knows no modes": ("nodes.c", "static PyObject *recorded", "if (present)", "if (0)"),
    "operands are turned": (
        "nodes.c",
        "static inline PyObject *binary",
        "operands[turned] = Py_NewRef(self);\n    operands[!turned] = number;",
        "operands[!turned] = Py_NewRef(self);\n    operands[turned] = number;",
    ),
    "a program stops before its end": (
        "programs.c",
        "static void run",
        "i < program->steps",
        "i + 1 < program->steps",
    ),
    "weights meet the inputs backwards": (
        "programs.c",
        "static double evaluate_many",
        "x[i + count / 2]",
        "x[count - i]",
    ),
    "a choice takes the other branch": (
        "programs.c",
        "static double evaluate_many",
        "x[1] : x[2]",
        "x[2] : x[1]",
    ),
    "a tape takes equal instructions for different ones": (
        "recorder.c",
        "static inline int is_line",
        "return 1;",
        "return 0;",
    ),
    "a tape takes different instructions for equal ones": (
        "recorder.c",
        "static inline int is_line",
        "same->code != code || ",
        "",
    ),
    "a tape looks for equal instructions where there are none": (
        "recorder.c",
        "static ALWAYS_INLINE int line(",
        "latest > newest",
        "latest < newest",
    ),
    "a tape gives up its search at the first older instruction": (
        "recorder.c",
        "static int search_line",
        "*place >= latest",
        "*place <= latest",
    ),
    "a tape does not look into its table": (
        "recorder.c",
        "static int search_line",
        "last == NO_LINE",
        "1",
    ),
    "a tape keeps nans apart": (
        "recorder.c",
        "static int constant(",
        "if (number != number)",
        "if (0)",
    ),
    "a tape drops a sum with 0": (
        "recorder.c",
        "static int is_neutral",
        " && signbit(number)",
        "",
    ),
    "a tape chooses by a constant the other way": (
        "recorder.c",
        "static int simplified(",
        "? operands[1] : operands[2]",
        "? operands[2] : operands[1]",
    ),
    "a tape's sums of contributions are not told apart": (
        "recorder.c",
        "static int plus(",
        "found->is_sum = 1",
        "found->is_sum = 0",
    ),
    "a tape forgets one of two conditions": (
        "recorder.c",
        "static int both(",
        "return select_or(flat, c, d, 0.0, found);",
        "*found = c;\n    return 0;",
    ),
    "a tape forgets that one contribution has no condition": (
        "recorder.c",
        "static int either(",
        "c == d ? c : NOT_THERE",
        "c == NOT_THERE ? d : c",
    ),
    "a tape passes what a constant switch holds back": (
        "recorder.c",
        "static int pass_on",
        "if (flat->constants[~condition] == 0.0)",
        "if (0)",
    ),
    "a tape keeps what is dead": (
        "recorder.c",
        "static int find_live",
        "is_live[outputs[i]] = 1",
        "memset(marks, 1, size)",
    ),
    "a tape's adjoints are named after the first": (
        "recorder.c",
        "static int adjoints_of",
        "with != has_label[at]",
        "with == has_label[at]",
    ),
    "a tape lowers no constant": (
        "recorder.c",
        "static int lower(",
        "o < 0 ? constants[~o]",
        "o < 0 ? 0",
    ),
    "a snapshot has no eye for numbers": (
        "snapshot.c",
        "static PyObject *snapshot_same",
        "are_same_numbers(x->numbers, y->numbers, x->numbered)",
        "1",
    ),
    "a snapshot has no eye for edits": (
        "snapshot.c",
        "static PyObject *snapshot_same",
        "!x->is_stale && !y->is_stale && ",
        "",
    ),
    "a snapshot takes one operand's number for another's": (
        "snapshot.c",
        "static int note_gates",
        "operands[k])",
        "operands[0])",
    ),
    "derivatives in some things are those in others": (
        "recorder.c",
        "static int32_t *output_refs",
        "of->count + i",
        "of->count + i - first",
    ),
    "a tape is recorded after an edit": (
        "recorder.c",
        "static int is_stale",
        "return 1;",
        "return 0;",
    ),
    "the gradient of a check starts from 2": (
        "sweeps.c",
        "static PyObject *heart_gradient",
        "adjoint.number[root] = 1.0",
        "adjoint.number[root] = 2.0",
    ),
    "a run takes in whatever is alike": (
        "runs.c",
        "static int joins(",
        "if (s->of[k].index != run->first[k] + n * run->step[k])",
        "if (0)",
    ),
    "memory of parameters and constants is used again": (
        "runs.c",
        "static void find_last_users(",
        "runs[PARAMETERS].last = runs[CONSTANTS].last = ALWAYS;",
        ";",
    ),
    "memory of an output is used again": (
        "runs.c",
        "static void find_last_users(",
        "if (!is_only_an_output(plan, plan->given->output[k]))",
        "if (0)",
    ),
    "what is routed to another number is routed to nothing": (
        "runs.c",
        "static int is_term(",
        "return is_nothing(plan,",
        "return 1 || is_nothing(plan,",
    ),
    "a product of several users becomes part of one": (
        "runs.c",
        "static void find_users(",
        "plan->user[o[k]] == NOBODY ? i : MANY_USERS",
        "i",
    ),
    "what all points share is computed point by point": (
        "runs.c",
        "static int32_t only_user(",
        "plan->varies[first + user] == plan->varies[r] ? user : NOBODY",
        "user",
    ),
    "terms of a sum are added from the last": ("runs.c", "case ADD:", "turn_terms(plan);", ";"),
    "a point that is not there is summed": (
        "lanes.c",
        "NAME(settle)(const",
        "int l = block->valid;",
        "int l = block->valid + 1;",
    ),
    "results that are used twice become part of an expression": (
        "rolling.c",
        "static int waits(",
        "self->uses[r] != 1 || ",
        "",
    ),
    "statements at uneven distances are one loop": (
        "rolling.c",
        "static int even_takes(",
        "if (run->count > 1)",
        "if (0)",
    ),
    "terms at uneven distances are one loop": (
        "rolling.c",
        "static int add_segment(",
        "count > 1 && ",
        "0 && ",
    ),
    "zero and minus zero are one constant in loops": (
        "rolling.c",
        "static int32_t immediate_of(",
        "!memcmp(given->number + constant, IMMEDIATES + k, sizeof(double))",
        "given->number[constant] == IMMEDIATES[k]",
    ),
    "a stretch of a column is used again too early": (
        "columns.c",
        "static void give_slots(",
        "if (has_slot && last[operand] == i)",
        "if (has_slot && last[operand] >= 0)",
    ),
    "an output that no step has put there is left": (
        "columns.c",
        "static int run_stretches(",
        "if (from->at != to)",
        "if (0)",
    ),
    "a number that is not finite is not told of": (
        "lanes.c",
        "static int NAME(are_finite)(",
        "<= DBL_MAX ? 0 : 1",
        "<= DBL_MAX ? 0 : 0",
    ),
    "neighbours are folded in place of halves": (
        "lanes.c",
        "WIDTH == 8 && defined(SHUFFLE)",
        "AT(lane[h]) + AT(lane[h] + 8)",
        "AT(lane[h] + 8) - AT(lane[h])",
    ),
    "eight results at a time lose the last": (
        "lanes.c",
        "NAME(sum_anywhere)(const",
        "t6, t7};",
        "t6, t6};",
    ),
}


def edited(source, fault):
    """The source of a room with a fault in it; raises ValueError when the fault does not fit
    there.
    """
    _, anchor, old, new = fault
    if source.count(anchor) != 1:
        raise ValueError(f"{anchor!r} occurs {source.count(anchor)} times, not once")
    start = source.index(anchor)
    place = source.find(old, start, start + REACH)
    if place < 0:
        raise ValueError(f"there is no {old!r} soon after {anchor!r}")
    return source[:place] + new + source[place + len(old) :]


def source_of(room):
    if room.endswith(".c"):
        return (HEART / room).read_text(encoding="utf-8")
    return Path(find_spec(f"micrograd_plus.{room}").origin).read_text(encoding="utf-8")


def faulty_library(fault):
    """The heart in C with a fault in it, compiled in a folder of its own."""
    folder = Path(tempfile.mkdtemp())
    shutil.copytree(HEART, folder / "heart", ignore=shutil.ignore_patterns("*.so"))
    (folder / "heart" / fault[0]).write_text(edited(source_of(fault[0]), fault), encoding="utf-8")
    building = runpy.run_path(str(folder / "heart" / "build.py"))
    sources = runpy.run_path(str(HEART / "sources.py"))  # it must not be told as another's
    command = building["command"](sources["digest"](), [])
    subprocess.run(command, check=True, capture_output=True)
    return building["LIBRARY"]


class _FaultyLoader(SourceFileLoader):
    # past the cache of compiled files, which must not learn of it
    def get_code(self, fullname):
        return compile(
            edited(self.get_source(fullname), FAULTS[os.environ["FAULT"]]), self.path, "exec"
        )


class _FaultyFinder(PathFinder):
    @classmethod
    def find_spec(cls, fullname, path=None, target=None):
        in_c = FAULTS_IN_C.get(os.environ["FAULT"].removeprefix(IN_C))
        if os.environ["FAULT"].startswith(IN_C):
            if fullname != "micrograd_plus.heart._heart":
                return None
            return spec_from_file_location(fullname, faulty_library(in_c))
        if fullname != f"micrograd_plus.{FAULTS[os.environ['FAULT']][0]}":
            return None
        spec = super().find_spec(fullname, path, target)
        spec.loader = _FaultyLoader(fullname, spec.origin)
        return spec


def pytest_configure(config):
    settings.register_profile(
        "control",
        derandomize=True,
        deadline=None,
        max_examples=50,
        database=None,
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )
    settings.load_profile("control")


if os.environ.get("FAULT"):
    sys.meta_path.insert(0, _FaultyFinder)
