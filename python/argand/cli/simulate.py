"""The verb ``argand simulate``: crystals like a known one, measured. It needs the core only."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Literal

from argand.cli._extras import need_installed
from argand.cli._outputs import check_output_file, check_output_folder
from argand.cli._sample_options import (
    displacement_of,
    read_description,
    substitution_of,
    width_of,
)
from argand.cli._sample_table import show_samples
from argand.errors import ArgandError
from argand.io import open_file
from argand.jobs.progress import ProgressLine
from argand.simulate import (
    Measurement,
    Perturbation,
    Simulation,
    Unmodelled,
    write_folder,
    write_samples,
)

__all__ = ["simulate"]


# A reflection takes so many bytes in the shortest file: five columns of an MTZ file.
_LEAST_BYTES_OF_REFLECTION = 20


def simulate(
    file: Path,
    *,
    d_min: float = 1.0,
    samples: int = 200,
    seed: int = 0,
    rms: list[float] | None = None,
    move: Literal["atoms", "molecules", "hydrogens", "waves"] = "atoms",
    atoms: list[str] | None = None,
    modes: Path | None = None,
    strain: float = 0.0,
    vibration: float = 0.0,
    substitute: list[str] | None = None,
    unmodelled: str | None = None,
    break_symmetry: bool = False,
    ramp: bool = False,
    noise: float = 0.0,
    counts: float | None = None,
    scale: list[float] | None = None,
    b_change: float = 0.0,
    missing: float = 0.0,
    strongest: float = 0.0,
    wedge: float = 0.0,
    description: Path | None = None,
    output: Path | None = None,
    folder: Path | None = None,
    format: Literal["hkl", "mtz"] = "hkl",
    truth: bool = True,
    picture: Path | None = None,
    table: Literal["it92", "electron", "neutron"] | None = None,
) -> None:
    """Simulate crystals like a known one, displaced, strained, heated or substituted, and measured.

    A table shows how far the samples are from the known crystal. Sample i is a pure function of the
    seed and i.

    Parameters
    ----------
    file : FILE
        Read the known crystal from this file (CIF).
    d_min : A
        Compute reflections to this resolution in angstrom.
    samples : N
        Draw N samples.
    seed : N
        Seed all random numbers with this integer.
    rms : A [A_MAX]
        Displace the atoms by this rms distance in angstrom, in three dimensions; two values draw
        each sample from a range (default: 0.3).
    move
        Choose what moves together: atoms independently, molecules or atoms with their hydrogens as
        rigid bodies, or waves.
    atoms : SITE...
        Move only sites with these labels, elements or numbers (atoms and waves; default: all).
    modes : FILE
        Add the displacement patterns of this .npy array (modes, sites, 3) instead; Cartesian, of
        any size.
    strain : X
        Strain the unit cell by random components with this standard deviation, such as 0.01.
    vibration : X
        Change the logarithm of each B or U by a random amount with this standard deviation.
    substitute : SITES:TYPE:SHARE...
        Substitute up to this share of the atoms of a site or element, such as Sr:Ba:0.3 or
        O1:vacancy:0.1.
    unmodelled : ELEMENT
        Add an atom of this element, which the known crystal does not have, to a tenth of the
        samples.
    break_symmetry
        Move every atom of the unit cell independently, in P 1.
    ramp
        Draw one crystal, and let the samples lead from the known one to it, as temperature,
        pressure or time would.
    noise : X
        Give |F| a relative error of this size, such as 0.04.
    counts : N
        Count N photons in the mean reflection, with their statistical error.
    scale : X [X_MAX]
        Multiply |F| by this factor; two values draw each sample from a range (default: 1).
    b_change : A2
        Change the overall B by random amounts with this standard deviation, in square angstrom.
    missing : SHARE
        Lose this share of the reflections at random.
    strongest : SHARE
        Lose this share of the strongest reflections.
    wedge : DEGREES
        Measure nothing in a cone with this half angle in degrees.
    description : FILE
        Take what is drawn and measured from this simulation.json, which a folder of samples has.
    output : FILE
        Write all samples as arrays to this file (.npz).
    folder : FOLDER
        Write each sample as a reflection file into this folder, as a beamline leaves them; files
        that are there already are not made again.
    format
        Write reflection files in this format: SHELX HKLF 4, or MTZ.
    truth
        Also write the true crystal (CIF) and its F (MTZ), in the folder truth.
    picture : FILE
        Draw the samples into this file (.png); needs the extra "learn".
    table
        Use this table of form factors (default: for the radiation that the file names, with
        dispersion at its wavelength).
    """
    if samples < 1:
        raise ArgandError(f"samples is {samples}, needs to be 1 or more")
    inputs = [path for path in (file, modes, description) if path is not None]
    if output is not None:
        check_output_file(output, (".npz",), inputs)
    if folder is not None:
        check_output_folder(folder)
    if picture is not None:
        check_output_file(picture, (".png",), inputs)
        need_installed(("matplotlib",), "a picture")
    source = open_file(file)
    crystal = source.crystal()
    if description is not None:
        changes, measurement = read_description(description)
    else:
        displacement = displacement_of(move, width_of("rms", rms, 0.3), atoms, modes)
        changes = Perturbation(
            [displacement],
            strain=strain,
            vibration=vibration,
            substitutions=[substitution_of(text) for text in substitute or ()],
            unmodelled=None if unmodelled is None else Unmodelled(unmodelled),
            symmetry="broken" if break_symmetry else "kept",
            ramp=max(samples, 2) if ramp else None,
        )
        measurement = Measurement(
            noise=noise,
            counts=counts,
            scale=width_of("scale", scale, 1.0),
            b_change=b_change,
            missing=missing,
            strongest=strongest,
            wedge=wedge,
        )
    radiation = source.experiment().radiation(table)
    simulation = Simulation(
        crystal, changes, measurement, d_min=d_min, seed=seed, radiation=radiation
    )
    if folder is not None:
        # Only now it is known how much room the files take.
        reflections = len(simulation.hkl)
        check_output_folder(folder, samples * reflections * _LEAST_BYTES_OF_REFLECTION)
    show_samples(simulation, samples, picture)
    if output is not None:
        write_samples(output, simulation, simulation.draw(range(samples)))
        print(f"{output}: {samples} samples")
    if folder is not None:
        _write_files(folder, simulation, samples, format, truth)


def _write_files(
    folder: Path, simulation: Simulation, samples: int, format: Literal["hkl", "mtz"], truth: bool
) -> None:
    """Write samples as reflection files, and print how many are new."""
    line = ProgressLine()
    written = 0

    def count(files: int) -> None:
        """Count files that were written, and show their number."""
        nonlocal written
        written += files
        line.show(f"{written} files written")

    with warnings.catch_warnings():
        # The samples of the table have shown the warnings of this simulation before.
        warnings.simplefilter("ignore")
        paths = write_folder(
            folder, simulation, range(samples), format=format, truth=truth, progress=count
        )
    line.end()
    print(f"{folder}: {len(paths)} reflection files, {written} of them new")
