"""argand.cuda without a device: what it says of devices; its functions on the emulated one."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import argand
import argand.cuda
import emulated
import oracles
from argand import _seam
from argand._fft import box_by_fft, map_by_fft
from argand._form_gradient import form_gradient
from batches import COMPLEX, assert_close, random_batch, random_complex, truth, worst_error
from emulated import DeviceArray, moved

built = pytest.mark.skipif(
    not argand.build_config()["cuda"], reason="argand was built without CUDA"
)
no_device = pytest.mark.skipif(argand.cuda.is_available(), reason="there is a device")


# ---- what argand says ----------------------------------------------------------------------------


def run_python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)


def test_build_config_tells_the_truth():
    process = run_python("from argand import _cuda; print(_cuda.compiler())")
    config = argand.build_config()
    assert config["cuda"] is (process.returncode == 0)
    if config["cuda"]:
        assert config["cuda_compiler"] == process.stdout.splitlines()[-1]
        assert str(config["cuda_compiler"]).startswith("nvcc")


@no_device
def test_without_a_device_the_reason_stands_in_words():
    assert argand.cuda.device_count() == 0
    reason = argand.cuda.reason()
    assert "driver" in reason or "device" in reason or "built without CUDA" in reason


def test_a_build_without_cuda_imports_and_says_so():
    process = run_python(
        "import sys; sys.modules['argand._cuda'] = None; import argand, argand.cuda; "
        "print(argand.build_config()['cuda'], argand.cuda.is_available(), argand.cuda.reason())"
    )
    assert process.returncode == 0
    assert process.stdout.endswith(
        "False False argand was built without CUDA: no nvcc was found, or ARGAND_CUDA was OFF\n"
    )


@built
@pytest.mark.parametrize("first_use", ["argand.build_config()", "argand.cuda.is_available()"])
def test_another_version_of_the_cuda_module_is_refused(first_use):
    """The module is loaded, and its version checked, when it is first needed."""
    process = run_python(
        "import sys, types; stale = types.ModuleType('argand._cuda'); "
        "stale.version = lambda: '0.0.7'; sys.modules['argand._cuda'] = stale; "
        f"import argand, argand.cuda; {first_use}"
    )
    assert process.returncode != 0
    assert "its CUDA module is 0.0.7" in process.stderr


@built
def test_importing_argand_does_not_load_the_cuda_module():
    process = run_python(
        "import sys, argand, argand.cuda; print('argand._cuda' in sys.modules); "
        "argand.build_config(); print('argand._cuda' in sys.modules)"
    )
    assert process.stdout == "False\nTrue\n"


@built
@no_device
def test_a_call_without_a_driver_names_what_is_missing():
    """With the real module and host memory, a call's first request fails; nothing is written."""
    from argand import _cuda

    batch = random_batch(np.random.default_rng(1), reflections="box")
    out = np.full(batch.out_shape, np.nan, complex)
    with (
        emulated.device(_cuda),
        pytest.raises(RuntimeError, match=r"CUDA: cudaError\w+: "),
    ):
        _seam.structure_factors(moved(batch), moved(out))
    assert np.isnan(out).all()


# ---- argand.cuda ---------------------------------------------------------------------------------


def device_arguments(batch: _seam.Batch) -> dict[str, Any]:
    """Return the arguments of argand.cuda.structure_factors() for a batch of numpy arrays."""
    arguments: dict[str, Any] = {}
    for name, value in batch._asdict().items():
        if isinstance(value, np.ndarray):
            arguments[name] = moved(value)
    if batch.box is not None:
        arguments["box"] = batch.box
    return arguments


@pytest.mark.parametrize("dispersion", [False, True])
@pytest.mark.parametrize("reflections", ["box", "list", "lists"])
def test_functions_on_a_device(reflections, dispersion):
    batch = random_batch(np.random.default_rng(8), reflections=reflections, dispersion=dispersion)
    arguments = device_arguments(batch)
    with emulated.device():
        f = argand.cuda.structure_factors(**arguments)
        assert_close(f.numbers, truth(batch), 1e-11)
        g = np.random.default_rng(9).normal(size=f.shape) + 0j
        gradients = argand.cuda.structure_factors_vjp(DeviceArray(g), **arguments)
    from_core = [np.empty_like(gradient.numbers) for gradient in gradients]
    _seam.structure_factors_vjp(batch, g, *from_core)
    for gradient, expected in zip(gradients, from_core, strict=True):
        tolerance = 1e-11 * np.abs(expected).max()
        assert_close(gradient.numbers, expected, tolerance)


@pytest.mark.parametrize(
    ("dtype", "tolerance"),
    [("float64", 1e-13), ("float32", 1e-5)],
)
@pytest.mark.parametrize("dispersion", [False, True])
@pytest.mark.parametrize("reflections", ["box", "list", "lists"])
def test_gradient_by_form_factors_on_a_device(reflections, dispersion, dtype, tolerance):
    """The gradient is added to what the array holds, and is that of the CPU."""
    rng = np.random.default_rng(14)
    batch = random_batch(rng, reflections=reflections, dispersion=dispersion, dtype=dtype)
    g = random_complex(rng, batch.out_shape).astype(COMPLEX[dtype])
    gradient = np.ones_like(batch.form)
    with emulated.device():
        _seam.structure_factors_form_vjp(moved(batch), moved(g), moved(gradient))
    assert worst_error(gradient - 1, form_gradient(batch, g)) < tolerance
    with pytest.raises(ValueError, match="frac is on the CPU, needs a CUDA device"):
        _seam.structure_factors_form_vjp(batch, g, gradient)


