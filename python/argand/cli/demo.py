"""The verb ``argand demo``: train, compare, and write a report. It needs ``argand[learn]``."""

from __future__ import annotations

from pathlib import Path

from argand.cli._outputs import check_output_folder

__all__ = ["demo"]


def demo(
    *, out: Path = Path("demo"), seed: int = 0, quick: bool = False, progress: bool = True
) -> None:
    """Train four networks with two losses on sixteen metals, compare them, and write a report.

    This takes some minutes on two cores, without a graphics card. After Ctrl-C the same command
    goes on where it stopped: finished trainings are not repeated.

    Parameters
    ----------
    out : FOLDER
        Write report.html, tables, figures, maps and weights into this folder.
    seed : N
        Seed all random numbers with this integer.
    quick
        Rehearse in seconds, with trainings that are too short to learn anything.
    progress
        Show progress bars on a terminal, and a line now and then in a log.
    """
    from argand.demo import demo as run_demo

    check_output_folder(out)
    run_demo(out=out, seed=seed, quick=quick, progress=progress)
