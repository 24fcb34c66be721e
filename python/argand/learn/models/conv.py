"""Three layers of 3-D convolution."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from argand.learn.models.coordinates import Coordinates

__all__ = ["ThreeLayerConv"]


class ThreeLayerConv(nn.Module):
    """(b, channels, *shape) -> (b, 2, *shape) through two hidden layers of `width` channels.

    `kernel` is odd; a voxel sees its neighbours to 3 (kernel - 1) / 2, and its own h, k, l.
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        channels: int,
        width: int = 16,
        kernel: int = 3,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        if kernel % 2 == 0:
            raise ValueError(f"kernel is {kernel}, needs to be odd")
        self.coordinates = Coordinates(shape)
        self.layers = nn.Sequential(
            nn.Conv3d(channels + Coordinates.count, width, kernel, padding=kernel // 2),
            nn.GELU(),
            nn.Dropout3d(dropout),
            nn.Conv3d(width, width, kernel, padding=kernel // 2),
            nn.GELU(),
            nn.Dropout3d(dropout),
            nn.Conv3d(width, 2, kernel, padding=kernel // 2),
        )
        self.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.layers(self.coordinates(x))
        return out
