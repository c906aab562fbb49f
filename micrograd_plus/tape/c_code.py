"""A tape as C11: functions that need nothing but the C library's mathematics, and a header.

What repeats in the program is a loop, so the text grows with the program's variety, not its length.
Every sum and product is in the order of the tape. Functions are called through pointers that a
compiler cannot see through, so none is replaced by another, as `pow(x, 2.0)` by `x * x` would be.
The numbers have the tape's bits where the compiler keeps to the C standard: no -ffast-math, and
-ffp-contract=off for those that would fuse a product and a sum.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from string import Template
from textwrap import indent, wrap
from typing import NamedTuple

from ..support.files import write_whole
from .executors.llvm.rolling import (
    LANES,
    LEAF,
    OUTPUT,
    PARAMETER,
    SHARED,
    Address,
    Nest,
    Segment,
    Shape,
    rolled,
)
from .lowering import FUNCTIONS, lowered_for
from .program import MOST, FlatProgram

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,39}", re.ASCII)
_KEYWORDS = (
    "alignas alignof and and_eq asm auto bitand bitor bool break case catch char class compl "
    "concept const consteval constexpr constinit const_cast continue decltype default delete do "
    "double dynamic_cast else enum explicit export extern false float for friend goto if inline "
    "int long mutable namespace new noexcept not not_eq nullptr operator or or_eq private "
    "protected public register reinterpret_cast requires restrict return short signed sizeof "
    "static static_assert static_cast struct switch template this thread_local throw true try "
    "typedef typeid typename union unsigned using virtual void volatile wchar_t while xor xor_eq"
)
# what <math.h> and <stddef.h> declare, most of it with f and l behind it, too; and main
_DECLARED = (
    "acos acosh asin asinh atan atan2 atanh cbrt ceil copysign cos cosh double_t drem erf erfc exp "
    "exp10 exp2 expm1 fabs fdim finite float_t floor fma fmax fmin fmod fpclassify frexp gamma "
    "huge_val hypot ilogb infinity isfinite isgreater isinf isless isnan isnormal isunordered j0 "
    "j1 jn ldexp lgamma llrint llround log log10 log1p log2 logb lrint lround main max_align_t "
    "modf nan nearbyint nextafter nexttoward null offsetof pow ptrdiff_t remainder remquo rint "
    "round scalb scalbln scalbn signbit signgam significand sin sincos sinh size_t sqrt tan tanh "
    "tgamma trunc y0 y1 yn"
)
# NAME.h would be taken for a header of the library; and what some compilers define
_OTHERS = (
    "assert complex ctype errno fenv float inttypes iso646 limits linux locale math setjmp signal "
    "stdalign stdarg stdatomic stdbool stddef stdint stdio stdlib stdnoreturn string tgmath "
    "threads time uchar unix wchar wctype"
)
# what else a program is linked with, and calls without asking: compilers write loops as memset
_LINKED = (
    "abort abs aligned_alloc asctime at_quick_exit atexit atof atoi atol atoll bsearch btowc "
    "calloc clearerr clock close connect ctime difftime div exit fclose feof ferror fflush fgetc "
    "fgetpos fgets fopen fork fprintf fputc fputs fread free freopen fscanf fseek fsetpos ftell "
    "fwrite getc getchar getenv gets gmtime isalnum isalpha isblank iscntrl isdigit isgraph "
    "islower isprint ispunct isspace isupper isxdigit labs ldiv llabs lldiv localeconv localtime "
    "longjmp malloc mblen mbstowcs mbtowc memchr memcmp memcpy memmove memset mktime open perror "
    "pipe printf putc putchar puts qsort quick_exit raise rand read realloc remove rename rewind "
    "scanf setbuf setlocale setvbuf snprintf srand sprintf sscanf stderr stdin stdout strcat "
    "strchr strcmp strcoll strcpy strcspn strdup strerror strftime strlen strncat strncmp strncpy "
    "strpbrk strrchr strspn strstr strtod strtof strtok strtol strtold strtoll strtoul strtoull "
    "strxfrm system timespec_get tmpfile tmpnam tolower toupper ungetc vfprintf vfscanf vprintf "
    "vscanf vsnprintf vsprintf vsscanf wait wcstombs wctomb write"
)
_RESERVED = {f"{name}{of}" for name in _DECLARED.split() for of in ("", "f", "l")}
_RESERVED |= {*_KEYWORDS.split(), *_OTHERS.split(), *_LINKED.split()}
_OPERATORS = {"fadd": "+", "fsub": "-", "fmul": "*", "fdiv": "/"}
_COMPARISONS = {"olt": "<", "ole": "<=", "oeq": "=="}
_EXACT = ("fabs", "sqrt", "floor")  # whoever computes them, the result is the same
_PLACES = {LANES: "w", SHARED: "s", PARAMETER: "p", OUTPUT: "y"}
_NESTS = 500  # nests in one function: compilers need more than twice the time for twice as many
_TERMS = 4  # that stand in one line

_HEADER = Template("""\
/*
 * ${name}: a recorded program, written by micrograd_plus.
 *
$names * A point is ${NAME}_INPUTS numbers. `work` is room for ${NAME}_WORK numbers, which mean
 * nothing before and after. No two of the arrays may overlap. The functions keep nothing, so
 * threads may call them at once, each with its own `work`. They give the bits of the program when
 * they are compiled without -ffast-math, and with -ffp-contract=off where products and sums would
 * be fused.
 */
