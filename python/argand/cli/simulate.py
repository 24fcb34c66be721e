"""``argand simulate``: crystals like a known one, and what would be measured of them. Needs the core only."""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path
from typing import Any, Literal

import numpy as np

import argand
from argand.errors import ArgandError
from argand.files import read_text, replacing
from argand.io import read_experiment
from argand.simulate import (
    Displacement,
    Groups,
    Independent,
    Measurement,
    Modes,
    Perturbation,
    Simulation,
    Substitution,
    Unmodelled,
    Waves,
    Width,
    from_json,
    to_json,
    write_folder,
    write_samples,
)
from argand.simulate.summary import summary

_SHOWN = {
    "rms": "displacement, rms (Å)",
    "volume": "change of volume (%)",
    "measured": "reflections measured",
    "r": "R against the known crystal",
    "map_correlation": "map correlation, unchanged phases",
    "phase_error": "phase error, unchanged phases (°)",
}
_AT_ONCE = 200  # samples that the table is made of


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
    """Crystals like one that is known: displaced, strained, heated, substituted; and what would be measured of them.

    Prints how far the samples are from the known crystal. Sample i is a pure function of the seed and i.

    Parameters
    ----------
    file
        The known crystal (CIF).
    d_min
        Resolution in angstrom.
    samples
        How many.
    seed
        Of all random numbers.
    rms
        Root mean square displacement of the atoms in three dimensions, angstrom (default: 0.3); two numbers are a
        range.
    move
        What moves together: atoms on their own, molecules or atoms with their hydrogens as rigid bodies, or waves.
    atoms
        Labels or elements of the sites that move (atoms, waves); all of them when not given.
    modes
        Displacement patterns to add instead: a .npy array (modes, sites, 3), Cartesian, any size.
    strain
        Width of the components of a strain of the cell, such as 0.01.
    vibration
        Width of the change of each B or U, in its logarithm.
    substitute
        SITES:TYPE:SHARE, such as Sr:Ba:0.3 or O1:vacancy:0.1: up to this share of the atoms is another one.
    unmodelled
        Type of an atom that a tenth of the samples has and the known crystal has not.
    break_symmetry
        Move every atom of the cell on its own, in P 1.
    ramp
        Draw one crystal, and let the samples lead from the known one to it, as temperature, pressure or time would.
    noise
        Error of |F|, as part of it.
    counts
        Counts in the mean reflection.
    scale
        Factor on |F|; two numbers are a range (default: 1).
    b_change
        Width of the change of the overall B, in angstrom squared.
    missing
        Share of reflections lost at random.
    strongest
        Share of the strongest reflections lost.
    wedge
        Half angle in degrees of a cone in which nothing is measured.
    description
        Take what is drawn and measured from a JSON file, as a folder of samples has one (simulation.json).
    output
        Write all samples as arrays (.npz).
    folder
        Write each sample as a reflection file into this folder, as a beamline leaves them; goes on where it stopped.
    format
        Of these files: SHELX HKLF 4, or MTZ.
    truth
        Write the true crystal (CIF) and its F (MTZ) beside them, in the folder truth.
    picture
        Draw the samples (.png); needs argand[learn].
    table
        Form factors (default: for the radiation that the file names, with dispersion at its wavelength).
    """
    if samples < 1:
        raise ArgandError(f"samples is {samples}, needs to be 1 or more")
    crystal = argand.read_crystal(file)
    if description is not None:
        changes, measurement = _described(description)
    else:
        patterns = None if modes is None else _patterns(modes)
        changes = Perturbation(
            [_displacement(move, _width("rms", rms, 0.3), atoms, patterns)],
            strain=strain,
            vibration=vibration,
            substitutions=[_substitution(text) for text in substitute or ()],
            unmodelled=None if unmodelled is None else Unmodelled(unmodelled),
            symmetry="broken" if break_symmetry else "kept",
            ramp=max(samples, 2) if ramp else None,
        )
        measurement = Measurement(
            noise=noise,
            counts=counts,
            scale=_width("scale", scale, 1.0),
            b_change=b_change,
            missing=missing,
            strongest=strongest,
            wedge=wedge,
        )
    simulation = Simulation(
        crystal,
        changes,
        measurement,
        d_min=d_min,
        seed=seed,
        radiation=read_experiment(file).radiation(table),
    )
    if output is not None:
        write_samples(output, simulation, simulation.draw(range(samples)))
    _show(simulation, samples, picture)
    if output is not None:
        print(f"{output}: {samples} samples")
    if folder is not None:
        done = 0

        def progress(n: int) -> None:
            nonlocal done
            done += n
            if sys.stderr.isatty():
                print(f"\r{done} files written", end="", file=sys.stderr, flush=True)

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what a site is near is said once, by the table above
            paths = write_folder(
                folder, simulation, range(samples), format=format, truth=truth, progress=progress
            )
        if sys.stderr.isatty() and done:
            print(file=sys.stderr)
        print(f"{folder}: {len(paths)} reflection files, {done} of them new")


