"""Training in a page: steps a second, beside those of `fit` and of TensorFlow's playground.

    python tests/benchmarks/playground.py [FOLDER]

FOLDER is a checkout of github.com/tensorflow/playground in which `npm run build` has made dist/;
without it there is no peer. It needs node and, with a peer, tsc; Chromium and Playwright, if they
are there, run the same in a browser, and both pages as they are.

Full batches: 100 points of moons through MLP(2, [16, 16, 1]) with the hinge loss, and 1,797 digits
through MLP(64, [16, 10]) with cross-entropy. The first ten losses are compared with those of `fit`
before anything is printed; medians of rounds taken in turn. "made" is how long it takes to put the
network together, "picture" what it gives at 100 × 100 points; milliseconds.

The peer has squared errors of one output, and ReLU: moons in full batches, whose losses are
compared, and in batches of ten; and digits, those from five on against the others. Its page makes
one epoch a picture, which in batches of ten is 25 steps for its 250 points; ours is given as many.
Pages: bytes, and pictures and epochs a second while they train.
"""

import json
import random
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits, make_circles, make_moons

from micrograd_plus import playground
from micrograd_plus.nn import MLP
from micrograd_plus.optim import SGD
from micrograd_plus.player.rows import model_setup, rows_data
from micrograd_plus.training import fit

DRIVER = Path(__file__).with_suffix(".mjs")
REPOSITORY = DRIVER.parents[2]
ROUNDS = 40
STEPS = 200
SECONDS = 5
PEER_SETTINGS = (
    "activation=relu&batchSize=10&dataset=circle&learningRate=0.03&noise=10"
    "&networkShape={shape}&percTrainData=50&problem=classification&seed=0.5"
)
PICTURES = """(milliseconds) => new Promise((done) => {
  const begin = performance.now();
  let pictures = 0;
  function next() {
    const passed = performance.now() - begin;
    pictures += 1;
    if (passed < milliseconds) requestAnimationFrame(next);
    else done([pictures / passed, passed]);
  }
  requestAnimationFrame(next);
})"""


def moons():
    inputs, classes = make_moons(100, noise=0.1, random_state=0)
    return MLP(2, [16, 16, 1], rng=random.Random(1)), "hinge", inputs, 2.0 * classes - 1.0


def digits():
    data = load_digits()
    model = MLP(64, [16, 10], init="he", output="softmax", rng=random.Random(1))
    return model, "cross_entropy", data.data / 16, data.target.astype(float)


def squared_moons():
    model, _, inputs, targets = moons()
    return model, "squared_error", inputs, targets


def squared_digits():
    data = load_digits()
    model = MLP(64, [16, 1], init="he", rng=random.Random(1))
    return model, "squared_error", data.data / 16, np.where(data.target < 5, -1.0, 1.0)


def jobs_of(with_peer):
    """Names, jobs, and what `fit` makes of each."""
    makes = [("moons", moons, None), ("digits", digits, None)]
    if with_peer:
        makes += [
            ("moons, squared", squared_moons, None),
            ("moons, squared, tens", squared_moons, 10),
            ("digits, squared, one output", squared_digits, None),
        ]
    for name, make, batch in makes:
        model, loss, inputs, targets = make()
        rate = 0.05 if loss != "squared_error" else 0.001
        setup = model_setup(model, loss, SGD(rate), batch_size=batch)
        points = np.random.default_rng(0).normal(size=(10_000, inputs.shape[1])).tolist()
        examples = {"x": inputs.tolist(), "y": targets.tolist()}
        job = {"setup": setup, "data": {"train": examples}, "points": points}
        job["peer"] = loss == "squared_error"
        options = {"loss": loss, "batch_size": batch}
        fit(model, inputs, targets, optimizer=SGD(rate), epochs=10, **options)  # compiled
        model, *_ = make()
        yield name, job, fit(model, inputs, targets, optimizer=SGD(rate), epochs=STEPS, **options)


def show(name, history, ways):
    print(f"{name}: fit {history.updates / history.seconds:,.0f} steps a second")
    for way in ways:
        if history.updates == STEPS:
            np.testing.assert_allclose(way["losses"], history.losses[:10], rtol=1e-11)
        made = "" if way["made"] is None else f"made {way['made']:.0f}, "
        print(
            f"  {way['language']:12}{1000 / way['step']:8,.0f} steps a second, {made}"
            f"picture {way['picture']:.1f}"
        )


