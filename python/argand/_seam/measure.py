"""Observe structure factors as a detector does: amplitudes, phases, and which reflections."""

from __future__ import annotations

from typing import NamedTuple

from argand import _core
from argand._seam.arrays import Array, address, dtype_name
from argand._seam.batch import Batch, batch_arguments, check_batch
from argand._seam.checks import BITS, REAL, check_array

TableArguments = tuple[int, int, int, float]
ObservationArguments = tuple[int, int, int, int]


class Observation(NamedTuple):
    """Hold observed reflections of crystals, arrays (crystals, size); 0 where the mask is."""

    # |F|
    weight: Array
    # |F| scale
    amplitude: Array
    # arg F in radians
    phase: Array
    # bool, whether the reflection is observed
    mask: Array


class Detector(NamedTuple):
    """Hold tables by which reflections are observed: crystal c has row[c] of them.

    A reflection is observed where `reach` holds and |F| scale > threshold.
    """

    # (crystals,) int64
    row: Array
    # (rows, size)
    scale: Array
    # (rows, size) bool
    reach: Array
    threshold: float


def measure(f: Array, detector: Detector, out: Observation) -> None:
    """Write what a detector observes of structure factors, in one pass.

    All arguments are checked.

    Parameters
    ----------
    f
        Structure factors (crystals, size), complex64 or complex128.
    detector
        Tables in the real dtype of `f`.
    out
        Arrays to write to, in the real dtype of `f`.

    Raises
    ------
    ValueError, TypeError
        Name the array, what it is and what it must be.
    """
    f_dtype = dtype_name(f)
    if f_dtype not in REAL:
        raise TypeError(f"f has dtype {f_dtype}, needs complex64 or complex128")
    real = REAL[f_dtype]
    crystals, size = f.shape
    check_array("f", f, (crystals, size), f_dtype)
    tables = _check_detector(detector, crystals, size, real)
    observation = _check_observation(out, crystals, size, real)
    _core.measure(BITS[real], crystals, size, address(f), tables, observation)


def measure_boxes(
    batch: Batch,
    detector: Detector,
    out: Observation,
) -> None:
    """Write what a detector observes of the crystals of a batch; structure factors are not kept.

    All arguments are checked.

    Parameters
    ----------
    batch
        Crystals on a box of reflections, with real form factors.
    detector
        Tables in the dtype of `batch.frac`, of as many columns as the box has reflections.
    out
        Arrays (crystals, reflections) to write to, in the dtype of `batch.frac`.

    Raises
    ------
    ValueError, TypeError
        Name the array, what it is and what it must be.
    """
    check_batch(batch)
    real = dtype_name(batch.frac)
    if batch.box is None or dtype_name(batch.form) != real:
        raise TypeError("measure_boxes needs a box and real form factors")
    tables = _check_detector(detector, batch.crystals, batch.reflections, real)
    observation = _check_observation(out, batch.crystals, batch.reflections, real)
    atoms, (form, form_ptr, _), box = batch_arguments(batch)
    _core.measure_boxes(BITS[real], atoms, (form, form_ptr), box, tables, observation)


def _check_detector(
    detector: Detector,
    crystals: int,
    size: int,
    real: str,
) -> TableArguments:
    """Check the tables of a detector, and return their addresses and the threshold."""
    row, scale, reach, threshold = detector
    rows = scale.shape[0]
    check_array("row", row, (crystals,), "int64")
    check_array("scale", scale, (rows, size), real)
    check_array("reach", reach, (rows, size), "bool")
    if crystals:
        lowest, highest = int(row.min()), int(row.max())
        if lowest < 0 or highest >= rows:
            raise ValueError(f"row runs from {lowest} to {highest}, needs 0 to {rows - 1}")
    return address(row), address(scale), address(reach), threshold


def _check_observation(
    out: Observation,
    crystals: int,
    size: int,
    real: str,
) -> ObservationArguments:
    """Check the arrays that an observation is written to, and return their addresses."""
    weight, amplitude, phase, mask = out
    check_array("weight", weight, (crystals, size), real, written=True)
    check_array("amplitude", amplitude, (crystals, size), real, written=True)
    check_array("phase", phase, (crystals, size), real, written=True)
    check_array("mask", mask, (crystals, size), "bool", written=True)
    return address(weight), address(amplitude), address(phase), address(mask)
