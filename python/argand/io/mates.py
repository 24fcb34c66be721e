"""Turn Friedel mates in columns of their own into rows of h and of -h."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from argand.cell import FloatArray
from argand.io.reflections import Reflections
from argand.reflections import centric

__all__ = ["rows_of_mates"]

# Two values are one value in both columns when they agree to this, a few roundings of float32.
_SAME_VALUE = 1e-6


def rows_of_mates(
    header: Reflections,
    values: FloatArray | None,
    sigma: FloatArray | None,
    phase: FloatArray | None = None,
    *,
    is_intensity: bool,
) -> Reflections:
    """List each mate that has a value as a reflection of its own.

    Programs write the one value of a reflection that is equivalent to its mate into both columns:
    it is listed once.

    Parameters
    ----------
    header
        Reflections (m,) without values, with their space group where it is known.
    values, sigma, phase : (2 m,)
        Values of all h and, below them, of all -h: measured, standard uncertainty, phase in
        radians; NaN where there is none.
    is_intensity
        Whether the values are intensities; else they are amplitudes.
    """
    assert values is not None  # the caller has found both columns
    left_out = header.left_out
    m = len(header.hkl)
    both = replace(
        header,
        hkl=np.concatenate([header.hkl, -header.hkl]),
        intensity=values if is_intensity else None,
        amplitude=None if is_intensity else values,
        sigma=sigma,
        phase=phase,
        left_out=None if left_out is None else np.tile(left_out, 2),
    )
    is_listed = np.isfinite(values)
    if header.spacegroup is not None:
        is_copy = np.isclose(values[:m], values[m:], rtol=_SAME_VALUE, atol=0.0)
        is_copy &= centric(header.hkl, header.spacegroup)
        is_listed[m:] &= ~is_copy
    return both[is_listed]
