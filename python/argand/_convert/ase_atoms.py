"""Convert between the fields of a Crystal and ase.Atoms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from argand._convert.axes import cell_of_axes, check_volume, standard_axes
from argand.atom_types import atom_type
from argand.cell import Cell, FloatArray
from argand.errors import ArgandError

if TYPE_CHECKING:
    import ase

__all__ = ["atoms_of_fields", "fields_of_atoms"]

# Mass of a hydrogen, in atomic units, above which it is deuterium.
_LIGHTEST_DEUTERIUM = 1.5

# Names of arrays of Atoms that hold what ASE has no name for.
_TYPE, _LABEL, _OCC, _B_ISO, _U_ANISO = "atom_type", "label", "occ", "b_iso", "u_aniso"


def fields_of_atoms(atoms: ase.Atoms) -> dict[str, Any]:
    """Return the arguments of Crystal, in P 1, for Atoms.

    Arrays "occ", "b_iso", "u_aniso", "atom_type" and "label" are taken where Atoms has them; else
    the mixed sites that ASE reads from a CIF (`info["occupancy"]`). A hydrogen of mass 2 is
    deuterium.

    Raises
    ------
    ArgandError
        The atoms are not periodic in three directions, or one has no element.
    """
    if not all(atoms.pbc):
        raise ArgandError(f"atoms is periodic along {list(atoms.pbc)}, needs a crystal")
    axes = np.asarray(atoms.cell)
    check_volume(axes, "atoms")
    cell, frac = cell_of_axes(axes, atoms.get_scaled_positions(wrap=False))
    types = _types(atoms)
    n = len(types)
    labels = [str(label) for label in atoms.arrays.get(_LABEL, types)]
    fields: dict[str, Any] = {
        "cell": cell,
        "types": tuple(types),
        "labels": tuple(labels),
        "frac": frac,
        "occ": np.asarray(atoms.arrays.get(_OCC, np.ones(n)), np.float64),
        "b_iso": np.asarray(atoms.arrays.get(_B_ISO, np.zeros(n)), np.float64),
        "u_aniso": None,
    }
    if _U_ANISO in atoms.arrays:
        u_aniso = np.asarray(atoms.arrays[_U_ANISO], np.float64)
        fields["u_aniso"] = None if np.isnan(u_aniso).all() else u_aniso
    shares = atoms.info.get("occupancy")
    if shares and _OCC not in atoms.arrays:
        return _with_mixed_sites(fields, atoms, shares)
    return fields


def atoms_of_fields(
    *,
    cell: Cell,
    types: tuple[str, ...],
    labels: tuple[str, ...],
    frac: FloatArray,
    occ: FloatArray,
    b_iso: FloatArray,
    u_aniso: FloatArray | None,
) -> ase.Atoms:
    """Make ase.Atoms of the fields of a Crystal in P 1, with what ASE has no name for as arrays."""
    import ase

    kinds = [atom_type(symbol) for symbol in types]
    atoms = ase.Atoms(
        symbols=["H" if kind.element == "D" else kind.element for kind in kinds],
        scaled_positions=frac,
        cell=standard_axes(cell),
        pbc=True,
    )
    masses = atoms.get_masses()
    for row, kind in enumerate(kinds):
        if kind.element == "D":
            masses[row] = 2.014
        elif kind.mass_number:
            masses[row] = kind.mass_number
    atoms.set_masses(masses)
    atoms.set_array(_TYPE, np.array(types, dtype=object).astype(str))
    atoms.set_array(_LABEL, np.array(labels, dtype=object).astype(str))
    atoms.set_array(_OCC, occ.copy())
    atoms.set_array(_B_ISO, b_iso.copy())
    if u_aniso is not None:
        atoms.set_array(_U_ANISO, u_aniso.copy())
    return atoms


def _types(atoms: ase.Atoms) -> list[str]:
    """Return the atom type of each atom; a stated type of another element than the atom is old."""
    symbols = atoms.get_chemical_symbols()
    masses = atoms.get_masses()
    stated = atoms.arrays.get(_TYPE)
    types: list[str] = []
    for row, symbol in enumerate(symbols):
        kind = symbol
        if symbol == "H" and masses[row] > _LIGHTEST_DEUTERIUM:
            kind = "D"
        if stated is not None:
            named = atom_type(str(stated[row]))
            if symbol in (named.element, "H" if named.element == "D" else ""):
                kind = named.symbol
        try:
            types.append(atom_type(kind).symbol)
        except ArgandError:
            raise ArgandError(f"atom {row} of atoms is {symbol!r}, needs an element") from None
    return types


def _with_mixed_sites(
    fields: dict[str, Any], atoms: ase.Atoms, shares: dict[Any, dict[str, float]]
) -> dict[str, Any]:
    """Return fields in which a mixed site has a row for each of its elements.

    Parameters
    ----------
    fields
        Arguments of Crystal.
    atoms
        Atoms with the array "spacegroup_kinds", which says to which site an atom belongs.
    shares
        Occupancy of each element, by the number of the site.
    """
    kinds = atoms.arrays.get("spacegroup_kinds")
    if kinds is None:
        raise ArgandError("atoms states occupancies without the array spacegroup_kinds")
    rows: list[int] = []
    types: list[str] = []
    occ: list[float] = []
    for row, kind in enumerate(kinds.tolist()):
        shares_of_site = shares.get(str(kind), shares.get(kind))
        for symbol, share in (shares_of_site or {fields["types"][row]: 1.0}).items():
            rows.append(row)
            types.append(atom_type(symbol).symbol)
            occ.append(float(share))
    u_aniso = fields["u_aniso"]
    return {
        "cell": fields["cell"],
        "types": tuple(types),
        "labels": tuple(types),
        "frac": fields["frac"][rows],
        "occ": np.array(occ),
        "b_iso": fields["b_iso"][rows],
        "u_aniso": None if u_aniso is None else u_aniso[rows],
    }
