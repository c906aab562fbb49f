"""Files that appear whole or not at all. Knows nothing of what is in them."""

from __future__ import annotations

import errno
import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path


def write_whole(path: str | os.PathLike[str], content: bytes) -> Path:
    """Write a file by way of a draft beside it, so that whatever happens, the old file or the new
    one stands there.

    A link stays one: what it leads to is replaced. A pipe or a device is written to, not replaced.
    Who may read and write a file stays as it was, and at no moment may more read the draft; a new
    file gets what new files get. Raises PermissionError for a file that may not be written, though
    it could be replaced.
    """
    target = Path(os.path.realpath(path))
    draft = target.with_name(f".{secrets.token_hex(8)}{target.suffix}")
    try:
        if not target.parent.is_dir():
            raise FileNotFoundError(errno.ENOENT, "there is no such folder", str(target.parent))
        if target.exists() and not target.is_file() and not target.is_dir():
            target.write_bytes(content)
            return Path(path)
        replaces = target.is_file()
        if replaces and not os.access(target, os.W_OK):
            raise PermissionError(
                errno.EACCES,
                "this file may only be read: allow writing, or choose another",
                str(target),
            )
        # less what the process masks
        draft.touch(mode=0o600 if replaces else 0o666, exist_ok=False)
        draft.write_bytes(content)
        if replaces:
            _take_after(draft, target.stat())
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)
    return Path(path)


def _take_after(draft: Path, old: os.stat_result) -> None:
    """Give a draft the owner, the group and the mode of what it replaces, as far as this process
    may.

    Where the group cannot stay, it gets no more than everyone. The bits that make a program run as
    its owner are not kept.
    """
    mode, new = stat.S_IMODE(old.st_mode) & 0o777, draft.stat()
    if new.st_gid != old.st_gid:
        try:
            os.chown(draft, -1, old.st_gid)
        except OSError:
            mode &= 0o707 | mode << 3
    if new.st_uid != old.st_uid:
        with suppress(OSError):
            os.chown(draft, old.st_uid, -1)
    if stat.S_IMODE(new.st_mode) != mode:
        draft.chmod(mode)
