"""Split SHELX files into instructions, and parse the numbers, atoms and operations in them."""

from __future__ import annotations

import re
from collections.abc import Sequence

import gemmi

from argand._numbers import LARGEST
from argand.atom_types import atom_type
from argand.errors import ArgandError
from argand.form_factors import LARGEST_CORRECTION
from argand.symmetry import group_ops, triplets

__all__ = [
    "LARGEST_LATTICE",
    "NOT_PART_OF_F",
    "all_operations",
    "dispersion_of_scatterer",
    "instruction_lines",
    "instruction_name",
    "is_atom",
    "is_instruction",
    "is_peak",
    "parse_numbers",
    "parse_scatterers",
]

# Centring vectors by the number of LATT: P, I, rhombohedral obverse on hexagonal axes, F, A, B, C.
_CENTRING: dict[int, tuple[str, ...]] = {
    1: (),
    2: ("x+1/2,y+1/2,z+1/2",),
    3: ("x+2/3,y+1/3,z+1/3", "x+1/3,y+2/3,z+2/3"),
    4: ("x,y+1/2,z+1/2", "x+1/2,y,z+1/2", "x+1/2,y+1/2,z"),
    5: ("x,y+1/2,z+1/2",),
    6: ("x+1/2,y,z+1/2",),
    7: ("x+1/2,y+1/2,z",),
}
LARGEST_LATTICE = max(_CENTRING)

#: Instructions that change F, and what they add to it.
NOT_PART_OF_F = {
    "SWAT": "diffuse solvent is",
    "HFIX": "hydrogens that it would make are",
    "ABIN": "partial structure factors of a .fab file are",
}

# Numbers of a scattering factor in SFAC before f' and f'': a1 b1 a2 b2 a3 b3 a4 b4 c.
_NUMBERS_OF_F0 = 9

# Names of the instructions of SHELXL, SHELXT, SHELXS and SHELXD, and of programs that write for
# them. Every other line is an atom, or is complained about.
_INSTRUCTIONS = """
ABIN ACTA AFIX AFLS ANIS ANSC ANSR BASF BEDE BIND BLOC BOND BUMP CELL CGLS CHIV CONF CONN DAMP
DANG DEFS DELS DELU DFIX DISP EADP EGEN END EQIV ESEL EXTI EXYZ FEND FIND FLAT FMAP FRAG FREE
FVAR GLEN GRAD GRID HFIX HKLF HOPE HTAB INIT INVE ISOR KEEN L.S. LATT LAUE LIST LONE MERG MIND
MOLE MORE MOVE MPLA NCSY NEUT NTPR NTRY OMIT PART PATT PHAN PHAS PIPS PLAN PLOP PRIG PSEE PSMF
PSUM RECP RENU RESI RESN RIGU RTAB SADI SAME SEED SFAC SHEL SIMU SIZE SKIP SLIM SPEC SPIN STIR
SUBS SUMP SWAT SYMM TANG TEMP TEST TEXP TIME TITL TREF TRIC TWIN TWST UANI UNIT VECT WEED WGHT
WIGL WPDB XNPD ZERR
"""
_ATOM_NAME = re.compile(r"[A-Za-z][A-Za-z0-9'\"*_.+-]*")
_PEAK_NAME = re.compile(r"[Qq]\d")

# Rounded thirds and sixths by the digits behind the point, and the fractions that they mean.
_FRACTIONS = (("16+7?", "1/6"), ("33+", "1/3"), ("66+7?", "2/3"), ("83+", "5/6"))


def instruction_lines(text: str) -> list[tuple[int, str]]:
    """List the instructions of a file with the numbers of their lines, from 1.

    Remarks, comments and indented lines are left out, and a '=' that continues nothing; a '=' at
    the end of a line continues it on the next, except in a title.
    """
    instructions: list[tuple[int, str]] = []
    continues = False
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.split("!")[0].rstrip()
        content = line.removesuffix("=")
        if continues:
            start, beginning = instructions.pop()
            instructions.append((start, f"{beginning} {content}"))
        elif line.strip() and not line.startswith(" ") and line[:3].upper() != "REM":
            instructions.append((number, content))
        else:
            continue
        is_title = instructions[-1][1][:4].upper() == "TITL"
        continues = line.endswith("=") and not is_title
    return [(number, line) for number, line in instructions if line.strip()]


