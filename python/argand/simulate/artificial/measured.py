"""Artificial crystals as they are measured: unique reflections of many groups, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from argand.cell import FloatArray
from argand.errors import ArgandError
from argand.simulate.artificial.crystals import ArtificialCrystals, CrystalBatch
from argand.simulate.artificial.lattice import cells_of, orthogonal
from argand.simulate.artificial.normalisation import normalised
from argand.simulate.artificial.reflection_table import (
    ReflectionRows,
    ReflectionTable,
    table_of_box,
)
from argand.simulate.artificial.structure_factors import (
    RaggedReflections,
    box_within,
    calculate,
)
from argand.simulate.measurement import Measurement, measure
from argand.symmetry import group_ops, triplets

__all__ = ["ArtificialData", "UniqueReflections"]

# Below this resolution (angstrom) form factors of light atoms are no longer tabulated well, and
# lists become very long.
_SMALLEST_D_MIN = 0.3

# Crystals that are measured at once: arrays of their reflections stay in the cache.
_CRYSTALS_AT_ONCE = 48

# Fields of `UniqueReflections` that have no axis of reflections.
_OF_SAMPLES = ("sample", "group", "cell")


class UniqueReflections(NamedTuple):
    """Hold b samples of up to m unique reflections; entries behind the last one are 0 or False."""

    #: (b,) index of the sample
    sample: NDArray[np.int64]
    #: (b,) number of the space group in `ArtificialData.spacegroups`
    group: NDArray[np.int64]
    #: (b, 6) cells, angstrom and degrees
    cell: FloatArray
    #: (b, m, 3) Miller indices, sorted, in the asymmetric unit of the Laue group
    hkl: NDArray[np.int32]
    #: (b, m) complex64, true structure factors, electrons
    f: NDArray[np.complex64]
    #: (b, m) measured |F|, on the scale of the measurement
    amplitude: NDArray[np.float32]
    #: (b, m) measured |E|: the mean of |E|^2 over shells of resolution is 1
    e: NDArray[np.float32]
    #: (b, m) standard deviation of the measured intensity |F|^2
    sigma: NDArray[np.float32]
    #: (b, m) whether measured
    mask: NDArray[np.bool_]
    #: (b, m) (sin(theta)/lambda)^2, 1/A^2
    stol2: NDArray[np.float32]
    #: (b, m) sum of the form factors of all atoms of the cell, electrons
    in_phase: NDArray[np.float32]
    #: (b, m) number of equivalent reflections, Friedel mates included; 0 where there is none
    multiplicity: NDArray[np.int32]
    #: (b, m) operations, without centring, that map the reflection onto itself
    epsilon: NDArray[np.int32]
    #: (b, m) whether the phase has two possible values
    centric: NDArray[np.bool_]
    #: (b, m) one of the two phases of centric reflections, radians from 0 to below pi
    restricted: NDArray[np.float32]

    @classmethod
    def joined(
        cls, parts: Sequence[UniqueReflections], places: NDArray[np.intp] | None = None
    ) -> UniqueReflections:
        """Join samples with lists of any lengths, filled up to the longest.

        `places` (b,) is where each of the samples goes; None leaves them in their order.
        """
        longest = max(part.mask.shape[1] for part in parts)
        counts = [len(part.sample) for part in parts]
        if places is None:
            places = np.arange(sum(counts))
        fields: dict[str, Any] = {}
        for name in cls._fields:
            first: NDArray[Any] = getattr(parts[0], name)
            width = first.shape[1:] if name in _OF_SAMPLES else (longest, *first.shape[2:])
            joined = np.zeros((len(places), *width), first.dtype)
            begin = 0
            for part, count in zip(parts, counts, strict=True):
                array: NDArray[Any] = getattr(part, name)
                rows = places[begin : begin + count]
                if name in _OF_SAMPLES:
                    joined[rows] = array
                else:
                    joined[rows, : array.shape[1]] = array
                begin += count
            fields[name] = joined
        return cls(**fields)


class ArtificialData:
    """Measure artificial crystals; sample i is a pure function of the seed, i and the settings.

    Parameters
    ----------
    crystals
        Where the crystals come from; their seed is that of the measurement too.
    d_min
        Resolution of the lists of reflections, angstrom.
    measurement
        How they are measured; None: without errors.
    table
        Form factors, see `argand.form_factors`; dispersion is left out.

    Raises
    ------
    ArgandError
        `d_min` is below 0.3 angstrom.
    """

    def __init__(
        self,
        crystals: ArtificialCrystals,
        d_min: float = 1.0,
        measurement: Measurement | None = None,
        table: str = "it92",
    ) -> None:
        if not _SMALLEST_D_MIN <= d_min < np.inf:
            raise ArgandError(
                f"d_min is {d_min}, needs a resolution in angstrom, {_SMALLEST_D_MIN} or more"
            )
        self.crystals = crystals
        self.d_min = d_min
        self.measurement = measurement or Measurement()
        self.table = table

    @property
    def spacegroups(self) -> tuple[str, ...]:
        """Return the names of the space groups that samples can have."""
        return self.crystals.spacegroups

    def draw(self, indices: Sequence[int] | NDArray[np.int64] | range) -> UniqueReflections:
        """Make and measure the samples of the indices (b,), in their order.

        The lists are filled up to the longest of these samples; nothing else depends on the other
        samples.
        """
        index = np.asarray(indices, np.int64)
        parts = []
        for batch in self.crystals.draw(index):
            box = box_within(batch, self.d_min)
            table = table_of_box(batch.operations.spacegroup, box)
            for start in range(0, len(batch.sample), _CRYSTALS_AT_ONCE):
                few = batch.rows(slice(start, start + _CRYSTALS_AT_ONCE))
                parts.append(self.measure(few, table)[0])
        # A sample that is asked for twice was made twice: each takes its own.
        made = np.concatenate([part.sample for part in parts])
        places = np.empty(len(made), np.intp)
        places[np.argsort(made, kind="stable")] = np.argsort(index, kind="stable")
        return UniqueReflections.joined(parts, places)

    def measure(
        self, batch: CrystalBatch, table: ReflectionTable
    ) -> tuple[UniqueReflections, NDArray[np.int64]]:
        """Measure crystals of one group at the reflections of a table.

        Returns
        -------
        The samples, and the row (b, m) of the table of each of their reflections, -1 where there is
        none.
        """
        ragged = calculate(batch, table, self.d_min, self.table)
        lengths = np.diff(ragged.first)
        exists = np.arange(lengths.max()) < lengths[:, None]
        place = np.flatnonzero(exists)

        def padded(values: NDArray[Any], dtype: Any, empty: int = 0) -> NDArray[Any]:
            """Put values (S,) of all reflections into rows (b, m)."""
            rows = np.full(exists.size, empty, dtype)
            rows[place] = values
            return rows.reshape(exists.shape)

        row = padded(ragged.row, np.int64, -1)
        of_table = ReflectionRows(*(column[row] for column in table.with_none))
        f = padded(ragged.f, np.complex64)
        stol2 = padded(ragged.stol2, np.float64)
        spacegroup = batch.operations.spacegroup
        intensity, sigma, mask, _, _ = measure(
            self.measurement,
            self.crystals.seed,
            batch.sample,
            np.abs(f).astype(np.float64),
            np.sqrt(stol2),
            of_table.hkl,
            triplets(group_ops(spacegroup)),
            _reciprocal_axes(batch.metric),
            exists=exists,
            twin=_twin_places(table, ragged, exists),
        )
        measured = np.maximum(intensity, 0.0)
        e = normalised(stol2, lengths, of_table.multiplicity, of_table.epsilon, measured, mask)
        number = self.spacegroups.index(spacegroup)
        reflections = UniqueReflections(
            sample=batch.sample,
            group=np.full(len(batch.sample), number),
            cell=cells_of(batch.metric),
            hkl=of_table.hkl,
            f=f,
            amplitude=(np.sqrt(measured) * mask).astype(np.float32),
            e=e,
            sigma=(sigma * mask).astype(np.float32),
            mask=mask,
            stol2=stol2.astype(np.float32),
            in_phase=padded(ragged.in_phase, np.float32),
            multiplicity=of_table.multiplicity,
            epsilon=of_table.epsilon,
            centric=of_table.centric,
            restricted=of_table.restricted,
        )
        return reflections, row


def _reciprocal_axes(metric: FloatArray) -> FloatArray:
    """Return reciprocal axes (b, 3, 3): the Cartesian vector of hkl is hkl @ axes."""
    t11, t22, t33, t12, t13, t23 = orthogonal(metric)
    zero = np.zeros_like(t11)
    rows = [[t11, t12, t13], [zero, t22, t23], [zero, zero, t33]]
    return np.moveaxis(np.array(rows), -1, 0)


def _twin_places(
    table: ReflectionTable, ragged: RaggedReflections, exists: NDArray[np.bool_]
) -> NDArray[np.int64] | None:
    """Return the place (b, m) in its list of the reflection that a twin adds to each; -1: none."""
    if table.twin is None:
        return None
    places = np.full(exists.shape, -1, np.int64)
    place_of_row = np.full(len(table.hkl) + 1, -1, np.int64)
    for crystal in range(len(exists)):
        rows = ragged.row[ragged.first[crystal] : ragged.first[crystal + 1]]
        place_of_row[rows] = np.arange(len(rows))
        # Row -1 is the last entry, which no list has.
        places[crystal, : len(rows)] = place_of_row[table.twin[rows]]
        place_of_row[rows] = -1
    return places
