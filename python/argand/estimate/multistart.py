"""Least squares from many starts: the known structure alone leads home from nearby only.

Where displacements do not explain the data, further starts are made beside the known structure; once most atoms are in
place, beside the best answer, sites that the data hardly see going farther and more often. The most probable answer is
kept, and looked for no longer when nothing better was found several times. Atoms that have changed places are put back.
Hydrogens ride on their carriers, and leave their places only where the data ask for it: where chi^2 falls by a fifth.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from argand.cell import FloatArray
from argand.crystal import Crystal
from argand.estimate.exchange import exchanged
from argand.estimate.observed import Observed
from argand.estimate.riding import hydrogen_modes, leaders, riding_modes
from argand.refine import GaussianPrior, Model, Parameters, Refinement, free, refine
from argand.refine.parameters import FRAC
from argand.site_symmetry import cartesian_axes

__all__ = ["BAD", "Kept", "Movable", "quickly", "thoroughly"]

#: An R that no crystal like the known one has once its atoms are in place
BAD = 0.25

_GOOD, _POOR = 0.05, 0.1  # R: nothing to be looked for; worth every start
_ANNEAL = (
    3.0,
    2.0,
    1.4,
)  # resolutions (angstrom) before all reflections: low angles see large displacements
_SPARE = 10  # reflections beyond twice the parameters, for one of these resolutions to be worth it
_CYCLES, _FEW = 50, 8
_WIDTH = 0.3  # angstrom, of the prior along each direction: it holds what the data hardly see
_BESIDE = (0.2, 0.3, 0.45, 0.1, 0.3, 0.45, 0.2, 0.6)  # starts: angstrom along each direction
_TIMES, _CHEAP = 5, 200  # over again at most, and as long as so many parameters are refined
_STEPS, _SHARE = (
    (0.4, 0.8, 1.2) * 6,
    0.1,
)  # the same from the best answer, and the least chance of a site to move
_SAME, _OFTEN = 0.02, 5  # of chi^2, and how often an answer has to be found
_AWAY = 0.1  # angstrom: an exchange that is worth a refinement
_RIDING = 0.8  # of chi^2, above which hydrogens ride


class Movable:
    """What of a crystal is free: `riding`, in which hydrogens follow, and `loose`, in which they may leave as well.

    `whole` are the parameters that move no site; `moves` (k, n, 3) what each parameter does, Cartesian angstrom.
    """

    def __init__(self, crystal: Crystal, whole: Parameters) -> None:
        self.crystal = crystal
        self.riding = free(crystal, positions=riding_modes(crystal)) + whole
        self.loose = self.riding + free(crystal, positions=hydrogen_modes(crystal))
        self.moves = self.loose.directions[:, :, FRAC] @ cartesian_axes(crystal).T
        self.leaders = leaders(crystal)
        self.positions = _are_positions(self.riding)
        self.site = (
            np.square(self.moves[: len(self.riding)]).sum(axis=2).argmax(axis=1)
        )  # that a parameter moves

    def doubt(self, sigma: FloatArray) -> FloatArray:
        """The chance (b, k) that the site of a parameter is out of place: of those that data hardly see."""
        of_site = np.zeros((len(sigma), len(self.crystal.types)))
        np.maximum.at(of_site.T, self.site[self.positions], sigma[:, self.positions].T)
        largest = of_site.max(axis=1, initial=1e-30, keepdims=True)
        return np.asarray(np.maximum(of_site / largest, _SHARE)[:, self.site])

    def unridden(self, p: FloatArray) -> FloatArray:
        """The same (b, k) with hydrogens where the known structure has them."""
        k, found = len(self.riding), p.copy()
        followed = np.einsum("bk,knx->bnx", p[:, :k], self.moves[:k])
        found[:, k:] = -np.einsum("bnx,hnx->bh", followed, self.moves[k:])
        return found

    def unexchanged(self, p: FloatArray, alike: bool) -> FloatArray:
        """Displacements (b, n, 3) with atoms that have changed places put back, see `exchanged`."""
        u = np.einsum("bk,knx->bnx", p, self.moves[: p.shape[1]])
        return np.array([exchanged(self.crystal, own, alike)[self.leaders] for own in u]).reshape(
            u.shape
        )


class Kept(NamedTuple):
    """The most probable refinement of each of b data sets, with k parameters; arrays that are written to."""

    p: FloatArray  # (b, k)
    sigma: FloatArray  # (b, k), with the errors that the sigmas of the data do not tell of
    scale: FloatArray  # (b,)
    chi2: FloatArray  # (b,)
    r: FloatArray  # (b,)
    converged: FloatArray  # (b,) 1 or 0
    times: FloatArray  # (b,) that it was found

    @classmethod
    def none(cls, b: int, k: int) -> Kept:
        return cls(np.zeros((b, k)), np.zeros((b, k)), *(np.full(b, np.inf) for _ in range(5)))

    def take(self, rows: NDArray[np.intp], run: Refinement) -> None:
        """Keep of data sets `rows` what is better than before, or count once more what was found again."""
        again = np.abs(run.chi2 / self.chi2[rows] - 1.0) < _SAME
        better = run.chi2 < self.chi2[rows]
        self.times[rows] = np.where(
            again, self.times[rows] + 1.0, np.where(better, 1.0, self.times[rows])
        )
        self.put(rows[better], run, better)

    def put(self, rows: NDArray[np.intp], run: Refinement, some: NDArray[np.bool_]) -> None:
        """What was found in `some` of a refinement is that of `rows`; it may have fewer parameters, the first ones."""
        k = run.p.shape[1]
        self.p[rows, :k] = run.p[some]
        # those of a prior are not scaled: the errors are larger, or smaller, than was said
        self.sigma[rows, :k] = (np.nan_to_num(run.sigma) * run.figures.goodness[:, None])[some]
        for kept, values in zip(
            self[2:6], (run.scale, run.chi2, run.figures.r1, run.converged), strict=True
        ):
            kept[rows] = values[some]


def quickly(movable: Movable, model: Model, seen: Observed) -> Kept:
    """A few cycles on all reflections at once, of the parameters `movable.riding`."""
    rows = np.arange(len(seen.amplitude))
    kept = Kept.none(len(rows), len(movable.loose))
    kept.take(rows, _refined(model, seen, rows, np.zeros((len(rows), len(model))), (), _FEW))
    return kept


def thoroughly(movable: Movable, model: Model, loose: Model, seen: Observed) -> Kept:
    """As the head of this module says, with models of the parameters `movable.riding` and `movable.loose`."""
    every, k = np.arange(len(seen.amplitude)), len(model)
    kept = Kept.none(len(every), len(movable.loose))
    coarse = [d for d in _ANNEAL if (model.stol <= 0.5 / d).sum() > 2 * k + _SPARE]
    explained = seen.explained
    enough = np.maximum(_GOOD, explained)

    def run(rows: NDArray[np.intp], start: FloatArray, anneal: Sequence[float] = ()) -> None:
        if len(rows):
            kept.take(
                rows,
                _refined(
                    model, seen, rows, np.broadcast_to(start, (len(rows), k)), anneal, _CYCLES
                ),
            )

    run(every, np.zeros(k), coarse)
    # the same for all data sets: an answer does not depend on the company it is found in
    rng = np.random.default_rng(0)
    for number, width in enumerate(_BESIDE * int(np.clip(_CHEAP // max(k, 1), 1, _TIMES))):
        start = width * rng.normal(size=k) * movable.positions
        run(np.flatnonzero(kept.r > np.maximum(BAD, enough)), start, coarse if number % 2 else ())
    for width in _STEPS:
        step, chance = (
            width * rng.normal(size=k) * movable.positions,
            rng.random(len(movable.leaders))[movable.site],
        )
        rows = np.flatnonzero((kept.r > enough) & ((kept.times < _OFTEN) | (kept.r > _POOR)))
        run(rows, kept.p[rows, :k] + step * (chance < movable.doubt(kept.sigma[rows, :k])))
    left = np.flatnonzero((kept.r > explained) & (kept.r < BAD))
    for alike in (False, True):
        p = kept.p[left, :k]
        start = np.where(
            movable.positions, model.from_displacements(movable.unexchanged(p, alike)), p
        )
        other = np.abs(start - p).max(axis=1, initial=0.0) > _AWAY
        run(left[other], start[other])
    if len(left) and len(movable.loose) > k:
        away = _refined(loose, seen, left, kept.p[left], (), _CYCLES)
        ask = away.chi2 < _RIDING * kept.chi2[left]
        kept.put(left[ask], away, ask)
        if ask.any():
            kept.take(
                left[ask],
                _refined(loose, seen, left[ask], movable.unridden(kept.p[left[ask]]), (), _CYCLES),
            )
    return kept


def _are_positions(parameters: Parameters) -> NDArray[np.bool_]:
    kinds: NDArray[np.bool_] = np.array(parameters.kinds) == "position"
    return kinds


def _refined(
    model: Model,
    seen: Observed,
    rows: NDArray[np.intp],
    start: FloatArray,
    anneal: Sequence[float],
    cycles: int,
) -> Refinement:
    """Of data sets `rows`, with a prior of the displacements."""
    width = np.where(_are_positions(model.parameters), _WIDTH, np.inf)
    run = refine(
        model,
        seen.amplitude[rows],
        seen.error[rows],
        on="F",
        start=start,
        prior=GaussianPrior.from_sigma(np.zeros(len(model)), width),
        anneal=anneal,
        cycles=cycles,
    )
    if run.interrupted:
        raise KeyboardInterrupt
    return run
