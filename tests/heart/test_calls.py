"""The way into kernels: what it takes and refuses, what it keeps alive,
and when other threads may run.
"""

import ctypes
import gc
import os
import threading
import time
import weakref
from importlib.util import find_spec

import numpy as np
import pytest

from micrograd_plus import heart, record
from micrograd_plus.tape.executors import native
from micrograd_plus.tape.executors.native import Sizes, entry

NOTHING = np.empty(0)
in_c = pytest.mark.skipif(heart.library() is None, reason="the heart in C is not there")
KERNEL = ctypes.CFUNCTYPE(None, ctypes.c_int64, *[ctypes.POINTER(ctypes.c_double)] * 6)


def sizes(inputs=2, parameters=0, outputs=3, shared=1, scratch=5, operations=1):
    return Sizes(inputs, parameters, outputs, shared, scratch, operations)


@KERNEL
def scaled(count, points, parameters, shared, scratch, outputs, program):
    """10, 20, 30, ... times the constant, plus the first input, for each point of two inputs and
    three outputs.
    """
    for i in range(5):
        scratch[i] = shared[0]
    for point in range(count):
        for k in range(3):
            outputs[3 * point + k] = 10.0 * (k + 1) * scratch[k] + points[2 * point]


@KERNEL
def added(count, points, parameters, shared, scratch, outputs, program):
    """The sum of the first input and of the second parameter over the points."""
    outputs[0] = sum(points[2 * point] + parameters[1] for point in range(count))


def address(kernel):
    return ctypes.cast(kernel, ctypes.c_void_p).value


def made(kernel=scaled, summed=False, constants=(2.0,), kept=None, **of):
    return entry(address(kernel), kept, sizes(**of), np.array(constants), summed)


@pytest.fixture(params=["the heart", "ctypes"])
def way(request, monkeypatch):
    """Both ways in."""
    if request.param == "ctypes":
        monkeypatch.setattr(native.heart, "library", lambda: None)
    elif heart.library() is None:
        pytest.skip("the heart in C is not there")


# What goes in and comes out. ----------------------------------------------------------------------
@pytest.mark.usefixtures("way")
def test_a_kernel_gets_points_constants_and_memory():
    outputs = np.empty((2, 3))
    made().run(np.array([[1.0, 0.0], [2.0, 0.0]]), NOTHING, outputs)
    assert outputs.tolist() == [[21.0, 41.0, 61.0], [22.0, 42.0, 62.0]]
    assert made().point((1.0, 0.0), NOTHING) == [21.0, 41.0, 61.0]


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("divisor", [1, 2, 3, 7, 1024])
def test_sums_are_divided_as_numbers_are(divisor):
    entered = made(added, summed=True, parameters=2, outputs=1)
    points, total = np.array([[0.1, 5.0], [0.7, 5.0]]), np.empty(1)
    entered.run(points, np.array([9.0, 0.3]), total, divisor)
    assert total[0] == ((0.1 + 0.3) + (0.7 + 0.3)) / divisor


@pytest.mark.usefixtures("way")
def test_sums_over_no_points_are_zero():
    total = np.full(1, 5.0)
    entered = made(added, summed=True, parameters=2, outputs=1)
    entered.run(np.empty((0, 2)), np.ones(2), total)
    assert total[0] == 0.0


FORMS = [
    [0.0, 0.0, 0.0],
    (0.0, (0.0, 0.0)),
    [(0.0,), [], (), [[0.0], 0.0]],
    ((((0.0, 0.0, 0.0),),),),
]


@in_c
@pytest.mark.parametrize("form", FORMS)
def test_floats_come_back_in_the_form_asked_for(form):
    def filled(tree):
        return type(tree)(map(filled, tree)) if isinstance(tree, (list, tuple)) else next(numbers)

    numbers = iter([21.0, 41.0, 61.0])
    assert made().caller(form)(1.0, 0.0) == filled(form)


class Pair(tuple):
    __slots__ = ()


@in_c
def test_what_is_no_plain_form_or_point_is_left_to_python():
    assert made().caller([0.0, Pair((0.0, 0.0))]) is None
    assert made().caller([0.0, {"a": 0.0}, 0.0]) is None
    assert made().caller([0, 0.0, 0.0]) is None
    assert made(parameters=1).caller([0.0] * 3) is None
    call = made().caller([0.0] * 3)
    for point in [(), (1.0,), (1.0, 2.0, 3.0), (1, 2.0), (1.0, "2"), (True, 2.0), (1.0, None)]:
        assert call(*point) is NotImplemented


@in_c
def test_a_form_as_deep_as_one_likes_is_refused_and_not_followed():
    form = 0.0
    for _ in range(100_000):
        form = [form]
    with pytest.raises(RecursionError):
        made(outputs=1).caller(form)
    while isinstance(form, list):
        form = form[0]


