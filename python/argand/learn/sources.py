"""Where the crystals of a data set come from: the table of metals, or a folder of CIF files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from argand.crystal import Crystal
from argand.errors import ArgandError
from argand.learn.metals import ELEMENTS_16, metal

__all__ = ["crystals_from_folder", "load_crystals"]


def crystals_from_folder(path: str | Path) -> dict[str, Crystal]:
    """Every CIF of a folder, expanded to P 1, by file name without its ending, in sorted order.

    Raises
    ------
    ArgandError
        The folder is missing or holds no CIF; a file that cannot be read is named.
    """
    from argand.io import read_crystal

    folder = Path(path)
    if not folder.is_dir():
        raise ArgandError(f"{folder} is no folder, needs to be one with CIF files")
    files = sorted(file for file in folder.iterdir() if file.suffix.lower() == ".cif")
    if not files:
        raise ArgandError(f"{folder} holds no file that ends in .cif")
    return {file.stem: read_crystal(file).to_p1() for file in files}


def load_crystals(
    metals: Sequence[str] | None = None, folder: str | Path | None = None
) -> dict[str, Crystal]:
    """Crystals by name: metals of the table (None: the sixteen of the first experiment), or the CIFs of a folder."""
    if folder is None:
        return {symbol: metal(symbol) for symbol in (ELEMENTS_16 if metals is None else metals)}
    if metals is not None:
        raise ArgandError("metals and folder are both given, needs one of them")
    return crystals_from_folder(folder)
