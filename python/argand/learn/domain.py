"""In what a measured crystal lies outside of what a network was trained on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from argand.atom_types import atom_type, atomic_number
from argand.cell import FloatArray, cell_volume
from argand.crystal import Crystal
from argand.domain import resolution_difference
from argand.errors import ArgandError
from argand.learn.settings import DataSettings
from argand.radiation import reachable
from argand.reflections import hkl_cube, stol
from argand.simulate.artificial import ArtificialStream, parse_groups
from argand.symmetry import SpaceGroup, group_ops, operations, triplets

__all__ = ["outside_training"]

# A cell whose volume is below or above those of the training set by this factor may still be one of
# its kind: heat, pressure and substitution change volumes by less.
_VOLUME_FACTOR = 1.25

# An element may be lighter or heavier than those of the training set by this factor in its atomic
# number: divided by their number of electrons, form factors of such neighbours are nearly equal.
_NUMBER_FACTOR = 1.1

# Shares of the cube root of the volume, and degrees, by which edges and angles may differ from
# those of the nearest training crystal: an orthorhombic distortion of a cubic cell is within,
# another lattice is not.
_EDGE_TOLERANCE = 0.1
_ANGLE_TOLERANCE = 6.0

# Fractions of a cell edge within which an operation maps an atom onto another one.
_SAME_PLACE = 0.01

# Atoms of a cell up to which its symmetry is looked for beyond the operations that it states.
_MOST_COMPARED = 24


def outside_training(
    data: DataSettings,
    contents: Mapping[str, float],
    cell: Sequence[float],
    spacegroup: SpaceGroup,
    measured: NDArray[np.int32],
) -> list[str]:
    """Compare a measured crystal with those that a network was trained or tested on.

    The network sees |F| over the sum of all form factors, so that an element between two training
    elements is within; another number of elements or atoms is not.

    Parameters
    ----------
    data
        What the network was trained on.
    contents
        Atoms in the cell, {"Al": 4}.
    cell
        (a, b, c, alpha, beta, gamma) in angstrom and degrees.
    spacegroup
        Space group of the reflections.
    measured : (m, 3)
        Miller indices of the measured reflections inside the box of the network.

    Returns
    -------
    One clause for each difference that matters, such as "it has 104 atoms in its cell, those of the
    training 2 to 4"; empty where there is none.
    """
    if data.artificial is not None:
        return _artificial_symmetry(data.artificial, spacegroup)
    try:
        stated = list(data.crystals().values())
    except ArgandError as error:
        return [f"its training crystals cannot be read to compare them: {error}"]
    crystals = [crystal.to_p1() for crystal in stated]
    clauses = [
        _composition(crystals, contents),
        _atoms(crystals, contents),
        _volume(crystals, cell),
        _shape(crystals, cell),
        _symmetry(stated, spacegroup),
        _resolution(data, cell, measured),
    ]
    return [clause for clause in clauses if clause]


def _artificial_symmetry(stream: ArtificialStream, spacegroup: SpaceGroup) -> list[str]:
    """Compare a space group with those of artificial crystals: a clause where it is none of them.

    Cells and contents of artificial crystals have no list that a crystal could be compared with.
    """
    symops = set(triplets(group_ops(spacegroup)))
    names = parse_groups(stream.spacegroups)
    if any(set(triplets(group_ops(name))) == symops for name in names):
        return []
    return [f"its space group is none of those of the training, {stream.spacegroups}"]


def _composition(crystals: Sequence[Crystal], contents: Mapping[str, float]) -> str:
    """Compare how many elements there are, and how heavy they are."""
    elements = {atom_type(symbol).element for symbol in contents}
    counts = []
    numbers: list[int] = []
    for crystal in crystals:
        training_elements = {atom_type(symbol).element for symbol in crystal.types}
        counts.append(len(training_elements))
        numbers += [atomic_number(element) for element in training_elements]
    if not min(counts) <= len(elements) <= max(counts):
        return f"elements in it are {len(elements)}, in those of the training {_range(counts)}"
    foreign = []
    for element in sorted(elements):
        number = atomic_number(element)
        if not min(numbers) / _NUMBER_FACTOR <= number <= max(numbers) * _NUMBER_FACTOR:
            foreign.append(element)
    if foreign:
        return (
            f"it holds {', '.join(foreign)}, "
            f"elements of the training have atomic numbers {_range(numbers)}"
        )
    return ""


def _atoms(crystals: Sequence[Crystal], contents: Mapping[str, float]) -> str:
    """Compare the numbers of atoms in the cell; half an atom more or less does not matter."""
    atoms = sum(contents.values())
    counts = [float(crystal.occ.sum()) for crystal in crystals]
    if min(counts) - 0.5 <= atoms <= max(counts) + 0.5:
        return ""
    return f"it has {atoms:g} atoms in its cell, those of the training {_range(counts)}"


def _volume(crystals: Sequence[Crystal], cell: Sequence[float]) -> str:
    """Compare the volumes of the cells."""
    volume = cell_volume(cell)
    volumes = [crystal.volume for crystal in crystals]
    if min(volumes) / _VOLUME_FACTOR <= volume <= max(volumes) * _VOLUME_FACTOR:
        return ""
    rounded = [round(training_volume) for training_volume in volumes]
    return f"its cell has {volume:.0f} Å³, those of the training {_range(rounded)} Å³"


def _shape(crystals: Sequence[Crystal], cell: Sequence[float]) -> str:
    """Compare edges, over the cube root of the volume, and angles with the nearest crystal's."""
    edges, angles = _edges_and_angles(cell)
    for crystal in crystals:
        training_edges, training_angles = _edges_and_angles(crystal.cell)
        same_edges = np.abs(edges - training_edges).max() <= _EDGE_TOLERANCE
        if same_edges and np.abs(angles - training_angles).max() <= _ANGLE_TOLERANCE:
            return ""
    stated = " ".join(f"{parameter:g}" for parameter in cell)
    return f"its cell {stated} has a shape that no training crystal has"


