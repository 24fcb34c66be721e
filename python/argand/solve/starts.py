"""Make the phases that dual-space iterations start from."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from argand.density import Real, map_from_structure_factors, structure_factors_from_map
from argand.solve.primitive import PrimitiveReflections

__all__ = ["PattersonStarts", "random_start"]

ComplexArray = npt.NDArray[np.complex64]

# Share of random amplitude in a start from the Patterson map.
_NOISE = 0.1

# So many of the highest Patterson peaks are tried as the vector by which the map is shifted.
_PEAKS = 25


def random_start(data: PrimitiveReflections, seed: int, start: int) -> ComplexArray:
    """Return |E| with random phases (n,), a pure function of the seed and the start's number."""
    generator = np.random.default_rng([seed, start])
    phase = 2j * np.pi * generator.random(len(data.hkl))
    phased: ComplexArray = (data.normalised * np.exp(phase)).astype(np.complex64)
    return phased


class PattersonStarts:
    """Make starts from minimum functions of the sharpened, origin-removed Patterson map.

    Where P is shifted by a vector between two atoms, min(P(u), P(u - v)) keeps the peaks of the
    structure that one end of the vector sees.

    Source: M. J. Buerger, Vector Space (1959), chapter 11.

    Parameters
    ----------
    data
        Reflections in P 1.
    shape
        Grid points along the three axes.
    """

    def __init__(self, data: PrimitiveReflections, shape: tuple[int, int, int]) -> None:
        self._data = data
        self._map = _patterson_map(data, shape)
        self._peaks = _peaks(self._map)

    def __call__(self, seed: int, start: int) -> ComplexArray:
        """Return |E| with the phases (n,) of one minimum function.

        The number of the start, together with the seed, chooses the vector.
        """
        if not len(self._peaks):
            return random_start(self._data, seed, start)
        generator = np.random.default_rng([seed, start])
        shift = self._peaks[generator.integers(len(self._peaks))]
        shifted = np.roll(self._map, tuple(shift), axis=(0, 1, 2))
        minimum = np.maximum(np.minimum(self._map, shifted), 0.0)
        # Two atoms of a vector leave a centre of inversion between them, which random phases of a
        # tenth of the weight break.
        f = structure_factors_from_map(minimum, self._data.hkl, cell=self._data.cell)
        spread = np.sqrt(np.mean(np.abs(f) ** 2))
        noise = generator.normal(size=(2, len(f))) * (_NOISE * spread)
        phased = f + noise[0] + 1j * noise[1]
        modulus = np.maximum(np.abs(phased), 1e-30)
        result: ComplexArray = (self._data.normalised * phased / modulus).astype(np.complex64)
        return result


def _patterson_map(data: PrimitiveReflections, shape: tuple[int, int, int]) -> Real:
    """Return the Patterson map of |E|^2 - <|E|^2> on a grid."""
    squares = data.normalised**2
    coefficients = (squares - squares.mean()).astype(np.complex64)
    return map_from_structure_factors(data.hkl, coefficients, shape, cell=data.cell)


def _peaks(density: Real) -> npt.NDArray[np.intp]:
    """Return grid points (p, 3) of the highest maxima, without the one at the origin."""
    highest = ndimage.maximum_filter(density, size=3, mode="wrap")
    points = np.argwhere((density >= highest) & (density > 0))
    heights = density[tuple(points.T)]
    order = np.argsort(-heights, kind="stable")
    points = points[order]
    at_origin = ~points.any(axis=1)
    return points[~at_origin][:_PEAKS]
