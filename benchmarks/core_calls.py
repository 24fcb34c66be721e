"""Calls of argand that use prepared arrays again, as code that repeats a calculation would.

The functions of the core are private to argand. Only this module of the benchmarks calls them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import argand
from argand import _seam
from argand._fft import map_by_fft
from argand._pack import pack
from argand._seam import Batch
from argand.solve.dual_space import DualSpace
from precisions import COMPLEX, torch_real
from rounds import Run

__all__ = [
    "Batch",
    "adjoint_call",
    "array_bytes",
    "boxes_to_maps_call",
    "core_sum",
    "dual_space_transforms_call",
    "empty_output",
    "maps_by_fft_call",
    "maps_to_boxes_call",
    "packed",
    "sum_call",
    "torch_sum",
    "with_threads",
]

Array = NDArray[Any]


def packed(crystals: Sequence[argand.Crystal], hkl: Array, precision: str = "float64") -> Batch:
    """Pack crystals, which have one list of reflections hkl (m, 3) in common, for the core."""
    return pack(crystals, [hkl], dtype=precision)


def empty_output(batch: Batch, precision: str = "float64") -> Array:
    """Allocate the complex array that the structure factors of a batch are written to."""
    return np.empty(batch.out_shape, COMPLEX[precision])


def sum_call(batch: Batch, out: Array) -> Run:
    """Return a call that writes the structure factors of a batch into `out` and returns it."""

    def run() -> Array:
        _seam.structure_factors(batch, out)
        return out

    return run


def core_sum(crystals: Sequence[argand.Crystal], hkl: Array, precision: str = "float64") -> Run:
    """Return a call of the core for the structure factors of crystals, with arrays used again."""
    batch = packed(crystals, hkl, precision)
    return sum_call(batch, empty_output(batch, precision))


def torch_sum(
    crystals: argand.Crystal | Sequence[argand.Crystal], hkl: Array, precision: str = "float64"
) -> Run:
    """Return a call of the torch operator, which allocates a tensor of structure factors."""
    pytest.importorskip("torch")
    from argand.torch import structure_factors, tensors

    arguments = tensors(crystals, hkl, dtype=torch_real(precision))
    return lambda: structure_factors(**arguments)


def adjoint_call(
    batch: Batch, cotangent: Array, by_frac: Array, by_beta: Array, by_occ: Array | None = None
) -> Run:
    """Return a call of the adjoint of the sum.

    Parameters
    ----------
    batch
        The crystals and reflections.
    cotangent
        Derivative of a real number by F, complex, of the shape of the structure factors.
    by_frac, by_beta, by_occ
        (atoms, 3), (atoms, 6), (atoms,): arrays that the derivatives are written to.
    """
    return lambda: _seam.structure_factors_vjp(batch, cotangent, by_frac, by_beta, by_occ)


def boxes_to_maps_call(boxes: Array, maps: Array, volume: float) -> Run:
    """Return a call that transforms boxes of F into densities, writes and returns `maps`."""
    scale = 1 / volume

    def run() -> Array:
        _seam.map_from_structure_factors(boxes, maps, scale)
        return maps

    return run


def maps_by_fft_call(library: Any, boxes: Any, shape: tuple[int, int, int], volume: float) -> Run:
    """Return a call that transforms boxes of F into densities by the FFT of torch or CuPy."""
    return lambda: map_by_fft(library, boxes, shape, 1 / volume)


def maps_to_boxes_call(maps: Array, boxes: Array) -> Run:
    """Return a call that transforms densities into boxes of F, and writes `boxes`."""
    return lambda: _seam.structure_factors_from_map(maps, boxes, 1.0)


def dual_space_transforms_call(
    space: DualSpace, starts: Array, amplitudes: Array, *, cycles: int
) -> Run:
    """Return a call that makes the two transforms of dual-space cycles on one thread.

    Parameters
    ----------
    space
        Reflections, all of them measured, and the grid.
    starts, amplitudes
        (starts, n) complex64 and (n,) float32.
    cycles
        How many pairs of transforms a start gets.
    """
    tables = _seam.dual_space_tables(space.hkl, space.shape)
    not_shifted = np.zeros(len(amplitudes), np.uint8)
    threshold = np.ones(len(starts), np.float32)
    targets = _seam.DualSpaceTargets(amplitudes, not_shifted, threshold, factor=-1.0, cap=1.0)
    arrays = _seam.DualSpaceStarts(starts.copy(), np.zeros_like(starts), np.zeros_like(threshold))
    return lambda: _seam.dual_space_transforms(tables, targets, arrays, cycles=cycles, threads=1)


def array_bytes(batch: Batch, *others: Array) -> float:
    """Return the bytes of all arrays of a batch, and of other arrays."""
    total = 0
    for value in (*batch, *others):
        if isinstance(value, np.ndarray):
            total += value.nbytes
    return float(total)


def with_threads(n: int, run: Run) -> Run:
    """Return a call of `run` in which argand has n threads."""

    def run_with_n_threads() -> None:
        argand.set_num_threads(n)
        run()

    return run_with_n_threads
