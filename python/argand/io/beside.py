"""Read reflections as the file of the structure that they belong to says."""

from __future__ import annotations

from collections.abc import Sequence

from argand.io.experiment import Experiment
from argand.io.reflections import Reflections
from argand.io.source_file import SourceFile
from argand.symmetry import SpaceGroup

__all__ = ["reflections_beside"]


def reflections_beside(
    source: SourceFile,
    holder: SourceFile | None,
    experiment: Experiment,
    *,
    cell: Sequence[float] | None = None,
    spacegroup: SpaceGroup | None = None,
    wavelength: float | None = None,
    hklf: int | None = None,
    mates: bool = False,
) -> Reflections:
    """Read reflections; SHELX instructions tell their kind, and bring them to their setting.

    Parameters
    ----------
    source
        File of the reflections.
    holder
        File of the structure; None without one.
    experiment
        What the file of the structure states.
    cell, spacegroup, wavelength, hklf, mates
        See `argand.read_reflections`.

    Raises
    ------
    ArgandError
        One line that names the file and what is wrong with it.
    """
    is_columns = source.contents().format == "columns"
    if hklf is None and is_columns:
        hklf = experiment.hklf
    reflections = source.reflections(
        cell=cell, spacegroup=spacegroup, wavelength=wavelength, hklf=hklf, mates=mates
    )
    if is_columns and holder is not None and holder.contents().format == "SHELX":
        reflections = holder.instructions().transform(reflections)
    return reflections
