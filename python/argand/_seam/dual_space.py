"""Dual-space cycles of several starts, on a grid of half the structure factors."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from argand import _core
from argand._seam.arrays import Array, address
from argand._seam.checks import check_array


class DualSpaceTables(NamedTuple):
    """Hold where the reflections of a list stand on a grid; dual_space.hpp describes the layout."""

    # (na, nb, nc), products of 2, 3, 5 and 7, the last one even
    shape: tuple[int, int, int]
    # l_max + 1
    planes: int
    # (blocks lanes, 2) int32: l, k modulo nb; -1: no column
    column: Array
    # (n,) int32 places of the reflections, and of their Friedel mates, which are -1 but for l = 0
    position: Array
    mate: Array
    # (n,) uint8: whether the conjugate stands at the place
    conjugate: Array


class DualSpaceTargets(NamedTuple):
    """Hold what is known of structure factors, and what a cycle changes of their density."""

    # (measured,) float32
    amplitude: Array
    # (measured,) uint8
    shifted: Array
    # (starts,) float32, in root mean squares of the density without F(000)
    threshold: Array
    # -1: low density is flipped, 0: it is eliminated
    factor: float
    # largest |F| that is carried
    cap: float


class DualSpaceStarts(NamedTuple):
    """Hold the arrays that cycles read and write."""

    # (starts, n) complex64, read and written
    structure_factors: Array
    # (starts, n) complex64, written
    calculated: Array
    # (starts,) float32, read and written
    origin: Array


def dual_space_tables(hkl: Array, shape: tuple[int, int, int]) -> DualSpaceTables:
    """Find the place of every reflection on a grid.

    Arguments are not checked: only argand calls this.

    Parameters
    ----------
    hkl
        Miller indices (n, 3) int64, one of each Friedel pair, without 0 0 0.
    shape
        Grid points, at least 2 h_max + 1 along each axis.

    Returns
    -------
    DualSpaceTables
    """
    points = np.array(shape)
    lanes = _core.dual_space_lanes()
    conjugate = hkl[:, 2] >= 0
    upper = np.where(conjugate[:, None], hkl, -hkl)
    on_first_plane = upper[:, 2] == 0
    mates = -upper[on_first_plane]
    zero = np.zeros((1, 3), np.int64)
    h, k, l = (np.concatenate([zero, upper, mates]) % points).T
    columns, column_of_place = np.unique(l * points[1] + k, return_inverse=True)
    # Long columns come first, so that those of a block are about equally long. The column of 0 0 0
    # is the first one.
    reach = np.zeros(len(columns), np.int64)
    np.maximum.at(reach, column_of_place, np.minimum(h, points[0] - h))
    reach[0] = points[0]
    order = np.argsort(-reach, kind="stable")
    columns = columns[order]
    column_of_place = np.argsort(order)[column_of_place]
    block, lane = np.divmod(column_of_place, lanes)
    position = ((block * points[0] + h) * lanes + lane).astype(np.int32)
    column = np.full((-(-len(columns) // lanes) * lanes, 2), -1, np.int32)
    column[: len(columns), 0], column[: len(columns), 1] = np.divmod(columns, points[1])
    mate = np.full(len(hkl), -1, np.int32)
    mate[on_first_plane] = position[1 + len(hkl) :]
    return DualSpaceTables(
        shape,
        planes=int(upper[:, 2].max()) + 1,
        column=column,
        position=position[1 : 1 + len(hkl)],
        mate=mate,
        conjugate=conjugate.astype(np.uint8),
    )


def dual_space_bytes(tables: DualSpaceTables, threads: int) -> int:
    """Return about how many bytes cycles take beside the arrays of the caller."""
    na, nb, _ = tables.shape
    on_grid = 8 * (tables.planes + 1) * (na + 4) * (nb + 1)
    # F and G of the columns; a target of each number is common to all threads.
    in_columns = 16 * len(tables.column) * na
    return threads * (on_grid + in_columns) + in_columns // 4


def dual_space(
    tables: DualSpaceTables,
    targets: DualSpaceTargets,
    starts: DualSpaceStarts,
    *,
    cycles: int,
    threads: int,
) -> None:
    """Run cycles of every start; dual_space.hpp has the formula.

    Shapes and dtypes of the targets and of the starts are checked; that the numbers are finite is
    not.

    Parameters
    ----------
    tables
        Places of the reflections, by `dual_space_tables`.
    targets
        Amplitudes and settings.
    starts
        Arrays to read and write.
    cycles
        How many, at least 1.
    threads
        How many starts run at once, at least 1.

    Raises
    ------
    ValueError, TypeError
        Name the array, what it is and what it must be.
    """
    _core.dual_space(*_arguments(tables, targets, starts, cycles, threads))


def dual_space_transforms(
    tables: DualSpaceTables,
    targets: DualSpaceTargets,
    starts: DualSpaceStarts,
    *,
    cycles: int,
    threads: int,
) -> None:
    """Make the two transforms of every cycle and nothing else, to compare times.

    Nothing is written. The arguments are those of `dual_space`, and are checked like its own.
    """
    _core.dual_space_transforms(*_arguments(tables, targets, starts, cycles, threads))


def _arguments(
    tables: DualSpaceTables,
    targets: DualSpaceTargets,
    starts: DualSpaceStarts,
    cycles: int,
    threads: int,
) -> tuple[
    tuple[int, int, int],
    tuple[int, int, int, int],
    tuple[int, int, int, int],
    tuple[int, int, int, float, float],
    tuple[int, int, int],
    tuple[int, int, int],
]:
    """Check arrays, and arrange them as the core takes them."""
    count, size = len(starts.origin), len(tables.position)
    measured = len(targets.amplitude)
    check_array("amplitude", targets.amplitude, (measured,), "float32")
    check_array("shifted", targets.shifted, (measured,), "uint8")
    check_array("threshold", targets.threshold, (count,), "float32")
    for name, array in (("f", starts.structure_factors), ("g", starts.calculated)):
        check_array(name, array, (count, size), "complex64", written=True)
    check_array("origin", starts.origin, (count,), "float32", written=True)
    if measured > size:
        raise ValueError(f"amplitude has {measured} rows, needs at most {size}, the reflections")
    blocks = len(tables.column) // _core.dual_space_lanes()
    return (
        tables.shape,
        (tables.planes, blocks, size, measured),
        (
            address(tables.column),
            address(tables.position),
            address(tables.mate),
            address(tables.conjugate),
        ),
        (count, cycles, threads, targets.factor, targets.cap),
        (address(targets.amplitude), address(targets.shifted), address(targets.threshold)),
        (address(starts.structure_factors), address(starts.calculated), address(starts.origin)),
    )
