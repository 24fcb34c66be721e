"""Make CIFs of strings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import argand

Read = Callable[..., argand.Crystal]

HEAD = """data_test
_cell_length_a 5.0(1)
_cell_length_b 6.00
_cell_length_c 7.
_cell_angle_alpha 90
_cell_angle_beta 100.5(2)
_cell_angle_gamma 90
"""
GROUP = "_space_group_name_H-M_alt 'P 1 21/c 1'\n"


def loop(tags: str, *rows: str) -> str:
    return "\n".join(["loop_", *tags.split(), *rows, ""])


def sites(*rows: str, extra: str = "") -> str:
    names = ["label", "type_symbol", "fract_x", "fract_y", "fract_z", *extra.split()]
    return loop(" ".join(f"_atom_site_{name}" for name in names), *rows)


ONE = sites("C1 C 0.1 0.2 0.3")

B_PER_U = 78.95683520871486  # 8 pi^2
OPS = "_space_group_symop_operation_xyz"
_AXES = ("11", "22", "33", "12", "13", "23")


def aniso(*rows: str, letter: str = "U") -> str:
    return loop(
        "_atom_site_aniso_label " + " ".join(f"_atom_site_aniso_{letter}_{axes}" for axes in _AXES),
        *rows,
    )


def reader(folder: Path) -> Read:
    """Return a function that reads a crystal from the text of its CIF."""

    def read(text: str, encoding: str = "utf-8", block: str | None = None) -> argand.Crystal:
        path = folder / "test.cif"
        path.write_bytes(text.encode(encoding))
        return argand.read_crystal(path, block=block)

    return read
