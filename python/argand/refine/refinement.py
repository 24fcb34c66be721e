"""Refine one data set or thousands: the one mechanism with which argand refines crystals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from argand._numbers import real_array
from argand.cell import FloatArray
from argand.crystal import Crystal
from argand.errors import ArgandError
from argand.refine._lbfgs import lbfgs
from argand.refine._levenberg_marquardt import FIRST_DAMPING, State, levenberg_marquardt
from argand.refine._target import On, Rows, Target
from argand.refine._uncertainty import summarise
from argand.refine.figures import Figures
from argand.refine.model import Model
from argand.refine.prior import GaussianPrior
from argand.refine.weighting import Weighting

__all__ = ["Refinement", "RefinementProgress", "refine"]

# Jacobians of the data sets that are refined together take no more bytes than this, so that they
# stay in the cache of a processor.
_CACHE_BYTES = 8_000_000


class RefinementProgress(NamedTuple):
    """Report how far a refinement is, after every cycle."""

    stage: int  # of the annealing, from 0
    stages: int
    finished: int  # data sets of this stage that have converged
    total: int


@dataclass(frozen=True, eq=False)
class Refinement:
    """Hold the result of a refinement of n data sets with k parameters.

    Attributes
    ----------
    model : the model that was refined
    p : (n, k) parameters
    sigma : (n, k) standard uncertainties, NaN where data say nothing about a parameter, and after
        Ctrl-C
    covariance : (n, k, k), or None where it was not asked for
    scale : (n,) data over calculated: of |F| or of |F|^2, whichever was refined on
    chi2 : (n,) sum of weighted squares, with the part of the prior
    figures : R1, wR2 and goodness of fit
    cycles : (n,) numbers of cycles
    converged : (n,) whether the last step was small; all False after Ctrl-C
    interrupted : whether Ctrl-C ended the refinement; `p` is then the best so far
    """

    model: Model
    p: FloatArray
    sigma: FloatArray
    covariance: FloatArray | None
    scale: FloatArray
    chi2: FloatArray
    figures: Figures
    cycles: NDArray[np.int64]
    converged: NDArray[np.bool_]
    interrupted: bool

    def crystals(self) -> list[Crystal]:
        """Return the refined structures of all data sets."""
        return self.model.crystals(self.p)

    def structure_factors(self) -> NDArray[np.complex128]:
        """Compute F (n, m) of the refined structures, on the absolute scale."""
        return self.model.structure_factors(self.p)


def refine(
    model: Model,
    observed: ArrayLike,
    sigma: ArrayLike | None = None,
    *,
    on: On = "F2",
    start: ArrayLike | None = None,
    weighting: Weighting | None = None,
    scale: ArrayLike | None = None,
    prior: GaussianPrior | None = None,
    anneal: Sequence[float] = (),
    method: Literal["lm", "lbfgs"] = "lm",
    cycles: int = 50,
    tolerance: float = 1e-5,
    damping: float = FIRST_DAMPING,
    uncertainties: bool = True,
    covariance: bool = False,
    progress: Callable[[RefinementProgress], None] | None = None,
) -> Refinement:
    """Fit the parameters of a model to amplitudes or intensities of one data set or many.

    Minimises sum_h w_h (o_h - s c_h(p))^2, c = |F| or |F|^2, for each data set by itself, with a
    damping of its own.

    Parameters
    ----------
    model
        The crystal, its m reflections and its k parameters.
    observed
        (n, m) |F| or |F|^2 of the reflections of the model, or (m,) for one data set; NaN where
        not measured.
    sigma
        Standard uncertainties of `observed`; None: all alike, and unknown.
    on
        "F" or "F2": what `observed` is, and what is fitted. |F| converges from farther away, |F|^2
        is unbiased for weak reflections.
    start
        p (n, k), or (k,) for all; 0 where not given.
    weighting
        SHELXL's weights for intensities; needs `sigma`. The default is 1 / sigma^2.
    scale
        s of every data set (n,) where it is known; None: the best one at every step.
    prior
        A Gaussian of the parameters, on the scale of `sigma`, which it needs.
    anneal
        Resolutions in angstrom, coarse first: each a refinement against the reflections of larger
        spacing alone, before the last one against all.
    method
        "lm", Levenberg-Marquardt with exact normal matrices, or "lbfgs", which needs no matrix.
    cycles, tolerance
        The largest number of cycles a stage; a step that lowers chi^2 by less than `tolerance` of
        it is the last.
    damping
        lambda of the first step of "lm": 1 for short steps from a doubtful start, .001 for those of
        Gauss and Newton from a good one.
    uncertainties
        Whether standard uncertainties are calculated; without them `sigma` is NaN, which saves
        about the time of a few cycles.
    covariance
        Keep the covariance matrices (n, k, k).
    progress
        Called after every cycle.

    Returns
    -------
    Refinement
        Standard uncertainties follow from the undamped normal matrix at the end, times the goodness
        of fit; with a prior they are standard deviations of the posterior, not scaled. Directions
        that leave chi^2 as it is (floating origins) have none: uncertainties are for a structure
        whose mean does not move. Ctrl-C ends the refinement and returns its state,
        without uncertainties.

    Raises
    ------
    ArgandError
        Shapes that do not fit, a data set with fewer reflections than parameters and no prior, and
        arguments that cannot be combined.
    """
    target = _target(model, observed, sigma, on, weighting, scale, prior)
    if method not in ("lm", "lbfgs"):
        raise ArgandError(f"method is {method!r}, needs 'lm' or 'lbfgs'")
    if not 0.0 < damping < np.inf:
        raise ArgandError(f"damping is {damping}, needs a number > 0")
    n = len(target.observed)
    p = _start(start, n, len(model))
    state = State(p, np.zeros(n, np.int64), np.zeros(n, bool))
    groups = _groups(model, n)
    minimise = partial(levenberg_marquardt, damping=damping) if method == "lm" else lbfgs
    stages: list[float | None] = [*anneal, None]
    interrupted = False
    try:
        for stage, d_min in enumerate(stages):
            target.limit(d_min)
            for rows in groups:
                report = _reporter(progress, stage, len(stages), int(rows[0]), n)
                minimise(
                    target, state, rows, cycles=cycles, tolerance=tolerance, after_cycle=report
                )
    except KeyboardInterrupt:
        interrupted = True
        state.converged[:] = False
        target.limit(None)
    sigmas, covariances, scales, chi2, figures = summarise(
        target,
        state.p,
        groups,
        uncertainties=(uncertainties or covariance) and not interrupted,
        keep_covariance=covariance,
    )
    return Refinement(
        model=model,
        p=state.p,
        sigma=sigmas,
        covariance=covariances,
        scale=scales,
        chi2=chi2,
        figures=figures,
        cycles=state.cycles,
        converged=state.converged,
        interrupted=interrupted,
    )


def _start(start: ArrayLike | None, n: int, k: int) -> FloatArray:
    """Return the parameters (n, k) to start from."""
    p = np.zeros((n, k))
    if start is not None:
        values = real_array("start", start)
        if values.shape not in ((k,), (n, k)) or not np.isfinite(values).all():
            raise ArgandError(f"start has shape {values.shape}, needs finite ({k},) or ({n}, {k})")
        p[:] = values
    return p


def _groups(model: Model, n: int) -> list[Rows]:
    """Cut n data sets into groups that are refined together."""
    derivatives = (model.site_columns + 1) * max(1, len(model.hkl))
    size = max(1, _CACHE_BYTES // (4 * derivatives))
    groups = []
    for first in range(0, n, size):
        groups.append(np.arange(first, min(first + size, n)))
    return groups


def _reporter(
    progress: Callable[[RefinementProgress], None] | None,
    stage: int,
    stages: int,
    finished_before: int,
    total: int,
) -> Callable[[int], None]:
    """Return a function that reports the progress of one group of data sets."""

    def report(finished: int) -> None:
        if progress is not None:
            progress(RefinementProgress(stage, stages, finished_before + finished, total))

    return report


def _target(
    model: Model,
    observed: ArrayLike,
    sigma: ArrayLike | None,
    on: On,
    weighting: Weighting | None,
    scale: ArrayLike | None,
    prior: GaussianPrior | None,
) -> Target:
    """Check the data against the model, and return the target of the refinement."""
    m = len(model.hkl)
    data = np.atleast_2d(real_array("observed", observed))
    if data.ndim != 2 or data.shape[1] != m:
        raise ArgandError(f"observed has shape {np.shape(observed)}, needs (n, {m}) or ({m},)")
    if on not in ("F", "F2"):
        raise ArgandError(f"on is {on!r}, needs 'F' or 'F2'")
    if sigma is None and (prior is not None or weighting is not None):
        raise ArgandError("sigma is not given, which a prior and a weighting scheme need")
    if weighting is not None and on == "F" and not weighting.fixed:
        raise ArgandError("weighting depends on Fc^2, which is for on='F2'")
    sigmas = np.ones_like(data)
    if sigma is not None:
        sigmas = np.broadcast_to(real_array("sigma", sigma), data.shape)
    measured = np.isfinite(data) & np.isfinite(sigmas)
    if not (sigmas[measured] > 0.0).all():
        raise ArgandError("sigma holds 0 or less, needs positive numbers")
    scales = None
    if scale is not None:
        scales = np.broadcast_to(real_array("scale", scale), (len(data),))
    target = Target(model, data, sigmas, on, weighting or Weighting(), scales, prior)
    fewest = int(measured.sum(axis=1).min(initial=m))
    if prior is None and fewest < len(model) + (scale is None):
        raise ArgandError(
            f"observed has {fewest} reflections for {len(model)} parameters: "
            "free fewer, or give a prior"
        )
    return target
