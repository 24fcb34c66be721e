"""Read what is known of an unknown crystal: its reflections, and what stands in files beside them.

What cannot be solved is refused here, in words, before any work begins.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from argand.cell import Cell, cell_volume
from argand.describe.file import structure_beside
from argand.errors import ArgandError, ArgandWarning
from argand.files import PathLike
from argand.io import Experiment, Reflections, SourceFile, open_file, parse_formula
from argand.measured import Merged, impossible, intensity_statistics, merge
from argand.measured.merging import usable
from argand.radiation import Radiation
from argand.reflections import stol
from argand.solve.composition import cell_content, is_possible
from argand.solve.verdict import SPARSE
from argand.symmetry import group_ops

__all__ = ["Problem", "data_name", "list_beside", "read_problem"]

# Endings of the list of reflections that belongs to a structure, the best source first.
_LIST_ENDINGS = (".hkl", "_hkl.hkl", ".fcf", ".mtz")

# Of right data no reflection lies beyond lambda/2, but for the rounding of cell and wavelength.
_REACH = 0.98

# Atoms cannot be told apart where the smallest lattice spacing is larger than this (angstrom).
_COARSEST = 2.5

# Fewer unique reflections determine no structure.
_FEWEST = 10

# Amplitudes are never negative; of intensities some are.
_NEGATIVE_SHARE = 0.001

_PROBE_WORDS = {
    "electron": "electrons were scattered: intensities are dynamical",
    "neutron": "neutrons were scattered: hydrogens are negative density",
}


@dataclass(frozen=True, eq=False)
class Problem:
    """Hold the data of an unknown crystal, and what is known of it.

    Parameters
    ----------
    name
        Name of the data set.
    source
        File of the reflections.
    reflections
        Measured reflections, with their unit cell.
    cell
        Unit cell, angstrom and degrees.
    spacegroup
        Space group that the data came with, or None.
    content
        Atoms of each element in the unit cell, or None where that is not known.
    radiation
        What was scattered, with dispersion where the wavelength is known.
    notes
        What deserves a second look, in sentences.
    """

    name: str
    source: Path
    reflections: Reflections
    cell: Cell
    spacegroup: str | None
    content: dict[str, float] | None
    radiation: Radiation
    notes: tuple[str, ...]


def read_problem(
    path: PathLike,
    *,
    cell: Sequence[float] | None = None,
    spacegroup: str | None = None,
    contents: str | None = None,
    wavelength: float | None = None,
    hklf: int | None = None,
    force: bool = False,
) -> Problem:
    """Read reflections, and all that is known of their crystal, from a file and those beside it.

    A list NAME.hkl or NAME_hkl.hkl belongs to NAME.cif, NAME.res or NAME.ins in the same folder,
    whichever of them is asked for. Atoms in these files are not looked at.

    Parameters
    ----------
    path
        Reflections (HKL, CIF, FCF, MTZ), or the file that goes with them (CIF, .ins, .res).
    cell, spacegroup, wavelength
        Unit cell (angstrom, degrees), space group and wavelength (angstrom), instead of the values
        that the files state.
    contents
        Formula of the unit cell or of a formula unit.
    hklf
        3 where a SHELX list holds amplitudes, 4, 5 or 6 for intensities.
    force
        Whether to take data that look wrong as they are.

    Raises
    ------
    ArgandError
        One line that names the file or the argument, what it is and what it must be.
    """
    reader = _ProblemReader(Path(path), hklf)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ArgandWarning)
        reader.read(cell, spacegroup, wavelength)
    reader.note(str(warning.message) for warning in caught)
    if reader.cell is None:
        raise ArgandError(
            f"{reader.source}: no unit cell is known: give --cell A B C ALPHA BETA GAMMA"
        )
    content = reader.content(contents)
    problem = Problem(
        name=data_name(Path(path)),
        source=reader.source,
        reflections=replace(reader.reflections, cell=reader.cell, spacegroup=reader.spacegroup),
        cell=reader.cell,
        spacegroup=reader.spacegroup,
        content=content,
        radiation=reader.radiation(wavelength),
        notes=(),
    )
    _check_experiment(reader.experiment, reader.source, force)
    try:
        notes = _checked(problem, hklf, force)
    except ArgandError as error:
        message = str(error)
        if message.startswith(str(reader.source)):
            raise
        raise ArgandError(f"{reader.source}: {message}") from None
    return replace(problem, notes=tuple(dict.fromkeys([*reader.notes, *notes])))


def data_name(path: Path) -> str:
    """Return the name of the data in a file: its name without endings, and without _hkl."""
    name = path.name.removesuffix(".gz")
    stem = name.rpartition(".")[0] or name
    return stem.removesuffix("_hkl") or stem


def list_beside(path: Path) -> Path | None:
    """Find the list of reflections in the same folder that belongs to a structure, by its name."""
    for ending in _LIST_ENDINGS:
        candidate = path.with_name(path.stem + ending)
        if candidate != path and candidate.is_file():
            return candidate
    return None


class _ProblemReader:
    """Find and read the files of one crystal."""

    def __init__(self, path: Path, hklf: int | None) -> None:
        self._path = path
        self._hklf = hklf
        self.source = path
        self.notes: list[str] = []
        self.experiment = Experiment()
        self.cell: Cell | None = None
        self.spacegroup: str | None = None
        self.reflections: Reflections
        # Formula of a CIF that states no number of formula units.
        self._formula: dict[str, float] | None = None

    def note(self, notes: Iterable[str]) -> None:
        """Add remarks, without the name of the file at their beginning."""
        self.notes += [note.removeprefix(f"{self.source}: ") for note in notes]

    def read(
        self, cell: Sequence[float] | None, spacegroup: str | None, wavelength: float | None
    ) -> None:
        """Read the list of reflections and the file that goes with it."""
        file = open_file(self._path)
        contents = file.contents()
        if contents.format == "map":
            raise ArgandError(f"{self._path}: is a map, needs measured reflections")
        holder: SourceFile | None = file
        data = file
        if not contents.reflections:
            path = list_beside(self._path)
            if path is None:
                raise ArgandError(
                    f"{self._path}: holds no reflections, and no {self._path.stem}.hkl lies "
                    "beside it"
                )
            data = open_file(path)
            self.source = path
        elif contents.format in ("MTZ", "columns") or not contents.structure:
            path = structure_beside(self._path)
            if path is not None:
                holder = open_file(path)
            elif contents.format != "CIF":
                holder = None
        if holder is not None:
            self._read_experiment(holder, is_needed=holder is file)
        is_columns = data.contents().format == "columns"
        hklf = self._hklf
        if hklf is None and is_columns:
            hklf = self.experiment.hklf
        reflections = data.reflections(
            cell=cell, spacegroup=spacegroup, wavelength=wavelength, hklf=hklf
        )
        if is_columns and holder is not None and holder.contents().format == "SHELX":
            reflections = holder.instructions().transform(reflections)
        self.reflections = reflections
        self.cell = reflections.cell or self.experiment.cell
        self.spacegroup = reflections.spacegroup or self.experiment.spacegroup

    def content(self, contents: str | None) -> dict[str, float] | None:
        """Return the atoms in the cell, by a formula or by the files; None where not known.

        Raises
        ------
        ArgandError
            The formula is none, or does not fit the cell.
        """
        assert self.cell is not None
        volume = cell_volume(self.cell)
        group = group_ops(self.spacegroup or "P 1")
        operations = len(list(group))
        centring = len(group.cen_ops)
        if contents is not None:
            formula = parse_formula(contents)
            if not formula:
                raise ArgandError(f"contents is {contents!r}, needs a formula such as 'C24 H30 N2'")
            return cell_content(formula, volume, operations, centring)
        stated = self.experiment.content
        if stated is None and self._formula is not None:
            try:
                return cell_content(self._formula, volume, operations, centring)
            except ArgandError:
                stated = self._formula
        if stated and not is_possible(stated, volume):
            self.notes.append(
                "the content that the file states does not fit the volume of the cell: "
                "it was not used"
            )
            return None
        return stated

    def radiation(self, wavelength: float | None) -> Radiation:
        """Return the radiation, with dispersion where its wavelength is known."""
        known = wavelength or self.experiment.wavelength or self.reflections.wavelength
        probe = self.experiment.probe
        return Radiation(probe, known, probe == "x-ray" and known is not None)

    def _read_experiment(self, holder: SourceFile, *, is_needed: bool) -> None:
        """Read cell, group, content and wavelength; a damaged file beside the data is a note."""
        try:
            self.experiment = holder.experiment()
            blocks = holder.blocks if holder.contents().format == "CIF" else []
            for block in blocks:
                formula = parse_formula(block.text("_chemical_formula_sum") or "")
                self._formula = self._formula or formula
        except ArgandError as error:
            if is_needed:
                raise
            self.notes.append(str(error))


def _check_experiment(experiment: Experiment, source: Path, force: bool) -> None:
    """Refuse powders, and what was not measured with x-rays."""
    if experiment.powder:
        raise ArgandError(
            f"{source}: is of a powder, whose reflections overlap: needs a single crystal"
        )
    words = _PROBE_WORDS.get(experiment.probe)
    if words is not None and not force:
        raise ArgandError(f"{source}: {words}, needs x-rays; --force tries all the same")


def _checked(problem: Problem, hklf: int | None, force: bool) -> list[str]:
    """Refuse data that cannot be those of a crystal, and return what is doubtful about others.

    Raises
    ------
    ArgandError
        Says what is wrong.
    """
    reflections = problem.reflections
    _check_reach(problem)
    merged = merge(reflections, spacegroup=problem.spacegroup or "P -1")
    if len(merged.hkl) < _FEWEST:
        raise ArgandError(f"holds {len(merged.hkl)} unique reflections, needs {_FEWEST} or more")
    if merged.d_min > _COARSEST and not force:
        raise ArgandError(
            f"its reflections end at d = {merged.d_min:.1f} Å, needs {_COARSEST} Å or less: "
            "is the cell right?"
        )
    _check_kind(reflections, merged, hklf, force)
    notes = impossible(merged)
    if problem.spacegroup is not None and merged.completeness < SPARSE:
        notes.append(
            f"the data are {100 * merged.completeness:.0f} % complete to {merged.d_min:.2f} Å: "
            "is the cell right?"
        )
    if problem.radiation.wavelength is None:
        notes.append("the wavelength is not known: no dispersion, no absolute structure")
    return notes


def _check_reach(problem: Problem) -> None:
    """Refuse reflections that no measurement with this wavelength reaches."""
    wavelength = problem.radiation.wavelength
    if wavelength is None:
        return
    rows = np.flatnonzero(usable(problem.reflections))
    hkl = problem.reflections.hkl[rows]
    if not len(hkl):
        return
    sine = wavelength * stol(hkl, problem.cell)
    beyond = int((sine * _REACH > 1.0).sum())
    if beyond:
        h, k, l = hkl[int(sine.argmax())]
        raise ArgandError(
            f"{beyond} reflections, such as {h} {k} {l}, lie at d < λ/2 = {wavelength / 2:.3f} Å: "
            "the cell or the wavelength is wrong"
        )


def _check_kind(reflections: Reflections, merged: Merged, hklf: int | None, force: bool) -> None:
    """Refuse amplitudes that were given as intensities, by their distribution.

    A column that says what it is, and a user who says it, are believed.
    """
    is_stated = hklf is not None or reflections.format in ("MTZ", "unmerged MTZ")
    intensity = reflections.intensity
    if force or is_stated or intensity is None:
        return
    known = intensity[np.isfinite(intensity)]
    is_negative = float((known < 0).mean()) > _NEGATIVE_SHARE
    statistics = intensity_statistics(merged)
    if statistics.varies_too_little and not is_negative:
        raise ArgandError(
            "its values vary too little for intensities (second moment "
            f"{statistics.second_moment:.2f}, expected {statistics.expected_moment:.2f}): "
            "amplitudes? --hklf 3 takes them as such, --hklf 4 as intensities"
        )
