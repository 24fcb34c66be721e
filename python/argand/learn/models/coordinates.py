"""Where a voxel lies: a convolution cannot know it, so h, k, l enter as channels."""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["Coordinates"]


class Coordinates(nn.Module):
    """Append h, k, l divided by the largest k: (b, c, *shape) -> (b, c + 3, *shape).

    k and l run from -H to H; h does too, or from 0 to H when `shape` holds only that half.
    """

    #: Number of channels that are appended
    count = 3
    grid: Tensor

    def __init__(self, shape: tuple[int, int, int]) -> None:
        super().__init__()
        side_h, side_k, side_l = shape
        hkl_max = side_k // 2
        h = torch.arange(side_h)
        if side_h == side_k:
            h = h - side_h // 2
        k = torch.arange(side_k) - hkl_max
        l = torch.arange(side_l) - side_l // 2
        hkl = torch.stack(torch.meshgrid(h, k, l, indexing="ij"))
        grid = hkl[None].float() / max(hkl_max, 1)
        self.register_buffer("grid", grid, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Append the coordinates to x (b, c, *shape)."""
        grid = self.grid.to(x.dtype).expand(x.shape[0], -1, -1, -1, -1)
        # channels_last_3d trains 1.3 to 1.8 times as fast on a CPU.
        return torch.cat([x, grid], dim=1).contiguous(memory_format=torch.channels_last_3d)
