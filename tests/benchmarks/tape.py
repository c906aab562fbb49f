"""A recorded tape and its peers side by side: the value of a loss and its whole gradient, again and
again, on one core.

    python tests/benchmarks/tape.py [--rounds 100] [--workloads moons,circuit,image,digits,gpt]
        [--only machine,numpy]

moons is micrograd's demo: the hinge loss of MLP(2, [16, 16, 1]) on a hundred points, and 1e-4 times
the sum of squares. circuit is (x + σ(y)) / (σ(x) + (x + y)²) and its two derivatives, one point a
call, so that the call is what costs. image is the cross-entropy of MLP(784, [50, 10]) on random
images, and digits that of MLP(64, [50, 10]) on scikit-learn's digits, in batches of several sizes.
gpt is the loss of the scalar GPT of `micrograd_plus.examples.gpt`, 4,192 parameters, on names of
six letters. All numbers are float64; everyone gets them and gives them back in its own native form.

Every value and gradient is compared with NumPy's, for gpt with the engine's, to 1e-9, before it is
timed; a difference ends the run. In each round everyone takes a short turn, and a time is that of
the fastest, for what slows the others is what else the machine does. "ready" is the time in
milliseconds from a function or graph to its first result, and "first" that of the first call alone:
recording and tracing lie before it, compiling in either. A dash stands where a step would take more
than 20 seconds, or a compiler minutes, and for networks that are written for another task. C by
hand is no contestant but a bar to measure by, which knows the shape of the network: as the compiler
likes it, in any order, and in the order in which it stands, as a tape is bound to. Who is faster
than the tape is named in the end.

The last table has what it costs to record one point's loss: beside building and differentiating its
graph once, in milliseconds and as often as that, a recording without and with the check at a second
point, and one with the program that adds up the loss and its gradient over points.
"""

# ruff: noqa: E402  # libraries count the cores when they are imported, so the one core is chosen
# before

import argparse
import gc
import math
import os
import statistics
import time

ONE_THREAD = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "TORCHINDUCTOR_COMPILE_THREADS",
)
os.environ.update(dict.fromkeys(ONE_THREAD, "1"), XLA_FLAGS="--xla_cpu_multi_thread_eigen=false")
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})

import by_hand
import numpy as np
import peers
import tasks

from micrograd_plus import Value, ops, value_and_grad
from micrograd_plus.examples import gpt

# of a difference; seconds for all turns of a contestant; seconds for one
TOLERANCE, LONGEST, TURN = 1e-9, 20.0, 0.003


def staged(x, y):
    return tasks.staged(x, y, ops.sigmoid)


class Eager(by_hand.Contestant):
    """micrograd_plus without a tape."""

    scalar = True

    def network(self, task):
        parameters, inputs, targets = (
            task.model.parameters(),
            task.inputs.tolist(),
            task.targets.tolist(),
        )

        def step():
            task.model.zero_grad()
            if task.hinge:
                losses = [
                    ops.relu(1 - target * task.model(row))
                    for row, (target,) in zip(inputs, targets)
                ]
                mean = ops.sum(losses) / len(losses) + task.penalty()
            else:
                mean = ops.sum([task.loss(*point) for point in zip(inputs, targets)]) / len(inputs)
            mean.backward()
            return mean.data, [p.grad for p in parameters]

        return step

    def circuit(self, x, y):
        def step():
            a, b = Value(x), Value(y)
            out = staged(a, b)
            out.backward()
            return out.data, (a.grad, b.grad)

        return step

    def gpt(self, task):
        parameters, names = task.model.parameters(), task.rows.astype(int).tolist()

        def step():
            task.model.zero_grad()
            mean = ops.sum([task.model.loss(name) for name in names]) / len(names)
            mean.backward()
            return mean.data, [p.grad or 0.0 for p in parameters]

        return step


class Tape(by_hand.Contestant):
    """A tape, replayed by one of its executors."""

    executor, prepares = "python", True

    def __init__(self):
        try:
            from micrograd_plus import record
        except ImportError:
            raise by_hand.Missing("not there") from None
        self.record = record

    def network(self, task):
        tape = self.record(task.loss, *task.point, parameters=task.model)
        return lambda: tape.mean_and_grad(
            task.rows, parameters=task.parameters, executor=self.executor
        )

    def circuit(self, x, y):
        tape = self.record(value_and_grad(staged, (0, 1)), x, y)
        return lambda: tape(x, y, executor=self.executor)

    def gpt(self, task):
        tape = gpt.tape_of(task.model, task.rows.shape[1])
        return lambda: tape.mean_and_grad(
            task.rows, parameters=task.parameters, executor=self.executor
        )


