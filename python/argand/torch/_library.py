"""The operator library ``torch.ops.argand``: who defines an operator also gives its fake and its derivative."""

from __future__ import annotations

import torch

LIBRARY = torch.library.Library("argand", "DEF")

COMPLEX = {torch.float32: torch.complex64, torch.float64: torch.complex128}


def plain(tensor: torch.Tensor) -> torch.Tensor:
    """A tensor that a kernel can read: no lazy conjugate, C order."""
    return tensor.resolve_conj().resolve_neg().contiguous()
