"""Players in a real browser, with the network off: what stands on screen, what a reader does."""

import html
import math
import random
import re
from pathlib import Path

import pytest
from browsers import Watched, expected, needs_browser, shown
from hostile import HOSTILE
from played import same, texts_of

from micrograd_plus import Value, custom, ops
from micrograd_plus.examples import all_examples
from micrograd_plus.player import play
from micrograd_plus.player.page import UNPACK, deflated

pytestmark = needs_browser


@pytest.fixture
def opened(browser, tmp_path):
    """A page with a player, saved to a file and opened there; at the end nothing went wrong, and
    nothing but the file was asked for.
    """
    watched = []

    def make(player, fragment="", **options):
        path = player.save(tmp_path / f"player{len(watched)}.html")
        watched.append((Watched(browser, **options), path.as_uri()))
        return watched[-1][0].open(path, fragment)

    yield make
    for one, address in watched:
        assert {url.split("#")[0] for url in one.close()} == {address}


def example(name):
    return list(all_examples()[name]().values())[-1]


def circuit(a=2.0, b=1.0):
    a, b = Value(a, label="a"), Value(b, label="b")
    return ops.mul(a + b, b + 1.0)


def button(page, name):
    return page.get_by_role("button", name=name, exact=True)


def step(page):
    return int(re.search(r"(\d+) / \d+", page.locator(".count").inner_text())[1])


def last(page):
    return int(re.search(r"/ (\d+)", page.locator(".count").inner_text())[1])


def settle(page):
    """Until what was moved has been drawn."""
    page.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")


def assert_shows(page, scene, k):
    found, wanted = shown(page), expected(scene, texts_of(scene, k))
    for kind, texts in wanted.items():
        assert len(found[kind]) == len(texts)
        assert all(map(same, found[kind], texts)), (k, kind, found[kind], texts)


@pytest.mark.parametrize("name", ["rwth.forward_and_reverse", "sharif.sigmoid_circuit"])
def test_each_step_from_the_first_to_the_last_has_the_numbers_of_the_picture(opened, name):
    player = play(example(name))
    page = opened(player)
    (scene, *_) = player.scenes
    sentences = []
    for k in range(len(scene.frames)):
        assert step(page) == k
        assert_shows(page, scene, k)
        sentences.append(" ".join(shown(page)["told"]))
        page.keyboard.press("ArrowRight")
    assert step(page) == last(page) == len(scene.frames) - 1
    assert all(sentences)
    assert len(set(sentences)) == len(sentences)
    if name == "rwth.forward_and_reverse":
        assert "c → b: local 1 × upstream 2 = 2. b.grad: 2 + 3 = 5." in sentences


def test_forward_mode_has_the_numbers_of_its_picture(opened):
    player = play(circuit(), mode="forward", wrt="b")
    page = opened(player)
    for k in range(len(player.scenes[0].frames)):
        assert_shows(page, player.scenes[0], k)
        page.keyboard.press("ArrowRight")


def coarse(text):
    """Whether a text has no more digits than a number takes that has little room."""
    return all(len(number.partition(".")[2]) <= 2 for number in re.findall(r"[\d.]+", text))


def assert_computes(page, root):
    """What stands on screen is what Python computes afresh, perhaps in fewer digits."""
    found, texts = shown(page), []
    for digits in (None, 2):
        scene = play(root, digits=digits).scenes[0]
        texts.append(expected(scene, texts_of(scene, -1)))
    for kind, numbers in texts[0].items():
        for text, full, short in zip(found[kind], numbers, texts[1][kind], strict=True):
            assert text == full or (text == short and coarse(text)), (kind, text, full)


@pytest.mark.parametrize("x", [0.0, -1.5, 0.123456789, 12345.678, 1e-7, 1 / 3])
def test_after_a_leaf_is_typed_all_numbers_are_those_of_python(opened, x):
    page = opened(play(circuit()))
    page.keyboard.press("End")
    field = page.get_by_label("a, a number")
    field.fill(repr(x))
    field.press("Enter")
    settle(page)
    assert_computes(page, circuit(a=x))
    button(page, "Reset").click()
    assert_computes(page, circuit())


def sigmoid_circuit(w0):
    nodes = all_examples()["sharif.sigmoid_circuit"]()
    root = list(nodes.values())[-1]
    nodes["w0"].data = w0
    return root.forward()


