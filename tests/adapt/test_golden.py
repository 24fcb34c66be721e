"""The golden adaptation is read as it was written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import argand
from argand.adapt import Adaptation
from argand.radiation import Radiation

pytest.importorskip("safetensors")

GOLDEN = Path(__file__).parents[1] / "golden" / "adapt"


def test_an_adaptation() -> None:
    adaptation = Adaptation.load(GOLDEN)
    assert adaptation.crystal.types == ("C", "O")
    assert adaptation.crystal.spacegroup == "P 1 21/c 1"
    settings = adaptation.settings
    assert (settings.d_min, settings.widths, settings.samples) == (2.0, (0.1, 0.3), 60)
    assert (settings.noise, settings.unmodelled, settings.seed) == (0.04, "O", 1)
    assert settings.radiation == Radiation()
    assert adaptation.modes.shape == (6, 2, 3)
    hkl = argand.miller_indices(adaptation.crystal.cell, "P 1 21/c 1", d_min=2.0)
    np.testing.assert_array_equal(adaptation.hkl, hkl)
    assert [rung.width for rung in adaptation.rungs] == [0.1, 0.3]
    assert adaptation.rungs[0].linear.weights.shape == (len(hkl), 6)
