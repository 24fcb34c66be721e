"""Random displacements of atoms: which atoms move, along what, how far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import gemmi
import numpy as np
import numpy.typing as npt
import scipy.sparse

from argand.crystal import Crystal
from argand.simulate.random import Purpose, normals
from argand.site_symmetry import cartesian_axes

__all__ = ["ALL_AXES", "Directions"]

Floats = npt.NDArray[np.float64]

#: Independent moves along a, b and c; with unit="angstrom" the displacement is isotropic
ALL_AXES = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))


@dataclass(frozen=True)
class Directions:
    """Displacement of each chosen atom: sum over directions d of n_d spread_d d with n_d from N(0, 1).

    Parameters
    ----------
    spread
        Standard deviation, one number or one for each direction.
    atoms
        Which atoms of the cell in P 1 move; None: all of them.
    directions
        Vectors; in units of the cell edges, or with `unit` "angstrom" Cartesian ones (x along a, y in the ab plane).
    """

    spread: float | Sequence[float] = 0.05
    atoms: Sequence[int] | None = (0,)
    directions: Sequence[Sequence[float]] = ((1.0, 0.0, 0.0),)
    unit: Literal["fractional", "angstrom"] = "fractional"

    def __post_init__(self) -> None:
        directions = np.asarray(self.directions, dtype=np.float64)
        if directions.ndim != 2 or directions.shape[1] != 3:
            raise ValueError(f"directions has shape {directions.shape}, needs (n, 3)")
        spread = np.asarray(self.spread, dtype=np.float64)
        if spread.shape not in ((), (len(directions),)) or not (
            np.isfinite(spread).all() and (spread >= 0).all()
        ):
            raise ValueError(
                f"spread is {self.spread}, needs one width >= 0, or one for each of {len(directions)}"
            )
        if self.unit not in ("fractional", "angstrom"):
            raise ValueError(f"unit is {self.unit!r}, needs to be 'fractional' or 'angstrom'")

    def modes(self, crystal: Crystal) -> scipy.sparse.csr_array:
        """The same as columns (3n, atoms x directions), Cartesian angstrom: see `argand.simulate.displacements`."""
        moved = self.moved([len(crystal.types)])
        rows = range(moved) if self.atoms is None else self.atoms
        axes = self.axes(crystal) @ cartesian_axes(crystal).T
        chosen = scipy.sparse.csr_array(
            (np.ones(moved), (rows, range(moved))), (len(crystal.types), moved)
        )
        return scipy.sparse.csr_array(scipy.sparse.kron(chosen, axes.T, format="csr"))

    def moved(self, atoms: Sequence[int]) -> int:
        """How many atoms have a displacement in a set of crystals with these numbers of atoms; checks `atoms`."""
        if self.atoms is None:
            return max(atoms)
        if not self.atoms or min(self.atoms) < 0 or max(self.atoms) >= min(atoms):
            raise ValueError(
                f"atoms is {tuple(self.atoms)}, needs numbers from 0 to {min(atoms) - 1} in each crystal"
            )
        return len(self.atoms)

    def axes(self, crystal: Crystal) -> Floats:
        """(directions, 3): the move of one standard deviation along each direction, fractional."""
        moves: Floats = np.asarray(self.directions, dtype=np.float64) * np.reshape(
            self.spread, (-1, 1)
        )
        if self.unit == "fractional":
            return moves
        fractionalise = np.array(gemmi.UnitCell(*crystal.cell).frac.mat.tolist())
        return np.asarray(moves @ fractionalise.T)

    def displacements(
        self, seed: int, index: npt.NDArray[np.int64], moved: int, axes: Floats
    ) -> Floats:
        """(n, moved, 3) fractional, for samples `index` (n,) whose crystals have the `axes` (n, directions, 3)."""
        directions = axes.shape[1]
        drawn = normals(seed, index, moved * directions, Purpose.DISPLACEMENT)
        moves: Floats = np.einsum("nmd,ndx->nmx", drawn.reshape(-1, moved, directions), axes)
        return moves
