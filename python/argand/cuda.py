"""The functions of argand on a CUDA device, for CuPy arrays, and whether there is a device.

Arrays come in and go out by DLPack; torch tensors are taken too, without derivatives (`argand.torch` has them). Work is
put on the stream that the arrays' library works on, on the device where the arrays lie. Nothing is copied, nothing
waits for the device, and what memory is needed comes from the arrays' library, so a CUDA graph can capture a call.
The numbers of index arrays are not checked, since that would wait: a wrong `scatterer` or `atom_ptr` reads foreign
memory.
"""

from __future__ import annotations

import math
import sys
from typing import Any

from argand import _seam
from argand._fft import box_by_fft, map_by_fft, matrix_is_cheaper
from argand._seam import arrays as _arrays
from argand._seam.arrays import dtype_name, place

__all__ = [
    "device_count",
    "is_available",
    "map_from_structure_factors",
    "reason",
    "structure_factors",
    "structure_factors_from_map",
    "structure_factors_vjp",
]

_cuda = _arrays._cuda

Array = Any  # cupy.ndarray or torch.Tensor

_COMPLEX = {"float32": "complex64", "float64": "complex128"}
_REAL = {complex_: real for real, complex_ in _COMPLEX.items()}


def is_available() -> bool:
    """Whether argand was built with CUDA and there is a device to run on; see `reason`."""
    return device_count() > 0


def device_count() -> int:
    """How many CUDA devices argand can run on."""
    return 0 if _cuda is None else int(_cuda.status()[0])


def reason() -> str:
    """Why there is no device, in words; empty where there is one."""
    if _cuda is None:
        return "argand was built without CUDA: no nvcc was found, or ARGAND_CUDA was OFF"
    return str(_cuda.status()[1])


def structure_factors(
    frac: Array,
    form: Array,
    hkl: Array | None = None,
    *,
    cube: int | tuple[int, int, int] | None = None,
    beta: Array | None = None,
    occ: Array | None = None,
    scatterer: Array | None = None,
    atom_ptr: Array | None = None,
    form_ptr: Array | None = None,
    hkl_ptr: Array | None = None,
    out: Array | None = None,
) -> Array:
    """F(h) = sum_j occ_j f_j(h) exp(-h^T beta_j h) exp(+2 pi i h.x_j) of one crystal or a ragged batch, in P 1.

    Arguments, shapes and result are those of `argand.torch.structure_factors`; `out` is an array to write to.
    """
    batch, single = _batch(frac, form, hkl, cube, beta, occ, scatterer, atom_ptr, form_ptr, hkl_ptr)
    if out is None:
        out = _empty(frac, batch.out_shape, _COMPLEX[_real(frac)])
    _seam.structure_factors(batch, out.reshape(batch.out_shape))
    return out[0] if single and hkl_ptr is None and out.shape == batch.out_shape else out


def structure_factors_vjp(
    g: Array,
    frac: Array,
    form: Array,
    hkl: Array | None = None,
    *,
    cube: int | tuple[int, int, int] | None = None,
    beta: Array | None = None,
    occ: Array | None = None,
    scatterer: Array | None = None,
    atom_ptr: Array | None = None,
    form_ptr: Array | None = None,
    hkl_ptr: Array | None = None,
) -> tuple[Array, Array, Array]:
    """dL/dfrac (n, 3), dL/dbeta (n, 6), dL/docc (n,) of a real loss L with g = dL/dRe F + i dL/dIm F.

    Arguments are those of `structure_factors`, whose result has the shape of `g`.
    """
    batch, _ = _batch(frac, form, hkl, cube, beta, occ, scatterer, atom_ptr, form_ptr, hkl_ptr)
    atoms = frac.shape[0]
    gradients = tuple(
        _empty(frac, shape, _real(frac)) for shape in ((atoms, 3), (atoms, 6), (atoms,))
    )
    _seam.structure_factors_vjp(batch, g.reshape(batch.out_shape), *gradients)
    return gradients


