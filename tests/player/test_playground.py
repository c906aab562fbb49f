"""The playground in a real browser, with the network off: what learns, what is seen, what is taken
away.
"""

import json
import re

import numpy as np
import pytest
from browsers import Watched, needs_browser
from hostile import HOSTILE

from micrograd_plus import nn, playground
from micrograd_plus.cli import main
from micrograd_plus.nn import MLP
from micrograd_plus.optim import SGD, Adam
from micrograd_plus.player.lessons import DATA_SETS, LESSONS
from micrograd_plus.training import fit

pytestmark = needs_browser


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """A page with a playground as it comes."""
    return playground().save(tmp_path_factory.mktemp("plain") / "playground.html")


@pytest.fixture
def opened(browser, tmp_path):
    """A page, opened from a file; at the end nothing went wrong, and nothing else was asked for."""
    watched = []

    def make(given, fragment="", **options):
        path = given
        if not hasattr(given, "as_uri"):
            path = given.save(tmp_path / f"playground{len(watched)}.html")
        watched.append((Watched(browser, **options), path.as_uri()))
        page = watched[-1][0].open(path, fragment)
        page.wait_for_selector(".unit, .told:not(:empty)")
        return page

    yield make
    for one, address in watched:
        assert {url.split("#")[0] for url in one.close()} == {address}


def button(page, name):
    """A button of the playground's own, and not of the player in it."""
    found = page.get_by_role("button", name=name, exact=True)
    return found.and_(page.locator(":not(.inside .mgp-player *)"))


def counted(page):
    """What stands beside the buttons: epochs, losses, shares."""
    text = page.locator(".mgp-playground > .bar .count").inner_text()
    found = {"epoch": int(re.search(r"epoch ([\d,]+)", text)[1].replace(",", ""))}
    found["right"] = [int(share) for share in re.findall(r"right (\d+) %", text)]
    found["loss"] = [number(loss) for loss in re.findall(r"loss ([\d.e−inf]+)", text)]
    return found


def number(text):
    return float(text.replace("−", "-"))


def epochs(page, count):
    button(page, "Epoch").evaluate("(b, n) => { for (; n > 0; n -= 1) b.click(); }", count)


def settle(page):
    """Until what was changed has been trained on and painted."""
    page.evaluate("new Promise((done) => setTimeout(() => requestAnimationFrame(done), 60))")


def taken(page, name):
    button(page, name).click()
    return page.get_by_label("Copied text").input_value()


def set_number(page, label, text):
    field = page.get_by_label(label, exact=True)
    field.fill(text)
    field.press("Enter")
    settle(page)
    return field


def signs(count=40, inputs=2):
    """Points, and whether the sum of their numbers is above 0, as -1 and 1."""
    x = np.random.default_rng(0).normal(size=(count, inputs))
    return x, np.where(x.sum(axis=1) + 0.3 * x[:, 0] ** 2 > 0.2, 1.0, -1.0)


def model(inputs=2, units=(6, 1), **options):
    import random

    return MLP(inputs, list(units), rng=random.Random(3), **options)


def test_moons_are_learned_and_every_button_does_what_it_says(opened, plain):
    page = opened(plain)
    first = taken(page, "Copy the model file")
    assert counted(page)["epoch"] == 0
    button(page, "Step").click()
    button(page, "Epoch").click()
    assert counted(page)["epoch"] == 2
    one = counted(page)["loss"][0]
    button(page, "Train").click()
    page.locator(".count", has_text=re.compile(r"epoch \d+,")).wait_for()
    button(page, "Pause").click()
    found = counted(page)
    settle(page)
    assert counted(page) == found
    assert found["loss"][0] < one / 3
    assert min(found["right"]) >= 90
    page.keyboard.press("r")
    settle(page)
    assert counted(page)["epoch"] == 0
    assert taken(page, "Copy the model file") == first
    button(page, "New weights").click()
    settle(page)
    assert taken(page, "Copy the model file") != first
    page.locator("h1").click()
    page.keyboard.press("s")
    page.keyboard.press("e")
    page.keyboard.press(" ")
    page.locator(".count", has_text="epoch 1").wait_for()
    page.keyboard.press(" ")
    assert button(page, "Train").count() == 1


