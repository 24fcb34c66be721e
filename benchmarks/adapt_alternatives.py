"""What else could answer at once, or begin a refinement: a table of docs/adapt.md.

    python benchmarks/adapt_alternatives.py CIF...

Against `argand.adapt`, which is not told the size, stand on the same held-out samples (16 of seed 1 a field), told it:

- a network, per size: the regression beside two residual blocks of width 512, begun as the regression, trained for 20
  seconds (a minute for the three sizes) on 16000 samples, four times those of the regression, to displacements;
- re-simulated ridge: 1000 new samples around the estimate, ridge regression from them to what is left, with .8, .6, .4
  and .25 of the size, begun at the regression.

Either is followed by Levenberg and Marquardt's method with the prior of the size. One core, one thread.
"""

from __future__ import annotations

import one_core

one_core.pin()

import itertools  # noqa: E402
import math  # noqa: E402
import sys  # noqa: E402
import time  # noqa: E402
import warnings  # noqa: E402
from collections.abc import Callable  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

import numpy as np  # noqa: E402
import torch  # noqa: E402

import argand  # noqa: E402
from adapt import D_MIN, KINDS, Methods  # noqa: E402
from argand.adapt import Adaptation, Rung, adapt  # noqa: E402
from argand.adapt.held_out import as_measured, correlations, true_structure_factors  # noqa: E402
from argand.adapt.scale import fit_scale  # noqa: E402
from argand.adapt.training import simulation_of  # noqa: E402
from argand.refine import GaussianPrior, refine  # noqa: E402
from argand.series.observed import Observed  # noqa: E402
from machine import describe  # noqa: E402
from tables import table  # noqa: E402

WIDTHS = (0.3, 0.5, 0.7)
HELD_OUT, TRAINED, SECONDS, BATCH = 16, 16000, 20.0, 256
SHARES, AROUND, PENALTY = (0.8, 0.6, 0.4, 0.25), 1000, 0.1


class Network(torch.nn.Module):
    """A regression (m inputs, k outputs) and what two residual blocks add to it, which begins as nothing."""

    def __init__(self, weights: np.ndarray, offset: np.ndarray, width: int = 512) -> None:
        super().__init__()
        m, k = weights.shape
        self.linear, self.inner, self.outer = (
            torch.nn.Linear(m, k),
            torch.nn.Linear(m, width),
            torch.nn.Linear(width, k),
        )
        self.blocks = torch.nn.ModuleList(
            torch.nn.Sequential(
                torch.nn.LayerNorm(width),
                torch.nn.Linear(width, width),
                torch.nn.GELU(),
                torch.nn.Linear(width, width),
            )
            for _ in range(2)
        )
        self.norm = torch.nn.LayerNorm(width)
        with torch.no_grad():
            self.linear.weight.copy_(torch.from_numpy(weights.T.copy()))
            self.linear.bias.copy_(torch.from_numpy(offset.astype(np.float32)))
            self.outer.weight.zero_()
            self.outer.bias.zero_()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        hidden = self.inner(x)
        for block in self.blocks:
            hidden = hidden + block(hidden)
        return self.linear(x) + self.outer(self.norm(hidden))


def inputs(made: Adaptation, rung: Rung, amplitude: np.ndarray) -> np.ndarray:
    """Scale and B fitted out, and what a sample is on average: as the regression sees them."""
    squares = np.square(made.stol)
    scale, b = fit_scale(amplitude, rung.expected, squares, rung.error**-2.0)
    absolute = amplitude / (scale[:, None] * np.exp(-b[:, None] * squares))
    return np.nan_to_num((absolute - rung.linear.centre) / rung.linear.spread).astype(np.float32)


def trained(made: Adaptation, rung: Rung, model: Any) -> Network:
    simulation = simulation_of(made.crystal, (rung.width / 1.2, rung.width * 1.2), made.about, seed=501)
    x, y = [], []
    for first in range(0, TRAINED, 1000):
        drawn = simulation.draw(range(first, first + 1000))
        x.append(inputs(made, rung, drawn.amplitude))
        y.append(model.from_displacements(drawn.displacement)[:, : len(made.modes)])
    xs, ys = torch.from_numpy(np.concatenate(x)), torch.from_numpy(np.concatenate(y).astype(np.float32))
    torch.manual_seed(0)
    network = Network(rung.linear.weights, rung.linear.offset)
    optimizer = torch.optim.AdamW(network.parameters(), 1e-3, weight_decay=0.05)
    begun, chosen = time.perf_counter(), torch.Generator().manual_seed(0)
    while (share := (time.perf_counter() - begun) / SECONDS) < 1.0:
        for group in optimizer.param_groups:
            group["lr"] = 5e-4 * min(1.0, 20.0 * share) * (1.0 + math.cos(math.pi * share))
        rows = torch.randint(len(xs), (BATCH,), generator=chosen)
        loss = torch.nn.functional.mse_loss(network(xs[rows]), ys[rows]) / rung.width**2
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
    return network.eval()


