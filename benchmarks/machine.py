"""Describe the machine and the build of argand on which numbers were measured."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import argand

#: Distributions whose versions are named beside the numbers.
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

CPU_INFO = Path("/proc/cpuinfo")


def describe() -> dict[str, str]:
    """Describe processor, build, system and peers in words, without host name or paths."""
    build = argand.build_config()
    system = f"{platform.system()} {platform.machine()}"
    return {
        "processor": f"{_processor()}, {os.cpu_count()} cores{_load()}",
        "argand": f"{build['version']}, {build['compiler']}, {build['simd']}",
        "system": f"{system}, Python {platform.python_version()}",
        "peers": _peer_versions(),
    }


def list_facts(facts: dict[str, str]) -> list[str]:
    """Format named facts as lines of a Markdown list."""
    return [f"- {name}: {words}" for name, words in facts.items()]


def _load() -> str:
    """Return the load average in words; above 1 a core, other programs disturbed the times."""
    if not hasattr(os, "getloadavg"):
        return ""
    return f", load {os.getloadavg()[0]:.1f}"


def _processor() -> str:
    """Return the model of the processor, and whether the machine is a virtual one."""
    properties: dict[str, str] = {}
    if CPU_INFO.exists():
        first_processor = CPU_INFO.read_text().split("\n\n", 1)[0]
        for line in first_processor.splitlines():
            key, _, value = line.partition(":")
            properties[key.strip()] = value.strip()
    name = properties.get("model name") or platform.processor() or platform.machine()
    is_virtual = "hypervisor" in properties.get("flags", "").split()
    return f"{name} (virtual machine)" if is_virtual else name


def _peer_versions() -> str:
    """Return the names and versions of the peers that are installed."""
    installed = []
    for name in PEERS:
        try:
            installed.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return ", ".join(installed)
