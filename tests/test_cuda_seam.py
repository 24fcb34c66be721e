"""The seam on arrays of a device: DLPack, streams, memory, kernels, and what it refuses."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import argand.cuda
import emulated
from argand import _seam
from argand._seam import arrays, modules
from argand._seam.arrays import ArrayDevice
from batches import random_batch
from emulated import DeviceArray, Emulated, moved

no_device = pytest.mark.skipif(argand.cuda.is_available(), reason="there is a device")


# ---- DLPack --------------------------------------------------------------------------------------


@pytest.fixture
def read() -> Any:
    """Give the reader of the CUDA module, or one of the same source in the emulated module."""
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
    strided = array[1::2, ::3]
    address, *_, shape, strides, _ = read(strided.__dlpack__())
    assert (address, shape, strides) == (strided.ctypes.data, [2, 2], [12, 3])


def test_dlpack_of_version_1_is_read_with_its_flags(read):
    array = np.arange(6.0)
    array.flags.writeable = False
    *_, read_only = read(array.__dlpack__(max_version=(1, 0)))
    assert read_only is True


def test_objects_that_are_no_dlpack_are_refused(read):
    capsule = np.zeros(3).__dlpack__()
    taker = SimpleNamespace(__dlpack__=lambda **_: capsule, __dlpack_device__=lambda: (1, 0))
    np.from_dlpack(taker)
    with pytest.raises(
        RuntimeError, match="'used_dltensor', needs a DLPack array that nobody has taken"
    ):
        read(capsule)
    with pytest.raises(TypeError):
        read(np.zeros(3))


class Recorder:
    """A module `_cuda` that computes nothing and notes what it is called with."""

    def __init__(self, workspace: int = 0) -> None:
        """Let every function return `workspace`, as if it were asked for the bytes it needs."""
        self.calls: list[tuple[str, tuple[Any, ...]]] = []
        self.workspace = workspace
        self.read_dlpack = emulated.module().read_dlpack

    def __getattr__(self, name: str) -> Any:
        def call(*arguments: Any) -> int:
            self.calls.append((name, arguments))
            return self.workspace

        return call


@pytest.mark.parametrize(
    ("current", "asked"),
    [(0, 1), (2, 2), (4711, 4711)],
)
def test_the_stream_is_that_of_the_library(current, asked):
    """DLPack and CUDA name the default stream differently, other streams alike."""
    recorder, library = Recorder(), Emulated()
    library.current_stream = current
    batch = moved(random_batch(np.random.default_rng(2), reflections="lists"))
    out = DeviceArray(np.zeros(batch.out_shape, complex))
    with emulated.device(recorder, library):
        _seam.structure_factors(batch, out)
    for array in (*batch, out):
        if isinstance(array, DeviceArray):
            assert set(array.streams) == {asked}
    kernel_calls = [call for call in recorder.calls if "workspace" not in call[0]]
    ((name, arguments),) = kernel_calls
    assert name == "structure_factors_list"
    assert arguments[-1] == (0, current)


@pytest.mark.parametrize("index", [0, 3])
def test_the_device_is_that_of_the_arrays(index):
    """All memory comes from the arrays' library, on their device."""
    recorder = Recorder(workspace=48)
    allocations: list[tuple[Any, ...]] = []

    class Library(Emulated):
        def empty(self, shape: tuple[int, ...], dtype: str, device: ArrayDevice) -> DeviceArray:
            allocations.append((shape, dtype, device.number))
            return super().empty(shape, dtype, device)

    batch = random_batch(np.random.default_rng(3), reflections="list")
    fields: dict[str, Any] = batch._asdict()
    for name, value in fields.items():
        if isinstance(value, np.ndarray):
            fields[name] = DeviceArray(value, index)
    out = DeviceArray(np.zeros(batch.out_shape, complex), index)
    with emulated.device(recorder, Library()):
        _seam.structure_factors(_seam.Batch(**fields), out)
    assert allocations == [((48,), "uint8", index)]
    _, arguments = recorder.calls[-1]
    assert arguments[-1] == (index, 0)


@pytest.mark.parametrize("reflections", ["box", "list", "points"])
def test_each_function_calls_its_kernel_with_its_workspace(reflections):
    """Boxes, lists of whole orders and lists of any orders have kernels of their own."""
    recorder = Recorder(workspace=16)
    shape = "box" if reflections == "box" else "list"
    batch = random_batch(np.random.default_rng(15), reflections=shape)
    if reflections == "points":
        batch = batch._replace(hkl=batch.hkl.astype(float))
    f = np.zeros(batch.out_shape, complex)
    with emulated.device(recorder):
        _seam.structure_factors(moved(batch), moved(f))
        _seam.structure_factors_vjp(moved(batch), moved(f), None, None, moved(np.zeros(26)))
        _seam.structure_factors_form_vjp(moved(batch), moved(f), moved(np.zeros_like(batch.form)))
    sums = f"structure_factors_{reflections}"
    assert [name for name, _ in recorder.calls] == [
        f"{sums}_workspace",
        sums,
        f"{sums}_vjp_workspace",
        f"{sums}_vjp",
        f"{sums}_form_vjp_workspace",
        f"{sums}_form_vjp",
    ]


# ---- arrays that do not fit ----------------------------------------------------------------------


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
    out = DeviceArray(np.zeros(batch.out_shape, complex))
    with emulated.device(), pytest.raises((ValueError, TypeError), match=message):
        _seam.structure_factors(batch._replace(**change(batch)), out)


