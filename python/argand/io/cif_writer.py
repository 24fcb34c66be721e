"""Write a crystal structure as a CIF."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import numpy.typing as npt
from gemmi import cif

from argand.cell import FloatArray
from argand.crystal import Crystal
from argand.files import PathLike, replacing
from argand.symmetry import find_spacegroup

__all__ = [
    "add_lattice",
    "add_sites",
    "new_document",
    "with_uncertainty",
    "write_crystal",
    "write_document",
]

# The name of a data block is one word of printable ASCII.
_NOT_IN_A_NAME = re.compile(r"[^\x21-\x7e]")

# An uncertainty is written with two digits up to this number, with one beyond: 0.19 and 0.2.
_LARGEST_DIGITS = 19.5

# More decimals than these say nothing in a CIF.
_MOST_DECIMALS = 8

# Decimals of coordinates, and of U in A^2, without standard uncertainties.
_SITE_DECIMALS = 6

# B = 8 pi^2 U
_B_PER_U = 8.0 * np.pi**2

_LENGTHS = ("a", "b", "c")
_ANGLES = ("alpha", "beta", "gamma")
_SITE_COLUMNS = [
    "label",
    "type_symbol",
    "fract_x",
    "fract_y",
    "fract_z",
    "occupancy",
    "U_iso_or_equiv",
    "adp_type",
]
# Columns that tell whether a position was calculated, and how it was refined.
_REFINEMENT_COLUMNS = ["calc_flag", "refinement_flags_posn"]

_TENSOR_COLUMNS = ["label", "U_11", "U_22", "U_33", "U_12", "U_13", "U_23"]


def write_crystal(path: PathLike, crystal: Crystal, name: str = "argand") -> None:
    """Write a crystal as a CIF that `read_crystal` reads back, complete or not at all.

    Parameters
    ----------
    path
        File to write.
    crystal
        Structure; a label that several sites have gets a number.
    name
        Name of the data block; what CIF does not allow in it, such as a space, becomes "_".

    Raises
    ------
    ArgandError
        Names the file that cannot be written.
    """
    document, block = new_document(name)
    add_lattice(block, crystal)
    add_sites(block, crystal)
    write_document(path, document)


def new_document(name: str) -> tuple[cif.Document, cif.Block]:
    """Make a CIF with one empty data block; what is not allowed in its name becomes "_"."""
    document = cif.Document()
    return document, document.add_new_block(_NOT_IN_A_NAME.sub("_", name) or "argand")


def write_document(path: PathLike, document: cif.Document) -> None:
    """Write a CIF, complete or not at all.

    Raises
    ------
    ArgandError
        Names the file that cannot be written.
    """
    with replacing(path) as temporary:
        # gemmi's own writer says nothing when the disk is full.
        Path(temporary).write_bytes(document.as_string().encode())


def add_sites(
    block: cif.Block,
    crystal: Crystal,
    sigma: FloatArray | None = None,
    riding: npt.NDArray[np.bool_] | None = None,
) -> list[str]:
    """Add the sites of a crystal, and their displacement tensors, to a data block.

    Parameters
    ----------
    block
        Data block to add to.
    crystal
        Structure.
    sigma : (n, 10)
        Standard uncertainties of x y z, U 11 22 33 12 13 23 and the equivalent U; 0 where there is
        none.
    riding : (n,) bool
        Sites whose positions were calculated, not refined.

    Returns
    -------
    list of str
        The labels of the sites as they stand in the file.
    """
    labels = [cif.quote(label) for label in _distinct(crystal.labels)]
    tensors = crystal.u_aniso
    if tensors is None:
        tensors = np.full((len(labels), 6), np.nan)
    columns = _SITE_COLUMNS if riding is None else [*_SITE_COLUMNS, *_REFINEMENT_COLUMNS]
    sites = block.init_loop("_atom_site_", columns)
    errors = np.zeros((len(labels), 10)) if sigma is None else sigma
    for row, label in enumerate(labels):
        position: list[str] = []
        for coordinate, error in zip(crystal.frac[row], errors[row, :3], strict=True):
            position.append(with_uncertainty(coordinate, error, _SITE_DECIMALS))
        u_iso = with_uncertainty(crystal.b_iso[row] / _B_PER_U, errors[row, 9], _SITE_DECIMALS)
        kind = "Uiso" if np.isnan(tensors[row, 0]) else "Uani"
        words = [label, crystal.types[row], *position, f"{crystal.occ[row]:.6f}", u_iso, kind]
        if riding is not None:
            words += ["calc", "R"] if riding[row] else ["d", "."]
        sites.add_row(words)
    if np.isnan(tensors).all():
        return labels
    rows = block.init_loop("_atom_site_aniso_", _TENSOR_COLUMNS)
    for label, tensor, of_tensor in zip(labels, tensors, errors[:, 3:9], strict=True):
        if np.isnan(tensor[0]):
            continue
        row_words = [label]
        for component, error in zip(tensor, of_tensor, strict=True):
            row_words.append(with_uncertainty(component, error, _SITE_DECIMALS))
        rows.add_row(row_words)
    return labels


def with_uncertainty(value: float, sigma: float, decimals: int) -> str:
    """Write a number with its standard uncertainty in parentheses: 1.5234 and .0031 are 1.523(3).

    The uncertainty has one digit, or two where it begins with 1. Without one, which 0 and NaN
    stand for, the number has so many decimals.
    """
    if not (np.isfinite(sigma) and sigma > 0.0):
        return f"{value:.{decimals}f}"
    places = int(np.floor(-np.log10(sigma / _LARGEST_DIGITS)))
    places = min(max(places, 0), _MOST_DECIMALS)
    digits = round(sigma * 10**places)
    if digits == 0:
        return f"{value:.{decimals}f}"
    return f"{value:.{places}f}({digits})"


def add_lattice(block: cif.Block, crystal: Crystal) -> None:
    """Add the unit cell, the name of the space group if it has one, and its operations."""
    for axis, length in zip(_LENGTHS, crystal.cell[:3], strict=True):
        # Five decimals, or six digits in cells so large that five decimals would be too long.
        text = f"{length:.6g}" if length >= 1000 else f"{length:.5f}"
        block.set_pair(f"_cell_length_{axis}", text)
    for angle, degrees in zip(_ANGLES, crystal.cell[3:], strict=True):
        block.set_pair(f"_cell_angle_{angle}", f"{degrees:.5f}")
    if find_spacegroup(crystal.spacegroup) is not None:
        block.set_pair("_space_group_name_H-M_alt", cif.quote(crystal.spacegroup))
    symmetry = block.init_loop("_space_group_symop_", ["operation_xyz"])
    for operation in crystal.symops:
        symmetry.add_row([cif.quote(operation)])


def _distinct(labels: tuple[str, ...]) -> list[str]:
    """Number the labels that several sites have, so that all are different."""
    distinct: list[str] = []
    counts: dict[str, int] = {}
    original = set(labels)
    for label in labels:
        counts[label] = counts.get(label, 0) + 1
        name = label
        while counts[label] > 1 and (name in original or name in distinct):
            name = f"{label}_{counts[label]}"
            counts[label] += 1
        distinct.append(name)
    return distinct
