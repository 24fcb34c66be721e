"""Read the bytes of a file, and write files that appear complete or not at all."""

from __future__ import annotations

import gzip
import io
import os
import stat
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from argand._memory import demand, memory_limit, readable
from argand.errors import ArgandError

__all__ = ["PathLike", "decode_text", "read_bytes", "read_text", "replacing", "write_text"]

PathLike = str | os.PathLike[str]

# A gzip file of some megabytes can unpack to any size. A list of ten million reflections has a
# third of these bytes.
_LARGEST_UNPACKED = 2**30

# Bytes that are unpacked at a time.
_PIECE = 2**20

# Every gzip file begins with these two bytes.
_GZIP_MAGIC = b"\x1f\x8b"


def read_bytes(path: PathLike) -> bytes:
    """Read the content of a file; a gzip file is unpacked, whatever it is called.

    Raises
    ------
    ArgandError
        Names a file that is missing, cannot be read, is a pipe or a device, or is a gzip file that
        is damaged or unpacks to more than 1 GiB.
    MemoryLimitError
        The file is larger than the memory that a call may take.
    """
    name = os.fspath(path)
    try:
        _check_size_and_kind(name, os.stat(path))
        data = Path(path).read_bytes()
        if data.startswith(_GZIP_MAGIC):
            return _unpacked(name, data)
        return data
    except ArgandError:
        raise
    except OSError as error:
        raise ArgandError(f"{name}: cannot be read: {error.strerror or error}") from None
    except ValueError as error:
        # A file name with a null character is a ValueError.
        raise ArgandError(f"{name}: cannot be read: {error}") from None
    except (EOFError, zlib.error) as error:
        raise ArgandError(f"{name}: broken gzip file: {error}") from None


def _check_size_and_kind(name: str, status: os.stat_result) -> None:
    """Raise for a pipe or a device, which may never end, and for a file beyond the memory limit."""
    mode = status.st_mode
    # Opening a folder is an error of its own.
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        kind = "a pipe" if stat.S_ISFIFO(mode) else "a device or socket"
        raise ArgandError(f"{name}: cannot be read: {kind}, needs to be a regular file")
    demand(f"{name}: the file", status.st_size, "cut it into smaller files")


def _unpacked(name: str, packed: bytes) -> bytes:
    """Unpack a gzip file piece by piece; an `ArgandError` where it grows beyond the limit."""
    limit = min(_LARGEST_UNPACKED, memory_limit())
    content = bytearray()
    with gzip.GzipFile(fileobj=io.BytesIO(packed)) as stream:
        while piece := stream.read(_PIECE):
            content += piece
            if len(content) > limit:
                raise ArgandError(
                    f"{name}: unpacks to more than {readable(limit)}, needs less: unpack it by hand"
                )
    return bytes(content)


def decode_text(data: bytes, source: str) -> str:
    """Decode the bytes of a text file: UTF-8, with or without byte order mark, else Latin-1.

    Raises
    ------
    ArgandError
        Names `source`, the file that the bytes are of, where it is empty or binary.
    """
    if not data.strip():
        raise ArgandError(f"{source}: the file is empty")
    if b"\x00" in data:
        raise ArgandError(f"{source}: a binary file, needs to be text")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def read_text(path: PathLike) -> str:
    """Read a text file, which may be compressed by gzip, in UTF-8 or Latin-1.

    Raises
    ------
    ArgandError
        Names a file that cannot be read, is empty, or is binary.
    """
    return decode_text(read_bytes(path), os.fspath(path))


@contextmanager
def replacing(path: PathLike) -> Iterator[str]:
    """Yield the name of a temporary file that becomes `path` when the block ends without an error.

    After an error `path` is what it was before, and the temporary file is gone.

    Raises
    ------
    ArgandError
        Names a file that cannot be written.
    """
    target = Path(path)
    try:
        # Renaming is atomic within one folder, so the temporary file lies beside its target.
        handle, temporary = tempfile.mkstemp(
            prefix=f".{target.name}.", suffix=target.suffix, dir=target.parent
        )
    except OSError as error:
        raise ArgandError(f"{os.fspath(path)}: cannot be written: {error.strerror}") from None
    os.close(handle)
    try:
        yield temporary
        # mkstemp lets only the owner read the file: give it the permissions of a new file.
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)
        os.replace(temporary, target)
    except (OSError, RuntimeError) as error:
        raise ArgandError(f"{os.fspath(path)}: cannot be written: {error}") from None
    finally:
        if os.path.exists(temporary):
            os.unlink(temporary)


def write_text(path: PathLike, text: str) -> None:
    """Write a text file in UTF-8, complete or not at all.

    Raises
    ------
    ArgandError
        Names a file that cannot be written.
    """
    with replacing(path) as temporary:
        Path(temporary).write_text(text, encoding="utf-8")
