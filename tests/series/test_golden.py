"""Golden files of a series are read as they were written."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import pytest

import argand
from argand.series import SeriesFolder, SeriesSettings, Source

GOLDEN = Path(__file__).parents[1] / "golden" / "series"

SETTINGS = SeriesSettings(
    estimator="least squares 0123456789abcdef",
    refine=True,
    maps=False,
    cell=(7.0, 8.0, 9.0, 90.0, 97.0, 90.0),
)


@pytest.fixture
def folder(tmp_path: Path) -> SeriesFolder:
    """Copy the golden folder: opening a series creates folders in it."""
    shutil.copytree(GOLDEN, tmp_path / "series")
    return SeriesFolder(tmp_path / "series")


def test_the_settings_of_a_series(folder: SeriesFolder) -> None:
    folder.open(SETTINGS)
    with pytest.raises(argand.ArgandError, match="another estimator"):
        folder.open(SeriesSettings("least squares fedcba9876543210", cell=SETTINGS.cell))


def test_a_record(folder: SeriesFolder) -> None:
    source = Source(Path("/data/sample_0001.hkl"), "sample_0001", 27000, 1700000000123456789)
    record = folder.record(source)
    assert record is not None
    assert (record.reflections, record.atom, record.error) == (345, "S1", "")
    assert (record.r_known, record.r, record.r1) == (0.3125, 0.0125, 0.011)
    assert (record.rms, record.largest) == (0.25, 0.5)
    assert math.isnan(record.uncertainty)
    assert (record.scale, record.b_change, record.seconds) == (1.75, -0.125, 0.0625)
    assert record.displacement == ((0.25, -0.125, 0.0), (0.0, 0.0, 0.5))
    assert record.sigma[0] == 0.0125
    assert math.isnan(record.sigma[1])
    assert record.flags[0].startswith("R is 0.30")