def _show(simulation: Simulation, samples: int, picture: Path | None) -> None:
    crystal = simulation.crystal
    print(
        f"{crystal.formula}: {len(crystal.types)} sites, {len(simulation.hkl)} reflections, seed {simulation.seed}"
    )
    drawn = simulation.draw(range(min(samples, _AT_ONCE)))
    numbers = summary(simulation, drawn)
    print(f"{'of ' + str(len(drawn.sample)) + ' samples':<36}{'5 %':>10}{'median':>10}{'95 %':>10}")
    for name, words in _SHOWN.items():
        low, middle, high = np.nanquantile(numbers[name], [0.05, 0.5, 0.95])
        if name != "volume" or high > low:
            print(f"{words:<36}{low:>10.4g}{middle:>10.4g}{high:>10.4g}")
    if picture is not None:
        from argand.report.parts import png
        from argand.viz.samples import plot_samples

        _must_be_png(picture)
        middle_one = int(np.argsort(numbers["rms"])[len(numbers["rms"]) // 2])
        seen = drawn.mask[middle_one]
        figure = plot_samples(
            numbers["rms"],
            numbers["r"],
            numbers["map_correlation"],
            np.abs(simulation.f0)[seen],
            drawn.amplitude[middle_one, seen] / drawn.scale[middle_one],
            title=f"{crystal.formula}, {len(drawn.sample)} samples",
        )
        with replacing(picture) as name:
            Path(name).write_bytes(png(figure))
        print(f"{picture}: the samples as a picture")


def _width(name: str, values: list[float] | None, default: float) -> Width:
    if values is None:
        return default
    if len(values) not in (1, 2):
        raise ArgandError(f"{name} has {len(values)} numbers, needs one, or two for a range")
    return values[0] if len(values) == 1 else tuple(values)


def _displacement(move: str, rms: Width, atoms: list[str] | None, patterns: Any) -> Displacement:
    names = (
        None if atoms is None else tuple(int(name) if name.isdigit() else name for name in atoms)
    )
    if patterns is not None:
        return Modes(patterns, rms)
    if move in ("molecules", "hydrogens"):
        if atoms is not None:
            raise ArgandError(
                f"atoms are given, but {move} move: needs --move atoms or --move waves"
            )
        return Groups(rms, move)
    return Waves(rms, atoms=names) if move == "waves" else Independent(rms, names)


def _patterns(path: Path) -> Any:
    try:
        return np.load(path, allow_pickle=False).tolist()
    except (OSError, ValueError) as error:
        raise ArgandError(f"{path}: no array of displacement patterns: {error}") from None


def _substitution(text: str) -> Substitution:
    parts = text.split(":")
    try:
        sites, kind, share = parts[0], parts[1], float(parts[2])
    except (IndexError, ValueError):
        raise ArgandError(
            f"substitute is {text!r}, needs SITES:TYPE:SHARE such as Sr:Ba:0.3"
        ) from None
    return Substitution(None if kind == "vacancy" else kind, (sites,), (0.0, share))


def _described(path: Path) -> tuple[Perturbation, Measurement]:
    try:
        content = json.loads(read_text(path))
        changes, measurement = (
            from_json(content[name], name) for name in ("perturbation", "measurement")
        )
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise ArgandError(f"{path}: no description of samples: {error}") from None
    except ArgandError as error:
        raise ArgandError(f"{path}: {error}") from None
    if not isinstance(changes, Perturbation) or not isinstance(measurement, Measurement):
        raise ArgandError(
            f"{path}: needs a perturbation and a measurement, has {to_json(changes)['kind']}"
        )
    return changes, measurement


def _must_be_png(path: Path) -> None:
    if path.suffix.lower() != ".png":
        raise ArgandError(f"{path}: needs a name that ends in .png")
