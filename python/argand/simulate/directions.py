"""Random displacements of atoms of a cell in P 1: which atoms move, along what, how far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import gemmi
import numpy as np
from numpy.typing import NDArray

from argand.cell import FloatArray
from argand.crystal import Crystal
from argand.simulate.random import Purpose, normals
from argand.site_symmetry import cartesian_axes

if TYPE_CHECKING:
    from scipy.sparse import csr_array

__all__ = ["ALL_AXES", "Directions"]

#: Independent moves along a, b and c; with unit="angstrom" the displacement is isotropic
ALL_AXES = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))


@dataclass(frozen=True)
class Directions:
    """Displace each chosen atom by the sum over directions d of n_d spread_d d, n_d from N(0, 1).

    Parameters
    ----------
    spread
        Standard deviation, one number or one for each direction.
    atoms
        Which atoms of the cell in P 1 move; None: all of them.
    directions
        Vectors (n, 3); None: a, b and c where all atoms move, a alone where `atoms` names them.
    unit
        "fractional": directions are in units of the cell edges. "angstrom": they are Cartesian, x
        along a, y in the ab plane.
    """

    spread: float | Sequence[float] = 0.05
    atoms: Sequence[int] | None = (0,)
    directions: Sequence[Sequence[float]] | None = None
    unit: Literal["fractional", "angstrom"] = "fractional"

    def __post_init__(self) -> None:
        if self.directions is None:
            # One atom that moves along a is the first experiment. All atoms that move along a alone
            # would be a sheared crystal, which nobody means by "all atoms move".
            default_axes = ALL_AXES if self.atoms is None else ALL_AXES[:1]
            object.__setattr__(self, "directions", default_axes)
        directions = np.asarray(self.directions, dtype=np.float64)
        if directions.ndim != 2 or directions.shape[1] != 3:
            raise ValueError(f"directions has shape {directions.shape}, needs (n, 3)")
        spread = np.asarray(self.spread, dtype=np.float64)
        fits = spread.shape in ((), (len(directions),))
        if not fits or not np.isfinite(spread).all() or not (spread >= 0).all():
            raise ValueError(
                f"spread is {self.spread}, needs one width >= 0, "
                f"or one for each of {len(directions)}"
            )
        if self.unit not in ("fractional", "angstrom"):
            raise ValueError(f"unit is {self.unit!r}, needs to be 'fractional' or 'angstrom'")

    def modes(self, crystal: Crystal) -> csr_array:
        """Return the moves of one standard deviation, angstrom: (3n, atoms x directions)."""
        from scipy.sparse import csr_array, kron

        n = len(crystal.types)
        moved = self.moved([n])
        rows = range(moved) if self.atoms is None else self.atoms
        axes = self.axes(crystal) @ cartesian_axes(crystal).T
        entries = (np.ones(moved), (rows, range(moved)))
        selection = csr_array(entries, (n, moved))
        return csr_array(kron(selection, axes.T, format="csr"))

    def moved(self, atoms: Sequence[int]) -> int:
        """Return how many atoms have a displacement in crystals with these numbers of atoms.

        Raises
        ------
        ValueError
            `self.atoms` names an atom that one of the crystals does not have.
        """
        if self.atoms is None:
            return max(atoms)
        if not self.atoms or min(self.atoms) < 0 or max(self.atoms) >= min(atoms):
            raise ValueError(
                f"atoms is {tuple(self.atoms)}, "
                f"needs numbers from 0 to {min(atoms) - 1} in each crystal"
            )
        return len(self.atoms)

    def axes(self, crystal: Crystal) -> FloatArray:
        """Return the moves of one standard deviation along each direction, fractional (d, 3)."""
        directions = np.asarray(self.directions, dtype=np.float64)
        moves: FloatArray = directions * np.reshape(self.spread, (-1, 1))
        if self.unit == "fractional":
            return moves
        cell = gemmi.UnitCell(*crystal.cell)
        fractionalise = np.array(cell.frac.mat.tolist())
        return np.asarray(moves @ fractionalise.T)

    def displacements(
        self,
        seed: int,
        index: NDArray[np.int64],
        moved: int,
        axes: FloatArray,
    ) -> FloatArray:
        """Draw displacements (b, moved, 3), fractional, of samples `index` (b,).

        `axes` (b, directions, 3) are the `axes` of the crystal of each sample.
        """
        directions = axes.shape[1]
        normal = normals(seed, index, moved * directions, Purpose.DISPLACEMENT)
        normal = normal.reshape(-1, moved, directions)
        displacements: FloatArray = np.einsum("nmd,ndx->nmx", normal, axes)
        return displacements
