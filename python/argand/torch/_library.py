"""The operator library `torch.ops.argand`, which every module of operators adds to.

A module that defines an operator also registers its fake (the shapes and dtypes of its results) and
its derivative.
"""

from __future__ import annotations

import torch

LIBRARY = torch.library.Library("argand", "DEF")

# The complex dtype of each real dtype that the operators take, and the other way round.
COMPLEX = {torch.float32: torch.complex64, torch.float64: torch.complex128}
REAL = {torch.complex64: torch.float32, torch.complex128: torch.float64}


def plain(tensor: torch.Tensor) -> torch.Tensor:
    """Return a tensor as a kernel can read it: in C order, no lazy conjugation or negation."""
    return tensor.resolve_conj().resolve_neg().contiguous()
