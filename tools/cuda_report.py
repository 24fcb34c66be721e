"""Say what the CUDA kernels need and what bounds them: ``python tools/cuda_report.py``.

No device is needed, and nothing here has run on one. Registers and spills are those that ptxas
reports, shared memory is what the launches ask for, and occupancy follows from both. The roofline
is the longer of two times: the floating-point operations of the kernel at the device's rate, and
the bytes that it must read and write at the rate of its memory. The operations of the sums are
counted in the machine code, loop by loop; that needs nvdisasm
(``pip install nvidia-cuda-nvdisasm``).
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import argand
from cuda_devices import LIMITS, occupancy
from cuda_kernels import Compiled, compile_all, cubin_path, nvcc_release
from cuda_roofline import line_by_line, roofline
from cuda_workloads import launches
from machine_code import MachineCode, nvdisasm

# The kernel of the sum by precision.
SUMS = {
    "float32": "sum_rows<float, int, ToF<float, float>>",
    "float64": "sum_rows<double, int, ToF<double, double>>",
}
# The kernel of the adjoint by precision.
ADJOINTS = {
    "float32": "gather_atoms<float, int, float>",
    "float64": "gather_atoms<double, int, double>",
}

# The kernels of the transforms, with the type of their numbers left out.
TRANSFORMS = ("to_map", "from_planes", "join_planes")
TYPES = {"float32": "float", "float64": "double"}

# Compute capability of the device whose sums are shown part by part, the H100.
SHOWN = 90

# Threads and shared memory of a kernel that is not launched by the workloads.
DEFAULT_LAUNCH = (256, 0)


def resources(compiled: Sequence[Compiled]) -> list[str]:
    """Format registers, shared memory, spills and occupancy of every kernel."""
    launched = launches()
    lines = [
        "| kernel | sm | registers | shared, bytes | spills, bytes | occupancy |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for kernel in compiled:
        threads, shared = DEFAULT_LAUNCH
        for beginning, launch in launched.items():
            if kernel.kernel.startswith(beginning):
                threads, shared = launch
                break
        share = occupancy(kernel.sm, kernel.registers, threads, shared)
        lines.append(
            f"| `{kernel.kernel}` | {kernel.sm} | {kernel.registers} | {shared} "
            f"| {kernel.spills} | {share:.0%} |"
        )
    return lines


def codes_of(
    source: str, kernels: dict[str, str], architectures: Sequence[int], folder: Path
) -> dict[str, dict[int, MachineCode]]:
    """Disassemble kernels of a source by precision and compute capability.

    The result is empty without nvdisasm.
    """
    codes: dict[str, dict[int, MachineCode]] = {precision: {} for precision in kernels}
    if nvdisasm() is None:
        return codes
    for precision, kernel in kernels.items():
        for sm in architectures:
            cubin = cubin_path(folder, source, sm)
            codes[precision][sm] = MachineCode(cubin, kernel)
    return codes


def print_report(architectures: Sequence[int], folder: Path) -> list[Compiled]:
    """Compile the kernels in a folder, print the tables, and return the kernels."""
    compiled = list(compile_all(architectures, folder))
    print(f"nvcc {nvcc_release()}, argand {argand.__version__}\n")
    codes = codes_of("structure_factors", SUMS, architectures, folder)
    adjoints = codes_of("structure_factors_vjp", ADJOINTS, architectures, folder)
    if nvdisasm() is None:
        least = "operations of the sums are the least that they need"
        print(f"no nvdisasm: {least} (pip install nvidia-cuda-nvdisasm)\n")
    else:
        print("## Instructions\n")
        for precision, of_precision in codes.items():
            if SHOWN in of_precision:
                adjoint = adjoints[precision][SHOWN]
                cubin = cubin_path(folder, "density", SHOWN)
                transforms = []
                for kernel in TRANSFORMS:
                    transforms.append(MachineCode(cubin, f"{kernel}<{TYPES[precision]}>"))
                lines = line_by_line(precision, of_precision[SHOWN], adjoint, transforms)
                print(*lines, "", sep="\n")
    print("## Roofline\n")
    for precision, of_precision in codes.items():
        print(*roofline(precision, of_precision), "", sep="\n")
    print("## Resources\n", *resources(compiled), "", sep="\n")
    return compiled


def main() -> int:
    """Print the report; return 1 where a kernel spills registers."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--architectures",
        nargs="+",
        type=int,
        default=[80, 86, 89, 90],
        choices=LIMITS,
        help="compute capabilities to compile for, 90 for 9.0",
    )
    options = parser.parse_args()
    if shutil.which("nvcc") is None:
        print("no nvcc: the report needs a CUDA toolkit, though no device")
        return 0
    with tempfile.TemporaryDirectory() as name:
        compiled = print_report(options.architectures, Path(name))
    spilling = [kernel.kernel for kernel in compiled if kernel.spills]
    if spilling:
        print(f"{len(spilling)} kernels spill: {', '.join(spilling)}")
        return 1
    print("no kernel spills")
    return 0


if __name__ == "__main__":
    sys.exit(main())
