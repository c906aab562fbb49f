"""How much a page with a player weighs, how soon it shows its picture, and how many pictures a
second it draws while a leaf is dragged.

    python tests/benchmarks/player.py

In Chromium without a graphics card. The last columns are milliseconds of its main thread's
processor time for one picture: they do not depend on what else the machine does.
"""

import random
import sys
import tempfile
from pathlib import Path
from time import perf_counter

sys.path.insert(0, str(Path(__file__).parents[1] / "helpers"))

from browsers import chromium

from micrograd_plus import Value, ops
from micrograd_plus.nn import MLP
from micrograd_plus.player import play

SECONDS = 3
DRAGGED = """(seconds) => new Promise((done) => {
  const sliders = [...document.querySelectorAll(".leaf input[type=range]")];
  const slider = sliders.find((one) => one.ariaLabel.startsWith("x")) ?? sliders[0];
  const [start, low, high] = [performance.now(), Number(slider.min), Number(slider.max)];
  const texts = () => [...document.querySelectorAll(".numbers text")].map((t) => t.textContent);
  const before = texts();
  let frames = 0;
  const once = () => {
    frames += 1;
    const share = 0.5 + 0.45 * Math.sin(frames / 20);
    slider.value = String(low + (high - low) * share);
    slider.dispatchEvent(new Event("input"));
    const passed = performance.now() - start;
    if (passed < 1000 * seconds) {
      requestAnimationFrame(once);
    } else {
      const after = texts();
      done([(1000 * frames) / passed, after.filter((text, k) => text !== before[k]).length]);
    }
  };
  requestAnimationFrame(once);
})"""
PAINTED = """() => new Promise((done) => {
  const seen = () => {
    const paint = performance.getEntriesByName("first-contentful-paint")[0];
    paint ? done(paint.startTime) : setTimeout(seen, 5);
  };
  seen();
})"""


def small():
    """e = (a + b)·(b + 1)"""
    a, b = Value(2.0, label="a"), Value(1.0, label="b")
    return (a + b) * (b + 1.0)


def network(*sizes):
    """A network of tanh neurons on inputs of its own, which come first among the leaves."""
    inputs = [Value(0.3 * i - 0.7, label=f"x{i}") for i in range(sizes[0])]
    return MLP(sizes[0], list(sizes[1:]), activation="tanh", rng=random.Random(0))(inputs)


def chain(gates):
    """x through so many gates, one behind the other, and x again at each third."""
    x = y = Value(0.5, label="x")
    for i in range(gates // 2):
        y = ops.sin(y) + (x if i % 3 else 1.0)
    return y


def instructions(player):
    """Of the program that a movement of a leaf runs."""
    recording = player.scenes[0].numbers._recording
    return recording.program.size - recording.program.inputs if recording else 0


def measured(browser, player, folder):
    """Bytes of the page, ms to the first picture and until it can be stepped, frames a second."""
    path = player.save(folder / "player.html")
    page = browser.new_page(viewport={"width": 1200, "height": 900})
    before = perf_counter()
    page.goto(path.as_uri())
    page.wait_for_selector(".bar")
    ready = 1000 * (perf_counter() - before)
    painted = page.evaluate(PAINTED)
    page.keyboard.press("End")
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    start = spent(session)
    rate, changed = page.evaluate(DRAGGED, SECONDS)
    each = [1000 * (b - a) / (rate * SECONDS) for a, b in zip(start, spent(session))]
    page.close()
    return path.stat().st_size, painted, ready, rate, changed, each


def spent(session):
    """Seconds of the processor so far."""
    found = {m["name"]: m["value"] for m in session.send("Performance.getMetrics")["metrics"]}
    return [found[f"{kind}Duration"] for kind in ("Script", "Layout", "RecalcStyle", "Task")]


def main():
    print(
        f"{'':16}{'boxes':>7}{'instr.':>8}{'bytes':>9}{'picture':>9}{'ready':>8}{'fps':>6}{'texts':>8}",
        end="",
    )
    print(f"{'script':>9}{'layout':>8}{'style':>7}{'all':>7}")
    with chromium() as browser, tempfile.TemporaryDirectory() as folder:
        for name, root in {
            "small": small(),
            "2-3-1, open": network(2, 3, 1),
            "6-6-5-1, open": network(6, 6, 5, 1),
            "10-17-9-1": network(10, 17, 9, 1),
            "8-16-8-1, open": network(8, 16, 8, 1),
            "300 in a row": chain(300),
            "5000 in a row": chain(5000),
        }.items():
            player = play(root, **({"collapse": "none"} if "open" in name else {}))
            size, painted, ready, rate, changed, each = measured(browser, player, Path(folder))
            boxes = len(player.scenes[0].boxes)
            print(
                f"{name:16}{boxes:7}{instructions(player):8}{size:9}{painted:9.0f}{ready:8.0f}"
                f"{rate:6.0f}{changed:8}{each[0]:9.1f}{each[1]:8.1f}{each[2]:7.1f}{each[3]:7.1f}"
            )


if __name__ == "__main__":
    main()