def test_dragging_a_leaf_in_the_picture_moves_it_and_everything_follows(opened):
    page = opened(play(sigmoid_circuit(2.0)), viewport={"width": 1300, "height": 800})
    page.keyboard.press("End")
    box = page.locator("[data-leaf]").first.bounding_box()
    assert page.get_by_label("w0, a number").input_value() == "2"
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    for k in range(1, 11):
        page.mouse.move(x + 4 * k, y)
        settle(page)
    assert page.get_by_label("w0, a number").input_value() == "2.8"
    assert_computes(page, sigmoid_circuit(2.8))
    page.mouse.up()
    assert page.locator(".aside ol").count() == 0  # it was dragged, not clicked


def test_a_slider_moves_by_keys_and_by_the_mouse(opened):
    page = opened(play(circuit()))
    page.keyboard.press("End")
    slider = page.get_by_label("a, by sliding")
    slider.press("ArrowRight")
    slider.press("ArrowRight")
    slider.press("Shift+ArrowLeft")
    settle(page)
    assert page.get_by_label("a, a number").input_value() == "2.19"
    assert_computes(page, circuit(a=2.19))
    box = slider.bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    settle(page)
    moved = float(page.get_by_label("a, a number").input_value().replace("−", "-"))
    assert abs(moved) < 0.2
    assert moved != 2.19


def test_what_is_no_number_is_marked_and_changes_nothing(opened):
    page = opened(play(circuit()))
    page.keyboard.press("End")
    before = shown(page)
    field = page.get_by_label("b, a number")
    field.fill("one")
    field.press("Enter")
    assert field.get_attribute("aria-invalid") == "true"
    assert shown(page) == before
    field.fill("1/4")
    field.press("Enter")
    settle(page)
    assert field.get_attribute("aria-invalid") == "false"
    assert_computes(page, circuit(b=0.25))


def test_every_button_and_key_of_the_bar_goes_where_it_says(opened):
    page = opened(play(circuit()))
    end = last(page)
    for name, key, target in [
        ("Step", "ArrowRight", 1),
        ("Step", "PageDown", 2),
        ("Back", "ArrowLeft", 1),
        ("End", "End", end),
        ("Back", "PageUp", end - 1),
        ("Backward", "b", 4),
        ("Start", "Home", 0),
    ]:
        before = step(page)
        button(page, name).click()
        assert step(page) == target, name
        page.get_by_label("Step", exact=True).nth(0).evaluate("(e) => e.blur()")
        page.locator(".time").evaluate(
            "(e, k) => { e.value = k; e.dispatchEvent(new Event('input')); }", str(before)
        )
        assert step(page) == before
        page.keyboard.press(key)
        assert step(page) == target, key
    page.locator(".time").focus()
    page.keyboard.press("ArrowRight")
    assert step(page) == 1


def test_it_plays_by_itself_pauses_and_stops_at_the_end(opened):
    player = play(circuit())
    page = opened(player)
    page.clock.install()
    page.reload()
    page.wait_for_selector(".bar")
    button(page, "Play").click()
    page.clock.run_for(2 * 900 + 100)
    assert step(page) == 2
    button(page, "Pause").click()
    page.clock.run_for(5_000)
    assert step(page) == 2
    page.locator(".told").click()
    page.keyboard.press(" ")
    page.clock.run_for(60_000)
    assert step(page) == last(page)
    assert button(page, "Play").count() == 1


def test_large_type_full_screen_theme_and_detail(opened):
    page = opened(play(example("others.tanh_neuron")))
    player = page.locator(".mgp-player")
    size = player.evaluate("(e) => parseFloat(getComputedStyle(e).fontSize)")
    button(page, "Large type").click()
    assert player.evaluate("(e) => parseFloat(getComputedStyle(e).fontSize)") > size
    page.keyboard.press("l")
    assert player.evaluate("(e) => parseFloat(getComputedStyle(e).fontSize)") == size
    button(page, "Full screen").click()
    page.wait_for_function("document.fullscreenElement !== null")
    page.keyboard.press("f")
    page.wait_for_function("document.fullscreenElement === null")
    colors = []
    for theme in ("light", "dark"):
        page.get_by_label("Theme").select_option(label=theme)
        colors.append(player.evaluate("(e) => getComputedStyle(e).backgroundColor"))
    assert colors[0] != colors[1]
    for scene in play(example("others.tanh_neuron")).scenes:
        page.get_by_label("Detail").select_option(label=scene.label)
        page.keyboard.press("End")
        button(page, "End").click()
        assert_shows(page, scene, -1)


