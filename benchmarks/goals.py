"""What argand is to reach. Nothing fails when it does not: goals are printed beside what was found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal, NamedTuple


class Goal(NamedTuple):
    sign: Literal["≥", "≤"]
    value: float
    unit: str = "x"
    among: str = ""  # the contenders that have this goal together: the quickest of them counts

    def judge(self, found: float) -> dict[str, Any]:
        """The goal, what was found and whether that is enough, for a JSON file."""
        met = found >= self.value if self.sign == "≥" else found <= self.value
        return {
            "goal": f"{self.sign} {self.value:,g} {self.unit}".strip(),
            "found": significant(found),
            "met": met,
            "among": self.among,
        }


def faster(times: float, among: str = "") -> Goal:
    """The contender takes at least so many times as long as argand."""
    return Goal("≥", times, among=among)


def within(times: float) -> Goal:
    """Argand takes at most so many times as long as the contender."""
    return Goal("≤", times)


def microseconds(most: float) -> Goal:
    return Goal("≤", most, "µs")


def verdict(judged: Mapping[str, Any]) -> str:
    found = (
        f" ({judged['found']:,.3g})" if judged["goal"].startswith("≤") else ""
    )  # the ratio beside it is the inverse
    return f"{judged['goal']} {'met' if judged['met'] else 'missed'}{found}"


def hardest(rows: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Of the goals that several have together, the one of the quickest."""
    kept: dict[Any, Mapping[str, Any]] = {}
    for row in rows:
        key = (row["group"], row["among"] or row["who"])
        if key not in kept or row["found"] < kept[key]["found"]:
            kept[key] = {**row, "who": f"{row['among']}: {row['who']}"} if row["among"] else row
    return list(kept.values())


def summary(rows: Iterable[Mapping[str, Any]]) -> list[tuple[str, ...]]:
    """A table of all goals; every row has the keys of `Goal.judge`, `group` and `who`."""
    head = ("", "argand beside", "goal", "found", "")
    return [
        head,
        *((row["group"], row["who"], row["goal"], f"{row['found']:,g}", _met(row)) for row in rows),
    ]


def _met(row: Mapping[str, Any]) -> str:
    return "met" if row["met"] else "**missed**"


def significant(x: float) -> float:
    return float(f"{x:.4g}")
