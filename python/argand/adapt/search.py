"""Refinement from several starts, the most probable kept: the known structure alone leads home from nearby only.

In this order, each for the data sets that are not yet explained to within their errors: the regression, statistical
linearisation from the known structure, the known structure with the low angles first, and statistical linearisation
from starts drawn from what the regression leaves uncertain. The most probable is the one with the lowest chi^2, the
prior's share included: where the data hold what no displacement explains, the lowest R is that of the widest detour.

Data that stay unexplained have larger errors than they say. They are refined once more with errors that explain them,
beside which what the regression has found weighs as it should: it has learned of atoms that no model has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from argand.adapt.linearisation import Linearisation
from argand.cell import FloatArray
from argand.refine import GaussianPrior, Model, Refinement, refine

__all__ = ["Found", "search"]

_FLOOR = 0.03  # of the mean amplitude: what a model is wrong by, whatever the counting says
_ANNEAL = (3.0, 2.0, 1.4)
_CYCLES = 30
_SHARE = 0.8  # of the width that a further start leaves open


class Found(NamedTuple):
    """The best refinement of each of b data sets."""

    p: FloatArray  # (b, k), those of the modes and an overall B
    sigma: FloatArray  # (b, k)
    scale: FloatArray  # (b,)
    r: FloatArray  # (b,)
    converged: FloatArray  # (b,) 1 or 0
    chi2: FloatArray  # (b,)
    goodness: FloatArray  # (b,)


def search(
    model: Model,
    line: Linearisation,
    observed: FloatArray,
    sigma: FloatArray,
    width: float,
    first: FloatArray,
    covariance: FloatArray,
    rounds: int,
    seed: int,
) -> Found:
    """Of amplitudes (b, m), NaN where not measured; `first` (b, k) is the answer of the regression, without B."""
    b, k = len(observed), len(model)
    mean = np.nanmean(observed, axis=1, keepdims=True)
    error = np.sqrt(np.square(sigma) + np.square(_FLOOR * mean))
    spread = np.where(np.array(model.parameters.kinds) == "position", width, np.inf)
    prior = GaussianPrior.from_sigma(np.zeros(k), spread)
    enough = 0.005 + 1.1 * np.nansum(sigma, axis=1) * np.sqrt(2.0 / np.pi) / np.nansum(observed, axis=1)
    best = Found(np.zeros((b, k)), np.full((b, k), np.nan), *(np.full(b, np.inf) for _ in range(5)))
    left = np.arange(b)
    for start, coarse in _starts(line, observed, sigma, width, first, covariance, rounds, seed):
        whole = np.zeros((len(left), k))
        whole[:, : first.shape[1]] = start(left)
        anneal = [d for d in _ANNEAL if (model.stol <= 0.5 / d).sum() > 2 * k] if coarse else []
        run = refine(
            model, observed[left], error[left], on="F", start=whole, prior=prior, anneal=anneal, cycles=_CYCLES
        )
        better = run.chi2 < best.chi2[left]
        _keep(best, left[better], run, better)
        if run.interrupted:
            raise KeyboardInterrupt
        left = left[best.r[left] > enough[left]]
        if not len(left):
            break
    if len(left):
        wider = error[left] * np.maximum(best.goodness[left], 1.0)[:, None]
        learned = _learned(first[left], covariance, k)
        run = refine(model, observed[left], wider, on="F", start=best.p[left], prior=learned, cycles=_CYCLES)
        _keep(best, left, run, np.ones(len(left), bool))
    return best


def _learned(first: FloatArray, covariance: FloatArray, k: int) -> GaussianPrior:
    """What the regression says of the modes, which come first among k parameters; the others are free."""
    modes = first.shape[1]
    mean, precision = np.zeros((len(first), k)), np.zeros((k, k))
    mean[:, :modes], precision[:modes, :modes] = first, np.linalg.inv(covariance)
    return GaussianPrior(mean, precision)


def _keep(best: Found, rows: NDArray[np.intp], run: Refinement, some: NDArray[np.bool_]) -> None:
    goodness = run.figures.goodness  # those of a prior are not scaled: the errors are larger, or smaller, than was said
    rest = run.converged.astype(np.float64)
    new = (run.p, run.sigma * goodness[:, None], run.scale, run.figures.r1, rest, run.chi2, goodness)
    for kept, value in zip(best, new, strict=True):
        kept[rows] = value[some]


def _starts(
    line: Linearisation,
    observed: FloatArray,
    sigma: FloatArray,
    width: float,
    first: FloatArray,
    covariance: FloatArray,
    rounds: int,
    seed: int,
) -> Iterator[tuple[Callable[[NDArray[np.intp]], FloatArray], bool]]:
    """What makes starts of the data sets that are given to it, and whether they need the low angles first."""
    yield lambda rows: first[rows], False
    yield lambda rows: line(observed[rows], sigma[rows], width), False
    yield lambda rows: np.zeros((len(rows), first.shape[1])), True
    root = np.linalg.cholesky(covariance)
    for drawn in np.random.default_rng(seed).normal(size=(rounds, first.shape[1])):
        off = root @ drawn  # the same for all data sets: an answer does not depend on the company it is found in

        def beside(rows: NDArray[np.intp], off: FloatArray = off) -> FloatArray:
            return line(observed[rows], sigma[rows], _SHARE * width, first[rows] + off)

        yield beside, False
