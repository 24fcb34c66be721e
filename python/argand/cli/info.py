"""``argand info``: what this build is, or what a file holds, as a person wants to read it."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np

import argand
from argand.atom_types import atomic_number
from argand.cli._data_text import agreement_lines, data_lines, list_lines, own_agreement
from argand.cli._structure_text import odd_about, structure_lines
from argand.crystal import Crystal
from argand.errors import ArgandError, ArgandWarning
from argand.io import (
    Contents,
    Experiment,
    Reflections,
    identify,
    read_experiment,
    read_instructions,
)
from argand.io._formula import parse_formula
from argand.measured import intensity_statistics, merge

_BESIDE = (".cif", ".res", ".ins")


def info(
    file: Path | None = None,
    *,
    structure: Path | None = None,
    cell: tuple[float, float, float, float, float, float] | None = None,
    spacegroup: str | None = None,
    wavelength: float | None = None,
    contents: str | None = None,
    hklf: int | None = None,
) -> None:
    """What this build is and how it runs; with a file, what is in it: structure, reflections, how they agree.

    Parameters
    ----------
    file : FILE
        Structure (CIF, .res, .ins), reflections (CIF, FCF, HKL, MTZ, plain columns), or a map (CCP4).
    structure : FILE
        Structure (CIF, .res, .ins) that reflections belong to. Without one, x.hkl and x_hkl.hkl are read together
        with x.cif, x.res or x.ins beside them.
    cell : A B C ALPHA BETA GAMMA
        Cell of the reflections, angstrom and degrees.
    spacegroup : SYMBOL
        Space group of the reflections.
    wavelength : A
        Wavelength in angstrom.
    contents : FORMULA
        Atoms in the cell, such as "C36 H38 N2 O8".
    hklf : N
        3 when a SHELX list holds amplitudes, 4 or 5 for intensities.
    """
    if file is None:
        for name, value in argand.build_config().items():
            print(f"{name:<10} {value}")
        return
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ArgandWarning)
        report = _Report(file)
        held = identify(file)
        if held.format == "map":
            report.add("map", _map_lines(file))
        elif held.structure or held.reflections:
            given: dict[str, object] = {
                "cell": cell,
                "spacegroup": spacegroup,
                "wavelength": wavelength,
                "hklf": hklf,
            }
            given = {name: value for name, value in given.items() if value is not None}
            _read(report, held, structure, given, _content(contents))
        else:
            argand.read_crystal(file)  # says what is missing
    report.doubt(str(warning.message).removeprefix(f"{file}: ") for warning in caught)
    print(report)


class _Report:
    """Sections of lines, doubts last and each once."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._sections: list[tuple[str, list[str]]] = []
        self._doubts: list[str] = []

    def add(self, title: str, lines: list[str]) -> None:
        self._sections.append((title, lines))

    def doubt(self, said: Iterable[str]) -> None:
        self._doubts += [line for line in said if line not in self._doubts]

    def __str__(self) -> str:
        sections = [
            *self._sections,
            *([("worth a second look", self._doubts)] if self._doubts else []),
        ]
        return "\n".join(
            [str(self.file), *(f"{title}\n  " + "\n  ".join(lines) for title, lines in sections)]
        )


def _content(contents: str | None) -> dict[str, float] | None:
    if contents is None:
        return None
    formula = parse_formula(contents)
    if not formula:
        raise ArgandError(f"contents is {contents!r}, needs a formula such as 'Na4 Cl4'")
    return formula


def _read(
    report: _Report,
    held: Contents,
    structure: Path | None,
    given: dict[str, object],
    content: dict[str, float] | None,
) -> None:
    file = report.file
    holder = structure or (file if held.structure else _beside(file))
    crystal, experiment = None, Experiment()
    if holder is not None:
        try:
            crystal, experiment = _structure(report, holder)
        except ArgandError as error:
            if holder == structure or not held.reflections:
                raise
            report.doubt([f"no structure: {str(error).removeprefix(f'{file}: ')}"])
            holder = None
    elif held.format == "CIF":
        experiment = read_experiment(file)
    if not held.reflections:
        return
    if "hklf" not in given and held.format == "columns" and experiment.hklf is not None:
        given["hklf"] = experiment.hklf
    try:
        found = argand.read_reflections(file, **given)  # type: ignore[arg-type]
    except ArgandError as error:
        if crystal is None or holder != file:
            raise
        report.doubt([f"no reflections: {str(error).removeprefix(f'{file}: ')}"])
        return
    if held.format == "columns" and holder is not None and identify(holder).format == "SHELX":
        found = read_instructions(holder).turn(found)
    if content is not None:
        experiment = replace(experiment, content=content)
    _reflections(report, found, crystal, experiment)


