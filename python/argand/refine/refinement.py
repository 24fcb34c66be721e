"""Refinement of one data set or thousands: the one mechanism that everything here refines with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from argand.cell import FloatArray
from argand.crystal import Crystal
from argand.errors import ArgandError
from argand.refine._lbfgs import lbfgs
from argand.refine._levenberg_marquardt import State, levenberg_marquardt
from argand.refine._target import On, Point, Rows, Target
from argand.refine.figures import Figures, figures_of_merit
from argand.refine.model import Model
from argand.refine.prior import GaussianPrior
from argand.refine.weighting import Weighting

__all__ = ["Progress", "Refinement", "refine"]

# Jacobians of the data sets that are refined together take no more than this, so that they stay in the cache
_CACHE_BYTES = 8_000_000


class Progress(NamedTuple):
    """Where a refinement is, told after every cycle."""

    stage: int  # of the annealing
    stages: int
    finished: int  # data sets of this stage
    total: int


@dataclass(frozen=True, eq=False)
class Refinement:
    """What a refinement of n data sets with k parameters found.

    Attributes
    ----------
    model : the model that was refined
    p : (n, k) parameters
    sigma : (n, k) standard uncertainties, NaN where data say nothing about a parameter
    covariance : (n, k, k), or None where it was not asked for
    scale : (n,) data over calculated: of |F| or of |F|^2, whatever was refined on
    chi2 : (n,) sum of weighted squares, the prior's share included
    figures : R1, wR2 and goodness of fit
    cycles : (n,) how many were needed
    converged : (n,) whether the last step was small; all False after Ctrl-C
    interrupted : whether Ctrl-C ended it; `p` is then as good as it had become
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
        """The refined structures."""
        return self.model.crystals(self.p)

    def structure_factors(self) -> NDArray[np.complex128]:
        """F (n, m) of the refined structures, on the absolute scale."""
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
    covariance: bool = False,
    progress: Callable[[Progress], None] | None = None,
) -> Refinement:
    """Fit the parameters of a model to amplitudes or intensities of one data set or many.

    Makes sum_h w_h (o_h - s c_h(p))^2 small, c = |F| or |F|^2, each data set for itself with a damping of its own.

    Parameters
    ----------
    observed
        (n, m) |F| or |F|^2 of the reflections of the model, or (m,) for one data set; NaN where nothing was measured.
    sigma
        Standard deviations of `observed`; None: all alike, and unknown.
    on
        "F" or "F2": what `observed` is, and what is fitted. |F| draws further from a poor start, |F|^2 is unbiased
        for weak reflections.
    start
        p (n, k), or (k,) for all; 0 where not given.
    weighting
        SHELXL's weights for intensities; needs `sigma`. The default is 1 / sigma^2.
    scale
        s of every data set (n,) where it is known; None: the best one at every step.
    prior
        A Gaussian of the parameters, on the scale of `sigma`, which it needs.
    anneal
        Resolutions in angstrom, coarse first: each a refinement against the reflections of larger spacing alone, before
        the last one against all.
    method
        "lm", Levenberg-Marquardt with exact normal matrices, or "lbfgs", which needs no matrix.
    cycles, tolerance
        At most so many cycles a stage; a step that lowers chi^2 by less than `tolerance` of it is the last.
    covariance
        Keep the covariance matrices (n, k, k).
    progress
        Called after every cycle.

    Standard uncertainties are those of the undamped normal matrix at the end, times the goodness of fit; with a prior,
    the posterior's, not scaled. Directions that leave chi^2 as it is (floating origins) have none: theirs are those of
    the structure whose mean does not move. Ctrl-C ends it between cycles and returns what there is.

    Raises
    ------
    ArgandError
        Shapes that do not fit, a data set with fewer reflections than parameters and no prior, and what cannot be
        combined.
    """
    target = _target(model, observed, sigma, on, weighting, scale, prior)
    n, k = len(target.observed), len(model)
    p = np.zeros((n, k))
    if start is not None:
        given = np.asarray(start, np.float64)
        if given.shape not in ((k,), (n, k)) or not np.isfinite(given).all():
            raise ArgandError(f"start has shape {given.shape}, needs finite ({k},) or ({n}, {k})")
        p[:] = given
    if method not in ("lm", "lbfgs"):
        raise ArgandError(f"method is {method!r}, needs 'lm' or 'lbfgs'")
    state = State(p, np.zeros(n, np.int64), np.zeros(n, bool))
    together = max(1, _CACHE_BYTES // (4 * (model.site_columns + 1) * max(1, len(model.hkl))))
    groups = [np.arange(i, min(i + together, n)) for i in range(0, n, together)]
    stages: list[float | None] = [*anneal, None]
    run = levenberg_marquardt if method == "lm" else lbfgs
    interrupted = False
    try:
        for stage, d_min in enumerate(stages):
            target.limit(d_min)
            for rows in groups:
                tell = _teller(progress, stage, len(stages), int(rows[0]), n)
                run(target, state, rows, cycles=cycles, tolerance=tolerance, after_cycle=tell)
    except KeyboardInterrupt:
        interrupted = True
        state.converged[:] = False
        target.limit(None)
    return _result(target, state, groups, covariance, interrupted)


def _teller(
    progress: Callable[[Progress], None] | None, stage: int, stages: int, before: int, total: int
) -> Callable[[int], None]:
    def tell(finished: int) -> None:
        if progress is not None:
            progress(Progress(stage, stages, before + finished, total))

    return tell


def _target(
    model: Model,
    observed: ArrayLike,
    sigma: ArrayLike | None,
    on: On,
    weighting: Weighting | None,
    scale: ArrayLike | None,
    prior: GaussianPrior | None,
) -> Target:
    m = len(model.hkl)
    given = np.atleast_2d(np.asarray(observed, np.float64))
    if given.ndim != 2 or given.shape[1] != m:
        raise ArgandError(f"observed has shape {np.shape(observed)}, needs (n, {m}) or ({m},)")
    if on not in ("F", "F2"):
        raise ArgandError(f"on is {on!r}, needs 'F' or 'F2'")
    if sigma is None and (prior is not None or weighting is not None):
        raise ArgandError("sigma is not given, which a prior and a weighting scheme need")
    if weighting is not None and on == "F" and not weighting.fixed:
        raise ArgandError("weighting depends on Fc^2, which is for on='F2'")
    width = (
        np.ones_like(given)
        if sigma is None
        else np.broadcast_to(np.asarray(sigma, np.float64), given.shape)
    )
    if not (width[np.isfinite(given) & np.isfinite(width)] > 0.0).all():
        raise ArgandError("sigma holds 0 or less, needs positive numbers")
    known = None
    if scale is not None:
        known = np.broadcast_to(np.asarray(scale, np.float64), (len(given),))
    target = Target(model, given, width, on, weighting or Weighting(), known, prior)
    fewest = int(target.seen.sum(axis=1).min(initial=m))
    if prior is None and fewest < len(model) + (scale is None):
        raise ArgandError(
            f"observed has {fewest} reflections for {len(model)} parameters: free fewer, or give a prior"
        )
    return target


def _result(
    target: Target, state: State, groups: Sequence[Rows], keep_covariance: bool, interrupted: bool
) -> Refinement:
    n, k = state.p.shape
    sigma, scale, chi2 = np.empty((n, k)), np.empty(n), np.empty(n)
    covariance = np.empty((n, k, k)) if keep_covariance else None
    intensity, width, calculated, weight = (
        np.full(target.observed.shape, np.nan) for _ in range(4)
    )
    springs = _springs(target.model)
    free = k + (target.scale is None) - len(target.model.floating())
    for rows in groups:
        point = target.reweighted(rows, state.p[rows], target.at(rows, state.p[rows]))
        scale[rows], chi2[rows] = point.scale, point.chi2
        normal, _ = target.normal(rows, state.p[rows], point, np.float64)
        found = _inverse(normal, springs)
        if target.prior is None:
            used = target.used[rows].sum(axis=1)
            found *= (point.chi2 / np.maximum(used - free, 1))[:, None, None]
        sigma[rows] = np.sqrt(np.maximum(np.einsum("bkk->bk", found), 0.0))
        if covariance is not None:
            covariance[rows] = found
        intensity[rows], width[rows], calculated[rows], weight[rows] = _intensities(
            target, rows, point
        )
    figures = figures_of_merit(intensity, width, calculated, weight, chi2, free)
    return Refinement(
        target.model,
        state.p,
        sigma,
        covariance,
        scale,
        chi2,
        figures,
        state.cycles,
        state.converged,
        interrupted,
    )


def _intensities(
    target: Target, rows: Rows, point: Point
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Intensities with NaN where nothing was seen, their sigmas, calculated ones and weights, whatever was refined."""
    seen, observed, sigma = target.seen[rows], target.observed[rows], target.sigma[rows]
    calculated = point.scale[:, None] * point.calculated
    weight = target.weight[rows]
    if target.on == "F":
        sigma = 2.0 * np.maximum(observed, sigma) * sigma
        observed, calculated, weight = np.square(observed), np.square(calculated), sigma**-2.0
    return np.where(seen, observed, np.nan), sigma, np.maximum(calculated, 0.0), weight


def _springs(model: Model) -> FloatArray:
    floating = model.floating()
    return np.asarray(floating.T @ floating)


def _inverse(normal: FloatArray, springs: FloatArray) -> FloatArray:
    """The covariance: what has no weight at all, or only rounding, is left out by its eigenvalue."""
    diagonal = np.einsum("bkk->bk", normal)
    root = np.sqrt(np.where(diagonal > 0.0, diagonal, 1.0))
    scaled = normal / (root[:, :, None] * root[:, None, :])
    if springs.any():
        # held there, then let go: the covariance of the structure whose mean stays
        held = (
            springs
            * np.square(root).mean(axis=1)[:, None, None]
            / (root[:, :, None] * root[:, None, :])
        )
        scaled = scaled + held
    values, vectors = np.linalg.eigh(scaled)
    inverse = np.where(values > 1e-10, 1.0 / np.maximum(values, 1e-300), 0.0)
    found = np.matmul(vectors * inverse[:, None, :], vectors.transpose(0, 2, 1))
    found /= root[:, :, None] * root[:, None, :]
    if springs.any():
        found = found - springs / np.square(root).mean(axis=1)[:, None, None]
    blind = (diagonal <= 0.0) | (np.einsum("bkk->bk", found) <= 0.0)
    found[blind] = np.nan
    return np.asarray(found)
