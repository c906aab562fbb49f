"""The player and the playground in real notebooks: JupyterLab, with and without trust, nbconvert
and marimo.
"""

import os
import random
import re
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

from micrograd_plus import Value, nn, playground
from micrograd_plus.nn import MLP
from micrograd_plus.player import play

LAB = shutil.which("jupyter-lab") or shutil.which("jupyter-lab", path=Path(sys.executable).parent)
MARIMO = shutil.which("marimo")
needs_lab = pytest.mark.skipif(not LAB, reason="no JupyterLab here; it is in the extra notebook")
needs_marimo = pytest.mark.skipif(not MARIMO, reason="no marimo here")
pytestmark = [needs_browser, pytest.mark.slow]


def circuit():
    a, b = Value(2.0, label="a"), Value(1.0, label="b")
    return (a + b) * (b + 1.0)


def notebook(*shown):
    """A notebook that has been run, with what its cells show; a player, if nothing is given."""
    cells = []
    for number, one in enumerate(shown or [play(circuit())], 1):
        cell = nbformat.v4.new_code_cell("one", execution_count=number)
        bundle = one._repr_mimebundle_()
        cell.outputs = [nbformat.v4.new_output("execute_result", bundle, execution_count=number)]
        cells.append(cell)
    return nbformat.v4.new_notebook(cells=cells)


def model():
    return MLP(2, [4, 1], activation="tanh", rng=random.Random(3))


def playgrounds():
    """One of a model and its data, and a lesson."""
    given = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]
    return playground(model(), given, [-1.0, 1.0, 1.0, 1.0]), playground(preset="over-fitting")


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
    return frames_of(page, 1)[0]


def frames_of(page, count):
    """The frames of so many cells, each of which may be loaded only when it is seen."""
    frames = page.locator("iframe.mgp")
    frames.nth(count - 1).wait_for(timeout=90_000)
    assert frames.count() == count
    return [frame.content_frame() for frame in frames.element_handles()]


def assert_learns(page, frame):
    """The playground in a frame trains, fills the frame, and gives weights that Python reads."""
    frame.frame_element().scroll_into_view_if_needed()
    frame.wait_for_selector(".unit")
    count = frame.locator(".count")
    assert "epoch 0" in count.inner_text()
    frame.get_by_role("button", name="Step", exact=True).click()
    before = loss_in(count)
    frame.get_by_role("button", name="Train", exact=True).click()
    frame.locator(".count", has_text=re.compile(r"epoch .*\d\d\d")).wait_for()
    frame.get_by_role("button", name="Pause", exact=True).click()
    assert loss_in(count) < before
    frame.get_by_role("button", name="Copy the model file", exact=True).click()
    taken = frame.get_by_label("Copied text")
    bottom, height = taken.evaluate("(e) => [e.getBoundingClientRect().bottom, innerHeight]")
    assert bottom < height + 1  # scrolled by whole pixels
    assert page.evaluate("navigator.clipboard.readText()") == taken.input_value()
    width, height, across = frame.evaluate(
        "[innerWidth, innerHeight, document.documentElement.scrollWidth]"
    )
    assert (width, height) == (across, 900)
    return taken.input_value()


def loss_in(count):
    return float(re.search(r"loss ([\d.]+)", count.inner_text())[1])


def assert_all_learn(page, tmp_path):
    """Two playgrounds of one notebook each learn by themselves; the model's comes back."""
    first, second = frames_of(page, 2)
    text = assert_learns(page, first)
    assert "epoch 0" in second.locator(".count").inner_text()
    assert_learns(page, second)
    path = tmp_path / "model.json"
    path.write_text(text, encoding="utf-8")
    before, after = model(), model()
    nn.load(after, path)
    assert [p.data for p in after.parameters()] != [p.data for p in before.parameters()]


@contextmanager
def in_jupyterlab(folder, shown, *, is_trusted):
    """A notebook opened there, whose scripts may use the clipboard."""
    path = folder / "shown.ipynb"
    nbformat.write(shown, path)
    own = folder / "jupyter"
    places = {f"JUPYTER_{kind}_DIR": str(own / kind) for kind in ("CONFIG", "DATA", "RUNTIME")}
    places["IPYTHONDIR"] = str(own / "ipython")
    if is_trusted:
        trust = Path(LAB).with_name("jupyter-trust")
        subprocess.run([trust, path], env={**os.environ, **places}, check=True)
    with laboratory(folder, places) as (before, behind), chromium() as browser:
        page = page_in(browser)
        page.goto(f"{before}{path.name}{behind}")
        page.wait_for_selector(".jp-OutputArea-output", timeout=90_000)
        without_kernel(page)
        yield page


def without_kernel(page):
    """Answer which kernel is meant, which JupyterLab asks when it opens a notebook."""
    page.locator(".jp-Dialog button.jp-mod-reject").click()


def page_in(browser):
    """A page whose scripts may use the clipboard; it gives frames its own scheme."""
    context = browser.new_context(viewport={"width": 1280, "height": 1000}, color_scheme="null")
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    return context.new_page()


