"""Compute structure factors and their derivatives from parameters, for many data sets at once.

F(h; p) = y exp(-b stol^2) sum_j occ_j f_j(h) exp(-T_j(h)) exp(2 pi i h.x_j). Every coordinate of a
site is linear in the parameters p; b is the overall B where it is free, and y the extinction
(`argand.extinction`) where there is any. The rows of p are data sets of one crystal: they share
reflections, symmetry and form factors, so that one call into the core serves all.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array

from argand._memory import demand
from argand._numbers import complex_array, real_array
from argand.cell import (
    FloatArray,
    beta_from_b_iso,
    beta_from_u_aniso,
    cell_parameters,
    u_aniso_from_beta,
)
from argand.completion import independent_operations
from argand.copies import Copies
from argand.crystal import Crystal
from argand.errors import ArgandError
from argand.origins import free_axes
from argand.radiation import Radiation
from argand.refine._jacobian import SiteJacobian
from argand.refine._overall import OverallFactors
from argand.refine.parameters import BISO, COORDINATES, FRAC, OCC, UANISO, Parameters, free
from argand.reflections import as_hkl, stol
from argand.site_symmetry import cartesian_axes

__all__ = ["Model"]

ComplexArray = NDArray[np.complex128]

# Derivatives are made by coordinates first, and by parameters from these.
_COPIES_OF_JACOBIAN = 2

# The coordinate, in cell edges, beyond which a site is brought back by whole cells.
_FAR = 1e6

# A shift of the whole crystal that p reproduces to this (angstrom) is a floating origin.
_SAME_SHIFT = 1e-6


class Model:
    """Model a known crystal whose k free parameters p (n, k) give F (n, m) of n data sets.

    Positions are displacements in angstrom along Cartesian axes. The known structure decides which
    sites lie on special positions and how many atoms each stands for, wherever p moves them.

    Parameters
    ----------
    crystal
        The known structure, where p = 0. Its symmetry is kept: it is summed over the asymmetric
        unit.
    hkl
        Reflections (m, 3), in any order; equivalents are for the caller to merge.
    parameters
        What is free (see `free`); None: the positions of all sites.
    radiation
        The form factors; None: x-rays without dispersion.
    extinction
        SHELXL's x where p = 0; this, and a free one, need the wavelength of `radiation`.
    mates_merged
        The data are means of Friedel mates. The mean of |F(h)|^2 and |F(-h)|^2 is |F'|^2 + |F''|^2,
        F' with f0 + f' and F'' with f'': without a centre of symmetry the second term, small away
        from absorption edges, is left out.

    Attributes
    ----------
    crystal, hkl, parameters, radiation
    stol : (m,) sin(theta)/lambda of the reflections, 1/angstrom
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
        self.radiation = radiation or Radiation()
        n = len(crystal.types)
        sites = self.parameters.directions.shape[1]
        if self.parameters.directions.shape[1:] != (n, COORDINATES):
            raise ArgandError(f"parameters are of {sites} sites, the crystal has {n}")
        self.stol = stol(self.hkl, crystal.cell)
        self._start_extinction = extinction
        self._mates_merged = mates_merged
        _, completion = independent_operations(crystal.symops, True)
        self._copies = Copies(
            crystal,
            self.hkl,
            self.radiation,
            merge_images=False,
            real_form=mates_merged and completion.inversion is None,
        )
        self._start = _coordinates(crystal)
        shape = (len(self.parameters), n * COORDINATES)
        self._directions = self.parameters.directions.reshape(shape)
        self._overall = OverallFactors(self.parameters, self.stol, extinction, self.radiation)
        self._beta_of_b = beta_from_b_iso(np.ones(()), crystal.cell)
        self._beta_of_u = beta_from_u_aniso(np.ones(6), crystal.cell)

    def __len__(self) -> int:
        """Return the number of parameters, k."""
        return len(self.parameters)

    @cached_property
    def _site_jacobian(self) -> SiteJacobian:
        """Return the derivatives of the sum over sites; F alone does without their tables."""
        return SiteJacobian(self._copies, self.parameters.directions, self._overall.columns)

    @property
    def site_columns(self) -> int:
        """Return the number s of coordinates that some parameter moves, as in `site_jacobian`."""
        return int(self._site_jacobian.columns.shape[1])

    def in_cell(self, cell: Any) -> Model:
        """Return a model in another cell (angstrom, degrees) with the parameters of this one.

        Sites keep the fractional coordinates of the known structure. A parameter still moves its
        site by the same fractions: an angstrom is one of the known cell.
        """
        return self.of(self.crystal.replace(cell=cell_parameters(cell)), self.parameters)

    def of(self, crystal: Crystal, parameters: Parameters) -> Model:
        """Return a model of another crystal with the reflections and radiation of this one.

        The extinction where p = 0 stays too.
        """
        return Model(
            crystal,
            self.hkl,
            parameters,
            radiation=self.radiation,
            extinction=self._start_extinction,
            mates_merged=self._mates_merged,
        )

    def structure_factors(self, p: ArrayLike) -> ComplexArray:
        """Compute F (n, m) of parameters p (n, k), or (m,) of (k,)."""
        rows, single = self._rows(p)
        f = self._overall.apply(rows, self._sums(self._sites(rows)))
        return f[0] if single else f

    def jacobian(self, p: ArrayLike) -> ComplexArray:
        """Compute complex dF/dp (n, m, k) of p (n, k), or (m, k) of (k,).

        It takes 16 n m k bytes; `jacobian_along` and `vjp` take less.
        """
        rows, single = self._rows(p)
        self._demand("derivatives of F", len(rows), len(self), np.complex128)
        ones = np.ones((len(rows), len(self.hkl)), np.complex128)
        real_part = self.jacobian_along(rows, ones).transpose(0, 2, 1)
        imaginary_part = self.jacobian_along(rows, 1j * ones).transpose(0, 2, 1)
        jacobian = real_part + 1j * imaginary_part
        return jacobian[0] if single else jacobian

    def jacobian_along(self, p: ArrayLike, w: ArrayLike, dtype: Any = np.float64) -> NDArray[Any]:
        """Compute Re(conj(w) dF/dp) (n, k, m) of p (n, k) and w (n, m).

        This is what a real observable needs: with w = F / |F| it is d|F|/dp, with w = 2 F it is
        d|F|^2/dp. `dtype` float32 halves the time.
        """
        by_coordinate, columns = self.site_jacobian(p, w, dtype)
        shape = (len(by_coordinate), len(self), len(self.hkl))
        dense = columns.toarray().astype(dtype)
        return np.matmul(dense, by_coordinate, out=np.empty(shape, dtype))

    def _demand(self, what: str, n: int, columns: int, dtype: Any) -> None:
        """Raise where derivatives (n, columns, m) and their copy take more memory than a call may.

        `what` names them for the message.
        """
        numbers = n * columns * len(self.hkl)
        needed = _COPIES_OF_JACOBIAN * np.dtype(dtype).itemsize * numbers
        demand(f"{numbers:,} {what}", needed, "give fewer parameters or starts at a time")

    def site_jacobian(
        self, p: ArrayLike, w: ArrayLike, dtype: Any = np.float64
    ) -> tuple[NDArray[Any], csr_array]:
        """Compute Re(conj(w) dF/dq) by the s coordinates q that p moves, and dq/dp.

        `p` is (n, k) and `w` (n, m); the results are (n, s, m) and (k, s). The normal matrix of p
        follows from that of q by two small products, which is less work than `jacobian_along`.
        """
        rows, _ = self._rows(p)
        sites = self._sites(rows)
        shape = (len(rows), len(self.hkl))
        self._demand("derivatives by coordinates", len(rows), self.site_columns, dtype)
        weights = np.ascontiguousarray(np.broadcast_to(np.asarray(w), shape), np.complex128)
        weights, by_parameter = self._overall_adjoint(rows, sites, weights)
        further_rows = list(by_parameter.values())
        beta = self._beta(sites)
        occ = sites[:, :, OCC]
        jacobian = self._site_jacobian(sites[:, :, FRAC], beta, occ, weights, further_rows, dtype)
        return jacobian, self._site_jacobian.columns

    def vjp(self, p: ArrayLike, g: ArrayLike) -> FloatArray:
        """Compute dL/dp (n, k) of a real loss with g = dL/dRe F + i dL/dIm F (n, m).

        A single p (k,) and g (m,) give (k,).
        """
        rows, single = self._rows(p)
        sites = self._sites(rows)
        weights = complex_array("g", g).reshape(len(rows), len(self.hkl))
        weights, by_parameter = self._overall_adjoint(rows, sites, weights)
        frac = sites[:, :, FRAC]
        by_frac, by_beta, by_occ = self._copies.vjp(
            frac, self._beta(sites), sites[:, :, OCC], weights
        )
        anisotropic = self._copies.anisotropic
        gradient = np.zeros(sites.shape)
        gradient[:, :, FRAC] = by_frac
        gradient[:, anisotropic, UANISO] = by_beta[:, anisotropic] * self._beta_of_u
        # F of an anisotropic site does not depend on its B.
        isotropic = ~anisotropic
        gradient[:, isotropic, BISO] = by_beta[:, isotropic] @ self._beta_of_b
        gradient[:, :, OCC] = by_occ
        by_p: FloatArray = gradient.reshape(len(rows), -1) @ self._directions.T
        for column, values in by_parameter.items():
            by_p[:, column] = values.sum(axis=1)
        return by_p[0] if single else by_p

    def extinction(self, p: ArrayLike) -> FloatArray:
        """Return SHELXL's x (n,) of parameters p (n, k)."""
        rows, _ = self._rows(p)
        return self._overall.extinction(rows)

    def crystals(self, p: ArrayLike) -> list[Crystal]:
        """Return the crystals of parameters p (n, k); an overall B is added to all sites."""
        rows, _ = self._rows(p)
        cell = self.crystal.cell
        u_of_b = u_aniso_from_beta(self._beta_of_b, cell)
        crystals = []
        overall_b = self._overall.overall_b(rows)
        for site, b in zip(self._sites(rows), overall_b, strict=True):
            u_aniso = None
            if self.crystal.u_aniso is not None:
                u_aniso = site[:, UANISO] + b * u_of_b
                u_aniso[~self.crystal.anisotropic] = np.nan
            b_iso = site[:, BISO] + b
            frac = site[:, FRAC]
            crystal = self.crystal.replace(
                frac=frac, b_iso=b_iso, occ=site[:, OCC], u_aniso=u_aniso
            )
            crystals.append(crystal)
        return crystals

    def displacements(self, p: ArrayLike) -> FloatArray:
        """Return Cartesian displacements (n, sites, 3) in angstrom of p (n, k), or (sites, 3)."""
        rows, single = self._rows(p)
        fractional = self._moves(rows)[:, :, FRAC]
        shift = fractional @ cartesian_axes(self.crystal).T
        return shift[0] if single else shift

    def from_displacements(self, u: ArrayLike) -> FloatArray:
        """Return the p (n, k) whose displacements are nearest to u (n, sites, 3), in angstrom.

        Parameters that move no site are 0. A single u (sites, 3) gives p (k,).
        """
        displacement = real_array("u", u)
        flat = displacement.reshape(-1, len(self.crystal.types) * 3)
        positions = self.parameters.of_kind("position")
        fractional = self.parameters.directions[positions][:, :, FRAC]
        cartesian = fractional @ cartesian_axes(self.crystal).T
        directions = cartesian.reshape(len(positions), flat.shape[1])
        p = np.zeros((len(flat), len(self)))
        p[:, positions] = flat @ np.linalg.pinv(directions)
        return p[0] if displacement.ndim == 2 else p

    def floating(self) -> FloatArray:
        """Return unit vectors (j, k) along which p moves the whole crystal: floating origins.

        |F| does not change along them.
        """
        fractional = free_axes(self.crystal.symops)
        if not len(fractional):
            return np.empty((0, len(self)))
        axes = fractional @ cartesian_axes(self.crystal).T
        shape = (len(axes), len(self.crystal.types), 3)
        u = np.broadcast_to(axes[:, None, :], shape)
        p = self.from_displacements(u).reshape(len(axes), len(self))
        error = np.abs(self.displacements(p) - u).max(initial=0.0)
        if error > _SAME_SHIFT:
            return np.empty((0, len(self)))
        q, _ = np.linalg.qr(p.T)
        return np.ascontiguousarray(q.T)

    def _rows(self, p: ArrayLike) -> tuple[FloatArray, bool]:
        """Return checked parameters (n, k), and whether they were given as (k,)."""
        parameters = real_array("p", p)
        if parameters.ndim not in (1, 2) or parameters.shape[-1] != len(self):
            raise ValueError(
                f"p has shape {parameters.shape}, needs (n, {len(self)}) or ({len(self)},)"
            )
        return np.atleast_2d(parameters), parameters.ndim == 1

    def _sites(self, rows: FloatArray) -> FloatArray:
        """Return the coordinates (n, sites, 11) of parameters (n, k).

        F of a site is that of its translations; whole cells are taken off a site that has gone so
        far that a phase would be lost in the rounding of h.x.
        """
        sites = self._start + self._moves(rows)
        frac = sites[:, :, FRAC]
        is_far = np.abs(frac) > _FAR
        if is_far.any():
            frac[is_far] -= np.rint(frac[is_far])
        return sites

    def _moves(self, rows: FloatArray) -> FloatArray:
        """Return the changes of coordinates (n, sites, 11) by parameters (n, k)."""
        return (rows @ self._directions).reshape(len(rows), *self._start.shape)

    def _beta(self, sites: FloatArray) -> FloatArray:
        """Return beta (n, sites, 6) of coordinates (n, sites, 11)."""
        beta: FloatArray = sites[:, :, BISO, None] * self._beta_of_b
        anisotropic = self._copies.anisotropic
        if anisotropic.any():
            beta[:, anisotropic] = sites[:, anisotropic, UANISO] * self._beta_of_u
        return beta

    def _sums(self, sites: FloatArray) -> ComplexArray:
        """Return the sums over all sites (n, m) of coordinates (n, sites, 11)."""
        frac = sites[:, :, FRAC]
        return self._copies.structure_factors(frac, self._beta(sites), sites[:, :, OCC])

    def _overall_adjoint(
        self, rows: FloatArray, sites: FloatArray, weights: ComplexArray
    ) -> tuple[ComplexArray, dict[int, FloatArray]]:
        """Turn weights (n, m) of dF into weights of the sums over sites, see `OverallFactors`."""
        if self._overall.absent:
            return weights, {}
        return self._overall.adjoint(rows, self._sums(sites), weights)


def _coordinates(crystal: Crystal) -> FloatArray:
    """Return the coordinates (n, 11) of the sites of a crystal; U of isotropic sites is 0."""
    coordinates = np.zeros((len(crystal.types), COORDINATES))
    coordinates[:, FRAC] = crystal.frac
    coordinates[:, BISO] = crystal.b_iso
    coordinates[:, OCC] = crystal.occ
    if crystal.u_aniso is not None:
        anisotropic = crystal.anisotropic
        coordinates[anisotropic, UANISO] = crystal.u_aniso[anisotropic]
    return coordinates
