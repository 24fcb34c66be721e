"""Judge phases without the truth: the skewness of the density that they give."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from argand.density import grid_shape, map_from_structure_factors
from argand.reflections import HklArray, stol
from argand.simulate.random import Purpose, uniforms

__all__ = ["density_skewness", "random_skewness"]

# Sets of random phases whose skewness is compared: enough for its spread to be known to a quarter.
_DRAWS = 8

# Grid points for each d_min: above three, the mean of the cube of a density is exact on its grid.
_SAMPLE_RATE = 4.0


def density_skewness(
    hkl: HklArray,
    f: NDArray[np.complex128],
    cell: Sequence[float],
    spacegroup: str = "P 1",
) -> float:
    """Compute the skewness <(rho - <rho>)^3> / <(rho - <rho>)^2>^(3/2) of a density.

    A density of atoms is flat with a few high peaks: its skewness is well above 0. Random phases
    spread the same amplitudes evenly over peaks and holes: about 0. F(000) has no influence.

    Parameters
    ----------
    hkl, f : (m, 3), (m,)
        Reflections, F(000) not alone, and their structure factors in electrons.
    cell
        (a, b, c, alpha, beta, gamma) in angstrom and degrees.
    spacegroup
        Space group that completes the reflections.
    """
    d_min = 0.5 / float(stol(hkl, cell).max())
    parameters = tuple(cell)
    grid = grid_shape(parameters, spacegroup, d_min, _SAMPLE_RATE)
    density = map_from_structure_factors(hkl, f, grid, cell=parameters, spacegroup=spacegroup)
    deviation = np.asarray(density, dtype=np.float64)
    deviation = deviation - deviation.mean()
    variance = float((deviation**2).mean())
    if not variance > 0.0:
        return 0.0
    third_moment = float((deviation**3).mean())
    return third_moment / float(variance**1.5)


def random_skewness(
    hkl: HklArray,
    amplitude: NDArray[np.float64],
    cell: Sequence[float],
    spacegroup: str = "P 1",
) -> tuple[float, float]:
    """Return mean and standard deviation of the skewness that amplitudes (m,) have by chance.

    The phases are random, drawn a few times with a fixed seed.
    """
    draws = uniforms(0, np.arange(_DRAWS), len(hkl), Purpose.RANDOM_PHASES)
    skewness = []
    for uniform in draws:
        f = amplitude * np.exp(2j * np.pi * uniform)
        skewness.append(density_skewness(hkl, f, cell, spacegroup))
    return float(np.mean(skewness)), float(np.std(skewness, ddof=1))