def test_ten_epochs_in_the_page_are_ten_epochs_of_fit(opened, tmp_path):
    x, y = signs()
    ours, theirs = model(), model()
    page = opened(playground(ours, x, y, loss="hinge", optimizer=SGD(0.1, momentum=0.5)))
    epochs(page, 10)
    history = fit(theirs, x, y, loss="hinge", optimizer=SGD(0.1, momentum=0.5), epochs=10)
    path = tmp_path / "model.json"
    path.write_text(taken(page, "Copy the model file"), encoding="utf-8")
    nn.load(ours, path)
    assert [p.data for p in ours.parameters()] == [p.data for p in theirs.parameters()]
    shown = counted(page)["loss"][0]
    assert shown == pytest.approx(history.losses[-1], rel=5e-3)


@pytest.mark.parametrize("output", ["linear", "sigmoid"])
def test_copied_python_and_the_model_file_make_the_trained_model(opened, tmp_path, output):
    x, y = signs()
    loss = "hinge" if output == "linear" else "binary_cross_entropy"
    given = model(units=(4, 3, 1), activation="tanh", output=output)
    page = opened(
        playground(given, x, y if output == "linear" else (y + 1) / 2, loss=loss, optimizer=Adam())
    )
    page.get_by_label("Activation of layer 2").select_option("relu")
    settle(page)
    epochs(page, 3)
    found = {}
    exec(taken(page, "Copy as Python"), found)
    made = found["model"]
    path = tmp_path / "model.json"
    path.write_text(taken(page, "Copy the model file"), encoding="utf-8")
    loaded = MLP(2, [4, 3, 1], activation="tanh", output=output)
    for neuron in loaded.layers[1].neurons:
        neuron.activation = "relu"
    nn.load(loaded, path)
    for point in x[:10].tolist():
        assert made(point).data == loaded(point).data
    with page.expect_download() as download:
        button(page, "Save the model file").click()
    saved = download.value
    assert saved.suggested_filename == "model.json"
    saved.save_as(tmp_path / "saved.json")
    assert (tmp_path / "saved.json").read_bytes() == path.read_bytes()
    assert [p.data for p in made.parameters()] != [p.data for p in given.parameters()]


def test_several_classes_with_names_and_more_inputs_than_two(opened, tmp_path):
    rng = np.random.default_rng(1)
    x = rng.normal(size=(60, 5))
    y = np.array(["ant", "bee", "cat"])[x[:, :3].argmax(axis=1)]
    given = MLP(5, [8, 3], output="softmax", classes=["ant", "bee", "cat"])
    page = opened(playground(given, x, y, loss="cross_entropy", optimizer=Adam(0.05)))
    assert "class bee" in page.locator(".legend").inner_text()
    button(page, "Train").click()
    page.locator(".count", has_text="right 100 %").wait_for()
    page.get_by_label("Up").select_option("4")
    page.locator(".unit").first.click()
    settle(page)
    path = tmp_path / "model.json"
    path.write_text(taken(page, "Copy the model file"), encoding="utf-8")
    nn.load(given, path)
    assert list(given.predict(x)) == y.tolist()


def test_a_link_has_all_settings_and_is_checked(opened, plain):
    page = opened(plain)
    page.get_by_label("Data", exact=True).select_option("spiral")
    set_number(page, "Rate", "0,05")
    page.get_by_label("Optimiser").select_option("Adam")
    page.get_by_label("Schedule").select_option("StepDecay")
    page.get_by_label("Add a layer").click()
    settle(page)
    link = taken(page, "Copy a link")
    again = opened(plain, "#" + link.partition("#")[2])
    assert again.get_by_label("Data", exact=True).input_value() == "spiral"
    assert again.get_by_label("Rate", exact=True).input_value() == "0.05"
    assert again.get_by_label("Schedule").input_value() == "StepDecay"
    assert again.locator(".column").count() == 5
    assert taken(again, "Copy the model file") == taken(page, "Copy the model file")
    hostile = (
        '#data=moons<script>&rate=1e9&seed=-1&count=1e9&layers=[{"units":1e6}]&loss=__proto__'
        '&optimizer=constructor&options={"__proto__":1}&noise=0.2&points=1,2;x&nothing=1'
    )
    refused = opened(plain, hostile)
    told = refused.locator(".told").inner_text()
    for name in [
        "data",
        "rate",
        "seed",
        "count",
        "layers",
        "loss",
        "optimizer",
        "points",
        "nothing",
    ]:
        assert name in told
    assert refused.get_by_label("Noise").input_value() == "0.2"
    assert refused.get_by_label("Data", exact=True).input_value() == "moons"
    assert refused.locator(".unit").count() == 13


