"""Three layers of 3-D convolution."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from argand.learn.models.coordinates import Coordinates

__all__ = ["ThreeLayerConv"]


class ThreeLayerConv(nn.Module):
    """Map channels (b, channels, *shape) to (b, 2, *shape) through two hidden convolutions.

    Parameters
    ----------
    shape
        Sides of the box.
    channels
        Number of input channels.
    width
        Channels of the hidden layers.
    kernel
        Side of the kernels, odd; a voxel sees its neighbours to 3 (kernel - 1) / 2, and its own h,
        k, l.
    dropout
        Share of channels that are dropped in training.
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
        """Map x (b, channels, *shape) to (b, 2, *shape)."""
        y: Tensor = self.layers(self.coordinates(x))
        return y
