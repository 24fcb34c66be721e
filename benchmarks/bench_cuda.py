"""The CUDA kernels beside what one could take instead, by CUDA events: ``pytest benchmarks/bench_cuda.py -s``.

Answers are compared with the core before anything is timed. Skips with the reason where there is no device.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import argand
import argand.cuda
from argand import _seam
from argand._pack import pack
from workloads import Boxes, Molecule, SmallCrystals

pytestmark = pytest.mark.skipif(
    not argand.cuda.is_available(), reason=f"no CUDA device: {argand.cuda.reason()}"
)

ROUNDS = 30


@pytest.fixture
def torch() -> Any:
    library = pytest.importorskip("torch")
    if not library.cuda.is_available():
        pytest.skip("this torch has no CUDA")
    return library


def milliseconds(torch: Any, runs: dict[str, Callable[[], Any]]) -> dict[str, float]:
    """Medians of device time, contenders in turn."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    for run in runs.values():
        run()  # first calls load and plan
    for _ in range(ROUNDS):
        for name, run in runs.items():
            begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
            begin.record()
            run()
            end.record()
            end.synchronize()
            times[name].append(begin.elapsed_time(end))
    return {name: float(np.median(each)) for name, each in times.items()}


def table(title: str, times: dict[str, float]) -> None:
    ours = times["argand"]
    print(f"\n{title}, {ROUNDS} rounds")
    for name, time in times.items():
        print(f"  {name:<32} {time:10.4f} ms   {time / ours:6.2f} x argand")


def on_device(torch: Any, crystals: list[Any], hkl: Any, dtype: str) -> dict[str, Any]:
    from argand.torch import tensors

    return tensors(crystals, hkl, dtype=getattr(torch, dtype), device="cuda")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("workload", ["W1 x 1,000", "W2 x 1,000"])
def test_sums(torch, workload, dtype):
    from argand.torch import structure_factors

    if workload.startswith("W1"):
        small = SmallCrystals.make(1000)
        crystals, hkl = small.crystals, small.hkl
    else:
        molecule = Molecule.make()
        crystals, hkl = [molecule.crystal] * 1000, molecule.hkl
    fields = on_device(torch, crystals, hkl, dtype)
    batch = pack(crystals[:1], [hkl], dtype=dtype)
    core = np.empty(batch.out_shape, np.result_type(dtype, np.complex64))
    _seam.structure_factors(batch, core)
    error = (
        np.abs(structure_factors(**fields)[0].cpu().numpy() - core[0]).max() / np.abs(core).max()
    )
    assert error < (1e-12 if dtype == "float64" else 3e-6)

    n = len(batch.frac)
    frac, beta = fields["frac"].reshape(1000, n, 3), fields["beta"].reshape(1000, n, 6)
    h = torch.tensor(hkl, device="cuda", dtype=fields["frac"].dtype)
    squares = torch.stack(
        [
            h[:, 0] ** 2,
            h[:, 1] ** 2,
            h[:, 2] ** 2,
            2 * h[:, 0] * h[:, 1],
            2 * h[:, 0] * h[:, 2],
            2 * h[:, 1] * h[:, 2],
        ]
    )
    form = fields["form"].reshape(-1, len(hkl))[fields["scatterer"][:n].long()]

    def dense() -> Any:
        out = []
        for i in range(0, 1000, 50):  # the whole of it would not fit
            phase = 2 * np.pi * (frac[i : i + 50] @ h.T)
            out.append(
                (form * torch.exp(-(beta[i : i + 50] @ squares)) * torch.exp(1j * phase)).sum(1)
            )
        return torch.cat(out)

    table(
        f"{workload} {dtype}",
        milliseconds(torch, {"argand": lambda: structure_factors(**fields), "torch": dense}),
    )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_gradients(torch, dtype):
    from argand.torch import structure_factors

    molecule = Molecule.make()
    fields = on_device(torch, [molecule.crystal] * 1000, molecule.hkl, dtype)
    frac = fields.pop("frac").requires_grad_()

    def both() -> Any:
        return torch.autograd.grad(structure_factors(frac, **fields).abs().square().sum(), frac)

    runs = {"argand": both, "the sum": lambda: structure_factors(frac.detach(), **fields)}
    table(f"W5 x 1,000 {dtype}, beside its sum alone", milliseconds(torch, runs))


@pytest.mark.parametrize("edge", [32, 64])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_maps(torch, edge, dtype):
    from argand._fft import map_by_fft
    from argand.torch import map_from_structure_factors

    boxes = Boxes.make(edge)
    f = torch.tensor(boxes.f, device="cuda").to(
        torch.complex64 if dtype == "float32" else torch.complex128
    )
    rho = map_from_structure_factors(f, boxes.shape, boxes.volume)
    assert boxes.error(rho.cpu().numpy()) < (1e-12 if dtype == "float64" else 3e-6)
    runs: dict[str, Callable[[], Any]] = {
        "argand": lambda: map_from_structure_factors(f, boxes.shape, boxes.volume),
        "torch.fft": lambda: map_by_fft(torch, f, boxes.shape, 1 / boxes.volume),
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
        runs["cupy.fft"] = lambda: map_by_fft(cupy, array, boxes.shape, 1 / boxes.volume)
    table(f"W4 {edge}^3 {dtype}", milliseconds(torch, runs))


def test_one_large_cell_beside_cufinufft(torch):
    """The sum over all atoms beside one non-uniform transform of the ten or so that the same accuracy takes."""
    cufinufft = pytest.importorskip("cufinufft")
    from argand.torch import structure_factors

    rng = np.random.default_rng(10)
    atoms, reach = 5000, 20
    frac = torch.tensor(rng.random((atoms, 3)), device="cuda")
    form = torch.ones(1, (2 * reach + 1) ** 3, device="cuda", dtype=torch.float64)
    scatterer = torch.zeros(atoms, dtype=torch.int32, device="cuda")
    x, y, z = (2 * np.pi * (frac.T - 0.5)).contiguous()
    strength = torch.ones(atoms, device="cuda", dtype=torch.complex128)
    shape = (2 * reach + 1,) * 3
    runs = {
        "argand": lambda: structure_factors(frac, form, box=reach, scatterer=scatterer),
        "cufinufft, one transform": lambda: cufinufft.nufft3d1(
            x, y, z, strength, shape, eps=1e-6, isign=1
        ),
    }
    table(f"{atoms} atoms, {shape} hkl", milliseconds(torch, runs))
