"""Many copies of one crystal in one call: its images are found once, samples change places, shares and tensors."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from argand import _seam
from argand._pack import row_order
from argand.cell import (
    FloatArray,
    beta_from_u_aniso,
    matrix_to_sym,
    reciprocal_metric,
    sym_to_matrix,
)
from argand.copies import Share, spared_operations
from argand.crystal import Crystal
from argand.radiation import Radiation
from argand.reflections import stol
from argand.symmetry import operations

__all__ = ["Images"]

_SAME = (
    1e-9  # as for `Crystal.to_p1`: images that agree to this, fractional or in beta, are one atom
)


class Images:
    """F of samples whose atoms are those of `crystal`, followed by others that lie somewhere.

    Which sites are special, and how many atoms each stands for, is that of the crystal, wherever samples move them.

    Parameters
    ----------
    crystal
        Its n sites; samples move them as its symmetry allows.
    parent, types
        Further atoms: on the site `parent` of the crystal, or at a place of their own on no special position (-1).
    b_iso
        Of those with a place of their own, A^2; the others vibrate as their parent does.
    hkl
        Reflections (m, 3).
    dtype
        "float32" or "float64".
    """

    def __init__(
        self,
        crystal: Crystal,
        hkl: NDArray[np.int32],
        *,
        parent: NDArray[np.intp],
        types: tuple[str, ...],
        b_iso: FloatArray,
        radiation: Radiation,
        dtype: str = "float32",
    ) -> None:
        every = operations(crystal.symops)
        kept, centring, inversion = spared_operations(crystal.symops, not radiation.dispersion)
        self.rotation = np.array([every[i][0] for i in kept], dtype=np.float64)
        self.translation = np.array([every[i][1] for i in kept])
        self.share = Share(crystal, centring, inversion)
        n = len(crystal.types)
        rows = np.concatenate([np.arange(n), parent])
        self.kinds = tuple(dict.fromkeys((*crystal.types, *types)))
        kind = np.array([self.kinds.index(name) for name in (*crystal.types, *types)], np.int32)
        own = rows < 0
        anisotropic = (
            np.zeros(n, bool) if crystal.u_aniso is None else ~np.isnan(crystal.u_aniso[:, 0])
        )
        self.u_aniso = np.zeros((len(rows), 6))
        if crystal.u_aniso is not None:
            self.u_aniso[~own] = np.where(
                anisotropic[rows[~own], None], crystal.u_aniso[rows[~own]], 0.0
            )
        self.b_iso = np.where(
            own, 0.0, np.where(anisotropic, 0.0, crystal.b_iso)[np.where(own, 0, rows)]
        )
        self.b_iso[own] = b_iso[own[n:]]
        self.row, self.op, self.weight = self._images(crystal, rows)
        self.kind = kind[self.row]
        self.cell, self.radiation = crystal.cell, radiation
        order = row_order(hkl)
        self.order = slice(None) if order is None else order
        self.hkl = np.ascontiguousarray(hkl[self.order])
        self.real = np.dtype(dtype)
        self.complex = np.result_type(self.real, np.complex64)
        self.form = self._form_of(stol(self.hkl, crystal.cell))

    def _images(
        self, crystal: Crystal, rows: NDArray[np.intp]
    ) -> tuple[NDArray[np.intp], NDArray[np.intp], FloatArray]:
        """Atoms that are summed: row of samples, operation, share of the occupancy."""
        ops = len(self.rotation)
        frac = np.zeros((len(rows), 3))
        frac[rows >= 0] = crystal.frac[rows[rows >= 0]]
        places = np.einsum("oij,nj->noi", self.rotation, frac) + self.translation
        turned = self._turned(
            beta_from_u_aniso(self.u_aniso, crystal.cell)[:, None], np.arange(ops)[None]
        )
        key = np.concatenate(
            [np.rint(places / _SAME) % np.rint(1.0 / _SAME), np.rint(turned / _SAME)], axis=2
        )
        of_site = crystal.multiplicity() / len(crystal.symops)
        row, op, weight = [], [], []
        for i, parent in enumerate(rows):
            if parent < 0:
                first, count = np.arange(ops), np.ones(ops, dtype=np.intp)
            else:
                _, first, count = np.unique(key[i], axis=0, return_index=True, return_counts=True)
            row.append(np.full(len(first), i))
            op.append(first)
            weight.append(count * (1.0 if parent < 0 else of_site[parent]))
        return np.concatenate(row), np.concatenate(op), np.concatenate(weight)

    def structure_factors(
        self,
        frac: FloatArray,
        occ: FloatArray,
        vibration: FloatArray | None = None,
        cell: FloatArray | None = None,
    ) -> NDArray[Any]:
        """Complex F (b, m).

        frac (b, rows, 3) and occ (b, rows) of the sites and the further atoms; vibration (b, rows) factors on B and
        U; cell (b, 6) where it is not that of the crystal.
        """
        b, images = len(frac), len(self.row)
        places = (
            np.einsum("iac,bic->bia", self.rotation[self.op], frac[:, self.row])
            + self.translation[self.op]
        )
        form, rows = self.form, np.broadcast_to(self.kind, (b, images))
        if cell is not None:
            # a cell for each sample: row (sample, kind) instead of row (kind)
            form = np.concatenate([self._form_of(stol(self.hkl, tuple(own))) for own in cell])
            rows = rows + len(self.kinds) * np.arange(b)[:, None]
        beta = self._beta(b, vibration, cell)
        m = len(self.hkl)
        batch = _seam.Batch(
            atom_ptr=np.arange(b + 1, dtype=np.int64) * images,
            frac=np.ascontiguousarray((places % 1.0).reshape(-1, 3), self.real),
            beta=np.ascontiguousarray(beta.reshape(-1, 6), self.real) if beta.any() else None,
            occ=np.ascontiguousarray((occ[:, self.row] * self.weight).ravel(), self.real),
            scatterer=np.ascontiguousarray(rows.ravel(), np.int32),
            form=form.ravel(),
            form_ptr=np.arange(len(form) + 1, dtype=np.int64) * m,
            hkl=self.hkl,
        )
        sums = np.empty((b, m), self.complex)
        _seam.structure_factors(batch, sums, trusted=True)
        f = np.empty_like(sums)
        f[:, self.order] = self.share.complete(sums, self.hkl)
        return f

    def _form_of(self, stol_: FloatArray) -> NDArray[Any]:
        form = self.radiation.form_factors(self.kinds, stol_)
        return np.ascontiguousarray(form, self.complex if np.iscomplexobj(form) else self.real)

    def _beta(self, b: int, vibration: FloatArray | None, cell: FloatArray | None) -> FloatArray:
        """(b, images, 6)."""
        cells = [self.cell] if cell is None else [tuple(own) for own in cell]
        beta = np.empty((len(cells), len(self.row), 6))
        for c, own in enumerate(cells):
            turned = self._turned(beta_from_u_aniso(self.u_aniso, own)[self.row], self.op)
            # B of an isotropic atom is no tensor to turn
            isotropic = self.b_iso[self.row, None] / 4.0 * matrix_to_sym(reciprocal_metric(own))
            beta[c] = turned + isotropic
        if vibration is not None:
            beta = beta * vibration[:, self.row, None]
        return np.broadcast_to(beta, (b, len(self.row), 6))

    def _turned(self, beta: FloatArray, op: NDArray[np.intp]) -> FloatArray:
        """R beta R^T of rows (..., 6) under operations (...)."""
        rotation = self.rotation[op]
        turned: FloatArray = matrix_to_sym(
            np.einsum("...ij,...jk,...lk->...il", rotation, sym_to_matrix(beta), rotation)
        )
        return turned
