"""Differentiate every structure factor by the coordinates of every site that is free.

An image of a site under (R|t) contributes T(hR) exp(2 pi i h.t), so that derivatives need no
turning: they are derivatives of the site itself at the reflection hR. Inversion and centring go
into the number u that T is multiplied with:

    dF = c [f dT + e conj(f* dT)],
    Re(conj(w) dF) = Re(u dT),  u = c [conj(w) f + w conj(f) conj(e)]

with e = exp(2 pi i h.t) for the inversion x -> t - x and c the sum over the centring translations.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from argand import _seam
from argand.cell import FloatArray, beta_from_u_aniso
from argand.completion import independent_operations
from argand.copies import Copies
from argand.refine.parameters import BISO, FRAC, OCC, UANISO
from argand.reflections import stol
from argand.symmetry import operation_arrays

ComplexArray = NDArray[np.complex128]

# Reflections that the kernel takes at a time.
_LANES = 16


class SiteJacobian:
    """Compute Re(conj(w) dF/dq) for the s site coordinates q that some parameter moves.

    Parameters
    ----------
    copies
        The sum over the sites; it has form factors of the reflections (m, 3) `copies.hkl`.
    directions : (k, n, 11)
        What each parameter does to the coordinates of the n sites.

    Attributes
    ----------
    columns : (k, s)
        dq/dp: what each parameter does to the s coordinates, with beta in the place of U.
    """

    def __init__(self, copies: Copies, directions: FloatArray) -> None:
        self._kind = copies.kind
        self._image_occupancy = copies.image_occupancy
        self._set_reflections(copies)
        self._set_columns(copies, directions)
        self._tables: dict[np.dtype[Any], _seam.JacobianOrders] = {}

    def _set_reflections(self, copies: Copies) -> None:
        """Tabulate reflections as each operation has them, and the factors of dT."""
        crystal = copies.crystal
        hkl = copies.hkl
        independent, completion = independent_operations(crystal.symops, True)
        rotations, translations = operation_arrays(crystal.symops)
        self._reflections = len(hkl)
        padded = -(-len(hkl) // _LANES) * _LANES
        self._orders = np.zeros((len(independent), 3, padded))
        rotated = np.einsum("mi,oij->ojm", hkl, rotations[independent])
        self._orders[:, :, : len(hkl)] = rotated
        self._turns = np.zeros((len(independent), padded))
        self._turns[:, : len(hkl)] = translations[independent] @ hkl.T
        self._squares = np.zeros(padded)
        self._squares[: len(hkl)] = np.square(stol(hkl, crystal.cell))
        centring_turns = hkl @ completion.centring.T
        centring_sums = np.exp(2j * np.pi * centring_turns).sum(axis=1).real
        self._form = copies.form * centring_sums
        self._inverted_form = None
        if completion.inversion is not None:
            phases = np.exp(-2j * np.pi * (hkl @ completion.inversion))
            self._inverted_form = phases * self._form.conj()

    def _set_columns(self, copies: Copies, directions: FloatArray) -> None:
        """Find the coordinates that some parameter moves, and number them."""
        by_beta = directions.copy()
        by_beta[:, :, UANISO] *= beta_from_u_aniso(np.ones(6), copies.crystal.cell)
        moved = np.abs(by_beta).max(axis=0, initial=0.0) > 0
        # The kernel gives x y z together, and the six components of beta together.
        moved[:, FRAC] = moved[:, FRAC].any(axis=1, keepdims=True)
        tensors = moved[:, UANISO].any(axis=1, keepdims=True)
        moved[:, UANISO] = tensors & copies.anisotropic[:, None]
        moved[copies.anisotropic, BISO] = False
        self.columns = np.ascontiguousarray(by_beta[:, moved])
        number = np.cumsum(moved).reshape(moved.shape) - 1
        column = np.where(moved, number, -1)
        first_columns = column[:, [FRAC.start, UANISO.start, BISO, OCC]]
        self._first_columns = np.ascontiguousarray(first_columns, np.int32)

    def __call__(
        self,
        frac: FloatArray,
        beta: FloatArray,
        occ: FloatArray,
        w: ComplexArray,
        further_rows: list[FloatArray],
        dtype: Any,
    ) -> NDArray[Any]:
        """Compute Re(conj(w) dF/dq) of b data sets.

        Parameters
        ----------
        frac, beta, occ : (b, n, 3), (b, n, 6), (b, n)
            The sites of each data set.
        w : (b, m)
        further_rows
            Arrays (b, m) that are put after the s rows of the result.
        dtype
            float32 or float64, in which the sum runs.

        Returns
        -------
        (b, s + len(further_rows), m)
        """
        real = np.dtype(dtype)
        m = self._reflections
        padded = len(self._squares)
        if real not in self._tables:
            orders = self._orders.astype(real)
            turns = self._turns.astype(real)
            self._tables[real] = _seam.JacobianOrders(orders, turns, self._squares.astype(real))
        product = w.conj()[:, None] * self._form
        if self._inverted_form is not None:
            product += w[:, None] * self._inverted_form
        u = np.zeros((len(frac), len(self._form), 2, padded), real)
        u[:, :, 0, :m] = product.real
        u[:, :, 1, :m] = product.imag
        sites = _seam.JacobianSites(
            frac=np.ascontiguousarray(frac),
            beta=np.ascontiguousarray(beta, real),
            occ=np.ascontiguousarray(occ, real),
            share=self._image_occupancy.astype(real),
            scatterer=self._kind,
            columns=self._first_columns,
        )
        s = self.columns.shape[1]
        out = np.empty((len(frac), s + len(further_rows), padded), real)
        _seam.jacobian(sites, self._tables[real], u, out)
        for row, values in enumerate(further_rows, start=s):
            out[:, row, :m] = values
        return out[:, :, :m]
