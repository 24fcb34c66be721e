"""The machine and the build that numbers belong to, in words."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import argand

PEERS = (
    "numpy",
    "scipy",
    "gemmi",
    "torch",
    "Dans_Diffraction",
    "cctbx-base",
    "sfcalculator-torch",
    "finufft",
    "ducc0",
)


def describe() -> dict[str, str]:
    """No host name, no path: what matters for the numbers."""
    build = argand.build_config()
    return {
        "processor": f"{_processor()}, {os.cpu_count()} cores{_load()}",
        "argand": f"{build['version']}, {build['compiler']}, {build['simd']}",
        "system": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        "peers": ", ".join(f"{name} {found}" for name in PEERS if (found := _version(name))),
    }


def _load() -> str:
    """Who else wanted the cores: above 1 a core, other programs disturbed the measurement."""
    return f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""


def _processor() -> str:
    facts: dict[str, str] = {}
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text().split("\n\n", 1)[0].splitlines()
        facts = {
            key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)
        }
    name = facts.get("model name") or platform.processor() or platform.machine()
    return f"{name} (virtual machine)" if "hypervisor" in facts.get("flags", "").split() else name


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
