"""What kind of file it is, before anything is read from it in earnest."""

from __future__ import annotations

import os
from dataclasses import dataclass

from argand.files import PathLike, read_bytes, read_text
from argand.io._block import read_blocks
from argand.io._refln_loop import holds_reflections
from argand.io._shelx import is_shelx
from argand.io._sites import FRACT_X

__all__ = ["Contents", "identify"]

_MAP_SUFFIXES = (".ccp4", ".map", ".mrc")


@dataclass(frozen=True)
class Contents:
    """format "MTZ", "map", "SHELX", "CIF" or "columns"; structure and reflections, whether there are any."""

    format: str
    structure: bool
    reflections: bool


def identify(path: PathLike) -> Contents:
    """Kind of a file by what is in it, not by its name; an `ArgandError` says why it is none that is known."""
    data = read_bytes(path)
    if data[:4] == b"MTZ ":
        return Contents("MTZ", structure=False, reflections=True)
    if data[208:212] == b"MAP " or os.fspath(path).lower().endswith(_MAP_SUFFIXES):
        return Contents("map", structure=False, reflections=False)
    text = read_text(path)
    if is_shelx(text) and text.lstrip()[:4].upper() in ("TITL", "CELL", "REM "):
        return Contents("SHELX", structure=True, reflections=False)
    is_cif = os.fspath(path).lower().removesuffix(".gz").endswith((".cif", ".fcf", ".mcif"))
    if is_cif or any(line.lstrip().lower().startswith("data_") for line in text.splitlines()):
        blocks = read_blocks(path)
        return Contents(
            "CIF",
            structure=any(
                block.has(FRACT_X[:-1]) or block.has("_atom_site_cartn") for block in blocks
            ),
            reflections=any(map(holds_reflections, blocks)),
        )
    return Contents("columns", structure=False, reflections=True)
