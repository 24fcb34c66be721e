"""What the CUDA kernels need and what bounds them, without a device: ``python benchmarks/cuda_report.py``.

Registers and spills are ptxas's, shared memory is what the launches ask for, occupancy follows from both. The roofline
is the longer of two times: the floating-point operations of the kernel at the device's rate, and the bytes that it
must read and write at the rate of its memory. For the sums, operations are counted in the machine code, loop by loop;
that needs nvdisasm (``pip install nvidia-cuda-nvdisasm``). Nothing here has run on a device.
"""

from __future__ import annotations

import argparse
import collections
import re
import shutil
import site
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "benchmarks"), str(ROOT / "tests")]

import argand  # noqa: E402
import emulated  # noqa: E402
from argand import _seam  # noqa: E402
from argand._pack import pack  # noqa: E402
from workloads import Boxes, Molecule, Protein  # noqa: E402

SOURCES = ("rows", "structure_factors", "structure_factors_vjp", "density")
ROW = 16  # reflections of a row at most, row_length of cpp/src/cuda/rows.cuh
PART = 4  # a walk ends after a whole number of these


class Device(NamedTuple):
    """Figures of NVIDIA's data sheets and architecture white papers."""

    name: str
    sm: int
    processors: int
    gigahertz: float
    single: float  # flops a second
    double: float
    bandwidth: float  # bytes a second


DEVICES = (
    Device("A100 SXM 80 GB", 80, 108, 1.41, 19.5e12, 9.7e12, 2.04e12),
    Device("H100 SXM", 90, 132, 1.98, 66.9e12, 33.5e12, 3.35e12),
    Device("RTX 4090", 89, 128, 2.52, 82.6e12, 1.29e12, 1.01e12),
)
# Of a multiprocessor: warps, blocks, bytes of shared memory, of which each block takes some more (CUDA programming
# guide, "Technical specifications per compute capability"). Registers: 65536, handed out 256 at a time to a warp.
LIMITS = {
    75: (32, 16, 64 << 10, 0),
    80: (64, 32, 164 << 10, 1 << 10),
    86: (48, 16, 100 << 10, 1 << 10),
    89: (48, 24, 100 << 10, 1 << 10),
    90: (64, 32, 228 << 10, 1 << 10),
    100: (64, 32, 228 << 10, 1 << 10),
    120: (48, 24, 100 << 10, 1 << 10),
}


class Compiled(NamedTuple):
    kernel: str
    sm: int
    registers: int
    spills: int
    stack: int


def compile_all(architectures: list[int], folder: Path) -> Iterator[Compiled]:
    """Every kernel for every architecture, with what ptxas says; the machine code is left in the folder."""
    for source in SOURCES:
        for sm in architectures:
            command = [
                "nvcc",
                "-std=c++20",
                f"-arch=sm_{sm}",
                "-O3",
                "--expt-relaxed-constexpr",
                "-Xptxas",
                "-v",
            ]
            command += [f"-I{ROOT}/cpp/include", f"-I{ROOT}/cpp/src", "-cubin"]
            command += [
                "-o",
                str(folder / f"{source}_{sm}.cubin"),
                str(ROOT / f"cpp/src/{source}.cu"),
            ]
            said = subprocess.run(command, capture_output=True, text=True, check=True).stderr
            said = subprocess.run(
                ["c++filt"], input=said, capture_output=True, text=True, check=True
            ).stdout
            pattern = (
                r"Function properties for (.*)\n\s*(\d+) bytes stack frame, "
                r"(\d+) bytes spill stores, (\d+).*\n.*Used (\d+)"
            )
            for name, stack, stores, loads, registers in re.findall(pattern, said):
                yield Compiled(
                    short(name), sm, int(registers), int(stores) + int(loads), int(stack)
                )


def short(name: str) -> str:
    """sum_rows<float, int, ToF<float> >(...) without namespaces and arguments."""
    name = re.sub(r"argand::|cuda::|\(anonymous namespace\)::|^void ", "", name)
    return re.sub(r"\(.*", "", name).replace(" >", ">")


