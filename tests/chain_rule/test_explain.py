"""The explanation against its definition: every path walked on small graphs,
the sweeps on graphs too large to walk.
"""

import math
import re
import time
from html.parser import HTMLParser

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from micrograd_plus import draw, no_grad, ops
from micrograd_plus.chain_rule import explain
from micrograd_plus.engine import Value, adjoints, local_gradients, nodes_below
from micrograd_plus.support.text import number


def labelled(**values):
    for label, v in values.items():
        v.label = label
    return values.values()


def two_paths():
    a, b = Value(2.0, label="a"), Value(1.0, label="b")
    c, d = labelled(c=a + b, d=b + 1)
    (e,) = labelled(e=c * d)
    return a, b, c, d, e


def walked(e, leaf):
    """Every path from the leaf, one product each, in the order of the graph;
    the definition, recursively.
    """
    if e is leaf:
        return [1.0]
    return [
        product * partial
        for operand, partial in zip(e.operands, local_gradients(e))
        if isinstance(operand, Value) and partial is not None
        for product in walked(operand, leaf)
    ]


# A graph is a list of gates, each naming a row and two of the nodes before it.
GATES = [
    ops.add,
    ops.sub,
    ops.mul,
    ops.maximum,
    ops.minimum,
    lambda x, y: ops.relu(x) + y,
    ops.div,
    ops.less,
]
programs = st.lists(
    st.tuples(st.sampled_from(range(len(GATES))), st.integers(0, 20), st.integers(0, 20)),
    max_size=9,
)


@given(programs, st.integers(-3, 3), st.integers(1, 4))
@example([(2, 0, 0), (2, 1, 1)], 0, 3)
def test_paths_are_those_one_finds_by_walking(program, x, limit):
    nodes = [Value(float(x)), Value(2.0), Value(-1.0)]
    for gate, i, j in program:
        nodes.append(GATES[gate](nodes[i % len(nodes)], nodes[j % len(nodes)]))
    e, leaf = nodes[-1], nodes[0]
    products = walked(e, leaf)
    found = explain(e, leaf, limit=limit)
    assert found.count == len(products)
    assert found.value == adjoints(nodes_below(e), {e: 1.0}).get(leaf, 0.0) or math.isnan(
        found.value
    )
    assert len(found.paths) == min(limit, len(products))
    if not any(map(math.isnan, products)):
        largest = sorted((abs(p) for p in products), reverse=True)[:limit]
        assert sorted((abs(p.product) for p in found.paths), reverse=True) == pytest.approx(
            largest, rel=1e-12
        )
    for path in found.paths:
        assert path.nodes[0] is leaf
        assert path.nodes[-1] is e
        assert len(path.local_gradients) == len(path.nodes) - 1
        for below, above, local in zip(path.nodes, path.nodes[1:], path.local_gradients):
            assert any(
                o is below and (p == local or p != p)
                for o, p in zip(above.operands, local_gradients(above))
            )
    assert str(found)
    assert "<li>" in found.html() or not found.paths


def test_the_lecture_sum():
    a, b, _, _, e = two_paths()
    found = explain(e, b)
    assert found.headline == "∂e/∂b = 2·1 + 3·1 = 5"
    assert (found.value, found.count, [p.product for p in found.paths]) == (5.0, 2, [2.0, 3.0])
    assert [p.title for p in found.paths] == [
        "b → c → e: ∂e/∂c·∂c/∂b = 2·1 = 2",
        "b → d → e: ∂e/∂d·∂d/∂b = 3·1 = 3",
    ]
    assert found.paths[0].steps == (
        "e = c × d: mul swaps, c gets the gradient times the other factor, d = 2",
        "c = a + b: add distributes, b gets the gradient unchanged (× 1)",
    )
    assert explain(e, a).headline == "∂e/∂a = 2·1 = 2"
    assert str(found).startswith(
        "∂e/∂b = 2·1 + 3·1 = 5\n2 paths lead from b to e; the gradient is the sum"
    )


def test_from_the_output_back():
    _, b, _, _, e = two_paths()
    assert explain(e, b).factored == (
        "∂e/∂d = c = 3",
        "∂e/∂c = d = 2",
        "∂e/∂b = ∂e/∂c·∂c/∂b + ∂e/∂d·∂d/∂b = 2·1 + 3·1 = 5",
    )
    # one gate says nothing more
    assert explain(e, e.operands[0]).factored == ()


