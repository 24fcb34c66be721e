"""Refine a complete structure on |F|^2: weights, outliers, extinction, anisotropic sites."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from argand.atom_types import atom_type, atomic_number
from argand.cell import FloatArray, beta_from_b_iso, sym_to_matrix, u_aniso_from_beta
from argand.crystal import Crystal
from argand.extinction import Extinction
from argand.r_factors import shelxl_weight
from argand.refine import Parameters, Refinement, Weighting, free, refine
from argand.site_symmetry import displacement_basis, position_basis
from argand.solve.observed_amplitudes import ObservedAmplitudes

__all__ = [
    "anisotropic",
    "extinction_start",
    "free_parameters",
    "is_positive",
    "refine_intensities",
    "robust_sigma",
    "usable_sigma",
    "weighting_of",
]

# Reflections for each parameter that an anisotropic model needs.
_REFLECTIONS_A_PARAMETER = 7.0

# The mean square displacement of an atom along any direction is at least this, in A^2.
_LEAST_U = 0.0015

# SHELXL's a and b that are tried; b in units of the mean |F|^2 over 1,000.
_WEIGHTS_A = (0.0, 0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.08, 0.1, 0.13, 0.16, 0.2)
_WEIGHTS_B = (0.0, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)

# Reflections are sorted by intensity into so many groups, which shall have the same mean residual.
_WEIGHT_GROUPS = 10

# Residuals beyond so many standard deviations are outliers, and are given less weight.
_OUTLIER = 5.0

# Sigmas where the data have none: this share of the intensity, and of its mean.
_SIGMA_SHARE = 0.03
_SIGMA_FLOOR = 0.005

# Extinction is refined where it lowers the squares of residuals by this share, and R of the
# strongest reflections by this much.
_EXTINCTION_GAIN = 0.06
_EXTINCTION_R = 0.004
_STRONGEST = 50

# A cycle on |F|^2 that lowers chi^2 by less than this share is the last: of the refinement that
# weights and outliers follow from, and of the last one.
_FIRST_TOLERANCE = 2e-3
_LAST_TOLERANCE = 1e-4

# SHELXL's x that are tried.
_EXTINCTIONS = (0.0, *np.geomspace(1e-3, 3.0, 15).tolist())


def usable_sigma(observed: ObservedAmplitudes) -> FloatArray:
    """Return sigmas (m,) of the intensities, all positive; made up where the data have none."""
    merged = observed.merged
    mean = float(np.abs(merged.intensity).mean())
    if merged.sigma is None:
        return np.asarray(_SIGMA_SHARE * np.abs(merged.intensity) + _SIGMA_FLOOR * mean)
    floor = 1e-3 * float(np.median(merged.sigma)) + 1e-9 * mean
    return np.maximum(merged.sigma, floor)


def anisotropic(crystal: Crystal, reflections: int) -> Crystal:
    """Give sites that are no hydrogens tensors U, as many as the data can determine.

    Heavier elements come first: all sites of an element, or none.
    """
    elements = [atom_type(name).element for name in crystal.types]
    heavy = np.array([element not in ("H", "D") for element in elements])
    scattering = np.array([atomic_number(name) for name in elements])
    with_tensor, with_b = _parameter_counts(crystal, heavy)
    chosen = np.zeros(len(elements), bool)
    for number in sorted(set(scattering[heavy].tolist()), reverse=True):
        more = chosen | (heavy & (scattering == number))
        parameters = with_tensor[more].sum() + with_b[~more].sum()
        if reflections < _REFLECTIONS_A_PARAMETER * parameters:
            break
        chosen = more
    if not chosen.any():
        return crystal
    u_aniso = np.full((len(elements), 6), np.nan)
    u_aniso[chosen] = u_aniso_from_beta(
        beta_from_b_iso(crystal.b_iso[chosen], crystal.cell), crystal.cell
    )
    if crystal.u_aniso is not None:
        before = crystal.anisotropic & chosen
        u_aniso[before] = crystal.u_aniso[before]
    return crystal.replace(u_aniso=u_aniso)


def _parameter_counts(
    crystal: Crystal, heavy: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Count the parameters (n,) of sites with a tensor U and with B; hydrogens have none."""
    u_of_beta = u_aniso_from_beta(np.ones(6), crystal.cell)
    with_tensor = np.zeros(len(heavy), np.int64)
    with_b = np.zeros(len(heavy), np.int64)
    for site in np.flatnonzero(heavy).tolist():
        directions = len(position_basis(crystal, site))
        with_tensor[site] = directions + len(displacement_basis(crystal, site, u_of_beta))
        with_b[site] = directions + 1
    return with_tensor, with_b


def is_positive(crystal: Crystal) -> NDArray[np.bool_]:
    """Tell whose displacement (n,) is positive in every direction."""
    positive = np.asarray(crystal.b_iso > 8.0 * np.pi**2 * _LEAST_U)
    if crystal.u_aniso is not None:
        rows = np.flatnonzero(crystal.anisotropic)
        beta = crystal.beta()[rows]
        inverse = np.linalg.inv(np.linalg.cholesky(crystal.reciprocal_metric))
        # beta = 2 pi^2 U in units of the reciprocal axes: turned to Cartesian ones.
        tensor = inverse @ sym_to_matrix(beta) @ inverse.T / (2.0 * np.pi**2)
        positive[rows] = np.linalg.eigvalsh(tensor)[:, 0] > _LEAST_U
    return positive


