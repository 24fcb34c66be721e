"""The estimator that needs no learning: least squares from the known structure."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from itertools import groupby

import numpy as np

from argand.cell import Cell, FloatArray
from argand.crystal import Crystal
from argand.errors import ArgandError
from argand.measured import Merged
from argand.refine import GaussianPrior, Model, free, refine
from argand.refine.parameters import FRAC
from argand.series.estimate import Estimate
from argand.series.observed import Observed, on_one_list
from argand.simulate.groups import hydrogen_groups, shared_sites
from argand.site_symmetry import cartesian_axes, position_basis

__all__ = ["LeastSquares"]

_ANNEAL = (3.0, 2.0, 1.4)  # resolutions (angstrom) before all reflections: low angles see large displacements
_CYCLES, _FEW = 30, 8
_WIDTH = 0.3  # angstrom, of the prior along each direction: it holds what the data hardly see, such as hydrogens
_BAD = 0.25  # an R that no crystal like the known one has


class LeastSquares:
    """Positions and an overall B by Levenberg and Marquardt's method, coarse reflections first.

    Hydrogens ride on their carriers, and atoms that share a site move together. Without `refine` a few cycles are made
    on all reflections at once: enough for small displacements.
    """

    warning = ""

    def __init__(self, crystal: Crystal, table: str = "it92") -> None:
        self.crystal, self.table = crystal, table
        self._parameters = free(crystal, positions=_moves_of(crystal), overall_b=True)
        self._moves = self._parameters.directions[:, :, FRAC] @ cartesian_axes(crystal).T  # (k, n, 3)
        width = np.where(np.array(self._parameters.kinds) == "position", _WIDTH, np.inf)
        self._prior = GaussianPrior.from_sigma(np.zeros(len(self._parameters)), width)
        self._orthonormal = np.linalg.norm(self._moves, axis=2)  # (k, n): whose uncertainty a parameter is

    @property
    def fingerprint(self) -> str:
        """Of the structure: the same file gives the same."""
        crystal = self.crystal
        parts = (crystal.cell, crystal.symops, crystal.types, self.table)
        arrays = (crystal.frac, crystal.occ, crystal.beta())
        text = repr(parts).encode() + b"".join(np.round(array, 6).tobytes() for array in arrays)
        return f"least squares {hashlib.sha256(text).hexdigest()[:16]}"

    def __call__(self, data: Sequence[Merged], *, refine: bool) -> list[Estimate | ArgandError]:
        answers: dict[int, Estimate | ArgandError] = {}
        order = sorted(range(len(data)), key=lambda i: data[i].cell)
        for cell, rows in groupby(order, key=lambda i: data[i].cell):  # one model for each cell
            own = list(rows)
            usable = [i for i in own if len(data[i].hkl) > len(self._parameters) + 1]
            few = f"reflections for {len(self._parameters)} parameters: too few"
            for i in set(own) - set(usable):
                answers[i] = ArgandError(f"{len(data[i].hkl)} {few}")
            if usable:
                found = self._of(on_one_list([data[i] for i in usable], self.crystal.symops), cell, refine)
                answers.update(zip(usable, found, strict=True))
        return [answers[i] for i in range(len(data))]

    def _of(self, seen: Observed, cell: Cell, thorough: bool) -> list[Estimate]:
        model = Model(self.crystal, seen.hkl, self._parameters, table=self.table)
        if not np.allclose(cell, self.crystal.cell, rtol=0, atol=1e-6):
            model = model.in_cell(cell)
        anneal, cycles = (_ANNEAL, _CYCLES) if thorough else ((), _FEW)
        coarse = [d for d in anneal if (model.stol <= 0.5 / d).sum() > 2 * len(model)]
        found = refine(model, seen.amplitude, seen.sigma, on="F", prior=self._prior, anneal=coarse, cycles=cycles)
        f = model.structure_factors(found.p)
        overall = found.p[:, self._parameters.of_kind("overall_b")[0]]
        before = self._known(model, seen)
        # those of a prior are not scaled: errors that the sigmas of the data do not tell of
        sigma = found.sigma * np.maximum(found.figures.goodness, 1.0)[:, None]
        answers = []
        for row in range(len(f)):
            r = float(found.figures.r1[row])
            flags = []
            if thorough and not found.converged[row]:
                flags.append("the refinement has not come to rest")
            if r > _BAD:
                flags.append(f"R above {_BAD}: displaced atoms do not explain the data")
            answers.append(
                Estimate(
                    hkl=seen.hkl,
                    amplitude=seen.amplitude[row] / found.scale[row],
                    sigma_amplitude=seen.sigma[row] / found.scale[row],
                    f=f[row],
                    displacement=np.einsum("k,knx->nx", found.p[row], self._moves),
                    sigma=np.sqrt(np.square(self._orthonormal).T @ np.square(np.nan_to_num(sigma[row]))),
                    r_known=float(before[row]),
                    r=r,
                    scale=float(found.scale[row]),
                    b_change=float(overall[row]),
                    flags=tuple(flags),
                )
            )
        return answers

    def _known(self, model: Model, seen: Observed) -> FloatArray:
        """R (b,) of the known structure with the best scale and overall B."""
        still = free(self.crystal, positions=False, overall_b=True)
        plain = Model(model.crystal, seen.hkl, still, table=self.table)
        return np.asarray(refine(plain, seen.amplitude, seen.sigma, on="F").figures.r1)


def _moves_of(crystal: Crystal) -> FloatArray:
    """Modes (k, n, 3): the free directions of the sites that lead; others follow where their symmetry lets them."""
    n = len(crystal.types)
    leader = np.arange(n)
    for group in hydrogen_groups(crystal):
        heavy = [i for i in group if crystal.types[i] not in ("H", "D")]
        leader[group] = heavy[0] if heavy else group[0]
    leader = shared_sites(crystal)[leader]
    bases = [position_basis(crystal, i) for i in range(n)]
    leader = np.array([j if _allows(bases[i], bases[j]) else i for i, j in enumerate(leader)], dtype=np.intp)
    modes = np.zeros((sum(len(bases[i]) for i in np.unique(leader)), n, 3))
    k = 0
    for i in np.unique(leader):
        for direction in bases[i]:
            modes[k, leader == i] = direction
            k += 1
    return modes


def _allows(follower: FloatArray, directions: FloatArray) -> bool:
    """Whether a site may go wherever another one goes."""
    return bool(np.allclose(directions @ follower.T @ follower, directions, atol=1e-6))
