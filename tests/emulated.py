"""The CUDA kernels without a device: compiled as C++ through tests/emulation, called by the seam.

`device()` makes argand believe that there is a device. Its arrays are `DeviceArray`: numpy arrays
that know nothing but their shape, their type and DLPack. tests/emulation/cuda_emulation.hpp says
what the emulated device checks.

ARGAND_EMULATION_SANITIZE=address,undefined builds it with sanitizers (`nox -s emulation`).
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import argand
from argand import _seam
from argand._seam import arrays, modules
from argand._seam.arrays import ArrayDevice

ROOT = Path(__file__).parents[1]
NAME = "_cuda_emulated"
SOURCES = (
    *sorted((ROOT / "cpp" / "src").glob("*.cu")),
    ROOT / "cpp" / "bindings" / "cuda_module.cpp",
    ROOT / "cpp" / "bindings" / "dlpack.cpp",
)
FOLDERS = ("cpp/include", "cpp/src", "cpp/bindings", "tests/emulation")
WARNINGS = ("-Wall", "-Wextra", "-Werror", "-Wno-psabi", "-Wno-unknown-pragmas", "-Wno-clobbered")


def _flags() -> list[str]:
    """Return the compiler flags of the emulated module, sanitizers included."""
    import pybind11

    flags = ["-std=c++20", "-O1", "-fPIC", "-fvisibility=hidden", *WARNINGS]
    flags += [f"-DARGAND_MODULE={NAME}", "-DARGAND_EMULATION"]
    flags.append(f'-DARGAND_VERSION="{argand.__version__}"')
    flags.append('-DARGAND_CUDA_COMPILER="emulation"')
    flags.append('-DARGAND_CUDA_ARCHITECTURES="none"')
    for folder in FOLDERS:
        flags.append(f"-I{ROOT / folder}")
    flags.append(f"-I{sysconfig.get_paths()['include']}")
    flags.append(f"-I{pybind11.get_include()}")
    sanitizers = os.environ.get("ARGAND_EMULATION_SANITIZE")
    if sanitizers:
        flags += [f"-fsanitize={sanitizers}", "-g1", "-fno-omit-frame-pointer"]
    return flags


def _library_path(compiler: str, flags: list[str]) -> Path:
    """Return the path of the module built from the present sources, in the temporary folder."""
    state = hashlib.sha256(" ".join([sys.version, compiler, *flags]).encode())
    for folder in ("cpp", "tests/emulation"):
        for path in sorted((ROOT / folder).rglob("*.*")):
            state.update(path.read_bytes())
    build = f"argand-emulation-{state.hexdigest()[:16]}"
    file_name = f"{NAME}{sysconfig.get_config_var('EXT_SUFFIX')}"
    return Path(tempfile.gettempdir()) / build / file_name


def _build(compiler: str, flags: list[str], library: Path) -> None:
    """Compile and link the emulated module; it appears at its path when it is complete."""
    with tempfile.TemporaryDirectory() as scratch:

        def compile_source(source: Path) -> str:
            target = f"{scratch}/{source.name}.o"
            command = [compiler, "-x", "c++", *flags, "-c", str(source), "-o", target]
            subprocess.run(command, check=True)
            return target

        with ThreadPoolExecutor(os.cpu_count()) as pool:
            objects = list(pool.map(compile_source, SOURCES))
        linked = f"{scratch}/{library.name}"
        sanitizers = [flag for flag in flags if "sanitize" in flag]
        command = [compiler, "-shared", *sanitizers, *objects, "-o", linked]
        subprocess.run(command, check=True)
        library.parent.mkdir(exist_ok=True)
        shutil.move(linked, library)


@lru_cache
def module() -> ModuleType:
    """Return the emulated kernels as a Python module, built once for each state of the sources."""
    compiler = os.environ.get("CXX") or shutil.which("g++")
    if compiler is None:
        pytest.skip("no g++ to compile the emulated kernels with")
    pytest.importorskip("pybind11", reason="the emulated kernels need pybind11")
    flags = _flags()
    library = _library_path(compiler, flags)
    if not library.exists():
        _build(compiler, flags, library)
    spec = importlib.util.spec_from_file_location(NAME, library)
    assert spec is not None
    assert spec.loader is not None
    emulated_module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(emulated_module)
    return emulated_module


class DeviceArray:
    """An array that says it lies on a CUDA device."""

    def __init__(self, numbers: Any, index: int = 0) -> None:
        """Take an array of numpy for the memory of device number `index`."""
        self.numbers = np.asarray(numbers)
        self.index = index
        # The streams on which the numbers were asked for.
        self.streams: list[int | None] = []

    shape = property(lambda self: self.numbers.shape)
    dtype = property(lambda self: self.numbers.dtype)

    def __len__(self) -> int:
        return len(self.numbers)

    def __dlpack_device__(self) -> tuple[int, int]:
        return 2, self.index

    def __dlpack__(self, *, stream: int | None = None) -> Any:
        self.streams.append(stream)
        return self.numbers.__dlpack__()

    def reshape(self, *shape: Any) -> DeviceArray:
        """Return a view of another shape."""
        return DeviceArray(self.numbers.reshape(*shape), self.index)

    def __getitem__(self, key: Any) -> DeviceArray:
        return DeviceArray(self.numbers[key], self.index)

    def __mul__(self, factor: int) -> DeviceArray:
        return DeviceArray(self.numbers * factor, self.index)


def poisoned(shape: tuple[int, ...], dtype: str) -> DeviceArray:
    """Allocate an array of which every byte is 255, so that every real number is NaN."""
    numbers = np.empty(shape, dtype)
    numbers.view(np.uint8 if numbers.ndim else numbers.dtype)[...] = 255
    return DeviceArray(numbers)


class Emulated:
    """The library of `DeviceArray`, as the seam asks for one."""

    current_stream = 0

    def stream(self, device: ArrayDevice) -> int:
        """Return the stream that a test has set."""
        return self.current_stream

    def empty(self, shape: tuple[int, ...], dtype: str, device: ArrayDevice) -> DeviceArray:
        """Allocate a poisoned array."""
        return poisoned(shape, dtype)

    def arange(self, count: int, dtype: str, device: ArrayDevice) -> DeviceArray:
        """Make the numbers 0, 1, ..., count - 1."""
        return DeviceArray(np.arange(count, dtype=dtype))

    def resolved(self, array: Any) -> Any:
        """Return the array: only torch is lazy."""
        return array


@contextlib.contextmanager
def device(kernels: Any = None, library: Emulated | None = None) -> Iterator[Any]:
    """Make argand believe that there is a device whose module `_cuda` is `kernels`."""
    kernels = module() if kernels is None else kernels
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(modules._optional_modules, "_cuda", kernels)
        patch.setitem(arrays.LIBRARIES, "emulated", library or Emulated())
        yield kernels


def moved(value: Any) -> Any:
    """Move a numpy array, or the arrays of a NamedTuple, onto the emulated device."""
    if isinstance(value, np.ndarray):
        # numpy hands out no read-only arrays by the DLPack of version 0.
        return DeviceArray(value if value.flags.writeable else value.copy())
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*map(moved, value))
    return value


class Kernels:
    """The functions of the seam on numpy arrays, each call on the emulated device."""

    def __init__(self, last_block_first: bool = False) -> None:
        """Choose the order in which the emulated device runs the blocks of a launch."""
        self.last_block_first = last_block_first

    def __getattr__(self, name: str) -> Any:
        function = getattr(_seam, name)

        def call(*arguments: Any) -> Any:
            with device() as kernels:
                kernels.set_order(self.last_block_first)
                kernels.reset()
                result = function(*map(moved, arguments))
                assert kernels.launches() or not len(arguments[-1]), "no kernel ran"
            return result

        return call
