"""The seam: the only caller of the compiled modules.

Arrays may be numpy arrays, torch tensors or CuPy arrays; nothing here imports torch or CuPy. The caller allocates every
output, this module checks shapes, types and layout once and hands addresses over. Everything is ragged-batched: the
atoms of crystal ``c`` are rows ``atom_ptr[c]:atom_ptr[c+1]``.

Where ``frac`` or the map lies, there the call runs, and all other arrays must lie there too. On a device the numbers of
index arrays are not looked at, since that would wait for the device: whoever calls must know that they are right.
Work is put on the stream that the arrays' library works on, whatever memory it takes meanwhile comes from that library.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from argand import _core
from argand._seam import arrays as _arrays
from argand._seam.arrays import CPU, Array, Place, place
from argand._seam.arrays import address as _address
from argand._seam.arrays import dtype_name as _dtype

_cuda = _arrays._cuda

_COMPLEX = {"float32": "complex64", "float64": "complex128"}


class Batch(NamedTuple):
    """A ragged batch of crystals in P 1 and the reflections wanted of each.

    Reflections are either a ``box`` (h, k, l), meaning -h..h, -k..k, -l..l with h slowest, or a list ``hkl`` (m, 3),
    int32, or float64 where orders are not integers, shared by all crystals or cut by ``hkl_ptr``. Form factors lie in
    one flat array: the row of scatterer ``r`` starts at ``form[form_ptr[r]]`` and holds one number for each reflection
    of the crystals that name it.
    """

    atom_ptr: Array  # (crystals + 1,) int64
    frac: Array  # (atoms, 3) T
    beta: Array | None  # (atoms, 6) T; None: atoms at rest
    occ: Array | None  # (atoms,) T; None: all 1
    scatterer: Array  # (atoms,) int32
    form: Array  # (entries,) T, or complex with dispersion
    form_ptr: Array  # (scatterers + 1,) int64
    hkl: Array | None = None  # (m, 3) int32 or float64
    hkl_ptr: Array | None = None  # (crystals + 1,) int64
    box: tuple[int, int, int] | None = None

    @property
    def crystals(self) -> int:
        return len(self.atom_ptr) - 1

    @property
    def box_shape(self) -> tuple[int, int, int]:
        assert self.box is not None
        h, k, l = self.box
        return (2 * h + 1, 2 * k + 1, 2 * l + 1)

    @property
    def out_shape(self) -> tuple[int, ...]:
        """Shape of F: (crystals, 2h+1, 2k+1, 2l+1) of a box, (crystals, m) of a shared list, (m,) of ragged lists."""
        if self.box is not None:
            return (self.crystals, *self.box_shape)
        assert self.hkl is not None
        return (
            (self.hkl.shape[0],) if self.hkl_ptr is not None else (self.crystals, self.hkl.shape[0])
        )


def structure_factors(batch: Batch, out: Array, *, trusted: bool = False) -> None:
    """Write F of every crystal into ``out`` (see ``Batch.out_shape``); `trusted`: argand itself has built the batch."""
    where = place(batch.frac)
    bits = (
        (32 if _dtype(batch.frac) == "float32" else 64) if trusted else _check_batch(batch, where)
    )
    _check("out", out, batch.out_shape, _COMPLEX[_dtype(batch.frac)], where, written=True)
    name = f"structure_factors_{_kind(batch)}"
    if where is CPU:
        getattr(_core, name)(bits, *_arguments(batch), _address(out))
    else:
        _on_device(name, batch, bits, where, (out,))


def structure_factors_vjp(
    batch: Batch, g: Array, grad_frac: Array | None, grad_beta: Array | None, grad_occ: Array | None
) -> None:
    """Write dL/dfrac, dL/dbeta, dL/docc of a real loss L with g = dL/dRe F + i dL/dIm F, where they are wanted."""
    where = place(batch.frac)
    bits = _check_batch(batch, where)
    real = _dtype(batch.frac)
    atoms = batch.frac.shape[0]
    _check("g", g, batch.out_shape, _COMPLEX[real], where)
    for name, grad, shape in (
        ("grad_frac", grad_frac, (atoms, 3)),
        ("grad_beta", grad_beta, (atoms, 6)),
        ("grad_occ", grad_occ, (atoms,)),
    ):
        if grad is not None:
            _check(name, grad, shape, real, where, written=True)
    name = f"structure_factors_{_kind(batch)}_vjp"
    if where is CPU:
        addresses = (_address(g), _address(grad_frac), _address(grad_beta), _address(grad_occ))
        getattr(_core, name)(bits, *_arguments(batch), *addresses)
    else:
        _on_device(name, batch, bits, where, (g, grad_frac, grad_beta, grad_occ))


def structure_factors_form_vjp(batch: Batch, g: Array, gradient: Array) -> None:
    """Add dL/dform to ``gradient``, on a device: crystals that share a row of form add to it in no fixed order.

    On the CPU see ``argand._form_gradient``.
    """
    where = place(batch.frac)
    bits = _check_batch(batch, where)
    _check("g", g, batch.out_shape, _COMPLEX[_dtype(batch.frac)], where)
    _check("gradient", gradient, tuple(batch.form.shape), _dtype(batch.form), where, written=True)
    if where is CPU:
        raise ValueError("frac is on the CPU, needs a CUDA device")
    _on_device(f"structure_factors_{_kind(batch)}_form_vjp", batch, bits, where, (g, gradient))


def _on_device(
    name: str, batch: Batch, bits: int, where: Place, arrays: tuple[Array | None, ...]
) -> None:
    cuda, library = _cuda_module(where), _arrays.library(batch.frac)
    atoms, form, reflections = _arguments(batch)
    h, k, l = batch.box_shape if batch.box is not None else (0, 0, 0)
    extents = (batch.frac.shape[0], h * k * l if batch.hkl is None else batch.hkl.shape[0])
    sums = name.removesuffix("_form_vjp")  # the workspace of the sum itself
    size = getattr(cuda, f"{sums}_workspace")(batch.crystals, extents, reflections)
    workspace = library.empty(size, where.number) if size else None
    queue = (where.number, library.stream(where.number))
    addresses = [_address(array) for array in arrays]
    getattr(cuda, name)(
        bits, atoms, form, reflections, *addresses, extents, _address(workspace), queue
    )


def map_from_structure_factors(f: Array, rho: Array, scale: float) -> None:
    """rho = scale Re sum F exp(-2 pi i h.x): boxes (n, 2h+1, 2k+1, 2l+1) to maps (n, a, b, c)."""
    where = place(rho)
    bits, maps, box, grid = _check_transform(f, rho, where, written="rho")
    if where is CPU:
        _core.map_from_structure_factors(bits, maps, box, _address(f), grid, scale, _address(rho))
        return
    cuda, library = _cuda_module(where), _arrays.library(rho)
    queue = (where.number, library.stream(where.number))
    cuda.map_from_structure_factors(bits, maps, box, _address(f), grid, scale, _address(rho), queue)


def structure_factors_from_map(rho: Array, f: Array, scale: float) -> None:
    """F = scale sum rho exp(+2 pi i h.x): maps (n, a, b, c) to boxes (n, 2h+1, 2k+1, 2l+1)."""
    where = place(rho)
    bits, maps, box, grid = _check_transform(f, rho, where, written="f")
    if where is CPU:
        _core.structure_factors_from_map(bits, maps, box, _address(f), grid, scale, _address(rho))
        return
    cuda, library = _cuda_module(where), _arrays.library(rho)
    size = cuda.structure_factors_from_map_workspace(bits, maps, box, grid)
    workspace = library.empty(size, where.number) if size else None
    queue = (where.number, library.stream(where.number))
    cuda.structure_factors_from_map(
        bits, maps, box, _address(f), grid, scale, _address(rho), _address(workspace), queue
    )


def transform_fits(real: str, box: tuple[int, int, int], grid: tuple[int, int, int]) -> bool:
    """Whether the device's kernels take this box and grid; others are for an FFT."""
    return _cuda is not None and bool(
        _cuda.transform_fits(32 if real == "float32" else 64, box, grid)
    )


