"""Arguments that are no numbers, or are beyond all measured ones, are refused by their names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import argand
from argand._numbers import (
    LARGEST,
    complex_array,
    real_array,
    real_number,
    shown,
    whole_array,
)
from argand.errors import ArgandError
from argand.io import Reflections
from argand.phases import density_correlation
from argand.simulate import Simulation

CELL = (5.0, 6.0, 7.0, 90.0, 97.0, 90.0)
HKL = np.array([[1, 0, 0], [0, 1, 2]], dtype=np.int32)
ONES = np.ones(2)
NO_NUMBERS = ["1", b"1", None, [], 10**400, np.datetime64("2020-01-01"), np.ma.masked, 1j]


@pytest.mark.parametrize("value", NO_NUMBERS, ids=repr)
def test_what_is_no_number(value: Any) -> None:
    with pytest.raises(ArgandError, match=r"^d_min is .*, needs a number$"):
        real_number("d_min", value)


@pytest.mark.parametrize("value", [2, 2.0, np.float32(2), np.array(2), True + True, np.int8(2)])
def test_numbers_of_every_type(value: Any) -> None:
    assert real_number("d_min", value) == 2.0


def test_arrays_are_not_copied() -> None:
    values = np.array([1.0, np.nan, np.inf, -LARGEST])
    assert real_array("f", values) is values
    f = values[:2] * 1j
    assert complex_array("f", f) is f
    assert real_array("f", [1, 2]).tolist() == [1.0, 2.0]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([1.0, -1e31], r"f holds 1e\+31, needs numbers up to 1e\+30"),
        ([10**400], "f holds something else than numbers"),
        (["1"], "f holds something else than numbers"),
        (np.array(["2020"], "M8[s]"), "f holds something else than numbers"),
        ([[1.0], [1.0, 2.0]], "f holds something else than numbers"),
        (np.ma.masked_array([1.0, 2.0], [True, False]), "f is a masked array"),
    ],
)
def test_arrays_that_are_refused(values: Any, words: str) -> None:
    for function in (real_array, complex_array):
        with pytest.raises(ArgandError, match=f"^{words}"):
            function("f", values)


CALLS: dict[str, tuple[Callable[[], object], str]] = {
    "d_min": (lambda: argand.miller_indices(CELL, "P 1", "2"), "d_min is '2'"),  # type: ignore
    "grid": (lambda: argand.grid_shape(CELL, "P 1", [1.0]), r"d_min is \[1.0\]"),  # type: ignore
    "spacegroup": (lambda: argand.miller_indices(CELL, 3.5, 2.0), "spacegroup is 3.5"),  # type: ignore
    "operations": (lambda: argand.miller_indices(CELL, [1, 2]), r"spacegroup is \[1, 2\]"),  # type: ignore
    "type": (lambda: argand.form_factors([1.5], [0.1]), "atom type is 1.5"),  # type: ignore
    "stol": (lambda: argand.form_factors(["C"], [10**400]), "stol holds"),
    "cell": (lambda: argand.stol(HKL, (10**400, 6, 7, 90, 90, 90)), "cell is 1000"),
    "hkl": (lambda: argand.stol([[1e300, 0.0, 0.0]], CELL), r"hkl holds 1e\+300"),
    "energy": (lambda: argand.form_factors(["C"], [0.1], energy_kev=1e-320), "energy_kev is"),
    "f_obs": (lambda: argand.difference_coefficients([1e300], [1.0]), r"f_obs holds 1e\+300"),
    "n_obs": (
        lambda: argand.difference_coefficients(ONES, ONES, n_obs="2"),  # type: ignore
        "n_obs is '2'",
    ),
    "weights": (lambda: argand.phase_error(ONES, ONES, [10**400, 1]), "weights holds"),
    "rho": (lambda: density_correlation(ONES, [1e300, 1.0]), r"rho2 holds 1e\+300"),
    "f": (
        lambda: argand.map_from_structure_factors(HKL, ONES * 1e300, (8, 8, 8), cell=CELL),
        r"f holds 1e\+300",
    ),
    "shape": (
        lambda: argand.map_from_structure_factors(HKL, ONES, (10**400, 8, 8), cell=CELL),
        "shape has a side of",
    ),
    "intensity": (lambda: Reflections(HKL, intensity=ONES * 1e39), r"intensity holds 1e\+39"),
    "sigma": (lambda: Reflections(HKL, sigma=np.array(["a", "b"])), "sigma has dtype <U1"),
    "phase": (lambda: Reflections(HKL, phase=ONES * 1e9), r"phase holds 1e\+09, needs radians"),
    "wavelength": (lambda: Reflections(HKL, wavelength=1e10), "wavelength is 10000000000.0"),
}


@pytest.mark.parametrize("name", CALLS)
def test_functions_name_the_argument(name: str) -> None:
    call, words = CALLS[name]
    with pytest.raises(ArgandError, match=f"^{words}"):
        call()


def test_columns_of_reflections_are_arrays() -> None:
    reflections = Reflections([[1, 0, 0]], intensity=[2.0], batch=[1])  # type: ignore[arg-type]
    assert reflections.hkl.dtype == np.int32
    assert reflections[np.array([0])].intensity.tolist() == [2.0]
    assert Reflections(HKL).hkl is HKL


def test_the_coarsest_grid() -> None:
    """However coarse a map is, a grid has the even numbers of points that symmetry asks for."""
    for coarse in (60.0, 1e30, 1e300):
        assert argand.grid_shape(CELL, "P 1 21/c 1", coarse, 1e-3) == (2, 2, 2)
        assert argand.grid_shape((5.0, 5.0, 5.0, 90.0, 90.0, 90.0), "F d -3 m:1", coarse) == (
            4,
            4,
            4,
        )


def test_values_are_shown_on_one_line() -> None:
    assert shown(np.ones((2, 2))) == "array([[1., 1.], [1., 1.]])"
    assert shown("x" * 100) == "'" + "x" * 59


@pytest.mark.parametrize(
    "values",
    [[0.5], [2**63], [np.nan], ["1"], [1j], np.array([2**63], np.uint64), [10**400], [None]],
    ids=repr,
)
def test_what_is_no_whole_number(values: object) -> None:
    with pytest.raises(ArgandError, match="index holds"):
        whole_array("index", values)


@pytest.mark.parametrize("dtype", ["int8", "uint32", "int64", "float32", "float64", "bool"])
def test_whole_numbers_of_any_type(dtype: str) -> None:
    array = whole_array("index", np.array([0, 1], dtype))
    assert array.dtype == np.int64
    assert array.tolist() == [0, 1]


def test_a_sample_between_two_is_none() -> None:
    """Sample 0.7 is not sample 0."""
    crystal = argand.Crystal((5, 6, 7, 90, 90, 90), "P 1", types=("C",), frac=[[0.1, 0.2, 0.3]])
    simulation = Simulation(crystal, d_min=2.0)
    with pytest.raises(ArgandError, match=r"indices holds .*, needs whole numbers"):
        simulation.draw([0.7])


def test_a_number_of_extended_precision_beyond_all_floats() -> None:
    """A finite long double of 1e400 is not read as infinity."""
    if np.finfo(np.longdouble).max <= np.finfo(np.float64).max:
        pytest.skip("long double is double precision here")
    with pytest.raises(ArgandError, match="sigma holds a number beyond all floats"):
        real_array("sigma", np.array([1.0, np.longdouble(10) ** 400]))
    assert real_array("sigma", np.array([np.inf], np.longdouble)).tolist() == [np.inf]
