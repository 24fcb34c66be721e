"""The seam: the only caller of the compiled modules `_core` and `_cuda`.

Arrays may be numpy arrays, torch tensors or CuPy arrays. The caller allocates every output; a
function of the seam checks shapes, types, device and layout once, or says that it does not, and
hands addresses over.
"""

from __future__ import annotations

from argand._seam.batch import Batch, box_shape, make_batch, row_pointers
from argand._seam.checks import check_output, check_plain
from argand._seam.contacts import Filling, find_free
from argand._seam.density import (
    map_from_structure_factors,
    structure_factors_from_map,
    transform_fits,
)
from argand._seam.dual_space import (
    DualSpaceStarts,
    DualSpaceTables,
    DualSpaceTargets,
    dual_space,
    dual_space_bytes,
    dual_space_tables,
    dual_space_transforms,
)
from argand._seam.gaussians import gaussian_sums
from argand._seam.hklf import read_fixed_rows
from argand._seam.jacobian import JacobianOrders, JacobianSites, jacobian
from argand._seam.measure import Detector, Observation, measure, measure_boxes
from argand._seam.modules import (
    core_build,
    cuda_build,
    cuda_status,
    num_threads,
    set_num_threads,
)
from argand._seam.molecules import (
    MoleculeElements,
    MoleculeSites,
    MoleculeStarts,
    MoleculeUnits,
    grow_molecules,
)
from argand._seam.nufft import (
    add_box_to_reflections,
    add_reflections_to_box,
    project_scattering,
)
from argand._seam.plain_words import (
    NUMBER_COLUMN,
    WORD_COLUMN,
    count_plain_words,
    read_plain_words,
)
from argand._seam.reflections import (
    arrangement,
    largest_order,
    list_within,
    stol_squares,
    survey,
)
from argand._seam.structure_factors import (
    structure_factors,
    structure_factors_form_vjp,
    structure_factors_vjp,
)

__all__ = [
    "NUMBER_COLUMN",
    "WORD_COLUMN",
    "Batch",
    "Detector",
    "DualSpaceStarts",
    "DualSpaceTables",
    "DualSpaceTargets",
    "Filling",
    "JacobianOrders",
    "JacobianSites",
    "MoleculeElements",
    "MoleculeSites",
    "MoleculeStarts",
    "MoleculeUnits",
    "Observation",
    "add_box_to_reflections",
    "add_reflections_to_box",
    "arrangement",
    "box_shape",
    "check_output",
    "check_plain",
    "core_build",
    "count_plain_words",
    "cuda_build",
    "cuda_status",
    "dual_space",
    "dual_space_bytes",
    "dual_space_tables",
    "dual_space_transforms",
    "find_free",
    "gaussian_sums",
    "grow_molecules",
    "jacobian",
    "largest_order",
    "list_within",
    "make_batch",
    "map_from_structure_factors",
    "measure",
    "measure_boxes",
    "num_threads",
    "project_scattering",
    "read_fixed_rows",
    "read_plain_words",
    "row_pointers",
    "set_num_threads",
    "stol_squares",
    "structure_factors",
    "structure_factors_form_vjp",
    "structure_factors_from_map",
    "structure_factors_vjp",
    "survey",
    "transform_fits",
]
