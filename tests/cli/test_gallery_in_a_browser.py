"""The gallery in a real browser, from a file and with no network: each circuit is stepped through
in its place, and found by its words.
"""

import re

import pytest
from browsers import Watched, needs_browser

from micrograd_plus.cli.gallery import write_gallery
from micrograd_plus.drawing.style import Style
from micrograd_plus.examples import all_examples

pytestmark = needs_browser

STEPPED = "sharif.sigmoid_circuit"


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return write_gallery(tmp_path_factory.mktemp("gallery"))


@pytest.fixture
def opened(browser, path):
    """The page; at the end nothing went wrong, and nothing but the file was asked for."""
    watched = Watched(browser)
    watched.page.goto(path.as_uri())
    yield watched.page
    assert watched.close() == [path.as_uri()]


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
    (first, _), (step, last) = [
        re.findall(r"\d+", count)
        for count in opened.locator(".mgp-player .count").all_text_contents()
    ]
    assert first == "0"
    assert step == last


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


def test_without_scripts_it_is_pictures_and_words(browser, path):
    watched = Watched(browser, java_script_enabled=False)
    watched.page.goto(path.as_uri())
    assert watched.page.locator("article:visible").count() == len(all_examples())
    assert watched.page.locator(".figures svg:visible").count() >= 2 * len(all_examples())
    assert watched.page.locator("button:visible, input:visible").count() == 0
    watched.close()


@pytest.mark.parametrize(("width", "scheme"), [(1300, "light"), (390, "dark")])
def test_an_opened_player_is_accessible_and_no_wider_than_the_page(scheme, width, browser, path):
    from axe_playwright_python.sync_playwright import Axe

    size = {"width": width, "height": 844}
    watched = Watched(browser, color_scheme=scheme, viewport=size, bypass_csp=True)
    page = watched.page
    page.goto(path.as_uri())
    page.get_by_label("Find a circuit").fill("sigmoid circuit gate by gate")
    article(page, STEPPED).get_by_role("button", name="Step through it").click()
    article(page, STEPPED).locator(".mgp-player").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert Axe().run(page).response["violations"] == []
    watched.close()
