"""Every notebook runs in a fresh kernel, and what is stored in it is what it gives.

After a change that is meant to show, `python tests/test_notebooks.py` runs them all and stores the
new outputs; `python tests/test_notebooks.py sharif rwth` those two.

An exercise is a cell that has what is to be filled in, an empty line, and a `check(...)`; its
solution is the Python in the folded cell after it. The tests run each solution in place of what is
to be filled in, and it must come out right.
"""

import ast
import base64
import copy
import os
import re
import sys
import tempfile
import tomllib
from importlib.metadata import packages_distributions
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree as ET

import nbformat
import pytest
from nbclient import NotebookClient
from nbconvert.exporters import HTMLExporter, LatexExporter

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
IMAGE = re.compile(
    r'(?:<style>[^<]*</style>)?(?:<div style="overflow-x:auto">)?'
    r'<img class="mgp" alt="[^"<>]+" src="data:image/svg\+xml;base64,([A-Za-z0-9+/=]+)"'
    r'(?: style="[-a-z0-9:;%]+"></div>|>)'
)
# The kernel's client runs in this process: what its next version deprecates is not ours to mend.
pytestmark = pytest.mark.filterwarnings(
    r"ignore::DeprecationWarning:(nbclient|jupyter_client|jupyter_core|tornado|zmq)\b"
)
# how long matplotlib looks for the fonts of a machine is not in the notebook
STARTUP = """
import logging, sys
sys.modules.update(dict.fromkeys({}))
fonts = logging.getLogger("matplotlib.font_manager")
fonts.addFilter(lambda record: "building the font cache" not in record.getMessage())
del logging, sys, fonts
"""
PLAYER = re.compile(r'<iframe class="mgp" title="([^"]+)" sandbox="allow-scripts" ')
SOLUTION = re.compile(r"<details>.*?```python\n(.*?)```.*</details>", re.DOTALL)
NUMBER = re.compile(r"(\d+\.\d+(?:e[+-]?\d+)?)")


def canonical(distribution):
    return re.sub("[-_.]+", "-", distribution).lower()


def requirements(extra):
    """The distributions that an extra of pyproject.toml names,
    by itself or through other extras.
    """
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = set()
    for requirement in (
        project["optional-dependencies"][extra] if extra else project["dependencies"]
    ):
        name, _, extras = re.match(r"([\w.-]+)(\[([^]]*)\])?", requirement).groups()
        if name == project["name"]:
            named = named.union(*map(requirements, extras.split(",")))
        else:
            named.add(canonical(name))
    return named


def brought():
    """What `pip install ".[notebook]"` brings by name."""
    return requirements("") | requirements("notebook")


def not_brought():
    """The installed modules that other extras bring and that one does not;
    the kernel is part of jupyterlab.
    """
    others = requirements("test") | requirements("dev") | requirements("all")
    return sorted(
        module
        for module, distributions in packages_distributions().items()
        if {canonical(d) for d in distributions} & (others - brought() - {"ipykernel"})
    )


