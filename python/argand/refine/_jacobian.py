"""Derivatives of every structure factor by the coordinates of every site that is free."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from argand import _seam
from argand.cell import FloatArray, beta_from_u_aniso
from argand.copies import spared_operations
from argand.crystal import Crystal
from argand.refine.parameters import BISO, FRAC, OCC, UANISO
from argand.reflections import stol
from argand.symmetry import operations

ComplexArray = NDArray[np.complex128]

_LANES = 16  # reflections that the kernel takes at a time


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
        self.reflections, padded = len(hkl), -(-len(hkl) // _LANES) * _LANES
        self.orders = np.zeros((len(kept), 3, padded))
        self.orders[:, :, : len(hkl)] = np.einsum("mi,oij->ojm", hkl, rotation)
        self.turns = np.zeros((len(kept), padded))
        self.turns[:, : len(hkl)] = translation @ hkl.T
        self.squares = np.zeros(padded)
        self.squares[: len(hkl)] = np.square(stol(hkl, crystal.cell))
        self.share = crystal.multiplicity() / len(crystal.symops)
        factor = np.exp(2j * np.pi * (hkl @ centring.T)).sum(axis=1).real
        self.form, self.kind = form * factor, kind
        self.back = (
            None
            if inversion is None
            else np.exp(-2j * np.pi * (hkl @ inversion)) * self.form.conj()
        )
        d = directions.reshape(len(directions), len(kind), 11).copy()
        d[:, :, UANISO] *= beta_from_u_aniso(np.ones(6), crystal.cell)
        moved = np.abs(d).max(axis=0, initial=0.0) > 0
        moved[:, FRAC] = moved[:, FRAC].any(axis=1, keepdims=True)
        moved[:, UANISO] = moved[:, UANISO].any(axis=1, keepdims=True) & anisotropic[:, None]
        moved[anisotropic, BISO] = False
        self.columns = np.ascontiguousarray(d[:, moved])
        place = np.where(moved, np.cumsum(moved).reshape(moved.shape) - 1, -1)
        self.place = np.ascontiguousarray(place[:, [0, 3, BISO, OCC]], np.int32)
        self._tables: dict[np.dtype[Any], _seam.JacobianOrders] = {}

    def __call__(
        self,
        frac: FloatArray,
        beta: FloatArray,
        occ: FloatArray,
        w: ComplexArray,
        extra: list[FloatArray],
        dtype: Any,
    ) -> NDArray[Any]:
        """(data sets, s, m) of their sites and of w (data sets, m); each of `extra` (data sets, m) is a further row."""
        real, m = np.dtype(dtype), self.reflections
        if real not in self._tables:
            tables = (self.orders, self.turns, self.squares)
            self._tables[real] = _seam.JacobianOrders(*(table.astype(real) for table in tables))
        u = np.zeros((len(frac), len(self.form), 2, len(self.squares)), real)
        product = w.conj()[:, None] * self.form
        if self.back is not None:
            product += w[:, None] * self.back
        u[:, :, 0, :m], u[:, :, 1, :m] = product.real, product.imag
        sites = _seam.JacobianSites(
            frac=np.ascontiguousarray(frac),
            beta=np.ascontiguousarray(beta, real),
            occ=np.ascontiguousarray(occ, real),
            share=self.share.astype(real),
            scatterer=self.kind,
            columns=self.place,
        )
        s = self.columns.shape[1]
        out = np.empty((len(frac), s + len(extra), len(self.squares)), real)
        _seam.jacobian(sites, self._tables[real], u, out)
        for row, values in enumerate(extra, start=s):
            out[:, row, :m] = values
        return out[:, :, :m]
