"""What a series needs of an adaptation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from argand.cell import FloatArray
from argand.crystal import Crystal
from argand.errors import ArgandError
from argand.measured import Merged

__all__ = ["Answer", "Estimate", "Estimator"]


class Answer(NamedTuple):
    """Another crystal of which the same would have been measured."""

    displacement: FloatArray  # (n, 3)
    f: NDArray[np.complex128]  # (m,)


class Estimate(NamedTuple):
    """What was found in one data set of m reflections, of a crystal with n sites."""

    hkl: NDArray[np.int32]  # (m, 3)
    amplitude: FloatArray  # (m,) measured |F| on an absolute scale, NaN where not measured
    sigma_amplitude: FloatArray  # (m,)
    f: NDArray[np.complex128]  # (m,) of the displaced crystal, on the same scale
    displacement: FloatArray  # (n, 3) Cartesian angstrom
    sigma: FloatArray  # (n,) standard uncertainty of a site in three dimensions, or none at all
    r_known: float
    r: float
    scale: float  # of the measured |F|
    b_change: float  # A^2
    flags: tuple[str, ...]  # in which way it lies outside what the estimator was made for
    other: Answer | None = None  # where the parent's symmetry makes it ambiguous


class Estimator(Protocol):
    """Displacements of a known crystal from measured data sets, many at once."""

    @property
    def crystal(self) -> Crystal: ...

    @property
    def table(self) -> str:
        """Form factors, as in `argand.structure_factors`."""

    @property
    def warning(self) -> str:
        """What holds for all its answers, in words: a parent whose symmetry makes them ambiguous."""

    @property
    def fingerprint(self) -> str:
        """Another one for another estimator: results of different ones do not go into one folder."""

    def __call__(self, data: Sequence[Merged], *, refine: bool) -> Sequence[Estimate | ArgandError]:
        """An answer for each data set, or why there is none."""
