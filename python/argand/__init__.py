"""Crystallographic structure factors and electron densities, fast and differentiable, and networks that learn phases.

The public names are these functions on numpy arrays; ``argand.torch`` holds the same as differentiable torch
operators, ``argand.cuda`` on CuPy arrays, ``argand.learn`` the data sets and models. Importing argand does not import
torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from argand import cuda
from argand._config import build_config, num_threads, set_num_threads
from argand._memory import memory_limit, set_memory_limit
from argand._version import __version__
from argand.cell import beta_from_b_iso, beta_from_u_aniso, cell_volume, reciprocal_metric
from argand.crystal import Crystal
from argand.density import grid_shape, map_from_structure_factors, structure_factors_from_map
from argand.errors import ArgandError
from argand.form_factors import form_factors
from argand.io import read_crystal, read_map, read_reflections, write_map, write_reflections
from argand.maps import difference_coefficients, patterson
from argand.phases import align_origin, map_correlation, phase_error
from argand.reflections import (
    hkl_cube,
    miller_indices,
    reachable,
    stol,
    systematic_absences,
    wavelength,
)
from argand.structure_factors import structure_factors

if TYPE_CHECKING:
    from argand import learn, torch

__all__ = [
    "ArgandError",
    "Crystal",
    "__version__",
    "align_origin",
    "beta_from_b_iso",
    "beta_from_u_aniso",
    "build_config",
    "cell_volume",
    "cuda",
    "difference_coefficients",
    "form_factors",
    "grid_shape",
    "hkl_cube",
    "learn",
    "map_correlation",
    "map_from_structure_factors",
    "memory_limit",
    "miller_indices",
    "num_threads",
    "patterson",
    "phase_error",
    "reachable",
    "read_crystal",
    "read_map",
    "read_reflections",
    "reciprocal_metric",
    "set_memory_limit",
    "set_num_threads",
    "stol",
    "structure_factors",
    "structure_factors_from_map",
    "systematic_absences",
    "torch",
    "wavelength",
    "write_map",
    "write_reflections",
]


def __getattr__(name: str) -> Any:
    """The parts that need torch are imported when they are first asked for."""
    if name in ("learn", "torch"):
        return importlib.import_module(f"argand.{name}")
    raise AttributeError(f"module 'argand' has no attribute {name!r}")
