"""Compile the CUDA kernels and read what ptxas says about them."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]

#: Sources with kernels, without ".cu".
SOURCES = (
    "rows",
    "structure_factors",
    "structure_factors_form_vjp",
    "structure_factors_vjp",
    "density",
)

# Stack frame, spill stores, spill loads and registers of a function in the output of ptxas.
_PTXAS = (
    r"Function properties for (.*)\n\s*(\d+) bytes stack frame, "
    r"(\d+) bytes spill stores, (\d+).*\n.*Used (\d+)"
)

_FLAGS = ("-std=c++20", "-O3", "--expt-relaxed-constexpr", "-Xptxas", "-v", "-cubin")


class Compiled(NamedTuple):
    """A kernel for one compute capability: registers of a thread and bytes of spills."""

    kernel: str
    sm: int
    registers: int
    spills: int


def compile_all(architectures: Sequence[int], folder: Path) -> Iterator[Compiled]:
    """Compile every kernel for every compute capability; machine code is left in the folder."""
    for source in SOURCES:
        for sm in architectures:
            text = plain_names(_compile(source, sm, folder))
            for name, _, stores, loads, registers in re.findall(_PTXAS, text):
                spills = int(stores) + int(loads)
                yield Compiled(short_name(name), sm, int(registers), spills)


def cubin_path(folder: Path, source: str, sm: int) -> Path:
    """Return where the machine code of a source stands in the folder."""
    return folder / f"{source}_{sm}.cubin"


def nvcc_release() -> str:
    """Return the release of nvcc."""
    text = subprocess.run(["nvcc", "--version"], capture_output=True, text=True, check=True).stdout
    return str(re.findall(r"release ([0-9.]+)", text)[0])


def plain_names(text: str) -> str:
    """Replace mangled C++ names in a text by plain ones."""
    process = subprocess.run(["c++filt"], input=text, capture_output=True, text=True, check=True)
    return process.stdout


def short_name(name: str) -> str:
    """Return a name like sum_rows<float, int, ToF<float>> without namespaces and arguments."""
    name = re.sub(r"argand::|cuda::|\(anonymous namespace\)::|^void ", "", name)
    return re.sub(r"\(.*", "", name).replace(" >", ">")


def _compile(source: str, sm: int, folder: Path) -> str:
    """Compile a source and return the output of ptxas."""
    command = ["nvcc", *_FLAGS, f"-arch=sm_{sm}", f"-I{ROOT}/cpp/include", f"-I{ROOT}/cpp/src"]
    command += ["-o", str(cubin_path(folder, source, sm)), str(ROOT / f"cpp/src/{source}.cu")]
    return subprocess.run(command, capture_output=True, text=True, check=True).stderr
