"""What a network is shown: channels of tensors on the cube of Miller indices."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from argand.learn.random import Purpose, uniforms

__all__ = ["CHANNELS", "cut_resolution", "features"]

#: Channels there are: |F| / sum f, whether it was measured, and (sin(theta)/lambda)^2
CHANNELS = ("amplitude", "mask", "stol2")


def features(
    amplitude: Tensor, mask: Tensor, stol2: Tensor, inputs: Sequence[str] = CHANNELS
) -> Tensor:
    """The channels named by `inputs`, stacked: (b, D, D, D) each to (b, channels, D, D, D)."""
    given = {"amplitude": amplitude, "mask": mask.to(amplitude.dtype), "stol2": stol2}
    unknown = [name for name in inputs if name not in given]
    if unknown or not inputs:
        raise ValueError(f"inputs is {tuple(inputs)}, needs names among {CHANNELS}")
    return torch.stack([given[name] for name in inputs], dim=1)


def cut_resolution(mask: Tensor, stol2: Tensor, sample: Tensor, seed: int, lowest: float) -> Tensor:
    """A mask that ends at a random stol between `lowest` and 1 times the largest measured one of each sample.

    Crystals differ in how far they can be measured. A network that has seen every reach does not take it for a
    property of the element.
    """
    drawn = uniforms(seed, sample.cpu().numpy(), 1, Purpose.RESOLUTION_CUT)[:, 0]
    share = torch.from_numpy((lowest + (1.0 - lowest) * drawn).astype(np.float32)).to(stol2.device)
    largest = (stol2 * mask).amax(dim=(1, 2, 3))
    return mask & (stol2 <= (largest * share.square())[:, None, None, None])