def free_parameters(
    crystal: Crystal, riding: Mapping[str, str], *, extinction: bool = False
) -> Parameters:
    """Free positions and displacements of all sites but hydrogens, which ride.

    Occupancies are free where they are less than 1.
    """
    heavy = np.array([atom_type(name).element not in ("H", "D") for name in crystal.types])
    return free(
        crystal,
        positions=True,
        displacement=heavy,
        occupancies=heavy & (crystal.occ < 1.0),
        extinction=extinction,
        riding=riding,
    )


def refine_intensities(
    observed: ObservedAmplitudes,
    crystal: Crystal,
    riding: Mapping[str, str],
    sigma: FloatArray,
    weighting: Weighting,
    *,
    extinction: float | None,
    cycles: int,
    last: bool,
) -> Refinement:
    """Refine on |F|^2 with SHELXL's weights; `extinction` is the x to begin with, or None.

    The last refinement converges farther than one that only gives weights, and has uncertainties.
    """
    parameters = free_parameters(crystal, riding, extinction=extinction is not None)
    model = observed.model(crystal, parameters, extinction=extinction or 0.0)
    return refine(
        model,
        observed.merged.intensity,
        sigma,
        weighting=weighting,
        cycles=cycles,
        tolerance=_LAST_TOLERANCE if last else _FIRST_TOLERANCE,
        damping=1e-4,
        uncertainties=last,
    )


def weighting_of(
    intensity: FloatArray, sigma: FloatArray, calculated: FloatArray, scale: float
) -> Weighting:
    """Find SHELXL's a and b with which weak and strong reflections fit equally well.

    Parameters
    ----------
    intensity, sigma, calculated : (m,)
        On the scale of the data.
    scale
        Of the data over the absolute scale.
    """
    order = np.argsort(calculated)
    groups = min(_WEIGHT_GROUPS, max(1, len(order) // 10))
    edges = np.linspace(0, len(order), groups, endpoint=False).astype(int)
    sizes = np.diff([*edges, len(order)])
    intensity, sigma, calculated = intensity[order], sigma[order], calculated[order]
    squares = np.square(intensity - calculated)
    mean = float(calculated.mean())
    best = (0.1, 0.0)
    least = np.inf
    for a in _WEIGHTS_A:
        for b in _WEIGHTS_B:
            absolute_b = b * 1e-3 * mean
            weight = shelxl_weight(intensity, sigma, calculated, a, absolute_b)
            # Outliers must not decide: of each group the residuals are cut at three deviations.
            weighted = np.minimum(weight * squares, 9.0)
            means = np.add.reduceat(weighted, edges) / sizes
            spread = float(np.square(np.log(np.maximum(means, 1e-6))).sum())
            if spread < least - 1e-9:
                least = spread
                best = (a, absolute_b / scale)
    return Weighting(*best)


def robust_sigma(
    intensity: FloatArray,
    sigma: FloatArray,
    calculated: FloatArray,
    weighting: Weighting,
    scale: float,
) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Enlarge the sigmas (m,) of outliers so far that their residual is an unlikely one, no more.

    Returns the sigmas, and which reflections are outliers.
    """
    weight = shelxl_weight(intensity, sigma, calculated, weighting.a, weighting.b * scale)
    residual = np.abs(intensity - calculated)
    deviations = residual * np.sqrt(weight)
    # Where all residuals are large the model is incomplete, and none is an outlier.
    typical = max(1.0, float(np.median(deviations)) / 0.6745)
    outlier = deviations > _OUTLIER * typical
    enlarged = np.where(outlier, residual / (_OUTLIER * typical), 0.0)
    # A quarter of the weight of a residual at the limit.
    return np.maximum(sigma, 2.0 * enlarged), np.asarray(outlier)


def extinction_start(
    observed: ObservedAmplitudes, structure_factors: NDArray[np.complexfloating]
) -> float | None:
    """Return the x with which extinction explains the strong reflections, or None without any.

    `structure_factors` (m,) are those of a good model, without extinction.
    """
    wavelength = observed.radiation.wavelength
    if wavelength is None or observed.radiation.probe != "x-ray":
        return None
    calculated = np.abs(structure_factors)
    amplitude = observed.amplitude
    extinction = Extinction(observed.merged.stol, wavelength)
    strongest = np.argsort(-calculated)[: min(_STRONGEST, max(1, len(calculated) // 4))]
    squares: list[float] = []
    r_strongest: list[float] = []
    for x in _EXTINCTIONS:
        damped = calculated * extinction.factor(np.square(calculated), x)
        scale = float(amplitude @ damped) / float(damped @ damped)
        residual = np.abs(amplitude - scale * damped)
        squares.append(float(residual @ residual))
        r_strongest.append(float(residual[strongest].sum() / amplitude[strongest].sum()))
    best = int(np.argmin(squares))
    is_better = squares[best] < (1.0 - _EXTINCTION_GAIN) * squares[0]
    if not is_better or r_strongest[best] > r_strongest[0] - _EXTINCTION_R:
        return None
    return float(_EXTINCTIONS[best])
