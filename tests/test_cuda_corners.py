"""Corners in which a device would compute wrongly in silence, or take what is not its own."""

from __future__ import annotations

import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import argand.cuda
import emulated
import oracles
from argand import _seam
from argand._fft import box_by_fft, map_by_fft
from argand._form_gradient import form_gradient
from argand.errors import MemoryLimitError
from batches import (
    COMPLEX,
    as_double,
    empty_gradients,
    pointers,
    random_batch,
    random_complex,
    truth,
    worst_error,
)
from emulated import DeviceArray, moved

CMAKE = Path(__file__).parents[1] / "cmake" / "architectures.cmake"


# ---- arrays without elements ---------------------------------------------------------------------


def without_reflections(shape: str) -> _seam.Batch:
    """Draw a batch whose lists are empty; empty arrays of a device lie at address 0."""
    batch = random_batch(np.random.default_rng(1), reflections=shape)
    batch = batch._replace(
        hkl=np.zeros((0, 3), np.int32),
        form=np.zeros(0),
        form_ptr=np.zeros_like(batch.form_ptr),
    )
    if shape == "lists":
        batch = batch._replace(hkl_ptr=np.zeros_like(batch.hkl_ptr))
    return batch


@pytest.mark.parametrize("shape", ["list", "lists"])
def test_the_gradient_of_an_empty_list_is_zero(kernels, shape):
    batch = without_reflections(shape)
    gradients = empty_gradients(len(batch.frac))
    kernels.structure_factors_vjp(batch, np.zeros(batch.out_shape, complex), *gradients)
    for gradient in gradients:
        assert (gradient == 0).all()


@pytest.mark.parametrize("shape", ["list", "lists"])
def test_an_empty_list_has_no_structure_factors(shape):
    batch = moved(without_reflections(shape))
    out = DeviceArray(np.zeros(batch.out_shape, complex))
    with emulated.device():
        _seam.structure_factors(batch, out)
        _seam.structure_factors_form_vjp(batch, out, moved(np.zeros(0)))


def test_atoms_without_a_crystal_are_refused():
    batch = random_batch(np.random.default_rng(2), reflections="box")
    batch = batch._replace(atom_ptr=np.zeros(1, np.int64))
    g = np.zeros(batch.out_shape, complex)
    with emulated.device(), pytest.raises(ValueError, match="no crystal for the 26 atoms of frac"):
        _seam.structure_factors_vjp(moved(batch), moved(g), None, None, moved(np.zeros(26)))


# ---- numbers that are not what the memory holds --------------------------------------------------


@pytest.mark.parametrize("make_lazy", ["conj", "neg"])
def test_the_seam_refuses_lazy_tensors(make_lazy):
    torch = pytest.importorskip("torch")
    f = torch.randn(1, 3, 3, 3, dtype=torch.complex128)
    lazy = f.conj() if make_lazy == "conj" else torch._neg_view(f)
    rho = torch.zeros(1, 4, 4, 4, dtype=torch.float64)
    with pytest.raises(ValueError, match="f is conjugated or negated lazily"):
        _seam.map_from_structure_factors(lazy, rho, 1.0)


def test_lazy_tensors_on_a_device_are_resolved():
    torch = pytest.importorskip("torch")
    import emulated_torch
    from emulated_torch import on_device

    rng = np.random.default_rng(3)
    f = torch.from_numpy(random_complex(rng, (1, 3, 3, 3)))
    batch = random_batch(rng, reflections="list", dispersion=True)
    arguments = {}
    for name, array in batch._asdict().items():
        if isinstance(array, np.ndarray):
            arguments[name] = on_device(torch.from_numpy(array))
    arguments["form"] = on_device(torch.from_numpy(batch.form.conj())).conj()
    arguments["occ"] = torch._neg_view(on_device(torch.from_numpy(-batch.occ)))
    g = random_complex(rng, batch.out_shape)
    with emulated_torch.device():
        rho = argand.cuda.map_from_structure_factors(on_device(f).conj(), (4, 4, 4))
        sums = argand.cuda.structure_factors(**arguments)
        by_frac, _, _ = argand.cuda.structure_factors_vjp(
            on_device(torch.from_numpy(g.conj())).conj(), **arguments
        )
    expected = oracles.density(
        f.conj().resolve_conj().numpy().ravel(), oracles.box((1, 1, 1)), (4, 4, 4), 1.0
    )
    assert worst_error(np.asarray(rho), expected) < 1e-13
    assert worst_error(np.asarray(sums), truth(batch)) < 1e-13
    gradients = empty_gradients(len(batch.frac))
    _seam.structure_factors_vjp(batch, g, *gradients)
    assert worst_error(np.asarray(by_frac), gradients[0]) < 1e-12