def test_the_backward_pass_edge_by_edge():
    a, b, _, _, e = two_paths()
    lines = (
        "e → c: upstream 1 × local 2 = 2; c.grad 0 → 2",
        "e → d: upstream 1 × local 3 = 3; d.grad 0 → 3",
        "d → b: upstream 3 × local 1 = 3; b.grad 0 → 3",
        "c → b: upstream 2 × local 1 = 2; b.grad 3 → 5",
    )
    found = explain(e, b).table()
    assert str(found) == repr(found) == "\n".join(lines)
    assert found.html().count("<tr>") == 4
    whole = str(explain(e, b).table(whole=True)).split("\n")
    assert set(whole) == {*lines, "c → a: upstream 2 × local 1 = 2; a.grad 0 → 2"}
    assert (a.grad, b.grad) == (0.0, 0.0)
    x = Value(0.0, label="x")
    for _ in range(100):
        x = x + 1.0
    assert "… 60 more edges …" in str(explain(x, "x").table())
    assert len(explain(x, "x", full=True).table().rows) == 100


@given(programs, st.integers(-3, 3))
def test_what_a_table_gathers_are_the_gradients(program, x):
    nodes = [Value(float(x)), Value(2.0), Value(-1.0)]
    for gate, i, j in program:
        nodes.append(GATES[gate](nodes[i % len(nodes)], nodes[j % len(nodes)]))
    for i, v in enumerate(nodes):
        v.label = f"n{i}"
    e = nodes[-1]
    gradients = adjoints(nodes_below(e), {e: 1.0})
    for whole in (False, True):
        last = {}
        for edge, _, grad in explain(e, nodes[0], full=True).table(whole=whole).rows:
            last[edge.partition(" → ")[2]] = grad.partition(" → ")[2]
        for v in nodes_below(e)[:-1]:
            if v.label in last:
                assert last[v.label] == number(gradients[v])


def test_digits_are_those_of_the_lecture():
    x = Value(0.123456, label="x")
    (y,) = labelled(y=x.exp())
    assert explain(y, x, digits=2).headline == "∂y/∂x = 1.13"
    assert "e^x = e^0.12 = 1.13" in str(explain(y, x, digits=2))
    for digits in (-1, 18, 2.0, True):
        with pytest.raises(ValueError, match="digits must be a whole number from 0 to 17"):
            explain(y, x, digits=digits)


def test_a_long_path_folds_what_only_hands_on_and_full_leaves_nothing_out():
    x = Value(2.0, label="x")
    y = x * 3.0
    for _ in range(20):
        y = y + 1.0
    z = y * y
    found = explain(z, x, limit=1)
    assert "20 steps hand the gradient on unchanged (× 1)" in str(found)
    assert found.headline == "∂output/∂x = 26·3 + … = 156"
    assert len(found.factored) == 2
    full = explain(z, x, limit=1, full=True)
    assert str(full).count("gets the gradient unchanged (× 1)") == 20
    assert full.headline == f"∂output/∂x = 26·{'1·' * 20}3 + … = 156"


def test_any_node_may_stand_for_the_leaf():
    *_, c, d, e = two_paths()
    assert explain(e, c).headline == "∂e/∂c = 2"
    assert explain(e, e).headline == "∂e/∂e = 1"
    assert (explain(e, e).count, explain(e, e).value) == (1, 1.0)
    assert explain(c, d).headline == "∂c/∂d = 0"


def test_a_label_names_its_node_as_it_does_in_a_picture():
    a, b, c, _, e = two_paths()
    for name, v in (("a", a), ("b", b), ("c", c), ("e", e)):
        assert str(e.explain(name)) == str(explain(e, name)) == str(explain(e, v))
        assert explain(e, name).leaf is v


def test_names_name_what_has_no_label():
    x, y = Value(2.0), Value(3.0, label="why")
    outside = Value(1.0)
    z = x * y
    names = {"x": x, "y": y, "z": z, "outside": outside, "number": 3.0}
    assert explain(z, "x", names=names).leaf is x
    assert explain(z, "why", names=names).leaf is y
    # its title is why, but the variable says which is meant
    assert explain(z, "y", names=names).leaf is y
    assert explain(z, "outside", names=names).summary.startswith("z does not depend on")
    for name in ("x", "why", "y"):
        assert draw(z, mode="forward", wrt=name, names=names).model.known
    for name in ("outside", "number"):
        with pytest.raises(ValueError, match=f"{name}"):
            draw(z, mode="forward", wrt=name, names=names)
    with pytest.raises(ValueError, match=r"'number': there are x, why, z$"):
        explain(z, "number", names=names)