def test_a_link_opens_at_its_step_and_follows_the_steps(opened):
    page = opened(play(circuit()), "#step=7")
    assert step(page) == 7
    page.keyboard.press("ArrowRight")
    assert page.evaluate("location.hash") == "#step=8"
    page.evaluate("location.hash = '#step=3'")
    page.wait_for_function("document.querySelector('.count').textContent.includes('3 / ')")
    assert step(page) == 3


def test_by_the_keyboard_alone_from_beginning_to_end(opened):
    page = opened(play(circuit()))
    for _ in range(last(page)):
        page.keyboard.press("ArrowRight")
    assert shown(page)["told"][-1] == "b.grad: 2 + 3 = 5."
    names, seen = [], "() => document.activeElement.ariaLabel ?? document.activeElement.textContent"
    for _ in range(40):
        page.keyboard.press("Tab")
        name = page.evaluate(seen)
        if names and name == names[0]:
            break
        names.append(name)
    controls = ["Start", "Back", "Play", "Step", "Backward", "End", "Reset", "Copy as Python"]
    assert set(controls) < set(names)
    assert {"a", "b", "a + b", "b + 1", "(a + b) × (b + 1)"} < set(names)
    assert {"a, by sliding", "a, a number", "b, by sliding", "b, a number"} < set(names)
    page.locator("[data-box]").nth(1).focus()
    page.keyboard.press("Enter")
    assert "2 paths" in page.locator(".aside").inner_text()
    assert page.locator("[data-wire].lit").count() == 4


def test_the_story_of_a_box_and_all_its_paths(opened):
    page = opened(play(circuit()), "#step=99")
    page.locator("[data-box]").nth(1).hover()
    story = page.locator(".aside li").all_inner_texts()
    assert story[0] == "b = 1"
    assert "∂((a + b) × (b + 1))/∂b = 2 + 3 = 5" in story
    assert any(re.fullmatch(r"difference quotient: (5|4\.9999|5\.0000)\d*", x) for x in story)
    page.locator("[data-box]").nth(1).click()
    paths = page.locator(".aside ol li").all_inner_texts()
    assert len(paths) == 2
    assert sorted(path.rpartition(" ")[2] for path in paths) == ["2", "3"]
    page.locator(".aside ol li").first.hover()
    assert page.locator("[data-wire].lit").count() == 2


def test_copied_code_makes_the_present_leaves(opened):
    page = opened(play(circuit()))
    field = page.get_by_label("a, a number")
    field.fill("1/3")
    field.press("Enter")
    settle(page)
    button(page, "Copy as Python").click()
    found = {}
    exec(page.get_by_label("Python", exact=True).input_value(), {"Value": Value}, found)
    assert {name: v.data for name, v in found.items()} == {"a": 1 / 3, "b": 1.0}
    assert {v.label for v in found.values()} == {"a", "b"}


def test_a_quiz_asks_for_every_gradient_and_keeps_the_score(opened):
    page = opened(play(circuit(), quiz=True))
    answers = {"a": "2.0", "b": "17", "a + b": "2", "b + 1": "3"}
    asked = []
    page.locator(".told").click()
    while step(page) < last(page):
        page.keyboard.press("ArrowRight")
        question = re.search(r"∂.*/∂\(?(.*?)\)?\?", page.locator(".told").inner_text())
        if question:
            asked.append(question[1])
            assert "∂ ?" in shown(page)["derivatives"]
            field = page.locator(".quiz input")
            assert not re.search(r"= 5|\.grad", page.locator(".mgp-player").inner_text())
            field.fill(answers[question[1]])
            field.press("Enter")
            right = question[1] != "b"
            assert ("Right." if right else "Not 17.") in page.locator(".told").inner_text()
            page.locator(".told").click()
    assert sorted(asked) == ["a", "a + b", "b", "b + 1"]
    assert "3 of 4 right" in page.locator(".told").inner_text()


def test_a_quiz_of_values_can_show_the_answer(opened):
    page = opened(play(circuit()))
    page.get_by_label("Quiz").select_option(label="values")
    button(page, "Step").click()
    assert "What is a + b?" in page.locator(".told").inner_text()
    assert shown(page)["values"][2] == "?"
    page.locator(".quiz").get_by_role("button", name="Show").click()
    assert shown(page)["values"][2] == "3"
    page.get_by_label("Quiz").select_option(label="off")
    button(page, "Step").click()
    assert page.locator(".quiz").is_hidden()