def test_complex_numbers_that_are_not_aligned_are_refused():
    batch = random_batch(np.random.default_rng(4), reflections="list")
    numbers = np.zeros(2 * int(np.prod(batch.out_shape)) + 1)
    out = numbers[1:].view(complex).reshape(batch.out_shape)
    if out.ctypes.data % 16 == 0:
        out = numbers[:-1].view(complex).reshape(batch.out_shape)
    with emulated.device(), pytest.raises(ValueError, match="out begins at an address"):
        _seam.structure_factors(moved(batch), moved(out))


# ---- what belongs to others ----------------------------------------------------------------------


@pytest.mark.parametrize("current", [[], [0], [1], [2, 1]])
@pytest.mark.parametrize("index", [0, 1])
def test_a_call_leaves_the_contexts_of_other_devices_alone(current, index):
    """A process that uses cuda:1 only gets no context on cuda:0."""
    batch = random_batch(np.random.default_rng(5), reflections="box")
    fields: dict[str, Any] = batch._asdict()
    for name, value in fields.items():
        if isinstance(value, np.ndarray):
            fields[name] = DeviceArray(value, index)
    out = np.zeros(batch.out_shape, complex)
    with emulated.device() as kernels:
        kernels.set_contexts(current)
        try:
            _seam.structure_factors(_seam.Batch(**fields), DeviceArray(out, index))
            stack, devices = kernels.contexts()
        finally:
            kernels.set_contexts([])
    assert stack == current
    assert set(devices) == {*current, index}
    assert worst_error(out, truth(batch)) < 1e-13


def test_a_failed_launch_is_reported_once():
    batch = moved(random_batch(np.random.default_rng(6), reflections="box"))
    out = DeviceArray(np.zeros(batch.out_shape, complex))
    with emulated.device() as kernels:
        kernels.fail_launch()
        with pytest.raises(RuntimeError, match="CUDA: cudaErrorEmulated: emulated"):
            _seam.structure_factors(batch, out)
        _seam.structure_factors(batch, out)


# ---- drivers and compilers -----------------------------------------------------------------------


def test_a_driver_that_is_too_old_is_named():
    with emulated.device() as kernels:
        kernels.set_driver(12040)
        try:
            reason = argand.cuda.reason()
            assert not argand.cuda.is_available()
        finally:
            kernels.set_driver(13000)
        assert argand.cuda.is_available()
    assert reason == (
        "the driver serves CUDA 12.4, argand was built by CUDA 13.0 and needs driver R580 or "
        "later: update the driver, or build argand anew by nvcc 12"
    )


@pytest.mark.parametrize(
    ("known", "kept"),
    [
        ("compute_75 compute_80 compute_90", "75;80-real;90"),
        ("compute_75 compute_80 compute_90 compute_100 compute_120", "75;80-real;90;100-real"),
        ("", ""),
    ],
)
def test_the_build_asks_nvcc_for_architectures(tmp_path, known, kept):
    """nvcc 12.6 does not know 100: the build leaves it out."""
    nvcc = tmp_path / "nvcc"
    lines = "\\n".join(known.split())
    nvcc.write_text(f'#!/bin/sh\ntest "$1" = --list-gpu-arch && printf "{lines}\\n"\n')
    nvcc.chmod(0o755)
    wanted = "75;80-real;90;100-real"
    command = ["cmake", f"-DARGAND_NVCC={nvcc}", f"-DARGAND_WANTED={wanted}", "-P", str(CMAKE)]
    try:
        process = subprocess.run(command, capture_output=True, text=True, check=True)
    except FileNotFoundError:
        pytest.skip("no cmake")
    assert process.stderr.splitlines()[-1] == kept


