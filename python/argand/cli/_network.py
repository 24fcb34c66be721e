"""Ask a trained network for the phases of measured amplitudes. It needs ``argand[learn]``."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import argand
from argand.cell import FloatArray
from argand.cli._density import write_density
from argand.cli._outputs import MAP_SUFFIXES, check_output_file
from argand.errors import ArgandError
from argand.io import Reflections, parse_formula

__all__ = ["predict_with_network"]


def predict_with_network(
    file: Path, weights: Path, contents: str, output: Path, map: Path | None
) -> None:
    """Write the phases that a trained network finds, and compare them with phases of the file.

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
    """
    from argand.learn.predict import predict as predict_phases

    check_output_file(output, (".mtz",), [file])
    if map is not None:
        check_output_file(map, MAP_SUFFIXES, [file])
    reflections = argand.read_reflections(file)
    if reflections.cell is None:
        raise ArgandError(f"{file}: states no cell")
    amplitude = _amplitude(reflections, file)
    formula = parse_formula(contents)
    if not formula:
        raise ArgandError(f"contents is {contents!r}, needs a formula such as 'Na4 Cl4'")
    cell, spacegroup = reflections.cell, reflections.spacegroup or "P 1"
    phases = predict_phases(weights, reflections.hkl, amplitude, cell, formula, spacegroup)
    has_phase = np.isfinite(phases)
    hkl = reflections.hkl[has_phase]
    f = amplitude[has_phase] * np.exp(1j * phases[has_phase])
    argand.write_reflections(output, hkl, f, cell=cell, spacegroup=spacegroup)
    print(f"{output}: {has_phase.sum()} of {len(phases)} reflections have phases")
    if reflections.phase is not None:
        true_phases = reflections.phase[has_phase]
        weight = np.abs(f)
        aligned = argand.align_origin(hkl, true_phases, f, weights=weight, spacegroup=spacegroup)
        error = np.degrees(argand.phase_error(true_phases, aligned.phases, weight))
        print(
            f"against the phases in the file: mean error {error:.2f}°, "
            "in the nearest hand and origin"
        )
    if map is not None:
        write_density(map, hkl, f, cell, spacegroup)


def _amplitude(reflections: Reflections, file: Path) -> FloatArray:
    """Return |F| (m,): measured, else calculated, else the root of the intensity."""
    for amplitude in (reflections.amplitude, reflections.amplitude_calc):
        if amplitude is not None:
            return np.asarray(amplitude, dtype=float)
    if reflections.intensity is not None:
        return np.asarray(np.sqrt(np.maximum(reflections.intensity, 0.0)))
    raise ArgandError(f"{file}: has neither amplitudes nor intensities")
