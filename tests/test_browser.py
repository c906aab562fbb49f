"""The gallery in a real browser, headless and with no network: what it lays out is what a reader sees."""

import os
import re
import shutil
import subprocess

import pytest

from micrograd_plus.cli import main
from micrograd_plus.examples import all_examples

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
OPTIONS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
           "--disable-background-networking", "--disable-component-update", "--disable-extensions",
           "--host-resolver-rules=MAP * ~NOTFOUND"]  # no name resolves, so nothing can be fetched

pytestmark = pytest.mark.skipif(not (BROWSER or os.environ.get("CI")), reason="no browser here")


def browse(profile, *arguments):
    return subprocess.run([BROWSER, *OPTIONS, f"--user-data-dir={profile}", *arguments], check=True, capture_output=True,
                          timeout=120).stdout.decode()


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    directory = tmp_path_factory.mktemp("gallery")
    assert main(["gallery", "-o", str(directory)]) == 0
    return directory / "index.html"


def test_every_example_is_there_with_its_pictures(page, tmp_path):
    shown = browse(tmp_path, "--dump-dom", page.as_uri())
    articles = re.findall(r"<article id=\"(\w+)\".*?</article>", shown, re.DOTALL)
    assert articles == list(all_examples())
    for article in re.findall(r"<article.*?</article>", shown, re.DOTALL):
        assert len(re.findall(r"<svg[^>]*>.*?</svg>", article, re.DOTALL)) >= 2
        assert "<table>" in article


def test_it_paints_something_in_light_and_in_dark(page, tmp_path):
    sizes = []
    for name, scheme in (("light", []), ("dark", ["--blink-settings=preferredColorScheme=0"])):
        picture = tmp_path / f"{name}.png"
        browse(tmp_path / name, *scheme, f"--screenshot={picture}", "--window-size=1200,1500", page.as_uri())
        assert picture.read_bytes().startswith(b"\x89PNG")
        sizes.append(picture.read_bytes())
    assert min(map(len, sizes)) > 50_000  # a blank page of this size takes a tenth of it
    assert sizes[0] != sizes[1]
