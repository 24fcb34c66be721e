"""
Compiled kernels of argand. Call them through argand, which checks arguments.
"""

from __future__ import annotations
import typing

__all__: list[str] = [
    "add_box_to_reflections",
    "add_reflections_to_box",
    "address",
    "arrangement",
    "compiler",
    "count_plain_words",
    "dual_space",
    "dual_space_lanes",
    "dual_space_transforms",
    "find_free",
    "gaussian_sums",
    "grow_molecules",
    "indices_fit",
    "jacobian",
    "largest_order",
    "list_within",
    "map_from_structure_factors",
    "measure",
    "measure_boxes",
    "num_threads",
    "project_scattering",
    "read_fixed_rows",
    "read_plain_words",
    "set_num_threads",
    "simd_level",
    "stol_squares",
    "structure_factors_box",
    "structure_factors_box_vjp",
    "structure_factors_from_map",
    "structure_factors_list",
    "structure_factors_list_vjp",
    "structure_factors_points",
    "structure_factors_points_vjp",
    "survey",
    "version",
]

def add_box_to_reflections(
    bits: typing.SupportsInt | typing.SupportsIndex,
    list: tuple[
        typing.SupportsInt | typing.SupportsIndex, typing.SupportsInt | typing.SupportsIndex
    ],
    axes: tuple[
        tuple[
            typing.SupportsInt | typing.SupportsIndex,
            typing.SupportsInt | typing.SupportsIndex,
            typing.SupportsInt | typing.SupportsIndex,
        ],
        tuple[
            typing.SupportsInt | typing.SupportsIndex,
            typing.SupportsInt | typing.SupportsIndex,
            typing.SupportsInt | typing.SupportsIndex,
        ],
        tuple[
            typing.SupportsInt | typing.SupportsIndex,
            typing.SupportsInt | typing.SupportsIndex,
            typing.SupportsInt | typing.SupportsIndex,
        ],
    ],
    series: tuple[
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsFloat | typing.SupportsIndex,
        typing.SupportsFloat | typing.SupportsIndex,
    ],
    box: typing.SupportsInt | typing.SupportsIndex,
    f: typing.SupportsInt | typing.SupportsIndex,
    begin: typing.SupportsInt | typing.SupportsIndex,
    end: typing.SupportsInt | typing.SupportsIndex,
) -> None: ...
def add_reflections_to_box(
    bits: typing.SupportsInt | typing.SupportsIndex,
    list: tuple[
        typing.SupportsInt | typing.SupportsIndex, typing.SupportsInt | typing.SupportsIndex
    ],
    axes: tuple[
        tuple[
            typing.SupportsInt | typing.SupportsIndex,
            typing.SupportsInt | typing.SupportsIndex,
            typing.SupportsInt | typing.SupportsIndex,
        ],
        tuple[
            typing.SupportsInt | typing.SupportsIndex,
            typing.SupportsInt | typing.SupportsIndex,
            typing.SupportsInt | typing.SupportsIndex,
        ],
        tuple[
            typing.SupportsInt | typing.SupportsIndex,
            typing.SupportsInt | typing.SupportsIndex,
            typing.SupportsInt | typing.SupportsIndex,
        ],
    ],
    series: tuple[
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsFloat | typing.SupportsIndex,
        typing.SupportsFloat | typing.SupportsIndex,
    ],
    a: typing.SupportsInt | typing.SupportsIndex,
    box: typing.SupportsInt | typing.SupportsIndex,
    begin: typing.SupportsInt | typing.SupportsIndex,
    end: typing.SupportsInt | typing.SupportsIndex,
) -> None: ...
def address(array: typing.Any) -> int:
    """
    Return the address of the first number of a contiguous array.
    """

def arrangement(
    whole: bool,
    count: typing.SupportsInt | typing.SupportsIndex,
    hkl: typing.SupportsInt | typing.SupportsIndex,
) -> tuple[int, int]: ...
def compiler() -> str:
    """
    Return the compiler that built this module.
    """

def count_plain_words(
    length: typing.SupportsInt | typing.SupportsIndex,
    text: typing.SupportsInt | typing.SupportsIndex,
) -> tuple[int, int]: ...
def dual_space(
    points: tuple[
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
    ],
    extents: tuple[
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
    ],
    tables: tuple[
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
    ],
    settings: tuple[
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsFloat | typing.SupportsIndex,
        typing.SupportsFloat | typing.SupportsIndex,
    ],
    targets: tuple[
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
    ],
    starts: tuple[
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
    ],
) -> None: ...
def dual_space_lanes() -> int: ...
def dual_space_transforms(
    points: tuple[
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
    ],
    extents: tuple[
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
    ],
    tables: tuple[
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
    ],
    settings: tuple[
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsFloat | typing.SupportsIndex,
        typing.SupportsFloat | typing.SupportsIndex,
    ],
    targets: tuple[
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
    ],
    starts: tuple[
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
    ],
) -> None: ...
def find_free(
    extents: tuple[
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
    ],
    crystals: tuple[
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
    ],
    points: typing.SupportsInt | typing.SupportsIndex,
    nearest: typing.SupportsInt | typing.SupportsIndex,
    is_free: typing.SupportsInt | typing.SupportsIndex,
) -> None:
    """
    Tell which points have room for an atom in crystals that are being filled, with all images.
    """

