"""The estimator that `argand predict` uses, recognised by what the user names."""

from __future__ import annotations

from pathlib import Path

from argand.errors import ArgandError, reading
from argand.estimate.estimate import Estimator
from argand.estimate.least_squares import LeastSquares
from argand.io import open_file

__all__ = ["load_estimator"]

_STRUCTURE_SUFFIXES = (".cif", ".res", ".ins")


def load_estimator(path: str | Path) -> Estimator:
    """Load an adaptation, or set up least squares from a known structure.

    Crystals are taken to be measured as the known structure was: with the radiation that its file
    names, dispersion at its wavelength, and extinction where it was refined.

    Parameters
    ----------
    path : path
        Folder that `argand adapt` wrote, or known structure (CIF, SHELX .res or .ins).

    Raises
    ------
    ArgandError
        The path is neither of them, or cannot be read.
    """
    from argand.adapt.store import is_adaptation, load_adaptation

    path = Path(path)
    if is_adaptation(path):
        return load_adaptation(path)
    if path.suffix.lower() in _STRUCTURE_SUFFIXES:
        file = open_file(path)
        crystal = file.crystal()
        experiment = file.experiment()
        with reading(path):
            return LeastSquares(
                crystal, experiment.radiation(), extinction=experiment.refined_extinction
            )
    raise ArgandError(
        f"{path}: needs the known structure (CIF or SHELX), or a folder that argand adapt wrote"
    )
