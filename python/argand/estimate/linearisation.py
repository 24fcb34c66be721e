"""Statistical linearisation: Gauss and Newton's steps on what an amplitude is expected to be.

Where parameters p are known to within sigma only, F is a random number: its mean is that of a crystal whose atoms are
smeared by what is not known of them, m = F(p; U + sigma^2 M M^T), its variance S. So is |F|, with the mean and the
slope of Rice's distribution (acentric reflections) or of the folded normal one (centric). With x = m^2 / S:

    acentric  E = sqrt(pi S)/2 [(1 + x) i0(x/2) + x i1(x/2)],  dE/dm = sqrt(pi x)/2 [i0(x/2) + i1(x/2)],
    centric   E = sqrt(2 S/pi) exp(-x/2) + m erf(sqrt(x/2)),   dE/dm = erf(sqrt(x/2)),

i0 and i1 with exp(-x/2) taken out. What the slopes do not explain of Var |F| = m^2 + S - E^2 is an error of the
linear equations, so that they weigh themselves. The sigma goes down step by step. Nothing is trained.

Source: the distributions, A. J. C. Wilson, Acta Cryst. 2 (1949) 318, and G. N. Ramachandran et al.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import erf, i0e, i1e

from argand.cell import (
    FloatArray,
    beta_from_b_iso,
    beta_from_u_aniso,
    matrix_to_sym,
    u_aniso_from_beta,
)
from argand.crystal import Crystal
from argand.estimate.scale import fit_scale
from argand.radiation import Radiation
from argand.refine import Model, Parameters
from argand.refine.parameters import FRAC
from argand.reflections import centric
from argand.site_symmetry import cartesian_axes

__all__ = ["Linearisation", "expected_amplitude", "smeared"]

_STEPS, _LAST = 16, 0.15  # sigma goes from its start to this part of it
_DRAWS = 192  # for the variance of F
_AT_ONCE = 3_000_000  # numbers of a Jacobian that are kept


def smeared(crystal: Crystal, covariance: FloatArray) -> Crystal:
    """The mean of crystals whose sites move with Cartesian covariances (n, 3, 3), A^2: these are added to U."""
    to_frac = np.linalg.inv(cartesian_axes(crystal))
    beta = 2.0 * np.pi**2 * matrix_to_sym(to_frac @ covariance @ to_frac.T)
    known = beta_from_b_iso(crystal.b_iso, crystal.cell)
    if crystal.u_aniso is not None:
        own = ~np.isnan(crystal.u_aniso[:, 0])
        known[own] = beta_from_u_aniso(crystal.u_aniso[own], crystal.cell)
    return crystal.replace(u_aniso=u_aniso_from_beta(known + beta, crystal.cell))


def expected_amplitude(
    m: FloatArray, variance: FloatArray, is_centric: NDArray[np.bool_]
) -> tuple[FloatArray, FloatArray]:
    """E |F| and its derivative by m, of F with mean of modulus m and variance S."""
    s = np.maximum(variance, 1e-12)
    x = np.square(m) / s
    slope = erf(np.sqrt(x / 2.0))
    folded = np.sqrt(2.0 * s / np.pi) * np.exp(-x / 2.0) + m * slope
    zero, one = i0e(x / 2.0), i1e(x / 2.0)
    rice = np.sqrt(np.pi * s) / 2.0 * ((1.0 + x) * zero + x * one)
    return np.where(is_centric, folded, rice), np.where(
        is_centric, slope, np.sqrt(np.pi * x) / 2.0 * (zero + one)
    )


class Linearisation:
    """Of a crystal with free positions (`argand.refine.free`), all of whose parameters are expected to be as large."""

    def __init__(
        self,
        crystal: Crystal,
        hkl: NDArray[np.int32],
        parameters: Parameters,
        radiation: Radiation | None = None,
    ) -> None:
        self.crystal, self.hkl = crystal, hkl
        self._radiation = radiation or Radiation()
        self.modes = (
            parameters.directions[:, :, FRAC] @ cartesian_axes(crystal).T
        )  # (k, n, 3) angstrom
        self._parameters = parameters
        self._sharp = Model(crystal, hkl, parameters, radiation=self._radiation, mates_merged=True)
        self._squares = np.square(self._sharp.stol)
        self._centric = centric(hkl, crystal.symops)
        self._local = np.einsum("kni,knj->nij", self.modes, self.modes)
        self._at = lru_cache(maxsize=64)(self._prepare)

    def __call__(
        self, observed: FloatArray, sigma: FloatArray, width: float, start: FloatArray | None = None
    ) -> FloatArray:
        """p (b, k) of amplitudes (b, m), NaN where not measured, on any scale, from p = `start` known to `width`."""
        p = np.zeros((len(observed), len(self.modes))) if start is None else start.copy()
        together = max(1, _AT_ONCE // max(1, len(self.modes) * len(self.hkl)))
        schedule = width * np.geomspace(1.0, _LAST, _STEPS)
        for first in range(0, len(p), together):
            own = slice(first, first + together)
            for left in schedule:
                p[own] += self.step(observed[own], sigma[own], p[own], float(left))
        return p

    def step(
        self, observed: FloatArray, sigma: FloatArray, p: FloatArray, left: float
    ) -> FloatArray:
        """What is to be added to p (b, k) that are known to within `left` standard deviations of the modes."""
        model, variance = self._at(round(left, 5))
        f = model.structure_factors(p)
        m = np.abs(f)
        e, slope = expected_amplitude(m, variance, self._centric)
        spread = np.maximum(np.square(m) + variance - np.square(e), 0.0)
        floor = 1e-4 * np.square(e).mean(axis=1, keepdims=True)
        scale, b = fit_scale(
            observed, e, self._squares, 1.0 / (spread + 0.01 * np.square(e) + floor)
        )
        factor = scale[:, None] * np.exp(-b[:, None] * self._squares)
        seen = np.isfinite(observed)
        h = model.jacobian_along(p, f / np.maximum(m, 1e-12) * slope, np.float32)
        unexplained = (
            np.maximum(spread - left**2 * np.einsum("bkm,bkm->bm", h, h), 0.0) + 0.1 * spread
        )
        error = unexplained + floor + np.square(np.where(seen, sigma, 0.0) / factor)
        weighted = h * (seen / error)[:, None].astype(np.float32)
        normal = np.matmul(weighted, h.transpose(0, 2, 1)).astype(np.float64)
        normal += np.eye(len(self.modes)) / left**2
        gradient = np.einsum("bkm,bm->bk", weighted, np.where(seen, observed / factor - e, 0.0))
        return np.asarray(np.linalg.solve(normal, gradient[..., None])[..., 0])

    def _prepare(self, left: float) -> tuple[Model, FloatArray]:
        """The model of the smeared crystal, and the variance of F (m,)."""
        model = Model(
            smeared(self.crystal, left**2 * self._local),
            self.hkl,
            self._parameters,
            radiation=self._radiation,
            mates_merged=True,
        )
        drawn = np.random.default_rng(0).normal(size=(_DRAWS, len(self.modes))) * left
        f = self._sharp.structure_factors(drawn)
        return model, f.var(axis=0) + 1e-9
