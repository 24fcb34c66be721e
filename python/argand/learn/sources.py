"""Where the crystals of a data set come from: the table of metals, or a folder of CIF files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from argand.crystal import Crystal
from argand.errors import ArgandError
from argand.learn.metals import ELEMENTS_16, metal

__all__ = ["crystals_from_folder", "load_crystals"]


def crystals_from_folder(path: str | Path) -> dict[str, Crystal]:
    """Read every CIF of a folder, by file name without ending, sorted.

    Crystals keep their space groups; data sets that displace single atoms expand them to P 1.

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
    return {file.stem: read_crystal(file) for file in files}


def load_crystals(
    metals: Sequence[str] | None = None,
    folder: str | Path | None = None,
) -> dict[str, Crystal]:
    """Load crystals by name: metals of the table, or the CIF files of a folder.

    Parameters
    ----------
    metals
        Symbols of the table; None: the sixteen of the first experiment.
    folder
        A folder of CIF files instead.

    Raises
    ------
    ArgandError
        Both are given, a symbol is not in the table, or the folder has no CIF that can be read.
    """
    if folder is None:
        symbols = ELEMENTS_16 if metals is None else metals
        return {symbol: metal(symbol) for symbol in symbols}
    if metals is not None:
        raise ArgandError("metals and folder are both given, needs one of them")
    return crystals_from_folder(folder)
