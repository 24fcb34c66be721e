"""Tensors whose memory is used again once nobody refers to them.

A fresh megabyte costs more than filling it: the system clears every page of it on first touch. A
stream of batches that die as fast as they are made need not pay that for each.
"""

from __future__ import annotations

import math
import weakref
from collections import deque
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

__all__ = ["Reuse"]

Bytes = NDArray[np.uint8]


class Reuse:
    """Make tensors from the memory of others that nobody refers to any more.

    Any thread may ask for tensors, and any may let them go.

    Parameters
    ----------
    most
        Number of free blocks of memory that are kept.
    """

    def __init__(self, most: int = 24) -> None:
        # Appends and pops of a deque are atomic, so no lock is needed.
        self._free: deque[Bytes] = deque(maxlen=most)

    def tensor(self, shape: Sequence[int], dtype: torch.dtype) -> Tensor:
        """Make a tensor of arbitrary content, like `torch.empty`."""
        size = math.prod(shape) * dtype.itemsize
        memory = self._take(size)
        if memory is None:
            memory = torch.empty(size, dtype=torch.uint8).numpy()
        # The tensor and all views of it share one storage, which refers to this array and to
        # nothing else.
        lease = memory[:]
        weakref.finalize(lease, self._free.append, memory).atexit = False
        return torch.from_numpy(lease).view(dtype).view(*shape)

    def _take(self, size: int) -> Bytes | None:
        """Take a free block of `size` bytes; None if there is none."""
        for _ in range(len(self._free)):
            try:
                memory = self._free.popleft()
            except IndexError:  # another thread was faster
                return None
            if len(memory) == size:
                return memory
            self._free.append(memory)
        return None
