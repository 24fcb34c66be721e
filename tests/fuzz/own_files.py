"""Read changed files that argand itself wrote, and check what was read of them."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

import argand
from argand.errors import ArgandError, reading
from argand.estimate.estimate import EstimateOptions
from argand.io import Reflections
from argand.measured import Merged, merge
from fuzz import sanity
from fuzz.readers import only_file
from fuzz.sanity import Nonsense


def read_samples(folder: Path) -> None:
    """Read an archive of samples."""
    from argand.simulate import read_samples

    samples, hkl, _ = read_samples(only_file(folder))
    sanity.check_arrays(samples._asdict())
    lengths = {array.shape[1] for array in (samples.f, samples.amplitude, samples.intensity)}
    if lengths != {len(hkl)}:
        raise Nonsense("f and hkl differ in length")


def read_patterns(folder: Path) -> None:
    """Read patterns of displacements from an array of numpy."""
    from argand.cli._sample_options import displacement_of

    modes = displacement_of("atoms", 0.1, None, only_file(folder))
    sanity.check_finite("patterns", modes.patterns)


def read_adaptation(folder: Path) -> None:
    """Read an adaptation, and estimate displacements from amplitudes."""
    from argand.adapt import Adaptation

    adaptation = Adaptation.load(folder)
    sanity.check_crystal(adaptation.crystal)
    for rung in adaptation.rungs:
        sanity.check_arrays(vars(rung.linear))
        sanity.check_finite("expected", rung.expected)
        sanity.check_bounded("width", rung.width, 1e15)
    sanity.check_bounded("hkl", adaptation.hkl, 10**5)
    options = EstimateOptions(force=True)
    with reading(folder):
        (estimate,) = adaptation([_measured()], refine=False, options=options)
        if isinstance(estimate, ArgandError):
            raise estimate
    sanity.check_bounded("displacement", estimate.displacement, 1e3)
    sanity.check_finite("F", estimate.f)


@cache
def _measured() -> Merged:
    """Return a data set of the crystal for which the golden adaptation was learned."""
    from golden.adapt.make import CRYSTAL

    hkl = argand.miller_indices(CRYSTAL.cell, CRYSTAL.spacegroup, d_min=2.0)
    intensity = np.abs(argand.structure_factors(CRYSTAL, hkl)) ** 2
    data = Reflections(hkl, intensity=intensity, sigma=0.1 + 0.01 * intensity)
    return merge(data, cell=CRYSTAL.cell, spacegroup=CRYSTAL.spacegroup)


def read_weights(folder: Path) -> None:
    """Read a network, and give it an empty box."""
    import torch

    from argand.learn.weights import load_weights

    model = load_weights(folder / "weights.safetensors")
    if model.settings.hkl_max > 3:
        return
    side = 2 * model.settings.hkl_max + 1
    box = torch.zeros((1, len(model.settings.inputs), side, side, side))
    with torch.no_grad():
        sanity.check_finite("answer", model.net(box).numpy())


def read_training(folder: Path) -> None:
    """Read the settings and the history of a training."""
    from argand.learn.run_folder import finished_run, open_run

    settings = _training_settings()
    open_run(folder, settings, True)
    result = finished_run(folder, settings)
    if result is not None:
        sanity.check_description("history", [dict(record) for record in result.history])


@cache
def _training_settings() -> Any:
    """Return the settings of the training among the seeds."""
    from argand.learn.settings import TrainingSettings
    from argand.store import read_json

    path = Path(__file__).parents[1] / "golden" / "learn" / "training" / "run.json"
    return read_json(TrainingSettings, path, kind="training run", version=1)


def read_checkpoint(folder: Path) -> None:
    """Read a checkpoint of a training."""
    from argand.learn.checkpoint import read_checkpoint

    read_checkpoint(only_file(folder))


def read_record(folder: Path) -> None:
    """Read the record of a file of a series, and make a row of the report of it."""
    from argand.report.series import _table_row
    from argand.series.record import read_record, record_to_builtins

    path = only_file(folder)
    record = read_record(path)
    if record is None:
        raise ArgandError(f"{path}: made again")
    sanity.check_description("record", record_to_builtins(record))
    # Records of another number of sites are made again.
    if len(record.displacement) == 2 and len(record.sigma) in (0, 2):
        _table_row(record, ["A", "B"])


def read_series(folder: Path) -> None:
    """Open the folder of a series."""
    from argand.series.folder import SeriesFolder
    from argand.series.settings import SeriesSettings

    cell = (7.0, 8.0, 9.0, 90.0, 97.0, 90.0)
    SeriesFolder(folder).open(SeriesSettings("least squares 0123456789abcdef", cell=cell))


def read_solve_record(folder: Path) -> None:
    """Read the record of a crystal that was solved, and make rows of tables of it."""
    from argand.cli.solve import _table_line
    from argand.jobs.records import csv_value, is_current, read_record
    from argand.jobs.sources import Source
    from argand.solve.folder import _RECORD_KIND, _RECORD_VERSION, SolveRecord
    from argand.store import to_builtins

    path = only_file(folder)
    record = read_record(SolveRecord, path, kind=_RECORD_KIND, version=_RECORD_VERSION)
    if record is None:
        raise ArgandError(f"{path}: made again")
    is_current(record, Source(record.name, path, record.size, record.mtime_ns), folder)
    sanity.check_description("record", to_builtins(record))
    for value in vars(record).values():
        csv_value(value)
    _table_line(record)


def read_solve_options(folder: Path) -> None:
    """Open a folder of solutions, which holds the options of its first run."""
    from argand.solve.folder import _open
    from argand.solve.solver import SolveOptions

    cell = (7.0, 8.0, 9.0, 90.0, 97.0, 90.0)
    _open(folder, SolveOptions(cell=cell, contents="C12 H15 N", wavelength=0.71073, seed=4))


def read_description(folder: Path) -> None:
    """Read what is simulated, and draw two samples."""
    from argand.cli._sample_options import read_description
    from argand.simulate import Simulation

    path = only_file(folder)
    changes, measurement = read_description(path)
    try:
        simulation = Simulation(_crystal(), changes, measurement, d_min=2.5)
        samples = simulation.draw(range(2))
    except ValueError as error:
        # The simulation has no file; its message is about an argument.
        raise ArgandError(f"{path}: {error}") from error.__cause__
    sanity.check_arrays(samples._asdict())


@cache
def _crystal() -> argand.Crystal:
    """Return the crystal that is simulated."""
    return argand.Crystal(
        cell=(5.0, 6.0, 7.0, 90.0, 97.0, 90.0),
        spacegroup="P 1 21/c 1",
        types=("C", "O2-"),
        frac=np.array([[0.1, 0.1, 0.2], [0.3, 0.2, 0.1]]),
        b_iso=2.0,
    )


def read_options(folder: Path) -> None:
    """Read the options of a training from a YAML file."""
    from argand.cli._usage import Usage

    path = only_file(folder)
    try:
        options = _parser().parse_args(["--config", str(path)])
    except Usage as error:
        # The command line puts the name of the program before it.
        raise ArgandError(f"{path}: {error}") from None
    sanity.check_description("options", vars(options))


@cache
def _parser() -> Any:
    """Return the parser of the options of a training."""
    from argand.cli import parser_of
    from argand.cli.train import train

    return parser_of(train, "argand train", configurable=True)
