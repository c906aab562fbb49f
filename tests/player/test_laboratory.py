"""The player in real notebooks: JupyterLab, with and without trust, nbconvert and marimo."""

import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import nbformat
import pytest
from browsers import chromium, needs_browser, shown
from nbconvert import HTMLExporter
from played import texts_of

from micrograd_plus import Value
from micrograd_plus.player import play

LAB = shutil.which("jupyter-lab") or shutil.which("jupyter-lab", path=Path(sys.executable).parent)
MARIMO = shutil.which("marimo")
pytestmark = [needs_browser, pytest.mark.slow]


def circuit():
    a, b = Value(2.0, label="a"), Value(1.0, label="b")
    return (a + b) * (b + 1.0)


def notebook():
    """A notebook that has been run, with the output of its cell."""
    cell = nbformat.v4.new_code_cell("play((a + b) * (b + 1))", execution_count=1)
    bundle = play(circuit())._repr_mimebundle_()
    cell.outputs = [nbformat.v4.new_output("execute_result", bundle, execution_count=1)]
    return nbformat.v4.new_notebook(cells=[cell])


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@contextmanager
def served(command, address, variables):
    """A server that answers at an address, until the end of the block."""
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(command, env={**os.environ, **variables}, **quiet)
    try:
        for _ in range(240):
            try:
                urllib.request.urlopen(address, timeout=2).close()
                break
            except OSError:
                time.sleep(0.5)
        yield address
    finally:
        process.terminate()
        process.wait(30)


@contextmanager
def laboratory(folder, places):
    """JupyterLab on a port of its own; gives how an address in it begins, and how it ends."""
    port, token = free_port(), secrets.token_hex(16)
    command = [LAB, "--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}"]
    command += ["--ServerApp.port_retries=0", f"--ServerApp.root_dir={folder}"]
    command += [f"--IdentityProvider.token={token}", "--LabApp.news_url="]
    address = f"http://127.0.0.1:{port}"
    with served(command, f"{address}/api?token={token}", places):
        yield f"{address}/lab/tree/", f"?token={token}"


def assert_steps(frame):
    """The player in a frame goes from the first step to the last, with the picture's numbers."""
    scene = play(circuit()).scenes[0]
    frame.wait_for_selector(".bar")
    for k in range(len(scene.frames)):
        found, wanted = shown(frame), texts_of(scene, k)
        assert found["values"] == wanted["values"]
        assert found["derivatives"] == wanted["derivatives"]
        frame.click("button[aria-label=Step]")
    assert "b.grad: 2 + 3 = 5." in " ".join(shown(frame)["told"])


def player_of(page):
    """The frame with a player in it."""
    page.wait_for_selector("iframe.mgp", timeout=90_000)
    return page.query_selector("iframe.mgp").content_frame()


@pytest.mark.skipif(not LAB, reason="no JupyterLab here; it is in the extra notebook")
@pytest.mark.parametrize("is_trusted", [True, False], ids=["trusted", "not trusted"])
def test_jupyterlab_steps_a_trusted_notebook_and_shows_a_picture_of_another(tmp_path, is_trusted):
    path = tmp_path / "circuit.ipynb"
    nbformat.write(notebook(), path)
    folder = tmp_path / "jupyter"
    places = {f"JUPYTER_{kind}_DIR": str(folder / kind) for kind in ("CONFIG", "DATA", "RUNTIME")}
    places["IPYTHONDIR"] = str(folder / "ipython")
    if is_trusted:
        trust = Path(LAB).with_name("jupyter-trust")
        subprocess.run([trust, path], env={**os.environ, **places}, check=True)
    with laboratory(tmp_path, places) as (before, behind), chromium() as browser:
        page = browser.new_page(viewport={"width": 1280, "height": 1000})
        page.goto(f"{before}circuit.ipynb{behind}")
        page.wait_for_selector(".jp-OutputArea-output", timeout=90_000)
        page.locator(".jp-Dialog button.jp-mod-reject").click()
        page.screenshot(path=tmp_path / "before.png")
        if is_trusted:
            assert_steps(player_of(page))
            page.screenshot(path=tmp_path / "stepped.png")
        else:
            assert page.locator("iframe.mgp").count() == 0
            picture = page.locator(".jp-OutputArea-output img.mgp")
            picture.wait_for()
            assert picture.bounding_box()["width"] > 200


def test_nbconvert_keeps_the_player(tmp_path):
    page_text, _ = HTMLExporter(template_name="basic").from_notebook_node(notebook())
    path = tmp_path / "circuit.html"
    path.write_text(f"<!DOCTYPE html><meta charset=utf-8>{page_text}", encoding="utf-8")
    with chromium() as browser:
        page = browser.new_context(offline=True).new_page()
        page.goto(path.as_uri())
        assert_steps(player_of(page))


MARIMO_NOTEBOOK = """
import marimo
app = marimo.App()

@app.cell
def _():
    import sys
    sys.path[:0] = {libraries!r}
    from micrograd_plus import Value, play
    a, b = Value(2.0, label="a"), Value(1.0, label="b")
    play((a + b) * (b + 1.0))
    return
"""


@pytest.mark.skipif(not MARIMO, reason="no marimo here")
def test_marimo_steps_it(tmp_path):
    source = tmp_path / "circuit.py"
    libraries = sys.path  # of this Python
    source.write_text(MARIMO_NOTEBOOK.format(libraries=libraries), encoding="utf-8")
    port = free_port()
    options = ["--headless", "--no-token", "--host=127.0.0.1", f"--port={port}"]
    address = f"http://127.0.0.1:{port}/"
    with served([MARIMO, "run", source, *options], address, {}), chromium() as browser:
        page = browser.new_page(viewport={"width": 1280, "height": 1000})
        page.goto(address)
        assert_steps(player_of(page))
        page.screenshot(path=tmp_path / "stepped.png")
