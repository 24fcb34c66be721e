"""One table for each workload, the same in the terminal and in Markdown."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any

from goals import verdict

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
    lines = [HEAD]
    for group in dict.fromkeys(row["group"] for row in rows):
        lines += [
            _cells(row)
            for row in sorted(rows, key=lambda row: row["ratio"])
            if row["group"] == group
        ]
    return table(lines, figures=range(2, 6))


def _cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    goal, error = row["goal"], row["error"]
    return (
        row["group"],
        row["contender"],
        f"{row['milliseconds']:#.3g}".rstrip("."),
        f"{row['ratio']:,.2f}" if row["ratio"] < 100 else f"{row['ratio']:,.0f}",
        "" if goal is None else verdict(goal),
        "" if error is None else f"{error:.0e}",
        row["caveat"],
    )


def table(lines: Iterable[Sequence[str]], figures: Container[int] = ()) -> list[str]:
    """A Markdown table, its first line the head; the columns `figures` stand right."""
    cells = [tuple(line) for line in lines]
    columns = range(len(cells[0]))
    widths = [max(len(line[column]) for line in cells) for column in columns]
    if columns[-1] not in figures:
        widths[-1] = len(cells[0][-1])  # nothing stands behind it
    padded = [
        [line[c].rjust(widths[c]) if c in figures else line[c].ljust(widths[c]) for c in columns]
        for line in cells
    ]
    rule = "|".join(
        "-" * (widths[c] + 1) + ":" if c in figures else "-" * (widths[c] + 2) for c in columns
    )
    head, *body = (f"| {' | '.join(line)} |" for line in padded)
    return [head, f"|{rule}|", *body]
