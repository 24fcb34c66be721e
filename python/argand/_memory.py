"""How much memory a call may take.

A call that needs more says so before it allocates anything large.
"""

from __future__ import annotations

import os
from pathlib import Path

from argand.errors import ArgandError, MemoryLimitError

# The share of the machine's memory that a call may take where its user has set no limit.
_SHARE = 0.5
# The file in which Linux says how much of the machine's memory a container may take.
_CGROUP = Path("/sys/fs/cgroup/memory.max")
# The machine's memory in bytes where the system does not tell it (no POSIX).
_UNKNOWN_MACHINE = 8 * 2**30

_limit: int | None = None


def memory_limit() -> int:
    """Return the number of bytes that one call may take.

    It is ARGAND_MEMORY_LIMIT at first, or without that half of the memory of the machine or
    container. It bounds what argand allocates during a call, its answer included, not what the
    process holds already.
    """
    global _limit
    if _limit is None:
        _limit = _default()
    return _limit


def set_memory_limit(limit: int) -> None:
    """Let every call take up to `limit` bytes.

    Work that needs more is cut into blocks where that is possible. Where it is not, the call raises
    a `MemoryLimitError`, which says what it needs, before it allocates anything large.
    """
    global _limit
    if not limit >= 1:
        raise ValueError(f"limit is {limit}, needs a number of bytes, at least 1")
    _limit = int(limit)


def demand(
    what: str,
    needed: float,
    instead: str,
    limit: float | None = None,
) -> None:
    """Raise where a piece of work needs more memory than a call may take.

    Parameters
    ----------
    what
        The work, for the message: "a map of 8 x 8 x 8 points".
    needed
        Bytes that it needs.
    instead
        What the user can do about it: "choose a coarser grid".
    limit
        Bytes that are left for it; None: `memory_limit`.

    Raises
    ------
    MemoryLimitError
        `needed` is above the limit.
    """
    allowed = memory_limit() if limit is None else limit
    if needed > allowed:
        raise MemoryLimitError(
            f"{what} needs {readable(needed)} of memory, a call may take "
            f"{readable(memory_limit())}: {instead}, or argand.set_memory_limit"
        )


def readable(size: float) -> str:
    """Write a number of bytes for people: '1.5 GiB'."""
    for unit in ("bytes", "KiB", "MiB"):
        if size < 1024:
            return f"{size:.3g} {unit}"
        size /= 1024
    return f"{size:,.1f} GiB"


def _default() -> int:
    """Return the limit of the environment, or else a share of the machine's memory, in bytes."""
    text = os.environ.get("ARGAND_MEMORY_LIMIT")
    if text is None:
        return int(_SHARE * _machine())
    if not text.strip().isdecimal() or int(text) < 1:
        raise ArgandError(
            f"the environment variable ARGAND_MEMORY_LIMIT is {text!r}, needs a number of bytes"
        )
    return int(text)


def _machine() -> float:
    """Return the memory of the machine or of the container that this process runs in, in bytes."""
    try:
        physical = float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    except (AttributeError, ValueError, OSError):
        physical = float(_UNKNOWN_MACHINE)
    try:
        container = _CGROUP.read_text().strip()
    except OSError:
        return physical
    return min(physical, float(container)) if container.isdecimal() else physical
