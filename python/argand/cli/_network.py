"""Ask a trained network for the phases of measured amplitudes. It needs ``argand[learn]``."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import argand
from argand.cli._density import write_density
from argand.cli._network_input import unique_amplitudes
from argand.cli._outputs import MAP_SUFFIXES, check_output_file
from argand.errors import ArgandError
from argand.io import parse_formula

__all__ = ["predict_with_network"]


def predict_with_network(
    file: Path,
    weights: Path,
    contents: str,
    output: Path,
    map: Path | None,
    force: bool = False,
) -> None:
    """Write the phases that a trained network finds, and print what is known of their quality.

    Equivalents are merged first. The skewness of the density needs no truth; phases of the file
    are compared where it has them.

    Parameters
    ----------
    file : Path
        Reflections with amplitudes in electrons, or intensities (MTZ, CIF, FCF).
    weights : Path
        Folder or file that `argand train` wrote.
    contents : str
        Atoms in the unit cell, such as "Pb4".
    output : Path
        Reflections to write (MTZ, columns F and PHI).
    map : Path, optional
        Density to write (CCP4 map).
    force : bool
        Ask the network even where it was not trained for this crystal.
    """
    from argand.learn.predict import predict as predict_phases
    from argand.learn.skewness import density_skewness, random_skewness

    check_output_file(output, (".mtz",), [file])
    if map is not None:
        check_output_file(map, MAP_SUFFIXES, [file])
    reflections = argand.read_reflections(file)
    if reflections.cell is None:
        raise ArgandError(f"{file}: states no cell")
    formula = parse_formula(contents)
    if not formula:
        raise ArgandError(f"contents is {contents!r}, needs a formula such as 'Na4 Cl4'")
    cell, spacegroup = reflections.cell, reflections.spacegroup or "P 1"
    all_hkl, amplitude, file_phases = unique_amplitudes(reflections, spacegroup, file)
    phases = predict_phases(weights, all_hkl, amplitude, cell, formula, spacegroup, force=force)
    has_phase = np.isfinite(phases)
    hkl = all_hkl[has_phase]
    f = amplitude[has_phase] * np.exp(1j * phases[has_phase])
    argand.write_reflections(
        output, hkl, f, cell=cell, spacegroup=spacegroup, wavelength=reflections.wavelength
    )
    print(f"{output}: {has_phase.sum()} of {len(phases)} reflections have phases")
    skewness = density_skewness(hkl, f, cell, spacegroup)
    by_chance, deviation = random_skewness(hkl, np.abs(f), cell, spacegroup)
    print(
        f"without knowing the truth: skewness of the density {skewness:.2f}; "
        f"random phases give {by_chance:.2f} ± {deviation:.2f}"
    )
    compared = has_phase if file_phases is None else has_phase & np.isfinite(file_phases)
    if file_phases is not None and compared.any():
        true_phases = file_phases[compared]
        predicted = phases[compared]
        weight = amplitude[compared]
        aligned = argand.align_origin(
            all_hkl[compared], true_phases, predicted, weights=weight, spacegroup=spacegroup
        )
        error = np.degrees(argand.phase_error(true_phases, aligned.phases, weight))
        print(
            f"against the phases in the file: mean error {error:.2f}°, "
            "in the nearest hand and origin"
        )
    if map is not None:
        print(write_density(map, hkl, f, cell, spacegroup))
