"""CUDA without a device: what argand says of it, the DLPack seam, and the dispatch; sums run on the emulated device."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import argand
import emulated
import oracles
from argand import _seam
from argand._form_gradient import form_gradient
from argand._seam import arrays, modules
from argand._seam.arrays import ArrayDevice
from batches import COMPLEX, random_batch, truth
from emulated import DeviceArray, Emulated, moved

built = pytest.mark.skipif(
    not argand.build_config()["cuda"], reason="argand was built without CUDA"
)
no_device = pytest.mark.skipif(argand.cuda.is_available(), reason="there is a device")


# ---- what argand says -----------------------------------------------------------------------------------------------


def test_build_config_tells_the_truth():
    code = "from argand import _cuda; print(_cuda.compiler())"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    config = argand.build_config()
    assert config["cuda"] is (found.returncode == 0)
    if config["cuda"]:
        assert config["cuda_compiler"] == found.stdout.splitlines()[-1]
        assert str(config["cuda_compiler"]).startswith("nvcc")


@no_device
def test_without_a_device_the_reason_stands_in_words():
    assert argand.cuda.device_count() == 0
    reason = argand.cuda.reason()
    assert "driver" in reason or "device" in reason or "built without CUDA" in reason


def test_a_build_without_cuda_imports_and_says_so():
    code = (
        "import sys; sys.modules['argand._cuda'] = None; import argand; "
        "print(argand.build_config()['cuda'], argand.cuda.is_available(), argand.cuda.reason())"
    )
    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    assert said.endswith(
        "False False argand was built without CUDA: no nvcc was found, or ARGAND_CUDA was OFF\n"
    )


@built
def test_another_version_of_the_cuda_module_is_refused():
    code = (
        "import sys, types; stale = types.ModuleType('argand._cuda'); stale.version = lambda: '0.0.7'; "
        "sys.modules['argand._cuda'] = stale; import argand; argand.build_config()"
    )
    failed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "its CUDA module is 0.0.7" in failed.stderr


@built
@no_device
def test_a_call_without_a_driver_names_what_is_missing():
    """The real module, host memory, no device: the first thing a call asks for fails, and nothing is written."""
    from argand import _cuda

    batch = random_batch(np.random.default_rng(1), reflections="box")
    out = np.full(batch.out_shape, np.nan, complex)
    with (
        emulated.device(_cuda),
        pytest.raises(RuntimeError, match=r"CUDA: cudaError\w+: "),
    ):
        _seam.structure_factors(moved(batch), moved(out))
    assert np.isnan(out).all()


# ---- DLPack ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def read() -> Any:
    """The reader of the CUDA module, or the same source in the emulated one."""
    return (modules.cuda_module() or emulated.module()).read_dlpack


@pytest.mark.parametrize(
    "dtype", ["float32", "float64", "complex64", "complex128", "int32", "int64"]
)
def test_dlpack_is_read_as_it_lies(read, dtype):
    array = np.zeros((4, 6), dtype)
    address, kind, index, code, bits, shape, strides, read_only = read(array.__dlpack__())
    assert (address, kind, index) == (array.ctypes.data, 1, 0)
    assert code == {"i": 0, "f": 2, "c": 5}[array.dtype.kind]
    assert bits == 8 * array.itemsize
    assert shape == [4, 6]
    assert strides in ([6, 1], None)
    assert read_only is False
    part = array[1::2, ::3]
    address, *_, shape, strides, _ = read(part.__dlpack__())
    assert (address, shape, strides) == (part.ctypes.data, [2, 2], [12, 3])


def test_dlpack_of_version_1_is_read_with_its_flags(read):
    array = np.arange(6.0)
    array.flags.writeable = False
    *_, read_only = read(array.__dlpack__(max_version=(1, 0)))
    assert read_only is True


def test_what_is_no_dlpack_is_refused(read):
    capsule = np.zeros(3).__dlpack__()
    np.from_dlpack(
        SimpleNamespace(__dlpack__=lambda **_: capsule, __dlpack_device__=lambda: (1, 0))
    )
    with pytest.raises(
        RuntimeError, match="'used_dltensor', needs a DLPack array that nobody has taken"
    ):
        read(capsule)
    with pytest.raises(TypeError):
        read(np.zeros(3))


@pytest.mark.parametrize(("current", "asked"), [(0, 1), (2, 2), (4711, 4711)])
def test_the_stream_is_that_of_the_library(current, asked):
    """Default, per-thread and a user's: handed to the producers as DLPack names it, and to the kernels as CUDA does."""
    calls: list[tuple[Any, ...]] = []
    fake = recorder(calls)
    library = Emulated()
    library.current_stream = current
    batch = moved(random_batch(np.random.default_rng(2), reflections="lists"))
    out = DeviceArray(np.zeros(batch.out_shape, complex))
    with emulated.device(fake, library):
        _seam.structure_factors(batch, out)
    for array in (*batch, out):
        if isinstance(array, DeviceArray):
            assert set(array.streams) == {asked}
    ((name, arguments),) = [call for call in calls if "workspace" not in call[0]]
    assert name == "structure_factors_list"
    assert arguments[-1] == (0, current)


