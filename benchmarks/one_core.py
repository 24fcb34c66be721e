"""One core and one thread for this process; imports no library, so that it can come before all of them."""

from __future__ import annotations

import os

THREADS = tuple(f"{name}_NUM_THREADS" for name in ("OMP", "MKL", "OPENBLAS", "NUMEXPR", "DUCC0"))


def pin() -> None:
    """To be called before a library counts the cores it may use."""
    os.environ.update(dict.fromkeys(THREADS, "1"))
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
