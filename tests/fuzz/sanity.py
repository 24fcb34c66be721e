"""Say what no crystal, measurement or result can be: values that a reader should have refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from argand.crystal import Crystal
from argand.io import Experiment, Reflections

# B in A^2: the largest of published structures are some hundred.
_LARGEST_B = 1e4

# Occupancies that are refined freely stay near 0 to 1; a formula unit on one site is a dozen.
_LARGEST_OCCUPANCY = 100.0

# A reflection of index 1e5 in a cell of 1000 angstrom is at 0.01 angstrom.
_LARGEST_INDEX = 10**5

# Single rows of a damaged file hold any number of single precision, and merging leaves them out.
_LARGEST_NUMBER = 3.5e38

# Phases are radians; a few turns are harmless, and a million turns have no digits left.
_LARGEST_PHASE = 1e6

# What has no limit where a file states none.
_UNBOUNDED = (".d_max",)


class Nonsense(Exception):
    """Report a value that was accepted, and that nothing in the field can have."""


def check_bounded(name: str, values: Any, largest: float, *, nan: bool = False) -> None:
    """Raise where an array holds infinity, a number beyond `largest`, or NaN unless it may."""
    array = np.asarray(values)
    if array.dtype.kind not in "fciu":
        return
    bounded = np.abs(array) <= largest
    if nan:
        bounded |= np.isnan(array)
    if not bounded.all():
        raise Nonsense(f"{name} holds a number that is absurd or not finite")


def check_finite(name: str, values: Any) -> None:
    """Raise where an array holds NaN or infinity."""
    array = np.asarray(values)
    if array.dtype.kind in "fc" and not np.isfinite(array).all():
        raise Nonsense(f"{name} holds a number that is not finite")


def check_crystal(crystal: Crystal) -> None:
    """Raise where a crystal has sites that no crystal has."""
    check_bounded("frac", crystal.frac, 1e6)
    check_bounded("occ", crystal.occ, _LARGEST_OCCUPANCY)
    check_bounded("b_iso", crystal.b_iso, _LARGEST_B)
    if crystal.u_aniso is not None:
        check_bounded("u_aniso", crystal.u_aniso, _LARGEST_B, nan=True)
    check_bounded("cell", crystal.cell, 1e6)


def check_experiment(experiment: Experiment) -> None:
    """Raise where a stated number of an experiment is not finite."""
    if experiment.wavelength is not None:
        check_bounded("wavelength", experiment.wavelength, 100.0)
    for name, value in vars(experiment).items():
        # Reflections of any d are used where a file does not limit it.
        if name != "d_max" and isinstance(value, (float, tuple, np.ndarray)):
            check_bounded(name, value, 1e31, nan=True)
        if isinstance(value, Mapping):
            check_bounded(name, [v for v in value.values() if isinstance(v, float)], 1e31)


def check_reflections(reflections: Reflections) -> None:
    """Raise where a list of reflections has values that no measurement has."""
    if not len(reflections.hkl):
        raise Nonsense("there are no reflections")
    check_bounded("hkl", reflections.hkl.astype(np.int64), _LARGEST_INDEX)
    for name, column in reflections.columns().items():
        largest = _LARGEST_PHASE if name == "phase" else _LARGEST_NUMBER
        check_bounded(name, column, largest, nan=True)
    if reflections.wavelength is not None:
        check_bounded("wavelength", reflections.wavelength, 100.0)
    if reflections.cell is not None:
        check_bounded("cell", reflections.cell, 1e6)


def check_arrays(arrays: Mapping[str, NDArray[Any]]) -> None:
    """Raise where one of several arrays holds NaN or infinity."""
    for name, array in arrays.items():
        check_finite(name, array)


def check_description(name: str, content: Any) -> None:
    """Raise where a tree of what is printed holds infinity; NaN is printed as not determined."""
    if isinstance(content, dict):
        for key, value in content.items():
            check_description(f"{name}.{key}", value)
    elif isinstance(content, (list, tuple)):
        for value in content:
            check_description(name, value)
    elif isinstance(content, float) and np.isinf(content) and not name.endswith(_UNBOUNDED):
        raise Nonsense(f"{name} is infinite")
