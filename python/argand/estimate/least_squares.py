"""The estimator that needs no learning: least squares from the known structure."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from argand.cell import Cell
from argand.crystal import Crystal
from argand.errors import ArgandError
from argand.estimate.estimate import PLAIN, Estimate, EstimateOptions, estimate_by_cell
from argand.estimate.flags import doubts_of_fit
from argand.estimate.models import MovableCrystal
from argand.estimate.observed import Observed
from argand.estimate.riding import leaders, riding_modes
from argand.estimate.search import search_displacements
from argand.estimate.settings import SearchSettings, repeated
from argand.measured import Merged
from argand.radiation import Radiation

__all__ = ["QUICK", "THOROUGH", "LeastSquares"]

#: A few cycles against all reflections at once: enough for small displacements
QUICK = SearchSettings(schedule=(("known structure",),), cycles=8, low_angles=())

#: Many cheap random starts first. Statistical linearisation costs more for each data set; it comes
#: last, for what is still unexplained then.
THOROUGH = SearchSettings(
    schedule=(
        *repeated(1, "known structure", "further atom"),
        *repeated(40, "draw beside"),
        *repeated(18, "step beside"),
        *repeated(1, "exchange", "hydrogens"),
        *repeated(1, "linearisation", "relocation", "further atom"),
        *repeated(2, "linearise again", "relocation", "draw anew", "further atom"),
        # Last, because a B for each site hides misplaced atoms.
        ("vibration",),
    ),
    # Fewer starts than an adaptation has: each may take longer.
    cycles=50,
    # Sigmas of files are often too small, and a model without refined U is no better than this.
    good_r=0.05,
    # Steps beside the best end owe something to it, so that more of them have to agree, at a lower
    # R.
    arrivals_to_stop=5,
    sound_r=0.1,
)


class LeastSquares:
    """Estimate displacements by least squares from several starts, positions and an overall B free.

    Hydrogens ride on their carriers, and atoms that share a site move together.

    Parameters
    ----------
    crystal
        The known structure.
    radiation
        Form factors and wavelength; None: x-rays, dispersion left out.
    extinction
        SHELXL's x of the known structure. Where it is not 0 it is refined too, and needs a
        wavelength.
    further_atom
        Type of an atom that measured crystals may have and the known one has not; None: none is
        sought.
    """

    warning = ""

    def __init__(
        self,
        crystal: Crystal,
        radiation: Radiation | None = None,
        *,
        extinction: float = 0.0,
        further_atom: str | None = None,
    ) -> None:
        self.crystal = crystal
        self.radiation = radiation or Radiation()
        self._movable = MovableCrystal(
            crystal,
            riding_modes(crystal),
            leaders=leaders(crystal),
            radiation=self.radiation,
            extinction=extinction,
            further_element=further_atom,
        )

    @property
    def fingerprint(self) -> str:
        """Return a text that is the same for the same structure, radiation and options."""
        crystal = self.crystal
        extinction = self._movable.extinction
        parts: tuple[object, ...] = (crystal.cell, crystal.symops, crystal.types, self.radiation)
        parts = (*parts, extinction)
        if self._movable.further_element is not None:
            parts = (*parts, self._movable.further_element)
        digest = hashlib.sha256(repr(parts).encode())
        for array in (crystal.frac, crystal.occ, crystal.beta()):
            digest.update(np.round(array, 6).tobytes())
        return f"least squares {digest.hexdigest()[:16]}"

    def __call__(
        self, data: Sequence[Merged], *, refine: bool, options: EstimateOptions = PLAIN
    ) -> list[Estimate | ArgandError]:
        """Estimate merged data sets; without `refine` by a few cycles from the known structure."""

        def estimate(observed: Observed, cell: Cell) -> list[Estimate]:
            return self.estimate(observed, cell, refine=refine, options=options)

        return estimate_by_cell(data, self.crystal, self._refusal, estimate)

    def estimate(
        self,
        observed: Observed,
        cell: Cell | None = None,
        *,
        refine: bool,
        options: EstimateOptions = PLAIN,
    ) -> list[Estimate]:
        """Estimate data sets on one list of reflections; `cell` None is the known cell."""
        models = self._movable.models(observed.hkl, cell or self.crystal.cell)
        settings = replace(THOROUGH if refine else QUICK, time_limit=options.time_limit)
        result = search_displacements(models, observed, settings, on_starts=options.on_starts)
        estimates = []
        for row in range(len(observed.amplitude)):
            scale = float(result.scale[row])
            r = float(result.r[row])
            # Without refinement a few cycles are all that is asked for.
            converged = bool(result.converged[row]) or not refine
            doubts = doubts_of_fit(
                r,
                result.further[row],
                converged=converged,
                unmoved=bool(result.unmoved[row]),
                stopped=bool(result.stopped[row]),
            )
            estimate = Estimate(
                hkl=observed.hkl,
                amplitude=observed.amplitude[row] / scale,
                sigma_amplitude=observed.sigma[row] / scale,
                f=result.f[row],
                displacement=result.displacement[row],
                sigma=result.sigma[row],
                r_known=float(result.r_known[row]),
                r=r,
                scale=scale,
                b_change=float(result.b_change[row]),
                flags=tuple(doubts),
                further=result.further[row],
                unseen=result.unseen[row],
                vibrating=result.vibrating[row],
            )
            estimates.append(estimate)
        return estimates

    def _refusal(self, merged: Merged) -> str:
        """Say why a data set cannot be refined; '' where it can."""
        parameters = len(self._movable.parameters)
        if len(merged.hkl) > parameters + 1:
            return ""
        return f"{len(merged.hkl)} reflections for {parameters} parameters: too few"
