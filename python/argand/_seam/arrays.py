"""Arrays of any library as the compiled modules see them: where they lie, how, and the address of their numbers.

numpy arrays lie in the memory of the CPU; torch tensors there or on a CUDA device; CuPy arrays on a device. Nothing
here imports torch or CuPy: who hands over a tensor has. Numbers of CuPy are reached by DLPack, which also makes the
library's own work wait or not, as its standard says; torch gives addresses itself.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from argand import _core

try:
    from argand import _cuda as _built
except ImportError:  # a build without CUDA
    _cuda: Any = None
else:
    _cuda = _built

Array = Any  # numpy.ndarray, torch.Tensor, cupy.ndarray

_DLPACK_CUDA = 2
_LEGACY_STREAM = 1  # DLPack's number of the default stream, whose handle is 0


class Place(NamedTuple):
    """Memory: that of the CPU, or of one device."""

    kind: str
    number: int = 0

    def __str__(self) -> str:
        return "the CPU" if self.kind == "cpu" else f"{self.kind}:{self.number}"


CPU = Place("cpu")


class Library(Protocol):
    """What a call on a device needs of the library that made its arrays."""

    def stream(self, device: int) -> int:
        """The handle of the stream that the library now works on."""

    def empty(self, size: int, device: int) -> Array:
        """`size` bytes of the device's memory, to be used on that stream."""


class _Torch:
    def stream(self, device: int) -> int:
        return int(sys.modules["torch"].cuda.current_stream(device).cuda_stream)

    def empty(self, size: int, device: int) -> Array:
        torch = sys.modules["torch"]
        return torch.empty(size, dtype=torch.uint8, device=f"cuda:{device}")


class _Cupy:
    def stream(self, device: int) -> int:
        return int(sys.modules["cupy"].cuda.get_current_stream(device).ptr)

    def empty(self, size: int, device: int) -> Array:
        cupy = sys.modules["cupy"]
        with cupy.cuda.Device(device):
            return cupy.empty(size, "uint8")


LIBRARIES: dict[str, Library] = {"torch": _Torch(), "cupy": _Cupy()}


def library(array: Array) -> Library:
    """The library of an array on a device."""
    name = type(array).__module__.partition(".")[0]
    if name not in LIBRARIES:
        raise TypeError(
            f"an array of type {type(array).__module__}.{type(array).__name__}, needs one of {', '.join(LIBRARIES)}"
        )
    return LIBRARIES[name]


def place(array: Array) -> Place:
    """Where an array lies."""
    if isinstance(array, np.ndarray):
        return CPU
    if hasattr(array, "data_ptr"):
        return (
            CPU if array.device.type == "cpu" else Place(array.device.type, array.device.index or 0)
        )
    if not hasattr(array, "__dlpack_device__"):
        raise TypeError(
            f"an object of type {type(array).__name__}, needs a numpy, torch or CuPy array"
        )
    kind, index = array.__dlpack_device__()
    return (
        Place("cuda", int(index))
        if int(kind) == _DLPACK_CUDA
        else Place(f"DLPack device {int(kind)}", int(index))
    )


class View(NamedTuple):
    """What a kernel is told about an array."""

    address: int
    contiguous: bool
    writeable: bool


def view(array: Array) -> View:
    """The address of an array and how its numbers lie; it is as good as the array lives."""
    if hasattr(array, "data_ptr"):
        return View(int(array.data_ptr()), array.is_contiguous(), True)
    if isinstance(array, np.ndarray):
        flags = array.flags
        return View(
            _core.address(array) if flags.c_contiguous else 0, flags.c_contiguous, flags.writeable
        )
    if _cuda is None:
        raise RuntimeError("argand was built without CUDA")
    stream = library(array).stream(place(array).number)
    address, _, _, _, _, shape, strides, read_only = _cuda.read_dlpack(
        array.__dlpack__(stream=stream or _LEGACY_STREAM)
    )
    return View(address, strides is None or 0 in shape or _c_order(shape, strides), not read_only)


def _c_order(shape: Sequence[int], strides: Sequence[int]) -> bool:
    step = 1
    for length, stride in zip(shape[::-1], strides[::-1], strict=True):
        if length != 1 and stride != step:
            return False
        step *= length
    return True


def address(array: Array | None) -> int:
    """Where the numbers of an array begin; 0 for none."""
    if isinstance(array, np.ndarray):
        return _core.address(array)
    if array is None:
        return 0
    if hasattr(array, "data_ptr"):
        return int(array.data_ptr())
    return view(array).address


_NAMES: dict[Any, str] = {}  # str() of a numpy dtype takes longer than a small kernel


def dtype_name(array: Array) -> str:
    """The name of an array's dtype, the same for all libraries: float32, complex64, int64."""
    dtype = array.dtype
    name = _NAMES.get(dtype)
    if name is None:
        name = _NAMES[dtype] = str(dtype).removeprefix("torch.")
    return name
