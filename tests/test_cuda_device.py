"""The CUDA kernels on a device, against the core: to be run where there is one.

pytest tests/test_cuda_device.py
compute-sanitizer --tool memcheck --error-exitcode 1 python -m pytest tests/test_cuda_device.py
compute-sanitizer --tool racecheck --error-exitcode 1 python -m pytest tests/test_cuda_device.py -k definition
compute-sanitizer --tool initcheck --error-exitcode 1 python -m pytest tests/test_cuda_device.py -k definition
compute-sanitizer --tool synccheck --error-exitcode 1 python -m pytest tests/test_cuda_device.py -k definition
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import argand
import argand.cuda
from argand import _seam
from batches import COMPLEX, as_double, random_batch, truth

pytestmark = pytest.mark.skipif(
    not argand.cuda.is_available(), reason=f"no CUDA device: {argand.cuda.reason()}"
)

SHAPES = ["box", "list", "lists"]


@pytest.fixture
def torch() -> Any:
    library = pytest.importorskip("torch")
    if not library.cuda.is_available():
        pytest.skip("this torch has no CUDA")
    return library


def tensors(torch: Any, batch: Any, device: str = "cuda") -> dict[str, Any]:
    fields = {
        k: torch.tensor(v, device=device)
        for k, v in batch._asdict().items()
        if isinstance(v, np.ndarray)
    }
    return fields if batch.box is None else {**fields, "box": batch.box}


@pytest.mark.parametrize("at_rest", [False, True])
@pytest.mark.parametrize("dispersion", [False, True])
@pytest.mark.parametrize("reflections", SHAPES)
@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-13), ("float32", 2e-6)])
def test_sum_is_the_definition(torch, reflections, dispersion, at_rest, dtype, tolerance):
    from argand.torch import structure_factors

    batch = random_batch(
        np.random.default_rng(1),
        reflections=reflections,
        dispersion=dispersion,
        at_rest=at_rest,
        dtype=dtype,
    )
    expected = truth(as_double(batch))
    f = structure_factors(**tensors(torch, batch)).cpu().numpy()
    assert np.abs(f - expected).max() < tolerance * np.abs(expected).max()


@pytest.mark.parametrize("dispersion", [False, True])
@pytest.mark.parametrize("reflections", SHAPES)
def test_gradients_are_those_of_the_core_by_definition(torch, reflections, dispersion):
    from argand.torch import structure_factors

    batch = random_batch(np.random.default_rng(2), reflections=reflections, dispersion=dispersion)
    results = []
    for device in ("cpu", "cuda"):
        fields = tensors(torch, batch, device)
        leaves = [fields[name].requires_grad_() for name in ("frac", "beta", "occ", "form")]
        loss = structure_factors(**fields).abs().square().sum()
        results.append([g.cpu() for g in torch.autograd.grad(loss, leaves)])
    for ours, core in zip(*results, strict=True):
        torch.testing.assert_close(ours, core, rtol=1e-10, atol=1e-9 * float(core.abs().max()))


@pytest.mark.parametrize("grid", [(12, 10, 15), (17, 20, 33), (3, 4, 2), (128, 128, 128)])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_maps_are_those_of_the_core(torch, grid, dtype):
    from argand.torch import map_from_structure_factors, structure_factors_from_map

    rng = np.random.default_rng(3)
    f = (rng.normal(size=(2, 7, 9, 11)) + 1j * rng.normal(size=(2, 7, 9, 11))).astype(
        COMPLEX[dtype]
    )
    tolerance = {"float64": 1e-12, "float32": 3e-6}[dtype]
    results = []
    for device in ("cpu", "cuda"):
        rho = map_from_structure_factors(torch.tensor(f, device=device), grid, 3.0)
        results.append((rho.cpu(), structure_factors_from_map(rho, (3, 4, 5), 3.0).cpu()))
    for ours, core in zip(results[1], results[0], strict=True):
        assert float((ours - core).abs().max()) < tolerance * float(core.abs().max())


def test_a_mixture_of_devices_is_an_error(torch):
    from argand.torch import structure_factors

    fields = tensors(torch, random_batch(np.random.default_rng(4), reflections="list"))
    fields["hkl"] = fields["hkl"].cpu()
    with pytest.raises(ValueError, match="hkl is on the CPU, needs cuda:0"):
        structure_factors(**fields)


def test_other_streams_and_graphs(torch):
    """On a user's stream, and captured: no allocation, copy or wait that a capture would refuse."""
    from argand.torch import structure_factors

    batch = random_batch(np.random.default_rng(5), reflections="lists")
    fields = tensors(torch, batch)
    expected = structure_factors(**fields)
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        again = structure_factors(**fields)
    torch.cuda.current_stream().wait_stream(stream)
    assert torch.equal(expected, again)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        captured = structure_factors(**fields)
    fields["occ"].mul_(2)
    graph.replay()
    torch.testing.assert_close(captured, 2 * expected)


