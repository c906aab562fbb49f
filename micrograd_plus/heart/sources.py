"""The sources in C, and the fingerprint by which a library is known to come from them."""

from hashlib import sha256
from pathlib import Path

SOURCES = ("heart.c", "programs.c", "rows.c", "nodes.c", "attributes.c", "order.c", "sweeps.c")


def digest() -> str:
    """The fingerprint of the sources beside this file."""
    folder = Path(__file__).parent
    return sha256(b"".join([(folder / name).read_bytes() for name in SOURCES])).hexdigest()
