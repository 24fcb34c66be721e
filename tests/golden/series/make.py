"""Write the golden files of a series: ``python tests/golden/series/make.py``.

They are written once and stay: a release that changes the layout adds files of its own.
"""

from __future__ import annotations

import math
from pathlib import Path

from argand.series import Record, SeriesFolder, SeriesSettings

FOLDER = Path(__file__).parent

SETTINGS = SeriesSettings(
    estimator="least squares 0123456789abcdef",
    refine=True,
    maps=False,
    cell=(7.0, 8.0, 9.0, 90.0, 97.0, 90.0),
)

RECORD = Record(
    name="sample_0001",
    file="/data/sample_0001.hkl",
    size=27000,
    mtime_ns=1700000000123456789,
    reflections=345,
    completeness=0.984,
    d_min=1.2,
    r_known=0.3125,
    r=0.0125,
    r1=0.011,
    rms=0.25,
    uncertainty=math.nan,
    largest=0.5,
    atom="S1",
    scale=1.75,
    b_change=-0.125,
    flags=("R is 0.30, errors explain 0.02: another content, or atoms that no model has?",),
    seconds=0.0625,
    displacement=((0.25, -0.125, 0.0), (0.0, 0.0, 0.5)),
    sigma=(0.0125, math.nan),
)


def main() -> None:
    """Write series.json and results/sample_0001.json beside this file."""
    folder = SeriesFolder(FOLDER)
    (FOLDER / "results").mkdir(exist_ok=True)
    folder.open(SETTINGS)
    folder.write_record(RECORD)


if __name__ == "__main__":
    main()
