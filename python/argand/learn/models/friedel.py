"""F(-h) = conj F(h), imposed on a network by working on half of the reflections."""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["FriedelHalf"]


class FriedelHalf(nn.Module):
    """A network on the half h >= 0, completed by Friedel's law: cos is even, sin is odd under hkl -> -hkl.

    (b, c, 2H+1, D, D) -> (b, 2, 2H+1, D, D), of a `net` that maps (b, c, H+1, D, D) -> (b, 2, H+1, D, D). The plane
    h = 0 holds its own mates; there the law is imposed by averaging.
    """

    parity: Tensor

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net
        self.register_buffer(
            "parity", torch.tensor([1.0, -1.0]).view(1, 2, 1, 1, 1), persistent=False
        )

    def forward(self, x: Tensor) -> Tensor:
        half: Tensor = self.net(x[:, :, x.shape[2] // 2 :])
        plane, rest = half[:, :, :1], half[:, :, 1:]
        plane = 0.5 * (plane + self.parity * plane.flip((3, 4)))
        return torch.cat([self.parity * rest.flip((2, 3, 4)), plane, rest], dim=2)
