"""Fixture of the tests of estimators: a small triclinic crystal."""

from __future__ import annotations

import pytest

import argand
from small_crystal import small_crystal


@pytest.fixture(scope="session")
def crystal() -> argand.Crystal:
    """Return a triclinic crystal of 8 light atoms."""
    return small_crystal()
