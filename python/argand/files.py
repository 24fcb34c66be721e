"""Read the bytes of a file, and write files that appear complete or not at all."""

from __future__ import annotations

import errno
import gzip
import hashlib
import io
import os
import shutil
import stat
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

try:
    import fcntl
except ImportError:  # Windows: two processes may then work in one folder
    fcntl = None  # type: ignore[assignment]

from argand._memory import demand, memory_limit, readable
from argand.errors import ArgandError

__all__ = [
    "PathLike",
    "decode_text",
    "digest_of",
    "locked_folder",
    "read_bytes",
    "read_text",
    "remove_half_written",
    "replacing",
    "save_or_rescue",
    "size_and_time",
    "size_of",
    "write_text",
]

T = TypeVar("T")

PathLike = str | os.PathLike[str]

# A gzip file of some megabytes can unpack to any size. A list of ten million reflections has a
# third of these bytes.
_LARGEST_UNPACKED = 2**30

# Bytes that are unpacked at a time.
_PIECE = 2**20

# Every gzip file begins with these two bytes.
_GZIP_MAGIC = b"\x1f\x8b"

# Temporary files are recognised by this beginning: nothing else is ever removed.
_TEMPORARY_PREFIX = ".argand-"

# The file by which a folder is locked. Its name differs from those of temporary files.
_LOCK_NAME = ".argand.lock"


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

    After an error `path` is what it was before, and the temporary file is gone. The content is on
    the disk, not only in memory, before it appears under its name. A symbolic link called `path` is
    replaced; what it points to is not touched.

    Raises
    ------
    ArgandError
        Names a file that cannot be written.
    """
    target = Path(path)
    try:
        # Renaming is atomic within one folder, so the temporary file lies beside its target.
        handle, temporary = tempfile.mkstemp(
            prefix=_TEMPORARY_PREFIX, suffix=target.suffix, dir=target.parent
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
        _flush(temporary)
        os.replace(temporary, target)
        _flush(target.parent)
    except (OSError, RuntimeError) as error:
        raise ArgandError(f"{os.fspath(path)}: cannot be written: {error}") from None
    finally:
        if os.path.exists(temporary):
            os.unlink(temporary)


@contextmanager
def locked_folder(path: PathLike) -> Iterator[None]:
    """Make a folder, lock it for this process, and remove the half-written files of a killed one.

    The operating system releases the lock when its process ends. Nothing is locked where a system
    or a file system has no locks.

    Raises
    ------
    ArgandError
        Names a folder that cannot be made or written, or in which another process is at work.
    """
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = _open_lock(folder)
    except BlockingIOError:
        raise ArgandError(f"{folder}: another process is at work in this folder") from None
    except OSError as error:
        raise ArgandError(f"{folder}: cannot be written: {error.strerror}") from None
    try:
        remove_half_written(folder)
        yield
    finally:
        # The lock is still held: nobody else can have taken the file in the meantime.
        with suppress(OSError):
            os.unlink(folder / _LOCK_NAME)
        os.close(lock)


def remove_half_written(folder: PathLike) -> None:
    """Remove the temporary files that a killed process left in a folder, and nothing else."""
    for path in Path(folder).glob(f"{_TEMPORARY_PREFIX}*"):
        if path.is_symlink() or not path.is_file():
            continue
        with suppress(OSError):
            path.unlink()


def size_and_time(path: PathLike) -> tuple[int, int] | None:
    """Return size in bytes and time of the last change in ns; None where there is no such file."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    return (status.st_size, status.st_mtime_ns) if stat.S_ISREG(status.st_mode) else None


def size_of(path: PathLike) -> int | None:
    """Return the size of a file in bytes; None where there is no file of this name."""
    stamp = size_and_time(path)
    return None if stamp is None else stamp[0]


def save_or_rescue(save: Callable[[Path], T], folder: Path) -> T:
    """Save a result into a folder, and where that fails into a temporary one, so that it is kept.

    Parameters
    ----------
    save
        Writes the result into a folder.
    folder
        Where the result should be.

    Raises
    ------
    ArgandError
        The folder cannot be written, as on a full disk; the message says where the result is.
    """
    try:
        return save(folder)
    except ArgandError as error:
        rescue = Path(tempfile.mkdtemp(prefix="argand-rescued-"))
        try:
            save(rescue)
        except ArgandError:
            shutil.rmtree(rescue, ignore_errors=True)
            raise error from None
        raise ArgandError(f"{error}; the result is in {rescue}") from None


def digest_of(path: PathLike) -> str:
    """Return the SHA-256 of a file, unpacked where it is compressed, in hexadecimal digits."""
    return hashlib.sha256(read_bytes(path)).hexdigest()


def _open_lock(folder: Path) -> int:
    """Open and lock the lock file of a folder, and return its descriptor.

    Raises
    ------
    BlockingIOError
        Another process holds the lock.
    OSError
        The file cannot be made, or a symbolic link has its name.
    """
    path = folder / _LOCK_NAME
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
    while True:
        descriptor = os.open(path, flags, 0o666)
        try:
            if fcntl is not None:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise
        except OSError:
            # The file system has no locks.
            return descriptor
        # Whoever held the lock before may have removed its file while this process opened it.
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(descriptor), os.stat(path)):
                return descriptor
        os.close(descriptor)


def _flush(path: PathLike) -> None:
    """Write what the system keeps of a file, or of the names in a folder, to the disk."""
    is_folder = os.path.isdir(path)
    # Windows opens no folders.
    if is_folder and os.name == "nt":
        return
    descriptor = os.open(path, os.O_RDONLY if is_folder else os.O_RDWR)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Some network file systems cannot do this for folders.
        if not is_folder or error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(descriptor)


def write_text(path: PathLike, text: str) -> None:
    """Write a text file in UTF-8, complete or not at all.

    Raises
    ------
    ArgandError
        Names a file that cannot be written.
    """
    with replacing(path) as temporary:
        Path(temporary).write_text(text, encoding="utf-8")
