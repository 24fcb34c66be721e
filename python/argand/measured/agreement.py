"""How well a structure explains measured intensities: scale, R1, wR2."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from argand.cell import FloatArray
from argand.crystal import Crystal
from argand.errors import ArgandError
from argand.extinction import Extinction
from argand.r_factors import is_strong, r1, shelxl_weight, wr2
from argand.radiation import KEV_ANGSTROM
from argand.reflections import stol
from argand.structure_factors import structure_factors
from argand.symmetry import group_ops

__all__ = ["Agreement", "agreement", "calculated_intensity"]

_SHELXL_WEIGHTS = (0.1, 0.0)
_ROUNDS = 6


@dataclass(frozen=True)
class Agreement:
    """R factors of a structure.

    r1 over strong reflections, I > 2 sigma; r1_all and wr2 over all (see `argand.r_factors`); scale k with
    |Fo| = k |Fc|; strong and count, how many reflections.
    """

    r1: float
    r1_all: float
    wr2: float
    scale: float
    strong: int
    count: int


def calculated_intensity(
    crystal: Crystal,
    hkl: npt.ArrayLike,
    *,
    table: str = "it92",
    wavelength: float | None = None,
    dispersion: bool = True,
    extinction: float | None = None,
    twin: Sequence[float] | None = None,
    fraction: float = 0.0,
    merged: bool = True,
) -> FloatArray:
    """(n,) |Fc|^2 as it would be measured.

    Parameters
    ----------
    crystal, hkl : the structure, and the reflections (n, 3)
    table : form factors, see `argand.form_factors`
    wavelength : angstrom
    dispersion : include f' and f'' for x-rays whose wavelength is given
    extinction : SHELXL's x, see `argand.extinction`; needs the wavelength
    twin : nine numbers, the matrix R of SHELXL's TWIN; the second domain has |Fc(R h)|^2
    fraction : the share of that domain
    merged : average Friedel mates, as merging in the Laue group does

    Source: SHELXL manual, TWIN.
    """
    energy = (
        KEV_ANGSTROM / wavelength
        if dispersion and wavelength is not None and table == "it92"
        else None
    )
    indices = np.asarray(hkl)
    found = _squared(crystal, indices, table, energy, merged)
    if twin is not None and fraction:
        turned = indices @ np.reshape(np.asarray(twin, float), (3, 3)).T
        found = (1.0 - fraction) * found + fraction * _squared(
            crystal, turned, table, energy, merged
        )
    if extinction is not None and wavelength is not None:
        found = (
            found
            * Extinction(stol(indices, crystal.cell), wavelength).factor(found, extinction) ** 2
        )
    return found


def _squared(
    crystal: Crystal, hkl: npt.NDArray[Any], table: str, energy_kev: float | None, merged: bool
) -> FloatArray:
    first = np.abs(structure_factors(crystal, hkl, table=table, energy_kev=energy_kev)) ** 2
    if not merged or energy_kev is None or group_ops(crystal.spacegroup).is_centrosymmetric():
        return np.asarray(first, dtype=np.float64)
    mate = np.abs(structure_factors(crystal, -hkl, table=table, energy_kev=energy_kev)) ** 2
    return np.asarray(0.5 * (first + mate), dtype=np.float64)


def agreement(
    calculated: FloatArray,
    intensity: FloatArray,
    sigma: FloatArray | None,
    weights: Sequence[float] = (),
) -> Agreement:
    """R factors of calculated intensities against measured ones, after scaling.

    The scale is the one that least squares of F^2 give, sum w (Fo^2 - k^2 Fc^2)^2, with SHELXL's weights on the scale
    of Fc; without sigmas that of F, sum (|Fo| - k |Fc|)^2.

    Parameters
    ----------
    calculated : (n,) |Fc|^2
    intensity, sigma : (n,) measured |F|^2, on any scale
    weights : a, b; SHELXL's default .1, 0 where not given

    Source: SHELXL manual, WGHT.
    """
    if calculated.shape != intensity.shape:
        raise ArgandError(
            f"calculated has shape {calculated.shape}, needs {intensity.shape} like the data"
        )
    if not calculated.any():
        raise ArgandError("all calculated intensities are 0")
    observed, model = np.sqrt(np.maximum(intensity, 0.0)), np.sqrt(calculated)
    k = float(observed @ model / (model @ model))
    weight = np.ones_like(intensity)
    a, b = (*weights, *_SHELXL_WEIGHTS[len(weights) :])[:2]
    for _ in range(0 if sigma is None or k <= 0.0 else _ROUNDS):
        assert sigma is not None
        weight = shelxl_weight(intensity / k**2, sigma / k**2, calculated, a, b)
        squared = float((weight * intensity) @ calculated / ((weight * calculated) @ calculated))
        if squared <= 0.0:
            break
        k = float(np.sqrt(squared))
    strong, scaled = is_strong(intensity, 0.0 if sigma is None else sigma), k**2 * calculated
    return Agreement(
        r1=float(r1(intensity, scaled, strong)),
        r1_all=float(r1(intensity, scaled, np.ones(len(intensity), bool))),
        wr2=float(wr2(intensity, scaled, weight)),
        scale=k,
        strong=int(strong.sum()),
        count=len(intensity),
    )
