"""Compare the CUDA kernels with the core by address: raw memory, no array library between.

Every array is an allocation of its own, so that compute-sanitizer sees each access beyond its end.
Outputs are filled with bytes 255 before, and lie before a margin that must not change.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

sys.path.append(str(Path(__file__).parents[1] / "tests"))

from argand import _seam
from argand._form_gradient import form_gradient
from batches import COMPLEX, empty_gradients, random_batch, random_complex

Array = NDArray[Any]

# Bytes behind every output that must not change.
MARGIN = 256
# Largest error of an answer, as a share of the largest value of the core's.
TOLERANCE = {"float64": 1e-11, "float32": 1e-5}
BITS = {"float64": 64, "float32": 32}


class Memory(Protocol):
    """Hold copies of arrays where kernels can read and write them."""

    def put(self, data: Array) -> int:
        """Copy bytes, and return their address; 0 for none."""

    def get(self, address: int, size: int) -> Array:
        """Copy bytes back, after all kernels have ended."""

    def free(self) -> None:
        """Give all memory back."""


class HostMemory:
    """The memory of the emulated device: that of the CPU."""

    def __init__(self) -> None:
        self._arrays: dict[int, Array] = {}

    def put(self, data: Array) -> int:
        """Copy bytes, and return their address; 0 for none."""
        if data.size == 0:
            return 0
        copy = data.copy()
        self._arrays[copy.ctypes.data] = copy
        return int(copy.ctypes.data)

    def get(self, address: int, size: int) -> Array:
        """Return the bytes at an address."""
        return self._arrays[address][:size] if size else np.zeros(0, np.uint8)

    def free(self) -> None:
        """Give all memory back."""
        self._arrays.clear()


class DeviceMemory:
    """The memory of device 0, by the driver's own functions."""

    def __init__(self) -> None:
        self._driver = ctypes.CDLL("libcuda.so.1")
        self._addresses: list[int] = []
        device, context = ctypes.c_int(), ctypes.c_void_p()
        self._call("cuInit", 0)
        self._call("cuDeviceGet", ctypes.byref(device), 0)
        self._call("cuDevicePrimaryCtxRetain", ctypes.byref(context), device)
        self._call("cuCtxSetCurrent", context)

    def _call(self, name: str, *arguments: Any) -> None:
        error = getattr(self._driver, name)(*arguments)
        if error != 0:
            raise RuntimeError(f"{name} fails with error {error} of the driver")

    def put(self, data: Array) -> int:
        """Copy bytes to the device, and return their address; 0 for none."""
        if data.size == 0:
            return 0
        address, size = ctypes.c_uint64(), ctypes.c_size_t(data.nbytes)
        self._call("cuMemAlloc_v2", ctypes.byref(address), size)
        self._addresses.append(address.value)
        self._call("cuMemcpyHtoD_v2", address, ctypes.c_void_p(data.ctypes.data), size)
        return address.value

    def get(self, address: int, size: int) -> Array:
        """Copy bytes from the device, after all kernels have ended."""
        self._call("cuCtxSynchronize")
        data = np.zeros(size, np.uint8)
        if size:
            self._call(
                "cuMemcpyDtoH_v2",
                ctypes.c_void_p(data.ctypes.data),
                ctypes.c_uint64(address),
                ctypes.c_size_t(size),
            )
        return data

    def free(self) -> None:
        """Give all memory back."""
        for address in self._addresses:
            self._call("cuMemFree_v2", ctypes.c_uint64(address))
        self._addresses.clear()


