"""Describe a list of reflections as it lies in a file."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from argand.cell import Cell
from argand.io import Reflections
from argand.measured import Agreement, agreement
from argand.measured.merging import usable

__all__ = ["ReflectionsDescription", "describe_reflections"]

# A reflection is strong where I is above so many sigma.
_STRONG = 2.0


@dataclass(frozen=True)
class ReflectionsDescription:
    """Describe a list of reflections in numbers.

    Parameters
    ----------
    format
        Kind of the list, in words.
    count
        Number of reflections.
    lowest, highest
        Smallest and largest h, k and l.
    columns
        Names of the columns of the list.
    cell, spacegroup
        Unit cell in angstrom and degrees and space group that the file states; None without.
    usable, unusable
        How many reflections have an intensity that can be used, and how many not; None where
        nothing was measured.
    negative
        Share of negative intensities among those that can be used; None without any.
    i_over_sigma, strong
        Mean I/sigma, and share of reflections above 2 sigma; None where there are no sigmas.
    own_agreement
        R factors of the calculated amplitudes in the list; None without these.
    """

    format: str
    count: int
    lowest: tuple[int, int, int]
    highest: tuple[int, int, int]
    columns: tuple[str, ...]
    cell: Cell | None
    spacegroup: str | None
    usable: int | None
    unusable: int | None
    negative: float | None
    i_over_sigma: float | None
    strong: float | None
    own_agreement: Agreement | None

    @property
    def is_measured(self) -> bool:
        """Tell whether the list has measured intensities or amplitudes."""
        return self.usable is not None


def describe_reflections(reflections: Reflections) -> ReflectionsDescription:
    """Describe a list of reflections as it is, with nothing merged."""
    number_usable = unusable = None
    negative = i_over_sigma = strong = None
    if _is_measured(reflections):
        rows = usable(reflections)
        number_usable = int(rows.sum())
        unusable = int((~rows).sum())
        intensity, sigma = reflections.intensities()
        if number_usable:
            negative = float(np.mean(intensity[rows] < 0))
            if sigma is not None and (sigma[rows] > 0).all():
                ratio = intensity[rows] / sigma[rows]
                i_over_sigma = float(ratio.mean())
                strong = float(np.mean(ratio > _STRONG))
    h_min, k_min, l_min = (int(index) for index in reflections.hkl.min(axis=0))
    h_max, k_max, l_max = (int(index) for index in reflections.hkl.max(axis=0))
    return ReflectionsDescription(
        format=reflections.format,
        count=len(reflections.hkl),
        lowest=(h_min, k_min, l_min),
        highest=(h_max, k_max, l_max),
        columns=tuple(reflections.columns()),
        cell=reflections.cell,
        spacegroup=reflections.spacegroup,
        usable=number_usable,
        unusable=unusable,
        negative=negative,
        i_over_sigma=i_over_sigma,
        strong=strong,
        own_agreement=_own_agreement(reflections),
    )


def _is_measured(reflections: Reflections) -> bool:
    """Tell whether a list has measured intensities or amplitudes."""
    return reflections.intensity is not None or reflections.amplitude is not None


def _own_agreement(reflections: Reflections) -> Agreement | None:
    """Compare the measured values of a list with the calculated amplitudes in it; None without."""
    calculated = reflections.amplitude_calc
    if calculated is None or not _is_measured(reflections):
        return None
    rows = usable(reflections) & np.isfinite(calculated)
    if not calculated[rows].any():
        return None
    intensity, sigma = reflections[rows].intensities()
    return agreement(calculated[rows] ** 2, intensity, sigma)
