"""One tiny crystal: the peers with the least to do in a call."""

from __future__ import annotations

from typing import Any

import gemmi
import numpy as np

from contender import Contender, Run, contends
from peers.common import EXACT
from workloads import OneCrystal


@contends(
    "numpy, dense",
    "form factors given: one exponential of every atom and reflection",
    tolerance=EXACT,
)
def numpy_dense(work: OneCrystal, precision: str) -> Run:
    hkl = work.hkl.T.astype(np.float64)
    squares = np.stack(
        [hkl[i] * hkl[j] for i, j in ((0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2))]
    )
    squares[3:] *= 2

    def run() -> Any:
        return (work.f0 * np.exp(2j * np.pi * (work.frac @ hkl) - work.beta @ squares)).sum(axis=0)

    return run


@contends(
    "gemmi", "one reflection a Python call, form factors anew in each", tolerance={"float64": 2e-7}
)
def gemmi_calculator(work: OneCrystal, precision: str) -> Run:
    structure = gemmi.SmallStructure()
    structure.cell = gemmi.UnitCell(*work.cell)
    structure.spacegroup_hm = "P 1"
    for kind, xyz in zip(work.types, work.frac, strict=True):
        site = gemmi.SmallStructure.Site()
        site.element, site.fract, site.u_iso = (
            gemmi.Element(kind),
            gemmi.Fractional(*xyz),
            work.b_iso / (8 * np.pi**2),
        )
        structure.add_site(site)
    structure.setup_cell_images()
    f = gemmi.StructureFactorCalculatorX(structure.cell).calculate_sf_from_small_structure
    hkl = work.hkl.tolist()
    return lambda: np.array([f(structure, h) for h in hkl])


PEERS: tuple[Contender, ...] = (numpy_dense, gemmi_calculator)
