"""What hatchling asks while it builds a wheel: the heart in C goes along where it can be compiled.

Without a compiler or Python's headers the wheel is pure Python. With MICROGRAD_PLUS_BUILD=require
in the environment that is an error instead, and with MICROGRAD_PLUS_BUILD=pure nothing is compiled.
"""

from __future__ import annotations

import os
import runpy
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

WISH = os.environ.get("MICROGRAD_PLUS_BUILD", "")


class HeartHook(BuildHookInterface):
    """Adds the library to a wheel, ordinary or editable, and says for which Pythons it is."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, before files are gathered."""
        library = self._built()
        if library is None:
            return
        platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
        build_data["pure_python"] = False
        build_data["tag"] = f"cp311-abi3-{platform}"
        build_data["artifacts"].append(library.relative_to(self.root).as_posix())

    def _built(self) -> Path | None:
        heart = runpy.run_path(str(Path(self.root, "micrograd_plus", "heart", "build.py")))
        if WISH == "pure":
            heart["LIBRARY"].unlink(missing_ok=True)
            return None
        try:
            library: Path | None = heart["build"]([])
        except (OSError, subprocess.CalledProcessError) as error:
            if WISH == "require":
                said = getattr(error, "stderr", "")
                raise RuntimeError(f"the heart in C cannot be compiled: {error}\n{said}") from error
            self.app.display_warning(f"without the heart in C, in pure Python: {error}")
            return None
        if library is None and WISH == "require":
            raise RuntimeError("there is no heart in C for this Python or this system")
        return library
