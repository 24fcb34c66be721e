"""Displacements drawn from all modes of a perturbation, on what symmetry and the origin allow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from argand.atom_types import atom_type, atomic_number
from argand.cell import FloatArray
from argand.crystal import Crystal
from argand.errors import ArgandError
from argand.origins import permissible_origins
from argand.simulate.directions import Directions
from argand.simulate.displacements import Displacement, Groups, Modes, Waves
from argand.simulate.random import Purpose, normals
from argand.simulate.widths import draw_widths
from argand.site_symmetry import cartesian_axes, position_basis

if TYPE_CHECKING:
    from scipy.sparse import csr_array

__all__ = ["ModeSum", "allowed_modes", "drift"]

# A site whose mean square displacement is below this share of the largest does not move.
_FIXED = 1e-12


class ModeSum:
    """Draw displacements of the sites of a crystal as sums of modes.

    Parameters
    ----------
    crystal
        Its n sites are moved.
    displacements
        Kinds of displacements; their sum moves the sites.
    fix_origin
        Whether the common shift that no amplitude can see is taken away, where all sites move.

    Attributes
    ----------
    modes
        M (3n, k) of `argand.simulate.displacements` for each kind, sparse.
    """

    def __init__(
        self,
        crystal: Crystal,
        displacements: Sequence[Displacement],
        fix_origin: bool,
    ) -> None:
        from scipy.sparse import csr_array, hstack

        self._sites = len(crystal.types)
        self.modes = [allowed_modes(kind, crystal) for kind in displacements]
        # The empty matrix stands for a sum of no kinds at all.
        nothing = csr_array((3 * self._sites, 0))
        all_modes = hstack([*self.modes, nothing], format="csr")
        self._all_modes = csr_array(all_modes)
        self._kind_of_mode = np.repeat(
            np.arange(len(self.modes)), [modes.shape[1] for modes in self.modes]
        )
        self._widths = [_width(kind) for kind in displacements]
        floats = fix_origin and any(_moves_all_sites(kind) for kind in displacements)
        self._drift = drift(crystal) if floats else None

    def draw(self, seed: int, index: NDArray[np.int64], share: FloatArray) -> FloatArray:
        """Draw displacements (b, n, 3) of samples (b,), times a share (b,), Cartesian angstrom."""
        widths = draw_widths(self._widths, seed, index, Purpose.WIDTH)
        widths = widths * share[:, None]
        modes = len(self._kind_of_mode)
        normal = normals(seed, index, modes, Purpose.DISPLACEMENT)
        z = normal * widths[:, self._kind_of_mode]
        # A sparse product: a column does not depend on the columns beside it.
        u = np.asarray(self._all_modes @ z.T)
        if self._drift is not None:
            directions, centre = self._drift
            common = directions @ np.asarray(centre @ u)
            u -= np.tile(common, (self._sites, 1))
        of_samples = np.ascontiguousarray(u.T)
        return of_samples.reshape(len(index), -1, 3)


def allowed_modes(displacement: Displacement, crystal: Crystal) -> csr_array:
    """Return M (3n, k) of a kind of displacement, projected on what site symmetry allows.

    The modes of waves and given patterns are scaled to a root mean square displacement of 1.

    Raises
    ------
    ArgandError
        Symmetry allows none of the waves or patterns.
    """
    from scipy.sparse import block_diag, csr_array

    modes = csr_array(displacement.modes(crystal))
    if len(crystal.symops) > 1:
        projections = []
        for site in range(len(crystal.types)):
            basis = position_basis(crystal, site)
            projections.append(basis.T @ basis)
        modes = csr_array(block_diag(projections, format="csr") @ modes)
    if isinstance(displacement, (Waves, Modes)):
        of_coordinates = np.asarray(modes.power(2).sum(axis=1))
        mean_square = of_coordinates.reshape(-1, 3).sum(axis=1)
        largest = float(mean_square.max(initial=0.0))
        moved = mean_square > _FIXED * max(largest, 1e-300)
        if not moved.any():
            raise ArgandError("the symmetry of the crystal allows none of these displacements")
        modes = modes / np.sqrt(mean_square[moved].mean())
    return csr_array(modes)


def drift(crystal: Crystal) -> tuple[FloatArray, csr_array]:
    """Find the directions along which the origin of a crystal floats.

    Returns
    -------
    Directions D (3, k), orthonormal, and the weights W (k, 3n) that give the shift of the centre of
    electrons along them: D (W u) is the part of displacements u (3n,) that changes no amplitude.
    """
    from scipy.sparse import csr_array, kron

    axes = permissible_origins(crystal.symops).axes @ cartesian_axes(crystal).T
    directions = np.zeros((3, 0))
    if len(axes):
        directions, _ = np.linalg.qr(axes.T)
    electrons = [atomic_number(atom_type(symbol).element) for symbol in crystal.types]
    weight = crystal.occ * crystal.multiplicity() * electrons
    weight /= max(weight.sum(), 1e-30)
    centre = kron(weight[None], directions.T, format="csr")
    return directions, csr_array(centre)


def _width(kind: Displacement) -> float | Sequence[float]:
    """Return the width of a kind of displacement; the modes of `Directions` hold theirs already."""
    return 1.0 if isinstance(kind, Directions) else kind.rms


def _moves_all_sites(kind: Displacement) -> bool:
    """Return whether a kind of displacement is not limited to chosen atoms."""
    if isinstance(kind, (Groups, Modes)):
        return True
    return kind.atoms is None
