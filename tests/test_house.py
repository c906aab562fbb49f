"""The house: which room may know which, and what may stand in no file at all."""

import ast
import importlib
import inspect
import re
import subprocess
import sys
import textwrap
import tomllib
from pathlib import Path

import pytest

import micrograd_plus
import micrograd_plus.losses
from micrograd_plus import ops
from micrograd_plus.optim import Optimizer

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "micrograd_plus"

# Each room with the rooms it stands on; it may import these, and whatever these stand on in turn.
ROOMS = {
    "support": set(),
    "graph": set(),
    "ops": set(),
    "modes": set(),
    "advice": {"ops"},
    "checks": {"advice", "modes"},
    "ufuncs": {"ops"},
    "terms": {"checks", "ufuncs"},
    "heart": {"modes", "terms"},
    "engine": {"graph", "checks", "heart", "support", "ufuncs"},
    "tracing": {"engine"},
    "trees": {"engine"},
    "autodiff": {"tracing", "trees"},
    "options": {"ops"},
    "nn": {"engine", "options"},
    "tape": {"autodiff", "terms"},
    "distributed": {"tape"},
    "arrays": {"tape"},
    "losses": {"nn", "tape"},
    "optim": {"nn", "tape"},
    "training": {"losses", "optim"},
    "estimators": {"training"},
    "chain_rule": {"engine"},
    "drawing": {"chain_rule", "tape"},
    "player": {"drawing", "options", "training"},
    "examples": {"testing", "training"},
    "plots": {"testing", "training"},
    "testing": {"autodiff", "options", "tape"},
    "cli": {"examples", "player", "plots", "testing"},
    "pytest_plugin": {"testing"},
    "__main__": {"cli"},
    "__init__": {"player", "chain_rule", "autodiff", "testing", "training"},
}
UPWARD = {
    "engine": {
        "Value._repr_mimebundle_": "drawing",
        "Value._mime_": "drawing",
        "Value.draw": "drawing",
        "Value.play": "player",
        "Value.explain": "chain_rule",
    },
    "drawing": {"Picture._page": "player"},
    "training": {"History.plot": "plots"},
}
HEART = ("ops", "graph", "engine")
# Layers on arrays, which the room gives only to whom asks for them.
ON_ARRAYS = PACKAGE / "nn" / "modular.py"

# Functions of the table that another room may take from `math`, because nothing is differentiated
# there.
FROM_MATH = {
    "nn": {"sqrt"},
    "drawing": {"tanh"},
    "chain_rule": {"copysign", "log10"},
    "testing": {"floor", "log10"},
}


def room_of(path):
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


FILES = sorted(PACKAGE.rglob("*.py"))
every_file = pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))


def below(room):
    """All rooms that a room stands on, however indirectly."""
    reached, waiting = set(), [room]
    while waiting:
        new = ROOMS[waiting.pop()] - reached
        reached |= new
        waiting += new
    return reached


def scopes(tree, prefix=""):
    """Every node of a syntax tree with the dotted name of the class or function it stands in."""
    for node in ast.iter_child_nodes(tree):
        named = isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        yield node, prefix
        yield from scopes(node, f"{prefix}.{node.name}".strip(".") if named else prefix)


