"""Simulated data sets of displaced crystals: what the studies of adaptation measure methods on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

import argand
from argand.adapt import WIDTHS, Adaptation, adapt
from argand.adapt.held_out import as_measured, correlations, true_structure_factors
from argand.estimate.observed import Observed
from argand.simulate import Independent, Measurement, Perturbation, Simulation, Unmodelled

__all__ = ["D_MIN", "KINDS", "DataKind", "Observed", "correlations"]

#: Resolutions of the data in angstrom.
D_MIN = (1.0, 1.5)

# Share of the samples that have an atom which the known crystal has not.
UNMODELLED_SHARE = 0.1


@dataclass(frozen=True)
class DataKind:
    """Errors of simulated data, and what counts as success.

    Parameters
    ----------
    noise
        Error of |F| as a share of it.
    b_change
        Width of the change of B in A^2.
    scale
        Range of the factor on |F|.
    unmodelled
        Element of an atom that a tenth of the samples has and the known crystal has not, or None.
    success
        Correlation of the map with the truth above which a data set counts as solved.
    """

    noise: float
    b_change: float
    scale: tuple[float, float]
    unmodelled: str | None
    success: float

    def adapt(
        self,
        crystal: argand.Crystal,
        d_min: float,
        samples: int,
        widths: Sequence[float] = WIDTHS,
        network: bool = False,
    ) -> Adaptation:
        """Learn from samples with these errors, for displacements of some widths in angstrom."""
        return adapt(
            crystal,
            d_min=d_min,
            widths=widths,
            samples=samples,
            network=network,
            noise=self.noise,
            b_change=self.b_change,
            scale=self.scale,
            unmodelled=self.unmodelled,
        )

    def draw(
        self, adaptation: Adaptation, d_min: float, rms: float, samples: int
    ) -> tuple[Observed, NDArray[np.complex128]]:
        """Draw data sets that no adaptation of seed 0 has learned from.

        Parameters
        ----------
        adaptation
            The adaptation whose known crystal is displaced.
        d_min, rms
            Resolution, and root mean square displacement in three dimensions, in angstrom.
        samples
            Number b of data sets, drawn with seed 1.

        Returns
        -------
        Observed, (b, m)
            Measured amplitudes, and the true structure factors.
        """
        unmodelled = None
        if self.unmodelled is not None:
            unmodelled = Unmodelled(self.unmodelled, probability=UNMODELLED_SHARE)
        simulation = Simulation(
            adaptation.crystal,
            Perturbation([Independent(rms)], unmodelled=unmodelled),
            Measurement(noise=self.noise, scale=self.scale, b_change=self.b_change),
            d_min=d_min,
            seed=1,
            radiation=adaptation.radiation,
        )
        drawn = simulation.draw(range(samples))
        return as_measured(simulation, drawn), true_structure_factors(simulation, drawn)


KINDS = {
    "clean": DataKind(noise=0.0, b_change=0.0, scale=(1.0, 1.0), unmodelled=None, success=0.99),
    "measured": DataKind(noise=0.04, b_change=0.5, scale=(0.5, 2.0), unmodelled="O", success=0.97),
}
