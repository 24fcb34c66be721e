"""Read SHELX instruction files (.ins, .res): what they state of crystal, data and refinement."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from argand.atom_types import atom_type
from argand.cell import Cell, FloatArray, cell_parameters
from argand.errors import ArgandError
from argand.form_factors import Corrections
from argand.io.refined_data import RefinedData, with_instruction
from argand.io.reflections import LONGEST_WAVELENGTH, Reflections
from argand.io.shelx_lines import (
    LARGEST_LATTICE,
    NOT_PART_OF_F,
    all_operations,
    dispersion_of_scatterer,
    instruction_lines,
    instruction_name,
    is_atom,
    is_instruction,
    is_peak,
    parse_numbers,
    parse_scatterers,
)
from argand.symmetry import group_ops, spacegroup_name

__all__ = ["Instructions", "is_shelx", "parse_instructions"]

_CELL_LINE = re.compile(r"^CELL(\s+[-+.0-9]+){7}", re.MULTILINE | re.IGNORECASE)
_CIF_BLOCK = re.compile(r"^data_", re.MULTILINE | re.IGNORECASE)

_IDENTITY = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)
# TWIN without numbers is a racemic twin.
_INVERSION = (-1.0, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0, 0.0, -1.0)

# Characters of a line in a note about it.
_LONGEST_QUOTE = 40

# No axis of a cell is the sum of so many axes of another one that is measured.
_LARGEST_ELEMENT = 100.0

# Rounding of the matrix of HKLF leaves indices that are whole within this.
_INDEX_ROUNDING = 0.05

# Domains of a twin that TWIN states where it gives no number.
_TWO_DOMAINS = 2

# An atom line has a name, the number of a type, x, y, z, the occupancy, and one or six U.
_OCCUPANCY_WORD = 5
_TENSOR = 6

# SHELXS and SHELXT write the height of a peak after U; three numbers and more are none of both.
_FEWEST_DAMAGED = 3

# x' = shift + sign x of the coordinates of an atom: three shifts, and the sign.
Move = tuple[float, float, float, float]
_NO_MOVE: Move = (0.0, 0.0, 0.0, 1.0)


@dataclass(frozen=True)
class Instructions:
    """Hold what a SHELX file states; a value that it does not state is None or empty.

    Parameters
    ----------
    source, title
        Name of the file, and the text of TITL.
    wavelength, cell
        Angstrom; (a, b, c, alpha, beta, gamma) in angstrom and degrees.
    symops
        All symmetry operations as triplets.
    elements, units
        Atom types of SFAC, and their numbers in the unit cell.
    hklf, hkl_scale, hkl_matrix
        Kind of the list of reflections, the factor on its intensities, and nine numbers that
        transform its indices.
    extinction, weights
        Coefficient of EXTI; numbers of WGHT.
    twin, fractions
        Nine numbers of the twin matrix; fractions of the further domains (BASF).
    refined_data
        Which reflections are refined: OMIT, SHEL, MERG.
    neutrons
        Whether neutrons were scattered.
    dispersion
        (element, f', f'') in electrons, as DISP and SFAC state them.
    free_variables
        Numbers of FVAR, the overall scale first.
    atoms
        Atom lines, split into words.
    moves
        For each atom the shift (fractional) and the sign of its coordinates that MOVE states.
    notes
        Lines that are neither instructions nor atoms, and instructions that change F and have no
        use here, in words.
    """

    source: str
    title: str = ""
    wavelength: float | None = None
    cell: Cell | None = None
    symops: tuple[str, ...] = ()
    elements: tuple[str, ...] = ()
    units: tuple[float, ...] = ()
    hklf: int | None = None
    hkl_scale: float = 1.0
    hkl_matrix: tuple[float, ...] = _IDENTITY
    extinction: float | None = None
    weights: tuple[float, ...] = ()
    twin: tuple[float, ...] | None = None
    fractions: tuple[float, ...] = ()
    refined_data: RefinedData = field(default_factory=RefinedData)
    neutrons: bool = False
    dispersion: Corrections = ()
    free_variables: tuple[float, ...] = ()
    atoms: tuple[tuple[str, ...], ...] = field(default=(), repr=False)
    moves: tuple[Move, ...] = field(default=(), repr=False)
    notes: tuple[str, ...] = field(default=(), repr=False)

    @property
    def spacegroup(self) -> str | None:
        """Return the name of the space group, or its operations where they have no name."""
        if not self.symops:
            return None
        return spacegroup_name(group_ops(self.symops)) or ";".join(self.symops)

    @property
    def content(self) -> dict[str, float] | None:
        """Return the number of atoms of each element in the unit cell (UNIT)."""
        if not self.units or len(self.units) != len(self.elements):
            return None
        content: dict[str, float] = {}
        for symbol, number in zip(self.elements, self.units, strict=True):
            element = atom_type(symbol).element
            content[element] = content.get(element, 0.0) + number
        return content

    def transform(self, reflections: Reflections) -> Reflections:
        """Scale a list of reflections and transform its indices by the scale and matrix of HKLF.

        Intensities, amplitudes and sigmas are multiplied by the scale S; h' = R h.

        Raises
        ------
        ArgandError
            The matrix makes indices that are no whole numbers.
        """
        if self.hkl_matrix != _IDENTITY:
            matrix = np.reshape(self.hkl_matrix, (3, 3))
            hkl = reflections.hkl @ matrix.T
            whole = np.rint(hkl)
            if not (np.abs(hkl - whole).max(axis=1) < _INDEX_ROUNDING).all():
                raise ArgandError(
                    f"{self.source}: the matrix of HKLF makes indices that are no whole numbers"
                )
            reflections = replace(reflections, hkl=whole.astype(np.int32))
        if self.hkl_scale == 1.0:
            return reflections
        return replace(
            reflections,
            intensity=_scaled(reflections.intensity, self.hkl_scale),
            amplitude=_scaled(reflections.amplitude, self.hkl_scale),
            sigma=_scaled(reflections.sigma, self.hkl_scale),
        )


def _scaled(column: FloatArray | None, factor: float) -> FloatArray | None:
    """Multiply a column that may be absent."""
    return None if column is None else column * factor


def is_shelx(text: str) -> bool:
    """Tell whether a text is SHELX instructions: it has a CELL line and is no CIF."""
    return bool(_CELL_LINE.search(text)) and not _CIF_BLOCK.search(text)


def parse_instructions(text: str, source: str) -> Instructions:
    """Read instructions and atoms up to HKLF or END; known instructions without a use are ignored.

    Every other line is an atom, or a note of the instructions. The coordinates between FRAG and
    FEND are those of a fragment, and no atoms.

    Source: SHELX-97 and SHELXL manual, chapters 4 to 7 (CELL, LATT, SYMM, SFAC, UNIT, FVAR, EXTI,
    TWIN, HKLF).

    Parameters
    ----------
    text
        Content of the file.
    source
        Name of the file, for complaints.

    Raises
    ------
    ArgandError
        Names the source, the line, and what it needs to be.
    """
    parser = _InstructionParser(source)
    in_fragment = False
    for number, line in instruction_lines(text):
        words = line.split()
        name = instruction_name(words[0])
        where = f"{source}: line {number} ({name})"
        if name in ("HKLF", "END"):
            if name == "HKLF":
                # SHELX reads four letters of a name: the number may follow without a gap.
                parser.read_hklf(line[4:].split(), where)
            break
        if name in ("FRAG", "FEND"):
            in_fragment = name == "FRAG"
        elif not in_fragment and not parser.read(name, line, where):
            parser.read_atom(words, number)
    return parser.instructions()


class _InstructionParser:
    """Collect what the instructions of a file state, line by line."""

    def __init__(self, source: str) -> None:
        self.stated = Instructions(source)
        self._atoms: list[tuple[str, ...]] = []
        self._notes: list[str] = []
        self._lattice = 1
        self._symm: list[str] = []
        self._move = _NO_MOVE
        self._moves: list[Move] = []
        # Occupancy and U, as atom lines code them, of the atoms that follow PART or AFIX.
        self._part_occupancy: str | None = None
        self._afix_occupancy: str | None = None
        self._afix_u: str | None = None
        self._dispersion: dict[str, tuple[str, float, float]] = {}

    def read(self, name: str, line: str, where: str) -> bool:
        """Read an instruction, and tell whether it is one that has a use here."""
        words = line.split()[1:]
        if name == "TITL":
            self._state(title=" ".join(words))
        elif name == "CELL":
            self._read_cell(words, where)
        elif name == "LATT":
            self._read_lattice(words, where)
        elif name == "SYMM":
            self._symm.append(line[4:])
        elif name == "SFAC":
            elements = self.stated.elements + tuple(parse_scatterers(words, where))
            if len(elements) < len(self.stated.elements) + len(words):
                self._note(where, "the form factor that it states is not used, but a tabulated one")
                self._state_dispersion(words, where)
            self._state(elements=elements)
        elif name == "UNIT":
            self._state(units=tuple(parse_numbers(words, where, 1)))
        elif name == "FVAR":
            variables = self.stated.free_variables + tuple(parse_numbers(words, where, 1))
            self._state(free_variables=variables)
        elif name == "NEUT":
            self._state(neutrons=True)
        else:
            return self._read_refinement(name, words, where)
        return True

    def read_atom(self, words: Sequence[str], number: int) -> None:
        """Read an atom in a line that has no use as an instruction; note what is neither."""
        if is_instruction(words[0]) or is_peak(words[0]):
            return
        if is_atom(words):
            count = len(words) - _OCCUPANCY_WORD - 1
            if _FEWEST_DAMAGED <= count < _TENSOR:
                where = f"{self.stated.source}: line {number} ({words[0]})"
                self._note(where, f"{count} numbers of U, needs 1 or 6: the first is used alone")
            self._atoms.append(self._as_part_and_afix_state(words))
            self._moves.append(self._move)
            return
        text = " ".join(words)[:_LONGEST_QUOTE]
        meaning = "is neither an instruction nor an atom"
        if words[0].startswith("+"):
            meaning = "includes another file, which is not read"
        self._notes.append(f"{self.stated.source}: line {number}: {text!r} {meaning}")

    def read_hklf(self, words: Sequence[str], where: str) -> None:
        """Read HKLF: kind of the list, scale, and matrix of the indices."""
        numbers = parse_numbers(words, where, 1)
        self._state(hklf=abs(int(numbers[0])))
        if len(numbers) > 1:
            self._state(hkl_scale=numbers[1])
        if len(numbers) > 10:
            matrix = tuple(numbers[2:11])
            if max(map(abs, matrix)) > _LARGEST_ELEMENT:
                needs = f"needs elements up to {_LARGEST_ELEMENT:g}"
                raise ArgandError(f"{where}: the matrix of HKLF is {matrix}, {needs}")
            self._state(hkl_matrix=matrix)

    def instructions(self) -> Instructions:
        """Return all that was read, with the operations that LATT and SYMM make together."""
        symops = all_operations(self._lattice, self._symm, self.stated.source)
        return replace(
            self.stated,
            symops=symops,
            dispersion=tuple(self._dispersion.values()),
            atoms=tuple(self._atoms),
            moves=tuple(self._moves),
            notes=tuple(self._notes),
        )

    def _read_refinement(self, name: str, words: Sequence[str], where: str) -> bool:
        """Read an instruction about data, weights, extinction or twins; False for another one."""
        if name == "WGHT":
            self._state(weights=tuple(parse_numbers(words, where, 0)))
        elif name == "EXTI":
            numbers = parse_numbers(words, where, 0)
            self._state(extinction=numbers[0] if numbers else 0.0)
        elif name == "TWIN":
            numbers = parse_numbers(words, where, 0)
            self._state(twin=tuple(numbers[:9]) if len(numbers) >= 9 else _INVERSION)
            domains = numbers[9] if len(numbers) > 9 else _TWO_DOMAINS
            if domains != _TWO_DOMAINS:
                self._note(where, f"a twin of {domains:g} domains is treated as one of two")
        elif name == "BASF":
            fractions = self.stated.fractions + tuple(parse_numbers(words, where, 1))
            self._state(fractions=fractions)
        elif name in ("OMIT", "SHEL", "MERG"):
            # The numbers before the first word that is none, such as the atoms of OMIT $H.
            numbers = parse_numbers(words, where, 0)
            self._state(refined_data=with_instruction(self.stated.refined_data, name, numbers))
        elif name == "MOVE":
            numbers = parse_numbers(words, where, 0)[:4]
            dx, dy, dz, sign = [*numbers, *_NO_MOVE[len(numbers) :]]
            self._move = (dx, dy, dz, sign)
        elif name == "DISP":
            self._state_dispersion(words, where)
        elif name == "PART":
            self._part_occupancy = words[1] if len(words) > 1 else None
        elif name == "AFIX":
            self._afix_occupancy = words[2] if len(words) > 2 else None
            self._afix_u = words[3] if len(words) > 3 else None
        elif name in NOT_PART_OF_F:
            self._note(where, f"{NOT_PART_OF_F[name]} not part of F here")
        else:
            return False
        return True

    def _as_part_and_afix_state(self, words: Sequence[str]) -> tuple[str, ...]:
        """Return the words of an atom with the occupancy and U that PART and AFIX state for it.

        Occupancies of PART come before those of AFIX, and both before that of the atom; U of AFIX
        is for isotropic atoms.

        Source: SHELXL manual, PART and AFIX.
        """
        stated = list(words)
        if occupancy := self._part_occupancy or self._afix_occupancy:
            stated[_OCCUPANCY_WORD : _OCCUPANCY_WORD + 1] = [occupancy]
        if self._afix_u is not None and 0 < len(stated) - _OCCUPANCY_WORD <= _TENSOR:
            stated[_OCCUPANCY_WORD + 1 :] = [self._afix_u]
        return tuple(stated)

    def _read_cell(self, words: Sequence[str], where: str) -> None:
        """Read CELL: the wavelength and the unit cell."""
        numbers = parse_numbers(words, where, 7)
        try:
            cell = cell_parameters(numbers[1:7])
        except ArgandError as error:
            raise ArgandError(f"{where}: {error}") from None
        if not 0.0 <= numbers[0] < LONGEST_WAVELENGTH:
            raise ArgandError(f"{where}: wavelength is {numbers[0]:g}, needs angstrom")
        self._state(wavelength=numbers[0] or None, cell=cell)

    def _read_lattice(self, words: Sequence[str], where: str) -> None:
        """Read LATT: the number of the centring, negative without a centre of symmetry."""
        self._lattice = int(parse_numbers(words, where, 1)[0])
        if not 1 <= abs(self._lattice) <= LARGEST_LATTICE:
            raise ArgandError(f"{where} is {self._lattice}, needs 1 to 7 or -1 to -7")

    def _state_dispersion(self, words: Sequence[str], where: str) -> None:
        """Take f' and f'' of an element from the words of DISP, or of SFAC with its own factor."""
        stated = dispersion_of_scatterer(words, where)
        if stated is not None:
            self._dispersion[stated[0]] = stated

    def _note(self, where: str, fact: str) -> None:
        """Note a fact about the line that `where` names."""
        self._notes.append(f"{where}: {fact}")

    def _state(self, **values: object) -> None:
        """Set values of the instructions."""
        self.stated = replace(self.stated, **values)  # type: ignore[arg-type]