def parse_numbers(words: Sequence[str], where: str, needed: int) -> list[float]:
    """Parse the numbers at the beginning of a list of words, without standard uncertainties.

    Raises
    ------
    ArgandError
        `where` has fewer than the `needed` numbers, or one that is not finite or beyond `LARGEST`.
    """
    numbers: list[float] = []
    for word in words:
        try:
            numbers.append(float(word.split("(")[0]))
        except ValueError:
            break
    stated = " ".join(words)[:40]
    if not all(abs(number) <= LARGEST for number in numbers):
        raise ArgandError(f"{where} is {stated!r}, needs numbers up to {LARGEST:g}")
    if len(numbers) < needed:
        plural = "s" if needed > 1 else ""
        raise ArgandError(f"{where} is {stated!r}, needs {needed} number{plural}")
    return numbers


def parse_scatterers(words: Sequence[str], where: str) -> list[str]:
    """Parse the atom types of SFAC: several, or one with its own scattering factor.

    The numbers of a scattering factor are ignored: argand takes those of its tables.

    Raises
    ------
    ArgandError
        `where` names an atom type that is not known.
    """
    symbols: list[str] = []
    for word in words:
        if re.fullmatch(r"[-+.0-9].*", word):
            break
        try:
            symbols.append(atom_type(word.removeprefix("$")).symbol)
        except ArgandError as error:
            raise ArgandError(f"{where}: {error}") from None
    return symbols


def instruction_name(word: str) -> str:
    """Return the name of an instruction by the first word of its line: 'SADI_CCF3' is SADI."""
    return word.upper().split("_")[0][:4]


def is_instruction(word: str) -> bool:
    """Tell whether the first word of a line is an instruction of SHELX."""
    return instruction_name(word) in _INSTRUCTIONS.split()


def is_atom(words: Sequence[str]) -> bool:
    """Tell whether a line that is no instruction begins as an atom: name, number of type, x, y, z.

    Its numbers are checked where the structure is made. Peaks of a difference map are no atoms.
    """
    if len(words) < 5 or is_peak(words[0]):
        return False
    return bool(_ATOM_NAME.fullmatch(words[0])) and words[1].isdecimal()


def is_peak(word: str) -> bool:
    """Tell whether the first word of a line names a peak of a difference map: Q1 and so on."""
    return bool(_PEAK_NAME.match(word))


def all_operations(lattice: int, symm: Sequence[str], source: str) -> tuple[str, ...]:
    """Combine LATT and SYMM to all symmetry operations as triplets.

    LATT brings the centring and, when it is positive, the inversion; SYMM lists the rest without
    the identity.

    Raises
    ------
    ArgandError
        The operations in `source` cannot be read or are no group.
    """
    identity = gemmi.Op("x,y,z")
    try:
        listed = [identity, *(gemmi.Op(_plain_triplet(text)) for text in symm)]
        if lattice > 0:
            inversion = gemmi.Op("-x,-y,-z")
            listed += [inversion * op for op in listed]
        combined: list[str] = []
        for shift in (identity, *map(gemmi.Op, _CENTRING[abs(lattice)])):
            combined += [(shift * op).wrap().triplet() for op in listed]
        return triplets(group_ops(combined))
    except (RuntimeError, UnicodeDecodeError, ArgandError) as error:
        raise ArgandError(f"{source}: LATT and SYMM: {error}") from None


def dispersion_of_scatterer(words: Sequence[str], where: str) -> tuple[str, float, float] | None:
    """Read the element, f' and f'' in electrons of DISP, or of SFAC with a scattering factor.

    DISP has E f' f'' and an absorption coefficient; SFAC has E a1 b1 a2 b2 a3 b3 a4 b4 c f' f'' and
    more. None for an atom type that is not known, and for a factor that ends before f''.

    Raises
    ------
    ArgandError
        `where` has f' or f'' that are no numbers of electrons.
    """
    try:
        element = atom_type(words[0].removeprefix("$")).element if words else ""
    except ArgandError:
        # No atom of such a type can be read either.
        return None
    numbers = parse_numbers(words[1:], where, 0)
    if len(numbers) > _NUMBERS_OF_F0:
        numbers = numbers[_NUMBERS_OF_F0:]
    if len(numbers) < 2:
        return None
    real, imaginary = numbers[:2]
    if max(abs(real), abs(imaginary)) > LARGEST_CORRECTION:
        raise ArgandError(f"{where} states f' {real:g} and f'' {imaginary:g}, needs electrons")
    return element, real, imaginary


def _plain_triplet(text: str) -> str:
    """Rewrite SHELX's `0.5+X, 1/2-Y, -Z+ .33333` for gemmi, thirds and sixths as fractions."""
    plain = re.sub(r"\s", "", text).lower()
    for digits, fraction in _FRACTIONS:
        plain = re.sub(rf"(?<![\d.])0?\.{digits}(?!\d)", fraction, plain)
    return plain
