"""Statistical linearisation: Gauss-Newton steps on the expected amplitude.

Where parameters p are known to within sigma only, F is a random number. Its mean is that of a
crystal whose atoms are smeared by what is not known, m = F(p; U + sigma^2 M M^T), its variance is
S. So |F| is random, with the mean and the slope of Rice's distribution (acentric reflections) or of
the folded normal one (centric reflections). With x = m^2 / S:

    acentric  E     = sqrt(pi S)/2 [(1 + x) i0(x/2) + x i1(x/2)]
              dE/dm = sqrt(pi x)/2 [i0(x/2) + i1(x/2)]
    centric   E     = sqrt(2 S/pi) exp(-x/2) + m erf(sqrt(x/2))
              dE/dm = erf(sqrt(x/2))

i0 and i1 with exp(-x/2) taken out. What the slopes do not explain of Var |F| = m^2 + S - E^2 is an
error of the linear equations, which gives them their weights. Sigma is lowered step by step.
Nothing is trained.

Source: the distributions, A. J. C. Wilson, Acta Cryst. 2 (1949) 318, and G. N. Ramachandran et al.
"""

from __future__ import annotations

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

# Number of steps from the first sigma to the last.
_STEPS = 16

# Sigma ends at this part of its start: what is left is for least squares.
_LAST_SIGMA = 0.15

# Crystals that are drawn to estimate the variance of F.
_DRAWS = 192

# Numbers of a Jacobian that are in memory at once: data sets are taken in groups.
_JACOBIAN_NUMBERS = 3_000_000

# Models of so many values of sigma are kept. A search uses three schedules of 16 steps.
_KEPT_SIGMAS = 64

# Least error of a linear equation: these parts of the expected |F|^2 (own and mean) for the scale,
# the mean alone for the step, and this part of the variance of |F|.
_SCALE_ERROR = 0.01
_LEAST_ERROR = 1e-4
_NONLINEAR_ERROR = 0.1


def smeared(crystal: Crystal, covariance: FloatArray) -> Crystal:
    """Return the mean of crystals whose sites move with Cartesian covariances (n, 3, 3), A^2.

    The covariances are added to U of each site.
    """
    to_frac = np.linalg.inv(cartesian_axes(crystal))
    added = 2.0 * np.pi**2 * matrix_to_sym(to_frac @ covariance @ to_frac.T)
    beta = beta_from_b_iso(crystal.b_iso, crystal.cell)
    if crystal.u_aniso is not None:
        anisotropic = ~np.isnan(crystal.u_aniso[:, 0])
        beta[anisotropic] = beta_from_u_aniso(crystal.u_aniso[anisotropic], crystal.cell)
    return crystal.replace(u_aniso=u_aniso_from_beta(beta + added, crystal.cell))


def expected_amplitude(
    m: FloatArray, variance: FloatArray, is_centric: NDArray[np.bool_]
) -> tuple[FloatArray, FloatArray]:
    """Calculate E |F| and its derivative by m, for F with a mean of modulus m and variance S."""
    s = np.maximum(variance, 1e-12)
    x = np.square(m) / s
    centric_slope = erf(np.sqrt(x / 2.0))
    half_normal = np.sqrt(2.0 * s / np.pi)
    centric_mean = half_normal * np.exp(-x / 2.0) + m * centric_slope
    i0 = i0e(x / 2.0)
    i1 = i1e(x / 2.0)
    rayleigh = np.sqrt(np.pi * s) / 2.0
    acentric_mean = rayleigh * ((1.0 + x) * i0 + x * i1)
    acentric_slope = np.sqrt(np.pi * x) / 2.0 * (i0 + i1)
    mean = np.where(is_centric, centric_mean, acentric_mean)
    return mean, np.where(is_centric, centric_slope, acentric_slope)


