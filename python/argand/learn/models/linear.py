"""Linear regression: every output is a weighted sum of all inputs."""

from __future__ import annotations

import math

from torch import Tensor, nn

__all__ = ["LinearRegression"]


class LinearRegression(nn.Module):
    """(b, channels, *shape) -> (b, 2, *shape)."""

    def __init__(self, shape: tuple[int, int, int], channels: int) -> None:
        super().__init__()
        self.shape = shape
        self.layer = nn.Linear(channels * math.prod(shape), 2 * math.prod(shape))

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.layer(x.flatten(1))
        return out.view(-1, 2, *self.shape)
