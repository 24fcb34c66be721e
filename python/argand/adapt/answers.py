"""Answers of an adaptation for data sets on one list of reflections, at once or refined."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from argand.adapt.learned import Learned
from argand.adapt.refinement import refinement_settings
from argand.adapt.regression import RegressionEstimates
from argand.cell import Cell, FloatArray
from argand.estimate.ends import Rows
from argand.estimate.estimate import Answer, Estimate, EstimateOptions, FurtherAtom
from argand.estimate.flags import doubts_of_fit
from argand.estimate.observed import Observed
from argand.estimate.scale import best_scale, disagreement
from argand.estimate.search import search_displacements
from argand.estimate.settings import UNEXPLAINED_R

__all__ = ["AdaptationAnswers"]

# With fewer of the learned reflections, a regression is unreliable.
_LEAST_COMPLETENESS = 0.8

# Amplitudes farther from the samples than this times what one sample in a thousand reaches are odd.
_LARGEST_DISTANCE = 1.5

# A change of B by more standard deviations of the samples than this was not learned.
_B_SIGMAS = 4.0

# The least standard deviation of B, A^2, by which a change of B is judged.
_LEAST_B_CHANGE = 0.1

# Data whose R against the known structure lies at the end of the curve, and that are badly fitted,
# may have moved by more than was learned.
_END_OF_CURVE = 0.999
_BADLY_FITTED = 0.5 * UNEXPLAINED_R


class AdaptationAnswers:
    """Answer for b data sets, from what was learned of a crystal with n sites and k modes."""

    def __init__(self, learned: Learned, observed: Observed, cell: Cell) -> None:
        self._learned = learned
        self._observed = observed
        self._models = learned.models(observed.hkl, cell)
        self._regression = RegressionEstimates(learned, self._models, observed)
        self._completeness = np.isfinite(self._regression.amplitude).mean(axis=1)

    def at_once(self) -> list[Estimate]:
        """Return the estimates of the regressions, without refinement."""
        regression = self._regression
        r, b = regression.fit(regression.p)
        sigma = []
        flags = []
        for row, number in enumerate(regression.rung):
            rung = self._learned.rungs[number]
            sigma.append(rung.site_uncertainty(self._learned.modes))
            doubts = self._doubts_of_data(row, r[row], b[row])
            doubts += doubts_of_fit(r[row])
            flags.append(doubts)
        p = regression.with_b(regression.p, b)
        f = self._models.displaced.structure_factors(p)
        displacement = np.einsum("bk,knx->bnx", regression.p, self._learned.modes)
        rows = np.arange(len(p))
        further = [None] * len(p)
        return self._estimates(rows, p, displacement, np.array(sigma), f, further, flags)

    def refined(self, options: EstimateOptions) -> list[Estimate]:
        """Return the estimates of a search that starts from the regressions, width by width."""
        estimates: dict[int, Estimate] = {}
        for number in np.unique(self._regression.rung):
            rows = np.flatnonzero(self._regression.rung == number)
            width = self._learned.rungs[number].width
            refined = self._search(rows, width, options)
            estimates |= dict(zip(rows.tolist(), refined, strict=True))
        return [estimates[row] for row in range(len(self._observed.amplitude))]

    def _search(self, rows: Rows, width: float, options: EstimateOptions) -> list[Estimate]:
        """Refine the data sets `rows`, whose atoms have moved by about `width`."""
        settings = refinement_settings(self._learned.settings, width, options.time_limit)
        observed = self._observed.of_rows(rows)
        expected = self._regression.p[rows]
        result = search_displacements(
            self._models, observed, settings, expected, on_starts=options.on_starts
        )
        flags = []
        for number, row in enumerate(rows.tolist()):
            r = float(result.r[number])
            doubts = self._doubts_of_data(row, r, float(result.b_change[number]))
            converged = bool(result.converged[number])
            doubts += doubts_of_fit(
                r,
                result.further[number],
                converged=converged,
                unmoved=bool(result.unmoved[number]),
                stopped=bool(result.stopped[number]),
            )
            flags.append(doubts)
        estimates = self._estimates(
            rows, result.p, result.displacement, result.sigma, result.f, result.further, flags
        )
        pairs = zip(estimates, result.unseen, strict=True)
        return [estimate._replace(unseen=unseen) for estimate, unseen in pairs]

    def _estimates(
        self,
        rows: Rows,
        p: FloatArray,
        displacement: FloatArray,
        sigma: FloatArray,
        f: NDArray[np.complex128],
        further: Sequence[FurtherAtom | None],
        flags: Sequence[Sequence[str]],
    ) -> list[Estimate]:
        """Make the estimates of the data sets `rows` (j,); all other arguments have j entries."""
        observed = self._observed.of_rows(rows)
        modulus = np.abs(f)
        scale = best_scale(observed.amplitude, modulus)
        r = disagreement(observed.amplitude, scale[:, None] * modulus)
        others = self._mirror_answers(p, displacement, further)
        estimates = []
        for number, row in enumerate(rows.tolist()):
            estimate = Estimate(
                hkl=observed.hkl,
                amplitude=observed.amplitude[number] / scale[number],
                sigma_amplitude=observed.sigma[number] / scale[number],
                f=f[number],
                displacement=displacement[number],
                sigma=sigma[number],
                r_known=float(self._regression.r_known[row]),
                r=float(r[number]),
                scale=float(scale[number]),
                b_change=float(p[number, len(self._learned.modes)]),
                flags=tuple(flags[number]),
                other=others[number],
                further=further[number],
            )
            estimates.append(estimate)
        return estimates

    def _mirror_answers(
        self, p: FloatArray, displacement: FloatArray, further: Sequence[FurtherAtom | None]
    ) -> Sequence[Answer | None]:
        """Return the mirror image of each answer where it has the same amplitudes; else None."""
        mirror = self._learned.mirror
        if mirror is None:
            return [None] * len(p)
        mirrored = mirror(displacement)
        mirrored_p = self._models.with_positions(p, mirrored)
        f = self._models.displaced.structure_factors(mirrored_p)
        with_atom = self._models.further
        answers = []
        for row in range(len(p)):
            atom = mirror.image(further[row])
            if atom is not None and with_atom is not None:
                joint = with_atom.joint(mirrored_p[row], atom)
                f[row] = with_atom.model.structure_factors(joint)
            answers.append(Answer(mirrored[row], f[row], atom))
        return answers

    def _doubts_of_data(self, row: int, r: float, b: float) -> list[str]:
        """Say in which ways a data set lies outside what was learned."""
        learned = self._learned
        regression = self._regression
        widest = learned.rungs[-1].width
        end_of_curve = min(widest, float(learned.curve.width[-1]))
        doubts = []
        if regression.width[row] >= _END_OF_CURVE * end_of_curve and r > _BADLY_FITTED:
            doubts.append(
                "differs as much as, or more than, crystals whose atoms moved by"
                f" {widest:g} angstrom"
            )
        if regression.distance[row] > _LARGEST_DISTANCE:
            doubts.append("amplitudes unlike any it was made for")
        if abs(b) > _B_SIGMAS * max(learned.settings.b_change, _LEAST_B_CHANGE):
            doubts.append(f"B differs by {b:.1f} A^2, more than it was made for")
        completeness = self._completeness[row]
        if completeness < _LEAST_COMPLETENESS:
            missing = 100.0 * (1.0 - completeness)
            doubts.append(f"lacks {missing:.0f} % of the reflections it was made for")
        return doubts
