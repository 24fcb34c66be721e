"""Import peers, and the tolerances that several of them have."""

from __future__ import annotations

import warnings
from typing import Any

import pytest

#: Largest error of a peer that offers double precision only, as a share of the largest value.
EXACT = {"float64": 1e-12}
#: Largest error of a peer that offers both precisions.
BOTH = {"float64": 1e-12, "float32": 1e-5}


def peer(name: str) -> Any:
    """Import a module of a peer without its warnings; skip the test where it is missing."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip(name)
