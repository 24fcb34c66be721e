"""Take the differences of Friedel mates, which show where the atoms with dispersion are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from argand.cell import FloatArray
from argand.crystal import Crystal
from argand.errors import ArgandError
from argand.io import Reflections
from argand.measured.merging import Merged, merge
from argand.measured.scaled_phases import ScaledPhases, amplitude_sigma, density_structure_factors
from argand.radiation import Radiation
from argand.reflections import HklArray, asymmetric_unit, centric
from argand.rows import find_rows
from argand.symmetry import group_ops

__all__ = ["AnomalousDifferences", "anomalous_differences"]


@dataclass(frozen=True, eq=False)
class AnomalousDifferences:
    """Hold |F| of h and of -h on the absolute scale, where both were measured.

    Parameters
    ----------
    hkl : (n, 3)
        Acentric reflections of the asymmetric unit.
    plus, sigma_plus : (n,)
        |F(h)| and its standard uncertainty, NaN where the data have none.
    minus, sigma_minus : (n,)
        |F(-h)| and its standard uncertainty, NaN where the data have none.
    phase : (n,)
        Phase of the structure without f'', in radians.
    """

    hkl: HklArray
    plus: FloatArray
    sigma_plus: FloatArray
    minus: FloatArray
    sigma_minus: FloatArray
    phase: FloatArray

    @property
    def difference(self) -> FloatArray:
        """Return |F(h)| - |F(-h)| (n,)."""
        return self.plus - self.minus

    @property
    def sigma(self) -> FloatArray:
        """Return the standard uncertainty (n,) of the differences."""
        return np.asarray(np.hypot(self.sigma_plus, self.sigma_minus))

    @property
    def coefficients(self) -> NDArray[np.complex128]:
        """Return (|F(h)| - |F(-h)|) exp(i (phase - 90 degrees)) (n,).

        Their map has a peak at each atom, in proportion to its f'', where light atoms give the
        phases: half of the signal is lost, or all of it where atoms with f'' alone give them.
        """
        coefficients: NDArray[np.complex128] = self.difference * np.exp(
            1j * (self.phase - 0.5 * np.pi)
        )
        return coefficients


def anomalous_differences(
    reflections: Reflections, crystal: Crystal, phased: ScaledPhases, radiation: Radiation
) -> AnomalousDifferences:
    """Merge Friedel mates apart, and take the differences of their amplitudes.

    They are not corrected for extinction.

    Source: International Tables for Crystallography F, section 14.1 (anomalous difference maps).

    Parameters
    ----------
    reflections
        Measured data with both mates in rows of their own.
    crystal
        Structure on the same axes.
    phased
        The mean of the mates, of which the scale is taken.
    radiation
        Form factors.

    Raises
    ------
    ArgandError
        The group is centrosymmetric, or no reflection has both mates.
    """
    if group_ops(crystal.symops).is_centrosymmetric():
        raise ArgandError("has no anomalous differences: the space group is centrosymmetric")
    merged = merge(reflections, cell=crystal.cell, spacegroup=crystal.spacegroup, keep_mates=True)
    plus_rows, minus_rows = _rows_of_pairs(merged)
    if not len(plus_rows):
        raise ArgandError("has no anomalous differences: no reflection has both Friedel mates")
    amplitude = np.sqrt(np.maximum(merged.intensity, 0.0))
    sigma = amplitude_sigma(merged, amplitude) / phased.scale
    amplitude = amplitude / phased.scale
    hkl = np.ascontiguousarray(merged.hkl[plus_rows])
    return AnomalousDifferences(
        hkl=hkl,
        plus=amplitude[plus_rows],
        sigma_plus=sigma[plus_rows],
        minus=amplitude[minus_rows],
        sigma_minus=sigma[minus_rows],
        phase=np.angle(density_structure_factors(crystal, hkl, radiation)),
    )


def _rows_of_pairs(merged: Merged) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the rows (n,) of h in the asymmetric unit, and those (n,) of -h, where both are."""
    hkl = merged.hkl
    in_unit = (asymmetric_unit(hkl, merged.spacegroup) == hkl).all(axis=1)
    in_unit &= ~centric(hkl, merged.spacegroup)
    mate = find_rows(hkl, -hkl)
    plus = np.flatnonzero(in_unit & (mate >= 0))
    return plus, mate[plus]