def _edges_and_angles(cell: Sequence[float]) -> tuple[FloatArray, FloatArray]:
    """Return the edges (3,) over the cube root of the volume, and the angles (3,) in degrees."""
    parameters = np.asarray(cell, dtype=np.float64)
    return parameters[:3] / np.cbrt(cell_volume(cell)), parameters[3:]


def _symmetry(crystals: Sequence[Crystal], spacegroup: SpaceGroup) -> str:
    """Look for a training crystal that has all operations of the space group."""
    wanted = operations(spacegroup)
    for crystal in crystals:
        if all(_has_operation(crystal, *operation) for operation in wanted):
            return ""
    name = spacegroup if isinstance(spacegroup, str) else ";".join(spacegroup)
    return f"its space group {name} is not a symmetry of any training crystal"


def _has_operation(crystal: Crystal, rotation: NDArray[np.int64], translation: FloatArray) -> bool:
    """Tell whether an operation, up to a choice of origin, maps a crystal onto itself.

    A rotation may come with any translation, since the origin is free. Larger crystals are believed
    to have the operations that they state and no others.
    """
    is_translation = np.array_equal(rotation, np.eye(3, dtype=np.int64))
    for stated_rotation, stated_translation in operations(crystal.symops):
        same_rotation = np.array_equal(rotation, stated_rotation)
        if same_rotation and (not is_translation or _near(translation - stated_translation).all()):
            return True
    everything = crystal.to_p1()
    if len(everything.types) > _MOST_COMPARED:
        return False
    frac = everything.frac
    moved = frac @ rotation.T
    shifts = translation[None] if is_translation else frac - moved[0]
    types = np.array(everything.types)
    for shift in shifts:
        difference = (moved + shift)[:, None] - frac
        same_place = _near(difference).all(axis=2)
        same_type = types[:, None] == types
        if (same_place & same_type).any(axis=1).all():
            return True
    return False


def _near(difference: FloatArray) -> NDArray[np.bool_]:
    """Tell which differences of coordinates are whole numbers, so that the places are the same."""
    return np.asarray(np.abs(difference - np.rint(difference)) < _SAME_PLACE)


def _resolution(data: DataSettings, cell: Sequence[float], measured: NDArray[np.int32]) -> str:
    """Compare where the data end with where the training would end in this cell."""
    box = hkl_cube(data.hkl_max)
    reach = np.ones(len(box), np.bool_)
    if data.energy_kev is not None:
        reach = reachable(box, cell, data.energy_kev)
    largest = float(stol(box[reach], cell).max())
    ends = float(stol(measured, cell).max())
    return resolution_difference(ends, largest, "those of the training")


def _range(numbers: Sequence[float]) -> str:
    """Write the least and the largest of numbers: "2 to 4", or "4"."""
    low, high = min(numbers), max(numbers)
    return f"{low:g}" if low == high else f"{low:g} to {high:g}"
