"""Write a crystal structure as SHELX instructions, ready to be refined by SHELXL."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import gemmi
import numpy as np

from argand.atom_types import atom_type
from argand.cell import FloatArray
from argand.crystal import Crystal
from argand.errors import ArgandError
from argand.files import PathLike, write_text
from argand.io.shelx_lines import is_instruction, is_peak
from argand.symmetry import group_ops

__all__ = ["ShelxRefinement", "shelx_text", "write_shelx"]

# Number of LATT by the letter of the centring.
_LATTICES = {"P": 1, "I": 2, "R": 3, "F": 4, "A": 5, "B": 6, "C": 7}

# B = 8 pi^2 U
_B_PER_U = 8.0 * np.pi**2

# A parameter above 5 is fixed at its value less 10.
_FIXED = 10.0

# Ratios of U of a riding hydrogen to the U of its carrier that SHELXL is told as such.
_RIDING_RATIOS = (1.2, 1.5)

# Ratios that differ by less are the same: U has five decimals.
_RATIO_ROUNDING = 0.01

# A name of an atom has so many characters, the first of them a letter.
_SHELX_LABEL = re.compile(r"[A-Za-z][A-Za-z0-9]{0,3}")

# Digits that number atoms of one element where their labels cannot be kept.
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"

# Radiation whose f' and f'' SHELXL has in its tables: Mo, Cu and Ag K-alpha, in angstrom.
_TABULATED_WAVELENGTHS = (0.71073, 1.54178, 0.56083)
_SAME_WAVELENGTH = 2e-4

# Cycles of least squares, and peaks of the difference map, that SHELXL is asked for.
_CYCLES = 10
_PEAKS = 20

# A longer line has to be continued on the next one.
_LINE_LENGTH = 76


@dataclass(frozen=True)
class ShelxRefinement:
    """Say what SHELXL should know besides the crystal.

    Parameters
    ----------
    wavelength
        In angstrom; None writes that of molybdenum, since CELL needs one.
    scale
        k in |Fo| = k |Fc|, where Fo^2 is what the list of reflections holds.
    weights
        Weighting parameters a and b.
    extinction
        Coefficient x of EXTI; None refines none.
    formula_units
        Z, formula units in the cell.
    carriers : sequence of int
        For each site the one that it rides on, itself for a site that is refined.
    twin, fraction
        Nine numbers of the twin matrix, and the share of the second domain.
    dispersion
        f' and f'' by element, for a wavelength that SHELXL does not know.
    neutrons
        Whether neutrons were scattered.
    hklf
        Kind of the list of reflections: 4 for intensities, 3 for amplitudes.
    """

    wavelength: float | None = None
    scale: float = 1.0
    weights: tuple[float, ...] = (0.1, 0.0)
    extinction: float | None = None
    formula_units: int = 1
    carriers: tuple[int, ...] = ()
    twin: tuple[float, ...] | None = None
    fraction: float = 0.0
    dispersion: tuple[tuple[str, float, float], ...] = ()
    neutrons: bool = False
    hklf: int = 4


def write_shelx(
    path: PathLike,
    crystal: Crystal,
    refinement: ShelxRefinement | None = None,
    title: str = "argand",
) -> None:
    """Write a crystal as SHELX instructions (.res, .ins), complete or not at all.

    Parameters
    ----------
    path
        File to write.
    crystal
        Structure. An origin that is no centre of symmetry of a centrosymmetric group is moved to
        one, as SHELX demands; labels that SHELX cannot read are replaced.
    refinement
        Scale, weights and all else that the refinement needs.
    title
        Text of TITL.

    Raises
    ------
    ArgandError
        Names a centring that LATT does not know, or a file that cannot be written.
    """
    write_text(path, shelx_text(crystal, refinement, title))


def shelx_text(
    crystal: Crystal, refinement: ShelxRefinement | None = None, title: str = "argand"
) -> str:
    """Return the text that `write_shelx` writes.

    Raises
    ------
    ArgandError
        Names a centring that LATT does not know.
    """
    settings = refinement or ShelxRefinement()
    structure = _about_a_centre(crystal)
    elements = list(structure.composition())
    sigma = " ".join(["0.0000"] * 3 + ["0.000"] * 3)
    cell = " ".join(f"{value:.5f}" for value in structure.cell)
    wavelength = settings.wavelength or _TABULATED_WAVELENGTHS[0]
    lines = [
        f"TITL {title}",
        f"CELL {wavelength:.5f} {cell}",
        f"ZERR {settings.formula_units} {sigma}",
        *_symmetry_lines(structure),
    ]
    if settings.neutrons:
        lines.append("NEUT")
    lines.append(f"SFAC {' '.join(elements)}")
    for element, real, imaginary in settings.dispersion:
        if not _is_tabulated(wavelength):
            lines.append(f"DISP {element} {real:.4f} {imaginary:.4f}")
    content = structure.composition().values()
    lines.append(f"UNIT {' '.join(f'{round(number, 3):g}' for number in content)}")
    if settings.twin is not None:
        matrix = " ".join(f"{number:g}" for number in settings.twin)
        lines += [f"TWIN {matrix} 2", f"BASF {settings.fraction:.5f}"]
    lines += [f"L.S. {_CYCLES}", "ACTA", "BOND $H", "CONF", "LIST 4", "FMAP 2", f"PLAN {_PEAKS}"]
    if settings.extinction:
        lines.append(f"EXTI {settings.extinction:.6f}")
    lines.append(f"WGHT {' '.join(f'{number:.6f}' for number in settings.weights)}")
    lines.append(f"FVAR {settings.scale:.6f}")
    lines += _atom_lines(structure, elements, settings.carriers)
    lines += [f"HKLF {settings.hklf}", "END", ""]
    return "\n".join(lines)


def _is_tabulated(wavelength: float) -> bool:
    """Tell whether SHELXL has f' and f'' of a wavelength, angstrom, in its tables."""
    return any(abs(wavelength - known) < _SAME_WAVELENGTH for known in _TABULATED_WAVELENGTHS)


