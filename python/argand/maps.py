"""Make coefficients of Fourier syntheses: of difference maps, and of the Patterson function."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from argand._memory import demand
from argand._numbers import check_size, complex_array, real_array, real_number
from argand.density import Complex, Real, map_from_structure_factors
from argand.reflections import as_hkl
from argand.symmetry import without_translations

# Bytes of a coefficient while it is made: amplitude, phase, unit vector, and the answer.
_BYTES_OF_COEFFICIENT = 80

__all__ = ["difference_coefficients", "patterson"]


def difference_coefficients(
    f_obs: ArrayLike, f_calc: ArrayLike, *, n_obs: float = 1.0, n_calc: float = 1.0
) -> Complex:
    """Return (n_obs |Fo| - n_calc |Fc|) exp(i phi_c), coefficients (m,) of a difference map.

    Source: International Tables for Crystallography B, section 1.3.4.

    Parameters
    ----------
    f_obs : (m,)
        Amplitudes on the scale of `f_calc`; the coefficient is 0 where one is not finite (not
        measured).
    f_calc : (m,)
        Complex structure factors of the model.
    n_obs, n_calc
        1 and 1 give the map Fo - Fc, 2 and 1 the map 2Fo - Fc.

    Raises
    ------
    ValueError
        Shapes differ.
    MemoryLimitError
        The coefficients take more than `argand.memory_limit()`.
    """
    observed = real_array("f_obs", f_obs)
    calculated = complex_array("f_calc", f_calc)
    n_obs = real_number("n_obs", n_obs)
    n_calc = real_number("n_calc", n_calc)
    check_size("n_obs, n_calc", np.array([n_obs, n_calc]))
    if observed.shape != calculated.shape:
        raise ValueError(
            f"f_obs has shape {observed.shape}, needs {calculated.shape}: that of f_calc"
        )
    demand(
        f"{observed.size:,} coefficients of a map",
        _BYTES_OF_COEFFICIENT * observed.size,
        "give fewer at a time",
    )
    finite = np.isfinite(observed) & np.isfinite(calculated)
    size = np.where(finite, n_obs * observed - n_calc * np.abs(calculated), 0.0)
    phase = np.angle(np.where(finite, calculated, 0.0))
    coefficients: Complex = size * np.exp(1j * phase)
    return coefficients


def patterson(
    hkl: ArrayLike,
    amplitude: ArrayLike,
    shape: tuple[int, int, int],
    *,
    cell: tuple[float, ...],
    spacegroup: str = "P 1",
    out: Real | None = None,
) -> Real:
    """Compute the Patterson function P(u) = (1/V) sum_h |F(h)|^2 cos(2 pi h.u), in e^2/A^3.

    It is the autocorrelation of the density and needs no phases: its peaks are the vectors between
    atoms. Source: A. L. Patterson, Phys. Rev. 46, 372 (1934).

    Parameters
    ----------
    hkl : (m, 3)
        Reflections of the asymmetric unit of `spacegroup`, or more.
    amplitude : (m,)
        |F|.
    shape
        Points of the grid [ia, ib, ic] along a, b, c.
    cell
        Unit cell, angstrom and degrees.
    spacegroup
        That of the crystal. The function has its rotations and centring, no other translations, and
        an inversion (the Patterson group).
    out
        Array to write to.

    Returns
    -------
    P on the grid, of shape `shape`.

    Raises
    ------
    ValueError
        `amplitude` is complex, or of another shape.
    """
    indices = as_hkl(hkl)
    size = np.asarray(amplitude)
    if size.shape != (len(indices),) or np.iscomplexobj(size):
        raise ValueError(
            f"amplitude is {size.dtype} {size.shape}, needs real numbers ({len(indices)},): |F|"
        )
    dtype = np.complex64 if size.dtype == np.float32 else np.complex128
    modulus = real_array("amplitude", size)
    check_size("amplitude^2", modulus * modulus)
    squares = (modulus * modulus).astype(dtype)
    group = without_translations(spacegroup)
    return map_from_structure_factors(indices, squares, shape, cell=cell, spacegroup=group, out=out)
