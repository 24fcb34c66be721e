"""CIF out."""

from __future__ import annotations

import numpy as np
from gemmi import cif

from argand.crystal import Crystal
from argand.files import PathLike, replacing
from argand.symmetry import find_spacegroup

__all__ = ["write_crystal"]

_B_PER_U = 8.0 * np.pi**2
_AXES = ("11", "22", "33", "12", "13", "23")


def write_crystal(path: PathLike, crystal: Crystal, name: str = "argand") -> None:
    """Write a crystal as a CIF that `read_crystal` reads back; labels that are met again get a number.

    The file appears when it is complete. An `ArgandError` names what cannot be written.
    """
    document = cif.Document()
    block = document.add_new_block(name)
    for tag, value in zip(("length_a", "length_b", "length_c"), crystal.cell[:3], strict=True):
        block.set_pair(f"_cell_{tag}", f"{value:.6g}" if value >= 1000 else f"{value:.5f}")
    for tag, value in zip(("alpha", "beta", "gamma"), crystal.cell[3:], strict=True):
        block.set_pair(f"_cell_angle_{tag}", f"{value:.5f}")
    if find_spacegroup(crystal.spacegroup) is not None:
        block.set_pair("_space_group_name_H-M_alt", cif.quote(crystal.spacegroup))
    symmetry = block.init_loop("_space_group_symop_", ["operation_xyz"])
    for operation in crystal.symops:
        symmetry.add_row([cif.quote(operation)])
    labels = _unique(crystal.labels)
    u_aniso = np.full((len(labels), 6), np.nan) if crystal.u_aniso is None else crystal.u_aniso
    sites = block.init_loop(
        "_atom_site_",
        [
            "label",
            "type_symbol",
            "fract_x",
            "fract_y",
            "fract_z",
            "occupancy",
            "U_iso_or_equiv",
            "adp_type",
        ],
    )
    for i, label in enumerate(labels):
        numbers = [*crystal.frac[i], crystal.occ[i], crystal.b_iso[i] / _B_PER_U]
        kind = "Uiso" if np.isnan(u_aniso[i, 0]) else "Uani"
        sites.add_row(
            [cif.quote(label), crystal.types[i], *(f"{number:.6f}" for number in numbers), kind]
        )
    if not np.isnan(u_aniso).all():
        rows = block.init_loop("_atom_site_aniso_", ["label", *(f"U_{axes}" for axes in _AXES)])
        for label, u in zip(labels, u_aniso, strict=True):
            if not np.isnan(u[0]):
                rows.add_row([cif.quote(label), *(f"{number:.6f}" for number in u)])
    with replacing(path) as temporary:
        document.write_file(temporary)


def _unique(labels: tuple[str, ...]) -> list[str]:
    seen: dict[str, int] = {}
    out: list[str] = []
    taken = set(labels)
    for label in labels:
        seen[label] = seen.get(label, 0) + 1
        name = label
        while seen[label] > 1 and (name in taken or name in out):
            name = f"{label}_{seen[label]}"
            seen[label] += 1
        out.append(name)
    return out
