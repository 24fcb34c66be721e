"""Texts of reflection files that several tests read."""

from __future__ import annotations

import tempfile
from pathlib import Path

import argand
from argand.io import Reflections

HEAD = """data_x
_cell_length_a 5
_cell_length_b 6
_cell_length_c 7
_symmetry_space_group_name_H-M 'P 21 21 21'
_diffrn_radiation_wavelength 0.71073
"""
LIST = "   1   0   0   34.12    0.50\n  -2-10   3    4.12    0.50\n   0   0   0    0.00    0.00\n"


def loop(stem: str, names: str, *rows: str) -> str:
    """Write a loop of CIF: tags `stem` + each of `names`, and its rows."""
    return "\n".join(["loop_", *(f"{stem}{name}" for name in names.split()), *rows, ""])


def read(content: str | bytes, name: str = "x.hkl", **options: object) -> Reflections:
    """Read reflections from a text as from a file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return argand.read_reflections(path, **options)