@needs_lab
@pytest.mark.parametrize("is_trusted", [True, False], ids=["trusted", "not trusted"])
def test_jupyterlab_steps_a_trusted_notebook_and_shows_a_picture_of_another(tmp_path, is_trusted):
    with in_jupyterlab(tmp_path, notebook(), is_trusted=is_trusted) as page:
        page.screenshot(path=tmp_path / "before.png")
        if is_trusted:
            assert_steps(player_of(page))
            page.screenshot(path=tmp_path / "stepped.png")
        else:
            assert_still(page, 1)


@needs_lab
def test_playgrounds_learn_in_jupyterlab_and_again_when_the_notebook_was_saved(tmp_path):
    with in_jupyterlab(tmp_path, notebook(*playgrounds()), is_trusted=True) as page:
        assert_all_learn(page, tmp_path)
        page.screenshot(path=tmp_path / "learned.png")
        page.locator(".jp-Notebook .jp-InputPrompt").first.click()
        page.keyboard.press("Control+s")
        page.wait_for_function("!document.querySelector('.jp-mod-current.jp-mod-dirty')")
        page.reload()
        without_kernel(page)
        assert_all_learn(page, tmp_path)
        assert_turns_dark(page, frames_of(page, 2)[0])


def assert_turns_dark(page, frame):
    """What is in a frame turns dark when JupyterLab does."""
    paper = "getComputedStyle(document.querySelector('.mgp-player')).backgroundColor"
    assert frame.evaluate(paper) == "rgb(255, 255, 255)"
    page.get_by_role("menuitem", name="Settings", exact=True).click()
    page.get_by_text("Theme", exact=True).click()
    page.get_by_text("JupyterLab Dark", exact=True).click()
    page.wait_for_function("document.body.dataset.jpThemeLight === 'false'")
    page.wait_for_timeout(300)  # until the frame is told
    assert frame.evaluate(paper) == "rgb(19, 19, 19)"


@needs_lab
def test_jupyterlab_shows_pictures_of_playgrounds_that_it_does_not_trust(tmp_path):
    with in_jupyterlab(tmp_path, notebook(*playgrounds()), is_trusted=False) as page:
        assert_still(page, 2)


def assert_still(page, count):
    """There are so many pictures, and nothing that runs."""
    assert page.locator("iframe.mgp").count() == 0
    pictures = page.locator(".jp-OutputArea-output img.mgp")
    pictures.nth(count - 1).wait_for()
    assert pictures.count() == count
    for picture in pictures.all():
        assert picture.bounding_box()["width"] > 200


@contextmanager
def converted(folder, shown):
    """A notebook as nbconvert writes it, opened as a file, without a network."""
    page_text, _ = HTMLExporter(template_name="lab").from_notebook_node(shown)
    path = folder / "shown.html"
    path.write_text(page_text, encoding="utf-8")
    with chromium() as browser:
        page = page_in(browser)
        page.context.set_offline(True)
        page.goto(path.as_uri())
        yield page


def test_nbconvert_keeps_the_player(tmp_path):
    with converted(tmp_path, notebook()) as page:
        assert_steps(player_of(page))


def test_nbconvert_keeps_playgrounds(tmp_path):
    with converted(tmp_path, notebook(*playgrounds())) as page:
        assert_all_learn(page, tmp_path)


MARIMO_NOTEBOOK = """
import marimo
app = marimo.App()

@app.cell
def _():
    import sys
    sys.path[:0] = {libraries!r}
    import random
    from micrograd_plus import Value, play, playground
    from micrograd_plus.nn import MLP
    return MLP, Value, play, playground, random
"""
PLAYER_CELL = """
@app.cell
def _(Value, play):
    a, b = Value(2.0, label="a"), Value(1.0, label="b")
    play((a + b) * (b + 1.0))
    return
"""
PLAYGROUND_CELLS = """
@app.cell
def _(MLP, playground, random):
    model = MLP(2, [4, 1], activation="tanh", rng=random.Random(3))
    playground(model, [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [-1.0, 1.0, 1.0, 1.0])
    return

@app.cell
def _(playground):
    playground(preset="over-fitting")
    return
"""


@contextmanager
def in_marimo(folder, cells):
    """The cells behind those that import, run by marimo as an app."""
    source = folder / "shown.py"
    libraries = sys.path  # of this Python
    source.write_text(MARIMO_NOTEBOOK.format(libraries=libraries) + cells, encoding="utf-8")
    port = free_port()
    options = ["--headless", "--no-token", "--host=127.0.0.1", f"--port={port}"]
    address = f"http://127.0.0.1:{port}/"
    with served([MARIMO, "run", source, *options], address, {}), chromium() as browser:
        page = page_in(browser)
        page.goto(address)
        yield page
        page.screenshot(path=folder / "shown.png")


@needs_marimo
def test_marimo_steps_it(tmp_path):
    with in_marimo(tmp_path, PLAYER_CELL) as page:
        assert_steps(player_of(page))


@needs_marimo
def test_playgrounds_learn_in_marimo(tmp_path):
    with in_marimo(tmp_path, PLAYGROUND_CELLS) as page:
        assert_all_learn(page, tmp_path)
