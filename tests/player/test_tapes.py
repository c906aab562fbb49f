"""Tapes in a page of a real browser: WebAssembly where the page's policy lets it run, JavaScript
where not, with the same numbers.
"""

import base64
import json
import random
from pathlib import Path

import numpy as np
from browsers import chromium, needs_browser

import micrograd_plus
from micrograd_plus import ops, record
from micrograd_plus.nn import MLP
from micrograd_plus.player.page import EXPORT, IMPORT
from micrograd_plus.player.tapes import interpreter, program_as_data

pytestmark = needs_browser
PLAYER = Path(micrograd_plus.__file__).parent / "player"

PAGE = """<!DOCTYPE html><html><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src {policy}">
</head><body><script>{modules}
(async () => {{
  const bytes = Uint8Array.from(atob("{module}"), (c) => c.charCodeAt(0));
  const {{ data, points, parameters }} = {contents};
  const one = await interpreter(bytes);
  const runner = await one.load(data);
  const found = {{ language: one.language, sum: [...runner.sum(points, parameters)] }};
  found.values = [...runner.values(points, parameters)];
  document.title = JSON.stringify(found);
}})();
</script></body></html>"""


def test_the_page_s_policy_chooses_the_language_and_no_number(tmp_path):
    model = MLP(2, [8, 1], rng=random.Random(0))
    tape = record(lambda x, t: ops.relu(1 - t * model(x)), [0.0, 0.0], 1.0, parameters=model)
    points = np.random.default_rng(0).normal(size=(2_100, 3))
    parameters = [p.data for p in model.parameters()]
    contents = {
        "data": program_as_data(tape.program_for("sums")),
        "points": points.ravel().tolist(),
        "parameters": parameters,
    }
    found = {}
    with chromium() as browser:
        for policy in ("'unsafe-inline'", "'unsafe-inline' 'wasm-unsafe-eval'"):
            path = tmp_path / "page.html"
            path.write_text(
                PAGE.format(
                    policy=policy,
                    modules=modules(),
                    module=base64.b64encode(interpreter()).decode(),
                    contents=json.dumps(contents),
                ),
                encoding="utf-8",
            )
            page = browser.new_page()
            page.goto(path.as_uri())
            page.wait_for_function("document.title")
            told = json.loads(page.title())
            found[told.pop("language")] = told
            page.close()
    assert list(found) == ["JavaScript", "WebAssembly"]
    assert found["JavaScript"] == found["WebAssembly"]
    total, gradient = tape.sum_and_grad(points, executor="python")
    assert found["WebAssembly"]["sum"] == [total, *gradient]


def modules():
    texts = [(PLAYER / name).read_text(encoding="utf-8") for name in ("arithmetic.js", "tapes.js")]
    return "\n".join([EXPORT.sub("", IMPORT.sub("", text)) for text in texts])
