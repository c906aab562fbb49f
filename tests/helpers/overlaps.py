"""Pictures at random, and which texts of a picture lie on each other or outside their boxes.

`python tests/helpers/overlaps.py 2000` draws so many and prints what it found. The extents of a
text are reckoned from the widths that the package assumes; test_browser.py compares them with a
browser's.
"""

import random
import re
import sys
from collections import Counter
from xml.etree import ElementTree as ET

from micrograd_plus import Value, draw, ops
from micrograd_plus.drawing.style import LABELLED
from micrograd_plus.drawing.widths import width
from micrograd_plus.nn import MLP

SVG = "{http://www.w3.org/2000/svg}"
ABOVE, BELOW = 0.95, 0.25  # of the font size, from the line that letters stand on
NAMES = (
    "a",
    "b",
    "x",
    "y",
    "w1",
    "loss",
    "x₁",
    "∂L/∂w",
    "WWWWWWWWWW",
    "a rather long name indeed",
    "M" * 30,
    "iiii",
    "θ",
    "日本語ラベル",
    "مرحبا",
    "🧠🧠",
    "a\u0301e\u0301",
    "<b>",
    "x" * 100,
    "\u202eabc",
    "$w^{(1)}_{12}$",
    r"bias $\theta_0$ of $\frac{1}{2}$",
    "",
)
UNARY = (
    "exp",
    "tanh",
    "sin",
    "relu",
    "sigmoid",
    "log",
    "sqrt",
    "neg",
    "abs",
    "hard_tanh",
    "softplus",
    "erf",
)
SIZES = (
    0.0,
    -0.0,
    1.0,
    2.0,
    -3.0,
    0.5,
    1e-7,
    -1.2345678e-300,
    -123456789.0,
    0.1 + 0.2,
    float("inf"),
    float("nan"),
    5e-324,
)


def graph(rng):
    """A graph of 1 to 40 gates whose operands are shared more or less,
    at numbers from harmless to extreme.
    """
    number = (
        (lambda: rng.choice(SIZES))
        if rng.random() < 0.2
        else (lambda: round(rng.uniform(-3, 3), rng.randrange(5)))
    )
    if rng.random() < 0.15:
        sizes = [rng.randrange(1, 5) for _ in range(rng.randrange(1, 3))]
        model = MLP(2, [*sizes, 1], rng=rng)
        return model(
            [Value(number(), "x0"), Value(number(), "x1") if rng.random() < 0.5 else number()]
        )
    nodes = [Value(number(), rng.choice(NAMES)) for _ in range(rng.randrange(1, 6))]
    for _ in range(rng.choice((1, 2, 3, 4, 6, 8, 12, 20, 40))):
        a, b = (rng.choice(nodes[-rng.choice((2, 5, 50)) :]) for _ in range(2))
        kind = rng.random()
        if kind < 0.25:
            out = getattr(ops, rng.choice(UNARY))(a)
        elif kind < 0.4:
            out = rng.choice((ops.add, ops.mul, ops.sub, ops.div, ops.pow))(
                *rng.choice(((a, number()), (number(), a)))
            )
        elif kind < 0.9:
            out = rng.choice((ops.add, ops.mul, ops.sub, ops.div, ops.maximum))(a, b)
        else:
            some = [rng.choice(nodes) for _ in range(rng.randrange(2, 6))]
            out = ops.sum(some) if kind < 0.95 else ops.dot(some, some[::-1], a)
        out.label = rng.choice(NAMES) if rng.random() < 0.3 else ""
        nodes.append(out)
    return nodes[-1]


