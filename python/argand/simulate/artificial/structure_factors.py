"""Structure factors of many artificial crystals of one group, each at reflections of its own."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from argand import _seam
from argand.cell import FloatArray
from argand.form_factors import at_squares
from argand.simulate.artificial.crystals import CrystalBatch
from argand.simulate.artificial.elements import SYMBOLS
from argand.simulate.artificial.lattice import reciprocal
from argand.simulate.artificial.reflection_table import ReflectionTable

__all__ = ["RaggedReflections", "box_within", "calculate"]

# Reflections on the limit of resolution belong to the list, whatever the rounding of stol^2.
_ON_THE_LIMIT = 1.0 + 1e-9

# Boxes are made larger to a multiple of this, so that few tables are made.
_BOX_STEP = 4

# beta = B/4 times the reciprocal metric: stol^2 is a quarter of 1/d^2.
_BETA_OF_B = 0.25


class RaggedReflections(NamedTuple):
    """Hold the reflections of b crystals, one list after another, S in all."""

    #: (b + 1,) first reflection of each crystal
    first: NDArray[np.int64]
    #: (S,) row of the table of the group
    row: NDArray[np.int64]
    #: (S,) stol^2, 1/A^2
    stol2: FloatArray
    #: (S,) complex64, structure factors, electrons
    f: NDArray[np.complex64]
    #: (S,) sum of the form factors of all atoms of the cell, electrons
    in_phase: FloatArray


def box_within(batch: CrystalBatch, d_min: float) -> tuple[int, int, int]:
    """Return the indices H, K, L that no reflection of a batch exceeds down to d_min, angstrom."""
    # The largest indices within the resolution are the edges of the cell over it.
    edges = np.sqrt(batch.metric[:3].max(axis=1))
    steps = np.ceil(edges * (_ON_THE_LIMIT / (d_min * _BOX_STEP))).astype(int)
    h, k, l = (_BOX_STEP * steps).tolist()
    return h, k, l


def calculate(
    batch: CrystalBatch, table: ReflectionTable, d_min: float, form_table: str = "it92"
) -> RaggedReflections:
    """Compute F of each crystal of a batch at the reflections of a table down to d_min, angstrom.

    One call of the core sums over all atoms of all crystals. Operations that differ by a centring,
    or by an inversion at the origin, are summed once.
    """
    inverse = reciprocal(batch.metric)
    first, row, squares = _within(inverse, table, d_min)
    codes = np.unique(batch.code[batch.share > 0.0])
    form, begins = _form_factors(batch, codes, first, squares, form_table)
    in_phase = _in_phase(_content(batch, codes), form, begins, first)
    f = _sum(batch, table, first, row, codes, form.astype(np.float32), begins, inverse)
    return RaggedReflections(first, row, squares, f, in_phase)


def _within(
    inverse: FloatArray, table: ReflectionTable, d_min: float
) -> tuple[NDArray[np.int64], NDArray[np.int64], FloatArray]:
    """Return where each list begins (b + 1,), the rows (S,) of the table in it, and stol^2 (S,).

    `inverse` (6, b) are the reciprocal metrics of the cells, 1/A^2.
    """
    limit = _ON_THE_LIMIT * np.square(0.5 / d_min)
    metrics = np.ascontiguousarray(inverse[[[0, 3, 4], [3, 1, 5], [4, 5, 2]]].transpose(2, 0, 1))
    cells = len(metrics)
    first = np.empty(cells + 1, np.int64)
    rows = np.empty(cells * len(table.hkl), np.int64)
    squares = np.empty(len(rows))
    _seam.list_within(table.hkl, table.columns, metrics, limit, first, rows, squares)
    return first, rows[: first[-1]], squares[: first[-1]]


def _form_factors(
    batch: CrystalBatch,
    codes: NDArray[np.int64],
    first: NDArray[np.int64],
    squares: FloatArray,
    form_table: str,
) -> tuple[FloatArray, NDArray[np.int64]]:
    """Return form factors of each element of each crystal at the reflections of the crystal.

    Returns
    -------
    One row after another, and where the row (elements, b) of each begins, -1 for elements that a
    crystal does not have.
    """
    lengths = np.diff(first)
    begins = np.full((len(codes), len(lengths)), -1, np.int64)
    forms = []
    begin = 0
    for number, code in enumerate(codes):
        has_it = ((batch.code == code) & (batch.share > 0.0)).any(axis=1)
        of_crystals = squares[np.repeat(has_it, lengths)]
        forms.append(at_squares([SYMBOLS[code]], of_crystals, form_table)[0])
        ends = begin + np.cumsum(lengths[has_it])
        begins[number, has_it] = ends - lengths[has_it]
        begin += len(of_crystals)
    return np.concatenate(forms), begins


def _in_phase(
    content: FloatArray,
    form: FloatArray,
    begins: NDArray[np.int64],
    first: NDArray[np.int64],
) -> FloatArray:
    """Return the sum (S,) of the form factors of all atoms of the cell, content (b, elements)."""
    in_phase = np.zeros(first[-1])
    for crystal, element in np.argwhere(begins.T >= 0).tolist():
        rows = slice(first[crystal], first[crystal + 1])
        begin = begins[element, crystal]
        of_element = form[begin : begin + rows.stop - rows.start]
        in_phase[rows] += content[crystal, element] * np.abs(of_element)
    return in_phase


def _content(batch: CrystalBatch, codes: NDArray[np.int64]) -> FloatArray:
    """Return how many atoms (b, elements) of each element a cell has."""
    order = len(batch.operations.rotations)
    content = np.zeros((len(batch.sample), len(codes)))
    for number, code in enumerate(codes):
        # Shares are sums of few fractions: their order does not matter to the result.
        content[:, number] = order * np.where(batch.code == code, batch.share, 0.0).sum(axis=1)
    return content


def _sum(
    batch: CrystalBatch,
    table: ReflectionTable,
    first: NDArray[np.int64],
    row: NDArray[np.intp],
    codes: NDArray[np.int64],
    form: NDArray[np.float32],
    begins: NDArray[np.int64],
    inverse: FloatArray,
) -> NDArray[np.complex64]:
    """Return F (S,) of all crystals by the sum over atoms, in single precision."""
    operations = batch.operations
    crystal, site = np.nonzero(batch.share)
    images = operations.images(batch.frac[:, crystal, site])[:, :, operations.independent]
    images -= np.floor(images)
    copies = images.shape[2]
    factor = operations.centrings * (2 if operations.inversion_at_origin else 1)
    occ = factor * batch.share[crystal, site]
    beta = _BETA_OF_B * batch.b_iso[crystal, site, None] * inverse.T[crystal]
    element = np.searchsorted(codes, batch.code[crystal, site])
    crystals = len(batch.sample)
    # Rows of form factors are those of the elements that a crystal has, element after element.
    number = np.cumsum(begins.reshape(-1) >= 0).reshape(begins.shape) - 1
    scatterer = number[element, crystal]
    form_ptr = np.append(begins[begins >= 0], len(form))
    counts = np.bincount(crystal, minlength=crystals) * copies
    sums = np.empty(len(row), np.complex64)
    atoms = _seam.Batch(
        atom_ptr=_seam.row_pointers(counts.tolist()),
        frac=np.ascontiguousarray(images.transpose(1, 2, 0).reshape(-1, 3), np.float32),
        beta=np.repeat(beta.astype(np.float32), copies, axis=0),
        occ=np.repeat(occ.astype(np.float32), copies),
        scatterer=np.repeat(scatterer.astype(np.int32), copies),
        form=form,
        form_ptr=form_ptr,
        hkl=np.ascontiguousarray(table.hkl[row]),
        hkl_ptr=first,
    )
    _seam.structure_factors(atoms, sums, trusted=True)
    if operations.inversion_at_origin:
        return sums.real.astype(np.complex64)
    return sums
