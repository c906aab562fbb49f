"""Tapes written as C, compiled, and called."""

import ctypes
import os
import shutil
import subprocess

import numpy as np
import pytest

CC = shutil.which("cc")
needs_cc = pytest.mark.skipif(not (CC or os.environ.get("CI")), reason="no C compiler here")
FLAGS = ("-std=c11", "-pedantic", "-Wall", "-Wextra", "-Werror", "-ffp-contract=off")
GUARD = -1.2345e-67


def compiled(folder, codes, flags=("-O1",)):
    """The library with the functions of the codes, whose names must differ."""
    files = [code.write(folder)[1].name for code in codes]
    library, whole = folder / "tapes.so", folder / "whole.c"
    whole.write_text("".join([f'#include "{file}"\n' for file in files]), encoding="ascii")
    command = [CC, *FLAGS, *flags, "-shared", "-fPIC", "-o", library, whole, "-lm"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    return ctypes.CDLL(library)


class InC:
    """The functions of one tape in a library, with the interface of a tape."""

    def __init__(self, library, code, tape):
        self.library, self.code, self.program = library, code, tape.program
        self.width = tape._width
        defined = dict(
            line.split()[1:]
            for line in code.header.splitlines()
            if line.count(" ") == 2 and line.startswith("#define")
        )
        name = code.name.upper()
        self.room = int(defined[f"{name}_WORK"])
        assert int(defined[f"{name}_INPUTS"]) == self.program.inputs
        assert int(defined[f"{name}_PARAMETERS"]) == self.program.parameters
        assert int(defined[f"{name}_OUTPUTS"]) == self.width

    def values(self, points, parameters):
        return np.array([self._called("", [p], parameters, self.width) for p in points])

    def gradients(self, points, parameters):
        count = 1 + self.program.inputs + self.program.parameters
        return np.array([self._called("_gradient", [p], parameters, count) for p in points])

    def sums(self, points, parameters):
        count = 1 + self.program.parameters
        return self._called("_sum", points, parameters, count, ctypes.c_size_t(len(points)))

    def _called(self, ending, points, parameters, count, *more):
        """What a function writes; it must not write beyond its outputs or its room."""
        given = [np.ascontiguousarray(numbers, dtype=float) for numbers in (points, parameters)]
        outputs, work = np.full(count + 1, GUARD), np.full(self.room + 1, GUARD)
        function = getattr(self.library, self.code.name + ending)
        function.restype = None
        arrays = [a.ctypes.data_as(ctypes.c_void_p) for a in (*given, outputs, work)]
        function(*more, *arrays)
        assert outputs[-1] == work[-1] == GUARD
        return outputs[:-1]
