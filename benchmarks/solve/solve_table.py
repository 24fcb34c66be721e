"""Count what programs made of crystals, case by case, as a table."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).parents[1]))
sys.path.append(str(Path(__file__).parents[2] / "studies"))

from solvers import ARGAND, PEERS, SolvedCase

from helpers import wilson_interval
from solve import RIGHT
from tables import table

HEAD = (
    *("case", "program", "right", "95 %", "CC ≥ .93", "CC ≥ .98", "called solved"),
    *("wrong, called solved", "group", "elements", "R1", "CPU s"),
)

# Map correlations that are counted beside that of a right map.
_GOOD = 0.93
_VERY_GOOD = 0.98


def case_table(rows: Iterable[SolvedCase], cases: Sequence[str]) -> list[str]:
    """Format a Markdown table with a line for each case and program."""
    rows = list(rows)
    lines: list[tuple[str, ...]] = [HEAD]
    for case in cases:
        for who in (*ARGAND, *PEERS):
            chosen = [row for row in rows if row.case == case and row.who == who]
            if chosen:
                lines.append(_line(case, who, chosen))
    return table(lines, range(2, len(HEAD)))


def _line(case: str, who: str, rows: list[SolvedCase]) -> tuple[str, ...]:
    """Count the results of one program in one case.

    Rows without a deposited structure are not compared; of shuffled amplitudes every map is wrong.
    """
    compared = [row for row in rows if row.correlation is not None]
    right = _better(compared, RIGHT)
    judged = rows if case == "shuffled" else compared
    wrong = [row for row in judged if row not in right]
    wrong_words = f"{_called_solved(wrong)} of {len(judged)}"
    seconds = f"{np.median([row.seconds for row in rows]):.2f}"
    if not compared:
        return (case, who, "", "", "", "", "", wrong_words, "", "", "", seconds)
    low, high = wilson_interval(len(right), len(compared))
    return (
        case,
        who,
        f"{len(right)} of {len(compared)}",
        f"{100 * low:.0f}–{100 * high:.0f}",
        str(len(_better(compared, _GOOD))),
        str(len(_better(compared, _VERY_GOOD))),
        f"{_called_solved(right)} of {len(right)}",
        wrong_words,
        _groups(right),
        _middle([row.elements for row in right], np.mean),
        _middle([row.r1 for row in right], np.median),
        seconds,
    )


def _better(rows: list[SolvedCase], correlation: float) -> list[SolvedCase]:
    """Return the results whose maps have at least this correlation with the structure."""
    chosen = []
    for row in rows:
        if row.correlation is not None and row.correlation >= correlation:
            chosen.append(row)
    return chosen


def _called_solved(rows: list[SolvedCase]) -> int:
    """Count the maps that their program calls solved."""
    return sum(row.verdict == "solved" for row in rows)


def _groups(rows: list[SolvedCase]) -> str:
    """Count the maps in the space group of the deposited structure; '' where none is chosen."""
    chosen = [row for row in rows if row.spacegroup is not None]
    if not chosen:
        return ""
    same = sum(row.spacegroup == row.deposited for row in chosen)
    return f"{same} of {len(chosen)}"


def _middle(
    numbers: Iterable[float | None], average: Callable[[Sequence[float]], np.floating]
) -> str:
    """Format the mean or median of the numbers that there are."""
    known = [number for number in numbers if number is not None]
    return f"{average(known):.3f}" if known else ""
