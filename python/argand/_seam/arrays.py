"""Arrays of numpy, torch and CuPy: on which device they lie, how, and the address of their numbers.

numpy arrays lie in the memory of the CPU, torch tensors there or on a CUDA device, CuPy arrays on a
device. Nothing here imports torch or CuPy: whoever hands over a tensor has imported its library.
The numbers of a CuPy array are reached by DLPack, whose standard says when the library's own work
is waited for; torch gives addresses itself.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any, NamedTuple, Protocol

import numpy as np

from argand import _core
from argand._seam.modules import cuda_module
from argand.errors import MemoryLimitError

# A numpy.ndarray, torch.Tensor or cupy.ndarray.
Array = Any

# The number of CUDA among DLPack's kinds of device.
_DLPACK_CUDA = 2
# DLPack's number of CUDA's default stream, whose handle is 0.
_DLPACK_DEFAULT_STREAM = 1


class ArrayDevice(NamedTuple):
    """Name the memory in which an array lies: the CPU's, or that of one device."""

    kind: str
    number: int = 0

    def __str__(self) -> str:
        return "the CPU" if self.kind == "cpu" else f"{self.kind}:{self.number}"


CPU = ArrayDevice("cpu")


class Library(Protocol):
    """Ask the library that made an array for its stream, and for further arrays."""

    def stream(self, device: ArrayDevice) -> int:
        """Return the handle of the stream that the library works on at the moment; 0 on the CPU."""

    def empty(
        self,
        shape: tuple[int, ...],
        dtype: str,
        device: ArrayDevice,
    ) -> Array:
        """Allocate an array on a device, to be used on the library's current stream."""

    def arange(self, count: int, dtype: str, device: ArrayDevice) -> Array:
        """Make the numbers 0, 1, ..., count - 1 on a device."""

    def resolved(self, array: Array) -> Array:
        """Return an array whose memory holds its numbers, not their conjugates or negatives."""


class _Numpy:
    def stream(self, device: ArrayDevice) -> int:
        return 0

    def empty(
        self,
        shape: tuple[int, ...],
        dtype: str,
        device: ArrayDevice,
    ) -> Array:
        return np.empty(shape, dtype)

    def arange(self, count: int, dtype: str, device: ArrayDevice) -> Array:
        return np.arange(count, dtype=dtype)

    def resolved(self, array: Array) -> Array:
        return array


class _Torch:
    def stream(self, device: ArrayDevice) -> int:
        if device is CPU:
            return 0
        torch = sys.modules["torch"]
        return int(torch.cuda.current_stream(device.number).cuda_stream)

    def empty(
        self,
        shape: tuple[int, ...],
        dtype: str,
        device: ArrayDevice,
    ) -> Array:
        torch = sys.modules["torch"]
        try:
            return torch.empty(shape, dtype=_torch_dtype(dtype), device=_torch_device(device))
        except torch.cuda.OutOfMemoryError as error:
            raise _no_room(shape, dtype, device) from error

    def arange(self, count: int, dtype: str, device: ArrayDevice) -> Array:
        torch = sys.modules["torch"]
        return torch.arange(count, dtype=_torch_dtype(dtype), device=_torch_device(device))

    def resolved(self, array: Array) -> Array:
        return array.resolve_conj().resolve_neg()


def _torch_dtype(name: str) -> Any:
    torch = sys.modules["torch"]
    dtypes = {
        "uint8": torch.uint8,
        "int32": torch.int32,
        "int64": torch.int64,
        "float32": torch.float32,
        "float64": torch.float64,
        "complex64": torch.complex64,
        "complex128": torch.complex128,
    }
    return dtypes[name]


def _torch_device(device: ArrayDevice) -> str:
    return "cpu" if device is CPU else str(device)


class _Cupy:
    def stream(self, device: ArrayDevice) -> int:
        cupy = sys.modules["cupy"]
        return int(cupy.cuda.get_current_stream(device.number).ptr)

    def empty(
        self,
        shape: tuple[int, ...],
        dtype: str,
        device: ArrayDevice,
    ) -> Array:
        cupy = sys.modules["cupy"]
        try:
            with cupy.cuda.Device(device.number):
                return cupy.empty(shape, dtype)
        except cupy.cuda.memory.OutOfMemoryError as error:
            raise _no_room(shape, dtype, device) from error

    def arange(self, count: int, dtype: str, device: ArrayDevice) -> Array:
        cupy = sys.modules["cupy"]
        with cupy.cuda.Device(device.number):
            return cupy.arange(count, dtype=dtype)

    def resolved(self, array: Array) -> Array:
        return array


def _no_room(shape: tuple[int, ...], dtype: str, device: ArrayDevice) -> MemoryLimitError:
    """Say that the memory of a device has no room for an array."""
    size = math.prod(shape) * np.dtype(dtype).itemsize / 2**20
    return MemoryLimitError(
        f"{device} has no room for an array {shape} of {dtype}, {size:,.1f} MiB: "
        "give fewer crystals, reflections or maps at a time"
    )