def gaussian_sums(
    rows: typing.SupportsInt | typing.SupportsIndex,
    terms: typing.SupportsInt | typing.SupportsIndex,
    a: typing.SupportsInt | typing.SupportsIndex,
    b: typing.SupportsInt | typing.SupportsIndex,
    points: typing.SupportsInt | typing.SupportsIndex,
    squares: typing.SupportsInt | typing.SupportsIndex,
    out: typing.SupportsInt | typing.SupportsIndex,
) -> None: ...
def grow_molecules(
    extents: tuple[
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
    ],
    numbers: tuple[
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
    ],
    starts: tuple[
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
    ],
    sites: tuple[
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
    ],
    units: tuple[
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
    ],
    elements: tuple[
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
    ],
    metal_square: typing.SupportsFloat | typing.SupportsIndex,
) -> None:
    """
    Grow molecules within their cells, unit by unit, with room for all their images.
    """

def indices_fit(
    extents: tuple[
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
    ],
    atom_ptr: typing.SupportsInt | typing.SupportsIndex,
    scatterer: typing.SupportsInt | typing.SupportsIndex,
    form_ptr: typing.SupportsInt | typing.SupportsIndex,
    hkl_ptr: typing.SupportsInt | typing.SupportsIndex,
) -> bool:
    """
    Tell whether no index of a batch leads outside the array that it indexes.
    """

def jacobian(
    bits: typing.SupportsInt | typing.SupportsIndex,
    extents: tuple[
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
    ],
    sites: tuple[
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
    ],
    reflections: tuple[
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
    ],
    u: typing.SupportsInt | typing.SupportsIndex,
    out: typing.SupportsInt | typing.SupportsIndex,
) -> None: ...
def largest_order(
    whole: bool,
    count: typing.SupportsInt | typing.SupportsIndex,
    hkl: typing.SupportsInt | typing.SupportsIndex,
) -> float: ...
def list_within(
    columns: typing.SupportsInt | typing.SupportsIndex,
    begins: typing.SupportsInt | typing.SupportsIndex,
    hkl: typing.SupportsInt | typing.SupportsIndex,
    cells: typing.SupportsInt | typing.SupportsIndex,
    metrics: typing.SupportsInt | typing.SupportsIndex,
    limit: typing.SupportsFloat | typing.SupportsIndex,
    first: typing.SupportsInt | typing.SupportsIndex,
    rows: typing.SupportsInt | typing.SupportsIndex,
    squares: typing.SupportsInt | typing.SupportsIndex,
) -> None: ...
def map_from_structure_factors(
    bits: typing.SupportsInt | typing.SupportsIndex,
    maps: typing.SupportsInt | typing.SupportsIndex,
    box: tuple[
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
    ],
    f: typing.SupportsInt | typing.SupportsIndex,
    grid: tuple[
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
    ],
    scale: typing.SupportsFloat | typing.SupportsIndex,
    map: typing.SupportsInt | typing.SupportsIndex,
) -> None: ...
def measure(
    bits: typing.SupportsInt | typing.SupportsIndex,
    crystals: typing.SupportsInt | typing.SupportsIndex,
    size: typing.SupportsInt | typing.SupportsIndex,
    f: typing.SupportsInt | typing.SupportsIndex,
    tables: tuple[
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsFloat | typing.SupportsIndex,
    ],
    outputs: tuple[
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
    ],
) -> None: ...
def measure_boxes(
    bits: typing.SupportsInt | typing.SupportsIndex,
    atoms: tuple[
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
    ],
    form: tuple[
        typing.SupportsInt | typing.SupportsIndex, typing.SupportsInt | typing.SupportsIndex
    ],
    box: tuple[
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
    ],
    tables: tuple[
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsFloat | typing.SupportsIndex,
    ],
    outputs: tuple[
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
    ],
) -> None: ...
def num_threads() -> int:
    """
    Return the number of threads that a call may use.
    """

def project_scattering(
    extents: tuple[
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
    ],
    scattering: tuple[
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
    ],
    functions: typing.SupportsInt | typing.SupportsIndex,
    count: typing.SupportsInt | typing.SupportsIndex,
    strengths: typing.SupportsInt | typing.SupportsIndex,
    squares: typing.SupportsInt | typing.SupportsIndex,
) -> None: ...
def read_fixed_rows(
    length: typing.SupportsInt | typing.SupportsIndex,
    text: typing.SupportsInt | typing.SupportsIndex,
    rows: typing.SupportsInt | typing.SupportsIndex,
    table: typing.SupportsInt | typing.SupportsIndex,
) -> tuple[int, int]: ...
def read_plain_words(
    length: typing.SupportsInt | typing.SupportsIndex,
    text: typing.SupportsInt | typing.SupportsIndex,
    columns: typing.SupportsInt | typing.SupportsIndex,
    rows: typing.SupportsInt | typing.SupportsIndex,
    table: typing.SupportsInt | typing.SupportsIndex,
    kinds: typing.SupportsInt | typing.SupportsIndex,
) -> bool: ...
def set_num_threads(n: typing.SupportsInt | typing.SupportsIndex) -> None:
    """
    Let calls use up to n threads.
    """

