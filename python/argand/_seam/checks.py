"""Checks of single arrays at the seam: shape, dtype, device, layout; errors name the argument."""

from __future__ import annotations

from typing import Any

import numpy as np

from argand._seam.arrays import CPU, Array, ArrayDevice, device_of, dtype_name, is_lazy, layout

# The complex dtype of each real dtype that the kernels compute in, and the other way round.
COMPLEX = {"float32": "complex64", "float64": "complex128"}
REAL = {"complex64": "float32", "complex128": "float64"}
# Bits of a real number: how the compiled functions are told their precision.
BITS = {"float32": 32, "float64": 64}


def check_array(
    name: str,
    array: Array,
    shape: tuple[int, ...],
    dtype: str,
    device: ArrayDevice = CPU,
    written: bool = False,
) -> None:
    """Raise where an array differs from what a kernel takes it for.

    Parameters
    ----------
    name
        Name of the argument, for the message.
    shape, dtype, device
        What the array must have and where it must lie. It must be contiguous in C order.
    written
        Whether the kernel writes to the array.

    Raises
    ------
    ValueError, TypeError
        Name the argument, what it is and what it must be.
    """
    if tuple(array.shape) != shape:
        raise ValueError(f"{name} has shape {tuple(array.shape)}, needs {shape}")
    if dtype_name(array) != dtype:
        raise TypeError(f"{name} has dtype {dtype_name(array)}, needs {dtype}")
    array_device = device_of(array)
    if array_device is not device and array_device != device:
        raise ValueError(f"{name} is on {array_device}, needs {device}")
    contiguous, writeable = layout(array)
    if written and not writeable:
        raise ValueError(f"{name} is read-only, needs to be writeable")
    if is_lazy(array):
        raise ValueError(
            f"{name} is conjugated or negated lazily, needs plain numbers: "
            "resolve_conj() or resolve_neg()"
        )
    if not contiguous:
        raise ValueError(f"{name} is strided, needs to be contiguous (C order)")


def check_real(name: str, array: Array) -> str:
    """Return the name of an array's dtype; raise where it is neither float32 nor float64."""
    real = dtype_name(array)
    if real not in COMPLEX:
        raise TypeError(f"{name} has dtype {real}, needs float32 or float64")
    return real


def check_pointers(name: str, pointers: Array, end: int) -> None:
    """Raise where pointers into an array do not rise from 0 to its length `end`."""
    rising = (
        len(pointers) > 0
        and int(pointers[0]) == 0
        and int(pointers[-1]) == end
        and not bool((pointers[1:] < pointers[:-1]).any())
    )
    if not rising:
        raise ValueError(f"{name} must rise from 0 to {end}")


def check_output(out: Any, shape: tuple[int, ...], dtype: Any, **inputs: Any) -> None:
    """Raise a ValueError where an answer of a shape and dtype cannot be written to `out`.

    `inputs` are arguments of the call by their names: `out` must not share memory with any of them,
    which would be overwritten while they are read.
    """
    wanted = f"a C-contiguous {np.dtype(dtype)} array of shape {shape}"
    if not isinstance(out, np.ndarray) or isinstance(out, np.ma.MaskedArray):
        raise ValueError(f"out is a {type(out).__name__}, needs {wanted}")
    if out.shape != shape or out.dtype != dtype or not out.flags.c_contiguous:
        raise ValueError(f"out is {out.dtype} {out.shape}, needs {wanted}")
    if not out.flags.writeable:
        raise ValueError("out is read-only, needs to be writeable")
    for name, value in inputs.items():
        arrays = value if isinstance(value, (list, tuple)) else [value]
        for array in arrays:
            if isinstance(array, np.ndarray) and np.may_share_memory(out, array):
                raise ValueError(f"out shares memory with {name}, needs memory of its own")


def check_plain(name: str, array: Any) -> None:
    """Raise a ValueError where an array has masked values, which a sum would take for numbers."""
    if np.ma.is_masked(array):
        raise ValueError(f"{name} is a masked array, needs plain numbers: leave masked values out")
