"""The estimator that needs no learning: least squares from the known structure, see `multistart`."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from itertools import groupby

import numpy as np

from argand.cell import Cell
from argand.crystal import Crystal
from argand.errors import ArgandError
from argand.estimate.estimate import Estimate
from argand.estimate.multistart import BAD, Movable, quickly, thoroughly
from argand.estimate.observed import Observed, on_one_list
from argand.measured import Merged
from argand.radiation import Radiation
from argand.refine import Model, Parameters, free, refine

__all__ = ["LeastSquares"]


class LeastSquares:
    """Positions and an overall B by Levenberg and Marquardt's method, coarse reflections first.

    Hydrogens ride on their carriers, and atoms that share a site move together. Without `refine` a few cycles are made
    on all reflections at once: enough for small displacements.

    Parameters
    ----------
    crystal : the known structure
    radiation : what is scattered; None: x-rays, dispersion left out
    extinction : where there is some, SHELXL's x to begin with: it is refined too, and needs a wavelength
    """

    warning = ""

    def __init__(
        self,
        crystal: Crystal,
        radiation: Radiation | None = None,
        *,
        extinction: float = 0.0,
    ) -> None:
        self.crystal, self.radiation = crystal, radiation or Radiation()
        self._extinction = extinction
        self._still = free(crystal, positions=False, overall_b=True, extinction=extinction != 0.0)
        self._movable = Movable(crystal, self._still)

    @property
    def fingerprint(self) -> str:
        """Of the structure: the same file gives the same."""
        crystal = self.crystal
        parts = (crystal.cell, crystal.symops, crystal.types, self.radiation, self._extinction)
        arrays = (crystal.frac, crystal.occ, crystal.beta())
        text = repr(parts).encode() + b"".join(np.round(array, 6).tobytes() for array in arrays)
        return f"least squares {hashlib.sha256(text).hexdigest()[:16]}"

    def __call__(self, data: Sequence[Merged], *, refine: bool) -> list[Estimate | ArgandError]:
        answers: dict[int, Estimate | ArgandError] = {}
        order = sorted(range(len(data)), key=lambda i: data[i].cell)
        for cell, rows in groupby(order, key=lambda i: data[i].cell):  # one model for each cell
            own = list(rows)
            usable = [i for i in own if len(data[i].hkl) > len(self._movable.riding) + 1]
            few = f"reflections for {len(self._movable.riding)} parameters: too few"
            for i in set(own) - set(usable):
                answers[i] = ArgandError(f"{len(data[i].hkl)} {few}")
            if usable:
                found = self._of(
                    on_one_list([data[i] for i in usable], self.crystal.symops), cell, refine
                )
                answers.update(zip(usable, found, strict=True))
        return [answers[i] for i in range(len(data))]

    def _of(self, seen: Observed, cell: Cell, thorough: bool) -> list[Estimate]:
        movable = self._movable
        riding, loose = (
            self._model(seen, cell, movable.riding),
            self._model(seen, cell, movable.loose),
        )
        kept = (
            thoroughly(movable, riding, loose, seen) if thorough else quickly(movable, riding, seen)
        )
        f = loose.structure_factors(kept.p)
        overall = kept.p[:, movable.loose.of_kind("overall_b")[0]]
        before = refine(
            self._model(seen, cell, self._still), seen.amplitude, seen.error, on="F"
        ).figures.r1
        squares = np.square(movable.moves).sum(axis=2)  # (k, n): whose uncertainty a parameter is
        answers = []
        for row in range(len(f)):
            r = float(kept.r[row])
            flags = []
            if thorough and not kept.converged[row]:
                flags.append("the refinement has not come to rest")
            if r > BAD:
                flags.append(f"R above {BAD}: displaced atoms do not explain the data")
            answers.append(
                Estimate(
                    hkl=seen.hkl,
                    amplitude=seen.amplitude[row] / kept.scale[row],
                    sigma_amplitude=seen.sigma[row] / kept.scale[row],
                    f=f[row],
                    displacement=np.einsum("k,knx->nx", kept.p[row], movable.moves),
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
        model = Model(
            self.crystal,
            seen.hkl,
            parameters,
            radiation=self.radiation,
            extinction=self._extinction,
            mates_merged=True,
        )
        return (
            model
            if np.allclose(cell, self.crystal.cell, rtol=0, atol=1e-6)
            else model.in_cell(cell)
        )
