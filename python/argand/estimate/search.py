"""Refinement from several starts, the most probable kept: the known structure alone leads home from nearby only.

First come the regression, statistical linearisation from the known structure, and the known structure with the low
angles first, each for the data sets that are not yet explained to within their errors. What is left has a further atom
(`further_atom.py`) or lies in a false minimum, so that rounds follow of

- statistical linearisation from where the last start has ended,
- one atom taken to another place (`relocation.py`), from the most probable end,
- statistical linearisation from a start drawn anew, between what the regression says and what it leaves uncertain.

The most probable is the end with the lowest chi^2, the prior's share included: where the data hold what no displacement
explains, the lowest R is that of the widest detour. If three starts have led to the same end, and its R is sound, there
is no better one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from argand.cell import FloatArray
from argand.estimate.difference import Difference
from argand.estimate.estimate import FurtherAtom
from argand.estimate.further_atom import WithFurtherAtom
from argand.estimate.linearisation import Linearisation
from argand.estimate.observed import Observed
from argand.estimate.relocation import relocations
from argand.refine import GaussianPrior, Model, Refinement, refine

__all__ = ["Expected", "Found", "Tools", "search"]

Rows = NDArray[np.intp]

_ANNEAL = (3.0, 2.0, 1.4)
_CYCLES = 30
_WIDER = 1.1  # a start drawn anew is known to this part of the width
_TO_KNOWN, _SPREAD = (
    0.7,
    0.5,
)  # the part of the regression's answer in it, and of the width that is drawn
_PLACES, _ATOMS = (
    4,
    2,
)  # how many atoms are taken elsewhere at a time; at how many places a further one is tried
_SAME, _OFTEN = 0.005, 3  # ends that are the same by chi^2; so many of them are the last word,
_SOUND = 0.25  # unless R is above what crystals with all atoms in place have
_WORTH = 0.6  # a further atom leaves no more than this part of chi^2


class Tools(NamedTuple):
    """What works on the reflections and the cell of data sets."""

    model: Model  # its parameters are the modes and an overall B
    line: Linearisation
    difference: Difference
    further: WithFurtherAtom | None  # None: no further atoms are expected


class Expected(NamedTuple):
    """What is expected of the parameters of the modes: N(0, width^2), and what the regression has found."""

    width: float
    first: FloatArray  # (b, k - 1)


class Found(NamedTuple):
    """The best refinement of each of b data sets."""

    p: FloatArray  # (b, k), those of the modes and an overall B
    sigma: FloatArray  # (b, k)
    f: NDArray[np.complex128]  # (b, m), with the further atom
    r: FloatArray  # (b,)
    converged: NDArray[np.bool_]  # (b,)
    further: list[FurtherAtom | None]


class _Ends:
    """The most probable end of each of b data sets, of a model with k parameters and, or without, a further atom."""

    def __init__(self, b: int, k: int) -> None:
        self.p, self.sigma = np.zeros((b, k)), np.full((b, k), np.nan)
        self.chi2, self.r = np.full(b, np.inf), np.full(b, np.inf)
        self.converged, self.arrivals = np.zeros(b, bool), np.zeros(b, np.intp)

    def arrive(self, rows: Rows, run: Refinement, *, fresh: bool = False) -> None:
        """Keep what is more probable; count how often the same end has been come to from afresh."""
        ratio = run.chi2 / self.chi2[rows]
        self.arrivals[rows[ratio < 1.0 - _SAME]] = 0
        if fresh:
            self.arrivals[rows[ratio < 1.0 + _SAME]] += 1
        self.put(rows, run, np.flatnonzero(ratio < 1.0))

    def put(self, rows: Rows, run: Refinement, some: Rows) -> None:
        """Take over `some` of the refinements of rows; of those of the same data set the best."""
        order = some[
            np.argsort(-run.chi2[some], kind="stable")
        ]  # what is written last is what stays
        own = rows[order]
        # those of a prior are not scaled: the errors are larger, or smaller, than was said
        goodness = run.figures.goodness[order]
        self.p[own], self.sigma[own] = run.p[order], run.sigma[order] * goodness[:, None]
        self.chi2[own], self.r[own] = run.chi2[order], run.figures.r1[order]
        self.converged[own] = run.converged[order]


def search(
    tools: Tools,
    observed: FloatArray,
    sigma: FloatArray,
    expected: Expected,
    rounds: int,
    seed: int,
) -> Found:
    """Of amplitudes (b, m), NaN where not measured."""
    job = _Search(tools, observed, sigma, expected)
    line, width, first, last = tools.line, expected.width, expected.first, job.last
    job.start(lambda rows: first[rows])
    job.start(lambda rows: line(observed[rows], sigma[rows], width))
    job.start(lambda rows: np.zeros_like(first[rows]), coarse=True)
    last[:] = job.alone.p
    job.begun[:, : first.shape[1]] = first
    job.add_atom()
    for drawn in np.random.default_rng(seed).normal(size=(rounds, first.shape[1])):
        if not len(job.left):
            break
        # the same draw for all data sets: an answer does not depend on the company it is found in
        beside = _SPREAD * width * drawn

        def anew(rows: Rows, beside: FloatArray = beside) -> FloatArray:
            return line(
                observed[rows], sigma[rows], _WIDER * width, _TO_KNOWN * first[rows] + beside
            )

        job.start(
            lambda rows: line(observed[rows], sigma[rows], width, last[rows, : first.shape[1]]),
            fresh=False,
        )
        job.relocate()
        job.start(anew)
        job.add_atom()
    return job.result()


class _Search:
    """What was tried with b data sets, and which of them are `left` to be explained."""

    def __init__(
        self, tools: Tools, observed: FloatArray, sigma: FloatArray, expected: Expected
    ) -> None:
        self.tools, self.observed, self.expected = tools, observed, expected
        b, k = len(observed), len(tools.model)
        seen = Observed(tools.model.hkl, observed, sigma)
        self.error, self.enough = seen.error, seen.explained
        spread = np.where(
            np.array(tools.model.parameters.kinds) == "position", expected.width, np.inf
        )
        self.prior = GaussianPrior.from_sigma(np.zeros(k), spread)
        self.alone, self.joined = _Ends(b, k), _Ends(b, k + 5)
        self.begun, self.last = (
            np.zeros((b, k)),
            np.zeros((b, k)),
        )  # the last start, and where it has led
        self.left = np.arange(b)

    def start(
        self, make: Callable[[Rows], FloatArray], *, coarse: bool = False, fresh: bool = True
    ) -> None:
        """Refine from what `make` says of the modes; `fresh` ends are independent of those before."""
        rows, model = self.left, self.tools.model
        if not len(rows):
            return
        start = np.zeros((len(rows), len(model)))
        start[:, : self.expected.first.shape[1]] = make(rows)
        anneal = (
            [d for d in _ANNEAL if (model.stol <= 0.5 / d).sum() > 2 * len(model)] if coarse else []
        )
        run = self._refine(model, rows, start, self.prior, anneal)
        self.alone.arrive(rows, run, fresh=fresh)
        self.begun[rows], self.last[rows] = start, run.p
        self._drop(self.alone.r <= self.enough)

    def relocate(self) -> None:
        """Move one atom of the most probable end to a few places, with a further atom where that is better."""
        further, tools = self.tools.further, self.tools
        self._relocate(self.left, self.alone, tools.difference, self.prior)
        if further is not None:
            likely = self.left[self.joined.chi2[self.left] < self.alone.chi2[self.left]]
            self._relocate(likely, self.joined, further.joined, further.prior(self.prior))
        self._drop((self.alone.r <= self.enough) | (self.joined.r <= self.enough))

    def _relocate(
        self, rows: Rows, ends: _Ends, difference: Difference, prior: GaussianPrior
    ) -> None:
        starts = [
            relocations(difference, self.observed[row], ends.p[row], self.expected.width, _PLACES)
            for row in rows
        ]
        rows, start = _beside(rows, starts)
        if len(rows):
            ends.arrive(rows, self._refine(difference.model, rows, start, prior))

    def add_atom(self) -> None:
        """Try a further atom beside the last start and what it has led to; leave what needs no more."""
        further = self.tools.further
        if further is not None:
            starts = [
                np.concatenate(
                    [
                        further.starts(self.observed[row], p[row], _ATOMS)
                        for p in (self.begun, self.last)
                    ]
                )
                for row in self.left
            ]
            rows, start = _beside(self.left, starts)
            if len(rows):
                run = self._refine(further.model, rows, start, further.prior(self.prior))
                sensible = np.array([further.sensible(p) for p in run.p])
                self.joined.put(
                    rows, run, np.flatnonzero(sensible & (run.chi2 < self.joined.chi2[rows]))
                )
            self._drop(self.joined.r <= self.enough)
        self._drop((self.alone.arrivals >= _OFTEN) & (self.alone.r < _SOUND))

    def result(self) -> Found:
        b, k, model, further = (
            len(self.observed),
            len(self.tools.model),
            self.tools.model,
            self.tools.further,
        )
        with_atom = self.joined.chi2 < _WORTH * self.alone.chi2
        if further is not None:  # one that has been taken elsewhere may lie where no atom can be
            with_atom &= [further.sensible(p) for p in self.joined.p]
        found = Found(
            np.zeros((b, k)),
            np.zeros((b, k)),
            np.zeros((b, len(model.hkl)), np.complex128),
            np.zeros(b),
            np.zeros(b, bool),
            [None] * b,
        )
        for chosen, ends, own in (
            (~with_atom, self.alone, None),
            (with_atom, self.joined, further),
        ):
            rows = np.flatnonzero(chosen)
            if not len(rows):
                continue
            f = (model if own is None else own.model).structure_factors(ends.p[rows])
            found.p[rows], found.sigma[rows], found.f[rows] = (
                ends.p[rows, :k],
                ends.sigma[rows, :k],
                f,
            )
            found.r[rows], found.converged[rows] = ends.r[rows], ends.converged[rows]
            if own is not None:
                for row in rows.tolist():
                    found.further[row] = own.atom(ends.p[row])
        return found

    def _refine(
        self,
        model: Model,
        rows: Rows,
        start: FloatArray,
        prior: GaussianPrior,
        anneal: Sequence[float] = (),
    ) -> Refinement:
        run = refine(
            model,
            self.observed[rows],
            self.error[rows],
            on="F",
            start=start,
            prior=prior,
            anneal=anneal,
            cycles=_CYCLES,
        )
        if run.interrupted:
            raise KeyboardInterrupt
        return run

    def _drop(self, some: NDArray[np.bool_]) -> None:
        self.left = self.left[~some[self.left]]


def _beside(rows: Rows, starts: Sequence[FloatArray]) -> tuple[Rows, FloatArray]:
    """All starts (j, k) of each of the data sets side by side, and whose they are."""
    if not len(rows):
        return rows, np.empty((0, 0))
    return np.repeat(rows, [len(own) for own in starts]), np.concatenate(starts)
