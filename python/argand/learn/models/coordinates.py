"""Where a voxel lies: a convolution cannot know it, so h, k, l enter as channels."""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["Coordinates"]


class Coordinates(nn.Module):
    """Appends h, k, l divided by the largest k: (b, c, *shape) -> (b, c + 3, *shape), channels last in memory.

    k and l run from -H to H; h does too, or from 0 to H when `shape` holds only that half.
    """

    #: How many channels it appends
    count = 3
    grid: Tensor

    def __init__(self, shape: tuple[int, int, int]) -> None:
        super().__init__()
        reach = shape[1] // 2
        first = torch.arange(shape[0]) - (shape[0] // 2 if shape[0] == shape[1] else 0)
        axes = [first, torch.arange(shape[1]) - reach, torch.arange(shape[2]) - shape[2] // 2]
        grid = torch.stack(torch.meshgrid(*axes, indexing="ij"))[None].float() / max(reach, 1)
        self.register_buffer("grid", grid, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        grid = self.grid.to(x.dtype).expand(x.shape[0], -1, -1, -1, -1)
        # channels_last_3d trains 1.3 to 1.8 times as fast on a CPU
        return torch.cat([x, grid], dim=1).contiguous(memory_format=torch.channels_last_3d)