LABELS = ["weight1", "weight2", "bias", "out"]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        (
            "wieght1",
            r"'wieght1' \(did you mean weight1 or weight2\?\): there are weight1, .*, out$",
        ),
        ("Bias", r"'Bias' \(did you mean bias\?\): there are"),
        ("q", "'q': there are weight1, weight2, bias, out$"),
        ("", "'': there are"),
        ("q" * 1000, "'q{59}…': there are"),
        ("\u202e<b>", r"'\\u202e<b>': there are"),
    ],
)
def test_a_name_of_nothing_is_told_what_comes_near_and_what_there_is(name, told):
    w1, w2, b = (Value(float(i), label=label) for i, label in enumerate(LABELS[:3]))
    out = w1 * w2 + b
    out.label = "out"
    for ask in (lambda: out.explain(name), lambda: draw(out, mode="forward", wrt=name)):
        with pytest.raises(ValueError, match=told) as refused:
            ask()
        assert not set(str(refused.value)) & set("\u202e\n")


def test_a_name_of_several_nodes_or_in_a_graph_without_labels_is_refused():
    g = Value(1.0, label="x") * Value(2.0, label="x")
    for ask in (lambda: explain(g, "x"), lambda: draw(g, mode="forward", wrt="x")):
        with pytest.raises(
            ValueError, match="2 nodes are called 'x', with the values 1, 2: pass the Value"
        ):
            ask()
    with pytest.raises(
        ValueError, match=r"'x', for none has a label: pass the Value itself, or names=locals\(\)"
    ):
        explain(Value(1.0) * 2, "x")
    many = ops.sum([Value(float(i), label=f"x{i}") for i in range(100)])
    with pytest.raises(
        ValueError, match="there are x0, x1, x2, x3, x4, x5, x6, x7, x8, x9 and 90 more"
    ):
        explain(many, "why")


def test_negative_numbers_are_bracketed_behind_others():
    x = Value(-2.0, label="x")
    (y,) = labelled(y=x * x)
    assert explain(y, x).headline == "∂y/∂x = −2 + (−2) = −4"
    assert explain(-y, x).headline == "∂(−y)/∂x = −1·(−2) + (−1)·(−2) = 4"
    assert "x as operand 2 gets the gradient times the other factor, x = −2" in str(explain(y, x))


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (
            lambda x, y: x - y,
            "x − y: sub distributes, y gets the gradient with its sign turned (× −1)",
        ),
        (
            ops.maximum,
            "max(x, y): max routes, the value came from y, which gets the whole gradient (× 1)",
        ),
        (
            lambda x, y: ops.maximum(y, 3.0),
            "max(y, 3): max routes, y ties with others and gets its share of the gradient (× 0.5)",
        ),
        (
            lambda x, y: y.relu(),
            "relu(y): relu routes, it is open at y = 3, so the gradient passes (× 1)",
        ),
        (lambda x, y: y.exp(), "exp(y): exp scales, ∂exp(y)/∂y = e^y = e³ = 20.0855"),
        (lambda x, y: x / y, "x ÷ y: div scales, ∂(x ÷ y)/∂y = −x/y² = −2/3² = −0.222222"),
        (
            lambda x, y: ops.dot([x], [y], 1.0),
            "dot(1, x, y): dot swaps, y gets the gradient times the other factor, x = 2",
        ),
        (
            lambda x, y: ops.dot([y], [x], 1.0),
            "dot(1, y, x): dot swaps, y gets the gradient times the other factor, x = 2",
        ),
        (
            lambda x, y: ops.dot([x], [1.0], y),
            "dot(y, x, 1): dot swaps, y gets the gradient unchanged (× 1)",
        ),
        (
            lambda x, y: ops.sum(x, y, x, 1.0),
            "output = sum of 4 operands: sum distributes, y gets the gradient unchanged (× 1)",
        ),
        (
            lambda x, y: ops.where(x < y, y, x),
            "where(x < y, y, x): where routes, the value came from y",
        ),
    ],
)
def test_a_sentence_for_each_gate(make, sentence):
    x, y = Value(2.0, label="x"), Value(3.0, label="y")
    assert sentence in str(explain(make(x, y), y))


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (
            lambda x: ops.maximum(x, 3.0),
            "max(x, 3): max routes the gradient elsewhere, for its value does not come from x",
        ),
        (
            lambda x: (x - 5.0).relu(),
            "relu(x − 5): relu routes no gradient to x − 5, for it is shut at x − 5 = −3",
        ),
        (
            lambda x: x.hard_tanh(),
            "hard_tanh(x): hard_tanh routes no gradient to x, for it is shut at x = 2",
        ),
        (
            lambda x: x.step() * 2,
            "step(x): step blocks the gradient to x, for its value moves in steps, without a slope",
        ),
        (lambda x: x < 3.0, "x < 3: less blocks the gradient to x"),
    ],
)
def test_where_no_path_is_left_it_says_who_blocks(make, sentence):
    x = Value(2.0, label="x")
    found = explain(make(x), x)
    assert (found.value, found.count, found.paths) == (0.0, 0, ())
    assert "No path is left from x" in found.summary
    assert any(note.startswith(sentence) for note in found.notes)


