"""Compare other answers at once, and other starts of a refinement: a table of docs/adapt.md.

    python studies/adapt_alternatives.py CIF...

All methods are applied to the same held-out samples (16 of seed 1 a field). `argand.adapt` is not
told the size of the displacements; the alternatives are:

- the regression of that size, from 4000 samples;
- the network of `argand.adapt.network` beside it (`adapt(..., network=True)`), from 16000; it is
  kept only where it is better on samples that neither has seen, and the field is empty elsewhere;
- re-simulated ridge: 1000 new samples around the estimate, ridge regression from them to the rest
  of the displacement, with .8, .6, .4 and .25 of the size, starting at the regression.

Each is followed by Levenberg and Marquardt's method with the prior of the size. One core, one
thread.
"""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import argand
from argand.adapt import Adaptation, Rung
from argand.estimate.scale import fit_scale
from argand.refine import Model
from displacement_methods import Methods
from helpers import describe, list_facts, run_on_one_core, table
from simulated_data import D_MIN, KINDS, Observed, correlations

Floats = NDArray[np.float64]
Method = Callable[[], NDArray[np.complex128]]
#: Resolution in angstrom, kind of data, and rms displacement in angstrom.
Field = tuple[float, str, float]

#: Root mean square displacements in angstrom that are compared, and those that are learned.
WIDTHS = (0.3, 0.5, 0.7)
LEARNED_WIDTHS = (0.1, 0.2, *WIDTHS)

SAMPLES = 4000
HELD_OUT = 16

# Settings of the re-simulation: shares of the size, new samples, and strength of the ridge.
SHARES = (0.8, 0.6, 0.4, 0.25)
NEW_SAMPLES = 1000
PENALTY = 0.1


def re_simulated(model: Model, observed: Observed, start: Floats, width: float) -> Floats:
    """Improve parameters (b, k) of the modes by ridge regression on samples around them.

    Parameters
    ----------
    model
        The crystal; its first k parameters are the modes.
    observed
        The b data sets.
    start
        Where to begin, (b, k), angstrom.
    width
        The size of the displacements in angstrom.
    """
    squares = np.square(model.stol)
    modes = start.shape[1]
    parameters = start.copy()
    for row, amplitude in enumerate(observed.amplitude):
        sigma = observed.sigma[row]
        for number, share in enumerate(SHARES):
            rng = np.random.default_rng([row, number])
            directions = rng.normal(size=(NEW_SAMPLES, modes))
            shifts = directions * share * width
            samples = np.zeros((NEW_SAMPLES, len(model)))
            samples[:, :modes] = parameters[row] + shifts
            f = np.abs(model.structure_factors(samples))
            mean = f.mean(axis=0)
            spread = f.std(axis=0) + 0.02 * float(mean.mean())
            scale, b = fit_scale(amplitude[None], mean, squares, spread**-2.0)
            factor = scale[0] * np.exp(-b[0] * squares)
            relative_error = np.nan_to_num(sigma / factor) / spread
            weights = ridge_weights((f - mean) / spread, shifts, relative_error)
            residual = (amplitude / factor - mean) / spread
            parameters[row] += np.nan_to_num(residual) @ weights
    return parameters


def ridge_weights(x: Floats, shifts: Floats, relative_error: Floats) -> Floats:
    """Return the weights (m, k) of a ridge regression from x (samples, m) to shifts (samples, k).

    Reflections are damped more, the larger their error (m,) is in units of the spread of x.
    """
    penalty = PENALTY + np.square(relative_error)
    normal_matrix = x.T @ x
    normal_matrix += np.diag(len(x) * penalty)
    return np.asarray(np.linalg.solve(normal_matrix, x.T @ shifts))