def test_a_pasted_table_is_learned_from_or_refused_by_line_and_column(opened, plain):
    page = opened(plain)
    page.get_by_text("Paste a table").click()
    area = page.get_by_label("Table: a point a line")
    area.fill("0,0,0\n1,one,1")
    button(page, "Use this table").click()
    assert page.locator(".wrong").inner_text() == "Line 2, column 2: “one” is no number."
    assert page.get_by_label("Data", exact=True).input_value() == "moons"
    area.fill("x y class\n0 0 0\n1 0 1\n0 1 2\n1 1 2")
    button(page, "Use this table").click()
    settle(page)
    assert page.locator(".wrong").inner_text() == ""
    assert page.get_by_label("Data", exact=True).input_value() == "own"
    assert page.get_by_label("Loss", exact=True).input_value() == "cross_entropy"
    assert "class 2" in page.locator(".legend").inner_text()
    assert page.locator(".unit").count() == 15
    button(page, "Epoch").click()
    assert counted(page)["epoch"] == 1
    link = taken(page, "Copy a link")
    again = opened(plain, "#" + link.partition("#")[2])
    assert "class 2" in again.locator(".legend").inner_text()


def points_of(page):
    return int(re.search(r"(\d+) points", page.locator(".regions").get_attribute("aria-label"))[1])


def test_points_are_added_moved_and_deleted_by_the_mouse_and_by_keys(opened, plain):
    page = opened(plain)
    plane = page.locator(".regions")
    box = plane.bounding_box()
    corner = {"x": 5, "y": 5}
    button(page, "add").click()
    page.get_by_label("Class of new points").select_option("1")
    plane.click(position=corner)
    assert points_of(page) == 201
    assert page.get_by_label("Data", exact=True).input_value() == "own"
    before = page.get_by_label("x₁ of a point").input_value()
    button(page, "move").click()
    page.mouse.move(box["x"] + 5, box["y"] + 5)
    page.mouse.down()
    page.mouse.move(box["x"] + 90, box["y"] + 40, steps=3)
    page.mouse.up()
    assert page.get_by_label("x₁ of a point").input_value() != before
    button(page, "delete").click()
    plane.click(position={"x": 90, "y": 40})
    assert points_of(page) == 200
    page.get_by_label("x₁ of a point").fill("0.25")
    page.get_by_label("x₂ of a point").fill("-3")
    button(page, "Add point").press("Enter")
    assert points_of(page) == 201
    page.get_by_label("x₂ of a point").fill("three")
    button(page, "Change point").press("Enter")
    assert page.get_by_label("x₂ of a point").get_attribute("aria-invalid") == "true"
    button(page, "Delete point").press("Enter")
    assert points_of(page) == 200
    plane.focus()
    page.keyboard.press("ArrowRight")
    assert "Point 1" in page.locator(".edit").inner_text()
    page.keyboard.press("Delete")
    assert points_of(page) == 199
    button(page, "Epoch").click()
    assert counted(page)["epoch"] == 1
    page.get_by_label("Class of new points").select_option("2")
    button(page, "Add point").click()
    settle(page)
    assert page.get_by_label("Loss", exact=True).input_value() == "cross_entropy"
    assert page.locator(".column").last.locator(".unit").count() == 3


def test_what_is_typed_wrongly_is_marked_and_what_cannot_be_is_said(opened, plain):
    page = opened(plain)
    for label, text in (("Rate", "fast"), ("Batch, 0 for all", "1.5"), ("Dropout", "1")):
        assert set_number(page, label, text).get_attribute("aria-invalid") == "true"
    page.get_by_label("Loss", exact=True).select_option("cross_entropy")
    settle(page)
    page.get_by_label("Loss", exact=True).select_option("hinge")
    page.get_by_label("Activation of output").select_option("threshold")
    settle(page)
    assert "nothing can be learned" in page.locator(".told").inner_text().lower()
    page.get_by_label("Lesson").select_option("too-large-step")
    settle(page)
    page.get_by_label("Pace").select_option("fast")
    set_number(page, "Rate", "100")
    button(page, "Train").click()
    page.wait_for_selector(".told:not(:empty)")
    assert "try a learning rate below" in page.locator(".told").inner_text()
    assert button(page, "Train").count() == 1