class Interpreter(Tape):
    """The tape, interpreted in C."""

    executor = "interpreter"


class Machine(Tape):
    """The tape as machine code."""

    executor = "machine"

    def __init__(self):
        import llvmlite.binding  # noqa: F401

        super().__init__()


INTERPRETED, MACHINE, REFERENCE = "tape, Python", "tape, machine code", "NumPy by hand"
BARS = {"C by hand, any order": by_hand.C, "C by hand, in order": by_hand.StrictC}
CONTESTANTS = {
    "micrograd": peers.Micrograd,
    "micrograd_plus eager": Eager,
    "XAD": peers.Xad,
    INTERPRETED: Tape,
    "CasADi SX": peers.CasADi,
    "CasADi SX as C": peers.CasADiAsC,
    "PyTorch": peers.Torch,
    "torch.compile": peers.TorchCompile,
    "JAX jit": peers.Jax,
    REFERENCE: by_hand.NumPy,
    "tape, interpreted in C": Interpreter,
    MACHINE: Machine,
    **BARS,
}


class Entry:
    """A contestant at a task: its step, or the mark that says why there is none,
    and what it took.
    """

    def __init__(self, name, contestant, task, reference):
        self.step, self.calls, self.times, self.spent, self.mark = None, 1, [], 0.0, "-"
        self.ready = self.first = math.nan
        if isinstance(contestant, ImportError):
            self.mark = (
                str(contestant) if isinstance(contestant, by_hand.Missing) else "not installed"
            )
            return
        if contestant.scalar and len(task.rows) > 1:
            one_row = task.first(1).step_of(contestant)
            if one_row is None or seconds_of(one_row) * len(task.rows) > LONGEST:
                return
        begin = time.perf_counter()
        self.step = task.step_of(contestant)
        if self.step is None:
            return
        prepared = time.perf_counter()
        result = self.step()
        end = time.perf_counter()
        require_agreement(f"{name}, {task.title}", by_hand.as_floats(result), reference)
        again = seconds_of(self.step)
        self.calls = max(1, round(TURN / again))
        if contestant.prepares:
            self.ready, self.first = end - begin, end - prepared

    def take_turn(self):
        """A turn as long as anyone's, while the contestant has time left."""
        if self.step is not None and self.spent < LONGEST:
            self.times.append(seconds_of(self.step, self.calls))
            self.spent += self.times[-1] * self.calls

    @property
    def seconds(self):
        """The fastest of the turns; nan when there were none."""
        return min(self.times, default=math.nan)

    def cells(self, share, yardstick):
        """The milliseconds until it was ready, and those of the first call; the microseconds of a
        later one, and their ratio to those of the yardstick.
        """
        time = rounded(self.seconds / share * 1e6) or self.mark
        before = [rounded(seconds * 1e3) for seconds in (self.ready, self.first)]
        return "".join([f"{cell:>10}" for cell in before]) + (
            f"{time:>12}{rounded(self.seconds / yardstick):>9}"
        )


def seconds_of(step, calls=1):
    """The wall time of a call."""
    begin = time.perf_counter()
    for _ in range(calls):
        step()
    return (time.perf_counter() - begin) / calls


def require_agreement(who, found, reference):
    """Raise ArithmeticError when a value or gradient is not the reference's to nine digits."""
    for what, number, wanted in zip(("value", "gradient"), found, reference):
        if np.shape(number) != np.shape(wanted) or not np.allclose(
            number, wanted, rtol=TOLERANCE, atol=TOLERANCE
        ):
            raise ArithmeticError(f"{who}: the {what} is {number}, but by hand it is {wanted}")


def rounded(number):
    """Three digits or more; nothing for nan."""
    return (
        ""
        if math.isnan(number)
        else f"{number:,.{0 if number >= 100 else 1 if number >= 10 else 2}f}"
    )


