"""What a batch of samples holds."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from argand.cell import FloatArray

__all__ = ["Samples"]


class Samples(NamedTuple):
    """b samples of n sites and m reflections, as numpy arrays."""

    sample: NDArray[np.int64]  # (b,) its index
    f: NDArray[
        Any
    ]  # (b, m) complex, the true structure factors of all that is in the cell, electrons
    amplitude: FloatArray  # (b, m) measured |F|, on the scale of the measurement; 0 where intensity is negative
    intensity: FloatArray  # (b, m) measured |F|^2
    sigma: FloatArray  # (b, m) standard deviation of the intensity
    mask: NDArray[np.bool_]  # (b, m) measured
    displacement: FloatArray  # (b, n, 3) of the sites, Cartesian angstrom
    frac: FloatArray  # (b, n, 3) where the sites are
    occ: FloatArray  # (b, n + further) shares of all atoms: the sites, those that replace them, the unmodelled
    vibration: FloatArray  # (b, n) factors on B and U
    unmodelled: FloatArray  # (b, atoms, 3) their places, fractional
    cell: FloatArray  # (b, 6)
    scale: FloatArray  # (b,) factor on |F| in the measurement
    b_change: FloatArray  # (b,) A^2, of the overall B in the measurement

    def rms(self) -> FloatArray:
        """(b,) root mean square length of the displacement over all sites, angstrom."""
        return np.asarray(np.sqrt(np.square(self.displacement).sum(axis=2).mean(axis=1)))