def simd_level() -> str:
    """
    Return the instruction set that the kernels use on this processor.
    """

def stol_squares(
    whole: bool,
    count: typing.SupportsInt | typing.SupportsIndex,
    hkl: typing.SupportsInt | typing.SupportsIndex,
    metric: typing.SupportsInt | typing.SupportsIndex,
    out: typing.SupportsInt | typing.SupportsIndex,
) -> None: ...
def structure_factors_box(
    bits: typing.SupportsInt | typing.SupportsIndex,
    atoms: tuple[
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
    ],
    form: tuple[
        typing.SupportsInt | typing.SupportsIndex, typing.SupportsInt | typing.SupportsIndex, bool
    ],
    reflections: tuple[
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
    ],
    out: typing.SupportsInt | typing.SupportsIndex,
) -> None: ...
def structure_factors_box_vjp(
    bits: typing.SupportsInt | typing.SupportsIndex,
    atoms: tuple[
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
    ],
    form: tuple[
        typing.SupportsInt | typing.SupportsIndex, typing.SupportsInt | typing.SupportsIndex, bool
    ],
    reflections: tuple[
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
    ],
    g: typing.SupportsInt | typing.SupportsIndex,
    grad_frac: typing.SupportsInt | typing.SupportsIndex,
    grad_beta: typing.SupportsInt | typing.SupportsIndex,
    grad_occ: typing.SupportsInt | typing.SupportsIndex,
) -> None: ...
def structure_factors_from_map(
    bits: typing.SupportsInt | typing.SupportsIndex,
    maps: typing.SupportsInt | typing.SupportsIndex,
    box: tuple[
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
    ],
    f: typing.SupportsInt | typing.SupportsIndex,
    grid: tuple[
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
    ],
    scale: typing.SupportsFloat | typing.SupportsIndex,
    map: typing.SupportsInt | typing.SupportsIndex,
) -> None: ...
def structure_factors_list(
    bits: typing.SupportsInt | typing.SupportsIndex,
    atoms: tuple[
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
    ],
    form: tuple[
        typing.SupportsInt | typing.SupportsIndex, typing.SupportsInt | typing.SupportsIndex, bool
    ],
    reflections: tuple[
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
    ],
    out: typing.SupportsInt | typing.SupportsIndex,
) -> None: ...
def structure_factors_list_vjp(
    bits: typing.SupportsInt | typing.SupportsIndex,
    atoms: tuple[
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
    ],
    form: tuple[
        typing.SupportsInt | typing.SupportsIndex, typing.SupportsInt | typing.SupportsIndex, bool
    ],
    reflections: tuple[
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
    ],
    g: typing.SupportsInt | typing.SupportsIndex,
    grad_frac: typing.SupportsInt | typing.SupportsIndex,
    grad_beta: typing.SupportsInt | typing.SupportsIndex,
    grad_occ: typing.SupportsInt | typing.SupportsIndex,
) -> None: ...
def structure_factors_points(
    bits: typing.SupportsInt | typing.SupportsIndex,
    atoms: tuple[
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
    ],
    form: tuple[
        typing.SupportsInt | typing.SupportsIndex, typing.SupportsInt | typing.SupportsIndex, bool
    ],
    reflections: tuple[
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
    ],
    out: typing.SupportsInt | typing.SupportsIndex,
) -> None: ...
def structure_factors_points_vjp(
    bits: typing.SupportsInt | typing.SupportsIndex,
    atoms: tuple[
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
    ],
    form: tuple[
        typing.SupportsInt | typing.SupportsIndex, typing.SupportsInt | typing.SupportsIndex, bool
    ],
    reflections: tuple[
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
    ],
    g: typing.SupportsInt | typing.SupportsIndex,
    grad_frac: typing.SupportsInt | typing.SupportsIndex,
    grad_beta: typing.SupportsInt | typing.SupportsIndex,
    grad_occ: typing.SupportsInt | typing.SupportsIndex,
) -> None: ...
def survey(
    count: typing.SupportsInt | typing.SupportsIndex,
    hkl: typing.SupportsInt | typing.SupportsIndex,
    metric: typing.SupportsInt | typing.SupportsIndex,
    squares: typing.SupportsInt | typing.SupportsIndex,
) -> tuple[tuple[int, int, int], tuple[float, float]]: ...
def version() -> str:
    """
    Return the version that this module was built with.
    """
