"""Write the files of a solution into a folder: CIF, SHELX, MTZ, CCP4 map, JSON."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from argand.crystal import Crystal
from argand.density import grid_shape, map_from_structure_factors
from argand.errors import ArgandError
from argand.files import PathLike, decode_text, read_bytes
from argand.io import write_hklf4, write_map
from argand.io.shelx_writer import ShelxRefinement, shelx_text
from argand.measured.phased_mtz import in_named_setting, write_phased_mtz
from argand.measured.scaled_phases import ScaledPhases
from argand.solve.absolute_scale import scaled_phases, twin_in_use
from argand.solve.cif import dispersion_of, write_solution_cif
from argand.solve.composition import formula_units
from argand.solve.solution import Solution
from argand.store import write_json, write_text

__all__ = ["SOLUTION_KIND", "SOLUTION_VERSION", "write_solution"]

SOLUTION_KIND = "solution"

# Raise this when the layout of the description changes.
SOLUTION_VERSION = 1

# Standard uncertainty as a share of the mean intensity, where the data have none: SHELX needs one.
_ASSUMED_SIGMA = 0.02


def write_solution(solution: Solution, folder: PathLike, stem: str | None = None) -> list[Path]:
    """Write a solution into a folder, each file complete or not at all.

    The files are STEM.mtz (F SIGF PHI FOM, 2Fo - Fc as FWT and Fo - Fc as DELFWT), STEM.ccp4 (the
    density), STEM.hkl (intensities, SHELX HKLF 4), STEM.json (everything but the reflections), and
    with atoms STEM.cif, STEM.res and STEM.ins, the last two alike.

    Parameters
    ----------
    solution
        What is written.
    folder
        Folder, which is made where it is missing.
    stem
        Beginning of the names of the files; None takes the name of the solution.

    Returns
    -------
    list of Path
        The files, the JSON last: where it stands, all others stand too.

    Raises
    ------
    ArgandError
        Names the file that cannot be written.
    """
    path = Path(folder)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ArgandError(f"{path}: cannot be made: {error.strerror}") from None
    base = path / (stem or solution.name)
    scaled = scaled_phases(solution)
    files = [_with_suffix(base, ".hkl"), _with_suffix(base, ".mtz"), _with_suffix(base, ".ccp4")]
    factor = _write_intensities(files[0], solution)
    write_phased_mtz(
        files[1],
        scaled,
        cell=solution.merged.cell,
        spacegroup=solution.merged.spacegroup,
        wavelength=solution.radiation.wavelength,
    )
    _write_density(files[2], solution, scaled)
    if solution.crystal is not None:
        text = _instructions(solution, solution.crystal, scaled.scale * np.sqrt(factor))
        files += [_with_suffix(base, ".res"), _with_suffix(base, ".ins")]
        for file in files[-2:]:
            write_text(file, text)
        files.append(_with_suffix(base, ".cif"))
        reflections = decode_text(read_bytes(files[0]), str(files[0]))
        write_solution_cif(files[-1], solution, text, reflections)
    files.append(_with_suffix(base, ".json"))
    write_json(files[-1], solution.description(), kind=SOLUTION_KIND, version=SOLUTION_VERSION)
    return files


def _with_suffix(base: Path, suffix: str) -> Path:
    """Return a path with an ending added; a name may hold points of its own."""
    return base.with_name(base.name + suffix)


def _write_intensities(path: Path, solution: Solution) -> float:
    """Write the merged intensities as HKLF 4, and return the factor by which they were scaled."""
    merged = solution.merged
    sigma = merged.sigma
    if sigma is None:
        assumed = _ASSUMED_SIGMA * float(np.abs(merged.intensity).mean())
        sigma = np.full(len(merged.hkl), assumed)
    return write_hklf4(path, merged.hkl, merged.intensity, sigma)


def _instructions(solution: Solution, crystal: Crystal, scale: float) -> str:
    """Return the text of the SHELX instructions, with hydrogens that ride on their carriers."""
    model = solution.model
    assert model is not None
    site_of_label = {label: site for site, label in enumerate(crystal.labels)}
    carriers = list(range(len(crystal.types)))
    for rider, carrier in model.riding.items():
        carriers[site_of_label[rider]] = site_of_label[carrier]
    radiation = solution.radiation
    elements = list(crystal.composition())
    law, fraction = twin_in_use(solution)
    refinement = ShelxRefinement(
        wavelength=radiation.wavelength,
        scale=scale,
        weights=(model.weighting.a, model.weighting.b),
        extinction=model.extinction,
        formula_units=formula_units(crystal),
        carriers=tuple(carriers),
        twin=law,
        fraction=fraction,
        dispersion=dispersion_of(elements, radiation.energy_kev),
        neutrons=radiation.probe == "neutron",
    )
    title = f"{solution.name} in {solution.spacegroup}"
    return shelx_text(crystal, refinement, title)


def _write_density(path: Path, solution: Solution, scaled: ScaledPhases) -> None:
    """Write the density of the measured amplitudes, in e/A^3 for x-rays where there are atoms."""
    cell = solution.merged.cell
    hkl, expand, spacegroup = in_named_setting(scaled.hkl, solution.merged.spacegroup)
    shape = grid_shape(cell, spacegroup, solution.merged.d_min)
    density = map_from_structure_factors(
        hkl, expand(scaled.observed), shape, cell=cell, spacegroup=spacegroup
    )
    write_map(path, density, cell, spacegroup)
