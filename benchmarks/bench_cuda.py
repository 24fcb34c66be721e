"""Benchmark the CUDA kernels by CUDA events: ``pytest benchmarks/bench_cuda.py -s``.

Answers are compared with the core before anything is timed. Every benchmark is skipped, with the
reason, where there is no device.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import argand
import argand.cuda
from core_calls import core_sum, maps_by_fft_call
from precisions import torch_complex, torch_real
from workloads import Boxes, Molecule, SmallCrystals
from workloads.common import relative_error, six_products

pytestmark = pytest.mark.skipif(
    not argand.cuda.is_available(), reason=f"no CUDA device: {argand.cuda.reason()}"
)

ROUNDS = 30
# Crystals in a batch.
CRYSTALS = 1000
# Crystals that a dense sum in torch does at once: all of them need more memory than a card has.
DENSE_CRYSTALS = 50
# Largest error of an answer, as a share of the largest value.
TOLERANCE = {"float64": 1e-12, "float32": 3e-6}

Runs = dict[str, Callable[[], Any]]


@pytest.fixture
def torch() -> Any:
    """Import torch; skip where it has no CUDA."""
    library = pytest.importorskip("torch")
    if not library.cuda.is_available():
        pytest.skip("this torch has no CUDA")
    return library


def milliseconds(torch: Any, runs: Runs) -> dict[str, float]:
    """Return the median device time of each contender, all timed in turn."""
    times: dict[str, list[float]] = {}
    for name, run in runs.items():
        # The first call loads kernels and plans transforms.
        run()
        times[name] = []
    for _ in range(ROUNDS):
        for name, run in runs.items():
            begin = torch.cuda.Event(enable_timing=True)
            end = torch.cuda.Event(enable_timing=True)
            begin.record()
            run()
            end.record()
            end.synchronize()
            times[name].append(begin.elapsed_time(end))
    return {name: float(np.median(values)) for name, values in times.items()}


def print_times(torch: Any, title: str, runs: Runs) -> None:
    """Time contenders and print them with their ratio to argand."""
    times = milliseconds(torch, runs)
    print(f"\n{title}, {ROUNDS} rounds")
    for name, time in times.items():
        print(f"  {name:<32} {time:10.4f} ms   {time / times['argand']:6.2f} x argand")


def tensors_on_device(crystals: list[Any], hkl: Any, precision: str) -> dict[str, Any]:
    """Return the arguments of the torch operator on the device."""
    from argand.torch import tensors

    return tensors(crystals, hkl, dtype=torch_real(precision), device="cuda")


def dense_sum(torch: Any, fields: dict[str, Any], hkl: Any) -> Callable[[], Any]:
    """Prepare a dense sum in torch: an exponential of every atom and reflection."""
    atoms = len(fields["frac"]) // CRYSTALS
    frac = fields["frac"].reshape(CRYSTALS, atoms, 3)
    beta = fields["beta"].reshape(CRYSTALS, atoms, 6)
    scatterer = fields["scatterer"][:atoms].long()
    form_of_types = fields["form"].reshape(-1, len(hkl))
    form = form_of_types[scatterer]
    indices = torch.tensor(hkl, device="cuda", dtype=frac.dtype)
    squares = torch.stack(six_products(*indices.T))

    def run() -> Any:
        parts = []
        for first in range(0, CRYSTALS, DENSE_CRYSTALS):
            part = slice(first, first + DENSE_CRYSTALS)
            phase = 2 * np.pi * (frac[part] @ indices.T)
            damping = torch.exp(-(beta[part] @ squares))
            terms = form * damping * torch.exp(1j * phase)
            parts.append(terms.sum(1))
        return torch.cat(parts)

    return run


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("workload", ["W1 x 1,000", "W2 x 1,000"])
def test_sums(torch: Any, workload: str, dtype: str) -> None:
    """Time structure factors of a batch beside a dense sum in torch."""
    from argand.torch import structure_factors

    if workload.startswith("W1"):
        small = SmallCrystals.make(CRYSTALS)
        crystals, hkl = small.crystals, small.hkl
    else:
        molecule = Molecule.make()
        crystals, hkl = [molecule.crystal] * CRYSTALS, molecule.hkl
    fields = tensors_on_device(crystals, hkl, dtype)
    expected = core_sum(crystals[:1], hkl, dtype)()[0]
    answer = structure_factors(**fields)[0].cpu().numpy()
    assert relative_error(answer, expected) < TOLERANCE[dtype]
    runs = {
        "argand": lambda: structure_factors(**fields),
        "torch": dense_sum(torch, fields, hkl),
    }
    print_times(torch, f"{workload} {dtype}", runs)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_gradients(torch: Any, dtype: str) -> None:
    """Time the gradient by positions beside the sum alone."""
    from argand.torch import structure_factors

    molecule = Molecule.make()
    fields = tensors_on_device([molecule.crystal] * CRYSTALS, molecule.hkl, dtype)
    frac = fields.pop("frac").requires_grad_()

    def sum_and_gradient() -> Any:
        loss = structure_factors(frac, **fields).abs().square().sum()
        return torch.autograd.grad(loss, frac)

    runs = {
        "argand": sum_and_gradient,
        "the sum": lambda: structure_factors(frac.detach(), **fields),
    }
    print_times(torch, f"W5 x 1,000 {dtype}, beside its sum alone", runs)


@pytest.mark.parametrize("edge", [32, 64])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_maps(torch: Any, edge: int, dtype: str) -> None:
    """Time maps of boxes beside the FFTs of torch and CuPy."""
    from argand.torch import map_from_structure_factors

    boxes = Boxes.make(edge)
    f = torch.tensor(boxes.f, device="cuda", dtype=torch_complex(dtype))
    rho = map_from_structure_factors(f, boxes.shape, boxes.volume)
    assert boxes.error(rho.cpu().numpy()) < TOLERANCE[dtype]
    runs: Runs = {
        "argand": lambda: map_from_structure_factors(f, boxes.shape, boxes.volume),
        "torch.fft": maps_by_fft_call(torch, f, boxes.shape, boxes.volume),
    }
    try:
        import cupy
    except ImportError:
        pass
    else:
        array = cupy.from_dlpack(f)
        runs["argand, CuPy arrays"] = lambda: argand.cuda.map_from_structure_factors(
            array, boxes.shape, boxes.volume
        )
        runs["cupy.fft"] = maps_by_fft_call(cupy, array, boxes.shape, boxes.volume)
    print_times(torch, f"W4 {edge}^3 {dtype}", runs)


def test_one_large_cell_beside_cufinufft(torch: Any) -> None:
    """Time the sum over all atoms beside one of about ten non-uniform FFTs that replace it."""
    cufinufft = pytest.importorskip("cufinufft")
    from argand.torch import structure_factors

    rng = np.random.default_rng(10)
    atoms, reach = 5000, 20
    shape = (2 * reach + 1,) * 3
    frac = torch.tensor(rng.random((atoms, 3)), device="cuda")
    reflections = int(np.prod(shape))
    form = torch.ones(1, reflections, device="cuda", dtype=torch.float64)
    scatterer = torch.zeros(atoms, dtype=torch.int32, device="cuda")
    angles = 2 * np.pi * (frac.T - 0.5)
    x, y, z = angles.contiguous()
    strength = torch.ones(atoms, device="cuda", dtype=torch.complex128)

    def one_transform() -> Any:
        return cufinufft.nufft3d1(x, y, z, strength, shape, eps=1e-6, isign=1)

    runs = {
        "argand": lambda: structure_factors(frac, form, box=reach, scatterer=scatterer),
        "cufinufft, one transform": one_transform,
    }
    print_times(torch, f"{atoms} atoms, {shape} hkl", runs)
