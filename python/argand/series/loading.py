"""What `argand predict` is given to predict with, recognised by what it is."""

from __future__ import annotations

from pathlib import Path

from argand.errors import ArgandError
from argand.io import read_crystal
from argand.series.estimate import Estimator
from argand.series.least_squares import LeastSquares

__all__ = ["load_estimator"]

_STRUCTURES = (".cif", ".res", ".ins")


def load_estimator(path: str | Path) -> Estimator:
    """What `argand adapt` has made (its folder), or least squares from a known structure (CIF, SHELX .res or .ins).

    Raises
    ------
    ArgandError
        The path is none of these, or cannot be read.
    """
    from argand.adapt.store import is_adaptation, load_adaptation  # it is an estimator of this package

    given = Path(path)
    if is_adaptation(given):
        return load_adaptation(given)
    if given.suffix.lower() in _STRUCTURES:
        return LeastSquares(read_crystal(given))
    raise ArgandError(f"{given}: needs the known structure (CIF or SHELX), or a folder that argand adapt has made")
