"""What one batch of samples holds."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

__all__ = ["Batch"]


class Batch(NamedTuple):
    """Samples on the cube of Miller indices -H..H, D = 2H + 1; b may be left out for a single sample.

    Reflections that are not measured (beyond reach, 000, or |F| = 0) have amplitude, phase and weight 0.
    """

    amplitude: Tensor  # (b, D, D, D) |F| / sum_j occ_j |f_j|, from 0 to 1: what every atom in phase would give is 1
    phase: Tensor  # (b, D, D, D) radians, from -pi to pi
    mask: Tensor  # (b, D, D, D) bool: measured
    stol2: Tensor  # (b, D, D, D) (sin(theta)/lambda)^2, 1/angstrom^2
    weight: Tensor  # (b, D, D, D) |F|, electrons
    crystal: Tensor  # (b,) int64, which crystal of the data set
    displacement: Tensor  # (b, moved, 3) fractional; 0 for atoms that a smaller crystal lacks
    sample: Tensor  # (b,) int64, its index