# What is refused. ---------------------------------------------------------------------------------
@in_c
def test_arrays_of_other_sizes_or_numbers_are_refused():
    entered, good, out = made(parameters=1), np.ones((2, 2)), np.empty((2, 3))
    refused = [
        (np.ones((2, 3)), np.ones(1), out),
        (np.ones(4), np.ones(1), out),
        (good, np.ones(2), out),
        (good, NOTHING, out),
        (good, np.ones(1), np.empty((3, 3))),
        (good, np.ones(1), np.empty(0)),
    ]
    for given in refused:
        with pytest.raises(ValueError, match=r"a point has 2 inputs|there are 1 parameters"):
            entered.run(*given)
    others = [
        (good.astype(np.int64), np.ones(1), out),
        (good, np.ones(1, dtype=np.float32), out),
        (good, np.ones(1), out.astype(np.int64)),
        (good.astype(">f8"), np.ones(1), out),
        (good, None, out),
        ([[1.0, 2.0]], np.ones(1), out),
    ]
    for given in others:
        with pytest.raises(TypeError):
            entered.run(*given)
    frozen = np.empty((2, 3))
    frozen.flags.writeable = False
    for given in [(good, np.ones(1), frozen), (np.ones((2, 4))[:, ::2], np.ones(1), out)]:
        with pytest.raises((ValueError, BufferError)):
            entered.run(*given)
    for divisor in (0, -1):
        with pytest.raises(ValueError, match="the divisor is a positive number"):
            entered.run(good, np.ones(1), out, divisor)
    with pytest.raises(TypeError, match="a point is a tuple of 2 floats"):
        entered.point((1.0,), np.ones(1))
    with pytest.raises(ValueError, match="there are 3 outputs"):
        made().caller([0.0, 0.0])


@in_c
@pytest.mark.parametrize(
    "wrong", [{"inputs": -1}, {"outputs": 2**62}, {"shared": 0}, {"scratch": -5}]
)
def test_an_entry_of_impossible_sizes_is_refused(wrong):
    with pytest.raises(ValueError, match="there is no such entry"):
        made(**wrong)


@in_c
def test_an_entry_that_is_no_address_is_refused():
    with pytest.raises(ValueError, match="there is no such entry"):
        entry(0, None, sizes(), np.ones(1), summed=False)


# What lives, and for how long. --------------------------------------------------------------------
class Engine:
    """What machine code lives in."""


@in_c
def test_what_a_kernel_needs_lives_as_long_as_what_may_call_it():
    engine, constants = Engine(), np.array([2.0])
    seen = weakref.ref(engine)
    call = entry(address(scaled), engine, sizes(), constants, summed=False).caller([0.0] * 3)
    constants[0] = 77.0  # they are the entry's own
    del engine
    gc.collect()
    assert seen() is not None
    assert call(1.0, 0.0) == [21.0, 41.0, 61.0]
    del call
    assert seen() is None


def test_a_tape_is_called_with_floats_and_with_whatever_else_is_a_number():
    tape = record(lambda x, y: [x * y, (x + y,)], 1.0, 2.0)
    machine = ["machine"] if find_spec("llvmlite") else []
    for executor in (None, *machine, "python"):
        for _ in range(2):
            assert tape(3.0, 4.0, executor=executor) == [12.0, (7.0,)]
            assert tape(3, np.float64(4.0), executor=executor) == [12.0, (7.0,)]
        with pytest.raises(ValueError, match="takes 2 numbers, but got 1"):
            tape(3.0, executor=executor)
        with pytest.raises(TypeError, match="complex"):
            tape(3.0, 1j, executor=executor)


# Other threads. -----------------------------------------------------------------------------------
@in_c
@pytest.mark.skipif(os.name != "posix", reason="takes the C library's usleep for a kernel")
@pytest.mark.parametrize("is_long", [True, False])
def test_other_threads_run_beside_long_kernels_alone(is_long):
    """A kernel of so many points is a sleep of so many microseconds here."""
    sleep = address(ctypes.CDLL(None).usleep)
    of = sizes(inputs=0, outputs=0, operations=100 if is_long else 0)
    entered, points = entry(sleep, None, of, np.ones(1), summed=False), np.empty((300_000, 0))
    thread = threading.Thread(
        target=lambda: entered.run(points, NOTHING, np.empty((len(points), 0)))
    )
    gap, last = 0.0, time.perf_counter()
    thread.start()
    while thread.is_alive():
        now = time.perf_counter()
        gap, last = max(gap, now - last), now
    gap = max(gap, time.perf_counter() - last)
    assert (gap < 0.15) == is_long