def test_every_lesson_opens_and_learns_and_early_stopping_stops(opened, plain):
    page = opened(plain)
    for name, lesson in LESSONS.items():
        page.get_by_label("Lesson").select_option(name)
        settle(page)
        assert page.locator(".lesson").inner_text() == lesson.text
        assert page.locator(".told").inner_text() == ""
        button(page, "Epoch").click()
        assert counted(page)["epoch"] == 1
        assert page.locator(".sizes li").count() == 1 + len(lesson.settings["layers"])
    page.get_by_label("Pace").select_option("fast")
    button(page, "Train").click()
    page.wait_for_selector(".told:not(:empty)")
    told = page.locator(".told").inner_text()
    stopped, best = counted(page)["epoch"], int(re.search(r"of epoch (\d+)", told)[1])
    assert stopped == best + 100


def test_lessons_show_what_they_tell(opened):
    page = opened(playground(preset="dead-relus"))
    assert "Dead ReLUs" in page.get_by_label("Lesson").locator("option:checked").inner_text()
    epochs(page, 25)
    assert page.locator(".column").nth(2).locator(".unit.dead").count() == 8
    page = opened(playground(preset="vanishing-gradients"))
    button(page, "Epoch").click()
    sizes = [number(text) for text in page.locator(".sizes output").all_inner_texts()]
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[-1] / 1000
    page = opened(playground(preset="xor-perceptron"))
    button(page, "Train").click()
    page.locator(
        ".count", has_text=re.compile(r"epoch [2-9]\d,\d|epoch \d\d\d,")
    ).wait_for()  # it forgets some losses
    button(page, "Pause").click()
    assert counted(page)["right"][0] <= 80
    assert 0.8 < counted(page)["loss"][0] < 1.0


def test_without_webassembly_it_learns_the_same(browser, opened, plain, tmp_path):
    texts = []
    for policy in ("", " 'wasm-unsafe-eval'"):
        path = tmp_path / f"{len(texts)}.html"
        html = plain.read_text(encoding="utf-8")
        assert html.count(" 'wasm-unsafe-eval'") == 1
        path.write_text(html.replace(" 'wasm-unsafe-eval'", policy), encoding="utf-8")
        watched = Watched(browser)
        page = watched.open(path)
        page.wait_for_selector(".unit")
        for _ in range(5):
            button(page, "Epoch").click()
        texts.append(taken(page, "Copy the model file"))
        watched.wrong = [one for one in watched.wrong if "wasm" not in one[1].lower()]
        watched.close()
    assert texts[0] == texts[1]


KINDS = "[...document.querySelectorAll('*')].map((x) => x.localName)"
HANDLERS = """(e) => [...e.querySelectorAll("*")].some((x) => (
  [...x.attributes].some((a) => a.name.startsWith("on"))
))"""


def test_names_of_classes_create_nothing(opened):
    x, _ = signs()
    kinds = []
    labels = [label for label in HOSTILE if len(label) < 500]
    for some in ("abcd", *(labels[k : k + 10] for k in range(0, 40, 10))):
        names = list(dict.fromkeys(some))
        y = [names[k % len(names)] for k in range(len(x))]
        page = opened(playground(MLP(2, [3, len(names)]), x, y, loss="cross_entropy"))
        kinds.append(
            page.evaluate(
                "[...new Set([...document.querySelectorAll('*')].map((x) => x.localName))].sort()"
            )
        )
        assert page.locator("script").count() == 4
        assert not page.locator(".mgp-playground").evaluate(HANDLERS)
    assert all(found == kinds[0] for found in kinds)


def test_the_policy_lets_two_scripts_and_the_module_run_and_nothing_else(plain):
    html = plain.read_text(encoding="utf-8")
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', html)[1]
    assert re.fullmatch(
        r"default-src 'none'; style-src 'unsafe-inline'; "
        r"script-src ('sha256-[\w+/=]+' ){2}'wasm-unsafe-eval'",
        policy,
    )


def test_without_scripts_a_picture_stands_still(browser, tmp_path):
    x, y = signs()
    watched = Watched(browser, java_script_enabled=False)
    path = playground(model(), x, y).save(tmp_path / "playground.html")
    watched.page.goto(path.as_uri())
    assert "2-6-1" in watched.page.locator("svg.mgp text").text_content()
    dots = watched.page.locator("svg.mgp path[stroke-linecap]").evaluate_all(
        "(all) => all.map((path) => path.getAttribute('d').split('M').length - 1)"
    )
    assert dots[:2] == [2 + 6 + 1] * 2
    assert sum(dots[2:]) == 40
    assert watched.page.locator(".bar").count() == 0
    watched.close()