# ---- memory --------------------------------------------------------------------------------------


def test_the_memory_of_a_device_is_not_limited_by_that_of_the_host(monkeypatch):
    torch = pytest.importorskip("torch")
    from argand.torch._library import empty_like

    monkeypatch.setattr("argand._memory._limit", 1000)
    shape, dtype = (1000, 1000), torch.complex128
    with pytest.raises(MemoryLimitError, match=r"F needs 15\.3 MiB of memory, a call may take 1e"):
        empty_like(torch.zeros(1), "F", shape, dtype)
    assert empty_like(torch.zeros(1, device="meta"), "F", shape, dtype).shape == shape


def test_a_device_without_room_is_named(monkeypatch):
    torch = pytest.importorskip("torch")
    from argand._seam.arrays import LIBRARIES, ArrayDevice
    from argand.torch._library import empty_like

    def refuse(*shape: Any, **options: Any) -> Any:
        raise torch.cuda.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(torch, "empty", refuse)
    with pytest.raises(MemoryLimitError, match=r"cuda:1 has no room for an array \(1048576,\) of"):
        LIBRARIES["torch"].empty((1 << 20,), "complex64", ArrayDevice("cuda", 1))
    full = SimpleNamespace(device=torch.device("cuda", 1), new_empty=refuse)
    with pytest.raises(MemoryLimitError, match="F needs 8 MiB, more than cuda:1 has left"):
        empty_like(full, "F", (1 << 20,), torch.complex64)


# ---- sums ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", ["sorted", "shuffled"])
def test_a_long_list_is_searched_for_rows_in_parts(order):
    """Rows that several blocks find are those of the list, in whatever order it is."""
    rng = np.random.default_rng(7)
    hkl = oracles.box((12, 18, 14))
    if order == "shuffled":
        hkl = np.concatenate([rng.permutation(hkl[:6000]), hkl[6000:]])
    batch = random_batch(rng, reflections="list", atoms=(2,), reach=(1, 1, 1), kinds=1)
    batch = batch._replace(
        hkl=np.ascontiguousarray(hkl), form=np.ones(len(hkl)), form_ptr=pointers([len(hkl)])
    )
    out = np.full(batch.out_shape, np.nan, complex)
    gradients, expected = empty_gradients(2), empty_gradients(2)
    g = random_complex(rng, batch.out_shape)
    with emulated.device() as kernels:
        kernels.reset()
        _seam.structure_factors(moved(batch), moved(out))
        assert [launch[0] for launch in kernels.launches()][:2] == [4, 4]
        _seam.structure_factors_vjp(moved(batch), moved(g), *map(moved, gradients))
    assert worst_error(out, truth(batch)) < 1e-13
    _seam.structure_factors_vjp(batch, g, *expected)
    for gradient, of_core in zip(gradients, expected, strict=True):
        assert worst_error(gradient, of_core) < 1e-11


@pytest.mark.parametrize("dispersion", [False, True])
def test_gradients_by_form_factors_are_added_up_in_double(dispersion):
    """Two large gradients cancel; 300 small ones between them must not be lost."""
    crystals = 302
    batch = random_batch(
        np.random.default_rng(8),
        reflections="list",
        atoms=(1,) * crystals,
        reach=(0, 0, 2),
        kinds=1,
        at_rest=True,
        dispersion=dispersion,
        dtype="float32",
    )
    batch = batch._replace(frac=np.zeros_like(batch.frac), occ=None)
    of_crystal = np.full(crystals, 0.01)
    of_crystal[[0, -1]] = 1e6, -1e6
    g = np.broadcast_to(of_crystal[:, None], batch.out_shape).astype(np.complex64)
    gradient = np.zeros_like(batch.form)
    with emulated.device():
        _seam.structure_factors_form_vjp(moved(batch), moved(g), moved(gradient))
    np.testing.assert_allclose(gradient, 3.0, rtol=1e-6)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("crystals", [7, 8])
