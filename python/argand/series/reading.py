"""Read one reflection file of a series, and check it against the known crystal."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import NamedTuple

from argand.cell import Cell
from argand.crystal import Crystal
from argand.errors import ArgandWarning
from argand.estimate.estimate import Estimate, Estimator
from argand.estimate.observed import noise
from argand.io import Reflections, open_file
from argand.jobs.sources import Source
from argand.measured import Merged, check_data, merge
from argand.measured.reindexing import Reindexing, find_reindexing
from argand.radiation import Radiation

__all__ = ["DataSet", "check_data_set", "read_data_set", "unexplained"]

# Files of these formats may state what the unit cell contains, and the temperature.
_FORMATS_WITH_CONTENT = (".cif", ".fcf")

# Below this R, refined atoms explain the data whatever the errors are.
_GOOD_R = 0.1

# R that exceeds what the errors leave by this factor asks for an explanation.
_EXCESS = 3.0


_X_RAYS = Radiation()


# Wavelengths that differ by less than this share have the same dispersion, away from edges.
_SAME_WAVELENGTH = 0.02


class DataSet(NamedTuple):
    """Hold a reflection file as it was read, reindexed where that was needed, and merged."""

    source: Source
    reflections: Reflections
    merged: Merged
    warnings: tuple[str, ...]
    content: dict[str, float] | None  # number of atoms in the cell by element, where it is stated
    axes: str = ""  # the new indices in terms of those of the file, 'k, l, h', where reindexed
    better_axes: str = ""  # indices that fit better and have not been used
    cell: Cell | None = None  # angstrom and degrees, where it is stated
    temperature: float | None = None  # kelvin, where it is stated


def read_data_set(
    source: Source,
    known: Crystal,
    cell: Cell | None,
    radiation: Radiation = _X_RAYS,
    *,
    reindex: bool = False,
) -> DataSet:
    """Read a reflection file, reindex it where its axes are others, and merge it.

    Parameters
    ----------
    source : Source
        The file.
    known : Crystal
        The known crystal: its space group merges, its cell stands in where no other is stated.
    cell : (a, b, c, alpha, beta, gamma), optional
        Unit cell that replaces the one of the file.
    radiation : Radiation
        Form factors, by which axes are compared.
    reindex : bool
        Whether to use the axes that fit best; else only where R proves them.

    Raises
    ------
    ArgandError
        The file cannot be read or merged.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ArgandWarning)
        file = open_file(source.path)
        reflections = file.reflections()
        reflections = replace(reflections, cell=cell or reflections.cell)
        reindexing = _reindexing(reflections, known, radiation)
        axes, better_axes = "", ""
        if reindexing is not None:
            if reindex or reindexing.is_proven:
                axes = reindexing.words
                reflections = reindexing.apply(reflections)
            else:
                better_axes = reindexing.words
        stated_cell = reflections.cell
        measured_cell = stated_cell or known.cell
        spacegroup = reflections.spacegroup or known.spacegroup
        reflections = replace(reflections, cell=measured_cell, spacegroup=spacegroup)
        merged = merge(reflections, cell=measured_cell, spacegroup=known.symops)
    messages = [str(warning.message).removeprefix(f"{source.path}: ") for warning in caught]
    messages += _doubts_of_dispersion(reflections, radiation)
    if axes:
        messages.append(f"reindexed as {axes}: results are on the axes of the known structure")
    elif better_axes:
        messages.append(f"other axes fit better: --reindex uses {better_axes}")
    content, temperature = None, None
    if source.path.suffix.lower() in _FORMATS_WITH_CONTENT:
        experiment = file.experiment()
        content, temperature = experiment.content, experiment.temperature
    return DataSet(
        source,
        reflections,
        merged,
        tuple(messages),
        content,
        axes,
        better_axes,
        stated_cell,
        temperature,
    )


def _reindexing(
    reflections: Reflections, known: Crystal, radiation: Radiation
) -> Reindexing | None:
    """Find the axes that fit better; what merging warns of on wrong axes is no warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ArgandWarning)
        return find_reindexing(reflections, known, Radiation(radiation.probe))


def check_data_set(data_set: DataSet, estimator: Estimator, *, explained: bool) -> list[str]:
    """List what is doubtful about a data set, or raise where it cannot belong to the known crystal.

    Parameters
    ----------
    data_set : DataSet
        The data.
    estimator : Estimator
        Gives the known crystal and the radiation.
    explained : bool
        Whether displaced atoms may explain doubtful data; then only what is impossible is reported.

    Raises
    ------
    ArgandError
        Says why the data are not those of a crystal like the known one.
    """
    return check_data(
        data_set.reflections,
        estimator.crystal,
        content=data_set.content,
        radiation=Radiation(estimator.radiation.probe),
        merged=data_set.merged,
        explained=explained,
    )


def _doubts_of_dispersion(reflections: Reflections, radiation: Radiation) -> list[str]:
    """Doubt data of another wavelength than the one that dispersion is calculated for."""
    stated, expected = reflections.wavelength, radiation.wavelength
    if not radiation.dispersion or stated is None or expected is None:
        return []
    if abs(stated / expected - 1.0) <= _SAME_WAVELENGTH:
        return []
    return [f"measured at {stated:g} Å: dispersion is calculated for {expected:g} Å"]


def unexplained(merged: Merged, estimate: Estimate) -> list[str]:
    """Say whether a refined structure leaves more than the standard uncertainties explain."""
    if merged.sigma is None:
        return []
    expected_r = float(noise(estimate.amplitude, estimate.sigma_amplitude))
    if estimate.r < max(_GOOD_R, _EXCESS * expected_r):
        return []
    numbers = f"R is {estimate.r:.2f}, errors explain {expected_r:.2f}"
    return [f"{numbers}: another content, or atoms that no model has?"]
