"""Tensors whose memory is used again once nobody refers to them.

A fresh megabyte costs more than filling it: the system clears every page of it on first touch. A stream of batches
that die as fast as they are made need not pay that for each.
"""

from __future__ import annotations

import math
import weakref
from collections import deque
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

__all__ = ["Reuse"]

Bytes = npt.NDArray[np.uint8]


class Reuse:
    """Makes tensors, and keeps the memory of the last `most` that died. Any thread may call, and any may let go."""

    def __init__(self, most: int = 24) -> None:
        self._free: deque[Bytes] = deque(maxlen=most)  # its appends and pops are atomic

    def tensor(self, shape: Sequence[int], dtype: torch.dtype) -> Tensor:
        """A tensor of arbitrary content, like `torch.empty`."""
        size = math.prod(shape) * dtype.itemsize
        memory = self._taken(size)
        if memory is None:
            memory = torch.empty(size, dtype=torch.uint8).numpy()
        # The tensor and all views of it share one storage, which refers to this array and to nothing else
        lease = memory[:]
        weakref.finalize(lease, self._free.append, memory).atexit = False
        return torch.from_numpy(lease).view(dtype).view(*shape)

    def _taken(self, size: int) -> Bytes | None:
        for _ in range(len(self._free)):
            try:
                memory = self._free.popleft()
            except IndexError:  # another thread was faster
                return None
            if len(memory) == size:
                return memory
            self._free.append(memory)
        return None
