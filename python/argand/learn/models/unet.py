"""A 3-D U-net: down-sampling convolutions, up-sampling transpose convolutions, skip connections."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn

from argand.learn.models.coordinates import Coordinates

__all__ = ["UNet"]

Norm = Literal["group", "batch", "none"]


class UNet(nn.Module):
    """Map channels (b, channels, *shape) to (b, 2, *shape) through levels of lower resolution.

    Parameters
    ----------
    shape
        Sides of the box.
    channels
        Number of input channels.
    width
        Channels at full resolution; each level down has twice as many. The classic U-net starts at
        64.
    depth
        Levels of down-sampling by two; sides are rounded up (13 -> 7 -> 4).
    convolutions
        3x3x3 convolutions in a block.
    norm
        Normalisation after every convolution of a block: "group", "batch" or "none".
    dropout
        Share of channels that are dropped at the end of each block in training.

    Source: O. Ronneberger, P. Fischer, T. Brox, "U-Net", MICCAI (2015); O. Cicek et al., "3D
    U-Net", MICCAI (2016).
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        channels: int,
        width: int = 8,
        depth: int = 2,
        convolutions: int = 1,
        norm: Norm = "group",
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        if depth < 1 or min(shape) <= 2 ** (depth - 1):
            raise ValueError(
                f"depth is {depth}, needs to be at least 1 and leave more than a voxel of {shape}"
            )
        widths = [width << level for level in range(depth + 1)]
        steps_down = list(pairwise(widths))

        def block(channels_in: int, channels_out: int) -> nn.Sequential:
            return _block(channels_in, channels_out, convolutions, norm, dropout)

        self.coordinates = Coordinates(shape)
        self.enter = block(channels + Coordinates.count, width)
        self.down = nn.ModuleList(
            nn.Sequential(
                nn.Conv3d(fine, coarse, 3, stride=2, padding=1),
                nn.GELU(),
                block(coarse, coarse),
            )
            for fine, coarse in steps_down
        )
        self.up = nn.ModuleList(
            nn.ConvTranspose3d(coarse, fine, 3, stride=2, padding=1) for fine, coarse in steps_down
        )
        self.merge = nn.ModuleList(block(2 * fine, fine) for fine, _ in steps_down)
        self.leave = nn.Conv3d(width, 2, 1)
        self.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]

    def forward(self, x: Tensor) -> Tensor:
        """Map x (b, channels, *shape) to (b, 2, *shape)."""
        levels = [self.enter(self.coordinates(x))]
        for down in self.down:
            levels.append(down(levels[-1]))
        x = levels.pop()
        for up, merge in zip(reversed(self.up), reversed(self.merge), strict=True):
            skipped = levels.pop()
            enlarged = up(x, output_size=skipped.shape[2:])
            x = merge(torch.cat([enlarged, skipped], dim=1))
        y: Tensor = self.leave(x)
        return y


def _block(
    channels_in: int,
    channels_out: int,
    convolutions: int,
    norm: Norm,
    dropout: float,
) -> nn.Sequential:
    """Chain convolutions, each with its normalisation and activation, and a dropout at the end."""
    layers: list[nn.Module] = []
    for number in range(convolutions):
        channels = channels_in if number == 0 else channels_out
        layers.append(nn.Conv3d(channels, channels_out, 3, padding=1))
        layers.append(_normalisation(norm, channels_out))
        layers.append(nn.GELU())
    return nn.Sequential(*layers, nn.Dropout3d(dropout))


def _normalisation(norm: Norm, channels: int) -> nn.Module:
    if norm == "group":
        # The largest number of groups, up to four, that divides the channels.
        groups = next(count for count in (4, 2, 1) if channels % count == 0)
        return nn.GroupNorm(groups, channels)
    if norm == "batch":
        return nn.BatchNorm3d(channels)
    if norm == "none":
        return nn.Identity()
    raise ValueError(f"norm is {norm!r}, needs to be 'group', 'batch' or 'none'")
