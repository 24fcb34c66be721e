"""Three fully connected layers."""

from __future__ import annotations

import math

from torch import Tensor, nn

__all__ = ["ThreeLayerMLP"]


class ThreeLayerMLP(nn.Module):
    """Map channels (b, channels, *shape) to (b, 2, *shape) through two hidden layers.

    Parameters
    ----------
    shape
        Sides of the box.
    channels
        Number of input channels.
    width
        Size of the hidden layers.
    dropout
        Share of hidden values that are dropped in training.
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        channels: int,
        width: int = 256,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.shape = shape
        voxels = math.prod(shape)
        self.layers = nn.Sequential(
            nn.Linear(channels * voxels, width),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(width, width),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(width, 2 * voxels),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map x (b, channels, *shape) to (b, 2, *shape)."""
        y: Tensor = self.layers(x.flatten(1))
        return y.view(-1, 2, *self.shape)