def map_from_structure_factors(f: Array, shape: tuple[int, int, int], volume: float = 1.0) -> Array:
    """rho(x) = (1/V) Re sum_h F(h) exp(-2 pi i h.x) on a grid over the whole cell, in e/A^3 for V in A^3.

    `f` is a box (..., 2h+1, 2k+1, 2l+1), complex64 or complex128, h slowest; the map is (..., na, nb, nc). Boxes too
    large for the kernels go to the FFT of the arrays' library.
    """
    if len(f.shape) < 3 or dtype_name(f) not in _REAL:
        raise ValueError(
            f"f is {dtype_name(f)} {tuple(f.shape)}, needs a complex array (..., 2h+1, 2k+1, 2l+1)"
        )
    if len(shape) != 3 or min(shape) < 1:
        raise ValueError(f"shape is {tuple(shape)}, needs three numbers >= 1")
    flat = f.reshape(-1, *f.shape[-3:])
    h, k, l = (n // 2 for n in f.shape[-3:])
    real = _REAL[dtype_name(f)]
    _on_device("f", f)
    if matrix_is_cheaper((h, k, l), shape) and _seam.transform_fits(real, (h, k, l), shape):
        rho = _empty(f, (flat.shape[0], *shape), real)
        _seam.map_from_structure_factors(flat, rho, 1.0 / volume)
    else:
        rho = map_by_fft(_module(f), flat, shape, 1.0 / volume)
    return rho.reshape(*f.shape[:-3], *shape)


def structure_factors_from_map(
    rho: Array, hkl_max: int | tuple[int, int, int], volume: float = 1.0
) -> Array:
    """F(h) = (V/N) sum_x rho(x) exp(+2 pi i h.x) on the box -h..h, -k..k, -l..l: undoes `map_from_structure_factors`
    where the grid has more than 2 h_max points along each axis.

    `rho` (..., na, nb, nc) float32 or float64 gives (..., 2h+1, 2k+1, 2l+1).
    """
    if len(rho.shape) < 3 or dtype_name(rho) not in _COMPLEX:
        raise ValueError(
            f"rho is {dtype_name(rho)} {tuple(rho.shape)}, needs a real array (..., na, nb, nc)"
        )
    h, k, l = (hkl_max,) * 3 if isinstance(hkl_max, int) else hkl_max
    na, nb, nc = (int(n) for n in rho.shape[-3:])
    flat = rho.reshape(-1, na, nb, nc)
    scale = volume / (na * nb * nc)
    _on_device("rho", rho)
    if matrix_is_cheaper((h, k, l), (na, nb, nc)) and _seam.transform_fits(
        dtype_name(rho), (h, k, l), (na, nb, nc)
    ):
        f = _empty(rho, (flat.shape[0], 2 * h + 1, 2 * k + 1, 2 * l + 1), _COMPLEX[dtype_name(rho)])
        _seam.structure_factors_from_map(flat, f, scale)
    else:
        f = box_by_fft(_module(rho), flat, (h, k, l), scale)
    return f.reshape(*rho.shape[:-3], *f.shape[1:])


def _batch(
    frac: Array,
    form: Array,
    hkl: Array | None,
    cube: int | tuple[int, int, int] | None,
    beta: Array | None,
    occ: Array | None,
    scatterer: Array | None,
    atom_ptr: Array | None,
    form_ptr: Array | None,
    hkl_ptr: Array | None,
) -> tuple[_seam.Batch, bool]:
    """The arguments as a batch, and whether it is one crystal without an axis of crystals."""
    if (hkl is None) == (cube is None):
        raise TypeError("reflections must be given either as hkl or as cube")
    _on_device("frac", frac)
    _real(frac)
    single = atom_ptr is None
    if atom_ptr is None:
        atom_ptr = _steps(frac, 2, frac.shape[0])
    if scatterer is None:
        scatterer = _steps(frac, frac.shape[0], 1, "int32")
    if form_ptr is None:
        if len(form.shape) < 2:
            raise ValueError(
                f"form has shape {tuple(form.shape)}, needs (rows, m), or flat with form_ptr"
            )
        form_ptr = _steps(frac, form.shape[0] + 1, math.prod(form.shape[1:]))
    box = None if cube is None else (cube,) * 3 if isinstance(cube, int) else cube
    return (
        _seam.Batch(
            atom_ptr, frac, beta, occ, scatterer, form.reshape(-1), form_ptr, hkl, hkl_ptr, box
        ),
        single,
    )


def _real(frac: Array) -> str:
    name = dtype_name(frac)
    if name not in _COMPLEX:
        raise TypeError(f"frac has dtype {name}, needs float32 or float64")
    return name


def _on_device(name: str, array: Array) -> None:
    where = place(array)
    if where.kind != "cuda":
        raise ValueError(
            f"{name} is on {where}, needs a CUDA device: argand's other functions take arrays of the CPU"
        )


def _module(array: Array) -> Any:
    return sys.modules[type(array).__module__.partition(".")[0]]


def _dtype(array: Array, name: str) -> Any:
    return getattr(_module(array), name)


def _empty(like: Array, shape: tuple[int, ...], dtype: str) -> Array:
    """An array of the same library on the same device."""
    if hasattr(like, "new_empty"):
        return like.new_empty(shape, dtype=_dtype(like, dtype))
    with like.device:
        return _module(like).empty(shape, dtype)


def _steps(like: Array, count: int, step: int, dtype: str = "int64") -> Array:
    """0, step, 2 step, ..., `count` numbers."""
    if hasattr(like, "new_empty"):
        return _module(like).arange(count, dtype=_dtype(like, dtype), device=like.device) * step
    with like.device:
        return _module(like).arange(count, dtype=dtype) * step