def test_blocks_keep_their_rows_from_crystal_to_crystal(dtype, crystals):
    """More crystals than blocks, some without atoms, with boxes that lie whole in shared memory."""
    rng = np.random.default_rng(9)
    atoms = tuple(rng.integers(0, 20, crystals))
    for shape, dispersion in (("box", False), ("box", True), ("list", True), ("lists", False)):
        batch = random_batch(
            rng, reflections=shape, atoms=atoms, dispersion=dispersion, dtype=dtype
        )
        out = np.full(batch.out_shape, np.nan, COMPLEX[dtype])
        g = random_complex(rng, batch.out_shape).astype(COMPLEX[dtype])
        gradient = np.zeros_like(batch.form)
        with emulated.device():
            _seam.structure_factors(moved(batch), moved(out))
            _seam.structure_factors_form_vjp(moved(batch), moved(g), moved(gradient))
        tolerance = 1e-13 if dtype == "float64" else 2e-6
        assert worst_error(out, truth(as_double(batch))) < tolerance
        assert worst_error(gradient, form_gradient(batch, g)) < tolerance


def test_powers_of_two_are_right_and_bounded():
    kernels = emulated.module()
    for x in np.linspace(-125.9, 126.9, 2001):
        rounded = float(np.float32(x))
        assert abs(kernels.bounded_exp2(rounded) / 2.0**rounded - 1) < 1.2e-7
    for x, value in ((-126.5, 0.0), (-np.inf, 0.0), (300.0, 2.0**127), (np.inf, 2.0**127)):
        assert kernels.bounded_exp2(x) == value


# ---- FFT -----------------------------------------------------------------------------------------


class CupyStandIn(np.ndarray):
    """An array with the attribute `device` of a CuPy array on device 1."""

    entered = 0

    @property
    def device(self) -> Any:
        """Return a context that counts how often it is entered."""
        return CupyDevice()


class CupyDevice:
    """A context manager in place of cupy.cuda.Device."""

    def __enter__(self) -> None:
        CupyStandIn.entered += 1

    def __exit__(self, *error: object) -> None:
        CupyStandIn.entered -= 1


def test_cupy_transforms_on_the_device_of_the_array():
    """CuPy allocates on its current device, whatever the arrays."""

    def checked(function: Any) -> Any:
        def call(*arguments: Any, **options: Any) -> Any:
            assert CupyStandIn.entered == 1
            return function(*arguments, **options)

        return call

    fft = SimpleNamespace(irfftn=checked(np.fft.irfftn), fftn=checked(np.fft.fftn))
    cupy = SimpleNamespace(
        __name__="cupy",
        fft=fft,
        zeros=checked(np.zeros),
        flip=checked(np.flip),
        concatenate=checked(np.concatenate),
    )
    rng = np.random.default_rng(10)
    f = random_complex(rng, (1, 7, 7, 7))
    rho = map_by_fft(cupy, f.view(CupyStandIn), (8, 9, 10), 0.5)
    np.testing.assert_array_equal(rho, map_by_fft(np, f, (8, 9, 10), 0.5))
    maps = rng.normal(size=(1, 5, 6, 4))
    box = box_by_fft(cupy, maps.view(CupyStandIn), (3, 3, 3), 0.5)
    np.testing.assert_array_equal(box, box_by_fft(np, maps, (3, 3, 3), 0.5))
    assert CupyStandIn.entered == 0


def test_a_map_by_fft_on_a_device_lies_in_c_order(monkeypatch):
    torch = pytest.importorskip("torch")
    from argand.torch import density

    def transposed(xp: Any, f: Any, grid: tuple[int, ...], scale: float) -> Any:
        return torch.zeros(*grid[::-1], len(f)).permute(3, 2, 1, 0)

    monkeypatch.setattr(density, "map_by_fft", transposed)
    f = torch.zeros(2, 41, 41, 41, dtype=torch.complex64)
    rho = density._map_on_device(f, [41, 42, 43], 1.0)
    assert rho.shape == (2, 41, 42, 43)
    assert rho.is_contiguous()
