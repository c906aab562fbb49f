"""The GPT in scalars: its numbers are those of the script as everyone writes it, eager and recorded
training agree, and names come out.
"""

import importlib.util
import math
import random
import statistics
from contextlib import nullcontext
from pathlib import Path

import pytest

from micrograd_plus import engine_name, examples, gradcheck
from micrograd_plus.examples import gpt
from micrograd_plus.optim import Adam

BENCHMARK = Path(__file__).parents[1] / "benchmarks" / "gpt.py"


def small(seed=0):
    return gpt.GPT(random.Random(seed), width=4, heads=2, hidden=6)


@pytest.fixture(scope="module")
def script():
    """The script with a Value class of forty lines."""
    spec = importlib.util.spec_from_file_location("script", BENCHMARK)
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(BENCHMARK.parent)
        spec.loader.exec_module(module)
    return module


def test_the_names_are_letters_and_find_places():
    names = gpt.names()
    assert len(names) == len(set(names)) == 1500
    assert names[0] == "emma"
    assert set("".join(names)) == set(gpt.LETTERS[1:])
    assert max(map(len, names)) < gpt.PLACES
    assert examples.gpt is gpt


def test_letters_are_tokens_from_1_on():
    assert gpt.tokens_of("az") == [1, 26]
    for strange in ("Anna", "ann.", "zoë"):
        with pytest.raises(ValueError, match="letters from a to z"):
            gpt.tokens_of(strange)


def test_the_parameters_are_those_that_were_counted():
    model = gpt.GPT(random.Random(42))
    data = [p.data for p in model.parameters()]
    assert len(data) == len(set(model.parameters())) == 4192
    assert statistics.fmean(data) == pytest.approx(0, abs=0.005)
    assert statistics.pstdev(data) == pytest.approx(0.08, rel=0.05)


def test_loss_and_gradient_are_those_of_the_script(script):
    plain = script.Model([script.Plain(x) for x in script.drawn()])
    model = gpt.GPT(random.Random(42))
    for name in ("ann", "maria"):
        expected, loss = plain.loss(name), model.loss(gpt.tokens_of(name))
        for p in plain.parameters:
            p.grad = 0.0
        model.zero_grad()
        expected.backward()
        loss.backward()
        assert loss.data == pytest.approx(expected.data, rel=1e-13)
        found = [p.grad for p in model.parameters()]
        assert found == pytest.approx([p.grad for p in plain.parameters], rel=1e-9, abs=1e-15)


def test_a_head_weighs_contents_by_the_shares_of_their_keys():
    keys, contents = [[1.0, 0.0], [0.0, 2.0]], [[10.0, 0.0], [0.0, 1.0]]
    scores = [3.0 / 2**0.5, 8.0 / 2**0.5]
    share = 1 / (1 + math.exp(scores[1] - scores[0]))
    assert gpt.attention([3.0, 4.0], keys, contents) == pytest.approx([10 * share, 1 - share])
    assert gpt.attention([3.0, 4.0], keys[:1], contents[:1]) == [10.0, 0.0]


def test_the_mean_square_is_1_after_the_norm():
    found = gpt.normed([3.0, -4.0, 12.0])
    assert math.fsum(x * x for x in found) / 3 == pytest.approx(1, rel=1e-6)
    gradcheck(lambda x, y: gpt.normed([x, y])[0], 0.5, -2.0)


def test_a_place_sees_no_later_one():
    model, past, alone = small(), gpt.Past(), gpt.Past()
    first = [v.data for v in model.logits(1, past)]
    model.logits(2, past)
    assert [v.data for v in model.logits(1, alone)] == first
    loss = model.loss([1, 2])
    loss.backward()
    assert all(p.grad == 0.0 for row in model.places[3:] for p in row)
    assert any(p.grad != 0.0 for p in model.places[2])


def test_recorded_training_is_eager_training():
    texts = ["ann", "bo", "eve", "jo", "ida"]
    models = small(), small()
    eager, recorded = [
        gpt.train(model, texts, steps=12, recorded=way) for model, way in zip(models, (False, True))
    ]
    assert recorded == pytest.approx(eager, rel=1e-12)
    assert eager[-2] < eager[0]
    of_eager, of_recorded = [[p.data for p in model.parameters()] for model in models]
    assert of_recorded == pytest.approx(of_eager, rel=1e-9)
    assert of_eager != [p.data for p in small().parameters()]


def test_one_tape_serves_all_names_of_a_length():
    model = small()
    tape = gpt.tape_of(model, 3)
    assert tape.names == ["letters0", "letters1", "letters2"]
    for name in ("ann", "eve", "zoe"):
        letters = gpt.tokens_of(name)
        assert tape(letters) == pytest.approx(model.loss(letters).data, rel=1e-14)


def test_training_that_is_broken_off_keeps_what_it_has(monkeypatch):
    found = []
    for texts, steps in ((["bo", "jo", "B"], 10), (["bo", "jo"], 2)):
        model = small()
        monkeypatch.setattr(gpt, "Adam", lambda *_, **betas: Adam(0.01, **betas))
        with pytest.raises(ValueError, match="letters from a to z") if steps > 2 else nullcontext():
            gpt.train(model, texts, steps)
        found.append([p.data for p in model.parameters()])
    assert found[0] == found[1] != [p.data for p in small().parameters()]


def test_samples_are_names_and_follow_chance_alone():
    model = small()
    found = [gpt.sample(model, random.Random(seed), temperature=1.0) for seed in range(20)]
    assert len(set(found)) > 10
    assert set("".join(found)) <= set(gpt.LETTERS[1:])
    assert max(map(len, found)) <= gpt.PLACES
    assert found[:3] == [
        gpt.sample(model, random.Random(seed), temperature=1.0) for seed in range(3)
    ]


def test_a_low_temperature_keeps_to_the_largest_share():
    model, past = small(1), gpt.Past()
    logits = [v.data for v in model.logits(gpt.MARK, past)]
    first = gpt.LETTERS[logits.index(max(logits))].strip(".")
    found = {gpt.sample(model, random.Random(seed), temperature=1e-6) for seed in range(5)}
    assert len(found) == 1
    assert found.pop()[:1] == first


@pytest.mark.skipif(
    engine_name() == "python", reason="eight lengths are compiled for half a minute"
)
def test_a_thousand_steps_learn_to_spell():
    rng = random.Random(42)
    texts = gpt.names()
    rng.shuffle(texts)
    model = gpt.GPT(rng)
    losses = gpt.train(model, texts)
    assert losses[0] == pytest.approx(math.log(27), rel=0.05)
    assert statistics.fmean(losses[-100:]) < 2.3
    found = [gpt.sample(model, rng) for _ in range(20)]
    assert sum(2 <= len(name) <= 10 for name in found) >= 18
