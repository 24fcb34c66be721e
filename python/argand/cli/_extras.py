"""Check for optional packages before the work that needs them begins."""

from __future__ import annotations

import importlib.util

from argand.errors import ArgandError

__all__ = [
    "INSTALL_CLUSTER",
    "INSTALL_LEARN",
    "INSTALL_LIVE",
    "INSTALL_PARQUET",
    "is_installed",
    "need_installed",
    "need_scheduler",
]

#: How to get the optional packages: argand is on no index, so that pip needs its source folder.
INSTALL_LEARN = 'pip install ".[learn]" in argand\'s source folder'

INSTALL_LIVE = 'pip install ".[live]" in argand\'s source folder'

INSTALL_CLUSTER = 'pip install ".[cluster]" in argand\'s source folder'

INSTALL_PARQUET = 'pip install ".[parquet]" in argand\'s source folder'


def is_installed(package: str) -> bool:
    """Tell whether a package can be imported, without importing it."""
    try:
        return importlib.util.find_spec(package) is not None
    except ValueError:  # its module object has no specification
        return False


def need_installed(packages: tuple[str, ...], purpose: str, advice: str = INSTALL_LEARN) -> None:
    """Raise an `ArgandError` that names the packages which `purpose` lacks, and how to get them."""
    missing = [package for package in packages if not is_installed(package)]
    if missing:
        raise ArgandError(f"{purpose} needs {', '.join(missing)}: {advice}")


def need_scheduler(scheduler: str | None) -> None:
    """Raise an `ArgandError` where work is given to a scheduler and its package is missing."""
    if scheduler is not None:
        need_installed(("distributed",), "--scheduler", INSTALL_CLUSTER)
