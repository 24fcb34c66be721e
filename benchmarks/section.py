"""One part of the results: a table with notes, the goals in it, and the numbers for a file."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from machine import describe
from one_core import THREADS
from tables import table


@dataclass(frozen=True)
class Section:
    title: str
    command: str
    notes: Sequence[str]
    lines: Sequence[Sequence[str]]  # of the table, the first one its head
    figures: Sequence[int]  # columns that stand right
    goals: Sequence[dict[str, Any]] = ()  # `Goal.judge` with `group` and `who`
    data: Any = field(default_factory=dict)

    def markdown(self) -> list[str]:
        notes = [f"- {note}" for note in (f"command: `{self.command}`", *self.notes)]
        return [f"## {self.title}", "", *notes, "", *table(self.lines, self.figures)]


def main(measure: Callable[[], Section], libraries_have_threads: bool = False) -> None:
    """Measure, print, and keep the numbers where `--json FILE` is given.

    Threads of BLAS and OpenMP wait busily for work, in the way of those that are measured; libraries read how many they
    may have when they are loaded, so the script starts once more.
    """
    if not libraries_have_threads and any(os.environ.get(name) != "1" for name in THREADS):
        os.environ.update(dict.fromkeys(THREADS, "1"))
        os.execv(sys.executable, [sys.executable, *sys.argv])
    parser = argparse.ArgumentParser(description=measure.__doc__)
    parser.add_argument("--json", type=Path, help="write the numbers to this file")
    chosen = parser.parse_args()
    section = measure()
    print(
        "\n".join(
            [*(f"- {name}: {words}" for name, words in describe().items()), "", *section.markdown()]
        )
    )
    if chosen.json:
        chosen.json.write_text(json.dumps(asdict(section)), encoding="utf-8")