def _about_a_centre(crystal: Crystal) -> Crystal:
    """Return a crystal whose origin is a centre of symmetry, where its group has one."""
    for triplet in crystal.symops:
        operation = gemmi.Op(triplet)
        if operation.rot != gemmi.Op("-x,-y,-z").rot or not any(operation.tran):
            continue
        if "-x,-y,-z" in crystal.symops:
            return crystal
        # An inversion -x + t has its centre at t/2.
        centre = np.array(operation.tran) / (2.0 * gemmi.Op.DEN)
        return crystal.replace(
            frac=crystal.frac - centre,
            spacegroup=_shifted_operations(crystal.symops, centre),
        )
    return crystal


def _shifted_operations(symops: Sequence[str], centre: FloatArray) -> str:
    """Return operations about another origin: t becomes t + R c - c."""
    shifted: list[str] = []
    for triplet in symops:
        operation = gemmi.Op(triplet)
        rotation = np.array(operation.rot) / gemmi.Op.DEN
        translation = np.array(operation.tran) / gemmi.Op.DEN + rotation @ centre - centre
        operation.tran = np.rint(translation * gemmi.Op.DEN).astype(int).tolist()
        shifted.append(operation.wrap().triplet())
    return ";".join(shifted)


def _symmetry_lines(crystal: Crystal) -> list[str]:
    """Return the lines LATT and SYMM: operations that centring and inversion do not bring."""
    group = group_ops(crystal.symops)
    letter = group.find_centering()
    if letter not in _LATTICES:
        raise ArgandError(f"spacegroup has the centring {letter!r}, SHELX knows P I R F A B C")
    is_centrosymmetric = "-x,-y,-z" in crystal.symops
    number = _LATTICES[letter] if is_centrosymmetric else -_LATTICES[letter]
    inverse = gemmi.Op("-x,-y,-z")
    spared = {"x,y,z"}
    lines = [f"LATT {number}"]
    for operation in group.sym_ops:
        triplet = operation.wrap().triplet()
        if triplet in spared:
            continue
        lines.append(f"SYMM {triplet.upper().replace(',', ', ')}")
        for centring in group.cen_ops:
            shifted = operation.translated(centring).wrap()
            spared.add(shifted.triplet())
            if is_centrosymmetric:
                spared.add((inverse * shifted).wrap().triplet())
        if is_centrosymmetric:
            spared.add((inverse * operation).wrap().triplet())
    if is_centrosymmetric:
        lines = [line for line in lines if line != "SYMM -X, -Y, -Z"]
    return lines