@pytest.mark.parametrize("index", [0, 3])
def test_the_device_is_that_of_the_arrays(index):
    calls: list[tuple[Any, ...]] = []
    taken: list[tuple[Any, ...]] = []

    class Library(Emulated):
        def empty(self, shape: tuple[int, ...], dtype: str, device: ArrayDevice) -> DeviceArray:
            taken.append((shape, dtype, device.number))
            return super().empty(shape, dtype, device)

    batch = random_batch(np.random.default_rng(3), reflections="list")
    there = _seam.Batch(*(DeviceArray(f, index) if isinstance(f, np.ndarray) else f for f in batch))
    out = DeviceArray(np.zeros(batch.out_shape, complex), index)
    with emulated.device(recorder(calls, workspace=48), Library()):
        _seam.structure_factors(there, out)
    assert taken == [((48,), "uint8", index)]  # all memory comes from the arrays' library
    assert calls[-1][1][-1] == (index, 0)


def recorder(calls: list[tuple[Any, ...]], workspace: int = 0) -> Any:
    """A module _cuda that computes nothing and remembers what it was asked."""

    class Recorder:
        read_dlpack = staticmethod(emulated.module().read_dlpack)

        def __getattr__(self, name: str) -> Any:
            def call(*arguments: Any) -> Any:
                calls.append((name, arguments))
                return workspace

            return call

    return Recorder()


# ---- dispatch -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda b: {"form": b.form.numbers}, "form is on the CPU, needs cuda:0"),
        (
            lambda b: {"atom_ptr": DeviceArray(b.atom_ptr.numbers, 1)},
            "atom_ptr is on cuda:1, needs cuda:0",
        ),
        (lambda b: {"occ": DeviceArray(np.repeat(b.occ.numbers, 2)[::2])}, "occ is strided"),
        (
            lambda b: {"frac": DeviceArray(b.frac.numbers[:, :2])},
            r"frac has shape \(26, 2\), needs \(26, 3\)",
        ),
        (
            lambda b: {"beta": DeviceArray(b.beta.numbers.astype("f4"))},
            "beta has dtype float32, needs float64",
        ),
    ],
)
def test_arrays_that_do_not_fit_are_named(change, message):
    batch = moved(random_batch(np.random.default_rng(4), reflections="list"))
    with emulated.device(), pytest.raises((ValueError, TypeError), match=message):
        _seam.structure_factors(
            batch._replace(**change(batch)), DeviceArray(np.zeros(batch.out_shape, complex))
        )


def test_a_mixture_of_devices_is_refused_from_either_side():
    batch = random_batch(np.random.default_rng(5), reflections="box")
    out = np.zeros(batch.out_shape, complex)
    with emulated.device():
        with pytest.raises(ValueError, match="out is on cuda:0, needs the CPU"):
            _seam.structure_factors(batch, DeviceArray(out))
        with pytest.raises(ValueError, match="out is on the CPU, needs cuda:0"):
            _seam.structure_factors(moved(batch), out)
        with pytest.raises(ValueError, match="f is on the CPU, needs cuda:0"):
            _seam.map_from_structure_factors(
                np.zeros((1, 3, 3, 3), complex), DeviceArray(np.zeros((1, 4, 4, 4))), 1
            )


