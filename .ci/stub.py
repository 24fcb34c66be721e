"""Writes python/argand/_core.pyi and _cuda.pyi from the compiled modules; with --check only says whether they are up to
date. A module that this build lacks is left alone."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import tempfile
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "python" / "argand"
MODULES = ("_core", "_cuda")


def generated(name: str) -> str:
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [sys.executable, "-m", "pybind11_stubgen", f"argand.{name}", "-o", folder], check=True
        )
        raw = (Path(folder) / "argand" / f"{name}.pyi").read_text()
    command = [
        sys.executable,
        "-m",
        "ruff",
        "format",
        "--stdin-filename",
        str(PACKAGE / f"{name}.pyi"),
        "-",
    ]
    return subprocess.run(command, input=raw, capture_output=True, text=True, check=True).stdout


def main() -> int:
    stale = 0
    for name in MODULES:
        if importlib.util.find_spec(f"argand.{name}") is None:
            continue
        stub = PACKAGE / f"{name}.pyi"
        if "--check" not in sys.argv[1:]:
            stub.write_text(generated(name))
        elif stub.read_text() != generated(name):
            print(
                f"{stub.name} does not match the compiled module: run `python .ci/stub.py`",
                file=sys.stderr,
            )
            stale = 1
    return stale


if __name__ == "__main__":
    sys.exit(main())