HANDLERS = """(e) => [...e.querySelectorAll("*")].some((x) => (
  [...x.attributes].some((a) => a.name.startsWith("on"))
))"""


@pytest.mark.parametrize("framed", [False, True], ids=["file", "notebook"])
def test_labels_create_nothing(browser, tmp_path, framed):
    labels = [label for label in HOSTILE if len(label) < 500]
    kinds = []
    for some in (
        [f"x{i}" for i in range(12)],
        *(labels[i : i + 12] for i in range(0, len(labels), 12)),
    ):
        root = sum((Value(1.0, label=label) for label in some), Value(1.0, label="c"))
        root.label = some[0]
        player = play(root, quiz=True)
        path = tmp_path / "player.html"
        if framed:
            bundle = player._repr_mimebundle_()["text/html"]
            path.write_text(f"<!DOCTYPE html><meta charset=utf-8>{bundle}", encoding="utf-8")
        else:
            player.save(path)
        watched = Watched(browser)
        watched.page.goto(path.as_uri())
        frame = watched.page.frame_locator("iframe") if framed else watched.page
        frame.locator(".bar").wait_for()
        watched.page.keyboard.press("End")
        button(frame, "End").click()
        frame.locator("[data-box]").first.click(force=True)
        button(frame, "Copy as Python").click()
        names = "(e) => [...new Set([...document.querySelectorAll('*')].map((x) => x.localName))]"
        kinds.append(set(frame.locator(".mgp-player").evaluate(names)))
        assert frame.locator("script").count() == 3
        assert not frame.locator(".mgp-player").evaluate(HANDLERS)
        assert all(url.startswith(("file:", "about:")) for url in watched.close())
    assert all(found <= kinds[0] for found in kinds)


def test_the_policy_lets_two_scripts_run_and_nothing_else(browser, tmp_path):
    watched = Watched(browser)
    page = watched.open(play(circuit()).save(tmp_path / "player.html"))
    policy = page.locator("meta[http-equiv]").get_attribute("content")
    assert policy.startswith("default-src 'none'; ")
    scripts = policy.partition("script-src ")[2]
    assert re.fullmatch(r"('sha256-[\w+/=]+' ?){2}", scripts)
    done = page.evaluate(
        """() => new Promise((done) => {
          document.addEventListener("securitypolicyviolation", (e) => done(e.violatedDirective));
          const script = document.createElement("script");
          script.textContent = "window.ran = 1";
          document.body.append(script);
          setTimeout(() => done("none"), 2000);
        })"""
    )
    assert done.startswith("script-src")
    assert page.evaluate("window.ran") is None
    watched.wrong.clear()  # the browser tells of what it has not run
    watched.close()


def test_without_scripts_the_picture_stands_still(browser, tmp_path):
    player = play(circuit())
    watched = Watched(browser, java_script_enabled=False)
    watched.page.goto(player.save(tmp_path / "player.html").as_uri())
    texts = watched.page.locator("svg.mgp text").all_text_contents()
    assert "∂ 2 + 3 = 5" in texts
    assert watched.page.locator("svg.mgp").bounding_box()["width"] > 200
    assert watched.page.locator(".bar").count() == 0
    watched.close()


def test_in_the_frame_of_a_notebook_it_steps_and_cannot_reach_the_page(browser, tmp_path):
    player = play(circuit())
    path = tmp_path / "notebook.html"
    bundle = player._repr_mimebundle_()["text/html"]
    path.write_text(f"<!DOCTYPE html><meta charset=utf-8><p>cell</p>{bundle}", encoding="utf-8")
    watched = Watched(browser)
    watched.page.goto(path.as_uri())
    frame = watched.page.frame_locator("iframe")
    frame.locator(".bar").wait_for()
    assert watched.page.locator("iframe").get_attribute("sandbox") == "allow-scripts"
    inner = watched.page.frames[1]
    assert inner.evaluate("origin") == "null"
    for k in range(len(player.scenes[0].frames)):
        assert_shows(inner, player.scenes[0], k)
        button(frame, "Step").click()
    assert watched.page.url == path.as_uri()
    assert all(url.startswith(("file:", "about:")) for url in watched.close())