def test_foreign_arrays_and_devices_are_refused():
    other = type("Other", (DeviceArray,), {"__module__": "jax.numpy"})(np.zeros((26, 3)))
    batch = moved(random_batch(np.random.default_rng(6), reflections="box"))._replace(frac=other)
    out = DeviceArray(np.zeros(batch.out_shape, complex))
    with (
        emulated.device(),
        pytest.raises(TypeError, match=r"type jax\.numpy\.Other, needs one of torch, cupy"),
    ):
        _seam.structure_factors(batch, out)
    rocm = DeviceArray(np.zeros(3))
    rocm.__class__ = type("Rocm", (DeviceArray,), {"__dlpack_device__": lambda self: (10, 0)})
    assert str(arrays.device_of(rocm)) == "DLPack device 10:0"
    with pytest.raises(TypeError, match="an object of type list"):
        arrays.device_of([1.0])


def test_without_the_module_a_device_array_is_refused(monkeypatch):
    monkeypatch.setitem(modules._optional_modules, "_cuda", None)
    batch = moved(random_batch(np.random.default_rng(7), reflections="box"))
    with pytest.raises(RuntimeError, match="built without CUDA"):
        _seam.structure_factors(batch, DeviceArray(np.zeros(batch.out_shape, complex)))


# ---- argand.cuda ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dispersion", [False, True])
@pytest.mark.parametrize("reflections", ["box", "list", "lists"])
def test_functions_on_a_device(reflections, dispersion):
    batch = random_batch(np.random.default_rng(8), reflections=reflections, dispersion=dispersion)
    fields = {k: v for k, v in moved(batch)._asdict().items() if isinstance(v, DeviceArray)}
    if batch.box:
        fields["box"] = batch.box
    with emulated.device():
        f = argand.cuda.structure_factors(**fields)
        expected = truth(batch)
        np.testing.assert_allclose(f.numbers, expected, rtol=0, atol=1e-11)
        g = np.random.default_rng(9).normal(size=f.shape) + 0j
        gradients = argand.cuda.structure_factors_vjp(DeviceArray(g), **fields)
    core = [np.empty_like(x.numbers) for x in gradients]
    _seam.structure_factors_vjp(batch, g, *core)
    for ours, theirs in zip(gradients, core, strict=True):
        np.testing.assert_allclose(ours.numbers, theirs, rtol=0, atol=1e-11 * np.abs(theirs).max())


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-13), ("float32", 1e-5)])
@pytest.mark.parametrize("dispersion", [False, True])
@pytest.mark.parametrize("reflections", ["box", "list", "lists"])
def test_gradient_by_form_factors_on_a_device(reflections, dispersion, dtype, tolerance):
    """It is added to what is there, and is that of the CPU."""
    rng = np.random.default_rng(14)
    batch = random_batch(rng, reflections=reflections, dispersion=dispersion, dtype=dtype)
    g = (rng.normal(size=batch.out_shape) + 1j * rng.normal(size=batch.out_shape)).astype(
        COMPLEX[dtype]
    )
    gradient = np.ones_like(batch.form)
    with emulated.device():
        _seam.structure_factors_form_vjp(moved(batch), moved(g), moved(gradient))
    expected = form_gradient(batch, g)
    assert np.abs(gradient - 1 - expected).max() < tolerance * np.abs(expected).max()
    with pytest.raises(ValueError, match="frac is on the CPU, needs a CUDA device"):
        _seam.structure_factors_form_vjp(batch, g, gradient)


