"""Every notebook runs in a fresh kernel, and what is stored in it is what it gives.

After a change that is meant to show, `python tests/test_notebooks.py` runs them all and stores the new outputs.
"""

import base64
import copy
import os
import re
import tempfile
from pathlib import Path
from xml.etree import ElementTree as ET

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
METADATA = {"kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
            "language_info": {"name": "python"}}
IMAGE = re.compile(r'<img alt="[^"<>]+" src="data:image/svg\+xml;base64,([A-Za-z0-9+/=]+)">')
# The kernel's client runs in this process: what its next version deprecates is not ours to mend.
pytestmark = pytest.mark.filterwarnings(r"ignore::DeprecationWarning:(nbclient|jupyter_client|jupyter_core|tornado|zmq)\b")
NUMBER = re.compile(r"(\d+\.\d+(?:e[+-]?\d+)?)")


def executed(notebook):
    """The notebook with the outputs of a fresh kernel that finds this repository's package, and nobody's settings."""
    fresh = copy.deepcopy(notebook)
    env = {name: value for name, value in os.environ.items() if name not in ("MPLBACKEND", "PYTHONSTARTUP")}
    env["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), env.get("PYTHONPATH")]))
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as settings:
        env |= {"IPYTHONDIR": settings, "MPLCONFIGDIR": settings}
        NotebookClient(fresh, timeout=120, kernel_name="python3", record_timing=False, coalesce_streams=True,
                       resources={"metadata": {"path": str(ROOT / "notebooks")}}).execute(env=env)
    fresh.metadata = nbformat.from_dict(METADATA)
    return fresh


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def same_text(stored, fresh):
    """Equal but for the last digits of numbers, in which one machine's exp differs from another's."""
    stored, fresh = NUMBER.split(stored), NUMBER.split(fresh)
    return stored[::2] == fresh[::2] and [float(x) for x in stored[1::2]] == pytest.approx([float(x) for x in fresh[1::2]])


def shown(output):
    """What a reader sees of an output, kind by kind: of a drawn graph its texts, of a plot only that there is one."""
    if output.output_type == "stream":
        return {output.name: output.text}
    seen = dict(output.data)
    drawn = IMAGE.fullmatch(seen.get("text/html", ""))
    if drawn:
        seen["text/html"] = "\n".join(ET.fromstring(base64.b64decode(drawn[1])).itertext())
    if "image/png" in seen:
        assert base64.b64decode(seen["image/png"]).startswith(b"\x89PNG")
        seen["image/png"] = "a plot"
    return seen


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs_and_gives_what_is_stored_in_it(path):
    notebook = nbformat.read(path, as_version=4)
    fresh = executed(notebook)  # raises CellExecutionError, with the traceback, where a cell fails
    for stored_cell, fresh_cell in zip(code_cells(notebook), code_cells(fresh), strict=True):
        where = f"{path.name}, in the cell\n{stored_cell.source}\nTo store the new outputs: python tests/test_notebooks.py"
        stored, now = [[shown(output) for output in cell.outputs] for cell in (stored_cell, fresh_cell)]
        assert [*map(dict.keys, stored)] == [*map(dict.keys, now)], where
        for was, seen in zip(stored, now):
            for kind, text in was.items():
                assert same_text(text, seen[kind]), f"{kind} is no longer what is stored: {seen[kind]}\n{where}"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_is_kept_tidy_with_its_outputs(path):
    text = path.read_text(encoding="utf-8")
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert notebook.metadata == METADATA
    assert all(cell.metadata == {} for cell in notebook.cells)
    assert [cell.execution_count for cell in code_cells(notebook)] == [*range(1, len(code_cells(notebook)) + 1)]
    assert len(text) < 1_500_000
    for private in (str(ROOT), str(Path.home()), tempfile.gettempdir()):
        assert private == "/" or f"{private}{os.sep}" not in text
    assert "assert" in code_cells(notebook)[-1].source, "a notebook ends in asserts on its headline numbers"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_value_is_stored_as_an_image_that_needs_no_trust(path):
    outputs = [output for cell in code_cells(nbformat.read(path, as_version=4)) for output in cell.outputs]
    drawn = [output.data for output in outputs if "data" in output
             and output.data["text/plain"].startswith(("Value(", "<Picture"))]
    assert drawn
    for data in drawn:
        assert data.keys() == {"text/plain", "text/html"}
        image = IMAGE.fullmatch(data["text/html"])
        assert image, data["text/html"][:200]
        assert ET.fromstring(base64.b64decode(image[1])).tag == "{http://www.w3.org/2000/svg}svg"


def test_there_is_a_quickstart():
    assert "quickstart" in [path.stem for path in NOTEBOOKS]


if __name__ == "__main__":
    for path in NOTEBOOKS:
        nbformat.write(executed(nbformat.read(path, as_version=4)), path)