def _cuda_module(where: Place) -> Any:
    if where.kind != "cuda":
        raise ValueError(f"arrays are on {where}, need to be on the CPU or on a CUDA device")
    if _cuda is None:
        raise RuntimeError("arrays are on a CUDA device, but argand was built without CUDA")
    return _cuda


def gaussian_sums(a: Array, b: Array, squares: Array, out: Array) -> None:
    """out[r, i] = sum_t a[r, t] exp(-b[r, t] squares[i]); a, b (rows, terms), squares (points,), all float64.

    b and the squares are not negative. Only argand calls it, with arrays that it has made: nothing is checked.
    """
    rows, terms = a.shape
    points = squares.shape[0]
    _core.gaussian_sums(
        rows, terms, _address(a), _address(b), points, _address(squares), _address(out)
    )


def stol_squares(hkl: Array, metric: Array, out: Array) -> None:
    """out[i] = h^T G* h / 4; hkl (m, 3) int32 or float64, metric (3, 3) and out (m,) float64. As unchecked as above."""
    _core.stol_squares(
        _dtype(hkl) == "int32", hkl.shape[0], _address(hkl), _address(metric), _address(out)
    )


def survey(
    hkl: Array, metric: Array, out: Array
) -> tuple[tuple[int, int, int], tuple[float, float]]:
    """The same of hkl (m, 3) int32; returns the largest |h|, |k|, |l|, and the least and the largest square."""
    return _core.survey(hkl.shape[0], _address(hkl), _address(metric), _address(out))


