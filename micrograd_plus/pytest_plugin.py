"""What pytest finds of this package: a fixture `check_gradient`, an option `--gradcheck`, and the
picture of a wrong gate beside the report of a failure.

It loads nothing of the package until a test asks for the fixture.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Generator
from typing import Any

import pytest

SEEDS = {"fast": 1, "full": 8}  # directions are drawn anew for each
SECTION = "gradient"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option."""
    group = parser.getgroup("micrograd_plus", "gradients")
    group.addoption(
        "--gradcheck",
        choices=tuple(SEEDS),
        default="fast",
        help="how the fixture check_gradient checks: fast, or full with 160 digits where it can",
    )


@pytest.fixture(scope="session")  # as Hypothesis asks of what its tests use
def check_gradient(pytestconfig: pytest.Config) -> Callable[..., Any]:
    """`testing.check_gradient`; with `--gradcheck=full` along more directions, and where f can be
    traced against 160 digits.
    """
    how = pytestconfig.getoption("--gradcheck")

    def check(f: Callable[..., Any], gradient: Any, x: Any, **options: Any) -> Any:
        from .testing import check_gradient as checked

        verdict: Any = None
        first = options.pop("seed", 0)
        for seed in range(first, first + SEEDS[how]):
            exact = options.get("exact", how == "full")
            verdict = checked(f, gradient, x, **(options | {"seed": seed, "exact": exact}))
            if not verdict:
                break
        return verdict

    return check


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Keep a picture of the smallest part that is wrong, and say in the report where."""
    report = yield
    testing = sys.modules.get("micrograd_plus.testing")
    error = call.excinfo.value if call.excinfo else None
    if testing is not None and isinstance(error, testing.GradientError):
        told = _kept(item, error)
        report.sections.append((SECTION, told))
    return report


def _kept(item: pytest.Item, error: Any) -> str:
    """Where the picture of an error was put, or why there is none."""
    cache = getattr(item.config, "cache", None)
    if cache is None:
        return "no picture is kept without pytest's cache"
    name = re.sub(r"[^\w.-]+", "_", item.nodeid)[-120:]
    path = cache.mkdir("gradients") / f"{name}.svg"
    try:
        error.picture().save(path)
    except (ImportError, OSError, ValueError) as reason:
        return f"no picture: {reason}"
    item.user_properties.append(("gradient picture", str(path)))
    return f"the smallest part that is wrong is drawn in {path}"
