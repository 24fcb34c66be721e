"""Count instructions and floating-point operations in the machine code of a CUDA kernel."""

from __future__ import annotations

import collections
import operator
import re
import shutil
import site
import subprocess
from pathlib import Path
from typing import NamedTuple

from cuda_kernels import plain_names, short_name

# Floating-point operations of an instruction.
_FLOPS = {"FFMA": 2, "DFMA": 2, "FMUL": 1, "DMUL": 1, "FADD": 1, "DADD": 1, "MUFU": 1}

# Loads from and stores to shared and global memory.
_MEMORY = ("LDS", "STS", "LDG", "STG")

_LABEL = re.compile(r"(\.L_x_\d+):")
_INSTRUCTION = re.compile(r"\s*/\*[0-9a-f]{4,}\*/\s+(?:@!?U?P\w+\s+)?([\w.]+)(.*);")
_TARGET = re.compile(r"`\((\.L_x_\d+)\)")

#: First instruction of a stretch, and the one after its last.
Stretch = tuple[int, int]


class InstructionCount(NamedTuple):
    """Instructions of one warp, and the floating-point operations of a thread in them.

    `arithmetic` are those on floating-point numbers, `memory` loads and stores; the others are
    integers, comparisons, moves and branches.
    """

    issued: float = 0
    flops: float = 0
    arithmetic: float = 0
    memory: float = 0

    def plus(self, other: InstructionCount) -> InstructionCount:
        """Add another count."""
        return InstructionCount(*map(operator.add, self, other))

    def minus(self, other: InstructionCount) -> InstructionCount:
        """Subtract another count."""
        return InstructionCount(*map(operator.sub, self, other))

    def times(self, n: float) -> InstructionCount:
        """Multiply all numbers."""
        return InstructionCount(*(n * number for number in self))


class MachineCode:
    """The instructions of one kernel, its loops, branches and barriers.

    Parameters
    ----------
    cubin
        Machine code that nvcc wrote.
    kernel
        Short name of the kernel.
    """

    def __init__(self, cubin: Path, kernel: str) -> None:
        self.operations: list[str] = []
        labels: dict[str, int] = {}
        branches: list[tuple[int, str]] = []
        for line in _body(cubin, kernel).splitlines():
            if label := _LABEL.match(line):
                labels[label[1]] = len(self.operations)
            instruction = _INSTRUCTION.match(line)
            if instruction is None:
                continue
            name, operands = instruction.groups()
            target = _TARGET.search(operands)
            if name.startswith("BRA") and target:
                branches.append((len(self.operations), target[1]))
            self.operations.append(name)
        self.skips: list[Stretch] = []
        self.loops: list[Stretch] = []
        for position, label_name in branches:
            target_position = labels[label_name]
            if target_position > position:
                self.skips.append((position + 1, target_position))
            if target_position < position:
                self.loops.append((target_position, position + 1))
        self.loops.sort()
        self.barriers = []
        for position, name in enumerate(self.operations):
            if name.startswith("BAR"):
                self.barriers.append(position)

    def count(self, begin: int, end: int) -> InstructionCount:
        """Count the instructions of a stretch."""
        names = collections.Counter(name.split(".")[0] for name in self.operations[begin:end])
        flops = sum(_FLOPS.get(name, 0) * n for name, n in names.items())
        arithmetic = sum(n for name, n in names.items() if name in _FLOPS)
        memory = sum(names[name] for name in _MEMORY)
        return InstructionCount(end - begin, flops, arithmetic, memory)

    def number_of(self, stretch: Stretch, name: str) -> int:
        """Return how many instructions of a stretch begin with a name."""
        return sum(operation.startswith(name) for operation in self.operations[slice(*stretch)])

    def innermost_loops(self) -> list[Stretch]:
        """Return the loops that have no loop in them."""
        innermost = []
        for loop in self.loops:
            if not any(other != loop and contains(loop, other) for other in self.loops):
                innermost.append(loop)
        return innermost

    def inner_loop(self, begin: int, end: int) -> Stretch:
        """Return the first loop within a stretch that has no loop in it."""
        inside = [loop for loop in self.loops if contains((begin, end), loop)]
        for loop in inside:
            if not any(other != loop and contains(loop, other) for other in inside):
                return loop
        raise ValueError(f"no loop between instructions {begin} and {end}")

    def enclosing_loop(self, inner: Stretch) -> Stretch:
        """Return the shortest loop around another loop."""
        outer = [loop for loop in self.loops if loop != inner and contains(loop, inner)]
        return min(outer, key=lambda loop: loop[1] - loop[0])


def contains(outer: Stretch, inner: Stretch) -> bool:
    """Say whether a stretch lies within another."""
    return outer[0] <= inner[0] and inner[1] <= outer[1]


def nvdisasm() -> str | None:
    """Return the path of nvdisasm, from PATH or from its Python package."""
    path = shutil.which("nvdisasm")
    for folder in (*site.getsitepackages(), site.getusersitepackages()):
        if path is None:
            path = next(map(str, Path(folder).glob("nvidia/*/bin/nvdisasm")), None)
    return path


def _body(cubin: Path, kernel: str) -> str:
    """Return the disassembled instructions of a kernel."""
    command = [nvdisasm() or "nvdisasm", "-c", str(cubin)]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    mangled = re.findall(r"^\.text\.(\S+):", text, re.MULTILINE)
    plain = plain_names("\n".join(mangled)).splitlines()
    by_name = dict(zip(map(short_name, plain), mangled, strict=True))
    after = text.split(f"\n.text.{by_name[kernel]}:", 1)[1]
    return after.split("\n.text.", 1)[0]
