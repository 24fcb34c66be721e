"""Crystals that nobody has listed: in any space group, each a pure function of (seed, index)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from argand.cell import FloatArray
from argand.crystal import Crystal
from argand.errors import ArgandError
from argand.simulate.artificial.attempts import attempt_crystals
from argand.simulate.artificial.elements import SYMBOLS
from argand.simulate.artificial.lattice import cells_of
from argand.simulate.artificial.settings import ArtificialSettings
from argand.simulate.artificial.space_groups import GroupOperations, operations_of
from argand.simulate.random import Purpose, normals, uniforms

__all__ = ["ArtificialCrystals", "CrystalBatch"]

# Crystals that are made at once, so that numpy has long arrays: so many images of a site, and
# between these two numbers of crystals.
_IMAGES_AT_ONCE = 8192
_MOST_AT_ONCE = 1024
_FEWEST_AT_ONCE = 16

# Crystals that do not come about are tried again so often, and up to so many times at once.
_ATTEMPTS = 160
_ATTEMPTS_AT_ONCE = 32

# B of the atoms of a crystal spread about its mean by this standard deviation of the logarithm.
_SPREAD_OF_B = 0.25


class CrystalBatch(NamedTuple):
    """Hold b crystals of one space group and up to n sites; missing sites have share 0."""

    operations: GroupOperations
    #: (b,) index of the sample
    sample: NDArray[np.int64]
    #: (6, b) metric of the cell, A^2: 11 22 33 12 13 23
    metric: FloatArray
    #: (3, b, n) fractional coordinates; 0 for missing sites
    frac: FloatArray
    #: (b, n) number of the element in `argand.simulate.artificial.SYMBOLS`
    code: NDArray[np.int64]
    #: (b, n) occupancy over the number of operations that keep the site in place
    share: FloatArray
    #: (b, n) B, A^2
    b_iso: FloatArray

    def rows(self, rows: slice) -> CrystalBatch:
        """Return some of the crystals."""
        return CrystalBatch(
            operations=self.operations,
            sample=self.sample[rows],
            metric=self.metric[:, rows],
            frac=self.frac[:, rows],
            code=self.code[rows],
            share=self.share[rows],
            b_iso=self.b_iso[rows],
        )

    def crystal(self, row: int) -> Crystal:
        """Return crystal number `row` of the batch."""
        sites = np.flatnonzero(self.share[row])
        symbols = [SYMBOLS[code] for code in self.code[row, sites]]
        return Crystal(
            cell=tuple(cells_of(self.metric[:, row : row + 1])[0]),
            spacegroup=self.operations.spacegroup,
            types=tuple(symbols),
            frac=self.frac[:, row, sites].T,
            b_iso=self.b_iso[row, sites],
            labels=tuple(f"{symbol}{number}" for number, symbol in enumerate(symbols, start=1)),
        )


class ArtificialCrystals:
    """Make artificial crystals; crystal i is a pure function of (seed, i) and the settings.

    Parameters
    ----------
    settings
        Which crystals there are.
    seed
        Seed of all random numbers.
    """

    def __init__(self, settings: ArtificialSettings | None = None, seed: int = 0) -> None:
        self.settings = settings or ArtificialSettings()
        self.seed = seed
        self.spacegroups = tuple(self.settings.spacegroups)
        shares = np.array(list(self.settings.spacegroups.values()))
        self._limits = np.cumsum(shares / shares.sum())[:-1]

    def groups(self, index: NDArray[np.int64]) -> NDArray[np.int64]:
        """Draw the number (b,) in `spacegroups` of the space group of each sample (b,)."""
        uniform = uniforms(self.seed, index, 1, Purpose.CHOICE)[:, 0]
        return np.searchsorted(self._limits, uniform, side="right")

    def crystal(self, index: int) -> Crystal:
        """Make the crystal of one index."""
        return self.draw([index])[0].crystal(0)

    def draw(self, indices: Sequence[int] | NDArray[np.int64] | range) -> list[CrystalBatch]:
        """Make the crystals of the indices (b,), those of each space group together.

        Raises
        ------
        ArgandError
            The settings allow no crystal of a group: molecules that are too large for the cells,
            for instance.
        """
        index = np.asarray(indices, dtype=np.int64)
        if index.ndim != 1 or not len(index):
            raise ValueError(f"indices has shape {index.shape}, needs (b,) with b > 0")
        group = self.groups(index)
        batches = []
        for number in np.unique(group):
            operations = operations_of(self.spacegroups[number])
            members = index[group == number]
            at_once = _IMAGES_AT_ONCE // len(operations.rotations)
            at_once = min(max(at_once, _FEWEST_AT_ONCE), _MOST_AT_ONCE)
            for start in range(0, len(members), at_once):
                batches.append(self._draw(operations, members[start : start + at_once]))
        return batches

    def _draw(self, operations: GroupOperations, index: NDArray[np.int64]) -> CrystalBatch:
        """Make crystals (b,) of one group, again and again until each has come about."""
        sites = self.settings.atoms[1]
        b = len(index)
        metric = np.zeros((6, b))
        frac = np.zeros((3, b, sites))
        code = np.zeros((b, sites), np.int64)
        share = np.zeros((b, sites))
        missing = np.arange(b)
        attempt = 0
        while len(missing):
            if attempt >= _ATTEMPTS:
                raise ArgandError(
                    f"no crystal in {operations.spacegroup} has room for its atoms: "
                    "give a larger volume_per_atom or max_volume, or fewer atoms"
                )
            # Few crystals are tried several times at once: the first attempt that succeeds counts.
            tries = min(max(b // len(missing), 1), _ATTEMPTS_AT_ONCE)
            numbers = np.tile(np.arange(attempt, attempt + tries), len(missing))
            packing, is_done = attempt_crystals(
                self.settings, operations, self.seed, np.repeat(index[missing], tries), numbers
            )
            is_done = is_done.reshape(-1, tries)
            succeeded = np.flatnonzero(is_done.any(axis=1))
            rows = succeeded * tries + is_done[succeeded].argmax(axis=1)
            done = missing[succeeded]
            metric[:, done] = packing.metric[:, rows]
            frac[:, done] = packing.frac[:, rows]
            code[done] = packing.code[rows]
            share[done] = packing.share[rows]
            missing = np.delete(missing, succeeded)
            attempt += tries
        low, high = self.settings.b_iso
        uniform = uniforms(self.seed, index, 1, Purpose.VIBRATION)
        normal = normals(self.seed, index, sites, Purpose.VIBRATION, turn=1)
        b_iso = (low + (high - low) * uniform) * np.exp(_SPREAD_OF_B * normal)
        return CrystalBatch(operations, index, metric, frac, code, share, b_iso)
