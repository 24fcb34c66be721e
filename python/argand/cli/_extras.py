"""Check for optional packages before the work that needs them begins."""

from __future__ import annotations

import importlib.util

from argand.errors import ArgandError

__all__ = ["is_installed", "need_installed"]


def is_installed(package: str) -> bool:
    """Tell whether a package can be imported, without importing it."""
    try:
        return importlib.util.find_spec(package) is not None
    except ValueError:  # its module object has no specification
        return False


def need_installed(packages: tuple[str, ...], purpose: str) -> None:
    """Raise an `ArgandError` that names the packages which `purpose` lacks, and how to get them."""
    missing = [package for package in packages if not is_installed(package)]
    if missing:
        raise ArgandError(f"{purpose} needs {', '.join(missing)}: pip install 'argand[learn]'")
