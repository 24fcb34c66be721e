"""Find the hand of a structure by Flack's parameter, and invert structures.

I(x) = (1 - x) I_calc(h) + x I_calc(-h): x is the share of the inverted structure in the crystal, 0
for the right hand and 1 for the wrong one.

Source: H. D. Flack, Acta Cryst. A39 (1983) 876-881; S. Parsons, H. D. Flack and T. Wagner, Acta
Cryst. B69 (2013) 249-259.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import gemmi
import numpy as np
import numpy.typing as npt

from argand.cell import FloatArray
from argand.crystal import Crystal
from argand.measured import Merged
from argand.measured.agreement import f_with_radiation
from argand.origins import permissible_origins
from argand.radiation import Radiation
from argand.reflections import centric
from argand.rows import find_rows
from argand.symmetry import group_ops, spacegroup_name, triplets

__all__ = ["AbsoluteStructure", "Flack", "absolute_structure", "inverted"]

# A larger standard uncertainty of Flack's parameter says nothing about the hand.
_MOST_UNCERTAIN = 0.3

# With a larger one it is no number of the crystal at all: nothing depends on the hand.
_MEANINGLESS = 10.0

# The hand is certain where the parameter is so many standard uncertainties from a half.
_CERTAIN = 2.0

# Quotients of pairs whose sum is below so many sigma are not Gaussian.
_LEAST_SIGNAL = 3.0

# Quotients farther than so many sigma from the line are left out: absorption and extinction.
_OUTLIER = 5.0

# Outliers hide others; after so many rounds all are found.
_ROUNDS = 3

# Fewer quotients give no parameter.
_FEWEST_QUOTIENTS = 8


@dataclass(frozen=True)
class Flack:
    """Hold Flack's parameter x of a structure.

    Attributes
    ----------
    value, uncertainty
        x by Parsons' quotients, and its standard uncertainty.
    quotients
        How many Friedel pairs were used.
    fitted, fitted_uncertainty
        x by a fit of all intensities with x and the scale as parameters.
    """

    value: float
    uncertainty: float
    quotients: int
    fitted: float
    fitted_uncertainty: float


@dataclass(frozen=True)
class AbsoluteStructure:
    """State what the data say about the hand of a structure.

    Attributes
    ----------
    hand
        "kept" where the structure has the hand of the crystal, "inverted" where the inverted
        structure has, "twin" where both are present, "unknown" where the data do not tell.
    flack
        Flack's parameter; None where it cannot be calculated.
    reason
        Sentence that says why.
    """

    hand: Literal["kept", "inverted", "twin", "unknown"]
    flack: Flack | None
    reason: str


def absolute_structure(crystal: Crystal, merged: Merged, radiation: Radiation) -> AbsoluteStructure:
    """Calculate Flack's parameter of a refined structure, and say which hand the crystal has.

    Parameters
    ----------
    crystal
        Refined structure.
    merged
        Data in its space group with Friedel mates apart: `argand.measured.merge` with
        ``keep_mates=True``.
    radiation
        X-rays with dispersion at the wavelength of the measurement.
    """
    if group_ops(crystal.spacegroup).is_centrosymmetric():
        return AbsoluteStructure("unknown", None, "the space group has a centre of symmetry")
    if not radiation.dispersion:
        reason = "dispersion is not included: the wavelength is unknown or the probe has none"
        return AbsoluteStructure("unknown", None, reason)
    if merged.sigma is None:
        return AbsoluteStructure("unknown", None, "the data have no standard uncertainties")
    first, second = _friedel_pairs(merged)
    if len(first) < _FEWEST_QUOTIENTS:
        reason = f"Friedel mates were not measured apart: there are {len(first)} pairs"
        return AbsoluteStructure("unknown", None, reason)
    calculated = _intensity(crystal, merged.hkl, radiation)
    mates = _intensity(crystal, -merged.hkl, radiation)
    quotients = _by_quotients(merged, first, second, calculated, mates)
    if quotients is None or quotients[1] > _MEANINGLESS:
        reason = "dispersion hardly changes the intensities"
        return AbsoluteStructure("unknown", None, reason)
    value, uncertainty, count = quotients
    fitted, fitted_uncertainty = _by_fit(merged.intensity, merged.sigma, calculated, mates)
    flack = Flack(value, uncertainty, count, fitted, fitted_uncertainty)
    return _judged(flack)


def _judged(flack: Flack) -> AbsoluteStructure:
    """Say what Flack's parameter means for the hand."""
    words = f"Flack's parameter is {flack.value:.2f} with a standard uncertainty of "
    words += f"{flack.uncertainty:.2f}"
    if flack.uncertainty > _MOST_UNCERTAIN:
        return AbsoluteStructure("unknown", flack, f"{words}: dispersion is too weak to tell")
    distance = _CERTAIN * flack.uncertainty
    if flack.value < 0.5 - distance:
        return AbsoluteStructure("kept", flack, words)
    if flack.value > 0.5 + distance:
        return AbsoluteStructure("inverted", flack, f"{words}: the other hand is right")
    if flack.uncertainty < 0.1:
        return AbsoluteStructure("twin", flack, f"{words}: twinned by inversion")
    return AbsoluteStructure("unknown", flack, f"{words}, which does not decide")


