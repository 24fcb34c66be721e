"""Keep inputs that failed once: a folder for each, with its files and what they have to give."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from fuzz.judge import Case, Outcome

__all__ = ["CORPUS", "read", "write"]

#: Inputs that failed once, which an ordinary test reads again
CORPUS = Path(__file__).parent / "corpus"

# The file of an entry that names its target and its failure.
_ABOUT = "about.json"


def write(folder: Path, case: Case, outcome: Outcome) -> Path:
    """Write an input that failed into a folder of its own, named after its content."""
    digest = hashlib.sha256()
    for name in sorted(case.files):
        digest.update(name.encode() + b"\0" + case.files[name])
    entry = folder / f"{case.target}_{outcome.kind}_{digest.hexdigest()[:8]}"
    entry.mkdir(parents=True, exist_ok=True)
    for name, content in case.files.items():
        (entry / name).write_bytes(content)
    about = {
        "target": case.target,
        "failure": outcome.kind,
        "place": outcome.place,
        "words": outcome.words[:300],
    }
    (entry / _ABOUT).write_text(json.dumps(about, indent=1) + "\n")
    return entry


def read(entry: Path) -> Case:
    """Read an input from its folder."""
    about = json.loads((entry / _ABOUT).read_text())
    files = {path.name: path.read_bytes() for path in sorted(entry.iterdir())}
    files.pop(_ABOUT)
    return Case(about["target"], files)
