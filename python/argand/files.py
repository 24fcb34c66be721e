"""Read the bytes of a file, and write files that appear complete or not at all."""

from __future__ import annotations

import gzip
import os
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from argand.errors import ArgandError

__all__ = ["PathLike", "decode_text", "read_bytes", "read_text", "replacing", "write_text"]

PathLike = str | os.PathLike[str]

# Every gzip file begins with these two bytes.
_GZIP_MAGIC = b"\x1f\x8b"


def read_bytes(path: PathLike) -> bytes:
    """Read the content of a file; a gzip file is unpacked, whatever it is called.

    Raises
    ------
    ArgandError
        Names a file that is missing, cannot be read, or is a damaged gzip file.
    """
    name = os.fspath(path)
    try:
        data = Path(path).read_bytes()
        if data.startswith(_GZIP_MAGIC):
            return gzip.decompress(data)
        return data
    except OSError as error:
        raise ArgandError(f"{name}: cannot be read: {error.strerror or error}") from None
    except ValueError as error:
        # A file name with a null character is a ValueError.
        raise ArgandError(f"{name}: cannot be read: {error}") from None
    except (EOFError, zlib.error) as error:
        raise ArgandError(f"{name}: broken gzip file: {error}") from None


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