def _friedel_pairs(merged: Merged) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Return the rows of acentric reflections and of their Friedel mates, each pair once."""
    mate = find_rows(merged.hkl, -merged.hkl)
    # Of two mates the first in the list stands for both.
    is_pair = mate > np.arange(len(mate))
    is_pair &= ~centric(merged.hkl, merged.spacegroup)
    first = np.flatnonzero(is_pair)
    return first, mate[first]


def _intensity(crystal: Crystal, hkl: npt.NDArray[np.int32], radiation: Radiation) -> FloatArray:
    """Calculate |F|^2 (n,) with dispersion, of these reflections and not of their mates."""
    f = f_with_radiation(crystal, hkl, radiation)
    return np.asarray(np.square(np.abs(f)), np.float64)


def _by_quotients(
    merged: Merged,
    first: npt.NDArray[np.intp],
    second: npt.NDArray[np.intp],
    calculated: FloatArray,
    mates: FloatArray,
) -> tuple[float, float, int] | None:
    """Fit (I+ - I-)/(I+ + I-) to 1 - 2x times its calculated value.

    Returns x, its standard uncertainty and the number of quotients; None where nothing depends on
    x.

    Parameters
    ----------
    merged
        Data with Friedel mates apart.
    first, second : (p,)
        Rows of I+ and I-.
    calculated, mates : (n,)
        |F(h)|^2 and |F(-h)|^2 of all reflections.
    """
    assert merged.sigma is not None
    plus = merged.intensity[first]
    minus = merged.intensity[second]
    sigma_plus = merged.sigma[first]
    sigma_minus = merged.sigma[second]
    total = plus + minus
    used = total > _LEAST_SIGNAL * np.hypot(sigma_plus, sigma_minus)
    total = np.where(used, total, 1.0)
    measured = (plus - minus) / total
    sigma = 2.0 * np.hypot(minus * sigma_plus, plus * sigma_minus) / np.square(total)
    used &= sigma > 0.0
    expected = (calculated - mates)[first] / np.maximum((calculated + mates)[first], 1e-300)
    weight = np.where(used, 1.0 / np.square(np.where(used, sigma, 1.0)), 0.0)
    slope, chi = 0.0, 1.0
    for _ in range(_ROUNDS):
        information = float(weight @ np.square(expected))
        count = int(np.count_nonzero(weight))
        if count < _FEWEST_QUOTIENTS or not information > 0.0:
            return None
        slope = float(weight @ (measured * expected)) / information
        residual = measured - slope * expected
        chi = float(np.sqrt(weight @ np.square(residual) / (count - 1)))
        far = np.abs(residual) > _OUTLIER * max(chi, 1.0) * sigma
        if not (far & (weight > 0.0)).any():
            break
        weight = np.where(far, 0.0, weight)
    # Sigmas that are too small show in the scatter about the line.
    uncertainty = 0.5 * max(chi, 1.0) / np.sqrt(information)
    return 0.5 * (1.0 - slope), float(uncertainty), count


def _by_fit(
    intensity: FloatArray, sigma: FloatArray, calculated: FloatArray, mates: FloatArray
) -> tuple[float, float]:
    """Fit I = k ((1 - x) I(h) + x I(-h)) to all intensities (n,); return x and its uncertainty."""
    mean = 0.5 * (calculated + mates)
    difference = 0.5 * (calculated - mates)
    # What a model leaves unexplained grows with the intensity, as in SHELXL's weights.
    scale = float(intensity @ mean / (mean @ mean))
    misfit = np.abs(intensity - scale * mean)
    share = float(np.median(misfit / np.maximum(scale * mean, sigma)))
    width = np.hypot(sigma, share * scale * mean)
    design = np.stack([mean, difference], axis=1) / width[:, None]
    target = intensity / width
    (k, k_slope), *_ = np.linalg.lstsq(design, target, rcond=None)
    residual = target - design @ np.array([k, k_slope])
    variance = float(residual @ residual) / max(len(target) - 2, 1)
    covariance = max(variance, 1.0) * np.linalg.pinv(design.T @ design)
    slope = k_slope / k
    return float(0.5 * (1.0 - slope)), float(0.5 * np.sqrt(covariance[1, 1]) / abs(k))


def inverted(crystal: Crystal) -> Crystal:
    """Return the structure of the other hand, in the table's setting of its space group.

    x becomes t - x. The shift t is 0 but for I 41, F d d 2 and others whose inversion centre in the
    normaliser is not at the origin. One of an enantiomorphic pair of groups, P 41, becomes the
    other, P 43.
    """
    origins = permissible_origins(crystal.spacegroup, hand=-1)
    if len(origins.shifts):
        shortest = int(np.abs(origins.shifts).sum(axis=1).argmin())
        return crystal.replace(frac=(origins.shifts[shortest] - crystal.frac) % 1.0)
    mirrored: list[str] = []
    for triplet in crystal.symops:
        op = gemmi.Op(triplet)
        op.tran = [-shift for shift in op.tran]
        mirrored.append(op.wrap().triplet())
    other = group_ops(mirrored)
    name = spacegroup_name(other) or ";".join(triplets(other))
    return crystal.replace(frac=-crystal.frac % 1.0, spacegroup=name, symops=triplets(other))
