"""`read_reflections`: which reader a file needs, and what it does not say from elsewhere."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from argand.cell import cell_parameters
from argand.errors import ArgandError
from argand.files import PathLike, read_bytes, read_text
from argand.io._hklf import Listed, read_columns
from argand.io._mtz_in import read_mtz
from argand.io._reflections import Reflections
from argand.io._refln_loop import read_loop
from argand.io._shelx import is_shelx, parse_instructions
from argand.symmetry import SpaceGroup, group_ops, spacegroup_name, triplets

__all__ = ["read_reflections"]


def read_reflections(
    path: PathLike,
    *,
    cell: Sequence[float] | None = None,
    spacegroup: SpaceGroup | None = None,
    wavelength: float | None = None,
    hklf: int | None = None,
    block: str | None = None,
) -> Reflections:
    """Read a list of reflections.

    MTZ (merged, with Friedel mates, or unmerged); loops of CIF, FCF (LIST 4, 6 and others) and mmCIF; SHELX lists in a
    CIF (`_shelx_hkl_file`, `_iucr_refine_reflections_details`); SHELX HKLF 3, 4 and 5 in columns or free; plain
    columns, with a line of names or without.

    Parameters
    ----------
    path : file, may be compressed (gzip) except for MTZ
    cell, spacegroup, wavelength : what the file does not say; given here they prevail over what it says
    hklf : 3 for amplitudes, 4 or 5 for intensities: a SHELX list does not tell by itself, and is taken as
        intensities unless instructions beside it say otherwise
    block : name of the data block, where a CIF has several

    Returns
    -------
    Reflections, in the order of the file, nothing merged

    Raises
    ------
    ArgandError
        One line that names the file and what is wrong with it, or the argument.
    """
    if hklf not in (None, 3, 4, 5):
        raise ArgandError(f"hklf is {hklf}, needs to be 3 (amplitudes), 4 or 5 (intensities)")
    found = _read(path, hklf, block)
    stated: dict[str, Any] = {}
    if cell is not None:
        stated["cell"] = cell_parameters(cell)
    if spacegroup is not None:
        group = group_ops(spacegroup)
        stated["spacegroup"] = spacegroup_name(group) or ";".join(triplets(group))
    if wavelength is not None:
        if not 0.0 < wavelength < 100.0:
            raise ArgandError(f"wavelength is {wavelength}, needs a wavelength in angstrom")
        stated["wavelength"] = float(wavelength)
    return replace(found, **stated) if stated else found


def _read(path: PathLike, hklf: int | None, block: str | None) -> Reflections:
    source = os.fspath(path)
    data = read_bytes(path)
    if data[:4] == b"MTZ ":
        return read_mtz(source, data)
    text = read_text(path)
    if any(line.lstrip().lower().startswith("data_") for line in text.splitlines()):
        return read_loop(path, hklf, block)
    if is_shelx(text) and text.lstrip()[:4].upper() in ("TITL", "CELL", "REM "):
        raise ArgandError(f"{source}: SHELX instructions, no reflections")
    return _with_trailer(read_columns(text, source, hklf=hklf), source)


def _with_trailer(listed: Listed, source: str) -> Reflections:
    """Some programs repeat the instructions after the end of the list."""
    text = "\n".join(listed.trailer)
    if not is_shelx(text):
        return listed.reflections
    said = parse_instructions(text, source)
    return replace(
        listed.reflections, cell=said.cell, spacegroup=said.spacegroup, wavelength=said.wavelength
    )
