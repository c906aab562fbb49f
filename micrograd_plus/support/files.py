"""Files that appear whole or not at all. Knows nothing of what is in them."""

from __future__ import annotations

import errno
import os
import secrets
from pathlib import Path


def write_whole(path: str | os.PathLike[str], content: bytes) -> Path:
    """Write a file by way of a draft beside it, so that whatever happens, the old file or the new one stands there.

    A link stays one: what it leads to is replaced. A pipe or a device is written to, not replaced.
    """
    target = Path(os.path.realpath(path))
    draft = target.with_name(f".{secrets.token_hex(8)}{target.suffix}")
    try:
        if not target.parent.is_dir():
            raise FileNotFoundError(errno.ENOENT, "there is no such folder", str(target.parent))
        if target.exists() and not target.is_file() and not target.is_dir():
            target.write_bytes(content)
            return Path(path)
        draft.write_bytes(content)
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)
    return Path(path)
