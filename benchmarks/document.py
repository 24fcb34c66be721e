"""Format all results as Markdown: the machine, the goals, a table for each workload, sections."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from goals import Judged, hardest, summary, verdict
from machine import describe, list_facts
from section import Section
from tables import table
from workloads import WORKLOADS

#: One timed contender, as `contender.race` describes it in pytest-benchmark's `extra_info`.
Row = Mapping[str, Any]

HEAD = ("", "who", "ms", "x argand", "goal", "error", "remark")


def facts() -> dict[str, str]:
    """Describe the date, the seeds of the workloads, and the machine."""
    seeds = []
    for work in WORKLOADS:
        if hasattr(work, "seed"):
            seeds.append(f"{work.seed} ({work.workload})")
    others = "8 (W8), 0 (scaling, stream of metals); the others have no random numbers"
    return {
        "date": date.today().isoformat(),
        "seeds": f"{', '.join(seeds)}; {others}",
        **describe(),
    }


def workload_tables(rows: Iterable[Row]) -> list[str]:
    """Format a heading and a table for each workload, the quickest contender first."""
    timed = [row for row in rows if "ratio" in row]
    lines: list[str] = []
    for work in WORKLOADS:
        of_workload = [row for row in timed if row["workload"] == work.workload]
        if of_workload:
            lines += ["", f"## {work.workload}: {work.title}", "", *_workload_table(of_workload)]
    return lines


def all_goals(rows: Iterable[Row], sections: Iterable[Section]) -> list[Judged]:
    """List every judged goal with `group` and `who`, those of the workloads first."""
    order = [work.workload for work in WORKLOADS]
    goals: list[Judged] = []
    for row in sorted(rows, key=lambda row: order.index(row["workload"])):
        if row.get("goal"):
            goals.append({"group": row["group"], "who": row["contender"], **row["goal"]})
    for section in sections:
        goals += section.goals
    return hardest(goals)


def document(
    command: str,
    commit: str,
    known_facts: Mapping[str, str],
    rows: Sequence[Row],
    sections: Sequence[Section],
) -> list[str]:
    """Format the whole document.

    Parameters
    ----------
    command, commit
        What made the results, and the state of the code.
    known_facts
        Machine, date and seeds, by name.
    rows
        Timed contenders.
    sections
        The other sections.
    """
    goals = all_goals(rows, sections)
    met = sum(goal["met"] for goal in goals)
    lines = list_facts({"command": f"`{command}`", "commit": commit, **known_facts})
    if goals:
        lines += ["", f"## Goals: {met} of {len(goals)} met", ""]
        lines += table(summary(goals), figures=(2, 3))
    lines += workload_tables(rows)
    for section in sections:
        lines += ["", *section.markdown()]
    return lines


def _workload_table(rows: list[Row]) -> list[str]:
    """Format the contenders of a workload, sorted by group and ratio."""
    lines: list[tuple[str, ...]] = [HEAD]
    for group in dict.fromkeys(row["group"] for row in rows):
        of_group = [row for row in rows if row["group"] == group]
        for row in sorted(of_group, key=lambda row: row["ratio"]):
            lines.append(_cells(row))
    return table(lines, figures=range(2, 6))


def _cells(row: Row) -> tuple[str, ...]:
    """Format one contender."""
    ratio = row["ratio"]
    goal = row["goal"]
    error = row["error"]
    return (
        row["group"],
        row["contender"],
        f"{row['milliseconds']:#.3g}".rstrip("."),
        f"{ratio:,.2f}" if ratio < 100 else f"{ratio:,.0f}",
        "" if goal is None else verdict(goal),
        "" if error is None else f"{error:.0e}",
        row["caveat"],
    )
