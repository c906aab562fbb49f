"""The heart in C is built: by every compiler of C11, into a wheel, or not at all; and what is then
installed runs.
"""

import os
import runpy
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from micrograd_plus.heart import sources

HEART = Path(sources.__file__).parent
ROOT = HEART.parent.parent
WINDOWS = os.name == "nt"
needs_cc = pytest.mark.skipif(
    not shutil.which("cc") or not Path(sysconfig.get_path("include"), "Python.h").exists(),
    reason="there is no C compiler with Python's headers",
)


def ran(*command, **variables):
    """What a command says, and whether it succeeds."""
    done = subprocess.run(
        list(map(str, command)),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        env={**os.environ, **variables},
    )
    return done.returncode == 0, done.stdout


# Compiling. ---------------------------------------------------------------------------------------
@needs_cc
def test_the_sources_are_plain_c11():
    """A slot of a type holds a function as an object's pointer; nothing else is not in ISO C."""
    _, said = ran(
        *("cc", "-std=c11", "-fsyntax-only", "-pedantic", "-Wall", "-Wextra"),
        *("-Wno-unused-parameter", "-isystem", sysconfig.get_path("include"), HEART / "heart.c"),
    )
    warnings = [line for line in said.splitlines() if "warning:" in line or "error:" in line]
    assert not [line for line in warnings if "function pointer" not in line]


@needs_cc
def test_setuptools_builds_it_too_where_it_finds_the_compiler(tmp_path):
    pytest.importorskip("setuptools")
    folder = shutil.copytree(HEART, tmp_path / "heart", ignore=shutil.ignore_patterns("*.so"))
    build = "runpy.run_path('build.py')['build_with_setuptools']"
    code = f"import runpy; {build}('abc', ['-std=c11', '-O0'])"
    command = [sys.executable, "-c", f"import os; os.chdir({str(folder)!r}); {code}"]
    assert ran(*command)[0]
    loaded = f"import sys; sys.path.insert(0, {str(folder)!r}); import _heart; print(_heart.SOURCE)"
    assert ran(sys.executable, "-c", loaded) == (True, "abc\n")
    works, said = ran(*command, CC="false")
    assert not works
    assert said.splitlines()[-1].startswith("OSError: ")


@needs_cc
def test_a_compiler_that_fails_says_why(tmp_path):
    folder = shutil.copytree(HEART, tmp_path / "heart", ignore=shutil.ignore_patterns("*.so"))
    (folder / "sweeps.c").write_text("a mistake", encoding="utf-8")
    works, said = ran(sys.executable, folder / "build.py")
    assert not works
    assert "sweeps.c:1" in said
    assert not list(folder.glob("_heart*"))


def test_on_a_mac_it_is_for_the_processors_that_python_is_for(monkeypatch):
    variables = {
        "CC": "clang",
        "CFLAGS": "-Wall -arch arm64 -arch x86_64 -g",
        "MACOSX_DEPLOYMENT_TARGET": "10.13",
    }
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(sysconfig, "get_config_var", variables.get)
    for name in ("CC", "ARCHFLAGS", "MACOSX_DEPLOYMENT_TARGET"):
        monkeypatch.delenv(name, raising=False)
    building = runpy.run_path(str(HEART / "build.py"))
    command = building["command"]("abc", [])
    assert command[0] == "clang"
    assert "-arch arm64 -arch x86_64 -mmacosx-version-min=10.13" in " ".join(command)
    monkeypatch.setenv("ARCHFLAGS", "-arch arm64")
    monkeypatch.setenv("MACOSX_DEPLOYMENT_TARGET", "11.0")
    command = building["command"]("abc", [])
    assert "-arch arm64 -mmacosx-version-min=11.0" in " ".join(command)
    assert "x86_64" not in command


# Installing. --------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """The sources without what was built of them: a build must not touch the library that runs."""
    return shutil.copytree(
        ROOT,
        tmp_path_factory.mktemp("checkout") / "micrograd_plus",
        ignore=shutil.ignore_patterns(".*_cache", ".venv", ".git", "__pycache__", "*.so", "*.pyd"),
    )


def wheel_of(checkout, folder, **variables):
    """What pip says of building a wheel, and its path, None where there is none."""
    build = [sys.executable, "-m", "pip", "wheel", "-v", "--no-deps", "-w", folder, checkout]
    works, said = ran(*build, **variables)
    wheels = list(folder.glob("*.whl"))
    assert works == (len(wheels) == 1), said
    return said, wheels[0] if wheels else None


class Environment:
    """A fresh one, with a wheel and what it asks for."""

    def __init__(self, folder, wheel):
        venv.create(folder, with_pip=True)
        self.programs = folder / ("Scripts" if WINDOWS else "bin")
        works, said = ran(self.programs / "python", "-m", "pip", "install", f"{wheel}[draw]")
        assert works, said

    def engine(self, **variables):
        """The name of the engine that runs, or the last line of what is said instead."""
        code = "import micrograd_plus; print(micrograd_plus.engine_name())"
        _, said = ran(self.programs / "python", "-P", "-c", code, **variables)
        return said.splitlines()[-1]

    def draws(self, folder):
        """Whether README's first command gives its page."""
        works, said = ran(self.programs / "micrograd-plus", "gallery", "-o", folder)
        assert works, said
        return (folder / "index.html").exists()


@pytest.mark.slow
@needs_cc
def test_a_wheel_with_the_heart_runs_in_a_fresh_environment(checkout, tmp_path):
    _, wheel = wheel_of(checkout, tmp_path / "wheel", MICROGRAD_PLUS_BUILD="require")
    assert "-cp311-abi3-" in wheel.name
    fresh = Environment(tmp_path / "fresh", wheel)
    assert fresh.engine(MICROGRAD_PLUS_ENGINE="") == "c"
    assert fresh.engine(MICROGRAD_PLUS_ENGINE="python") == "python"
    assert fresh.draws(tmp_path / "gallery")


@pytest.mark.slow
def test_a_pure_wheel_runs_in_a_fresh_environment(checkout, tmp_path):
    _, wheel = wheel_of(checkout, tmp_path / "wheel", MICROGRAD_PLUS_BUILD="pure")
    assert wheel.name.endswith("-py3-none-any.whl")
    fresh = Environment(tmp_path / "fresh", wheel)
    assert fresh.engine(MICROGRAD_PLUS_ENGINE="") == "python"
    assert "was not built" in fresh.engine(MICROGRAD_PLUS_ENGINE="c")
    assert fresh.draws(tmp_path / "gallery")


@pytest.mark.slow
@pytest.mark.skipif(WINDOWS, reason="CC names no compiler there")
def test_a_broken_compiler_gives_a_pure_wheel_or_an_error_where_the_heart_is_required(
    checkout, tmp_path
):
    said, wheel = wheel_of(checkout, tmp_path / "pure", CC="false", MICROGRAD_PLUS_BUILD="")
    assert wheel.name.endswith("-py3-none-any.whl")
    assert "without the heart in C, in pure Python" in said
    said, wheel = wheel_of(checkout, tmp_path / "c", CC="false", MICROGRAD_PLUS_BUILD="require")
    assert wheel is None
    assert "the heart in C cannot be compiled" in said
