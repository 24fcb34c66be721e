"""State what is known of the parameters before a measurement: a Gaussian, as of restraints."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from argand._numbers import real_array
from argand.cell import FloatArray

__all__ = ["GaussianPrior"]


@dataclass(frozen=True, eq=False)
class GaussianPrior:
    """Add (p - mean)^T precision (p - mean) to the sum of weighted squares.

    Attributes
    ----------
    mean : (k,) for all data sets, or (n, k)
    precision : (k, k), or (n, k, k): the inverse covariance; rows of 0 leave a parameter free

    Raises
    ------
    ValueError
        Shapes that do not fit, NaN or infinity.
    """

    mean: FloatArray
    precision: FloatArray

    def __post_init__(self) -> None:
        put = object.__setattr__
        put(self, "mean", np.asarray(self.mean, np.float64))
        put(self, "precision", np.asarray(self.precision, np.float64))
        k = self.mean.shape[-1] if self.mean.ndim else 0
        dimensions_fit = self.mean.ndim in (1, 2) and self.precision.ndim in (2, 3)
        if not dimensions_fit or self.precision.shape[-2:] != (k, k):
            raise ValueError(
                f"prior has mean {self.mean.shape} and precision {self.precision.shape}, "
                "needs (k,) or (n, k) and (k, k) or (n, k, k)"
            )
        finite = np.isfinite(self.mean).all() and np.isfinite(self.precision).all()
        if not finite:
            raise ValueError("prior holds NaN or infinity")

    @classmethod
    def from_sigma(cls, mean: ArrayLike, sigma: ArrayLike) -> GaussianPrior:
        """Make the prior of independent parameters with mean (k,) or (n, k).

        `sigma` holds their standard deviations (k,), or one for all; an infinite one leaves its
        parameter free.
        """
        centre = real_array("mean", mean)
        width = np.broadcast_to(real_array("sigma", sigma), centre.shape[-1:])
        if not (width > 0.0).all():
            raise ValueError(f"sigma is {width.min()}, needs to be positive")
        return cls(centre, np.diag(width**-2.0))

    @classmethod
    def from_covariance(cls, mean: ArrayLike, covariance: ArrayLike) -> GaussianPrior:
        """Make the prior of a mean and a positive definite covariance (k, k) or (n, k, k)."""
        matrix = real_array("covariance", covariance)
        try:
            np.linalg.cholesky(matrix)
        except np.linalg.LinAlgError:
            raise ValueError("covariance is not positive definite") from None
        precision = np.asarray(np.linalg.inv(matrix), np.float64)
        return cls(real_array("mean", mean), precision)

    def pull(
        self, rows: NDArray[np.intp], p: FloatArray
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Compute what the prior adds to the normal equations and to chi^2.

        Parameters
        ----------
        rows : (b,)
            Numbers of the data sets.
        p : (b, k)
            Their parameters.

        Returns
        -------
        The precision (k, k) or (b, k, k), precision (mean - p) (b, k), and
        (p - mean)^T precision (p - mean) (b,).
        """
        mean = self.mean if self.mean.ndim == 1 else self.mean[rows]
        precision = self.precision if self.precision.ndim == 2 else self.precision[rows]
        deviation = mean - p
        force = np.matmul(precision, deviation[..., None])[..., 0]
        square = np.einsum("bk,bk->b", deviation, force)
        return precision, force, np.asarray(square)
