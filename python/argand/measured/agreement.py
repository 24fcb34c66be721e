"""Calculate intensities of a structure and compare them with measured ones: scale, R1, wR2."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from argand._numbers import real_array
from argand.cell import FloatArray
from argand.crystal import Crystal
from argand.errors import ArgandError
from argand.extinction import Extinction
from argand.r_factors import is_strong, r1, shelxl_weight, wr2
from argand.radiation import Radiation
from argand.reflections import stol
from argand.structure_factors import structure_factors
from argand.symmetry import group_ops

__all__ = ["Agreement", "agreement", "calculated_intensity", "f_with_radiation"]

# SHELXL's default weighting parameters a and b.
_DEFAULT_WEIGHTS = (0.1, 0.0)

# Weights depend on the scale and the scale on the weights; after so many rounds both have settled.
_SCALING_ROUNDS = 6

_X_RAYS = Radiation()


@dataclass(frozen=True)
class Agreement:
    """State how well calculated intensities agree with measured ones.

    Parameters
    ----------
    r1, r1_all
        R1 of the strong reflections, I > 2 sigma unless another threshold was asked for, and of
        all, see `argand.r_factors`.
    wr2
        Weighted R of intensities, of all reflections.
    scale
        k in |Fo| = k |Fc|.
    strong, count
        How many reflections are strong, and how many there are.
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
    radiation: Radiation = _X_RAYS,
    extinction: float | None = None,
    twin: Sequence[float] | None = None,
    fraction: npt.ArrayLike = 0.0,
    merged: bool = True,
) -> FloatArray:
    """Calculate |Fc|^2 (n,) as it would be measured.

    Source: SHELXL manual, TWIN and EXTI.

    Parameters
    ----------
    crystal
        Structure.
    hkl : (n, 3)
        Miller indices.
    radiation
        Form factors, with dispersion where the radiation includes it.
    extinction
        SHELXL's x, see `argand.extinction`; it has no effect where the wavelength is not known.
    twin
        Nine numbers, the matrix R of SHELXL's TWIN: the second domain has |Fc(R h)|^2, the third
        |Fc(R R h)|^2, and so on.
    fraction
        Share of the second domain, or shares (d,) of all further ones.
    merged
        Average Friedel mates, as merging in the Laue group does.
    """
    indices = np.asarray(hkl)
    intensity = _squared(crystal, indices, radiation, merged)
    shares = np.atleast_1d(real_array("fraction", fraction))
    if twin is not None and shares.any():
        twin_matrix = real_array("twin", twin).reshape(3, 3)
        intensity = (1.0 - shares.sum()) * intensity
        for share in shares:
            indices = indices @ twin_matrix.T
            intensity = intensity + share * _squared(crystal, indices, radiation, merged)
    if extinction is not None and radiation.wavelength is not None:
        model = Extinction(stol(hkl, crystal.cell), radiation.wavelength)
        intensity = intensity * model.factor(intensity, extinction) ** 2
    return intensity


def _squared(
    crystal: Crystal, hkl: npt.NDArray[Any], radiation: Radiation, merged: bool
) -> FloatArray:
    """Calculate |F|^2 (n,), or its mean over Friedel mates, of one domain without extinction."""
    f = f_with_radiation(crystal, hkl, radiation)
    intensity = np.asarray(np.abs(f) ** 2, dtype=np.float64)
    if not merged or not radiation.dispersion:
        return intensity
    if group_ops(crystal.spacegroup).is_centrosymmetric():
        return intensity
    f_mate = f_with_radiation(crystal, -hkl, radiation)
    return np.asarray(0.5 * (intensity + np.abs(f_mate) ** 2), dtype=np.float64)


def f_with_radiation(
    crystal: Crystal, hkl: npt.NDArray[Any], radiation: Radiation
) -> npt.NDArray[np.complex128]:
    """Calculate F (n,) of a crystal at hkl (n, 3) with the form factors of a radiation."""
    f = structure_factors(
        crystal,
        hkl,
        table=radiation.table,
        energy_kev=radiation.energy_kev,
        corrections=radiation.corrections,
    )
    return np.asarray(f, np.complex128)


def agreement(
    calculated: FloatArray,
    intensity: FloatArray,
    sigma: FloatArray | None,
    weights: Sequence[float] = (),
    threshold: float = 2.0,
) -> Agreement:
    """Scale calculated intensities to measured ones and return their R factors.

    The scale minimises sum w (Fo^2 - k^2 Fc^2)^2 with SHELXL's weights on the scale of Fc; without
    sigmas it minimises sum (|Fo| - k |Fc|)^2.

    Source: SHELXL manual, WGHT.

    Parameters
    ----------
    calculated : (n,)
        |Fc|^2.
    intensity, sigma : (n,)
        Measured |F|^2 on any scale, and its standard uncertainty.
    weights
        SHELXL's a and b; 0.1 and 0 where they are not given.
    threshold
        A reflection is strong where its intensity is above so many sigma.

    Raises
    ------
    ArgandError
        The arrays differ in shape, or all calculated intensities are 0.
    """
    if calculated.shape != intensity.shape:
        raise ArgandError(
            f"calculated has shape {calculated.shape}, needs {intensity.shape} like the data"
        )
    if not calculated.any():
        raise ArgandError("all calculated intensities are 0")
    observed_modulus = np.sqrt(np.maximum(intensity, 0.0))
    modulus = np.sqrt(calculated)
    k = float(observed_modulus @ modulus / (modulus @ modulus))
    weight = np.ones_like(intensity)
    if sigma is not None and k > 0.0:
        k, weight = _weighted_scale(calculated, intensity, sigma, weights, k)
    strong = is_strong(intensity, 0.0 if sigma is None else sigma, threshold)
    scaled = k**2 * calculated
    everywhere = np.ones(len(intensity), bool)
    return Agreement(
        r1=float(r1(intensity, scaled, strong)),
        r1_all=float(r1(intensity, scaled, everywhere)),
        wr2=float(wr2(intensity, scaled, weight)),
        scale=k,
        strong=int(strong.sum()),
        count=len(intensity),
    )


def _weighted_scale(
    calculated: FloatArray,
    intensity: FloatArray,
    sigma: FloatArray,
    weights: Sequence[float],
    k: float,
) -> tuple[float, FloatArray]:
    """Refine the scale k by weighted least squares of intensities; return it and weights (n,)."""
    a, b = (*weights, *_DEFAULT_WEIGHTS[len(weights) :])[:2]
    weight = np.ones_like(intensity)
    for _ in range(_SCALING_ROUNDS):
        weight = shelxl_weight(intensity / k**2, sigma / k**2, calculated, a, b)
        weighted = weight * calculated
        k_squared = float((weight * intensity) @ calculated / (weighted @ calculated))
        if k_squared <= 0.0:
            break
        k = float(np.sqrt(k_squared))
    return k, weight
