"""Bytes from a path, and files that appear whole or not at all."""

from __future__ import annotations

import gzip
import os
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from argand.errors import ArgandError

__all__ = ["read_bytes", "read_text", "replacing"]

PathLike = str | os.PathLike[str]


def read_bytes(path: PathLike) -> bytes:
    """The content of a file, unpacked when it is gzip; an `ArgandError` names a file that cannot be read."""
    try:
        data = Path(path).read_bytes()
        return gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
    except (OSError, ValueError) as error:  # ValueError: a null character in the name
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise ArgandError(f"{os.fspath(path)}: cannot be read: {reason}") from None
    except (EOFError, zlib.error) as error:
        raise ArgandError(f"{os.fspath(path)}: broken gzip file: {error}") from None


def read_text(path: PathLike) -> str:
    """The content of a text file: UTF-8, with or without byte order mark, else Latin-1."""
    data = read_bytes(path)
    if not data.strip():
        raise ArgandError(f"{os.fspath(path)}: the file is empty")
    if b"\x00" in data:
        raise ArgandError(f"{os.fspath(path)}: a binary file, needs to be text")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


@contextmanager
def replacing(path: PathLike) -> Iterator[str]:
    """A temporary name beside `path`, which takes the place of `path` once the block has ended well."""
    target = Path(path)
    try:
        # in the same folder: a rename there is atomic
        handle, name = tempfile.mkstemp(
            prefix=f".{target.name}.", suffix=target.suffix, dir=target.parent
        )
    except OSError as error:
        raise ArgandError(f"{os.fspath(path)}: cannot be written: {error.strerror}") from None
    os.close(handle)
    try:
        yield name
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(name, 0o666 & ~umask)  # mkstemp makes it private
        os.replace(name, target)
    except (OSError, RuntimeError) as error:
        raise ArgandError(f"{os.fspath(path)}: cannot be written: {error}") from None
    finally:
        if os.path.exists(name):
            os.unlink(name)