def executed(notebook):
    """The notebook with the outputs of a fresh kernel that finds this repository's package, and
    nobody's settings.

    The kernel lacks the libraries that the extra `notebook` does not bring.
    """
    fresh = copy.deepcopy(notebook)
    env = {
        name: value
        for name, value in os.environ.items()
        if name not in ("MPLBACKEND", "PYTHONSTARTUP")
    }
    env["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), env.get("PYTHONPATH")]))
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as settings:
        env |= {"IPYTHONDIR": settings, "MPLCONFIGDIR": settings}
        env["TQDM_DISABLE"] = "1"  # a bar of progress tells seconds, which are never the same
        startup = Path(settings) / "profile_default" / "startup" / "missing.py"
        startup.parent.mkdir(parents=True)
        startup.write_text(STARTUP.format(not_brought()), encoding="utf-8")
        NotebookClient(
            fresh,
            timeout=120,
            kernel_name="python3",
            record_timing=False,
            coalesce_streams=True,
            resources={"metadata": {"path": str(ROOT / "notebooks")}},
        ).execute(env=env)
    fresh.metadata = nbformat.from_dict(METADATA)
    return fresh


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def with_solutions(notebook):
    """The notebook, after each exercise a cell more that solves and checks it."""
    solved = copy.deepcopy(notebook)
    solved.cells = []
    for cell, following in pairwise([*notebook.cells, None]):
        solved.cells.append(cell)
        if cell.cell_type == "code" and "\ncheck(" in cell.source:
            solution = SOLUTION.fullmatch(following.source)[1]
            _, _, rest = cell.source.partition("\n\n")
            source = f"{solution}\n{rest}"
            solved.cells.append(nbformat.v4.new_code_cell(source, id=f"{cell.id}-solved"))
    return solved


def same_text(stored, fresh):
    """Equal but for the last digits of numbers, in which one machine's exp differs from
    another's.
    """
    stored, fresh = NUMBER.split(stored), NUMBER.split(fresh)
    return stored[::2] == fresh[::2] and [float(x) for x in stored[1::2]] == pytest.approx(
        [float(x) for x in fresh[1::2]]
    )


def shown(output):
    """What a reader sees of an output, kind by kind: of a drawn graph its texts, of a player, whose
    program changes, its title, of a plot only that there is one.
    """
    if output.output_type == "stream":
        return {output.name: output.text}
    seen = dict(output.data)
    drawn = IMAGE.fullmatch(seen.get("text/html", ""))
    if drawn:
        seen["text/html"] = "\n".join(ET.fromstring(base64.b64decode(drawn[1])).itertext())
    player = PLAYER.search(seen.get("text/html", ""))
    if player:
        seen["text/html"] = player[1]
    if "image/png" in seen:
        assert base64.b64decode(seen["image/png"]).startswith(b"\x89PNG")
        seen["image/png"] = "a plot"
    return seen


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs_and_gives_what_is_stored_in_it(path):
    notebook = nbformat.read(path, as_version=4)
    # raises CellExecutionError, with the traceback, where a cell fails
    fresh = executed(with_solutions(notebook))
    solutions = [cell for cell in fresh.cells if cell.id.endswith("-solved")]
    for cell in solutions:
        assert [output.text for output in cell.outputs] == ["right\n"], cell.source
    fresh.cells = [cell for cell in fresh.cells if cell not in solutions]
    for stored_cell, fresh_cell in zip(code_cells(notebook), code_cells(fresh), strict=True):
        where = (
            f"{path.name}, in the cell\n{stored_cell.source}\n"
            "To store the new outputs: python tests/test_notebooks.py"
        )
        stored, now = [
            [shown(output) for output in cell.outputs] for cell in (stored_cell, fresh_cell)
        ]
        assert [*map(dict.keys, stored)] == [*map(dict.keys, now)], where
        for was, seen in zip(stored, now):
            for kind, text in was.items():
                assert same_text(text, seen[kind]), (
                    f"{kind} is no longer what is stored: {seen[kind]}\n{where}"
                )


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_is_kept_tidy_with_its_outputs(path):
    text = path.read_text(encoding="utf-8")
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert notebook.metadata == METADATA
    assert all(cell.metadata == {} for cell in notebook.cells)
    assert [cell.execution_count for cell in code_cells(notebook)] == [
        *range(1, len(code_cells(notebook)) + 1)
    ]
    assert len(text) < 1_500_000
    for private in (str(ROOT), str(Path.home()), tempfile.gettempdir()):
        assert private == "/" or f"{private}{os.sep}" not in text
    assert "assert" in code_cells(notebook)[-1].source, (
        "a notebook ends in asserts on its headline numbers"
    )


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_value_is_stored_as_an_image_that_needs_no_trust(path):
    outputs = [
        output for cell in code_cells(nbformat.read(path, as_version=4)) for output in cell.outputs
    ]
    drawn = [
        output.data
        for output in outputs
        if "data" in output and output.data["text/plain"].startswith(("Value(", "<Picture"))
    ]
    assert drawn
    for data in drawn:
        assert data.keys() == {"text/plain", "text/html", "image/png"}
        image = IMAGE.fullmatch(data["text/html"])
        assert image, data["text/html"][:200]
        assert ET.fromstring(base64.b64decode(image[1])).tag == "{http://www.w3.org/2000/svg}svg"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_exported_by_nbconvert_a_notebook_keeps_every_picture_and_shows_it_once(path):
    notebook = nbformat.read(path, as_version=4)
    # words are for pandoc, which may not be there
    notebook.cells = code_cells(notebook)
    shown = [output for cell in notebook.cells for output in cell.outputs if "data" in output]
    pictures = [output.data for output in shown if "image/png" in output.data]
    latex, resources = LatexExporter().from_notebook_node(copy.deepcopy(notebook))
    files = resources["outputs"]
    assert len(files) == len(pictures)
    assert all(content.startswith(b"\x89PNG") for content in files.values())
    assert re.findall(r"\\adjustimage\{.*\}\{(.*)\}", latex) == list(files)
    page, _ = HTMLExporter().from_notebook_node(copy.deepcopy(notebook))
    # within a player's frame there is one for where its program may not run
    others = [output.data.get("text/html", "") for output in shown if output.data not in pictures]
    framed = sum(html.count("<img ") for html in others)
    assert page.count("<img ") == len(pictures) + framed
    drawn = page.count('<img class="mgp" ') + page.count('<img alt="Computational graph')
    assert drawn == sum("text/html" in data for data in pictures) + framed


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_extra_for_notebooks_brings_what_a_notebook_imports(path):
    cells = code_cells(nbformat.read(path, as_version=4))
    statements = [node for cell in cells for node in ast.walk(ast.parse(cell.source))]
    modules = {
        alias.name for node in statements if isinstance(node, ast.Import) for alias in node.names
    }
    modules |= {node.module for node in statements if isinstance(node, ast.ImportFrom)}
    modules = (
        {module.partition(".")[0] for module in modules}
        - sys.stdlib_module_names
        - {"micrograd_plus"}
    )
    distributions = packages_distributions()
    missing = {
        module: distributions[module]
        for module in modules
        if not {canonical(d) for d in distributions[module]} & brought()
    }
    assert modules
    assert not missing, "the extra notebook in pyproject.toml lacks them"


def test_libraries_that_the_extra_lacks_are_kept_from_the_notebooks():
    assert {"numpy", "matplotlib", "sklearn", "hypothesis", "mpmath", "pygraphviz"}.isdisjoint(
        not_brought()
    )
    assert {"pytest", "micrograd"} <= set(not_brought())


def test_there_is_a_quickstart():
    assert "quickstart" in [path.stem for path in NOTEBOOKS]


if __name__ == "__main__":
    chosen = sys.argv[1:] or [path.stem for path in NOTEBOOKS]
    for path in (ROOT / "notebooks" / f"{name}.ipynb" for name in chosen):
        nbformat.write(executed(nbformat.read(path, as_version=4)), path)
