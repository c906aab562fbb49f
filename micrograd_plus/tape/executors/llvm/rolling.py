"""A flat program with its repetitions rolled up into loops, so that machine code grows with its
variety, not its length.

Results that are used once become part of the expression that uses them; chains of sums become
folds. What is left are statements, and those that look alike and do not need each other, such as
the neurons of a layer, or the gradients of its weights, are one nest of loops when their operands
lie in memory at even distances. No operation is added, left out or reassociated, so the bits are
those of the flat program.

Where the heart in C runs, heart/rolling.c does the same in a fiftieth of the time and beside other
threads; what stands here is the reference.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple

import numpy as np

from .... import heart
from ...lowering import for_heart, operation
from ...program import FlatProgram

# Where a number lies: a parameter, a constant or what depends on these alone, a number of the
# point, an output.
PARAMETER, SHARED, LANES, OUTPUT = "parameter", "shared", "lanes", "output"
IMMEDIATE = (0.0, 1.0, -1.0, 2.0, 0.5)  # constants that are written into the code
LARGEST = 8  # operations of an expression

# LEAF, ("=", repr) of an immediate constant, or (an operation, *shapes of the operands)
Shape = Any
LEAF = "leaf"
Register = int
Strides = tuple[int, int, int]


class Expression(NamedTuple):
    """An expression: its shape, the registers at its leaves from left to right,
    and how many operations it has.
    """

    shape: Shape
    leaves: tuple[Register, ...]
    size: int


@dataclass(frozen=True)
class Address:
    """The numbers at base + outer·strides[0] + inner·strides[1] + term·strides[2] of a place."""

    place: str
    base: int
    strides: Strides


@dataclass(frozen=True)
class Segment:
    """`count` terms of one shape, which are added one after the other."""

    shape: Shape
    count: int
    leaves: tuple[Address, ...]


@dataclass(frozen=True)
class Nest:
    """outer × inner statements: target = head + the terms of the segments."""

    outer: int
    inner: int
    target: Address
    shape: Shape
    leaves: tuple[Address, ...]
    segments: tuple[Segment, ...]


@dataclass(frozen=True)
class Rolled:
    """What runs once for a call (`prologue`), what runs for each point (`body`),
    and how many numbers lie where.
    """

    prologue: tuple[Nest, ...]
    body: tuple[Nest, ...]
    shared: int
    lanes: int


class _Statement(NamedTuple):
    """One result: a head, and terms that are added to it one after the other."""

    register: Register
    head: Expression
    terms: list[Expression]
    level: int


def rolled(program: FlatProgram, most: int) -> Rolled | None:
    """Roll up a lowered program; None when it does not come down to `most` nests."""
    if heart.library() is None:
        return rolled_in_python(program, most)
    try:
        words = heart.rolled(*for_heart(program), most)
    except NotImplementedError:  # for want of an operation in C
        return rolled_in_python(program, most)
    return words and _read(*words)


def rolled_in_python(program: FlatProgram, most: int) -> Rolled | None:
    """The same without the heart in C."""
    try:
        return _Roller(program, most).rolled()
    except _TooManyError:
        return None


class _TooManyError(Exception):
    pass


class _Roller:
    def __init__(self, program: FlatProgram, most: int) -> None:
        self.most = most
        self.first, self.outputs = program.first, program.outputs.tolist()
        self.names, self.operands = (
            [operation(row) for row in program.rows()],
            program.operands_of(),
        )
        size = self.first + len(program)
        self.uses, self.user = [0] * size, [0] * size
        for i, operands in enumerate(self.operands):
            for o in operands:
                self.uses[o] += 1
                self.user[o] = i
        for o in self.outputs:
            self.uses[o] += 2  # never to be part of another expression
        self.varies = [True] * program.inputs + [False] * (self.first - program.inputs)
        for operands in self.operands:
            self.varies.append(any(self.varies[o] for o in operands))
        self.level = [0] * size
        self.waiting: dict[Register, tuple[Expression, list[Expression]]] = {}
        shared = program.inputs + program.parameters
        self.immediate = {
            shared + i: ("=", repr(x))
            for i, x in enumerate(program.constants.tolist())
            if x in IMMEDIATE
        }
        self.place = {r: (LANES, r) for r in range(program.inputs)}
        self.place |= {program.inputs + i: (PARAMETER, i) for i in range(program.parameters)}
        self.place |= {shared + i: (SHARED, i) for i in range(len(program.constants))}
        self.count = {SHARED: len(program.constants), LANES: program.inputs}

    def rolled(self) -> Rolled:
        """The loops."""
        numbers: dict[Register, list[int]] = {}
        for k, register in enumerate(self.outputs):
            numbers.setdefault(register, []).append(k)
        once, body, final = [], [], []
        for statement in self._statements():
            register = statement.register
            if not self.varies[register]:
                once.append(statement)
            elif register in numbers and self.uses[register] == 2:
                # an output, once, and nothing else
                final.append((statement, numbers.pop(register)[0]))
            else:
                body.append(statement)
        for register, ks in numbers.items():
            final += [
                (
                    _Statement(
                        register, Expression(LEAF, (register,), 0), [], self.level[register] + 1
                    ),
                    k,
                )
                for k in ks
            ]
        prologue = self._placed(once, SHARED)
        nests = self._placed(body, LANES)
        nests += self._nests([(s, k) for s, k in sorted(final, key=lambda pair: pair[1])], OUTPUT)
        return Rolled(tuple(prologue), tuple(nests), self.count[SHARED], self.count[LANES])

    def _statements(self) -> list[_Statement]:
        """The program as statements, in its order."""
        found = []
        for i, (name, operands) in enumerate(zip(self.names, self.operands)):
            register = self.first + i
            below = max([self.level[o] for o in operands], default=0)
            head, terms = self._head_and_terms(name, operands)
            if self._waits(register, head, terms):
                self.waiting[register], self.level[register] = (head, terms), below
            else:
                self.level[register] = below + 1
                found.append(_Statement(register, head, terms, below + 1))
        return found

    def _head_and_terms(
        self, name: str, operands: list[Register]
    ) -> tuple[Expression, list[Expression]]:
        if name == "fadd":
            head, terms = self._chain(operands[0])
            terms.append(self._operand(operands[1]))
        elif name == "dot":
            head, terms = self._chain(operands[0])
            half = len(operands) // 2 + 1
            terms += [self._gate("fmul", pair) for pair in zip(operands[1:half], operands[half:])]
        elif name == "sum":
            head, terms = Expression(("=", "0.0"), (), 0), [self._operand(o) for o in operands]
        else:
            head, terms = self._gate(name, operands), []
        return head, terms

    def _waits(self, register: Register, head: Expression, terms: list[Expression]) -> bool:
        """Whether a result is left to the one expression that needs it."""
        i = self.user[register]
        if self.uses[register] != 1 or self.varies[register] != self.varies[self.first + i]:
            return False
        extended = self.names[i] in ("fadd", "dot") and self.operands[i][0] == register
        return extended or head.size + sum([1 + t.size for t in terms]) < LARGEST

    def _chain(self, register: Register) -> tuple[Expression, list[Expression]]:
        return (
            self.waiting.pop(register)
            if register in self.waiting
            else (self._operand(register), [])
        )

    def _operand(self, register: Register) -> Expression:
        if register in self.immediate:
            return Expression(self.immediate[register], (), 0)
        if register not in self.waiting:
            return Expression(LEAF, (register,), 0)
        tree, terms = self.waiting.pop(register)
        for term in terms:
            tree = Expression(
                ("fadd", tree.shape, term.shape),
                tree.leaves + term.leaves,
                tree.size + term.size + 1,
            )
        return tree

    def _gate(self, name: str, operands: Sequence[Register]) -> Expression:
        trees = [self._operand(o) for o in operands]
        return Expression(
            (name, *[t.shape for t in trees]),
            tuple([leaf for t in trees for leaf in t.leaves]),
            1 + sum([t.size for t in trees]),
        )

    def _placed(self, statements: list[_Statement], place: str) -> list[Nest]:
        """The nests of statements whose results get places of their own,
        side by side where statements look alike.
        """
        nests: list[Nest] = []
        levels: dict[int, list[_Statement]] = {}
        for statement in statements:
            levels.setdefault(statement.level, []).append(statement)
        for level in sorted(levels):
            alike: dict[Any, list[_Statement]] = {}
            for s in levels[level]:
                alike.setdefault(
                    (s.head.shape, len(s.terms), s.terms[0].shape if s.terms else None), []
                ).append(s)
            numbered = []
            for s in (s for group in alike.values() for s in group):
                numbered.append((s, self.count[place]))
                self.count[place] += 1
            nests += self._nests(numbered, place)
            self.place |= {s.register: (place, number) for s, number in numbered}
        return nests

    def _nests(self, numbered: list[tuple[_Statement, int]], place: str) -> list[Nest]:
        """The loops over statements that do not need each other."""
        groups: dict[Any, list[tuple[int, ...]]] = {}
        for statement, number in numbered:
            signature, bases = self._addressed(statement, number)
            groups.setdefault(signature, []).append(bases)
        nests = [
            _nest(place, signature, loop)
            for signature, bases in groups.items()
            for loop in _loops(bases)
        ]
        self.most -= len(nests)
        if self.most < 0:
            raise _TooManyError
        return nests

    def _addressed(self, statement: _Statement, number: int) -> tuple[Any, tuple[int, ...]]:
        """What a statement has in common with others of its nest,
        and where its target and leaves lie.
        """
        head = [self.place[leaf] for leaf in statement.head.leaves]
        bases = [number, *[base for _, base in head]]
        runs: list[_Run] = []
        for term in statement.terms:
            places = [self.place[leaf] for leaf in term.leaves]
            here = tuple([base for _, base in places])
            kinds = tuple([place for place, _ in places])
            if not (runs and runs[-1].alike == (term.shape, kinds) and runs[-1].takes(here)):
                runs.append(_Run((term.shape, kinds), here))
                bases += here
        of_head = tuple([place for place, _ in head])
        return (
            statement.head.shape,
            of_head,
            tuple([(*run.alike, run.count, run.strides) for run in runs]),
        ), tuple(bases)


@dataclass
class _Run:
    """Places at even distances: where the first and the last of them lie, and how many they are."""

    alike: Any  # what all of them have in common
    first: tuple[int, ...]

    def __post_init__(self) -> None:
        self.count, self.last, self.strides = 1, self.first, (0,) * len(self.first)

    def takes(self, here: tuple[int, ...]) -> bool:
        """Whether a place goes on with the run, of which it is the last then."""
        strides = tuple([b - a for a, b in zip(self.last, here)])
        if self.count > 1 and strides != self.strides:
            return False
        self.count, self.last, self.strides = self.count + 1, here, strides
        return True


class _Loop(NamedTuple):
    """Two loops, one in the other: where they begin, and the strides and counts of both."""

    base: tuple[int, ...]
    inner: tuple[int, ...]
    along: int
    outer: tuple[int, ...]
    over: int


def _loops(bases: list[tuple[int, ...]]) -> list[_Loop]:
    """Statements at even distances, and such runs of them at even distances."""
    loops: list[_Run] = []
    for run in _even(bases):
        alike = run.strides, run.count
        if not (loops and loops[-1].alike == alike and loops[-1].takes(run.first)):
            loops.append(_Run(alike, run.first))
    return [
        _Loop(
            loop.first,
            inner=loop.alike[0],
            along=loop.alike[1],
            outer=loop.strides,
            over=loop.count,
        )
        for loop in loops
    ]


def _even(bases: list[tuple[int, ...]]) -> list[_Run]:
    runs: list[_Run] = []
    for here in bases:
        if not (runs and runs[-1].takes(here)):
            runs.append(_Run(None, here))
    return runs


def _nest(place: str, signature: Any, loop: _Loop) -> Nest:
    shape, places, segments = signature
    numbers = iter(zip(loop.base, loop.outer, loop.inner))

    def address(where: str, term: int = 0) -> Address:
        first, over, along = next(numbers)
        return Address(where, first, (over, along, term))

    target = address(place)
    leaves = tuple([address(where) for where in places])
    folded = tuple(
        [
            Segment(of, count, tuple([address(where, step) for where, step in zip(kinds, strides)]))
            for of, kinds, count, strides in segments
        ]
    )
    return Nest(loop.over, loop.along, target, shape, leaves, folded)


# What the heart in C has rolled up. ---------------------------------------------------------------
_PLACES = PARAMETER, SHARED, LANES, OUTPUT
# the first shapes: a leaf, and the constants that are written into the code
_SHAPES: tuple[Shape, ...] = (LEAF, *[("=", repr(x)) for x in (0.0, -0.0, 1.0, -1.0, 2.0, 0.5)])


def _read(shapes: bytes, nests: bytes, once: int, shared: int, lanes: int) -> Rolled:
    """The loops, from the words that heart/rolling.c writes."""
    numbers = np.frombuffer(shapes, dtype=np.int32).reshape(-1, 4).tolist()
    known, names = list(_SHAPES), heart.library().OPERATIONS
    for place, *parts in numbers:
        known.append((names[place], *[known[part] for part in parts if part >= 0]))
    words = iter(np.frombuffer(nests, dtype=np.int32).tolist())
    found = [_read_nest(place, words, known) for place in words]
    return Rolled(tuple(found[:once]), tuple(found[once:]), shared, lanes)


def _read_nest(place: int, words: Iterator[int], shapes: Sequence[Shape]) -> Nest:
    outer, inner, length, width = islice(words, 4)
    signature = _read_signature(islice(words, length), shapes)
    base, over, along = [tuple(islice(words, width)) for _ in range(3)]
    return _nest(_PLACES[place], signature, _Loop(base, along, inner, over, outer))


def _read_signature(words: Iterator[int], shapes: Sequence[Shape]) -> Any:
    def places(count: int) -> tuple[str, ...]:
        return tuple([_PLACES[place] for place in islice(words, count)])

    head, leaves = islice(words, 2)
    of_head, segments = places(leaves), []
    for shape in words:
        leaves, count = islice(words, 2)
        segments.append((shapes[shape], places(leaves), count, tuple(islice(words, leaves))))
    return shapes[head], of_head, tuple(segments)
