"""MTZ files in: merged, with Friedel mates in columns of their own, or unmerged."""

from __future__ import annotations

import re
from typing import Any

import gemmi
import numpy as np

from argand.cell import FloatArray, cell_parameters
from argand.errors import ArgandError
from argand.io._reflections import Reflections
from argand.reflections import as_hkl

__all__ = ["read_mtz"]

_BATCH_HEADER = 80  # bytes, at least


def read_mtz(source: str, data: bytes) -> Reflections:
    """Reflections of an MTZ file.

    The first intensity (J), the first amplitude (F) with a standard deviation, the first phase (P) and the amplitude
    before it are taken; for want of a mean, I(+) and I(-) or F(+) and F(-) become rows of h and -h. An unmerged file
    has its measured indices.
    """
    try:
        _check_header(data)
        mtz = gemmi.read_mtz_file(source)
        if mtz.batches:
            mtz.switch_to_original_hkl()
        values = np.array(mtz.array, dtype=np.float64)
        hkl = as_hkl(mtz.make_miller_array())
    except (RuntimeError, ValueError, IndexError) as error:
        raise ArgandError(f"{source}: no valid MTZ file: {error}") from None
    columns = _Columns(mtz, values)
    wavelengths = [d.wavelength for d in mtz.datasets if d.wavelength > 0]
    about: dict[str, Any] = {
        "cell": cell_parameters(mtz.cell.parameters),
        "spacegroup": mtz.spacegroup.xhm() if mtz.spacegroup else None,
        "wavelength": float(wavelengths[-1]) if wavelengths else None,
        "format": "unmerged MTZ" if mtz.batches else "MTZ",
    }
    phase = columns.first("P")
    intensity = columns.first("J")
    amplitude = next(
        (i for i in columns.of("F") if columns.own_sigma(i) is not None), columns.first("F")
    )
    if intensity is None and (amplitude is None or columns.sigma(amplitude) is None):
        mates = columns.mates("K", "M", "intensity") or columns.mates("G", "L", "amplitude")
        if mates is not None:
            both = Reflections(np.concatenate([hkl, -hkl]), **mates, **about)
            return both[np.isfinite(next(iter(mates.values())))]
    calculated = None
    if phase is not None:
        calculated = next(
            (i for i in reversed(columns.of("F")) if i < phase and i != amplitude), None
        )
    measured = intensity if intensity is not None else amplitude
    return Reflections(
        hkl,
        intensity=columns.values(intensity),
        amplitude=columns.values(amplitude),
        sigma=None if measured is None else columns.values(columns.sigma(measured)),
        amplitude_calc=columns.values(calculated),
        phase=None if phase is None else np.radians(values[:, phase]),
        **about,
    )


class _Columns:
    """Columns by their number in the file."""

    def __init__(self, mtz: gemmi.Mtz, values: FloatArray) -> None:
        self._types = [column.type for column in mtz.columns]
        self._labels = [column.label for column in mtz.columns]
        self._values = values

    def of(self, kind: str) -> list[int]:
        return [i for i, found in enumerate(self._types) if found == kind]

    def first(self, kind: str) -> int | None:
        return next(iter(self.of(kind)), None)

    def own_sigma(self, column: int) -> int | None:
        """The standard deviation of a column: SIGF of F, else the one that follows it."""
        deviations = self.of("Q")
        named = [i for i in deviations if self._labels[i] == f"SIG{self._labels[column]}"]
        return next(iter(named or [i for i in deviations if i == column + 1]), None)

    def sigma(self, column: int) -> int | None:
        """Its own standard deviation, or the only one there is."""
        deviations = self.of("Q")
        own = self.own_sigma(column)
        return deviations[0] if own is None and len(deviations) == 1 else own

    def values(self, column: int | None) -> FloatArray | None:
        return None if column is None else self._values[:, column]

    def mates(self, kind: str, sigma_kind: str, name: str) -> dict[str, Any] | None:
        """Values and standard deviations of (+) and (-), one below the other."""
        pair, sigmas = self.of(kind)[:2], self.of(sigma_kind)[:2]
        if len(pair) < 2:
            return None
        both = {name: np.concatenate([self._values[:, i] for i in pair])}
        if len(sigmas) == 2:
            both["sigma"] = np.concatenate([self._values[:, i] for i in sigmas])
        return both


def _check_header(data: bytes) -> None:
    """Before gemmi believes a damaged header: columns x reflections, and batches, have to fit the file."""
    stated = re.search(rb"NCOL +(\d+) +(\d+) +(\d+)", data)
    size = [int(number) for number in stated.groups()] if stated else []
    if not size or 4 * size[0] * size[1] > len(data) or _BATCH_HEADER * size[2] > len(data):
        raise ValueError("its header states no size, or one beyond that of the file")
    places = [4 * (int.from_bytes(data[4:8], order) - 1) for order in ("little", "big")]
    if not any(data[place : place + 4] == b"VERS" for place in places):
        raise ValueError("its header is not where its first bytes say")
