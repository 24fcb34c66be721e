"""Scale and overall B between measured amplitudes and those that are expected.

    (k, B) = argmin sum_h w_h (o_h - k exp(-B stol_h^2) c_h)^2 + (B / 5 A^2)^2 sum_h w_h o_h^2 / 1000,

by Gauss and Newton's method in (ln k, B). The second term is felt where the data do not say what B is.
"""

from __future__ import annotations

import numpy as np

from argand.cell import FloatArray

__all__ = ["disagreement", "fit_scale"]

_CYCLES, _B_WIDTH, _STEP = 6, 5.0, 2.0


def fit_scale(
    observed: FloatArray,
    expected: FloatArray,
    squares: FloatArray,
    weight: FloatArray | None = None,
) -> tuple[FloatArray, FloatArray]:
    """k (b,) and B (b,), A^2, of observed (b, m), NaN where not measured; expected and weight (m,) or (b, m).

    `squares` (m,) are stol^2.
    """
    seen = np.isfinite(observed)
    o = np.where(seen, observed, 0.0)
    w = seen * (1.0 if weight is None else weight)
    c0 = np.broadcast_to(expected, o.shape)
    tiny = np.finfo(float).tiny
    k = np.einsum("bm,bm,bm->b", w, o, c0) / np.maximum(np.einsum("bm,bm,bm->b", w, c0, c0), tiny)
    logarithm, b = np.log(np.maximum(k, 1e-30)), np.zeros(len(o))
    spring = np.einsum("bm,bm,bm->b", w, o, o) / (1000.0 * _B_WIDTH**2) + tiny
    for _ in range(_CYCLES):
        c = np.exp(logarithm[:, None] - b[:, None] * squares) * c0
        r, wc = o - c, w * c
        g = np.stack([(wc * r).sum(axis=1), -(wc * r) @ squares - spring * b], axis=1)
        kk, kb, bb = (
            (wc * c).sum(axis=1),
            -(wc * c) @ squares,
            (wc * c) @ np.square(squares) + spring,
        )
        determinant = np.maximum(kk * bb - kb**2, tiny)
        logarithm = logarithm + np.clip((bb * g[:, 0] - kb * g[:, 1]) / determinant, -1.0, 1.0)
        b = b + np.clip((kk * g[:, 1] - kb * g[:, 0]) / determinant, -_STEP, _STEP)
    return np.exp(logarithm), b


def disagreement(observed: FloatArray, calculated: FloatArray) -> FloatArray:
    """R (b,) = sum |o - c| / sum o over what was measured."""
    seen = np.isfinite(observed)
    o = np.where(seen, observed, 0.0)
    off = np.where(seen, np.abs(o - calculated), 0.0)
    return np.asarray(off.sum(axis=1) / np.maximum(o.sum(axis=1), np.finfo(float).tiny))