def test_one_crystal_needs_no_pointers():
    rng = np.random.default_rng(10)
    frac, form = rng.random((3, 3)), rng.random((3, 125))
    out = DeviceArray(np.zeros((1, 5, 5, 5), complex))
    with emulated.device():
        f = argand.cuda.structure_factors(DeviceArray(frac), DeviceArray(form), box=2)
        argand.cuda.structure_factors(DeviceArray(frac), DeviceArray(form), box=2, out=out)
    half = (
        form + form[:, ::-1]
    )  # even in hkl, as the cube takes it: only the summed half of form is read
    assert f.shape == (5, 5, 5)
    np.testing.assert_array_equal(out.numbers[0], f.numbers)
    with emulated.device():
        even = argand.cuda.structure_factors(DeviceArray(frac), DeviceArray(half), box=2)
    expected = oracles.structure_factors(
        frac, np.zeros((3, 6)), np.ones(3), half, oracles.box((2, 2, 2))
    )
    np.testing.assert_allclose(even.numbers.ravel(), expected, rtol=0, atol=1e-12)


def test_maps_on_a_device(monkeypatch):
    """By the kernels, and by the library's FFT where those do not fit."""
    rng = np.random.default_rng(11)
    reach, grid = (2, 2, 3), (8, 9, 10)
    f = rng.normal(size=(2, 5, 5, 7)) + 1j * rng.normal(size=(2, 5, 5, 7))
    expected = np.stack([oracles.density(x.ravel(), oracles.box(reach), grid, 7.0) for x in f])
    with emulated.device() as kernels:
        kernels.reset()
        rho = argand.cuda.map_from_structure_factors(DeviceArray(f), grid, 7.0)
        back = argand.cuda.structure_factors_from_map(rho, reach, 7.0)
        assert len(kernels.launches()) == 3
        np.testing.assert_allclose(
            rho.numbers, expected, rtol=0, atol=1e-13 * np.abs(expected).max()
        )
        np.testing.assert_allclose(
            back.numbers, (f + f[:, ::-1, ::-1, ::-1].conj()) / 2, rtol=0, atol=1e-13
        )
        taken: list[tuple[Any, ...]] = []
        for name in ("map_by_fft", "box_by_fft"):
            monkeypatch.setattr(
                argand.cuda,
                name,
                lambda xp, array, *rest: taken.append((xp.__name__, *rest)) or array,
            )
        argand.cuda.map_from_structure_factors(
            DeviceArray(np.zeros((1, 41, 41, 41), complex)), (41, 41, 41)
        )
        argand.cuda.structure_factors_from_map(
            DeviceArray(np.zeros((1, 2, 3, 4000))), (1, 1, 1), 24000.0
        )
    assert taken == [("emulated", (41, 41, 41), 1.0), ("emulated", (1, 1, 1), 1.0)]


@pytest.mark.parametrize("library", ["numpy", "torch"])
@pytest.mark.parametrize("grid", [(8, 9, 10), (3, 4, 2), (1, 1, 1), (7, 20, 5)])
def test_maps_by_fft_are_the_definition(library, grid):
    xp = pytest.importorskip(library)
    rng = np.random.default_rng(12)
    reach = (3, 4, 5)
    shape = (2, 7, 9, 11)
    f, rho = rng.normal(size=shape) + 1j * rng.normal(size=shape), rng.normal(size=(2, *grid))
    given = xp.asarray(f), xp.asarray(rho)
    maps = np.asarray(argand.cuda.map_by_fft(xp, given[0], grid, 0.1))
    boxes = np.asarray(argand.cuda.box_by_fft(xp, given[1], reach, 0.1))
    expected = np.stack([oracles.density(x.ravel(), oracles.box(reach), grid, 10.0) for x in f])
    np.testing.assert_allclose(maps, expected, rtol=0, atol=1e-12 * np.abs(expected).max())
    core = np.empty(shape, complex)
    _seam.structure_factors_from_map(rho, core, 0.1)
    np.testing.assert_allclose(boxes, core, rtol=0, atol=1e-12 * np.abs(core).max())


def test_bad_arguments_are_named():
    there, here = DeviceArray(np.zeros((3, 3))), np.zeros((3, 3))
    with emulated.device():
        for call, error, message in (
            (
                lambda: argand.cuda.structure_factors(here, here, box=1),
                ValueError,
                "frac is on the CPU, needs a CUDA",
            ),
            (
                lambda: argand.cuda.structure_factors(there, there),
                TypeError,
                "either as hkl or as box",
            ),
            (
                lambda: argand.cuda.structure_factors(there, there[0], box=1),
                ValueError,
                r"form has shape \(3,\)",
            ),
            (
                lambda: argand.cuda.map_from_structure_factors(there, (4, 4, 4)),
                ValueError,
                "f is float64",
            ),
            (
                lambda: argand.cuda.structure_factors_from_map(there, 1),
                ValueError,
                "rho is float64",
            ),
        ):
            with pytest.raises(error, match=message):
                call()


