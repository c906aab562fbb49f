"""The measure of calm counts what its docstring says."""

import ast

import pytest
from calm import PACKAGE, Statement, heart, nodes_of, over_limit, statements

COUNTS = {
    "x = 1": 3,  # Assign, Name, Constant
    "x = y.z": 4,  # Attribute and Name in place of the Constant
    "x = a + b": 6,  # BinOp and Add, and two names
    "'a text'": 1,
    "'a text'.split()": 4,
    "return x": 2,
    "def f(x, y=1):\n    return x + y + 1": 5,  # FunctionDef, arguments, two names, one default
    "@cache\ndef f() -> int: return 1": 4,
    "class A(B):\n    x = 1": 2,
    "if x > 0:\n    x = 1\nelse:\n    y = 2": 5,
    "for i in xs:\n    print(i)": 3,
    "try:\n    x = 1\nexcept A:\n    y = 2": 3,
    "with a as b:\n    pass": 4,
    "f = lambda x: [x for x in y if x]": 11,
}


@pytest.mark.parametrize("source", COUNTS)
def test_a_statement_has_the_nodes_that_one_reads_at_its_head(source):
    assert nodes_of(ast.parse(source).body[0]) == COUNTS[source]


@pytest.mark.parametrize("source", COUNTS)
def test_how_a_statement_is_laid_out_changes_nothing(source, tmp_path):
    (tmp_path / "given.py").write_text(
        f"if True:\n    {source.replace(chr(10), chr(10) + '    ')}", encoding="utf-8"
    )
    (tmp_path / "again.py").write_text(ast.unparse(ast.parse(source)), encoding="utf-8")
    given = [s.nodes for s in statements([tmp_path / "given.py"])]
    assert given == [2, *(s.nodes for s in statements([tmp_path / "again.py"]))]


def test_every_statement_counts_once_and_the_simple_ones_are_told_apart(tmp_path):
    path = tmp_path / "two.py"
    path.write_text("def f(x):\n    if x:\n        return 1\n    return 2\n", encoding="utf-8")
    assert list(statements([path])) == [
        Statement(path, 1, 3, simple=False),
        Statement(path, 2, 2, simple=False),
        Statement(path, 4, 2, simple=True),
        Statement(path, 3, 2, simple=True),
    ]


def test_a_statement_over_the_limit_is_found_with_its_line(tmp_path):
    path = tmp_path / "long.py"
    path.write_text(
        "x = 1\ny = " + " + ".join("a" * 14) + "\nz = " + " + ".join("a" * 12), encoding="utf-8"
    )
    assert [(s.line, s.nodes) for s in over_limit([path])] == [(2, 42)]


def test_a_field_of_a_row_reads_as_an_assignment_of_its_own(tmp_path):
    path = tmp_path / "row.py"
    path.write_text('neg: Unary = row(\n    "neg",\n    primal=lambda x: -x,\n)', encoding="utf-8")
    # AnnAssign, neg, Unary, Call, row, Constant; then keyword, Lambda, arguments with x, and -x
    assert [(s.line, s.nodes, s.simple) for s in statements([path])] == [(1, 6, True), (3, 7, True)]
    assert [s.nodes for s in statements([path], whole=True)] == [13]


def test_the_heart_is_the_table_the_order_and_the_value():
    assert {"graph.py", "engine.py"} < {path.name for path in heart()}
    assert all(path.is_file() for path in heart())


def test_the_heart_has_no_statement_over_the_limit_and_at_most_eight_nodes_in_each():
    found = list(statements(heart()))
    assert not [str(s) for s in over_limit(heart())]
    assert sum(s.nodes for s in found) / len(found) <= 8


def test_the_package_has_at_most_eight_and_a_half_nodes_a_statement():
    found = list(statements(PACKAGE.rglob("*.py")))
    assert sum(s.nodes for s in found) / len(found) <= 8.5