class Alternatives:
    """Structure factors (b, m) by each alternative, told the size of the displacements.

    Parameters
    ----------
    plain, with_networks
        Adaptations to one crystal without and with networks.
    observed
        The data sets.
    width
        The size in angstrom, one of those that were learned.
    """

    def __init__(
        self, plain: Adaptation, with_networks: Adaptation, observed: Observed, width: float
    ) -> None:
        self.methods = Methods(plain, observed)
        self.methods_with_networks = Methods(with_networks, observed)
        self.model = self.methods.model
        self.width = width
        rung = rung_of(with_networks, width)
        squares = np.square(plain.stol)
        weight = rung.error**-2.0
        scale, b = fit_scale(observed.amplitude, rung.expected, squares, weight)
        factor = scale[:, None] * np.exp(-b[:, None] * squares)
        absolute = observed.amplitude / factor
        self.by_regression, _ = replace(rung, network=None)(absolute)
        self.by_network = None if rung.network is None else rung(absolute)[0]
        self.by_simulation = re_simulated(self.model, observed, self.by_regression, width)

    def all(self) -> dict[str, Method | None]:
        """Return the methods by the names of the table; None where there is no network."""
        parameters = {
            "regression": self.by_regression,
            "network": self.by_network,
            "re-simulated": self.by_simulation,
        }
        methods: dict[str, Method | None] = {}
        for name, modes in parameters.items():
            methods[name] = self.structure_factors_of(modes)
        methods["argand at once"] = self.methods.at_once
        methods["argand at once, networks"] = self.methods_with_networks.at_once
        for name, modes in parameters.items():
            methods[f"{name}, LM"] = self.refined_from(modes)
        methods["argand refined"] = self.methods.refined
        return methods

    def structure_factors_of(self, modes: Floats | None) -> Method | None:
        """Return a function for F of the parameters (b, k) of the modes."""
        if modes is None:
            return None
        return lambda: self.model.structure_factors(self._all_parameters(modes))

    def refined_from(self, modes: Floats | None) -> Method | None:
        """Return a function for F after a refinement that starts at parameters of the modes."""
        if modes is None:
            return None

        def refined() -> NDArray[np.complex128]:
            start = self._all_parameters(modes)
            prior = self.methods.prior(self.width)
            return self.methods.refinement(start=start, prior=prior).structure_factors()

        return refined

    def _all_parameters(self, modes: Floats) -> Floats:
        """Append zeros for the parameters that are not modes."""
        parameters = np.zeros((len(modes), len(self.model)))
        parameters[:, : modes.shape[1]] = modes
        return parameters


def rung_of(adaptation: Adaptation, width: float) -> Rung:
    """Return what an adaptation has learned of displacements of a width in angstrom."""
    return next(rung for rung in adaptation.rungs if rung.width == width)


def adapt_twice(file: Path, d_min: float, kind: str) -> tuple[Adaptation, Adaptation]:
    """Adapt to a crystal without and with networks, and print which networks are kept."""
    crystal = argand.read_crystal(file)
    start = time.perf_counter()
    plain = KINDS[kind].adapt(crystal, d_min, SAMPLES, LEARNED_WIDTHS)
    middle = time.perf_counter()
    with_networks = KINDS[kind].adapt(crystal, d_min, SAMPLES, LEARNED_WIDTHS, network=True)
    end = time.perf_counter()
    seconds = (end - middle) - (middle - start)
    network_widths = [rung.width for rung in with_networks.rungs if rung.network is not None]
    name = f"{file.stem}, {d_min:g} Å, {kind}"
    print(f"- {name}: networks kept for {network_widths}, {seconds:.0f} s for five", flush=True)
    return plain, with_networks


def main() -> None:
    """Measure every method on the crystals of the command line and print the table."""
    files = [Path(name) for name in sys.argv[1:]]
    print("\n".join(list_facts(describe())))
    results: dict[Field, dict[str, list[Floats]]] = {}
    for file, d_min, kind in itertools.product(files, D_MIN, KINDS):
        plain, with_networks = adapt_twice(file, d_min, kind)
        spacegroup = plain.crystal.spacegroup
        for width in WIDTHS:
            observed, true = KINDS[kind].draw(plain, d_min, width, HELD_OUT)
            of_field = results.setdefault((d_min, kind, width), {})
            alternatives = Alternatives(plain, with_networks, observed, width)
            for name, method in alternatives.all().items():
                of_method = of_field.setdefault(name, [])
                if method is not None:
                    of_method.append(correlations(observed, method(), true, spacegroup))
    print("\n" + "\n".join(_table(results, len(files))))


def _table(results: dict[Field, dict[str, list[Floats]]], crystals: int) -> list[str]:
    """Format mean correlation and share of successes, a line for each field."""
    names = list(next(iter(results.values())))
    lines = [("", *names)]
    for (d_min, kind, width), methods in sorted(results.items()):
        cells = []
        for of_crystals in methods.values():
            cells.append(_cell(of_crystals, KINDS[kind].success, crystals))
        lines.append((f"{d_min:g} Å, {kind}, {width:g} Å", *cells))
    return table(lines, range(1, len(names) + 1))


def _cell(of_crystals: list[Floats], success: float, crystals: int) -> str:
    """Format the correlations of all crystals; empty where a crystal has no answer."""
    if len(of_crystals) < crystals:
        return ""
    cc = np.concatenate(of_crystals)
    return f"{cc.mean():.4f}, {100 * (cc > success).mean():.0f} %"


if __name__ == "__main__":
    run_on_one_core(main)
