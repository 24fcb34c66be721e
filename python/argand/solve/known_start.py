"""Take the phases that a search begins with from elsewhere: atoms, a map, or phased reflections."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import gemmi
import numpy as np
import numpy.typing as npt

from argand.cell import Cell, FloatArray, cell_parameters
from argand.crystal import Crystal
from argand.density import structure_factors_from_map
from argand.errors import ArgandError, ArgandWarning
from argand.files import PathLike
from argand.io import Reflections, open_file
from argand.reflections import in_p1
from argand.rows import find_rows
from argand.solve.primitive import PrimitiveReflections, normalised_amplitudes
from argand.structure_factors import structure_factors
from argand.symmetry import group_ops

__all__ = ["KnownStart", "known_start", "start_notes", "start_phases"]

ComplexArray = npt.NDArray[np.complexfloating]
Density = npt.NDArray[np.float32]

# The cell of a crystal changes by less than this with temperature, as a share of its edges ...
_EDGE_TOLERANCE = 0.03

# ... and in its angles, degrees.
_ANGLE_TOLERANCE = 2.0

# Phases of a smaller share of the sum of |E|^2 are too few to begin with.
_FEWEST_PHASES = 0.05

# Share of the variance of |E| that a start explains, at least and at most: 0 would leave no phase
# any weight, 1 is what phases beside the measured amplitudes have.
_LEAST_SHARE = 0.05
_MOST_SHARE = 0.98


@dataclass(frozen=True, eq=False)
class KnownStart:
    """Hold atoms, a map or phased reflections, whose phases a search begins with.

    Parameters
    ----------
    source
        Name of the file, or of the argument.
    kind
        What it is, in words.
    cell
        Unit cell, angstrom and degrees.
    spacegroup
        Space group, name or operations.
    content
        Atoms; reflections with phases; or a density over the unit cell.
    """

    source: str
    kind: str
    cell: Cell
    spacegroup: str
    content: Crystal | Reflections | Density

    def of_data(self, data: PrimitiveReflections) -> ComplexArray:
        """Return F (n,) of the reflections of the data in P 1, 0 where it is not known."""
        hkl = np.rint(data.hkl @ np.linalg.inv(data.basis)).astype(np.int64)
        if isinstance(self.content, Crystal):
            return np.asarray(structure_factors(self.content, hkl))
        if isinstance(self.content, Reflections):
            return _listed(self.content, self.spacegroup, hkl)
        within = (2 * np.abs(hkl) < np.array(self.content.shape)).all(axis=1)
        f = np.zeros(len(hkl), np.complex128)
        f[within] = structure_factors_from_map(self.content, hkl[within], cell=self.cell)
        return f


def known_start(start: KnownStart | Crystal | Reflections | PathLike) -> KnownStart:
    """Take a start from a crystal, from reflections with phases, or from a file.

    Parameters
    ----------
    start
        Atoms of a part of the structure; reflections with a cell and phases; or the path of a CIF,
        .res or .ins with atoms, of an MTZ, CIF or FCF with phases, or of a CCP4 map.

    Raises
    ------
    ArgandError
        One line that names the file or the argument, and says what it lacks.
    """
    if isinstance(start, KnownStart):
        return start
    if isinstance(start, Crystal):
        return KnownStart("start", "atoms", start.cell, start.spacegroup, start)
    if isinstance(start, Reflections):
        return _of_reflections("start", start)
    return _read(os.fspath(start))


def start_notes(start: KnownStart, cell: Sequence[float], spacegroup: str | None) -> list[str]:
    """Compare cell and symmetry of a start with those of the data.

    Parameters
    ----------
    start
        The start.
    cell, spacegroup
        Unit cell and space group of the data; None where no group is stated.

    Returns
    -------
    list of str
        What differs and does not matter, in sentences.

    Raises
    ------
    ArgandError
        The cell is that of another crystal, or another setting of the cell.
    """
    edges = np.array(start.cell[:3]) / np.array(cell[:3])
    angles = np.array(start.cell[3:]) - np.array(cell[3:])
    is_alike = (np.abs(edges - 1.0) < _EDGE_TOLERANCE).all()
    if not (is_alike and (np.abs(angles) < _ANGLE_TOLERANCE).all()):
        words = f"{start.source}: has the cell {_cell_words(start.cell)}"
        words += f", the data have {_cell_words(cell)}"
        if _is_other_setting(start, cell, spacegroup):
            raise ArgandError(
                f"{words}: another setting of one lattice; needs the axes of the data"
            )
        raise ArgandError(f"{words}: needs a start in the cell of the data")
    if spacegroup is None or _operations(spacegroup) == _operations(start.spacegroup):
        return []
    words = f"the start from {start.source} obeys {start.spacegroup}, the data came with "
    return [f"{words}{spacegroup}: its phases were taken as they are, for P 1"]


def start_phases(start: KnownStart, data: PrimitiveReflections) -> ComplexArray:
    """Return |E| with the phases (n,) of a start, less where these are uncertain.

    |E| is weighted by Sim's m = I1(X) / I0(X), X = 2 s |Eo| |Ec| / (1 - s^2), where s^2, the
    correlation of |Eo|^2 with |Ec|^2, is the share of the structure that the start explains.

    Source: G. A. Sim, Acta Cryst. 12 (1959) 813-815.

    Raises
    ------
    ArgandError
        The start has phases of few of the reflections.
    """
    from scipy.special import ive

    f = start.of_data(data)
    modulus = np.abs(f)
    rows = np.flatnonzero(modulus > 1e-6 * modulus.max(initial=0.0))
    squares = np.square(data.normalised)
    if squares[rows].sum() < _FEWEST_PHASES * squares.sum():
        raise ArgandError(
            f"{start.source}: has phases of {len(rows)} of {len(f)} reflections, needs more"
        )
    calculated = normalised_amplitudes(modulus[rows], data.spacing[rows])
    observed = data.normalised[rows]
    share = _correlation(np.square(observed), np.square(calculated))
    share = float(np.clip(share, _LEAST_SHARE, _MOST_SHARE))
    x = 2.0 * np.sqrt(share) * observed * calculated / (1.0 - share)
    phased = np.zeros(len(f), np.complex64)
    phased[rows] = observed * (ive(1, x) / ive(0, x)) * f[rows] / modulus[rows]
    return phased


def _read(source: str) -> KnownStart:
    """Read a start from a file; remarks on the file do not matter here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ArgandWarning)
        file = open_file(source)
        contents = file.contents()
        if contents.format == "map":
            density, cell, spacegroup = file.density()
            return KnownStart(source, "a map", cell, spacegroup, density)
        if contents.structure:
            crystal = file.crystal()
            return KnownStart(source, "atoms", crystal.cell, crystal.spacegroup, crystal)
        return _of_reflections(source, file.reflections())


