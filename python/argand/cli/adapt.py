"""The verb ``argand adapt``: learn how amplitudes of crystals like a known one tell their atoms."""

from __future__ import annotations

import math
from functools import partial
from pathlib import Path
from typing import Literal

from argand.adapt import WIDTHS, Adaptation, AdaptationProgress
from argand.adapt import adapt as learn_adaptation
from argand.adapt.held_out import held_out
from argand.adapt.store import is_adaptation, save_adaptation
from argand.cli._extras import need_installed
from argand.cli._outputs import check_output_folder, working_folder
from argand.errors import ArgandError, reading
from argand.io import open_file
from argand.jobs.progress import ProgressLine

__all__ = ["adapt"]

# Seconds for one sample of the test: as long as `argand predict` searches in one file.
_TIME_LIMIT = 60.0

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
    time_limit: float = _TIME_LIMIT,
    force: bool = False,
    progress: bool = True,
) -> None:
    """Learn from simulated crystals like a known one how amplitudes tell where atoms have moved.

    This takes seconds to minutes; argand predict FOLDER FILE... -o OUT applies the result. A table
    shows what it reaches on samples that it has not learned from: the correlation of the map with
    the true one for the phases of the known structure, for the estimate at once, and refined; the
    share of refined maps above 0.97; milliseconds of one refinement.

    Parameters
    ----------
    file : FILE
        Read the known crystal from this file (CIF, SHELX .res or .ins).
    output : FOLDER
        Write what is learned into this folder (adaptation.safetensors, adaptation.json).
    d_min : A
        Learn reflections to this resolution in angstrom.
    width : A...
        Learn displacements of these rms sizes in angstrom, in three dimensions (default: 0.1 to
        0.7).
    samples : N
        Simulate N crystals for each width.
    noise : X
        Give |F| a relative error of this size, such as 0.04.
    b_change : A2
        Change the overall B by random amounts with this standard deviation, in square angstrom.
    unmodelled : ELEMENT
        Add an atom of this element, unknown to the model, to a tenth of the samples; "none" adds
        none.
    break_symmetry
        Move every atom of the unit cell independently, in P 1.
    network
        Also train a network for every width, and keep it where it is better than the regression on
        samples that neither has seen (needs torch).
    rounds : N
        Let a refinement try further starts in at most N rounds where data stay unexplained.
    seed : N
        Seed all random numbers with this integer.
    table
        Use this table of form factors (default: for the radiation that the file names, with
        dispersion at its wavelength).
    test : N
        Test on N samples of each width, and print the table; 0 prints none.
    time_limit : SECONDS
        Search no longer than this for the atoms of one tested sample; 0 sets no limit.
    force
        Replace an adaptation that the folder holds already.
    progress
        Show how far it is: on a terminal all the time, in a log now and then.
    """
    if test < 0:
        raise ArgandError(f"test is {test}, needs 0 or more")
    if not 0.0 <= time_limit < math.inf:
        raise ArgandError(f"time_limit is {time_limit}, needs seconds, or 0 for no limit")
    need_installed(("safetensors",), "an adaptation")
    if network:
        need_installed(("torch", "lightning"), "a network")
    check_output_folder(output)
    source = open_file(file)
    crystal = source.crystal()
    with reading(file):
        crystal.check_occupied()
    experiment = source.experiment()
    radiation = experiment.radiation(table)
    with working_folder(output):
        if is_adaptation(output) and not force:
            raise ArgandError(
                f"{output}: holds an adaptation already; "
                "--force replaces it, or choose another folder"
            )
        adaptation = learn_adaptation(
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
            progress=partial(_show_progress, ProgressLine()) if progress else None,
        )
        save_adaptation(adaptation, output)
    print(
        f"{output}: {len(adaptation.modes)} displacements from {len(adaptation.hkl)} reflections, "
        f"{len(adaptation.rungs)} widths, {adaptation.remarks['seconds']:.1f} s"
    )
    if network:
        print(_networks_line(adaptation))
    if adaptation.warning:
        print(f"warning: {adaptation.warning}")
    if test:
        _print_scores(adaptation, test, time_limit or None)


def _networks_line(adaptation: Adaptation) -> str:
    """Say for which widths a network was kept."""
    widths = [f"{rung.width:g}" for rung in adaptation.rungs if rung.network is not None]
    if not widths:
        return "no network was better than its regression"
    return f"networks kept for widths of {', '.join(widths)} Å"


def _print_scores(adaptation: Adaptation, samples: int, time_limit: float | None) -> None:
    """Print what an adaptation reaches on samples that it has not learned from, width by width."""
    print(" ".join(f"{name:>12}" for name in _COLUMNS))
    for score in held_out(adaptation, samples, time_limit):
        numbers = [score.r_known, score.r, score.known, score.at_once, score.refined]
        cells = [f"{score.width:g}"]
        cells += [f"{number:.4f}" for number in numbers]
        cells += [f"{score.solved:.0%}", f"{score.ms:.0f}"]
        print(" ".join(f"{cell:>12}" for cell in cells), flush=True)


def _show_progress(line: ProgressLine, progress: AdaptationProgress) -> None:
    """Show the width and the samples that are learned."""
    line.show(
        f"width {progress.width:g} Å ({progress.rung + 1} of {progress.rungs}): "
        f"{progress.samples} of {progress.of} samples"
    )
    if progress.samples == progress.of and progress.rung == progress.rungs - 1:
        line.end()
