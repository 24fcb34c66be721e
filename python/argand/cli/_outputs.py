"""Check the paths that a verb will write, before its work begins."""

from __future__ import annotations

from pathlib import Path

from argand.errors import ArgandError

__all__ = ["check_output_file", "check_output_folder"]


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
    """Check that a folder exists or can be made: nothing on its path is a file.

    Raises
    ------
    ArgandError
        Names the folder, and the file that stands in its way.
    """
    for ancestor in (path, *path.parents):
        if ancestor.exists():
            if not ancestor.is_dir():
                raise ArgandError(f"{path}: cannot be made: {ancestor} is no folder")
            return
