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
    row: NDArray[np.intp]
    #: (S,) stol^2, 1/A^2
    stol2: FloatArray
    #: (S,) complex64, structure factors, electrons
    f: NDArray[np.complex64]
    #: (S,) sum of the form factors of all atoms of the cell, electrons
    in_phase: FloatArray

    @property
    def crystal(self) -> NDArray[np.int64]:
        """Return the number (S,) of the crystal of each reflection."""
        return np.repeat(np.arange(len(self.first) - 1), np.diff(self.first))


def box_within(batch: CrystalBatch, d_min: float) -> tuple[int, int, int]:
    """Return the indices H, K, L that no reflection of a batch exceeds down to d_min, angstrom."""
    return _box(np.sqrt(batch.metric[:3].max(axis=1)), d_min)


def _box(edges: FloatArray, d_min: float) -> tuple[int, int, int]:
    """Return indices H, K, L, in steps, that no reflection exceeds down to d_min, angstrom."""
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
    first, row, squares = _within(batch.metric, inverse, table, d_min)
    codes = np.unique(batch.code[batch.share > 0.0])
    form = at_squares([SYMBOLS[code] for code in codes], squares, form_table)
    content = _content(batch, codes)
    lengths = np.diff(first)
    in_phase = np.zeros(len(squares))
    for number in range(len(codes)):
        in_phase += np.repeat(content[:, number], lengths) * np.abs(form[number])
    f = _sum(batch, table, first, row, codes, form.astype(np.float32), inverse)
    return RaggedReflections(first, row, squares, f, in_phase)


def _within(
    metric: FloatArray, inverse: FloatArray, table: ReflectionTable, d_min: float
) -> tuple[NDArray[np.int64], NDArray[np.intp], FloatArray]:
    """Return where each list begins (b + 1,), the rows (S,) of the table in it, and stol^2 (S,).

    `metric` and `inverse` (6, b) are the metrics of the cells, A^2, and their inverses.
    """
    limit = _ON_THE_LIMIT * np.square(0.5 / d_min)
    matrices = np.ascontiguousarray(inverse[[[0, 3, 4], [3, 1, 5], [4, 5, 2]]].transpose(2, 0, 1))
    rows = []
    squares = []
    # The largest indices within the resolution are the edges of the cell over it.
    for edges, matrix in zip(np.sqrt(metric[:3]).T, matrices, strict=True):
        rows_of_box, hkl = table.within_box(_box(edges, d_min))
        all_squares = np.empty(len(hkl))
        _seam.stol_squares(hkl, matrix, all_squares)
        row = np.flatnonzero(all_squares <= limit)
        rows.append(rows_of_box[row])
        squares.append(all_squares[row])
    first = _seam.row_pointers(map(len, rows))
    return first, np.concatenate(rows), np.concatenate(squares)


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
    # Row (element, crystal) of the form factors lies behind all crystals of the elements before.
    scatterer = element * crystals + crystal
    reflections = len(row)
    begins = np.arange(len(codes))[:, None] * reflections + first[:-1]
    form_ptr = np.append(begins.reshape(-1), len(codes) * reflections)
    counts = np.bincount(crystal, minlength=crystals) * copies
    sums = np.empty(reflections, np.complex64)
    atoms = _seam.Batch(
        atom_ptr=_seam.row_pointers(counts.tolist()),
        frac=np.ascontiguousarray(images.transpose(1, 2, 0).reshape(-1, 3), np.float32),
        beta=np.repeat(beta.astype(np.float32), copies, axis=0),
        occ=np.repeat(occ.astype(np.float32), copies),
        scatterer=np.repeat(scatterer.astype(np.int32), copies),
        form=form.reshape(-1),
        form_ptr=form_ptr.astype(np.int64),
        hkl=np.ascontiguousarray(table.hkl[row]),
        hkl_ptr=first,
    )
    _seam.structure_factors(atoms, sums, trusted=True)
    if operations.inversion_at_origin:
        return sums.real.astype(np.complex64)
    return sums
