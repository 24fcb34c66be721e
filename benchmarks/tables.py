"""One table for each workload, the same in the terminal and in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

HEAD = ("", "who", "ms", "x argand", "goal", "error", "remark")


def tables(rows: Iterable[Mapping[str, Any]], titles: Mapping[str, str]) -> list[str]:
    """Lines: a heading and a table for each workload, the quickest beside argand first."""
    timed = [row for row in rows if "ratio" in row]
    lines: list[str] = []
    for workload, title in titles.items():
        own = [row for row in timed if row["workload"] == workload]
        if own:
            lines += ["", f"## {workload}: {title}", "", *_table(own)]
    return lines


def _table(rows: list[Mapping[str, Any]]) -> list[str]:
    cells = [HEAD]
    groups = dict.fromkeys(row["group"] for row in rows)
    for group in groups:
        own = sorted((row for row in rows if row["group"] == group), key=lambda row: row["ratio"])
        cells += [_cells(row) for row in own]
    widths = [max(len(line[column]) for line in cells) for column in range(len(HEAD) - 1)]
    head, *body = (_line(line, widths) for line in cells)
    # figures stand right
    rule = "|".join(("-" * (w + 1) + ":" if 2 <= column <= 5 else "-" * (w + 2)) for column, w in enumerate(widths))
    return [head, f"|{rule}|---|", *body]


def _cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    goal = row["goal"]
    return (
        row["group"],
        row["contender"],
        f"{row['milliseconds']:#.3g}".rstrip("."),
        f"{row['ratio']:,.2f}" if row["ratio"] < 100 else f"{row['ratio']:,.0f}",
        "" if goal is None else f"{goal:,g} {'met' if row['ratio'] >= goal else 'not met'}",
        f"{row['error']:.0e}",
        row["caveat"],
    )


def _line(cells: tuple[str, ...], widths: list[int]) -> str:
    padded = [
        cell.rjust(width) if 2 <= column <= 5 else cell.ljust(width)
        for column, (cell, width) in enumerate(zip(cells, widths, strict=False))
    ]
    return f"| {' | '.join(padded)} | {cells[-1]} |"
