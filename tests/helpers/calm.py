"""How calm the source reads, in nodes of the syntax tree a statement, which no formatter changes.

    python tests/helpers/calm.py            # the heart, the package, and micrograd beside them
    python tests/helpers/calm.py FILE ...   # these files alone

A node is one of Python's `ast`; marks of context (Load, Store, Del) are none, for nobody reads
them. Statements inside a statement stand for themselves: of `def`, `class`, `if`, `for`, `while`,
`with`, `try` and `match` only the head counts, which is decorators, arguments with their defaults
and annotations, bases, conditions, targets, what is caught and what is matched. A docstring is one
node. A row of the table, which is one call with a field a line, counts as the same row would if its
fields were assignments in the body of a class: its head is a statement, and each field is one. A
statement is simple if it could hold no other; the share of those above the limit is told of the
simple ones, the average of all. `--whole` counts a row as the one statement that it is to Python.
"""

import argparse
import ast
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

LIMIT = 40
ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "micrograd_plus"


@dataclass(frozen=True)
class Statement:
    """A statement of a file, the line it begins on, and how many nodes one reads there."""

    path: Path
    line: int
    nodes: int
    simple: bool

    def __str__(self):
        path = self.path.relative_to(ROOT) if self.path.is_relative_to(ROOT) else self.path
        return f"{self.nodes:6}  {path}:{self.line}"


def is_docstring(statement):
    """Whether a statement is a text and nothing else."""
    value = statement.value if isinstance(statement, ast.Expr) else None
    return isinstance(value, ast.Constant) and isinstance(value.value, str)


def fields_of(statement):
    """The fields of a row of the table, which are its keyword arguments; of any other statement
    none.
    """
    call = getattr(statement, "value", None)
    is_row = (
        isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "row"
    )
    return call.keywords if is_row else []


def nodes_of(read, apart=()):
    """The nodes of a statement or field without those of the statements inside it, nor of what is
    told apart.
    """
    if is_docstring(read):
        return 1
    count, waiting = 0, [read]
    while waiting:
        node = waiting.pop()
        count += not isinstance(node, ast.expr_context)
        inside = [n for n in ast.iter_child_nodes(node) if n not in apart]
        waiting += [n for n in inside if not isinstance(n, ast.stmt)]
    return count


def statements(files, whole=False):
    """Every statement of some files, and every field of a row, unless rows count as a whole."""
    for path in files:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.stmt):
                fields = [] if whole else fields_of(node)
                yield Statement(
                    path, node.lineno, nodes_of(node, fields), not hasattr(node, "body")
                )
                for field in fields:
                    yield Statement(path, field.lineno, nodes_of(field), simple=True)


def heart():
    """What a first-year student reads in one sitting: the table, the order, the Value."""
    return [*sorted((PACKAGE / "ops").rglob("*.py")), PACKAGE / "graph.py", PACKAGE / "engine.py"]


def over_limit(files):
    """The statements of some files that have more nodes than the limit, the longest first."""
    return sorted((s for s in statements(files) if s.nodes > LIMIT), key=lambda s: -s.nodes)


def report(name, files, whole):
    """A line of figures."""
    found = list(statements(files, whole))
    simple = [s.nodes > LIMIT for s in found if s.simple]
    average = sum(s.nodes for s in found) / len(found)
    return f"{name:20}{len(found):12}{average:14.2f}{100 * sum(simple) / len(simple):17.1f} %"


def worst(name, files, whole, count=10):
    """The longest statements, each with the place where it begins."""
    longest = sorted(statements(files, whole), key=lambda s: -s.nodes)[:count]
    return "\n".join([f"The longest of {name}:", *map(str, longest)])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="*", type=Path, help="files to measure in place of ours")
    parser.add_argument("--whole", action="store_true", help="a row is one statement")
    options = parser.parse_args()
    given = [path.resolve() for path in options.files]
    measured = (
        {"these files": given}
        if given
        else {
            "ops, graph, engine": heart(),
            "the package": sorted(PACKAGE.rglob("*.py")),
        }
    )
    peers = {}
    if not given and (spec := find_spec("micrograd")):
        folder = Path(spec.submodule_search_locations[0])
        peers = {"micrograd": sorted(folder.glob("*.py"))}
    print(f"{'':20}{'statements':>12}{'nodes each':>14}{f'simple over {LIMIT}':>19}")
    for name, files in (measured | peers).items():
        print(report(name, files, options.whole))
    for name, files in measured.items():
        print(f"\n{worst(name, files, options.whole)}")


if __name__ == "__main__":
    main()
