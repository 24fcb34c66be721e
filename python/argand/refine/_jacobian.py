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
from scipy.sparse import csr_array

from argand import _seam
from argand.cell import FloatArray, beta_from_u_aniso
from argand.completion import independent_operations
from argand.copies import Copies
from argand.refine.parameters import BISO, COORDINATES, FRAC, OCC, UANISO
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
    further : (f,)
        Numbers of the parameters whose derivatives are put after those of the sites.

    Attributes
    ----------
    columns : (k, s + f)
        dq/dp, with beta in the place of U: what each parameter does to the s coordinates, and 1 for
        the further parameters. Coordinates of sites that move together count as one.
    """

    def __init__(self, copies: Copies, directions: FloatArray, further: NDArray[np.intp]) -> None:
        self._kind = copies.kind
        self._image_occupancy = copies.image_occupancy
        self._set_reflections(copies)
        self._set_columns(copies, directions, further)
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

    def _set_columns(
        self, copies: Copies, directions: FloatArray, further: NDArray[np.intp]
    ) -> None:
        """Find the coordinates that some parameter moves, and number them.

        Positions of sites that all parameters move alike, as those of riding hydrogens, share the
        numbers of the first of them. The others come last, and are added to it by `_add_followers`.
        """
        u_to_beta = np.ones(COORDINATES)
        u_to_beta[UANISO] = beta_from_u_aniso(np.ones(6), copies.crystal.cell)
        moved = np.asarray(directions.any(axis=0))
        # The kernel gives x y z together, and the six components of beta together.
        moved[:, FRAC] = moved[:, FRAC].any(axis=1, keepdims=True)
        tensors = moved[:, UANISO].any(axis=1, keepdims=True)
        moved[:, UANISO] = tensors & copies.anisotropic[:, None]
        moved[copies.anisotropic, BISO] = False
        leader, rank = _leaders(directions[:, :, FRAC], moved[:, FRAC.start])
        leads = moved.copy()
        leads[rank > 0, FRAC] = False
        column = _in_order_of_parameters(directions, leads)
        count = int(leads.sum())
        site, coordinate = np.nonzero(leads)
        order = np.argsort(column[leads])
        site, coordinate = site[order], coordinate[order]
        by_site = directions[:, site, coordinate] * u_to_beta[coordinate]
        units = np.zeros((len(directions), len(further)))
        units[further, np.arange(len(further))] = 1.0
        self.columns = csr_array(np.concatenate([by_site, units], axis=1))
        self._width = count + len(further)
        self._followers: list[tuple[slice, NDArray[np.intp]]] = []
        for number in range(1, int(rank.max(initial=0)) + 1):
            sites = np.flatnonzero(rank == number)
            last = self._width + 3 * len(sites)
            column[sites, FRAC] = np.arange(self._width, last).reshape(-1, 3)
            followed = column[leader[sites], FRAC].ravel()
            self._followers.append((slice(self._width, last), followed))
            self._width = last
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
            f arrays (b, m) that are put after the s rows of the result.
        dtype
            float32 or float64, in which the sum runs.

        Returns
        -------
        (b, s + f, m)
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
        out = np.empty((len(frac), self._width, padded), real)
        _seam.jacobian(sites, self._tables[real], u, out)
        for rows, followed in self._followers:
            out[:, followed] += out[:, rows]
        s = self.columns.shape[1] - len(further_rows)
        for row, values in enumerate(further_rows, start=s):
            out[:, row, :m] = values
        return out[:, : s + len(further_rows), :m]


def _in_order_of_parameters(directions: FloatArray, wanted: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Number the coordinates of sites in the order of the parameters that move them first.

    Coordinates of a kind that the kernel gives together, x y z or U, keep their order. Where each
    parameter moves one coordinate, matrices by coordinates are then those by parameters.

    Parameters
    ----------
    directions : (k, n, 11)
        What each parameter does to the coordinates of n sites.
    wanted : (n, 11)
        Coordinates that are numbered; the others get -1.
    """
    moves = directions != 0.0
    first = np.where(moves.any(axis=0), moves.argmax(axis=0), len(directions))
    for kind in (FRAC, UANISO):
        first[:, kind] = first[:, kind].min(axis=1, keepdims=True)
    numbers = np.full(wanted.shape, -1)
    site, coordinate = np.nonzero(wanted)
    order = np.lexsort((coordinate, site, first[wanted]))
    numbers[site[order], coordinate[order]] = np.arange(len(order))
    return numbers


def _leaders(
    directions: FloatArray, moved: NDArray[np.bool_]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Find sites whose positions all parameters move alike.

    Parameters
    ----------
    directions : (k, n, 3)
        What each parameter does to the positions of n sites.
    moved : (n,)
        Sites that some parameter moves.

    Returns
    -------
    The first site (n,) that moves like each one, and how many such sites (n,) precede it: 0 for the
    first one, and where nothing moves.
    """
    first_of: dict[bytes, int] = {}
    followers: dict[int, int] = {}
    leader = np.arange(len(moved))
    rank = np.zeros(len(moved), np.intp)
    for site in np.flatnonzero(moved).tolist():
        first = first_of.setdefault(directions[:, site].tobytes(), site)
        if first != site:
            followers[first] = followers.get(first, 0) + 1
            leader[site] = first
            rank[site] = followers[first]
    return leader, rank
