"""What `argand predict` is given to predict with, recognised by what it is."""

from __future__ import annotations

from pathlib import Path

from argand.errors import ArgandError
from argand.estimate.estimate import Estimator
from argand.estimate.least_squares import LeastSquares
from argand.io import read_crystal, read_experiment

__all__ = ["load_estimator"]

_STRUCTURES = (".cif", ".res", ".ins")


def load_estimator(path: str | Path) -> Estimator:
    """What `argand adapt` has made (its folder), or least squares from a known structure (CIF, SHELX .res or .ins).

    What was measured is taken to be like what the known structure's file tells of: neutron lengths for neutrons,
    dispersion at its wavelength, extinction where it was refined.

    Raises
    ------
    ArgandError
        The path is none of these, or cannot be read.
    """
    from argand.adapt.store import (  # it is an estimator of this package
        is_adaptation,
        load_adaptation,
    )

    given = Path(path)
    if is_adaptation(given):
        return load_adaptation(given)
    if given.suffix.lower() in _STRUCTURES:
        crystal = read_crystal(given)
        experiment = read_experiment(given)
        return LeastSquares(
            crystal, experiment.radiation(), extinction=experiment.refined_extinction
        )
    raise ArgandError(
        f"{given}: needs the known structure (CIF or SHELX), or a folder that argand adapt has made"
    )
