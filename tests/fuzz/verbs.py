"""Give changed files to what the verbs of the command line do with them, and check the results."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

import argand
from argand.errors import ArgandError, reading
from argand.io import open_file
from argand.jobs.sources import find_sources
from argand.series import SeriesFolder, SeriesSettings
from fuzz import sanity
from fuzz.sanity import Nonsense

__all__ = [
    "describe_pair",
    "draw_density",
    "open_samples",
    "predict_atoms",
    "predict_phases",
    "read_like_known",
    "simulate",
]

_GOLDEN = Path(__file__).parents[1] / "golden"

# Files of an input: the known structure, and the data of a crystal like it.
_KNOWN = ("known.cif", "known.res")

# Structures with more atoms in the cell are not simulated, to keep a campaign quick.
_MOST_ATOMS = 200
_LARGEST_VOLUME = 2000.0


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Take away what is printed."""
    with contextlib.redirect_stdout(io.StringIO()):
        yield


def _known_and_data(folder: Path) -> tuple[Path, Path]:
    """Return the known structure and the file of measured data."""
    paths = sorted(path for path in folder.iterdir() if path.is_file())
    known = [path for path in paths if path.name in _KNOWN]
    data = [path for path in paths if path.name not in _KNOWN]
    return known[0], data[0]


def describe_pair(folder: Path) -> None:
    """Compare reflections with a structure, as `argand info --structure` does."""
    from argand.cli._json import json_text
    from argand.describe import describe_file
    from argand.store import to_builtins

    known, data = _known_and_data(folder)
    description = describe_file(data, structure=known)
    sanity.check_description("description", to_builtins(description))
    json_text(description)


def read_like_known(folder: Path) -> None:
    """Read the known structure as `argand predict` does, then the data of a crystal like it."""
    from argand.cli._estimator import load_estimator
    from argand.series.reading import check_data_set, read_data_set

    known, data = _known_and_data(folder)
    estimator = load_estimator(known)
    (source,) = find_sources([data])
    with reading(data):
        data_set = read_data_set(source, estimator.crystal, None, estimator.radiation)
        check_data_set(data_set, estimator, explained=True)
    sanity.check_bounded("merged intensity", data_set.merged.intensity, 1e31)


def predict_atoms(folder: Path) -> None:
    """Estimate the atoms of a crystal like the known one, and write all results."""
    from argand.cli._estimator import load_estimator
    from argand.series.record import record_to_builtins
    from argand.series.work import SeriesWorker

    known, data = _known_and_data(folder)
    estimator = load_estimator(known)
    sources = find_sources([data])
    settings = SeriesSettings("fuzz", maps=True, force=True, time_limit=0.2)
    series = SeriesFolder(folder / "out")
    series.open(settings)
    with reading(data):
        (record,) = SeriesWorker(estimator, series, settings)(sources)
    if record.error:
        raise ArgandError(f"{data}: {record.error}")
    sanity.check_description("record", record_to_builtins(record))
    sanity.check_bounded("displacement", record.displacement, 1e3)
    sanity.check_crystal(argand.read_crystal(folder / "out" / "atoms" / f"{record.name}.cif"))


def draw_density(folder: Path) -> None:
    """Compute a density from amplitudes and phases of a file, as `argand map` does."""
    from argand.cli.map import map as map_file

    (path,) = folder.iterdir()
    output = folder / "out.ccp4"
    with _quiet(), reading(path):
        map_file(path, output=output)
    density, _, _ = argand.read_map(output)
    sanity.check_finite("density", density)


def predict_phases(folder: Path) -> None:
    """Ask a network for the phases of a file, as `argand predict --weights` does."""
    from argand.cli._network import predict_with_network

    (path,) = folder.iterdir()
    output = folder / "out.mtz"
    weights = _GOLDEN / "learn"
    with _quiet(), reading(path):
        predict_with_network(path, weights, "Fe4", output, folder / "out.ccp4", force=True)
    sanity.check_reflections(argand.read_reflections(output))
    sanity.check_finite("density", argand.read_map(folder / "out.ccp4")[0])


def simulate(folder: Path) -> None:
    """Draw samples of a structure with the radiation of its file, and write and read its CIF."""
    from argand.simulate import Independent, Measurement, Perturbation, Simulation

    (path,) = folder.iterdir()
    file = open_file(path)
    crystal = file.crystal()
    radiation = file.experiment().radiation()
    if crystal.multiplicity().sum() > _MOST_ATOMS or crystal.volume > _LARGEST_VOLUME:
        return
    changes = Perturbation(displacements=(Independent(0.1),), symmetry="broken")
    measurement = Measurement(counts=1e4)
    with reading(path):
        simulation = Simulation(crystal, changes, measurement, d_min=2.0, radiation=radiation)
        samples = simulation.draw(range(2))
    sanity.check_arrays(samples._asdict())
    output = folder / "out.cif"
    argand.io.write_crystal(output, crystal)
    again = argand.read_crystal(output)
    # Labels that repeat are numbered.
    is_labelled = len(set(crystal.labels)) < len(crystal.labels) or again.labels == crystal.labels
    if again.types != crystal.types or not is_labelled:
        raise Nonsense("the sites that are written are not those that are read")
    # B of a site with a tensor follows from rounded components, which an oblique cell magnifies.
    for name in ("frac", "occ", "cell"):
        before, after = np.asarray(getattr(crystal, name)), np.asarray(getattr(again, name))
        if not np.allclose(before, after, rtol=1e-3, atol=1e-4):
            raise Nonsense(f"{name} is written and read as other numbers")


def open_samples(folder: Path) -> None:
    """Go on with a folder of samples, which says what it holds."""
    from argand.simulate.files import _about, _check_same_simulation

    _check_same_simulation(folder / "simulation.json", _about(golden_simulation()))


@cache
def golden_simulation() -> Any:
    """Return the simulation whose samples are among the golden files."""
    from golden.simulate.make import simulation

    return simulation()
