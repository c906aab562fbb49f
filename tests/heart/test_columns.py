"""Programs for columns in C: the bits of NumPy, whatever the numbers, and what is no program."""

import math
from itertools import product

import numpy as np
import pytest

from micrograd_plus import heart, ops, optim

pytestmark = pytest.mark.skipif(heart.library() is None, reason="the heart in C does not run here")

LENGTHS = (0, 1, 7, 511, 512, 513, 1300)
HARD = (0.0, -0.0, 1e-320, -3e-310, 1e200, -1e308, math.inf, -math.inf, math.nan)
NEVER_BELOW_ZERO = ("squares", "largest")
OPTIMIZERS = [
    *(
        optim.SGD(0.1, form=form, weight_decay=decay, **momentum)
        for form, decay, momentum in product(
            ("sum", "step", "average"),
            (0.0, 0.01),
            ({}, {"momentum": 0.9}, {"momentum": 0.9, "nesterov": True}),
        )
    ),
    *(optim.AdaGrad(0.1, weight_decay=decay, initial_accumulator=0.5) for decay in (0.0, 0.01)),
    *(
        optim.RMSProp(0.1, momentum=momentum, centered=centered, weight_decay=0.01)
        for momentum, centered in product((0.0, 0.9), (False, True))
    ),
    *(
        kind(0.1, amsgrad=amsgrad, weight_decay=0.01)
        for kind, amsgrad in product((optim.Adam, optim.AdamW), (False, True))
    ),
]


def numbers(rng, length, share):
    """Numbers of every size; some of them hard."""
    found = rng.normal(size=length) * 10.0 ** rng.integers(-160, 150, size=length)
    return np.where(rng.random(length) < share, rng.choice(HARD, size=length), found)


def bits(column):
    """The bits of its numbers; all nans have the same."""
    return np.where(np.isnan(column), math.nan, column).tobytes()


def state(optimizer, rng, length, share):
    """The optimiser after some updates that left such numbers in its memory."""
    optimizer.reset()
    optimizer.update(np.zeros(length), np.zeros(length))
    memory = {name: numbers(rng, length, share) for name in optimizer._state.memory}
    memory |= {name: abs(memory[name]) for name in NEVER_BELOW_ZERO if name in memory}
    optimizer._state = optimizer._state._replace(updates=int(rng.integers(1, 50)), memory=memory)
    return memory


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=repr)
def test_an_update_in_c_has_the_bits_of_the_rule_in_numpy(optimizer, width):
    rng = np.random.default_rng(0)
    for length, share in product(LENGTHS, (0.0, 0.001, 0.2)):
        memory = state(optimizer, rng, length, share)
        w, g = numbers(rng, length, share), numbers(rng, length, share)
        new, remembered, finite = optimizer._in_c(w, g, 0.1)
        in_numpy = optim._in_numpy(optimizer.rule, w, g, 0.1, memory)
        assert (bits(new), finite) == (bits(in_numpy[0]), in_numpy[2])
        assert list(remembered) == list(in_numpy[1])
        assert all(bits(remembered[name]) == bits(in_numpy[1][name]) for name in remembered)


def columns_of(formula, given, results, *columns):
    """What a formula of so many numbers gives for some columns, and whether that is finite."""
    run = heart.over_columns(formula, len(given), len(columns))
    found = [np.full(len(columns[0]), 7.0) for _ in range(results)]
    return run(*given, *columns, *found), found


@pytest.mark.parametrize("length", LENGTHS)
def test_an_output_may_be_given_or_alone_or_named_twice(length, width):
    x = np.linspace(-1.0, 2.0, length)

    def formula(a, x):
        y = ops.exp(a) * x
        return [y, 3.0, x, y, a, a * 2.0, ops.exp(x)]

    finite, found = columns_of(formula, [0.5], 7, x)
    y = math.exp(0.5) * x
    exponentials = np.array([math.exp(number) for number in x])
    expected = [y, 3.0 + 0 * x, x, y, 0.5 + 0 * x, 1.0 + 0 * x, exponentials]
    assert finite is True
    assert [column.tolist() for column in found] == [column.tolist() for column in expected]


