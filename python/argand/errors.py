"""Define what argand raises and warns: one line that names the file or the argument."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["ArgandError", "ArgandWarning", "MemoryLimitError", "reading"]

# Exceptions that say something other than that a file is damaged: a package that is not installed,
# and a warning that the caller has made an error.
_NOT_OF_THE_FILE = (ImportError, Warning)


class ArgandError(ValueError):
    """Report bad input, a file or an argument, in one line."""

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.split()))


class MemoryLimitError(ArgandError, MemoryError):
    """Report that a call needs more memory than `argand.memory_limit()`, or than a device has left.

    Nothing was allocated for the call.
    """


class ArgandWarning(UserWarning):
    """Warn that input was read, but that its result deserves a second look."""


@contextmanager
def reading(path: str | os.PathLike[str]) -> Iterator[None]:
    """Turn every exception that reading a file raises into one `ArgandError` that names the file.

    Readers refuse a damaged file in words of their own, and an `ArgandError` stays as it is, with
    the name of the file before it where it lacks that. Any other exception is a fault of argand:
    the error says what happened and asks for a report, and the exception is its cause. An
    interruption is no exception of this kind.

    Raises
    ------
    ArgandError
        The block raised an exception.
    """
    name = os.fspath(path)
    try:
        yield
    except ArgandError as error:
        message = str(error)
        # A message has single blanks between its words, whatever the name of the file has.
        if " ".join(name.split()) in message:
            raise
        raise type(error)(f"{name}: {message}") from error.__cause__
    except _NOT_OF_THE_FILE:
        raise
    except Exception as error:
        words = str(error) or "no message"
        raise ArgandError(
            f"{name}: cannot be read: {type(error).__name__}: {words} "
            "(argand did not expect this: please report it, with the file)"
        ) from error
