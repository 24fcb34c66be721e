"""Search for displacements: refine from several starts, and keep the most probable end.

One loop walks over rounds of proposals (`proposals.py`, in the order of `SearchSettings.schedule`).
A data set leaves the search when its R is within its errors, or when several independent starts
have reached the same minimum with a sound R, or at its time limit. Models with more parameters, a
further atom or released hydrogens, are believed where they lower chi^2 to a given share.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from argand.cell import FloatArray
from argand.crystal import Crystal
from argand.estimate.ends import Hypothesis, Mask
from argand.estimate.estimate import FurtherAtom
from argand.estimate.models import DisplacementModels
from argand.estimate.observed import Observed
from argand.estimate.proposals import Proposal
from argand.estimate.schedule import Schedule
from argand.estimate.settings import SearchSettings
from argand.estimate.state import SearchState
from argand.refine import refine

__all__ = ["SearchResult", "search_displacements"]

# With more than this part of the prior's variance left, the data say less than the prior.
_UNSEEN_VARIANCE = 0.5


@dataclass(frozen=True, eq=False)
class SearchResult:
    """Hold the most probable refinement of each of b data sets, n sites, m reflections.

    Attributes
    ----------
    p : (b, k) parameters of the displaced crystal
    displacement : (b, n, 3) Cartesian angstrom
    sigma : (b, n) standard uncertainty of a site in three dimensions, angstrom
    b_change : (b,) change of the overall B, A^2
    f : (b, m) structure factors, with the further atom
    r, scale : (b,) R, and measured |F| over calculated
    converged : (b,)
    r_known : (b,) R of the known structure with its overall B refined
    unmoved : (b,) whether the known structure is kept, since no displacement has a lower R
    stopped : (b,) whether the time limit has ended the search before its last start
    unseen : labels of sites of which a data set says less than the prior
    further : the further atom of each data set, or None
    vibrating : the crystal of each data set where B of its sites were refined, or None
    """

    p: FloatArray
    displacement: FloatArray
    sigma: FloatArray
    b_change: FloatArray
    f: NDArray[np.complex128]
    r: FloatArray
    scale: FloatArray
    converged: NDArray[np.bool_]
    r_known: FloatArray
    unmoved: NDArray[np.bool_]
    stopped: NDArray[np.bool_]
    unseen: list[tuple[str, ...]]
    further: list[FurtherAtom | None]
    vibrating: list[Crystal | None]


def search_displacements(
    models: DisplacementModels,
    observed: Observed,
    settings: SearchSettings,
    regression: FloatArray | None = None,
    on_starts: Callable[[int], None] | None = None,
) -> SearchResult:
    """Refine displacements of b data sets from several starts; keep the most probable ends.

    Parameters
    ----------
    models
        Models of the known crystal for the reflections of the data.
    observed
        |F| (b, m) of each data set on its own scale, and sigmas; NaN where a reflection was not
        measured.
    settings
        What is tried, in which order, and when it is enough.
    regression
        Position parameters (b, n_positions) that a regression has found; None: there is none.
    on_starts
        Called with the number of starts whenever some have been refined.

    Returns
    -------
    SearchResult
        Displacements, uncertainties, F and R of the best end; `converged` is False where its
        refinement ran out of cycles.
    """
    state = SearchState(models, observed, settings, regression)
    for proposals in Schedule(models, settings).rounds():
        for proposal in proposals:
            starts = _try(state, proposal)
            if on_starts is not None and starts:
                on_starts(starts)
        state.settle()
    return _result(state)


def _try(state: SearchState, proposal: Proposal) -> int:
    """Refine the starts of a proposal for the data sets that are worth it; keep the best.

    The time is that of all data sets which are worth a start, in equal parts. Returns the number of
    starts.
    """
    begin = time.perf_counter()
    rows = state.within_time(proposal.worth(state))
    if not len(rows):
        return 0
    starts = _refine_starts(state, proposal, rows)
    if starts:
        state.seconds[rows] += (time.perf_counter() - begin) / len(rows)
    return starts


def _refine_starts(state: SearchState, proposal: Proposal, rows: NDArray[np.intp]) -> int:
    """Refine the starts of a proposal for the data sets `rows`; return how many there were."""
    target = proposal.target(state)
    if target is None:
        return 0
    data_sets, starts = proposal.starts(state, rows)
    if not len(data_sets):
        return 0
    anneal = state.low_angles() if proposal.low_angles_first else []
    refinement = state.refine(target, data_sets, starts, anneal)
    target.keep_best(
        data_sets,
        refinement,
        independent=proposal.independent,
        same_minimum=state.settings.same_minimum,
    )
    if proposal.drawn_anew:
        state.last_start[data_sets] = starts
        state.last_end[data_sets] = refinement.p
    return len(data_sets)


def _result(state: SearchState) -> SearchResult:
    """Choose the model of each data set, and collect what its best end says."""
    movable = state.models.movable
    data_sets, k = state.displaced.p.shape
    sites = len(movable.crystal.types)
    result = SearchResult(
        p=np.zeros((data_sets, k)),
        displacement=np.zeros((data_sets, sites, 3)),
        sigma=np.zeros((data_sets, sites)),
        b_change=np.zeros(data_sets),
        f=np.zeros(state.observed.amplitude.shape, np.complex128),
        r=np.zeros(data_sets),
        scale=np.zeros(data_sets),
        converged=np.zeros(data_sets, bool),
        r_known=np.zeros(data_sets),
        unmoved=np.zeros(data_sets, bool),
        stopped=state.stopped.copy(),
        unseen=[()] * data_sets,
        further=[None] * data_sets,
        vibrating=[None] * data_sets,
    )
    for hypothesis, chosen in _chosen(state):
        if chosen.any():
            _fill(result, state, hypothesis, np.flatnonzero(chosen))
    _keep_known(result, state)
    return result


def _keep_known(result: SearchResult, state: SearchState) -> None:
    """Put the known structure in the place of results whose R is above its own."""
    models = state.models
    refinement = refine(models.unmoved, state.observed.amplitude, state.error, on="F")
    result.r_known[:] = refinement.figures.r1
    rows = np.flatnonzero(result.r > result.r_known)
    if not len(rows) or not state.settings.keep_known:
        return
    overall_b = models.movable.parameters.of_kind("overall_b")[0]
    result.p[rows] = 0.0
    result.p[rows, overall_b:] = refinement.p[rows]
    result.displacement[rows] = 0.0
    result.b_change[rows] = refinement.p[rows, 0]
    result.f[rows] = models.unmoved.structure_factors(refinement.p[rows])
    result.r[rows] = result.r_known[rows]
    result.scale[rows] = refinement.scale[rows]
    result.converged[rows] = refinement.converged[rows]
    result.unmoved[rows] = True
    for row in rows.tolist():
        result.further[row] = None
        result.vibrating[row] = None


def _chosen(state: SearchState) -> list[tuple[Hypothesis, Mask]]:
    """Choose the most probable believed model of each data set; return masks (b,)."""
    displaced = state.displaced
    hypotheses = state.tried
    chi2 = np.array([hypothesis.chi2 for hypothesis in hypotheses])
    for number, hypothesis in enumerate(hypotheses):
        believed = hypothesis.chi2 < hypothesis.chi2_share * displaced.chi2
        if hypothesis is state.vibrating:
            believed &= _vibrates(hypothesis)
        if hypothesis is not displaced:
            chi2[number, ~believed] = np.inf
    best = chi2.argmin(axis=0)
    return [(hypothesis, best == number) for number, hypothesis in enumerate(hypotheses)]


def _vibrates(hypothesis: Hypothesis) -> Mask:
    """Tell for which data sets (b,) all sites of the best end have a positive B."""
    crystals = hypothesis.model.crystals(hypothesis.p)
    return np.array([bool((crystal.b_iso > 0.0).all()) for crystal in crystals])


def _fill(
    result: SearchResult, state: SearchState, hypothesis: Hypothesis, rows: NDArray[np.intp]
) -> None:
    """Write the best ends of one model into the result, for the data sets `rows`."""
    movable = state.models.movable
    k = len(movable.parameters)
    moves = hypothesis.moves
    p = hypothesis.p[rows]
    sigma = hypothesis.sigma[rows, : len(moves)]
    overall_b = movable.parameters.of_kind("overall_b")[0]

    result.p[rows] = p[:, :k]
    result.displacement[rows] = np.einsum("bk,knx->bnx", p[:, : len(moves)], moves)
    variance = np.square(sigma) @ np.square(moves).sum(axis=2)
    result.sigma[rows] = np.sqrt(variance)
    prior_variance = np.diag(np.linalg.pinv(hypothesis.prior.precision))[: len(moves)]
    prior_of_site = prior_variance @ np.square(moves).sum(axis=2)
    squared_goodness = np.square(hypothesis.goodness[rows, None])
    is_unseen = variance > _UNSEEN_VARIANCE * squared_goodness * prior_of_site
    is_unseen &= prior_of_site > 0.0
    labels = movable.crystal.labels
    for row, sites in zip(rows.tolist(), is_unseen, strict=True):
        result.unseen[row] = tuple(labels[site] for site in np.flatnonzero(sites).tolist())
    result.b_change[rows] = p[:, overall_b]
    result.f[rows] = hypothesis.model.structure_factors(p)
    result.r[rows] = hypothesis.r[rows]
    result.scale[rows] = hypothesis.scale[rows]
    result.converged[rows] = hypothesis.converged[rows]
    if hypothesis is state.vibrating:
        for row, crystal in zip(rows.tolist(), hypothesis.model.crystals(p), strict=True):
            result.vibrating[row] = crystal
    if hypothesis.further is not None:
        for row in rows.tolist():
            result.further[row] = hypothesis.further.atom(hypothesis.p[row])
