"""Write python/argand/_core.pyi and _cuda.pyi from the compiled modules.

With --check nothing is written: it says whether the stubs are up to date. A module that this build
lacks is skipped.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import tempfile
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "python" / "argand"
MODULES = ("_core", "_cuda")


def generate_stub(name: str) -> str:
    """Return the formatted stub of a compiled module."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [sys.executable, "-m", "pybind11_stubgen", f"argand.{name}", "-o", folder],
            check=True,
        )
        unformatted = (Path(folder) / "argand" / f"{name}.pyi").read_text()
    command = [
        sys.executable,
        "-m",
        "ruff",
        "format",
        "--stdin-filename",
        str(PACKAGE / f"{name}.pyi"),
        "-",
    ]
    formatted = subprocess.run(
        command,
        input=unformatted,
        capture_output=True,
        text=True,
        check=True,
    )
    return formatted.stdout


def main() -> int:
    """Write or check the stub of every compiled module; return 1 where a checked one is stale."""
    only_check = "--check" in sys.argv[1:]
    exit_status = 0
    for name in MODULES:
        if importlib.util.find_spec(f"argand.{name}") is None:
            continue
        path = PACKAGE / f"{name}.pyi"
        stub = generate_stub(name)
        if not only_check:
            path.write_text(stub)
        elif path.read_text() != stub:
            print(
                f"{path.name} does not match the compiled module: run `python .ci/stub.py`",
                file=sys.stderr,
            )
            exit_status = 1
    return exit_status


if __name__ == "__main__":
    sys.exit(main())
