"""Write the golden files of an adaptation: ``python tests/golden/adapt/make.py``.

They are written once and stay: a release that changes the layout adds files of its own.
"""

from __future__ import annotations

from pathlib import Path

import argand
from argand.adapt import adapt

FOLDER = Path(__file__).parent

CRYSTAL = argand.Crystal(
    cell=(5.0, 6.0, 7.0, 90.0, 100.0, 90.0),
    spacegroup="P 1 21/c 1",
    types=("C", "O"),
    labels=("C1", "O1"),
    frac=[[0.1, 0.2, 0.3], [0.4, 0.1, 0.6]],
    b_iso=[1.0, 1.5],
)


def main() -> None:
    """Write adaptation.json and adaptation.safetensors in this folder."""
    adaptation = adapt(CRYSTAL, d_min=2.0, widths=(0.1, 0.3), samples=60, seed=1)
    adaptation.save(FOLDER)


if __name__ == "__main__":
    main()
