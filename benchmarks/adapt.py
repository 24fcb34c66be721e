"""Crystals like a known one, by `argand.adapt` and by what one would do without it: the tables of docs/adapt.md.

    python benchmarks/adapt.py --cells FOLDER [--quick] [--d-min D] [--report] [--json FILE] CIF...

Atoms of five known crystals move independently by 0.1 to 0.7 angstrom (rms, three dimensions), data to 1.0 and 1.5
angstrom, clean or measured: 4 % noise, a changed B and scale, an unmodelled oxygen in a tenth of the samples. No method
is told the size. Every crystal, resolution and kind is adapted to once (seed 0); samples are those of seed 1.

A cell of the table is a file of the folder: those that are there are not measured again, so that it can be stopped,
continued and shared by several processes. One thread.
"""

from __future__ import annotations

import one_core

one_core.pin()

import argparse  # noqa: E402
import itertools  # noqa: E402
import json  # noqa: E402
import os  # noqa: E402
import time  # noqa: E402
import warnings  # noqa: E402
from collections.abc import Callable  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

import numpy as np  # noqa: E402

import argand  # noqa: E402
from argand.adapt import Adaptation, adapt  # noqa: E402
from argand.adapt.held_out import as_measured, correlations, true_structure_factors  # noqa: E402
from argand.adapt.training import simulation_of  # noqa: E402
from argand.estimate.observed import Observed  # noqa: E402
from argand.phases import phase_error  # noqa: E402
from argand.refine import GaussianPrior, refine  # noqa: E402
from machine import describe  # noqa: E402
from tables import table  # noqa: E402

WIDTHS = (0.1, 0.2, 0.3, 0.5, 0.7)
D_MIN = (1.0, 1.5)
KINDS = {
    "clean": ({"noise": 0.0, "b_change": 0.0, "scale": (1.0, 1.0), "unmodelled": None}, 0.99),
    "measured": ({}, 0.97),  # and the correlation that counts as success
}
WANTED = {0.5: 0.95, 0.7: 0.85}  # share of successes after refinement
STARTS = 6


class Methods:
    """F (b, m) of data sets, by each method."""

    def __init__(self, made: Adaptation, seen: Observed) -> None:
        self.made, self.seen = made, seen
        self.model = made.models(seen.hkl, made.crystal.cell).displaced
        self.error = seen.error

    def known(self) -> np.ndarray:
        f = self.model.structure_factors(np.zeros(len(self.model)))
        return np.broadcast_to(f, self.seen.amplitude.shape)

    def width(self) -> float:
        """As argand estimates it, for all: a favour to the other methods."""
        quick = self.made.estimate(self.seen, refine=False)
        return float(np.median(self.made.curve(np.array([one.r_known for one in quick]))))

    def gauss_newton(self) -> np.ndarray:
        """One step; of five strengths of its prior the one with the lowest R."""
        model, start = self.model, np.zeros((len(self.seen.amplitude), len(self.model)))
        best, r = self.known().copy(), np.full(len(start), np.inf)
        for width in (0.03, 0.1, 0.3, 1.0, 3.0):
            run = refine(
                model,
                self.seen.amplitude,
                self.error,
                on="F",
                start=start,
                cycles=1,
                prior=self._prior(width),
            )
            better = run.figures.r1 < r
            best[better], r[better] = run.structure_factors()[better], run.figures.r1[better]
        return best

    def lm(self) -> np.ndarray:
        return refine(self.model, self.seen.amplitude, self.error, on="F").structure_factors()

    def annealed(self) -> np.ndarray:
        coarse = [
            d for d in (3.0, 2.0, 1.4) if (self.model.stol <= 0.5 / d).sum() > 2 * len(self.model)
        ]
        prior = self._prior(self.width())
        return refine(
            self.model, self.seen.amplitude, self.error, on="F", prior=prior, anneal=coarse
        ).structure_factors()

    def multistart(self) -> np.ndarray:
        width, rng = self.width(), np.random.default_rng(2)
        best, r = self.known().copy(), np.full(len(self.error), np.inf)
        for number in range(STARTS):
            start = rng.normal(size=(len(r), len(self.model))) * width * (number > 0)
            start[:, self.model.parameters.of_kind("overall_b")] = 0.0
            run = refine(
                self.model,
                self.seen.amplitude,
                self.error,
                on="F",
                start=start,
                prior=self._prior(width),
                cycles=30,
            )
            better = run.figures.r1 < r
            best[better], r[better] = run.structure_factors()[better], run.figures.r1[better]
        return best

    def at_once(self) -> np.ndarray:
        return np.array([one.f for one in self.made.estimate(self.seen, refine=False)])

    def refined(self) -> np.ndarray:
        return np.array([one.f for one in self.made.estimate(self.seen, refine=True)])

    def all(self) -> dict[str, Callable[[], np.ndarray]]:
        return {
            "known phases": self.known,
            "Gauss-Newton step": self.gauss_newton,
            "LM": self.lm,
            "LM, annealed": self.annealed,
            f"LM, {STARTS} starts": self.multistart,
            "argand at once": self.at_once,
            "argand refined": self.refined,
        }

    def _prior(self, width: float) -> GaussianPrior:
        spread = np.full(len(self.model), width)
        spread[self.model.parameters.of_kind("overall_b")] = np.inf
        return GaussianPrior.from_sigma(np.zeros(len(spread)), spread)


