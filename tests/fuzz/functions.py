"""List the public functions on arrays that are fed with odd arguments, and their ordinary ones."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

import argand
from argand.io import Reflections, write_hklf4
from argand.maps import difference_coefficients, patterson
from argand.measured import french_wilson, merge
from argand.phases import density_correlation
from argand.radiation import Radiation
from argand.refine import Model
from argand.reflections import (
    asymmetric_unit,
    centric,
    epsilon,
    friedel_mates,
    friedel_sides,
    in_p1,
    systematic_absences,
)
from fuzz import sanity

__all__ = ["FUNCTIONS", "WRITERS", "Arguments", "ordinary", "ordinary_names"]

Arguments = dict[str, Any]

_CELL = (5.0, 6.0, 7.0, 80.0, 97.0, 101.0)
_GROUP = "P -1"


def ordinary(name: str) -> Arguments:
    """Return ordinary arguments of a function, which may be changed."""
    return copy.deepcopy(_all_arguments()[name])


def ordinary_names(name: str) -> list[str]:
    """Return the names of the arguments of a function."""
    return list(_all_arguments()[name])


@cache
def _all_arguments() -> Mapping[str, Arguments]:
    """Return ordinary arguments of all functions."""
    random = np.random.default_rng(7)
    hkl = np.array([[1, 0, 0], [0, 1, 2], [2, -1, 0], [0, 0, 3], [1, 1, 1]], dtype=np.int32)
    f = random.normal(size=5) + 1j * random.normal(size=5)
    phases = np.angle(f)
    crystal = {
        "cell": _CELL,
        "spacegroup": _GROUP,
        "types": ("C", "O2-", "Fe"),
        "frac": random.random((3, 3)),
        "occ": np.array([1.0, 0.5, 0.3]),
        "b_iso": np.array([1.0, 2.0, 0.0]),
        "u_aniso": np.tile([0.02, 0.03, 0.04, 0.0, 0.01, 0.001], (3, 1)),
        "labels": ("C1", "O1", "Fe1"),
        "hkl": hkl,
    }
    in_group = {"hkl": hkl, "spacegroup": _GROUP}
    map_without_f = {"hkl": hkl, "shape": (8, 8, 9), "cell": _CELL, "spacegroup": _GROUP}
    density = random.normal(size=(8, 8, 9))
    return {
        "Crystal": crystal,
        "stol": {"hkl": hkl, "cell": _CELL},
        "miller_indices": {"cell": _CELL, "spacegroup": _GROUP, "d_min": 2.0, "unique": True},
        "form_factors": {"types": ["C", "O2-"], "stol": np.linspace(0.0, 1.0, 4)},
        "grid_shape": {"cell": _CELL, "spacegroup": _GROUP, "d_min": 1.0, "sample_rate": 3.0},
        "structure_factors": {
            "hkl": hkl,
            "energy_kev": 8.0,
            "method": "direct",
            "dtype": "complex64",
        },
        "nufft": {"hkl": hkl, "method": "nufft", "eps": 1e-6},
        "out": {"hkl": hkl, "out": np.empty(5, np.complex128)},
        "map": {**map_without_f, "f": f},
        "from_map": {"rho": density, "hkl": hkl, "cell": _CELL},
        "difference_coefficients": {"f_obs": np.abs(f), "f_calc": f, "n_obs": 2.0, "n_calc": 1.0},
        "patterson": {**map_without_f, "amplitude": np.abs(f)},
        "phase_error": {"phi": phases, "phi_hat": phases[::-1], "weights": np.abs(f)},
        "map_correlation": {"hkl": hkl, "f1": f, "f2": f * 1j, "spacegroup": _GROUP},
        "align_origin": {"hkl": hkl, "true": f, "predicted": f * 1j, "spacegroup": _GROUP},
        "density_correlation": {"rho1": np.abs(f), "rho2": phases},
        "asymmetric_unit": in_group,
        "systematic_absences": in_group,
        "centric": in_group,
        "epsilon": in_group,
        "merge": {
            "hkl": hkl,
            "intensity": np.abs(f) ** 2,
            "sigma": np.abs(f) / 10,
            "cell": _CELL,
            "spacegroup": _GROUP,
        },
        "hkl_cube": {"h_max": 3},
        "in_p1": in_group,
        "friedel_mates": {"hkl": hkl},
        "friedel_sides": in_group,
        "french_wilson": {
            "intensity": f.real,
            "sigma": np.abs(f) / 10,
            "expected": np.abs(f),
            "centric": np.array([True, False, False, True, False]),
        },
        "Model": {"hkl": hkl, "extinction": 0.01, "p": np.zeros((1, 9))},
        "write_map": {"rho": density, "cell": _CELL, "spacegroup": _GROUP},
        "write_reflections": {"hkl": hkl, "f": f, "cell": _CELL, "spacegroup": _GROUP},
        "write_hklf4": {"hkl": hkl, "intensity": np.abs(f), "sigma": np.abs(f) / 10},
    }


@cache
def _crystal() -> argand.Crystal:
    """Return the crystal whose structure factors are computed."""
    arguments = ordinary("Crystal")
    arguments.pop("hkl")
    return argand.Crystal(**arguments)


def _make_crystal(hkl: Any, **arguments: Any) -> Any:
    """Make a crystal, and compute its structure factors."""
    crystal = argand.Crystal(**arguments)
    sanity.check_finite("frac", crystal.frac)
    return argand.structure_factors(crystal, hkl)


def _merge(hkl: Any, intensity: Any, sigma: Any, cell: Any, spacegroup: Any) -> Any:
    """Merge reflections, and return the means."""
    reflections = Reflections(hkl, intensity=intensity, sigma=sigma)
    return merge(reflections, cell=cell, spacegroup=spacegroup).intensity


def _model(hkl: Any, extinction: Any, p: Any) -> Any:
    """Make a model of a crystal, and compute its F."""
    radiation = Radiation(wavelength=0.71073)
    model = Model(_crystal(), hkl, radiation=radiation, extinction=extinction)
    return model.structure_factors(p)


def _write_map(folder: Path, rho: Any, cell: Any, spacegroup: Any) -> Any:
    """Write a density, and read it."""
    path = folder / "x.ccp4"
    argand.write_map(path, rho, cell, spacegroup)
    return argand.read_map(path)[0]


def _write_reflections(folder: Path, hkl: Any, f: Any, cell: Any, spacegroup: Any) -> Any:
    """Write structure factors, and read them."""
    path = folder / "x.mtz"
    argand.write_reflections(path, hkl, f, cell=cell, spacegroup=spacegroup)
    return _read(path)


def _write_hklf4(folder: Path, hkl: Any, intensity: Any, sigma: Any) -> Any:
    """Write intensities as a SHELX list, and read them."""
    path = folder / "x.hkl"
    write_hklf4(path, hkl, intensity, sigma)
    return _read(path)


def _read(path: Path) -> Any:
    """Read reflections that argand has written, and check them."""
    reflections = argand.read_reflections(path)
    sanity.check_reflections(reflections)
    return reflections.hkl


#: Functions by the names of their calls
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "Crystal": _make_crystal,
    "stol": argand.stol,
    "miller_indices": argand.miller_indices,
    "form_factors": argand.form_factors,
    "grid_shape": argand.grid_shape,
    "structure_factors": lambda **arguments: argand.structure_factors(_crystal(), **arguments),
    "nufft": lambda **arguments: argand.structure_factors(_crystal(), **arguments),
    "out": lambda **arguments: argand.structure_factors(_crystal(), **arguments),
    "map": argand.map_from_structure_factors,
    "from_map": argand.structure_factors_from_map,
    "difference_coefficients": difference_coefficients,
    "patterson": patterson,
    "phase_error": argand.phase_error,
    "map_correlation": argand.map_correlation,
    "align_origin": argand.align_origin,
    "density_correlation": density_correlation,
    "asymmetric_unit": asymmetric_unit,
    "systematic_absences": systematic_absences,
    "centric": centric,
    "epsilon": epsilon,
    "merge": _merge,
    "hkl_cube": argand.hkl_cube,
    "in_p1": lambda **arguments: in_p1(**arguments)[0],
    "friedel_mates": friedel_mates,
    "friedel_sides": friedel_sides,
    "french_wilson": french_wilson,
    "Model": _model,
    "write_map": _write_map,
    "write_reflections": _write_reflections,
    "write_hklf4": _write_hklf4,
}

#: Functions that write into a folder, which is their first argument
WRITERS = ("write_map", "write_reflections", "write_hklf4")
