"""Linear regression: every output is a weighted sum of all inputs."""

from __future__ import annotations

import math

from torch import Tensor, nn

__all__ = ["LinearRegression"]


class LinearRegression(nn.Module):
    """Map channels (b, channels, *shape) to (b, 2, *shape) by one linear layer.

    Parameters
    ----------
    shape
        Sides of the box.
    channels
        Number of input channels.
    """

    def __init__(self, shape: tuple[int, int, int], channels: int) -> None:
        super().__init__()
        self.shape = shape
        voxels = math.prod(shape)
        self.layer = nn.Linear(channels * voxels, 2 * voxels)

    def forward(self, x: Tensor) -> Tensor:
        """Map x (b, channels, *shape) to (b, 2, *shape)."""
        y: Tensor = self.layer(x.flatten(1))
        return y.view(-1, 2, *self.shape)
