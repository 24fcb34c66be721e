"""Try argand on a CUDA device for the first time: ``python tools/first_card.py --out card.json``.

Everything that a device has to show, in at most six minutes: that it is there, kernels against the
core by address, timings, the tests on a device, and the tools of compute-sanitizer. Each step is a
process of its own under a time limit. Its result is written to the file as soon as it is known. The
exit status is 1 where a step fails, and where there is no device.

``--wheel FILE`` installs a prebuilt wheel beside this script first, without a network.
``--emulated`` runs all steps on small cases on the emulated device of tests/emulation.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
CHECKS = str(ROOT / "tools" / "card_checks.py")
TIMES = str(ROOT / "tools" / "card_times.py")

# Seconds that all steps may take together.
ALL_SECONDS = 360
# A step that could not run at all counts as failed, unless a program that it needs is missing.
MISSING = "missing"

# Tests for --emulated, in place of those that need a device.
EMULATED_TESTS = ("tests/test_cuda_corners.py", "-k", "keep_their_rows or lazy")


def steps(emulated: bool) -> list[tuple[str, list[str], int]]:
    """List the steps: name, command, and most seconds; the most telling ones come first."""
    python = sys.executable
    option = ["--emulated"] if emulated else []
    tests = EMULATED_TESTS if emulated else ("tests/test_cuda_device.py",)
    pytest = [python, "-m", "pytest", "-q", "-W", "default", "-p", "no:cacheprovider", *tests]
    listed = [
        ("device", [python, CHECKS, "--device", *option], 40),
        ("kernels", [python, CHECKS, *option], 60),
        ("times", [python, TIMES, *option], 100),
        ("tests", pytest, 90),
    ]
    for tool in ("memcheck", "racecheck", "initcheck", "synccheck"):
        checked = [python, CHECKS, "--small", *option]
        if not emulated:
            checked = ["compute-sanitizer", "--tool", tool, "--error-exitcode", "1", *checked]
        listed.append((tool, checked, 60))
    return listed


def run_step(command: Sequence[str], seconds: float, environment: dict[str, str]) -> dict[str, Any]:
    """Run a command, and return how it ended, how long it took and what it printed."""
    if shutil.which(command[0]) is None:
        return {"outcome": MISSING, "output": f"{command[0]} is not installed"}
    begin = time.monotonic()
    # A step must not outlive its limit, nor may what it has started.
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
        cwd=ROOT,
        start_new_session=True,
    )
    try:
        output, _ = process.communicate(timeout=max(seconds, 1))
        outcome = "passed" if process.returncode == 0 else f"failed with {process.returncode}"
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, 9)
        output, _ = process.communicate()
        outcome = f"stopped after {seconds:.0f} s"
    return {
        "outcome": outcome,
        "seconds": round(time.monotonic() - begin, 1),
        "output": output[-6000:],
        "results": json_lines(output),
    }


def json_lines(output: str) -> list[Any]:
    """Return the lines of an output that are JSON objects."""
    results = []
    for line in output.splitlines():
        if line.startswith("{"):
            results.append(json.loads(line))
    return results


def require_tests_that_ran(result: dict[str, Any]) -> None:
    """Call a run of tests failed where every test was skipped."""
    if result["outcome"] == "passed" and " passed" not in result["output"]:
        result["outcome"] = "failed: no test ran"


def install(wheel: Path, folder: Path) -> None:
    """Install a wheel into a folder, without its dependencies and without a network."""
    command = [sys.executable, "-m", "pip", "install", "-q", "--no-index", "--no-deps"]
    subprocess.run([*command, "--target", str(folder), str(wheel)], check=True)


def step_environment(site: Path | None) -> dict[str, str]:
    """Return the environment of the steps: argand from the wheel, and the helpers of the tests."""
    environment = dict(os.environ)
    paths = [str(ROOT / "tests"), environment.get("PYTHONPATH", "")]
    if site is not None:
        paths.insert(0, str(site))
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
    environment["PYTHONUNBUFFERED"] = "1"
    return environment


def write_results(path: Path, results: dict[str, Any]) -> None:
    """Write the results so far; an interrupted write leaves the file before it."""
    scratch = path.with_suffix(".part")
    scratch.write_text(json.dumps(results, indent=1))
    scratch.replace(path)


def main() -> int:
    """Run all steps; return 1 where one of them fails."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("first_card.json"), metavar="FILE")
    parser.add_argument("--wheel", type=Path, metavar="FILE", help="argand for this Python")
    parser.add_argument("--emulated", action="store_true", help="without a device")
    parser.add_argument("--seconds", type=float, default=ALL_SECONDS, help="for all steps")
    options = parser.parse_args()
    deadline = time.monotonic() + options.seconds
    results: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        site = None
        if options.wheel is not None:
            site = Path(folder)
            install(options.wheel, site)
        environment = step_environment(site)
        for name, command, seconds in steps(options.emulated):
            remaining = deadline - time.monotonic()
            result = run_step(command, min(seconds, remaining), environment)
            if name == "tests":
                require_tests_that_ran(result)
            results[name] = result
            write_results(options.out, results)
            print(f"{name:<10} {result['outcome']:<24} {result.get('seconds', 0):6.1f} s")
            if name == "device" and result["outcome"] != "passed":
                print(result["output"])
                return 1
    outcomes = [result["outcome"] for result in results.values()]
    print(f"results are in {options.out}")
    return 0 if all(outcome in ("passed", MISSING) for outcome in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
