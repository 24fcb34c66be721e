"""Goals for argand's speed: they are judged and printed, and nothing fails when one is missed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal, NamedTuple

#: A judged goal as `Goal.judge` returns it, with `group` and `who` where it stands in a list.
Judged = Mapping[str, Any]


class Goal(NamedTuple):
    """A bound for a measured number: at least or at most `value`, in `unit`.

    Contenders with the same name in `among` share the goal; the quickest of them is judged.
    """

    sign: Literal["≥", "≤"]
    value: float
    unit: str = "x"
    among: str = ""

    def judge(self, number: float) -> dict[str, Any]:
        """Compare a measured number with the goal; the keys are those of the JSON files."""
        met = number >= self.value if self.sign == "≥" else number <= self.value
        return {
            "goal": f"{self.sign} {self.value:,g} {self.unit}".strip(),
            "found": significant(number),
            "met": met,
            "among": self.among,
        }


def faster(times: float, among: str = "") -> Goal:
    """Make the goal that a contender takes at least `times` times as long as argand."""
    return Goal("≥", times, among=among)


def within(times: float) -> Goal:
    """Make the goal that argand takes at most `times` times as long as the contender."""
    return Goal("≤", times)


def microseconds(most: float) -> Goal:
    """Make the goal that a call takes at most `most` microseconds."""
    return Goal("≤", most, "µs")


def verdict(judged: Judged) -> str:
    """Say whether a goal was met.

    An upper bound is followed by the number in brackets, since the ratio that a table shows
    beside it is the inverse.
    """
    outcome = "met" if judged["met"] else "missed"
    number = f" ({judged['found']:,.3g})" if judged["goal"].startswith("≤") else ""
    return f"{judged['goal']} {outcome}{number}"


def hardest(rows: Iterable[Judged]) -> list[Judged]:
    """Keep one row of each shared goal, the one of the quickest contender."""
    lowest: dict[tuple[str, str], Judged] = {}
    for row in rows:
        key = (row["group"], row["among"] or row["who"])
        if key in lowest and row["found"] >= lowest[key]["found"]:
            continue
        if row["among"]:
            lowest[key] = {**row, "who": f"{row['among']}: {row['who']}"}
        else:
            lowest[key] = row
    return list(lowest.values())


def summary(rows: Iterable[Judged]) -> list[tuple[str, ...]]:
    """Make the lines of a table of judged goals, each with `group` and `who`."""
    lines: list[tuple[str, ...]] = [("", "argand beside", "goal", "found", "")]
    for row in rows:
        outcome = "met" if row["met"] else "**missed**"
        lines.append((row["group"], row["who"], row["goal"], f"{row['found']:,g}", outcome))
    return lines


def significant(x: float) -> float:
    """Round to four significant digits."""
    return float(f"{x:.4g}")
