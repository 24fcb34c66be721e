"""Estimators of displacements, and the estimates that they return."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from argand.cell import Cell, FloatArray
from argand.crystal import Crystal
from argand.errors import ArgandError
from argand.estimate.observed import Observed, on_one_list
from argand.estimate.settings import check_time_limit
from argand.measured import Merged
from argand.radiation import Radiation

__all__ = [
    "PLAIN",
    "Answer",
    "Estimate",
    "EstimateOptions",
    "Estimator",
    "FurtherAtom",
    "estimate_by_cell",
    "with_atom",
]


@dataclass(frozen=True)
class EstimateOptions:
    """Choose how long an estimator searches, and whether it answers data that are unlike its own.

    Parameters
    ----------
    time_limit : float, optional
        Seconds that the search for one data set may take; None sets no limit.
    force : bool
        Whether data outside the range of the estimator are answered, with a flag, not refused.
    on_starts : function, optional
        Called with the number of starts whenever some have been refined.
    """

    time_limit: float | None = None
    force: bool = False
    on_starts: Callable[[int], None] | None = None

    def __post_init__(self) -> None:
        check_time_limit(self.time_limit)


#: Options without a limit
PLAIN = EstimateOptions()


class FurtherAtom(NamedTuple):
    """Describe an atom that a measured crystal has and the known one has not."""

    type: str
    label: str
    frac: FloatArray  # (3,)
    occ: float
    b_iso: float  # A^2


def with_atom(crystal: Crystal, atom: FurtherAtom | None) -> Crystal:
    """Add a further atom to a crystal, if there is one.

    An occupancy above 1, which another element causes, becomes 1: no file of a crystal can hold it.
    """
    if atom is None:
        return crystal
    u_aniso = crystal.u_aniso
    if u_aniso is not None:
        isotropic = np.full((1, 6), np.nan)
        u_aniso = np.concatenate([u_aniso, isotropic])
    return crystal.replace(
        types=(*crystal.types, atom.type),
        labels=(*crystal.labels, atom.label),
        frac=np.concatenate([crystal.frac, [atom.frac]]),
        occ=np.append(crystal.occ, min(atom.occ, 1.0)),
        b_iso=np.append(crystal.b_iso, atom.b_iso),
        u_aniso=u_aniso,
    )


class Answer(NamedTuple):
    """Describe a crystal whose amplitudes agree with the measured ones: n sites, m reflections."""

    displacement: FloatArray  # (n, 3) Cartesian angstrom
    f: NDArray[np.complex128]  # (m,) with the further atom
    further: FurtherAtom | None = None


class Estimate(NamedTuple):
    """Hold what an estimator says of one data set of m reflections, of a crystal with n sites."""

    hkl: NDArray[np.int32]  # (m, 3)
    # (m,) measured |F| on an absolute scale, NaN where not measured
    amplitude: FloatArray
    # (m,) standard uncertainty of the measured |F|
    sigma_amplitude: FloatArray
    # (m,) structure factors of the displaced crystal with its further atom, on an absolute scale
    f: NDArray[np.complex128]
    # (n, 3) Cartesian angstrom
    displacement: FloatArray
    # (n,) standard uncertainty of a site in three dimensions, angstrom; empty where unknown
    sigma: FloatArray
    # R of the known structure, and of the displaced one
    r_known: float
    r: float
    # scale of the measured |F| over the absolute one
    scale: float
    # change of the overall B, A^2
    b_change: float
    # in which ways the data lie outside what the estimator is made for
    flags: tuple[str, ...]
    # the second answer where the symmetry of the known structure makes it ambiguous
    other: Answer | None = None
    # an atom that no displacement explains
    further: FurtherAtom | None = None
    # labels of sites of which the data say less than is expected without them
    unseen: tuple[str, ...] = ()
    # the displaced crystal where the B of its sites were refined as well
    vibrating: Crystal | None = None


class Estimator(Protocol):
    """Estimate displacements of a known crystal from measured data sets, many at once."""

    @property
    def crystal(self) -> Crystal:
        """Return the known structure."""

    @property
    def radiation(self) -> Radiation:
        """Return the radiation that form factors are calculated for."""

    @property
    def warning(self) -> str:
        """Return a warning that holds for all answers, such as ambiguity; '' for none."""

    @property
    def fingerprint(self) -> str:
        """Return a text that differs between estimators, whose results must not be mixed."""

    def __call__(
        self, data: Sequence[Merged], *, refine: bool, options: EstimateOptions = PLAIN
    ) -> Sequence[Estimate | ArgandError]:
        """Return an estimate for each data set, or the reason why there is none."""


def estimate_by_cell(
    data: Sequence[Merged],
    crystal: Crystal,
    refusal: Callable[[Merged], str],
    estimate: Callable[[Observed, Cell], list[Estimate]],
) -> list[Estimate | ArgandError]:
    """Estimate data sets in groups of one unit cell each, since a model is made for one cell.

    Parameters
    ----------
    data
        Merged data sets, in any order.
    crystal
        The known structure, whose symmetry completes the list of reflections.
    refusal
        Says why a data set cannot be estimated; '' where it can.
    estimate
        Estimates data sets on one list of reflections.

    Returns
    -------
    list
        An estimate or an error for each data set, in the order of `data`.
    """
    answers: list[Estimate | ArgandError] = [ArgandError("")] * len(data)
    usable = []
    for number, merged in enumerate(data):
        reason = refusal(merged)
        if reason:
            answers[number] = ArgandError(reason)
        else:
            usable.append(number)

    def cell_of(number: int) -> Cell:
        return data[number].cell

    usable.sort(key=cell_of)
    for cell, numbers in groupby(usable, key=cell_of):
        members = list(numbers)
        observed = on_one_list([data[number] for number in members], crystal.symops)
        for number, answer in zip(members, estimate(observed, cell), strict=True):
            answers[number] = answer
    return answers
