"""Files that appear whole or not at all. Knows nothing of what is in them."""

from __future__ import annotations

import errno
import os
import secrets
from pathlib import Path


def write_whole(path: str | os.PathLike[str], content: bytes) -> Path:
    """Write a file by way of a draft beside it, so that whatever happens, the old file or the new one stands there."""
    target = Path(path)
    draft = target.with_name(f".{secrets.token_hex(8)}{target.suffix}")
    try:
        if not target.parent.is_dir():
            raise FileNotFoundError(errno.ENOENT, "there is no such folder", str(target.parent))
        draft.write_bytes(content)
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)
    return target
