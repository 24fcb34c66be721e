"""Write phased amplitudes and coefficients of maps as MTZ files that Coot and PyMOL open."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from argand.files import PathLike
from argand.io import write_reflections
from argand.measured.anomalous import AnomalousDifferences
from argand.measured.scaled_phases import ScaledPhases
from argand.reflections import HklArray, in_p1
from argand.rows import find_rows
from argand.symmetry import find_spacegroup

__all__ = ["in_named_setting", "write_phased_mtz"]


def write_phased_mtz(
    path: PathLike,
    phased: ScaledPhases,
    *,
    cell: tuple[float, ...],
    spacegroup: str,
    wavelength: float | None = None,
    anomalous: AnomalousDifferences | None = None,
) -> str:
    """Write amplitudes, phases and coefficients of maps, complete or not at all.

    The columns are F, SIGF and PHI, FOM, FWT and PHWT (2Fo - Fc), DELFWT and PHDELWT (Fo - Fc), FC
    and PHIC; with anomalous differences F(+), SIGF(+), F(-), SIGF(-), DANO, SIGDANO, FAN and PHAN.
    All amplitudes are on the absolute scale. A setting without a name is written in P 1.

    Parameters
    ----------
    path
        File to write.
    phased
        Amplitudes and phases.
    cell, spacegroup
        Unit cell in angstrom and degrees; name or operations of the space group.
    wavelength
        Angstrom.
    anomalous
        Differences of Friedel mates.

    Returns
    -------
    str
        Name of the space group in the file.
    """
    hkl, expand, named = in_named_setting(phased.hkl, spacegroup)
    columns: dict[str, Any] = {"SIGF": np.abs(expand(phased.sigma))}
    if phased.merit is not None:
        columns["FOM"] = np.abs(expand(phased.merit))
    columns["FWT"] = expand(phased.density_coefficients)
    if phased.difference_coefficients is not None and phased.calculated is not None:
        columns["DELFWT"] = expand(phased.difference_coefficients)
        columns["FC"] = expand(phased.calculated)
    # In P 1 the mates of equivalents would have to be interchanged: such a file keeps the mean.
    if anomalous is not None and hkl is phased.hkl:
        columns.update(_anomalous_columns(phased.hkl, anomalous))
    write_reflections(
        path,
        hkl,
        expand(phased.observed),
        cell=cell,
        spacegroup=named,
        wavelength=wavelength,
        **columns,
    )
    return named


def in_named_setting(hkl: HklArray, spacegroup: str) -> tuple[HklArray, Callable[[Any], Any], str]:
    """Return reflections, how their F follows, and the group that MTZ and CCP4 files can name.

    A setting without a name is written in P 1.
    """
    if find_spacegroup(spacegroup) is not None:
        return hkl, lambda values: values, spacegroup
    equivalents, expand = in_p1(hkl, spacegroup)
    return equivalents, expand, "P 1"


def _anomalous_columns(hkl: HklArray, anomalous: AnomalousDifferences) -> dict[str, Any]:
    """Return the columns (n,) of Friedel mates at reflections (n, 3); NaN where there are none."""
    row = find_rows(anomalous.hkl, hkl)
    values: dict[str, Any] = {
        "F(+)": anomalous.plus,
        "SIGF(+)": anomalous.sigma_plus,
        "F(-)": anomalous.minus,
        "SIGF(-)": anomalous.sigma_minus,
        "DANO": anomalous.difference,
        "SIGDANO": anomalous.sigma,
        "FAN": anomalous.coefficients,
    }
    columns: dict[str, Any] = {}
    for name, column in values.items():
        at_hkl = column[row]
        at_hkl[row < 0] = np.nan
        columns[name] = at_hkl
    return columns
