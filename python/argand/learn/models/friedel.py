"""F(-h) = conj F(h), imposed on a network by working on half of the reflections."""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["FriedelHalf"]


class FriedelHalf(nn.Module):
    """Complete a network on h >= 0 by Friedel's law: cos is even, sin is odd in hkl.

    Maps (b, c, 2H+1, D, D) -> (b, 2, 2H+1, D, D). The plane h = 0 holds its own mates; there the
    law is imposed by averaging.

    Parameters
    ----------
    net
        A network (b, c, H+1, D, D) -> (b, 2, H+1, D, D).
    """

    parity: Tensor

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net
        parity = torch.tensor([1.0, -1.0]).view(1, 2, 1, 1, 1)
        self.register_buffer("parity", parity, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map x (b, c, 2H+1, D, D) to (b, 2, 2H+1, D, D)."""
        hkl_max = x.shape[2] // 2
        half: Tensor = self.net(x[:, :, hkl_max:])
        plane = half[:, :, :1]
        positive = half[:, :, 1:]
        plane = 0.5 * (plane + self.parity * plane.flip((3, 4)))
        negative = self.parity * positive.flip((2, 3, 4))
        return torch.cat([negative, plane, positive], dim=2)
