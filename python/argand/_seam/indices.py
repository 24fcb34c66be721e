"""Index arrays of a ragged batch: no index may lead outside the array that it points into."""

from __future__ import annotations

from argand import _core
from argand._seam.arrays import Array, address
from argand._seam.checks import check_pointers


def check_indices(
    atoms: int,
    entries: int,
    reflections: int,
    atom_ptr: Array,
    scatterer: Array,
    form_ptr: Array,
    hkl_ptr: Array | None,
) -> None:
    """Raise where an index array of a batch on the CPU leads outside the array it points into.

    Shapes and dtypes of the arrays are not checked: `check_batch` has done that.

    Parameters
    ----------
    atoms, entries, reflections
        Rows of frac, numbers in form, and reflections in the box or the list.
    atom_ptr, scatterer, form_ptr, hkl_ptr
        Index arrays of a `Batch`.

    Raises
    ------
    ValueError
        Names the array, and the range that it must keep to.
    """
    crystals, rows = len(atom_ptr) - 1, len(form_ptr) - 1
    if crystals >= 0 and rows >= 0:
        extents = (crystals, atoms, rows, entries, reflections)
        pointers = (address(atom_ptr), address(scatterer), address(form_ptr), address(hkl_ptr))
        if _core.indices_fit(extents, *pointers):
            return

    # An index is wrong: look for the one to name.
    check_pointers("atom_ptr", atom_ptr, atoms)
    check_pointers("form_ptr", form_ptr, entries)
    if hkl_ptr is not None:
        check_pointers("hkl_ptr", hkl_ptr, reflections)
    lowest, highest = int(scatterer.min()), int(scatterer.max())
    if lowest < 0 or highest >= rows:
        raise ValueError(
            f"scatterer runs from {lowest} to {highest}, needs 0 to {rows - 1}: the rows of form"
        )
    row_lengths = form_ptr[1:] - form_ptr[:-1]
    if hkl_ptr is None:
        shortest = int(row_lengths.min())
        if shortest < reflections:
            raise ValueError(
                f"a row of form has {shortest} entries, needs {reflections}: one a reflection"
            )
        return
    list_lengths = hkl_ptr[1:] - hkl_ptr[:-1]
    for crystal in range(crystals):
        first, end = int(atom_ptr[crystal]), int(atom_ptr[crystal + 1])
        crystal_rows = scatterer[first:end]
        if not len(crystal_rows):
            continue
        shortest = int(row_lengths[crystal_rows].min())
        needed = int(list_lengths[crystal])
        if shortest < needed:
            raise ValueError(
                f"a row of form used by crystal {crystal} has {shortest} entries, needs {needed}"
            )
