"""Convert between the fields of a Crystal and pymatgen.core.Structure."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from argand._convert.axes import cell_of_axes, check_volume, standard_axes
from argand.atom_types import AtomType, atom_type
from argand.cell import Cell, FloatArray
from argand.errors import ArgandError, ArgandWarning

if TYPE_CHECKING:
    from pymatgen.core import Structure

__all__ = ["fields_of_structure", "structure_of_fields"]

# Sites whose positions agree to this, fractional, share one place.
_SAME_PLACE = 1e-6

# Occupancies of a place that exceed 1 by less are 1.
_ROUNDING = 1e-8


def fields_of_structure(structure: Structure) -> dict[str, Any]:
    """Return the arguments of Crystal, in P 1, for a Structure.

    A disordered site has a row for each of its species. Oxidation states are charges of ions. The
    site properties "b_iso" (A^2) and "u_aniso" (six numbers in A^2, or None) are displacements.

    Raises
    ------
    ArgandError
        The structure is not periodic in three directions, or a species is no element.
    """
    lattice = structure.lattice
    if not all(lattice.pbc):
        raise ArgandError(f"structure is periodic along {list(lattice.pbc)}, needs a crystal")
    check_volume(lattice.matrix, "structure")
    cell, frac = cell_of_axes(lattice.matrix, structure.frac_coords)
    rows: list[int] = []
    types: list[str] = []
    labels: list[str] = []
    occ: list[float] = []
    b_iso: list[float] = []
    u_aniso: list[Any] = []
    for row, site in enumerate(structure):
        for species, share in site.species.items():
            rows.append(row)
            types.append(_type_of(species, row))
            labels.append(str(site.label))
            occ.append(float(share))
            b_iso.append(float(site.properties.get("b_iso") or 0.0))
            tensor = site.properties.get("u_aniso")
            u_aniso.append([np.nan] * 6 if tensor is None else tensor)
    tensors = np.array(u_aniso, np.float64).reshape(-1, 6)
    return {
        "cell": cell,
        "types": tuple(types),
        "labels": tuple(labels),
        "frac": frac[rows],
        "occ": np.array(occ),
        "b_iso": np.array(b_iso),
        "u_aniso": None if np.isnan(tensors).all() else tensors,
    }


def structure_of_fields(
    *,
    cell: Cell,
    types: tuple[str, ...],
    labels: tuple[str, ...],
    frac: FloatArray,
    occ: FloatArray,
    b_iso: FloatArray,
    u_aniso: FloatArray | None,
) -> Structure:
    """Make a Structure of the fields of a Crystal in P 1.

    Sites at one place with one displacement become a disordered site.

    Raises
    ------
    ArgandError
        An isotope other than deuterium, or a site with an occupancy above 1.
    """
    from pymatgen.core import Lattice, Structure

    species_of_place: list[dict[Any, float]] = []
    first_rows: list[int] = []
    row_of_key: dict[tuple[Any, ...], int] = {}
    for row, symbol in enumerate(types):
        if occ[row] > 1.0 + _ROUNDING:
            raise ArgandError(f"site {labels[row]} has occupancy {occ[row]:g}, needs up to 1")
        species = _species_of(symbol)
        place = np.rint(frac[row] / _SAME_PLACE) % round(1.0 / _SAME_PLACE)
        tensor = () if u_aniso is None else tuple(np.nan_to_num(u_aniso[row], nan=-1.0).tolist())
        key = (*place.tolist(), float(b_iso[row]), tensor)
        known = row_of_key.get(key)
        if known is not None:
            shares = species_of_place[known]
            is_full = sum(shares.values()) + occ[row] > 1.0 + _ROUNDING
            if species not in shares and not is_full:
                shares[species] = float(occ[row])
                continue
        row_of_key[key] = len(first_rows)
        first_rows.append(row)
        species_of_place.append({species: min(float(occ[row]), 1.0)})
    tensors: list[Any] = [None] * len(first_rows)
    if u_aniso is not None:
        for number, row in enumerate(first_rows):
            if not np.isnan(u_aniso[row, 0]):
                tensors[number] = u_aniso[row].tolist()
    return Structure(
        Lattice(standard_axes(cell)),
        species_of_place,
        frac[first_rows],
        site_properties={"b_iso": b_iso[first_rows].tolist(), "u_aniso": tensors},
        labels=[labels[row] for row in first_rows],
    )


def _type_of(species: Any, row: int) -> str:
    """Return the atom type of a pymatgen Element or Species."""
    element = getattr(species, "element", species)
    name = getattr(element, "name", str(element))
    state = getattr(species, "oxi_state", None) if element is not species else None
    charge = 0 if state is None else round(float(state))
    if state is not None and charge != state:
        message = f"{species}: no ion has this charge, neutral {name} is used"
        warnings.warn(message, ArgandWarning, stacklevel=4)
        charge = 0
    try:
        return atom_type(AtomType(name, charge).symbol).symbol
    except ArgandError:
        raise ArgandError(f"site {row} of structure is {species}, needs an element") from None


def _species_of(symbol: str) -> Any:
    """Return the pymatgen Element or Species of an atom type."""
    from pymatgen.core import Element, Species

    element, charge, mass_number = atom_type(symbol)
    if mass_number:
        raise ArgandError(f"atom type {symbol!r} is an isotope, which pymatgen does not know")
    if charge == 0:
        return Element(element)
    return Species(element, charge)
