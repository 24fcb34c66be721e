"""Reproduce published R1: a sentence of docs/measured.md.

    python studies/published_r1.py FOLDER [FOLDER ...]

Each list of reflections in the folders is read with its structure as `argand info` does. Lists
without a published R1 are left out. R1 is reproduced where it differs from the published one by
at most .003.
"""

from __future__ import annotations

import sys
from pathlib import Path

from argand.describe import describe_file
from argand.errors import ArgandError
from helpers import run_on_one_core, table, wilson_interval

SUFFIXES = (".cif", ".fcf", ".hkl")

#: R1 that differs by more than this from the published one is another R1.
TOLERANCE = 0.003


def row(path: Path) -> tuple[list[str], bool] | None:
    """Return the cells of a file, and whether its R1 is reproduced; None without an R1."""
    try:
        description = describe_file(path)
    except ArgandError:
        return None
    agreement = description.agreement
    if agreement is None or "R1" not in agreement.stated:
        return None
    if description.structure_path is None and path.with_suffix(".hkl").is_file():
        # The same reflections lie beside the structure, in a file that has its own line.
        return None
    published = agreement.stated["R1"]
    refined = agreement.as_refined
    r = refined.agreement
    stated_count = "–" if refined.stated_count is None else str(refined.stated_count)
    cells = [
        path.name,
        f"{published:.4f}",
        f"{r.r1:.4f}",
        f"{agreement.without_extinction.r1:.4f}",
        f"{r.count}",
        stated_count,
        refined.merging,
    ]
    return cells, abs(r.r1 - published) <= TOLERANCE


def main() -> None:
    """Print a line for each list of reflections, and the share that is reproduced."""
    rows: list[list[str]] = []
    reproduced = 0
    for folder in sys.argv[1:]:
        for path in sorted(Path(folder).iterdir()):
            result = row(path) if path.suffix in SUFFIXES else None
            if result is not None:
                rows.append(result[0])
                reproduced += result[1]
    head = ["file", "published", "as refined", "merged only", "reflections", "stated", "merging"]
    print("\n".join(table([head, *rows])))
    low, high = wilson_interval(reproduced, len(rows))
    print(f"\n{reproduced} of {len(rows)} within {TOLERANCE} ({low:.2f} to {high:.2f})")


if __name__ == "__main__":
    run_on_one_core(main)