#ifndef ${NAME}_H
#define ${NAME}_H

#include <stddef.h>

#define ${NAME}_INPUTS $inputs
#define ${NAME}_PARAMETERS $parameters
#define ${NAME}_OUTPUTS $outputs
#define ${NAME}_WORK $work

#ifdef __cplusplus
extern "C" {
#endif

$declarations

#ifdef __cplusplus
}
#endif

#endif
""")

_SOURCE = Template("""\
/* Written by micrograd_plus; ${name}.h says what the functions do. */
#include "${name}.h"

#include <math.h>

#if defined(_MSC_VER) && !defined(__clang__)
#pragma fp_contract(off)
#elif defined(__clang__) || !defined(__GNUC__)
#pragma STDC FP_CONTRACT OFF
#endif

$library
$functions""")

_PART = Template("""\
static void $name(
    const double *restrict x, const double *restrict p, double *restrict s, double *restrict w,
    double *restrict y) {
    (void)x, (void)p, (void)s, (void)w, (void)y;
$body}
""")

_ALONE = Template("""\
$signature {
    double *scratch = work + $shared;
$prologue$body}
""")

_SUM = Template("""\
$signature {
    enum { GIVEN = $given };
    /* l is added to l + 8, such sums at a distance of 4, 2, 1: neighbours in this order */
    static const unsigned char order[16] = {0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15};
    double *scratch = work + $shared;
    double *sums = scratch + $lanes;
    for (size_t k = 0; k < GIVEN; k++) outputs[k] = 0.0;
$prologue    for (size_t chunk = 0; chunk < points; chunk += 1024) {
        size_t end = points - chunk < 1024 ? points : chunk + 1024;
        for (size_t k = 0; k < GIVEN; k++) sums[k] = 0.0;
        for (size_t block = chunk; block < end; block += 16) {
            double *row = sums + GIVEN;
            for (size_t n = 0; n < 16; n++) {
                size_t number = block + order[n];
                if (number < end) {
                    const double *point = inputs + number * $inputs;
$body                } else {
                    for (size_t k = 0; k < GIVEN; k++) row[k] = 0.0;
                }
                for (size_t bit = 1; n & bit; bit *= 2) {
                    row -= GIVEN;
                    for (size_t k = 0; k < GIVEN; k++) row[k] += row[GIVEN + k];
                }
                row += GIVEN;
            }
            for (size_t k = 0; k < GIVEN; k++) sums[k] += sums[GIVEN + k];
        }
        for (size_t k = 0; k < GIVEN; k++) outputs[k] += sums[k];
    }
}
""")


class CCode(NamedTuple):
    """What `Tape.to_c` gives: the texts of NAME.h and NAME.c."""

    name: str
    header: str
    source: str

    def write(self, folder: str | Path) -> tuple[Path, Path]:
        """Write both into a folder that there is, over files of these names; their paths."""
        header = write_whole(Path(folder, f"{self.name}.h"), self.header.encode())
        source = write_whole(Path(folder, f"{self.name}.c"), self.source.encode())
        return header, source


class _Task(NamedTuple):
    """What one function gives, and what is behind the name in its own."""

    ending: str
    what: str
    is_sum: bool = False


_TASKS = (
    _Task("", "The outputs for one point."),
    _Task("_gradient", "The output for one point, then its derivatives in inputs and parameters."),
    _Task("_sum", "The sums over points of the output and its derivatives in parameters.", True),
)


def c_code(name: str, programs: Sequence[FlatProgram], names: Sequence[str]) -> CCode:
    """The functions of programs that give the outputs, and, of a tape with a gradient, these with
    it, and what is summed over points.

    `names` are of the inputs. Raises ValueError for a name that C does not let a function have, and
    where a program has custom rows.
    """
    require_name(name)
    functions = [_Function(name, task, program) for task, program in zip(_TASKS, programs)]
    first = programs[0]
    header = _HEADER.substitute(
        name=name,
        NAME=name.upper(),
        names=_named(names),
        inputs=first.inputs,
        parameters=first.parameters,
        outputs=len(first.outputs),
        work=max(1, *[f.work for f in functions]),
        declarations="\n\n".join([f"/* {f.about} */\n{f.signature};" for f in functions]),
    )
    called = sorted(set[str]().union(*[f.called for f in functions]))
    source = _SOURCE.substitute(
        name=name,
        library="".join([f"{_pointer(name, function)}\n" for function in called]),
        functions="\n".join([f.text() for f in functions]),
    )
    return CCode(name, header, source)


def require_name(name: str) -> None:
    """Raise ValueError unless functions of C may be called that."""
    if not (isinstance(name, str) and _NAME.fullmatch(name)) or name.lower() in _RESERVED:
        raise ValueError(
            "a function of C is called by 1 to 40 letters from a to z, digits and _, a letter "
            f"first, and not by what means something to C or its library already; not {name!r:.60}"
        )


def _named(names: Sequence[str]) -> str:
    """What the inputs are called, as lines of a comment; one that is no identifier is not said."""
    shown = [name if _NAME.fullmatch(name) else "?" for name in names]
    if not set(shown) - {"?"}:
        return ""
    lines = wrap(f"The inputs are {', '.join(shown)}.", 92)
    return "".join([f" * {line}\n" for line in lines]) + " *\n"


def _pointer(name: str, function: str) -> str:
    operands = ", ".join(["double"] * (FUNCTIONS[function].arity or 1))
    return f"static double (*volatile const {name}_{function})({operands}) = {function};"


class _Function:
    """One function of C, with the static ones that do its work."""

    def __init__(self, of: str, task: _Task, program: FlatProgram) -> None:
        self.of, self.name, self.is_sum = of, f"{of}{task.ending}", task.is_sum
        self.about, self.program = task.what, lowered_for(program, "C")
        loops = rolled(self.program, MOST)
        assert loops is not None  # noqa: S101  # no program has as many nests
        self.loops = loops
        self.called: set[str] = set()
        self.prologue = self._parts("shared", loops.prologue, self._constants())
        self.body = self._parts("point", loops.body, self._copied_inputs())

    @property
    def work(self) -> int:
        """How many numbers it needs room for."""
        sums = 6 * len(self.program.outputs) if self.is_sum else 0
        return self.loops.shared + self.loops.lanes + sums

    @property
    def signature(self) -> str:
        """Its declaration, but for the semicolon."""
        count = "size_t points, " if self.is_sum else ""
        arrays = "const double *inputs, const double *parameters, double *outputs, double *work"
        return f"void {self.name}(\n    {count}{arrays})"

    def text(self) -> str:
        """Its definition, behind those of the functions that it calls."""
        own = (_SUM if self.is_sum else _ALONE).substitute(
            signature=self.signature,
            given=len(self.program.outputs),
            inputs=self.program.inputs,
            shared=self.loops.shared,
            lanes=self.loops.lanes,
            prologue=self._calls(self.prologue, "inputs", "outputs", 1),
            body=self._calls(self.body, *self._of_a_point),
        )
        parts = [*self.prologue.items(), *self.body.items()]
        written = [_PART.substitute(name=name, body=body) for name, body in parts]
        return "\n".join([*written, own])

    @property
    def _of_a_point(self) -> tuple[str, str, int]:
        """Where a point is read, where what it gives is written, and how deep that stands."""
        return ("point", "row", 5) if self.is_sum else ("inputs", "outputs", 1)

    def _calls(self, parts: Iterable[str], x: str, y: str, depth: int) -> str:
        calls = [f"{part}({x}, parameters, work, scratch, {y});\n" for part in parts]
        return indent("".join(calls), "    " * depth)

    def _parts(self, what: str, nests: Sequence[Nest], before: str) -> dict[str, str]:
        """What static functions do, by their names: as many as keep each of them short."""
        texts = [before] * bool(before) + [self._nest(nest) for nest in nests]
        starts = range(0, len(texts), _NESTS)
        bodies = ["".join(texts[start : start + _NESTS]) for start in starts]
        return {
            f"{self.name}_{what}_{number}": indent(body, "    ")
            for number, body in enumerate(bodies, 1)
        }

    def _constants(self) -> str:
        """The constants put where loops read them; those that no loop reads are written out."""
        constants = self.program.constants.tolist()
        if not self._is_run_through(SHARED, len(constants)):
            return ""
        listed = "\n".join(wrap(", ".join(map(_literal, constants)), 92))
        return (
            f"static const double constants[{len(constants)}] = {{\n{indent(listed, '    ')}}};\n"
            f"for (size_t k = 0; k < {len(constants)}; k++) s[k] = constants[k];\n"
        )

    def _copied_inputs(self) -> str:
        """The inputs put where loops read them."""
        count = self.program.inputs
        if not self._is_run_through(LANES, count):
            return ""
        return f"for (size_t k = 0; k < {count}; k++) w[k] = x[k];\n"

    def _is_run_through(self, place: str, count: int) -> bool:
        """Whether a loop reads one of the first numbers of a place."""
        nests = (*self.loops.prologue, *self.loops.body)
        read = [address for nest in nests for address in _addresses(nest)]
        return any(a.place == place and any(a.strides) and _least(a) < count for a in read)

    def _nest(self, nest: Nest) -> str:
        """The loops over the statements of a nest, or the one statement."""
        target = self._at(nest.target)
        leaves = iter([self._number(leaf) for leaf in nest.leaves])
        head = self._expression(nest.shape, leaves, inner=bool(nest.segments))
        if len(nest.segments) <= _TERMS and all(s.count == 1 for s in nest.segments):
            terms = [self._term(segment, inner=True) for segment in nest.segments]
            text = f"{target} = {' + '.join([head, *terms])};\n"
        else:
            added = "".join([self._added(segment) for segment in nest.segments])
            text = f"double sum = {head};\n{added}{target} = sum;\n"
            if nest.outer == nest.inner == 1:
                text = f"{{\n{indent(text, '    ')}}}\n"
        return _loop("i", nest.outer, _loop("j", nest.inner, text))

    def _added(self, segment: Segment) -> str:
        return _loop("k", segment.count, f"sum += {self._term(segment, inner=False)};\n")

    def _term(self, segment: Segment, inner: bool) -> str:
        leaves = iter([self._number(leaf) for leaf in segment.leaves])
        return self._expression(segment.shape, leaves, inner)

    def _number(self, address: Address) -> str:
        """What is read at an address: a constant or an input as such where no loop runs."""
        if not any(address.strides):
            constants = self.program.constants
            if address.place == SHARED and address.base < len(constants):
                return _literal(float(constants[address.base]))
            if address.place == LANES and address.base < self.program.inputs:
                return f"x[{address.base}]"
        return self._at(address)

    def _at(self, address: Address) -> str:
        index = ""
        for variable, stride in (("", address.base), *zip("ijk", address.strides)):
            if stride:
                size = "" if abs(stride) == 1 and variable else str(abs(stride))
                sign = " - " if stride < 0 else " + "
                index += sign + " * ".join(filter(None, (size, variable)))
        return f"{_PLACES[address.place]}[{index.removeprefix(' + ') or '0'}]"

    def _expression(self, shape: Shape, leaves: Iterator[str], inner: bool) -> str:
        """An expression, in parentheses where it stands inside another."""
        if shape == LEAF:
            return next(leaves)
        name, *operands = shape
        if name == "=":
            return _literal(float(operands[0]))
        if name in FUNCTIONS or name in _EXACT:
            given = [self._expression(operand, leaves, inner=False) for operand in operands]
            return f"{self._called(name)}({', '.join(given)})"
        given = [self._expression(operand, leaves, inner=True) for operand in operands]
        text = self._operation(name, operands[0], given)
        return f"({text})" if inner else text

    def _called(self, function: str) -> str:
        if function in _EXACT:
            return function
        self.called.add(function)
        return f"{self.of}_{function}"

    def _operation(self, name: str, first: Shape, operands: Sequence[str]) -> str:
        if name == "fneg":
            return f"-{operands[0]}"
        if name == "select":  # for which nan is true, as it is unequal
            compared = operands[0].removeprefix("((double)").removesuffix(")")
            condition = compared if first[0] in _COMPARISONS else f"{operands[0]} != 0.0"
            return f"{condition} ? {operands[1]} : {operands[2]}"
        if name in _COMPARISONS:
            return f"(double)({operands[0]} {_COMPARISONS[name]} {operands[1]})"
        return f"{operands[0]} {_OPERATORS[name]} {operands[1]}"


def _addresses(nest: Nest) -> Iterator[Address]:
    yield from nest.leaves
    for segment in nest.segments:
        yield from segment.leaves


def _least(address: Address) -> int:
    """The lowest place that may lie at an address."""
    return 0 if min(address.strides) < 0 else address.base


def _loop(variable: str, count: int, body: str) -> str:
    if count == 1:
        return body
    head = f"for (size_t {variable} = 0; {variable} < {count}; {variable}++) {{"
    return f"{head}\n{indent(body, '    ')}}}\n"


def _literal(number: float) -> str:
    """A number with all its digits, as C writes it."""
    if math.isnan(number):
        return "NAN"
    if math.isinf(number):
        return "INFINITY" if number > 0.0 else "(-INFINITY)"
    text = repr(number)
    return f"({text})" if text.startswith("-") else text
