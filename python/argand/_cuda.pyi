"""
Kernels of argand for CUDA devices. Call them through argand, which checks arguments.
"""

from __future__ import annotations
import typing
import typing_extensions

__all__: list[str] = [
    "architectures",
    "compiler",
    "map_from_structure_factors",
    "read_dlpack",
    "status",
    "structure_factors_box",
    "structure_factors_box_form_vjp",
    "structure_factors_box_form_vjp_workspace",
    "structure_factors_box_vjp",
    "structure_factors_box_vjp_workspace",
    "structure_factors_box_workspace",
    "structure_factors_from_map",
    "structure_factors_from_map_workspace",
    "structure_factors_list",
    "structure_factors_list_form_vjp",
    "structure_factors_list_form_vjp_workspace",
    "structure_factors_list_vjp",
    "structure_factors_list_vjp_workspace",
    "structure_factors_list_workspace",
    "structure_factors_points",
    "structure_factors_points_form_vjp",
    "structure_factors_points_form_vjp_workspace",
    "structure_factors_points_vjp",
    "structure_factors_points_vjp_workspace",
    "structure_factors_points_workspace",
    "transform_fits",
    "version",
]

def architectures() -> str:
    """
    Return the architectures that this module holds machine code for.
    """

def compiler() -> str:
    """
    Return the compiler that built this module.
    """

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
    queue: tuple[
        typing.SupportsInt | typing.SupportsIndex, typing.SupportsInt | typing.SupportsIndex
    ],
) -> None: ...
def read_dlpack(
    capsule: typing_extensions.CapsuleType,
) -> tuple[int, int, int, int, int, list[int], list[int] | None, bool]:
    """
    Return (address, device_type, device_id, type_code, bits, shape, strides, read_only) of a DLPack capsule.
    """

def status() -> tuple[int, str]:
    """
    Return the number of devices, and in words why there is none.
    """

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
    extents: tuple[
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
    ],
    workspace: typing.SupportsInt | typing.SupportsIndex,
    queue: tuple[
        typing.SupportsInt | typing.SupportsIndex, typing.SupportsInt | typing.SupportsIndex
    ],
) -> None: ...
def structure_factors_box_form_vjp(
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
    gradient: typing.SupportsInt | typing.SupportsIndex,
    extents: tuple[
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
    ],
    workspace: typing.SupportsInt | typing.SupportsIndex,
    queue: tuple[
        typing.SupportsInt | typing.SupportsIndex, typing.SupportsInt | typing.SupportsIndex
    ],
) -> None: ...
def structure_factors_box_form_vjp_workspace(
    crystals: typing.SupportsInt | typing.SupportsIndex,
    extents: tuple[
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
    ],
    reflections: tuple[
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
    ],
) -> int: ...
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
    extents: tuple[
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
    ],
    workspace: typing.SupportsInt | typing.SupportsIndex,
    queue: tuple[
        typing.SupportsInt | typing.SupportsIndex, typing.SupportsInt | typing.SupportsIndex
    ],
) -> None: ...
def structure_factors_box_vjp_workspace(
    crystals: typing.SupportsInt | typing.SupportsIndex,
    extents: tuple[
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
    ],
    reflections: tuple[
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
    ],
) -> int: ...
def structure_factors_box_workspace(
    crystals: typing.SupportsInt | typing.SupportsIndex,
    extents: tuple[
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
    ],
    reflections: tuple[
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
    ],
) -> int: ...
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
    workspace: typing.SupportsInt | typing.SupportsIndex,
    queue: tuple[
        typing.SupportsInt | typing.SupportsIndex, typing.SupportsInt | typing.SupportsIndex
    ],
) -> None: ...
def structure_factors_from_map_workspace(
    bits: typing.SupportsInt | typing.SupportsIndex,
    maps: typing.SupportsInt | typing.SupportsIndex,
    box: tuple[
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
    ],
    grid: tuple[
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
    ],
) -> int: ...
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
    extents: tuple[
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
    ],
    workspace: typing.SupportsInt | typing.SupportsIndex,
    queue: tuple[
        typing.SupportsInt | typing.SupportsIndex, typing.SupportsInt | typing.SupportsIndex
    ],
) -> None: ...
def structure_factors_list_form_vjp(
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
    gradient: typing.SupportsInt | typing.SupportsIndex,
    extents: tuple[
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
    ],
    workspace: typing.SupportsInt | typing.SupportsIndex,
    queue: tuple[
        typing.SupportsInt | typing.SupportsIndex, typing.SupportsInt | typing.SupportsIndex
    ],
) -> None: ...
def structure_factors_list_form_vjp_workspace(
    crystals: typing.SupportsInt | typing.SupportsIndex,
    extents: tuple[
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
    ],
    reflections: tuple[
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
    ],
) -> int: ...
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
    extents: tuple[
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
    ],
    workspace: typing.SupportsInt | typing.SupportsIndex,
    queue: tuple[
        typing.SupportsInt | typing.SupportsIndex, typing.SupportsInt | typing.SupportsIndex
    ],
) -> None: ...
def structure_factors_list_vjp_workspace(
    crystals: typing.SupportsInt | typing.SupportsIndex,
    extents: tuple[
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
    ],
    reflections: tuple[
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
    ],
) -> int: ...
def structure_factors_list_workspace(
    crystals: typing.SupportsInt | typing.SupportsIndex,
    extents: tuple[
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
    ],
    reflections: tuple[
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
    ],
) -> int: ...
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
    extents: tuple[
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
    ],
    workspace: typing.SupportsInt | typing.SupportsIndex,
    queue: tuple[
        typing.SupportsInt | typing.SupportsIndex, typing.SupportsInt | typing.SupportsIndex
    ],
) -> None: ...
def structure_factors_points_form_vjp(
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
    gradient: typing.SupportsInt | typing.SupportsIndex,
    extents: tuple[
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
    ],
    workspace: typing.SupportsInt | typing.SupportsIndex,
    queue: tuple[
        typing.SupportsInt | typing.SupportsIndex, typing.SupportsInt | typing.SupportsIndex
    ],
) -> None: ...
def structure_factors_points_form_vjp_workspace(
    crystals: typing.SupportsInt | typing.SupportsIndex,
    extents: tuple[
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
    ],
    reflections: tuple[
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
    ],
) -> int: ...
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
    extents: tuple[
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
    ],
    workspace: typing.SupportsInt | typing.SupportsIndex,
    queue: tuple[
        typing.SupportsInt | typing.SupportsIndex, typing.SupportsInt | typing.SupportsIndex
    ],
) -> None: ...
def structure_factors_points_vjp_workspace(
    crystals: typing.SupportsInt | typing.SupportsIndex,
    extents: tuple[
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
    ],
    reflections: tuple[
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
    ],
) -> int: ...
def structure_factors_points_workspace(
    crystals: typing.SupportsInt | typing.SupportsIndex,
    extents: tuple[
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
    ],
    reflections: tuple[
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
    ],
) -> int: ...
def transform_fits(
    bits: typing.SupportsInt | typing.SupportsIndex,
    box: tuple[
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
    ],
    grid: tuple[
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
    ],
) -> bool:
    """
    Tell whether the transforms of a box and a grid have memory enough on a device.
    """

def version() -> str:
    """
    Return the version that this module was built with.
    """