def wilson(successes: int, n: int, z: float = 1.96) -> tuple[float, float]:
    """The 95 % interval of a share."""
    p, middle = successes / n, 1.0 + z * z / n
    half = z * np.sqrt(p * (1.0 - p) / n + z * z / (4.0 * n * n))
    return max(0.0, (p + z * z / (2.0 * n) - half) / middle), min(
        1.0, (p + z * z / (2.0 * n) + half) / middle
    )


def measure(made: Adaptation, kind: str, rms: float, samples: int) -> dict[str, Any]:
    simulation = simulation_of(made.crystal, rms, made.settings, seed=1)
    drawn = simulation.draw(range(samples))
    seen, true = as_measured(simulation, drawn), true_structure_factors(simulation, drawn)
    scores = {}
    for name, method in Methods(made, seen).all().items():
        begun = time.perf_counter()
        f = method()
        seconds = time.perf_counter() - begun
        cc = correlations(seen, f, true, made.crystal.spacegroup)
        pairs = zip(np.angle(true), np.angle(f), np.abs(true), strict=True)
        error = [float(np.degrees(phase_error(*pair))) for pair in pairs]
        scores[name] = {
            "cc": float(cc.mean()),
            "cc of each": np.round(cc, 5).tolist(),
            "phase error": float(np.mean(error)),
            "success": int((cc > KINDS[kind][1]).sum()),
            "ms": seconds / samples * 1e3,
        }
    return scores


def run(
    files: list[Path], resolutions: list[float], kinds: list[str], cells: Path, quick: bool
) -> None:
    cells.mkdir(parents=True, exist_ok=True)
    for file, d_min, kind in itertools.product(files, resolutions, kinds):
        made = None
        for rms in WIDTHS:
            path = cells / f"{file.stem}_{d_min}_{kind}_{rms}.json"
            if path.exists():
                continue
            crystal = argand.read_crystal(file)
            if made is None:
                made = adapt(
                    crystal, d_min=d_min, samples=1000 if quick else 4000, **KINDS[kind][0]
                )
            samples = 4 if quick else 16 if len(crystal.types) < 40 else 12
            content = {
                "crystal": file.stem,
                "group": crystal.spacegroup,
                "atoms": round(float(crystal.multiplicity().sum())),
                "parameters": len(made.modes),
                "reflections": len(made.hkl),
                "d_min": d_min,
                "kind": kind,
                "rms": rms,
                "samples": samples,
                "training": made.remarks["seconds"],
                "scores": measure(made, kind, rms, samples),
            }
            temporary = path.with_suffix(f".{os.getpid()}")
            temporary.write_text(json.dumps(content, indent=1), encoding="utf-8")
            temporary.replace(path)
            print(
                path.stem, {k: round(v["cc"], 4) for k, v in content["scores"].items()}, flush=True
            )


