"""Check the paths that a verb will write, before its work begins."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from argand.errors import ArgandError

__all__ = ["check_output_file", "check_output_folder"]


# The results of every verb that fills a folder need more than this many bytes.
_LEAST_SPACE = 100_000


def check_output_file(path: Path, suffix: str | None = None) -> None:
    """Check that a file can be written: the ending of its name, and that its folder exists.

    Raises
    ------
    ArgandError
        Names the path and what it must be.
    """
    if suffix is not None and path.suffix.lower() != suffix:
        raise ArgandError(f"{path}: needs a name that ends in {suffix}")
    if not path.parent.is_dir():
        raise ArgandError(f"{path}: cannot be written: {path.parent} is no folder")


def check_output_folder(path: Path) -> None:
    """Check that a folder exists or can be made, and that its disk is not full.

    Raises
    ------
    ArgandError
        Names the folder, and the file that stands in its way or the space that is left.
    """
    for ancestor in (path, *path.parents):
        if ancestor.exists():
            if not ancestor.is_dir():
                raise ArgandError(f"{path}: cannot be made: {ancestor} is no folder")
            free = shutil.disk_usage(ancestor).free
            if free < _LEAST_SPACE:
                raise ArgandError(f"{path}: cannot be written: {free} bytes are left on its disk")
            if not os.access(ancestor, os.W_OK):
                raise ArgandError(f"{path}: cannot be written: permission denied")
            return
