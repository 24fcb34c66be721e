"""Read the displacement parameters of the sites of a CIF: U, B or beta, isotropic or a tensor."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from argand.cell import Cell, FloatArray, u_aniso_from_beta
from argand.errors import ArgandError
from argand.io.cif_block import NULL_VALUES, Block
from argand.io.cif_site_columns import site_numbers, site_texts
from argand.site_ranges import site_names

__all__ = ["read_displacements"]

# Order of the six components in the columns and in `Crystal.u_aniso`.
_AXES = ("11", "22", "33", "12", "13", "23")

# Occupancy 0 in an atom line, refined or fixed.
_NO_OCCUPANCY = ("0", "0.0", "0.00000", "10", "10.0", "10.00000")

# B = 8 pi^2 U
_B_PER_U = 8.0 * np.pi**2

# B and U of one site may differ by the rounding of U, as a share of B.
_B_TOLERANCE_SHARE = 0.02

# B and U of one site may differ by the rounding of B, in A^2.
_B_TOLERANCE = 0.05


def read_displacements(
    block: Block, labels: Sequence[str], cell: Cell
) -> tuple[FloatArray, FloatArray]:
    """Read B (n,) and U (n, 6) in A^2 of n sites; rows of U are NaN for isotropic sites.

    The type of a site ('Uani', 'Biso', ...) decides whether it moves isotropically.

    Raises
    ------
    ArgandError
        A column has another length than the loop of sites, or holds something that is no number.
    """
    n = len(labels)
    b_iso = _isotropic(block, labels)
    u_aniso = _anisotropic(block, labels, cell)
    kinds = site_texts(block, n, "_atom_site_adp_type", "_atom_site_thermal_displace_type")
    has_tensor = ~np.isnan(u_aniso[:, 0])
    called_isotropic = np.zeros(n, dtype=bool)
    called_anisotropic = np.zeros(n, dtype=bool)
    for row, kind in enumerate(kinds):
        called_isotropic[row] = kind.lower().endswith(("iso", "ovl"))
        called_anisotropic[row] = kind.lower().endswith("ani")
    unused = has_tensor & called_isotropic
    if unused.any():
        names = site_names(labels, unused)
        block.note(f"called isotropic, so their anisotropic U is not used: {names}")
        u_aniso[called_isotropic] = np.nan
    missing = called_anisotropic & ~has_tensor
    if missing.any():
        block.note(f"called anisotropic without anisotropic U: {site_names(labels, missing)}")
    return b_iso, u_aniso


def _isotropic(block: Block, labels: Sequence[str]) -> FloatArray:
    """Read B (n,) in A^2, 0 where the file states none; U comes before B where a site has both.

    The name of a column decides whether it holds U or B, whatever the type of the site is.
    """
    n = len(labels)
    missing = np.full(n, np.nan)
    u_column = site_numbers(block, n, "_atom_site_u_iso_or_equiv")
    b_column = site_numbers(block, n, "_atom_site_b_iso_or_equiv")
    b_from_u = missing if u_column is None else u_column * _B_PER_U
    b_stated = missing if b_column is None else b_column
    tolerance = _B_TOLERANCE_SHARE * np.abs(b_from_u) + _B_TOLERANCE
    disagree = np.abs(b_stated - b_from_u) > tolerance
    if disagree.any():
        block.note(f"B and U disagree, U is used: {site_names(labels, disagree)}")
    b_iso = np.where(np.isnan(b_from_u), b_stated, b_from_u)
    return np.where(np.isnan(b_iso), 0.0, b_iso)


def _anisotropic(block: Block, labels: Sequence[str], cell: Cell) -> FloatArray:
    """Read U (n, 6) in A^2 by label, NaN without a tensor; rows that cannot be used are noted.

    Where several sites have one label, the first row belongs to the first of them, and so on.
    """
    n = len(labels)
    u_aniso = np.full((n, 6), np.nan)
    rows = _tensor_rows(block, cell)
    if rows is None:
        return u_aniso
    row_labels = block.column("_atom_site_aniso_label")
    if row_labels is None:
        if len(rows) != n:
            raise block.error(
                f"{len(rows)} rows of anisotropic displacement without labels for {n} sites"
            )
        return rows
    if len(row_labels) != len(rows):
        raise block.error(
            f"{len(rows)} rows of anisotropic displacement have {len(row_labels)} labels"
        )
    row_names = _names_of_sites(row_labels, labels)
    rows_by_name: dict[str, list[int]] = {}
    for index, name in enumerate(row_names):
        rows_by_name.setdefault(name, []).append(index)
    sites_by_name: dict[str, list[int]] = {}
    for site, label in enumerate(labels):
        sites_by_name.setdefault(label, []).append(site)
    empty_sites = _empty_sites(block)
    belongs_to_none = np.zeros(len(rows), dtype=bool)
    for index, name in enumerate(row_names):
        has_site = name in sites_by_name or name in empty_sites
        belongs_to_none[index] = not has_site and name not in NULL_VALUES
    if belongs_to_none.any():
        names = site_names(row_labels, belongs_to_none)
        block.note(f"rows of anisotropic displacement that belong to no site: {names}")
    for label, sites in sites_by_name.items():
        indices = rows_by_name.get(label, [])
        if not indices:
            continue
        if len(indices) != len(sites):
            block.note(
                f"{len(sites)} sites and {len(indices)} rows of anisotropic displacement "
                f"are called {label}"
            )
        for number, site in enumerate(sites):
            u_aniso[site] = rows[indices[min(number, len(indices) - 1)]]
    return u_aniso


def _empty_sites(block: Block) -> set[str]:
    """Return the names of atoms of occupancy 0 in the SHELX instructions of a data block.

    SHELXL writes their tensors, and leaves them out of the loop of sites.
    """
    try:
        instructions = block.instructions
    except ArgandError:
        # Complaints about the instructions belong to reading the experiment.
        return set()
    atoms = () if instructions is None else instructions.atoms
    return {words[0] for words in atoms if len(words) > 5 and words[5] in _NO_OCCUPANCY}


def _names_of_sites(row_labels: Sequence[str], labels: Sequence[str]) -> list[str]:
    """Return, for each row of the tensors, the label of its site; capitals decide only if needed.

    A row that is called FE1 belongs to the site Fe1 where no site is called FE1, and no other row
    Fe1.
    """
    exact = set(labels)
    rows_in_use = set(row_labels)
    label_by_folded: dict[str, str] = {}
    for label in labels:
        if label not in rows_in_use:
            label_by_folded.setdefault(label.strip().casefold(), label)
    names: list[str] = []
    for row_label in row_labels:
        if row_label in exact:
            names.append(row_label)
        else:
            names.append(label_by_folded.get(row_label.strip().casefold(), row_label))
    return names


def _tensor_rows(block: Block, cell: Cell) -> FloatArray | None:
    """Read the loop of U, B or beta as U (rows, 6) in A^2; NaN in rows that are not complete.

    A row takes the first of U, B and beta that it states.
    """
    u_rows = _six_columns(block, "u")
    b_rows = _six_columns(block, "b")
    beta_rows = _six_columns(block, "beta")
    if b_rows is not None:
        b_rows = b_rows * (1.0 / _B_PER_U)
    if beta_rows is not None:
        beta_rows = u_aniso_from_beta(beta_rows, cell)
    tensors: FloatArray | None = None
    for rows in (u_rows, b_rows, beta_rows):
        if rows is None:
            continue
        # Some programs write six zeros for a site without a tensor.
        rows[~np.nan_to_num(rows).any(axis=1)] = np.nan
        if tensors is None:
            tensors = rows
        elif len(rows) == len(tensors):
            is_empty = np.isnan(tensors).all(axis=1)
            tensors[is_empty] = rows[is_empty]
    if tensors is None:
        return None
    null = np.isnan(tensors)
    incomplete = np.asarray(null.any(axis=1) & ~null.all(axis=1))
    if incomplete.any():
        labels = block.column("_atom_site_aniso_label") or [""] * len(tensors)
        names = site_names(labels, incomplete)
        block.note(f"anisotropic displacement with components missing is not used: {names}")
    tensors[incomplete] = np.nan
    return tensors


def _six_columns(block: Block, letter: str) -> FloatArray | None:
    """Read the six components of U, B or beta (rows, 6) as they stand, NaN where null.

    None without any of them; a component that has no column is NaN.

    Raises
    ------
    ArgandError
        The columns have different lengths.
    """
    columns: dict[str, FloatArray] = {}
    for axes in _AXES:
        column = block.numbers(f"_atom_site_aniso_{letter}_{axes}")
        if column is not None:
            columns[axes] = column
    if not columns:
        return None
    rows = max(len(column) for column in columns.values())
    components: list[FloatArray] = []
    for axes in _AXES:
        component = columns.get(axes, np.full(rows, np.nan))
        if len(component) != rows:
            raise block.error(
                f"_atom_site_aniso_{letter}_{axes} has {len(component)} values, "
                f"needs one for each of {rows} rows"
            )
        components.append(component)
    return np.stack(components, axis=1)
