"""All benchmarks, one JSON file and one document: ``python benchmarks/everything.py``.

Takes less than ten minutes; run it alone. Everything goes to ``benchmarks/results/<date>_all.json`` and ``.md``, the
picture to ``docs/images/scaling.png``; ``--results`` names other files, which then have the picture beside them.
``--only`` runs a part: workloads, roofline, threads, loader, scaling.
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

from document import all_goals, document
from section import Section

HERE = Path(__file__).parent
ROOT = HERE.parent
SECTIONS = ("roofline", "threads", "loader", "scaling")


def run_workloads(folder: Path) -> dict[str, Any]:
    """What pytest-benchmark keeps of all `bench_*.py`."""
    kept = folder / "workloads.json"
    command = [sys.executable, "-m", "pytest", str(HERE), "-q", "--tb=short", "-p", "no:cacheprovider"]
    done = subprocess.run([*command, f"--benchmark-json={kept}"], cwd=ROOT, check=False)
    if not kept.exists():
        raise SystemExit(f"pytest benchmarks ended with {done.returncode} and left no results")
    result: dict[str, Any] = json.loads(kept.read_text(encoding="utf-8"))
    return result


def run_section(name: str, folder: Path) -> Section:
    """Each in a process of its own: some are pinned to one core, some are not."""
    kept = folder / f"{name}.json"
    subprocess.run([sys.executable, str(HERE / f"{name}.py"), "--json", str(kept)], cwd=ROOT, check=True)
    return Section(**json.loads(kept.read_text(encoding="utf-8")))


def commit_of_tree() -> str:
    def git(*arguments: str) -> str:
        found = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
        return found.stdout.strip()

    changed = git("status", "--porcelain", "--untracked-files=no")
    return f"{git('rev-parse', '--short=12', 'HEAD')}{' and uncommitted changes' if changed else ''}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, help="the JSON file; the document goes beside it")
    parser.add_argument("--only", nargs="+", choices=("workloads", *SECTIONS), default=("workloads", *SECTIONS))
    chosen = parser.parse_args()
    standard = HERE / "results" / f"{date.today().isoformat()}_all.json"
    results = chosen.results or standard
    commit = commit_of_tree()
    with tempfile.TemporaryDirectory() as kept:
        found = run_workloads(Path(kept)) if "workloads" in chosen.only else {"benchmarks": []}
        sections = {name: run_section(name, Path(kept)) for name in SECTIONS if name in chosen.only}
    rows = [{"group": one["group"], **one["extra_info"]} for one in found["benchmarks"]]
    command = "python benchmarks/everything.py"
    if set(chosen.only) != {"workloads", *SECTIONS}:
        command += f" --only {' '.join(chosen.only)}"
    numbers = {
        "command": command,
        "commit": commit,
        "machine": found.get("machine_info"),
        "goals": all_goals(rows, sections.values()),
        "workloads": found["benchmarks"],
        "sections": {name: vars(section) for name, section in sections.items()},
    }
    results.parent.mkdir(parents=True, exist_ok=True)
    results.write_text(json.dumps(numbers, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    lines = document(command, commit, rows, list(sections.values()))
    results.with_suffix(".md").write_text("\n".join([*lines, ""]), encoding="utf-8")
    print("\n".join(lines))
    if "scaling" in sections:
        picture = ROOT / "docs" / "images" / "scaling.png" if results == standard else results.with_suffix(".png")
        subprocess.run([sys.executable, str(HERE / "picture.py"), str(results), str(picture)], cwd=ROOT, check=True)


if __name__ == "__main__":
    main()