def arrangement(hkl: Array) -> tuple[int, int]:
    """How many runs of neighbours there are in hkl (m, 3) that share h and k and rise by one in l; and n where it is
    the cube of `hkl_cube(n)`, else -1. As unchecked as above."""
    return _core.arrangement(_dtype(hkl) == "int32", hkl.shape[0], _address(hkl))


class JacobianSites(NamedTuple):
    """Sites of crystals that share all but these coordinates, and which derivatives are wanted of each."""

    frac: Array  # (crystals, sites, 3) float64
    beta: Array  # (crystals, sites, 6) T
    occ: Array  # (crystals, sites) T
    share: Array  # (sites,) T, occupancy that one operation's image has of it
    scatterer: Array  # (sites,) int32, row of u
    columns: Array  # (sites, 4) int32, first column of x y z, of beta, of B, of the occupancy; -1: not wanted


class JacobianOrders(NamedTuple):
    """Reflections, padded to a multiple of 16, as each operation sees them."""

    orders: Array  # (operations, 3, reflections) T: hR
    turns: Array  # (operations, reflections) T: h.t
    squares: Array  # (reflections,) T: stol^2


def jacobian(sites: JacobianSites, reflections: JacobianOrders, u: Array, out: Array) -> None:
    """Write Re(u dF/dq) (crystals, width, reflections); u (crystals, scatterers, 2, reflections), see jacobian.hpp."""
    real = _dtype(out)
    if real not in _COMPLEX:
        raise TypeError(f"out has dtype {real}, needs float32 or float64")
    crystals, count = sites.occ.shape
    operations, size = reflections.turns.shape
    scatterers, width = u.shape[1], out.shape[1]
    if size % 16:
        raise ValueError(f"turns has {size} reflections, needs a multiple of 16")
    shapes = (
        (crystals, count, 3),
        (crystals, count, 6),
        (crystals, count),
        (count,),
        (count,),
        (count, 4),
    )
    types = ("float64", real, real, real, "int32", "int32")
    for name, array, shape, dtype in zip(JacobianSites._fields, sites, shapes, types, strict=True):
        _check(name, array, shape, dtype)
    for name, array, shape in zip(
        JacobianOrders._fields,
        reflections,
        ((operations, 3, size), (operations, size), (size,)),
        strict=True,
    ):
        _check(name, array, shape, real)
    _check("u", u, (crystals, scatterers, 2, size), real)
    _check("out", out, (crystals, width, size), real, written=True)
    if count and not (int(sites.scatterer.min()) >= 0 and int(sites.scatterer.max()) < scatterers):
        raise ValueError(
            f"scatterer runs to {int(sites.scatterer.max())}, needs 0 to {scatterers - 1}: the rows of u"
        )
    firsts = [int(first) for first in sites.columns.max(axis=0)] if count else []
    needed = max(
        (first + n for first, n in zip(firsts, (3, 6, 1, 1), strict=False) if first >= 0), default=0
    )
    if needed > width:
        raise ValueError(f"out has {width} columns, needs {needed}")
    extents = (crystals, count, operations, size, scatterers, width)
    frac, beta, occ, share, scatterer, columns = map(_address, sites)
    orders, turns, squares = map(_address, reflections)
    by_site, by_order = (frac, beta, occ, share, scatterer, columns), (orders, turns, squares)
    _core.jacobian(
        32 if real == "float32" else 64, extents, by_site, by_order, _address(u), _address(out)
    )


class Seen(NamedTuple):
    """What is seen of structure factors, each (crystals, size): |F|, |F| scale, arg F, and which are seen at all."""

    weight: Array
    amplitude: Array
    phase: Array
    mask: Array  # bool


class Detector(NamedTuple):
    """What is seen of crystal c is said by row[c] of the tables: mask = reach and |F| scale > threshold."""

    row: Array  # (crystals,) int64
    scale: Array  # (rows, size)
    reach: Array  # (rows, size) bool
    threshold: float


