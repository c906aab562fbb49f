"""A tape over points on the workers of a Dask cluster: the sum or mean of its output over all of
them, and its gradient.

Dask does the distributing: it places points and tasks, moves data, and computes again what a lost
worker held. This room says what is to be added, in the order that `Tape` states, so the result has
the bits of one process with all the points. It knows tapes; Dask (extra `distributed`) is imported
where it is used.
"""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager
from functools import lru_cache
from itertools import accumulate, pairwise
from typing import Any

import numpy as np

from .executors.python import CHUNK
from .program import Floats
from .reals import given_array, real_array
from .tape import Parameters, Tape

_AT_ONCE = 2**26  # bytes of sums that one task adds up
# bytes of parameters that travel with the tasks, sooner than by themselves from worker to worker
_SMALL = 2**20
# each block costs Dask a task in every call; a few for each thread let it share out the work evenly
_BLOCKS_A_THREAD = 4


class Shards:
    """Rows on a cluster, and the tape that runs there.

    `points` is a Dask array (points, inputs), a NumPy array, or a list of shards: NumPy arrays,
    futures or delayed ones, in order; each may hold a kind of real numbers of its own, for they
    become floats before they are joined. `client` is a `dask.distributed.Client`. Rows are cut anew
    where a shard does not begin at a multiple of 1,024 points: each border moves to the nearest
    one, and when small shards are many they join. With `persist` that is done once and the workers
    keep the points; without, Dask makes the points again for each call, and they may outgrow
    memory.

    The tape goes out once, and each worker compiles it once. Rows that are given as NumPy arrays
    stay with the scheduler too, so that they survive a worker; let the workers read large data
    themselves. Should workers differ in their C library's functions, the bits are theirs. Raises
    ImportError without Dask, ValueError where points do not fit the tape, and TypeError where they
    are no real numbers; of a Dask array, whose blocks may hold other things than it says, that
    shows when they are summed.
    """

    def __init__(self, tape: Tape, points: Any, client: Any, persist: bool = True) -> None:
        da, distributed = _dask()
        if not isinstance(client, distributed.Client) or client.asynchronous:
            raise TypeError(
                f"shards need a dask.distributed.Client that is not asynchronous, not {client!r}"
            )
        if not tape.gradient:
            raise ValueError(
                "only a tape with one number for output has a gradient, and shards are for its sum"
            )
        self.tape, self.client = tape, client
        array = (
            _read(points, tape)
            if isinstance(points, da.Array)
            else _dask_array(points, tape, client)
        )
        threads = sum(client.nthreads().values())
        least = len(array) // (_BLOCKS_A_THREAD * threads) if persist and threads else 0
        sizes = block_sizes(array.chunks[0], least)
        array = array.rechunk({0: sizes, 1: -1}, method="tasks")
        # as long as it is held, so is what it is made from
        self._rows = client.persist(array) if persist else array
        blocks = self._rows.to_delayed(optimize_graph=not persist).ravel()
        self._groups = list(_grouped(blocks, sizes, 1 + tape.programs.parameters))
        self._pickled = _sent(pickle.dumps(tape), client)

    def __len__(self) -> int:
        return len(self._rows)

    def __repr__(self) -> str:
        blocks = sum(map(len, self._groups))
        return f"<Shards: {len(self)} points in {blocks} blocks for {self.tape!r}>"

    def sum_and_grad(
        self, parameters: Parameters = None, executor: str | None = None
    ) -> tuple[float, Floats]:
        """The sum of the output over all points, and its gradient with respect to the parameters:
        those of `Tape`.
        """
        total = self._total(parameters, executor)
        return float(total[0]), total[1:]

    def mean_and_grad(
        self, parameters: Parameters = None, executor: str | None = None
    ) -> tuple[float, Floats]:
        """The mean of the output over all points, and its gradient with respect to the parameters;
        ValueError for no points.
        """
        if not len(self):
            raise ValueError("there is no mean of no points")
        total = self._total(parameters, executor) / len(self)
        return float(total[0]), total[1:]

    def _total(self, parameters: Parameters, executor: str | None) -> Floats:
        from dask.delayed import delayed

        numbers = self.tape._shared(parameters)  # noqa: SLF001  # a tape checks and reads its parameters
        if not len(self):
            return np.zeros(1 + len(numbers))
        small = numbers.nbytes * sum(map(len, self._groups)) <= _SMALL
        shared = numbers if small else delayed(_sent(numbers, self.client))
        sums, added = delayed(sums_of_block, pure=False), delayed(added_up, pure=False)
        tape, total = delayed(self._pickled), None
        for group in self._groups:
            total = added(total, *[sums(tape, block, shared, executor) for block in group])
        with _large_things():
            future = self.client.compute(total)
        try:
            found: Floats = future.result()
        except CancelledError as e:
            raise RuntimeError(
                "Dask has lost what this needs and cannot make it again: the client was closed, or "
                "scattered"
                " points went with their worker, which arrays, delayed ones and Dask arrays survive"
            ) from e
        return found


