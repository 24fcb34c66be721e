"""All benchmarks, one JSON file and one document: ``python benchmarks/everything.py``.

Takes less than ten minutes; run it alone. Numbers go to ``benchmarks/results/<date>_all.json``, tables to ``.md``
beside it and into ``docs/performance.md``, the picture to ``docs/images/scaling.png``. ``--results`` names another
file, and then all stays beside that. ``--only`` runs a part, which is printed, and kept only under ``--results``.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path
from typing import Any

from document import all_goals, document, facts
from section import Section

HERE = Path(__file__).parent
ROOT = HERE.parent
BEGIN, END = "<!-- results: written by benchmarks/everything.py -->", "<!-- end of results -->"
SECTIONS = ("roofline", "threads", "loader", "learner", "scaling")


def run_workloads(folder: Path) -> dict[str, Any]:
    """What pytest-benchmark keeps of all `bench_*.py`."""
    kept = folder / "workloads.json"
    command = [
        sys.executable,
        "-m",
        "pytest",
        str(HERE),
        "-q",
        "--tb=short",
        "-p",
        "no:cacheprovider",
    ]
    done = subprocess.run([*command, f"--benchmark-json={kept}"], cwd=ROOT, check=False)
    if not kept.exists():
        raise SystemExit(f"pytest benchmarks ended with {done.returncode} and left no results")
    result: dict[str, Any] = json.loads(kept.read_text(encoding="utf-8"))
    return result


def run_section(name: str, folder: Path) -> Section:
    """Each in a process of its own: some are pinned to one core, some are not."""
    kept = folder / f"{name}.json"
    subprocess.run(
        [sys.executable, str(HERE / f"{name}.py"), "--json", str(kept)], cwd=ROOT, check=True
    )
    return Section(**json.loads(kept.read_text(encoding="utf-8")))


def commit_of_tree() -> str:
    def git(*arguments: str) -> str:
        found = subprocess.run(
            ["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
        )
        return found.stdout.strip()

    changed = git("status", "--porcelain", "--untracked-files=no")
    return (
        f"{git('rev-parse', '--short=12', 'HEAD')}{' and uncommitted changes' if changed else ''}"
    )


def put_into(page: Path, lines: list[str]) -> None:
    """Replace what stands between the marks of the page."""
    before, _, rest = page.read_text(encoding="utf-8").partition(f"{BEGIN}\n")
    _, _, after = rest.partition(f"{END}\n")
    page.write_text(
        "\n".join([f"{before}{BEGIN}", "", *lines, "", f"{END}\n{after}"]), encoding="utf-8"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--results", type=Path, help="the JSON file; the document goes beside it")
    parser.add_argument(
        "--only", nargs="+", choices=("workloads", *SECTIONS), default=("workloads", *SECTIONS)
    )
    chosen = parser.parse_args()
    everything = set(chosen.only) == {"workloads", *SECTIONS}
    results = chosen.results
    if results is None and everything:
        results = HERE / "results" / f"{date.today().isoformat()}_all.json"
    commit = commit_of_tree()
    with tempfile.TemporaryDirectory() as kept:
        found = run_workloads(Path(kept)) if "workloads" in chosen.only else {"benchmarks": []}
        sections = {name: run_section(name, Path(kept)) for name in SECTIONS if name in chosen.only}
    rows = [{"group": one["group"], **one["extra_info"]} for one in found["benchmarks"]]
    known = found.get("machine_info") or facts()
    command = "python benchmarks/everything.py"
    if not everything:
        command += f" --only {' '.join(chosen.only)}"
    numbers = {
        "command": command,
        "commit": commit,
        **known,
        "goals": all_goals(rows, sections.values()),
        "workloads": found["benchmarks"],
        "sections": {name: vars(section) for name, section in sections.items()},
    }
    lines = document(command, commit, known, rows, list(sections.values()))
    print("\n".join(["# argand beside its peers", "", *lines]))
    if results is None:
        return
    results.parent.mkdir(parents=True, exist_ok=True)
    results.write_text(json.dumps(numbers, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    results.with_suffix(".md").write_text(
        "\n".join(["# argand beside its peers", "", *lines, ""]), encoding="utf-8"
    )
    picture = results.with_suffix(".png")
    if chosen.results is None:
        picture = ROOT / "docs" / "images" / "scaling.png"
        put_into(ROOT / "docs" / "performance.md", lines)
    if "scaling" in sections:
        subprocess.run(
            [sys.executable, str(HERE / "picture.py"), str(results), str(picture)],
            cwd=ROOT,
            check=True,
        )


if __name__ == "__main__":
    main()