def _atom_lines(crystal: Crystal, elements: Sequence[str], carriers: Sequence[int]) -> list[str]:
    """Return the lines of all atoms; those that ride follow their carrier."""
    n = len(crystal.types)
    carrier = np.arange(n) if not carriers else np.asarray(carriers)
    labels = _shelx_labels(crystal)
    occupancy = crystal.occ * crystal.multiplicity() / len(crystal.symops)
    lines: list[str] = []
    for site in np.flatnonzero(carrier == np.arange(n)).tolist():
        lines += _atom(
            crystal, site, labels[site], elements, occupancy[site], _own_u(crystal, site)
        )
        riders = np.flatnonzero((carrier == site) & (np.arange(n) != site)).tolist()
        if not riders:
            continue
        # AFIX 3: the atoms that follow are moved like this one.
        lines.append("AFIX 3")
        for rider in riders:
            u = _rider_u(crystal, rider, site)
            lines += _atom(crystal, rider, labels[rider], elements, occupancy[rider], u)
        lines.append("AFIX 0")
    return lines


def _atom(
    crystal: Crystal,
    site: int,
    label: str,
    elements: Sequence[str],
    occupancy: float,
    displacement: Sequence[float],
) -> list[str]:
    """Return the line of an atom, continued on a second one where it is too long."""
    number = elements.index(atom_type(crystal.types[site]).element) + 1
    words = [f"{label:<4}", f"{number:>3d}"]
    words += [f"{coordinate:11.7f}" for coordinate in crystal.frac[site]]
    words.append(f"{_FIXED + occupancy:.6f}")
    lines = [" ".join(words)]
    for value in displacement:
        word = f"{value:.5f}"
        if len(lines[-1]) + len(word) + 2 > _LINE_LENGTH:
            lines[-1] += " ="
            lines.append("    ")
        lines[-1] += f" {word}"
    return lines


def _own_u(crystal: Crystal, site: int) -> list[float]:
    """Return U of a site as SHELX lists it, A^2: one number, or 11 22 33 23 13 12."""
    if crystal.u_aniso is None or np.isnan(crystal.u_aniso[site, 0]):
        return [float(crystal.b_iso[site]) / _B_PER_U]
    u11, u22, u33, u12, u13, u23 = crystal.u_aniso[site].tolist()
    return [u11, u22, u33, u23, u13, u12]


def _rider_u(crystal: Crystal, rider: int, carrier: int) -> list[float]:
    """Return U of a riding atom: minus the multiple of its carrier's, else a fixed number."""
    of_carrier = float(crystal.b_iso[carrier])
    own = float(crystal.b_iso[rider])
    if of_carrier > 0.0:
        for ratio in _RIDING_RATIOS:
            if abs(own / of_carrier - ratio) < _RATIO_ROUNDING:
                return [-ratio]
    return [_FIXED + own / _B_PER_U]


def _shelx_labels(crystal: Crystal) -> list[str]:
    """Return labels that SHELX can read: four characters, no instruction, each used once."""
    used: set[str] = set()
    labels: list[str] = []
    for site, label in enumerate(crystal.labels):
        plain = re.sub(r"[^A-Za-z0-9]", "", label)
        is_readable = bool(_SHELX_LABEL.fullmatch(plain))
        if not is_readable or is_instruction(plain) or is_peak(plain) or plain.upper() in used:
            plain = _numbered(atom_type(crystal.types[site]).element, used)
        used.add(plain.upper())
        labels.append(plain)
    return labels


def _numbered(element: str, used: set[str]) -> str:
    """Return the first label of an element, with decimal digits or else letters, that is free."""
    width = 4 - len(element)
    for number in range(1, len(_DIGITS) ** width):
        decimal = str(number)
        label = f"{element}{decimal}"
        if len(decimal) > width:
            digits = np.base_repr(number, len(_DIGITS)).rjust(width, "0")
            label = f"{element}{digits}"
        if label.upper() not in used and not is_instruction(label):
            return label
    raise ArgandError(f"crystal has more atoms of {element} than SHELX has names for")