def _beside(file: Path) -> Path | None:
    """The structure that lies beside a list of reflections and has its name."""
    stems = {file.stem: None, file.stem.removesuffix("_hkl"): None}
    for stem in stems:
        for suffix in _BESIDE:
            path = file.with_name(stem + suffix)
            if path != file and path.is_file():
                return path
    return None


def _structure(report: _Report, holder: Path) -> tuple[Crystal | None, Experiment]:
    """Read and describe the structure, None where the file has no atoms."""
    title = "structure" if holder == report.file else f"structure in {holder}"
    experiment = read_experiment(holder)
    held = identify(holder)
    if held.format == "SHELX" and not read_instructions(holder).atoms:
        report.add(title, _instruction_lines(holder))
        return None, experiment
    if held.format == "CIF" and not held.structure and experiment.cell is not None:
        return None, experiment
    crystal = argand.read_crystal(holder)
    report.add(title, structure_lines(crystal))
    report.doubt(odd_about(crystal))
    if holder.suffix in (".res", ".ins") and experiment.content:
        report.doubt(_other_content(crystal, experiment.content))
    return crystal, experiment


def _instruction_lines(path: Path) -> list[str]:
    said = read_instructions(path)
    lines = [said.title] if said.title else []
    if said.cell is not None:
        a, b, c, alpha, beta, gamma = said.cell
        lines.append(
            f"cell {a:g} {b:g} {c:g} Å, {alpha:g} {beta:g} {gamma:g}°, {argand.cell_volume(said.cell):.5g} Å³"
        )
    lines.append(f"space group {said.spacegroup}")
    if said.content:
        lines.append(
            "content "
            + " ".join(f"{element}{number:g}" for element, number in said.content.items())
        )
    return [*lines, "no atoms"]


def _other_content(crystal: Crystal, content: dict[str, float]) -> list[str]:
    """SFAC and UNIT are what SHELX's user expects, not what the atoms are."""
    stated = sum(atomic_number(element) * number for element, number in content.items())
    if abs(crystal.f000() - stated) <= 0.005 * stated:
        return []
    return [
        f"F(000) of the sites is {crystal.f000():.6g}, of UNIT {stated:.6g}: the sites hold {crystal.formula}"
    ]


def _reflections(
    report: _Report, found: Reflections, crystal: Crystal | None, experiment: Experiment
) -> None:
    report.add(f"reflections: {found.format}", list_lines(found) + own_agreement(found))
    if found.batch is not None and (found.batch < 0).any():
        report.doubt(
            [
                "a twin (HKLF 5): what overlaps and the other domains are left out, R1 is of the first domain alone"
            ]
        )
    if found.intensity is None and found.amplitude is None:
        return
    content = crystal.composition() if crystal is not None else experiment.content
    known = crystal or experiment
    found = replace(
        found, cell=found.cell or known.cell, spacegroup=found.spacegroup or known.spacegroup
    )
    if found.cell is None or found.spacegroup is None:
        lacking = "cell" if found.cell is None else "space group"
        report.doubt(
            [
                f"no {lacking}: give --structure, or --{lacking.replace(' ', '')}, to have them merged"
            ]
        )
        return
    try:
        lines, doubts = data_lines(found, content, experiment)
        report.add("merged", lines)
        report.doubt(doubts)
        if crystal is not None:
            lines, doubts = agreement_lines(found, crystal, experiment)
            report.add("agreement with the structure", lines)
            report.doubt(doubts)
        else:
            report.doubt(intensity_statistics(merge(found)).verdict())
    except ArgandError as error:
        report.doubt([str(error)])


def _map_lines(file: Path) -> list[str]:
    values, cell, spacegroup = argand.read_map(file)
    rho = values.astype(np.float64)  # whose squares do not overflow
    a, b, c, alpha, beta, gamma = cell
    return [
        f"{' x '.join(str(n) for n in rho.shape)} points, space group {spacegroup}",
        f"cell {a:g} {b:g} {c:g} Å, {alpha:g} {beta:g} {gamma:g}°",
        f"{rho.min():.4g} to {rho.max():.4g}, mean {rho.mean():.4g}, rms deviation {rho.std():.4g}",
    ]
