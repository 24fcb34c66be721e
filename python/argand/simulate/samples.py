"""A batch of samples: crystals, structure factors and measurements."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from argand.cell import FloatArray

__all__ = ["Samples"]


class Samples(NamedTuple):
    """Hold b samples of n sites and m reflections, as numpy arrays."""

    #: (b,) index of the sample
    sample: NDArray[np.int64]
    #: (b, m) complex, true structure factors of all that is in the cell, electrons
    f: NDArray[Any]
    #: (b, m) measured |F|, on the scale of the measurement; 0 where the intensity is negative
    amplitude: FloatArray
    #: (b, m) measured |F|^2
    intensity: FloatArray
    #: (b, m) standard deviation of the intensity
    sigma: FloatArray
    #: (b, m) whether measured
    mask: NDArray[np.bool_]
    #: (b, n, 3) displacement of the sites, Cartesian angstrom
    displacement: FloatArray
    #: (b, n, 3) coordinates of the displaced sites, fractional
    frac: FloatArray
    #: (b, n + further) occupancies: of the sites, of atoms that replace them, of unmodelled atoms
    occ: FloatArray
    #: (b, n) factors on B and U of the sites
    vibration: FloatArray
    #: (b, atoms, 3) coordinates of unmodelled atoms, fractional
    unmodelled: FloatArray
    #: (b, 6) cells, angstrom and degrees
    cell: FloatArray
    #: (b,) factor on |F| in the measurement
    scale: FloatArray
    #: (b,) change of the overall B in the measurement, A^2
    b_change: FloatArray

    def rms(self) -> FloatArray:
        """Return the root mean square displacement (b,) over all sites, angstrom."""
        square = np.square(self.displacement).sum(axis=2)
        return np.asarray(np.sqrt(square.mean(axis=1)))