def measure(f: Array, detector: Detector, out: Seen) -> None:
    """Write what is seen of F (crystals, size) in one pass; everything is 0 where the mask is."""
    complex_ = _dtype(f)
    real = {"complex64": "float32", "complex128": "float64"}.get(complex_)
    if real is None:
        raise TypeError(f"f has dtype {complex_}, needs complex64 or complex128")
    crystals, size = f.shape
    _check("f", f, (crystals, size), complex_)
    tables, seen = _check_measure(detector, out, crystals, size, real)
    _core.measure(32 if real == "float32" else 64, crystals, size, _address(f), tables, seen)


def measure_boxes(batch: Batch, detector: Detector, out: Seen) -> None:
    """The same of a batch on a box with real form factors, whose F is kept nowhere."""
    bits = _check_batch(batch)
    real = _dtype(batch.frac)
    if batch.box is None or _dtype(batch.form) != real:
        raise TypeError("measure_boxes needs a box and real form factors")
    h, k, l = batch.box_shape
    tables, seen = _check_measure(detector, out, batch.crystals, h * k * l, real)
    atoms, (value, row_ptr, _), box = _arguments(batch)
    _core.measure_boxes(bits, atoms, (value, row_ptr), box, tables, seen)


def _check_measure(
    detector: Detector, out: Seen, crystals: int, size: int, real: str
) -> tuple[tuple[int, int, int, float], tuple[int, int, int, int]]:
    row, scale, reach, threshold = detector
    rows = scale.shape[0]
    _check("row", row, (crystals,), "int64")
    _check("scale", scale, (rows, size), real)
    _check("reach", reach, (rows, size), "bool")
    for name, array in zip(Seen._fields, out, strict=True):
        _check(name, array, (crystals, size), "bool" if name == "mask" else real, written=True)
    if crystals and not (int(row.min()) >= 0 and int(row.max()) < rows):
        raise ValueError(
            f"row runs from {int(row.min())} to {int(row.max())}, needs 0 to {rows - 1}"
        )
    tables = (_address(row), _address(scale), _address(reach), threshold)
    return tables, (
        _address(out.weight),
        _address(out.amplitude),
        _address(out.phase),
        _address(out.mask),
    )


def _kind(batch: Batch) -> str:
    if batch.box is not None:
        return "box"
    return "points" if _dtype(batch.hkl) == "float64" else "list"


def _arguments(
    batch: Batch,
) -> tuple[tuple[int, int, int, int, int, int], tuple[int, int, bool], tuple[int, int, int]]:
    atoms = (
        batch.crystals,
        _address(batch.atom_ptr),
        _address(batch.frac),
        _address(batch.beta),
        _address(batch.occ),
        _address(batch.scatterer),
    )
    form = (
        _address(batch.form),
        _address(batch.form_ptr),
        _dtype(batch.form).startswith("complex"),
    )
    if batch.box is not None:
        return atoms, form, batch.box
    assert batch.hkl is not None
    return atoms, form, (batch.hkl.shape[0], _address(batch.hkl_ptr), _address(batch.hkl))


def _check_batch(batch: Batch, where: Place = CPU) -> int:
    """Everything that the kernels trust: layout, lengths, and on the CPU that no index leads outside."""
    real = _dtype(batch.frac)
    if real not in _COMPLEX:
        raise TypeError(f"frac has dtype {real}, needs float32 or float64")
    atoms = batch.frac.shape[0]
    _check("atom_ptr", batch.atom_ptr, (batch.crystals + 1,), "int64", where)
    _check("frac", batch.frac, (atoms, 3), real, where)
    if batch.beta is not None:
        _check("beta", batch.beta, (atoms, 6), real, where)
    if batch.occ is not None:
        _check("occ", batch.occ, (atoms,), real, where)
    _check("scatterer", batch.scatterer, (atoms,), "int32", where)
    _check("form_ptr", batch.form_ptr, (len(batch.form_ptr),), "int64", where)
    form_dtype = _dtype(batch.form)
    if form_dtype not in (real, _COMPLEX[real]):
        raise TypeError(f"form has dtype {form_dtype}, needs {real} or {_COMPLEX[real]}")
    _check("form", batch.form, (len(batch.form),), form_dtype, where)
    if (batch.box is None) == (batch.hkl is None):
        raise TypeError("reflections must be given either as a box or as a list hkl")
    if batch.box is not None:
        if min(batch.box) < 0:
            raise ValueError(f"box is {batch.box}, needs three numbers >= 0")
        h, k, l = batch.box_shape
        needed: Any = h * k * l
    else:
        assert batch.hkl is not None
        hkl_dtype = "float64" if _dtype(batch.hkl) == "float64" else "int32"
        _check("hkl", batch.hkl, (batch.hkl.shape[0], 3), hkl_dtype, where)
        needed = batch.hkl.shape[0]
        if batch.hkl_ptr is not None:
            _check("hkl_ptr", batch.hkl_ptr, (batch.crystals + 1,), "int64", where)
    if where is CPU:
        _check_indices(batch, needed)
    return 32 if real == "float32" else 64


