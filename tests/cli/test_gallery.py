"""The gallery: one well-formed page that needs no network, with every example,
picture and number, and what a player of each needs.
"""

import base64
import hashlib
import json
import os
import re
import subprocess
import sys
import zlib
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import pytest
from hostile import HOSTILE

from micrograd_plus import Value, draw
from micrograd_plus.cli.gallery import gallery_html, lectures, played, sources, write_gallery
from micrograd_plus.cli.inline import Sheet
from micrograd_plus.engine import nodes_below
from micrograd_plus.examples import LECTURES, all_examples, all_trainings
from micrograd_plus.player.page import DIGITS, OURS

VOID = {"input", "meta"}
DATA = re.compile(r'<script type="application/octet-stream"( id="player")?>([^<>&]*)</script>')


@pytest.fixture(scope="module")
def page():
    return gallery_html()


class Reader(HTMLParser):
    """Checks that tags nest, and gathers elements and text."""

    def __init__(self, page):
        super().__init__()
        self.open, self.elements, self.texts = [], [], []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


def test_the_page_is_well_formed(page):
    found = Reader(page)
    assert found.open == []
    assert page.startswith('<!DOCTYPE html>\n<html lang="en">')
    ids = [attributes["id"] for _, attributes in found.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    targets = [attributes["href"] for tag, attributes in found.elements if tag == "a"]
    expected = []
    for lecture in LECTURES:
        expected += [lecture.name] if lecture.circuits else []
        expected += [f"{lecture.name}.{make.__name__}" for make in lecture.circuits]
    assert targets == [f"#{name}" for name in expected]
    assert [found for found in ids if found in expected] == expected
    assert {target[1:] for target in targets} <= set(ids)


def test_it_needs_nothing_from_anywhere(page):
    found = Reader(page)
    tags = {tag for tag, _ in found.elements}
    assert not tags & {"link", "iframe", "object", "base", "form", "image", "img", "use"}
    for _, attributes in found.elements:
        assert not any(
            name.startswith("on") or name in ("src", "srcset", "action", "xlink:href")
            for name in attributes
        )
    assert re.findall(r"https?://[^\"' ]+", page.replace("http://www.w3.org/2000/svg", "")) == []
    assert "url(" not in page
    assert "@import" not in page


def unpacked(data):
    digits = data.translate(dict(zip(OURS.values(), OURS)))
    return zlib.decompress(base64.b85decode(digits)).decode().split("\0")


def test_the_two_scripts_of_the_policy_run_and_nothing_else(page):
    found = Reader(page)
    policies = [
        a["content"]
        for tag, a in found.elements
        if a.get("http-equiv") == "Content-Security-Policy"
    ]
    (script,) = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    ((_, data),) = [one for one in DATA.findall(page) if one[0]]
    player, looks = unpacked(data)
    digests = [hashlib.sha256(text.encode()).digest() for text in (script, player)]
    hashes = " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)
    policy = (
        f"default-src 'none'; style-src 'unsafe-inline'; script-src {hashes}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    assert policies == [policy]
    assert page.count("<script") == 1 + len(DATA.findall(page)) == 2 + len(all_examples())
    for code in (script, player):
        assert not re.search(r"\beval\b|\bFunction\(|\bimport\b|innerHTML|fetch\(", code)
    assert "@import" not in looks
    assert "url(" not in looks


def test_every_circuit_has_its_button_and_what_its_player_needs(page):
    articles = dict(zip(all_examples(), page.split("<article ")[1:], strict=True))
    for name, article in articles.items():
        (button,) = re.findall(r"<button[^>]*>", article)
        assert 'aria-expanded="false"' in button
        assert f'aria-controls="{name}-player"' in button
        assert f'id="{name}-player"' in article
        assert button.endswith(" hidden>")  # until there is a script
        ((_, data),) = DATA.findall(article.partition("</article>")[0])
        contents = json.loads(unpacked(data)[0])
        (view,) = contents["views"]
        circuit = all_examples()[name]()
        *_, output = circuit.values()
        assert contents["output"] == output.label
        below = {v.label for v in nodes_below(output) if v.label in circuit}
        assert below <= {box["name"] for box in view["boxes"]}
        assert view["program"] is not None
        assert view["missing"] == []


@pytest.mark.parametrize("label", HOSTILE)
def test_a_label_is_never_markup(label):
    output = Value(2.0, label=label) * Value(3.0, label="x")
    output.backward()
    picture = draw(output)
    assert set(played(picture)) <= set(DIGITS) - set("<>&\"'\\`")
    svg = ET.fromstring(Sheet().svg(picture, "min-width: 1px"))
    assert {each.tag for each in svg.iter()} <= {
        "svg",
        "g",
        "title",
        "rect",
        "path",
        "polygon",
        "text",
        "tspan",
    }


def test_a_picture_says_of_its_looks_what_it_says_in_a_file(page):
    for names, looks in re.findall(r"^\.(p\d+) \{ (.*) \}$", page, re.MULTILINE):
        assert page.count(f'class="{names}"') > 0
        assert "fill" in looks or "stroke" in looks
    used = set(re.findall(r'class="(p\d+)"', page))
    assert used == set(re.findall(r"^\.(p\d+) ", page, re.MULTILINE))


def test_every_example_has_its_pictures_numbers_and_explanation(page):
    articles = dict(zip(all_examples(), page.split("<article ")[1:], strict=True))
    for name, article in articles.items():
        assert f'id="{name}"' in article
        assert (
            article.count("<svg ")
            == article.count('role="img"')
            == (3 if name == "rwth.forward_and_reverse" else 2)
        )
        assert article.count("<tr>") == len(all_examples()[name]()) + 1
        assert 'class="explanation"' in article
        assert "∂ ·" in article[article.index("Forward.") : article.index("Backward.")]
        assert "∂ ·" not in article[article.index("Backward.") :]
    plain = {name: re.sub("<[^>]*>", "", article) for name, article in articles.items()}
    assert "∂e/∂b = 2·1 + 3·1 = 5" in plain["rwth.forward_and_reverse"]
    assert "∂ = ∂·/∂b" in plain["rwth.forward_and_reverse"]
    for name, number in [
        ("sharif.sigmoid_circuit", "−0.534446645389"),
        ("sharif.sigmoid_circuit", "0.731058578630"),
        ("others.staged_function", "2.059569795572"),
        ("others.micrograd_readme", "645.577259475219"),
        ("others.tanh_neuron", "−1.5"),
        ("rwth.nine_paths", f"{9**60:,} paths"),
        ("sharif.product_of_a_sum", "−12"),
    ]:
        assert number in plain[name]


def test_it_says_whose_examples_it_has(page, pytestconfig):
    assert sum(map(int, re.findall(r"\d+(?= from)", sources()))) == len(all_examples())
    assert f"They are {sources()}." in page
    readme = " ".join((pytestconfig.rootpath / "README.md").read_text(encoding="utf-8").split())
    told = readme.partition("as one offline page, `gallery/index.html`: ")[2].partition("```")[0]
    whose = {"sharif": "Sharif", "rwth": "RWTH Aachen", "edinburgh": "Edinburgh"}
    whose |= {"stone": "Stone", "lund": "Lund"}
    assert [whose[name] for name in lectures() if name in whose if whose[name] not in told] == []
    for author in ("CS231n", "Mazur", "Karpathy"):
        assert author in told
        assert author in sources()


def test_it_names_what_a_lecture_gives_in_numbers(page):
    for name in all_trainings():
        assert page.count(f"<code>{name}()</code>") == (name.partition(".")[0] in lectures())


def test_one_lecture_has_a_page_of_its_own():
    page = gallery_html("rwth")
    found = Reader(page)
    ids = [attributes["id"] for tag, attributes in found.elements if tag == "article"]
    assert ids == [name for name in all_examples() if name.startswith("rwth.")]
    assert [tag for tag, _ in found.elements].count("h2") == 1
    assert f"They are {sources('rwth')}." in page
    assert re.fullmatch(r"\d+ from RWTH Aachen", sources("rwth"))
    with pytest.raises(ValueError, match=r"no lecture 'rwht' with circuits; did you mean rwth\?"):
        gallery_html("rwht")


def test_headings_and_tables_say_what_they_are(page):
    found = Reader(page)
    tags = [tag for tag, _ in found.elements]
    assert tags.count("h1") == 1
    assert tags.count("h2") == len(lectures())
    assert tags.count("h3") == len(all_examples())
    assert all("scope" in attributes for tag, attributes in found.elements if tag == "th")
    assert all(attributes.get("aria-label") for tag, attributes in found.elements if tag == "svg")
    assert "prefers-color-scheme: dark" in page
    assert "@media print" in page


def test_the_page_is_the_same_on_every_run(page):
    assert gallery_html() == page
    code = "from micrograd_plus.cli.gallery import gallery_html; print(end=gallery_html('others'))"
    seeds = ({**os.environ, "PYTHONUTF8": "1", "PYTHONHASHSEED": seed} for seed in "12")
    runs = [
        subprocess.run([sys.executable, "-c", code], env=e, capture_output=True, check=True)
        for e in seeds
    ]
    assert len({run.stdout for run in runs}) == 1


def test_writing_is_whole_or_not_at_all(page, tmp_path, monkeypatch):
    path = write_gallery(tmp_path / "gallery")
    assert path == tmp_path / "gallery" / "index.html"
    assert path.read_text("utf-8") == page
    monkeypatch.setattr("pathlib.Path.replace", lambda *_: (_ for _ in ()).throw(OSError("full")))
    with pytest.raises(OSError, match="full"):
        write_gallery(tmp_path / "gallery")
    assert [p.name for p in path.parent.iterdir()] == ["index.html"]


def test_without_graphviz_it_shows_the_same_pictures(page, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    monkeypatch.setenv("PATH", str(tmp_path))
    bare = write_gallery(tmp_path / "gallery").read_text("utf-8")
    assert bare != page
    assert bare.count("<svg") == page.count("<svg")
    assert bare.count("<text") == page.count("<text")
