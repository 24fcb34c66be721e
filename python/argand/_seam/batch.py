"""A ragged batch of crystals: its arrays, how they are built, checked and handed to a kernel."""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import accumulate
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from argand._seam.arrays import CPU, Array, ArrayDevice, address, device_of, dtype_name, library_of
from argand._seam.checks import COMPLEX, check_array, check_real
from argand._seam.indices import check_indices

AtomArguments = tuple[int, int, int, int, int, int]
FormArguments = tuple[int, int, bool]
ReflectionArguments = tuple[int, int, int]


def box_shape(box: tuple[int, int, int]) -> tuple[int, int, int]:
    """Return the lengths 2h+1, 2k+1, 2l+1 of the box of reflections -h..h, -k..k, -l..l."""
    h, k, l = box
    return (2 * h + 1, 2 * k + 1, 2 * l + 1)


class Batch(NamedTuple):
    """Hold a ragged batch of crystals in P 1 and the reflections wanted of each.

    The atoms of crystal c are rows atom_ptr[c]:atom_ptr[c+1] of the arrays of atoms. Reflections
    are either a `box` (h, k, l), meaning -h..h, -k..k, -l..l with h slowest, or a list `hkl`,
    shared by all crystals or cut by `hkl_ptr`. Form factors lie in one flat array: the row of
    scatterer r starts at form[form_ptr[r]] and holds one number for each reflection of the crystals
    that name it. `real` below is float32 or float64.
    """

    # (crystals + 1,) int64
    atom_ptr: Array
    # (atoms, 3) real, fractional coordinates
    frac: Array
    # (atoms, 6) real, 11 22 33 12 13 23; None: no atom is displaced
    beta: Array | None
    # (atoms,) real; None: all 1
    occ: Array | None
    # (atoms,) int32, row of form of each atom
    scatterer: Array
    # (entries,) real, or complex with dispersion
    form: Array
    # (scatterers + 1,) int64
    form_ptr: Array
    # (m, 3) int32, or float64 where orders are not whole numbers
    hkl: Array | None = None
    # (crystals + 1,) int64
    hkl_ptr: Array | None = None
    box: tuple[int, int, int] | None = None

    @property
    def crystals(self) -> int:
        """Return the number of crystals."""
        return len(self.atom_ptr) - 1

    @property
    def reflections(self) -> int:
        """Return the number of reflections in the box or the list; ragged lists are one list."""
        if self.box is not None:
            return math.prod(box_shape(self.box))
        assert self.hkl is not None
        return int(self.hkl.shape[0])

    @property
    def reflection_kind(self) -> str:
        """Return how reflections are given: "box", "list" (int32) or "points" (float64)."""
        if self.box is not None:
            return "box"
        return "points" if dtype_name(self.hkl) == "float64" else "list"

    @property
    def out_shape(self) -> tuple[int, ...]:
        """Return the shape of F.

        It is (crystals, 2h+1, 2k+1, 2l+1) of a box, (crystals, m) of a shared list, (m,) of ragged
        lists.
        """
        if self.box is not None:
            return (self.crystals, *box_shape(self.box))
        assert self.hkl is not None
        reflections = self.hkl.shape[0]
        if self.hkl_ptr is not None:
            return (reflections,)
        return (self.crystals, reflections)


def row_pointers(lengths: Iterable[int]) -> NDArray[np.int64]:
    """Return where rows of given lengths begin in a flat array, and where the last one ends."""
    return np.array([0, *accumulate(lengths)], np.int64)


def make_batch(
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
) -> Batch:
    """Build a batch from arrays of numpy, torch or CuPy, with defaults for what is not given.

    The arrays are not copied, and not checked but for the shape of `form`: the functions of the
    seam do that.

    Parameters
    ----------
    frac, beta, occ, hkl, hkl_ptr
        Fields of `Batch`.
    form
        Form factors, a row for each scatterer: (rows, m), (rows, 2h+1, 2k+1, 2l+1), or flat with
        `form_ptr`.
    box
        Instead of `hkl`: (h, k, l), or one number for a box with three equal sides.
    scatterer
        Row of `form` for each atom (atoms,) int32; None: atom j has row j.
    atom_ptr
        First atom of each crystal (crystals + 1,) int64; None: all atoms are one crystal.
    form_ptr
        First entry of each row of `form` (rows + 1,) int64; None: the rows of an array of two or
        more axes.

    Raises
    ------
    TypeError
        Reflections are given neither as `hkl` nor as `box`, or as both.
    ValueError
        `form` has no axis of rows, and there is no `form_ptr`.
    """
    if (hkl is None) == (box is None):
        raise TypeError("reflections must be given either as hkl or as box")
    if isinstance(box, int):
        box = (box, box, box)
    atoms = frac.shape[0]
    if atom_ptr is None:
        atom_ptr = _equal_rows(frac, 1, atoms)
    if scatterer is None:
        scatterer = library_of(frac).arange(atoms, "int32", device_of(frac))
    if form_ptr is None:
        if len(form.shape) < 2:
            shape = tuple(form.shape)
            raise ValueError(f"form has shape {shape}, needs (rows, m), or flat with form_ptr")
        rows, *row_shape = form.shape
        form_ptr = _equal_rows(frac, rows, math.prod(row_shape))
    if len(form.shape) > 1:
        form = form.reshape(-1)
    return Batch(atom_ptr, frac, beta, occ, scatterer, form, form_ptr, hkl, hkl_ptr, box)


