"""Read a structure, reflections, an experiment or a map from a path, in one call each.

`open_file` reads several of them from one file, which is then opened and parsed once.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from argand.cell import Cell
from argand.crystal import Crystal
from argand.files import PathLike
from argand.io.experiment import Experiment
from argand.io.reflections import Reflections
from argand.io.shelx import Instructions
from argand.io.source_file import Contents, open_file
from argand.symmetry import SpaceGroup

__all__ = [
    "identify",
    "read_crystal",
    "read_experiment",
    "read_instructions",
    "read_map",
    "read_reflections",
]


def identify(path: PathLike) -> Contents:
    """Tell what kind of file it is and what is in it, by its content rather than by its name.

    Raises
    ------
    ArgandError
        One line that names the file and why it is none of the known kinds.
    """
    return open_file(path).contents()


def read_crystal(path: PathLike, block: str | None = None) -> Crystal:
    """Read a crystal structure from a CIF, or from SHELX instructions with atoms (.res, .ins).

    Operations in the file define the symmetry, whatever the space group is called. Type symbols,
    then labels, tell the kind of an atom; in doubt the formula decides. Whatever deserves a second
    look, such as an F(000) that is not the one of the formula, is an `ArgandWarning` that names the
    file.

    Parameters
    ----------
    path
        File, which may be compressed by gzip.
    block
        Name of the data block. Without one the first that has atom sites is read, with a warning
        where several have.

    Returns
    -------
    Crystal
        The asymmetric unit, with chemical occupancies; a site without displacement has B = 0.

    Raises
    ------
    ArgandError
        One line that names the file and what is wrong with it.
    """
    return open_file(path).crystal(block)


def read_experiment(path: PathLike, block: str | None = None) -> Experiment:
    """Read what a CIF or SHELX instructions state about measurement and refinement.

    Parameters
    ----------
    path
        File (.cif, .res, .ins), which may be compressed by gzip.
    block
        Name of the data block. Without one the first that has atom sites is read, or else a
        wavelength, a formula, or a unit cell.

    Raises
    ------
    ArgandError
        One line that names the file and what is wrong with it.
    """
    return open_file(path).experiment(block)


def read_instructions(path: PathLike) -> Instructions:
    """Read the instructions and atom lines of a SHELX file (.res, .ins).

    Raises
    ------
    ArgandError
        One line that names the file, the line, and what it needs to be.
    """
    return open_file(path).instructions()


def read_reflections(
    path: PathLike,
    *,
    cell: Sequence[float] | None = None,
    spacegroup: SpaceGroup | None = None,
    wavelength: float | None = None,
    hklf: int | None = None,
    block: str | None = None,
    mates: bool = False,
    columns: tuple[str, str] | None = None,
) -> Reflections:
    """Read a list of reflections, in the order of the file, with nothing merged.

    MTZ (merged, with Friedel mates, or unmerged); loops of CIF, FCF (LIST 4, 6 and others) and
    mmCIF; SHELX lists in a CIF (`_shelx_hkl_file`, `_iucr_refine_reflections_details`); SHELX
    HKLF 3 to 6 in columns or free; plain columns, with a line of names or without.

    Parameters
    ----------
    path
        File, which may be compressed by gzip unless it is an MTZ file.
    cell, spacegroup, wavelength
        Unit cell in angstrom and degrees, name or operations of the space group, and wavelength in
        angstrom, instead of the values that the file states.
    hklf
        3 for amplitudes, 4, 5 or 6 for intensities. A SHELX list does not say what it holds, and
        is taken as intensities unless instructions in the same file say otherwise.
    block
        Name of the data block, where a CIF has several.
    mates
        Read I(+) and I(-), or F(+) and F(-), as rows of h and of -h where an MTZ file or an mmCIF
        has their mean as well, which is read otherwise.
    columns
        Names of the columns that hold amplitude and phase of the coefficients of a map: DELFWT and
        PHDELWT of an MTZ file, pdbx_DELFWT and pdbx_DELPHWT of an mmCIF.

    Raises
    ------
    ArgandError
        One line that names the file and what is wrong with it, or the argument.
    """
    return open_file(path).reflections(
        cell=cell,
        spacegroup=spacegroup,
        wavelength=wavelength,
        hklf=hklf,
        block=block,
        mates=mates,
        columns=columns,
    )


def read_map(path: PathLike) -> tuple[npt.NDArray[np.float32], Cell, str]:
    """Read a CCP4 map.

    Returns
    -------
    tuple
        The density (na, nb, nc) over the whole unit cell, indexed [ia, ib, ic] along a, b, c; the
        cell in angstrom and degrees; the name of the space group.

    Raises
    ------
    ArgandError
        One line that names a file that is no valid CCP4 map.
    """
    return open_file(path).density()
