"""`nox` runs what CI runs, each in an environment of its own; `nox -s tests` one of them."""

from __future__ import annotations

import nox

nox.options.default_venv_backend = "venv"
nox.options.sessions = ["lint", "types", "tests"]

CONSTRAINTS = ("-c", "constraints.txt")


@nox.session
def tests(session: nox.Session) -> None:
    session.install(*CONSTRAINTS, ".[learn,nufft,validate,test]")
    session.run("pytest", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    session.install(*CONSTRAINTS, "ruff", "clang-format")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run(
        "bash",
        "-c",
        "find cpp tests/emulation -name '*.?pp' -o -name '*.cu*' | xargs clang-format --dry-run --Werror",
        external=True,
    )


@nox.session
def types(session: nox.Session) -> None:
    session.install(*CONSTRAINTS, ".[learn]", "mypy", "pybind11-stubgen", "ruff")
    session.run("mypy")
    session.run("python", ".ci/stub.py", "--check")


@nox.session
def sanitizers(session: nox.Session) -> None:
    """The kernels under AddressSanitizer and UndefinedBehaviorSanitizer."""
    settings = ("-C", "cmake.define.ARGAND_SANITIZE=address,undefined", "-C", "install.strip=false")
    session.install(*CONSTRAINTS, *settings, ".[test]")
    libraries = [
        str(session.run("gcc", f"-print-file-name={name}", external=True, silent=True)).strip()
        for name in ("libasan.so", "libstdc++.so.6")
    ]
    env = {"LD_PRELOAD": " ".join(libraries), "ASAN_OPTIONS": "detect_leaks=0"}
    session.run(
        "pytest", "tests/test_kernels.py", "tests/test_density.py", *session.posargs, env=env
    )


@nox.session
def emulation(session: nox.Session) -> None:
    """The CUDA kernels, compiled as C++, under AddressSanitizer and UndefinedBehaviorSanitizer."""
    session.install(*CONSTRAINTS, "-C", "cmake.define.ARGAND_CUDA=OFF", ".[test]")
    libraries = [
        str(session.run("gcc", f"-print-file-name={name}", external=True, silent=True)).strip()
        for name in ("libasan.so", "libstdc++.so.6")
    ]
    env = {
        "ARGAND_EMULATION_SANITIZE": "address,undefined",
        "LD_PRELOAD": " ".join(libraries),
        "ASAN_OPTIONS": "detect_leaks=0",
        "UBSAN_OPTIONS": "halt_on_error=1",
    }
    names = ("kernels", "density", "cuda", "cuda_seam")
    paths = [f"tests/test_{name}.py" for name in names]
    session.run("pytest", *(session.posargs or (*paths, "-k", "device or cuda")), env=env)


@nox.session
def benchmarks(session: nox.Session) -> None:
    session.install(*CONSTRAINTS, ".[learn,nufft,validate,test]")
    session.run("pytest", "benchmarks", *session.posargs)
