"""Samples of a known crystal, changed and measured: each a pure function of (seed, index)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from argand._memory import demand
from argand._numbers import real_array, whole_array
from argand.cell import FloatArray
from argand.copies import Copies
from argand.crystal import Crystal
from argand.errors import ArgandError
from argand.radiation import Radiation
from argand.reflections import as_hkl, asymmetric_unit, miller_indices, stol
from argand.rows import unique_rows
from argand.simulate.content import further_atoms, in_voids, shares
from argand.simulate.groups import chosen_sites
from argand.simulate.measurement import Measurement, measure
from argand.simulate.modes import ModeSum
from argand.simulate.perturbation import Perturbation
from argand.simulate.random import Purpose, normals
from argand.simulate.samples import Samples
from argand.simulate.strain import strained_cells
from argand.simulate.true_crystal import true_crystal
from argand.simulate.twins import twin_law
from argand.simulate.widths import draw_widths, upper
from argand.site_symmetry import cartesian_axes

if TYPE_CHECKING:
    from scipy.sparse import csr_array

__all__ = ["Simulation"]

# Bytes of a reflection of a sample: F, amplitude, intensity and sigma in double precision, mask.
_BYTES_OF_REFLECTION = 41

# Bytes of an atom of a sample: displacement, coordinates, occupancy and vibration.
_BYTES_OF_ATOM = 64

# Samples that are computed at once: their arrays fit the cache of a small machine.
_SAMPLES_AT_ONCE = 256


class Simulation:
    """Draw crystals from a distribution around a known one, and measure them.

    Parameters
    ----------
    crystal
        The known structure. With `perturbation.symmetry` "broken" its cell in P 1 is simulated.
    perturbation, measurement
        What may differ, and how it is measured.
    d_min, hkl
        Reflections to a resolution (angstrom), or a list (m, 3).
    seed
        Seed of all random numbers.
    radiation
        What is scattered; None: x-rays, dispersion left out.
    dtype
        "float32" (the error is that of rounding, some 1e-6 of the largest F) or "float64".

    Attributes
    ----------
    crystal, hkl, stol
        What is simulated: n sites, reflections (m, 3), their sin(theta)/lambda (m,).
    f0 : (m,) complex128
        Structure factors of the known crystal, electrons.

    Raises
    ------
    ArgandError
        No site of the crystal is occupied, there are no reflections, a name fits none of its sites,
        or twins are asked for of a group that has none by merohedry.
    """

    def __init__(
        self,
        crystal: Crystal,
        perturbation: Perturbation | None = None,
        measurement: Measurement | None = None,
        *,
        d_min: float | None = None,
        hkl: ArrayLike | None = None,
        seed: int = 0,
        radiation: Radiation | None = None,
        dtype: str = "float32",
    ) -> None:
        crystal.check_occupied()
        if (d_min is None) == (hkl is None):
            raise ArgandError("reflections must be given either by d_min or as hkl")
        self.perturbation = perturbation or Perturbation()
        self.measurement = measurement or Measurement()
        self.crystal = crystal.to_p1() if self.perturbation.symmetry == "broken" else crystal
        self.seed = seed
        self.dtype = dtype
        self.radiation = radiation or Radiation()
        if hkl is not None:
            self.hkl = as_hkl(hkl)
        else:
            self.hkl = miller_indices(self.crystal.cell, self.crystal.symops, d_min or 0.0)
        if not len(self.hkl):
            raise ArgandError(f"there are no reflections to {d_min} angstrom: give a smaller d_min")
        self.stol = stol(self.hkl, self.crystal.cell)
        self._atoms = self.crystal.to_p1().frac
        self._to_frac = np.linalg.inv(cartesian_axes(self.crystal)).T
        self._mode_sum = ModeSum(
            self.crystal,
            self.perturbation.displacements,
            self.perturbation.fix_origin,
        )
        self._twin = self._twin_rows()
        self._prepare_images()

    def _twin_rows(self) -> NDArray[np.int64] | None:
        """Return the row of the reflection (m,) that a twin adds to each; None without twins.

        Raises
        ------
        ArgandError
            The measurement has twins, and the group has none by merohedry.
        """
        if not upper(self.measurement.twin) > 0:
            return None
        law = twin_law(self.crystal.symops)
        if law is None:
            raise ArgandError(
                f"twin is {self.measurement.twin}, but {self.crystal.spacegroup} has no twins by "
                "merohedry, needs 0: the lattice has no symmetry that the crystal lacks"
            )
        own = asymmetric_unit(self.hkl, self.crystal.symops)
        mates = asymmetric_unit((self.hkl @ law).astype(np.int32), self.crystal.symops)
        unique, place = unique_rows(np.concatenate([own, mates]))
        row_of_unique = np.full(len(unique), -1, np.intp)
        row_of_unique[place[: len(own)]] = np.arange(len(own))
        return row_of_unique[place[len(own) :]]

    def _prepare_images(self) -> None:
        """List the atoms of samples, and prepare the sums over their images."""
        changes = self.perturbation
        self._replaced = []
        for substitution in changes.substitutions:
            self._replaced.append(chosen_sites(self.crystal, substitution.atoms))
        parent, types, b_iso = further_atoms(
            changes.substitutions,
            self._replaced,
            changes.unmodelled,
        )
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
        """Return the symmetry operations of what is simulated."""
        return self.crystal.symops

    @property
    def modes(self) -> list[csr_array]:
        """Return the modes (3n, k), sparse, of each kind of displacement."""
        return self._mode_sum.modes

    def draw(self, indices: Sequence[int] | NDArray[np.int64] | range) -> Samples:
        """Draw the samples of the indices (b,), each whatever others are drawn with it."""
        index = whole_array("indices", indices)
        if index.ndim != 1 or not len(index):
            raise ValueError(f"indices has shape {index.shape}, needs (b,) with b > 0")
        demand(
            f"{len(index):,} samples of {len(self.hkl):,} reflections",
            len(index) * self._bytes_of_sample(),
            "draw fewer at a time",
        )
        chunks = []
        for start in range(0, len(index), _SAMPLES_AT_ONCE):
            chunks.append(self._draw(index[start : start + _SAMPLES_AT_ONCE]))
        if len(chunks) == 1:
            return chunks[0]
        return Samples(*map(np.concatenate, zip(*chunks, strict=True)))

    def _bytes_of_sample(self) -> int:
        """Estimate the memory that a drawn sample takes, in bytes, twice while it is put together.

        Each reflection has F, amplitude, intensity, sigma and mask, each atom has coordinates,
        displacement, occupancy and vibration.
        """
        of_reflections = _BYTES_OF_REFLECTION * len(self.hkl)
        atoms = len(self.crystal.types) + len(self._parent)
        return 2 * (of_reflections + _BYTES_OF_ATOM * atoms)

    def displacements(self, index: NDArray[np.int64]) -> FloatArray:
        """Draw only the displacements (b, n, 3) of samples `index` (b,), Cartesian angstrom."""
        drawn, share = self._ramp(index)
        return self._mode_sum.draw(self.seed, drawn, share)

    def structure_factors(self, displacement: ArrayLike) -> NDArray[Any]:
        """Compute F (b, m) of the known crystal with displaced sites and no other change.

        `displacement` (b, n, 3) is Cartesian, in angstrom.
        """
        u = real_array("displacement", displacement)
        n = len(self.crystal.types)
        if u.ndim != 3 or u.shape[1:] != (n, 3):
            raise ValueError(f"displacement has shape {u.shape}, needs (b, {n}, 3)")
        count = np.count_nonzero(self._parent < 0)
        unmodelled = np.zeros((len(u), count, 3))
        frac = self._coordinates(u, unmodelled)
        occ = np.zeros((len(u), frac.shape[1]))
        occ[:, :n] = self.crystal.occ
        return self._copies.structure_factors(frac, self._copies.beta(), occ)

    def true_crystal(self, samples: Samples, i: int) -> Crystal:
        """Make the crystal of sample i of `samples`, with all atoms that it has."""
        unmodelled = self.perturbation.unmodelled
        return true_crystal(self.crystal, samples, i, self._parent, self._types, unmodelled)

    def with_perturbation(self, perturbation: Perturbation) -> Simulation:
        """Return a simulation that differs in the changes of the crystal alone."""
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

    def _draw(self, index: NDArray[np.int64]) -> Samples:
        """Draw the samples of a chunk of indices (b,)."""
        changes = self.perturbation
        displacement = self.displacements(index)
        vibration = self._vibration(index)
        cell = self._strained_cells(index)
        unmodelled, occ_unmodelled = in_voids(
            self.crystal,
            self._atoms,
            changes.unmodelled,
            self.seed,
            index,
        )
        occ_sites, occ_replacing = shares(
            changes.substitutions,
            self._replaced,
            self.crystal.occ,
            self.seed,
            index,
        )
        frac = self._coordinates(displacement, unmodelled)
        occ = np.concatenate([occ_sites, occ_replacing, occ_unmodelled], axis=1)
        factors = self._vibration_of_atoms(vibration)
        strained = upper(changes.strain) > 0
        cells = cell if strained else None
        beta = self._copies.beta(cells)
        f = self._copies.structure_factors(frac, beta, occ, beta_factors=factors, cells=cells)
        stol_of_samples = self.stol[None]
        if strained:
            stol_of_samples = np.stack([stol(self.hkl, tuple(row)) for row in cell])
        axes = cartesian_axes(self.crystal)
        reciprocal_axes = np.asarray(np.linalg.inv(axes), np.float64)
        intensity, sigma, mask, scale, b_change = measure(
            self.measurement,
            self.seed,
            index,
            np.abs(f).astype(np.float64),
            stol_of_samples,
            self.hkl,
            self.symops,
            reciprocal_axes,
            twin=self._twin,
        )
        return Samples(
            sample=index,
            f=f,
            amplitude=np.sqrt(np.maximum(intensity, 0.0)),
            intensity=intensity,
            sigma=sigma,
            mask=mask,
            displacement=displacement,
            frac=frac[:, : len(self.crystal.types)],
            occ=occ,
            vibration=vibration,
            unmodelled=unmodelled,
            cell=cell,
            scale=scale,
            b_change=b_change,
        )

    def _ramp(self, index: NDArray[np.int64]) -> tuple[NDArray[np.int64], FloatArray]:
        """Return the samples (b,) to draw for the indices (b,), and the share of their changes."""
        length = self.perturbation.ramp
        if length is None:
            return index, np.ones(len(index))
        return np.zeros_like(index), (index % length) / (length - 1)

    def _coordinates(self, u: FloatArray, unmodelled: FloatArray) -> FloatArray:
        """Return fractional coordinates (b, atoms, 3): sites, replacing and unmodelled atoms."""
        sites = self.crystal.frac + np.einsum("bnc,cf->bnf", u, self._to_frac)
        replacing = sites[:, self._parent[self._parent >= 0]]
        return np.concatenate([sites, replacing, unmodelled], axis=1)

    def _vibration(self, index: NDArray[np.int64]) -> FloatArray:
        """Draw factors (b, n) on B and U of the sites."""
        n = len(self.crystal.types)
        width = self.perturbation.vibration
        if not upper(width) > 0:
            return np.ones((len(index), n))
        drawn, share = self._ramp(index)
        normal = normals(self.seed, drawn, n, Purpose.VIBRATION)
        widths = draw_widths([width], self.seed, drawn, Purpose.VIBRATION_WIDTH)
        widths = widths * share[:, None]
        return np.asarray(np.exp(widths * normal))

    def _vibration_of_atoms(self, vibration: FloatArray) -> FloatArray | None:
        """Return vibration factors of all atoms (b, atoms) from those of the sites (b, n)."""
        if self.perturbation.vibration == 0.0:
            return None
        n = len(self.crystal.types)
        sites = np.concatenate([np.arange(n), self._parent])
        of_sites = vibration[:, np.maximum(sites, 0)]
        factors: FloatArray = np.where(sites < 0, 1.0, of_sites)
        return factors

    def _strained_cells(self, index: NDArray[np.int64]) -> FloatArray:
        """Draw cells (b, 6), angstrom and degrees."""
        strain = self.perturbation.strain
        if not upper(strain) > 0:
            return np.tile(np.array(self.crystal.cell), (len(index), 1))
        drawn, share = self._ramp(index)
        widths = draw_widths([strain], self.seed, drawn, Purpose.STRAIN_WIDTH)[:, 0]
        normal = normals(self.seed, drawn, 6, Purpose.STRAIN)
        return strained_cells(self.crystal, widths * share, normal)
