"""What several peers need."""

from __future__ import annotations

import warnings
from typing import Any

import pytest

EXACT = {"float64": 1e-12}
BOTH = {"float64": 1e-12, "float32": 1e-5}
COMPLEX = {"float64": "complex128", "float32": "complex64"}


def peer(name: str) -> Any:
    """The module, or a skip; its own warnings stay its own."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip(name)
