"""The inverse transform of boxes of structure factors to density maps, and back.

The call runs where the map lies: on the CPU, or on a CUDA device by the kernels of the module
`_cuda`.
"""

from __future__ import annotations

from argand import _core
from argand._seam.arrays import (
    CPU,
    Array,
    ArrayDevice,
    address,
    device_of,
    queue_of,
    require_cuda,
    workspace_like,
)
from argand._seam.checks import BITS, COMPLEX, check_array, check_real
from argand._seam.modules import cuda_module

Sides = tuple[int, int, int]


def map_from_structure_factors(f: Array, rho: Array, scale: float) -> None:
    """Write rho(x) = scale Re sum_h F(h) exp(-2 pi i h.x) of boxes to maps over the whole cell.

    All arguments are checked.

    Parameters
    ----------
    f
        Boxes (maps, 2h+1, 2k+1, 2l+1), complex64 or complex128, h slowest.
    rho
        Array (maps, na, nb, nc) to write to, float32 or float64.
    scale
        1 / V for a density in e/A^3 and V in A^3.

    Raises
    ------
    ValueError, TypeError
        Name the array, what it is and what it must be.
    """
    device = device_of(rho)
    bits, maps, box, grid = _check_transform(f, rho, device, written="rho")
    transform = (bits, maps, box, address(f), grid, scale, address(rho))
    if device is CPU:
        _core.map_from_structure_factors(*transform)
        return
    cuda = require_cuda(device)
    cuda.map_from_structure_factors(*transform, queue_of(rho, device))


def structure_factors_from_map(rho: Array, f: Array, scale: float) -> None:
    """Write F(h) = scale sum_x rho(x) exp(+2 pi i h.x) of maps over the whole cell to boxes.

    All arguments are checked.

    Parameters
    ----------
    rho
        Maps (maps, na, nb, nc), float32 or float64.
    f
        Array (maps, 2h+1, 2k+1, 2l+1) to write to, complex64 or complex128, h slowest.
    scale
        V / N for N points of the grid, V in A^3.

    Raises
    ------
    ValueError, TypeError
        Name the array, what it is and what it must be.
    """
    device = device_of(rho)
    bits, maps, box, grid = _check_transform(f, rho, device, written="f")
    transform = (bits, maps, box, address(f), grid, scale, address(rho))
    if device is CPU:
        _core.structure_factors_from_map(*transform)
        return
    cuda = require_cuda(device)
    size = cuda.structure_factors_from_map_workspace(bits, maps, box, grid)
    workspace = workspace_like(rho, size, device)
    queue = queue_of(rho, device)
    cuda.structure_factors_from_map(*transform, address(workspace), queue)


def transform_fits(real: str, box: Sides, grid: Sides) -> bool:
    """Return whether the CUDA kernels take a box and a grid; an FFT has to take all others.

    Arguments are not checked: only argand calls this. `real` is "float32" or "float64".
    """
    cuda = cuda_module()
    if cuda is None:
        return False
    return bool(cuda.transform_fits(BITS[real], box, grid))


def _check_transform(
    f: Array,
    rho: Array,
    device: ArrayDevice,
    written: str,
) -> tuple[int, int, Sides, Sides]:
    """Check both arrays of a transform, and return bits, number of maps, box and grid."""
    real = check_real("rho", rho)
    f_shape, rho_shape = tuple(f.shape), tuple(rho.shape)
    if len(f_shape) != 4 or any(length % 2 == 0 for length in f_shape[1:]):
        raise ValueError(f"f has shape {f_shape}, needs (maps, 2h+1, 2k+1, 2l+1)")
    if len(rho_shape) != 4 or min(rho_shape[1:]) < 1:
        raise ValueError(f"rho has shape {rho_shape}, needs (maps, na, nb, nc)")
    maps, na, nb, nc = rho_shape
    _, rows, columns, layers = f_shape
    f_needs = (maps, rows, columns, layers)
    check_array("f", f, f_needs, COMPLEX[real], device, written=written == "f")
    check_array("rho", rho, rho_shape, real, device, written=written == "rho")
    box = (rows // 2, columns // 2, layers // 2)
    return BITS[real], maps, box, (na, nb, nc)
