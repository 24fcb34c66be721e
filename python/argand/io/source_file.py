"""Open a file once: recognise its format, parse it once, and answer what is read from it."""

from __future__ import annotations

import os
import re
import sys
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from argand._memory import demand
from argand.cell import Cell, cell_parameters
from argand.crystal import Crystal
from argand.errors import ArgandError, ArgandWarning, reading
from argand.files import PathLike, decode_text, read_bytes
from argand.io.ccp4 import read_ccp4
from argand.io.cif_block import Block, parse_blocks
from argand.io.cif_crystal import block_with_sites, crystal_of_block, has_sites
from argand.io.cif_reflections import (
    block_with_reflections,
    holds_reflections,
    reflections_of_block,
)
from argand.io.experiment import Experiment, experiment_of_blocks, experiment_of_instructions
from argand.io.hklf import check_kind_of_list, read_columns
from argand.io.mtz import read_mtz
from argand.io.reflections import LONGEST_WAVELENGTH, Reflections
from argand.io.shelx import Instructions, is_shelx, parse_instructions
from argand.io.shelx_crystal import crystal_of_instructions
from argand.io.site_checks import structure_notes
from argand.symmetry import SpaceGroup, cell_doubt, group_ops, spacegroup_name, triplets

__all__ = ["Contents", "SourceFile", "open_file", "warn_of_notes"]

Format = Literal["MTZ", "map", "SHELX", "CIF", "columns"]

_MAP_SUFFIXES = (".ccp4", ".map", ".mrc")
_CIF_SUFFIXES = (".cif", ".fcf", ".mcif")

# An instruction file of SHELX begins with one of these.
_FIRST_INSTRUCTIONS = ("TITL", "CELL", "REM ")

# A line that states symmetry in SHELX instructions.
_SYMMETRY_LINE = re.compile(r"^(LATT|SYMM)\b", re.MULTILINE | re.IGNORECASE)

# The first line of a list of reflections begins with two integers, the first line of a CIF never.
_FIRST_ROW = re.compile(r"(?:[^\S\n]*(?:[#!].*)?\n)*[^\S\n]*[+-]?\d+[\s,;+-]+\d")

# A line that begins a data block of a CIF, after any of the ends of lines that Python knows.
_FIRST_BLOCK = re.compile(r"(?:\A|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029])\s*data_", re.IGNORECASE)

# Bytes that a line of a CIF takes while it is read, as strings of gemmi and of Python, and numbers.
_BYTES_OF_CIF_LINE = 800

# Bytes that a line of a list of reflections takes: itself, its words, and its numbers.
_BYTES_OF_LIST_LINE = 700

# Bytes that a SHELX instruction takes: its words, and an atom with its coordinates.
_BYTES_OF_INSTRUCTION = 600

# Copies of a text that are held at the same time: its bytes, the text, and the text of its list.
_COPIES_OF_TEXT = 5

# Copies of the numbers of an MTZ file: in gemmi and in double precision, twice.
_COPIES_OF_MTZ = 7


@dataclass(frozen=True)
class Contents:
    """Say what kind of file it is, and what is in it.

    Parameters
    ----------
    format
        "MTZ", "map", "SHELX", "CIF" or "columns".
    structure, reflections
        Whether the file has a structure, and whether it has reflections.
    """

    format: Format
    structure: bool
    reflections: bool


