"""The tests of the engine with the heart in C under the address and undefined-behaviour sanitizers.

    python tests/helpers/sanitized.py [files or folders of tests]

It compiles the library anew, in its place, runs the tests in one process on memory of the C
library, where every access out of bounds and every use after freeing is seen, and puts back an
ordinary library at the end. GCC is needed. Leaks are not looked for: Python keeps what it likes
until it ends.
"""

import os
import runpy
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
CHECKS = ["-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"]
# freed nodes do not wait to be used again, so that a late use is seen
FLAGS = [*CHECKS, "-DMOST_WAITING=0", "-fno-omit-frame-pointer", "-g", "-O1"]
USUAL = (
    *("tests/engine", "tests/heart", "tests/autodiff", "tests/ops/test_rows.py"),
    "tests/tape/test_recorder_in_c.py",
)


def place_of(library):
    """Where GCC has a library of its own."""
    command = [os.environ.get("CC", "gcc"), f"-print-file-name={library}"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def main(tests):
    """Compile, test, compile again; the exit code is that of the tests."""
    building = runpy.run_path(str(ROOT / "micrograd_plus" / "heart" / "build.py"))
    environment = {
        **os.environ,
        "LD_PRELOAD": f"{place_of('libasan.so')}:{place_of('libstdc++.so')}",
        "ASAN_OPTIONS": "detect_leaks=0",
        "UBSAN_OPTIONS": "print_stacktrace=1",
        "PYTHONMALLOC": "malloc",
        "MICROGRAD_PLUS_ENGINE": "c",
        "SANITIZED": "1",
    }
    command = [sys.executable, "-m", "pytest", "-q", "-n0", "-p", "no:cacheprovider", *tests]
    try:
        print(building["build"](FLAGS))
        return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode
    finally:
        building["build"]([])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or USUAL))
