"""A crystal: its cell, its symmetry and the sites of its asymmetric unit."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import gemmi
import numpy as np

from argand import _gemmi
from argand import cell as _cell
from argand.atom_types import atom_type, atomic_number
from argand.cell import Cell, FloatArray
from argand.errors import ArgandError
from argand.symmetry import group_ops, operations, spacegroup_name, triplets

__all__ = ["SPECIAL_POSITION_RADIUS", "Crystal"]

#: A symmetry image nearer than this (angstrom) is the same atom: the site lies on a special position. gemmi's value.
SPECIAL_POSITION_RADIUS = 0.4

# Two images are one site when they agree to this, fractional or in beta: far below any effect on F
_SAME = 1e-9


@dataclass(frozen=True, eq=False)
class Crystal:
    """Sites of an asymmetric unit in a cell with symmetry. Immutable; its arrays are read-only.

    Parameters
    ----------
    cell : (a, b, c, alpha, beta, gamma), angstrom and degrees
    spacegroup : str
        Hermann-Mauguin name; kept as gemmi's extended name ('P 21/c' becomes 'P 1 21/c 1', 'R -3 m' 'R -3 m:H').
        A setting that has no name is written as its operations joined by ';'.
    types : n atom types, 'C', 'O2-', 'Fe3+', 'D'
    frac : (n, 3) fractional coordinates
    occ : (n,) chemical occupancies, 1 where not given: 1 on a special position too, its multiplicity is applied
        by `to_p1` alone
    b_iso : (n,) B = 8 pi^2 U in A^2, 0 where not given; for anisotropic sites always the equivalent B of `u_aniso`
    u_aniso : (n, 6) U_cif in A^2, order 11 22 33 12 13 23, rows of NaN for isotropic sites; or None
    labels : n names, the types where not given
    symops : all operations as triplets, centring included; they define the symmetry where given

    Raises
    ------
    ArgandError
        One line that names the argument, what it is and what it needs to be.
    """

    cell: Cell
    spacegroup: str = "P 1"
    types: tuple[str, ...] = ()
    # optional when called, an array ever after: hence the None that the annotations deny
    frac: FloatArray = None  # type: ignore[assignment]
    occ: FloatArray = None  # type: ignore[assignment]
    b_iso: FloatArray = None  # type: ignore[assignment]
    u_aniso: FloatArray | None = None
    labels: tuple[str, ...] = ()
    symops: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        put = object.__setattr__
        put(self, "cell", _cell.cell_parameters(self.cell))
        group = group_ops(self.symops or self.spacegroup)
        put(self, "symops", triplets(group))
        put(self, "spacegroup", spacegroup_name(group) or ";".join(self.symops))
        put(self, "types", tuple(atom_type(symbol).symbol for symbol in self.types))
        n = len(self.types)
        put(self, "labels", tuple(self.labels) or self.types)
        if len(self.labels) != n:
            raise ArgandError(
                f"labels has {len(self.labels)} names, needs one for each of the {n} types"
            )
        put(
            self,
            "frac",
            _array("frac", np.empty((0, 3)) if self.frac is None else self.frac, (n, 3)),
        )
        if np.abs(self.frac).max(initial=0.0) > 1e6:
            raise ArgandError(
                f"frac holds {np.abs(self.frac).max():g}, needs coordinates in units of the cell edges"
            )
        put(self, "occ", _array("occ", 1.0 if self.occ is None else self.occ, (n,)))
        b_iso = _array("b_iso", 0.0 if self.b_iso is None else self.b_iso, (n,))
        if self.u_aniso is not None:
            u_aniso = _array("u_aniso", self.u_aniso, (n, 6), nan_rows=True)
            put(self, "u_aniso", u_aniso)
            equivalent = _cell.b_iso_from_u_aniso(u_aniso, self.cell)
            b_iso = _read_only(np.where(np.isnan(u_aniso[:, 0]), b_iso, equivalent))
        put(self, "b_iso", b_iso)

    @property
    def volume(self) -> float:
        """Volume of the cell, A^3."""
        return _cell.cell_volume(self.cell)

    @property
    def reciprocal_metric(self) -> FloatArray:
        """G* (3, 3), A^-2: 1/d^2 = h^T G* h."""
        return _cell.reciprocal_metric(self.cell)

    def beta(self) -> FloatArray:
        """Displacement (n, 6) of every site as the dimensionless beta of exp(-h^T beta h), 11 22 33 12 13 23."""
        beta = _cell.beta_from_b_iso(self.b_iso, self.cell)
        if self.u_aniso is not None:
            anisotropic = ~np.isnan(self.u_aniso[:, 0])
            beta[anisotropic] = _cell.beta_from_u_aniso(self.u_aniso[anisotropic], self.cell)
        return beta

    @cached_property
    def _images(self) -> FloatArray:
        """Every site under every operation, (n, operations, 3), not reduced to the cell."""
        rotation, translation = (
            np.array(part) for part in zip(*operations(self.symops), strict=True)
        )
        images: FloatArray = np.einsum("oij,nj->noi", rotation, self.frac) + translation
        return images

    @cached_property
    def _coincident(self) -> FloatArray:
        """For each site, how many operations leave it where it is (or within `SPECIAL_POSITION_RADIUS`)."""
        shift = self._images - self.frac[:, None]
        shift -= np.rint(shift)
        squared = np.einsum("noi,ij,noj->no", shift, _cell.metric(self.cell), shift)
        count: FloatArray = (squared < SPECIAL_POSITION_RADIUS**2).sum(axis=1).astype(np.float64)
        return count

    def multiplicity(self) -> FloatArray:
        """(n,) atoms in the cell for each site at full occupancy: operations / operations that keep it in place."""
        return len(self.symops) / self._coincident

    def to_p1(self) -> Crystal:
        """The same cell filled with all symmetry images, in P 1; F of it is F of this crystal, exactly.

        Images that agree in place and displacement are one site. Images of a site near a special position (`0.3333`
        for 1/3) stay apart and share its occupancy, so that the sum is the one gemmi and cctbx take.
        """
        return self if len(self.symops) == 1 else self.images(range(len(self.symops)))

    def images(self, kept: Sequence[int]) -> Crystal:
        """The images of all sites under some of `symops`, in P 1; see `to_p1`, which takes all of them.

        Their F is the share of these operations in F of the crystal.
        """
        n, n_ops = len(self.types), len(kept)
        frac = self._images[:, list(kept)] % 1.0
        every = operations(self.symops)
        rotation = np.array([every[i][0] for i in kept])
        beta = _cell.sym_to_matrix(self.beta())
        turned = _cell.matrix_to_sym(np.einsum("oij,njk,olk->noil", rotation, beta, rotation))
        if self.u_aniso is None:
            turned[:] = 0.0
        else:  # B of an isotropic site is no tensor to turn, even where the cell is not quite as symmetric as it should
            turned[np.isnan(self.u_aniso[:, 0])] = 0.0
        site = np.broadcast_to(np.arange(n, dtype=np.float64)[:, None, None], (n, n_ops, 1))
        place = np.rint(frac / _SAME) % np.rint(1.0 / _SAME)
        key = np.concatenate([site, place, np.rint(turned / _SAME)], axis=2).reshape(n * n_ops, 10)
        _, first, count = np.unique(key, axis=0, return_index=True, return_counts=True)
        order = np.argsort(first)
        first, count = first[order], count[order]
        origin = first // n_ops
        u_aniso = None
        if self.u_aniso is not None:
            u_aniso = _cell.u_aniso_from_beta(turned.reshape(-1, 6)[first], self.cell)
            u_aniso[np.isnan(self.u_aniso[origin, 0])] = np.nan
        return Crystal(
            cell=self.cell,
            types=tuple(self.types[i] for i in origin),
            frac=frac.reshape(-1, 3)[first],
            occ=self.occ[origin] * count / self._coincident[origin],
            b_iso=self.b_iso[origin],
            u_aniso=u_aniso,
            labels=tuple(self.labels[i] for i in origin),
        )

    def composition(self) -> dict[str, float]:
        """Atoms of each element in the cell, in Hill order (C, H, then by name); D is an element of its own."""
        content: dict[str, float] = {}
        for symbol, number in zip(self.types, self.occ * self.multiplicity(), strict=True):
            element = atom_type(symbol).element
            content[element] = content.get(element, 0.0) + float(number)
        hill = {"C": 0, "H": 1, "D": 2} if "C" in content else {}
        return {
            element: content[element]
            for element in sorted(content, key=lambda e: (hill.get(e, 9), e))
        }

    @property
    def formula(self) -> str:
        """Content of the cell, 'C36 H38 N2 O8'."""
        return " ".join(
            f"{element}{round(number, 2):g}" for element, number in self.composition().items()
        )

    def f000(self) -> float:
        """Electrons in the cell, ions counted as neutral atoms: what formula x Z must give."""
        return sum(
            atomic_number(element) * number for element, number in self.composition().items()
        )

    def replace(self, **changes: Any) -> Crystal:
        """A copy with some fields changed; a new `spacegroup` brings its own operations."""
        if "spacegroup" in changes:
            changes.setdefault("symops", ())
        return dataclasses.replace(self, **changes)

    def summary(self) -> str:
        """Several lines for people: cell, symmetry, content, and which defaults apply."""
        a, b, c, alpha, beta, gamma = self.cell
        anisotropic = (
            0 if self.u_aniso is None else int(np.count_nonzero(~np.isnan(self.u_aniso[:, 0])))
        )
        name = "without a name" if "," in self.spacegroup else self.spacegroup
        partly = int(np.count_nonzero(self.occ != 1))
        at_rest = int(np.count_nonzero(~self.beta().any(axis=1)))
        lines = [
            f"cell         {a:g} {b:g} {c:g} A, {alpha:g} {beta:g} {gamma:g} degrees, {self.volume:.2f} A^3",
            f"space group  {name} ({len(self.symops)} operation{'s' if len(self.symops) > 1 else ''})",
            f"sites        {len(self.types)} ({anisotropic} anisotropic, {partly} partly occupied)",
            f"content      {self.formula}, F(000) = {self.f000():g} electrons",
        ]
        if at_rest:
            lines.append(f"displacement {at_rest} sites have none: B = 0 is used for them")
        return "\n".join(lines)

    def to_gemmi(self) -> gemmi.SmallStructure:
        """gemmi's SmallStructure with chemical occupancies (`change_occupancies_to_crystallographic` not yet done)."""
        return _gemmi.small_structure(self)

    @classmethod
    def from_gemmi(cls, small: gemmi.SmallStructure) -> Crystal:
        """From gemmi's SmallStructure, whose occupancies must be chemical, as read from a file."""
        return cls(**_gemmi.fields(small))


def _read_only(array: FloatArray) -> FloatArray:
    array.flags.writeable = False
    return array


def _array(name: str, value: Any, shape: tuple[int, ...], nan_rows: bool = False) -> FloatArray:
    """A checked read-only float64 copy; a scalar fills it."""
    try:
        given = np.array(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise ArgandError(f"{name} holds something that is no number") from None
    if given.ndim == 0 and len(shape) == 1:
        given = np.full(shape, given)
    if given.shape != shape:
        sites = f"({', '.join(['n', *map(str, shape[1:])])}{',' if len(shape) == 1 else ''})"
        raise ArgandError(
            f"{name} has shape {given.shape}, needs {sites} with n = {shape[0]} types"
        )
    whole = ~np.isnan(given).all(axis=1) if nan_rows else slice(None)
    if not np.isfinite(given[whole]).all():
        raise ArgandError(f"{name} holds NaN or infinity")
    return _read_only(given)
