"""The main job: four models under both losses, scored, drawn and explained.

`demo` only orchestrates: `argand.learn` trains and scores, `argand.viz` draws, `argand.report`
explains.
"""

from __future__ import annotations

import time
from pathlib import Path

from argand.demo.comparison import compare
from argand.demo.console import summary
from argand.demo.example import find_example
from argand.demo.output import write_output
from argand.report.results import Results

__all__ = ["demo"]


def demo(
    *, out: Path = Path("demo"), seed: int = 0, quick: bool = False, progress: bool = True
) -> Results:
    """Train four networks with two losses on sixteen metals, compare them, and write a report.

    Takes some minutes on two cores, without a graphics card. A run that was stopped with Ctrl-C
    goes on when it is called again: finished trainings are not repeated.

    Parameters
    ----------
    out
        Folder for report.html, tables, figures, maps and weights.
    seed
        Seed of all random numbers.
    quick
        A rehearsal in seconds, with trainings too short to learn anything.
    progress
        Show progress bars.
    """
    begun = time.perf_counter()
    out.mkdir(parents=True, exist_ok=True)
    results = compare(out, seed, quick, progress)
    example = find_example(results, out)
    page = write_output(results, example, out)
    minutes = (time.perf_counter() - begun) / 60
    print(summary(results))
    print(f"\n{page} written after {minutes:.1f} minutes; open it in a browser.")
    return results
