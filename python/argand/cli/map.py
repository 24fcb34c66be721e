"""The verb ``argand map``: electron density from structure factors. It needs the core only."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np

from argand.cli._density import write_density
from argand.cli._difference import KnownMap, ListedMap, print_maps
from argand.cli._outputs import MAP_SUFFIXES, check_output_file
from argand.errors import ArgandError, reading
from argand.io import SourceFile, open_file
from argand.radiation import Radiation

__all__ = ["map"]

# Coefficients of maps go into MTZ files, maps into the other formats.
_COEFFICIENTS_SUFFIX = ".mtz"


def map(
    file: Path,
    *,
    output: Path,
    difference: Path | None = None,
    synthesis: Literal["Fo-Fc", "2Fo-Fc", "Fo", "Fc", "anomalous"] | None = None,
    columns: tuple[str, str] | None = None,
    peaks: int = 10,
    sample_rate: float = 3.0,
    shape: tuple[int, int, int] | None = None,
    hklf: int | None = None,
    force: bool = False,
    json: bool = False,
) -> None:
    """Compute the electron density from structure factors, in electrons per cubic angstrom.

    argand map FILE -o MAP needs amplitudes and phases in FILE. Without F(000) the mean is 0.
    Neutrons give fm and electrons 1/angstrom instead of electrons.

    argand map --difference KNOWN DATA -o MAPS.mtz takes measured data and the phases of a known
    structure. Dispersion, and extinction and twinning where KNOWN states them, are taken out of the
    scaled amplitudes. The MTZ file has the columns FWT and PHWT (2Fo - Fc), DELFWT and PHDELWT (Fo
    - Fc), FOM, and differences of Friedel mates; Coot and PyMOL open it. There are no sigma-A
    weights, which are close to 1 for small structures. Peaks and holes of Fo - Fc are listed.

    Without KNOWN, an MTZ file as output or a synthesis takes Fo, Fc and phases from FILE (FCF of
    LIST 6, mmCIF, MTZ).

    Parameters
    ----------
    file : FILE
        Read reflections from this file (MTZ, FCF, CIF, HKL).
    output : FILE
        Write to this file: the density (CCP4 map: .ccp4, .map or .mrc; .cube, per cubic bohr;
        .grd), or coefficients of maps (.mtz).
    difference : KNOWN
        Known structure (CIF, .res, .ins) that gives phases to measured data.
    synthesis
        Write this density (default with KNOWN: Fo-Fc); anomalous shows atoms with f''.
    columns : F PHI
        Read the coefficients of a map from these columns, such as DELFWT PHDELWT.
    peaks : N
        List so many peaks and so many holes of a difference map.
    sample_rate : POINTS
        Put so many grid points on the smallest lattice spacing.
    shape : NA NB NC
        Use so many grid points along a, b and c, instead of a sample rate.
    hklf : N
        3 when a SHELX list holds amplitudes, 4 or 5 for intensities.
    force
        Take data that seem to be those of another crystal.
    json
        Print JSON.
    """
    inputs = [file] if difference is None else [file, difference]
    check_output_file(output, (*MAP_SUFFIXES, _COEFFICIENTS_SUFFIX), inputs)
    if peaks < 0:
        raise ArgandError(f"peaks is {peaks}, needs to be 0 or more")
    writes_coefficients = output.suffix.lower() == _COEFFICIENTS_SUFFIX
    if writes_coefficients and (shape is not None or synthesis is not None):
        raise ArgandError("shape and synthesis are of maps: an MTZ file has all coefficients")
    source = open_file(file)
    if difference is None and synthesis is None and not writes_coefficients:
        line = _write_listed_map(source, output, columns, hklf, sample_rate, shape)
        print_maps({"map": str(output)}, line, as_json=json)
        return
    if columns is not None:
        raise ArgandError("columns exclude difference and synthesis: they name one map")
    maps = ListedMap(source) if difference is None else KnownMap(source, difference, hklf, force)
    if writes_coefficients:
        words = maps.write_coefficients(output)
    else:
        words = maps.write_map(output, synthesis or "Fo-Fc", sample_rate, shape)
    maps.print(output, words, synthesis, sample_rate, peaks, as_json=json)


def _write_listed_map(
    source: SourceFile,
    output: Path,
    columns: tuple[str, str] | None,
    hklf: int | None,
    sample_rate: float,
    shape: tuple[int, int, int] | None,
) -> str:
    """Write the density of F and phases that a file lists, and return lines that say what it is."""
    file = source.path
    reflections = source.reflections(columns=columns, hklf=hklf)
    if reflections.cell is None:
        raise ArgandError(f"{file}: states no cell")
    try:
        f = reflections.f
    except ArgandError as error:
        raise ArgandError(
            f"{file}: {error}: --difference KNOWN takes phases from a structure"
        ) from None
    is_known = np.isfinite(f)
    if not is_known.any():
        raise ArgandError(f"{file}: no reflection has both amplitude and phase")
    hkl = reflections.hkl[is_known]
    if not hkl.any():
        raise ArgandError(f"{file}: holds F(000) alone")
    with reading(file):
        line = write_density(
            output,
            hkl,
            f[is_known],
            reflections.cell,
            reflections.spacegroup or "P 1",
            sample_rate=sample_rate,
            shape=shape,
            unit=_density_unit(source),
        )
    lines = [line]
    if hkl.any(axis=1).all():
        lines.append(f"{file}: has no F(000): the mean of the density is 0")
    if reflections.f_columns:
        lines.append(f"{file}: F is read from {reflections.f_columns}")
    return "\n".join(lines)


def _density_unit(source: SourceFile) -> str:
    """Return the unit of the density: that of the probe where a CIF names it, else of x-rays."""
    if source.contents().format != "CIF":
        return Radiation().density_unit
    return Radiation(source.experiment().probe).density_unit
