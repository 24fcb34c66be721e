"""One section of the results: a table with notes, judged goals, and numbers for a file."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from machine import describe, list_facts
from one_core import restart_with_one_thread
from tables import table


@dataclass(frozen=True)
class Section:
    """Results of one script.

    Parameters
    ----------
    title, command
        Heading of the section, and the command that makes it.
    notes
        Sentences above the table.
    lines
        Cells of the table; the first line is its head.
    figures
        Columns that are aligned to the right.
    goals
        Judged goals (`Goal.judge`) with `group` and `who`.
    data
        Numbers for the JSON file.
    """

    title: str
    command: str
    notes: Sequence[str]
    lines: Sequence[Sequence[str]]
    figures: Sequence[int]
    goals: Sequence[dict[str, Any]] = ()
    data: Any = field(default_factory=dict)

    def markdown(self) -> list[str]:
        """Format the section as lines of Markdown."""
        notes = [f"- {note}" for note in (f"command: `{self.command}`", *self.notes)]
        return [f"## {self.title}", "", *notes, "", *table(self.lines, self.figures)]


def main(measure: Callable[[], Section], libraries_have_threads: bool = False) -> None:
    """Measure and print a section, and write its numbers where `--json FILE` is given.

    Numerical libraries get one thread each unless `libraries_have_threads`.
    """
    if not libraries_have_threads:
        restart_with_one_thread()
    parser = argparse.ArgumentParser(description=measure.__doc__)
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="write the numbers to this JSON file"
    )
    options = parser.parse_args()
    section = measure()
    lines = [*list_facts(describe()), "", *section.markdown()]
    print("\n".join(lines))
    if options.json:
        options.json.write_text(json.dumps(asdict(section)), encoding="utf-8")
