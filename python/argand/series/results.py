"""Write the results of one file of a series: phases, displaced atoms, density."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from argand.cell import Cell
from argand.crystal import Crystal
from argand.density import grid_shape, map_from_structure_factors
from argand.estimate.estimate import Answer, Estimate, with_atom
from argand.io import write_crystal, write_map, write_reflections
from argand.reflections import HklArray, in_p1
from argand.site_symmetry import cartesian_axes
from argand.symmetry import find_spacegroup

__all__ = ["ResultWriter"]


class ResultWriter:
    """Write phases, atoms and densities of crystals like a known one into a folder.

    MTZ and CCP4 files name their space group. Where the known crystal's setting has no name, they
    are written in P 1.

    Parameters
    ----------
    path : Path
        Folder of the series, which holds the folders phases, atoms and maps.
    known : Crystal
        The known crystal.
    """

    def __init__(self, path: Path, known: Crystal) -> None:
        self.path, self.known = path, known
        self._has_named_setting = find_spacegroup(known.spacegroup) is not None
        self.spacegroup = known.spacegroup if self._has_named_setting else "P 1"

    def write_answer(
        self, name: str, estimate: Estimate, answer: Answer, cell: Cell, axes: str = ""
    ) -> tuple[HklArray, NDArray[Any]]:
        """Write phases/NAME.mtz and atoms/NAME.cif of one answer.

        Parameters
        ----------
        name : str
            Name of the results.
        estimate : Estimate
            Measured amplitudes on an absolute scale.
        answer : Answer
            Displacements and structure factors of the crystal that is written.
        cell : (a, b, c, alpha, beta, gamma)
            Unit cell of the measured crystal.
        axes : str
            Indices of the results in terms of those of the file; '' where they are the same. The
            history of the MTZ file states them.

        Returns
        -------
        hkl : (m, 3)
            Reflections as the MTZ file has them.
        f : (m,)
            Measured |F| with the phases of the answer.
        """
        measured = np.isfinite(estimate.amplitude)
        phased = estimate.amplitude * np.exp(1j * np.angle(answer.f))
        hkl = estimate.hkl[measured]
        f = phased[measured]
        f_calc = answer.f[measured]
        sigma = estimate.sigma_amplitude[measured]
        if not self._has_named_setting:
            hkl, expand = in_p1(hkl, self.known.symops)
            f, f_calc, sigma = expand(f), expand(f_calc), np.abs(expand(sigma))
        write_reflections(
            self.path / "phases" / f"{name}.mtz",
            hkl,
            f,
            cell=cell,
            spacegroup=self.spacegroup,
            history=[f"measured data reindexed as {axes}"] if axes else [],
            SIGF=sigma,
            FC=f_calc,
        )
        to_frac = np.linalg.inv(cartesian_axes(self.known)).T
        frac = self.known.frac + answer.displacement @ to_frac
        base = self.known if estimate.vibrating is None else estimate.vibrating
        crystal = with_atom(base.replace(frac=frac, cell=cell), answer.further)
        write_crystal(self.path / "atoms" / f"{name}.cif", crystal, name=name)
        return hkl, f

    def write_density(
        self, name: str, hkl: HklArray, f: NDArray[Any], cell: Cell, d_min: float
    ) -> None:
        """Write maps/NAME.ccp4, the density of structure factors f (m,), in e/A^3 for x-rays."""
        shape = grid_shape(cell, self.spacegroup, d_min)
        density = map_from_structure_factors(hkl, f, shape, cell=cell, spacegroup=self.spacegroup)
        write_map(self.path / "maps" / f"{name}.ccp4", density, cell, self.spacegroup)
