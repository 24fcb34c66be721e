"""The benchmarks' workloads as CUDA kernels see them: rows of reflections, launches."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

sys.path.append(str(Path(__file__).parents[1] / "benchmarks"))
sys.path.append(str(Path(__file__).parents[1] / "tests"))

import emulated
from core_calls import (
    adjoint_call,
    boxes_to_maps_call,
    empty_output,
    maps_to_boxes_call,
    packed,
    sum_call,
)
from workloads import Boxes, Molecule, Protein

__all__ = ["BatchShape", "Molecule", "Protein", "Row", "launches", "rows_of", "rows_of_half_box"]

#: Most reflections of a row, row_length of cpp/src/cuda/rows.cuh.
ROW = 16

#: h, k, l of the first reflection, step of l, and number of reflections.
Row = tuple[int, int, int, int, int]

# Reflections of the small batch that is launched on the emulated device.
_FEW = 200


class BatchShape(NamedTuple):
    """A batch as the sum sees it.

    `atoms`, `rows` and `written` are the atoms, rows of reflections and stored reflections of each
    crystal; `kinds` is the number of atom types. `is_box` tells that a box is summed as a whole.
    """

    crystals: int
    atoms: int
    kinds: int
    rows: list[Row]
    written: int
    is_box: bool = False


def rows_of(hkl: NDArray[np.int32]) -> list[Row]:
    """List the rows of reflections hkl (m, 3) as cpp/src/rows.cu finds them.

    Rows with rising l come first.
    """
    step = np.diff(hkl, axis=0)
    breaks = (step != [0, 0, 1]).any(axis=1)
    begins = np.append(True, breaks)
    begins |= hkl[:, 2] % ROW == 0
    bounds = [*np.flatnonzero(begins).tolist(), len(hkl)]
    rising: list[Row] = []
    falling: list[Row] = []
    for start, end in itertools.pairwise(bounds):
        length = end - start
        if hkl[start, 2] >= 0:
            h, k, l = hkl[start].tolist()
            rising.append((h, k, l, 1, length))
        else:
            h, k, l = hkl[end - 1].tolist()
            falling.append((h, k, l, -1, length))
    return rising + falling


def rows_of_half_box(reach: int) -> list[Row]:
    """List the rows of the half h >= 0 of the cube -reach..reach, which is what is summed."""
    starts = []
    for l in range(0, reach + 1, ROW):
        starts.append((l, 1, min(ROW, reach + 1 - l)))
    for l in range(0, reach, ROW):
        starts.append((-1 - l, -1, min(ROW, reach - l)))
    rows: list[Row] = []
    for h in range(reach + 1):
        for l, step, length in starts:
            for k in range(-reach, reach + 1):
                rows.append((h, k, l, step, length))
    return rows


def launches() -> dict[str, tuple[int, int]]:
    """Return threads and bytes of shared memory of a block by the beginning of a kernel's name.

    They are read from launches on the emulated device for small cases of the workloads.
    """
    blocks: dict[str, tuple[int, int]] = {}
    for precision, real in (("float32", "float"), ("float64", "double")):
        for names, call in _calls(precision):
            with emulated.device() as kernels:
                kernels.reset()
                call()
                for kernel, launch in zip(names, kernels.launches(), strict=False):
                    *_, threads, shared = launch
                    name = kernel if kernel == "find" else f"{kernel}<{real}"
                    blocks[name] = (threads, shared)
    return blocks


def _calls(precision: str) -> list[tuple[tuple[str, ...], Callable[[], Any]]]:
    """Prepare calls on the emulated device, each with the names of the kernels that it launches."""
    work = Molecule.make()
    boxes = Boxes.make(32, boxes=1)
    batch = packed([work.crystal], work.hkl[:_FEW], precision)
    device_batch = emulated.moved(batch)
    f = emulated.moved(np.zeros_like(empty_output(batch, precision)))
    atoms = len(work.types)
    by_frac = emulated.moved(np.zeros((atoms, 3), precision))
    by_beta = emulated.moved(np.zeros((atoms, 6), precision))
    by_occ = emulated.moved(np.zeros(atoms, precision))
    complex_type = np.result_type(precision, np.complex64)
    box = emulated.moved(boxes.f.astype(complex_type))
    rho = emulated.moved(np.zeros((1, *boxes.shape), precision))
    return [
        (("find", "sum_rows"), sum_call(device_batch, f)),
        (
            ("find", "gather_atoms", "join_splits"),
            adjoint_call(device_batch, f, by_frac, by_beta, by_occ),
        ),
        (("to_map",), boxes_to_maps_call(box, rho, 1.0)),
        (("from_planes", "join_planes"), maps_to_boxes_call(rho, box)),
    ]