def test_operators_compile(torch):
    from argand.torch import structure_factors

    fields = tensors(torch, random_batch(np.random.default_rng(6), reflections="box"))

    def loss(occ: Any) -> Any:
        return structure_factors(**{**fields, "occ": occ}).abs().square().sum()

    compiled = torch.compile(loss, fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(compiled(fields["occ"]), loss(fields["occ"]))


def test_every_device_is_right(torch):
    from argand.torch import structure_factors

    batch = random_batch(np.random.default_rng(7), reflections="list")
    expected = truth(batch)
    for index in range(argand.cuda.device_count()):
        f = structure_factors(**tensors(torch, batch, f"cuda:{index}"))
        assert f.device.index == index
        np.testing.assert_allclose(f.cpu().numpy(), expected, rtol=0, atol=1e-11)


@pytest.mark.parametrize("reflections", SHAPES)
@pytest.mark.parametrize("stream", ["default", "user", "per-thread"])
def test_cupy(reflections, stream):
    cupy = pytest.importorskip("cupy")
    batch = random_batch(np.random.default_rng(8), reflections=reflections)
    on = {
        "default": cupy.cuda.Stream.null,
        "user": cupy.cuda.Stream(),
        "per-thread": cupy.cuda.Stream.ptds,
    }[stream]
    with on:
        fields = {
            k: cupy.asarray(v) for k, v in batch._asdict().items() if isinstance(v, np.ndarray)
        }
        if batch.box is not None:
            fields["box"] = batch.box
        f = argand.cuda.structure_factors(**fields)
        g = cupy.ones(f.shape, f.dtype)
        gradients = argand.cuda.structure_factors_vjp(g, **fields)
    on.synchronize()
    np.testing.assert_allclose(cupy.asnumpy(f), truth(batch), rtol=0, atol=1e-11)
    core = [np.empty(x.shape, x.dtype) for x in gradients]
    _seam.structure_factors_vjp(batch, np.ones(batch.out_shape, complex), *core)
    for ours, theirs in zip(gradients, core, strict=True):
        np.testing.assert_allclose(
            cupy.asnumpy(ours), theirs, rtol=0, atol=1e-10 * np.abs(theirs).max()
        )


def test_maps_of_cupy():
    cupy = pytest.importorskip("cupy")
    rng = np.random.default_rng(9)
    f = rng.normal(size=(2, 7, 9, 11)) + 1j * rng.normal(size=(2, 7, 9, 11))
    for grid in ((12, 10, 15), (128, 96, 128)):
        expected = np.empty((2, *grid))
        _seam.map_from_structure_factors(f, expected, 1 / 3)
        rho = argand.cuda.map_from_structure_factors(cupy.asarray(f), grid, 3.0)
        np.testing.assert_allclose(
            cupy.asnumpy(rho), expected, rtol=0, atol=1e-12 * np.abs(expected).max()
        )
