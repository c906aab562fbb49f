"""What notebooks ask of a thing that can be shown. Knows nothing of the package."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

# what is shown, kind by kind, and beside it what is said about some of the kinds, such as a size
Bundle = tuple[dict[str, str], dict[str, Any]]


def is_asked(kind: str, include: Collection[str] | None, exclude: Collection[str] | None) -> bool:
    """Whether one who asks for a bundle with these arguments wants that kind."""
    return (not include or kind in include) and kind not in (exclude or ())


def richest(data: Mapping[str, str]) -> tuple[str, str]:
    """The kind and content of one entry of what is shown: HTML before all else.

    marimo asks for it under the name `_mime_`, and inside lists can do with nothing else.
    """
    kind = "text/html" if "text/html" in data else "text/plain"
    return kind, data[kind]