def _equal_rows(like: Array, rows: int, length: int) -> Array:
    """Return pointers 0, length, 2 length, ... to rows, made by the library of the array `like`."""
    row_numbers = library_of(like).arange(rows + 1, "int64", device_of(like))
    return row_numbers * length


def batch_arguments(batch: Batch) -> tuple[AtomArguments, FormArguments, ReflectionArguments]:
    """Return the atoms, form factors and reflections of a batch as a compiled function takes them.

    Arguments are not checked: only argand calls this.
    """
    atoms = (
        len(batch.atom_ptr) - 1,
        address(batch.atom_ptr),
        address(batch.frac),
        address(batch.beta),
        address(batch.occ),
        address(batch.scatterer),
    )
    is_complex = dtype_name(batch.form) in ("complex64", "complex128")
    form = (address(batch.form), address(batch.form_ptr), is_complex)
    if batch.box is not None:
        return atoms, form, batch.box
    hkl = batch.hkl
    assert hkl is not None
    reflections = (hkl.shape[0], address(batch.hkl_ptr), address(hkl))
    return atoms, form, reflections


def check_batch(batch: Batch, device: ArrayDevice = CPU) -> None:
    """Raise where a batch is not what the kernels take it for.

    Dtypes, shapes, devices and layout are checked, and every index of a batch on the CPU. The
    numbers of index arrays on a device are not looked at, since that would wait for the device.
    """
    real = check_real("frac", batch.frac)
    atoms, entries, rows = batch.frac.shape[0], len(batch.form), len(batch.form_ptr) - 1
    check_array("atom_ptr", batch.atom_ptr, (batch.crystals + 1,), "int64", device)
    check_array("frac", batch.frac, (atoms, 3), real, device)
    if batch.beta is not None:
        check_array("beta", batch.beta, (atoms, 6), real, device)
    if batch.occ is not None:
        check_array("occ", batch.occ, (atoms,), real, device)
    check_array("scatterer", batch.scatterer, (atoms,), "int32", device)
    check_array("form_ptr", batch.form_ptr, (rows + 1,), "int64", device)
    form_dtype = dtype_name(batch.form)
    if form_dtype not in (real, COMPLEX[real]):
        raise TypeError(f"form has dtype {form_dtype}, needs {real} or {COMPLEX[real]}")
    check_array("form", batch.form, (entries,), form_dtype, device)
    _check_reflections(batch, device)
    if device is CPU:
        check_indices(
            atoms,
            entries,
            batch.reflections,
            batch.atom_ptr,
            batch.scatterer,
            batch.form_ptr,
            batch.hkl_ptr,
        )
    elif atoms > 0 and batch.crystals < 1:
        raise ValueError(f"atom_ptr has no crystal for the {atoms} atoms of frac")


def _check_reflections(batch: Batch, device: ArrayDevice) -> None:
    """Raise where the box or the list of reflections of a batch is not one."""
    if (batch.box is None) == (batch.hkl is None):
        raise TypeError("reflections must be given either as a box or as a list hkl")
    if batch.box is not None:
        if min(batch.box) < 0:
            raise ValueError(f"box is {batch.box}, needs three numbers >= 0")
        return
    assert batch.hkl is not None
    dtype = "float64" if batch.reflection_kind == "points" else "int32"
    check_array("hkl", batch.hkl, (batch.hkl.shape[0], 3), dtype, device)
    if batch.hkl_ptr is not None:
        check_array("hkl_ptr", batch.hkl_ptr, (batch.crystals + 1,), "int64", device)
