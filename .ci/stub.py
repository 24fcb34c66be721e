"""Writes python/argand/_core.pyi from the compiled module; with --check only says whether it is up to date."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

STUB = Path(__file__).parents[1] / "python" / "argand" / "_core.pyi"


def generated() -> str:
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "pybind11_stubgen", "argand._core", "-o", folder], check=True)
        raw = (Path(folder) / "argand" / "_core.pyi").read_text()
    command = [sys.executable, "-m", "ruff", "format", "--stdin-filename", str(STUB), "-"]
    return subprocess.run(command, input=raw, capture_output=True, text=True, check=True).stdout


def main() -> int:
    if "--check" not in sys.argv[1:]:
        STUB.write_text(generated())
        return 0
    if STUB.read_text() == generated():
        return 0
    print(f"{STUB.name} does not match the compiled module: run `python .ci/stub.py`", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
