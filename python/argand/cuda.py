"""The functions of argand on a CUDA device, for CuPy arrays, and whether there is a device.

Arrays come in and go out by DLPack; torch tensors are taken too, without derivatives
(`argand.torch` has them). Work is put on the stream that the arrays' library works on, on the
device where the arrays lie. Nothing is copied, nothing waits for the device, and what memory is
needed comes from the arrays' library, so a CUDA graph can capture a call. The numbers of index
arrays are not checked, since that would wait: a wrong `scatterer` or `atom_ptr` reads foreign
memory.
"""

from __future__ import annotations

from argand import _seam
from argand._fft import box_by_fft, map_by_fft, matrix_is_cheaper
from argand._seam.arrays import (
    Array,
    ArrayDevice,
    array_module,
    device_of,
    dtype_name,
    library_of,
)
from argand._seam.checks import COMPLEX, REAL, check_real

__all__ = [
    "device_count",
    "is_available",
    "map_from_structure_factors",
    "reason",
    "structure_factors",
    "structure_factors_from_map",
    "structure_factors_vjp",
]


def is_available() -> bool:
    """Tell whether argand was built with CUDA and there is a device; `reason` says why not."""
    return device_count() > 0


def device_count() -> int:
    """Return the number of CUDA devices that argand can run on."""
    count, _ = _seam.cuda_status()
    return count


def reason() -> str:
    """Say in words why there is no CUDA device to run on; the text is empty where there is one."""
    _, words = _seam.cuda_status()
    return words


def structure_factors(
    frac: Array,
    form: Array,
    hkl: Array | None = None,
    *,
    box: int | tuple[int, int, int] | None = None,
    beta: Array | None = None,
    occ: Array | None = None,
    scatterer: Array | None = None,
    atom_ptr: Array | None = None,
    form_ptr: Array | None = None,
    hkl_ptr: Array | None = None,
    out: Array | None = None,
) -> Array:
    """Compute structure factors of one crystal or a ragged batch of crystals in P 1.

    F(h) = sum_j occ_j f_j(h) exp(-h^T beta_j h) exp(+2 pi i h.x_j) over the atoms j of a crystal.

    Parameters
    ----------
    frac
        Fractional coordinates (atoms, 3), float32 or float64; all crystals one after another.
    form
        Form factors (rows, m), real or complex: a row for each kind of atom, an entry for each
        reflection. Rows of different length come flat, with `form_ptr` (rows + 1,) int64. On a box
        real form factors must be even in hkl.
    hkl
        Miller indices (m, 3) int32, shared by all crystals or cut by `hkl_ptr` (crystals + 1,)
        int64.
    box
        Instead of `hkl`: the box -h..h, -k..k, -l..l, h slowest; one number for three equal sides.
    beta
        Displacement (atoms, 6), 11 22 33 12 13 23; None: no displacement.
    occ
        Occupancy (atoms,); None: 1.
    scatterer
        Row of `form` for each atom (atoms,) int32; None: atom j has row j.
    atom_ptr
        First atom of each crystal (crystals + 1,) int64; None: all atoms are one crystal.
    out
        Array to write to, of the shape returned.

    Returns
    -------
    complex64 or complex128: (crystals, m), (crystals, 2h+1, 2k+1, 2l+1) for a box, (m,) for ragged
    lists; without `atom_ptr` the axis of crystals is left out.

    Raises
    ------
    ValueError, TypeError
        Name the array, what it is and what it must be.
    """
    device = _require_device("frac", frac)
    real = check_real("frac", frac)
    batch = _seam.make_batch(
        *map(_resolved, (frac, form, hkl)),
        box=box,
        beta=_resolved(beta),
        occ=_resolved(occ),
        scatterer=scatterer,
        atom_ptr=atom_ptr,
        form_ptr=form_ptr,
        hkl_ptr=hkl_ptr,
    )
    if out is None:
        out = library_of(frac).empty(batch.out_shape, COMPLEX[real], device)
    _seam.structure_factors(batch, out.reshape(batch.out_shape))
    is_one_crystal = atom_ptr is None and hkl_ptr is None
    return out[0] if is_one_crystal and out.shape == batch.out_shape else out


def structure_factors_vjp(
    g: Array,
    frac: Array,
    form: Array,
    hkl: Array | None = None,
    *,
    box: int | tuple[int, int, int] | None = None,
    beta: Array | None = None,
    occ: Array | None = None,
    scatterer: Array | None = None,
    atom_ptr: Array | None = None,
    form_ptr: Array | None = None,
    hkl_ptr: Array | None = None,
) -> tuple[Array, Array, Array]:
    """Compute the derivatives of a real loss L by positions, displacements and occupancies.

    Parameters
    ----------
    g
        dL/dRe F + i dL/dIm F, in the shape and dtype that `structure_factors` returns for the other
        arguments.
    frac, form, hkl, box, beta, occ, scatterer, atom_ptr, form_ptr, hkl_ptr
        Arguments of `structure_factors`.

    Returns
    -------
    dL/dfrac (atoms, 3), dL/dbeta (atoms, 6) and dL/docc (atoms,), in the dtype of `frac`.

    Raises
    ------
    ValueError, TypeError
        Name the array, what it is and what it must be.
    """
    device = _require_device("frac", frac)
    real = check_real("frac", frac)
    batch = _seam.make_batch(
        *map(_resolved, (frac, form, hkl)),
        box=box,
        beta=_resolved(beta),
        occ=_resolved(occ),
        scatterer=scatterer,
        atom_ptr=atom_ptr,
        form_ptr=form_ptr,
        hkl_ptr=hkl_ptr,
    )
    atoms, library = frac.shape[0], library_of(frac)
    grad_frac = library.empty((atoms, 3), real, device)
    grad_beta = library.empty((atoms, 6), real, device)
    grad_occ = library.empty((atoms,), real, device)
    g = _resolved(g).reshape(batch.out_shape)
    _seam.structure_factors_vjp(batch, g, grad_frac, grad_beta, grad_occ)
    return grad_frac, grad_beta, grad_occ