def test_in_the_frame_of_a_notebook_it_learns_and_cannot_reach_the_page(browser, tmp_path):
    path = tmp_path / "notebook.html"
    bundle = playground(preset="over-fitting")._repr_mimebundle_()["text/html"]
    path.write_text(f"<!DOCTYPE html><meta charset=utf-8>{bundle}", encoding="utf-8")
    watched = Watched(browser)
    watched.page.goto(path.as_uri())
    frame = watched.page.frame_locator("iframe")
    frame.locator(".unit").first.wait_for()
    assert watched.page.locator("iframe").get_attribute("sandbox") == "allow-scripts"
    assert watched.page.frames[1].evaluate("origin") == "null"
    button(frame, "Epoch").click()
    assert "epoch 1" in frame.locator(".count").inner_text()
    assert button(frame, "Copy a link").count() == 0
    json.loads(taken(frame, "Copy the model file"))
    assert all(url.startswith(("file:", "about:")) for url in watched.close())


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_an_audit_of_accessibility_finds_nothing(opened, plain, scheme):
    from axe_playwright_python.sync_playwright import Axe

    page = opened(plain, color_scheme=scheme)
    page.get_by_text("More of SGD").click()
    page.get_by_text("Paste a table").click()
    page.locator(".unit").nth(2).click()
    settle(page)
    page.get_by_label("Detail").select_option(index=2)
    page.locator(".inside").get_by_role("button", name="End").click()
    button(page, "Copy as Python").click()
    page.get_by_label("Lesson").select_option("dead-relus")
    settle(page)
    found = Axe().run(page).response["violations"]
    assert not [(o["id"], [n["html"][:200] for n in o["nodes"]][:3]) for o in found]


def test_on_a_telephone_nothing_but_the_network_scrolls_sideways(opened, plain):
    page = opened(plain, viewport={"width": 390, "height": 844})
    page.get_by_text("Paste a table").click()
    for name in ("vanishing-gradients", "over-fitting"):
        page.get_by_label("Lesson").select_option(name)
        settle(page)
        page.locator(".unit").first.click()
        settle(page)
        assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_a_page_is_small(plain):
    assert plain.stat().st_size < 86_000


def test_the_command_line_writes_a_page(tmp_path, capsys, opened):
    path = tmp_path / "page.html"
    assert main(["playground", "xor", "-o", str(path)]) == 0
    page = opened(path)
    data = page.get_by_label("Data", exact=True)
    assert data.input_value() == "xor"
    assert data.locator("option").all_inner_texts() == [*DATA_SETS, "own"]
    assert main(["playground", "--preset", "saturation", "-o", str(path)]) == 0
    assert main(["playground", "xr", "-o", str(path)]) == 2
    assert "no data is called 'xr'" in capsys.readouterr().err
    assert main(["playground", "xor", "--preset", "saturation", "-o", str(path)]) == 2
    assert "a preset brings its own data" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"preset": "dead"}, "no preset is called 'dead'"),
        ({"data": "suns"}, "no data is called 'suns'"),
        ({"theme": "pink"}, "no theme is called 'pink'"),
        ({"X": [[1.0]]}, "given together"),
        ({"X": [[1.0], [float("nan")]], "y": [0, 1]}, "X"),
        ({"X": [[1.0], [2.0]], "y": [0, 0]}, "2 to 10 classes"),
        ({"X": [[1.0], [2.0]], "y": [0, 1, 1]}, "the class of each of the 2"),
        ({"X": [[1.0], [2.0]], "y": [0, 1], "validation": 1.0}, "a share from 0 to 0.9"),
        ({"X": [[1.0], [2.0]], "y": [0, 1], "model": MLP(2, [1])}, "takes 2 inputs"),
        ({"X": [[1.0], [2.0]], "y": [0, 1], "model": MLP(1, [3])}, "does not tell 2 classes"),
        ({"X": np.zeros((10_001, 1)), "y": [0] * 10_001}, "at most 10,000"),
        ({"model": MLP(2, [1]), "loss": "hing"}, "hing"),
    ],
)
def test_what_cannot_be_is_refused_in_words(options, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        playground(**options)
