"""How much memory a call may take. One that would need more says so before it takes any."""

from __future__ import annotations

import os
from pathlib import Path

from argand.errors import ArgandError, MemoryLimitError

_SHARE = 0.5  # of the machine's memory, where nothing else was said
_CGROUP = Path("/sys/fs/cgroup/memory.max")  # what a container may take of it

_limit: int | None = None


def memory_limit() -> int:
    """Bytes that one call may take: at first ARGAND_MEMORY_LIMIT, else half of the machine's (or container's) memory.

    It bounds what argand allocates during a call, its answer included, not what the process holds already.
    """
    global _limit
    if _limit is None:
        _limit = _default()
    return _limit


def set_memory_limit(limit: int) -> None:
    """Let every call take up to `limit` bytes. Work that needs more is cut into blocks where that is possible; where
    not, the call raises a `MemoryLimitError`, which says what it needs, before it allocates anything large."""
    global _limit
    if not limit >= 1:
        raise ValueError(f"limit is {limit}, needs a number of bytes, at least 1")
    _limit = int(limit)


def demand(what: str, needed: float, instead: str, limit: float | None = None) -> None:
    """Raise where `what` needs more bytes than a call may take; `instead` is what its user can do about it."""
    allowed = memory_limit() if limit is None else limit
    if needed > allowed:
        raise MemoryLimitError(
            f"{what} needs {readable(needed)} of memory, a call may take {readable(memory_limit())}: "
            f"{instead}, or argand.set_memory_limit"
        )


def readable(size: float) -> str:
    """Bytes for people: '1.5 GiB'."""
    for unit in ("bytes", "KiB", "MiB"):
        if size < 1024:
            return f"{size:.3g} {unit}"
        size /= 1024
    return f"{size:,.1f} GiB"


def _default() -> int:
    wanted = os.environ.get("ARGAND_MEMORY_LIMIT")
    if wanted is not None:
        if not wanted.strip().isdigit() or int(wanted) < 1:
            raise ArgandError(
                f"the environment variable ARGAND_MEMORY_LIMIT is {wanted!r}, needs a number of bytes"
            )
        return int(wanted)
    return int(_SHARE * _machine())


def _machine() -> float:
    try:
        physical = float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    except (AttributeError, ValueError, OSError):  # no POSIX
        physical = float(8 * 2**30)
    try:
        contained = _CGROUP.read_text().strip()
    except OSError:
        return physical
    return min(physical, float(contained)) if contained.isdigit() else physical