def test_stretches_are_used_again_only_when_nobody_needs_them():
    """Sums of many steps, the oldest of which are needed last."""
    x = np.random.default_rng(0).normal(size=700)

    def formula(x):
        steps = [x * (k + 2.0) for k in range(20)]
        total = steps[0] * steps[0]
        for k in (5, 19, 3, 3, 11, 0, 19, 5):
            total = (total - steps[k]) * steps[k]
        return [total]

    finite, (found,) = columns_of(formula, [], 1, x)
    assert finite is True
    assert found.tobytes() == formula(x)[0].tobytes()


@pytest.mark.parametrize(("place", "number"), [*product((0, 511, 512, 1299), HARD[-3:])])
def test_one_number_that_is_not_finite_is_told_of(place, number, width):
    x = np.ones(1300)
    assert columns_of(lambda x: [x, -x], [], 2, x)[0] is True
    x[place] = number
    assert columns_of(lambda x: [x * 0.0, -x], [], 2, x)[0] is False


def test_arrays_of_another_kind_are_not_c_s():
    run = heart.over_columns(lambda a, x: [a * x], 1, 1)
    x = np.arange(6.0)
    fixed = np.empty(6)
    fixed.flags.writeable = False
    unaligned = np.frombuffer(bytes(49), np.uint8)[1:].view(np.float64)
    for column, out in (
        (x.astype(np.float32), np.empty(6)),
        (np.empty((6, 2))[:, 0], np.empty(6)),
        (x[:5], np.empty(6)),
        (x, np.empty(7)),
        (x, fixed),
        (unaligned, np.empty(6)),
        (x.tolist(), np.empty(6)),
    ):
        assert run(2.0, column, out) is None
    with pytest.raises(TypeError, match="1 numbers and 2 columns"):
        run(2.0, x)
    with pytest.raises(TypeError):
        run("2", x, np.empty(6))


ADD, TOO_LONG = 0, 40
OPERATIONS = heart.library().OPERATIONS if heart.library() else ("sum", "select")
SUM, SELECT = OPERATIONS.index("sum"), OPERATIONS.index("select")


@pytest.mark.parametrize(
    "program",
    [
        ([], [ADD], [2], [0, 2], [2]),  # of itself
        ([], [ADD], [2], [0, -1], [2]),
        ([], [ADD], [4], [0, 0, 0, 0], [2]),
        ([], [SUM], [1], [0], [2]),
        ([], [SUM, ADD], [-1, 2], [0], [2]),
        ([], [SELECT], [2], [0, 1], [2]),
        ([], [ADD], [2], [0], [2]),
        ([], [ADD], [2], [0, 1, 1], [2]),
        ([], [ADD], [], [0, 1], [2]),
        ([], [], [2], [0, 1], [2]),
        ([], [len(OPERATIONS)], [2], [0, 1], [2]),
        ([], [-1], [2], [0, 1], [2]),
        ([], [], [], [], [2]),
        ([], [], [], [], [-1]),
        ([], [], [], [], [0] * TOO_LONG),
    ],
)
def test_what_is_no_program_for_columns_is_refused(program):
    with pytest.raises(ValueError, match=r"no program for columns|outputs that are none"):
        heart.library().over_columns(program, 1, 1)


@pytest.mark.parametrize(("numbers", "columns"), [(-1, 1), (0, 0), (40, 1), (1, 40)])
def test_there_are_neither_too_many_columns_nor_none(numbers, columns):
    with pytest.raises(ValueError, match="too many columns, or none"):
        heart.library().over_columns(([], [], [], [], [0]), numbers, columns)


@pytest.mark.parametrize("place", [0, 1, 2])
def test_the_first_number_that_is_none_is_told(place):
    class Number:
        def __init__(self, number):
            self.number = number

        def __float__(self):
            return 1.0 / self.number

    run = heart.library().over_columns(([], [ADD], [2], [0, 3], [4]), 3, 1)
    numbers = [Number(0.0 if i >= place else 1.0) for i in range(3)]
    with pytest.raises(ZeroDivisionError):
        run(*numbers, np.ones(2), np.empty(2))
