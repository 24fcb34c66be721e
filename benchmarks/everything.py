"""Run all benchmarks and write one JSON file and one document: ``python benchmarks/everything.py``.

It takes less than ten minutes; run it alone. Numbers go to ``benchmarks/results/<date>_all.json``,
tables to ``.md`` beside it and into ``docs/performance.md``, the picture to
``docs/images/scaling.png``. With ``--results FILE``, document and picture go beside that file
instead. ``--only`` runs some parts and prints them; they are written only with ``--results``.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from document import all_goals, document, facts
from section import Section

HERE = Path(__file__).parent
ROOT = HERE.parent

#: The results on the page stand between these two lines.
BEGIN = "<!-- results: written by benchmarks/everything.py -->"
END = "<!-- end of results -->"

HEADING = "# argand beside its peers"
# The script of every section.
SECTIONS = {
    "roofline": "roofline.py",
    "threads": "threads.py",
    "lists": "lists.py",
    "cycle": "solve/iteration.py",
    "loader": "loader.py",
    "artificial": "artificial.py",
    "learner": "learner.py",
    "scaling": "scaling.py",
}
PARTS = ("workloads", *SECTIONS)


def run_workloads(folder: Path) -> dict[str, Any]:
    """Run all `bench_*.py` in a process and return what pytest-benchmark writes."""
    json_file = folder / "workloads.json"
    command = [sys.executable, "-m", "pytest", str(HERE), "-q", "--tb=short"]
    command += ["-p", "no:cacheprovider", f"--benchmark-json={json_file}"]
    process = subprocess.run(command, cwd=ROOT, check=False)
    if not json_file.exists():
        raise SystemExit(
            f"pytest benchmarks ended with exit code {process.returncode} and wrote no results"
        )
    results: dict[str, Any] = json.loads(json_file.read_text(encoding="utf-8"))
    return results


def run_section(name: str, folder: Path) -> Section:
    """Run the script of a section in a process of its own, since some are bound to one core."""
    json_file = folder / f"{name}.json"
    command = [sys.executable, str(HERE / SECTIONS[name]), "--json", str(json_file)]
    subprocess.run(command, cwd=ROOT, check=True)
    return Section(**json.loads(json_file.read_text(encoding="utf-8")))


def commit_of_tree() -> str:
    """Return the short name of the commit, and whether files have changed since."""
    name = _git("rev-parse", "--short=12", "HEAD")
    changed = _git("status", "--porcelain", "--untracked-files=no")
    return f"{name} and uncommitted changes" if changed else name


def put_into(page: Path, lines: Sequence[str]) -> None:
    """Replace the lines between the marks of a page."""
    before, _, rest = page.read_text(encoding="utf-8").partition(f"{BEGIN}\n")
    _, _, after = rest.partition(f"{END}\n")
    text = "\n".join([f"{before}{BEGIN}", "", *lines, "", f"{END}\n{after}"])
    page.write_text(text, encoding="utf-8")


def draw(results: Path, picture: Path) -> None:
    """Draw the curves of a results file."""
    command = [sys.executable, str(HERE / "picture.py"), str(results), str(picture)]
    subprocess.run(command, cwd=ROOT, check=True)


def main() -> None:
    """Run the chosen parts, print them and write the files."""
    options = _options()
    is_whole = set(options.only) == set(PARTS)
    results = options.results
    if results is None and is_whole:
        results = HERE / "results" / f"{date.today().isoformat()}_all.json"
    command = "python benchmarks/everything.py"
    if not is_whole:
        command += f" --only {' '.join(options.only)}"
    commit = commit_of_tree()
    workloads, sections = _run(options.only)
    timed = workloads["benchmarks"]
    rows = [{"group": entry["group"], **entry["extra_info"]} for entry in timed]
    known_facts = workloads.get("machine_info") or facts()
    lines = document(command, commit, known_facts, rows, list(sections.values()))
    print("\n".join([HEADING, "", *lines]))
    if results is None:
        return
    numbers = {
        "command": command,
        "commit": commit,
        **known_facts,
        "goals": all_goals(rows, sections.values()),
        "workloads": timed,
        "sections": {name: vars(section) for name, section in sections.items()},
    }
    _write(results, numbers, lines)
    picture = results.with_suffix(".png")
    if options.results is None:
        picture = ROOT / "docs" / "images" / "scaling.png"
        put_into(ROOT / "docs" / "performance.md", lines)
    if "scaling" in sections:
        draw(results, picture)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--results",
        type=Path,
        metavar="FILE",
        help="write the numbers to this JSON file, document and picture beside it",
    )
    parser.add_argument(
        "--only", nargs="+", choices=PARTS, default=PARTS, help="run these parts only"
    )
    return parser.parse_args()


def _run(parts: Sequence[str]) -> tuple[dict[str, Any], dict[str, Section]]:
    """Return the results of the workloads, and the sections by name."""
    workloads: dict[str, Any] = {"benchmarks": []}
    sections = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if "workloads" in parts:
            workloads = run_workloads(folder)
        for section in SECTIONS:
            if section in parts:
                sections[section] = run_section(section, folder)
    return workloads, sections


def _write(results: Path, numbers: Mapping[str, Any], lines: Sequence[str]) -> None:
    """Write the JSON file, and the document beside it."""
    results.parent.mkdir(parents=True, exist_ok=True)
    results.write_text(json.dumps(numbers, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    text = "\n".join([HEADING, "", *lines, ""])
    results.with_suffix(".md").write_text(text, encoding="utf-8")


def _git(*arguments: str) -> str:
    command = ["git", *arguments]
    process = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return process.stdout.strip()


if __name__ == "__main__":
    main()