def test_reduced_motion_has_none(opened):
    for motion, moves in (("reduce", False), ("no-preference", True)):
        page = opened(play(circuit()), reduced_motion=motion)
        found = page.locator("[data-wire] path").first.evaluate(
            "(e) => getComputedStyle(e).transitionDuration"
        )
        assert (found != "0s") == moves


def test_light_and_dark_follow_the_reader_unless_one_is_pinned(opened):
    def paper(**options):
        page = opened(play(circuit(), **options.pop("pinned", {})), **options)
        return page.locator(".mgp-player").evaluate("(e) => getComputedStyle(e).backgroundColor")

    light, dark = paper(color_scheme="light"), paper(color_scheme="dark")
    assert light != dark
    assert paper(color_scheme="light", pinned={"theme": "dark"}) == dark
    assert paper(color_scheme="dark", pinned={"theme": "light"}) == light


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_an_audit_of_accessibility_finds_nothing_serious(opened, scheme):
    from axe_playwright_python.sync_playwright import Axe

    axe = Axe()

    def audited(page):
        found = axe.run(page).response["violations"]
        bad = [one for one in found if one["impact"] in ("serious", "critical")]
        assert not bad, [(o["id"], [n["html"][:200] for n in o["nodes"]][:3]) for o in bad]

    page = opened(play(example("others.tanh_neuron")), color_scheme=scheme)
    audited(page)
    page.keyboard.press("b")
    page.keyboard.press("ArrowRight")
    audited(page)
    page.keyboard.press("End")
    page.locator("[data-box]").first.click()
    audited(page)
    button(page, "Copy as Python").click()
    page.get_by_label("Quiz").select_option(label="gradients")
    button(page, "Backward").click()
    button(page, "Step").click()
    audited(page)


def test_on_a_telephone_nothing_but_the_picture_scrolls_sideways(opened):
    page = opened(play(example("sharif.sigmoid_circuit")), viewport={"width": 390, "height": 800})
    for key in ("Home", "b", "End"):
        page.keyboard.press(key)
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        new = page.locator("[data-box].now")
        if new.count():
            box, seen = new.bounding_box(), page.locator(".stage").bounding_box()
            assert seen["x"] - 1 <= box["x"] < seen["x"] + seen["width"]


MEASURE = """() => (
  [...document.querySelectorAll(".numbers text")].filter((t) => t.textContent).map((t) => {
    const r = t.getBoundingClientRect();
    return [r.left, r.top, r.right, r.bottom];
  })
)"""


def test_texts_stay_off_each_other_whatever_is_typed(opened):
    page = opened(play(sigmoid_circuit(2.0)), "#step=99", viewport={"width": 1400, "height": 800})
    for number in ("-123456.789", "0.000012345", "-0.0999999"):
        for name in ("w0", "x1"):
            page.get_by_label(f"{name}, a number").fill(number)
            page.get_by_label(f"{name}, a number").press("Enter")
        settle(page)
        texts = page.evaluate(MEASURE)
        for i, r in enumerate(texts):
            for s in texts[i + 1 :]:
                apart = r[2] <= s[0] + 1 or s[2] <= r[0] + 1 or r[3] <= s[1] + 3 or s[3] <= r[1] + 3
                assert apart, (number, r, s)


def test_what_the_browser_cannot_compute_is_said(opened):
    cube = custom("cube_of_mine", lambda x: x**3, lambda out, x: 3 * x * x)
    page = opened(play(cube(Value(2.0, label="x")) + 1.0))
    page.keyboard.press("End")
    before = shown(page)
    page.get_by_label("x, a number").fill("3")
    page.get_by_label("x, a number").press("Enter")
    found = shown(page)
    assert "cannot compute cube_of_mine" in found["told"][0]
    assert found["values"] == before["values"]
    assert math.isclose(float(before["values"][0]), 2.0)


def test_a_file_of_a_small_circuit_is_small(tmp_path):
    path = Path(play(circuit()).save(tmp_path / "player.html"))
    assert path.stat().st_size < 32_000


def test_bytes_of_any_number_are_unpacked_as_they_were(browser):
    rng = random.Random(0)
    page = browser.new_page()
    for size in range(12):
        content = bytes([255, 0]) * 3 + rng.randbytes(size)
        digits = deflated(content)
        assert html.escape(digits) == digits
        found = page.evaluate(
            f"""async (textContent) => {{{UNPACK}
              return [...new Uint8Array(await inflated({{ textContent }}).arrayBuffer())];
            }}""",
            digits,
        )
        assert bytes(found) == content
    page.close()