def test_no_dependence_is_told_apart_from_no_path():
    x, y = Value(2.0, label="x"), Value(3.0, label="y")
    assert "does not depend on y" in explain(x + 1, y).summary


def test_a_zero_local_gradient_is_a_path_that_contributes_nothing():
    x = Value(2.0, label="x")
    found = explain(x * 0.0, x)
    assert (found.count, found.value) == (1, 0.0)


def test_constants_form_no_paths():
    x = Value(2.0)
    assert explain(2.0 * x + 3.0 * 4.0, x).count == 1


def test_it_leaves_gradients_alone():
    _, b, c, _, e = two_paths()
    b.grad = 7.0
    explain(e, b)
    assert (b.grad, c.grad, e.grad) == (7.0, 0.0, 0.0)
    with no_grad():
        assert explain(e, b).value == 5.0


def test_bad_input_teaches():
    _, b, _, _, e = two_paths()
    with pytest.raises(TypeError, match="the leaf is of type bytes: b'b'"):
        explain(e, b"b")
    with pytest.raises(TypeError, match="the output is of type float"):
        explain(2.0, b)
    with pytest.raises(ValueError, match="limit=0"):
        explain(e, b, limit=0)
    b.data = 3.0
    with pytest.raises(ValueError, match=r"call \.forward\(\)"):
        explain(e, b)


def diamonds(n):
    x = Value(1.0, label="x")
    z = x
    for _ in range(n):
        y = 1.0 * z + 2.0 * z + 3.0 * z
        z = 0.1 * y + 0.2 * y + 0.3 * y
    return x, z


def test_nine_paths_list_the_largest():
    x, z = diamonds(1)
    found = explain(z, x, names={"z": z})
    assert (
        found.headline
        == "∂z/∂x = 1·0.3·1·3 + 1·1·0.2·1·3 + 1·0.3·1·1·2 + 1·1·0.2·1·1·2 + 1·1·0.1·1·3 + … = 3.6"
    )
    assert found.summary == (
        "9 paths lead from x to z; the 5 largest products are listed, 4 more are not, "
        "and add up to 0.8."
    )
    assert [round(p.product, 12) for p in found.paths] == [0.9, 0.6, 0.6, 0.4, 0.3]
    assert [bool(p.steps) for p in found.paths] == [True, False, False, False, False]
    assert len(explain(z, x, limit=9).paths) == 9
    assert "the largest product is listed, 8 more are not" in explain(z, x, limit=1).summary


def test_a_number_of_paths_beyond_walking():
    x, z = diamonds(60)
    started = time.thread_time()
    found = explain(z, x)
    assert time.thread_time() - started < 2.0
    assert found.count == 9**60
    assert found.value == pytest.approx(3.6**60)
    assert found.paths[0].product == pytest.approx(0.9**60)
    assert f"{9**60:,} paths" in str(found)
    assert "about 10^57 more are not" in str(found)


def test_a_number_of_paths_beyond_printing():
    x, z = diamonds(5000)
    found = explain(z, x)
    assert found.count == 9**5000
    assert "about 10^4,771 paths" in str(found)
    assert len(str(found)) < 5000