def test_a_mixture_of_devices_is_refused_from_either_side():
    batch = random_batch(np.random.default_rng(5), reflections="box")
    out = np.zeros(batch.out_shape, complex)
    f, rho = np.zeros((1, 3, 3, 3), complex), np.zeros((1, 4, 4, 4))
    with emulated.device():
        with pytest.raises(ValueError, match="out is on cuda:0, needs the CPU"):
            _seam.structure_factors(batch, DeviceArray(out))
        with pytest.raises(ValueError, match="out is on the CPU, needs cuda:0"):
            _seam.structure_factors(moved(batch), out)
        with pytest.raises(ValueError, match="f is on the CPU, needs cuda:0"):
            _seam.map_from_structure_factors(f, DeviceArray(rho), 1)


def test_foreign_arrays_and_devices_are_refused():
    foreign = type("Other", (DeviceArray,), {"__module__": "jax.numpy"})(np.zeros((26, 3)))
    batch = moved(random_batch(np.random.default_rng(6), reflections="box"))
    out = DeviceArray(np.zeros(batch.out_shape, complex))
    with (
        emulated.device(),
        pytest.raises(TypeError, match=r"type jax\.numpy\.Other, needs one of torch, cupy"),
    ):
        _seam.structure_factors(batch._replace(frac=foreign), out)
    rocm = DeviceArray(np.zeros(3))
    rocm.__class__ = type("Rocm", (DeviceArray,), {"__dlpack_device__": lambda self: (10, 0)})
    assert str(arrays.device_of(rocm)) == "DLPack device 10:0"
    with pytest.raises(TypeError, match="an object of type list"):
        arrays.device_of([1.0])


def test_without_the_module_a_device_array_is_refused(monkeypatch):
    monkeypatch.setitem(modules._optional_modules, "_cuda", None)
    batch = moved(random_batch(np.random.default_rng(7), reflections="box"))
    out = DeviceArray(np.zeros(batch.out_shape, complex))
    with pytest.raises(RuntimeError, match="built without CUDA"):
        _seam.structure_factors(batch, out)


# ---- CuPy and torch ------------------------------------------------------------------------------


@no_device
class TestCupyWithoutDriver:
    """Real CuPy arrays over host memory have a shape and a type; all else needs a driver."""

    @pytest.fixture
    def array(self) -> Any:
        cupy = pytest.importorskip("cupy", reason="cupy-cuda13x is not installed")
        host = np.arange(12.0).reshape(4, 3)
        memory = cupy.cuda.UnownedMemory(host.ctypes.data, host.nbytes, host, device_id=0)
        return cupy.ndarray((4, 3), np.float64, memptr=cupy.cuda.MemoryPointer(memory, 0))

    def test_it_is_recognised_as_a_cupy_array(self, array):
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

        devices = []

        def current_stream(device: int) -> Any:
            devices.append(device)
            return SimpleNamespace(ptr=2)

        monkeypatch.setattr(cupy.cuda, "get_current_stream", current_stream)
        assert arrays.LIBRARIES["cupy"].stream(ArrayDevice("cuda", 5)) == 2
        assert devices == [5]


class TensorStandIn:
    """An array with the attributes of a torch tensor on a CUDA device; torch here may lack CUDA."""

    def __init__(self, numbers: Any, index: int = 1) -> None:
        """Take an array of numpy for the memory of device number `index`."""
        self.numbers, self.shape, self.dtype = numbers, numbers.shape, numbers.dtype
        self.device = SimpleNamespace(type="cuda", index=index)

    def __len__(self) -> int:
        return len(self.numbers)

    def data_ptr(self) -> int:
        """Return the address of the numbers."""
        return int(self.numbers.ctypes.data)

    def is_contiguous(self) -> bool:
        """Tell whether the numbers lie in C order."""
        return bool(self.numbers.flags.c_contiguous)

    def is_conj(self) -> bool:
        """Tell that the memory holds the numbers themselves."""
        return False

    is_neg = is_conj


TensorStandIn.__module__ = "torch"


def test_torch_tensors_of_a_device_go_by_address(monkeypatch):
    torch = pytest.importorskip("torch")
    allocations = []

    def empty(shape: tuple[int, ...], *, dtype: Any, device: str) -> TensorStandIn:
        allocations.append((shape, dtype, device))
        return TensorStandIn(np.zeros(shape, "u1"))

    def current_stream(device: int) -> Any:
        return SimpleNamespace(cuda_stream=100 + device)

    monkeypatch.setattr(torch.cuda, "current_stream", current_stream)
    monkeypatch.setattr(torch, "empty", empty)
    recorder = Recorder(workspace=64)
    batch = random_batch(np.random.default_rng(13), reflections="list")
    fields: dict[str, Any] = batch._asdict()
    for name, value in fields.items():
        if isinstance(value, np.ndarray):
            fields[name] = TensorStandIn(value)
    on_device = _seam.Batch(**fields)
    f = np.zeros(batch.out_shape, complex)
    with emulated.device(recorder):
        _seam.structure_factors(on_device, TensorStandIn(f))
        with pytest.raises(ValueError, match="out is on cuda:0, needs cuda:1"):
            _seam.structure_factors(on_device, TensorStandIn(f, 0))
    assert allocations == [((64,), torch.uint8, "cuda:1")]
    _, arguments = recorder.calls[-1]
    _, atoms, *_, queue = arguments
    assert queue == (1, 101)
    assert atoms[2] == on_device.frac.data_ptr()