class SourceFile:
    """Open a file once, parse it at most once, and read structure, reflections or density from it.

    Parameters
    ----------
    path
        File, which may be compressed by gzip unless it is an MTZ file or a map.

    Raises
    ------
    ArgandError
        Names a file that cannot be read.
    """

    def __init__(self, path: PathLike) -> None:
        self.path = Path(path)
        self.source = os.fspath(path)
        self.data = read_bytes(path)

    @cached_property
    def text(self) -> str:
        """Return the content of a text file; an `ArgandError` for an empty or binary file."""
        with reading(self.source):
            return decode_text(self.data, self.source)

    @cached_property
    def blocks(self) -> list[Block]:
        """Return the data blocks of a CIF; an `ArgandError` for a file that is no CIF."""
        self._demand_memory(_COPIES_OF_TEXT, _BYTES_OF_CIF_LINE)
        with reading(self.source):
            return parse_blocks(self.text, self.source)

    @cached_property
    def format(self) -> Format:
        """Return the kind of the file by its content, and by its name where that does not tell."""
        name = self.source.lower()
        if self._is_mtz:
            return "MTZ"
        if self.data[208:212] == b"MAP " or name.endswith(_MAP_SUFFIXES):
            return "map"
        if self._is_instruction_file:
            return "SHELX"
        if name.removesuffix(".gz").endswith(_CIF_SUFFIXES) or self._has_data_block:
            return "CIF"
        return "columns"

    def contents(self) -> Contents:
        """Tell the kind of the file and what is in it.

        Raises
        ------
        ArgandError
            One line that names the file and why it is none of the known kinds.
        """
        if self.format == "CIF":
            with reading(self.source):
                structure = any(has_sites(block) for block in self.blocks)
                reflections = any(holds_reflections(block) for block in self.blocks)
            return Contents("CIF", structure, reflections)
        structure = self.format == "SHELX"
        reflections = self.format in ("MTZ", "columns")
        return Contents(self.format, structure, reflections)

    def crystal(self, block: str | None = None) -> Crystal:
        """Read the crystal structure, see `read_crystal`."""
        with reading(self.source):
            if self._is_shelx:
                crystal = crystal_of_instructions(self._instructions)
                odd = [f"{self.source}: {note}" for note in structure_notes(crystal)]
                notes = [*self._instructions.notes, *odd]
            else:
                self._forget_notes()
                chosen = block_with_sites(self.blocks, block)
                crystal = crystal_of_block(chosen)
                notes = chosen.take_notes()
        warn_of_notes(notes)
        return crystal

    def experiment(self, block: str | None = None) -> Experiment:
        """Read what the file states about measurement and refinement, see `read_experiment`."""
        with reading(self.source):
            if self._is_shelx:
                return experiment_of_instructions(self._instructions)
            return experiment_of_blocks(self.blocks, block)

    def instructions(self) -> Instructions:
        """Read the SHELX instructions of a .res or .ins file, see `read_instructions`."""
        return self._instructions

    def reflections(
        self,
        *,
        cell: Sequence[float] | None = None,
        spacegroup: SpaceGroup | None = None,
        wavelength: float | None = None,
        hklf: int | None = None,
        block: str | None = None,
        mates: bool = False,
        columns: tuple[str, str] | None = None,
    ) -> Reflections:
        """Read a list of reflections, see `read_reflections`."""
        check_kind_of_list(hklf, self.source)
        with reading(self.source):
            reflections, notes = self._read_reflections(hklf, block, mates, columns)
        warn_of_notes(notes)
        stated_cell = reflections.cell if cell is None else cell_parameters(cell)
        group_name = reflections.spacegroup
        if spacegroup is not None:
            group = group_ops(spacegroup)
            group_name = spacegroup_name(group) or ";".join(triplets(group))
        stated_wavelength = reflections.wavelength
        if wavelength is not None:
            if not 0.0 < wavelength < LONGEST_WAVELENGTH:
                raise ArgandError(f"wavelength is {wavelength}, needs a wavelength in angstrom")
            stated_wavelength = float(wavelength)
        if stated_cell is not None and group_name is not None:
            with reading(self.source):
                doubt = cell_doubt(stated_cell, group_name)
            warn_of_notes([] if doubt is None else [f"{self.source}: {doubt}"])
        if cell is None and spacegroup is None and wavelength is None:
            return reflections
        return replace(
            reflections, cell=stated_cell, spacegroup=group_name, wavelength=stated_wavelength
        )

    def density(self) -> tuple[npt.NDArray[np.float32], Cell, str]:
        """Read a density map, its unit cell and its space group, see `read_map`."""
        with reading(self.source):
            return read_ccp4(self.source, self.data)

    @property
    def _is_mtz(self) -> bool:
        """Tell whether the file begins as an MTZ file does."""
        return self.data[:4] == b"MTZ "

    @cached_property
    def _is_shelx(self) -> bool:
        """Tell whether the text has SHELX instructions and is no CIF."""
        # The instruction CELL is looked for line by line, and a list of numbers has no letters.
        has_letters = "C" in self.text or "c" in self.text
        return has_letters and is_shelx(self.text)

    @cached_property
    def _is_instruction_file(self) -> bool:
        """Tell whether the text begins with SHELX instructions: a list may end with some."""
        return self._is_shelx and self.text.lstrip()[:4].upper() in _FIRST_INSTRUCTIONS

    @cached_property
    def _has_data_block(self) -> bool:
        """Tell whether a line of the text begins a data block of a CIF."""
        if _FIRST_ROW.match(self.text):
            # Some programs add a CIF after the end of a list.
            return False
        return bool(_FIRST_BLOCK.search(self.text))

    @cached_property
    def _instructions(self) -> Instructions:
        """Parse the SHELX instructions that are the text of the file."""
        self._demand_memory(_COPIES_OF_TEXT, _BYTES_OF_INSTRUCTION)
        with reading(self.source):
            return parse_instructions(self.text, self.source)

    def _demand_memory(self, copies: int, bytes_of_line: int = 0) -> None:
        """Raise where reading the file takes more memory than a call may.

        The file is held `copies` times, and each of its lines takes `bytes_of_line` more.
        """
        lines = self.data.count(b"\n") + 1 if bytes_of_line else 0
        needed = copies * len(self.data) + bytes_of_line * lines
        demand(f"{self.source}: the file", needed, "cut it into smaller files")

    def _forget_notes(self) -> None:
        """Drop the notes that an earlier reading of the blocks left."""
        for block in self.blocks:
            block.take_notes()

    def _read_reflections(
        self,
        hklf: int | None,
        block: str | None,
        mates: bool,
        columns: tuple[str, str] | None,
    ) -> tuple[Reflections, list[str]]:
        """Read the list of reflections as the file states it, and notes that deserve a look."""
        if self._is_mtz:
            self._demand_memory(_COPIES_OF_MTZ)
            return read_mtz(self.source, self.data, mates=mates, columns=columns)
        self._demand_memory(_COPIES_OF_TEXT, _BYTES_OF_LIST_LINE)
        if self._has_data_block:
            self._forget_notes()
            chosen = block_with_reflections(self.blocks, block)
            reflections = reflections_of_block(chosen, hklf, mates=mates, columns=columns)
            return reflections, chosen.take_notes()
        if self._is_instruction_file:
            raise ArgandError(f"{self.source}: SHELX instructions, no reflections")
        if columns is not None:
            raise ArgandError(f"{self.source}: has no named columns, needs an MTZ file or a CIF")
        reflections, trailer, column_notes = read_columns(self.text, self.source, hklf=hklf)
        notes = [f"{self.source}: {note}" for note in column_notes]
        # Some programs repeat the instructions after the end of the list.
        trailing_text = "\n".join(trailer)
        if not is_shelx(trailing_text):
            return reflections, notes
        instructions = parse_instructions(trailing_text, self.source)
        if hklf is None and instructions.hklf is not None:
            # They belong to this list: its kind, its scale, and the axes that its cell has.
            kind = instructions.hklf
            reflections, _, column_notes = read_columns(self.text, self.source, hklf=kind)
            notes = [f"{self.source}: {note}" for note in column_notes]
            reflections = instructions.transform(reflections)
        stated = replace(
            reflections,
            cell=instructions.cell,
            spacegroup=instructions.spacegroup if _states_symmetry(trailing_text) else None,
            wavelength=instructions.wavelength,
        )
        return stated, notes


def open_file(path: PathLike) -> SourceFile:
    """Open a file of structure, reflections or density, to read several things from it.

    Each part of the file is parsed once, when it is first needed.

    Raises
    ------
    ArgandError
        Names a file that cannot be read.
    """
    return SourceFile(path)


def _states_symmetry(text: str) -> bool:
    """Tell whether SHELX instructions state symmetry: without LATT and SYMM it is P -1 by default.

    Instructions after a list of reflections are seldom complete.
    """
    return bool(_SYMMETRY_LINE.search(text))


def warn_of_notes(notes: Sequence[str]) -> None:
    """Issue notes about data as warnings at the first caller outside this package."""
    package = os.path.dirname(__file__)
    level = 1
    frame = sys._getframe()
    while frame.f_back is not None and os.path.dirname(frame.f_code.co_filename) == package:
        frame = frame.f_back
        level += 1
    for note in notes:
        warnings.warn(note, ArgandWarning, stacklevel=level)