def test_one_crystal_needs_no_pointers():
    rng = np.random.default_rng(10)
    frac, form = rng.random((3, 3)), rng.random((3, 125))
    # Form factors are even in hkl on a box: only the half that is summed is read.
    even_form = form + form[:, ::-1]
    atoms, out = DeviceArray(frac), DeviceArray(np.zeros((1, 5, 5, 5), complex))
    with emulated.device():
        f = argand.cuda.structure_factors(atoms, DeviceArray(form), box=2)
        argand.cuda.structure_factors(atoms, DeviceArray(form), box=2, out=out)
        f_even = argand.cuda.structure_factors(atoms, DeviceArray(even_form), box=2)
    assert f.shape == (5, 5, 5)
    np.testing.assert_array_equal(out.numbers[0], f.numbers)
    beta, occ = np.zeros((3, 6)), np.ones(3)
    expected = oracles.structure_factors(frac, beta, occ, even_form, oracles.box((2, 2, 2)))
    assert_close(f_even.numbers.ravel(), expected, 1e-12)


def test_maps_on_a_device():
    rng = np.random.default_rng(11)
    reach, grid = (2, 2, 3), (8, 9, 10)
    f = random_complex(rng, (2, 5, 5, 7))
    hkl = oracles.box(reach)
    expected = np.stack([oracles.density(box.ravel(), hkl, grid, 7.0) for box in f])
    hermitian = (f + f[:, ::-1, ::-1, ::-1].conj()) / 2
    with emulated.device() as kernels:
        kernels.reset()
        rho = argand.cuda.map_from_structure_factors(DeviceArray(f), grid, 7.0)
        back = argand.cuda.structure_factors_from_map(rho, reach, 7.0)
        assert len(kernels.launches()) == 3
    assert worst_error(rho.numbers, expected) < 1e-13
    assert_close(back.numbers, hermitian, 1e-13)


def test_boxes_too_large_for_the_kernels_go_to_the_fft_of_the_library(monkeypatch):
    calls: list[tuple[Any, ...]] = []

    def record(xp: Any, array: Any, *rest: Any) -> Any:
        calls.append((xp.__name__, *rest))
        return array

    monkeypatch.setattr(argand.cuda, "map_by_fft", record)
    monkeypatch.setattr(argand.cuda, "box_by_fft", record)
    box = DeviceArray(np.zeros((1, 41, 41, 41), complex))
    rho = DeviceArray(np.zeros((1, 2, 3, 4000)))
    with emulated.device():
        argand.cuda.map_from_structure_factors(box, (41, 41, 41))
        argand.cuda.structure_factors_from_map(rho, (1, 1, 1), 24000.0)
    assert calls == [("emulated", (41, 41, 41), 1.0), ("emulated", (1, 1, 1), 1.0)]


@pytest.mark.parametrize("library", ["numpy", "torch"])
@pytest.mark.parametrize(
    "grid",
    [(8, 9, 10), (3, 4, 2), (1, 1, 1), (7, 20, 5)],
)
def test_maps_by_fft_are_the_definition(library, grid):
    xp = pytest.importorskip(library)
    rng = np.random.default_rng(12)
    reach = (3, 4, 5)
    f = random_complex(rng, (2, 7, 9, 11))
    rho = rng.normal(size=(2, *grid))
    maps = np.asarray(map_by_fft(xp, xp.asarray(f), grid, 0.1))
    boxes = np.asarray(box_by_fft(xp, xp.asarray(rho), reach, 0.1))
    hkl = oracles.box(reach)
    expected = np.stack([oracles.density(box.ravel(), hkl, grid, 10.0) for box in f])
    assert worst_error(maps, expected) <= 1e-12
    from_core = np.empty(f.shape, complex)
    _seam.structure_factors_from_map(rho, from_core, 0.1)
    assert worst_error(boxes, from_core) <= 1e-12


def test_bad_arguments_are_named():
    there, here = DeviceArray(np.zeros((3, 3))), np.zeros((3, 3))
    with emulated.device():
        with pytest.raises(ValueError, match="frac is on the CPU, needs a CUDA"):
            argand.cuda.structure_factors(here, here, box=1)
        with pytest.raises(TypeError, match="either as hkl or as box"):
            argand.cuda.structure_factors(there, there)
        with pytest.raises(ValueError, match=r"form has shape \(3,\)"):
            argand.cuda.structure_factors(there, there[0], box=1)
        with pytest.raises(ValueError, match="f is float64"):
            argand.cuda.map_from_structure_factors(there, (4, 4, 4))
        with pytest.raises(ValueError, match="rho is float64"):
            argand.cuda.structure_factors_from_map(there, 1)


def test_every_operator_of_torch_has_a_kernel_for_cuda():
    torch = pytest.importorskip("torch")
    import argand.torch  # noqa: F401

    for name in (
        "structure_factors",
        "structure_factors_vjp",
        "structure_factors_form_vjp",
        "map_from_structure_factors",
        "structure_factors_from_map",
    ):
        assert torch._C._dispatch_has_kernel_for_dispatch_key(f"argand::{name}", "CUDA")
