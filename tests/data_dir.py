"""Where test data are: a few public files in the repository, many more beside it on a development machine."""

from __future__ import annotations

from pathlib import Path

import pytest

DATA = Path(__file__).parent / "data"
SHARED = Path(__file__).parents[2] / "shared" / "data"

needs_shared = pytest.mark.skipif(
    not SHARED.is_dir(), reason="the development data are not beside this repository"
)


def shared_files(folder: str, pattern: str = "*") -> list[Path]:
    """Sorted files of a folder of the development data; none where they are absent."""
    return sorted((SHARED / folder).glob(pattern))


def cif_files() -> list[Path]:
    """Every crystal structure there is to test with: the development data, or the few in the repository."""
    return shared_files("cif", "*.cif") or sorted(DATA.glob("*.cif"))
