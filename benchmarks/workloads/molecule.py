"""W2: one small molecule in a triclinic cell."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import gemmi
import numpy as np
from numpy.typing import ArrayLike, NDArray

import argand
import oracles
from argand.cell import beta_from_b_iso
from workloads.common import Cell, Complexes, Floats, relative_error, six_components


@dataclass(frozen=True, eq=False)
class Molecule:
    """W2: one small molecule in a triclinic cell, isotropic or anisotropic.

    100 atoms at random positions (seed 1), B from 1.5 to 6 A^2, or principal U from 0.015 to
    0.07 A^2 in random directions. hkl from -10 -10 0 to 10 10 10, to 0.48 A. With `form_given`,
    form factors are handed to contenders that take them; without, all calculate them in every call.
    """

    workload: ClassVar[str] = "W2"
    title: ClassVar[str] = (
        "100 atoms C40 N10 O10 H40, triclinic, 4851 hkl, which are the half l >= 0 of a box"
    )
    seed: ClassVar[int] = 1
    cell: ClassVar[Cell] = (10.1, 9.2, 8.3, 84.0, 97.0, 103.0)
    kinds: ClassVar[tuple[str, ...]] = ("C", "N", "O", "H")
    types: ClassVar[tuple[str, ...]] = ("C",) * 40 + ("N",) * 10 + ("O",) * 10 + ("H",) * 40
    reach: ClassVar[int] = 10
    # A term is a complex multiply-add.
    flops_a_term: ClassVar[int] = 8

    # Fractional coordinates (100, 3), B (100,) in A^2, and U (100, 3, 3) in A^2 along the
    # Cartesian axes of `unit_cell`, or None.
    frac: Floats
    b_iso: Floats
    u_cart: Floats | None
    form_given: bool

    @classmethod
    def make(cls, anisotropic: bool = False, form_given: bool = True, seed: int = seed) -> Molecule:
        """Draw the molecule."""
        rng = np.random.default_rng(seed)
        n = len(cls.types)
        frac = rng.random((n, 3))
        b_iso = rng.uniform(1.5, 6.0, n)
        rotation, _ = np.linalg.qr(rng.normal(size=(n, 3, 3)))
        principal_u = rng.uniform(0.015, 0.07, (n, 3))
        u_cart = np.einsum("nij,nj,nkj->nik", rotation, principal_u, rotation)
        return cls(frac, b_iso, u_cart if anisotropic else None, form_given)

    @property
    def name(self) -> str:
        """Return the name in the tables."""
        kind = "isotropic" if self.u_cart is None else "anisotropic"
        return f"W2 {kind}" if self.form_given else f"W2 {kind}, f anew"

    @property
    def flops(self) -> float:
        """Return the fewest flops of the sum."""
        return self.flops_a_term * len(self.types) * len(self.hkl)

    @cached_property
    def unit_cell(self) -> gemmi.UnitCell:
        """Return the cell as gemmi's."""
        return gemmi.UnitCell(*self.cell)

    @cached_property
    def hkl(self) -> NDArray[np.int32]:
        """Return the reflections, (4851, 3)."""
        cube = argand.hkl_cube(self.reach)
        return np.ascontiguousarray(cube[cube[:, 2] >= 0])

    @cached_property
    def rows(self) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Return the pairs h, k (441, 2), and l (11,), whose product is hkl."""
        l = np.arange(self.reach + 1, dtype=np.int32)
        return np.ascontiguousarray(self.hkl[:: len(l), :2]), l

    @cached_property
    def stol2(self) -> Floats:
        """Return (sin theta / lambda)^2 of each reflection in 1/A^2, (4851,)."""
        return argand.stol(self.hkl, self.cell) ** 2

    @cached_property
    def kind(self) -> NDArray[np.int64]:
        """Return the index of each atom's type in `kinds`, (100,)."""
        return np.array([self.kinds.index(symbol) for symbol in self.types])

    @cached_property
    def f0(self) -> Floats:
        """Return the form factors (kinds, 4851) without displacement."""
        return argand.form_factors(self.kinds, np.sqrt(self.stol2))

    @cached_property
    def u_star(self) -> Floats:
        """Return U* (100, 3, 3) with T = 2 pi^2 h^T U* h."""
        assert self.u_cart is not None
        to_fractional = np.array(self.unit_cell.frac.mat.tolist())
        return to_fractional @ self.u_cart @ to_fractional.T

    @cached_property
    def u_cif(self) -> Floats:
        """Return U (100, 6) in A^2, along the reciprocal axes as in a CIF."""
        axes = np.array(self.unit_cell.reciprocal().parameters[:3])
        return six_components(self.u_star / axes[:, None] / axes)

    @cached_property
    def beta(self) -> Floats:
        """Return beta (100, 6) with T = h^T beta h."""
        if self.u_cart is None:
            return beta_from_b_iso(self.b_iso, self.cell)
        return 2 * np.pi**2 * six_components(self.u_star)

    @cached_property
    def crystal(self) -> argand.Crystal:
        """Return the molecule as a crystal."""
        u_aniso = None if self.u_cart is None else self.u_cif
        return argand.Crystal(
            self.cell,
            types=self.types,
            frac=self.frac,
            b_iso=self.b_iso,
            u_aniso=u_aniso,
        )

    @cached_property
    def truth(self) -> Complexes:
        """Calculate the structure factors by the definition, (4851,)."""
        occ = np.ones(len(self.types))
        form = self.f0[self.kind]
        return oracles.structure_factors(self.frac, self.beta, occ, form, self.hkl)

    def error(self, answer: ArrayLike) -> float:
        """Return the largest error of structure factors over the largest |F|."""
        return relative_error(answer, self.truth)
