"""The versions and the machine that a result was made with, so that it can be made again."""

from __future__ import annotations

import os
import platform
from datetime import datetime, timezone
from importlib import metadata

from argand._version import __version__

__all__ = ["environment", "usable_cores"]

_PACKAGES = ("numpy", "scipy", "gemmi", "torch", "lightning")


def environment() -> dict[str, str]:
    """Return versions, machine and time as pairs of words for a table.

    No user, host or folder is named.
    """
    facts = {"argand": __version__, "Python": platform.python_version()}
    for package in _PACKAGES:
        try:
            facts[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            facts[package] = "not installed"
    facts["processor"] = f"{_processor()}, {usable_cores()} cores usable"
    facts["system"] = f"{platform.system()} {platform.machine()}"
    facts["time"] = datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
    return facts


def usable_cores() -> int:
    """Return the number of cores that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _processor() -> str:
    """Return the name of the processor, as Linux or else as Python knows it."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            for line in lines:
                if line.startswith("model name"):
                    return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
