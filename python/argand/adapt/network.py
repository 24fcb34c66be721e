"""A network beside the regression: what amplitudes tell that is not linear in displacements.

    p = x W + offset + spread g(x),   g(x) = norm(h_2) A + a,
    h_i = h_{i-1} + block_i(h_{i-1}),   h_0 = x B + b

with x the standardised amplitudes of `argand.adapt.linear` and blocks of two layers each. It is
trained by mean squares on the residuals of the regression. A begins at 0, so that the network
begins as the regression. This module imports torch, and for training lightning; nothing imports
this module unless a network is asked for or was saved.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from argand.adapt.linear import Linear
from argand.cell import FloatArray

__all__ = ["SETTINGS", "Network", "ResidualSettings", "train_network"]


@dataclass(frozen=True)
class ResidualSettings:
    """Describe the network beside the regression and its training.

    Parameters
    ----------
    width, blocks
        Size of the hidden layers, and blocks of two layers.
    steps, batch_size, rate, weight_decay, clip_norm
        Settings of AdamW: steps, samples in a batch, highest learning rate, decay, largest norm of
        the gradient.
    warmup
        Share of the steps over which the learning rate rises.
    worthwhile
        The network is kept where its mean square error on unseen samples is below this share of the
        regression's.
    """

    width: int = 256
    blocks: int = 2
    steps: int = 1000
    batch_size: int = 256
    rate: float = 1e-3
    weight_decay: float = 0.05
    clip_norm: float = 1.0
    warmup: float = 0.05
    worthwhile: float = 0.97


#: The settings that `train_network` uses
SETTINGS = ResidualSettings()


class Network(nn.Module):
    """Predict residuals (b, k) of the regression from standardised amplitudes (b, m).

    Parameters
    ----------
    m, k
        Number of reflections, and of parameters.
    """

    spread: Tensor

    def __init__(self, m: int, k: int) -> None:
        super().__init__()
        width = SETTINGS.width
        self.inner = nn.Linear(m, width)
        self.outer = nn.Linear(width, k)
        self.blocks = nn.ModuleList(_block(width) for _ in range(SETTINGS.blocks))
        self.norm = nn.LayerNorm(width)
        self.register_buffer("spread", torch.ones(k))
        nn.init.zeros_(self.outer.weight)
        nn.init.zeros_(self.outer.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Predict residuals (b, k), in units of the parameters, from amplitudes (b, m)."""
        hidden = self.inner(x)
        for block in self.blocks:
            hidden = hidden + block(hidden)
        residual: Tensor = self.outer(self.norm(hidden)) * self.spread
        return residual

    def beyond(self, x: NDArray[np.float32]) -> FloatArray:
        """Predict residuals (b, k) from standardised amplitudes (b, m), numpy arrays both."""
        with torch.inference_mode():
            residual = self(torch.from_numpy(np.ascontiguousarray(x)))
            return np.asarray(residual.numpy(), np.float64)

    def tensors(self) -> dict[str, NDArray[np.float32]]:
        """Return all weights, by name."""
        return {name: tensor.numpy() for name, tensor in self.state_dict().items()}

    @classmethod
    def of(cls, tensors: dict[str, NDArray[np.float32]]) -> Network:
        """Make a network of the weights that `tensors` returned.

        Raises
        ------
        ValueError
            The weights fit no network.
        """
        weights = {}
        for name, value in tensors.items():
            weights[name] = torch.from_numpy(value.copy())
        try:
            k, _ = weights["outer.weight"].shape
            _, m = weights["inner.weight"].shape
            network = cls(m, k)
            network.load_state_dict(weights)
        except (KeyError, RuntimeError) as error:
            raise ValueError(f"no network: {error}") from None
        return network.eval()


def _block(width: int) -> nn.Sequential:
    """Make a block (b, width) -> (b, width) of two layers."""
    return nn.Sequential(
        nn.LayerNorm(width),
        nn.Linear(width, width),
        nn.GELU(),
        nn.Linear(width, width),
    )


def train_network(
    linear: Linear,
    samples: tuple[NDArray[np.float32], FloatArray],
    unseen: tuple[NDArray[np.float32], FloatArray],
    seed: int,
) -> tuple[Network, FloatArray] | None:
    """Train a network on the residuals of a regression.

    Parameters
    ----------
    linear
        The regression.
    samples
        Amplitudes (n, m) and parameters (n, k) to train on.
    unseen
        Amplitudes and parameters that neither the regression nor the network is trained on.
    seed
        Seed of the weights and of the batches; torch's global generator is left alone.

    Returns
    -------
    The network, and the covariance (k, k) of the residuals that remain on the unseen samples; None
    where it is not clearly better there than the regression.
    """
    # lightning is slow to import, and a network that is only read does not need it.
    from argand.learn.regression import fit_regression

    x, residual = _standardised(linear, *samples)
    spread = np.maximum(residual.std(axis=0), 1e-12).astype(np.float32)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = Network(x.shape[1], residual.shape[1])
    fit_regression(
        network,
        torch.from_numpy(x),
        torch.from_numpy(residual / spread),
        steps=SETTINGS.steps,
        batch_size=SETTINGS.batch_size,
        rate=SETTINGS.rate,
        warmup=SETTINGS.warmup,
        weight_decay=SETTINGS.weight_decay,
        clip_norm=SETTINGS.clip_norm,
        seed=seed,
    )
    network.spread.copy_(torch.from_numpy(spread))
    network.eval()
    x, of_regression = _standardised(linear, *unseen)
    of_network = of_regression - network.beyond(x)
    error = float(np.square(of_network).mean())
    error_of_regression = float(np.square(of_regression).mean())
    if error >= SETTINGS.worthwhile * error_of_regression:
        return None
    return network, of_network.T @ of_network / len(of_network)


def _standardised(
    linear: Linear,
    amplitude: NDArray[np.float32],
    p: FloatArray,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return standardised amplitudes x (n, m) and the residuals (n, k) of the regression."""
    x = linear.standard(amplitude)
    return x, (p - linear.at(x)).astype(np.float32)
