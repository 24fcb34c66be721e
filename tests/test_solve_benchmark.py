"""The benchmark of `argand solve` judges maps of peers, counts them, and goes on where it ended."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import argand
from argand import structure_factors
from argand.io import open_file
from argand.reflections import miller_indices

ROOT = Path(__file__).parents[1]
SCRIPT = ROOT / "benchmarks" / "solve" / "peers.py"

# Measured intensities and structure of CsInSnCl in one file (Crystallography Open Database).
CRYSTAL = ROOT / "tests" / "data" / "4003024.cif"

pytestmark = pytest.mark.skipif(not SCRIPT.exists(), reason="an installed package has no benchmark")

# Stands in for the environment of the peers. As smtbx it answers with the phases of `true.npz`, at
# another origin and of the other hand; as grok-phase-solver with random phases (seed 5).
PEER = """#!{python}
import sys
import numpy as np
if sys.argv[1] == "-c":
    print("peers of a test")
    sys.exit()
driver, source, target = sys.argv[1:4]
hkl = np.load(source)["p1_hkl"]
with np.load({true!r}) as true:
    phase = dict(zip(map(tuple, true["hkl"].tolist()), true["phase"]))
if "smtbx" in driver:
    phases = np.array([-phase[tuple(row)] for row in hkl.tolist()]) + 2 * np.pi * hkl @ [.1, .2, .3]
else:
    phases = np.random.default_rng(5).uniform(0, 2 * np.pi, len(hkl))
np.savez(target, phases=np.exp(1j * phases)[None], verdict="solved", remark="", seconds=1.5)
"""


def run(*arguments: str | Path) -> str:
    """Run the benchmark and return what it prints."""
    package = Path(argand.__file__).parents[1]
    ended = subprocess.run(
        [sys.executable, str(SCRIPT), *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env={**os.environ, "PYTHONPATH": str(package)},
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def cells(output: str, case: str, who: str) -> list[str]:
    """Return the cells of the table's line of a case and a program."""
    for line in output.splitlines():
        words = [word.strip() for word in line.strip("|").split("|")]
        if words[:2] == [case, who]:
            return words
    raise AssertionError(f"no line of {case} {who} in\n{output}")


def row(number: int, correlation: float | None, **other: Any) -> dict[str, Any]:
    """Return a result of the benchmark as it stands in a file."""
    return {
        "who": "argand",
        "case": "native",
        "crystal": f"c{number}",
        "verdict": "solved",
        "probability": 1.0,
        "correlation": correlation,
        "spacegroup": "P -1",
        "deposited": "P -1",
        "elements": 1.0,
        "r1": 0.05,
        "seconds": 1.0,
        "limit": 60.0,
        "remark": "",
        **other,
    }


def test_maps_are_judged_and_runs_are_not_repeated(tmp_path: Path) -> None:
    """True phases at any origin and hand are right, random ones wrong; a row is measured once."""
    folder = tmp_path / "data"
    folder.mkdir()
    shutil.copy(CRYSTAL, folder)
    crystal = open_file(CRYSTAL).crystal()
    hkl = miller_indices(crystal.cell, d_min=0.7)
    both = np.concatenate([hkl, -hkl])
    true = tmp_path / "true.npz"
    np.savez(true, hkl=both, phase=np.angle(structure_factors(crystal, both)))
    peer = tmp_path / "peer"
    peer.write_text(PEER.format(python=sys.executable, true=str(true)))
    peer.chmod(0o755)
    results = tmp_path / "results.json"
    names = ("smtbx", "grok-phase-solver")
    command = (folder, "--peers", peer, "--json", results, "--who", *names)
    output = run(*command)
    rows = {entry["who"]: entry for entry in json.loads(results.read_text())["rows"]}
    assert rows["smtbx"]["correlation"] > 0.99
    assert rows["grok-phase-solver"]["correlation"] < 0.7
    assert rows["smtbx"]["seconds"] == 1.5
    assert cells(output, "native", "smtbx")[2] == "1 of 1"
    assert cells(output, "native", "smtbx")[7] == "0 of 1"
    assert cells(output, "native", "grok-phase-solver")[2] == "0 of 1"
    assert cells(output, "native", "grok-phase-solver")[7] == "1 of 1"

    peer.write_text(f"#!{sys.executable}\nimport sys\nsys.exit('-c' not in sys.argv)\n")
    run(*command)
    assert {entry["who"]: entry for entry in json.loads(results.read_text())["rows"]} == rows