def imports(path):
    """The rooms a file imports, each with the name of the function in which it does so."""
    package = ["micrograd_plus", *path.relative_to(PACKAGE).parent.parts]
    for node, scope in scopes(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = (
                [*package[: len(package) + 1 - node.level], *filter(None, [node.module])]
                if node.level
                else [node.module]
            )
            modules = [".".join([*base, alias.name]) for alias in node.names]
        else:
            continue
        yield from ((module.split("."), scope) for module in modules)


def rooms_imported(path):
    for module, scope in imports(path):
        if module[0] == "micrograd_plus":
            yield module[1], scope


def test_the_arrows_make_no_cycle():
    assert not [room for room in ROOMS if room in below(room)]


@every_file
def test_arrows_point_downward_only(path):
    room = room_of(path)
    assert room in ROOMS, (
        f"{room} has no place in the house yet: give it one, and say what it stands on"
    )
    allowed = below(room) | {room}
    upward = {scope: to for to, scope in rooms_imported(path) if to not in allowed}
    assert upward.items() <= UPWARD.get(room, {}).items()


def test_the_arrows_that_point_upward_are_those_that_are_listed():
    upward = {room: {} for room in UPWARD}
    for path in FILES:
        room = room_of(path)
        upward.setdefault(room, {}).update(
            {scope: to for to, scope in rooms_imported(path) if to not in below(room) | {room}}
        )
    assert {room: arrows for room, arrows in upward.items() if arrows} == UPWARD


@pytest.mark.parametrize("room", [*HEART, "advice", "checks", "modes", "support", "nn"])
def test_the_heart_needs_nothing_but_python(room):
    files = [path for path in FILES if room_of(path) == room and path != ON_ARRAYS]
    assert files
    outside = {module[0] for path in files for module, _ in imports(path)} - {"micrograd_plus"}
    assert outside <= sys.stdlib_module_names


@every_file
def test_the_functions_of_the_table_come_from_the_table(path):
    room = room_of(path)
    functions = {row.name for row in ops.primitives()} | {"pow", "fabs"}
    used = {
        node.attr
        for node, _ in scopes(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id in ("math", "cmath")
    }
    used |= {
        module[1]
        for module, _ in imports(path)
        if module[0] in ("math", "cmath") and len(module) > 1
    }
    assert used & functions <= (functions if room == "ops" else FROM_MATH.get(room, set()))


def test_rows_are_made_in_the_table_or_from_a_user_s_function():
    makers = {
        room_of(path)
        for path in FILES
        if re.search(r"\bPrimitive\(|\b_row\(", path.read_text(encoding="utf-8"))
    }
    assert makers <= {"ops", "autodiff"}


def test_the_package_s_front_door_is_an_index_of_what_type_checkers_see():
    docstring, *statements = ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8")).body
    assert isinstance(docstring.value.value, str)
    checking = next(s for s in statements if isinstance(s, ast.If))
    seen = {alias.asname or alias.name for s in checking.body for alias in s.names}
    assert seen == set(micrograd_plus.__all__) == set(micrograd_plus._ROOM_OF) | {"ops"}
    for name in micrograd_plus.__all__:
        assert getattr(micrograd_plus, name) is not None
        assert name in dir(micrograd_plus)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        micrograd_plus.nothing  # asking is the test


def test_no_module_bears_the_name_of_a_public_function():
    modules = {path.stem for path in PACKAGE.glob("*.py")} | {
        path.name for path in PACKAGE.iterdir() if path.is_dir()
    }
    assert modules & set(micrograd_plus.__all__) == {"ops"}


LOADED = "print([m for m in sys.modules if m.split('.')[0] in ('numpy', 'micrograd_plus')])"


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("import micrograd_plus", {"micrograd_plus"}),
        (
            "import micrograd_plus.pytest_plugin",
            {"micrograd_plus", "micrograd_plus.pytest_plugin"},
        ),
        (
            "import hypothesis",
            {"micrograd_plus", "micrograd_plus.support", "micrograd_plus.support.hypothesis_entry"},
        ),
    ],
)
def test_the_door_is_light(statement, expected):
    code = f"import sys; {statement}; {LOADED}"
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    ).stdout
    assert set(ast.literal_eval(found)) <= expected


def test_the_engine_needs_neither_numpy_nor_what_is_built_on_it():
    use = "from micrograd_plus.engine import Value; (Value(2.0) * 3).backward()"
    code = f"import sys; {use}; {LOADED}"
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    ).stdout
    rooms = {module.split(".")[1] for module in ast.literal_eval(found) if "." in module}
    assert rooms <= below("engine") | {"engine"}
    assert "numpy" not in ast.literal_eval(found)


def written_files():
    """All text that the project consists of; what tools leave behind stands
    in directories that start with a dot.
    """
    folders = ("micrograd_plus", "tests", "notebooks", ".ci", ".github")
    places = [p for p in ROOT.iterdir() if p.name in folders or (p.is_file() and p.name != ".git")]
    for path in (
        p for place in places for p in ([place] if place.is_file() else place.rglob("[!.]*"))
    ):
        if any(part.startswith(".") for part in path.parent.relative_to(ROOT).parts[1:]):
            continue
        if (
            path.suffix
            in {".py", ".md", ".toml", ".ipynb", ".css", ".js", ".mjs", ".svg", ".yml", ".txt", ""}
            and path.is_file()
        ):
            yield path


# Absolute paths of a machine, its own addresses, and where it gets its packages from.
TRACES = re.compile(
    r"(?<![\w.<:/])/(home|root|work|tmp|Users|mnt|srv)/\w|file:/{3}|localhost:\d|index[.-]url"
    r"|\b(10\.\d+|192\.168)\.\d+\.\d+\b|\b(pypi|npmjs|anaconda)\.org\b|\bpythonhosted\.org\b"
    r"|\b(docker|ghcr|quay|crates)\.io\b"
)


def test_no_file_knows_the_machine_it_was_written_on():
    texts = {
        path.relative_to(ROOT): path.read_text(encoding="utf-8", errors="replace")
        for path in written_files()
    }
    assert len(texts) > 20
    assert not {
        str(path): match.group() for path, text in texts.items() if (match := TRACES.search(text))
    }


def test_such_traces_would_be_found():
    assert all(
        map(
            TRACES.search,
            (
                "see /" + "tmp/x",
                "http://local" + "host:80",
                "https://192." + "168.0.1/simple",
                "https://pypi" + ".org/simple",
                "ghcr" + ".io/an/image",
            ),
        )
    )


def test_the_hidden_folders_that_are_ours_are_read_too():
    hidden = {path.relative_to(ROOT).as_posix() for path in written_files() if path.parent != ROOT}
    assert {
        ".ci/run",
        ".github/CHANGELOG.md",
        ".github/CONTRIBUTING.md",
        ".github/workflows/ci.yml",
    } <= hidden


