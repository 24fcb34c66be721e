"""Write a crystal structure as a CIF."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from gemmi import cif

from argand.crystal import Crystal
from argand.files import PathLike, replacing
from argand.symmetry import find_spacegroup

__all__ = ["write_crystal"]

# The name of a data block is one word of printable ASCII.
_NOT_IN_A_NAME = re.compile(r"[^\x21-\x7e]")

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
    document = cif.Document()
    block = document.add_new_block(_NOT_IN_A_NAME.sub("_", name))
    _add_lattice(block, crystal)
    labels = [cif.quote(label) for label in _distinct(crystal.labels)]
    tensors = crystal.u_aniso
    if tensors is None:
        tensors = np.full((len(labels), 6), np.nan)
    sites = block.init_loop("_atom_site_", _SITE_COLUMNS)
    for row, label in enumerate(labels):
        u_iso = crystal.b_iso[row] / _B_PER_U
        numbers = [*crystal.frac[row], crystal.occ[row], u_iso]
        formatted = [f"{number:.6f}" for number in numbers]
        kind = "Uiso" if np.isnan(tensors[row, 0]) else "Uani"
        sites.add_row([label, crystal.types[row], *formatted, kind])
    if not np.isnan(tensors).all():
        rows = block.init_loop("_atom_site_aniso_", _TENSOR_COLUMNS)
        for label, tensor in zip(labels, tensors, strict=True):
            if np.isnan(tensor[0]):
                continue
            rows.add_row([label, *[f"{component:.6f}" for component in tensor]])
    with replacing(path) as temporary:
        # gemmi's own writer says nothing when the disk is full.
        Path(temporary).write_bytes(document.as_string().encode())


def _add_lattice(block: cif.Block, crystal: Crystal) -> None:
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
