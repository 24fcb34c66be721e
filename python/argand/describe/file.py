"""Describe a file: its structure, its reflections or its map, and how they fit together."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from argand.crystal import Crystal
from argand.describe.agreement import AgreementDescription, describe_agreement
from argand.describe.density_map import MapDescription, describe_map
from argand.describe.merging import MergingDescription, describe_merging
from argand.describe.reflections import ReflectionsDescription, describe_reflections
from argand.describe.structure import StructureDescription, describe_structure
from argand.describe.structure_doubts import content_doubts, structure_doubts
from argand.errors import ArgandError, ArgandWarning, reading
from argand.files import PathLike
from argand.io import Experiment, Instructions, Reflections, SourceFile, open_file
from argand.io.beside import reflections_beside

__all__ = ["FileDescription", "describe_file", "structure_beside"]

# Suffixes of the structure that belongs to a list of reflections, the best source first.
_STRUCTURE_SUFFIXES = (".cif", ".res", ".ins")

_SHELX_SUFFIXES = (".res", ".ins")


@dataclass(frozen=True)
class FileDescription:
    """Describe a file: structure, reflections or map; None for the parts that it has not.

    Parameters
    ----------
    path
        The file.
    structure_path
        File of the structure, where that is another one.
    structure
        Structure of the file, or of the file beside it.
    instructions
        SHELX instructions that have no atoms.
    map
        Density map.
    reflections
        List of reflections.
    merging
        Reflections after merging; None where cell or space group is not known.
    agreement
        Agreement of reflections and structure; None without either.
    doubts
        What deserves a second look, in words, each once.
    """

    path: str
    structure_path: str | None
    structure: StructureDescription | None
    instructions: Instructions | None
    map: MapDescription | None
    reflections: ReflectionsDescription | None
    merging: MergingDescription | None
    agreement: AgreementDescription | None
    doubts: tuple[str, ...]


def describe_file(
    path: PathLike,
    *,
    structure: PathLike | None = None,
    cell: Sequence[float] | None = None,
    spacegroup: str | None = None,
    wavelength: float | None = None,
    content: Mapping[str, float] | None = None,
    hklf: int | None = None,
) -> FileDescription:
    """Describe a file of structure, reflections or density; every file is read once.

    Parameters
    ----------
    path
        File (CIF, .res, .ins; FCF, HKL, MTZ, plain columns; CCP4).
    structure
        File of the structure that reflections belong to. Without one, x.hkl and x_hkl.hkl belong
        to x.cif, x.res or x.ins in the same folder.
    cell, spacegroup, wavelength
        Unit cell (angstrom, degrees), space group and wavelength (angstrom) of the reflections,
        instead of the values that the file states.
    content
        Atoms of each element in the unit cell.
    hklf
        3 where a SHELX list holds amplitudes, 4, 5 or 6 for intensities.

    Raises
    ------
    ArgandError
        One line that names the file and what is wrong with it.
    """
    source = open_file(path)
    reader = _Reader(source, None if structure is None else Path(structure), content)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ArgandWarning)
        with reading(path):
            reader.read(cell, spacegroup, wavelength, hklf)
    reader.doubt(_short(str(warning.message), source) for warning in caught)
    return reader.description()


def structure_beside(path: Path) -> Path | None:
    """Find the structure in the same folder that belongs to a list of reflections, by its name."""
    for stem in (path.stem, path.stem.removesuffix("_hkl")):
        for suffix in _STRUCTURE_SUFFIXES:
            candidate = path.with_name(stem + suffix)
            if candidate != path and candidate.is_file():
                return candidate
    return None


class _Reader:
    """Read a file, and the structure that belongs to it, and collect descriptions and doubts."""

    def __init__(
        self, source: SourceFile, structure: Path | None, content: Mapping[str, float] | None
    ) -> None:
        self._source = source
        self._structure_argument = structure
        self._content = content
        self._doubts: list[str] = []
        # File of the structure that was read, its crystal, and what it states.
        self._holder: SourceFile | None = None
        self._crystal: Crystal | None = None
        self._experiment = Experiment()
        self._structure: StructureDescription | None = None
        self._instructions: Instructions | None = None
        self._map: MapDescription | None = None
        self._reflections: ReflectionsDescription | None = None
        self._merging: MergingDescription | None = None
        self._agreement: AgreementDescription | None = None

    def doubt(self, doubts: Iterable[str]) -> None:
        """Add doubts that were not added before."""
        for doubt in doubts:
            if doubt not in self._doubts:
                self._doubts.append(doubt)

    def description(self) -> FileDescription:
        """Return the descriptions and doubts of all that was read."""
        structure_path = None
        if self._holder is not None and self._holder is not self._source:
            structure_path = self._holder.source
        return FileDescription(
            path=self._source.source,
            structure_path=structure_path,
            structure=self._structure,
            instructions=self._instructions,
            map=self._map,
            reflections=self._reflections,
            merging=self._merging,
            agreement=self._agreement,
            doubts=tuple(self._doubts),
        )

    def read(
        self,
        cell: Sequence[float] | None,
        spacegroup: str | None,
        wavelength: float | None,
        hklf: int | None,
    ) -> None:
        """Read all that the file has; the arguments are those of `SourceFile.reflections`."""
        contents = self._source.contents()
        if contents.format == "map":
            self._map = describe_map(*self._source.density())
            return
        if not (contents.structure or contents.reflections):
            # The error says what is missing.
            self._source.crystal()
            return
        self._read_structure()
        if not contents.reflections:
            return
        reflections = self._read_reflections(cell, spacegroup, wavelength, hklf)
        if reflections is not None:
            self._describe_reflections(reflections)

    def _read_structure(self) -> None:
        """Read the structure in the file, or in another one that belongs to it."""
        contents = self._source.contents()
        path = self._structure_argument
        if path is None:
            is_own = contents.structure
            path = self._source.path if is_own else structure_beside(self._source.path)
        if path is None:
            if contents.format == "CIF":
                self._experiment = self._source.experiment()
            return
        try:
            is_own = path == self._source.path
            self._read_structure_of(self._source if is_own else open_file(path))
        except ArgandError as error:
            if path == self._structure_argument or not contents.reflections:
                raise
            self.doubt([f"no structure: {_short(str(error), self._source)}"])

    def _read_structure_of(self, holder: SourceFile) -> None:
        """Read a structure, or a unit cell and a content alone, from a file."""
        experiment = holder.experiment()
        contents = holder.contents()
        if contents.format == "SHELX" and not holder.instructions().atoms:
            self._instructions = holder.instructions()
        elif contents.format != "CIF" or contents.structure or experiment.cell is None:
            self._crystal = holder.crystal()
            self._structure = describe_structure(self._crystal)
            self.doubt(structure_doubts(self._crystal))
            if holder.path.suffix in _SHELX_SUFFIXES and experiment.content:
                self.doubt(content_doubts(self._crystal, experiment.content))
        self._holder = holder
        self._experiment = experiment

    def _read_reflections(
        self,
        cell: Sequence[float] | None,
        spacegroup: str | None,
        wavelength: float | None,
        hklf: int | None,
    ) -> Reflections | None:
        """Read the reflections; None where they are broken in a file whose structure is not."""
        try:
            return reflections_beside(
                self._source,
                self._holder,
                self._experiment,
                cell=cell,
                spacegroup=spacegroup,
                wavelength=wavelength,
                hklf=hklf,
            )
        except ArgandError as error:
            if self._crystal is None or self._holder is not self._source:
                raise
            self.doubt([f"no reflections: {_short(str(error), self._source)}"])
            return None

    def _describe_reflections(self, reflections: Reflections) -> None:
        """Describe the list of reflections, and merge it where that can be done."""
        self._reflections = describe_reflections(reflections)
        if reflections.batch is not None and (reflections.batch < 0).any():
            twin = (
                "a twin (HKLF 5): what overlaps and the other domains are left out, "
                "R1 is of the first domain alone"
            )
            self.doubt([twin])
        if not self._reflections.is_measured:
            return
        lattice = self._crystal or self._experiment
        reflections = replace(
            reflections,
            cell=reflections.cell or lattice.cell,
            spacegroup=reflections.spacegroup or lattice.spacegroup,
        )
        for lacking, value in (("cell", reflections.cell), ("space group", reflections.spacegroup)):
            if value is None:
                option = lacking.replace(" ", "")
                self.doubt([f"no {lacking}: give --structure, or --{option}, to have them merged"])
                return
        try:
            self._compare(reflections)
        except ArgandError as error:
            self.doubt([str(error)])

    def _compare(self, reflections: Reflections) -> None:
        """Describe merged reflections, and their agreement with the structure."""
        content = self._content or self._experiment.content
        if self._crystal is not None:
            content = self._crystal.composition()
        self._merging = describe_merging(reflections, content, self._experiment)
        self.doubt(self._merging.doubts)
        if self._crystal is None:
            self.doubt(self._merging.statistics.verdict())
            return
        self._agreement = describe_agreement(reflections, self._crystal, self._experiment)
        self.doubt(self._agreement.doubts)


def _short(message: str, source: SourceFile) -> str:
    """Cut the name of the described file off a message about it."""
    return message.removeprefix(f"{source.source}: ")
