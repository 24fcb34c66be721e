"""Show the density of a series in the plane in which the most mobile atom moves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from argand.cell import FloatArray
from argand.crystal import Crystal
from argand.density import grid_shape, map_from_structure_factors
from argand.io import read_reflections
from argand.reflections import stol
from argand.report import parts
from argand.report.parts import Html
from argand.series import Record, SeriesFolder
from argand.series.tables import unique_labels
from argand.site_symmetry import cartesian_axes
from argand.symmetry import operations
from argand.viz.frames import density_frames
from argand.viz.plane import Plane, plane_through

__all__ = ["density_figure", "density_part"]

# Files whose density is shown where nobody chooses: each adds 10 kB to the page, which stays below
# 6 MB, and a tenth of a second to the time that it takes to make.
_FRAMES = 200

# Atoms this near to the plane, in angstrom, are marked in it.
_MARKED_HEIGHT = 0.7


def density_part(
    folder: SeriesFolder,
    usable: Sequence[Record],
    known: Crystal,
    shown: Sequence[str] = (),
    unit: str = "e/Å³",
) -> Html:
    """Show layers of the density of chosen files, of all, or of files spread over a long series.

    Parameters
    ----------
    folder : SeriesFolder
        Folder with the phases of each file.
    usable : sequence of Record
        Records of the files that could be used.
    known : Crystal
        The known crystal, whose sites are marked too.
    shown : sequence of str
        Names of the files to show; none chooses by the length of the series.
    unit : str
        Unit of the density.
    """
    if not usable:
        return Html("")
    chosen = [record for record in usable if record.name in shown]
    drawn = density_figure(folder, usable, chosen or _spread_over_series(usable), known, unit)
    if drawn is None:
        return Html("<p>The phases are no longer there.</p>")
    figure, moving, files = drawn
    caption = (
        f"The plane through {moving}, the atom that moves most, in the direction of "
        "its motion; measured amplitudes, phases of the displaced atoms. "
        f"{files} of {len(usable)} files{_advice(files, len(usable))}. Crosses: atoms within "
        f"{_MARKED_HEIGHT:g} Å of the plane; rings: where they were in the known crystal."
    )
    return parts.interactive(figure, "density-series", caption=caption)


def density_figure(
    folder: SeriesFolder,
    usable: Sequence[Record],
    chosen: Sequence[Record],
    known: Crystal,
    unit: str,
) -> tuple[Any, str, int] | None:
    """Draw layers of the density of chosen files in the plane in which the most mobile atom moves.

    Parameters
    ----------
    folder : SeriesFolder
        Folder with the phases of each file.
    usable : sequence of Record
        Records of the files that could be used, from which the plane follows.
    chosen : sequence of Record
        Records of the files to show.
    known : Crystal
        The known crystal, whose sites are marked too.
    unit : str
        Unit of the density.

    Returns
    -------
    plotly Figure, label of the most mobile site, number of files that are shown; None where the
    phases of all of them are gone.
    """
    site, plane = _plane_of_motion(usable, known)
    known_images = _images(known, known.frac)
    marked = _marked_images(known_images, known, plane)
    to_frac = np.linalg.inv(cartesian_axes(known)).T
    layers, positions, names = [], [], []
    for record in chosen:
        path = folder.path / "phases" / f"{record.name}.mtz"
        if not path.exists():
            continue
        displaced = known.frac + np.array(record.displacement) @ to_frac
        images = _images(known, displaced)[marked]
        layers.append(_layer(path, plane))
        positions.append(plane.project(images, known.cell)[:, :2])
        names.append(record.name)
    if not layers:
        return None
    site_labels = unique_labels(known.labels)
    labels = [site_labels[i % len(site_labels)] for i in marked]
    known_positions = plane.project(known_images[marked], known.cell)[:, :2]
    figure = density_frames(layers, names, plane, positions, known_positions, labels, unit=unit)
    return figure, site_labels[site], len(layers)


def _advice(shown: int, usable: int) -> str:
    """Say how to see the files that are not shown."""
    if shown == usable:
        return ""
    return "; the same command with --show NAME... shows others"


def _plane_of_motion(usable: Sequence[Record], known: Crystal) -> tuple[int, Plane]:
    """Find the site that moves most over the series, and a plane along its motion."""
    displacements = np.array([record.displacement for record in usable])
    site = int(np.square(displacements).sum(axis=(0, 2)).argmax())
    # The first principal axis of its displacements is the direction of its motion.
    _, _, axes = np.linalg.svd(displacements[:, site])
    plane = plane_through(_images(known, known.frac), known.cell, site, axes[0])
    return site, plane


def _spread_over_series(usable: Sequence[Record]) -> list[Record]:
    """Choose files that are evenly spread over the series."""
    count = min(len(usable), _FRAMES)
    chosen = np.linspace(0, len(usable) - 1, count).round().astype(int)
    return [usable[i] for i in np.unique(chosen)]


def _images(known: Crystal, frac: FloatArray) -> FloatArray:
    """Return sites (n, 3) under all operations, (operations x n, 3), the sites themselves first."""
    images = [frac @ rotation.T + translation for rotation, translation in operations(known.symops)]
    return np.concatenate(images)


def _marked_images(images: FloatArray, known: Crystal, plane: Plane) -> list[int]:
    """Return the numbers of the images that lie in the window and near to the plane."""
    position = plane.project(images, known.cell)
    is_in_window = (np.abs(position[:, :2]) < plane.half).all(axis=1)
    is_near = np.abs(position[:, 2]) < _MARKED_HEIGHT
    return [int(i) for i in np.flatnonzero(is_in_window & is_near)]


def _layer(path: Path, plane: Plane) -> FloatArray:
    """Compute the density (points, points) in a plane from amplitudes and phases of an MTZ file."""
    reflections = read_reflections(path)
    assert reflections.cell is not None
    assert reflections.amplitude is not None
    assert reflections.phase is not None
    cell, spacegroup = reflections.cell, reflections.spacegroup or "P 1"
    is_known = np.isfinite(reflections.amplitude) & np.isfinite(reflections.phase)
    hkl = reflections.hkl[is_known]
    f = (reflections.amplitude * np.exp(1j * reflections.phase))[is_known]
    shape = grid_shape(cell, spacegroup, float(0.5 / stol(hkl, cell).max()))
    density = map_from_structure_factors(hkl, f, shape, cell=cell, spacegroup=spacegroup)
    return plane.density(density, cell)
