"""Recording switched off, anomaly mode, and threads: what is switched in one place stays there."""

import math
import threading

import pytest

from micrograd_plus import Value, detect_anomaly, no_grad, ops

inf = math.inf


def test_no_grad_records_nothing_and_ends_with_its_block():
    x = Value(2.0)
    with no_grad():
        out = x * x + 1
        assert x > 1
    assert (out.data, out.primitive, out.operands) == (5.0, None, ())
    assert (x * x).primitive is ops.mul
    with pytest.raises(ZeroDivisionError), no_grad():
        raise ZeroDivisionError
    assert (x * x).primitive is ops.mul


def test_no_grad_is_a_decorator_too():
    @no_grad()
    def square(x):
        return x * x

    assert [square(Value(3.0)).primitive for _ in range(2)] == [None, None]


def test_anomaly_mode_names_the_gate_whose_value_or_gradient_went_wrong():
    x = Value(0.0, label="x")
    with detect_anomaly():
        with pytest.raises(FloatingPointError, match=r"log\(x=0\.0\).*-inf"):
            (x + 0).relu() + x.log()
        root = x.sqrt()
        with pytest.raises(FloatingPointError, match=r"gradient.*label='x'.*sqrt\(x=0\.0\)"):
            (root * 2).backward()
        assert x.grad == 0.0
    assert x.log().data == -inf


def test_anomaly_mode_watches_forward_too():
    x = Value(1.0, label="x")
    out = 1 / x
    x.data = 0.0
    with detect_anomaly(), pytest.raises(FloatingPointError, match="div"):
        out.forward()
    assert out.data == 1.0


def test_a_mode_belongs_to_its_thread():
    recorded = []
    with no_grad():
        thread = threading.Thread(target=lambda: recorded.append((Value(1.0) + 1).primitive))
        thread.start()
        thread.join()
    assert recorded == [ops.add]


def test_threads_with_graphs_of_their_own_do_not_disturb_each_other():
    def differentiate(found, start):
        for _ in range(20):
            x = Value(start)
            out = x
            for _ in range(200):
                out = out * x
                x.data = start  # an edit in one thread is another's clock, too
            out.forward().backward()
            found.append(x.grad)

    found = {start: [] for start in (1.0, -1.0, 0.5, 1.01)}
    threads = [
        threading.Thread(target=differentiate, args=(found[start], start)) for start in found
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for start, gradients in found.items():
        assert len(gradients) == 20
        assert gradients == pytest.approx([201 * start**200] * 20, rel=1e-12)
