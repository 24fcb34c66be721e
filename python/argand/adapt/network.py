"""A network beside the regression: what amplitudes tell of displacements that is not linear in them.

    p = x W + offset + spread g(x),   g(x) = norm(h_2) A + a,   h_i = h_{i-1} + block_i(h_{i-1}),   h_0 = x B + b

with x the standardised amplitudes of `argand.adapt.linear` and blocks of two layers each. It is trained on what the
regression misses, by mean squares, and A begins at 0, so that it begins as the regression. This module imports torch;
nothing imports this module unless a network is asked for or was saved.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from argand.adapt.linear import Linear
from argand.cell import FloatArray

__all__ = ["Network", "train_network"]

_WIDTH, _BLOCKS = 256, 2
_STEPS, _BATCH, _RATE, _DECAY = 1000, 256, 1e-3, 0.05
_BETTER = 0.97  # of the regression's mean square error on samples that neither has seen: else it is not worth its price


class Network(nn.Module):
    """From standardised amplitudes (b, m) to what the regression misses of parameters (b, k)."""

    spread: Tensor

    def __init__(self, m: int, k: int) -> None:
        super().__init__()
        self.inner, self.outer = nn.Linear(m, _WIDTH), nn.Linear(_WIDTH, k)
        self.blocks = nn.ModuleList(
            nn.Sequential(
                nn.LayerNorm(_WIDTH),
                nn.Linear(_WIDTH, _WIDTH),
                nn.GELU(),
                nn.Linear(_WIDTH, _WIDTH),
            )
            for _ in range(_BLOCKS)
        )
        self.norm = nn.LayerNorm(_WIDTH)
        self.register_buffer("spread", torch.ones(k))
        nn.init.zeros_(self.outer.weight)
        nn.init.zeros_(self.outer.bias)

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.inner(x)
        for block in self.blocks:
            hidden = hidden + block(hidden)
        out: Tensor = self.outer(self.norm(hidden)) * self.spread
        return out

    def beyond(self, x: NDArray[np.float32]) -> FloatArray:
        """The same with arrays."""
        with torch.inference_mode():
            return np.asarray(self(torch.from_numpy(np.ascontiguousarray(x))).numpy(), np.float64)

    def tensors(self) -> dict[str, NDArray[np.float32]]:
        """All that was learned, by name."""
        return {name: tensor.numpy() for name, tensor in self.state_dict().items()}

    @classmethod
    def of(cls, tensors: dict[str, NDArray[np.float32]]) -> Network:
        """Made of what `tensors` gave; a ValueError if that fits no network."""
        try:
            network = cls(tensors["inner.weight"].shape[1], tensors["outer.weight"].shape[0])
            network.load_state_dict(
                {name: torch.from_numpy(value.copy()) for name, value in tensors.items()}
            )
        except (KeyError, RuntimeError) as error:
            raise ValueError(f"no network: {error}") from None
        return network.eval()


def train_network(
    linear: Linear,
    samples: tuple[NDArray[np.float32], FloatArray],
    unseen: tuple[NDArray[np.float32], FloatArray],
    seed: int,
) -> tuple[Network, FloatArray] | None:
    """Learn from amplitudes (n, m) and parameters (n, k); with it the covariance of what it misses of those unseen.

    None if it is not clearly better there than the regression.
    """
    x, missed = _standard(linear, *samples)
    spread = np.maximum(missed.std(axis=0), 1e-12).astype(np.float32)
    xs, ys = torch.from_numpy(x), torch.from_numpy(missed / spread)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = Network(x.shape[1], missed.shape[1])
    optimizer = torch.optim.AdamW(network.parameters(), _RATE, weight_decay=_DECAY)
    drawn = torch.Generator().manual_seed(seed)
    for step in range(_STEPS):
        rate = (
            _RATE * min(1.0, 20.0 * step / _STEPS) * 0.5 * (1.0 + math.cos(math.pi * step / _STEPS))
        )
        for group in optimizer.param_groups:
            group["lr"] = rate
        rows = torch.randint(len(xs), (_BATCH,), generator=drawn)
        loss = nn.functional.mse_loss(network(xs[rows]), ys[rows])
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
    network.spread.copy_(torch.from_numpy(spread))
    network.eval()
    x, before = _standard(linear, *unseen)
    after = before - network.beyond(x)
    if float(np.square(after).mean()) >= _BETTER * float(np.square(before).mean()):
        return None
    return network, after.T @ after / len(after)


def _standard(
    linear: Linear, amplitude: NDArray[np.float32], p: FloatArray
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    x = linear.standard(amplitude)
    return x, (p - linear.at(x)).astype(np.float32)
