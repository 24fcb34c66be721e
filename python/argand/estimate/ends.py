"""Best ends of refinements: which one is kept, and what counts as the same minimum."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from argand.cell import FloatArray
from argand.estimate.further_atom import WithFurtherAtom
from argand.refine import GaussianPrior, Model, Refinement

__all__ = ["Hypothesis", "Mask", "Rows"]

Rows = NDArray[np.intp]
Mask = NDArray[np.bool_]


class Hypothesis:
    """Keep a model of b data sets, its prior, and the most probable end of each data set.

    The most probable end is that of the lowest chi^2, with the share of the prior. R is not asked:
    where the data hold what no displacement explains, the lowest R belongs to the widest detour.

    Attributes
    ----------
    p, sigma : (b, k) parameters, and standard uncertainties scaled by the goodness of fit
    goodness : (b,) goodness of fit of the best end, with which sigma was scaled
    scale, chi2, r : (b,) of the best end; chi2 and r are infinite before the first refinement
    converged : (b,)
    arrivals : (b,) number of independent starts that have reached the best minimum
    moves : (j, n, 3) Cartesian displacement, angstrom, of one unit of the first j parameters
    further : the further atom of the model, or None
    chi2_share : part of the chi^2 of displacements alone that this model has to fall below
    """

    def __init__(
        self,
        model: Model,
        prior: GaussianPrior,
        moves: FloatArray,
        data_sets: int,
        *,
        further: WithFurtherAtom | None = None,
        chi2_share: float = np.inf,
    ) -> None:
        parameters = len(model)
        self.model = model
        self.prior = prior
        self.moves = moves
        self.further = further
        self.chi2_share = chi2_share
        self.p = np.zeros((data_sets, parameters))
        self.sigma = np.zeros((data_sets, parameters))
        self.goodness = np.ones(data_sets)
        self.scale = np.ones(data_sets)
        self.chi2 = np.full(data_sets, np.inf)
        self.r = np.full(data_sets, np.inf)
        self.converged = np.zeros(data_sets, bool)
        self.arrivals = np.zeros(data_sets, np.intp)

    def keep_best(
        self, rows: Rows, refinement: Refinement, *, independent: bool, same_minimum: float
    ) -> None:
        """Take over the ends that are more probable, and count arrivals at the same minimum.

        Parameters
        ----------
        rows
            Data set of each refined start (j,). A data set may have several starts.
        independent
            Whether the starts owe nothing to the best end, so that reaching it again means
            something.
        same_minimum
            Relative difference of chi^2 below which two ends are one minimum.
        """
        ratio = refinement.chi2 / self.chi2[rows]
        self.arrivals[rows[ratio < 1.0 - same_minimum]] = 0
        if independent:
            self.arrivals[rows[ratio < 1.0 + same_minimum]] += 1
        better = ratio < 1.0
        if self.further is not None:
            better &= [self.further.is_sensible(p) for p in refinement.p]
        candidates = np.flatnonzero(better)

        # Several starts may belong to one data set. Worst first: the best one is written last and
        # stays.
        worst_first = candidates[np.argsort(-refinement.chi2[candidates], kind="stable")]
        data_sets = rows[worst_first]
        # Uncertainties of a refinement with a prior are not scaled by its goodness of fit; do it
        # here, because the sigmas of the data may be too small or too large.
        goodness = refinement.figures.goodness[worst_first]
        sigma = np.nan_to_num(refinement.sigma[worst_first])
        self.p[data_sets] = refinement.p[worst_first]
        self.sigma[data_sets] = sigma * goodness[:, None]
        self.goodness[data_sets] = goodness
        self.scale[data_sets] = refinement.scale[worst_first]
        self.chi2[data_sets] = refinement.chi2[worst_first]
        self.r[data_sets] = refinement.figures.r1[worst_first]
        self.converged[data_sets] = refinement.converged[worst_first]
