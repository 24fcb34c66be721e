"""Time the CUDA kernels on the workloads of the benchmarks, beside what a device can do.

Batches are made as tensors on the device. A CUDA graph of several calls is replayed, so that
neither Python nor launches are timed; answers of the first crystals are compared with the core
first. Each time is printed as JSON as soon as it is known: the median in milliseconds of one call.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, NamedTuple

sys.path.append(str(Path(__file__).parents[1] / "tests"))

import torch

import argand.cuda
from argand import _seam
from argand._fft import map_by_fft
from argand._seam import Batch

# How often a graph is replayed; the median counts.
ROUNDS = 7
# Crystals whose answers are compared with the core.
COMPARED = 3
# The share of free memory that the answers of a batch may take.
SHARE = 0.4
# Largest error of F, as a share of the largest value.
TOLERANCE = {torch.float64: 1e-11, torch.float32: 1e-5}
COMPLEX = {torch.float64: torch.complex128, torch.float32: torch.complex64}
# Crystals that a dense sum in torch does at once: all of them need more memory than a device has.
DENSE = 20

Run = Callable[[], Any]


class Workload(NamedTuple):
    """Sizes of a batch: W1 is many small crystals on a cube, W2 molecules on a half sphere."""

    name: str
    crystals: int
    atoms: int
    kinds: int
    is_box: bool


W1 = Workload("W1", 1_000_000, 4, 1, True)
W2 = Workload("W2", 10_000, 100, 4, False)


class Place:
    """Where tensors are made: on cuda:0, or on the emulated device in small numbers."""

    def __init__(self, emulated: bool) -> None:
        self.emulated = emulated

    def tensor(self, values: Any) -> Any:
        """Move a tensor of the CPU."""
        if self.emulated:
            import emulated_torch

            return emulated_torch.on_device(values)
        return values.to("cuda")

    def device(self) -> AbstractContextManager[Any]:
        """Return a context in which argand finds the device."""
        if self.emulated:
            import emulated_torch

            return emulated_torch.device()
        return nullcontext()

    def crystals(self, wanted: int, bytes_of_crystal: int) -> int:
        """Return as many crystals as are wanted and find room."""
        if self.emulated:
            return COMPARED
        free, _ = torch.cuda.mem_get_info()
        return min(wanted, int(SHARE * free / bytes_of_crystal))


def arguments_of(work: Workload, dtype: torch.dtype, place: Place) -> dict[str, Any]:
    """Draw a batch as arguments of `argand.cuda.structure_factors`."""
    generator = torch.Generator().manual_seed(1)
    hkl = reflections_of(work)
    crystals = place.crystals(work.crystals, len(hkl) * COMPLEX[dtype].itemsize)
    atoms = crystals * work.atoms
    beta = torch.rand(atoms, 6, generator=generator) * torch.tensor([1, 1, 1, 0.2, 0.2, 0.2])
    kinds = torch.arange(work.atoms) * work.kinds // work.atoms
    stol2 = (hkl.double() ** 2).sum(1) * 1e-3
    form = torch.stack([(6 + n) * torch.exp(-stol2) for n in range(work.kinds)])
    arguments = {
        "frac": torch.rand(atoms, 3, generator=generator).to(dtype),
        "form": form.to(dtype),
        "beta": (beta * 3e-3).to(dtype),
        "occ": torch.ones(atoms, dtype=dtype),
        "scatterer": kinds.repeat(crystals).to(torch.int32),
        "atom_ptr": torch.arange(crystals + 1) * work.atoms,
    }
    if not work.is_box:
        arguments["hkl"] = hkl.to(torch.int32)
    moved: dict[str, Any] = {}
    for name, values in arguments.items():
        moved[name] = place.tensor(values.contiguous())
    if work.is_box:
        moved["box"] = 6
    return moved


def reflections_of(work: Workload) -> torch.Tensor:
    """Return hkl (m, 3): the cube -6..6 of W1, or the half box -10..10, -10..10, 0..10 of W2."""
    if work.is_box:
        cube = torch.arange(-6, 7)
        return torch.cartesian_prod(cube, cube, cube)
    side = torch.arange(-10, 11)
    return torch.cartesian_prod(side, side, torch.arange(11))


def report(**facts: Any) -> None:
    """Print facts as one line of JSON."""
    print(json.dumps(facts), flush=True)


def milliseconds(run: Run, calls: int, place: Place) -> float:
    """Return the median time of one call of `run`, over replays of a graph of several calls."""
    if place.emulated:
        begin = time.perf_counter()
        run()
        return 1e3 * (time.perf_counter() - begin)
    # The first call loads kernels and plans transforms, which a capture must not.
    run()
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        for _ in range(calls):
            run()
    times = []
    for _ in range(ROUNDS):
        first, last = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        first.record()
        graph.replay()
        last.record()
        last.synchronize()
        times.append(first.elapsed_time(last) / calls)
    return statistics.median(times)


def expected_f(arguments: dict[str, Any], work: Workload) -> torch.Tensor:
    """Compute F of the first crystals by the core, in double."""
    atoms = COMPARED * work.atoms
    of_cpu: dict[str, Any] = {}
    for name, values in arguments.items():
        if isinstance(values, torch.Tensor):
            plain = values.as_subclass(torch.Tensor).cpu()
            of_cpu[name] = plain.double() if plain.dtype == torch.float32 else plain
    form = of_cpu["form"]
    batch = Batch(
        atom_ptr=of_cpu["atom_ptr"][: COMPARED + 1].contiguous(),
        frac=of_cpu["frac"][:atoms],
        beta=of_cpu["beta"][:atoms],
        occ=of_cpu["occ"][:atoms],
        scatterer=of_cpu["scatterer"][:atoms],
        form=form.reshape(-1),
        form_ptr=torch.arange(len(form) + 1) * form.shape[1],
        hkl=of_cpu.get("hkl"),
        box=(6, 6, 6) if work.is_box else None,
    )
    f = torch.empty(batch.out_shape, dtype=torch.complex128)
    _seam.structure_factors(batch, f)
    return f


def time_sum(work: Workload, dtype: torch.dtype, place: Place, with_gradient: bool) -> bool:
    """Time F of a batch, and with its gradient W5; return whether F is right."""
    arguments = arguments_of(work, dtype, place)
    f = argand.cuda.structure_factors(**arguments)
    computed = f[:COMPARED].as_subclass(torch.Tensor).cpu()
    expected = expected_f(arguments, work).reshape(computed.shape)
    error = float((computed - expected).abs().max() / expected.abs().max())
    crystals = len(arguments["atom_ptr"]) - 1
    calls = 1 if crystals * work.atoms > 2_000_000 else 5
    facts = {"dtype": str(dtype), "crystals": crystals, "error": error}
    run = lambda: argand.cuda.structure_factors(**arguments, out=f)  # noqa: E731
    report(name=work.name, milliseconds=milliseconds(run, calls, place), **facts)
    if with_gradient:
        adjoint = lambda: argand.cuda.structure_factors_vjp(f, **arguments)  # noqa: E731
        report(name="W5 adjoint", milliseconds=milliseconds(adjoint, calls, place), **facts)
    return error < TOLERANCE[dtype]


def time_dense(work: Workload, dtype: torch.dtype, place: Place) -> None:
    """Time a dense sum in torch of a few crystals, scaled to the batch, and a matrix product."""
    if place.emulated:
        return
    arguments = arguments_of(work, dtype, place)
    crystals = len(arguments["atom_ptr"]) - 1
    atoms = DENSE * work.atoms
    hkl = reflections_of(work).to("cuda", dtype)
    h, k, l = hkl.T
    squares = torch.stack([h * h, k * k, l * l, 2 * h * k, 2 * h * l, 2 * k * l])
    frac = arguments["frac"][:atoms].reshape(DENSE, work.atoms, 3)
    beta = arguments["beta"][:atoms].reshape(DENSE, work.atoms, 6)
    form = arguments["form"][arguments["scatterer"][: work.atoms].long()]

    def dense() -> Any:
        phase = 2 * torch.pi * (frac @ hkl.T)
        return (form * torch.exp(-(beta @ squares)) * torch.exp(1j * phase)).sum(1)

    scaled = milliseconds(dense, 5, place) * crystals / DENSE
    report(name=f"{work.name} dense torch", milliseconds=scaled, dtype=str(dtype))
    # A sum over atoms at rest is a product of the factors of (h, k) and of l.
    columns = torch.randn(crystals, 441, work.atoms, dtype=COMPLEX[dtype], device="cuda")
    layers = torch.randn(crystals, work.atoms, 11, dtype=COMPLEX[dtype], device="cuda")
    product = milliseconds(lambda: torch.bmm(columns, layers), 1, place)
    report(name="torch.bmm in place of W2", milliseconds=product, dtype=str(dtype))


def time_maps(edge: int, dtype: torch.dtype, place: Place) -> bool:
    """Time maps of boxes and boxes of maps (W4) beside torch's FFT; return whether they agree."""
    maps = 2 if place.emulated else 64
    f = place.tensor(torch.randn(maps, 13, 13, 13, dtype=COMPLEX[dtype]))
    grid = (edge, edge, edge)
    rho = argand.cuda.map_from_structure_factors(f, grid)
    by_fft = map_by_fft(torch, f.as_subclass(torch.Tensor), grid, 1.0)
    difference = rho.as_subclass(torch.Tensor) - by_fft
    error = float(difference.abs().max() / by_fft.abs().max())
    runs: dict[str, Run] = {
        "to map": lambda: argand.cuda.map_from_structure_factors(f, grid),
        "from map": lambda: argand.cuda.structure_factors_from_map(rho, 6),
        "torch.fft": lambda: map_by_fft(torch, f.as_subclass(torch.Tensor), grid, 1.0),
    }
    for name, run in runs.items():
        time_of_run = milliseconds(run, 20, place)
        report(name=f"W4 {edge}^3 {name}", milliseconds=time_of_run, dtype=str(dtype), error=error)
    return error < TOLERANCE[dtype]


def time_copy(place: Place) -> None:
    """Report the bytes that a copy reads and writes in a second."""
    size = 1 << (20 if place.emulated else 31)
    source = place.tensor(torch.zeros(size, dtype=torch.uint8))
    target = torch.empty_like(source)
    copy = milliseconds(lambda: target.copy_(source), 5, place)
    report(name="copy", gigabytes_a_second=2e-6 * size / copy)


def main() -> int:
    """Time everything; return 1 where an answer is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--emulated", action="store_true", help="small cases, without a device")
    place = Place(parser.parse_args().emulated)
    if not place.emulated:
        report(torch=torch.__version__, device=torch.cuda.get_device_name(0))
    right = True
    with place.device():
        time_copy(place)
        for dtype in (torch.float32, torch.float64):
            for edge in (32, 64):
                right = time_maps(edge, dtype, place) and right
            right = time_sum(W2, dtype, place, with_gradient=True) and right
            right = time_sum(W1, dtype, place, with_gradient=False) and right
            time_dense(W2, dtype, place)
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main())
