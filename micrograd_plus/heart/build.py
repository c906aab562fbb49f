"""Builds the heart in C beside its sources; the build of a wheel does the same.

    python micrograd_plus/heart/build.py [flags for the compiler]

It needs a C compiler and Python's headers, and knows nothing of the package: a build has no more
than its sources.
"""

from __future__ import annotations

import os
import runpy
import shlex
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
LIBRARY = FOLDER / "_heart.abi3.so"
FLAGS = ("-std=c11", "-O2", "-fPIC", "-ffp-contract=off", "-fno-math-errno", "-fvisibility=hidden")


def command(digest: str, flags: list[str]) -> list[str]:
    """What compiles and links the library; a Mac finds Python's own functions when it is loaded."""
    compiler = os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc"
    on_a_mac = ["-undefined", "dynamic_lookup"] if sys.platform == "darwin" else []
    include = f"-I{sysconfig.get_path('include')}"
    source = [str(FOLDER / "heart.c"), f'-DHEART_SOURCE="{digest}"']
    options = [*FLAGS, *flags, *on_a_mac, include]
    return [*shlex.split(compiler), "-shared", *options, *source, "-o", str(LIBRARY), "-lm"]


def build(flags: list[str]) -> Path | None:
    """Compile the library and give its place, or None where it is not for this Python or system.

    Raises OSError where there is no compiler and CalledProcessError when that fails.
    """
    LIBRARY.unlink(missing_ok=True)
    if sysconfig.get_config_var("Py_GIL_DISABLED") or os.name == "nt":
        return None
    digest: Any = runpy.run_path(str(FOLDER / "sources.py"))["digest"]
    subprocess.run(  # noqa: S603  # the compiler that Python was built with, or that CC names
        command(digest(), flags), check=True, capture_output=True, text=True
    )
    return LIBRARY


if __name__ == "__main__":
    try:
        print(build(sys.argv[1:]))
    except subprocess.CalledProcessError as error:
        sys.exit(error.stderr)