def report(found: list[dict[str, Any]]) -> None:
    """A table for every kind and resolution, all crystals together; then one a crystal of what is best."""
    for kind, d_min in itertools.product(KINDS, D_MIN):
        own = [cell for cell in found if (cell["kind"], cell["d_min"]) == (kind, d_min)]
        if not own:
            continue
        names = sorted({cell["crystal"] for cell in own})
        print(f"\n### {kind.capitalize()} data to {d_min:g} Å: {', '.join(names)}\n")
        lines = [("", *(f"{rms:g} Å" for rms in WIDTHS), "ms")]
        for method in own[0]["scores"]:
            row, ms = [], []
            for rms in WIDTHS:
                here = [cell for cell in own if cell["rms"] == rms]
                if not here:  # not yet measured
                    row.append("")
                    continue
                n, solved = (
                    sum(c["samples"] for c in here),
                    sum(c["scores"][method]["success"] for c in here),
                )
                cc = np.mean([cell["scores"][method]["cc"] for cell in here])
                error = np.mean([cell["scores"][method]["phase error"] for cell in here])
                low, high = wilson(solved, n)
                row.append(
                    f"{cc:.4f}, {error:.1f}°, {100 * solved / n:.0f} % ({100 * low:.0f}-{100 * high:.0f})"
                )
                ms += [cell["scores"][method]["ms"] for cell in here]
            lines.append((method, *row, f"{np.median(ms):.0f}"))
        print("\n".join(table(lines, tuple(range(1, len(WIDTHS) + 2)))))
    print("\n### Success of each crystal, LM / argand refined\n")
    lines = [
        ("", "Å", "", "parameters", "reflections", "learning, s", *(f"{rms:g} Å" for rms in WIDTHS))
    ]
    for name, d_min, kind in itertools.product(sorted({c["crystal"] for c in found}), D_MIN, KINDS):
        own = [c for c in found if (c["crystal"], c["d_min"], c["kind"]) == (name, d_min, kind)]
        if own:
            at = {c["rms"]: c for c in own}
            shares = []
            for rms in WIDTHS:
                pair = (
                    [at[rms]["scores"][m]["success"] for m in ("LM", "argand refined")]
                    if rms in at
                    else []
                )
                shares.append(" / ".join(f"{100 * x / at[rms]['samples']:.0f} %" for x in pair))
            first = own[0]
            lines.append(
                (
                    f"{name} {first['group']}",
                    f"{d_min:g}",
                    kind,
                    str(first["parameters"]),
                    str(first["reflections"]),
                    f"{first['training']:.0f}",
                    *shares,
                )
            )
    print("\n".join(table(lines, tuple(range(3, len(WIDTHS) + 6)))))


def goals(found: list[dict[str, Any]]) -> list[str]:
    """What is wanted of every cell, one crystal at one resolution and size, and which cells fall short."""
    worse, few = [], []
    for cell in found:
        scores = cell["scores"]
        ours = scores["argand refined"]
        name = f"{cell['crystal']} {cell['d_min']:g} Å {cell['kind']} {cell['rms']:g} Å"
        for other in ("known phases", "LM"):
            theirs = scores[other]
            if theirs["success"] > ours["success"] or round(theirs["cc"], 4) > round(ours["cc"], 4):
                worse.append(f"{name}: {other}")
        if ours["success"] < WANTED.get(cell["rms"], 0.0) * cell["samples"]:
            few.append(f"{name}: {ours['success']} of {cell['samples']}")
    shares = ", ".join(f"{100 * share:.0f} % at {rms:g} Å" for rms, share in WANTED.items())
    compared = "known phases or LM (mean correlation, four digits, and success)"
    return [
        f"- refined never worse than {compared}, {len(found)} cells: {'; '.join(worse) or 'yes'}",
        f"- success of the refined at least {shares} in every cell: {'; '.join(few) or 'yes'}",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("files", nargs="+", type=Path, metavar="CIF")
    parser.add_argument("--cells", type=Path, required=True)
    parser.add_argument("--d-min", type=float, nargs="+", choices=D_MIN, default=list(D_MIN))
    parser.add_argument("--kind", nargs="+", choices=list(KINDS), default=list(KINDS))
    parser.add_argument("--json", type=Path)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument(
        "--report", action="store_true", help="print what is there and measure nothing"
    )
    given = parser.parse_args()
    if not given.report:
        run(given.files, given.d_min, given.kind, given.cells, given.quick)
    found = [
        json.loads(path.read_text(encoding="utf-8")) for path in sorted(given.cells.glob("*.json"))
    ]
    print("\n".join(f"- {name}: {words}" for name, words in describe().items()))
    report(found)
    print("\n" + "\n".join(goals(found)))
    if given.json:
        given.json.write_text(json.dumps({"machine": describe(), "cells": found}), encoding="utf-8")


if __name__ == "__main__":
    warnings.simplefilter("ignore", argand.errors.ArgandWarning)
    main()
