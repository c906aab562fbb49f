"""A tape on arrays between pages of memory that nobody may touch: reading beside them kills the
process.

python tests/helpers/guarded.py 256      # 0: the machine reads every program as data
"""

import ctypes
import mmap
import sys

import numpy as np

from micrograd_plus import Value, ops, record
from micrograd_plus.tape.executors.llvm import machine

kept = []  # what is mapped stays so


def guarded(numbers):
    """The same numbers at the end, and at the beginning, of memory between two such pages."""
    page, size = mmap.PAGESIZE, -(-numbers.nbytes // mmap.PAGESIZE) * mmap.PAGESIZE
    kept.append(mmap.mmap(-1, size + 2 * page))
    room = np.frombuffer(kept[-1], dtype=np.uint8)
    for edge in (room.ctypes.data, room.ctypes.data + page + size):
        assert ctypes.CDLL(None).mprotect(ctypes.c_void_p(edge), ctypes.c_size_t(page), 0) == 0
    for first in (page, page + size - numbers.nbytes):
        found = room[first : first + numbers.nbytes].view(np.float64).reshape(numbers.shape)
        found[...] = numbers
        yield found


def main():
    machine.MOST_NESTS = int(sys.argv[1])
    w, shared = [Value(1.0), Value(2.0), Value(3.0)], np.array([0.5, -1.0, 2.0])
    tape = record(
        lambda x, y: ops.dot(w, [x, y, ops.exp(x)]) * ops.relu(w[0] * y), 0.5, 1.0, parameters=w
    )
    for count in (1, 2, 15, 16, 17, 33, 1024, 1025):
        plain = np.linspace(-1.0, 1.0, 2 * count).reshape(count, 2)
        for rows in guarded(plain):
            for parameters in guarded(shared):
                for use in (
                    tape.values,
                    tape.gradients,
                    lambda *given: tape.sum_and_grad(*given)[1],
                ):
                    assert (use(rows, parameters) == use(plain, shared)).all()
                assert tape(*rows[0], parameters=parameters) == tape(*plain[0], parameters=shared)
    print("untouched")


if __name__ == "__main__":
    main()
