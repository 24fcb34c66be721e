"""Check the paths that a verb will write, before its work begins."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from argand._memory import readable
from argand.errors import ArgandError
from argand.files import locked_folder

__all__ = ["MAP_SUFFIXES", "check_output_file", "check_output_folder", "working_folder"]

#: Endings of CCP4 maps, by which other programs recognise them, of Gaussian cubes, and of texts.
MAP_SUFFIXES = (".ccp4", ".map", ".mrc", ".cube", ".grd")

# On a disk with fewer free bytes not even the smallest result of a verb can be written.
_LEAST_FREE_BYTES = 65_536


def check_output_file(path: Path, suffixes: Sequence[str], inputs: Sequence[Path] = ()) -> None:
    """Check that a file can be written: its name, its folder, and that it is no input.

    Parameters
    ----------
    path : Path
        File to write.
    suffixes : sequence of str
        Endings that its name may have, in lower case.
    inputs : sequence of Path
        Files that are read, and must be there afterwards.

    Raises
    ------
    ArgandError
        Names the path and what it must be.
    """
    if path.suffix.lower() not in suffixes:
        raise ArgandError(f"{path}: needs a name that ends in {' or '.join(suffixes)}")
    if path.is_dir():
        raise ArgandError(f"{path}: is a folder, needs the name of a file")
    if not path.parent.is_dir():
        raise ArgandError(f"{path}: cannot be written: {path.parent} is no folder")
    for source in inputs:
        if _is_same_file(path, source):
            raise ArgandError(f"{path}: would overwrite the input {source}, needs another name")
    _check_writable(path, path.parent)


def check_output_folder(path: Path, needed: int = 0) -> None:
    """Check that a folder exists or can be made, and that it can be written into.

    Parameters
    ----------
    path : Path
        Folder to write into.
    needed : int
        Bytes that its files take at least.

    Raises
    ------
    ArgandError
        Names the folder, and what stands in its way.
    """
    for ancestor in (path, *path.absolute().parents):
        if ancestor.exists():
            if not ancestor.is_dir():
                raise ArgandError(f"{path}: cannot be made: {ancestor} is no folder")
            _check_writable(path, ancestor)
            free = shutil.disk_usage(ancestor).free
            if needed > free:
                raise ArgandError(
                    f"{path}: its files take {readable(needed)} at least, the disk has "
                    f"{readable(free)}"
                )
            return


@contextmanager
def working_folder(path: Path) -> Iterator[None]:
    """Lock an output folder for the whole work of a verb; one that was new and is empty goes again.

    Raises
    ------
    ArgandError
        Names a folder that cannot be made or written, or in which another process is at work.
    """
    is_new = not path.exists()
    try:
        with locked_folder(path):
            yield
    except BaseException:
        if is_new:
            # Only an empty folder can be removed so.
            with suppress(OSError):
                path.rmdir()
        raise


def _is_same_file(path: Path, source: Path) -> bool:
    """Tell whether two names lead to one file that exists, through links too."""
    return path.exists() and source.exists() and os.path.samefile(path, source)


def _check_writable(path: Path, folder: Path) -> None:
    """Check the permissions of an existing folder, and that its disk is not full."""
    if not os.access(folder, os.W_OK | os.X_OK):
        raise ArgandError(f"{path}: cannot be written: no permission to write into {folder}")
    if shutil.disk_usage(folder).free < _LEAST_FREE_BYTES:
        raise ArgandError(f"{path}: cannot be written: the disk of {folder} is full")
