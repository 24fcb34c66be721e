"""The sum over atoms and its derivatives, for boxes, lists of whole orders and lists of any orders.

The arrays of a batch may be numpy arrays, torch tensors or CuPy arrays. The call runs where
`batch.frac` lies, and all other arrays must lie there too. On a device work is put on the stream
that the arrays' library works on, and scratch memory comes from that library, so that nothing waits
for the device.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from argand import _core
from argand._seam.arrays import (
    CPU,
    Array,
    ArrayDevice,
    address,
    device_of,
    dtype_name,
    queue_of,
    require_cuda,
    workspace_like,
)
from argand._seam.batch import Batch, batch_arguments, check_batch
from argand._seam.checks import BITS, COMPLEX, check_array

Kernel = Callable[..., Any]

# The compiled sums on the CPU and their adjoints, by `Batch.reflection_kind`.
_SUMS: dict[str, Kernel] = {
    "box": _core.structure_factors_box,
    "list": _core.structure_factors_list,
    "points": _core.structure_factors_points,
}
_ADJOINTS: dict[str, Kernel] = {
    "box": _core.structure_factors_box_vjp,
    "list": _core.structure_factors_list_vjp,
    "points": _core.structure_factors_points_vjp,
}


def structure_factors(
    batch: Batch,
    out: Array,
    *,
    trusted: bool = False,
) -> None:
    """Write the structure factors of every crystal of a batch.

    F(h) = sum_j occ_j f_j(h) exp(-h^T beta_j h) exp(+2 pi i h.x_j) over the atoms j of a crystal.

    `out` is always checked. The batch is not checked where it is `trusted`: argand itself has built
    it.

    Parameters
    ----------
    batch
        Atoms, form factors and reflections.
    out
        Array of shape `batch.out_shape`, complex64 for float32 atoms and complex128 for float64, to
        write F to.
    trusted
        Whether the batch is known to be right.

    Raises
    ------
    ValueError, TypeError
        Name the array, what it is and what it must be.
    """
    device = device_of(batch.frac)
    if not trusted:
        check_batch(batch, device)
    real = dtype_name(batch.frac)
    check_array("out", out, batch.out_shape, COMPLEX[real], device, written=True)
    if device is CPU:
        kernel = _SUMS[batch.reflection_kind]
        kernel(BITS[real], *batch_arguments(batch), address(out))
    else:
        kernel, workspace_size = _device_sum(require_cuda(device), batch.reflection_kind)
        _run_on_device(kernel, workspace_size, batch, device, (out,))


def structure_factors_vjp(
    batch: Batch,
    g: Array,
    grad_frac: Array | None,
    grad_beta: Array | None,
    grad_occ: Array | None,
) -> None:
    """Write the derivatives of a real loss L by positions, displacements and occupancies.

    All arguments are checked.

    Parameters
    ----------
    batch
        Atoms, form factors and reflections.
    g
        dL/dRe F + i dL/dIm F, in the shape and dtype of F.
    grad_frac, grad_beta, grad_occ
        Arrays (atoms, 3), (atoms, 6), (atoms,) in the dtype of `batch.frac` to write to; None: not
        wanted.

    Raises
    ------
    ValueError, TypeError
        Name the array, what it is and what it must be.
    """
    device = device_of(batch.frac)
    check_batch(batch, device)
    real = dtype_name(batch.frac)
    atoms = batch.frac.shape[0]
    check_array("g", g, batch.out_shape, COMPLEX[real], device)
    if grad_frac is not None:
        check_array("grad_frac", grad_frac, (atoms, 3), real, device, written=True)
    if grad_beta is not None:
        check_array("grad_beta", grad_beta, (atoms, 6), real, device, written=True)
    if grad_occ is not None:
        check_array("grad_occ", grad_occ, (atoms,), real, device, written=True)
    arrays = (g, grad_frac, grad_beta, grad_occ)
    if device is CPU:
        kernel = _ADJOINTS[batch.reflection_kind]
        kernel(BITS[real], *batch_arguments(batch), *map(address, arrays))
    else:
        kernel, workspace_size = _device_adjoint(require_cuda(device), batch.reflection_kind)
        _run_on_device(kernel, workspace_size, batch, device, arrays)


def structure_factors_form_vjp(
    batch: Batch,
    g: Array,
    gradient: Array,
) -> None:
    """Add the derivative of a real loss by the form factors to `gradient`, on a CUDA device.

    All arguments are checked. Crystals that share a row of form factors are added up in double, in
    no fixed order. On the CPU `argand._form_gradient.form_gradient` computes the derivative.

    Parameters
    ----------
    batch
        Atoms, form factors and reflections, on a device.
    g
        dL/dRe F + i dL/dIm F, in the shape and dtype of F.
    gradient
        Array in the shape and dtype of `batch.form`, to be added to.

    Raises
    ------
    ValueError, TypeError
        Name the array, what it is and what it must be.
    """
    device = device_of(batch.frac)
    check_batch(batch, device)
    check_array("g", g, batch.out_shape, COMPLEX[dtype_name(batch.frac)], device)
    form_shape, form_dtype = tuple(batch.form.shape), dtype_name(batch.form)
    check_array("gradient", gradient, form_shape, form_dtype, device, written=True)
    if device is CPU:
        raise ValueError("frac is on the CPU, needs a CUDA device")
    kernel, workspace_size = _device_form_adjoint(require_cuda(device), batch.reflection_kind)
    _run_on_device(kernel, workspace_size, batch, device, (g, gradient))


def _device_sum(cuda: Any, reflection_kind: str) -> tuple[Kernel, Kernel]:
    """Return the sum on a device, and the function that returns the bytes of its workspace."""
    if reflection_kind == "box":
        return cuda.structure_factors_box, cuda.structure_factors_box_workspace
    if reflection_kind == "points":
        return cuda.structure_factors_points, cuda.structure_factors_points_workspace
    return cuda.structure_factors_list, cuda.structure_factors_list_workspace


def _device_adjoint(cuda: Any, reflection_kind: str) -> tuple[Kernel, Kernel]:
    """Return the adjoint on a device, and the function that returns the bytes of its workspace."""
    if reflection_kind == "box":
        return cuda.structure_factors_box_vjp, cuda.structure_factors_box_vjp_workspace
    if reflection_kind == "points":
        return cuda.structure_factors_points_vjp, cuda.structure_factors_points_vjp_workspace
    return cuda.structure_factors_list_vjp, cuda.structure_factors_list_vjp_workspace


def _device_form_adjoint(cuda: Any, reflection_kind: str) -> tuple[Kernel, Kernel]:
    """Return the derivative by form factors on a device, and the function of its workspace."""
    if reflection_kind == "box":
        return cuda.structure_factors_box_form_vjp, cuda.structure_factors_box_form_vjp_workspace
    if reflection_kind == "points":
        kernel = cuda.structure_factors_points_form_vjp
        return kernel, cuda.structure_factors_points_form_vjp_workspace
    return cuda.structure_factors_list_form_vjp, cuda.structure_factors_list_form_vjp_workspace


def _run_on_device(
    kernel: Kernel,
    workspace_size: Kernel,
    batch: Batch,
    device: ArrayDevice,
    arrays: tuple[Array | None, ...],
) -> None:
    """Call a kernel of the CUDA module on a batch and further arrays."""
    bits = BITS[dtype_name(batch.frac)]
    atoms, form, reflections = batch_arguments(batch)
    extents = (batch.frac.shape[0], batch.reflections, batch.form.shape[0])
    size = workspace_size(batch.crystals, extents, reflections)
    workspace = workspace_like(batch.frac, size, device)
    queue = queue_of(batch.frac, device)
    addresses = map(address, arrays)
    kernel(bits, atoms, form, reflections, *addresses, extents, address(workspace), queue)
