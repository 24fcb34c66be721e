"""The CUDA kernels on a device, against the core: to be run where there is one.

pytest tests/test_cuda_device.py
compute-sanitizer --tool memcheck --error-exitcode 1 python -m pytest tests/test_cuda_device.py

The tools racecheck, initcheck and synccheck take long: give them `-k definition`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import argand
import argand.cuda
from argand import _seam
from batches import (
    COMPLEX,
    as_double,
    assert_close,
    random_batch,
    random_complex,
    truth,
    worst_error,
)

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


def arguments_of(batch: _seam.Batch, convert: Any) -> dict[str, Any]:
    """Return the arguments of structure_factors() for a batch of numpy arrays, each converted."""
    arguments: dict[str, Any] = {}
    for name, value in batch._asdict().items():
        if isinstance(value, np.ndarray):
            arguments[name] = convert(value)
    if batch.box is not None:
        arguments["box"] = batch.box
    return arguments


def tensors(torch: Any, batch: _seam.Batch, device: str = "cuda") -> dict[str, Any]:
    return arguments_of(batch, lambda array: torch.tensor(array, device=device))


@pytest.mark.parametrize("at_rest", [False, True])
@pytest.mark.parametrize("dispersion", [False, True])
@pytest.mark.parametrize("reflections", SHAPES)
@pytest.mark.parametrize(
    ("dtype", "tolerance"),
    [("float64", 1e-13), ("float32", 2e-6)],
)
def test_sum_is_the_definition(torch, reflections, dispersion, at_rest, dtype, tolerance):
    from argand.torch import structure_factors

    batch = random_batch(
        np.random.default_rng(1),
        reflections=reflections,
        dispersion=dispersion,
        at_rest=at_rest,
        dtype=dtype,
    )
    f = structure_factors(**tensors(torch, batch)).cpu().numpy()
    assert worst_error(f, truth(as_double(batch))) < tolerance


@pytest.mark.parametrize("dispersion", [False, True])
@pytest.mark.parametrize("reflections", SHAPES)
def test_gradients_are_those_of_the_core_by_definition(torch, reflections, dispersion):
    from argand.torch import structure_factors

    batch = random_batch(np.random.default_rng(2), reflections=reflections, dispersion=dispersion)
    gradients_by_device = []
    for device in ("cpu", "cuda"):
        arguments = tensors(torch, batch, device)
        leaves = []
        for name in ("frac", "beta", "occ", "form"):
            leaves.append(arguments[name].requires_grad_())
        loss = structure_factors(**arguments).abs().square().sum()
        gradients = torch.autograd.grad(loss, leaves)
        gradients_by_device.append([gradient.cpu() for gradient in gradients])
    for expected, gradient in zip(*gradients_by_device, strict=True):
        tolerance = 1e-9 * float(expected.abs().max())
        torch.testing.assert_close(gradient, expected, rtol=1e-10, atol=tolerance)


@pytest.mark.parametrize(
    "grid",
    [(12, 10, 15), (17, 20, 33), (3, 4, 2), (128, 128, 128)],
)
@pytest.mark.parametrize(
    ("dtype", "tolerance"),
    [("float64", 1e-12), ("float32", 3e-6)],
)
def test_maps_are_those_of_the_core(torch, grid, dtype, tolerance):
    from argand.torch import map_from_structure_factors, structure_factors_from_map

    f = random_complex(np.random.default_rng(3), (2, 7, 9, 11)).astype(COMPLEX[dtype])
    results = []
    for device in ("cpu", "cuda"):
        rho = map_from_structure_factors(torch.tensor(f, device=device), grid, 3.0)
        back = structure_factors_from_map(rho, (3, 4, 5), 3.0)
        results.append((rho.cpu(), back.cpu()))
    for expected, computed in zip(*results, strict=True):
        error = float((computed - expected).abs().max())
        assert error < tolerance * float(expected.abs().max())


def test_large_boxes_go_to_the_fft(torch):
    from argand.torch import map_from_structure_factors, structure_factors_from_map

    f = random_complex(np.random.default_rng(10), (2, 41, 41, 41))
    results = []
    for device in ("cpu", "cuda"):
        rho = map_from_structure_factors(torch.tensor(f, device=device), (41, 41, 41), 3.0)
        back = structure_factors_from_map(rho, 20, 3.0)
        results.append((rho.cpu(), back.cpu()))
    for expected, computed in zip(*results, strict=True):
        assert float((computed - expected).abs().max()) < 1e-12 * float(expected.abs().max())


def test_an_empty_list(torch):
    """torch gives address 0 for tensors without elements."""
    from argand.torch import structure_factors

    frac = torch.rand(3, 3, device="cuda", requires_grad=True)
    hkl = torch.zeros(0, 3, dtype=torch.int32, device="cuda")
    f = structure_factors(frac, torch.zeros(3, 0, device="cuda"), hkl)
    assert f.shape == (0,)
    (gradient,) = torch.autograd.grad(f.abs().square().sum(), frac)
    assert (gradient == 0).all()


def test_lazy_tensors(torch):
    f = torch.tensor(random_complex(np.random.default_rng(11), (1, 5, 5, 5)), device="cuda")
    expected = argand.cuda.map_from_structure_factors(f.conj().resolve_conj(), (12, 12, 12))
    rho = argand.cuda.map_from_structure_factors(f.conj(), (12, 12, 12))
    assert torch.equal(rho, expected)


def test_a_mixture_of_devices_is_an_error(torch):
    from argand.torch import structure_factors

    arguments = tensors(torch, random_batch(np.random.default_rng(4), reflections="list"))
    arguments["hkl"] = arguments["hkl"].cpu()
    with pytest.raises(ValueError, match="hkl is on the CPU, needs cuda:0"):
        structure_factors(**arguments)


def test_other_streams_and_graphs(torch):
    """A call runs on a user's stream; a capture meets no allocation, copy or wait to refuse."""
    from argand.torch import structure_factors

    batch = random_batch(np.random.default_rng(5), reflections="lists")
    arguments = tensors(torch, batch)
    expected = structure_factors(**arguments)
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        on_stream = structure_factors(**arguments)
    torch.cuda.current_stream().wait_stream(stream)
    assert torch.equal(expected, on_stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        captured = structure_factors(**arguments)
    arguments["occ"].mul_(2)
    graph.replay()
    torch.testing.assert_close(captured, 2 * expected)


def test_defaults_in_a_graph(torch):
    """A capture takes one crystal without pointers: they are made on the device."""
    from argand.torch import structure_factors

    frac = torch.rand(3, 3, device="cuda")
    form = torch.ones(3, 125, device="cuda")
    expected = structure_factors(frac, form, box=2)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        captured = structure_factors(frac, form, box=2)
    graph.replay()
    torch.testing.assert_close(captured, expected)


def test_operators_compile(torch):
    from argand.torch import structure_factors

    arguments = tensors(torch, random_batch(np.random.default_rng(6), reflections="box"))

    def loss(occ: Any) -> Any:
        f = structure_factors(**{**arguments, "occ": occ})
        return f.abs().square().sum()

    occ = arguments["occ"]
    compiled = torch.compile(loss, fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(compiled(occ), loss(occ))


def test_every_device_is_right(torch):
    from argand.torch import structure_factors

    batch = random_batch(np.random.default_rng(7), reflections="list")
    expected = truth(batch)
    for index in range(argand.cuda.device_count()):
        f = structure_factors(**tensors(torch, batch, f"cuda:{index}"))
        assert f.device.index == index
        assert_close(f.cpu().numpy(), expected, 1e-11)


@pytest.mark.parametrize("reflections", SHAPES)
@pytest.mark.parametrize("stream", ["default", "user", "per-thread"])
def test_cupy(reflections, stream):
    cupy = pytest.importorskip("cupy")
    batch = random_batch(np.random.default_rng(8), reflections=reflections)
    streams = {
        "default": cupy.cuda.Stream.null,
        "user": cupy.cuda.Stream(),
        "per-thread": cupy.cuda.Stream.ptds,
    }
    with streams[stream]:
        arguments = arguments_of(batch, cupy.asarray)
        f = argand.cuda.structure_factors(**arguments)
        g = cupy.ones(f.shape, f.dtype)
        gradients = argand.cuda.structure_factors_vjp(g, **arguments)
    streams[stream].synchronize()
    assert_close(cupy.asnumpy(f), truth(batch), 1e-11)
    from_core = [np.empty(gradient.shape, gradient.dtype) for gradient in gradients]
    _seam.structure_factors_vjp(batch, np.ones(batch.out_shape, complex), *from_core)
    for gradient, expected in zip(gradients, from_core, strict=True):
        tolerance = 1e-10 * np.abs(expected).max()
        assert_close(cupy.asnumpy(gradient), expected, tolerance)


def test_maps_of_cupy():
    cupy = pytest.importorskip("cupy")
    rng = np.random.default_rng(9)
    for sides, grid in (((7, 9, 11), (12, 10, 15)), ((41, 41, 41), (41, 41, 41))):
        f = random_complex(rng, (2, *sides))
        expected = np.empty((2, *grid))
        _seam.map_from_structure_factors(f, expected, 1 / 3)
        rho = argand.cuda.map_from_structure_factors(cupy.asarray(f), grid, 3.0)
        tolerance = 1e-12 * np.abs(expected).max()
        assert_close(cupy.asnumpy(rho), expected, tolerance)
