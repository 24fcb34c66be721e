"""The seam: the only caller of the compiled modules `_core` and `_cuda`."""

from __future__ import annotations

from argand._seam.dispatch import (
    Batch,
    Detector,
    JacobianOrders,
    JacobianSites,
    Seen,
    arrangement,
    gaussian_sums,
    jacobian,
    map_from_structure_factors,
    measure,
    measure_boxes,
    stol_squares,
    structure_factors,
    structure_factors_form_vjp,
    structure_factors_from_map,
    structure_factors_vjp,
    survey,
    transform_fits,
)
from argand._seam.nufft import (
    add_box_to_reflections,
    add_reflections_to_box,
    project_scattering,
)

__all__ = [
    "Batch",
    "Detector",
    "JacobianOrders",
    "JacobianSites",
    "Seen",
    "add_box_to_reflections",
    "add_reflections_to_box",
    "arrangement",
    "gaussian_sums",
    "jacobian",
    "map_from_structure_factors",
    "measure",
    "measure_boxes",
    "project_scattering",
    "stol_squares",
    "structure_factors",
    "structure_factors_form_vjp",
    "structure_factors_from_map",
    "structure_factors_vjp",
    "survey",
    "transform_fits",
]