def picture(seed):
    """The picture of such a graph in some state, drawn with some options."""
    rng = random.Random(seed)
    out = graph(rng)
    state = rng.random()
    if state < 0.6:
        out.backward()
    elif state < 0.8:
        (3 * out).backward()
    options = {}
    if rng.random() < 0.3:
        options = {
            "mode": "forward",
            "wrt": rng.choice([out, *(o for o in out.operands if isinstance(o, Value))]),
        }
    leaf = out
    while leaf.primitive is not None and any(isinstance(o, Value) for o in leaf.operands):
        leaf = next(o for o in leaf.operands if isinstance(o, Value))
    if rng.random() < 0.1 and leaf.primitive is None:
        leaf.data = 7.0
    return draw(
        out,
        constants=rng.choice(("fold", "show")),
        rankdir=rng.choice(("LR", "LR", "TB", "RL", "BT")),
        collapse=rng.choice(("auto", "auto", "none", "neuron", "layer")),
        **options,
    )


def texts(svg):
    """The texts of a picture with their extents (left, top, right, bottom), those of their boxes,
    and its size.
    """
    root = ET.fromstring(svg)
    size = float(root.get("width")), float(root.get("height"))
    found = []

    def visit(element, x, y, box):
        if element.tag == f"{SVG}g":
            dx, dy = element.get("transform", "translate(0 0)")[10:-1].split()
            x, y = x + float(dx), y + float(dy)
            if (rect := element.find(f"{SVG}rect")) is not None:
                left, top, across, down = (
                    float(rect.get(name)) for name in ("x", "y", "width", "height")
                )
                box = x + left, y + top, x + left + across, y + top + down
        for child in element:
            if child.tag == f"{SVG}text":
                height, text = float(child.get("font-size")), "".join(child.itertext())
                across = width(text, height, child.get("font-weight") is not None)
                before = {"start": 0.0, "middle": across / 2, "end": across}
                left = x + float(child.get("x")) - before[child.get("text-anchor")]
                base = y + float(child.get("y"))
                found.append(
                    (text, (left, base - ABOVE * height, left + across, base + BELOW * height), box)
                )
            if child.tag == f"{SVG}path" and element.get("class") == "mgp-math":
                text = element.get("aria-label")
                found.append((text, outline(child, x, y), box))
            visit(child, x, y, box)

    visit(root, 0.0, 0.0, (0.0, 0.0, *size))
    return found


def outline(path, x, y):
    """The extents of a formula, which is one path that is moved and scaled."""
    start, scale = map(
        float, re.fullmatch(r"translate\((\S+) 0\) scale\((\S+)\)", path.get("transform")).groups()
    )
    numbers = [float(n) for n in re.findall(r"-?[\d.]+", path.get("d"))]
    across = [x + start + n * scale for n in numbers[::2]]
    down = [y + n * scale for n in numbers[1::2]]
    return min(across), min(down), max(across), max(down)


def faults(svg):
    """Pairs of texts that lie on each other, and texts that leave their box or the frame."""
    found = sorted(texts(svg), key=lambda text: text[1][0])
    pairs = []
    for i, (one, r, _) in enumerate(found):
        for other, s, _ in found[i + 1 :]:
            if s[0] >= r[2]:
                break
            if r[1] < s[3] and s[1] < r[3]:
                pairs.append((one, other))
    return pairs, [
        text
        for text, r, box in found
        if r[0] < box[0] or r[1] < box[1] or r[2] > box[2] or r[3] > box[3]
    ]


def wires_and_numbers(drawn):
    """How many wires of a picture could bear a number, and how many do."""
    wires = [wire for box in drawn.model.boxes for wire in box.wires]
    able = [wire for wire in wires if wire.count == 1 and wire.source.kind not in ("cut", "layer")]
    return len(able) if len(wires) <= LABELLED else 0, drawn.svg.count('class="mgp-local-f"')


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    totals = Counter(pictures=count)
    for seed in range(count):
        drawn = picture(seed)
        pairs, outside = faults(drawn.svg)
        wires, numbers = wires_and_numbers(drawn)
        totals.update(
            texts=len(texts(drawn.svg)),
            overlaps=len(pairs),
            outside=len(outside),
            wires=wires,
            numbers=numbers,
        )
        if pairs or outside or wires != numbers:
            print(f"picture({seed}): {pairs[:3]} {outside[:3]} {wires - numbers} numbers missing")
    print("  ".join(f"{name} {number}" for name, number in totals.items()))


if __name__ == "__main__":
    main()
