"""Map how well phases in P 1 agree with every operation that a rotation can be part of.

A crystal with the operation x -> R x + w, in the frame of its P 1 phases, has
F(h R) = F(h) exp(-2 pi i h.w). For each rotation R one Fourier series in w tells for all w at once
how well that holds. A space group about the origin u asks for w = t + (1 - R) u.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from argand.cell import FloatArray
from argand.solve.equivalents import IntArray, RowArray, with_mates
from argand.solve.group_candidates import GroupCandidate
from argand.solve.group_fit import sampled_series

__all__ = ["RotationMaps"]

# Points of a grid along each axis are a multiple of this, so that halves, thirds, quarters and
# sixths of the cell lie on grid points; eighths are rounded by half a point at worst.
_MULTIPLE = 12

# Grid points for each period of the highest order; what is found is refined afterwards.
_OVERSAMPLING = 2.5


class RotationMaps:
    """Hold, for each rotation of a Laue group, agreements as a map of the operation's translation.

    Parameters
    ----------
    hkl : (n, 3) int
        Reflections in P 1, of each Friedel pair one.
    structure_factors : (n,) complex
        F of these reflections.
    rotations : (r, 3, 3) int
        Rotations of the Laue group, the identity first.
    rows : (r, n) int32
        Equivalents, see `argand.solve.equivalents.equivalent_rows`.
    """

    def __init__(
        self,
        hkl: IntArray,
        structure_factors: npt.NDArray[Any],
        rotations: IntArray,
        rows: RowArray,
    ) -> None:
        self._rotations = rotations
        self._shape = _grid(hkl, rotations)
        self._origins = np.indices(self._shape).reshape(3, -1)
        extended = with_mates(structure_factors)
        moduli = np.abs(extended)
        own = extended[: len(hkl)]
        self._maps: list[npt.NDArray[np.float32]] = []
        for row in rows[1:]:
            products = extended[row] * own.conj()
            possible = float(moduli[row] @ moduli[: len(hkl)])
            series = sampled_series(-hkl, products, self._shape)
            self._maps.append(series / np.float32(max(possible, 1e-30)))
        self._places: dict[int, npt.NDArray[np.intp]] = {}
        self._by_origin: dict[tuple[int, ...], npt.NDArray[np.float32]] = {}

    def best_origin(self, group: GroupCandidate) -> tuple[FloatArray, FloatArray]:
        """Find the grid point where a group agrees best.

        Returns
        -------
        Origin u (3,), and the agreements (k,) of its operations there, 1 of the identity.
        """
        steps = np.rint(group.translations * np.array(self._shape)).astype(np.int64)
        agreements: list[npt.NDArray[np.float32]] = []
        for number, step in zip(group.numbers[1:].tolist(), steps[1:].tolist(), strict=True):
            agreements.append(self._agreements(number, tuple(step)))
        if not agreements:
            return np.zeros(3), np.ones(1)
        total = agreements[0].copy()
        for agreement in agreements[1:]:
            total += agreement
        best = int(total.argmax())
        origin = self._origins[:, best] / np.array(self._shape)
        values = [1.0, *(float(agreement[best]) for agreement in agreements)]
        return origin, np.array(values)

    def _agreements(self, number: int, step: tuple[int, ...]) -> npt.NDArray[np.float32]:
        """Return the agreement of one operation for every origin of the grid, ravelled.

        Parameters
        ----------
        number
            Number of the rotation R.
        step
            Translation t of the operation, in grid points.
        """
        key = (number, *step)
        if key not in self._by_origin:
            # The map at w = t + (1 - R) u is the map, moved by -t, at (1 - R) u.
            negative = tuple(-points for points in step)
            moved = np.roll(self._maps[number - 1], negative, axis=(0, 1, 2))
            self._by_origin[key] = moved.ravel()[self._place(number)]
        return self._by_origin[key]

    def _place(self, number: int) -> npt.NDArray[np.intp]:
        """Return for every origin u of the grid the grid point (1 - R) u, as a ravelled index."""
        if number not in self._places:
            sides = np.array(self._shape)
            scale = sides[:, None] / sides[None, :]
            in_steps = np.rint(self._rotations[number] * scale).astype(np.int64)
            points = self._origins - in_steps @ self._origins
            flat = np.ravel_multi_index(tuple(points), self._shape, mode="wrap")
            self._places[number] = flat
        return self._places[number]


def _grid(hkl: IntArray, rotations: IntArray) -> tuple[int, int, int]:
    """Choose a number of grid points along each axis, equal for axes that rotations mix."""
    reach = np.abs(hkl).max(axis=0, initial=1)
    mixes = (rotations != 0).any(axis=0)
    mixes |= mixes.T
    # Axes that mix with an axis that mixes with a third belong together.
    mixes = (mixes.astype(int) @ mixes.astype(int)) > 0
    sides: list[int] = []
    for row in mixes:
        wanted = _OVERSAMPLING * int(reach[row].max())
        sides.append(_MULTIPLE * int(np.ceil(wanted / _MULTIPLE)))
    return sides[0], sides[1], sides[2]