def _of_reflections(source: str, reflections: Reflections) -> KnownStart:
    """Return reflections as a start, if they have phases, a cell and a space group."""
    try:
        f = reflections.f
    except ArgandError:
        raise ArgandError(
            f"{source}: has no phases, needs atoms, a map or reflections with phases"
        ) from None
    if reflections.cell is None:
        raise ArgandError(f"{source}: states no unit cell, needs that of its phases")
    if reflections.spacegroup is None:
        raise ArgandError(f"{source}: states no space group, needs that of its phases")
    if not np.isfinite(f).any():
        raise ArgandError(f"{source}: has a column of phases, but none in it")
    cell = cell_parameters(reflections.cell)
    return KnownStart(source, "phases", cell, reflections.spacegroup, reflections)


def _listed(
    reflections: Reflections, spacegroup: str, hkl: npt.NDArray[np.int64]
) -> npt.NDArray[np.complex128]:
    """Find F (n,) of Miller indices among reflections, their equivalents and Friedel mates."""
    f = np.nan_to_num(reflections.f)
    known = np.flatnonzero(f)
    equivalents, expand = in_p1(reflections.hkl[known], spacegroup)
    expanded = expand(f[known])
    both = np.concatenate([equivalents, -equivalents]).astype(np.int64)
    # Row -1 of a reflection that is not listed is the last one, 0.
    values = np.concatenate([expanded, expanded.conj(), np.zeros(1)])
    unique, first = np.unique(both, axis=0, return_index=True)
    rows = find_rows(unique, hkl)
    return np.asarray(values[np.append(first, -1)[rows]])


def _correlation(first: FloatArray, second: FloatArray) -> float:
    """Return Pearson's correlation of two columns, 0 where one is constant."""
    a = first - first.mean()
    b = second - second.mean()
    norm = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / norm if norm > 0 else 0.0


def _is_other_setting(start: KnownStart, cell: Sequence[float], spacegroup: str | None) -> bool:
    """Tell whether two cells, with their centrings, have the same reduced cell."""
    reduced: list[FloatArray] = []
    for parameters, group in ((start.cell, start.spacegroup), (cell, spacegroup or "P 1")):
        centring = group_ops(group).find_centering()
        lattice = gemmi.GruberVector(gemmi.UnitCell(*parameters), centring, True)
        lattice.niggli_reduce()
        reduced.append(np.array(lattice.cell_parameters()))
    edges = np.abs(reduced[0][:3] / reduced[1][:3] - 1.0)
    angles = np.abs(reduced[0][3:] - reduced[1][3:])
    return bool((edges < _EDGE_TOLERANCE).all() and (angles < _ANGLE_TOLERANCE).all())


def _operations(spacegroup: str) -> frozenset[str]:
    """Return the operations of a group, which do not depend on its name."""
    return frozenset(op.wrap().triplet() for op in group_ops(spacegroup))


def _cell_words(cell: Sequence[float]) -> str:
    """Write a cell in few digits."""
    return " ".join(f"{number:.4g}" for number in cell)
