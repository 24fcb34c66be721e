"""Read the atom sites of a CIF: elements, positions and occupancies."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import numpy.typing as npt

from argand.cell import Cell, FloatArray
from argand.crystal import Crystal
from argand.errors import ArgandError
from argand.io.cif_block import Block
from argand.io.cif_displacements import read_displacements
from argand.io.cif_site_columns import site_numbers, site_texts
from argand.io.labels import isotope_of, read_symbol, read_type
from argand.io.stated_scattering import scattering_notes
from argand.site_ranges import site_names

__all__ = ["FRACT_X", "read_sites"]

FRACT_X = "_atom_site_fract_x"

# Beginnings of tags that change F and have no use here, and what they describe.
_UNUSED = {
    "_atom_site_anharm": "anharmonic displacements (Gram-Charlier) are ignored",
    "_smtbx_masks": "a solvent mask: what it stands for is not among the sites",
    "_platon_squeeze": "a solvent mask (SQUEEZE): what it stands for is not among the sites",
    "_shelx_fab_file": "a partial structure (.fab) was added to F: it is not among the sites",
    "_atom_rho_multipole": "aspherical atoms (multipoles) were refined: spherical ones are used",
    "_atom_site_anisotrop_": "displacements of mmCIF (_atom_site_anisotrop) are ignored",
    "_atom_local_axes": "aspherical atoms (multipoles) were refined: spherical ones are used",
}

# Rounding lets the occupancies of a shared site add up to a little more than 1.
_OCCUPANCY_ROUNDING = 0.001


def read_sites(
    block: Block, cell: Cell, symops: tuple[str, ...], formula: Collection[str] | None
) -> tuple[Crystal, npt.NDArray[np.intp], int]:
    """Read the sites of a data block into a crystal; dummies are left out, with a note.

    Returns the crystal, the rows of its sites in the loop of sites, and the length of that loop.

    Parameters
    ----------
    block
        Data block that has atom sites.
    cell, symops
        Unit cell in angstrom and degrees, and the symmetry operations as triplets.
    formula
        Elements of the compound, which decide what a label means; None when not known.

    Raises
    ------
    ArgandError
        Names the file and the site or the column that cannot be used.
    """
    frac = _positions(block)
    n = len(frac)
    _note_unused(block)
    labels = site_texts(block, n, "_atom_site_label")
    symbols = site_texts(block, n, "_atom_site_type_symbol")
    dummy = np.isnan(frac).any(axis=1) | _flagged_as_dummy(block, n)
    b_iso, u_aniso = read_displacements(block, labels, cell)
    if dummy.any():
        names = site_names(labels, dummy)
        block.note(f"sites without coordinates, or marked as dummies, are left out: {names}")
    atoms = np.flatnonzero(~dummy)
    if not len(atoms):
        raise block.error("no atom site has coordinates")
    occupancy = _occupancies(block, labels, ~dummy)
    atom_symbols = [symbols[row] for row in atoms]
    types = _types(block, atom_symbols, [labels[row] for row in atoms], formula)
    atom_labels = [labels[row] or symbols[row] for row in atoms]
    anisotropic = u_aniso[atoms]
    try:
        crystal = Crystal(
            cell=cell,
            symops=symops,
            labels=tuple(atom_labels),
            types=types,
            frac=frac[atoms],
            occ=occupancy[atoms],
            b_iso=b_iso[atoms],
            u_aniso=None if np.isnan(anisotropic).all() else anisotropic,
        )
    except ArgandError as error:
        raise block.error(str(error)) from None
    for note in scattering_notes(block, crystal.types):
        block.note(note)
    return crystal, atoms, n


def _note_unused(block: Block) -> None:
    """Note what a data block states that changes F, and that is not used."""
    notes = {note for prefix, note in _UNUSED.items() if block.states(prefix)}
    for note in sorted(notes):
        block.note(note)
    instructions = block.instructions
    if block.states("_twin_individual") and (instructions is None or instructions.twin is None):
        block.note("a twin: its domains are not read from the items of the CIF")
    attached = block.numbers("_atom_site_attached_hydrogens")
    count = 0.0 if attached is None else float(np.nansum(np.maximum(attached, 0.0)))
    if count > 0.0:
        block.note(f"{count:g} attached hydrogens have no sites: they are not part of F")


def _positions(block: Block) -> FloatArray:
    """Read fractional coordinates (n, 3), NaN where null."""
    columns: list[FloatArray] = []
    for axis in "xyz":
        column = block.numbers(f"_atom_site_fract_{axis}")
        if column is None:
            raise block.error("atom sites have no fractional coordinates")
        if columns and len(column) != len(columns[0]):
            raise block.error(
                f"_atom_site_fract_{axis} has {len(column)} values, _atom_site_fract_x has "
                f"{len(columns[0])}"
            )
        columns.append(column)
    return np.stack(columns, axis=1)


def _flagged_as_dummy(block: Block, n: int) -> npt.NDArray[np.bool_]:
    """Tell which of n sites the file flags as dummies."""
    flags = site_texts(block, n, "_atom_site_calc_flag", "_atom_site_calc_flags")
    return np.array([flag.lower().startswith("dum") for flag in flags], dtype=bool)


def _occupancies(block: Block, labels: list[str], is_atom: npt.NDArray[np.bool_]) -> FloatArray:
    """Read occupancies (n,), 1 where the file states none, and check those of atoms."""
    stated = site_numbers(block, len(is_atom), "_atom_site_occupancy")
    if stated is None:
        return np.ones(len(is_atom))
    occupancy: FloatArray = np.where(np.isnan(stated), 1.0, stated)
    negative = is_atom & (occupancy < 0)
    if negative.any():
        raise block.error(f"negative occupancy: {site_names(labels, negative)}")
    above_one = is_atom & (occupancy > 1.0 + _OCCUPANCY_ROUNDING)
    if above_one.any():
        block.note(f"occupancy above 1: {site_names(labels, above_one)}")
    return occupancy


def _types(
    block: Block, symbols: list[str], labels: list[str], formula: Collection[str] | None
) -> tuple[str, ...]:
    """Read the type of each site from its type symbol, which is taken literally, or its label."""
    types: list[str] = []
    label_by_foreign_element: dict[str, str] = {}
    elements = {isotope_of(element) for element in formula or ()}
    for symbol, label in zip(symbols, labels, strict=True):
        names_type = any(letter.isalpha() for letter in symbol)
        kind = read_symbol(symbol) if names_type else read_type(label, formula)
        if kind is None and names_type:
            raise block.error(
                f"site {label!r} has the type symbol {symbol!r}, "
                "needs one element, an ion such as 'O2-', or an isotope such as '7Li'"
            )
        if kind is None:
            raise block.error(f"no chemical element can be read from the label {label!r}")
        if formula and isotope_of(kind.element) not in elements:
            label_by_foreign_element.setdefault(kind.element, label or symbol)
        types.append(kind.symbol)
    stated = " ".join(formula or ())
    for element, label in label_by_foreign_element.items():
        block.note(f"site {label} is read as {element}, which is not in the formula ({stated})")
    return tuple(types)
