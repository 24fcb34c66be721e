"""Figures of CUDA devices and limits of their multiprocessors."""

from __future__ import annotations

from typing import NamedTuple

#: Registers of a multiprocessor, handed out 256 at a time to a warp.
REGISTERS = 65536
REGISTER_UNIT = 256

#: Threads of a warp.
WARP = 32

#: Warp instructions that a multiprocessor issues in a clock.
ISSUED_A_CLOCK = 4


class Device(NamedTuple):
    """Figures of NVIDIA's data sheets and architecture white papers.

    `single` and `double` are flops a second, `bandwidth` is in bytes a second.
    """

    name: str
    sm: int
    processors: int
    gigahertz: float
    single: float
    double: float
    bandwidth: float

    def flops_a_second(self, precision: str) -> float:
        """Return the peak rate of a precision, "float32" or "float64"."""
        return self.single if precision == "float32" else self.double

    def issue_rate(self) -> float:
        """Return the warp instructions that all multiprocessors issue in a second."""
        return self.processors * ISSUED_A_CLOCK * self.gigahertz * 1e9


DEVICES = (
    Device("A100 SXM 80 GB", 80, 108, 1.41, 19.5e12, 9.7e12, 2.04e12),
    Device("H100 SXM", 90, 132, 1.98, 66.9e12, 33.5e12, 3.35e12),
    Device("RTX 4090", 89, 128, 2.52, 82.6e12, 1.29e12, 1.01e12),
)

#: Limits of a multiprocessor by compute capability: warps, blocks, bytes of shared memory, and how
#: many of these bytes a block takes beside its own (CUDA programming guide, "Technical
#: specifications per compute capability").
LIMITS = {
    75: (32, 16, 64 << 10, 0),
    80: (64, 32, 164 << 10, 1 << 10),
    86: (48, 16, 100 << 10, 1 << 10),
    89: (48, 24, 100 << 10, 1 << 10),
    90: (64, 32, 228 << 10, 1 << 10),
    100: (64, 32, 228 << 10, 1 << 10),
    120: (48, 24, 100 << 10, 1 << 10),
}


def occupancy(sm: int, registers: int, threads: int, shared: int) -> float:
    """Return the resident warps over those that a multiprocessor holds.

    Parameters
    ----------
    sm
        Compute capability, 90 for 9.0.
    registers
        Registers of a thread.
    threads, shared
        Threads of a block, and bytes of its shared memory.
    """
    warps, blocks, memory, reserved = LIMITS[sm]
    warps_of_block = threads // WARP
    units = -(-registers * WARP // REGISTER_UNIT)
    blocks_by_registers = REGISTERS // (units * REGISTER_UNIT * warps_of_block)
    of_block = shared + reserved
    blocks_by_memory = memory // of_block if of_block else blocks
    blocks_by_warps = warps // warps_of_block
    resident = min(blocks_by_registers, blocks_by_memory, blocks, blocks_by_warps)
    return resident * warps_of_block / warps
