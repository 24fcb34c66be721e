"""Define what argand raises and warns: one line that names the file or the argument."""

from __future__ import annotations

__all__ = ["ArgandError", "ArgandWarning", "MemoryLimitError"]


class ArgandError(ValueError):
    """Report bad input, a file or an argument, in one line."""

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.split()))


class MemoryLimitError(ArgandError, MemoryError):
    """Report that a call would need more memory than `argand.memory_limit()`.

    Nothing was allocated for the call.
    """


class ArgandWarning(UserWarning):
    """Warn that input was read, but that its result deserves a second look."""
