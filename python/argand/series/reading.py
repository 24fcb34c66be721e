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
from argand.radiation import Radiation

__all__ = ["DataSet", "check_data_set", "read_data_set", "unexplained"]

# Files of these formats may state what the unit cell contains.
_FORMATS_WITH_CONTENT = (".cif", ".fcf")

# Below this R, refined atoms explain the data whatever the errors are.
_GOOD_R = 0.1

# R that exceeds what the errors leave by this factor asks for an explanation.
_EXCESS = 3.0


class DataSet(NamedTuple):
    """Hold a reflection file as it was read and merged."""

    source: Source
    reflections: Reflections
    merged: Merged
    warnings: tuple[str, ...]
    content: dict[str, float] | None  # number of atoms in the cell by element, where it is stated


def read_data_set(source: Source, known: Crystal, cell: Cell | None) -> DataSet:
    """Read and merge a reflection file.

    Parameters
    ----------
    source : Source
        The file.
    known : Crystal
        The known crystal: its space group merges, its cell stands in where no other is stated.
    cell : (a, b, c, alpha, beta, gamma), optional
        Unit cell that replaces the one of the file.

    Raises
    ------
    ArgandError
        The file cannot be read or merged.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ArgandWarning)
        file = open_file(source.path)
        reflections = file.reflections()
        measured_cell = cell or reflections.cell or known.cell
        spacegroup = reflections.spacegroup or known.spacegroup
        reflections = replace(reflections, cell=measured_cell, spacegroup=spacegroup)
        merged = merge(reflections, cell=measured_cell, spacegroup=known.symops)
    messages = [str(warning.message).removeprefix(f"{source.path}: ") for warning in caught]
    content = None
    if source.path.suffix.lower() in _FORMATS_WITH_CONTENT:
        content = file.experiment().content
    return DataSet(source, reflections, merged, tuple(messages), content)


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


def unexplained(merged: Merged, estimate: Estimate) -> list[str]:
    """Say whether a refined structure leaves more than the standard uncertainties explain."""
    if merged.sigma is None:
        return []
    expected_r = float(noise(estimate.amplitude, estimate.sigma_amplitude))
    if estimate.r < max(_GOOD_R, _EXCESS * expected_r):
        return []
    numbers = f"R is {estimate.r:.2f}, errors explain {expected_r:.2f}"
    return [f"{numbers}: another content, or atoms that no model has?"]
