"""Arithmetic typed at a command line, made into Values: a small language that Python's own parser
reads for us.

Only a syntax tree is taken from Python, and nothing is ever evaluated, compiled or looked up
outside the table: what is not listed here is refused, with a pointer to its place.
"""

from __future__ import annotations

import ast
import inspect
import math
import re
import textwrap
import unicodedata
import warnings
from collections.abc import Callable, Mapping
from typing import Any

from .. import ops
from ..engine import Value
from ..support.text import did_you_mean, visible

LONGEST_TEXT = 10_000
DEEPEST = 100
LONGEST_WORD = 60  # characters of a name that an error shows
WINDOW = 72  # characters of a line that an error shows
ALLOWED = (
    "Allowed are numbers, names, + - * / % **, one comparison, parentheses, "
    "and functions such as exp(x)."
)

Function = Callable[..., Any]
Operators = dict[type[ast.AST], Function]


def _greater(x: Any, y: Any) -> Any:
    return ops.less(y, x)


def _greater_equal(x: Any, y: Any) -> Any:
    return ops.less_equal(y, x)


ARITHMETIC: Operators = {
    ast.Add: ops.add,
    ast.Sub: ops.sub,
    ast.Mult: ops.mul,
    ast.Div: ops.div,
    ast.Pow: ops.pow,
    ast.Mod: ops.mod,
    ast.USub: ops.neg,
    ast.UAdd: lambda x: x,
}
COMPARISONS: Operators = {
    ast.Lt: ops.less,
    ast.LtE: ops.less_equal,
    ast.Eq: ops.equal,
    ast.NotEq: ops.not_equal,
    ast.Gt: _greater,
    ast.GtE: _greater_equal,
}
OPERATORS = ARITHMETIC | COMPARISONS
HINTS: dict[type[ast.AST], str] = {
    ast.BitXor: "a power is written **, not ^",
    ast.Compare: "only one comparison at a time",
    ast.BoolOp: "choose with where(condition, x, y)",
    ast.IfExp: "choose with where(condition, x, y)",
    ast.JoinedStr: "text is no number",
    ast.keyword: "functions take their operands by place, without names",
}

SYNONYMS = {  # what others call a function of the table
    "ln": "log",
    "lg": "log10",
    "lb": "log2",
    "expit": "sigmoid",
    "logistic": "sigmoid",
    "swish": "silu",
    "sgn": "sign",
    "heaviside": "step",
    "ifelse": "where",
    "select": "where",
    "power": "pow",
}
CONSTANTS = {"pi": math.pi, "tau": math.tau, "e": math.e}
LISTING = "`micrograd-plus draw --help`"


def functions() -> dict[str, Function]:
    """What an expression may call: every row of the table,
    under its names in `micrograd_plus.ops`.
    """
    rows: dict[str, Function] = {row.name: row for row in ops.primitives()}
    names = ("dot", "leaky_relu", "fabs", "max", "min")
    more = {name: getattr(ops, name) for name in names}
    return rows | more


class ExpressionError(ValueError):
    """The text is not an expression.

    The message says why, and points to the place where there is one.
    """


def parse(text: str, leaves: Mapping[str, float]) -> dict[str, Value]:
    """The named Values of `text` in order of computation, the leaves first and the output last.

    The text is one expression, or assignments such as "c = a + b; d = b + 1; e = c * d" separated
    by semicolons or lines, of which the last may be a bare expression: it is then called `result`.
    Every name is given in `leaves` or assigned once, and labels its Value. Raises ExpressionError
    for anything else.

    >>> parse("c = a + b; c * 2", {"a": 1, "b": 2})["result"].data
    6.0
    """
    reader = _Reader(text)
    for name, number in leaves.items():
        reader.define_leaf(name, number)
    *before, last = reader.statements()
    for statement in before:
        reader.assign(statement)
    output = reader.assign(last, bare="result")
    unused = [name for name in leaves if _normal(name) not in reader.used]
    if unused:
        names = ", ".join(map(visible, unused))
        raise ExpressionError(f"a value is given, but not used in the expression, for {names}")
    named = reader.named
    if not isinstance(named[output], Value):
        raise ExpressionError(
            f"{visible(output)} depends on no name, so there is nothing to differentiate"
        )
    ordered = [name for name in named if name != output] + [output]
    return {name: named[name] for name in ordered if isinstance(named[name], Value)}


def _normal(name: str) -> str:
    return unicodedata.normalize("NFKC", name)  # as Python's parser does with every name


