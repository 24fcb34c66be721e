"""Torch tensors that say they lie on a CUDA device, and a torch library for the emulated one."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import torch

import emulated
from argand._seam import arrays
from argand._seam.arrays import ArrayDevice


class CudaTensor(torch.Tensor):
    """A tensor of the CPU that names cuda:0 as its device."""

    @property
    def device(self) -> torch.device:
        """Return the device that the tensor pretends to lie on."""
        return torch.device("cuda", 0)

    @device.setter
    def device(self, device: torch.device) -> None:
        raise AttributeError("device")


CudaTensor.__module__ = "torch"


def on_device(tensor: torch.Tensor) -> torch.Tensor:
    """Return a tensor that shares the memory of another and names cuda:0 as its device."""
    return tensor.as_subclass(CudaTensor)


class EmulatedTorch:
    """The library of `CudaTensor`, as the seam asks for one."""

    def stream(self, device: ArrayDevice) -> int:
        """Return the default stream."""
        return 0

    def empty(self, shape: tuple[int, ...], dtype: str, device: ArrayDevice) -> torch.Tensor:
        """Allocate an array of which every byte is 255."""
        return on_device(torch.from_numpy(emulated.poisoned(shape, dtype).numbers))

    def arange(self, count: int, dtype: str, device: ArrayDevice) -> torch.Tensor:
        """Make the numbers 0, 1, ..., count - 1."""
        return on_device(torch.arange(count, dtype=getattr(torch, dtype)))

    def resolved(self, array: torch.Tensor) -> torch.Tensor:
        """Return a tensor without lazy conjugation or negation, as the real library does."""
        return arrays._Torch().resolved(array)


@contextlib.contextmanager
def device() -> Iterator[Any]:
    """Make argand believe that `CudaTensor` lies on a device."""
    with emulated.device() as kernels:
        before = arrays.LIBRARIES["torch"]
        arrays.LIBRARIES["torch"] = EmulatedTorch()
        try:
            yield kernels
        finally:
            arrays.LIBRARIES["torch"] = before
