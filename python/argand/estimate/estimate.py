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
from argand.radiation import Radiation

__all__ = ["Answer", "Estimate", "Estimator", "FurtherAtom", "with_atom"]


class FurtherAtom(NamedTuple):
    """An atom that a measured crystal has and the known one has not."""

    type: str
    label: str
    frac: FloatArray  # (3,)
    occ: float
    b_iso: float  # A^2


def with_atom(crystal: Crystal, atom: FurtherAtom | None) -> Crystal:
    """The crystal and the atom, if there is one; more than one is what no file of a crystal can hold."""
    if atom is None:
        return crystal
    none = np.full((1, 6), np.nan)
    return crystal.replace(
        types=(*crystal.types, atom.type),
        labels=(*crystal.labels, atom.label),
        frac=np.concatenate([crystal.frac, [atom.frac]]),
        occ=np.append(crystal.occ, min(atom.occ, 1.0)),
        b_iso=np.append(crystal.b_iso, atom.b_iso),
        u_aniso=None if crystal.u_aniso is None else np.concatenate([crystal.u_aniso, none]),
    )


class Answer(NamedTuple):
    """A crystal of which this would have been measured."""

    displacement: FloatArray  # (n, 3)
    f: NDArray[np.complex128]  # (m,)
    further: FurtherAtom | None = None


class Estimate(NamedTuple):
    """What was found in one data set of m reflections, of a crystal with n sites."""

    hkl: NDArray[np.int32]  # (m, 3)
    amplitude: FloatArray  # (m,) measured |F| on an absolute scale, NaN where not measured
    sigma_amplitude: FloatArray  # (m,)
    f: NDArray[
        np.complex128
    ]  # (m,) of the displaced crystal, on the same scale, with its further atom
    displacement: FloatArray  # (n, 3) Cartesian angstrom
    sigma: FloatArray  # (n,) standard uncertainty of a site in three dimensions, or none at all
    r_known: float
    r: float
    scale: float  # of the measured |F|
    b_change: float  # A^2
    flags: tuple[str, ...]  # in which way it lies outside what the estimator was made for
    other: Answer | None = None  # where the parent's symmetry makes it ambiguous
    further: FurtherAtom | None = None  # what no displaced atom explains


class Estimator(Protocol):
    """Displacements of a known crystal from measured data sets, many at once."""

    @property
    def crystal(self) -> Crystal: ...

    @property
    def radiation(self) -> Radiation:
        """What is scattered, and its form factors."""

    @property
    def warning(self) -> str:
        """What holds for all its answers, in words: a parent whose symmetry makes them ambiguous."""

    @property
    def fingerprint(self) -> str:
        """Another one for another estimator: results of different ones do not go into one folder."""

    def __call__(self, data: Sequence[Merged], *, refine: bool) -> Sequence[Estimate | ArgandError]:
        """An answer for each data set, or why there is none."""
