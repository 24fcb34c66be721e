"""Results as Markdown: facts about the machine, all goals, a table for each workload, and the other sections."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from goals import hardest, summary
from machine import describe
from section import Section
from tables import table, tables
from workloads import WORKLOADS

Row = Mapping[str, Any]


def facts() -> dict[str, str]:
    seeds = ", ".join(
        f"{work.seed} ({work.workload})" for work in WORKLOADS if hasattr(work, "seed")
    )
    seeds += "; 0 (scaling, stream of metals); the others have no random numbers"
    return {"date": date.today().isoformat(), "seeds": seeds, **describe()}


def listed(known: Mapping[str, str]) -> list[str]:
    return [f"- {name}: {words}" for name, words in known.items()]


def workloads(rows: Iterable[Row]) -> list[str]:
    return tables(rows, {work.workload: work.title for work in WORKLOADS})


def all_goals(rows: Iterable[Row], sections: Iterable[Section]) -> list[Row]:
    """Every goal with `group` and `who`, those of the workloads first."""
    order = [work.workload for work in WORKLOADS]
    own = [
        {"group": row["group"], "who": row["contender"], **row["goal"]}
        for row in sorted(rows, key=lambda row: order.index(row["workload"]))
        if row.get("goal")
    ]
    return hardest([*own, *(goal for section in sections for goal in section.goals)])


def document(
    command: str,
    commit: str,
    known: Mapping[str, str],
    rows: Sequence[Row],
    sections: Sequence[Section],
) -> list[str]:
    goals = all_goals(rows, sections)
    met = sum(goal["met"] for goal in goals)
    lines = listed({"command": f"`{command}`", "commit": commit, **known})
    if goals:
        head = ["", f"## Goals: {met} of {len(goals)} met", ""]
        lines += [*head, *table(summary(goals), figures=(2, 3))]
    lines += workloads(rows)
    for section in sections:
        lines += ["", *section.markdown()]
    return lines
