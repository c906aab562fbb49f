"""What notebooks ask of a thing that can be shown. Knows nothing of the package."""

from __future__ import annotations

from collections.abc import Mapping


def richest(bundle: Mapping[str, str]) -> tuple[str, str]:
    """The kind and content of one entry of a bundle: HTML before text.

    marimo asks for it under the name `_mime_`, and inside lists can do with nothing else.
    """
    return max(bundle.items(), key=lambda entry: entry[0] != "text/plain")
