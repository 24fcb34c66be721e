"""State of a search: the data, the best ends so far, and which data sets are unexplained."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from argand.cell import FloatArray
from argand.estimate.ends import Hypothesis, Mask, Rows
from argand.estimate.models import DisplacementModels
from argand.estimate.observed import Observed
from argand.estimate.settings import SearchSettings
from argand.refine import GaussianPrior, Model, Refinement, refine

__all__ = ["SearchState"]


class SearchState:
    """Follow a search for the displacements of b data sets.

    Attributes
    ----------
    models, observed, settings : what is searched, in which data, and how
    regression : (b, n_positions) position parameters of a regression, or None
    displaced : the best ends of the displaced crystal, k parameters
    released : the best ends with hydrogens off their carriers; None until it is tried
    with_atom : the best ends with a further atom; None until it is tried
    vibrating : the best ends with a B for each site; None until it is tried
    unsettled : (b,) data sets on whose best end too few independent starts agree
    last_start : (b, k) the last start drawn anew, at first the regression or the known structure
    seconds : (b,) time spent on the starts of each data set
    stopped : (b,) data sets that were refused a start because of the time limit
    last_end : (b, k) where the last start drawn anew has converged; NaN before there was one
    """

    def __init__(
        self,
        models: DisplacementModels,
        observed: Observed,
        settings: SearchSettings,
        regression: FloatArray | None,
    ) -> None:
        self.models = models
        self.observed = observed
        self.settings = settings
        self.regression = regression
        self.error = observed.error
        self.explained_r = observed.explained
        self.unsettled: Mask = np.ones(len(observed.amplitude), bool)
        moves = models.movable.moves
        prior = self._prior(models.displaced, moves)
        self.displaced = Hypothesis(models.displaced, prior, moves, self.data_sets)
        self.released: Hypothesis | None = None
        self.with_atom: Hypothesis | None = None
        self.vibrating: Hypothesis | None = None
        every_row = np.arange(self.data_sets)
        self.last_start = self.padded(self.expected(every_row))
        self.last_end = np.full(self.last_start.shape, np.nan)
        self.seconds = np.zeros(self.data_sets)
        self.stopped: Mask = np.zeros(self.data_sets, bool)

    @property
    def data_sets(self) -> int:
        """Return the number of data sets, b."""
        return len(self.observed.amplitude)

    def release_hydrogens(self) -> Hypothesis | None:
        """Return the best ends with hydrogens off their carriers; None where no hydrogen rides."""
        model = self.models.released
        if self.released is None and model is not None:
            movable = self.models.movable
            moves = np.concatenate([movable.moves, movable.released_moves])
            share = self.settings.released_share
            prior = self._prior(model, moves)
            self.released = Hypothesis(model, prior, moves, self.data_sets, chi2_share=share)
        return self.released

    def add_atom(self) -> Hypothesis | None:
        """Return the best ends with a further atom; None where none is expected."""
        further = self.models.further
        if self.with_atom is None and further is not None:
            self.with_atom = Hypothesis(
                further.model,
                further.prior(self.displaced.prior),
                self.models.movable.moves,
                self.data_sets,
                further=further,
                chi2_share=self.settings.further_share,
            )
        return self.with_atom

    def free_vibration(self) -> Hypothesis | None:
        """Return the best ends with a B for each site; None where there are too few reflections."""
        model = self.models.vibrating
        enough = self.settings.vibration_reflections * len(model)
        if self.vibrating is None and len(model.hkl) >= enough:
            moves = self.models.movable.moves
            share = self.settings.vibration_share
            prior = self._prior(model, moves)
            self.vibrating = Hypothesis(model, prior, moves, self.data_sets, chi2_share=share)
        return self.vibrating

    @property
    def tried(self) -> list[Hypothesis]:
        """Return the best ends of all models that have been refined so far."""
        hypotheses = (self.displaced, self.released, self.with_atom, self.vibrating)
        return [hypothesis for hypothesis in hypotheses if hypothesis is not None]

    @property
    def lowest_r(self) -> FloatArray:
        """Return the lowest R (b,) of the best ends of all models."""
        lowest = self.displaced.r
        for hypothesis in self.tried:
            lowest = np.minimum(lowest, hypothesis.r)
        return lowest

    @property
    def unexplained(self) -> Mask:
        """Return which data sets (b,) have an R that asks for another random start."""
        enough = np.maximum(self.settings.good_r, self.explained_r)
        return np.asarray(self.lowest_r > enough)

    def settle(self) -> None:
        """Mark the data sets on whose best end enough independent starts agree, with a sound R."""
        settings = self.settings
        agreed = self.displaced.arrivals >= settings.arrivals_to_stop
        self.unsettled = ~(agreed & (self.displaced.r < settings.sound_r))

    def within_time(self, worth: Mask) -> Rows:
        """Return the data sets of a mask (b,) that have time for a start; mark the others."""
        limit = self.settings.time_limit
        if limit is None:
            return np.flatnonzero(worth)
        is_late = self.seconds >= limit
        self.stopped |= worth & is_late
        return np.flatnonzero(worth & ~is_late)

    def expected(self, rows: Rows) -> FloatArray:
        """Return the positions (len(rows), n_positions) of the regression, 0 without one."""
        if self.regression is None:
            positions = len(self.models.movable.positions)
            return np.zeros((len(rows), positions))
        return self.regression[rows]

    def padded(self, positions: FloatArray) -> FloatArray:
        """Return all parameters (j, k) of position parameters (j, n_positions), the others 0."""
        p = np.zeros((len(positions), len(self.models.displaced)))
        p[:, : positions.shape[1]] = positions
        return p

    def end_of_last_start(self, rows: Rows) -> FloatArray:
        """Return the end (len(rows), k) of the last start drawn anew, at first the best end."""
        last_end = self.last_end[rows]
        best_end = self.displaced.p[rows]
        return np.where(np.isnan(last_end), best_end, last_end)

    def low_angles(self) -> list[float]:
        """Return the resolutions that have reflections enough for a refinement of their own."""
        model = self.models.displaced
        needed = 2 * len(model) + self.settings.spare_reflections
        resolutions = []
        for d_min in self.settings.low_angles:
            if (model.stol <= 0.5 / d_min).sum() > needed:
                resolutions.append(d_min)
        return resolutions

    def refine(
        self, hypothesis: Hypothesis, rows: Rows, starts: FloatArray, anneal: Sequence[float]
    ) -> Refinement:
        """Refine starts (j, k) of the data sets `rows` (j,); Ctrl-C ends the search."""
        refinement = refine(
            hypothesis.model,
            self.observed.amplitude[rows],
            self.error[rows],
            on="F",
            start=starts,
            prior=hypothesis.prior,
            anneal=anneal,
            cycles=self.settings.cycles,
        )
        if refinement.interrupted:
            raise KeyboardInterrupt
        return refinement

    def _prior(self, model: Model, moves: FloatArray) -> GaussianPrior:
        """Make the prior of a model: N(0, width^2) for positions and each B, flat for all else.

        The width is smaller where `moves` (j, n, 3), the displacements of the first parameters, are
        of sites of low occupancy.
        """
        kinds = np.array(model.parameters.kinds)
        width = np.where(kinds == "position", self.settings.prior_width, np.inf)
        width[kinds == "b"] = self.settings.vibration_width
        width[: len(moves)] *= self.models.movable.prior_share(moves)
        return GaussianPrior.from_sigma(np.zeros(len(model)), width)