def contestants(only):
    """Those whose names contain one of the words, made; an ImportError for each that cannot be."""
    found = {}
    for name, kind in CONTESTANTS.items():
        if not only or any(word.strip().lower() in name.lower() for word in only.split(",")):
            try:
                found[name] = kind()
            except ImportError as error:
                found[name] = error
    return found


def is_there(name, among):
    return name in among and not isinstance(among[name], ImportError)


def compete(task, among, rounds):
    """The entries of all contestants at a task, after their rounds."""
    step = task.step_of(by_hand.NumPy()) or task.step_of(Eager())
    reference = by_hand.as_floats(step())
    entries = {name: Entry(name, contestant, task, reference) for name, contestant in among.items()}
    gc.collect()
    # the collector need not search what the other contestants hold each time that one makes garbage
    gc.freeze()
    for _ in range(rounds):
        for entry in entries.values():
            entry.take_turn()
    gc.unfreeze()
    return entries


def print_workload(name, among, rounds):
    """A section of the table: a row for each contestant, four columns for each task of the
    workload. Gives a line for each contestant that is faster than the tape.
    """
    make, unit = tasks.WORKLOADS[name]
    columns = [(task, compete(task, among, rounds)) for task in make()]
    yardstick = MACHINE if is_there(MACHINE, among) else REFERENCE
    print(f"{f'{name}, µs {unit}':22}" + "".join(f"{task.title:>41}" for task, _ in columns))
    heads = "ready ms", "first", "later µs", "× tape" if yardstick == MACHINE else "× NumPy"
    print(f"{'':22}" + "{:>10}{:>10}{:>12}{:>9}".format(*heads) * len(columns))
    for who in among:
        cells = [
            entries[who].cells(
                task.share, entries[yardstick].seconds if yardstick in entries else math.nan
            )
            for task, entries in columns
        ]
        print(f"{who:22}{''.join(cells)}".rstrip())
    print(flush=True)
    for task, entries in columns if yardstick == MACHINE else ():
        for who in set(among) - set(BARS):
            ratio = entries[MACHINE].seconds / entries[who].seconds
            if ratio > 1:
                yield f"{name}, {task.title}: {who}, {ratio:.2f} times as fast as the tape"


def print_cost_of_recording(rounds):
    """What it costs to record, beside building and differentiating the same graph once."""
    ways = "built and differentiated", "zero_grad, too", "unchecked", "recorded", "and its sums"
    print(f"{'one point, ms':16}" + "".join(f"{way:>26}" for way in ways))
    for name, model, loss, point in recordings():
        times = [list(map(seconds_of, by_ways(model, loss, point))) for _ in range(rounds)]
        found = [statistics.median(column) * 1e3 for column in zip(*times)]
        cells = [f"{rounded(t)} {f'({t / found[0]:.2f})':>8}" for t in found]
        print(f"{name:16}{''.join(f'{cell:>26}' for cell in cells)}")


def recordings():
    """Losses of one point, each with its name, its model and the point."""
    for name, make in (("moons", tasks.moons), ("image", tasks.image)):
        task = make()[0]
        yield name, task.model, task.loss, task.point
    names = tasks.names()[0]
    yield "gpt, six letters", names.model, names.model.loss, (names.rows[0].tolist(),)


def by_ways(model, loss, point):
    """The ways in which the time of a recording is compared."""
    from micrograd_plus import record

    def eager():
        loss(*[[*map(Value, x)] if isinstance(x, list) else Value(x) for x in point]).backward()

    def stepped():
        model.zero_grad()
        eager()

    def recorded(check=True):
        return record(loss, *point, parameters=model, check=check)

    return (
        eager,
        stepped,
        lambda: recorded(check=False),
        recorded,
        lambda: recorded().program_for("sums"),
    )


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument(
        "--workloads",
        default=",".join(tasks.WORKLOADS),
        help=f"some of {', '.join(tasks.WORKLOADS)}",
    )
    parser.add_argument(
        "--only", default="", help="words, of which the name of a contestant must contain one"
    )
    arguments = parser.parse_args()
    among = contestants(arguments.only)
    lost = []
    for name in arguments.workloads.split(","):
        lost += print_workload(name, among, arguments.rounds)
    print("Lost:", *lost or ["none"], "", sep="\n")
    if is_there(INTERPRETED, among) or is_there(MACHINE, among):
        print_cost_of_recording(min(arguments.rounds, 15))


if __name__ == "__main__":
    main()
