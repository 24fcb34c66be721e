"""Make an input that fails smaller, by leaving out pieces as long as it fails in the same way."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

from fuzz.judge import Case, Judge, Outcome, failure_kind

# Seconds spent on one input.
_PATIENCE = 10.0


def shrink(judge: Judge, case: Case, outcome: Outcome) -> Case:
    """Return the smallest input found that has the same kind of failure at the same place."""
    end = time.monotonic() + _PATIENCE

    def fails(candidate: Case) -> bool:
        """Tell whether an input still has the failure."""
        found = judge.run(candidate)
        return failure_kind(candidate, found) == failure_kind(case, outcome)

    if not fails(case):
        return case
    if case.target == "seam":
        return _with_fewer_changes(case, fails)
    if case.target == "command":
        return _with_fewer_words(case, fails)
    for name in sorted(case.files):
        size = len(case.files[name]) // 2
        while size >= 1 and time.monotonic() < end:
            case = _without_pieces(case, name, size, fails, end)
            size //= 2
    return case


def _without_pieces(
    case: Case, name: str, size: int, fails: Callable[[Case], bool], end: float
) -> Case:
    """Leave out pieces of `size` bytes of a file, one after the other."""
    start = 0
    while start < len(case.files[name]) and time.monotonic() < end:
        content = case.files[name]
        candidate = Case(
            case.target, {**case.files, name: content[:start] + content[start + size :]}
        )
        if fails(candidate):
            case = candidate
        else:
            start += size
    return case


def _with_fewer_changes(case: Case, fails: Callable[[Case], bool]) -> Case:
    """Leave out changes of the arguments of a call."""
    (name,) = case.files
    content = json.loads(case.files[name])
    for change in list(content["changes"]):
        fewer = {**content, "changes": [other for other in content["changes"] if other != change]}
        candidate = Case(case.target, {name: json.dumps(fewer).encode()})
        if fails(candidate):
            case, content = candidate, fewer
    return case


def _with_fewer_words(case: Case, fails: Callable[[Case], bool]) -> Case:
    """Leave out words of a command, the last ones first."""
    (name,) = case.files
    words = json.loads(case.files[name])
    for place in reversed(range(1, len(words))):
        fewer = words[:place] + words[place + 1 :]
        candidate = Case(case.target, {name: json.dumps(fewer).encode()})
        if fails(candidate):
            case, words = candidate, fewer
    return case
