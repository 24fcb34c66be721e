"""Convert between the fields of a Crystal and gemmi's SmallStructure."""

from __future__ import annotations

import re
from typing import Any

import gemmi
import numpy as np

from argand.atom_types import AtomType, atom_type
from argand.cell import Cell, FloatArray
from argand.errors import ArgandError
from argand.symmetry import named_spacegroup

__all__ = ["fields", "small_structure"]

_B_PER_U = 8.0 * np.pi**2

# Mass number at the beginning of a type symbol: '7Li'.
_ISOTOPE = re.compile(r"\d+")


def small_structure(
    *,
    cell: Cell,
    spacegroup: str,
    symops: tuple[str, ...],
    types: tuple[str, ...],
    labels: tuple[str, ...],
    frac: FloatArray,
    occ: FloatArray,
    b_iso: FloatArray,
    u_aniso: FloatArray | None,
) -> gemmi.SmallStructure:
    """Make a SmallStructure of the fields of a Crystal: chemical occupancies, symmetry set up."""
    small = gemmi.SmallStructure()
    small.spacegroup = named_spacegroup(spacegroup)
    small.spacegroup_hm = spacegroup
    small.cell = gemmi.UnitCell(*cell)
    small.symops = list(symops)
    for i, symbol in enumerate(types):
        element, charge, _ = atom_type(symbol)
        site = gemmi.SmallStructure.Site()
        site.label = labels[i]
        site.type_symbol = symbol
        site.element = gemmi.Element(element)
        site.charge = charge
        site.fract = gemmi.Fractional(*frac[i])
        site.occ = occ[i]
        site.u_iso = b_iso[i] / _B_PER_U
        if u_aniso is not None and not np.isnan(u_aniso[i, 0]):
            site.aniso = gemmi.SMat33d(*u_aniso[i])
        small.add_site(site)
    small.setup_cell_images()
    return small


def fields(small: gemmi.SmallStructure) -> dict[str, Any]:
    """Return the arguments of Crystal for a SmallStructure as read from a file."""
    sites = list(small.sites)
    u_aniso = np.array([site.aniso.elements_pdb() for site in sites]).reshape(-1, 6)
    # gemmi writes a tensor of zeros where a site has none.
    u_aniso[~u_aniso.any(axis=1)] = np.nan
    types = [_type_of(site) for site in sites]
    frac = np.array([site.fract.tolist() for site in sites]).reshape(-1, 3)
    b_iso = np.array([site.u_iso for site in sites]) * _B_PER_U
    return {
        "cell": small.cell.parameters,
        "spacegroup": small.spacegroup.xhm() if small.spacegroup else "P 1",
        "symops": () if small.spacegroup else tuple(small.symops),
        "types": tuple(types),
        "labels": tuple(site.label for site in sites),
        "frac": frac,
        "occ": np.array([site.occ for site in sites]),
        "b_iso": b_iso,
        "u_aniso": None if np.isnan(u_aniso).all() else u_aniso,
    }


def _type_of(site: gemmi.SmallStructure.Site) -> str:
    """Return the atom type of gemmi's site; gemmi keeps an isotope in the type symbol alone."""
    isotope = _ISOTOPE.match(site.type_symbol)
    mass_number = int(isotope[0]) if isotope else 0
    try:
        return atom_type(AtomType(site.element.name, site.charge, mass_number).symbol).symbol
    except ArgandError:
        return AtomType(site.element.name, site.charge).symbol