def block_sizes(sizes: Sequence[int], least: int) -> tuple[int, ...]:
    """The sizes of blocks that begin at multiples of 1,024 points near those where the shards
    began, none below `least` but the last.
    """
    *borders, points = accumulate(sizes, initial=0)
    cuts = [0]
    for border in borders:
        cut = (border + CHUNK // 2) // CHUNK * CHUNK
        if max(least, 1) <= cut - cuts[-1] and cut < points:
            cuts.append(cut)
    return tuple(b - a for a, b in pairwise([*cuts, points]))


# What runs on the workers. ------------------------------------------------------------------------
@lru_cache(maxsize=8)
def tape_of(pickled: bytes) -> Tape:
    """The tape that was sent here; it stays, and with it its machine code."""
    try:
        tape: Tape = pickle.loads(pickled)  # noqa: S301  # it comes from the client, as do the tasks themselves
    except KeyError as e:
        raise ValueError(
            f"the tape uses the custom row {e}, which this worker does not know: let each worker "
            "import the "
            "module that defines it, for example with dask worker --preload"
        ) from e
    return tape


def sums_of_block(
    pickled: bytes, points: Floats, parameters: Floats, executor: str | None
) -> Floats:
    """The sums over each 1,024 points of a block: shape (sums, 1 + parameters)."""
    sums = np.empty((-(-len(points) // CHUNK), 1 + len(parameters)))
    for i, of_chunk in enumerate(tape_of(pickled).chunk_sums(points, parameters, executor)):
        sums[i] = of_chunk
    return sums


def added_up(total: Floats | None, *blocks: Floats) -> Floats:
    """The total and the sums of some blocks, added from first to last."""
    total = np.zeros(blocks[0].shape[1]) if total is None else total.copy()
    for sums in blocks:
        for of_chunk in sums:
            total += of_chunk
    return total


def points_of(shard: Any) -> Floats:
    """A shard in floats, before Dask joins it to others,
    whose kind of number it might take over.
    """
    if not isinstance(shard, np.ndarray):
        raise TypeError(f"a shard is a NumPy array, not a {type(shard).__name__}")
    return real_array(shard, "the points")


def shape_of(shard: Any) -> tuple[int, ...] | TypeError:
    """The shape of a shard, or what is wrong with it."""
    try:
        shape: tuple[int, ...] = points_of(shard).shape
    except TypeError as error:
        return error
    return shape


def real_block(block: Any, block_info: Any) -> Floats:
    """A block of a Dask array in floats, whatever the array says that its blocks hold;
    ValueError for another shape.
    """
    points, said = points_of(block), tuple(block_info[None]["chunk-shape"])
    if points.shape != said:
        raise ValueError(
            f"a block of this Dask array has the shape {points.shape}, and the array says {said}"
        )
    return points


def itself(thing: Any) -> Any:
    """What is given: a task that only holds something."""
    return thing


# What goes to them. -------------------------------------------------------------------------------
def _dask() -> tuple[Any, Any]:
    try:
        import dask.array
        import distributed
    except ImportError:
        raise ImportError(
            "a cluster needs Dask: pip install 'micrograd-plus[distributed]'"
        ) from None
    return dask.array, distributed


@contextmanager
def _large_things() -> Iterator[None]:
    """Dask warns of what is large and comes from the client, but this is here on purpose: the
    scheduler can send it again, while scattered data is lost with its worker.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Sending large graph", UserWarning)
        yield


def _sent(thing: Any, client: Any) -> Any:
    with _large_things():
        return client.submit(itself, thing, pure=False)


def _read(array: Any, tape: Tape) -> Any:
    """A Dask array in floats, block by block."""
    _require_width(array.shape, tape, "")
    if not all(size == size for size in array.chunks[0]):
        raise ValueError(
            "the chunks of this Dask array have unknown lengths: call its compute_chunk_sizes() "
            "first"
        )
    return array.map_blocks(real_block, dtype=np.float64, meta=np.empty((0, 0)))


def _dask_array(points: Any, tape: Tape, client: Any) -> Any:
    """Shards as one Dask array; it takes their lengths from the workers, where they are."""
    da, distributed = _dask()
    from dask.base import is_dask_collection
    from dask.delayed import delayed

    if isinstance(points, np.ndarray):
        _require_width(points.shape, tape, "")
        size = -(-len(points) // (CHUNK * max(1, sum(client.nthreads().values())))) * CHUNK
        points = [points[start : start + size] for start in range(0, len(points), size or 1)]
    if not isinstance(points, (list, tuple)):
        raise TypeError(
            "points are a Dask array, a NumPy array or a list of shards, "
            f"not a {type(points).__name__}"
        )
    shards = [
        shard
        if isinstance(shard, distributed.Future) or is_dask_collection(shard)
        else _sent(given_array(shard, "the points"), client)
        for shard in points
    ]
    shapes = client.gather(client.compute([delayed(shape_of)(shard) for shard in shards]))
    for i, shape in enumerate(shapes):
        if isinstance(shape, TypeError):
            raise TypeError(f"shard {i}: {shape}") from shape
        _require_width(shape, tape, f"in shard {i} ")
    arrays = [
        da.from_delayed(delayed(points_of)(shard), shape, dtype=np.float64)
        for shard, shape in zip(shards, shapes)
        if shape[0]
    ]
    return da.concatenate(arrays) if arrays else da.empty((0, tape.programs.inputs))


def _require_width(shape: tuple[int, ...], tape: Tape, where: str) -> None:
    inputs = tape.programs.inputs
    if len(shape) != 2 or shape[1] != inputs:
        raise ValueError(
            f"{tape!r} takes points of {inputs} numbers, {where}an array of shape "
            f"(points, {inputs}), not {shape}"
        )


def _grouped(blocks: Any, sizes: Sequence[int], width: int) -> Iterator[list[Any]]:
    """The blocks in groups, the sums of each group small enough to be added up by one task."""
    group, held = list[Any](), 0
    for block, size in zip(blocks, sizes):
        needed = -(-size // CHUNK) * width * 8
        if group and held + needed > _AT_ONCE:
            yield group
            group, held = [], 0
        group.append(block)
        held += needed
    if group:
        yield group
