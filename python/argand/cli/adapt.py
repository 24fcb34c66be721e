"""``argand adapt``: make a known crystal ready for thousands of crystals like it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Literal

from argand.adapt import WIDTHS, AdaptationProgress
from argand.adapt import adapt as _adapt
from argand.adapt.held_out import HeldOutScore, held_out
from argand.adapt.store import save_adaptation
from argand.errors import ArgandError
from argand.io import read_crystal, read_experiment

_COLUMNS = ("moved (Å)", "R known", "R", "known phases", "at once", "refined", "solved", "ms")


def adapt(
    file: Path,
    *,
    output: Path,
    d_min: float = 1.0,
    width: list[float] | None = None,
    samples: int = 6000,
    noise: float = 0.04,
    b_change: float = 0.5,
    unmodelled: str = "O",
    break_symmetry: bool = False,
    network: bool = False,
    rounds: int = 12,
    seed: int = 0,
    table: Literal["it92", "electron", "neutron"] | None = None,
    test: int = 12,
    progress: bool = True,
) -> None:
    """Learn, from simulated crystals like a known one, where atoms have gone from what amplitudes have become.

    Takes seconds to minutes; argand predict FOLDER FILES... -o OUT applies it. Prints what it reaches on samples that
    it has not learned from: correlation of the map with the true one, with the phases of the known structure, at once,
    and refined; the share of refined maps above 0.97; milliseconds of one refinement.

    Parameters
    ----------
    file
        The known crystal (CIF, SHELX .res or .ins).
    output
        Folder for what is learned (adaptation.safetensors, adaptation.json).
    d_min
        Resolution of the reflections to learn, angstrom.
    width
        Root mean square displacements to be ready for, angstrom (default: 0.1 to 0.7).
    samples
        Simulated crystals for each width.
    noise
        Error of |F|, as part of it.
    b_change
        Width of the change of the overall B, in angstrom squared.
    unmodelled
        Type of an atom that a tenth of the samples has and the known crystal has not; "none": none has.
    break_symmetry
        Every atom of the cell moves on its own, in P 1.
    network
        Train a network beside every regression, kept where it is better on samples that neither has seen (torch).
    rounds
        Rounds of further starts that a refinement may try where data stay unexplained.
    seed
        Of all random numbers.
    table
        Form factors (default: for the radiation that the file names, with dispersion at its wavelength).
    test
        Samples of each width that the table is made of; 0: no table.
    progress
        Show how far it is (only ever in a terminal).
    """
    if test < 0:
        raise ArgandError(f"test is {test}, needs 0 or more")
    crystal = read_crystal(file)
    experiment = read_experiment(file)
    radiation = experiment.radiation(table)
    made = _adapt(
        crystal,
        d_min=d_min,
        widths=width or WIDTHS,
        samples=samples,
        noise=noise,
        b_change=b_change,
        unmodelled=None if unmodelled == "none" else unmodelled,
        break_symmetry=break_symmetry,
        network=network,
        rounds=rounds,
        seed=seed,
        radiation=radiation,
        extinction=experiment.refined_extinction if radiation.dispersion else 0.0,
        progress=_show if progress and sys.stderr.isatty() else None,
    )
    save_adaptation(made, output)
    print(
        f"{output}: {len(made.modes)} displacements from {len(made.hkl)} reflections, {len(made.rungs)} widths, "
        f"{made.remarks['seconds']:.1f} s"
    )
    if network:
        kept = ", ".join(f"{width:g}" for width in made.network_widths)
        print(
            f"networks kept for widths of {kept} Å"
            if kept
            else "no network was better than its regression"
        )
    if made.warning:
        print(f"warning: {made.warning}")
    if test:
        print(" ".join(f"{name:>12}" for name in _COLUMNS))
        for score in held_out(made, test):
            print(_line(score), flush=True)


def _line(score: HeldOutScore) -> str:
    numbers = (
        f"{score.width:g}",
        *(f"{x:.4f}" for x in (score.r_known, score.r, score.known, score.at_once)),
    )
    return " ".join(
        f"{x:>12}"
        for x in (*numbers, f"{score.refined:.4f}", f"{score.solved:.0%}", f"{score.ms:.0f}")
    )


def _show(at: AdaptationProgress) -> None:
    end = "\n" if at.samples == at.of and at.rung == at.rungs - 1 else ""
    words = f"width {at.width:g} Å ({at.rung + 1} of {at.rungs}): {at.samples} of {at.of} samples"
    print(f"\r{words:<60}", end=end, file=sys.stderr, flush=True)
