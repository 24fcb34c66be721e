"""A known crystal, made ready for crystals like it: what `argand adapt` makes and `argand predict` applies."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from argand.adapt.ambiguity import WARNING, Mirror, ambiguity
from argand.adapt.linear import Linear
from argand.adapt.width import WidthCurve
from argand.cell import Cell, FloatArray
from argand.crystal import Crystal
from argand.errors import ArgandError
from argand.estimate.difference import Difference
from argand.estimate.estimate import Answer, Estimate, FurtherAtom
from argand.estimate.further_atom import WithFurtherAtom
from argand.estimate.linearisation import Linearisation
from argand.estimate.observed import Observed, on_one_list
from argand.estimate.scale import disagreement, fit_scale
from argand.estimate.search import Expected, Tools, search
from argand.measured import Merged
from argand.radiation import Radiation
from argand.refine import Model, Parameters, free
from argand.reflections import stol

if TYPE_CHECKING:
    from argand.adapt.network import Network

__all__ = ["Adaptation", "Rung"]

_BAD = 0.25  # an R that no crystal like the known one has once its atoms are in place
_FEW, _STRAIN = (
    0.8,
    0.05,
)  # the least share of the reflections, the most that a cell edge may differ by
_B_SIGMAS = 4.0
_KEPT = 4


@dataclass(frozen=True, eq=False)
class Rung:
    """What was learned of crystals whose atoms have moved by about `width` (angstrom, rms in three dimensions)."""

    width: float
    expected: FloatArray  # (m,) mean |F|
    error: FloatArray  # (m,) its standard deviation
    linear: Linear
    network: Network | None = None  # where it is better than the regression alone: what that misses

    def __call__(self, amplitude: FloatArray) -> tuple[FloatArray, FloatArray]:
        """p (b, k) of amplitudes (b, m) on an absolute scale, NaN where not measured, and how far they lie off (b,)."""
        x = self.linear.standard(amplitude)
        p = self.linear.at(x)
        return p if self.network is None else p + self.network.beyond(x), self.linear.distance(
            amplitude
        )


@dataclass(frozen=True, eq=False)
class Adaptation:
    """An `argand.series.Estimator` of the displacements of a known crystal.

    Attributes
    ----------
    crystal : the known structure
    hkl : (m, 3) reflections of the regression
    modes : (k, n, 3) displacements, angstrom, whose sum with factors from N(0, width^2) is expected
    rungs : the regressions, small widths first
    curve : the width that an R(|Fo|, |F0|) means
    about : how it was made, and what it reaches on samples that were not used; goes into its JSON file
    rounds : how many further starts a refinement may try
    radiation : what is scattered
    extinction : SHELXL's x of the known structure; where there is some it is refined too
    """

    crystal: Crystal
    hkl: NDArray[np.int32]
    modes: FloatArray
    rungs: tuple[Rung, ...]
    curve: WidthCurve
    about: dict[str, Any] = field(default_factory=dict)
    rounds: int = 12
    radiation: Radiation = Radiation()
    extinction: float = 0.0

    @cached_property
    def positions(self) -> Parameters:
        """The modes as parameters of a refinement."""
        return free(self.crystal, positions=self.modes)

    @cached_property
    def parameters(self) -> Parameters:
        """The modes, an overall B, and extinction where there is some."""
        own = self.positions
        still = free(
            self.crystal, positions=False, overall_b=True, extinction=self.extinction != 0.0
        )
        return own + still

    @cached_property
    def _ready(self) -> dict[tuple[Cell, bytes], Tools]:
        return {}

    def tools(self, hkl: NDArray[np.int32], cell: Cell) -> Tools:
        """What works on a list of reflections in a cell; the last ones are kept, since series are much alike."""
        key = cell, np.ascontiguousarray(hkl).tobytes()
        if key not in self._ready:
            crystal = self.crystal.replace(cell=cell)
            model = Model(
                crystal,
                hkl,
                self.parameters,
                radiation=self.radiation,
                extinction=self.extinction,
                mates_merged=True,
            )
            if len(self._ready) >= _KEPT:
                del self._ready[next(iter(self._ready))]
            line, difference = (
                Linearisation(crystal, hkl, self.positions, self.radiation),
                Difference(model),
            )
            extra = self.about.get("unmodelled")
            further = None if extra is None else WithFurtherAtom(difference, extra)
            self._ready[key] = Tools(model, line, difference, further)
        return self._ready[key]

    @cached_property
    def stol(self) -> FloatArray:
        return stol(self.hkl, self.crystal.cell)

    @cached_property
    def mirror(self) -> Mirror | None:
        """What turns an answer into the other one, where the parent's symmetry makes it ambiguous."""
        return ambiguity(self.crystal, self.modes)

    @property
    def warning(self) -> str:
        return "" if self.mirror is None else WARNING

    @property
    def fingerprint(self) -> str:
        """Of what was learned."""
        digest = hashlib.sha256(np.ascontiguousarray(np.round(self.crystal.frac, 6)).tobytes())
        for rung in self.rungs:
            digest.update(rung.linear.weights.tobytes())
            for tensor in () if rung.network is None else rung.network.tensors().values():
                digest.update(tensor.tobytes())
        return f"adaptation {digest.hexdigest()[:16]}"

    def __call__(self, data: Sequence[Merged], *, refine: bool) -> list[Estimate | ArgandError]:
        answers: list[Estimate | ArgandError] = [ArgandError("")] * len(data)
        order = sorted(range(len(data)), key=lambda i: data[i].cell)
        fewest = len(self.modes) + 2
        for cell, rows in groupby(order, key=lambda i: data[i].cell):  # one model for each cell
            usable = []
            for i in rows:
                if len(data[i].hkl) < fewest:
                    words = f"{len(data[i].hkl)} reflections for {fewest - 1} parameters: too few"
                elif wrong := self._other_cell(cell):
                    words = wrong
                else:
                    usable.append(i)
                    continue
                answers[i] = ArgandError(words)
            if usable:
                seen = on_one_list([data[i] for i in usable], self.crystal.symops)
                for i, estimate in zip(
                    usable, self.estimate(seen, cell, refine=refine), strict=True
                ):
                    answers[i] = estimate
        return answers

    def estimate(self, seen: Observed, cell: Cell | None = None, *, refine: bool) -> list[Estimate]:
        """Answers for data sets on one list of reflections; `cell` where it is not the known one."""
        work = _Work(self, seen, cell or self.crystal.cell)
        return work.refined() if refine else work.at_once()

    def save(self, path: str | Path) -> Path:
        """Write a folder that `load` and `argand predict` read: safetensors and JSON, each whole or not at all."""
        from argand.adapt.store import save_adaptation

        return save_adaptation(self, path)

    @classmethod
    def load(cls, path: str | Path) -> Adaptation:
        """Read a folder that `save` wrote."""
        from argand.adapt.store import load_adaptation

        return load_adaptation(path)

    def _other_cell(self, cell: Cell) -> str:
        off = np.abs(np.array(cell[:3]) / self.crystal.cell[:3] - 1.0).max()
        turned = np.abs(np.radians(np.array(cell[3:]) - self.crystal.cell[3:])).max()
        if max(off, turned) <= _STRAIN:
            return ""
        return f"the cell {' '.join(f'{x:g}' for x in cell)} is not that of a crystal like the known one"