class _Reader:
    """One pass over a text, and what it has defined so far."""

    def __init__(self, text: str) -> None:
        if not isinstance(text, str):
            raise ExpressionError(f"an expression is a text, not of type {type(text).__name__}")
        length = len(text)
        if length > LONGEST_TEXT:
            raise ExpressionError(
                f"the expression has {length:,} characters; at most {LONGEST_TEXT:,} are read"
            )
        self.text = textwrap.dedent(text).strip()
        self.lines = re.split("\r\n|\r|\n", self.text)
        self.functions = functions()
        self.named: dict[str, Any] = {}
        self.used: set[str] = set()
        self.assigned: set[str] = set()

    def define_leaf(self, name: str, number: float) -> None:
        name = _normal(name)
        shown = visible(name, LONGEST_WORD)
        if not name.isidentifier() or self._is_reserved(name):
            raise ExpressionError(
                f"{shown!r} cannot name a value: use a word that is no function, such as x1"
            )
        try:
            self.named[name] = Value(number, label=name)
        except (TypeError, OverflowError) as error:
            raise ExpressionError(f"the value of {shown} is no number: {error}") from None

    def statements(self) -> list[ast.stmt]:
        """The statements of the text, at least one."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # about Python that is refused here anyway
                found = ast.parse(self.text).body
        except SyntaxError as error:
            line = min(error.lineno or 1, len(self.lines))
            column = max(error.offset or 1, 1) - 1
            why = "a number has too many digits" if "integer string" in error.msg else error.msg
            raise self._error(f"this is no expression ({why})", line, column) from None
        except (RecursionError, MemoryError):
            raise ExpressionError(
                "the expression is nested too deeply: name an intermediate result"
            ) from None
        except ValueError as error:  # null characters, lone surrogates
            why = visible(error)
            raise ExpressionError(f"this is no expression: {why}. {ALLOWED}") from None
        if not found:
            raise ExpressionError(f"the expression is empty. {ALLOWED}")
        assignments = [one for one in found if isinstance(one, ast.Assign)]
        targets = [target for assignment in assignments for target in assignment.targets]
        self.assigned = {target.id for target in targets if isinstance(target, ast.Name)}
        return found

    def assign(self, statement: ast.stmt, bare: str | None = None) -> str:
        """Take in one statement, and give the name that it defines."""
        match statement:
            case ast.Expr(value=expression) if bare is not None:
                name = self._free(bare)
            case ast.Assign(targets=[ast.Name(id=name) as target], value=expression):
                self._require_free(target)
            case _:
                raise self._error_at(
                    statement,
                    "a statement gives a name to a result, as in c = a + b; only the last one may "
                    "go without",
                )
        result = self.value(expression)
        self.named[name] = result
        if isinstance(result, Value) and not result.label:
            result.label = name
        return name

    def _free(self, bare: str) -> str:
        """A name that nothing has yet: this one, or it with a number behind."""
        if bare not in self.named:
            return bare
        numbered = (f"{bare}{i}" for i in range(LONGEST_TEXT))
        return next(name for name in numbered if name not in self.named)

    def _require_free(self, target: ast.Name) -> None:
        name = target.id
        shown = visible(name, LONGEST_WORD)
        if name in self.named:
            raise self._error_at(
                target, f"{shown} has a value already; each name stands for one node"
            )
        if self._is_reserved(name):
            raise self._error_at(target, f"{shown} cannot be assigned")

    def value(self, node: ast.expr, depth: int = 0) -> Any:
        """The Value or the float that a piece of the expression stands for."""
        if depth > DEEPEST:
            raise self._error_at(
                node, f"this is nested more than {DEEPEST} deep: name an intermediate result"
            )
        match node:
            case ast.Constant(value=int() | float() as number) if type(number) is not bool:
                return self._number(node, number)
            case ast.Name(id=name):
                return self._look_up(node, name)
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
                return self._call(node, name, arguments, depth + 1)
        operator, operands = _operation(node)
        if operator is None:
            raise self._refused(node)
        values = [self.value(operand, depth + 1) for operand in operands]
        return operator(*values)

    def _refused(self, node: ast.expr) -> ExpressionError:
        keywords = getattr(node, "keywords", None)
        refused: Any = keywords[0] if keywords else node
        op = getattr(node, "op", refused)
        hint = HINTS.get(type(op)) or HINTS.get(type(refused))
        told = f" ({hint})" if hint else ""
        return self._error_at(refused, f"this is not arithmetic{told}")

    def _number(self, node: ast.expr, number: float) -> float:
        try:
            real = float(number)
        except OverflowError:
            real = float("inf")
        if real == float("inf"):
            raise self._error_at(node, "this number is too large for a float")
        return real

    def _look_up(self, node: ast.expr, name: str) -> Any:
        if name in self.named:
            self.used.add(name)
            return self.named[name]
        shown = visible(name, LONGEST_WORD)
        if name in self.functions:
            raise self._error_at(
                node, f"{shown} is a function, and is called with operands in parentheses"
            )
        if name.startswith("__"):
            raise self._error_at(node, "names with two leading underscores mean nothing here")
        if name in self.assigned:
            raise self._error_at(
                node, f"{shown} is not known yet here: each name is assigned before it is used"
            )
        near = did_you_mean(name, self.named)
        hint = f" ({near})" if near else ""
        number = CONSTANTS.get(name, 2)
        raise self._error_at(
            node, f"{shown} has no value{hint}; give it one, as in {shown}={number}"
        )

    def _call(self, node: ast.expr, name: str, arguments: list[ast.expr], depth: int) -> Any:
        if name not in self.functions:
            raise self._error_at(node, self._unknown(name))
        operands = [self._operand(argument, depth) for argument in arguments]
        function = self.functions[name]
        counts = _operand_counts(function)
        if counts and len(operands) not in counts:
            many = " or ".join(map(str, counts))
            many += " operand" if counts == (1,) else " operands"
            raise self._error_at(node, f"{name} takes {many}, not {len(operands)}")
        kinds = list(map(type, operands))
        if counts and list in kinds:
            raise self._error_at(node, f"{name} takes its operands one by one, not in a list")
        if name == "dot" and kinds[:2] != [list, list]:
            raise self._error_at(
                node, "dot takes two lists and maybe a bias, as in dot([w1, w2], [x1, x2], b)"
            )
        try:
            return function(*operands)
        except (TypeError, ValueError, OverflowError) as error:
            raise self._error_at(node, visible(error)) from None

    def _operand(self, argument: ast.expr, depth: int) -> Any:
        """What a function is called with: a Value or a float, or a list of them."""
        if isinstance(argument, ast.List):
            return [self.value(x, depth + 1) for x in argument.elts]
        return self.value(argument, depth)

    def _unknown(self, name: str) -> str:
        shown = visible(name, LONGEST_WORD)
        if name in self.named:
            return f"{shown} is a number and no function; a product is written with *"
        synonym = SYNONYMS.get(name.casefold())
        near = f"did you mean {synonym}?" if synonym else did_you_mean(name, self.functions)
        told = f"; {near} All" if near else f"; all {len(self.functions)}"
        return f"there is no function {shown}{told} are listed by {LISTING}"

    def _is_reserved(self, name: str) -> bool:
        return name in self.functions or name.startswith("__")

    def _error_at(self, node: ast.AST, why: str) -> ExpressionError:
        line, offset, is_before = _place(node)
        text = self.lines[line - 1]
        # Python's offsets are in bytes of UTF-8
        before = text.encode()[:offset].decode(errors="ignore")
        column = len(before)
        if is_before:
            behind = text[column:].lstrip(" )")
            column = len(text) - len(behind)
        return self._error(why, line, column)

    def _error(self, why: str, line: int, column: int) -> ExpressionError:
        """An error with the part of the line around the column, and a caret below."""
        whole = self.lines[line - 1]
        length = len(whole)
        middle = min(column, length)
        start = max(0, middle - WINDOW // 2)
        end = start + WINDOW
        before = visible(whole[start:column])
        after = visible(whole[column:end])
        if start > 0:
            before = f"…{before}"
        if end < length:
            after = f"{after}…"
        place = f" in line {line}" if len(self.lines) > 1 else ""
        blanks = " " * len(before)
        return ExpressionError(f"{why}{place}\n    {before}{after}\n    {blanks}^\n{ALLOWED}")


def _operation(node: ast.expr) -> tuple[Function | None, list[ast.expr]]:
    """The function that an operator stands for, and its operands; None where there is none."""
    match node:
        case ast.UnaryOp(op=sign, operand=x):
            return OPERATORS.get(type(sign)), [x]
        case ast.BinOp(left=x, op=between, right=y):
            return OPERATORS.get(type(between)), [x, y]
        case ast.Compare(left=x, ops=[comparison], comparators=[y]):
            return OPERATORS.get(type(comparison)), [x, y]
    return None, []


def _operand_counts(function: Function) -> tuple[int, ...]:
    """How many operands a function of the table takes; nothing when any number or lists will do."""
    if isinstance(function, ops.Primitive):
        return (function.arity,) if function.arity else ()
    parameters = inspect.signature(function).parameters.values()
    if function is ops.dot or any(p.kind is p.VAR_POSITIONAL for p in parameters):
        return ()
    least = sum(p.default is p.empty for p in parameters)
    most = len(parameters)
    return tuple(range(least, most + 1))


def _place(node: ast.AST) -> tuple[int, int, bool]:
    """Line and offset of what an error about the node means;
    True when that is the operator behind this place.
    """
    match node:
        case (
            ast.Compare(comparators=[before, _, *_])
            | ast.Compare(left=before)
            | ast.BinOp(left=before)
        ):
            pass
        case ast.Attribute(value=before) | ast.Subscript(value=before) | ast.IfExp(body=before):
            pass
        case ast.Call(func=ast.Attribute(value=before)):
            pass
        case ast.BoolOp(values=[before, *_]):
            pass
        case _:
            line = getattr(node, "lineno", 1)
            offset = getattr(node, "col_offset", 0)
            return line, offset, False
    return before.end_lineno or 1, before.end_col_offset or 0, True
