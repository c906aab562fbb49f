"""The gallery in a real browser, from a file and with no network: each circuit is stepped through
in its place, and found by its words.
"""

import os
import shutil
from contextlib import closing

import pytest

from micrograd_plus.cli.gallery import write_gallery
from micrograd_plus.drawing.style import Style
from micrograd_plus.examples import all_examples

BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
try:
    from playwright.sync_api import sync_playwright
except ImportError:
    sync_playwright = None
pytestmark = pytest.mark.skipif(
    not ((BROWSER and sync_playwright) or os.environ.get("CI")), reason="no browser here"
)

STEPPED = "sharif.sigmoid_circuit"


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return write_gallery(tmp_path_factory.mktemp("gallery"))


@pytest.fixture(scope="module")
def chromium():
    with (
        sync_playwright() as playwright,
        closing(
            playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        ) as browser,
    ):
        yield browser


@pytest.fixture
def opened(chromium, path):
    """The page with no network; what it complains of fails the test."""
    with closing(chromium.new_context(offline=True)) as context:
        page, complaints = context.new_page(), []
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: complaints.append(request.url))
        page.goto(path.as_uri())
        complaints.remove(path.as_uri())
        yield page
        assert complaints == []


def article(page, name):
    return page.locator(f'article[id="{name}"]')


def derivatives(texts):
    """The gradients among texts: of ∂ 1 + 1.5 = 2.5 the sum."""
    return sorted(text[2:].split(" = ")[-1] for text in texts if text.startswith("∂ "))


PLAYED = """async () => {
  const texts = (within) => [...within.querySelectorAll("text")].map((text) => text.textContent);
  const found = [];
  const articles = [...document.querySelectorAll("article")];
  for (const article of articles) {
    articles.forEach((each) => { each.hidden = each !== article; });  // which is quicker
    article.querySelector("button.step").click();
    while (!article.querySelector(".mgp-player")) {
      await new Promise((resume) => setTimeout(resume));
    }
    article.querySelector(".mgp-player [aria-label=End]").click();
    const [still] = [...article.querySelectorAll("figure")].slice(-1);
    found.push([article.id, texts(still), texts(article.querySelector(".mgp-player .numbers"))]);
  }
  return found;
}"""


def test_every_circuit_ends_with_the_gradients_of_its_picture(opened):
    found = opened.evaluate(PLAYED)
    assert [name for name, _, _ in found] == list(all_examples())
    assert all(derivatives(told) for _, told, _ in found)
    differ = [name for name, told, shown in found if derivatives(told) != derivatives(shown)]
    assert differ == []


def test_the_gradients_at_the_end_are_those_of_python(opened):
    circuit = all_examples()[STEPPED]()
    *_, output = circuit.values()
    output.backward()
    whole = article(opened, STEPPED)
    whole.get_by_role("button", name="Step through it").press("Enter")
    player = whole.locator(".mgp-player")
    player.wait_for()
    assert player.evaluate("each => each === document.activeElement")
    steps = 0
    while "∂ ·" in player.locator(".derivative").all_text_contents():
        opened.keyboard.press("ArrowRight")
        steps += 1
    assert steps > len(circuit)
    opened.keyboard.press("End")
    shown = player.locator(".numbers .derivative").all_text_contents()
    assert sorted(shown) == sorted(f"∂ {Style().number(v.grad)}" for v in circuit.values())


def test_the_button_tells_what_is_shown_and_leads_back(opened):
    whole = article(opened, STEPPED)
    button = whole.get_by_role("button", name="Step through it")
    figures, player = whole.locator(".figures"), whole.locator(".mgp-player")
    assert button.get_attribute("aria-expanded") == "false"
    assert figures.is_visible()
    button.dblclick()  # before the first of the two is done
    opened.wait_for_function("document.querySelectorAll('.mgp-player').length > 0")
    assert button.get_attribute("aria-expanded") == "false"
    for _ in range(2):
        button.click()
        player.wait_for()
        assert button.get_attribute("aria-expanded") == "true"
        assert figures.is_hidden()
        button.click()
        figures.wait_for()
        assert player.is_hidden()
    assert opened.locator(".mgp-player").count() == 1
    assert opened.url.endswith("index.html")


def test_two_players_do_not_meet(opened):
    for name in (STEPPED, "rwth.nine_paths"):
        article(opened, name).get_by_role("button", name="Step through it").click()
        article(opened, name).locator(".mgp-player").wait_for()
    opened.keyboard.press("End")
    counts = opened.locator(".mgp-player .count").all_text_contents()
    ends = [count.split(" / ") for count in counts]
    assert ends[0][0] == "0"
    assert ends[1][0] == ends[1][1]


def test_circuits_are_found_by_words_of_title_source_and_lecture(opened):
    field, shown = opened.get_by_label("Find a circuit"), opened.locator("article:visible")
    number = "e => getComputedStyle(e, '::before').counterReset + e.style.counterReset"
    before = article(opened, STEPPED).evaluate(number)
    assert opened.locator("nav li:visible").count() == shown.count() == len(all_examples())
    for words, found in [
        ("SIGMOID circuit", {STEPPED}),
        ("slide 104", {"sharif.weight_decay", "sharif.weight_sharing"}),
        ("karpathy tanh", {"others.tanh_neuron"}),
        ("<b>", set()),
    ]:
        field.fill(words)
        ids = {one.get_attribute("id") for one in shown.all()}
        assert ids >= found if found else ids == found
        assert opened.locator("nav li:visible").count() == len(ids) < 20
        assert opened.locator("nav p:visible").count() == len({i.split(".")[0] for i in ids})
        told = opened.get_by_role("status").first.text_content()
        assert told == f"{len(ids)} of {len(all_examples())} circuits"
    field.fill("sigmoid circuit")
    assert article(opened, STEPPED).evaluate(number) == before
    field.fill("")
    assert shown.count() == len(all_examples())


def test_without_scripts_it_is_pictures_and_words(chromium, path):
    with closing(chromium.new_context(java_script_enabled=False)) as context:
        page = context.new_page()
        page.goto(path.as_uri())
        assert page.locator("article:visible").count() == len(all_examples())
        assert page.locator(".figures svg:visible").count() >= 2 * len(all_examples())
        assert page.locator("button:visible, input:visible").count() == 0
