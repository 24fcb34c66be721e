"""The CUDA kernels without a device: compiled as C++ through tests/emulation, behind the same seam as on a device.

`device()` makes argand believe that there is one. Arrays of it are `DeviceArray`: numpy arrays that know nothing but
their shape, their type and DLPack. What the emulated device checks is said in tests/emulation/cuda_emulation.hpp.

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
    *(ROOT / "cpp/bindings" / n for n in ("cuda_module.cpp", "dlpack.cpp")),
)
FOLDERS = ("cpp/include", "cpp/src", "tests/emulation")


def _flags() -> list[str]:
    import pybind11

    includes = [str(ROOT / folder) for folder in FOLDERS]
    includes += [sysconfig.get_paths()["include"], pybind11.get_include()]
    texts = {
        "VERSION": argand.__version__,
        "CUDA_COMPILER": "emulation",
        "CUDA_ARCHITECTURES": "none",
    }
    flags = [
        "-std=c++20",
        "-O1",
        "-fPIC",
        "-fvisibility=hidden",
        "-Wall",
        "-Wextra",
        "-Werror",
        "-Wno-psabi",
    ]
    flags += [
        "-Wno-unknown-pragmas",
        "-Wno-clobbered",
        f"-DARGAND_MODULE={NAME}",
        "-DARGAND_EMULATION",
    ]
    flags += [f'-DARGAND_{key}="{text}"' for key, text in texts.items()] + [
        f"-I{folder}" for folder in includes
    ]
    sanitizers = os.environ.get("ARGAND_EMULATION_SANITIZE")
    return (
        [*flags, f"-fsanitize={sanitizers}", "-g1", "-fno-omit-frame-pointer"]
        if sanitizers
        else flags
    )


@lru_cache
def module() -> ModuleType:
    """The kernels as a Python module; built once for each state of the sources, and kept in the temporary folder."""
    compiler = os.environ.get("CXX") or shutil.which("g++")
    if compiler is None:
        pytest.skip("no g++ to compile the emulated kernels with")
    pytest.importorskip("pybind11", reason="the emulated kernels need pybind11")
    flags = _flags()
    state = hashlib.sha256(" ".join([sys.version, compiler, *flags]).encode())
    for folder in ("cpp", "tests/emulation"):
        for path in sorted((ROOT / folder).rglob("*.*")):
            state.update(path.read_bytes())
    folder = Path(tempfile.gettempdir()) / f"argand-emulation-{state.hexdigest()[:16]}"
    library = folder / f"{NAME}{sysconfig.get_config_var('EXT_SUFFIX')}"
    if not library.exists():
        with tempfile.TemporaryDirectory() as scratch:

            def compile_one(source: Path) -> str:
                target = f"{scratch}/{source.name}.o"
                subprocess.run(
                    [compiler, "-x", "c++", *flags, "-c", str(source), "-o", target], check=True
                )
                return target

            with ThreadPoolExecutor(os.cpu_count()) as pool:
                objects = list(pool.map(compile_one, SOURCES))
            folder.mkdir(exist_ok=True)
            linked = f"{scratch}/{library.name}"
            subprocess.run(
                [
                    compiler,
                    "-shared",
                    *[f for f in flags if "sanitize" in f],
                    *objects,
                    "-o",
                    linked,
                ],
                check=True,
            )
            shutil.move(linked, library)
    spec = importlib.util.spec_from_file_location(NAME, library)
    assert spec is not None
    assert spec.loader is not None
    built = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(built)
    return built


class DeviceArray:
    """An array that says it lies on a CUDA device."""

    def __init__(self, numbers: Any, index: int = 0) -> None:
        self.numbers = np.asarray(numbers)
        self.index = index
        self.streams: list[int | None] = []  # those that its numbers were asked for on

    shape = property(lambda self: self.numbers.shape)
    dtype = property(lambda self: self.numbers.dtype)
    device = property(lambda self: contextlib.nullcontext())

    def __len__(self) -> int:
        return len(self.numbers)

    def __dlpack_device__(self) -> tuple[int, int]:
        return 2, self.index

    def __dlpack__(self, *, stream: int | None = None) -> Any:
        self.streams.append(stream)
        return self.numbers.__dlpack__()

    def reshape(self, *shape: Any) -> DeviceArray:
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
    """The library of `DeviceArray`."""

    current_stream = 0

    def stream(self, device: ArrayDevice) -> int:
        return self.current_stream

    def empty(self, shape: tuple[int, ...], dtype: str, device: ArrayDevice) -> DeviceArray:
        return poisoned(shape, dtype)

    def arange(self, count: int, dtype: str, device: ArrayDevice) -> DeviceArray:
        return DeviceArray(np.arange(count, dtype=dtype))


@contextlib.contextmanager
def device(kernels: Any = None, library: Emulated | None = None) -> Iterator[Any]:
    """argand with a device: `kernels` in place of its module _cuda."""
    kernels = module() if kernels is None else kernels
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(modules._optional_modules, "_cuda", kernels)
        patch.setitem(arrays.LIBRARIES, "emulated", library or Emulated())
        yield kernels


def moved(value: Any) -> Any:
    """A numpy array, or those of a tuple, onto the device."""
    if isinstance(value, np.ndarray):
        return DeviceArray(
            value if value.flags.writeable else value.copy()
        )  # DLPack knew no read-only arrays
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*map(moved, value))
    return value


class Kernels:
    """The functions of the seam on numpy arrays, each call on the emulated device."""

    def __init__(self, last_block_first: bool = False) -> None:
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