LIBRARIES: dict[str, Library] = {
    "torch": _Torch(),
    "cupy": _Cupy(),
    "numpy": _Numpy(),
}


def _package_name(array: Array) -> str:
    return type(array).__module__.partition(".")[0]


def library_of(array: Array) -> Library:
    """Return the library that made an array; a TypeError names an array of any other."""
    library = LIBRARIES.get(_package_name(array))
    if library is None:
        array_type = f"{type(array).__module__}.{type(array).__name__}"
        raise TypeError(f"an array of type {array_type}, needs one of {', '.join(LIBRARIES)}")
    return library


def array_module(array: Array) -> ModuleType:
    """Return the imported package that an array belongs to: numpy, torch or cupy."""
    return sys.modules[_package_name(array)]


def device_of(array: Array) -> ArrayDevice:
    """Return the device on which an array lies: the object `CPU` for the memory of the CPU."""
    if isinstance(array, np.ndarray):
        return CPU
    if hasattr(array, "data_ptr"):
        kind = array.device.type
        return CPU if kind == "cpu" else ArrayDevice(kind, array.device.index or 0)
    if not hasattr(array, "__dlpack_device__"):
        raise TypeError(
            f"an object of type {type(array).__name__}, needs a numpy, torch or CuPy array"
        )
    number, index = array.__dlpack_device__()
    kind = "cuda" if int(number) == _DLPACK_CUDA else f"DLPack device {int(number)}"
    return ArrayDevice(kind, int(index))


def layout(array: Array) -> tuple[bool, bool]:
    """Return whether an array is contiguous in C order, and whether it may be written to."""
    if isinstance(array, np.ndarray):
        flags = array.flags
        return flags.c_contiguous, flags.writeable
    if hasattr(array, "data_ptr"):
        return array.is_contiguous(), True
    _, contiguous, writeable = _read_dlpack(array)
    return contiguous, writeable


def is_lazy(array: Array) -> bool:
    """Tell whether the memory of a torch tensor holds the conjugates or negatives of its numbers.

    torch conjugates and negates complex tensors so, without touching their memory.
    """
    return hasattr(array, "data_ptr") and (array.is_conj() or array.is_neg())


def address(array: Array | None) -> int:
    """Return where the numbers of a contiguous array begin; 0 for None.

    The address is valid as long as the array lives. Arguments are not checked: only argand calls
    this.
    """
    if isinstance(array, np.ndarray):
        return _core.address(array)
    if array is None:
        return 0
    if hasattr(array, "data_ptr"):
        return int(array.data_ptr())
    return _read_dlpack(array)[0]


def _read_dlpack(array: Array) -> tuple[int, bool, bool]:
    """Return address, C-contiguity and writeability of an array that is reached by DLPack."""
    cuda = cuda_module()
    if cuda is None:
        raise RuntimeError("argand was built without CUDA")
    stream = library_of(array).stream(device_of(array))
    capsule = array.__dlpack__(stream=stream or _DLPACK_DEFAULT_STREAM)
    start, _, _, _, _, shape, strides, read_only = cuda.read_dlpack(capsule)
    contiguous = strides is None or 0 in shape or _strides_are_c_order(shape, strides)
    return start, contiguous, not read_only


def _strides_are_c_order(shape: Sequence[int], strides: Sequence[int]) -> bool:
    step = 1
    for length, stride in zip(shape[::-1], strides[::-1], strict=True):
        if length != 1 and stride != step:
            return False
        step *= length
    return True


# Names of dtypes: str() of a numpy dtype takes longer than a small kernel.
_dtype_names: dict[Any, str] = {}


def dtype_name(array: Array) -> str:
    """Return the name of an array's dtype, equal for all libraries: float32, complex64, int64."""
    dtype = array.dtype
    name = _dtype_names.get(dtype)
    if name is None:
        name = str(dtype).removeprefix("torch.")
        _dtype_names[dtype] = name
    return name


def require_cuda(device: ArrayDevice) -> Any:
    """Return the compiled module `_cuda` for arrays on a device, or raise a RuntimeError."""
    if device.kind != "cuda":
        raise ValueError(f"arrays are on {device}, need to be on the CPU or on a CUDA device")
    cuda = cuda_module()
    if cuda is None:
        raise RuntimeError("arrays are on a CUDA device, but argand was built without CUDA")
    return cuda


def queue_of(array: Array, device: ArrayDevice) -> tuple[int, int]:
    """Return the device number and the stream handle on which the work for an array is put."""
    return device.number, library_of(array).stream(device)


def workspace_like(
    array: Array,
    size: int,
    device: ArrayDevice,
) -> Array | None:
    """Allocate `size` bytes of scratch memory by the library of an array; None for 0 bytes."""
    if not size:
        return None
    return library_of(array).empty((size,), "uint8", device)