def map_from_structure_factors(
    f: Array,
    shape: tuple[int, int, int],
    volume: float = 1.0,
) -> Array:
    """Transform boxes of structure factors to maps: rho(x) = (1/V) Re sum_h F(h) exp(-2 pi i h.x).

    Boxes too large for the kernels go to the FFT of the arrays' library.

    Parameters
    ----------
    f
        Boxes (..., 2h+1, 2k+1, 2l+1), complex64 or complex128, h slowest.
    shape
        Grid (na, nb, nc) over the whole cell.
    volume
        Volume V of the cell in A^3.

    Returns
    -------
    (..., na, nb, nc) float32 or float64, in e/A^3.

    Raises
    ------
    ValueError
        Names the argument, what it is and what it must be.
    """
    f_dtype = dtype_name(f)
    if len(f.shape) < 3 or f_dtype not in REAL:
        raise ValueError(
            f"f is {f_dtype} {tuple(f.shape)}, needs a complex array (..., 2h+1, 2k+1, 2l+1)"
        )
    if len(shape) != 3 or min(shape) < 1:
        raise ValueError(f"shape is {tuple(shape)}, needs three numbers >= 1")
    device = _require_device("f", f)
    *leading, rows, columns, layers = f.shape
    boxes = _resolved(f).reshape(-1, rows, columns, layers)
    reach = (rows // 2, columns // 2, layers // 2)
    real = REAL[f_dtype]
    if matrix_is_cheaper(reach, shape) and _seam.transform_fits(real, reach, shape):
        rho_shape = (boxes.shape[0], *shape)
        rho = library_of(f).empty(rho_shape, real, device)
        _seam.map_from_structure_factors(boxes, rho, 1.0 / volume)
    else:
        rho = map_by_fft(array_module(f), boxes, shape, 1.0 / volume)
    return rho.reshape(*leading, *shape)


def structure_factors_from_map(
    rho: Array,
    hkl_max: int | tuple[int, int, int],
    volume: float = 1.0,
) -> Array:
    """Transform maps to boxes of structure factors: F(h) = (V/N) sum_x rho(x) exp(+2 pi i h.x).

    It undoes `map_from_structure_factors` where the grid has more than 2 h_max points along each
    axis. Boxes too large for the kernels go to the FFT of the arrays' library.

    Parameters
    ----------
    rho
        Maps (..., na, nb, nc) over the whole cell, float32 or float64, in e/A^3.
    hkl_max
        Box (h, k, l), or one number for three equal sides.
    volume
        Volume V of the cell in A^3.

    Returns
    -------
    (..., 2h+1, 2k+1, 2l+1) complex64 or complex128, h slowest.

    Raises
    ------
    ValueError
        Names the argument, what it is and what it must be.
    """
    real = dtype_name(rho)
    if len(rho.shape) < 3 or real not in COMPLEX:
        raise ValueError(f"rho is {real} {tuple(rho.shape)}, needs a real array (..., na, nb, nc)")
    device = _require_device("rho", rho)
    box = (hkl_max, hkl_max, hkl_max) if isinstance(hkl_max, int) else hkl_max
    *leading, na, nb, nc = rho.shape
    maps = _resolved(rho).reshape(-1, na, nb, nc)
    grid = (int(na), int(nb), int(nc))
    scale = volume / (grid[0] * grid[1] * grid[2])
    if matrix_is_cheaper(box, grid) and _seam.transform_fits(real, box, grid):
        f_shape = (maps.shape[0], *_seam.box_shape(box))
        f = library_of(rho).empty(f_shape, COMPLEX[real], device)
        _seam.structure_factors_from_map(maps, f, scale)
    else:
        f = box_by_fft(array_module(rho), maps, box, scale)
    return f.reshape(*leading, *f.shape[1:])


def _resolved(array: Array | None) -> Array:
    """Return an array whose memory holds its numbers; torch conjugates and negates lazily."""
    return None if array is None else library_of(array).resolved(array)


def _require_device(name: str, array: Array) -> ArrayDevice:
    """Return the CUDA device on which an array lies; raise where it lies elsewhere."""
    device = device_of(array)
    if device.kind != "cuda":
        raise ValueError(
            f"{name} is on {device}, needs a CUDA device: "
            "argand's other functions take arrays of the CPU"
        )
    return device