class Harness:
    """Call the functions of a module `_cuda` on copies of numpy arrays in a memory."""

    def __init__(self, cuda: Any, memory: Memory) -> None:
        self._cuda = cuda
        self._memory = memory

    def _put(self, array: Array | None) -> int:
        if array is None:
            return 0
        return self._memory.put(np.ascontiguousarray(array).reshape(-1).view(np.uint8))

    def _put_output(self, array: Array) -> int:
        """Copy what an output holds, or bytes 255 where it holds NaN, before a margin of 255."""
        padded = np.full(array.nbytes + MARGIN, 255, np.uint8)
        if not np.isnan(array).any():
            padded[: array.nbytes] = array.reshape(-1).view(np.uint8)
        return self._memory.put(padded)

    def _workspace(self, size: int) -> int:
        return self._memory.put(np.full(size, 255, np.uint8))

    def _fetch(self, address: int, array: Array) -> None:
        """Copy an output back, and check its margin."""
        data = self._memory.get(address, array.nbytes + MARGIN)
        if not (data[array.nbytes :] == 255).all():
            raise AssertionError(f"something was written behind an output {array.shape}")
        array.reshape(-1).view(np.uint8)[...] = data[: array.nbytes]

    def sum(self, kind: str, batch: _seam.Batch, inputs: list[Array], outputs: list[Array]) -> None:
        """Call "", "_vjp" or "_form_vjp" of the sum of a batch."""
        name = f"structure_factors_{batch.reflection_kind}"
        atoms = (batch.crystals, *map(self._put, _atom_arrays(batch)))
        is_complex = np.iscomplexobj(batch.form)
        form = (self._put(batch.form), self._put(batch.form_ptr), is_complex)
        reflections: Any = batch.box
        if batch.box is None:
            assert batch.hkl is not None
            reflections = (len(batch.hkl), self._put(batch.hkl_ptr), self._put(batch.hkl))
        extents = (len(batch.frac), batch.reflections, len(batch.form))
        size = getattr(self._cuda, f"{name}{kind}_workspace")(batch.crystals, extents, reflections)
        bits = BITS[str(batch.frac.dtype)]
        addresses = [*map(self._put, inputs), *map(self._put_output, outputs)]
        function = getattr(self._cuda, f"{name}{kind}")
        workspace = self._workspace(size)
        function(bits, atoms, form, reflections, *addresses, extents, workspace, (0, 0))
        for address, output in zip(addresses[len(inputs) :], outputs, strict=True):
            self._fetch(address, output)
        self._memory.free()

    def transforms(self, f: Array, rho: Array, back: Array, scale: float) -> None:
        """Transform boxes to maps, and those to boxes again."""
        bits = BITS[str(rho.dtype)]
        maps, *grid = rho.shape
        box = tuple(length // 2 for length in f.shape[1:])
        sides = tuple(grid)
        to_map, to_box = self._put_output(rho), self._put_output(back)
        shape = (bits, maps, box)
        self._cuda.map_from_structure_factors(*shape, self._put(f), sides, scale, to_map, (0, 0))
        size = self._cuda.structure_factors_from_map_workspace(bits, maps, box, sides)
        workspace = self._workspace(size)
        self._cuda.structure_factors_from_map(
            *shape, to_box, sides, scale, to_map, workspace, (0, 0)
        )
        self._fetch(to_map, rho)
        self._fetch(to_box, back)
        self._memory.free()


def _atom_arrays(batch: _seam.Batch) -> tuple[Array | None, ...]:
    return batch.atom_ptr, batch.frac, batch.beta, batch.occ, batch.scatterer


def batches(small: bool) -> Iterator[tuple[str, _seam.Batch]]:
    """Draw batches of every kind of reflections, precision and form factors; name each."""
    atoms = (5, 0, 1, 20) if small else (5, 0, 1, 20, 70, 3, 16, 33)
    reach = (2, 3, 5) if small else (4, 5, 17)
    for dtype in ("float64", "float32"):
        for shape in ("box", "list", "lists", "points", "empty"):
            for dispersion in (False, True):
                rng = np.random.default_rng(1)
                batch = random_batch(
                    rng,
                    reflections=shape if shape in ("box", "lists") else "list",
                    atoms=atoms,
                    reach=reach,
                    dispersion=dispersion,
                    at_rest=dispersion and shape == "box",
                    dtype=dtype,
                )
                if shape == "points":
                    batch = batch._replace(hkl=batch.hkl + 0.25)
                if shape == "empty":
                    batch = batch._replace(
                        hkl=batch.hkl[:0], form=batch.form[:0], form_ptr=0 * batch.form_ptr
                    )
                yield f"{shape} {dtype}{' dispersion' * dispersion}", batch


def error_of(values: Array, expected: Array) -> float:
    """Return the largest error as a share of the largest expected magnitude; NaN counts."""
    if values.size == 0:
        return 0.0
    scale = float(np.abs(expected).max()) or 1.0
    return float(np.abs(values - expected).max()) / scale


def check_batch(harness: Harness, batch: _seam.Batch) -> float:
    """Compare sum, adjoint and gradient by form factors with the core; return the worst error."""
    real = str(batch.frac.dtype)
    f, expected = (np.full(batch.out_shape, np.nan, COMPLEX[real]) for _ in range(2))
    harness.sum("", batch, [], [f])
    _seam.structure_factors(batch, expected)
    errors = [error_of(f, expected)]
    g = random_complex(np.random.default_rng(2), batch.out_shape).astype(COMPLEX[real])
    gradients = list(empty_gradients(len(batch.frac), real))
    of_core = empty_gradients(len(batch.frac), real)
    harness.sum("_vjp", batch, [g], gradients)
    _seam.structure_factors_vjp(batch, g, *of_core)
    for gradient, by_core in zip(gradients, of_core, strict=True):
        errors.append(error_of(gradient, by_core))
    by_form = np.zeros_like(batch.form)
    harness.sum("_form_vjp", batch, [g], [by_form])
    errors.append(error_of(by_form, form_gradient(batch, g)))
    return max(errors)


def check_transforms(harness: Harness, dtype: str, grid: tuple[int, int, int]) -> float:
    """Compare both transforms with the core; return the worst error."""
    f = random_complex(np.random.default_rng(3), (2, 7, 9, 11)).astype(COMPLEX[dtype])
    rho, of_core = (np.full((2, *grid), np.nan, dtype) for _ in range(2))
    back, back_of_core = (np.full_like(f, np.nan) for _ in range(2))
    harness.transforms(f, rho, back, 0.25)
    _seam.map_from_structure_factors(f, of_core, 0.25)
    _seam.structure_factors_from_map(of_core, back_of_core, 0.25)
    return max(error_of(rho, of_core), error_of(back, back_of_core))


def checks(harness: Harness, small: bool) -> Iterator[tuple[str, str, Callable[[], float]]]:
    """List all comparisons: name, precision, and the function that returns the error."""
    for name, batch in batches(small):
        yield name, str(batch.frac.dtype), lambda batch=batch: check_batch(harness, batch)
    grids = [(7, 10, 12)] if small else [(7, 10, 12), (32, 32, 32), (17, 40, 33)]
    for dtype in ("float64", "float32"):
        for grid in grids:
            yield (
                f"maps {grid} {dtype}",
                dtype,
                lambda dtype=dtype, grid=grid: check_transforms(harness, dtype, grid),
            )


def open_device(emulated: bool) -> tuple[Any, Memory]:
    """Return the module `_cuda` and the memory that it works on; exit where there is no device."""
    if emulated:
        import emulated as emulation

        return emulation.module(), HostMemory()
    import argand

    if not argand.cuda.is_available():
        raise SystemExit(f"no CUDA device: {argand.cuda.reason()}")
    from argand import _cuda

    return _cuda, DeviceMemory()


def main() -> int:
    """Run all comparisons, print each as JSON, and return 1 where one is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", action="store_true", help="only say which device there is")
    parser.add_argument("--small", action="store_true", help="small cases, for the sanitizers")
    parser.add_argument("--emulated", action="store_true")
    options = parser.parse_args()
    cuda, memory = open_device(options.emulated)
    devices, _ = cuda.status()
    print(json.dumps({"devices": devices, "compiler": cuda.compiler()}))
    if options.device:
        return 0
    wrong = 0
    harness = Harness(cuda, memory)
    small = options.small or options.emulated
    for name, precision, compare in checks(harness, small):
        error = compare()
        is_right = error < TOLERANCE[precision]
        wrong += not is_right
        print(json.dumps({"case": name, "error": error, "right": is_right}))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
