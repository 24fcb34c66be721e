"""The estimator that needs no learning: least squares from the known structure.

Where displacements do not explain the data, further starts are tried: beside the known structure, or, once most atoms
are in place, beside the best answer. It is kept when nothing more probable was found several times in a row. Hydrogens
ride on their carriers, and leave their places only where the data ask for it: where chi^2 falls by a fifth.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from argand.cell import Cell, FloatArray
from argand.crystal import Crystal
from argand.errors import ArgandError
from argand.measured import Merged
from argand.refine import GaussianPrior, Model, Parameters, Refinement, free, refine
from argand.refine.parameters import FRAC
from argand.series.estimate import Estimate
from argand.series.exchange import exchanged
from argand.series.observed import Observed, on_one_list
from argand.series.riding import hydrogen_modes, leaders, riding_modes
from argand.site_symmetry import cartesian_axes

__all__ = ["LeastSquares"]

_ANNEAL = (3.0, 2.0, 1.4)  # resolutions (angstrom) before all reflections: low angles see large displacements
_SPARE = 10  # reflections beyond twice the parameters, for one of these resolutions to be worth it
_CYCLES, _FEW = 50, 8
_WIDTH = 0.3  # angstrom, of the prior along each direction: it holds what the data hardly see, such as hydrogens
_GOOD, _POOR, _BAD = 0.05, 0.1, 0.25  # R: nothing to be looked for; look on; no crystal like the known one
_BESIDE = (0.2, 0.3, 0.45, 0.1, 0.3, 0.45, 0.2, 0.6) * 2  # further starts: angstrom along each direction
_STEPS = (0.4, 0.8, 1.2) * 6  # angstrom along each direction, from the best answer
_SHARE = 0.1  # the least chance of a site to make one
_FLOOR = 0.03  # of the mean amplitude
_SAME, _OFTEN = 0.02, 5  # of chi^2, and how often an answer has to be found
_RIDING = 0.8  # of chi^2, above which hydrogens ride


class _Kept(NamedTuple):
    """The most probable refinement of each of b data sets; arrays that are written to."""

    p: FloatArray  # (b, k)
    sigma: FloatArray  # (b, k), with the errors that the sigmas of the data do not tell of
    scale: FloatArray  # (b,)
    chi2: FloatArray  # (b,)
    r: FloatArray  # (b,)
    goodness: FloatArray  # (b,)
    converged: FloatArray  # (b,) 1 or 0
    times: FloatArray  # (b,) that it was found

    @classmethod
    def none(cls, b: int, k: int) -> _Kept:
        return cls(np.zeros((b, k)), np.zeros((b, k)), *(np.full(b, np.inf) for _ in range(6)))

    def take(self, rows: NDArray[np.intp], run: Refinement) -> None:
        """Keep of data sets `rows` what is better than before, or count once more what was found again."""
        again = np.abs(run.chi2 / self.chi2[rows] - 1.0) < _SAME
        better = run.chi2 < self.chi2[rows]
        self.times[rows] = np.where(again, self.times[rows] + 1.0, np.where(better, 1.0, self.times[rows]))
        self.put(rows, run, better)

    def put(self, rows: NDArray[np.intp], run: Refinement, some: NDArray[np.bool_]) -> None:
        """Of those that are True in `some`; `run` may have fewer parameters, the first ones."""
        k, goodness = run.p.shape[1], run.figures.goodness
        own = rows[some]
        self.p[own, :k] = run.p[some]
        # those of a prior are not scaled: the errors are larger, or smaller, than was said
        self.sigma[own, :k] = (np.nan_to_num(run.sigma) * goodness[:, None])[some]
        new = run.scale, run.chi2, run.figures.r1, goodness, run.converged
        for kept, values in zip(self[2:7], new, strict=True):
            kept[own] = values[some]


class LeastSquares:
    """Positions and an overall B by Levenberg and Marquardt's method, coarse reflections first.

    Hydrogens ride on their carriers, and atoms that share a site move together. Without `refine` a few cycles are made
    on all reflections at once: enough for small displacements.

    Parameters
    ----------
    crystal : the known structure
    table, energy_kev : as in `argand.structure_factors`
    extinction : where there is some, SHELXL's x to begin with: it is refined too, and needs `energy_kev`
    """

    warning = ""

    def __init__(
        self, crystal: Crystal, table: str = "it92", *, energy_kev: float | None = None, extinction: float = 0.0
    ) -> None:
        self.crystal, self.table = crystal, table
        self._beam: dict[str, Any] = {"table": table, "energy_kev": energy_kev, "extinction": extinction}
        self._still = free(crystal, positions=False, overall_b=True, extinction=extinction != 0.0)
        self._riding = free(crystal, positions=riding_modes(crystal)) + self._still
        self._loose = self._riding + free(crystal, positions=hydrogen_modes(crystal))
        self._moves = self._loose.directions[:, :, FRAC] @ cartesian_axes(crystal).T  # (k, n, 3)
        self._leaders = leaders(crystal)
        self._site = np.square(self._moves[: len(self._riding)]).sum(axis=2).argmax(axis=1)  # that a parameter moves

    @property
    def fingerprint(self) -> str:
        """Of the structure: the same file gives the same."""
        crystal = self.crystal
        parts = (crystal.cell, crystal.symops, crystal.types, *self._beam.values())
        arrays = (crystal.frac, crystal.occ, crystal.beta())
        text = repr(parts).encode() + b"".join(np.round(array, 6).tobytes() for array in arrays)
        return f"least squares {hashlib.sha256(text).hexdigest()[:16]}"

    def __call__(self, data: Sequence[Merged], *, refine: bool) -> list[Estimate | ArgandError]:
        answers: dict[int, Estimate | ArgandError] = {}
        order = sorted(range(len(data)), key=lambda i: data[i].cell)
        for cell, rows in groupby(order, key=lambda i: data[i].cell):  # one model for each cell
            own = list(rows)
            usable = [i for i in own if len(data[i].hkl) > len(self._riding) + 1]
            few = f"reflections for {len(self._riding)} parameters: too few"
            for i in set(own) - set(usable):
                answers[i] = ArgandError(f"{len(data[i].hkl)} {few}")
            if usable:
                found = self._of(on_one_list([data[i] for i in usable], self.crystal.symops), cell, refine)
                answers.update(zip(usable, found, strict=True))
        return [answers[i] for i in range(len(data))]

    def _of(self, seen: Observed, cell: Cell, thorough: bool) -> list[Estimate]:
        kept = self._search(seen, cell) if thorough else self._quickly(seen, cell)
        f = self._model(seen, cell, self._loose).structure_factors(kept.p)
        overall = kept.p[:, self._loose.of_kind("overall_b")[0]]
        before = refine(self._model(seen, cell, self._still), seen.amplitude, _errors(seen), on="F").figures.r1
        squares = np.square(self._moves).sum(axis=2)  # (k, n): whose uncertainty a parameter is
        answers = []
        for row in range(len(f)):
            r = float(kept.r[row])
            flags = []
            if thorough and not kept.converged[row]:
                flags.append("the refinement has not come to rest")
            if r > _BAD:
                flags.append(f"R above {_BAD}: displaced atoms do not explain the data")
            answers.append(
                Estimate(
                    hkl=seen.hkl,
                    amplitude=seen.amplitude[row] / kept.scale[row],
                    sigma_amplitude=seen.sigma[row] / kept.scale[row],
                    f=f[row],
                    displacement=np.einsum("k,knx->nx", kept.p[row], self._moves),
                    sigma=np.sqrt(squares.T @ np.square(kept.sigma[row])),
                    r_known=float(before[row]),
                    r=r,
                    scale=float(kept.scale[row]),
                    b_change=float(overall[row]),
                    flags=tuple(flags),
                )
            )
        return answers

    def _model(self, seen: Observed, cell: Cell, parameters: Parameters) -> Model:
        model = Model(self.crystal, seen.hkl, parameters, **self._beam)
        return model if np.allclose(cell, self.crystal.cell, rtol=0, atol=1e-6) else model.in_cell(cell)

    def _quickly(self, seen: Observed, cell: Cell) -> _Kept:
        model, rows = self._model(seen, cell, self._riding), np.arange(len(seen.amplitude))
        kept = _Kept.none(len(rows), len(self._loose))
        kept.take(rows, _refined(model, seen, rows, np.zeros((len(rows), len(model))), (), _FEW))
        return kept

    def _search(self, seen: Observed, cell: Cell) -> _Kept:
        model, left = self._model(seen, cell, self._riding), np.arange(len(seen.amplitude))
        b, k = len(left), len(model)
        kept = _Kept.none(b, len(self._loose))
        coarse = [d for d in _ANNEAL if (model.stol <= 0.5 / d).sum() > 2 * k + _SPARE]
        noise = np.nansum(seen.sigma, axis=1) * np.sqrt(2.0 / np.pi) / np.nansum(seen.amplitude, axis=1)
        enough = np.maximum(_GOOD, 0.005 + 1.1 * noise)
        # the same for all data sets: an answer does not depend on the company it is found in
        kept.take(left, _refined(model, seen, left, np.zeros((b, k)), coarse, _CYCLES))
        rng, moving = np.random.default_rng(0), _are_positions(self._riding)
        for number, width in enumerate(_BESIDE):
            start = width * rng.normal(size=k) * moving
            lost = np.flatnonzero(kept.r > np.maximum(_BAD, enough))
            if len(lost):
                anneal = coarse if number % 2 else ()
                kept.take(lost, _refined(model, seen, lost, np.tile(start, (len(lost), 1)), anneal, _CYCLES))
        for width in _STEPS:
            step, chance = width * rng.normal(size=k) * moving, rng.random(len(self.crystal.types))[self._site]
            left = np.flatnonzero((kept.r > enough) & ((kept.times < _OFTEN) | (kept.r > _POOR)))
            if len(left):
                kept.take(
                    left,
                    _refined(
                        model,
                        seen,
                        left,
                        kept.p[left, :k] + step * (chance < self._doubt(kept.sigma[left, :k])),
                        (),
                        _CYCLES,
                    ),
                )
        unexplained = np.flatnonzero((kept.r > 0.005 + 1.1 * noise) & (kept.r < _BAD))
        for alike in (False, True):
            self._exchange(model, seen, kept, unexplained, alike)
        self._let_hydrogens_go(seen, cell, kept, unexplained)
        return kept

    def _doubt(self, sigma: FloatArray) -> FloatArray:
        """The chance (b, k) that the site of a parameter is out of place: those are the ones that data hardly see."""
        moving = _are_positions(self._riding)
        of_site = np.zeros((len(sigma), len(self.crystal.types)))
        np.maximum.at(of_site.T, self._site[moving], sigma[:, moving].T)
        largest = of_site.max(axis=1, initial=0.0, keepdims=True)
        return np.asarray(np.maximum(of_site / np.maximum(largest, 1e-30), _SHARE)[:, self._site])

    def _exchange(self, model: Model, seen: Observed, kept: _Kept, rows: NDArray[np.intp], alike: bool) -> None:
        """Atoms that have changed places change back."""
        p = kept.p[rows, : len(model)]
        before = np.einsum("bk,knx->bnx", p, self._moves[: len(model)])
        after = np.array([exchanged(self.crystal, u, alike)[self._leaders] for u in before]).reshape(before.shape)
        moved = np.abs(after - before).max(axis=(1, 2), initial=0.0) > 0.1
        if moved.any():
            start = np.where(_are_positions(model.parameters), model.from_displacements(after), p)
            kept.take(rows[moved], _refined(model, seen, rows[moved], start[moved], (), _CYCLES))

    def _let_hydrogens_go(self, seen: Observed, cell: Cell, kept: _Kept, rows: NDArray[np.intp]) -> None:
        if len(self._loose) == len(self._riding) or not len(rows):
            return
        run = _refined(self._model(seen, cell, self._loose), seen, rows, kept.p[rows], (), _CYCLES)
        kept.put(rows, run, run.chi2 < _RIDING * kept.chi2[rows])


def _errors(seen: Observed) -> FloatArray:
    """Sigmas, and what a model is wrong by whatever they say."""
    floor = _FLOOR * np.nanmean(seen.amplitude, axis=1, keepdims=True)
    return np.asarray(np.sqrt(np.square(seen.sigma) + np.square(floor)))


def _are_positions(parameters: Parameters) -> NDArray[np.bool_]:
    kinds: NDArray[np.bool_] = np.array(parameters.kinds) == "position"
    return kinds


def _refined(
    model: Model, seen: Observed, rows: NDArray[np.intp], start: FloatArray, anneal: Sequence[float], cycles: int
) -> Refinement:
    """Of data sets `rows`, with a prior of the displacements."""
    width = np.where(_are_positions(model.parameters), _WIDTH, np.inf)
    run = refine(
        model, seen.amplitude[rows], _errors(seen)[rows], on="F", start=start,
        prior=GaussianPrior.from_sigma(np.zeros(len(model)), width), anneal=anneal, cycles=cycles,
    )  # fmt: skip
    if run.interrupted:
        raise KeyboardInterrupt
    return run
