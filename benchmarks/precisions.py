"""Translate the name of a precision, "float32" or "float64", into data types of numpy and torch."""

from __future__ import annotations

from typing import Any

import pytest

#: Name of the complex type of each precision.
COMPLEX = {"float64": "complex128", "float32": "complex64"}


def torch_real(precision: str) -> Any:
    """Return torch's real data type of a precision; skip the test where torch is missing."""
    torch = pytest.importorskip("torch")
    return {"float64": torch.float64, "float32": torch.float32}[precision]


def torch_complex(precision: str) -> Any:
    """Return torch's complex data type of a precision; skip the test where torch is missing."""
    torch = pytest.importorskip("torch")
    return {"float64": torch.complex128, "float32": torch.complex64}[precision]
