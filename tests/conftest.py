"""What several tests share."""

from __future__ import annotations

from typing import Any

import pytest

from argand import _seam


@pytest.fixture(params=["core", "device", "device, last block first"])
def kernels(request: pytest.FixtureRequest) -> Any:
    """Give one test body the functions of the seam: on the CPU, and on an emulated device."""
    if request.param == "core":
        return _seam
    import emulated

    emulated.module()
    return emulated.Kernels(last_block_first="last" in request.param)