def test_a_peer_that_fails_is_counted_as_not_solved(tmp_path: Path) -> None:
    """A peer that ends with an error leaves a row with its last words."""
    folder = tmp_path / "data"
    folder.mkdir()
    shutil.copy(CRYSTAL, folder)
    peer = tmp_path / "peer"
    peer.write_text(
        f"#!{sys.executable}\nimport sys\nif '-c' not in sys.argv:\n    sys.exit('no such thing')\n"
    )
    peer.chmod(0o755)
    results = tmp_path / "results.json"
    output = run(folder, "--peers", peer, "--json", results, "--who", "smtbx")
    (entry,) = json.loads(results.read_text())["rows"]
    assert entry["verdict"] == "not solved"
    assert entry["correlation"] == 0.0
    assert entry["remark"] == "no such thing"
    assert cells(output, "native", "smtbx")[2] == "0 of 1"


def test_results_are_counted(tmp_path: Path) -> None:
    """Counts, Wilson's interval, means and medians of the table are those of the rows."""
    rows = [row(number, 0.99) for number in range(6)]
    rows.append(row(6, 0.94, verdict="probable", spacegroup="P 1", elements=0.3, r1=0.2))
    rows.append(row(7, 0.75, r1=0.3, seconds=9.0))
    rows.append(row(8, 0.2))
    rows.append(row(9, 0.1, verdict="not solved", r1=None))
    rows.append(row(10, None))
    rows.append(row(0, None, case="shuffled"))
    rows.append(row(1, None, case="shuffled", verdict="probable"))
    path = tmp_path / "results.json"
    document = {
        "kind": "benchmark of solve",
        "format": 1,
        "date": "2026-11-29",
        "machine": {},
        "rows": rows,
    }
    path.write_text(json.dumps(document))
    output = run("--json", path)
    # Wilson's interval of 8 of 10 is .490 to .943.
    native = ["8 of 10", "49–94", "7", "6", "7 of 8", "1 of 10", "7 of 8", "0.912", "0.050", "1.00"]
    assert cells(output, "native", "argand")[2:] == native
    assert cells(output, "shuffled", "argand")[7] == "1 of 2"


def test_redundant_data_are_shuffled_after_merging(tmp_path: Path) -> None:
    """Of data measured thirteen times over, most unique reflections get another intensity."""
    script = tmp_path / "shuffle.py"
    script.write_text(
        "import json, sys\n"
        "from solve import changed\n"
        "from argand.measured import merge\n"
        "from argand.solve import read_problem\n"
        "reflections = read_problem(sys.argv[1]).reflections\n"
        "shuffled = changed(reflections, 'shuffled', 0)\n"
        "merged = [merge(data).intensity.tolist() for data in (reflections, shuffled)]\n"
        "print(json.dumps([len(reflections.hkl), *merged]))\n"
    )
    search_path = [str(Path(argand.__file__).parents[1]), str(ROOT / "studies")]
    ended = subprocess.run(
        [sys.executable, str(script), str(CRYSTAL)],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(search_path)},
    )
    assert ended.returncode == 0, ended.stderr
    measured, before, after = json.loads(ended.stdout.splitlines()[-1])
    assert measured > 10 * len(before)
    np.testing.assert_allclose(np.sort(after), np.sort(before), rtol=1e-12)
    unchanged = np.isclose(before, after, rtol=1e-6)
    assert unchanged.mean() < 0.25