def simulated_again(model: Any, seen: Observed, start: np.ndarray, width: float) -> np.ndarray:
    """p (b, k) of the modes: ridge regression on samples around the estimate, again and again."""
    found, squares = start.copy(), np.square(model.stol)
    k = start.shape[1]
    for row, (observed, sigma) in enumerate(zip(seen.amplitude, seen.sigma, strict=True)):
        for number, share in enumerate(SHARES):
            z = np.random.default_rng([row, number]).normal(size=(AROUND, k)) * share * width
            p = np.zeros((AROUND, len(model)))
            p[:, :k] = found[row] + z
            f = np.abs(model.structure_factors(p))
            mean = f.mean(axis=0)
            spread = f.std(axis=0) + 0.02 * float(mean.mean())
            scale, b = fit_scale(observed[None], mean, squares, spread**-2.0)
            factor = scale[0] * np.exp(-b[0] * squares)
            x = (f - mean) / spread
            damping = AROUND * (PENALTY + np.square(np.nan_to_num(sigma / factor) / spread))
            weights = np.linalg.solve(x.T @ x + np.diag(damping), x.T @ z)
            found[row] += np.nan_to_num((observed / factor - mean) / spread) @ weights
    return found


class Alternatives:
    """F (b, m) by each."""

    def __init__(self, made: Adaptation, seen: Observed, width: float) -> None:
        self.made, self.seen, self.methods = made, seen, Methods(made, seen)
        self.model, self.width = self.methods.model, width
        self.rung = next(rung for rung in made.rungs if rung.width == width)
        network = trained(made, self.rung, self.model)
        x = inputs(made, self.rung, seen.amplitude)
        with torch.inference_mode():
            self.by_network = network(torch.from_numpy(x)).numpy().astype(np.float64)
        self.by_ridge = x @ self.rung.linear.weights + self.rung.linear.offset
        begun = time.perf_counter()
        self.again = simulated_again(self.model, seen, self.by_ridge, width)
        self.ms_again = (time.perf_counter() - begun) / len(x) * 1e3

    def f(self, p: np.ndarray) -> np.ndarray:
        return self.model.structure_factors(self._whole(p))

    def refined(self, p: np.ndarray) -> np.ndarray:
        spread = np.full(len(self.model), self.width)
        spread[self.model.parameters.of_kind("overall_b")] = np.inf
        prior = GaussianPrior.from_sigma(np.zeros(len(spread)), spread)
        start, seen = self._whole(p), self.seen
        return refine(
            self.model, seen.amplitude, self.methods.error, on="F", start=start, prior=prior
        ).structure_factors()

    def _whole(self, p: np.ndarray) -> np.ndarray:
        return np.concatenate([p, np.zeros((len(p), len(self.model) - p.shape[1]))], axis=1)

    def all(self) -> dict[str, Callable[[], np.ndarray]]:
        return {
            "regression": lambda: self.f(self.by_ridge),
            "network": lambda: self.f(self.by_network),
            "re-simulated ridge": lambda: self.f(self.again),
            "argand at once": self.methods.at_once,
            "regression, LM": lambda: self.refined(self.by_ridge),
            "network, LM": lambda: self.refined(self.by_network),
            "re-simulated ridge, LM": lambda: self.refined(self.again),
            "argand refined": self.methods.refined,
        }


def main(files: list[Path]) -> None:
    print("\n".join(f"- {name}: {words}" for name, words in describe().items()))
    columns = [f"{width:g} Å" for width in WIDTHS]
    for file, d_min, kind in itertools.product(files, D_MIN, KINDS):
        crystal, (nuisances, solved) = argand.read_crystal(file), KINDS[kind]
        made = adapt(crystal, d_min=d_min, widths=(0.1, 0.2, *WIDTHS), samples=4000, **nuisances)
        rows: dict[str, list[str]] = {}
        again = []
        for width in WIDTHS:
            simulation = simulation_of(crystal, width, made.about, seed=1)
            drawn = simulation.draw(range(HELD_OUT))
            seen, true = as_measured(simulation, drawn), true_structure_factors(simulation, drawn)
            alternatives = Alternatives(made, seen, width)
            again.append(alternatives.ms_again)
            for name, method in alternatives.all().items():
                cc = correlations(seen, method(), true, crystal.spacegroup)
                rows.setdefault(name, []).append(f"{cc.mean():.4f}, {100 * (cc > solved).mean():.0f} %")
        print(f"\n### {file.stem} {crystal.spacegroup}, {kind} data to {d_min:g} Å\n")
        print("\n".join(table([("", *columns), *((name, *row) for name, row in rows.items())], (1, 2, 3))))
        print(f"\nRe-simulation takes {np.median(again):.0f} ms a data set.", flush=True)


if __name__ == "__main__":
    warnings.simplefilter("ignore", argand.errors.ArgandWarning)
    main([Path(name) for name in sys.argv[1:]])
