"""Read the atom sites of a CIF: elements, positions, occupancies and displacements."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

import numpy as np
import numpy.typing as npt

from argand.cell import Cell, FloatArray
from argand.crystal import Crystal
from argand.errors import ArgandError
from argand.io.cif_block import NULL_VALUES, Block
from argand.io.labels import isotope_of, read_symbol, read_type

__all__ = ["FRACT_X", "read_sites"]

FRACT_X = "_atom_site_fract_x"

# Order of the six components in the columns and in `Crystal.u_aniso`.
_AXES = ("11", "22", "33", "12", "13", "23")

# B = 8 pi^2 U
_B_PER_U = 8.0 * np.pi**2

# Rounding lets the occupancies of a shared site add up to a little more than 1.
_OCCUPANCY_ROUNDING = 0.001

# B and U of one site may differ by the rounding of U, as a share of B.
_B_TOLERANCE_SHARE = 0.02

# B and U of one site may differ by the rounding of B, in A^2.
_B_TOLERANCE = 0.05

# Names of sites in a note before the rest is only counted.
_NAMES_SHOWN = 5


def read_sites(
    block: Block, cell: Cell, symops: tuple[str, ...], formula: Collection[str] | None
) -> Crystal:
    """Read the sites of a data block into a crystal; dummies are left out, with a note.

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
    labels = _texts(block, n, "_atom_site_label")
    symbols = _texts(block, n, "_atom_site_type_symbol")
    dummy = np.isnan(frac).any(axis=1) | _flagged_as_dummy(block, n)
    b_iso, u_aniso = _displacements(block, labels, n)
    if dummy.any():
        names = _names(labels, dummy)
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
        return Crystal(
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


def _positions(block: Block) -> FloatArray:
    """Read fractional coordinates (n, 3), NaN where null."""
    columns: list[FloatArray] = []
    for axis in "xyz":
        column = block.numbers(f"_atom_site_fract_{axis}")
        if column is None:
            raise block.error("atom sites have no fractional coordinates")
        columns.append(column)
    return np.stack(columns, axis=1)


def _texts(block: Block, n: int, *tags: str) -> list[str]:
    """Read a column of n texts of the site loop; an empty string where null or absent."""
    values = block.column(*tags)
    if not values:
        return [""] * n
    return ["" if value in NULL_VALUES else value for value in values]


def _flagged_as_dummy(block: Block, n: int) -> npt.NDArray[np.bool_]:
    """Tell which of n sites the file flags as dummies."""
    flags = _texts(block, n, "_atom_site_calc_flag", "_atom_site_calc_flags")
    return np.array([flag.lower().startswith("dum") for flag in flags], dtype=bool)


def _occupancies(block: Block, labels: list[str], is_atom: npt.NDArray[np.bool_]) -> FloatArray:
    """Read occupancies (n,), 1 where the file states none, and check those of atoms."""
    stated = block.numbers("_atom_site_occupancy")
    if stated is None:
        return np.ones(len(is_atom))
    occupancy: FloatArray = np.where(np.isnan(stated), 1.0, stated)
    negative = is_atom & (occupancy < 0)
    if negative.any():
        raise block.error(f"negative occupancy: {_names(labels, negative)}")
    above_one = is_atom & (occupancy > 1.0 + _OCCUPANCY_ROUNDING)
    if above_one.any():
        block.note(f"occupancy above 1: {_names(labels, above_one)}")
    return occupancy


def _names(labels: list[str], chosen: npt.NDArray[np.bool_]) -> str:
    """List the labels of the chosen sites, the first few by name."""
    names: list[str] = []
    for label, is_chosen in zip(labels, chosen, strict=True):
        if is_chosen:
            names.append(label or "(no label)")
    shown = ", ".join(names[:_NAMES_SHOWN])
    if len(names) > _NAMES_SHOWN:
        return f"{shown} and {len(names) - _NAMES_SHOWN} more"
    return shown


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


def _displacements(block: Block, labels: list[str], n: int) -> tuple[FloatArray, FloatArray]:
    """Read B (n,) and U (n, 6) in A^2; rows of U are NaN for isotropic sites.

    The type of a site ('Uani', 'Biso', ...) decides whether it moves isotropically.
    """
    b_iso = _isotropic(block, labels, n)
    u_aniso = _anisotropic(block, labels, n)
    kinds = _texts(block, n, "_atom_site_adp_type", "_atom_site_thermal_displace_type")
    has_tensor = ~np.isnan(u_aniso[:, 0])
    called_isotropic = np.zeros(n, dtype=bool)
    called_anisotropic = np.zeros(n, dtype=bool)
    for row, kind in enumerate(kinds):
        called_isotropic[row] = kind.lower().endswith(("iso", "ovl"))
        called_anisotropic[row] = kind.lower().endswith("ani")
    unused = has_tensor & called_isotropic
    if unused.any():
        names = _names(labels, unused)
        block.note(f"called isotropic, so their anisotropic U is not used: {names}")
        u_aniso[called_isotropic] = np.nan
    missing = called_anisotropic & ~has_tensor
    if missing.any():
        block.note(f"called anisotropic without anisotropic U: {_names(labels, missing)}")
    return b_iso, u_aniso


def _isotropic(block: Block, labels: list[str], n: int) -> FloatArray:
    """Read B (n,) in A^2, 0 where the file states none; U comes before B where a site has both.

    The name of a column decides whether it holds U or B, whatever the type of the site is.
    """
    missing = np.full(n, np.nan)
    u_column = block.numbers("_atom_site_u_iso_or_equiv")
    b_column = block.numbers("_atom_site_b_iso_or_equiv")
    b_from_u = missing if u_column is None else u_column * _B_PER_U
    b_stated = missing if b_column is None else b_column
    tolerance = _B_TOLERANCE_SHARE * np.abs(b_from_u) + _B_TOLERANCE
    disagree = np.abs(b_stated - b_from_u) > tolerance
    if disagree.any():
        block.note(f"B and U disagree, U is used: {_names(labels, disagree)}")
    b_iso = np.where(np.isnan(b_from_u), b_stated, b_from_u)
    return np.where(np.isnan(b_iso), 0.0, b_iso)


def _anisotropic(block: Block, labels: list[str], n: int) -> FloatArray:
    """Read U (n, 6) in A^2 by label, NaN without a tensor.

    Where several sites have one label, the first row belongs to the first of them, and so on.
    """
    u_aniso = np.full((n, 6), np.nan)
    rows = _tensor_rows(block)
    if rows is None:
        return u_aniso
    row_labels = block.column("_atom_site_aniso_label")
    if row_labels is None:
        if len(rows) != n:
            raise block.error(
                f"{len(rows)} rows of anisotropic displacement without labels for {n} sites"
            )
        return rows
    rows_by_label: dict[str, list[int]] = {}
    for index, label in enumerate(row_labels):
        rows_by_label.setdefault(label, []).append(index)
    sites_by_label = Counter(labels)
    assigned = Counter[str]()
    for site, label in enumerate(labels):
        own_rows = rows_by_label.get(label)
        if not own_rows:
            continue
        count = sites_by_label[label]
        if len(own_rows) != count and not assigned[label]:
            block.note(
                f"{count} sites and {len(own_rows)} rows of anisotropic displacement "
                f"are called {label}"
            )
        row = own_rows[min(assigned[label], len(own_rows) - 1)]
        u_aniso[site] = rows[row]
        assigned[label] += 1
    return u_aniso


def _tensor_rows(block: Block) -> FloatArray | None:
    """Read the loop of anisotropic U, or of B as U, (rows, 6) in A^2; NaN in incomplete rows."""
    rows = _six_columns(block, "u")
    if rows is None:
        rows = _six_columns(block, "b")
        if rows is None:
            return None
        rows = rows * (1.0 / _B_PER_U)
    # Some programs write six zeros for a site without a tensor.
    rows[~np.nan_to_num(rows).any(axis=1)] = np.nan
    rows[np.isnan(rows).any(axis=1)] = np.nan
    return rows


def _six_columns(block: Block, letter: str) -> FloatArray | None:
    """Read the six components of U or B (rows, 6) as they stand; None where one is missing."""
    columns: list[FloatArray] = []
    for axes in _AXES:
        column = block.numbers(f"_atom_site_aniso_{letter}_{axes}")
        if column is not None:
            columns.append(column)
    if len(columns) < len(_AXES):
        return None
    return np.stack(columns, axis=1)
