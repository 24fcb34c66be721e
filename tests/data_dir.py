"""Find test data: a few public files in the repository, many more on a development machine."""

from __future__ import annotations

from pathlib import Path

import pytest

DATA = Path(__file__).parent / "data"
SHARED = Path(__file__).parents[2] / "shared" / "data"

needs_shared = pytest.mark.skipif(
    not SHARED.is_dir(), reason="the development data are not beside this repository"
)


def shared_files(folder: str, pattern: str = "*") -> list[Path]:
    """List the files of a folder of the development data; an empty list where it is absent."""
    return sorted((SHARED / folder).glob(pattern))


def cif_files() -> list[Path]:
    """List the crystal structures to test with: of the development data, else of the repository."""
    return shared_files("cif", "*.cif") or sorted(DATA.glob("*.cif"))
