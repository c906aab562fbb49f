"""Pages in Chromium, by Playwright, with no network, and what they show of a player."""

import os
import shutil
from contextlib import contextmanager
from importlib.util import find_spec

import pytest

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))),
    None,
)
IS_THERE = CHROMIUM and find_spec("playwright") and find_spec("axe_playwright_python")
needs_browser = pytest.mark.skipif(
    not (IS_THERE or os.environ.get("CI")), reason="no Chromium or no Playwright here"
)

TEXTS = """(root) => {
  const lines = (g) => [...g.querySelectorAll("text")].map((line) => line.textContent).join(" ");
  const texts = (kind) => [...root.querySelectorAll(`.numbers > .${kind}`)].map(lines);
  return {
    values: texts("value"), derivatives: texts("derivative"), wires: texts("label"),
    told: [...root.querySelectorAll(".told span")].map((line) => line.textContent),
    count: root.querySelector(".count").textContent,
  };
}"""


@contextmanager
def chromium():
    """A browser of Playwright's."""
    from playwright.sync_api import sync_playwright

    options = [
        "--no-sandbox",
        "--disable-gpu",
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    ]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=options)
        yield browser
        browser.close()


class Watched:
    """A page with all that went wrong in it: messages of errors, dialogs, and what it asked for."""

    def __init__(self, browser, **options):
        self.context = browser.new_context(offline=True, **options)
        self.page = self.context.new_page()
        self.wrong, self.asked = [], []
        self.page.on("console", lambda message: self.wrong.append((message.type, message.text)))
        self.page.on("pageerror", lambda error: self.wrong.append(("error", str(error))))
        self.page.on("dialog", self._dismiss)
        self.page.on("request", lambda request: self.asked.append(request.url))

    def _dismiss(self, dialog):
        self.wrong.append(("dialog", dialog.message))
        dialog.dismiss()

    def open(self, path, fragment=""):
        """The page, once its player is there."""
        self.page.goto(path.as_uri() + fragment)
        self.page.wait_for_selector(".mgp-player .bar")
        return self.page

    def close(self):
        """Close it, and tell what it asked for; nothing may have gone wrong."""
        self.context.close()
        assert self.wrong == []
        return self.asked


def shown(page, root=".mgp-player"):
    """The texts of a player at its step."""
    return page.locator(root).evaluate(TEXTS)


def expected(scene, texts):
    """What it should show, of the texts of a frame: where there are places for them."""
    spotted = scene.as_json(dict.fromkeys(scene.leaves, 0))
    boxes, wires = spotted["boxes"], spotted["wires"]
    return {
        "values": [x for x, box in zip(texts["values"], boxes) if "value" in box["spots"]],
        "derivatives": [
            x for x, box in zip(texts["derivatives"], boxes) if "derivative" in box["spots"]
        ],
        "wires": [x for x, wire in zip(texts["wires"], wires) if wire["at"]],
    }
