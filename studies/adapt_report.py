"""Print the tables of adapt.py and compare them with its goals."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from helpers import table, wilson_interval
from simulated_data import D_MIN, KINDS

#: One crystal at one resolution, kind of data and size, as adapt.py writes it.
Cell = dict[str, Any]

#: Share of data sets that refinement is to solve, by rms displacement in angstrom.
WANTED = {0.5: 0.95, 0.7: 0.85}

OURS = "argand refined"
# Methods that argand's refinement must not be worse than.
OTHERS = ("known phases", "LM")


def print_tables(cells: Sequence[Cell], widths: Sequence[float]) -> None:
    """Print a table of all crystals for every kind and resolution, and one of each crystal."""
    for kind, d_min in itertools.product(KINDS, D_MIN):
        of_table = [cell for cell in cells if cell["kind"] == kind and cell["d_min"] == d_min]
        if not of_table:
            continue
        names = sorted({cell["crystal"] for cell in of_table})
        print(f"\n### {kind.capitalize()} data to {d_min:g} Å: {', '.join(names)}\n")
        print("\n".join(_methods_table(of_table, widths)))
    print("\n### Success of each crystal, LM / argand refined\n")
    print("\n".join(_crystals_table(cells, widths)))


def goal_lines(cells: Sequence[Cell]) -> list[str]:
    """Say of every cell, one crystal at one resolution and size, whether it reaches the goals."""
    worse = []
    too_few = []
    for cell in cells:
        ours = cell["scores"][OURS]
        name = f"{cell['crystal']} {cell['d_min']:g} Å {cell['kind']} {cell['rms']:g} Å"
        for other in OTHERS:
            theirs = cell["scores"][other]
            has_fewer = theirs["success"] > ours["success"]
            if has_fewer or round(theirs["cc"], 4) > round(ours["cc"], 4):
                worse.append(f"{name}: {other}")
        if ours["success"] < WANTED.get(cell["rms"], 0.0) * cell["samples"]:
            too_few.append(f"{name}: {ours['success']} of {cell['samples']}")
    shares = ", ".join(f"{100 * share:.0f} % at {rms:g} Å" for rms, share in WANTED.items())
    compared = "known phases or LM (mean correlation, four digits, and success)"
    return [
        f"- refined never worse than {compared}, {len(cells)} cells: {'; '.join(worse) or 'yes'}",
        f"- success of the refined at least {shares} in every cell: {'; '.join(too_few) or 'yes'}",
    ]


def _methods_table(cells: Sequence[Cell], widths: Sequence[float]) -> list[str]:
    """Format the methods at each size, all crystals together."""
    lines = [("", *(f"{rms:g} Å" for rms in widths), "ms")]
    for method in cells[0]["scores"]:
        fields = []
        milliseconds: list[float] = []
        for rms in widths:
            of_field = [cell for cell in cells if cell["rms"] == rms]
            scores = [cell["scores"][method] for cell in of_field]
            samples = sum(cell["samples"] for cell in of_field)
            fields.append(_field(scores, samples))
            milliseconds += [score["ms"] for score in scores]
        lines.append((method, *fields, f"{np.median(milliseconds):.0f}"))
    return table(lines, range(1, len(widths) + 2))


def _field(scores: Sequence[dict[str, Any]], samples: int) -> str:
    """Format correlation, phase error and share of successes; empty where nothing is measured."""
    if not scores:
        return ""
    cc = np.mean([score["cc"] for score in scores])
    error = np.mean([score["phase error"] for score in scores])
    solved = sum(score["success"] for score in scores)
    low, high = wilson_interval(solved, samples)
    share = f"{100 * solved / samples:.0f} % ({100 * low:.0f}-{100 * high:.0f})"
    return f"{cc:.4f}, {error:.1f}°, {share}"


def _crystals_table(cells: Sequence[Cell], widths: Sequence[float]) -> list[str]:
    """Format the share of successes of each crystal, resolution and kind, LM / argand refined."""
    sizes = [f"{rms:g} Å" for rms in widths]
    lines = [("", "Å", "", "parameters", "reflections", "learning, s", *sizes)]
    names = sorted({cell["crystal"] for cell in cells})
    for name, d_min, kind in itertools.product(names, D_MIN, KINDS):
        by_rms = {}
        for cell in cells:
            if (cell["crystal"], cell["d_min"], cell["kind"]) == (name, d_min, kind):
                by_rms[cell["rms"]] = cell
        if not by_rms:
            continue
        first = next(iter(by_rms.values()))
        shares = [_two_shares(by_rms[rms]) if rms in by_rms else "" for rms in widths]
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
    return table(lines, range(3, len(widths) + 6))


def _two_shares(cell: Cell) -> str:
    """Format the successes of LM and of argand refined in a cell."""
    shares = []
    for method in ("LM", OURS):
        share = cell["scores"][method]["success"] / cell["samples"]
        shares.append(f"{100 * share:.0f} %")
    return " / ".join(shares)
