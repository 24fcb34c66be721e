"""Whether the reflections that a space group extinguishes are absent from the data."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from argand.io import Reflections
from argand.measured.merging import usable
from argand.reflections import systematic_absences
from argand.symmetry import SpaceGroup

__all__ = ["Absences", "check_absences"]

# Multiple scattering and half the wavelength light a few up; a wrong group leaves them as strong as all others
_SUSPECT_SHARE = 0.2
_SUSPECT_MEAN = 0.1


@dataclass(frozen=True)
class Absences:
    """Measured reflections that should be absent.

    count, how many were measured; strong, with I > 3 sigma (0 without sigmas); mean, <I> of them over <I> of the
    others; strongest, indices of the largest I, with its I/sigma (NaN without sigmas).
    """

    count: int
    strong: int
    mean: float
    strongest: tuple[int, int, int]
    i_over_sigma: float

    @property
    def violated(self) -> bool:
        """Whether the data are not those of the space group: many are present, and not much weaker than others."""
        present = self.strong > max(2, _SUSPECT_SHARE * self.count) or (
            np.isnan(self.i_over_sigma) and self.count > 2
        )
        return bool(present and self.mean > _SUSPECT_MEAN)

    def __str__(self) -> str:
        if not self.count:
            return "none measured"
        h, k, l = self.strongest
        sigmas = (
            ""
            if np.isnan(self.i_over_sigma)
            else f", {self.strong} above 3σ, strongest {h} {k} {l}"
        )
        sigmas += "" if np.isnan(self.i_over_sigma) else f" at I/σ = {self.i_over_sigma:.1f}"
        return (
            f"{self.count} measured{sigmas}, mean intensity {self.mean:.2g} of that of the others"
        )


def check_absences(reflections: Reflections, spacegroup: SpaceGroup) -> Absences:
    """Look at the systematic absences of a space group (screw axes, glide planes, centring) in unmerged data."""
    good = usable(reflections)
    hkl = reflections.hkl[good]
    intensity, sigma = (
        None if column is None else column[good] for column in reflections.intensities()
    )
    assert intensity is not None
    absent = systematic_absences(hkl, spacegroup)
    if not absent.any():
        return Absences(0, 0, 0.0, (0, 0, 0), np.nan)
    values = intensity[absent]
    others = float(np.mean(intensity[~absent])) if not absent.all() else np.nan
    best = int(values.argmax())
    ratio = None if sigma is None or not (sigma > 0).all() else values / sigma[absent]
    h, k, l = (int(index) for index in hkl[absent][best])
    return Absences(
        count=int(absent.sum()),
        strong=0 if ratio is None else int((ratio > 3.0).sum()),
        mean=float(values.mean()) / others if others > 0 else np.inf,
        strongest=(h, k, l),
        i_over_sigma=np.nan if ratio is None else float(ratio[best]),
    )