class _Work:
    """An adaptation at work on data sets of one list of reflections and one cell."""

    def __init__(self, made: Adaptation, seen: Observed, cell: Cell) -> None:
        self.made, self.seen = made, seen
        self.tools = made.tools(seen.hkl, cell)
        self.model = self.tools.model
        self.squares = np.square(self.model.stol)
        b, k = len(seen.amplitude), len(made.modes)
        self.still = np.zeros((b, k))
        self.r_known, _, _ = self._r(self.still)
        self.width = made.curve(self.r_known)
        rungs = np.log([rung.width for rung in made.rungs])
        self.rung = np.abs(np.log(self.width)[:, None] - rungs).argmin(axis=1)
        self.own = _on(made.hkl, seen)
        self.regression, self.far = self._regression()

    def at_once(self) -> list[Estimate]:
        """By the regression alone."""
        r, _, b = self._r(self.regression)
        modes = self.made.modes
        sigma = np.empty((len(b), modes.shape[1]))
        for i in np.unique(self.rung):
            sigma[self.rung == i] = _of_sites(self.made.rungs[i].linear.covariance, modes)
        p = self._with_b(self.regression, b)
        return self._answers(
            p, sigma, self.model.structure_factors(p), [None] * len(p), self._flags(r, b)
        )

    def refined(self) -> list[Estimate]:
        made, b = self.made, len(self.still)
        p, sigma = np.zeros((b, len(self.model))), np.empty((b, made.modes.shape[1]))
        f, r, rest = (
            np.empty(self.seen.amplitude.shape, np.complex128),
            np.empty(b),
            np.empty(b, bool),
        )
        further: list[FurtherAtom | None] = [None] * b
        lengths = np.square(made.modes).sum(axis=2)  # (k, n)
        for i in np.unique(self.rung):
            own = np.flatnonzero(self.rung == i)
            rung = made.rungs[i]
            expected = Expected(rung.width, self.regression[own])
            found = search(
                self.tools,
                self.seen.amplitude[own],
                self.seen.sigma[own],
                expected,
                made.rounds,
                int(made.about.get("seed", 0)),
            )
            p[own], f[own], r[own], rest[own] = found.p, found.f, found.r, found.converged
            sigma[own] = np.sqrt(
                np.square(np.nan_to_num(found.sigma[:, : len(made.modes)])) @ lengths
            )
            for row, atom in zip(own.tolist(), found.further, strict=True):
                further[row] = atom
        flags = self._flags(r, p[:, len(made.modes)])
        for row, atom in enumerate(further):
            if atom is not None:
                place = ", ".join(f"{x:.3f}" for x in atom.frac)
                flags[row].append(
                    f"an atom that the known crystal lacks: {atom.occ:.2f} {atom.type} at {place}"
                )
            if not rest[row]:
                flags[row].append("the refinement has not come to rest")
        return self._answers(p, sigma, f, further, flags)

    def _answers(
        self,
        p: FloatArray,
        sigma: FloatArray,
        f: NDArray[np.complex128],
        further: Sequence[FurtherAtom | None],
        flags: Sequence[Sequence[str]],
    ) -> list[Estimate]:
        scale = _best_scale(self.seen.amplitude, np.abs(f))
        r = disagreement(self.seen.amplitude, scale[:, None] * np.abs(f))
        u = np.einsum("bk,knx->bnx", p[:, : len(self.made.modes)], self.made.modes)
        others = self._others(p, u, further)
        return [
            Estimate(
                hkl=self.seen.hkl,
                amplitude=self.seen.amplitude[row] / scale[row],
                sigma_amplitude=self.seen.sigma[row] / scale[row],
                f=f[row],
                displacement=u[row],
                sigma=sigma[row],
                r_known=float(self.r_known[row]),
                r=float(r[row]),
                scale=float(scale[row]),
                b_change=float(p[row, len(self.made.modes)]),
                flags=tuple(flags[row]),
                other=others[row],
                further=further[row],
            )
            for row in range(len(p))
        ]

    def _others(
        self, p: FloatArray, u: FloatArray, further: Sequence[FurtherAtom | None]
    ) -> Sequence[Answer | None]:
        """The other answer of each, where there is one."""
        mirror, k = self.made.mirror, len(self.made.modes)
        if mirror is None:
            return [None] * len(p)
        turned = mirror(u)
        across = np.concatenate([self.model.from_displacements(turned)[:, :k], p[:, k:]], axis=1)
        f, others = self.model.structure_factors(across), []
        for row, atom in enumerate(map(mirror.image, further)):
            if atom is not None and self.tools.further is not None:
                f[row] = self.tools.further.model.structure_factors(
                    self.tools.further.joint(across[row], atom)
                )
            others.append(Answer(turned[row], f[row], atom))
        return others

    def _r(self, p: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """R, scale and B (b,) of p (b, k) without B."""
        calculated = np.abs(self.model.structure_factors(self._with_b(p, np.zeros(len(p)))))
        scale, b = fit_scale(self.seen.amplitude, calculated, self.squares)
        calculated *= scale[:, None] * np.exp(-b[:, None] * self.squares)
        return disagreement(self.seen.amplitude, calculated), scale, b

    def _with_b(self, p: FloatArray, b: FloatArray) -> FloatArray:
        """All parameters of the model, of p (b, k) of the modes and B (b,); extinction is that of the known crystal."""
        whole = np.zeros((len(p), len(self.model)))
        whole[:, : p.shape[1]], whole[:, p.shape[1]] = p, b
        return whole

    def _regression(self) -> tuple[FloatArray, FloatArray]:
        """p (b, k) by the rung that fits and its neighbours, the lowest R kept, the known structure among them."""
        best, r = self.still.copy(), self.r_known.copy()
        far, rung = np.full(len(r), np.inf), self.rung.copy()
        on = self.own
        squares = np.square(self.made.stol)
        for step in (0, -1, 1):
            chosen = self.rung + step
            p, distance = self.still.copy(), np.full(len(r), np.inf)
            for i in np.unique(chosen[(chosen >= 0) & (chosen < len(self.made.rungs))]):
                rows, learned = np.flatnonzero(chosen == i), self.made.rungs[i]
                scale, b = fit_scale(on[rows], learned.expected, squares, learned.error**-2.0)
                absolute = on[rows] / (scale[:, None] * np.exp(-b[:, None] * squares))
                p[rows], distance[rows] = learned(absolute)
            found, _, _ = self._r(p)
            better = found < r
            best[better], r[better] = p[better], found[better]
            rung[better] = chosen[better]
            far = np.minimum(far, distance)
        self.rung = rung
        return best, far

    def _flags(self, r: FloatArray, b: FloatArray) -> list[list[str]]:
        made, flags = self.made, []
        completeness = np.isfinite(self.own).mean(axis=1)
        widest, most = (
            made.rungs[-1].width,
            _B_SIGMAS * max(float(made.about.get("b_change", 0.5)), 0.1),
        )
        for row in range(len(r)):
            own = []
            if (
                self.width[row] >= 0.999 * min(widest, float(made.curve.width[-1]))
                and r[row] > 0.5 * _BAD
            ):
                own.append(
                    f"differs as much as, or more than, crystals whose atoms moved by {widest:g} angstrom"
                )
            if self.far[row] > 1.5:
                own.append("amplitudes unlike any it was made for")
            if abs(b[row]) > most:
                own.append(f"B differs by {b[row]:.1f} A^2, more than it was made for")
            if completeness[row] < _FEW:
                own.append(
                    f"lacks {100 * (1 - completeness[row]):.0f} % of the reflections it was made for"
                )
            if r[row] > _BAD:
                own.append(f"R above {_BAD}: displaced atoms do not explain the data")
            flags.append(own)
        return flags


def _on(hkl: NDArray[np.int32], seen: Observed) -> FloatArray:
    """Amplitudes (b, m) of the reflections hkl (m, 3); NaN where a set lacks one."""
    where = {tuple(index): i for i, index in enumerate(seen.hkl.tolist())}
    at = np.array([where.get(tuple(index), -1) for index in hkl.tolist()])
    return np.where(at >= 0, seen.amplitude[:, at], np.nan)


def _best_scale(observed: FloatArray, calculated: FloatArray) -> FloatArray:
    seen = np.isfinite(observed)
    o, c = np.where(seen, observed, 0.0), seen * calculated
    return np.asarray(
        (o * c).sum(axis=1) / np.maximum(np.square(c).sum(axis=1), np.finfo(float).tiny)
    )


def _of_sites(covariance: FloatArray, modes: FloatArray) -> FloatArray:
    """Standard uncertainty (n,) of sites in three dimensions."""
    squares = np.einsum("knx,knx->n", np.tensordot(covariance, modes, axes=1), modes)
    return np.asarray(np.sqrt(np.maximum(squares, 0.0)))
