"""Check the numbers and the device of a training before its work begins."""

from __future__ import annotations

import math

import torch

from argand.errors import ArgandError

__all__ = ["check_accelerator", "check_at_least", "check_not_negative"]

# Devices of lightning that argand trains on.
_ACCELERATORS = ("cpu", "gpu", "auto")


def check_at_least(least: int, **counts: int | None) -> None:
    """Raise an `ArgandError` that names a count below the least one; None is passed over."""
    for name, count in counts.items():
        if count is not None and count < least:
            raise ArgandError(f"{name} is {count}, needs to be {least} or more")


def check_not_negative(**values: float | None) -> None:
    """Raise an `ArgandError` that names a negative number, infinity or NaN; None is passed over."""
    for name, value in values.items():
        if value is not None and not 0 <= value < math.inf:
            raise ArgandError(f"{name} is {value}, needs to be 0 or more")


def check_accelerator(accelerator: str) -> None:
    """Raise an `ArgandError` for a device that argand does not train on or that is not there."""
    if accelerator not in _ACCELERATORS:
        devices = ", ".join(_ACCELERATORS)
        raise ArgandError(f"accelerator is {accelerator!r}, needs to be one of {devices}")
    if accelerator == "gpu" and not torch.cuda.is_available():
        raise ArgandError("accelerator is 'gpu', but torch finds no CUDA device: choose 'cpu'")
