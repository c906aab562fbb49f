"""A GPT in scalars, which learns to spell first names: after Andrej Karpathy, microgpt.

A name is read letter by letter, and at each place the model says what may come next. Letters are
tokens 1 to 26, and token 0 marks where a name begins and ends. The model has 4,192 parameters: an
embedding of 16 for each token and each place, one layer of attention with four heads and of a ReLU
network of 64, each after a division by the root of the mean square and added to what it was given,
and a matrix that turns the outcome into one logit for each token. One name is one step of Adam.

Written with `ops.take` in place of indices it serves both ways: eagerly on numbers, and recorded
with the letters as inputs of a tape, so that one tape is for all names of a length.

`names.txt` holds 1,500 first names from the lists of the US Social Security Administration, which
are in the public domain.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from importlib.resources import files
from itertools import pairwise
from typing import Any

import numpy as np

from .. import ops
from ..engine import Operand, Value, write_data
from ..modes import no_grad
from ..nn import Module
from ..optim import Adam
from ..tape import Tape, record

MARK = 0  # the token that begins and ends a name
LETTERS = ".abcdefghijklmnopqrstuvwxyz"  # by their tokens
PLACES = 16

Vector = list[Value]
Matrix = list[Vector]


def names() -> list[str]:
    """The names of `names.txt`, in lower case, the most frequent first."""
    text = files(__package__).joinpath("names.txt").read_text(encoding="utf-8")
    return [line for line in text.splitlines() if not line.startswith("#")]


def tokens_of(name: str) -> list[int]:
    """The letters of a name as tokens; ValueError for what is no letter from a to z."""
    strange = set(name).difference(LETTERS[1:])
    if strange:
        raise ValueError(f"a name is spelt with the letters from a to z, without {strange}")
    return [LETTERS.index(letter) for letter in name]


class GPT(Module):
    """The model; `rng` draws its parameters, which are normal with a deviation of 0.08."""

    def __init__(
        self, rng: random.Random, width: int = 16, heads: int = 4, hidden: int = 64
    ) -> None:
        def matrix(rows: int, columns: int) -> Matrix:
            return [[Value(rng.gauss(0, 0.08)) for _ in range(columns)] for _ in range(rows)]

        self.heads = heads
        self.letters = matrix(len(LETTERS), width)
        self.places = matrix(PLACES, width)
        self.query = matrix(width, width)
        self.key = matrix(width, width)
        self.content = matrix(width, width)
        self.mix = matrix(width, width)
        self.inner = matrix(hidden, width)
        self.outer = matrix(width, hidden)
        self.output = matrix(len(LETTERS), width)

    def parameters(self) -> list[Value]:
        embeddings = [self.letters, self.places]
        attention = [self.query, self.key, self.content, self.mix]
        network = [self.inner, self.outer, self.output]
        return [p for matrix in embeddings + attention + network for row in matrix for p in row]

    def loss(self, letters: Sequence[Operand]) -> Any:
        """The mean over the places of a name of −log of the share given to what comes next."""
        losses, past = [], Past()
        for token, following in pairwise([MARK, *letters, MARK]):
            logits = self.logits(token, past)
            losses.append(ops.logsumexp(logits) - ops.take(following, logits))
        return ops.sum(losses) / len(losses)

    def logits(self, token: Operand, past: Past) -> list[Any]:
        """One logit for each token that may come next; the past gets one place more."""
        place = self.places[len(past.keys)]
        x = normed(added(ops.take(token, self.letters), place))
        x = added(self.attended(normed(x), past), x)
        hidden = [ops.relu(e) for e in product(self.inner, normed(x))]
        x = added(product(self.outer, hidden), x)
        return product(self.output, x)

    def attended(self, x: Sequence[Any], past: Past) -> list[Any]:
        """What the heads find in the places so far, mixed."""
        query = product(self.query, x)
        past.keys.append(product(self.key, x))
        past.contents.append(product(self.content, x))
        found, size = [], len(query) // self.heads
        for start in range(0, len(query), size):
            part = slice(start, start + size)
            keys = [key[part] for key in past.keys]
            contents = [content[part] for content in past.contents]
            found += attention(query[part], keys, contents)
        return product(self.mix, found)


class Past:
    """The keys and contents of the places so far, which attention looks back at."""

    def __init__(self) -> None:
        self.keys: list[list[Any]] = []
        self.contents: list[list[Any]] = []


def product(matrix: Sequence[Sequence[Any]], x: Sequence[Any]) -> list[Any]:
    """A matrix, which is a list of rows, times a vector."""
    return [ops.dot(row, x) for row in matrix]


def added(x: Sequence[Any], y: Sequence[Any]) -> list[Any]:
    """The sum of two vectors."""
    return [a + b for a, b in zip(x, y)]


def normed(x: Sequence[Any]) -> list[Any]:
    """A vector over the root of its mean square."""
    scale = (ops.dot(x, x) / len(x) + 1e-5) ** -0.5
    return [e * scale for e in x]


def attention(
    query: Sequence[Any], keys: Sequence[Sequence[Any]], contents: Sequence[Sequence[Any]]
) -> list[Any]:
    """One head: the mean of the contents, each with the share that its key has in the query."""
    scores = [ops.dot(query, key) * len(query) ** -0.5 for key in keys]
    shares = ops.softmax(scores)
    return [ops.dot(shares, column) for column in zip(*contents)]


def tape_of(model: GPT, length: int) -> Tape:
    """The loss of names of one length, recorded with their letters as inputs."""
    return record(model.loss, [1] * length, parameters=model)


def train(
    model: GPT, texts: Sequence[str], steps: int = 1000, recorded: bool = True
) -> list[float]:
    """The loss of each step, of which each is one name: in the order given, and from the first
    again after the last.

    Adam's rate falls in a line from 0.01 to 0. With `recorded`, names of one length have one tape,
    which is made when the first of them comes; without it each step builds its graph.
    """
    adam = Adam(lambda step: 0.01 * (1 - step / steps), betas=(0.85, 0.99))
    examples = (tokens_of(texts[step % len(texts)]) for step in range(steps))
    return list((_recorded_steps if recorded else _eager_steps)(model, adam, examples))


def _eager_steps(model: GPT, adam: Adam, examples: Iterable[list[int]]) -> Iterator[float]:
    for letters in examples:
        loss = model.loss(letters)
        model.zero_grad()
        loss.backward()
        adam.step(model)
        yield loss.data


def _recorded_steps(model: GPT, adam: Adam, examples: Iterable[list[int]]) -> Iterator[float]:
    tapes: dict[int, Tape] = {}
    parameters = model.parameters()
    weights = np.array([p.data for p in parameters])
    try:
        for letters in examples:
            if len(letters) not in tapes:
                tapes[len(letters)] = tape_of(model, len(letters))
            loss, gradient = tapes[len(letters)].sum_and_grad([letters], weights)
            weights = adam.update(weights, gradient)
            yield loss
    finally:
        write_data(parameters, weights)


def sample(model: GPT, rng: random.Random, temperature: float = 0.5) -> str:
    """A name that the model spells, letter by letter as its shares have it; the lower the
    temperature, the more it keeps to the largest.
    """
    past, token, name = Past(), MARK, ""
    with no_grad():
        while len(past.keys) < PLACES:
            logits = model.logits(token, past)
            shares = ops.softmax([logit / temperature for logit in logits])
            (token,) = rng.choices(range(len(LETTERS)), [share.data for share in shares])
            if token == MARK:
                break
            name += LETTERS[token]
    return name
