"""Checks of single arrays at the seam: shape, dtype, device, layout; errors name the argument."""

from __future__ import annotations

from argand._seam.arrays import CPU, Array, ArrayDevice, device_of, dtype_name, layout

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
