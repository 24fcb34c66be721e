"""Derivatives of every structure factor by the coordinates of every site that is free."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from argand._asymmetric import spared_operations
from argand.cell import FloatArray, beta_from_u_aniso
from argand.crystal import Crystal
from argand.refine.parameters import BISO, FRAC, OCC, UANISO
from argand.reflections import stol
from argand.symmetry import operations


class TermJacobian:
    """Re(conj(w) dF/dq) for the site coordinates q that some parameter moves.

    An image of a site under (R|t) contributes T(hR) exp(2 pi i h.t), so that derivatives need no turning: they are
    those of the site itself at the reflection hR. Inversion and centring go into what T is multiplied with, u below:

        dF = c [f dT + e conj(f* dT)],  Re(conj(w) dF) = Re(u dT),  u = c [conj(w) f + w conj(f) conj(e)]

    with e = exp(2 pi i h.t) for the inversion x -> t - x and c the sum over the centring translations.
    """

    def __init__(
        self,
        crystal: Crystal,
        hkl: NDArray[Any],
        form: NDArray[Any],
        kind: NDArray[np.int32],
        anisotropic: NDArray[np.bool_],
        directions: FloatArray,
    ) -> None:
        every = operations(crystal.symops)
        kept, centring, inversion = spared_operations(crystal.symops, True)
        rotation = np.array([every[i][0] for i in kept])
        translation = np.array([every[i][1] for i in kept])
        self.orders = np.einsum("mi,oij->omj", hkl, rotation).astype(np.float64)
        self.turns = (hkl @ translation.T).T
        factor = np.exp(2j * np.pi * (hkl @ centring.T)).sum(axis=1).real
        self.form, self.kind = form * factor, kind
        self.back = None if inversion is None else np.exp(-2j * np.pi * (hkl @ inversion)) * self.form.conj()
        self.squares = np.square(stol(hkl, crystal.cell))
        d = directions.reshape(len(directions), -1, 11).copy()
        d[:, :, UANISO] *= beta_from_u_aniso(np.ones(6), crystal.cell)
        moved = np.abs(d).max(axis=0, initial=0.0) > 0  # (sites, 11)
        moved[:, FRAC] = moved[:, FRAC].any(axis=1, keepdims=True)
        moved[:, UANISO] = moved[:, UANISO].any(axis=1, keepdims=True) & anisotropic[:, None]
        moved[anisotropic, BISO] = False
        self.moved = moved
        self.columns = np.ascontiguousarray(d.reshape(len(d), -1)[:, moved.reshape(-1)])

    def __call__(
        self,
        frac: FloatArray,
        beta: FloatArray,
        occ: FloatArray,
        share: FloatArray,
        w: NDArray[np.complex128],
        extra: FloatArray | None,
        dtype: Any,
    ) -> NDArray[Any]:
        u = w.conj()[:, None] * self.form
        if self.back is not None:
            u = u + w[:, None] * self.back
        b, s = len(frac), int(self.moved.sum())
        out = np.empty((b, s + (extra is not None), len(self.squares)), dtype)
        for c in range(b):
            out[c, :s] = self._one(frac[c], beta[c], occ[c], share, u[c])
        if extra is not None:
            out[:, s] = extra
        return out

    def _one(
        self, frac: FloatArray, beta: FloatArray, occ: FloatArray, share: FloatArray, u: NDArray[np.complex128]
    ) -> FloatArray:
        n, m = len(frac), len(self.squares)
        all_ = np.zeros((n, 11, m))
        pairs = [(0, 0, 1), (1, 1, 1), (2, 2, 1), (0, 1, 2), (0, 2, 2), (1, 2, 2)]
        for h, turns in zip(self.orders, self.turns, strict=True):
            products = np.array([f * h[:, i] * h[:, j] for i, j, f in pairs])
            t = np.exp(2j * np.pi * (frac @ h.T + turns) - beta @ products) * u[self.kind] * share[:, None]
            all_[:, OCC] += t.real
            t = t * occ[:, None]
            all_[:, FRAC] -= 2 * np.pi * t.imag[:, None] * h.T
            all_[:, UANISO] -= t.real[:, None] * products
        all_[:, BISO] = -all_[:, OCC] * occ[:, None] * self.squares
        return np.asarray(all_.reshape(n * 11, m)[self.moved.reshape(-1)])
