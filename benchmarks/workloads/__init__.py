"""The workloads: numbers to calculate with, and the definition that checks every answer."""

from __future__ import annotations

import sys
from pathlib import Path

# The definitions are those of the tests, oracles.py.
_TESTS = str(Path(__file__).parents[2] / "tests")
if _TESTS not in sys.path:
    sys.path.append(_TESTS)

from workloads.boxes import Boxes  # noqa: E402
from workloads.least_squares import LeastSquares  # noqa: E402
from workloads.molecule import Molecule  # noqa: E402
from workloads.one_call import OneCrystal  # noqa: E402
from workloads.protein import Protein  # noqa: E402
from workloads.refinement import LossGradient  # noqa: E402
from workloads.small_crystals import SmallCrystals  # noqa: E402

WORKLOADS = (SmallCrystals, Molecule, Protein, Boxes, LossGradient, LeastSquares, OneCrystal)

__all__ = [
    "WORKLOADS",
    "Boxes",
    "LeastSquares",
    "LossGradient",
    "Molecule",
    "OneCrystal",
    "Protein",
    "SmallCrystals",
]
