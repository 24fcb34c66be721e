"""One core and one thread for this process; imports no library, so that it can come before all of them."""

from __future__ import annotations

import os


def pin() -> None:
    """To be called before a library counts the cores it may use."""
    for name in ("OMP", "MKL", "OPENBLAS", "NUMEXPR", "DUCC0"):
        os.environ[f"{name}_NUM_THREADS"] = "1"
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
