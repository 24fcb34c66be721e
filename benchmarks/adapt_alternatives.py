"""What else could answer at once, or begin a refinement: a table of docs/adapt.md.

    python benchmarks/adapt_alternatives.py CIF...

Against `argand.adapt`, which is not told the size, stand on the same held-out samples (16 of seed 1 a field), told it:

- the regression of that size, from 4000 samples;
- the network of `argand.adapt.network` beside it (`adapt(..., network=True)`), from 16000; where it is not better on
  samples that neither has seen it is not kept, and the field is empty;
- re-simulated ridge: 1000 new samples around the estimate, ridge regression from them to what is left, with .8, .6, .4
  and .25 of the size, begun at the regression.

Each is followed by Levenberg and Marquardt's method with the prior of the size. One core, one thread.
"""

from __future__ import annotations

import one_core

one_core.pin()

import itertools  # noqa: E402
import sys  # noqa: E402
import warnings  # noqa: E402
from collections.abc import Callable  # noqa: E402
from dataclasses import replace  # noqa: E402
from functools import partial  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

import numpy as np  # noqa: E402

import argand  # noqa: E402
from adapt import D_MIN, KINDS, Methods  # noqa: E402
from argand.adapt import Adaptation, adapt  # noqa: E402
from argand.adapt.held_out import as_measured, correlations, true_structure_factors  # noqa: E402
from argand.adapt.training import simulation_of  # noqa: E402
from argand.estimate.observed import Observed  # noqa: E402
from argand.estimate.scale import fit_scale  # noqa: E402
from argand.refine import GaussianPrior, refine  # noqa: E402
from machine import describe  # noqa: E402
from tables import table  # noqa: E402

WIDTHS = (0.3, 0.5, 0.7)
HELD_OUT = 16
SHARES, AROUND, PENALTY = (0.8, 0.6, 0.4, 0.25), 1000, 0.1


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

    def __init__(
        self, plain: Adaptation, networks: Adaptation, seen: Observed, width: float
    ) -> None:
        self.seen, self.methods, self.width = seen, Methods(plain, seen), width
        self.model, self.with_networks = self.methods.model, Methods(networks, seen)
        rung = next(rung for rung in networks.rungs if rung.width == width)
        squares = np.square(plain.stol)
        scale, b = fit_scale(seen.amplitude, rung.expected, squares, rung.error**-2.0)
        absolute = seen.amplitude / (scale[:, None] * np.exp(-b[:, None] * squares))
        self.by_ridge, _ = replace(rung, network=None)(absolute)
        self.by_network = None if rung.network is None else rung(absolute)[0]
        self.again = simulated_again(self.model, seen, self.by_ridge, width)

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

    def all(self) -> dict[str, Callable[[], np.ndarray] | None]:
        ways = {"regression": self.by_ridge, "network": self.by_network, "re-simulated": self.again}
        once = {name: None if p is None else partial(self.f, p) for name, p in ways.items()}
        more = {
            f"{name}, LM": None if p is None else partial(self.refined, p)
            for name, p in ways.items()
        }
        ours = {
            "argand at once": self.methods.at_once,
            "the same, networks": self.with_networks.at_once,
        }
        return once | ours | more | {"argand refined": self.methods.refined}


def main(files: list[Path]) -> None:
    print("\n".join(f"- {name}: {words}" for name, words in describe().items()))
    found: dict[tuple[float, str, float], dict[str, list[np.ndarray]]] = {}
    for file, d_min, kind in itertools.product(files, D_MIN, KINDS):
        crystal, (nuisances, _) = argand.read_crystal(file), KINDS[kind]
        learned = {"d_min": d_min, "widths": (0.1, 0.2, *WIDTHS), "samples": 4000, **nuisances}
        plain, networks = adapt(crystal, **learned), adapt(crystal, network=True, **learned)
        kept, seconds = (
            networks.network_widths,
            networks.remarks["seconds"] - plain.remarks["seconds"],
        )
        print(
            f"- {file.stem}, {d_min:g} Å, {kind}: networks kept for {kept}, {seconds:.0f} s for five",
            flush=True,
        )
        for width in WIDTHS:
            simulation = simulation_of(crystal, width, plain.settings, seed=1)
            drawn = simulation.draw(range(HELD_OUT))
            seen, true = as_measured(simulation, drawn), true_structure_factors(simulation, drawn)
            for name, method in Alternatives(plain, networks, seen, width).all().items():
                own = found.setdefault((d_min, kind, width), {}).setdefault(name, [])
                if method is not None:
                    own.append(correlations(seen, method(), true, crystal.spacegroup))
    rows = [
        (
            f"{d_min:g} Å, {kind}, {width:g} Å",
            *(_field(ccs, KINDS[kind][1], len(files)) for ccs in methods.values()),
        )
        for (d_min, kind, width), methods in sorted(found.items())
    ]
    names = next(iter(found.values()))
    print("\n" + "\n".join(table([("", *names), *rows], tuple(range(1, len(names) + 1)))))


def _field(ccs: list[np.ndarray], solved: float, crystals: int) -> str:
    """Mean correlation and share of successes of all crystals; empty where one of them has no answer."""
    if len(ccs) < crystals:
        return ""
    cc = np.concatenate(ccs)
    return f"{cc.mean():.4f}, {100 * (cc > solved).mean():.0f} %"


if __name__ == "__main__":
    warnings.simplefilter("ignore", argand.errors.ArgandWarning)
    main([Path(name) for name in sys.argv[1:]])
