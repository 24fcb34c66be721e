"""Samples of a known crystal, changed and measured: each a pure function of (seed, index)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse
from numpy.typing import NDArray

from argand.cell import FloatArray
from argand.copies import Copies
from argand.crystal import Crystal
from argand.errors import ArgandError
from argand.radiation import Radiation
from argand.reflections import as_hkl, miller_indices, stol
from argand.simulate.content import coincident, in_voids, shares
from argand.simulate.displacements import allowed_modes, drift
from argand.simulate.groups import chosen_sites
from argand.simulate.measurement import Measurement, measure
from argand.simulate.perturbation import Perturbation
from argand.simulate.random import Purpose, normals
from argand.simulate.samples import Samples
from argand.simulate.strain import strained_cells
from argand.simulate.widths import draw_widths, upper
from argand.site_symmetry import cartesian_axes

__all__ = ["Simulation"]

_CHUNK = 256  # samples that are computed at once: their arrays fit the cache of a small machine


class Simulation:
    """Crystals drawn from a distribution around a known one, and what is measured of them.

    Parameters
    ----------
    crystal
        The known structure. With `perturbation.symmetry` "broken" all of this is about its cell in P 1.
    perturbation, measurement
        What may differ, and how it is measured.
    d_min, hkl
        Reflections to a resolution (angstrom), or a list (m, 3).
    seed
        Of all random numbers.
    radiation
        What is scattered; None: x-rays, dispersion left out.
    dtype
        "float32" (the error is that of rounding, some 1e-6 of the largest F) or "float64".

    Attributes
    ----------
    crystal, hkl, stol, symops
        What is simulated: sites, reflections (m, 3), their sin(theta)/lambda (m,).
    f0 : (m,) complex128, structure factors of the known crystal
    modes : M of `argand.simulate.displacements` for each kind of displacement, (3n, k) sparse
    """

    def __init__(
        self,
        crystal: Crystal,
        perturbation: Perturbation | None = None,
        measurement: Measurement | None = None,
        *,
        d_min: float | None = None,
        hkl: npt.ArrayLike | None = None,
        seed: int = 0,
        radiation: Radiation | None = None,
        dtype: str = "float32",
    ) -> None:
        if not crystal.types:
            raise ArgandError("the crystal has no atoms")
        if (d_min is None) == (hkl is None):
            raise ArgandError("reflections must be given either by d_min or as hkl")
        self.perturbation = perturbation or Perturbation()
        self.measurement = measurement or Measurement()
        self.crystal = crystal.to_p1() if self.perturbation.symmetry == "broken" else crystal
        self.seed, self.dtype = seed, dtype
        self.radiation = radiation or Radiation()
        self.hkl = (
            as_hkl(hkl)
            if hkl is not None
            else miller_indices(self.crystal.cell, self.crystal.symops, d_min or 0.0)
        )
        if not len(self.hkl):
            raise ArgandError(f"there are no reflections to {d_min} angstrom: give a smaller d_min")
        self.stol = stol(self.hkl, self.crystal.cell)
        self._atoms = self.crystal.to_p1().frac
        self._to_frac = np.linalg.inv(cartesian_axes(self.crystal)).T
        self._prepare()

    def _prepare(self) -> None:
        n, changes = len(self.crystal.types), self.perturbation
        self.modes = [allowed_modes(kind, self.crystal) for kind in changes.displacements]
        self._all_modes = scipy.sparse.csr_array(
            scipy.sparse.hstack([*self.modes, scipy.sparse.csr_array((3 * n, 0))], format="csr")
        )
        self._widths = [getattr(kind, "rms", 1.0) for kind in changes.displacements]
        self._kind = np.repeat(np.arange(len(self.modes)), [modes.shape[1] for modes in self.modes])
        every_site_moves = any(
            getattr(kind, "atoms", None) is None for kind in changes.displacements
        )
        self._drift = drift(self.crystal) if changes.fix_origin and every_site_moves else None
        self._replaced = [
            chosen_sites(self.crystal, change.atoms) for change in changes.substitutions
        ]
        parent, types, b_iso = [], [], []
        for change, sites in zip(changes.substitutions, self._replaced, strict=True):
            if change.by is not None:
                parent += list(sites)
                types += [change.by] * len(sites)
        b_iso += [0.0] * len(parent)
        extra = changes.unmodelled
        if extra is not None:
            parent += [-1] * extra.number
            types += [extra.type] * extra.number
            b_iso += [extra.b_iso] * extra.number
        self._parent = np.array(parent, dtype=np.intp)
        self._types = tuple(types)
        self._copies = Copies(
            self.crystal,
            self.hkl,
            self.radiation,
            further_types=self._types,
            further_parents=self._parent,
            further_b_iso=np.array(b_iso),
            dtype=self.dtype,
        )
        exact = Copies(self.crystal, self.hkl, self.radiation)
        frac, occ = self.crystal.frac[None], self.crystal.occ[None]
        self.f0 = exact.structure_factors(frac, exact.beta(), occ)[0]

    @property
    def symops(self) -> tuple[str, ...]:
        return self.crystal.symops

    def draw(self, indices: Sequence[int] | NDArray[np.int64] | range) -> Samples:
        """Samples of the given indices; sample i is the same in whatever company it is drawn."""
        index = np.asarray(indices, dtype=np.int64)
        if index.ndim != 1 or not len(index):
            raise ValueError(f"indices has shape {index.shape}, needs (b,) with b > 0")
        parts = [
            self._draw(index[start : start + _CHUNK]) for start in range(0, len(index), _CHUNK)
        ]
        return (
            parts[0] if len(parts) == 1 else Samples(*map(np.concatenate, zip(*parts, strict=True)))
        )

    def displacements(self, index: NDArray[np.int64]) -> FloatArray:
        """(b, n, 3) Cartesian displacements of samples `index`, without anything else being computed."""
        drawn, share = self._ramp(index)
        widths = draw_widths(self._widths, self.seed, drawn, Purpose.WIDTH) * share[:, None]
        z = (
            normals(self.seed, drawn, self._all_modes.shape[1], Purpose.DISPLACEMENT)
            * widths[:, self._kind]
        )
        u = np.asarray(self._all_modes @ z.T)  # sparse: a column does not depend on those beside it
        if self._drift is not None:
            directions, centre = self._drift
            u -= np.tile(directions @ np.asarray(centre @ u), (len(self.crystal.types), 1))
        return np.ascontiguousarray(u.T).reshape(len(index), -1, 3)

    def structure_factors(self, displacement: npt.ArrayLike) -> NDArray[Any]:
        """F (b, m) of the known crystal with its sites displaced (b, n, 3), Cartesian angstrom, and nothing else."""
        u = np.asarray(displacement, dtype=np.float64)
        n = len(self.crystal.types)
        if u.ndim != 3 or u.shape[1:] != (n, 3):
            raise ValueError(f"displacement has shape {u.shape}, needs (b, {n}, 3)")
        frac = self._places(u, np.zeros((len(u), self._own(), 3)))
        occ = np.zeros((len(u), frac.shape[1]))
        occ[:, :n] = self.crystal.occ
        return self._copies.structure_factors(frac, self._copies.beta(), occ)

    def true_crystal(self, samples: Samples, i: int) -> Crystal:
        """The crystal of sample i, with what replaces sites and with its unmodelled atoms."""
        n = len(self.crystal.types)
        further = self._parent
        own = further < 0
        frac = np.concatenate(
            [samples.frac[i], samples.frac[i][further[~own]], samples.unmodelled[i]]
        )
        factor = np.concatenate([samples.vibration[i], samples.vibration[i][further[~own]]])
        b_iso = np.concatenate([self.crystal.b_iso, self.crystal.b_iso[further[~own]]]) * factor
        extra = self.perturbation.unmodelled
        b_iso = np.concatenate([b_iso, np.full(own.sum(), 0.0 if extra is None else extra.b_iso)])
        u_aniso = self.crystal.u_aniso
        if u_aniso is not None:
            u_aniso = np.concatenate([u_aniso, u_aniso[further[~own]]]) * factor[:, None]
            u_aniso = np.concatenate([u_aniso, np.full((own.sum(), 6), np.nan)])
        labels = [
            self.crystal.labels[p] + t if p >= 0 else f"{t}x"
            for p, t in zip(further, self._types, strict=True)
        ]
        there = np.concatenate([np.ones(n, bool), samples.occ[i, n:] > 0])
        occ = samples.occ[i].copy()
        occ[n:][own] *= coincident(self.crystal, samples.unmodelled[i])
        crystal = Crystal(
            cell=tuple(samples.cell[i]),
            symops=self.crystal.symops,
            types=(*self.crystal.types, *self._types),
            frac=frac,
            occ=occ,
            b_iso=b_iso,
            u_aniso=u_aniso,
            labels=(*self.crystal.labels, *labels),
        )
        return _subset(crystal, there)

    def _draw(self, index: NDArray[np.int64]) -> Samples:
        u = self.displacements(index)
        vibration = self._vibration(index)
        cell = self._strained(index)
        changes, extra = self.perturbation.substitutions, self.perturbation.unmodelled
        unmodelled, theirs = in_voids(self.crystal, self._atoms, extra, self.seed, index)
        frac = self._places(u, unmodelled)
        occ = np.concatenate(
            [*shares(changes, self._replaced, self.crystal.occ, self.seed, index), theirs], axis=1
        )
        n = len(self.crystal.types)
        factors = None
        if self.perturbation.vibration != 0.0:
            rows = np.concatenate([np.arange(n), self._parent])
            factors = np.where(rows < 0, 1.0, vibration[:, np.maximum(rows, 0)])
        strained = upper(self.perturbation.strain) > 0
        cells = cell if strained else None
        f = self._copies.structure_factors(
            frac, self._copies.beta(cells), occ, beta_factors=factors, cells=cells
        )
        s = (
            self.stol[None]
            if not strained
            else np.stack([stol(self.hkl, tuple(own)) for own in cell])
        )
        axes = np.asarray(np.linalg.inv(cartesian_axes(self.crystal)), np.float64)
        modulus = np.abs(f).astype(np.float64)
        seen = measure(self.measurement, self.seed, index, modulus, s, self.hkl, self.symops, axes)
        return Samples(
            sample=index,
            f=f,
            amplitude=np.sqrt(np.maximum(seen.intensity, 0.0)),
            intensity=seen.intensity,
            sigma=seen.sigma,
            mask=seen.mask,
            displacement=u,
            frac=frac[:, :n],
            occ=occ,
            vibration=vibration,
            unmodelled=unmodelled,
            cell=cell,
            scale=seen.scale,
            b_change=seen.b_change,
        )

    def _ramp(self, index: NDArray[np.int64]) -> tuple[NDArray[np.int64], FloatArray]:
        """Which sample is drawn for each, and the share of it that is taken."""
        length = self.perturbation.ramp
        if length is None:
            return index, np.ones(len(index))
        return np.zeros_like(index), (index % length) / (length - 1)

    def _own(self) -> int:
        """How many atoms have places of their own."""
        return int((self._parent < 0).sum())

    def _places(self, u: FloatArray, unmodelled: FloatArray) -> FloatArray:
        """(b, rows, 3) fractional."""
        sites = self.crystal.frac + np.einsum("bnc,cf->bnf", u, self._to_frac)
        return np.concatenate(
            [sites, sites[:, self._parent[self._parent >= 0]], unmodelled], axis=1
        )

    def _vibration(self, index: NDArray[np.int64]) -> FloatArray:
        n, width = len(self.crystal.types), self.perturbation.vibration
        if not upper(width) > 0:
            return np.ones((len(index), n))
        first, share = self._ramp(index)
        drawn = normals(self.seed, first, n, Purpose.VIBRATION)
        widths = draw_widths([width], self.seed, first, Purpose.VIBRATION_WIDTH) * share[:, None]
        return np.asarray(np.exp(widths * drawn))

    def _strained(self, index: NDArray[np.int64]) -> FloatArray:
        """(b, 6) cells."""
        if not upper(self.perturbation.strain) > 0:
            return np.tile(np.array(self.crystal.cell), (len(index), 1))
        first, share = self._ramp(index)
        widths = (
            draw_widths([self.perturbation.strain], self.seed, first, Purpose.STRAIN_WIDTH)[:, 0]
            * share
        )
        drawn = normals(self.seed, first, 6, Purpose.STRAIN)
        return strained_cells(self.crystal, widths, drawn)

    def with_perturbation(self, perturbation: Perturbation) -> Simulation:
        """The same reflections, measurement and seed with other changes of the crystal."""
        if perturbation.symmetry != self.perturbation.symmetry:
            raise ArgandError("with_perturbation cannot change whether symmetry is kept")
        return Simulation(
            self.crystal,
            replace(perturbation),
            self.measurement,
            hkl=self.hkl,
            seed=self.seed,
            radiation=self.radiation,
            dtype=self.dtype,
        )


def _subset(crystal: Crystal, kept: NDArray[np.bool_]) -> Crystal:
    names = [i for i, keep in enumerate(kept) if keep]
    return crystal.replace(
        types=tuple(crystal.types[i] for i in names),
        labels=tuple(crystal.labels[i] for i in names),
        frac=crystal.frac[names],
        occ=crystal.occ[names],
        b_iso=crystal.b_iso[names],
        u_aniso=None if crystal.u_aniso is None else crystal.u_aniso[names],
    )