def occupancy(compiled: Compiled, threads: int, shared: int) -> float:
    """Resident warps over those that a multiprocessor holds."""
    warps, blocks, memory, reserved = LIMITS[compiled.sm]
    of_block = threads // 32
    by_registers = 65536 // (-(-compiled.registers * 32 // 256) * 256 * of_block)
    by_memory = memory // (shared + reserved) if shared + reserved else blocks
    return min(by_registers, by_memory, blocks, warps // of_block) * of_block / warps


class Launched(NamedTuple):
    threads: int
    shared: int


def launches() -> dict[str, Launched]:
    """Threads and shared memory of each kernel, as it is launched for a small case of the workloads."""
    result: dict[str, Launched] = {}
    work, boxes = Molecule.make(), Boxes.make(32, boxes=1)
    for dtype, name in (("float32", "float"), ("float64", "double")):
        batch = pack([work.crystal], [work.hkl[:200]], dtype=dtype)
        complex_ = np.result_type(dtype, np.complex64)
        f, rho = boxes.f.astype(complex_), np.zeros((1, *boxes.shape), dtype)
        out = np.zeros(batch.out_shape, complex_)
        gradients = [np.zeros((100, *rest), dtype) for rest in ((3,), (6,), ())]
        there, to, by = (
            emulated.moved(batch),
            emulated.moved(out),
            [emulated.moved(g) for g in gradients],
        )
        box, map_ = emulated.moved(f), emulated.moved(rho)
        calls: list[tuple[tuple[str, ...], Any, tuple[Any, ...]]] = [
            (("find", "sum_rows"), _seam.structure_factors, (there, to)),
            (
                ("find", "gather_atoms", "join_splits"),
                _seam.structure_factors_vjp,
                (there, to, *by),
            ),
            (("to_map",), _seam.map_from_structure_factors, (box, map_, 1.0)),
            (("from_planes", "join_planes"), _seam.structure_factors_from_map, (map_, box, 1.0)),
        ]
        with emulated.device() as kernels:
            for names, function, arguments in calls:
                kernels.reset()
                function(*arguments)
                for kernel, (*_, threads, shared) in zip(names, kernels.launches(), strict=False):
                    result[f"{kernel}<{name}" if kernel != "find" else "find"] = Launched(
                        threads, shared
                    )
    return result


def resources(compiled: list[Compiled]) -> list[str]:
    known = launches()
    lines = [
        "| kernel | sm | registers | shared, bytes | spills, bytes | occupancy |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for one in compiled:
        launched = next(
            (value for key, value in known.items() if one.kernel.startswith(key)), Launched(256, 0)
        )
        part = occupancy(one, *launched)
        lines.append(
            f"| `{one.kernel}` | {one.sm} | {one.registers} | {launched.shared} | {one.spills} | {part:.0%} |"
        )
    return lines


# ---- machine code ---------------------------------------------------------------------------------------------------


class Count(NamedTuple):
    """Instructions of one warp: all, and the floating-point operations of a thread in them."""

    issued: float = 0
    flops: float = 0

    def __add__(self, other: Any) -> Count:
        return Count(self.issued + other.issued, self.flops + other.flops)

    def __sub__(self, other: Count) -> Count:
        return Count(self.issued - other.issued, self.flops - other.flops)

    def times(self, n: float) -> Count:
        return Count(self.issued * n, self.flops * n)


_FLOPS = {"FFMA": 2, "DFMA": 2, "FMUL": 1, "DMUL": 1, "FADD": 1, "DADD": 1, "MUFU": 1}


class Code:
    """The instructions of one kernel, its loops and barriers."""

    def __init__(self, cubin: Path, kernel: str) -> None:
        text = subprocess.run(
            [nvdisasm() or "nvdisasm", "-c", str(cubin)], capture_output=True, text=True, check=True
        )
        mangled = {
            f".text.{name}:": name for name in re.findall(r"^\.text\.(\S+):", text.stdout, re.M)
        }
        plain = subprocess.run(
            ["c++filt"],
            input="\n".join(mangled.values()),
            capture_output=True,
            text=True,
            check=True,
        )
        by_name = dict(zip(map(short, plain.stdout.splitlines()), mangled, strict=True))
        body = text.stdout.split(f"\n{by_name[kernel]}", 1)[1].split("\n.text.", 1)[0]
        self.operations: list[str] = []
        labels: dict[str, int] = {}
        branches: list[tuple[int, str]] = []
        for line in body.splitlines():
            if label := re.match(r"(\.L_x_\d+):", line):
                labels[label[1]] = len(self.operations)
            if found := re.match(r"\s*/\*[0-9a-f]{4,}\*/\s+(?:@!?U?P\w+\s+)?([\w.]+)(.*);", line):
                if (
                    target := re.search(r"`\((\.L_x_\d+)\)", found[2])
                    if found[1].startswith("BRA")
                    else None
                ):
                    branches.append((len(self.operations), target[1]))
                self.operations.append(found[1])
        self.skips = [(at + 1, labels[to]) for at, to in branches if labels[to] > at]
        self.loops = sorted((labels[to], at + 1) for at, to in branches if labels[to] < at)
        self.barriers = [i for i, name in enumerate(self.operations) if name.startswith("BAR")]

    def count(self, begin: int, end: int) -> Count:
        names = collections.Counter(name.split(".")[0] for name in self.operations[begin:end])
        return Count(end - begin, sum(_FLOPS.get(name, 0) * n for name, n in names.items()))

    def inner(self, begin: int, end: int) -> tuple[int, int]:
        """The first loop within a stretch that has no loop in it."""
        inside = [loop for loop in self.loops if begin <= loop[0] and loop[1] <= end]
        return next(
            a for a in inside if not any(a != b and a[0] <= b[0] and b[1] <= a[1] for b in inside)
        )

    def rare(self, begin: int, end: int) -> Count:
        """Of a loop: the branch with the most arithmetic, short of those that are nearly all of it."""
        whole = self.count(begin, end).flops
        inside = [self.count(a, b) for a, b in self.skips if begin <= a and b <= end]
        return max(
            (count for count in inside if count.flops < 0.93 * whole), key=lambda count: count.flops
        )


def nvdisasm() -> str | None:
    found = shutil.which("nvdisasm")
    for folder in (*site.getsitepackages(), site.getusersitepackages()):
        found = found or next(
            (str(path) for path in Path(folder).glob("nvidia/*/bin/nvdisasm")), None
        )
    return found


class Shape(NamedTuple):
    """A batch as the sum sees it."""

    crystals: int
    atoms: int  # of a crystal
    kinds: int
    rows: list[tuple[int, ...]]  # of a crystal: h, k, l, step, length
    written: int  # reflections of a crystal


def lines_of_sum(code: Code, shape: Shape, most_atoms: int) -> dict[str, Count]:
    """What the warps of the whole batch execute for the sum, part by part.

    A row that follows from the one beside it spares the loop over rows its costliest branch; all other branches are
    counted as if every thread took them.
    """
    per_tile = 4 if shape.atoms <= 4 else 8 if shape.atoms <= 8 else most_atoms
    atom_tiles = -(-shape.atoms // per_tile)
    lengths = [row[4] for row in shape.rows]
    row_tiles = -(-len(lengths) // 64)
    rows_walked = sum(  # warps take as long as their longest row
        min(-(-max(lengths[i : i + 32]) // PART) * PART, ROW) for i in range(0, len(lengths), 32)
    )
    warps = -(-len(lengths) // 32)
    sums = atom_tiles + shape.kinds - 1  # how often a sum meets form factors
    first, sorted_, tables, starts = code.barriers[:4]
    tile = next(
        loop
        for loop in code.loops
        if loop[0] <= first
        and loop[1] > code.inner(starts, len(code.operations))[1]
        and loop[1] < code.barriers[4]
    )  # over the tiles of atoms
    walk = code.inner(starts, tile[1])
    join = min(
        (a for a in code.loops if a[0] <= walk[0] and a[1] >= walk[1] and a != walk),
        key=lambda a: a[1] - a[0],
    )
    row = code.inner(tables, starts)
    rank, stored = code.inner(first, sorted_), (code.barriers[4], code.barriers[5])
    blocks = row_tiles * 2  # warps of tiles
    longest = code.count(*walk)
    parts = {
        "walks along rows": longest.times(shape.atoms * rows_walked / ROW),
        "A and g of rows": (
            code.count(*row) - code.rare(*row).times(1 - fresh(shape.rows, per_tile))
        ).times(row_tiles * 64 * atom_tiles * per_tile / 32),
        "times form factors": (code.count(*join) - longest).times(sums * warps),
        # the first warp of a block sorts the atoms; then each warp makes one of the two tables
        "tables of atoms": (
            code.count(tile[0], first).times(2)
            + code.count(first, tables)
            - code.count(*rank)
            + code.count(*rank).times(min(per_tile, shape.atoms))
        ).times(atom_tiles * row_tiles),
        "rows, output": (code.count(0, tile[0]) + code.count(*stored).times(ROW / 4)).times(blocks),
    }
    return {name: count.times(shape.crystals) for name, count in parts.items()}


def fresh(rows: list[tuple[int, ...]], strip: int) -> float:
    """The share of rows whose A does not follow from a row beside them in their strip."""
    count = 0
    for i, (h, k, l, step, _) in enumerate(rows):
        before = rows[i - 1]
        count += i % strip == 0 or (h, k - 1, l, step) != before[:4]
    return count / len(rows)


def rows_of(hkl: Any) -> list[tuple[int, ...]]:
    """The rows of a list, as cpp/src/rows.cu finds them: those with rising l first."""
    step = np.diff(hkl, axis=0)
    begins = np.concatenate([[True], (step != [0, 0, 1]).any(axis=1)]) | (hkl[:, 2] % ROW == 0)
    at = np.flatnonzero(begins)
    lengths = np.diff(np.append(at, len(hkl)))
    rising = [
        (*map(int, hkl[i]), 1, int(n)) for i, n in zip(at, lengths, strict=True) if hkl[i, 2] >= 0
    ]
    falling = [
        (*map(int, hkl[i + n - 1]), -1, int(n))
        for i, n in zip(at, lengths, strict=True)
        if hkl[i, 2] < 0
    ]
    return rising + falling


def rows_of_half_box(reach: int) -> list[tuple[int, ...]]:
    """Those of the half of a cube that is summed."""
    starts = [(l, 1, min(ROW, reach + 1 - l)) for l in range(0, reach + 1, ROW)]
    starts += [(-1 - l, -1, min(ROW, reach - l)) for l in range(0, reach, ROW)]
    orders = range(-reach, reach + 1)
    return [
        (h, k, l, step, length)
        for h in range(reach + 1)
        for l, step, length in starts
        for k in orders
    ]


# ---- roofline -------------------------------------------------------------------------------------------------------


class Job(NamedTuple):
    name: str
    least: float  # flops that the formula needs
    flops: float  # those that the kernel executes
    bytes: float  # read and written
    issued: float | None  # instructions of all warps


def seconds(device: Device, precision: str, flops: float, size: float) -> tuple[float, str]:
    arithmetic = flops / (device.single if precision == "float32" else device.double)
    memory = size / device.bandwidth
    return (arithmetic, "arithmetic") if arithmetic > memory else (memory, "memory")


def batch_bytes(crystals: int, atoms: int, reflections: int, kinds: int, real: int) -> float:
    return (
        crystals * (atoms * (10 * real + 4) + reflections * 2 * real) + kinds * reflections * real
    )


def sum_job(name: str, code: Code | None, shape: Shape, real: int, terms: float) -> Job:
    size = batch_bytes(shape.crystals, shape.atoms, shape.written, shape.kinds, real)
    if code is None:
        return Job(name, 8 * terms, 8 * terms, size, None)
    total = sum(lines_of_sum(code, shape, 64 // real).values(), Count())
    return Job(name, 8 * terms, total.flops * 32, size, total.issued)


def jobs(precision: str, code: Code | None) -> Iterator[Job]:
    real = 4 if precision == "float32" else 8
    half = rows_of_half_box(6)
    for name, crystals in (("W1, 200 crystals", 200), ("W1, 1e6 crystals", 10**6)):
        yield sum_job(name, code, Shape(crystals, 4, 1, half, 2197), real, crystals * 4 * 1099)
    molecule = Molecule.make()
    rows = rows_of(molecule.hkl)
    for name, crystals in (("W2, one", 1), ("W2, batch of 10,000", 10_000)):
        yield sum_job(
            name, code, Shape(crystals, 100, 4, rows, 4851), real, crystals * 100 * 4851.0
        )
    protein = Protein.make(2.0)
    yield sum_job(
        "W3 2.0 A, direct",
        code,
        Shape(1, 20_000, 4, rows_of(protein.hkl), len(protein.hkl)),
        real,
        20_000.0 * len(protein.hkl),
    )
    for edge in (32, 64):
        h, half_l, points = 13, 7, edge**3
        flops = 64 * (edge * h * half_l * h * 10 + edge**2 * half_l * h * 8 + points * half_l * 2)
        least = 64 * (edge * h * half_l * h * 8 + edge**2 * half_l * h * 8 + points * half_l * 2)
        yield Job(f"W4 {edge}^3, 64 maps", least, flops, 64.0 * real * (2 * 13**3 + points), None)
    forward = sum_job("", code, Shape(10_000, 100, 4, rows, 4851), real, 10_000 * 100 * 4851.0)
    # backward, a step: A g (2), A Z (6), f g (2), times it (6), five sums (8); a row: as forward, and its moments
    steps = 10_000 * 100 * sum(-(-row[4] // PART) * PART for row in rows)
    backward = 24.0 * steps + 10_000 * 100 * len(rows) * 80.0
    size = forward.bytes + 10_000 * (4851 * 2 + 1000) * real
    yield Job(
        "W5, batch of 10,000", 24 * 10_000 * 100 * 4851.0, forward.flops + backward, size, None
    )


def roofline(precision: str, code: dict[int, Code | None]) -> list[str]:
    lines = [
        f"### {precision}",
        "",
        "| workload | device | least Mflop | Mflop | MB | limit, ms | roofline, ms | bound by | x limit | issue, ms |",
        "|---|---|--:|--:|--:|--:|--:|---|--:|--:|",
    ]
    for device in DEVICES:
        for job in jobs(precision, code.get(device.sm)):
            least, _ = seconds(device, precision, job.least, 0)
            time, by = seconds(device, precision, job.flops, job.bytes)
            rate = device.processors * 4 * device.gigahertz * 1e9
            issue = f"{1e3 * job.issued / rate:.3g}" if job.issued else ""
            lines.append(
                f"| {job.name} | {device.name} | {job.least / 1e6:.3g} | {job.flops / 1e6:.3g} | {job.bytes / 1e6:.3g} "
                f"| {1e3 * least:.3g} | {1e3 * time:.3g} | {by} | {time / least:.2f} | {issue} |"
            )
    return lines


def line_by_line(precision: str, code: Code) -> list[str]:
    """W2 in a batch of 10,000 on an H100."""
    device = DEVICES[1]
    rate = device.single if precision == "float32" else device.double
    crystals, atoms = 10_000, 100
    shape = Shape(crystals, atoms, 4, rows_of(Molecule.make().hkl), 4851)
    least = 8.0 * crystals * atoms * 4851
    lines = [
        f"### {precision}: W2 in a batch of 10,000 on an {device.name}",
        "",
        "| part | Gflop | ms at the peak rate | x limit | instructions a term | ms at 4 warp instructions a clock |",
        "|---|--:|--:|--:|--:|--:|",
        f"| the limit: 8 flops a term | {least / 1e9:.3g} | {1e3 * least / rate:.3g} | 1 | | |",
    ]
    parts = lines_of_sum(code, shape, 16 if precision == "float32" else 8)
    parts["all"] = sum(parts.values(), Count())
    for name, count in parts.items():
        flops = count.flops * 32
        issue = count.issued / (device.processors * 4 * device.gigahertz * 1e9)
        lines.append(
            f"| {name} | {flops / 1e9:.3g} | {1e3 * flops / rate:.3g} | {flops / least:.2f} "
            f"| {count.issued * 32 / (crystals * atoms * 4851):.2f} | {1e3 * issue:.3g} |"
        )
    size = batch_bytes(crystals, atoms, 4851, 4, 4 if precision == "float32" else 8)
    lines.append(f"| memory: {size / 1e6:.0f} MB | | {1e3 * size / device.bandwidth:.3g} | | | |")
    return lines


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--architectures", nargs="+", type=int, default=[80, 86, 89, 90], choices=LIMITS
    )
    architectures = parser.parse_args().architectures
    if shutil.which("nvcc") is None:
        print("no nvcc: the report needs a CUDA toolkit, though no device")
        return 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        compiled = list(compile_all(architectures, folder))
        nvcc = subprocess.run(
            ["nvcc", "--version"], capture_output=True, text=True, check=True
        ).stdout
        print(f"nvcc {re.findall(r'release ([0-9.]+)', nvcc)[0]}, argand {argand.__version__}\n")
        print("## Resources\n", *resources(compiled), "", sep="\n")
        codes: dict[str, dict[int, Code | None]] = {"float32": {}, "float64": {}}
        if nvdisasm() is None:
            print(
                "no nvdisasm: operations of the sums are the least that they need (pip install nvidia-cuda-nvdisasm)\n"
            )
        else:
            for precision, kernel in (("float32", "float"), ("float64", "double")):
                for sm in architectures:
                    cubin = folder / f"structure_factors_{sm}.cubin"
                    codes[precision][sm] = Code(cubin, f"sum_rows<{kernel}, int, ToF<{kernel}>>")
            print("## Line by line\n")
            for precision, code in codes.items():
                if (of_h100 := code.get(90)) is not None:
                    print(*line_by_line(precision, of_h100), "", sep="\n")
        print("## Roofline\n")
        for precision, code in codes.items():
            print(*roofline(precision, code), "", sep="\n")
    spills = [one for one in compiled if one.spills]
    print(
        "no kernel spills"
        if not spills
        else f"{len(spills)} kernels spill: {', '.join(one.kernel for one in spills)}"
    )
    return 1 if spills else 0


if __name__ == "__main__":
    sys.exit(main())