# ---- CuPy and torch -------------------------------------------------------------------------------------------------


@no_device
class TestCupyWithoutDriver:
    """Real CuPy arrays over host memory: they have a shape and a type, and everything else needs a driver."""

    @pytest.fixture
    def array(self) -> Any:
        cupy = pytest.importorskip("cupy", reason="cupy-cuda13x is not installed")
        host = np.arange(12.0).reshape(4, 3)
        memory = cupy.cuda.UnownedMemory(host.ctypes.data, host.nbytes, host, device_id=0)
        return cupy.ndarray((4, 3), np.float64, memptr=cupy.cuda.MemoryPointer(memory, 0))

    def test_it_is_taken_for_what_it_is(self, array):
        assert arrays.library_of(array) is arrays.LIBRARIES["cupy"]
        assert arrays.dtype_name(array) == "float64"
        assert not hasattr(array, "data_ptr")
        assert not hasattr(array, "__array_interface__")

    def test_the_seam_says_what_cupy_says(self, array):
        import cupy

        missing = cupy.cuda.runtime.CUDARuntimeError
        with pytest.raises(missing, match=r"InsufficientDriver|NoDevice"):
            arrays.device_of(array)
        with pytest.raises(missing, match=r"InsufficientDriver|NoDevice"):
            argand.cuda.structure_factors(array, array, box=1)
        with pytest.raises(missing, match=r"InsufficientDriver|NoDevice"):
            arrays.LIBRARIES["cupy"].empty((3,), "uint8", ArrayDevice("cuda", 0))

    def test_its_streams_and_memory_are_asked_for_by_device(self, array, monkeypatch):
        import cupy

        asked = []
        monkeypatch.setattr(
            cupy.cuda,
            "get_current_stream",
            lambda device: asked.append(device) or SimpleNamespace(ptr=2),
        )
        assert arrays.LIBRARIES["cupy"].stream(ArrayDevice("cuda", 5)) == 2
        assert asked == [5]


def test_torch_tensors_of_a_device_go_by_address(monkeypatch):
    """With stand-ins: torch here may know no CUDA."""
    torch = pytest.importorskip("torch")

    class Tensor:
        def __init__(self, numbers: Any, index: int = 1) -> None:
            self.numbers, self.shape, self.dtype = numbers, numbers.shape, numbers.dtype
            self.device = SimpleNamespace(type="cuda", index=index)

        def __len__(self) -> int:
            return len(self.numbers)

        def data_ptr(self) -> int:
            return int(self.numbers.ctypes.data)

        def is_contiguous(self) -> bool:
            return bool(self.numbers.flags.c_contiguous)

    Tensor.__module__ = "torch"
    monkeypatch.setattr(
        torch.cuda, "current_stream", lambda device: SimpleNamespace(cuda_stream=100 + device)
    )
    taken = []
    monkeypatch.setattr(
        torch,
        "empty",
        lambda size, **where: taken.append((size, where["device"])) or Tensor(np.zeros(size, "u1")),
    )
    calls: list[tuple[Any, ...]] = []
    batch = random_batch(np.random.default_rng(13), reflections="list")
    there = _seam.Batch(*(Tensor(f) if isinstance(f, np.ndarray) else f for f in batch))
    out = Tensor(np.zeros(batch.out_shape, complex))
    with emulated.device(recorder(calls, workspace=64)):
        _seam.structure_factors(there, out)
        with pytest.raises(ValueError, match="out is on cuda:0, needs cuda:1"):
            _seam.structure_factors(there, Tensor(np.zeros(batch.out_shape, complex), 0))
    assert taken == [((64,), "cuda:1")]
    assert calls[-1][1][-1] == (1, 101)
    assert calls[-1][1][1][2] == there.frac.data_ptr()


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
