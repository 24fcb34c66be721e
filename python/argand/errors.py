"""What argand says about bad input: one line, naming the file or the argument."""

from __future__ import annotations

__all__ = ["ArgandError", "ArgandWarning", "MemoryLimitError"]


class ArgandError(ValueError):
    """Bad input from a user: a file, or an argument. `str()` of it is one line."""

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.split()))


class MemoryLimitError(ArgandError, MemoryError):
    """A call would need more memory than `argand.memory_limit()`; nothing was allocated for it."""


class ArgandWarning(UserWarning):
    """Input that was read, but whose result deserves a second look."""
