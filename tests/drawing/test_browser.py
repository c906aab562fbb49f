"""Pictures and the gallery in a real browser, headless and with no network:
what it lays out is what a reader sees.
"""

import html
import json
import os
import re
import shutil
import subprocess

import pytest
from overlaps import picture, texts

from micrograd_plus import Value, draw
from micrograd_plus.cli import main
from micrograd_plus.drawing.svg import extent
from micrograd_plus.examples import all_examples

BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))),
    None,
)
OPTIONS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-extensions",
    # no name resolves, so nothing can be fetched
    "--host-resolver-rules=MAP * ~NOTFOUND",
]

pytestmark = pytest.mark.skipif(not (BROWSER or os.environ.get("CI")), reason="no browser here")


def browse(profile, *arguments):
    return subprocess.run(
        [BROWSER, *OPTIONS, f"--user-data-dir={profile}", *arguments],
        check=True,
        capture_output=True,
        timeout=120,
    ).stdout.decode()


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    directory = tmp_path_factory.mktemp("gallery")
    assert main(["gallery", "-o", str(directory)]) == 0
    return directory / "index.html"


def test_every_example_is_there_with_its_pictures(page, tmp_path):
    shown = browse(tmp_path, "--dump-dom", page.as_uri())
    articles = re.findall(r"<article id=\"([\w.]+)\".*?</article>", shown, re.DOTALL)
    assert articles == list(all_examples())
    for article in re.findall(r"<article.*?</article>", shown, re.DOTALL):
        assert len(re.findall(r"<svg[^>]*>.*?</svg>", article, re.DOTALL)) >= 2
        assert "<table>" in article


def test_it_paints_something_in_light_and_in_dark(page, tmp_path):
    sizes = []
    for name, scheme in (("light", []), ("dark", ["--blink-settings=preferredColorScheme=0"])):
        picture = tmp_path / f"{name}.png"
        browse(
            tmp_path / name,
            *scheme,
            f"--screenshot={picture}",
            "--window-size=1200,1500",
            page.as_uri(),
        )
        assert picture.read_bytes().startswith(b"\x89PNG")
        sizes.append(picture.read_bytes())
    assert min(map(len, sizes)) > 50_000  # a blank page of this size takes a tenth of it
    assert sizes[0] != sizes[1]


MEASURE = """<!DOCTYPE html><meta charset="utf-8"><body>%s<pre id="measured"></pre><script>
const measured = [...document.querySelectorAll("svg")].map(svg => {
  const frame = svg.getBoundingClientRect();
  return [...svg.querySelectorAll("text, .mgp-math path")].map(text => {
    const r = text.getBoundingClientRect();
    return [r.left - frame.left, r.top - frame.top, r.right - frame.left, r.bottom - frame.top];
  });
});
document.getElementById("measured").textContent = JSON.stringify(measured);
</script>"""


def test_texts_take_no_more_room_than_was_reckoned_with_so_none_overlap(tmp_path):
    drawn = [picture(seed).svg for seed in range(5_000, 5_080)]
    page = tmp_path / "pictures.html"
    page.write_text(MEASURE % "\n".join(drawn), encoding="utf-8")
    shown = browse(tmp_path / "profile", "--dump-dom", page.as_uri())
    found = json.loads(
        html.unescape(re.search(r'<pre id="measured">(.*?)</pre>', shown, re.DOTALL)[1])
    )
    assert sum(map(len, found)) > 2_000
    for svg, measured in zip(drawn, found, strict=True):
        for (text, reckoned, _), real in zip(texts(svg), measured, strict=True):
            assert real[2] - real[0] > 0 or not text.strip()
            assert real[0] > reckoned[0] - 1, text
            assert real[1] > reckoned[1] - 1, text
            assert real[2] < reckoned[2] + 1, text
            assert real[3] < reckoned[3] + 1, text
        for i, r in enumerate(measured):
            assert not any(
                r[0] < s[2] and s[0] < r[2] and r[1] < s[3] and s[1] < r[3]
                for s in measured[i + 1 :]
            )


SHOWN = """<!DOCTYPE html><meta charset="utf-8"><style>%s</style><div class="output">%s</div>
<pre id="measured"></pre><script>
addEventListener("load", () => {
  document.getElementById("measured").textContent = JSON.stringify(
    [...document.querySelectorAll("img")].map(img => [img.getBoundingClientRect().width,
      img.parentElement.clientWidth, document.documentElement.scrollWidth]));
});
</script>"""
JUPYTERLAB = ".output img { max-width: 100%; height: auto }"


def chain(gates):
    x = Value(0.5, "x")
    for i in range(gates):
        x = x.sin() if i % 3 else x.exp() * 0.5
    return x


@pytest.mark.parametrize("css", ["", JUPYTERLAB])
def test_a_picture_wider_than_the_page_scrolls_before_it_is_too_small_to_read(css, tmp_path):
    drawn = [draw(chain(gates), collapse="none") for gates in (2, 4, 40)]
    page = tmp_path / "page.html"
    shown = "".join(one._mime_()[1] for one in drawn)
    page.write_text(SHOWN % (css, shown), encoding="utf-8")
    dom = browse(tmp_path / "profile", "--window-size=1000,800", "--dump-dom", page.as_uri())
    found = json.loads(re.search(r'<pre id="measured">(.*?)</pre>', dom, re.DOTALL)[1])
    natural = [extent(one.texts, one.places)[0] for one in drawn]
    assert natural[0] < 900 < natural[1] < 1500 < 5000 < natural[2]
    for (width, room, page_width), whole in zip(found, natural, strict=True):
        assert width == pytest.approx(max(0.6 * whole, min(whole, room)), abs=1.0)
        assert page_width <= 1000  # the page itself does not scroll