def _check_indices(batch: Batch, needed: int) -> None:
    atoms, entries, rows = batch.frac.shape[0], len(batch.form), len(batch.form_ptr) - 1
    if rows >= 0 and batch.crystals >= 0:
        extents = (batch.crystals, atoms, rows, entries, needed)
        pointers = (batch.atom_ptr, batch.scatterer, batch.form_ptr, batch.hkl_ptr)
        if _core.indices_fit(extents, *map(_address, pointers)):
            return
    # something is wrong: what
    _check_ptr("atom_ptr", batch.atom_ptr, atoms)
    _check_ptr("form_ptr", batch.form_ptr, entries)
    if batch.hkl_ptr is not None:
        _check_ptr("hkl_ptr", batch.hkl_ptr, needed)
    low, high = int(batch.scatterer.min()), int(batch.scatterer.max())
    if low < 0 or high >= rows:
        raise ValueError(
            f"scatterer runs from {low} to {high}, needs 0 to {rows - 1}: the rows of form"
        )
    lengths = batch.form_ptr[1:] - batch.form_ptr[:-1]
    if batch.hkl_ptr is None:
        if int(lengths.min()) < needed:
            raise ValueError(
                f"a row of form has {int(lengths.min())} entries, needs {needed}: one a reflection"
            )
        return
    wanted = batch.hkl_ptr[1:] - batch.hkl_ptr[:-1]
    for c in range(batch.crystals):
        own = batch.scatterer[int(batch.atom_ptr[c]) : int(batch.atom_ptr[c + 1])]
        if len(own) and int(lengths[own].min()) < int(wanted[c]):
            raise ValueError(
                f"a row of form used by crystal {c} has {int(lengths[own].min())} entries, needs {int(wanted[c])}"
            )


def _check_transform(
    f: Array, rho: Array, where: Place, written: str
) -> tuple[int, int, tuple[int, int, int], tuple[int, int, int]]:
    real = _dtype(rho)
    if real not in _COMPLEX:
        raise TypeError(f"rho has dtype {real}, needs float32 or float64")
    if len(f.shape) != 4 or any(n % 2 == 0 for n in f.shape[1:]):
        raise ValueError(f"f has shape {tuple(f.shape)}, needs (maps, 2h+1, 2k+1, 2l+1)")
    if len(rho.shape) != 4 or min(rho.shape[1:]) < 1:
        raise ValueError(f"rho has shape {tuple(rho.shape)}, needs (maps, na, nb, nc)")
    _check("f", f, (rho.shape[0], *f.shape[1:]), _COMPLEX[real], where, written=written == "f")
    _check("rho", rho, tuple(rho.shape), real, where, written=written == "rho")
    h, k, l = (n // 2 for n in f.shape[1:])
    na, nb, nc = rho.shape[1:]
    return (32 if real == "float32" else 64), rho.shape[0], (h, k, l), (na, nb, nc)


def _check(
    name: str,
    array: Array,
    shape: tuple[int, ...],
    dtype: str,
    where: Place = CPU,
    written: bool = False,
) -> None:
    if tuple(array.shape) != shape:
        raise ValueError(f"{name} has shape {tuple(array.shape)}, needs {shape}")
    if _dtype(array) != dtype:
        raise TypeError(f"{name} has dtype {_dtype(array)}, needs {dtype}")
    if (found := place(array)) != where:
        raise ValueError(f"{name} is on {found}, needs {where}")
    if hasattr(array, "data_ptr"):
        contiguous = array.is_contiguous()
    elif where is CPU:
        contiguous = array.flags.c_contiguous
        if written and not array.flags.writeable:
            raise ValueError(f"{name} is read-only, needs to be writeable")
    else:
        _, contiguous, writeable = _arrays.view(array)
        if written and not writeable:
            raise ValueError(f"{name} is read-only, needs to be writeable")
    if not contiguous:
        raise ValueError(f"{name} is strided, needs to be contiguous (C order)")


def _check_ptr(name: str, ptr: Array, end: int) -> None:
    if len(ptr) < 1 or int(ptr[0]) != 0 or int(ptr[-1]) != end or bool((ptr[1:] < ptr[:-1]).any()):
        raise ValueError(f"{name} must rise from 0 to {end}")
