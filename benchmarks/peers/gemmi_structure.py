"""Build gemmi's small structures and sum their structure factors, one reflection a call."""

from __future__ import annotations

from collections.abc import Sequence

import gemmi
import numpy as np

from rounds import Run
from workloads.common import Cell, Floats


def small_structure(
    cell: Cell,
    types: Sequence[str],
    frac: Floats,
    u_iso: Sequence[float] | Floats | None = None,
    u_aniso: Floats | None = None,
) -> gemmi.SmallStructure:
    """Build a structure in P 1.

    Parameters
    ----------
    cell, types, frac
        The cell in angstrom and degrees, n atom types, and fractional coordinates (n, 3).
    u_iso, u_aniso
        U in A^2 of each atom, (n,), or U along the reciprocal axes, (n, 6).
    """
    structure = gemmi.SmallStructure()
    structure.cell = gemmi.UnitCell(*cell)
    structure.spacegroup_hm = "P 1"
    for number, (kind, position) in enumerate(zip(types, frac, strict=True)):
        site = gemmi.SmallStructure.Site()
        site.label = f"{kind}{number}"
        site.type_symbol = kind
        site.element = gemmi.Element(kind)
        site.fract = gemmi.Fractional(*position)
        site.occ = 1.0
        if u_aniso is not None:
            site.aniso = gemmi.SMat33d(*u_aniso[number])
        elif u_iso is not None:
            site.u_iso = u_iso[number]
        structure.add_site(site)
    structure.setup_cell_images()
    return structure


def structure_factors_call(structures: Sequence[gemmi.SmallStructure], hkl: np.ndarray) -> Run:
    """Return a call for the structure factors (structures, m) of structures of one cell."""
    # The calculator refers to the cell of the structure, which must stay alive.
    calculator = gemmi.StructureFactorCalculatorX(structures[0].cell)
    reflections = hkl.tolist()

    def run() -> np.ndarray:
        f = calculator.calculate_sf_from_small_structure
        answers = []
        for structure in structures:
            answers.append([f(structure, h) for h in reflections])
        return np.array(answers)

    return run