def under_node(asked, folder):
    path = folder / "asked.json"
    path.write_text(json.dumps(asked), encoding="utf-8")
    done = subprocess.run(["node", DRIVER, path], check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


@contextmanager
def chromium():
    """A browser without a network."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


def in_browser(browser, asked, peer):
    """The same driver in a page, to which the repository's modules are given."""
    page = browser.new_page()

    def answer(route):
        path = route.request.url.removeprefix("http://modules/")
        if path == "page":
            route.fulfill(body="<!DOCTYPE html>", content_type="text/html")
        elif path == "peer.mjs":
            route.fulfill(body=peer.read_text(), content_type="text/javascript")
        else:
            kind = "application/wasm" if path.endswith(".wasm") else "text/javascript"
            route.fulfill(body=(REPOSITORY / path).read_bytes(), content_type=kind)

    page.route("http://modules/**", answer)
    page.goto("http://modules/page")
    script = """async ([asked, withPeer]) => {
      const { timed } = await import("/tests/benchmarks/playground.mjs");
      const wasm = await fetch("/micrograd_plus/player/interpreter.wasm");
      const nn = withPeer ? await import("/peer.mjs") : null;
      return JSON.stringify(await timed(asked, await wasm.arrayBuffer(), nn));
    }"""
    found = json.loads(page.evaluate(script, [asked, peer is not None]))
    page.close()
    return found


def pages(browser, folder, peer_folder):
    """Bytes of exported pages, and pictures and epochs a second while they train."""
    data = load_digits()
    some = digits()[0], data.data[:100] / 16, data.target[:100]
    print("pages, bytes:")
    for name, one in {
        "as it comes": playground(),
        "moons, a model 2-16-16-1": playground(*without_loss(moons())),
        "100 digits, a model 64-16-10": playground(*some, loss="cross_entropy"),
        "1,797 digits, a model 64-16-10": playground(*without_loss(digits()), loss="cross_entropy"),
    }.items():
        print(f"  {name:30}{len(one.html):10,}")
    print("pages, pictures and epochs a second:")
    full = playground(*without_loss(moons()), loss="hinge", optimizer=SGD(0.05))
    for name, html in {
        "moons, full batches, 2-16-16-1": full.html,
        "the same, WebAssembly refused": full.html.replace(" 'wasm-unsafe-eval'", ""),
    }.items():
        show_page(name, ours_opened(browser, html, "fast", folder))
    for units in ([8, 8], [16, 16]):
        name = f"circles, tens, 2-{units[0]}-{units[1]}-1"
        one = circles(units).html
        show_page(f"{name}, a step a picture", ours_opened(browser, one, "frame", folder))
        show_page(f"{name}, as fast as it can", ours_opened(browser, one, "fast", folder))
        if peer_folder:
            show_page(f"{name}, TensorFlow's", peer_opened(browser, units, peer_folder))


def without_loss(made):
    model, _, inputs, targets = made
    return model, inputs, targets


def circles(units):
    x, y = make_circles(250, noise=0.1, factor=0.3, random_state=0)
    model = MLP(2, [*units, 1], rng=random.Random(1))
    options = {"loss": "squared_error", "optimizer": SGD(0.015), "batch_size": 10}
    return playground(model, x, 2.0 * y - 1, **options)


def ours_opened(browser, html, pace, folder):
    """A page that trains, and what tells its epoch."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    path = folder / "ours.html"
    path.write_text(html, encoding="utf-8")
    page.goto(path.as_uri())
    page.wait_for_selector(".unit")
    page.get_by_label("Pace").select_option(pace)
    page.get_by_role("button", name="Train", exact=True).click()
    return page, lambda: page.locator(".count").inner_text().split()[1].rstrip(",")


def peer_opened(browser, units, peer_folder):
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    settings = PEER_SETTINGS.format(shape=",".join(map(str, units)))
    page.goto(f"{(peer_folder / 'dist/index.html').as_uri()}#{settings}")
    page.locator("#play-pause-button").click()
    return page, page.locator("#iter-number").inner_text


def show_page(name, opened):
    page, epoch = opened
    page.wait_for_timeout(1000)
    before = epoch()
    pictures, passed = page.evaluate(PICTURES, 1000 * SECONDS)
    epochs = number(epoch()) - number(before)
    print(f"  {name:50}{1000 * pictures:5.1f} pictures, {1000 * epochs / passed:9,.1f} epochs")
    page.close()


def number(text):
    return int(text.replace(",", ""))


def main():
    peer_folder = Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else None
    with tempfile.TemporaryDirectory() as name:
        folder, peer = Path(name), None
        if peer_folder:
            source = peer_folder / "src" / "nn.ts"
            options = ["--module", "es2015", "--target", "es2018", "--outDir", folder]
            subprocess.run(["tsc", *options, source], check=True)
            peer = (folder / "nn.js").rename(folder / "nn.mjs")
        names, jobs, histories = zip(*jobs_of(peer))
        asked = {"rows": rows_data((1, 2, 3, 10)), "jobs": jobs, "rounds": ROUNDS}
        asked["peer"] = peer and peer.as_uri()
        print("node")
        for one in zip(names, histories, under_node(asked, folder)):
            show(*one)
        if find_spec("playwright"):
            with chromium() as browser:
                print("Chromium")
                for one in zip(names, histories, in_browser(browser, asked, peer)):
                    show(*one)
                pages(browser, folder, peer_folder)


if __name__ == "__main__":
    main()
