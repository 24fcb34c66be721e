"""Judge a space group by the reflections that its screw axes and glide planes extinguish."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import erfc

from argand.cell import FloatArray
from argand.reflections import index_codes, miller_indices
from argand.solve.equivalents import IntArray, RowArray
from argand.solve.group_candidates import GroupCandidate, LaueCandidates
from argand.solve.primitive import PrimitiveReflections

__all__ = ["Extinctions", "find_extinctions", "unmeasured_reflections"]

BoolArray = npt.NDArray[np.bool_]

# A group is refused where what it extinguishes has more than this share of the mean intensity ...
_EXTINGUISHED = 0.12

# ... and more than this share of these reflections is seen.
_EXTINGUISHED_SEEN = 0.25

# A reflection is seen where I is above so many sigma.
_SEEN = 3.0

# Multiple scattering and half the wavelength put this share of the mean intensity on extinguished
# reflections ...
_STRAY = 0.003

# ... and on a tenth of them so much more.
_STRAY_OUTLIERS = 0.1
_STRAY_MEAN = 0.1

# Bounds of the logarithm of likelihood of one extinguished reflection: many are weak by chance, and
# a strong one is hard to explain away.
_MOST_FOR = 2.0
_MOST_AGAINST = 6.0

# Bound of the logarithm of likelihood of all extinguished reflections together.
_MOST_OF_ALL = 12.0

# Share of that logarithm that counts: neighbouring reflections of a row are not independent.
_INDEPENDENT = 0.5

# Files often leave out the reflections that their space group extinguishes. Where all that a group
# extinguishes are missing from data that have nearly all others, that speaks for it, by at most
# this logarithm of likelihood ...
_MOST_OF_MISSING = 6.0

# ... where at least so many are missing ...
_FEWEST_MISSING = 3

# ... and where of all others no more than this share is.
_MOST_MISSING = 0.3

# A phase is unchanged where h.t is a whole number to this.
_WHOLE_TURNS = 1e-3


@dataclass(frozen=True)
class Extinctions:
    """Hold what the reflections that a group extinguishes say about it.

    Attributes
    ----------
    count, seen
        How many unique ones were measured, and how many have I > 3 sigma.
    share
        Their mean intensity over the mean at their resolution; NaN where there are none.
    evidence
        Logarithm of likelihood that they are extinct, against that they are like all others.
    missing
        How many unique ones are missing where every one is and nearly all others are measured; 0
        otherwise.
    """

    count: int
    seen: int
    share: float
    evidence: float
    missing: int

    @property
    def contradicted(self) -> bool:
        """Tell whether they are too strong and too often seen to be extinct."""
        return self.share > _EXTINGUISHED and self.seen > max(1, _EXTINGUISHED_SEEN * self.count)


def find_extinctions(
    data: PrimitiveReflections,
    candidates: LaueCandidates,
    group: GroupCandidate,
    rows: RowArray,
    unmeasured: IntArray,
) -> Extinctions:
    """Look at the reflections that a group extinguishes.

    Parameters
    ----------
    data
        Reflections in P 1.
    candidates, group
        Laue group, and the space group.
    rows : (r, n) int32
        Equivalents by the rotations of the Laue group.
    unmeasured : (u, 3) int
        Reflections to the resolution of the data that were not measured, in P 1.
    """
    own = np.arange(len(data.hkl))
    absent = np.zeros(len(own), bool)
    missing = np.zeros(len(unmeasured), bool)
    for number, translation in zip(group.numbers[1:], group.translations[1:], strict=True):
        if not translation.any():
            continue
        fixed = np.flatnonzero(rows[number] == own)
        absent[fixed[_is_turned(data.hkl[fixed], translation)]] = True
        images = unmeasured @ candidates.rotations[number]
        fixed = np.flatnonzero((images == unmeasured).all(axis=1))
        missing[fixed[_is_turned(unmeasured[fixed], translation)]] = True
    _, first = np.unique(data.laue[absent], return_index=True)
    chosen = np.flatnonzero(absent)[first]
    if not len(chosen):
        # Each unique reflection has about half as many equivalents in P 1 as there are rotations.
        unique_missing = int(np.ceil(2 * missing.sum() / len(candidates.rotations)))
        others = len(unmeasured) - int(missing.sum())
        share = others / (others + len(own))
        if unique_missing < _FEWEST_MISSING or share > _MOST_MISSING:
            return Extinctions(0, 0, np.nan, 0.0, 0)
        evidence = -_INDEPENDENT * unique_missing * float(np.log(share + 0.05))
        return Extinctions(0, 0, np.nan, min(evidence, _MOST_OF_MISSING), unique_missing)
    intensity = data.intensity[chosen]
    sigma = data.sigma[chosen]
    local = _local_mean(data, chosen)
    evidence = _extinction_evidence(intensity / local, sigma / local).sum()
    return Extinctions(
        count=len(chosen),
        seen=int((intensity > _SEEN * sigma).sum()),
        share=float((intensity / local).mean()),
        evidence=float(np.clip(_INDEPENDENT * evidence, -_MOST_OF_ALL, _MOST_OF_ALL)),
        missing=0,
    )


def _is_turned(hkl: IntArray, translation: FloatArray) -> BoolArray:
    """Tell of which reflections (m, 3) a translation (3,) changes the phase."""
    turns = hkl @ translation
    return np.asarray(np.abs(turns - np.rint(turns)) > _WHOLE_TURNS)


def unmeasured_reflections(data: PrimitiveReflections) -> IntArray:
    """List the reflections (u, 3) to the resolution of the data that were not measured, in P 1."""
    every = miller_indices(data.cell, "P 1", d_min=data.d_min * (1.0 + 1e-6)).astype(np.int64)
    both = np.concatenate([data.hkl, -data.hkl, every])
    codes = index_codes(both)
    measured = codes[: 2 * len(data.hkl)]
    return every[~np.isin(codes[len(measured) :], measured)]


def _local_mean(data: PrimitiveReflections, chosen: npt.NDArray[np.intp]) -> FloatArray:
    """Return the mean intensity at the resolution of the chosen reflections (m,): |F|^2/|E|^2."""
    ratio = data.amplitude[chosen] / np.maximum(data.normalised[chosen], 1e-12)
    mean: FloatArray = np.square(ratio)
    return mean


def _extinction_evidence(z: FloatArray, noise: FloatArray) -> FloatArray:
    """Return ln of the likelihood (m,) that reflections are extinct over that they are not.

    Parameters
    ----------
    z, noise : (m,)
        Intensities and their standard uncertainties over the mean intensity.
    """
    width = np.hypot(noise, _STRAY)
    gaussian = np.exp(-0.5 * np.square(z / width)) / (width * np.sqrt(2.0 * np.pi))
    stray = _exponential(z, noise, _STRAY_MEAN)
    extinct = (1.0 - _STRAY_OUTLIERS) * gaussian + _STRAY_OUTLIERS * stray
    present = _exponential(z, noise, 1.0)
    ratio = np.log(np.maximum(extinct, 1e-30)) - np.log(np.maximum(present, 1e-30))
    evidence: FloatArray = np.clip(ratio, -_MOST_AGAINST, _MOST_FOR)
    return evidence


def _exponential(z: FloatArray, noise: FloatArray, mean: float) -> FloatArray:
    """Return the density at z (m,) of an exponential distribution with Gaussian noise (m,)."""
    reduced = noise / mean
    exponent = np.clip(0.5 * np.square(reduced) - z / mean, -300.0, 300.0)
    tail = erfc((reduced - z / noise) / np.sqrt(2.0))
    density: FloatArray = np.exp(exponent) * tail / (2.0 * mean)
    return density