def test_the_hosted_checks_are_the_ones_at_home_on_every_python():
    workflow = (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
    assert re.findall(r"\brun: (.*)", workflow) == [".ci/run"]
    versions = re.search(r"python: \[(.*)\]", workflow).group(1)
    oldest = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"][
        "requires-python"
    ]
    assert f">={versions.split(', ')[0].strip(chr(34))}" == oldest


def test_no_file_of_tests_imports_another():
    helpers = re.compile(r"^(from|import) test_", re.MULTILINE)
    assert not [
        str(path)
        for path in (ROOT / "tests").rglob("*.py")
        if helpers.search(path.read_text(encoding="utf-8"))
    ]


def test_links_of_pages_lead_to_files():
    found = [
        (page, target)
        for page in written_files()
        if page.suffix == ".md"
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8"))
    ]
    assert found
    assert not [
        f"{page.relative_to(ROOT)}: {target}"
        for page, target in found
        if not (page.parent / target).exists()
    ]


def test_tests_stand_in_folders_of_the_package_s_names_and_helpers_apart():
    tests = ROOT / "tests"
    apart = {"benchmarks", "fixtures", "helpers"}
    for path in tests.rglob("*.py"):
        *folders, name = path.relative_to(tests).parts
        if folders[:1] and folders[0] in apart:
            assert not name.startswith("test_"), path
        elif folders:
            assert name.startswith("test_"), f"{path}: a helper stands in tests/helpers"
            place = PACKAGE.joinpath(*folders)
            assert place.is_dir() or place.with_suffix(".py").is_file(), (
                f"{path}: the package has no {place.name}"
            )
    names = [path.name for path in tests.rglob("test_*.py")]
    assert len(set(names)) == len(names)  # pytest imports them by their names alone


PUBLIC = (
    *("micrograd_plus", "micrograd_plus.nn", "micrograd_plus.losses", "micrograd_plus.optim"),
    "micrograd_plus.nn.modular",
    *("micrograd_plus.training", "micrograd_plus.estimators", "micrograd_plus.plots"),
    *("micrograd_plus.testing", "micrograd_plus.examples", "micrograd_plus.distributed"),
    *("micrograd_plus.arrays", "micrograd_plus.cli", "micrograd_plus.examples.sharif"),
    *("micrograd_plus.examples.rwth", "micrograd_plus.examples.edinburgh"),
    *("micrograd_plus.examples.stone", "micrograd_plus.examples.lund"),
    "micrograd_plus.examples.others",
)
_SELF = ("self", "cls")
# Rows that are no school mathematics.
FORMULAS = ("sigmoid", "tanh", "softplus", "relu", "leaky_relu", "hard_tanh", "silu", "gelu")
# A year in a paper's name, or one of the lectures.
SOURCE = re.compile(r"\b(18|19|20)\d\d\b|Sharif|RWTH|Edinburgh|Stone|Lund")


def names_of(module):
    """The public names of a module with what they mean."""
    own = [
        name for name, o in vars(module).items() if getattr(o, "__module__", "") == module.__name__
    ]
    names = getattr(module, "__all__", own)
    return {name: getattr(module, name) for name in names if not name.startswith("_")}


def documented():
    """Every public function, class and method of the package under its full name."""
    for name in PUBLIC:
        for of, thing in names_of(importlib.import_module(name)).items():
            if inspect.isfunction(thing) or inspect.isclass(thing):
                yield f"{name}.{of}", thing
            if inspect.isclass(thing):
                for method, held in vars(thing).items():
                    function = held.fget if isinstance(held, property) else held
                    function = getattr(function, "__func__", function)
                    if inspect.isfunction(function) and not method.startswith("_"):
                        yield f"{name}.{of}.{method}", inspect.getattr_static(thing, method)


def raised_by(function):
    """The classes of errors that a function raises by itself."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    raised = [n.exc for n in ast.walk(tree) if isinstance(n, ast.Raise) and n.exc]
    named = [error.func if isinstance(error, ast.Call) else error for error in raised]
    return {error.id for error in named if isinstance(error, ast.Name) and error.id[0].isupper()}


@pytest.mark.parametrize("name", [name for name, _ in documented()])
def test_a_public_name_says_what_it_means_what_it_takes_and_what_it_raises(name):
    thing = dict(documented())[name]
    text = inspect.getdoc(thing)
    assert text
    function = getattr(thing, "fget", None) or getattr(thing, "__func__", thing)
    if inspect.isfunction(function):
        parameters = list(inspect.signature(function).parameters.values())
        untyped = [p.name for p in parameters if p.annotation is p.empty and p.name not in _SELF]
        assert not untyped
        assert not [error for error in raised_by(function) if error not in text]


@pytest.mark.parametrize(
    "thing",
    [
        *names_of(micrograd_plus.losses).values(),
        *[o for o in names_of(micrograd_plus.optim).values() if o is not Optimizer],
        *[row for row in ops.primitives() if row.name in FORMULAS],
    ],
    ids=lambda thing: getattr(thing, "__name__", str(thing)),
)
def test_a_formula_that_somebody_invented_has_its_source(thing):
    assert SOURCE.search(inspect.getdoc(thing))
