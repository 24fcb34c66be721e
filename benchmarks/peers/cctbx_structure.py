"""Build the objects of cctbx: lists of Miller indices and structures in P 1."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from peers.common import peer
from workloads.common import Cell


def symmetry(cell: Cell) -> Any:
    """Return the symmetry P 1 of a cell."""
    return peer("cctbx.crystal").symmetry(unit_cell=cell, space_group_symbol="P1")


def miller_set(cell: Cell, hkl: np.ndarray, anomalous: bool) -> Any:
    """Return the reflections hkl (m, 3); `anomalous` says that Friedel mates are in the list."""
    flex = peer("cctbx.array_family.flex")
    indices = flex.miller_index([tuple(h) for h in hkl.tolist()])
    return peer("cctbx.miller").set(symmetry(cell), indices, anomalous_flag=anomalous)


def xray_structure(cell: Cell, scatterers: Iterable[dict[str, Any]]) -> Any:
    """Return a structure of scatterers, each given by the arguments of `xray.scatterer`."""
    xray = peer("cctbx.xray")
    structure = xray.structure(crystal_symmetry=symmetry(cell))
    for arguments in scatterers:
        structure.add_scatterer(xray.scatterer(**arguments))
    structure.scattering_type_registry(table="it1992")
    return structure
