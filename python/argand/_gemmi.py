"""Between Crystal and gemmi's SmallStructure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gemmi
import numpy as np

from argand.atom_types import AtomType, atom_type
from argand.symmetry import named_spacegroup

if TYPE_CHECKING:
    from argand.crystal import Crystal

__all__ = ["fields", "small_structure"]

_B_PER_U = 8.0 * np.pi**2


def small_structure(crystal: Crystal) -> gemmi.SmallStructure:
    """The sites of a crystal with their chemical occupancies, and its symmetry set up."""
    small = gemmi.SmallStructure()
    small.spacegroup = named_spacegroup(crystal.spacegroup)
    small.spacegroup_hm = crystal.spacegroup
    small.cell = gemmi.UnitCell(*crystal.cell)
    small.symops = list(crystal.symops)
    for i, symbol in enumerate(crystal.types):
        element, charge = atom_type(symbol)
        site = gemmi.SmallStructure.Site()
        site.label, site.type_symbol = crystal.labels[i], symbol
        site.element, site.charge = gemmi.Element(element), charge
        site.fract = gemmi.Fractional(*crystal.frac[i])
        site.occ = crystal.occ[i]
        site.u_iso = crystal.b_iso[i] / _B_PER_U
        if crystal.u_aniso is not None and not np.isnan(crystal.u_aniso[i, 0]):
            site.aniso = gemmi.SMat33d(*crystal.u_aniso[i])
        small.add_site(site)
    small.setup_cell_images()
    return small


def fields(small: gemmi.SmallStructure) -> dict[str, Any]:
    """The arguments of Crystal for a SmallStructure as read from a file."""
    sites = list(small.sites)
    u_aniso = np.array([site.aniso.elements_pdb() for site in sites]).reshape(-1, 6)
    u_aniso[~u_aniso.any(axis=1)] = np.nan  # gemmi's sites without are all 0
    return {
        "cell": small.cell.parameters,
        "spacegroup": small.spacegroup.xhm() if small.spacegroup else "P 1",
        "symops": () if small.spacegroup else tuple(small.symops),
        "types": tuple(AtomType(site.element.name, site.charge).symbol for site in sites),
        "labels": tuple(site.label for site in sites),
        "frac": np.array([site.fract.tolist() for site in sites]).reshape(-1, 3),
        "occ": np.array([site.occ for site in sites]),
        "b_iso": np.array([site.u_iso for site in sites]) * _B_PER_U,
        "u_aniso": None if np.isnan(u_aniso).all() else u_aniso,
    }
