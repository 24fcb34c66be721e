"""Compare the kernels' operations and bytes with the rates of CUDA devices."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from cuda_costs import PART, parts_of_adjoint, parts_of_sum, total
from cuda_devices import DEVICES, WARP, Device
from cuda_transform_costs import parts_of_adjoint_map, parts_of_map
from cuda_workloads import BatchShape, Molecule, Protein, rows_of, rows_of_half_box
from machine_code import InstructionCount, MachineCode

# The sum needs a complex multiply-add for each atom and reflection; its gradient three.
FLOPS_A_TERM = 8
FLOPS_A_GRADIENT_TERM = 24

# Flops of the adjoint for a step along a row: A g (2), A Z (6), f g (2), times it (6), and five
# sums (8); and for a row: those of the sum, and the moments.
FLOPS_A_STEP = 24.0
FLOPS_A_ROW = 80.0

# Crystals of the large batches.
CRYSTALS = 10_000

# Maps of W4, and the largest order of their boxes.
MAPS = 64
REACH = 6

# Reflections with h >= 0 of the cube -6..6 that are summed, and all that are stored.
HALF_CUBE = 1099
CUBE = 2197

#: Machine code of the sum by compute capability.
Codes = Mapping[int, MachineCode]


class Job(NamedTuple):
    """A workload: flops of the formula and of the kernel, bytes moved, instructions of all warps.

    `issued` is None where the instructions have not been counted.
    """

    name: str
    least_flops: float
    flops: float
    size: float
    issued: float | None = None


def roofline(precision: str, codes: Codes) -> list[str]:
    """Format the roofline of every workload on every device.

    Parameters
    ----------
    precision
        "float32" or "float64".
    codes
        Machine code of the sum; where it is missing, the least flops are taken.
    """
    lines = [
        f"### {precision}",
        "",
        (
            "| workload | device | least Mflop | Mflop | MB | limit, ms | roofline, ms | bound by"
            " | x limit | issue, ms |"
        ),
        "|---|---|--:|--:|--:|--:|--:|---|--:|--:|",
    ]
    for device in DEVICES:
        for job in jobs(precision, codes.get(device.sm)):
            lines.append(_roofline_line(device, precision, job))
    return lines


def line_by_line(
    precision: str, code: MachineCode, adjoint: MachineCode, transforms: Sequence[MachineCode]
) -> list[str]:
    """Format the instructions of W1, W2, the adjoint of W5 and W4 part by part, on an H100.

    Parameters
    ----------
    precision
        "float32" or "float64".
    code, adjoint
        Machine code of `sum_rows` and `gather_atoms`.
    transforms
        Machine code of `to_map`, `from_planes` and `join_planes`.
    """
    small = BatchShape(10**6, 4, 1, rows_of_half_box(6), CUBE, is_box=True)
    molecules = _molecules(CRYSTALS)
    of_molecules = float(CRYSTALS) * molecules.atoms * molecules.written
    real = bytes_of(precision)
    lines = _workload(
        f"{precision}: W1, 1e6 crystals",
        precision,
        parts_of_sum(code, small, precision),
        float(small.crystals) * small.atoms * HALF_CUBE,
        batch_bytes(small, real),
    )
    lines += _workload(
        f"{precision}: W2, 10,000 crystals",
        precision,
        parts_of_sum(code, molecules, precision),
        of_molecules,
        batch_bytes(molecules, real),
    )
    lines += _workload(
        f"{precision}: adjoint of W5, 10,000 crystals",
        precision,
        parts_of_adjoint(adjoint, molecules),
        of_molecules,
        batch_bytes(molecules, real),
    )
    to_map, from_planes, join_planes = transforms
    for edge in (32, 64):
        job = map_job(edge, precision)
        points = float(MAPS * edge**3)
        for name, parts in (
            ("W4", parts_of_map(to_map, edge, REACH)),
            ("adjoint of W4", parts_of_adjoint_map(from_planes, join_planes, edge, REACH)),
        ):
            of_all = {part: count.times(MAPS * edge) for part, count in parts.items()}
            title = f"{precision}: {name}, {MAPS} maps of {edge}^3"
            least = job.least_flops
            lines += _workload(title, precision, of_all, points, job.size, "point", least)
    return lines


def _workload(
    title: str,
    precision: str,
    parts: dict[str, InstructionCount],
    terms: float,
    size: float,
    unit: str = "term",
    least: float | None = None,
) -> list[str]:
    """Format the parts of a workload of so many terms or points that moves `size` bytes."""
    device = DEVICES[1]
    rate = device.flops_a_second(precision)
    limit = "the least flops"
    if least is None:
        least = FLOPS_A_TERM * terms
        limit = f"the limit: {FLOPS_A_TERM} flops a term"
    lines = [
        f"#### {title}, on an {device.name}",
        "",
        (
            f"| part | instructions a {unit} | arithmetic | loads, stores | others"
            " | ms at 4 warp instructions a clock | Gflop | ms at the peak rate | x limit |"
        ),
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|",
        f"| {limit} | | | | | | {least / 1e9:.3g} | {1e3 * least / rate:.3g} | 1 |",
    ]
    parts["all"] = total(parts.values())
    for part, count in parts.items():
        flops = count.flops * WARP
        issue = count.issued / device.issue_rate()
        others = count.issued - count.arithmetic - count.memory
        groups = (count.issued, count.arithmetic, count.memory, others)
        columns = " | ".join(f"{group * WARP / terms:.2f}" for group in groups)
        lines.append(
            f"| {part} | {columns} | {1e3 * issue:.3g} "
            f"| {flops / 1e9:.3g} | {1e3 * flops / rate:.3g} | {flops / least:.2f} |"
        )
    milliseconds = 1e3 * size / device.bandwidth
    lines.append(f"| memory: {size / 1e6:.0f} MB | | | | | | | {milliseconds:.3g} | |")
    return [*lines, ""]


def jobs(precision: str, code: MachineCode | None) -> Iterator[Job]:
    """List the workloads with their flops and bytes."""
    half = rows_of_half_box(6)
    for name, crystals in (("W1, 200 crystals", 200), ("W1, 1e6 crystals", 10**6)):
        shape = BatchShape(crystals, 4, 1, half, CUBE, is_box=True)
        yield sum_job(name, code, shape, precision, crystals * 4 * HALF_CUBE)
    for name, crystals in (("W2, one", 1), ("W2, batch of 10,000", CRYSTALS)):
        yield _molecule_job(name, code, crystals, precision)
    protein = Protein.make(2.0)
    atoms, reflections = len(protein.types), len(protein.hkl)
    shape = BatchShape(1, atoms, 4, rows_of(protein.hkl), reflections)
    yield sum_job("W3 2.0 A, direct", code, shape, precision, float(atoms) * reflections)
    for edge in (32, 64):
        yield map_job(edge, precision)
    yield gradient_job(code, precision)


def sum_job(
    name: str, code: MachineCode | None, shape: BatchShape, precision: str, terms: float
) -> Job:
    """Describe a sum of so many terms."""
    size = batch_bytes(shape, bytes_of(precision))
    least = FLOPS_A_TERM * terms
    if code is None:
        return Job(name, least, least, size)
    count = total(parts_of_sum(code, shape, precision).values())
    return Job(name, least, count.flops * WARP, size, count.issued)


def map_job(edge: int, precision: str) -> Job:
    """Describe the transforms of boxes -6..6 to maps of edge^3 points."""
    half = REACH + 1
    along_h = edge * half * (2 * REACH + 1) * (2 * REACH + 1)
    # Orders k and -k, lines y and -y, points z and -z share their sums.
    along_k = edge * (edge // 2 + 1) * REACH * half
    along_l = edge**3 * half
    flops = MAPS * (10 * along_h + 8 * along_k + 2 * along_l)
    least = MAPS * (8 * along_h + 8 * along_k + 2 * along_l)
    size = float(MAPS) * bytes_of(precision) * (2 * (2 * REACH + 1) ** 3 + edge**3)
    return Job(f"W4 {edge}^3, {MAPS} maps", least, flops, size)


def gradient_job(code: MachineCode | None, precision: str) -> Job:
    """Describe the value and gradient of a batch of molecules."""
    forward = _molecule_job("", code, CRYSTALS, precision)
    shape = _molecules(CRYSTALS)
    terms = CRYSTALS * shape.atoms * float(shape.written)
    steps_of_crystal = sum(-(-row[4] // PART) * PART for row in shape.rows)
    steps = CRYSTALS * shape.atoms * steps_of_crystal
    rows = CRYSTALS * shape.atoms * len(shape.rows)
    backward = FLOPS_A_STEP * steps + FLOPS_A_ROW * rows
    # The adjoint reads dL/dF, and writes ten numbers for each atom.
    numbers = shape.written * 2 + 10 * shape.atoms
    size = forward.size + CRYSTALS * numbers * bytes_of(precision)
    least = FLOPS_A_GRADIENT_TERM * terms
    return Job("W5, batch of 10,000", least, forward.flops + backward, size)


def batch_bytes(shape: BatchShape, real: int) -> float:
    """Return the bytes that the sum reads and writes; `real` is those of a number."""
    atoms = shape.atoms * (10 * real + 4)
    reflections = shape.written * 2 * real
    form_factors = shape.kinds * shape.written * real
    return float(shape.crystals * (atoms + reflections) + form_factors)


def bytes_of(precision: str) -> int:
    """Return the bytes of a real number."""
    return 4 if precision == "float32" else 8


def _molecules(crystals: int) -> BatchShape:
    """Return a batch of molecules of W2."""
    work = Molecule.make()
    return BatchShape(crystals, len(work.types), len(work.kinds), rows_of(work.hkl), len(work.hkl))


def _molecule_job(name: str, code: MachineCode | None, crystals: int, precision: str) -> Job:
    """Describe the sum of a batch of molecules."""
    shape = _molecules(crystals)
    terms = crystals * shape.atoms * float(shape.written)
    return sum_job(name, code, shape, precision, terms)


def _roofline_line(device: Device, precision: str, job: Job) -> str:
    """Format a workload on a device."""
    rate = device.flops_a_second(precision)
    limit = job.least_flops / rate
    arithmetic = job.flops / rate
    memory = job.size / device.bandwidth
    seconds = max(arithmetic, memory)
    bound = "arithmetic" if arithmetic > memory else "memory"
    issue = f"{1e3 * job.issued / device.issue_rate():.3g}" if job.issued else ""
    return (
        f"| {job.name} | {device.name} | {job.least_flops / 1e6:.3g} | {job.flops / 1e6:.3g} "
        f"| {job.size / 1e6:.3g} | {1e3 * limit:.3g} | {1e3 * seconds:.3g} | {bound} "
        f"| {seconds / limit:.2f} | {issue} |"
    )
