"""Iterate structure factors between what is measured and a density that is nowhere negative.

One cycle makes the density of the structure factors, changes its values below a threshold, and
transforms it back; measured reflections then get their measured amplitudes and the new phases.
Cycles that change the sign of low values ("flip") find phases from random ones; cycles that set
them to zero ("eliminate") improve phases that are nearly right.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import scipy.fft
from numpy.typing import ArrayLike, NDArray

from argand.errors import ArgandError

Modification = Literal["flip", "eliminate"]
Shape = tuple[int, int, int]

# A shorter axis has no room for peaks.
_SHORTEST_AXIS = 8
# Prime factors that the core's transforms have.
_FACTORS = (2, 3, 5, 7)
# Below this |G| the phase of a transform is rounding; it counts as 0.
_NO_PHASE = 1e-15


@dataclass(frozen=True, eq=False)
class DualSpaceResult:
    """Hold what cycles made of several starts."""

    # (starts, n) complex64: the reflections after the last cycle
    structure_factors: NDArray[np.complex64]
    # (starts, n) complex64: transforms of the changed density of the last cycle
    calculated: NDArray[np.complex64]
    # (starts,) float32: F(000) after the last cycle
    origin: NDArray[np.float32]
    # (starts,) float64: sum |A - k |G|| / sum A of the measured reflections, best k
    residual: NDArray[np.float64]


def good_size(needed: int, *, even: bool = False) -> int:
    """Return the smallest number of grid points, at least `needed`, that transforms quickly."""
    points = max(needed, _SHORTEST_AXIS)
    while not _is_good(points) or (even and points % 2):
        points += 1
    return points


def _is_good(points: int) -> bool:
    for factor in _FACTORS:
        while points % factor == 0:
            points //= factor
    return points == 1


class DualSpace:
    """Run dual-space cycles on one set of reflections in P 1.

    Parameters
    ----------
    hkl
        Miller indices (n, 3), one of each Friedel pair, without 0 0 0.
    measured
        How many of the first rows are measured. The others carry what the density gives them.
    shape
        Grid points along the three axes, at least 2 h_max + 1; None: the smallest that transform
        quickly.

    Raises
    ------
    ArgandError
        Names the argument, what it is and what it must be.
    """

    def __init__(self, hkl: ArrayLike, measured: int, *, shape: Shape | None = None) -> None:
        self.hkl = _checked_hkl(hkl)
        if not 0 < measured <= len(self.hkl):
            raise ArgandError(
                f"measured is {measured}, needs 1 to {len(self.hkl)}, the rows of hkl"
            )
        self.measured = int(measured)
        self.shape = _checked_shape(self.hkl, shape)

    def run(
        self,
        structure_factors: ArrayLike,
        origin: ArrayLike,
        amplitudes: ArrayLike,
        *,
        cycles: int,
        threshold: ArrayLike,
        modify: Modification = "flip",
        shifted: ArrayLike | None = None,
        cap: float = math.inf,
        threads: int | None = None,
    ) -> DualSpaceResult:
        """Run cycles from several starts; every start is independent of the others.

        Parameters
        ----------
        structure_factors
            Starts (starts, n), complex.
        origin
            F(000) of each start (starts,), or one for all.
        amplitudes
            Measured amplitudes A (measured,), not negative.
        cycles
            How many, at least 1.
        threshold
            Density below so many of its root mean squares without F(000) is changed; of each start
            (starts,), or one for all.
        modify
            "flip" changes the sign of low density, "eliminate" sets it to zero.
        shifted
            Measured reflections (measured,) bool that get F = i G in place of F = A G / |G|.
        cap
            Largest |F| that an unmeasured reflection carries.
        threads
            How many starts run at once; None: `argand.num_threads`. Results do not depend on it.

        Returns
        -------
        DualSpaceResult

        Raises
        ------
        ArgandError
            Names the argument, what it is and what it must be.
        """
        starts = np.array(structure_factors, np.complex64)
        f000 = np.broadcast_to(np.asarray(origin, np.float32), len(starts)).copy()
        targets = np.asarray(amplitudes, np.float32)
        shift = np.zeros(self.measured, bool) if shifted is None else np.asarray(shifted, bool)
        k = np.broadcast_to(np.asarray(threshold, np.float32), len(starts))[:, None, None, None]
        g = starts
        for _ in range(cycles):
            delta = k * np.sqrt(2 * (np.abs(starts) ** 2).sum(axis=1))[:, None, None, None]
            rho = self._density(starts, f000)
            changed = -rho if modify == "flip" else np.zeros_like(rho)
            f000, g = self._transform(np.where(rho < delta, changed, rho))
            length = np.abs(g)
            unit = np.where(length > _NO_PHASE, g / np.maximum(length, _NO_PHASE), 1)
            known = targets * unit[:, : self.measured]
            known = np.where(shift, 1j * g[:, : self.measured], known)
            carried = np.minimum(length, cap)[:, self.measured :] * unit[:, self.measured :]
            starts = np.concatenate([known, carried], axis=1).astype(np.complex64)
        return DualSpaceResult(starts, g, f000, _residuals(targets, g[:, : self.measured]))

    def _density(self, f: NDArray[Any], f000: NDArray[Any]) -> NDArray[Any]:
        box = np.zeros((len(f), *self.shape), np.complex64)
        h, k, l = self.hkl.T
        box[:, h, k, l] = f.conj()
        box[:, -h, -k, -l] = f
        box[:, 0, 0, 0] = f000
        half = box[..., : self.shape[2] // 2 + 1]
        return np.asarray(scipy.fft.irfftn(half, self.shape, axes=(1, 2, 3), norm="forward"))

    def _transform(self, rho: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
        h, k, l = self.hkl.T
        half = scipy.fft.rfftn(rho, axes=(1, 2, 3), norm="forward")
        sign = np.where(l < 0, -1, 1)
        values = half[:, sign * h, sign * k, sign * l]
        return half[:, 0, 0, 0].real.copy(), np.where(l < 0, values, values.conj())


def _residuals(amplitudes: NDArray[Any], g: NDArray[Any]) -> NDArray[np.float64]:
    length = np.abs(g).astype(float)
    k = (length @ amplitudes) / np.maximum((length**2).sum(axis=1), 1e-300)
    return np.asarray(np.abs(amplitudes - k[:, None] * length).sum(axis=1) / amplitudes.sum())


def _checked_hkl(hkl: ArrayLike) -> NDArray[np.int64]:
    indices = np.asarray(hkl)
    if indices.ndim != 2 or indices.shape[1] != 3 or len(indices) == 0:
        raise ArgandError(f"hkl has shape {indices.shape}, needs (n, 3) with n at least 1")
    if not np.issubdtype(indices.dtype, np.integer):
        raise ArgandError(f"hkl has dtype {indices.dtype}, needs integers")
    indices = indices.astype(np.int64)
    both = np.concatenate([indices, -indices])
    if len(np.unique(both, axis=0)) < len(both):
        raise ArgandError("hkl has 0 0 0, a reflection twice or both of a Friedel pair, needs one")
    return indices


def _checked_shape(hkl: NDArray[np.int64], shape: Shape | None) -> Shape:
    needed = [2 * int(order) + 1 for order in np.abs(hkl).max(axis=0)]
    if shape is None:
        return good_size(needed[0]), good_size(needed[1]), good_size(needed[2], even=True)
    na, nb, nc = (int(points) for points in shape)
    if any(points < least for points, least in zip((na, nb, nc), needed, strict=True)):
        raise ArgandError(f"shape is {(na, nb, nc)}, needs at least {tuple(needed)}: 2 h_max + 1")
    if not all(map(_is_good, (na, nb, nc))) or nc % 2:
        raise ArgandError(
            f"shape is {(na, nb, nc)}, needs products of 2, 3, 5 and 7, the last one even"
        )
    return na, nb, nc