class Linearisation:
    """Estimate position parameters, all expected to be equally large, by statistical linearisation.

    Parameters
    ----------
    crystal
        The known structure, n sites.
    hkl
        Reflections (m, 3).
    parameters
        k position parameters (`argand.refine.free`).
    radiation
        Form factors; None: x-rays without dispersion.
    """

    def __init__(
        self,
        crystal: Crystal,
        hkl: NDArray[np.int32],
        parameters: Parameters,
        radiation: Radiation | None = None,
    ) -> None:
        self.crystal = crystal
        self.hkl = hkl
        axes = cartesian_axes(crystal)
        # (k, n, 3) Cartesian angstrom
        self.modes = parameters.directions[:, :, FRAC] @ axes.T
        self._radiation = radiation or Radiation()
        self._parameters = parameters
        self._sharp = self._model(crystal)
        self._squares = np.square(self._sharp.stol)
        self._centric = centric(hkl, crystal.symops)
        # (n, 3, 3) covariance of each site for parameters N(0, 1)
        self._unit_covariance = np.einsum("kni,knj->nij", self.modes, self.modes)
        self._smeared: dict[float, tuple[Model, FloatArray]] = {}

    def __call__(
        self,
        amplitude: FloatArray,
        sigma: FloatArray,
        width: float,
        start: FloatArray | None = None,
    ) -> FloatArray:
        """Estimate parameters (b, k) of b data sets.

        Parameters
        ----------
        amplitude, sigma
            |F| (b, m) on any scale, NaN where not measured, and its standard uncertainty.
        width
            Standard deviation to which the parameters are known at the start.
        start
            Parameters (b, k) to start from; None: 0, the known structure.
        """
        p = np.zeros((len(amplitude), len(self.modes)))
        if start is not None:
            p = start.copy()
        jacobian_numbers = max(1, len(self.modes) * len(self.hkl))
        together = max(1, _JACOBIAN_NUMBERS // jacobian_numbers)
        schedule = width * np.geomspace(1.0, _LAST_SIGMA, _STEPS)
        for first in range(0, len(p), together):
            rows = slice(first, first + together)
            group = amplitude[rows]
            group_sigma = sigma[rows]
            for uncertainty in schedule.tolist():
                p[rows] += self.step(group, group_sigma, p[rows], uncertainty)
        return p

    def step(
        self, amplitude: FloatArray, sigma: FloatArray, p: FloatArray, uncertainty: float
    ) -> FloatArray:
        """Calculate one Gauss-Newton step (b, k) from p (b, k), known within `uncertainty`."""
        model, variance = self._smeared_model(round(uncertainty, 5))
        f = model.structure_factors(p)
        modulus = np.abs(f)
        mean, slope = expected_amplitude(modulus, variance, self._centric)
        mean_square = np.square(mean)
        spread = np.maximum(np.square(modulus) + variance - mean_square, 0.0)
        least_error = _LEAST_ERROR * mean_square.mean(axis=1, keepdims=True)

        scale_error = spread + _SCALE_ERROR * mean_square + least_error
        scale, b = fit_scale(amplitude, mean, self._squares, 1.0 / scale_error)
        factor = scale[:, None] * np.exp(-b[:, None] * self._squares)

        along = f / np.maximum(modulus, 1e-12) * slope
        jacobian = model.jacobian_along(p, along, np.float32)
        explained = uncertainty**2 * np.einsum("bkm,bkm->bm", jacobian, jacobian)
        unexplained = np.maximum(spread - explained, 0.0) + _NONLINEAR_ERROR * spread
        measured = np.isfinite(amplitude)
        measurement_error = np.where(measured, sigma, 0.0) / factor
        error = unexplained + least_error + np.square(measurement_error)

        weighted = jacobian * (measured / error)[:, None].astype(np.float32)
        transposed = jacobian.transpose(0, 2, 1)
        normal = np.matmul(weighted, transposed).astype(np.float64)
        normal += np.eye(len(self.modes)) / uncertainty**2
        residual = np.where(measured, amplitude / factor - mean, 0.0)
        gradient = np.einsum("bkm,bm->bk", weighted, residual)
        step = np.linalg.solve(normal, gradient[..., None])
        return np.asarray(step[..., 0])

    def _smeared_model(self, uncertainty: float) -> tuple[Model, FloatArray]:
        """Return the model of the smeared crystal, and the variance of F (m,)."""
        if uncertainty not in self._smeared:
            if len(self._smeared) >= _KEPT_SIGMAS:
                del self._smeared[next(iter(self._smeared))]
            covariance = uncertainty**2 * self._unit_covariance
            model = self._model(smeared(self.crystal, covariance))
            rng = np.random.default_rng(0)
            p = rng.normal(size=(_DRAWS, len(self.modes))) * uncertainty
            f = self._sharp.structure_factors(p)
            self._smeared[uncertainty] = model, f.var(axis=0) + 1e-9
        return self._smeared[uncertainty]

    def _model(self, crystal: Crystal) -> Model:
        radiation = self._radiation
        return Model(crystal, self.hkl, self._parameters, radiation=radiation, mates_merged=True)
