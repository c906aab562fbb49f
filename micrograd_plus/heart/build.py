"""Builds the heart in C beside its sources; the build of a wheel does the same.

    python micrograd_plus/heart/build.py [flags for the compiler]

It needs a C compiler and Python's headers, and knows nothing of the package: a build has no more
than its sources. On Windows setuptools finds the compiler.
"""

from __future__ import annotations

import os
import re
import runpy
import shlex
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
ON_WINDOWS, ON_A_MAC = os.name == "nt", sys.platform == "darwin"
LIBRARY = FOLDER / ("_heart.pyd" if ON_WINDOWS else "_heart.abi3.so")
FLAGS = (
    *("-std=c11", "-O2", "-ftree-vectorize", "-fPIC", "-fvisibility=hidden"),
    *("-ffp-contract=off", "-fno-math-errno"),
)
FLAGS_ON_WINDOWS = ("/std:c11", "/fp:precise")  # beside those of setuptools


def command(digest: str, flags: list[str]) -> list[str]:
    """What compiles and links the library: the compiler that CC names, or that Python is from."""
    compiler = os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc"
    include = f"-I{sysconfig.get_path('include')}"
    source = [str(FOLDER / "heart.c"), f'-DHEART_SOURCE="{digest}"']
    options = [*FLAGS, *flags, *flags_on_a_mac(), include]
    return [*shlex.split(compiler), "-shared", *options, *source, "-o", str(LIBRARY), "-lm"]


def flags_on_a_mac() -> list[str]:
    """There, Python's own functions are found when the library is loaded. It is for the processors
    and systems that Python itself is for, as the name of a wheel says, or that are asked for.
    """
    if not ON_A_MAC:
        return []
    of_python = re.findall(r"-arch \S+", str(sysconfig.get_config_var("CFLAGS")))
    processors = os.environ.get("ARCHFLAGS") or " ".join(of_python)
    target = "MACOSX_DEPLOYMENT_TARGET"
    oldest = os.environ.get(target) or sysconfig.get_config_var(target)
    since = [f"-mmacosx-version-min={oldest}"] if oldest else []
    return ["-undefined", "dynamic_lookup", *shlex.split(processors), *since]


def build_with_setuptools(digest: str, flags: list[str]) -> None:
    """Compile the library with the compiler that setuptools finds: Windows has none on its path.

    Raises OSError where there is no setuptools or no compiler, or that fails.
    """
    try:
        from setuptools import Distribution, Extension
        from setuptools.command.build_ext import build_ext
        from setuptools.errors import BaseError, CCompilerError
    except ImportError as error:
        raise OSError("setuptools, which finds the C compiler, is not installed") from error
    heart = Extension(
        "_heart",
        [str(FOLDER / "heart.c")],
        define_macros=[("HEART_SOURCE", f'"{digest}"')],
        extra_compile_args=flags,
        py_limited_api=True,
    )
    with tempfile.TemporaryDirectory() as objects:
        command = build_ext(Distribution({"name": "heart", "ext_modules": [heart]}))
        command.build_lib, command.build_temp, command.force = str(FOLDER), objects, True
        try:
            command.ensure_finalized()
            command.run()
        except (BaseError, CCompilerError) as error:
            raise OSError(str(error)) from error


def build(flags: list[str]) -> Path | None:
    """Compile the library and give its place, or None where it is not for this Python.

    Raises OSError where there is no compiler and CalledProcessError, or OSError, when that fails.
    """
    LIBRARY.unlink(missing_ok=True)
    if sysconfig.get_config_var("Py_GIL_DISABLED"):
        return None
    digest: Any = runpy.run_path(str(FOLDER / "sources.py"))["digest"]
    if ON_WINDOWS:
        build_with_setuptools(digest(), [*FLAGS_ON_WINDOWS, *flags])
    else:
        subprocess.run(  # noqa: S603  # the compiler that Python was built with, or that CC names
            command(digest(), flags), check=True, capture_output=True, text=True
        )
    return LIBRARY


if __name__ == "__main__":
    try:
        print(build(sys.argv[1:]))
    except subprocess.CalledProcessError as error:
        sys.exit(error.stderr)
