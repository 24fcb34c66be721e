"""How far each kernel is from what the machine could do at best: ``python benchmarks/roofline.py``.

The limit is the longer of two times: the kernel's arithmetic at the rate of a large matrix product, and what it must
read and write at the rate of a large copy. All three are timed in turn, on one core; figures are medians of ratios.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import torch

import argand
import one_core
from argand import _seam
from argand._pack import pack
from peers.boxes import boxes_as
from peers.common import COMPLEX
from peers.limit import FLOPS, product
from rounds import Run, interleaved
from section import Section, main
from workloads import Boxes, Molecule, SmallCrystals

COPIED = 64 * 2**20  # bytes of the array that is copied
SECONDS = 1.0


class Kernel(NamedTuple):
    """`flops` is the least that the kernel's own formula needs, `bytes` what it reads and writes once."""

    name: str
    precision: str
    run: Run
    flops: float
    bytes: float


def kernels() -> Iterator[Kernel]:
    for precision in ("float64", "float32"):
        yield box_sum(precision)
        for anisotropic in (False, True):
            yield row_sum(precision, anisotropic)
        yield adjoint(precision)
        for edge in (32, 64):
            yield from transforms(precision, edge)


def box_sum(precision: str) -> Kernel:
    work = SmallCrystals.make()
    batch = pack(work.crystals, [work.hkl], dtype=precision)
    out = np.empty(batch.out_shape, COMPLEX[precision])
    terms = len(batch.frac) * (len(work.hkl) + 1) / 2  # the other half is conjugate
    return Kernel(
        "sum over a cube, W1",
        precision,
        lambda: _seam.structure_factors(batch, out),
        8 * terms,
        _size(batch, out),
    )


def row_sum(precision: str, anisotropic: bool) -> Kernel:
    work = Molecule.make(anisotropic)
    batch = pack([work.crystal], [work.hkl], dtype=precision)
    out = np.empty(batch.out_shape, COMPLEX[precision])
    name = f"sum along rows, {work.name}"
    return Kernel(
        name, precision, lambda: _seam.structure_factors(batch, out), work.flops, _size(batch, out)
    )


def adjoint(precision: str) -> Kernel:
    work = Molecule.make()
    batch = pack([work.crystal], [work.hkl], dtype=precision)
    g = np.ones(batch.out_shape, COMPLEX[precision])
    by_frac, by_beta = np.empty_like(batch.frac), np.empty_like(batch.beta)
    return Kernel(
        "adjoint by position and displacement, W5",
        precision,
        lambda: _seam.structure_factors_vjp(batch, g, by_frac, by_beta, None),
        2 * work.flops,  # the term again, and its products with 1 and l
        _size(batch, g, by_frac, by_beta),
    )


def transforms(precision: str, edge: int) -> Iterator[Kernel]:
    work = Boxes.make(edge)
    f, rho = boxes_as(work.f, precision), np.zeros((len(work.f), *work.shape), precision)
    flops = len(f) * even_odd_flops(work.reach, edge)
    size = f.nbytes * (work.reach + 1) / (2 * work.reach + 1) + rho.nbytes
    yield Kernel(
        f"cube to map, W4 {edge}^3",
        precision,
        lambda: _seam.map_from_structure_factors(f, rho, 1.0),
        flops,
        size,
    )
    back = np.empty_like(f)
    yield Kernel(
        f"map to cube, {edge}^3",
        precision,
        lambda: _seam.structure_factors_from_map(rho, back, 1.0),
        flops,
        size,
    )


def even_odd_flops(reach: int, edge: int) -> float:
    """Three products with short matrices of cosines and sines, h and -h, x and -x together.

    A point and its mirror cost (reach + 1) + reach multiply-adds and two additions for each real number of a line.
    """
    line = 2 * (reach + 1)  # real numbers of one h, k: half of l
    pair = 2 * (2 * reach + 1) + 2
    along_h = edge / 2 * (2 * reach + 1) * line * pair
    along_k = edge * edge / 2 * line * pair
    along_l = edge * edge * edge / 2 * pair
    return along_h + along_k + along_l


def _size(batch: _seam.Batch, *others: Any) -> float:
    return float(sum(array.nbytes for array in (*batch, *others) if isinstance(array, np.ndarray)))


def measure() -> Section:
    """Every kernel over its limit."""
    one_core.pin()
    torch.set_num_threads(1)
    argand.set_num_threads(1)
    source = np.ones(COPIED // 8)
    target = np.empty_like(source)
    lines = [
        (
            "kernel",
            "",
            "ms",
            "Mflop",
            "MB",
            "Gflop/s",
            "GB/s",
            "limit ms",
            "bound by",
            "x the limit",
        )
    ]
    data = []
    for kernel in kernels():
        runs = {
            "kernel": kernel.run,
            "product": product(kernel.precision),
            "copy": lambda: np.copyto(target, source),
        }
        times = interleaved(runs, seconds=SECONDS)
        arithmetic = times["product"] * kernel.flops / FLOPS
        memory = times["copy"] * kernel.bytes / (2 * COPIED)
        limit = np.maximum(arithmetic, memory)
        seconds = float(np.median(times["kernel"]))
        row = {
            "kernel": kernel.name,
            "precision": kernel.precision,
            "seconds": seconds,
            "flops": kernel.flops,
            "bytes": kernel.bytes,
            "product_flops_a_second": FLOPS / float(np.median(times["product"])),
            "copy_bytes_a_second": 2 * COPIED / float(np.median(times["copy"])),
            "arithmetic_limit": float(np.median(arithmetic)),
            "memory_limit": float(np.median(memory)),
            "times_the_limit": float(np.median(times["kernel"] / limit)),
        }
        data.append(
            {
                key: value if isinstance(value, str) else float(f"{value:.4g}")
                for key, value in row.items()
            }
        )
        lines.append(
            (
                kernel.name,
                kernel.precision,
                f"{1e3 * seconds:.3g}",
                f"{kernel.flops / 1e6:.3g}",
                f"{kernel.bytes / 1e6:.3g}",
                f"{kernel.flops / seconds / 1e9:.3g}",
                f"{kernel.bytes / seconds / 1e9:.3g}",
                f"{1e3 * np.median(limit):.3g}",
                "arithmetic" if row["arithmetic_limit"] > row["memory_limit"] else "memory",
                f"{row['times_the_limit']:.2f}",
            )
        )
    rates = {
        precision: np.median(
            [row["product_flops_a_second"] for row in data if row["precision"] == precision]
        )
        / 1e9
        for precision in ("float64", "float32")
    }
    copy = np.median([row["copy_bytes_a_second"] for row in data]) / 1e9
    return Section(
        "Roofline: each kernel over its limit",
        "python benchmarks/roofline.py",
        [
            "one core, one thread, processor time",
            f"matrix product of edge 1024: {rates['float64']:.0f} Gflop/s, in float32 {rates['float32']:.0f}",
            f"copy of {COPIED // 2**20} MiB: {copy:.1f} GB/s, read and written",
            "the limit is the longer of flops over the first and bytes over the second, timed in turn with the kernel",
        ],
        lines,
        (2, 3, 4, 5, 6, 7, 9),
        data=data,
    )


if __name__ == "__main__":
    main(measure)
