"""Graphviz at arm's length: a layout that may be slow runs in a child process, which a limit or
Ctrl-C ends.

Graphviz has no way to be told to stop, and inside this process it would hear no Ctrl-C. So only
what is certainly quick runs here. It comes in the `pygraphviz` wheel, or as the `dot` program.
"""

from __future__ import annotations

import math
import shutil
import subprocess
import sys
from pathlib import Path
from time import monotonic
from types import ModuleType
from typing import Any

HELP = (
    "drawing needs Graphviz to lay the graph out: either `pip install pygraphviz`, which brings it "
    "along "
    '(it is in the extra `pip install "micrograd-plus[draw]"`), or install the `dot` program '
    "(`apt install graphviz`, `brew install graphviz`)"
)
# seconds from one look for Ctrl-C to the next: some systems wake nobody who waits
PATIENCE = 0.1
CHILD = """
import sys
folder, form, engine = sys.argv[1:]
sys.path.append(folder)
from pygraphviz import AGraph
graph = AGraph(string=sys.stdin.buffer.read().decode())
sys.stdout.buffer.write(graph.draw(format=form, prog=engine))
"""


def run_here(dot: str, form: str, engine: str = "dot") -> bytes | None:
    """What Graphviz makes of a graph in the DOT language;
    None where it is not inside this process.
    """
    wheel = _wheel()
    if wheel is None:
        return None
    drawn: bytes = wheel.AGraph(string=dot).draw(format=form, prog=engine)
    return drawn


def run_apart(dot: str, form: str, seconds: float | None = None, engine: str = "dot") -> bytes:
    """The same from a child process, which is ended when this is interrupted or takes too long.

    Raises TimeoutError after so many seconds, or at once where there can be no child; ImportError,
    saying what to install, when there is no Graphviz; RuntimeError when it fails.
    """
    command = _command(form, engine)
    # an interruption before `with` closes the pipes, and a child that gets no question ends by
    # itself
    try:
        process = subprocess.Popen(  # noqa: S603  # an absolute path, and nothing of the user's on it
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    except OSError as error:
        raise TimeoutError(f"no child process can be started here: {error}") from None
    with process:
        try:
            drawn, complaint = _answer(process, dot.encode(), seconds)
        finally:  # of an interruption too; a process that has ended is left in peace
            process.kill()
            process.wait()
    if process.returncode:
        raise RuntimeError(f"Graphviz failed: {complaint.decode(errors='replace').strip()[-500:]}")
    return drawn


def _answer(
    process: subprocess.Popen[bytes], question: bytes, seconds: float | None
) -> tuple[bytes, bytes]:
    end = monotonic() + (math.inf if seconds is None else seconds)
    asked: bytes | None = question
    while True:
        try:
            return process.communicate(asked, max(0.0, min(PATIENCE, end - monotonic())))
        except subprocess.TimeoutExpired:
            if monotonic() >= end:
                raise TimeoutError(f"Graphviz took more than {seconds:.2g} s") from None
            asked = None  # it has the question


def _command(form: str, engine: str) -> list[str]:
    wheel, program = _wheel(), shutil.which("dot")
    if wheel is not None and _is_python(sys.executable):
        # isolated: nothing of the user's runs before it, and of the installed packages it finds
        # this folder only
        return [
            sys.executable,
            "-I",
            "-S",
            "-c",
            CHILD,
            str(Path(str(wheel.__file__)).parent.parent),
            form,
            engine,
        ]
    if program is not None:
        return [program, f"-K{engine}", f"-T{form}"]
    if wheel is None:
        raise ImportError(HELP)
    raise TimeoutError("there is no program that could lay the graph out in a child process")


def _is_python(executable: str | None) -> bool:
    """Whether it is Python itself, not a program that holds Python inside
    and would be started a second time.
    """
    return bool(executable) and Path(str(executable)).name.lower().startswith(("python", "pypy"))


def _wheel() -> ModuleType | None:
    try:
        import pygraphviz
    except ImportError:
        return None
    wheel: Any = pygraphviz
    return wheel  # type: ignore[no-any-return]
