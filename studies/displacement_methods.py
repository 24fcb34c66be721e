"""Methods that find displaced atoms: argand's adaptation, and least squares in several ways."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from argand.adapt import Adaptation
from argand.refine import GaussianPrior, Refinement, refine
from simulated_data import Observed

Complexes = NDArray[np.complex128]
Floats = NDArray[np.float64]

#: Starts of "LM, 6 starts".
STARTS = 6

# Strengths of the prior of the Gauss-Newton step, as widths in angstrom.
STEP_WIDTHS = (0.03, 0.1, 0.3, 1.0, 3.0)

# Resolutions in angstrom of the annealed refinement, low angles first.
LOW_ANGLES = (3.0, 2.0, 1.4)


class Methods:
    """Structure factors (b, m) of b data sets of m reflections, by each method.

    Parameters
    ----------
    adaptation
        The adaptation to the known crystal.
    observed
        The data sets.
    """

    def __init__(self, adaptation: Adaptation, observed: Observed) -> None:
        self.adaptation = adaptation
        self.observed = observed
        self.error = observed.error
        self.model = adaptation.models(observed.hkl, adaptation.crystal.cell).displaced

    def all(self) -> dict[str, Callable[[], Complexes]]:
        """Return the methods by the names of the tables."""
        return {
            "known phases": self.known_structure,
            "Gauss-Newton step": self.gauss_newton,
            "LM": self.levenberg_marquardt,
            "LM, annealed": self.annealed,
            f"LM, {STARTS} starts": self.several_starts,
            "argand at once": self.at_once,
            "argand refined": self.refined,
        }

    def known_structure(self) -> Complexes:
        """Return F of the known structure for every data set."""
        f = self.model.structure_factors(np.zeros(len(self.model)))
        return np.broadcast_to(f, self.observed.amplitude.shape)

    def gauss_newton(self) -> Complexes:
        """Take one step of Gauss and Newton; keep the lowest R of five strengths of its prior."""
        start = np.zeros((len(self.error), len(self.model)))
        best = LowestR(self.known_structure())
        for width in STEP_WIDTHS:
            best.take(self.refinement(start=start, cycles=1, prior=self.prior(width)))
        return best.f

    def levenberg_marquardt(self) -> Complexes:
        """Refine from the known structure."""
        return self.refinement().structure_factors()

    def annealed(self) -> Complexes:
        """Refine from the known structure with low angles first and a prior."""
        enough = 2 * len(self.model)
        resolutions = []
        for d_min in LOW_ANGLES:
            if np.count_nonzero(self.model.stol <= 0.5 / d_min) > enough:
                resolutions.append(d_min)
        prior = self.prior(self.width())
        return self.refinement(prior=prior, anneal=resolutions).structure_factors()

    def several_starts(self) -> Complexes:
        """Refine from the known structure and from random ones; keep the lowest R."""
        width = self.width()
        prior = self.prior(width)
        rng = np.random.default_rng(2)
        overall_b = self.model.parameters.of_kind("overall_b")
        best = LowestR(self.known_structure())
        for number in range(STARTS):
            start = rng.normal(size=(len(self.error), len(self.model))) * width
            if number == 0:
                start[:] = 0.0
            start[:, overall_b] = 0.0
            best.take(self.refinement(start=start, prior=prior, cycles=30))
        return best.f

    def at_once(self) -> Complexes:
        """Apply the adaptation without refinement."""
        estimates = self.adaptation.estimate(self.observed, refine=False)
        return np.array([estimate.f for estimate in estimates])

    def refined(self) -> Complexes:
        """Apply the adaptation with refinement."""
        estimates = self.adaptation.estimate(self.observed, refine=True)
        return np.array([estimate.f for estimate in estimates])

    def refinement(
        self,
        start: Floats | None = None,
        prior: GaussianPrior | None = None,
        cycles: int = 50,
        anneal: Sequence[float] = (),
    ) -> Refinement:
        """Refine all data sets on |F|."""
        return refine(
            self.model,
            self.observed.amplitude,
            self.error,
            on="F",
            start=start,
            prior=prior,
            anneal=anneal,
            cycles=cycles,
        )

    def width(self) -> float:
        """Return the size of the displacements in angstrom as argand estimates it.

        Least squares with a prior or with random starts is told this width.
        """
        estimates = self.adaptation.estimate(self.observed, refine=False)
        r_known = np.array([estimate.r_known for estimate in estimates])
        return float(np.median(self.adaptation.curve(r_known)))

    def prior(self, width: float) -> GaussianPrior:
        """Return the prior of displacements of a width in angstrom; B is free."""
        sigma = np.full(len(self.model), width)
        sigma[self.model.parameters.of_kind("overall_b")] = np.inf
        return GaussianPrior.from_sigma(np.zeros(len(sigma)), sigma)


class LowestR:
    """Structure factors (b, m) of the refinement with the lowest R of each data set."""

    def __init__(self, f: Complexes) -> None:
        self.f = f.copy()
        self.r = np.full(len(f), np.inf)

    def take(self, refinement: Refinement) -> None:
        """Take the data sets whose R has fallen."""
        r = refinement.figures.r1
        lower = r < self.r
        self.f[lower] = refinement.structure_factors()[lower]
        self.r[lower] = r[lower]
