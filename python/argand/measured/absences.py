"""Check whether the reflections that a space group extinguishes are absent from the data."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from argand.io import Reflections
from argand.measured.merging import usable
from argand.reflections import systematic_absences
from argand.symmetry import SpaceGroup

__all__ = ["Absences", "check_absences"]

# Multiple scattering and half the wavelength make a few absent reflections visible. A space group
# is suspect where more than this share of its absent reflections are seen.
_SUSPECT_SHARE = 0.2

# A space group is not suspect where so few of its absent reflections are seen.
_SUSPECT_COUNT = 2

# A space group is suspect where its absent reflections have more than this share of the mean
# intensity of all others.
_SUSPECT_MEAN = 0.1

# A reflection is seen where I is above so many sigma.
_SEEN = 3.0


@dataclass(frozen=True)
class Absences:
    """Describe measured reflections that should be systematically absent.

    Parameters
    ----------
    count
        How many were measured.
    strong
        How many have I > 3 sigma; 0 where there are no sigmas.
    mean
        Their mean intensity over the mean intensity of all other reflections; NaN where that is
        not above 0, or where there are no others.
    strongest
        Miller indices of the one with the largest intensity.
    i_over_sigma
        I/sigma of the strongest; NaN where there are no sigmas.
    """

    count: int
    strong: int
    mean: float
    strongest: tuple[int, int, int]
    i_over_sigma: float

    @property
    def violated(self) -> bool:
        """Tell whether the group is wrong: many are present and not much weaker than others."""
        if np.isnan(self.i_over_sigma):
            present = self.count > _SUSPECT_COUNT
        else:
            present = self.strong > max(_SUSPECT_COUNT, _SUSPECT_SHARE * self.count)
        # Beside others without intensity, whatever is there is too much.
        return bool(present and (np.isnan(self.mean) or self.mean > _SUSPECT_MEAN))

    def __str__(self) -> str:
        if not self.count:
            return "none measured"
        sigmas = ""
        if not np.isnan(self.i_over_sigma):
            h, k, l = self.strongest
            sigmas = f", {self.strong} above 3σ, strongest {h} {k} {l}"
            sigmas += f" at I/σ = {self.i_over_sigma:.1f}"
        mean = f"mean intensity {self.mean:.2g} of that of the others"
        if np.isnan(self.mean):
            mean = "the others have no mean intensity above 0"
        return f"{self.count} measured{sigmas}, {mean}"


def check_absences(reflections: Reflections, spacegroup: SpaceGroup) -> Absences:
    """Compare systematically absent reflections (screw axes, glide planes, centring) with others.

    Parameters
    ----------
    reflections
        Data that are not merged.
    spacegroup
        Space group, which decides which reflections are absent.
    """
    rows = usable(reflections)
    hkl = reflections.hkl[rows]
    all_intensities, all_sigmas = reflections.intensities()
    intensity = all_intensities[rows]
    absent = systematic_absences(hkl, spacegroup)
    if not absent.any():
        return Absences(0, 0, 0.0, (0, 0, 0), np.nan)
    absent_intensity = intensity[absent]
    other_mean = np.nan if absent.all() else float(np.mean(intensity[~absent]))
    brightest = int(absent_intensity.argmax())
    strong = 0
    i_over_sigma = np.nan
    if all_sigmas is not None:
        sigma = all_sigmas[rows]
        if (sigma > 0).all():
            ratio = absent_intensity / sigma[absent]
            strong = int((ratio > _SEEN).sum())
            i_over_sigma = float(ratio[brightest])
    h, k, l = (int(index) for index in hkl[absent][brightest])
    return Absences(
        count=int(absent.sum()),
        strong=strong,
        mean=float(absent_intensity.mean()) / other_mean if other_mean > 0 else np.nan,
        strongest=(h, k, l),
        i_over_sigma=i_over_sigma,
    )