def test_products_that_underflow_half_way_keep_their_rank():
    x = Value(1.0, label="x")
    small = x * 1e-200 * 1e-200
    smaller = x * 1e-200 * 1e-220
    found = explain((small + smaller) * 1e300, x)
    assert [p.product for p in found.paths] == pytest.approx([1e-100, 1e-120])
    assert found.value == pytest.approx(1e-100)
    assert explain((small + smaller) * 1e300, x, limit=1).paths[0].product == pytest.approx(1e-100)
    assert explain(x * 1e200 * 1e200, x).value == math.inf


def test_a_long_chain():
    x = Value(1.0, label="x")
    y = x
    for _ in range(50_000):
        y = y * 1.0 + 0.0
    found = explain(y, x)
    assert found.headline == "∂output/∂x = 1"
    assert len(found.paths[0].nodes) == 100_001
    assert "… 99,988 more gates …" in str(found)
    assert len(str(found)) < 2000


def test_names():
    x, y = Value(2.0), Value(3.0)
    product = x * y
    names = locals()
    assert explain(product + 1, x, names=names).headline == "∂(product + 1)/∂x = 1·3 = 3"
    assert explain(x * y + 1, x).headline == "∂(leaf₁ × leaf₂ + 1)/∂leaf₁ = 1·3 = 3"
    assert explain((x + y) * (x - (y - x)), y, names={"x": x, "y": y}).headline.startswith(
        "∂((x + y) × (x − (y − x)))/∂y"
    )
    assert explain((x**y) ** 2.0, y, names={"x": x, "y": y, "_": 3}).headline.startswith(
        "∂((x ** y) ** 2)/∂y"
    )
    assert explain(-(x + y), y, names={"x": x, "y": y}).headline.startswith("∂(−(x + y))/∂y")
    formula = ((-x) ** 2.0 * -y + (-3.0) * y) / (x + -2.0)
    assert "(−x) ** 2 × (−y)" in str(explain(formula, y, names={"x": x, "y": y}))
    assert "(−3) × y" in str(explain(formula, y, names={"x": x, "y": y}))
    assert "x + (−2)" in str(explain(formula, x, names={"x": x, "y": y}))
    deep = ((x * y).exp() * 2 + x * x * x * y * x * y * x).tanh()
    assert explain(deep, y, names={"x": x}).headline.startswith("∂output/∂leaf")


def test_a_step_without_a_short_formula_has_its_gate_and_number():
    x = Value(0.5, label="x")
    y = (x.exp() * x + x.sin() * x + 1.0).tanh() * 2.0
    told = str(explain(y, x))
    assert re.search(r"tanh₈ = tanh\(add₇\)", told)
    assert not re.search("[+×−÷][₀-₉]", told)  # which reads like a number with its sign
    assert "identity(x) × 2" in str(explain(ops.identity(x) * 2.0, x))


HOSTILE = [
    "<script>alert(1)</script>",
    "</strong><img src=x onerror=y>",
    "a&b&lt;",
    "\u202eevil",
    "\x1b[31mred",
    "\0",
    "new\nline",
    "\u2028",
    "'\"",
    "x" * 10_000,
    "\ud800",
    "\u200b",
    "]]>",
    "<!--",
    "{x}",
    "%s",
    "\\N",
    "$(x)",
]


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.seen = set()

    def handle_starttag(self, tag, attrs):
        self.seen.add((tag, *attrs))


@pytest.mark.parametrize("label", HOSTILE, ids=ascii)
def test_labels_are_text(label):
    x = Value(2.0, label=label)
    y = (x * x).relu()
    y.label = label
    found = explain(y, x, names={label: y})
    bundle = found._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/html"}
    tags = Tags()
    tags.feed(bundle["text/html"])
    assert tags.seen == {
        ("div", ("class", "explanation")),
        ("p",),
        ("strong",),
        ("ol",),
        ("ul",),
        ("li",),
    }
    for text in (str(found), *bundle.values()):
        assert not set(text) & set("\u202e\x1b\0\u2028\u200b\ud800")
        assert len(text) < 5000
    assert "\n\n" in str(found)


def test_the_repr_is_the_explanation():
    _, b, _, _, e = two_paths()
    assert (
        repr(explain(e, b)) == str(e.explain(b)) == explain(e, b)._repr_mimebundle_()["text/plain"]
    )
