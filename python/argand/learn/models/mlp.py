"""Three fully connected layers."""

from __future__ import annotations

import math

from torch import Tensor, nn

__all__ = ["ThreeLayerMLP"]


class ThreeLayerMLP(nn.Module):
    """(b, channels, *shape) -> (b, 2, *shape) through two hidden layers of `width`."""

    def __init__(
        self, shape: tuple[int, int, int], channels: int, width: int = 256, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.shape = shape
        self.layers = nn.Sequential(
            nn.Linear(channels * math.prod(shape), width),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(width, width),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(width, 2 * math.prod(shape)),
        )

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.layers(x.flatten(1))
        return out.view(-1, 2, *self.shape)
