"""From parameters to structure factors and their derivatives, for many data sets at once.

F(h; p) = y exp(-b stol^2) sum_j occ_j f_j(h) exp(-T_j(h)) exp(2 pi i h.x_j), every site coordinate linear in p, b the
overall B where it is free, y extinction (`argand.extinction`) where there is any. The rows of p are data sets of one
crystal: they share reflections, symmetry and form factors, so that one call into the core serves all.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from argand import _seam
from argand._pack import row_order
from argand.cell import (
    FloatArray,
    beta_from_b_iso,
    beta_from_u_aniso,
    cell_parameters,
    matrix_to_sym,
    sym_to_matrix,
)
from argand.copies import Share, spared_operations
from argand.crystal import Crystal
from argand.errors import ArgandError
from argand.extinction import Extinction
from argand.origins import permissible_origins
from argand.radiation import Radiation
from argand.refine._jacobian import TermJacobian
from argand.refine.parameters import BISO, FRAC, OCC, UANISO, Parameters, free
from argand.reflections import as_hkl, stol
from argand.site_symmetry import cartesian_axes
from argand.symmetry import operations

__all__ = ["Model"]

ComplexArray = NDArray[np.complex128]


class Model:
    """A known crystal whose free parameters p (n, k) give F (n, m): one row for each data set.

    Parameters
    ----------
    crystal
        The known structure, where p = 0. Its symmetry is kept: it is summed over the asymmetric unit.
    hkl
        Reflections (m, 3), in any order; equivalents are for the caller to merge.
    parameters
        What is free (see `free`); None: the positions of all sites.
    table, energy_kev
        As in `argand.structure_factors`.
    extinction
        SHELXL's x where p = 0; this, and a free one, need `energy_kev`.
    mates_merged
        The data are means of Friedel mates. Of |F(h)|^2 and |F(-h)|^2 the mean is |F'|^2 + |F''|^2, with f0 + f' and
        with f'': without a centre of symmetry the second term, small away from absorption edges, is left out.

    Attributes
    ----------
    crystal, hkl, stol, parameters, radiation

    Positions are displacements in angstrom along Cartesian axes. Which sites lie on a special position, and how many
    atoms each stands for, is that of the known structure, wherever p takes them.
    """

    def __init__(
        self,
        crystal: Crystal,
        hkl: ArrayLike,
        parameters: Parameters | None = None,
        *,
        radiation: Radiation | None = None,
        extinction: float = 0.0,
        mates_merged: bool = False,
    ) -> None:
        self.crystal = crystal
        self.hkl = as_hkl(hkl)
        self.parameters = free(crystal) if parameters is None else parameters
        n = len(crystal.types)
        if self.parameters.directions.shape[1:] != (n, 11):
            raise ArgandError(
                f"parameters are of {self.parameters.directions.shape[1]} sites, the crystal has {n}"
            )
        self.radiation = radiation or Radiation()
        self.stol = stol(self.hkl, crystal.cell)
        self._kinds = tuple(dict.fromkeys(crystal.types))
        self._kind = np.array([self._kinds.index(t) for t in crystal.types], np.int32)
        self._form = self.radiation.form_factors(self._kinds, self.stol)
        self._mates_merged = mates_merged
        if mates_merged and spared_operations(crystal.symops, True)[2] is None:
            self._form = np.ascontiguousarray(self._form.real)
        self._anisotropic = (
            np.zeros(n, bool) if crystal.u_aniso is None else ~np.isnan(crystal.u_aniso[:, 0])
        )
        self._start = np.zeros((n, 11))
        self._start[:, FRAC], self._start[:, BISO], self._start[:, OCC] = (
            crystal.frac,
            crystal.b_iso,
            crystal.occ,
        )
        if crystal.u_aniso is not None:
            self._start[self._anisotropic, UANISO] = crystal.u_aniso[self._anisotropic]
        self._flat = self.parameters.directions.reshape(len(self.parameters), n * 11)
        self._overall = self.parameters.of_kind("overall_b")
        self._x0, self._x = extinction, self.parameters.of_kind("extinction")
        self._extinction: Extinction | None = None
        if extinction or len(self._x):
            if self.radiation.wavelength is None:
                raise ArgandError(
                    "extinction depends on the wavelength: needs a radiation with one"
                )
            self._extinction = Extinction(self.stol, self.radiation.wavelength)
        every = operations(crystal.symops)
        kept, centring, inversion = spared_operations(crystal.symops, np.isrealobj(self._form))
        self._share = Share(crystal, centring, inversion)
        self._rotation = np.array([every[i][0] for i in kept])
        self._translation = np.array([every[i][1] for i in kept])
        order = row_order(self.hkl)
        self._order = slice(None) if order is None else order
        self._sorted = np.ascontiguousarray(self.hkl[self._order])
        self._sorted_form = np.ascontiguousarray(self._form[:, self._order])
        self._terms = TermJacobian(
            crystal, self.hkl, self._form, self._kind, self._anisotropic, self._flat
        )

    def __len__(self) -> int:
        """Number of parameters, k."""
        return len(self.parameters)

    @property
    def site_columns(self) -> int:
        """Number of site coordinates that some parameter moves, s of `site_jacobian`."""
        return int(self._terms.columns.shape[1]) + len(self._overall) + len(self._x)

    def in_cell(self, cell: Any) -> Model:
        """The same parameters in another cell, which keeps the fractional coordinates of the known structure.

        A parameter then still moves its site by the same fractions: an angstrom is one of the known cell.
        """
        return self.of(self.crystal.replace(cell=cell_parameters(cell)), self.parameters)

    def of(self, crystal: Crystal, parameters: Parameters) -> Model:
        """The same reflections and radiation, and the same extinction where p = 0, of another crystal."""
        return Model(
            crystal,
            self.hkl,
            parameters,
            radiation=self.radiation,
            extinction=self._x0,
            mates_merged=self._mates_merged,
        )

    def structure_factors(self, p: ArrayLike) -> ComplexArray:
        """F (n, m) of parameters p (n, k), or (m,) of (k,)."""
        rows, single = self._rows(p)
        f = self._f_undamped(self._sites(rows))
        f *= self._damping(rows)
        if self._extinction is not None:
            f *= self._extinction.factor(
                np.square(f.real) + np.square(f.imag), self.extinction(rows)[:, None]
            )
        return f[0] if single else f

    def jacobian(self, p: ArrayLike) -> ComplexArray:
        """dF/dp (n, m, k), complex, of p (n, k); (m, k) of (k,). Large: n m k numbers of 16 bytes."""
        rows, single = self._rows(p)
        one = np.ones((len(rows), len(self.hkl)), np.complex128)
        both = [self.jacobian_along(rows, w).transpose(0, 2, 1) for w in (one, 1j * one)]
        jacobian = both[0] + 1j * both[1]
        return jacobian[0] if single else jacobian

    def jacobian_along(self, p: ArrayLike, w: ArrayLike, dtype: Any = np.float64) -> NDArray[Any]:
        """Re(conj(w) dF/dp), (n, k, m), of p (n, k) and w (n, m): what a real observable needs.

        With w = F / |F| it is d|F|/dp, with w = 2 F it is d|F|^2/dp. `dtype` float32 halves the time.
        """
        sites, columns = self.site_jacobian(p, w, dtype)
        k, m = len(self), len(self.hkl)
        return np.matmul(columns.astype(dtype), sites, out=np.empty((len(sites), k, m), dtype))

    def site_jacobian(
        self, p: ArrayLike, w: ArrayLike, dtype: Any = np.float64
    ) -> tuple[NDArray[Any], FloatArray]:
        """Re(conj(w) dF/dq) (n, s, m) by the s site coordinates that p moves, and dq/dp (k, s).

        The normal matrix of p follows from that of q by two small products, which is less work than `jacobian_along`.
        """
        rows, _ = self._rows(p)
        sites = self._sites(rows)
        weight = np.ascontiguousarray(
            np.broadcast_to(np.asarray(w), (len(rows), len(self.hkl))), np.complex128
        )
        weight, extra = self._of_the_whole(rows, sites, weight)
        beta = self._beta(sites)
        jacobian = self._terms(
            sites[:, :, FRAC], beta, sites[:, :, OCC], weight, list(extra.values()), dtype
        )
        columns = self._terms.columns
        if extra:
            columns = np.concatenate([columns, np.eye(len(self))[:, list(extra)]], axis=1)
        return jacobian, columns

    def vjp(self, p: ArrayLike, g: ArrayLike) -> FloatArray:
        """dL/dp (n, k) of a real loss with g = dL/dRe F + i dL/dIm F (n, m); (k,) of (k,) and (m,)."""
        rows, single = self._rows(p)
        sites = self._sites(rows)
        g = np.asarray(g, np.complex128).reshape(len(rows), len(self.hkl))
        g, extra = self._of_the_whole(rows, sites, g)
        batch = self._batch(sites)
        images = batch.frac.shape[0]
        by = np.empty((images, 3)), np.empty((images, 6)), np.empty(images)
        adjoint = np.ascontiguousarray(self._adjoint(g)[:, self._order])
        _seam.structure_factors_vjp(batch, adjoint, *by)
        o, n = len(self._rotation), len(self.crystal.types)
        frac, beta, occ = (x.reshape(len(rows), o, n, -1) for x in by)
        gradient = np.zeros((len(rows), n, 11))
        gradient[:, :, FRAC] = np.einsum("boni,oij->bnj", frac, self._rotation)
        # beta' = R beta R^T of the six components; the isotropic ones are not turned
        turned = np.einsum("bonq,oqr->bnr", beta, self._turns())
        gradient[:, :, UANISO] = turned * beta_from_u_aniso(np.ones(6), self.crystal.cell)
        gradient[:, :, BISO] = np.einsum(
            "bonq,q->bn", beta, beta_from_b_iso(np.ones(()), self.crystal.cell)
        )
        gradient[:, :, OCC] = occ.sum(axis=1)[..., 0] * self._terms.share
        gradient[:, ~self._anisotropic, UANISO] = 0.0
        result: FloatArray = gradient.reshape(len(rows), -1) @ self._flat.T
        for i, values in extra.items():
            result[:, i] = values.sum(axis=1)
        return result[0] if single else result

    def extinction(self, p: ArrayLike) -> FloatArray:
        """SHELXL's x (n,) of parameters p (n, k)."""
        rows, _ = self._rows(p)
        return np.asarray(self._x0 + rows[:, self._x].sum(axis=1))

    def crystals(self, p: ArrayLike) -> list[Crystal]:
        """The crystals of parameters p (n, k); an overall B is added to all sites."""
        rows, _ = self._rows(p)
        sites, made = self._sites(rows), []
        iso = beta_from_b_iso(np.ones(()), self.crystal.cell) / beta_from_u_aniso(
            np.ones(6), self.crystal.cell
        )
        for site, b in zip(sites, rows[:, self._overall].sum(axis=1), strict=True):
            u_aniso = None
            if self.crystal.u_aniso is not None:
                u_aniso = np.where(self._anisotropic[:, None], site[:, UANISO] + b * iso, np.nan)
            made.append(
                self.crystal.replace(
                    frac=site[:, FRAC], b_iso=site[:, BISO] + b, occ=site[:, OCC], u_aniso=u_aniso
                )
            )
        return made

    def displacements(self, p: ArrayLike) -> FloatArray:
        """Cartesian displacement (n, sites, 3) of every site, angstrom; (sites, 3) of (k,)."""
        rows, single = self._rows(p)
        shift = (rows @ self._flat).reshape(len(rows), -1, 11)[:, :, FRAC] @ cartesian_axes(
            self.crystal
        ).T
        return shift[0] if single else shift

    def from_displacements(self, u: ArrayLike) -> FloatArray:
        """The p (n, k) whose displacements are nearest to u (n, sites, 3), angstrom; the other parameters are 0."""
        given = np.asarray(u, np.float64)
        rows = given.reshape(-1, len(self.crystal.types) * 3)
        at = self.parameters.of_kind("position")
        moves = self.parameters.directions[at][:, :, FRAC] @ cartesian_axes(self.crystal).T
        p = np.zeros((len(rows), len(self)))
        p[:, at] = rows @ np.linalg.pinv(moves.reshape(len(at), rows.shape[1]))
        return p[0] if given.ndim == 2 else p

    def floating(self) -> FloatArray:
        """Unit vectors (j, k) along which p moves the whole crystal and leaves |F| as it is: origins that float."""
        axes = permissible_origins(self.crystal.symops).axes @ cartesian_axes(self.crystal).T
        u = np.broadcast_to(axes[:, None, :], (len(axes), len(self.crystal.types), 3))
        p = self.from_displacements(u).reshape(len(axes), len(self))
        if not len(axes) or np.abs(self.displacements(p) - u).max(initial=0.0) > 1e-6:
            return np.empty((0, len(self)))
        q, _ = np.linalg.qr(p.T)
        return np.ascontiguousarray(q.T)

    def _rows(self, p: ArrayLike) -> tuple[FloatArray, bool]:
        given = np.asarray(p, np.float64)
        if given.ndim not in (1, 2) or given.shape[-1] != len(self):
            raise ValueError(f"p has shape {given.shape}, needs (n, {len(self)}) or ({len(self)},)")
        return np.atleast_2d(given), given.ndim == 1

    def _sites(self, rows: FloatArray) -> FloatArray:
        """Coordinates (n, sites, 11)."""
        return self._start + (rows @ self._flat).reshape(len(rows), *self._start.shape)

    def _beta(self, sites: FloatArray) -> FloatArray:
        beta = beta_from_b_iso(sites[:, :, BISO], self.crystal.cell)
        if self._anisotropic.any():
            u_aniso = sites[:, self._anisotropic, UANISO]
            beta[:, self._anisotropic] = beta_from_u_aniso(u_aniso, self.crystal.cell)
        return beta

    def _turns(self) -> FloatArray:
        """(operations, 6, 6): how the six components of beta turn under each operation."""
        units = np.einsum(
            "oij,qjk,olk->oqil", self._rotation, sym_to_matrix(np.eye(6)), self._rotation
        )
        return matrix_to_sym(units).transpose(0, 2, 1)

    def _batch(self, sites: FloatArray) -> _seam.Batch:
        """All images that have to be summed, as the core takes them: data set, operation, site."""
        b, n, o = len(sites), len(self.crystal.types), len(self._rotation)
        frac = (
            np.einsum("oij,bnj->boni", self._rotation, sites[:, :, FRAC])
            + self._translation[:, None, :]
        )
        beta = np.broadcast_to(self._beta(sites)[:, None], (b, o, n, 6))
        if self._anisotropic.any():
            turned = np.einsum("oqr,bnr->bonq", self._turns(), beta[:, 0])
            beta = np.where(self._anisotropic[:, None], turned, beta)
        occ = np.broadcast_to((sites[:, :, OCC] * self._terms.share)[:, None], (b, o, n))
        return _seam.Batch(
            atom_ptr=np.arange(b + 1, dtype=np.int64) * (o * n),
            frac=np.ascontiguousarray(frac.reshape(-1, 3)),
            beta=np.ascontiguousarray(beta.reshape(-1, 6)),
            occ=np.ascontiguousarray(occ.reshape(-1)),
            scatterer=np.tile(self._kind, b * o),
            form=self._sorted_form.reshape(-1),
            form_ptr=np.arange(len(self._kinds) + 1, dtype=np.int64) * len(self.hkl),
            hkl=self._sorted,
        )

    def _f_undamped(self, sites: FloatArray) -> ComplexArray:
        batch = self._batch(sites)
        sums = np.empty(batch.out_shape, np.complex128)
        _seam.structure_factors(batch, sums, trusted=True)
        f = np.empty_like(sums)
        f[:, self._order] = self._share.complete(sums, self._sorted)
        return f

    def _damping(self, rows: FloatArray) -> FloatArray:
        b = rows[:, self._overall].sum(axis=1, keepdims=True)
        return np.exp(-b * np.square(self.stol)) if len(self._overall) else np.ones((len(rows), 1))

    def _of_the_whole(
        self, rows: FloatArray, sites: FloatArray, w: ComplexArray
    ) -> tuple[ComplexArray, dict[int, FloatArray]]:
        """The chain from F to G, the sum over the sites, and to the parameters q that move no site:

        Re(conj(w) dF) = Re(conj(v) dG) + sum_q e_q dq; returned are v (n, m) and e_q (n, m) by the number of q.
        """
        extra: dict[int, FloatArray] = {}
        damping = self._damping(rows)
        if not len(self._overall) and self._extinction is None:
            return w * damping, extra
        f = self._f_undamped(sites) * damping
        if self._extinction is not None:
            w, by_x = self._extinction.adjoint(f, self.extinction(rows)[:, None], w)
            extra |= dict.fromkeys(self._x.tolist(), by_x)
        by_b = -np.square(self.stol) * (w.conj() * f).real
        extra |= dict.fromkeys(self._overall.tolist(), by_b)
        return w * damping, extra

    def _adjoint(self, g: ComplexArray) -> ComplexArray:
        """What the derivative of the part that is summed has to be multiplied with, see `Share`."""
        share, hkl = self._share, self.hkl
        if share.inversion is not None:
            g = g + np.exp(2j * np.pi * (hkl @ share.inversion)) * g.conj()
        turns = hkl @ share.centring.T
        return np.asarray(g * np.exp(2j * np.pi * turns).sum(axis=1).conj())
