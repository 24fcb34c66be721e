"""Fixtures of the tests of adaptations: a small triclinic crystal, and an adaptation to it."""

from __future__ import annotations

import pytest

import argand
from argand.adapt import Adaptation, adapt
from small_crystal import small_crystal


@pytest.fixture(scope="session")
def crystal() -> argand.Crystal:
    """Return a triclinic crystal of 8 light atoms."""
    return small_crystal()


@pytest.fixture(scope="session")
def made(crystal: argand.Crystal) -> Adaptation:
    """Return an adaptation to four widths; it takes two seconds."""
    widths = (0.1, 0.2, 0.35, 0.6)
    return adapt(crystal, d_min=1.1, widths=widths, samples=1200, seed=4)
